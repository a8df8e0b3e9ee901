/** The value of one bound expression over one row, in TypeScript: defaults of COPY, arguments of EXECUTE, COPY's WHERE.
 *
 *  AND, OR, CASE and COALESCE evaluate no more than they need, from left to right, as PostgreSQL does. 0A000 for what
 *  only the engine computes (subqueries). Queries never come here: the engine compiles them. */
import { compareValues } from '../types/compare.js';
import { compileLike } from '../types/functions/like.js';
import { functionById } from '../types/functions/registry.js';
import type { FunctionContext } from '../types/functions/registry-types.js';
import type { ColId } from '../types/ids.js';
import { notSupported, SqlError, unreachable } from '../types/sql-error.js';
import type { SqlType } from '../types/sql-type.js';
import type { Value } from '../types/value.js';
import type { CmpOp, Expr } from './expr.js';
import { exprType } from './expr-util.js';

export type Surroundings = {
  readonly functions: FunctionContext;
  readonly params?: readonly Value[];
  /** Columns of the row; absent where there are none. */
  readonly column?: (id: ColId) => Value;
};

export function evaluate(e: Expr, s: Surroundings): Value {
  switch (e.kind) {
    case 'const':
      return e.value;
    case 'param':
      return s.params?.[e.index] ?? null;
    case 'col':
      if (s.column === undefined) throw notSupported('this expression outside of a query');
      return s.column(e.id);
    case 'call': {
      const def = functionById(e.fn);
      if (def === undefined) throw new SqlError('42883', `function ${e.fn} does not exist`);
      const args = e.args.map((a) => evaluate(a, s));
      if (def.strict && args.includes(null)) return null;
      return def.impl(args, s.functions, e.args.map(exprType), e.type);
    }
    case 'cmp':
      return compare(e.op, exprType(e.left), evaluate(e.left, s), evaluate(e.right, s));
    case 'distinct': {
      const [left, right] = [evaluate(e.left, s), evaluate(e.right, s)];
      const same = left === null || right === null ? left === right : isEqual(exprType(e.left), left, right);
      return same === e.negated;
    }
    case 'and':
    case 'or': {
      const decisive = e.kind === 'or';
      let result: Value = !decisive;
      for (const a of e.args) {
        const v = evaluate(a, s);
        if (v === decisive) return decisive;
        if (v === null) result = null;
      }
      return result;
    }
    case 'not':
      return negated(evaluate(e.arg, s));
    case 'isnull':
      return (evaluate(e.arg, s) === null) !== e.negated;
    case 'istruth':
      return (evaluate(e.arg, s) === e.truth) !== e.negated;
    case 'case': {
      for (const w of e.whens) if (evaluate(w.when, s) === true) return evaluate(w.then, s);
      return e.otherwise === undefined ? null : evaluate(e.otherwise, s);
    }
    case 'coalesce':
      for (const a of e.args) {
        const v = evaluate(a, s);
        if (v !== null) return v;
      }
      return null;
    case 'greatest':
    case 'least': {
      const sign = e.kind === 'greatest' ? 1 : -1;
      let best: Value = null;
      for (const a of e.args) {
        const v = evaluate(a, s);
        if (v !== null && (best === null || sign * compareValues(e.type, v, best) > 0)) best = v;
      }
      return best;
    }
    case 'in':
      return inList(e, s);
    case 'like': {
      const [arg, pattern] = [evaluate(e.arg, s), evaluate(e.pattern, s)];
      if (arg === null || pattern === null) return null;
      const matches = compileLike(pattern as string, e.escape, e.caseInsensitive)(arg as string);
      return matches !== e.negated;
    }
    case 'subquery':
      throw notSupported('this expression outside of a query');
    default:
      return unreachable(e);
  }
}

function inList(e: Extract<Expr, { kind: 'in' }>, s: Surroundings): Value {
  const arg = evaluate(e.arg, s);
  if (arg === null) return null;
  const type = exprType(e.arg);
  let found: Value = false;
  for (const x of e.list) {
    const v = evaluate(x, s);
    if (v === null) found = null;
    else if (isEqual(type, arg, v)) return !e.negated;
  }
  return e.negated ? negated(found) : found;
}

function negated(v: Value): Value {
  return v === null ? null : !v;
}

function isEqual(type: SqlType, a: Value, b: Value): boolean {
  return compareValues(type, a, b) === 0;
}

function compare(op: CmpOp, type: SqlType, left: Value, right: Value): Value {
  if (left === null || right === null) return null;
  const order = compareValues(type, left, right);
  switch (op) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** Calls that give a value for every argument. */
const TOTAL =
  /^(cast\((int2|int4),(int4|int8|numeric|float8)\)|cast\((varchar|bpchar|name),text\)|cast\((date|timestamp),timestamp\)|stored value\(|(lower|upper|length|char_length|trim|btrim|ltrim|rtrim)\()/;

/** False: no row can make it fail. */
export function canFail(e: Expr): boolean {
  switch (e.kind) {
    case 'col':
    case 'const':
    case 'param':
      return false;
    case 'call':
      return !TOTAL.test(e.fn) || e.args.some(canFail);
    case 'cmp':
    case 'distinct':
      return canFail(e.left) || canFail(e.right);
    case 'and':
    case 'or':
    case 'coalesce':
    case 'greatest':
    case 'least':
      return e.args.some(canFail);
    case 'not':
    case 'isnull':
    case 'istruth':
      return canFail(e.arg);
    case 'case':
      return (
        e.whens.some((w) => canFail(w.when) || canFail(w.then)) ||
        (e.otherwise !== undefined && canFail(e.otherwise))
      );
    case 'in':
      return canFail(e.arg) || e.list.some(canFail);
    case 'like':
      // A pattern that ends in its escape character is an error.
      return (
        canFail(e.arg) ||
        e.pattern.kind !== 'const' ||
        /\\/.test(String(e.pattern.value)) ||
        e.escape !== '\\'
      );
    case 'subquery':
      return true;
    default:
      return unreachable(e);
  }
}
