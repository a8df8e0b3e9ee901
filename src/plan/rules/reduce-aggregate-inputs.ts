/** An aggregate that is joined on a group key need not see groups that the other side cannot ask for.
 *
 *  `part JOIN (SELECT l_partkey, avg(l_quantity) FROM lineitem GROUP BY l_partkey)` with a filter on part: the filtered
 *  part, once more, as a semi join below the aggregate. This is what decorrelation leaves of TPC-H Q2, Q17 and Q20. Only
 *  from a filtered table that keeps a small share of its keys, so that reading it twice costs less than aggregating
 *  the rest. Right for the far side of inner, left and semi joins: groups without a partner give nothing there.
 *  Source: magic sets, Mumick and Pirahesh 1994; "sideways information passing" for one hop. */
import type { ColId } from '../../types/ids.js';
import type { Estimator } from '../cost/derive.js';
import { columnOf } from '../cost/estimate.js';
import type { Expr } from '../expr.js';
import { cmp, col, conjuncts, isVolatile } from '../expr-util.js';
import { join, pick } from '../logical/builders.js';
import type { Aggregate, Join, LogicalPlan } from '../logical/nodes.js';
import { freshCopy, idsOf, transformPlan, withInputs } from '../logical/transform.js';
import type { Rule, RuleContext } from './rule.js';

/** At most this share of the keys may remain. */
const KEPT_MAX = 0.3;
/** The aggregate's input must be so many times the reducer. */
const INPUT_FACTOR = 4;

export const reduceAggregateInputs: Rule = {
  name: 'ReduceAggregateInputs',
  apply: (plan, ctx) => transformPlan(plan, (p) => (p.kind === 'join' ? reduced(p, ctx) : p)),
};

function reduced(p: Join, ctx: RuleContext): LogicalPlan {
  if (p.nullAware || p.lateral) return p;
  if (p.type === 'inner') {
    const right = reduceSide(p.right, p.left, p.predicate, ctx);
    const left = reduceSide(p.left, p.right, p.predicate, ctx);
    return withInputs(p, [left, right]);
  }
  if (p.type !== 'left' && p.type !== 'semi' && p.type !== 'single') return p;
  return withInputs(p, [p.left, reduceSide(p.right, p.left, p.predicate, ctx)]);
}

type ColExpr = Extract<Expr, { kind: 'col' }>;

function columnPairs(e: Expr | undefined): readonly (readonly [ColExpr, ColExpr])[] {
  return conjuncts(e).flatMap((c) =>
    c.kind === 'cmp' && c.op === '=' && c.left.kind === 'col' && c.right.kind === 'col'
      ? [[c.left, c.right] as const]
      : [],
  );
}

function reduceSide(
  side: LogicalPlan,
  other: LogicalPlan,
  predicate: Expr | undefined,
  ctx: RuleContext,
): LogicalPlan {
  const target = aggregateBelow(side);
  if (target === undefined) return side;
  const sources = new Sources();
  sources.collect(other);
  for (const [a, b] of columnPairs(predicate))
    for (const [key, asked] of [
      [a, b],
      [b, a],
    ]) {
      const group = target.groups.find((g) => g.id === key.id);
      if (group === undefined) continue;
      const reducer = sources.best(asked.id, ctx.estimator);
      if (reducer === undefined) continue;
      const input = ctx.estimator.of(target.input);
      const kept = ctx.estimator.of(reducer.plan).rows;
      if (kept > KEPT_MAX * columnOf(input, group.id).distinct || kept * INPUT_FACTOR > input.rows) continue;
      const copy = freshCopy(
        pick(
          reducer.plan,
          reducer.plan.cols.filter((c) => c.id === reducer.column),
        ),
        ctx.freshColId,
      );
      const match = cmp('=', col(group), col(copy.plan.cols[0]));
      return replaceInput(side, join('semi', target.input, copy.plan, match));
    }
  return side;
}

/** The aggregate under projects and filters that pass its groups on. */
function aggregateBelow(p: LogicalPlan): Aggregate | undefined {
  if (p.kind === 'aggregate') return p.groups.length > 0 ? p : undefined;
  return p.kind === 'project' || p.kind === 'filter' ? aggregateBelow(p.input) : undefined;
}

function replaceInput(p: LogicalPlan, input: LogicalPlan): LogicalPlan {
  if (p.kind === 'aggregate') return withInputs(p, [input]);
  return p.kind === 'project' || p.kind === 'filter' ? withInputs(p, [replaceInput(p.input, input)]) : p;
}

/** Filtered tables among the relations of a join tree, and the columns that its equalities connect. */
class Sources {
  private readonly tables: LogicalPlan[] = [];
  private readonly links = new Map<ColId, ColId[]>();

  collect(p: LogicalPlan): void {
    if (p.kind === 'filter' && p.input.kind === 'scan' && !isVolatile(p.predicate)) {
      this.tables.push(p);
      return;
    }
    if (p.kind === 'filter' || p.kind === 'sort') {
      this.collect(p.input);
      return;
    }
    if (p.kind !== 'join' || p.lateral) return;
    switch (p.type) {
      case 'inner':
      case 'semi':
        // Every row that comes out has a partner for which the predicate holds.
        for (const [a, b] of columnPairs(p.predicate)) {
          this.links.set(a.id, [...(this.links.get(a.id) ?? []), b.id]);
          this.links.set(b.id, [...(this.links.get(b.id) ?? []), a.id]);
        }
        this.collect(p.left);
        this.collect(p.right);
        return;
      case 'left':
      case 'single':
      case 'anti':
      case 'mark':
        this.collect(p.left);
        return;
      default:
        return;
    }
  }

  /** The smallest filtered table with a column that equals `id` in every row. */
  best(id: ColId, estimator: Estimator): { plan: LogicalPlan; column: ColId } | undefined {
    const equal = new Set<ColId>([id]);
    const queue = [id];
    for (let x = queue.pop(); x !== undefined; x = queue.pop())
      for (const y of this.links.get(x) ?? [])
        if (!equal.has(y)) {
          equal.add(y);
          queue.push(y);
        }
    let found: { plan: LogicalPlan; column: ColId; rows: number } | undefined;
    for (const t of this.tables) {
      const column = [...idsOf(t.cols)].find((c) => equal.has(c));
      if (column === undefined || t.kind !== 'filter') continue;
      const rows = estimator.of(t).rows;
      if (rows > KEPT_MAX * estimator.of(t.input).rows) continue;
      if (found === undefined || rows < found.rows) found = { plan: t, column, rows };
    }
    return found;
  }
}
