/** A plan of which copies are made, when copies could differ: they read one shared plan instead. It may read columns from
 *  outside; then it is shared for each of their values (`Decorrelate`). */
import { sharedScan } from '../logical/builders.js';
import type { LogicalPlan, SharedPlan } from '../logical/nodes.js';
import { unrepeatable } from '../logical/repeatable.js';
import { freshCopy, sharedIdFrom } from '../logical/transform.js';
import type { RuleContext } from './rule.js';

/** The plan itself, or a reading of it under the same columns of which every copy gives the same rows. */
export function sameInCopies(plan: LogicalPlan, ctx: RuleContext): LogicalPlan {
  return unrepeatable(plan) === undefined ? plan : shared(plan, ctx);
}

export function shared(plan: LogicalPlan, ctx: RuleContext): LogicalPlan {
  const own: SharedPlan = {
    id: sharedIdFrom(ctx.freshColId),
    name: undefined,
    plan: freshCopy(plan, ctx.freshColId).plan,
    materialized: 'always',
  };
  return sharedScan(own, plan.cols);
}
