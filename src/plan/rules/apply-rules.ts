/** Runs the rules in their order, skipping those that are switched off. */
import type { ColId } from '../../types/ids.js';
import type { Estimator } from '../cost/derive.js';
import type { Column } from '../expr.js';
import { pick } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import type { PlannerSettings } from '../settings.js';
import { ALL_RULES } from './all-rules.js';

export type RuleTrace = (rule: string, before: LogicalPlan, after: LogicalPlan) => void;

export type RulesEnv = {
  readonly settings: PlannerSettings;
  readonly freshColId: () => ColId;
  readonly estimator: Estimator;
  readonly trace: RuleTrace | undefined;
};

/** Returns a plan without subqueries, lateral joins, INTERSECT or EXCEPT, with the columns of `plan` in their order. */
export function applyRules(plan: LogicalPlan, env: RulesEnv): LogicalPlan {
  const wanted = plan.cols;
  let current = plan;
  for (const rule of ALL_RULES) {
    if (rule.required !== true && env.settings.disabledRules.has(rule.name)) continue;
    const next = withColumns(rule.apply(current, env), wanted);
    if (next !== current) env.trace?.(rule.name, current, next);
    current = next;
  }
  return current;
}

function withColumns(plan: LogicalPlan, wanted: readonly Column[]): LogicalPlan {
  if (plan.cols.length === wanted.length && plan.cols.every((c, i) => c.id === wanted[i].id)) return plan;
  const have = new Map(plan.cols.map((c) => [c.id, c]));
  return pick(
    plan,
    wanted.map((c) => have.get(c.id) ?? c),
  );
}
