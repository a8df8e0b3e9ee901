/** Statements that put rows into tables: INSERT, CREATE TABLE AS, and TRUNCATE, which gives a table new storage.
 *
 *  Invariants: all rows of a load become visible together or not at all; statistics are widened before they do; a
 *  storage that no table owns is dropped. */

import type { ChunkSink } from '../../engine/api.js';
import type { TableDef } from '../../plan/catalog.js';
import type { DistributedPlan } from '../../plan/physical.js';
import type { Csn, Gxid, StorageId } from '../../types/ids.js';
import type { OutChunk } from '../../types/memory.js';
import { SqlError } from '../../types/sql-error.js';
import { duplicateRelation, refuseSystemSchema } from '../catalog/names.js';
import type { CatalogOp, StoredStats, StoredTable } from '../catalog/state.js';
import { emptyStats, tableStats, widened } from '../catalog/stats.js';
import type { RunStats, TableSummary } from '../dispatch/api.js';
import type { Prepared } from '../session/prepared.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';
import { requireCreateIn } from './access.js';
import { newAccess } from './default-privileges.js';
import { planLoad, withLocks } from './plan.js';
import { runOptions } from './query.js';
import { refreshTable } from './refresh.js';

/** Plans with insert slices have no result. */
const NO_RESULT: ChunkSink = {
  done: false,
  push: (chunk: OutChunk) => chunk.release(),
  ready: () => true,
  onReady: () => {},
  finish: () => Promise.resolve(),
  abort: () => {},
};

/** Begins a load, lets `write` do it, and commits; on any failure nothing of it stays. */
export async function load<T>(
  session: Session,
  write: (gxid: Gxid) => Promise<T>,
  beforeVisible: (added: readonly TableSummary[]) => Promise<void>,
): Promise<T> {
  const { catalog, dispatcher, log } = session.services;
  const gxid = await dispatcher.beginLoad();
  let result: T;
  try {
    result = await write(gxid);
  } catch (e) {
    await dispatcher.abortLoad(gxid).catch((failure: unknown) => {
      log.warn({ gxid: String(gxid), err: failure }, 'a load could not be rolled back everywhere yet');
    });
    throw e;
  }
  const touched: TableSummary[] = [];
  try {
    await dispatcher.commitLoad(gxid, async (added) => {
      touched.push(...added);
      catalog.unseen.add(touched);
      await beforeVisible(added);
    });
  } catch (e) {
    catalog.unseen.delete(touched);
    await recount(session, touched);
    throw e;
  }
  catalog.unseen.delete(touched);
  return result;
}

/** After a commit that failed the catalog may count rows that never became visible. */
async function recount(session: Session, touched: readonly TableSummary[]): Promise<void> {
  const { catalog, log } = session.services;
  for (const { storageId } of touched) {
    const stored = catalog.tables().find((t) => t.storageId === storageId);
    if (stored !== undefined)
      await refreshTable(session.services, stored).catch((err: unknown) => {
        log.warn({ table: stored.name, err }, 'row counts could not be refreshed');
      });
  }
}

/** Widens the statistics of the tables that own the storages. */
export function widenCatalog(session: Session): (added: readonly TableSummary[]) => Promise<void> {
  const { catalog } = session.services;
  return async (added) => {
    for (const summary of added) {
      const table = catalog.tables().find((t) => t.storageId === summary.storageId);
      if (table !== undefined) await catalog.updateStats(table.oid, (s) => widened(s, summary));
    }
  };
}

export function runLoadPlan(
  session: Session,
  plan: DistributedPlan,
  snapshot: Csn,
  context: RunContext,
  gxid: Gxid,
  instrument = false,
): Promise<RunStats> {
  return session.services.dispatcher.run(plan, {
    ...runOptions(session, plan, context, snapshot),
    gxid,
    instrument,
    signal: context.signal,
    sink: NO_RESULT,
  });
}

export async function runInsert(session: Session, prepared: Prepared, context: RunContext): Promise<number> {
  const locked = await withLocks(session, prepared, context, 'shared', (statement) => {
    if (statement.kind !== 'insert') throw new Error('not an insert');
    const plan = planLoad(session, statement.source, statement.table, statement.paramTypes, context);
    return { value: plan, oids: [statement.table.oid, ...plan.assumes.map((a) => a.oid)] };
  });
  try {
    const stats = await load(
      session,
      (gxid) => runLoadPlan(session, locked.value, locked.snapshot, context, gxid),
      widenCatalog(session),
    );
    return stats.rowsInserted;
  } finally {
    locked.release();
  }
}

