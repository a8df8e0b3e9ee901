/** Every dependent (lateral) join becomes ordinary joins and aggregates, so that no correlated query is refused.
 *
 *  In order of preference: the right side does not depend on the left after all; its correlated predicates can be
 *  pulled up into the join (`pull-up-correlation.ts`); it is one aggregate row per left row over such predicates, and
 *  becomes a left join to the grouped aggregate; else the general way: the right side is evaluated for the
 *  duplicate-free set of outer values (the domain, `dependent-join.ts`) and joined back on them. A shared plan that reads
 *  outer columns is evaluated for the domain once, and its readers join it.
 *  Source: Neumann and Kemper, "Unnesting arbitrary queries", BTW 2015. */
import type { ColId, SharedId } from '../../types/ids.js';
import { assert } from '../../types/sql-error.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { both, col, columnsOf, conjunction, conjuncts, substitute, when } from '../expr-util.js';
import { aggregate, filter, join, pick, project } from '../logical/builders.js';
import type { Aggregate, Filter, Join, LogicalPlan, Project, SharedPlan } from '../logical/nodes.js';
import { freeColumns, idsOf, renameColumns, transformPlan } from '../logical/transform.js';
import { DependentJoin, type KeyedPlans, sameValue, withDomain } from './dependent-join.js';
import { emptyAware } from './empty-groups.js';
import { keyedInput, pullUp } from './pull-up-correlation.js';
import type { Rule, RuleContext } from './rule.js';

export const decorrelate: Rule = {
  name: 'Decorrelate',
  required: true,
  apply: (plan, ctx) => decorrelated(plan, ctx, new Map(), new Map()),
};

function decorrelated(
  plan: LogicalPlan,
  ctx: RuleContext,
  done: Map<SharedId, SharedPlan>,
  keyed: KeyedPlans,
): LogicalPlan {
  return transformPlan(plan, (p) => {
    if (p.kind === 'join' && p.lateral) return independent(p, ctx, keyed);
    if (p.kind !== 'shared') return p;
    let shared = done.get(p.shared.id);
    if (shared === undefined) {
      shared = {
        ...p.shared,
        plan: pick(decorrelated(p.shared.plan, ctx, done, keyed), p.shared.plan.cols),
      };
      done.set(shared.id, shared);
    }
    return shared.plan === p.shared.plan ? p : { ...p, shared };
  });
}

function independent(p: Join, ctx: RuleContext, keyed: KeyedPlans): LogicalPlan {
  const outer = idsOf(p.left.cols);
  const read = [...freeColumns(p.right)].filter((id) => outer.has(id));
  if (read.length === 0) return join(p.type, p.left, p.right, p.predicate, { ...p, lateral: false });
  assert(p.type !== 'right' && p.type !== 'full', 'a lateral join keeps its left side');
  assert(!p.nullAware, 'a correlated IN is not null-aware');
  const pulled = pullUp(p.right, outer, ctx);
  if (pulled !== undefined) {
    const on = both(p.predicate, conjunction(pulled.predicates));
    return join(p.type, p.left, pulled.plan, on, { mark: p.mark });
  }
  return aggregateRow(p, outer, ctx) ?? general(p, read, ctx, keyed);
}

/** The right side is projections and filters over an aggregate without groups: exactly one row for each left row,
 *  before the filters. Joined to the groups; counts of missing groups are 0; the rest is computed after the join. */
