/** Aggregates first, joins after: `SELECT c, count(o) FROM customer LEFT JOIN orders ... GROUP BY c` counts the orders of
 *  each key before the join, so that groups move and meet the join instead of rows (TPC-H Q13).
 *
 *  Only when every aggregate reads the joined side alone, every group column the other, the join is on plain equal
 *  columns, and the side has many rows a key. Not for avg, variance, DISTINCT, FILTER: their parts do not add up by
 *  SQL's own aggregates. Source: Yan and Larson, "Eager aggregation and lazy aggregation", VLDB 1995. */
import type { ColId } from '../../types/ids.js';
import { INT8, type SqlType } from '../../types/sql-type.js';
import { distinctRows } from '../cost/estimate.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { col, columnsOf, conjuncts, constant, exprNullable, exprType, isVolatile } from '../expr-util.js';
import { aggregate, join, project } from '../logical/builders.js';
import type { Aggregate, Join, LogicalPlan } from '../logical/nodes.js';
import { idsOf, transformPlan } from '../logical/transform.js';
import { freshColumn, type Rule, type RuleContext } from './rule.js';

/** Rows a key, at least, for the extra aggregate to pay. */
const REDUCTION_MIN = 4;

export const preaggregateJoinInputs: Rule = {
  name: 'PreaggregateJoinInputs',
  apply: (plan, ctx) =>
    transformPlan(plan, (p) =>
      p.kind === 'aggregate' && p.input.kind === 'join' ? (rewrite(p, p.input, ctx) ?? p) : p,
    ),
};

function rewrite(p: Aggregate, j: Join, ctx: RuleContext): LogicalPlan | undefined {
  if (p.groups.length === 0 || p.aggs.length === 0 || j.nullAware) return undefined;
  if (j.type !== 'inner' && j.type !== 'left') return undefined;
  return (
    onSide(p, j, j.right, j.left, ctx) ??
    (j.type === 'inner' ? onSide(p, j, j.left, j.right, ctx) : undefined)
  );
}

function onSide(
  p: Aggregate,
  j: Join,
  side: LogicalPlan,
  other: LogicalPlan,
  ctx: RuleContext,
): LogicalPlan | undefined {
  const mine = idsOf(side.cols);
  const theirs = idsOf(other.cols);
  if (!p.groups.every((g) => theirs.has(g.id))) return undefined;
  if (!p.aggs.every((a) => isAdditive(a, j.type) && reads(a, mine))) return undefined;
  const keys: Column[] = [];
  for (const c of conjuncts(j.predicate)) {
    if (c.kind !== 'cmp' || c.op !== '=' || c.left.kind !== 'col' || c.right.kind !== 'col') return undefined;
    const id = mine.has(c.left.id) ? c.left.id : c.right.id;
    const key = side.cols.find((x) => x.id === id);
    if (key === undefined || mine.has(c.left.id) === mine.has(c.right.id)) return undefined;
    if (!keys.some((k) => k.id === id)) keys.push(key);
  }
  if (keys.length === 0) return undefined;
  const input = ctx.estimator.of(side);
  const groups = distinctRows(
    input,
    keys.map((k) => k.id),
  );
  if (input.rows < REDUCTION_MIN * groups) return undefined;
  const parts = p.aggs.map((a) => inParts(a, j.type === 'left', ctx));
  const first = aggregate(
    side,
    keys,
    parts.map((x) => x.first),
  );
  const joined =
    side === j.right ? join(j.type, j.left, first, j.predicate) : join(j.type, first, j.right, j.predicate);
  const second = aggregate(
    joined,
    p.groups,
    parts.map((x) => x.second),
  );
  return project(
    second,
    [...p.groups.map(col), ...parts.map((x) => x.result)],
    [...p.groups, ...p.aggs.map((a) => a.out)],
  );
}

function reads(a: AggCall, side: ReadonlySet<ColId>): boolean {
  return a.args.every((e) => !isVolatile(e) && [...columnsOf(e)].every((id) => side.has(id)));
}

function isAdditive(a: AggCall, type: Join['type']): boolean {
  if (a.distinct || a.filter !== undefined || a.orderBy.length > 0) return false;
  switch (a.name) {
    case 'count_star':
      // A left row without a match counts one.
      return type === 'inner';
    case 'count':
      // Of a constant, too.
      return a.args.every((e) => columnsOf(e).size > 0 && (type === 'inner' || nullWithoutRow(e)));
    case 'sum':
    case 'min':
    case 'max':
      return a.args.every((e) => columnsOf(e).size > 0 && (type === 'inner' || nullWithoutRow(e)));
    default:
      return false;
  }
}

/** A plain column is NULL in a null-extended row; an expression over it may not be. */
function nullWithoutRow(e: Expr): boolean {
  return e.kind === 'col';
}

type Parts = { readonly first: AggCall; readonly second: AggCall; readonly result: Expr };

function inParts(a: AggCall, extended: boolean, ctx: RuleContext): Parts {
  const joined = (c: Column): Expr => col(extended ? { ...c, nullable: true } : c);
  const call = (name: AggCall['name'], args: readonly Expr[], type: SqlType, nullable: boolean): AggCall => ({
    out: freshColumn(ctx, a.out.name, type, nullable),
    name,
    args,
    distinct: false,
    filter: undefined,
    orderBy: [],
  });
  switch (a.name) {
    case 'count':
    case 'count_star': {
      const first = call(a.name, a.args, INT8, false);
      const second = call('sum', [joined(first.out)], SUM_OF_INT8, extended);
      const total: Expr = { kind: 'call', fn: 'cast(numeric,int8)', args: [col(second.out)], type: INT8 };
      return { first, second, result: { kind: 'coalesce', args: [total, constant(0n, INT8)], type: INT8 } };
    }
    case 'sum': {
      const nullable = a.args.some(exprNullable);
      const first = call('sum', a.args, a.out.type, nullable);
      // The sum of bigint sums is numeric; of numeric sums numeric of their scale.
      const again = a.out.type.kind === 'int8' ? SUM_OF_INT8 : a.out.type;
      const second = call('sum', [joined(first.out)], again, extended || nullable);
      const total = col(second.out);
      const result: Expr =
        a.out.type.kind === 'int8'
          ? { kind: 'call', fn: 'cast(numeric,int8)', args: [total], type: INT8 }
          : total;
      return { first, second, result };
    }
    default: {
      const first = call(a.name, a.args, exprType(a.args[0]), a.args.some(exprNullable));
      const second = call(a.name, [joined(first.out)], a.out.type, extended || first.out.nullable);
      return { first, second, result: col(second.out) };
    }
  }
}

const SUM_OF_INT8: SqlType = { kind: 'numeric', precision: 32, scale: 0 };
