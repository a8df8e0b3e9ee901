/** Projects that only pick columns vanish inside a plan (every parent reads by id), and a project over a project
 *  becomes one, so that joins below and above are neighbours and can be reordered.
 *
 *  Not over volatile expressions read more than once. The root's picks are restored by `applyRules`. */
import type { ColId } from '../../types/ids.js';
import type { Expr } from '../expr.js';
import { isVolatile, substitute, walkExpr } from '../expr-util.js';
import { project } from '../logical/builders.js';
import type { LogicalPlan, Project } from '../logical/nodes.js';
import { transformPlan } from '../logical/transform.js';
import type { Rule } from './rule.js';

export const mergeProjects: Rule = {
  name: 'MergeProjects',
  apply: (plan) => transformPlan(plan, (p) => (p.kind === 'project' ? merged(p) : p)),
};

function merged(p: Project): LogicalPlan {
  if (p.exprs.every((e, i) => e.kind === 'col' && e.id === p.cols[i].id) && p.cols.length > 0) return p.input;
  const below = p.input;
  if (below.kind !== 'project') return p;
  const uses = new Map<ColId, number>();
  for (const e of p.exprs)
    walkExpr(e, (x) => {
      if (x.kind === 'col') uses.set(x.id, (uses.get(x.id) ?? 0) + 1);
    });
  const by = new Map<ColId, Expr>();
  for (const [i, c] of below.cols.entries()) {
    const e = below.exprs[i];
    const cheap = e.kind === 'col' || e.kind === 'const' || e.kind === 'param';
    if (isVolatile(e) || (!cheap && (uses.get(c.id) ?? 0) > 1)) return p;
    // A computed column that is passed on under its own id stays computed once, here.
    by.set(c.id, e);
  }
  return project(
    below.input,
    p.exprs.map((e) => substitute(e, by)),
    p.cols,
  );
}
