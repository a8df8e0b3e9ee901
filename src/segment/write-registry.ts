/** The loads that write on this segment: their writers and the executions that feed them.
 *
 *  Owns: the order of things within a load: no prepare while it writes, no rollback before its writers have ended.
 *  Invariants: a prepare for a load that this process does not know fails (the process may have been restarted since
 *  it wrote); a load that was not prepared is rolled back when the master is lost. */
import type { StorageSummary } from '../exchange/control-messages.js';
import type { RowGroup, TableColumn } from '../storage/row-group.js';
import type { SegmentStore, WriterOptions } from '../storage/table-store.js';
import type { TableWriter } from '../storage/table-writer.js';
import { zoneHasNan, zoneRange } from '../storage/zone-map.js';
import type { Csn, Gxid, StorageId } from '../types/ids.js';
import { SqlError } from '../types/sql-error.js';
import type { Range } from '../types/sql-type.js';

export interface Execution {
  abort(error: unknown): void;
  readonly ended: Promise<void>;
}

type Load = {
  readonly executions: Set<Execution>;
  readonly writers: TableWriter[];
  /** Prepares and rollbacks, one after the other. */
  turn: Promise<unknown>;
};

export class WriteRegistry {
  private readonly store: SegmentStore;
  private readonly loads = new Map<Gxid, Load>();

  constructor(store: SegmentStore) {
    this.store = store;
  }

  /** Before anything runs for `gxid`. */
  enter(gxid: Gxid, execution: Execution): void {
    let load = this.loads.get(gxid);
    if (load === undefined) {
      load = { executions: new Set(), writers: [], turn: Promise.resolve() };
      this.loads.set(gxid, load);
    }
    const { executions } = load;
    executions.add(execution);
    void execution.ended.then(() => executions.delete(execution));
  }

  openWriter(
    gxid: Gxid,
    storageId: StorageId,
    columns: readonly TableColumn[],
    options: WriterOptions,
  ): TableWriter {
    const writer = this.store.openWriter(gxid, storageId, columns, options);
    this.loads.get(gxid)!.writers.push(writer);
    return writer;
  }

  /** What the load has added here, durable now and still invisible. */
  async prepare(gxid: Gxid): Promise<StorageSummary[]> {
    const load = this.loads.get(gxid);
    if (load === undefined)
      throw new SqlError(
        '08006',
        `gxid ${gxid} is not known here: the segment was restarted during the load`,
      );
    await Promise.all([...load.executions].map((e) => e.ended));
    await this.inTurn(load, () => this.store.prepare(gxid));
    return summaries(load.writers);
  }

  async commit(gxid: Gxid, csn: Csn): Promise<void> {
    await this.store.commit(gxid, csn);
    this.loads.delete(gxid);
  }

  async rollback(gxid: Gxid): Promise<void> {
    const load = this.loads.get(gxid);
    if (load === undefined) return this.store.rollback(gxid);
    const error = new SqlError('40000', 'the load was rolled back');
    for (const e of load.executions) e.abort(error);
    await Promise.all([...load.executions].map((e) => e.ended));
    await this.inTurn(load, () => this.store.rollback(gxid));
    this.loads.delete(gxid);
  }

  /** The master is lost: what is not prepared will never be. */
  async rollbackUnprepared(): Promise<void> {
    for (const [gxid, load] of this.loads) {
      await load.turn.catch(() => undefined);
      if (!this.store.preparedGxids().includes(gxid)) await this.rollback(gxid);
    }
  }

  private async inTurn(load: Load, work: () => Promise<void>): Promise<void> {
    const done = load.turn.then(work);
    load.turn = done.catch(() => undefined);
    await done;
  }
}

function summaries(writers: readonly TableWriter[]): StorageSummary[] {
  const byStorage = new Map<number, { width: number; groups: RowGroup[] }>();
  for (const w of writers) {
    const entry = byStorage.get(w.storageId) ?? { width: w.columns.length, groups: [] };
    entry.groups.push(...(w.groups ?? []));
    byStorage.set(w.storageId, entry);
  }
  return [...byStorage].map(([storageId, { width, groups }]) => ({
    storageId: storageId as StorageId,
    rows: groups.reduce((n, g) => n + g.rows, 0),
    columns: Array.from({ length: width }, (_, i) => ({
      range: uniteRanges(groups.map((g) => zoneRange(g.columns[i]!.zone))),
      noNulls: groups.every((g) => g.columns[i]!.nullCount === 0),
      hasNan: groups.some((g) => zoneHasNan(g.columns[i]!.zone)),
    })),
  }));
}

function uniteRanges(ranges: readonly (Range | undefined)[]): Range | undefined {
  let all: Range | undefined;
  for (const r of ranges) {
    if (r === undefined) continue;
    all =
      all === undefined
        ? r
        : { min: r.min < all.min ? r.min : all.min, max: r.max > all.max ? r.max : all.max };
  }
  return all;
}
