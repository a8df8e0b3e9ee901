/** Rows of one writing statement into row groups of one table on this segment.
 *
 *  Owns: staging, cutting row groups, NOT NULL. Must not know: the manifest (the store publishes what is written).
 *  Invariants: nothing written here is visible before its gxid commits; files are on disk (fsync) when `finish`
 *  resolves. A writer that failed rejects in `finish`; the caller then rolls its gxid back. */
import type { Encoding, MemoryPool, OutChunk } from '../types/memory.js';
import { SqlError } from '../types/sql-error.js';
import { type EncodedColumn, encodeColumn } from './encode-column.js';
import type { EncodeKernels } from './encode-kernels.js';
import { chunkBytes, type HeldBudget, HeldRows } from './held-rows.js';
import { ROW_GROUP_ROWS, type RowGroup, type TableColumn } from './row-group.js';
import { buildRowGroupFile, type RowGroupFile } from './row-group-file.js';
import { rowText } from './row-text.js';
import { StagedColumn } from './staged-column.js';

/** String bytes of a column after which a row group is cut short: offsets are 32 bits, and memory is not endless. */
const STRING_BYTES_MAX = 64 << 20;
/** Encoded bytes on their way to disk above which the writer asks for a pause. */
const IN_FLIGHT_BYTES_MAX = 32 << 20;
/** Bytes and number of chunks above which rows are copied instead of held until their row group is full. */
const HELD_BYTES_MAX = 32 << 20;
const HELD_SHARE = 1 / 16;
const HELD_SHARE_OF_ALL = 1 / 8;
const HELD_CHUNKS_MAX = 128;

/** What a writer needs of its store. */
export type WriterHost = {
  readonly memory: MemoryPool;
  /** Without it rows are staged and encoded in TypeScript. */
  readonly compiled?: { readonly kernels: EncodeKernels; readonly budget: HeldBudget } | undefined;
  /** The encoding in use for a column of this table; `widened` records that it became wider. */
  readonly floor: (ordinal: number) => Encoding | undefined;
  readonly widened: (ordinal: number, encoding: Encoding) => void;
  /** Writes the file durably and returns its metadata. */
  readonly write: (file: RowGroupFile, rows: number) => Promise<RowGroup>;
};

export class TableWriter {
  readonly gxid: number;
  readonly storageId: number;
  readonly columns: readonly TableColumn[];
  private readonly table: string;
  private readonly host: WriterHost;
  private readonly staged: readonly StagedColumn[];
  private stagedRows = 0;
  /** The current row group's rows, unless they are staged. */
  private readonly held: HeldRows | undefined;
  private readonly writes: Promise<RowGroup>[] = [];
  private inFlightBytes = 0;
  private failure: unknown;
  private callback: (() => void) | undefined;
  private state: 'open' | 'finishing' | 'aborted' = 'open';
  /** Rows appended. */
  rows = 0;
  /** Set when `finish` has resolved. */
  groups: readonly RowGroup[] | undefined;

  constructor(
    gxid: number,
    storageId: number,
    columns: readonly TableColumn[],
    table: string,
    host: WriterHost,
  ) {
    this.gxid = gxid;
    this.storageId = storageId;
    this.columns = columns;
    this.table = table;
    this.host = host;
    this.staged = columns.map((c) => new StagedColumn(c.type));
    const { compiled } = host;
    this.held = compiled && new HeldRows(host.memory, compiled.kernels, compiled.budget);
  }

  /** Copies the rows; the chunk stays the caller's. Throws 23502, or what went wrong with an earlier row group. */
  append(chunk: OutChunk): void {
    this.check(chunk);
    this.stage(chunk);
    this.rows += chunk.rows;
  }

  /** The same; the chunk is the writer's from now on, whatever happens. */
  take(chunk: OutChunk): void {
    let mine = false;
    try {
      this.check(chunk);
      const { held } = this;
      if (held === undefined || this.stagedRows > 0 || !this.mayHold(held, chunk)) this.stage(chunk);
      else
        for (let from = 0; from < chunk.rows; ) {
          const count = Math.min(chunk.rows - from, ROW_GROUP_ROWS - held.rows);
          mine = from + count === chunk.rows;
          held.add(chunk, from, count, mine);
          from += count;
          if (held.rows === ROW_GROUP_ROWS) this.cut();
        }
      this.rows += chunk.rows;
    } finally {
      if (!mine) chunk.release();
    }
  }

  private check(chunk: OutChunk): void {
    if (this.state !== 'open') throw new Error(`append to a writer that is ${this.state}`);
    if (this.failure !== undefined) throw this.failure;
    if (chunk.columns.length !== this.columns.length)
      throw new Error(
        `${chunk.columns.length} columns given for the ${this.columns.length} of ${this.table}`,
      );
    this.checkNotNull(chunk);
  }

