/** The pipeline: a bound plan through the rules, through the search for the cheapest distributed plan, into slices.
 *
 *  Owns: the order of the phases. Pure: the same plan, statistics and settings give the same slices.
 *  Source: Greenplum's slices and motions; Selinger-style search with distribution as the physical property. */
import { functionById } from '../types/functions/registry.js';
import type { ColId, SegmentId } from '../types/ids.js';
import type { SqlType } from '../types/sql-type.js';
import type { Value } from '../types/value.js';
import type { TableDef } from './catalog.js';
import { type Alternative, PhysicalContext, type Planned } from './distribute/context.js';
import { isPartitioned } from './distribute/distribution.js';
import { broadcast, gather, redistribute, strew } from './distribute/motions.js';
import { withRuntimeFilters } from './distribute/runtime-filters.js';
import { cheapestWay, type Place, useShares } from './distribute/search.js';
import { cutSlices } from './distribute/slices.js';
import type { Expr } from './expr.js';
import { col, walkExpr } from './expr-util.js';
import type { LogicalPlan } from './logical/nodes.js';
import { exprsOf, inputsOf } from './logical/transform.js';
import type { DistributedPlan, Slice } from './physical.js';
import { type RulesEnv, type RuleTrace, rulesAfterSharing, rulesBeforeSharing } from './rules/apply-rules.js';
import { commonSubplans, rowsProcessed, shareSubplan } from './rules/share-common-subplans.js';
import { DEFAULT_SETTINGS, type PlannerSettings } from './settings.js';
import { engineTechniquesOff, withoutTechniques } from './techniques.js';

/** Common subplans that are tried, each at the price of planning once more. */
const SHARED_MAX = 4;
/** With fewer rows to process, a subplan is computed again sooner than its sharing is planned. */
const SHARED_ROWS_MIN = 20_000;

export type PlannerEnv = {
  /** Segment ids in hash order: 0..n-1. */
  readonly segments: readonly SegmentId[];
  readonly paramTypes: readonly SqlType[];
  readonly settings?: Partial<PlannerSettings>;
  /** A column id that the plan does not use; when absent, ids past the plan's largest. */
  readonly freshColId?: () => ColId;
  /** This execution's parameters, for estimates only: the plan stays right for others. */
  readonly paramValues?: readonly (Value | undefined)[];
  /** Told of every rule that changed the plan. */
  readonly trace?: RuleTrace;
};

export function planQuery(
  plan: LogicalPlan,
  outputNames: readonly string[],
  env: PlannerEnv,
): DistributedPlan {
  const ids = plan.cols.map((c) => c.id);
  const { ctx, best } = search(plan, env, (ctx, planned) =>
    cheapestOf(planned.alternatives.map((a) => gather(ctx, planned, a))),
  );
  const root = best.build(new Set(ids));
  const cols = ids.map((id, i) => {
    const c = root.cols.find((x) => x.id === id) ?? plan.cols[i];
    return { ...c, name: outputNames[i] ?? c.name };
  });
  return {
    slices: finished(ctx, cutSlices(ctx, root, 'master', { kind: 'result', cols })),
    output: cols,
    paramTypes: env.paramTypes,
    assumes: assumptions(ctx),
  };
}

/** `source` gives one column for each of the table's, in its order. */
export function planInsert(source: LogicalPlan, target: TableDef, env: PlannerEnv): DistributedPlan {
  const ids = source.cols.map((c) => c.id);
  const { ctx, best } = search(source, env, (ctx, planned) =>
    cheapestOf(planned.alternatives.map((a) => placed(ctx, planned, a, source, target))),
  );
  const root = best.build(new Set(ids));
  const cols = ids.map((id, i) => root.cols.find((x) => x.id === id) ?? source.cols[i]);
  const slices = cutSlices(ctx, root, 'all', {
    kind: 'insert',
    replicated: target.distribution.kind === 'replicated',
    storageId: target.storageId,
    tableOid: target.oid,
    table: target.name,
    columns: target.columns.map((c) => ({ name: c.name, type: c.type, notNull: c.notNull })),
    cols,
  });
  return {
    slices: finished(ctx, slices),
    output: [],
    paramTypes: env.paramTypes,
    assumes: assumptions(ctx),
  };
}

