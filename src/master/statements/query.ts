/** SELECT and its kin: a running distributed query as a stream of row blocks. */
import type { BoundStatement } from '../../plan/bind/statement.js';
import type { Expr } from '../../plan/expr.js';
import { hasSubquery, someExpr } from '../../plan/expr-util.js';
import type { DistributedPlan } from '../../plan/physical.js';
import type { Csn, QueryId } from '../../types/ids.js';
import { SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { scanSystemTable } from '../catalog/system/scan.js';
import type { RunOptions, RunStats } from '../dispatch/api.js';
import { ChunkQueue } from '../session/chunk-queue.js';
import { evaluateConstant } from '../session/evaluate.js';
import { namesAskedFor, SIGNALS } from '../session/names-asked.js';
import type { Prepared } from '../session/prepared.js';
import { chunkBlock, type RowStream, valueStream } from '../session/rows.js';
import type { Session } from '../session/session.js';
import type { RunContext, StatementRun } from '../session/statement-run.js';
import { describeStatement } from './describe.js';
import { queryPlan, withLocks } from './plan.js';

export async function startQuery(
  session: Session,
  prepared: Prepared,
  context: RunContext,
): Promise<StatementRun> {
  const locked = await withLocks(session, prepared, context, 'shared', (statement, binding) => {
    const plan = queryPlan(session, binding, context);
    return { value: { plan, statement }, oids: plan.assumes.map((a) => a.oid) };
  });
  const { plan, statement } = locked.value;
  const own = ownRow(statement, context);
  if (own !== undefined) {
    locked.release();
    return {
      fields: describeStatement(session, statement),
      stream: valueStream(
        [own],
        plan.output.map((c) => c.type),
        context.functions,
      ),
      tag: (rows) => `SELECT ${rows}`,
    };
  }
  return {
    fields: describeStatement(session, statement),
    stream: runPlan(session, plan, locked.snapshot, context, locked.release).stream,
    tag: (rows) => `SELECT ${rows}`,
  };
}

/** `SELECT pg_cancel_backend(1)`, `SELECT set_config(...)`: functions that act on sessions run here, where sessions are; undefined for all else. */
function ownRow(statement: BoundStatement, context: RunContext): readonly Value[] | undefined {
  if (statement.kind !== 'query' || statement.plan.kind !== 'project') return undefined;
  const { input, exprs } = statement.plan;
  if (input.kind !== 'values' || input.rows.length !== 1 || input.cols.length > 0) return undefined;
  const acts = (e: Expr) =>
    e.kind === 'call' &&
    (SIGNALS.test(e.fn) || /^(set_config|pg_stat_statements_reset|pg_reload_conf)\(/.test(e.fn));
  if (!exprs.some((e) => someExpr(e, acts)) || exprs.some(hasSubquery)) return undefined;
  return exprs.map((e) => evaluateConstant(e, context.functions, context.params));
}

export type RunningPlan = {
  readonly stream: RowStream;
  readonly stats: Promise<RunStats>;
};

/** Options that all runs of a session's plans share. */
export function runOptions(
  session: Session,
  plan: DistributedPlan,
  context: RunContext,
  snapshot: Csn,
): Omit<RunOptions, 'sink' | 'gxid' | 'instrument' | 'signal'> {
  const { catalog: _, ...plain } = context.functions;
  const asked = namesAskedFor(plan);
  const settings = asked.names ? { ...plain, catalogNames: session.catalogNames(asked) } : plain;
  const queryId: QueryId = session.services.newQueryId();
  const memoryKilobytes = session.settings.number('mpp.query_memory');
  return {
    queryId,
    pid: session.processId,
    params: context.params,
    settings,
    snapshotCsn: snapshot,
    memoryLimitBytes: memoryKilobytes > 0 ? memoryKilobytes * 1024 : undefined,
    virtualScan: (op) => scanSystemTable(op, session.systemContext(), session.services.dispatcher.memory),
  };
}

/** Starts the plan; `release` is called when it has ended. */
export function runPlan(
  session: Session,
  plan: DistributedPlan,
  snapshot: Csn,
  context: RunContext,
  release: () => void,
  instrument = false,
): RunningPlan {
  const { dispatcher } = session.services;
  const sink = new ChunkQueue();
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const types: readonly SqlType[] = plan.output.map((c) => c.type);
  const stats = dispatcher
    .run(plan, { ...runOptions(session, plan, context, snapshot), gxid: undefined, instrument, signal, sink })
    .finally(release);
  const ended = stats.then(
    () => sink.end(),
    (e: unknown) => sink.fail(e),
  );
  const stream: RowStream = {
    async next() {
      const chunk = await sink.next();
      if (chunk !== undefined) return chunkBlock(chunk, types, dispatcher.memory, context.functions);
      // Slices that end after the last row may still fail.
      if (!sink.done) await stats;
      return undefined;
    },
    async close() {
      sink.stop();
      stop.abort(new SqlError('57014', 'the rest of the rows is not wanted'));
      await ended;
    },
  };
  return { stream, stats };
}
