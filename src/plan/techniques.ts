/** Ways to be faster that are not rules of the optimizer, each with a name under which `mpp.disabled_rules` switches it
 *  off. Results are the same without them.
 *
 *  A planner technique changes the plan; an engine technique travels with the slices (`Slice.without`), because those who
 *  run them decide by what they see. */
import type { PlannerSettings } from './settings.js';

export const ENGINE_TECHNIQUES = [
  /** Joins by an array indexed by the key in place of a directory of hashes. */
  'DenseJoin',
  /** Groups in an array indexed by their key. */
  'DenseGroups',
  /** Groups found by dictionary codes or small integers before the hash table is asked. */
  'GroupCache',
  /** Filters over several rows at once. */
  'VectorFilter',
  /** Conditions and values computed once for each entry of a dictionary. */
  'DictionaryFilter',
  /** Sorting by a prefix of the first key. */
  'SortPrefix',
  /** A heap of the best rows where a sort is limited. */
  'TopN',
  /** Blocks of rows read what they will need of large tables before the first of them is worked on. */
  'StagedLoops',
  /** ... where that pays; without, wherever it is possible. */
  'StagedLoopCost',
  /** 128-bit sums of what is never negative touch the high half on a carry only. */
  'CarrySums',
  /** Pipelines of few rows run in the main thread. */
  'InlinePipelines',
  /** Row groups are encoded by compiled loops from where their rows came. */
  'CompiledEncoding',
  /** Slices that only store what a motion brings are not compiled. */
  'StoreReceived',
] as const;

export type EngineTechnique = (typeof ENGINE_TECHNIQUES)[number];

const PLANNER_TECHNIQUES = {
  BroadcastMotion: { enableBroadcast: false },
  RedistributeMotion: { enableRedistribute: false },
  TwoStageAggregates: { enableTwoStageAggregates: false },
  DirectDispatch: { enableDirectDispatch: false },
  ZonePredicates: { enableZonePredicates: false },
} as const satisfies Readonly<Record<string, Partial<PlannerSettings>>>;

/** Parts of the planner that look at `disabledRules` themselves. */
const NAMED_PARTS = ['JoinOrder', 'RuntimeFilters', 'RuntimeFilterCost', 'ShareCommonSubplans'] as const;

export const TECHNIQUES: readonly string[] = [
  ...ENGINE_TECHNIQUES,
  ...Object.keys(PLANNER_TECHNIQUES),
  ...NAMED_PARTS,
];

/** What the names among `disabled` say of the planner. */
export function withoutTechniques(settings: PlannerSettings): PlannerSettings {
  let result = settings;
  for (const [name, change] of Object.entries(PLANNER_TECHNIQUES))
    if (settings.disabledRules.has(name)) result = { ...result, ...change };
  // Rows must be able to meet.
  return result.enableBroadcast ? result : { ...result, enableRedistribute: true };
}

export function engineTechniquesOff(disabled: ReadonlySet<string>): readonly EngineTechnique[] {
  return ENGINE_TECHNIQUES.filter((t) => disabled.has(t));
}
