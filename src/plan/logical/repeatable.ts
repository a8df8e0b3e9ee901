/** Whether a query gives the same rows every time it runs over one snapshot.
 *
 *  A WITH query that is read more than once may run once a reading only when it does. What does not: volatile functions;
 *  LIMIT and DISTINCT ON, where ties or no order leave a choice; sums of floats, whose last digits depend on the order
 *  of addition; strings and arrays aggregated in no order. The rows of a shared plan are the same whenever read. */
import type { ColId } from '../../types/ids.js';
import type { AggCall } from '../expr.js';
import { col, columnsOf, exprKey, isVolatile } from '../expr-util.js';
import { walkExpr } from '../expr-walk.js';
import type { DistinctOn, LogicalPlan, Project } from './nodes.js';
import { exprsOf, idsOf, inputsOf, somePlanExpr } from './transform.js';

const ROUNDED = new Set(['sum', 'avg', 'stddev_samp', 'stddev_pop', 'var_samp', 'var_pop']);
const ORDERED = new Set(['string_agg', 'array_agg', 'any_value']);

/** What keeps the plan from repeating, in words for a message; undefined when it does repeat. */
export function unrepeatable(plan: LogicalPlan): string | undefined {
  return somePlanExpr(plan, isVolatile) ? 'volatile functions' : unrepeatableNode(plan, idsOf(plan.cols));
}

/** `wanted`: the columns that matter. Rows that differ in others are equal: a LIMIT may take either. */
function unrepeatableNode(plan: LogicalPlan, wanted: ReadonlySet<ColId>): string | undefined {
  if (plan.kind === 'distinctOn' && !keepsSameRows(plan, wanted)) return 'DISTINCT ON';
  if (plan.kind === 'limit' && !isTotallyOrdered(plan.input, wanted)) return 'LIMIT';
  let found: string | undefined;
  if (plan.kind === 'aggregate')
    for (const a of plan.aggs) if (wanted.has(a.out.id)) found ??= unrepeatableAggregate(a);
  for (const e of exprsOf(plan))
    walkExpr(e, (x) => {
      if (x.kind === 'subquery') found ??= unrepeatableNode(x.plan, idsOf(x.plan.cols));
    });
  for (const [k, i] of inputsOf(plan).entries()) found ??= unrepeatableNode(i, wantedOf(plan, k, wanted));
  return found;
}

/** The columns of the k-th input that decide the wanted ones and which rows there are. */
function wantedOf(plan: LogicalPlan, k: number, wanted: ReadonlySet<ColId>): ReadonlySet<ColId> {
  const read = new Set<ColId>();
  switch (plan.kind) {
    case 'project':
      for (const [i, c] of plan.cols.entries()) if (wanted.has(c.id)) columnsOf(plan.exprs[i], read);
      return read;
    case 'setop':
      for (const [i, c] of plan.cols.entries())
        if (wanted.has(c.id) || plan.op !== 'union' || !plan.all) read.add(plan.inputCols[k][i].id);
      return read;
    case 'aggregate':
      for (const g of plan.groups) read.add(g.id);
      break;
    case 'distinctOn':
      for (const c of plan.keys) read.add(c.id);
      break;
  }
  for (const e of exprsOf(plan)) columnsOf(e, read);
  if (plan.kind !== 'aggregate') for (const id of wanted) read.add(id);
  return read;
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
function keepsSameRows(plan: DistinctOn, wanted: ReadonlySet<ColId>): boolean {
  if (plan.rows?.ties === true && plan.rows.offset === undefined) return true;
  const known = new Set([...plan.keys.map(col), ...plan.order.map((k) => k.expr)].map(exprKey));
  return plan.cols.every((c) => !wanted.has(c.id) || known.has(exprKey(col(c))));
}

/** Sorted by every column that is wanted of it: ties are equal rows. */
function isTotallyOrdered(plan: LogicalPlan, wanted: ReadonlySet<ColId>): boolean {
  // Only how many rows there are.
  if (wanted.size === 0) return true;
  if (plan.kind === 'project')
    // The wanted columns must be the sort's own.
    return isTotallyOrdered(plan.input, wanted) && [...wanted].every((id) => passes(plan, id));
  if (plan.kind !== 'sort') return false;
  const keys = new Set(plan.keys.map((k) => exprKey(k.expr)));
  return plan.cols.every((c) => !wanted.has(c.id) || keys.has(exprKey(col(c))));
}

function passes(plan: Project, id: ColId): boolean {
  const i = plan.cols.findIndex((c) => c.id === id);
  if (i < 0) return true;
  const e = plan.exprs[i];
  return e.kind === 'col' && e.id === id;
}
