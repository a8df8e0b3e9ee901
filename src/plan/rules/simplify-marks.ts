/** A mark join whose mark is only asked for TRUE right above becomes a semi join; asked for FALSE, an anti join (when
 *  the mark is never NULL). So `EXISTS (...)` that reached a filter by another way is as fast as in a WHERE. */
import type { Expr } from '../expr.js';
import { columnsOf, conjunction, conjuncts } from '../expr-util.js';
import { filter, join } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { transformPlan } from '../logical/transform.js';
import type { Rule } from './rule.js';

export const simplifyMarks: Rule = {
  name: 'SimplifyMarks',
  apply: (plan) => {
    // The mark must not be read anywhere else: count the readers first.
    const reads = new Map<number, number>();
    const count = (e: Expr): void => {
      for (const id of columnsOf(e)) reads.set(id, (reads.get(id) ?? 0) + 1);
    };
    transformPlan(plan, (p) => {
      if (p.kind === 'filter') conjuncts(p.predicate).forEach(count);
      else if (p.kind === 'project') p.exprs.forEach(count);
      else if (p.kind === 'join') conjuncts(p.predicate).forEach(count);
      else if (p.kind === 'aggregate') {
        for (const g of p.groups) reads.set(g.id, 99);
        for (const a of p.aggs)
          for (const e of [...a.args, ...(a.filter === undefined ? [] : [a.filter])]) count(e);
      } else if (p.kind === 'sort' || p.kind === 'distinctOn' || p.kind === 'setop')
        for (const c of p.cols) reads.set(c.id, 99);
      return p;
    });
    for (const c of plan.cols) reads.set(c.id, 99);
    return transformPlan(plan, (p) => simplified(p, reads));
  },
};

function simplified(p: LogicalPlan, reads: ReadonlyMap<number, number>): LogicalPlan {
  if (p.kind !== 'filter' || p.input.kind !== 'join' || p.input.type !== 'mark') return p;
  const j = p.input;
  const mark = j.mark;
  if (mark === undefined || (reads.get(mark.id) ?? 0) !== 1) return p;
  const all = conjuncts(p.predicate);
  const at = all.findIndex(
    (c) =>
      (c.kind === 'col' && c.id === mark.id) ||
      (c.kind === 'not' && c.arg.kind === 'col' && c.arg.id === mark.id),
  );
  if (at < 0) return p;
  const negated = all[at].kind === 'not';
  const rest = all.filter((_, i) => i !== at);
  const joined = join(negated ? 'anti' : 'semi', j.left, j.right, j.predicate, {
    nullAware: negated && j.nullAware,
  });
  return rest.length === 0 ? joined : filter(joined, conjunction(rest));
}
