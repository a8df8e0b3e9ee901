/** ANALYZE and VACUUM: statistics from a sample of the segments' rows, kept durably in the catalog. */
import type { TableDef } from '../../plan/catalog.js';
import { BOOTSTRAP_OID } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import { analyzed, refreshed } from '../catalog/stats.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';
import { owns } from './access.js';
import { tableTarget } from './refresh.js';
import type { Statement } from './statement.js';

export async function runAnalyze(
  session: Session,
  s: Statement<'analyze'>,
  context: RunContext,
): Promise<string> {
  await analyzeTables(session, permitted(session, s.tables, 'analyze'), context, s.verbose);
  return 'ANALYZE';
}

export async function runVacuum(
  session: Session,
  s: Statement<'vacuum'>,
  context: RunContext,
): Promise<string> {
  if (session.transaction.open) throw new SqlError('25001', 'VACUUM cannot run inside a transaction block');
  const oids = permitted(session, s.tables, 'vacuum');
  if (s.analyze) await analyzeTables(session, oids, context, false);
  return 'VACUUM';
}

/** Tables of others are passed over with a warning, but for the database's owner. */
function permitted(
  session: Session,
  which: readonly TableDef[] | 'all',
  verb: 'analyze' | 'vacuum',
): readonly number[] {
  const { catalog } = session.services;
  const oids = which === 'all' ? catalog.tables().map((t) => t.oid) : which.map((t) => t.oid);
  if (session.identity.has(BOOTSTRAP_OID)) return oids;
  return oids.filter((oid) => {
    const stored = catalog.storedByOid(oid);
    if (stored === undefined || owns(session, stored)) return stored !== undefined;
    session.notice({
      severity: 'WARNING',
      code: '01000',
      message: `skipping "${stored.name}" --- only table or database owner can ${verb} it`,
    });
    return false;
  });
}

async function analyzeTables(
  session: Session,
  oids: readonly number[],
  context: RunContext,
  verbose: boolean,
): Promise<void> {
  const { locks } = session.services;
  const timeoutMs = session.settings.number('lock_timeout');
  for (const oid of oids) {
    const release = await locks.acquire([oid], 'shared', session, context.signal, timeoutMs);
    try {
      await analyzeTable(session, oid, context, verbose);
    } finally {
      release();
    }
  }
}

async function analyzeTable(
  session: Session,
  oid: number,
  context: RunContext,
  verbose: boolean,
): Promise<void> {
  const { catalog, dispatcher } = session.services;
  const stored = catalog.storedByOid(oid);
  if (stored?.kind !== 'table') return;
  const table = catalog.definition(stored);
  if (table.kind !== 'table') return;
  const target = tableTarget(table);
  // The summary may lack the rows of a load that has widened the bounds and is not visible yet.
  const before = catalog.allSeen(stored.storageId) ? stored.stats.version : undefined;
  const ordinals = table.columns.map((_, i) => i);
  if (verbose)
    session.notice({ severity: 'INFO', code: '00000', message: `analyzing "${table.schema}.${table.name}"` });
  const result = await dispatcher.analyze(target, ordinals, { signal: context.signal });
  const summary = await dispatcher.tableSummary(target);
  await catalog.updateStats(oid, (stats) => {
    const estimated = analyzed(stats, result.rows, result.columns);
    // A load that committed meanwhile has widened the bounds past what the summary may have seen.
    return stats.version === before ? refreshed(estimated, summary) : { ...estimated, rows: stats.rows };
  });
}
