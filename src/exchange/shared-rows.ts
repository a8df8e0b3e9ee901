/** What a query shares between its slices in this process: rows computed once by one slice, read by others.
 *
 *  Owns: the chunks, until the query has ended here (`release`), so strings in them stay where they are for every reader.
 *  Never waits: the producer always has room, up to the query's memory (53200), and readers follow while it runs, each at
 *  its own pace. So no reader can hold up another, and slices cannot wait for each other in a circle. When no reader
 *  wants more, the producer ends early. Must not know: plans. */
import { motionLayout } from '../types/arrow/batch-message.js';
import type { SharedId } from '../types/ids.js';
import type { Batch, BatchSource, ColumnLayout, MemoryPool, OutChunk } from '../types/memory.js';
import { SqlError } from '../types/sql-error.js';
import { chunkToBatch } from './chunk-batch.js';
import type { ReceivedColumn } from './receiver.js';
import { Signal } from './signal.js';

/** Of all rows that one query shares in this process. */
type Budget = { usedBytes: number; readonly limitBytes: number };

export class SharedRows {
  rows = 0;
  /** Of memory. */
  bytes = 0;
  private readonly readersMax: number;
  private readonly memory: MemoryPool;
  private readonly budget: Budget;
  private readonly chunks: OutChunk[] = [];
  private readonly readers = new Set<SharedReader>();
  private readonly changed = new Signal();
  private closed = 0;
  private complete = false;

  /** `readers`: how many there will be in this process. */
  constructor(readers: number, memory: MemoryPool, budget: Budget) {
    this.readersMax = readers;
    this.memory = memory;
    this.budget = budget;
  }

  push(chunk: OutChunk): void {
    if (chunk.rows === 0) {
      chunk.release();
      return;
    }
    this.rows += chunk.rows;
    const { budget } = this;
    this.bytes += chunk.sizeBytes ?? 0;
    budget.usedBytes += chunk.sizeBytes ?? 0;
    this.chunks.push(chunk);
    if (budget.usedBytes > budget.limitBytes)
      throw new SqlError('53200', 'out of memory', {
        detail: `The rows that the query shares between its parts hold ${budget.usedBytes} of ${budget.limitBytes} bytes.`,
        hint: 'Raise the setting "mpp.query_memory", start the process with a larger --memory, or add segments.',
      });
    this.wake();
  }

  ready(): boolean {
    return true;
  }

  onReady(callback: () => void): void {
    this.changed.listen(callback);
  }

  get done(): boolean {
    return this.closed >= this.readersMax;
  }

  finish(): Promise<void> {
    this.complete = true;
    this.wake();
    return Promise.resolve();
  }

  /** The error ends the readers' slices, too, by way of their query. */
  abort(): void {}

  /** The kept columns at `ordinals`, whose layouts those of `columns` are. */
  read(ordinals: readonly number[], columns: readonly ReceivedColumn[]): BatchSource {
    const reader = new SharedReader(this, ordinals, layoutOf(columns), this.memory);
    this.readers.add(reader);
    return reader;
  }

  /** Once no slice of the query runs any more. */
  release(): void {
    for (const c of this.chunks.splice(0)) c.release();
  }

  /** The producer's statistics with the memory that its rows hold beyond its end. */
  withKept<T extends { readonly memoryPeakBytes: number }>(stats: T): T {
    return { ...stats, memoryPeakBytes: stats.memoryPeakBytes + this.bytes };
  }

  /** @internal */
  at(index: number): OutChunk | 'wait' | 'end' {
    return this.chunks[index] ?? (this.complete ? 'end' : 'wait');
  }

  /** @internal */
  readerClosed(): void {
    this.closed++;
    if (this.done) this.changed.fire();
  }

  private wake(): void {
    for (const r of this.readers) r.wake();
  }
}

class SharedReader implements BatchSource {
  readonly layout: readonly ColumnLayout[];
  private readonly from: SharedRows;
  private readonly ordinals: readonly number[];
  private readonly memory: MemoryPool;
  private index = 0;
  private closed = false;
  private readonly signal = new Signal();

  constructor(
    from: SharedRows,
    ordinals: readonly number[],
    layout: readonly ColumnLayout[],
    memory: MemoryPool,
  ) {
    this.from = from;
    this.ordinals = ordinals;
    this.layout = layout;
    this.memory = memory;
  }

  next(): Batch | 'wait' | 'end' {
    if (this.closed) return 'end';
    const chunk = this.from.at(this.index);
    if (chunk === 'wait' || chunk === 'end') return chunk;
    this.index++;
    const { rows, partition } = chunk;
    const columns = this.ordinals.map((i) => chunk.columns[i]!);
    return chunkToBatch({ rows, partition, columns, release: () => undefined }, this.layout, this.memory);
  }

  onReady(callback: () => void): void {
    this.signal.listen(callback);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.from.readerClosed();
  }

  wake(): void {
    if (!this.closed) this.signal.fire();
  }
}

/** A process that does not run the producer has none of its rows. */
const NO_ROWS: Omit<BatchSource, 'layout'> = {
  next: () => 'end',
  onReady: () => undefined,
  close: () => undefined,
};

function layoutOf(columns: readonly ReceivedColumn[]): readonly ColumnLayout[] {
  return motionLayout(columns).map((l, i) => ({ ...l, nullable: columns[i]!.nullable }));
}

/** A plan's SharedScanOp is one. */
export type SharedScanSpec = {
  readonly share: SharedId;
  readonly ordinals: readonly number[];
  readonly cols: readonly ReceivedColumn[];
};

/** All that one query shares in this process. */
export class QueryShares {
  private readonly byId = new Map<SharedId, SharedRows>();

  /** `produced`: of the slices that run here, those that share their rows; `read`: once for each reader here. */
  constructor(
    produced: readonly SharedId[],
    read: readonly SharedId[],
    memory: MemoryPool,
    limitBytes: number,
  ) {
    const budget: Budget = { usedBytes: 0, limitBytes };
    for (const id of produced)
      this.byId.set(id, new SharedRows(read.filter((r) => r === id).length, memory, budget));
  }

  sink(id: SharedId): SharedRows {
    const rows = this.byId.get(id);
    if (rows === undefined) throw new Error(`shared plan ${id} is not produced here`);
    return rows;
  }

  source(op: SharedScanSpec): BatchSource {
    return this.byId.get(op.share)?.read(op.ordinals, op.cols) ?? { ...NO_ROWS, layout: layoutOf(op.cols) };
  }

  release(): void {
    for (const rows of this.byId.values()) rows.release();
  }
}
