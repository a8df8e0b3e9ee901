/** A slice's sink that sends its rows to the receivers of a motion.
 *
 *  Owns: encoding (once for each chunk, also when it is broadcast) and the counts that EXPLAIN ANALYZE shows. Chunks for
 *  a receiver in this process are handed over as they are. `ready` is false while any receiver is without credit: one
 *  slow receiver slows its senders, and nothing piles up. */
import { encodeBatchMessage, type MotionColumn } from '../types/arrow/batch-message.js';
import { unionOfFilters } from '../types/filter-bits.js';
import type { MotionId, QueryId, SegmentId } from '../types/ids.js';
import type { MemoryPool, OutChunk } from '../types/memory.js';
import { assert, SqlError } from '../types/sql-error.js';
import { FRAME_BYTES_MAX } from './link/link.js';
import type { MotionService } from './motion-service.js';
import { LocalOutlet, type Outlet, RemoteOutlet } from './outlet.js';
import { Signal } from './signal.js';

/** Partition of a chunk that goes to every receiver. */
export const ALL_RECEIVERS = 0xffffffff;

export type MotionTarget = { readonly segment: SegmentId; readonly address: string };

export type MotionSinkOptions = {
  readonly queryId: QueryId;
  readonly motion: MotionId;
  readonly from: SegmentId;
  readonly mode: 'hash' | 'random' | 'broadcast' | 'gather';
  readonly columns: readonly MotionColumn[];
  /** Partition i of a chunk goes to receivers[i]. */
  readonly receivers: readonly MotionTarget[];
  /** A stream broke: the slice cannot succeed. */
  readonly onBroken: (error: unknown) => void;
};

export class MotionSink {
  readonly motion: MotionId;
  /** Rows and bytes sent, counted for each receiver they go to. */
  rows = 0;
  bytes = 0;
  private readonly options: MotionSinkOptions;
  private readonly memory: MemoryPool;
  private readonly outlets: readonly (LocalOutlet | RemoteOutlet)[];
  private readonly filters = new Map<number, { readonly from: Set<Outlet>; bits: Uint8Array }>();
  private readonly turn: number;
  private readonly signal = new Signal();

  constructor(service: MotionService, options: MotionSinkOptions) {
    this.options = options;
    this.motion = options.motion;
    this.memory = service.memory;
    const owner = {
      changed: this.signal.fire,
      filter: (from: Outlet, id: number, bits: Uint8Array) => this.addFilter(from, id, bits),
      broken: (e: unknown) => {
        options.onBroken(e);
        this.signal.fire();
      },
    };
    const { queryId, motion, from } = options;
    this.turn = Math.floor(Math.random() * options.receivers.length);
    this.outlets = options.receivers.map(({ segment, address }) =>
      segment === service.self
        ? new LocalOutlet(owner, service.localStream(queryId, motion, from))
        : new RemoteOutlet(owner, service.links.to(address), { queryId, motion, from, to: segment }),
    );
  }

  /** Never throws: what goes wrong here is told to `onBroken`. */
  push(chunk: OutChunk): void {
    try {
      if (chunk.rows === 0) chunk.release();
      else if (this.options.mode === 'broadcast' || chunk.partition === ALL_RECEIVERS) this.broadcast(chunk);
      else this.send(chunk, this.outletOf(chunk));
    } catch (e) {
      this.options.onBroken(e);
    }
  }

  ready(): boolean {
    return this.outlets.every((o) => o.ready);
  }

  onReady(callback: () => void): void {
    this.signal.listen(callback);
  }

  /** What any receiver that still wants rows can match; undefined until each of them has said so. */
  filter(id: number): Uint8Array | undefined {
    const known = this.filters.get(id);
    return this.outlets.every((o) => o.stopped || known?.from.has(o)) ? known?.bits : undefined;
  }

  get done(): boolean {
    return this.outlets.length > 0 && this.outlets.every((o) => o.stopped);
  }

  /** Resolves when all rows have been sent; they may yet be lost, which `onBroken` would tell. */
  async finish(): Promise<void> {
    await Promise.all(this.outlets.map((o) => o.finish()));
  }

  /** Settles when no stream can break any more. */
  async delivered(): Promise<void> {
    await Promise.all(this.outlets.map((o) => o.delivered));
  }

  abort(error: unknown): void {
    for (const o of this.outlets) o.abort(error);
  }

  private addFilter(from: Outlet, id: number, bits: Uint8Array): void {
    const known = this.filters.get(id);
    if (known === undefined) this.filters.set(id, { from: new Set([from]), bits });
    else if (!known.from.has(from)) {
      known.from.add(from);
      known.bits = unionOfFilters(known.bits, bits);
    }
    this.signal.fire();
  }

  private outletOf(chunk: OutChunk): LocalOutlet | RemoteOutlet {
    if (this.options.mode === 'gather') return this.outlets[0]!;
    // Compiled code takes the receivers in turn; where it starts differs, or small loads would all go to the first.
    if (this.options.mode === 'random')
      return this.outlets[(chunk.partition + this.turn) % this.outlets.length]!;
    assert(chunk.partition < this.outlets.length, `partition ${chunk.partition} of ${this.outlets.length}`);
    return this.outlets[chunk.partition]!;
  }

  private send(chunk: OutChunk, outlet: LocalOutlet | RemoteOutlet): void {
    if (outlet instanceof LocalOutlet) {
      this.count(chunk.rows, bytesOf(chunk));
      outlet.send(chunk);
      return;
    }
    if (!outlet.stopped) {
      const bytes = this.encode(chunk);
      this.count(chunk.rows, bytes.length);
      outlet.send(bytes, chunk.rows);
    }
    chunk.release();
  }

  private broadcast(chunk: OutChunk): void {
    const remote = this.outlets.filter((o) => o instanceof RemoteOutlet && !o.stopped) as RemoteOutlet[];
    if (remote.length > 0) {
      const bytes = this.encode(chunk);
      for (const o of remote) {
        this.count(chunk.rows, bytes.length);
        o.send(bytes, chunk.rows);
      }
    }
    const local = this.outlets.find((o) => o instanceof LocalOutlet) as LocalOutlet | undefined;
    if (local === undefined) chunk.release();
    else {
      this.count(chunk.rows, bytesOf(chunk));
      local.send(chunk);
    }
  }

  /** A message that gRPC refuses would end the link, hence every query on it. */
  private encode(chunk: OutChunk): Uint8Array {
    try {
      const bytes = encodeBatchMessage(chunk, this.options.columns, this.memory);
      if (bytes.length <= FRAME_BYTES_MAX) return bytes;
      throw new SqlError('54000', `a row is too large to be sent to another process`, {
        detail: `Rows of ${bytes.length} bytes; a message holds at most ${FRAME_BYTES_MAX}.`,
      });
    } catch (e) {
      chunk.release();
      throw e;
    }
  }

  private count(rows: number, bytes: number): void {
    this.rows += rows;
    this.bytes += bytes;
  }
}

function bytesOf(chunk: OutChunk): number {
  let bytes = 0;
  for (const c of chunk.columns)
    bytes +=
      c.dataBytes +
      (c.offsets === 0 ? 0 : (chunk.rows + 1) * 4) +
      (c.validity === 0 ? 0 : (chunk.rows + 7) >> 3);
  return bytes;
}
