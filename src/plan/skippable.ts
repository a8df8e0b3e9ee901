/** The names that `mpp.disabled_rules` takes. */
import { ALL_RULES } from './rules/all-rules.js';
import { TECHNIQUES } from './techniques.js';

export const SKIPPABLE: readonly string[] = [
  ...ALL_RULES.filter((r) => r.required !== true).map((r) => r.name),
  ...TECHNIQUES,
];