/** The tag: SELECT n, or CREATE TABLE AS without data. */
export async function createTableAs(
  session: Session,
  prepared: Prepared,
  context: RunContext,
): Promise<string> {
  const { catalog, dispatcher } = session.services;
  const { statement: first } = session.bind(prepared, context.functions.nowMicros);
  if (first.kind !== 'createTableAs') throw new Error('not CREATE TABLE AS');
  refuseSystemSchema(first.table.schema, first.table.name);
  requireCreateIn(session, first.table.schema);
  if (catalog.relation(first.table.schema, first.table.name) !== undefined) {
    if (!first.ifNotExists) throw duplicateRelation(first.table.name);
    session.notice({
      severity: 'NOTICE',
      code: '42P07',
      message: `relation "${first.table.name}" already exists, skipping`,
    });
    return 'CREATE TABLE AS';
  }
  const storageId = await catalog.newStorageId();
  const oid = await catalog.newOid();
  let created = false;
  try {
    let stats: StoredStats = emptyStats(first.table.columns.length, 1);
    let rows = 0;
    if (first.withData) {
      const locked = await withLocks(session, prepared, context, 'shared', (statement) => {
        if (statement.kind !== 'createTableAs') throw new Error('not CREATE TABLE AS');
        const target: TableDef = {
          ...statement.table,
          kind: 'table',
          oid,
          storageId,
          stats: tableStats(stats),
        };
        const plan = planLoad(session, statement.source, target, statement.paramTypes, context);
        return { value: plan, oids: plan.assumes.map((a) => a.oid).filter((x) => x !== oid) };
      });
      try {
        const run = await load(
          session,
          (gxid) => runLoadPlan(session, locked.value, locked.snapshot, context, gxid),
          (added) => {
            for (const s of added) if (s.storageId === storageId) stats = widened(stats, s);
            return Promise.resolve();
          },
        );
        rows = run.rowsInserted;
      } finally {
        locked.release();
      }
    }
    const { table } = first;
    await catalog.commit(() => {
      requireCreateIn(session, table.schema);
      if (catalog.relation(table.schema, table.name) !== undefined) throw duplicateRelation(table.name);
      if (catalog.schemaOid(table.schema) === undefined)
        throw new SqlError('3F000', `schema "${table.schema}" does not exist`);
      const stored: StoredTable = {
        ...table,
        kind: 'table',
        oid,
        primaryKeyOid: undefined,
        storageId,
        stats,
        ...newAccess(session, table.schema),
      };
      return [{ op: 'put', relation: stored }];
    });
    created = true;
    return first.withData ? `SELECT ${rows}` : 'CREATE TABLE AS';
  } finally {
    catalog.releaseStorage(storageId);
    if (!created) await dispatcher.dropStorage(storageId).catch(() => {});
  }
}

export async function truncate(session: Session, prepared: Prepared, context: RunContext): Promise<string> {
  const { catalog } = session.services;
  const locked = await withLocks(session, prepared, context, 'exclusive', (statement) => {
    if (statement.kind !== 'truncate') throw new Error('not TRUNCATE');
    return { value: statement.tables, oids: statement.tables.map((t) => t.oid) };
  });
  const fresh: StorageId[] = [];
  const old: StorageId[] = [];
  try {
    for (const _ of locked.value) fresh.push(await catalog.newStorageId());
    await catalog.commit(() => {
      old.length = 0;
      return locked.value.flatMap((t, i): CatalogOp[] => {
        const stored = catalog.storedByOid(t.oid);
        if (stored?.kind !== 'table') return [];
        old.push(stored.storageId);
        const stats = emptyStats(stored.columns.length, stored.stats.version + 1);
        return [{ op: 'put', relation: { ...stored, storageId: fresh[i], stats } }];
      });
    });
  } finally {
    for (const id of fresh) catalog.releaseStorage(id);
    locked.release();
  }
  await dropStorages(session, old);
  return 'TRUNCATE TABLE';
}

/** Segments that cannot be reached learn of it when they join again. */
export async function dropStorages(session: Session, ids: readonly StorageId[]): Promise<void> {
  const { dispatcher, log } = session.services;
  for (const id of ids)
    await dispatcher.dropStorage(id).catch((err: unknown) => {
      log.warn({ storageId: id, err }, 'a storage could not be dropped everywhere yet');
    });
}
