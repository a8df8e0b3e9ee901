/** A scan: the visible row groups of a table as batches in shared memory, loaded ahead of the engine.
 *
 *  Owns: zone skipping (also of what a runtime filter rules out later), read-ahead, pins. Must not know: the engine (it pulls through `BatchSource`), SQL.
 *  Invariants: every batch has exactly `layout`'s encodings, in the order of the row groups; strings of a batch stay where
 *  they are until the query is over (compiled code keeps references to them, also after the source was closed because a
 *  LIMIT was reached), fixed-width columns until the batch is released; a row group's file is not removed before the scan is closed and
 *  its batches are released. */
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type Batch,
  type BatchSource,
  type ColumnLayout,
  ENCODING_CODE,
} from '../types/memory.js';
import { SqlError } from '../types/sql-error.js';
import type { BufferPool, CachedColumn } from './buffer-pool.js';
import type { RowGroup } from './row-group.js';
import { zoneRange } from './zone-map.js';

const READ_AHEAD_BYTES = 32 << 20;
const READ_AHEAD_GROUPS = 16;

export type ScanStats = {
  /** Visible row groups, and those that zone maps excluded. */
  readonly groups: number;
  readonly skipped: number;
  /** Rows in the row groups that were not skipped. */
  readonly rows: number;
  /** Read from disk for this scan; the rest was in the buffer pool. */
  readonly bytesRead: number;
};

type Loading = {
  readonly group: RowGroup;
  readonly columns: readonly CachedColumn[];
  readonly bytes: number;
};

export type ScanPlan = {
  readonly pool: BufferPool;
  readonly ordinals: readonly number[];
  readonly layout: readonly ColumnLayout[];
  /** Of integers that are to be read as numerics without scale. */
  readonly scales: readonly (number | undefined)[];
  /** Those that may have matching rows, in order. */
  readonly groups: readonly RowGroup[];
  readonly visibleGroups: number;
  /** Settles when the query is over: strings are pinned until then. Absent: until the scan is closed. */
  readonly until: Promise<unknown> | undefined;
  /** Called once, when the scan needs the files no more. */
  readonly onClosed: () => void;
};

export class TableScan implements BatchSource {
  readonly layout: readonly ColumnLayout[];
  private readonly plan: ScanPlan;
  private groups: readonly RowGroup[];
  /** Index of the first row group that is not asked for yet. */
  private next_ = 0;
  private readonly ahead: Loading[] = [];
  private aheadBytes = 0;
  private outstanding = 0;
  private readonly strings: CachedColumn[] = [];
  private callback: (() => void) | undefined;
  private closed = false;
  /** The query that reads is over, or nobody will say when. */
  private over: boolean;
  private finished = false;
  private bytesRead = 0;

  constructor(plan: ScanPlan) {
    this.plan = plan;
    this.groups = plan.groups;
    this.layout = plan.layout;
    const over = (): void => {
      this.over = true;
      this.close();
      this.maybeFinish();
    };
    this.over = plan.until === undefined;
    plan.until?.then(over, over);
    try {
      this.readAhead();
    } catch (e) {
      // `next` will try again, and is the place where a scan fails.
      if (!isOutOfMemory(e)) throw e;
    }
  }

  get stats(): ScanStats {
    const { groups } = this;
    const { visibleGroups } = this.plan;
    let rows = 0;
    for (const g of groups) rows += g.rows;
    return { groups: visibleGroups, skipped: visibleGroups - groups.length, rows, bytesRead: this.bytesRead };
  }

  get rowsTotal(): number {
    return this.stats.rows;
  }

  next(): Batch | 'wait' | 'end' {
    if (this.closed) return 'end';
    this.readAhead();
    const head = this.ahead[0];
    if (head === undefined) {
      if (this.next_ >= this.groups.length) return 'end';
      // No memory for even one row group while earlier batches are in use: their release brings us back.
      return 'wait';
    }
    if (head.columns.some((c) => !c.ready)) return 'wait';
    const failed = head.columns.find((c) => c.state === 'failed');
    if (failed !== undefined) return this.retryOrThrow(failed.error);
    const batch = this.deliver(head);
    if (batch === undefined) return 'wait';
    this.readAhead();
    return batch;
  }

  onReady(callback: () => void): void {
    this.callback = callback;
  }

