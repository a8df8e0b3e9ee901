/** Plans of queries and loads, with the locks and the snapshot they are run under.
 *
 *  Invariants: the snapshot is taken before the plan reads statistics, so the plan's ranges hold for every row the
 *  snapshot sees; when a lock was waited for, the statement is bound again if the catalog has changed meanwhile. */
import type { BoundStatement } from '../../plan/bind/statement.js';
import type { TableDef } from '../../plan/catalog.js';
import type { LogicalPlan } from '../../plan/logical/nodes.js';
import type { DistributedPlan } from '../../plan/physical.js';
import { type PlannerEnv, planInsert, planQuery } from '../../plan/plan.js';
import { DEFAULT_SETTINGS, type PlannerSettings } from '../../plan/settings.js';
import type { Csn, SegmentId } from '../../types/ids.js';
import type { SqlType } from '../../types/sql-type.js';
import type { LockMode } from '../session/locks.js';
import type { Binding, Prepared } from '../session/prepared.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';

export function plannerSettings(session: Session): PlannerSettings {
  const names = session.settings.get('mpp.disabled_rules');
  return {
    ...DEFAULT_SETTINGS,
    disabledRules: new Set(names.split(/[\s,]+/).filter((n) => n !== '')),
    shareSubplans: shareSubplans(session),
  };
}

function shareSubplans(session: Session): PlannerSettings['shareSubplans'] {
  const value = session.settings.get('mpp.share_subplans');
  return value === 'off' || value === 'on' ? value : 'auto';
}

export function plannerEnv(
  session: Session,
  paramTypes: readonly SqlType[],
  context?: RunContext,
): PlannerEnv {
  const segments = session.services.dispatcher.segments();
  return {
    segments: segments.map((s): SegmentId => s.id),
    paramTypes,
    settings: plannerSettings(session),
    ...(context === undefined || context.params.length === 0 ? {} : { paramValues: context.params }),
  };
}

export function planSelect(
  session: Session,
  plan: LogicalPlan,
  names: readonly string[],
  paramTypes: readonly SqlType[],
  context?: RunContext,
): DistributedPlan {
  return planQuery(plan, names, plannerEnv(session, paramTypes, context));
}

export function planLoad(
  session: Session,
  source: LogicalPlan,
  target: TableDef,
  paramTypes: readonly SqlType[],
  context?: RunContext,
): DistributedPlan {
  return planInsert(source, target, plannerEnv(session, paramTypes, context));
}

/** The query's plan: the one of an earlier execution while its assumptions hold. */
export function queryPlan(session: Session, binding: Binding, context: RunContext): DistributedPlan {
  const { statement } = binding;
  if (statement.kind !== 'query') throw new Error(`not a query: ${statement.kind}`);
  const segmentCount = session.services.dispatcher.segments().length;
  const settings = `${session.settings.get('mpp.disabled_rules')};${shareSubplans(session)}`;
  const cached = binding.plan;
  if (
    cached !== undefined &&
    cached.segmentCount === segmentCount &&
    cached.settings === settings &&
    cached.plan.assumes.every((a) => session.services.catalog.statsVersion(a.oid) === a.version)
  )
    return cached.plan;
  const names = statement.output.map((o) => o.name);
  const plan = planSelect(session, statement.plan, names, statement.paramTypes, context);
  binding.plan = { plan, segmentCount, settings };
  return plan;
}

export type Locked<T> = { readonly value: T; readonly snapshot: Csn; readonly release: () => void };

/** Locks what `prepare` says of the statement as it is bound now, and again until nothing has changed meanwhile. */
export async function withLocks<T>(
  session: Session,
  prepared: Prepared,
  context: RunContext,
  mode: LockMode,
  prepare: (
    statement: BoundStatement,
    binding: Binding,
  ) => { readonly value: T; readonly oids: readonly number[] },
): Promise<Locked<T>> {
  const { catalog, dispatcher, locks } = session.services;
  const timeoutMs = session.settings.number('lock_timeout');
  for (;;) {
    const binding = session.bindToRun(prepared, context.functions.nowMicros);
    const snapshot = dispatcher.snapshot();
    const { value, oids } = prepare(binding.statement, binding);
    const release = await locks.acquire(oids, mode, session, context.signal, timeoutMs);
    if (catalog.version === binding.catalogVersion) return { value, snapshot, release };
    release();
  }
}
