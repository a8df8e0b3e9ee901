/** Predicates that cannot be TRUE when certain columns are NULL: what turns outer joins into inner ones and lets
 *  outer joins be reordered. */
import type { ColId } from '../../types/ids.js';
import type { Expr } from '../expr.js';

/** Never TRUE for a row in which all of `columns` are NULL. */
export function rejectsNulls(e: Expr | undefined, columns: ReadonlySet<ColId>): boolean {
  if (e === undefined) return false;
  switch (e.kind) {
    case 'and':
      return e.args.some((a) => rejectsNulls(a, columns));
    case 'or':
      return e.args.every((a) => rejectsNulls(a, columns));
    case 'const':
      return e.value !== true;
    case 'isnull':
      return e.negated && isNullWith(e.arg, columns);
    case 'istruth':
      // IS TRUE, IS FALSE of something unknown are false.
      return !e.negated && isNullWith(e.arg, columns);
    case 'distinct':
      // IS NOT DISTINCT FROM something never null.
      return (
        e.negated &&
        ((isNullWith(e.left, columns) && e.right.kind === 'const' && e.right.value !== null) ||
          (isNullWith(e.right, columns) && e.left.kind === 'const' && e.left.value !== null))
      );
    case 'not':
      return isNullWith(e.arg, columns) || neverFalseWith(e.arg, columns);
    default:
      return isNullWith(e, columns);
  }
}

/** Never FALSE when the columns are NULL, so that NOT of it is never TRUE. */
function neverFalseWith(e: Expr, columns: ReadonlySet<ColId>): boolean {
  switch (e.kind) {
    case 'and':
      return e.args.every((a) => isNullWith(a, columns) || neverFalseWith(a, columns));
    case 'or':
      return e.args.some((a) => isNullWith(a, columns) || neverFalseWith(a, columns));
    case 'const':
      return e.value !== false;
    case 'isnull':
      return !e.negated && isNullWith(e.arg, columns);
    default:
      return isNullWith(e, columns);
  }
}

/** NULL whenever all of the columns are NULL. */
export function isNullWith(e: Expr, columns: ReadonlySet<ColId>): boolean {
  switch (e.kind) {
    case 'col':
      return columns.has(e.id);
    case 'const':
      return e.value === null;
    case 'call':
      return isStrict(e.fn) && e.args.some((a) => isNullWith(a, columns));
    case 'cmp':
      return isNullWith(e.left, columns) || isNullWith(e.right, columns);
    case 'not':
      return isNullWith(e.arg, columns);
    case 'like':
      return isNullWith(e.arg, columns) || isNullWith(e.pattern, columns);
    case 'in':
      return isNullWith(e.arg, columns) && e.list.length > 0;
    case 'and':
    case 'or':
      return e.args.every((a) => isNullWith(a, columns));
    case 'coalesce':
    case 'greatest':
    case 'least':
      return e.args.every((a) => isNullWith(a, columns));
    case 'case':
      return (
        e.whens.every((w) => isNullWith(w.then, columns)) &&
        (e.otherwise === undefined || isNullWith(e.otherwise, columns))
      );
    default:
      return false;
  }
}

/** Operators and casts are strict, and so are the functions named here; the registry knows the rest, but a missed
 *  one only misses a rewrite. */
const STRICT =
  /^(cast|abs|upper|lower|substring|substr|length|char_length|extract|date_part|date_trunc|round|ceil|floor|trunc|mod|power|sqrt|trim|btrim|ltrim|rtrim|left|right|position|strpos|replace|to_char|to_date)\(/;

export function isStrict(fn: string): boolean {
  return STRICT.test(fn) || /^[-+*/%^~|&#<>=!@]+\(/.test(fn);
}
