/** INTERSECT and EXCEPT [ALL] become counting aggregates over a UNION ALL: each row is tagged with its side, groups
 *  count their rows of either side, and a filter (or, for ALL, a repeat) keeps what the operation keeps.
 *
 *  Rows look as the left side's do. Grouping treats NULLs as equal, which is what these operations want. UNION without ALL is bound as an aggregate
 *  already. Inputs of more than two fold from the left. */
import { INT8, type SqlType } from '../../types/sql-type.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { cmp, col, conjunction, constant } from '../expr-util.js';
import { aggregate, filter, project, repeat, setOp } from '../logical/builders.js';
import type { LogicalPlan, SetOp } from '../logical/nodes.js';
import { transformPlan } from '../logical/transform.js';
import { refreshNullability } from './refresh-nullability.js';
import { freshColumn, type Rule, type RuleContext } from './rule.js';

export const expandSetOperations: Rule = {
  name: 'ExpandSetOperations',
  required: true,
  apply: (plan, ctx) => {
    const isExpandable = (p: LogicalPlan): p is SetOp => p.kind === 'setop' && (p.op !== 'union' || !p.all);
    const next = transformPlan(plan, (p) => (isExpandable(p) ? expand(p, ctx) : p));
    // The union of both sides is nullable where either side is.
    return next === plan ? plan : refreshNullability.apply(next, ctx);
  },
};

type Side = { readonly plan: LogicalPlan; readonly cols: readonly Column[] };

function expand(p: SetOp, ctx: RuleContext): LogicalPlan {
  if (p.op === 'union') {
    const all = { ...p, all: true };
    return aggregate(all, all.cols, []);
  }
  let left: Side = { plan: p.inputs[0], cols: p.inputCols[0] };
  for (let k = 1; k < p.inputs.length; k++) {
    const last = k === p.inputs.length - 1;
    const cols = last ? p.cols : p.cols.map((c) => freshColumn(ctx, c.name, c.type, true));
    left = { plan: counted(p, left, { plan: p.inputs[k], cols: p.inputCols[k] }, cols, ctx), cols };
  }
  return left.plan;
}

function counted(p: SetOp, left: Side, right: Side, cols: readonly Column[], ctx: RuleContext): LogicalPlan {
  const one = constant(1n, INT8);
  const none = constant(null, INT8);
  const tagged = (s: Side, inLeft: Expr, inRight: Expr): LogicalPlan => {
    const out = s.cols.map((c) => freshColumn(ctx, c.name, c.type, c.nullable));
    const tags = [freshColumn(ctx, 'in left', INT8, true), freshColumn(ctx, 'in right', INT8, true)];
    return project(s.plan, [...s.cols.map(col), inLeft, inRight], [...out, ...tags]);
  };
  const all = cols.map((c) => ({ ...freshColumn(ctx, c.name, c.type, true) }));
  const tags = [freshColumn(ctx, 'in left', INT8, true), freshColumn(ctx, 'in right', INT8, true)];
  const union = setOp('union', true, [tagged(left, one, none), tagged(right, none, one)], [...all, ...tags]);
  const count = (name: string, of: Column): AggCall => ({
    out: freshColumn(ctx, name, INT8, false),
    name: 'count',
    args: [col(of)],
    distinct: false,
    filter: undefined,
    orderBy: [],
  });
  const m = count('left rows', tags[0]);
  const n = count('right rows', tags[1]);
  // What is equal may not look so (5 and 5.00): rows are shown as the left side has them.
  const shown = all.map((c): AggCall | undefined =>
    looksDiffer(c.type)
      ? {
          out: freshColumn(ctx, c.name, c.type, true),
          name: 'min',
          args: [col(c)],
          distinct: false,
          filter: { kind: 'isnull', negated: true, arg: col(tags[0]) },
          orderBy: [],
        }
      : undefined,
  );
  const groups = aggregate(union, all, [m, n, ...shown.filter((a) => a !== undefined)]);
  const some = (a: AggCall): Expr => cmp('>', col(a.out), constant(0n, INT8));
  const kept =
    p.op === 'intersect'
      ? filter(groups, conjunction([some(m), some(n)]))
      : p.all
        ? filter(groups, cmp('>', col(m.out), col(n.out)))
        : filter(groups, conjunction([some(m), cmp('=', col(n.out), constant(0n, INT8))]));
  const copies: Expr =
    p.op === 'intersect'
      ? { kind: 'least', args: [col(m.out), col(n.out)], type: INT8 }
      : { kind: 'call', fn: '-(int8,int8)', args: [col(m.out), col(n.out)], type: INT8 };
  const rows = p.all ? repeat(kept, copies) : kept;
  return project(
    rows,
    all.map((c, i) => col(shown[i]?.out ?? c)),
    cols,
  );
}

function looksDiffer(t: SqlType): boolean {
  return (
    (t.kind === 'numeric' && t.scale === undefined) ||
    t.kind === 'float4' ||
    t.kind === 'float8' ||
    t.kind === 'interval'
  );
}
