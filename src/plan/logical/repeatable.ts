/** Whether a query gives the same rows every time it runs over one snapshot.
 *
 *  A WITH query that is read more than once may run once a reading only when it does. What does not: volatile functions;
 *  LIMIT and DISTINCT ON, where ties or no order leave a choice; sums of floats, whose last digits depend on the order
 *  of addition; strings and arrays aggregated in no order. The rows of a shared plan are the same whenever read. */
import type { AggCall } from '../expr.js';
import { col, exprKey, isVolatile } from '../expr-util.js';
import { walkExpr } from '../expr-walk.js';
import type { DistinctOn, LogicalPlan } from './nodes.js';
import { exprsOf, inputsOf, somePlanExpr } from './transform.js';

const ROUNDED = new Set(['sum', 'avg', 'stddev_samp', 'stddev_pop', 'var_samp', 'var_pop']);
const ORDERED = new Set(['string_agg', 'array_agg', 'any_value']);

/** What keeps the plan from repeating, in words for a message; undefined when it does repeat. */
export function unrepeatable(plan: LogicalPlan): string | undefined {
  return somePlanExpr(plan, isVolatile) ? 'volatile functions' : unrepeatableNode(plan);
}

function unrepeatableNode(plan: LogicalPlan): string | undefined {
  if (plan.kind === 'distinctOn' && !keepsSameRows(plan)) return 'DISTINCT ON';
  if (plan.kind === 'limit' && !isTotallyOrdered(plan.input)) return 'LIMIT';
  let found: string | undefined;
  if (plan.kind === 'aggregate') for (const a of plan.aggs) found ??= unrepeatableAggregate(a);
  for (const e of exprsOf(plan))
    walkExpr(e, (x) => {
      if (x.kind === 'subquery') found ??= unrepeatableNode(x.plan);
    });
  for (const i of inputsOf(plan)) found ??= unrepeatableNode(i);
  return found;
}

/** Whether the aggregate gives one result for its input, in whatever order that comes. */
export function isRepeatable(a: AggCall): boolean {
  return unrepeatableAggregate(a) === undefined;
}

function unrepeatableAggregate(a: AggCall): string | undefined {
  const float = a.args.some((x) => {
    const type = x.kind === 'cmp' ? undefined : 'type' in x ? x.type : undefined;
    return type?.kind === 'float4' || type?.kind === 'float8';
  });
  if (float && ROUNDED.has(a.name)) return 'sums of floating-point numbers';
  if (ORDERED.has(a.name) && a.orderBy.length === 0 && !a.distinct) return `${a.name} in no order`;
  return undefined;
}

/** Either ties are kept together, or there are none but of equal rows. */
function keepsSameRows(plan: DistinctOn): boolean {
  if (plan.rows?.ties === true && plan.rows.offset === undefined) return true;
  const known = new Set([...plan.keys.map(col), ...plan.order.map((k) => k.expr)].map(exprKey));
  return plan.cols.every((c) => known.has(exprKey(col(c))));
}

/** Sorted by every column it yields: ties are equal rows. */
function isTotallyOrdered(plan: LogicalPlan): boolean {
  if (plan.kind === 'project') {
    // Hidden sort columns are dropped above the sort: what is left must still be in the keys.
    return (
      plan.exprs.every((e) => e.kind === 'col') &&
      isOrderedBy(plan.input, new Set(plan.cols.map((c) => c.id)))
    );
  }
  return isOrderedBy(plan, new Set(plan.cols.map((c) => c.id)));
}

function isOrderedBy(plan: LogicalPlan, columns: ReadonlySet<number>): boolean {
  if (plan.kind !== 'sort') return false;
  const keys = new Set(plan.keys.map((k) => exprKey(k.expr)));
  return [...columns].every((id) =>
    plan.cols.some(
      (c) => c.id === id && keys.has(exprKey({ kind: 'col', id: c.id, type: c.type, nullable: c.nullable })),
    ),
  );
}
