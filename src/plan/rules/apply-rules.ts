/** Runs the rules in their order, skipping those that are switched off, over the statement and over each plan that it
 *  shares between readers: to the rules, these are statements of their own whose readers see a leaf. The first two
 *  rules take them together, because a shared plan may read columns of what is around its readers until then. */
import type { ColId, SharedId } from '../../types/ids.js';
import type { Estimator } from '../cost/derive.js';
import type { Column } from '../expr.js';
import { pick } from '../logical/builders.js';
import type { LogicalPlan, SharedPlan } from '../logical/nodes.js';
import { sharedPlansOf, sharedScans } from '../logical/transform.js';
import type { PlannerSettings } from '../settings.js';
import { RULES_AFTER_SHARING, RULES_BEFORE_SHARING, UNNESTING_RULES } from './all-rules.js';
import { resolveShared } from './resolve-shared.js';
import type { Rule } from './rule.js';

/** `shared`: which plan the rewritten one is; undefined for the statement's own. */
export type RuleTrace = (rule: string, before: LogicalPlan, after: LogicalPlan, shared?: SharedPlan) => void;

export type RulesEnv = {
  readonly settings: PlannerSettings;
  readonly freshColId: () => ColId;
  readonly estimator: Estimator;
  readonly trace: RuleTrace | undefined;
};

/** A statement with the plans that it shares, each after those that it reads. */
export type Rewritten = {
  readonly root: LogicalPlan;
  readonly shared: ReadonlyMap<SharedId, Shared>;
};
export type Shared = { readonly shared: SharedPlan; readonly plan: LogicalPlan };

/** Decides which WITH queries are shared, and rewrites all plans as far as is the same for any reader. */
export function rulesBeforeSharing(plan: LogicalPlan, env: RulesEnv): Rewritten {
  const resolved = resolveShared(plan, env.freshColId);
  if (resolved !== plan) env.trace?.('ResolveShared', plan, resolved);
  // With the shared plans, whose outer columns only the whole shows.
  const root = applyRules(resolved, UNNESTING_RULES, env);
  const shared = new Map<SharedId, Shared>();
  for (const s of sharedPlansOf([root])) {
    const rewritten = applyRules(s.plan, RULES_BEFORE_SHARING, env, s);
    env.estimator.shared.set(s.id, rewritten);
    shared.set(s.id, { shared: s, plan: rewritten });
  }
  return { root: applyRules(root, RULES_BEFORE_SHARING, env), shared };
}

/** The remaining rules. Readers come first: a shared plan keeps the columns that any of them reads. No plan has
 *  subqueries, lateral joins, INTERSECT or EXCEPT when this is done. */
export function rulesAfterSharing(query: Rewritten, env: RulesEnv): Rewritten {
  const root = applyRules(query.root, RULES_AFTER_SHARING, env);
  const done = new Map<SharedId, Shared>();
  const readers: LogicalPlan[] = [root];
  for (const { shared, plan } of [...query.shared.values()].reverse()) {
    const read = new Set<ColId>();
    for (const r of readers)
      for (const scan of sharedScans(r))
        if (scan.shared.id === shared.id) for (const id of scan.from) read.add(id);
    const needed = plan.cols.filter((c) => read.has(c.id));
    // Nobody reads it any more.
    if (needed.length === 0 && plan.cols.length > 0) continue;
    const next = applyRules(pick(plan, needed), RULES_AFTER_SHARING, env, shared);
    readers.push(next);
    done.set(shared.id, { shared, plan: next });
  }
  return { root, shared: new Map([...done].reverse()) };
}

function applyRules(
  plan: LogicalPlan,
  rules: readonly Rule[],
  env: RulesEnv,
  shared?: SharedPlan,
): LogicalPlan {
  const wanted = plan.cols;
  let current = plan;
  for (const rule of rules) {
    if (rule.required !== true && env.settings.disabledRules.has(rule.name)) continue;
    const next = withColumns(rule.apply(current, env), wanted);
    if (next !== current) env.trace?.(rule.name, current, next, shared);
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
