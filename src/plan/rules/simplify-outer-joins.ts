/** Outer joins whose null-extended rows a predicate above throws away become inner (full: left, right or inner).
 *
 *  `t LEFT JOIN u ON ... WHERE u.x > 0`: rows without a match have u.x NULL and fail. Not for `WHERE u.x IS NULL`.
 *  Semi joins and inner joins above count as predicates. Source: Galindo-Legaria and Rosenthal 1997. */

import { rejectsNulls } from '../cost/null-rejection.js';
import type { Expr } from '../expr.js';
import { conjuncts, substitute } from '../expr-util.js';
import { filter, join } from '../logical/builders.js';
import type { Join, JoinType, LogicalPlan } from '../logical/nodes.js';
import { idsOf, inputsOf, withInputs } from '../logical/transform.js';
import type { Rule } from './rule.js';

export const simplifyOuterJoins: Rule = {
  name: 'SimplifyOuterJoins',
  apply: (plan) => simplify(plan, []),
};

/** `known`: predicates that every row which matters above satisfies. */
function simplify(plan: LogicalPlan, known: readonly Expr[]): LogicalPlan {
  switch (plan.kind) {
    case 'filter':
      return filter(simplify(plan.input, [...known, ...conjuncts(plan.predicate)]), plan.predicate);
    case 'join':
      return simplifyJoin(plan, known);
    case 'sort':
      return withInputs(plan, [simplify(plan.input, known)]);
    case 'project': {
      const by = new Map(plan.cols.map((c, i) => [c.id, plan.exprs[i]] as const));
      return withInputs(plan, [
        simplify(
          plan.input,
          known.map((k) => substitute(k, by)),
        ),
      ]);
    }
    default:
      return withInputs(
        plan,
        inputsOf(plan).map((p) => simplify(p, [])),
      );
  }
}

function simplifyJoin(plan: Join, known: readonly Expr[]): LogicalPlan {
  const rejects = (p: LogicalPlan): boolean => known.some((k) => rejectsNulls(k, idsOf(p.cols)));
  let type: JoinType = plan.type;
  if (type === 'full') {
    const l = rejects(plan.left);
    const r = rejects(plan.right);
    type = l && r ? 'inner' : l ? 'left' : r ? 'right' : 'full';
  } else if (type === 'left' && rejects(plan.right)) type = 'inner';
  else if (type === 'right' && rejects(plan.left)) type = 'inner';
  const on = conjuncts(plan.predicate);
  const below = (side: 'left' | 'right'): readonly Expr[] => {
    switch (type) {
      case 'inner':
        return [...known, ...on];
      case 'semi':
        return side === 'left' ? [...known, ...on] : on;
      case 'left':
      case 'single':
        // The right side's rows matter only where they match.
        return side === 'left' ? known : on;
      case 'anti':
      case 'mark':
        return side === 'left' ? known : plan.nullAware ? [] : on;
      case 'right':
        return side === 'right' ? known : on;
      default:
        return [];
    }
  };
  const left = simplify(plan.left, below('left'));
  const right = simplify(plan.right, below('right'));
  if (type === plan.type) return withInputs(plan, [left, right]);
  return join(type, left, right, plan.predicate, plan);
}