  private mayHold(held: HeldRows, chunk: OutChunk): boolean {
    const { memory, compiled } = this.host;
    const bytes = chunkBytes(chunk);
    return (
      held.chunks < HELD_CHUNKS_MAX &&
      held.bytes + bytes <= Math.min(HELD_BYTES_MAX, memory.limitBytes * HELD_SHARE) &&
      compiled!.budget.bytes + bytes <= memory.limitBytes * HELD_SHARE_OF_ALL
    );
  }

  private stage(chunk: OutChunk): void {
    const { held } = this;
    if (held !== undefined && held.rows > 0) {
      for (const [i, s] of this.staged.entries()) held.stage(i, s);
      this.stagedRows = held.rows;
      held.clear();
    }
    let from = 0;
    while (from < chunk.rows) {
      const count = Math.min(chunk.rows - from, ROW_GROUP_ROWS - this.stagedRows);
      for (const [i, column] of chunk.columns.entries())
        this.staged[i]!.append(column, this.host.memory, from, count);
      this.stagedRows += count;
      from += count;
      if (
        this.stagedRows === ROW_GROUP_ROWS ||
        this.staged.some((s) => s.encoding === 'utf8' && s.dataBytes > STRING_BYTES_MAX)
      )
        this.cut();
    }
  }

  /** False: much is on its way to disk; `onReady` fires when it is less. */
  ready(): boolean {
    return this.inFlightBytes < IN_FLIGHT_BYTES_MAX;
  }

  onReady(callback: () => void): void {
    this.callback = callback;
  }

  /** Writes what is left; resolves when all row groups are on disk. */
  async finish(): Promise<void> {
    if (this.state !== 'open') throw new Error(`finish of a writer that is ${this.state}`);
    this.state = 'finishing';
    if (this.stagedRows + (this.held?.rows ?? 0) > 0 && this.failure === undefined) this.cut();
    this.held?.clear();
    const groups = await this.settled();
    if (this.failure !== undefined) throw this.failure;
    this.groups = groups;
  }

  /** No more rows; resolves when nothing is being written any more. The files go with the gxid's rollback. */
  async abort(): Promise<void> {
    this.state = 'aborted';
    this.held?.clear();
    await this.settled();
  }

  private async settled(): Promise<RowGroup[]> {
    const results = await Promise.allSettled(this.writes);
    return results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
  }

  private cut(): void {
    const { memory } = this.host;
    /** Addresses of encoded buffers that lie in shared memory. */
    const owned: number[] = [];
    const free = (): void => {
      for (const address of owned.splice(0)) memory.free(address);
    };
    try {
      const [rows, encoded] = this.encode(owned);
      const file = buildRowGroupFile(this.columns, encoded, rows);
      this.inFlightBytes += file.fileBytes;
      const write = this.host.write(file, rows).finally(() => {
        free();
        this.inFlightBytes -= file.fileBytes;
        this.callback?.();
      });
      write.catch((e: unknown) => {
        this.failure ??= e;
      });
      this.writes.push(write);
    } catch (e) {
      free();
      throw e;
    }
  }

  private encode(owned: number[]): [rows: number, columns: EncodedColumn[]] {
    const { held, staged, host } = this;
    const rows = this.stagedRows + (held?.rows ?? 0);
    try {
      const encoded = this.columns.map((c, i) => {
        const column =
          held !== undefined && held.rows > 0
            ? held.encode(i, c.type, host.floor(i), staged[i]!, owned)
            : encodeColumn(staged[i]!, c.type, host.floor(i));
        host.widened(i, column.encoding);
        return column;
      });
      return [rows, encoded];
    } finally {
      for (const s of staged) s.clear();
      this.stagedRows = 0;
      held?.clear();
    }
  }

  private checkNotNull(chunk: OutChunk): void {
    const u8 = this.host.memory.u8;
    const types = this.columns.map((c) => c.type);
    for (const [i, column] of chunk.columns.entries()) {
      const { notNull, name } = this.columns[i]!;
      if (!notNull || column.validity === 0) continue;
      for (let row = 0; row < chunk.rows; row++) {
        if ((row & 7) === 0 && u8[column.validity + (row >> 3)] === 0xff) {
          row += 7;
          continue;
        }
        if (((u8[column.validity + (row >> 3)]! >> (row & 7)) & 1) === 0)
          throw new SqlError(
            '23502',
            `null value in column "${name}" of relation "${this.table}" violates not-null constraint`,
            {
              detail: `Failing row contains ${rowText(this.host.memory, chunk, row, types)}.`,
              table: this.table,
              column: name,
            },
          );
      }
    }
  }
}
