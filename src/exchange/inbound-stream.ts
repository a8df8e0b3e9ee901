/** The receiving end of one sender's stream: a bounded queue of batches, in the order sent.
 *
 *  Owns: credit (a sender begins with CREDIT_MESSAGES; one more is granted for each batch the consumer takes, so no more are
 *  ever outstanding), the check of the row count at the end. Must not know links: the sender is reached through a `SenderLink`, and messages are
 *  decoded when they are taken, so that what waits does not fill the shared memory. */
import { decodeBatchMessage, type MotionColumn } from '../types/arrow/batch-message.js';
import type { MotionId, SegmentId } from '../types/ids.js';
import type { Batch, BatchSource, ColumnLayout, MemoryPool, OutChunk } from '../types/memory.js';
import { SqlError } from '../types/sql-error.js';
import { chunkToBatch } from './chunk-batch.js';
import { placeName } from './motion-error.js';
import { Signal } from './signal.js';

export const CREDIT_MESSAGES = 4;

/** The way back to a sender. Calls after the stream's end do nothing. */
export interface SenderLink {
  grant(messages: number): void;
  /** No more rows are wanted; the sender ends its stream soon. */
  stop(): void;
  /** What the receiver can match (see types/filter-bits.ts): the bytes stay as they are. */
  filter(id: number, bits: Uint8Array): void;
}

export class InboundStream implements BatchSource {
  readonly motion: MotionId;
  readonly from: SegmentId;
  readonly layout: readonly ColumnLayout[];
  private readonly columns: readonly MotionColumn[];
  private readonly pool: MemoryPool;
  private link: SenderLink | undefined;
  /** For a sender that has not come yet. */
  private filters: { readonly id: number; readonly bits: Uint8Array }[] = [];
  private queue: (Uint8Array | OutChunk)[] = [];
  private rowsTaken = 0;
  private rowsSent: number | undefined;
  private error: unknown;
  private failed = false;
  private closed = false;
  private readonly signal = new Signal();

  constructor(
    motion: MotionId,
    from: SegmentId,
    columns: readonly MotionColumn[],
    layout: readonly ColumnLayout[],
    pool: MemoryPool,
  ) {
    this.motion = motion;
    this.from = from;
    this.columns = columns;
    this.layout = layout;
    this.pool = pool;
  }

  get attached(): boolean {
    return this.link !== undefined;
  }

  attach(link: SenderLink): void {
    if (this.link !== undefined)
      throw new Error(`${placeName(this.from)} opened motion ${this.motion} twice`);
    this.link = link;
    if (this.closed) link.stop();
    for (const f of this.filters.splice(0)) link.filter(f.id, f.bits);
  }

  tellSender(id: number, bits: Uint8Array): void {
    if (this.closed || this.failed || this.rowsSent !== undefined) return;
    if (this.link === undefined) this.filters.push({ id, bits });
    else this.link.filter(id, bits);
  }

  deliver(message: Uint8Array | OutChunk): void {
    if (this.closed || this.failed) {
      if (!(message instanceof Uint8Array)) message.release();
      return;
    }
    this.queue.push(message);
    if (this.queue.length === 1) this.signal.fire();
  }

  end(rows: number): void {
    this.rowsSent = rows;
    this.signal.fire();
  }

  fail(error: unknown): void {
    if (this.failed || this.closed || (this.rowsSent !== undefined && this.queue.length === 0)) return;
    this.failed = true;
    this.error = error;
    this.drop();
    this.signal.fire();
  }

  get pending(): number {
    return this.queue.length;
  }

  next(): Batch | 'wait' | 'end' {
    if (this.failed) throw this.error;
    if (this.closed) return 'end';
    const message = this.queue.shift();
    if (message !== undefined) {
      const batch =
        message instanceof Uint8Array
          ? decodeBatchMessage(message, this.columns, this.pool)
          : chunkToBatch(message, this.layout, this.pool);
      this.rowsTaken += batch.rows;
      if (this.rowsSent === undefined) this.link?.grant(1);
      return batch;
    }
    if (this.rowsSent === undefined) return 'wait';
    if (this.rowsSent !== this.rowsTaken)
      throw new SqlError(
        'XX001',
        `motion ${this.motion} from ${placeName(this.from)} brought ${this.rowsTaken} of ${this.rowsSent} rows`,
      );
    return 'end';
  }

  onReady(callback: () => void): void {
    this.signal.listen(callback);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.filters = [];
    this.drop();
    if (this.rowsSent === undefined && !this.failed) this.link?.stop();
  }

  private drop(): void {
    for (const m of this.queue) if (!(m instanceof Uint8Array)) m.release();
    this.queue = [];
  }
}
