/** Columns that nothing reads go: from scans, projects, aggregates, constant rows, set operations.
 *
 *  Every node keeps at least one column if it had any, so that a motion has something to count. Volatile expressions
 *  that nothing reads go too, as in PostgreSQL when a subquery is flattened. */
import type { ColId } from '../../types/ids.js';
import type { Column, Expr } from '../expr.js';
import { columnsOf } from '../expr-util.js';
import { aggregate, project, values } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { exprsOf, inputsOf, withInputs } from '../logical/transform.js';
import type { Rule } from './rule.js';

export const pruneColumns: Rule = {
  name: 'PruneColumns',
  apply: (plan) => prune(plan, new Set(plan.cols.map((c) => c.id))),
};

function kept<T extends { readonly c: Column }>(all: readonly T[], need: ReadonlySet<ColId>): readonly T[] {
  const some = all.filter((x) => need.has(x.c.id));
  if (some.length > 0 || all.length === 0) return some;
  const narrow = all.find(
    (x) => x.c.type.kind === 'int4' || x.c.type.kind === 'int8' || x.c.type.kind === 'date',
  );
  return [narrow ?? all[0]];
}

function plus(need: ReadonlySet<ColId>, exprs: readonly Expr[]): ReadonlySet<ColId> {
  const all = new Set(need);
  for (const e of exprs) columnsOf(e, all);
  return all;
}

function prune(plan: LogicalPlan, need: ReadonlySet<ColId>): LogicalPlan {
  switch (plan.kind) {
    case 'scan': {
      const some = kept(
        plan.cols.map((c, i) => ({ c, o: plan.ordinals[i] })),
        need,
      );
      return some.length === plan.cols.length
        ? plan
        : { ...plan, cols: some.map((x) => x.c), ordinals: some.map((x) => x.o) };
    }
    case 'shared': {
      const some = kept(
        plan.cols.map((c, i) => ({ c, from: plan.from[i] })),
        need,
      );
      return some.length === plan.cols.length
        ? plan
        : { ...plan, cols: some.map((x) => x.c), from: some.map((x) => x.from) };
    }
    case 'values': {
      const some = kept(
        plan.cols.map((c, i) => ({ c, i })),
        need,
      );
      if (some.length === plan.cols.length) return plan;
      return values(
        plan.rows.map((r) => some.map((x) => r[x.i])),
        some.map((x) => x.c),
      );
    }
    case 'project': {
      const some = kept(
        plan.cols.map((c, i) => ({ c, e: plan.exprs[i] })),
        need,
      );
      const input = prune(
        plan.input,
        plus(
          new Set(),
          some.map((x) => x.e),
        ),
      );
      if (some.length === plan.cols.length) return withInputs(plan, [input]);
      return project(
        input,
        some.map((x) => x.e),
        some.map((x) => x.c),
      );
    }
    case 'aggregate': {
      let aggs = plan.aggs.filter((a) => need.has(a.out.id));
      if (aggs.length === 0 && plan.groups.length === 0) aggs = plan.aggs.slice(0, 1);
      const next = aggs.length === plan.aggs.length ? plan : aggregate(plan.input, plan.groups, aggs);
      return withInputs(next, [
        prune(plan.input, plus(new Set(plan.groups.map((g) => g.id)), exprsOf(next))),
      ]);
    }
    case 'setop': {
      // Only UNION ALL: for the others every column takes part in the comparison.
      if (plan.op !== 'union' || !plan.all)
        return withInputs(
          plan,
          plan.inputs.map((p, k) => prune(p, new Set(plan.inputCols[k].map((c) => c.id)))),
        );
      const some = kept(
        plan.cols.map((c, i) => ({ c, i })),
        need,
      );
      const inputCols = plan.inputCols.map((cs) => some.map((x) => cs[x.i]));
      const inputs = plan.inputs.map((p, k) => prune(p, new Set(inputCols[k].map((c) => c.id))));
      return { ...plan, inputs, inputCols, cols: some.map((x) => x.c) };
    }
    case 'distinctOn': {
      const all = plus(new Set([...need, ...plan.keys.map((k) => k.id)]), exprsOf(plan));
      return withInputs(plan, [prune(plan.input, all)]);
    }
    default: {
      const all = plus(need, exprsOf(plan));
      return withInputs(
        plan,
        inputsOf(plan).map((p) => prune(p, all)),
      );
    }
  }
}
