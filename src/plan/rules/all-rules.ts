/** Every rule, once, in the order in which they run, with the reason for its place. */
import { decorrelate } from './decorrelate.js';
import { expandSetOperations } from './expand-set-operations.js';
import { mergeProjects } from './merge-projects.js';
import { normalizePredicates } from './normalize-predicates.js';
import { preaggregateJoinInputs } from './preaggregate-join-inputs.js';
import { pruneColumns } from './prune-columns.js';
import { dropSorts, pushLimits } from './push-limits.js';
import { pushPredicates } from './push-predicates.js';
import { reduceAggregateInputs } from './reduce-aggregate-inputs.js';
import { refreshNullability } from './refresh-nullability.js';
import { removeSubqueries } from './remove-subqueries.js';
import type { Rule } from './rule.js';
import { simplifyMarks } from './simplify-marks.js';
import { simplifyOuterJoins } from './simplify-outer-joins.js';
import { splitDistinctAggregates } from './split-distinct-aggregates.js';

/** Those that enter shared plans themselves, and leave none that reads columns from outside. */
export const UNNESTING_RULES: readonly Rule[] = [
  // First: NOT EXISTS and NOT IN must be seen as such, and no other rule looks inside a subquery expression.
  removeSubqueries,
  // Next: no later rule knows lateral joins.
  decorrelate,
];

/** Those that bring equal subplans into one form; the next step may find that they are equal. */
export const RULES_BEFORE_SHARING: readonly Rule[] = [
  // After decorrelation, which treats set operations as they are.
  expandSetOperations,
  // The rules so far made new columns and moved old ones under outer joins.
  refreshNullability,
  // Before pushdown: more conjuncts can go down, each alone.
  normalizePredicates,
  simplifyMarks,
  // Before pushdown, which cannot enter the far side of an outer join.
  simplifyOuterJoins,
  pushPredicates,
  dropSorts,
  mergeProjects,
];

/** Those that make of a subplan what its readers need. */
export const RULES_AFTER_SHARING: readonly Rule[] = [
  // Once the filters stand on their tables and no project is in between.
  reduceAggregateInputs,
  pushLimits,
  preaggregateJoinInputs,
  splitDistinctAggregates,
  // After rewrites that leave columns that nothing reads.
  pruneColumns,
  // Pruning turns projects into picks.
  mergeProjects,
  // Outer joins became inner: the physical plan may leave null checks out.
  refreshNullability,
];

export const ALL_RULES: readonly Rule[] = [
  ...UNNESTING_RULES,
  ...RULES_BEFORE_SHARING,
  ...RULES_AFTER_SHARING,
];
