/** Every rule, once, in the order in which they run, with the reason for its place. */
import { mergeProjects } from './merge-projects.js';
import { pruneColumns } from './prune-columns.js';
import { pushPredicates } from './push-predicates.js';
import type { Rule } from './rule.js';

export const ALL_RULES: readonly Rule[] = [
  pushPredicates,
  mergeProjects,
  // Last: the rules above leave columns that nothing reads.
  pruneColumns,
];
