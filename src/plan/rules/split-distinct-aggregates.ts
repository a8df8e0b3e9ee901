/** DISTINCT aggregates in stages.
 *
 *  `count(DISTINCT x) GROUP BY g` becomes `count(x) GROUP BY g` over `DISTINCT g, x`: the duplicates go in stages, on
 *  the segments first. Only when every aggregate of the node is DISTINCT of the same arguments, or does not care about
 *  duplicates (min, max, ...): others would lose rows. With FILTER not.
 *
 *  Without groups, `count(*), count(DISTINCT x), sum(DISTINCT y)` becomes a product of one-row aggregates, each over the
 *  input again: reading it once more on every segment beats bringing all of it to one place. */
import type { ColId } from '../../types/ids.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { col, exprKey, exprNullable, exprType, isVolatile, substitute, substituteKey } from '../expr-util.js';
import { aggregate, join, project } from '../logical/builders.js';
import type { Aggregate, LogicalPlan } from '../logical/nodes.js';
import { exprsOf, freshCopy, inputsOf, transformPlan } from '../logical/transform.js';
import { freshColumn, type Rule, type RuleContext } from './rule.js';

export const splitDistinctAggregates: Rule = {
  name: 'SplitDistinctAggregates',
  apply: (plan, ctx) =>
    transformPlan(plan, (p) => (p.kind === 'aggregate' ? (split(p, ctx) ?? apart(p, ctx) ?? p) : p)),
};

const INDIFFERENT = new Set(['min', 'max', 'bool_and', 'bool_or', 'bit_and', 'bit_or']);

function split(p: Aggregate, ctx: RuleContext): LogicalPlan | undefined {
  const distinct = p.aggs.filter((a) => a.distinct && !INDIFFERENT.has(a.name));
  if (distinct.length === 0) return undefined;
  if (p.aggs.some((a) => a.filter !== undefined || a.orderBy.length > 0 || a.args.some(isVolatile)))
    return undefined;
  const args = distinct[0].args;
  const key = (a: AggCall): string => a.args.map(exprKey).join();
  if (args.length !== 1 || p.aggs.some((a) => key(a) !== key(distinct[0]))) return undefined;
  if (p.aggs.some((a) => !a.distinct && !INDIFFERENT.has(a.name))) return undefined;
  const arg = args[0];
  let input = p.input;
  let value: Column | undefined = arg.kind === 'col' ? input.cols.find((c) => c.id === arg.id) : undefined;
  if (value === undefined) {
    value = freshColumn(ctx, 'distinct', exprType(arg), exprNullable(arg));
    const exprs: Expr[] = [...input.cols.map(col), arg];
    input = project(input, exprs, [...input.cols, value]);
  }
  const own = value;
  const groups = p.groups.some((g) => g.id === own.id) ? p.groups : [...p.groups, own];
  const once = aggregate(input, groups, []);
  return aggregate(
    once,
    p.groups,
    p.aggs.map((a) => ({ ...a, args: [col(own)], distinct: false })),
  );
}

/** One aggregate node for each distinct argument and one for the rest. */
function apart(p: Aggregate, ctx: RuleContext): LogicalPlan | undefined {
  if (p.groups.length > 0 || isMoody(p.input)) return undefined;
  const parts = new Map<string, AggCall[]>();
  for (const a of p.aggs) {
    const staged = a.distinct && !INDIFFERENT.has(a.name) && a.filter === undefined && a.orderBy.length === 0;
    const key = staged ? a.args.map(exprKey).join() : '';
    parts.set(key, [...(parts.get(key) ?? []), a]);
  }
  if (parts.size < 2) return undefined;
  let joined: LogicalPlan | undefined;
  for (const aggs of parts.values()) {
    let node = aggregate(p.input, [], aggs);
    if (joined !== undefined) {
      const { plan, renamed } = freshCopy(p.input, ctx.freshColId);
      const by = new Map<ColId, Expr>();
      for (const c of p.input.cols) by.set(c.id, col({ ...c, id: renamed.get(c.id) ?? c.id }));
      node = aggregate(
        plan,
        [],
        aggs.map((a) => ({
          ...a,
          args: a.args.map((e) => substitute(e, by)),
          filter: a.filter === undefined ? undefined : substitute(a.filter, by),
          orderBy: a.orderBy.map((k) => substituteKey(k, by)),
        })),
      );
    }
    const one = split(node, ctx) ?? node;
    joined = joined === undefined ? one : join('inner', joined, one, undefined);
  }
  return joined;
}

/** Could give other rows when it is evaluated again. */
function isMoody(p: LogicalPlan): boolean {
  if (p.kind === 'limit' || p.kind === 'distinctOn' || exprsOf(p).some(isVolatile)) return true;
  return inputsOf(p).some(isMoody);
}
