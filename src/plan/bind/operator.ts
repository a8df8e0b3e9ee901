/** Operators: comparisons become `cmp`, LIKE becomes `like`, everything else a call of the registry.
 *
 *  Source: PostgreSQL 15, chapter 10.2. 42883 with PostgreSQL's hint when no operator fits. */
import { resolveOperator } from '../../types/functions/registry.js';
import type { SqlError } from '../../types/sql-error.js';
import { isStringType, type SqlType, TEXT, typeName } from '../../types/sql-type.js';
import type { CmpOp, Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import { coerce, coerceTo } from './coerce.js';
import type { BindContext } from './context.js';
import { makeCall } from './fold.js';
import { narrowComparison } from './narrow-comparison.js';
import { bare, comparisonType } from './type-family.js';

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

export function isCmpOp(op: string): op is CmpOp {
  return COMPARISONS.has(op);
}

export function noOperator(
  ctx: BindContext,
  op: string,
  left: SqlType | undefined,
  right: SqlType,
  location: number | undefined,
): SqlError {
  const l = left === undefined ? '' : `${typeName(bare(left))} `;
  return ctx.error('42883', `operator does not exist: ${l}${op} ${typeName(bare(right))}`, location, {
    hint: `No operator matches the given name and argument ${left === undefined ? 'type' : 'types'}. You might need to add ${left === undefined ? 'an explicit type cast' : 'explicit type casts'}.`,
  });
}

/** `left op right` for any binary operator. */
export function bindOperator(
  ctx: BindContext,
  op: string,
  left: Expr,
  right: Expr,
  location: number | undefined,
): Expr {
  const name = op === '!=' ? '<>' : op;
  if (isCmpOp(name)) return bindComparison(ctx, name, left, right, location);
  switch (name) {
    case '~~':
      return bindLike(ctx, left, right, '\\', false, false, location);
    case '!~~':
      return bindLike(ctx, left, right, '\\', false, true, location);
    case '~~*':
      return bindLike(ctx, left, right, '\\', true, false, location);
    case '!~~*':
      return bindLike(ctx, left, right, '\\', true, true, location);
    default:
      return callOperator(ctx, name, [left, right], location);
  }
}

export function bindPrefix(ctx: BindContext, op: string, arg: Expr, location: number | undefined): Expr {
  return callOperator(ctx, op, [arg], location);
}

function callOperator(
  ctx: BindContext,
  op: string,
  args: readonly Expr[],
  location: number | undefined,
): Expr {
  const types = args.map(exprType);
  const found =
    types.length === 1 ? resolveOperator(op, undefined, types[0]) : resolveOperator(op, types[0], types[1]);
  if ('error' in found) throw found.error.with({ position: ctx.position(location) });
  const cast = args.map((a, i) => coerceTo(ctx, a, found.argTypes[i]));
  return ctx.at(makeCall(ctx, found.def, cast), location ?? 0);
}

/** Both operands in the type in which they are compared; undefined when there is none. */
export function comparable(
  ctx: BindContext,
  left: Expr,
  right: Expr,
): { readonly left: Expr; readonly right: Expr } | undefined {
  const type = comparisonType(exprType(left), exprType(right));
  if (type === undefined) return undefined;
  const l = coerce(ctx, left, type, 'implicit');
  const r = coerce(ctx, right, type, 'implicit');
  return l === undefined || r === undefined ? undefined : { left: l, right: r };
}

export function bindComparison(
  ctx: BindContext,
  op: CmpOp,
  left: Expr,
  right: Expr,
  location: number | undefined,
): Expr {
  const pair = comparable(ctx, left, right);
  if (pair === undefined) throw noOperator(ctx, op, exprType(left), exprType(right), location);
  return ctx.at(narrowComparison({ kind: 'cmp', op, left: pair.left, right: pair.right }), location ?? 0);
}

export function bindDistinct(
  ctx: BindContext,
  negated: boolean,
  left: Expr,
  right: Expr,
  location: number | undefined,
): Expr {
  const pair = comparable(ctx, left, right);
  if (pair === undefined) throw noOperator(ctx, '=', exprType(left), exprType(right), location);
  return { kind: 'distinct', negated, left: pair.left, right: pair.right };
}

/** `arg IN (list)`: one `in` when all meet in one type, which is how PostgreSQL makes it an array comparison. */
export function bindInList(
  ctx: BindContext,
  arg: Expr,
  list: readonly Expr[],
  negated: boolean,
  location: number | undefined,
): Expr {
  let type: SqlType | undefined = exprType(arg);
  for (const x of list) {
    const t: SqlType | undefined = type === undefined ? undefined : comparisonType(type, exprType(x));
    if (t === undefined) throw noOperator(ctx, negated ? '<>' : '=', exprType(arg), exprType(x), location);
    type = t;
  }
  const target = comparisonType(type, type) ?? TEXT;
  const left = coerceTo(ctx, arg, target);
  const right = list.map((x) => coerceTo(ctx, x, target));
  if (right.length === 1) return bindComparison(ctx, negated ? '<>' : '=', left, right[0], location);
  return { kind: 'in', arg: left, list: right, negated };
}

export function bindLike(
  ctx: BindContext,
  left: Expr,
  right: Expr,
  escapeChar: string,
  caseInsensitive: boolean,
  negated: boolean,
  location: number | undefined,
): Expr {
  const fits = (t: SqlType): boolean => isStringType(t) || t.kind === 'unknown';
  if (!fits(exprType(left)) || !fits(exprType(right))) {
    const op = `${negated ? '!' : ''}~~${caseInsensitive ? '*' : ''}`;
    throw noOperator(ctx, op, exprType(left), exprType(right), location);
  }
  // char(n) keeps its padding under LIKE: bpchar has the operator itself.
  const keep = exprType(left).kind === 'bpchar' || exprType(left).kind === 'varchar';
  const arg = keep ? left : coerceTo(ctx, left, TEXT);
  return {
    kind: 'like',
    arg,
    pattern: coerceTo(ctx, right, TEXT),
    escape: escapeChar,
    caseInsensitive,
    negated,
  };
}

/** Row comparison, PostgreSQL 15 chapter 9.24.5: lexicographic for the orderings. */
export function compareRows(
  ctx: BindContext,
  op: CmpOp,
  left: readonly Expr[],
  right: readonly Expr[],
  location: number | undefined,
): Expr {
  if (left.length !== right.length)
    throw ctx.error('42601', 'unequal number of entries in row expressions', location);
  if (left.length === 0) throw ctx.error('0A000', 'cannot compare rows of zero length', location);
  const pair = (o: CmpOp, i: number): Expr => bindComparison(ctx, o, left[i], right[i], location);
  if (left.length === 1) return pair(op, 0);
  if (op === '=') return { kind: 'and', args: left.map((_, i) => pair('=', i)) };
  if (op === '<>') return { kind: 'or', args: left.map((_, i) => pair('<>', i)) };
  const strict: CmpOp = op === '<' || op === '<=' ? '<' : '>';
  let result = pair(op, left.length - 1);
  for (let i = left.length - 2; i >= 0; i--)
    result = { kind: 'or', args: [pair(strict, i), { kind: 'and', args: [pair('=', i), result] }] };
  return result;
}