function aggregateRow(p: Join, outer: ReadonlySet<ColId>, ctx: RuleContext): LogicalPlan | undefined {
  if (p.type !== 'inner' && p.type !== 'left' && p.type !== 'single') return undefined;
  if (p.type !== 'inner' && p.predicate !== undefined) return undefined;
  const above: (Project | Filter)[] = [];
  let node: LogicalPlan = p.right;
  while (node.kind === 'project' || node.kind === 'filter') {
    above.unshift(node);
    node = node.input;
  }
  if (node.kind !== 'aggregate' || node.groups.length > 0) return undefined;
  if (node.aggs.some((a) => [...aggColumns(a)].some((id) => outer.has(id)))) return undefined;
  const keyed = keyedInput(node.input, outer, ctx);
  if (keyed === undefined) return undefined;
  const grouped = joinedGroups(p.left, keyed.plan, keyed.keys, conjunction(keyed.predicates), node, ctx);
  let plan: LogicalPlan = grouped;
  let kept: Expr | undefined;
  const by = new Map<ColId, Expr>();
  for (const n of above) {
    if (n.kind === 'filter') {
      // An outer join keeps the left row and shows NULLs where the filter fails.
      if (p.type === 'inner') plan = filter(plan, n.predicate);
      else kept = both(kept, substitute(n.predicate, by));
    } else {
      const condition = kept === undefined ? [] : [...columnsOf(kept)];
      const carried = plan.cols.filter((c) => outer.has(c.id) || condition.includes(c.id));
      const own = n.cols.filter((c) => !carried.some((x) => x.id === c.id));
      plan = project(
        plan,
        [...carried.map(col), ...own.map((c) => n.exprs[n.cols.indexOf(c)])],
        [...carried, ...own],
      );
    }
  }
  if (kept !== undefined) {
    const condition = kept;
    const rights = idsOf(p.right.cols);
    const renamed = new Map([...rights].map((id) => [id, ctx.freshColId()] as const));
    const below = renameColumns(plan, renamed);
    const reread = new Map(
      plan.cols.flatMap((c, i) => (rights.has(c.id) ? [[c.id, col(below.cols[i])] as const] : [])),
    );
    const test = substitute(condition, reread);
    plan = project(
      below,
      plan.cols.map((c, i) => {
        const value = col(below.cols[i]);
        if (!rights.has(c.id)) return value;
        return { kind: 'case' as const, whens: [when(test, value)], otherwise: undefined, type: c.type };
      }),
      plan.cols.map((c) => (rights.has(c.id) ? { ...c, nullable: true } : c)),
    );
  }
  if (p.predicate !== undefined) plan = filter(plan, p.predicate);
  return plan;
}

function aggColumns(a: AggCall): ReadonlySet<ColId> {
  const ids = new Set<ColId>();
  for (const e of [...a.args, ...a.orderBy.map((k) => k.expr)]) columnsOf(e, ids);
  if (a.filter !== undefined) columnsOf(a.filter, ids);
  return ids;
}

/** left LEFT JOIN (aggregate by keys) with 0 for the counts of missing groups. */
function joinedGroups(
  left: LogicalPlan,
  input: LogicalPlan,
  keys: readonly Column[],
  on: Expr,
  node: Aggregate,
  ctx: RuleContext,
): LogicalPlan {
  const { aggs, restore } = emptyAware(node.aggs, ctx);
  const grouped = aggregate(input, keys, aggs);
  const joined = join('left', left, grouped, on);
  const below = new Map(joined.cols.map((c) => [c.id, c]));
  return project(
    joined,
    [...left.cols.map(col), ...restore.map((r) => r.expr(below))],
    [...left.cols, ...restore.map((r) => r.out)],
  );
}

function general(p: Join, read: readonly ColId[], ctx: RuleContext, keyed: KeyedPlans): LogicalPlan {
  const { left, outer } = withDomain(p.left, read, ctx);
  const dependent = new DependentJoin(outer, read, ctx, keyed);
  const { plan, domain } = dependent.apply(p.right);
  const same = read.map((id) => {
    const mine = p.left.cols.find((c) => c.id === id);
    const theirs = domain.get(id);
    assert(mine !== undefined && theirs !== undefined, 'the domain has every outer column');
    return sameValue(mine, theirs);
  });
  const predicate = p.predicate === undefined ? [] : conjuncts(p.predicate);
  return join(p.type, left, plan, conjunction([...same, ...predicate]), { mark: p.mark });
}
