/** `count(DISTINCT x) GROUP BY g` becomes `count(x) GROUP BY g` over `DISTINCT g, x`: the duplicates go in stages, on
 *  the segments first. Only when every aggregate of the node is DISTINCT of the same arguments, or does not care about
 *  duplicates (min, max, ...): others would lose rows. With FILTER not. */
import type { AggCall, Column, Expr } from '../expr.js';
import { col, exprKey, exprNullable, exprType, isVolatile } from '../expr-util.js';
import { aggregate, project } from '../logical/builders.js';
import type { Aggregate, LogicalPlan } from '../logical/nodes.js';
import { transformPlan } from '../logical/transform.js';
import { freshColumn, type Rule, type RuleContext } from './rule.js';

export const splitDistinctAggregates: Rule = {
  name: 'SplitDistinctAggregates',
  apply: (plan, ctx) => transformPlan(plan, (p) => (p.kind === 'aggregate' ? (split(p, ctx) ?? p) : p)),
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