function finished(ctx: PhysicalContext, slices: readonly Slice[]): readonly Slice[] {
  const without = engineTechniquesOff(ctx.settings.disabledRules);
  const result = withRuntimeFilters(ctx, slices);
  return without.length === 0 ? result : result.map((s) => ({ ...s, without }));
}

/** The alternative with its rows where the table wants them. */
function placed(
  ctx: PhysicalContext,
  planned: Planned,
  a: Alternative,
  source: LogicalPlan,
  target: TableDef,
): Alternative {
  const shape = { estimate: planned.estimate, cols: source.cols };
  const { distribution } = target;
  if (ctx.segmentCount === 1 && a.dist.kind === 'replicated') return a;
  if (distribution.kind === 'replicated') return broadcast(ctx, shape, a);
  if (distribution.kind === 'random') return isPartitioned(a.dist) ? a : strew(ctx, shape, a);
  const keys = distribution.columns.map((o): Expr => col(source.cols[o]));
  const { dist } = a;
  const there =
    dist.kind === 'hashed' &&
    dist.keys.length === keys.length &&
    dist.keys.every((k, i) => k.has(`#${source.cols[distribution.columns[i]].id}`));
  return there ? a : redistribute(ctx, shape, a, keys);
}

function search(
  plan: LogicalPlan,
  env: PlannerEnv,
  place: Place,
): { ctx: PhysicalContext; best: Alternative } {
  const settings = withoutTechniques({ ...DEFAULT_SETTINGS, ...env.settings });
  const freshColId = env.freshColId ?? counterPast(plan);
  const ctx = new PhysicalContext(env.segments, settings, functionById, freshColId, env.paramValues ?? []);
  const rules: RulesEnv = { settings, freshColId, estimator: ctx.estimator, trace: env.trace };
  let query = rulesBeforeSharing(plan, rules);
  let way = cheapestWay(ctx, rulesAfterSharing(query, rules), place);
  const always = settings.shareSubplans === 'on';
  if (settings.shareSubplans !== 'off' && !settings.disabledRules.has('ShareCommonSubplans'))
    for (const common of commonSubplans(query).slice(0, SHARED_MAX)) {
      if (!always && rowsProcessed(common[0], ctx.estimator) < SHARED_ROWS_MIN) continue;
      const shared = shareSubplan(query, common, rules);
      const tried = cheapestWay(ctx, rulesAfterSharing(shared, rules), place);
      if (!always && tried.cost >= way.cost) continue;
      way = tried;
      query = shared;
    }
  useShares(ctx, way.shares);
  return { ctx, best: way.best };
}

function cheapestOf(alternatives: readonly Alternative[]): Alternative {
  return alternatives.reduce((a, b) => (b.cost < a.cost ? b : a));
}

function assumptions(ctx: PhysicalContext): DistributedPlan['assumes'] {
  return [...ctx.tables.values()].map((t) => ({ oid: t.oid, version: t.stats.version }));
}

function counterPast(plan: LogicalPlan): () => ColId {
  let last = 0;
  const visit = (p: LogicalPlan): void => {
    for (const c of p.cols) last = Math.max(last, c.id);
    if (p.kind === 'shared') {
      last = Math.max(last, p.shared.id);
      visit(p.shared.plan);
    }
    for (const e of exprsOf(p))
      walkExpr(e, (x) => {
        if (x.kind === 'subquery') visit(x.plan);
      });
    for (const i of inputsOf(p)) visit(i);
  };
  visit(plan);
  return () => ++last as ColId;
}