  narrow(column: number, mayMatch: (min: bigint, max: bigint) => boolean): number {
    // Bounds of integers say nothing of numerics that are read as bytes.
    if (this.layout[column]!.encoding === 'utf8') return 0;
    const ordinal = this.plan.ordinals[column]!;
    let rows = 0;
    const stays = (group: RowGroup): boolean => {
      const { nullCount, zone } = group.columns[ordinal]!;
      const bounds = zoneRange(zone);
      if (nullCount < group.rows && (bounds === undefined || mayMatch(bounds.min, bounds.max))) return true;
      rows += group.rows;
      return false;
    };
    const loading = this.ahead.splice(0);
    const waiting = this.groups.slice(this.next_).filter(stays);
    const delivered = this.groups.slice(0, this.next_ - loading.length);
    for (const l of loading) {
      if (stays(l.group)) this.ahead.push(l);
      else this.drop(l);
    }
    this.groups = [...delivered, ...this.ahead.map((l) => l.group), ...waiting];
    this.next_ = delivered.length + this.ahead.length;
    return rows;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const loading of this.ahead.splice(0)) this.drop(loading);
    this.maybeFinish();
  }

  private readonly wake = (): void => {
    const head = this.ahead[0];
    if (!this.closed && (head === undefined || head.columns.every((c) => c.ready))) this.callback?.();
  };

  private readAhead(): void {
    const { groups } = this;
    const { ordinals, pool, scales } = this.plan;
    while (
      !this.closed &&
      this.next_ < groups.length &&
      (this.ahead.length === 0 ||
        (this.ahead.length < READ_AHEAD_GROUPS && this.aheadBytes < READ_AHEAD_BYTES))
    ) {
      const group = groups[this.next_]!;
      const columns: CachedColumn[] = [];
      const before = pool.bytesRead;
      try {
        for (let i = 0; i < ordinals.length; i++)
          columns.push(pool.acquire(group, ordinals[i]!, this.layout[i]!.encoding, scales[i]));
      } catch (e) {
        for (const c of columns) pool.release(c);
        // What is read ahead or in use will give memory back; without any of it there is no hope.
        if (isOutOfMemory(e) && (this.outstanding > 0 || this.ahead.length > 0)) return;
        throw e;
      }
      this.bytesRead += pool.bytesRead - before;
      let bytes = 0;
      for (const c of columns) {
        bytes += c.bytes;
        if (!c.ready) pool.whenReady(c, this.wake);
      }
      this.next_++;
      this.ahead.push({ group, columns, bytes });
      this.aheadBytes += bytes;
    }
  }

  private drop(loading: Loading): void {
    this.aheadBytes -= loading.bytes;
    for (const c of loading.columns) this.plan.pool.release(c);
  }

  /** A converted copy found no memory: start again from the head once batches have been released. */
  private retryOrThrow(error: unknown): 'wait' {
    if (!isOutOfMemory(error) || this.outstanding === 0) throw error;
    for (const loading of this.ahead.splice(0)) {
      this.drop(loading);
      this.next_--;
    }
    return 'wait';
  }

  private deliver(head: Loading): Batch | undefined {
    const { pool } = this.plan;
    const { memory } = pool;
    let address: number;
    try {
      address = memory.alloc(BATCH_HEADER_BYTES + head.columns.length * BATCH_COLUMN_BYTES);
    } catch (e) {
      if (isOutOfMemory(e) && this.outstanding > 0) return undefined;
      throw e;
    }
    this.ahead.shift();
    this.aheadBytes -= head.bytes;
    const { rows } = head.group;
    const u32 = memory.u32;
    u32.fill(
      0,
      address >>> 2,
      (address + BATCH_HEADER_BYTES + head.columns.length * BATCH_COLUMN_BYTES) >>> 2,
    );
    u32[address >>> 2] = rows;
    u32[(address >>> 2) + 1] = head.columns.length;
    const fixed: CachedColumn[] = [];
    for (const [i, column] of head.columns.entries()) {
      const b = column.buffers!;
      const at = (address + BATCH_HEADER_BYTES + i * BATCH_COLUMN_BYTES) >>> 2;
      u32[at] = b.data;
      u32[at + 1] = b.validity;
      u32[at + 2] = b.offsets;
      u32[at + 3] = ENCODING_CODE[b.encoding];
      u32[at + 4] = b.dictCount;
      u32[at + 5] = b.dataBytes;
      (b.offsets === 0 ? fixed : this.strings).push(column);
    }
    this.outstanding++;
    let released = false;
    return {
      address,
      rows,
      layout: this.layout,
      release: () => {
        if (released) throw new Error('a batch was released twice');
        released = true;
        memory.free(address);
        for (const c of fixed) pool.release(c);
        this.outstanding--;
        if (this.closed) this.maybeFinish();
        else if (this.next_ < this.groups.length) queueMicrotask(this.wake);
      },
    };
  }

  private maybeFinish(): void {
    if (this.finished || !this.closed || !this.over || this.outstanding > 0) return;
    this.finished = true;
    for (const c of this.strings.splice(0)) this.plan.pool.release(c);
    this.plan.onClosed();
  }
}

function isOutOfMemory(e: unknown): boolean {
  return e instanceof SqlError && e.code === '53200';
}
