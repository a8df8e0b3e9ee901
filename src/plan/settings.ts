/** Settings of the planner: each rule and each optimisation can be switched off, and a few thresholds.
 *
 *  A setting changes a plan, never its result. */

export type PlannerSettings = {
  /** Names of rules (see `rules/all-rules.ts`) that are skipped. Rules marked as required cannot be. */
  readonly disabledRules: ReadonlySet<string>;
  /** Relations above which join order is found greedily instead of by dynamic programming. */
  readonly joinOrderLimit: number;
  /** Pairs of sets that dynamic programming may weigh before it gives way to the greedy order. */
  readonly joinPairsLimit: number;
  /** An input with more rows than this is never broadcast when there is another way. */
  readonly broadcastThreshold: number;
  readonly enableBroadcast: boolean;
  readonly enableRedistribute: boolean;
  readonly enableTwoStageAggregates: boolean;
  readonly enableDirectDispatch: boolean;
  readonly enableZonePredicates: boolean;
  /** Subplans that occur twice: computed once never, when that costs less, or always. */
  readonly shareSubplans: 'off' | 'auto' | 'on';
};

export const DEFAULT_SETTINGS: PlannerSettings = {
  disabledRules: new Set(),
  joinOrderLimit: 10,
  joinPairsLimit: 800,
  broadcastThreshold: 20_000_000,
  enableBroadcast: true,
  enableRedistribute: true,
  enableTwoStageAggregates: true,
  enableDirectDispatch: true,
  enableZonePredicates: true,
  shareSubplans: 'auto',
};
