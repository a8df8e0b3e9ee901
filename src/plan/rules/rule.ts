/** What a rewrite rule is: a pure function over whole plans, with the name that EXPLAIN's trace and settings use. */
import type { ColId } from '../../types/ids.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Estimator } from '../cost/derive.js';
import type { Column } from '../expr.js';
import type { LogicalPlan } from '../logical/nodes.js';

export type RuleContext = {
  readonly freshColId: () => ColId;
  readonly estimator: Estimator;
};

export type Rule = {
  readonly name: string;
  /** Later phases rely on what it establishes: it cannot be switched off. */
  readonly required?: true;
  /** The same rows under the same column ids (more columns may appear, unread ones may go); the plan itself when
   *  nothing applies. */
  readonly apply: (plan: LogicalPlan, ctx: RuleContext) => LogicalPlan;
};

export function freshColumn(ctx: RuleContext, name: string, type: SqlType, nullable: boolean): Column {
  return { id: ctx.freshColId(), name, type, nullable };
}
