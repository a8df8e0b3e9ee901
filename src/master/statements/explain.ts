/** EXPLAIN: the plan as text or JSON; with ANALYZE the statement runs, its rows are counted and dropped. */
import type { BoundStatement } from '../../plan/bind/statement.js';
import type { AnalyzeStats } from '../../plan/explain/analyze.js';
import { explainJson } from '../../plan/explain/json.js';
import { type ExplainTextOptions, explainText } from '../../plan/explain/text.js';
import type { DistributedPlan } from '../../plan/physical.js';
import type { StorageId } from '../../types/ids.js';
import { notSupported } from '../../types/sql-error.js';
import { TEXT } from '../../types/sql-type.js';
import { emptyStats, tableStats } from '../catalog/stats.js';
import type { RunStats } from '../dispatch/api.js';
import type { Prepared } from '../session/prepared.js';
import { valueStream } from '../session/rows.js';
import type { Session } from '../session/session.js';
import type { RunContext, StatementRun } from '../session/statement-run.js';
import { describeStatement } from './describe.js';
import { load, runLoadPlan, widenCatalog } from './load.js';
import { type Locked, planLoad, planSelect, withLocks } from './plan.js';
import { executeArguments } from './prepare.js';
import { runPlan } from './query.js';
import type { Statement } from './statement.js';
import { announceWrite } from './writes.js';

type Planned = { readonly plan: DistributedPlan; readonly planningMs: number; readonly writes: boolean };

export async function runExplain(
  session: Session,
  prepared: Prepared,
  s: Statement<'explain'>,
  context: RunContext,
): Promise<StatementRun> {
  const { options } = s;
  if (options.format !== 'text' && options.format !== 'json')
    throw notSupported(`EXPLAIN (FORMAT ${options.format.toUpperCase()})`);
  const params =
    s.statement.kind === 'execute' ? executeArguments(session, s.statement, context) : context.params;
  const inner: RunContext = { ...context, params };
  const locked = await withLocks(session, prepared, context, 'shared', (statement) => {
    if (statement.kind !== 'explain') throw new Error('not EXPLAIN');
    const planned = planOf(session, statement.statement, inner);
    return { value: planned, oids: planned.plan.assumes.map((a) => a.oid) };
  });
  const { plan, planningMs, writes } = locked.value;
  let analyze: AnalyzeStats | undefined;
  if (options.analyze) {
    if (writes) announceWrite(session, s.statement);
    analyze = await measure(session, locked, inner, writes);
  } else locked.release();
  const text: ExplainTextOptions = {
    verbose: options.verbose,
    costs: options.costs,
    timing: options.timing,
    summary: options.summary,
    planningMs,
    analyze,
  };
  const rows =
    options.format === 'json' ? [[explainJson(plan, text)]] : explainText(plan, text).map((line) => [line]);
  return {
    fields: describeStatement(session, s),
    stream: valueStream(rows, [TEXT], context.functions),
    tag: () => 'EXPLAIN',
  };
}

function planOf(session: Session, statement: BoundStatement, context: RunContext): Planned {
  const began = performance.now();
  const done = (plan: DistributedPlan, writes: boolean): Planned => ({
    plan,
    writes,
    planningMs: performance.now() - began,
  });
  switch (statement.kind) {
    case 'query': {
      const names = statement.output.map((o) => o.name);
      return done(planSelect(session, statement.plan, names, statement.paramTypes, context), false);
    }
    case 'insert':
      return done(planLoad(session, statement.source, statement.table, statement.paramTypes, context), true);
    case 'createTableAs': {
      const { table } = statement;
      const stats = tableStats(emptyStats(table.columns.length, 1));
      const target = { ...table, kind: 'table', oid: 0, storageId: 0 as StorageId, stats } as const;
      return done(planLoad(session, statement.source, target, statement.paramTypes, context), true);
    }
    case 'execute': {
      const prepared = session.preparedStatement(statement.name);
      return planOf(session, session.bind(prepared, context.functions.nowMicros).statement, context);
    }
    default:
      throw notSupported('EXPLAIN of this statement');
  }
}

async function measure(
  session: Session,
  locked: Locked<Planned>,
  context: RunContext,
  writes: boolean,
): Promise<AnalyzeStats> {
  const { plan, planningMs } = locked.value;
  const began = performance.now();
  let stats: RunStats;
  if (writes) {
    try {
      const insert = plan.slices.find((x) => x.sink.kind === 'insert')?.sink;
      if (insert?.kind === 'insert' && insert.tableOid === 0)
        throw notSupported('EXPLAIN ANALYZE of CREATE TABLE AS');
      stats = await load(
        session,
        (gxid) => runLoadPlan(session, plan, locked.snapshot, context, gxid, true),
        widenCatalog(session),
      );
    } finally {
      locked.release();
    }
  } else {
    const running = runPlan(session, plan, locked.snapshot, context, locked.release, true);
    try {
      for (let b = await running.stream.next(); b !== undefined; b = await running.stream.next()) b.release();
      stats = await running.stats;
    } finally {
      await running.stream.close();
    }
  }
  return analyzeStats(stats, planningMs, performance.now() - began);
}

/** The dispatcher's counts in the shape that EXPLAIN folds. */
function analyzeStats(stats: RunStats, planningMs: number, executionMs: number): AnalyzeStats {
  const ids = [...new Set(stats.slices.map((x) => x.slice))].sort((a, b) => a - b);
  const motions = new Map<number, { motion: number; rows: number; bytes: number }>();
  for (const m of stats.motions) {
    const sum = motions.get(m.motion) ?? { motion: m.motion, rows: 0, bytes: 0 };
    sum.rows += m.rows;
    sum.bytes += m.bytes;
    motions.set(m.motion, sum);
  }
  return {
    slices: ids.map((id) => ({
      id,
      processes: stats.slices.filter((x) => x.slice === id).map((x) => ({ segment: x.segment, ...x.stats })),
    })),
    motions: [...motions.values()],
    planningMs,
    executionMs,
  };
}
