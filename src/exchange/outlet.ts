/** The sending end of a motion's stream to one receiver: what waits for credit, and the way it goes.
 *
 *  Invariants: a message leaves only against credit; after `stop` nothing is sent but the end; `finished` settles once:
 *  delivered, or the error that broke the stream. */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { MotionId, QueryId, SegmentId } from '../types/ids.js';
import type { OutChunk } from '../types/memory.js';
import { pack } from './grpc/codec.js';
import type { Peer } from './grpc/peer.js';
import { ExchangeService, type MotionControl, type MotionMessage } from './grpc/services.js';
import type { InboundStream, SenderLink } from './inbound-stream.js';
import { failureToWire, MotionBroken } from './motion-error.js';

export interface OutletOwner {
  /** Credit came, or the receiver wants no more. */
  changed(): void;
  broken(error: unknown): void;
}

export interface Outlet {
  readonly stopped: boolean;
  readonly ready: boolean;
  /** Rows given to `send`, whether or not a stop overtook them. */
  finish(): Promise<void>;
  abort(error: unknown): void;
}

/** To a receiver in this very process: chunks change hands, nothing is copied. */
export class LocalOutlet implements Outlet, SenderLink {
  private readonly owner: OutletOwner;
  private readonly target: InboundStream | undefined;
  private credit = 0;
  private rows = 0;
  private pending: OutChunk[] = [];
  private ending = false;
  private over = false;
  private delivered: () => void = () => undefined;
  stopped = false;

  /** Without a target the receiver has gone already. */
  constructor(owner: OutletOwner, target: InboundStream | undefined) {
    this.owner = owner;
    this.target = target;
    if (target === undefined) this.stopped = true;
    else target.attach(this);
  }

  get ready(): boolean {
    return this.stopped || (this.credit > 0 && this.pending.length === 0);
  }

  send(chunk: OutChunk): void {
    if (this.stopped || this.over) {
      chunk.release();
      return;
    }
    this.pending.push(chunk);
    this.pump();
  }

  grant(messages: number): void {
    this.credit += messages;
    this.pump();
    if (this.pending.length === 0) this.owner.changed();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
    this.pump();
    this.owner.changed();
  }

  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.ending = true;
      this.delivered = resolve;
      this.pump();
    });
  }

  abort(error: unknown): void {
    if (this.over) return;
    this.over = true;
    this.drop();
    this.target?.fail(error);
  }

  private pump(): void {
    while (this.credit > 0 && this.pending.length > 0) {
      const chunk = this.pending.shift()!;
      this.credit--;
      this.rows += chunk.rows;
      this.target!.deliver(chunk);
    }
    if (this.ending && this.pending.length === 0 && !this.over) {
      this.over = true;
      this.target?.end(this.rows);
      this.delivered();
    }
  }

  private drop(): void {
    for (const c of this.pending.splice(0)) c.release();
  }
}

/** To a receiver in another process. */
export class RemoteOutlet implements Outlet {
  private readonly owner: OutletOwner;
  private readonly call: ClientDuplexStream<MotionMessage, MotionControl>;
  private credit = 0;
  private rows = 0;
  private pending: { bytes: Uint8Array; rows: number }[] = [];
  private ending = false;
  private ended = false;
  private over = false;
  private readonly finished: Promise<void>;
  private settle!: { resolve: () => void; reject: (e: unknown) => void };
  stopped = false;

  constructor(
    owner: OutletOwner,
    peer: Peer,
    stream: { queryId: QueryId; motion: MotionId; from: SegmentId; to: SegmentId },
  ) {
    this.owner = owner;
    this.finished = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.finished.catch(() => undefined);
    this.call = peer.duplex(ExchangeService.Motion);
    this.call.on('data', (m: MotionControl) => this.control(m));
    this.call.on('error', (e) => this.break(MotionBroken.during(stream.motion, stream.to, e.message)));
    this.call.on('end', () => this.closed(stream));
    this.call.write({
      open: {
        query_id: stream.queryId,
        motion: stream.motion,
        from_segment: stream.from,
        to_segment: stream.to,
      },
    });
  }

  get ready(): boolean {
    return this.stopped || (this.credit > 0 && this.pending.length === 0);
  }

  send(bytes: Uint8Array, rows: number): void {
    if (this.stopped || this.over) return;
    this.pending.push({ bytes, rows });
    this.pump();
  }

  finish(): Promise<void> {
    this.ending = true;
    this.pump();
    return this.finished;
  }

  abort(error: unknown): void {
    if (this.over) return;
    this.over = true;
    this.pending = [];
    if (this.ended) this.call.cancel();
    else {
      this.call.write({ failed: pack(failureToWire(error)) });
      this.call.end();
    }
    this.settle.reject(error);
  }

  private control(m: MotionControl): void {
    if (this.over) return;
    if ('credit' in m) this.credit += m.credit;
    else {
      this.stopped = true;
      this.pending = [];
    }
    this.pump();
    if (this.pending.length === 0) this.owner.changed();
  }

  private pump(): void {
    while (this.credit > 0 && this.pending.length > 0) {
      const { bytes, rows } = this.pending.shift()!;
      this.credit--;
      this.rows += rows;
      this.call.write({ batch: bytes });
    }
    if (this.ending && !this.ended && !this.over && this.pending.length === 0) {
      this.ended = true;
      this.call.write({ end: { rows: String(this.rows) } });
      this.call.end();
    }
  }

  /** The receiver ended the call with OK: right only after our end. */
  private closed(stream: { motion: MotionId; to: SegmentId }): void {
    if (this.over) return;
    if (!this.ended) {
      this.break(MotionBroken.during(stream.motion, stream.to, 'the receiver hung up'));
      return;
    }
    this.over = true;
    this.settle.resolve();
  }

  private break(error: unknown): void {
    if (this.over) return;
    this.over = true;
    this.pending = [];
    this.settle.reject(error);
    this.owner.broken(error);
  }
}
