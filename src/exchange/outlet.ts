/** The sending end of a motion's stream to one receiver: what waits for credit, and the way it goes.
 *
 *  Invariants: a message leaves only against credit, of which a stream has CREDIT_MESSAGES when it begins, so that a small result
 *  goes without a question; after `stop` nothing is sent but the end; `finish` settles when all has been sent, and
 *  whether it also arrived is known when `delivered` settles: until then the owner may hear that the stream broke. */
import type { MotionId, QueryId, SegmentId } from '../types/ids.js';
import type { OutChunk } from '../types/memory.js';
import { pack, unpack } from './grpc/codec.js';
import { CREDIT_MESSAGES, type InboundStream, type SenderLink } from './inbound-stream.js';
import type { FrameBody } from './link/frame.js';
import type { Link, LinkStream, StreamHandler } from './link/link.js';
import { failureFromWire, failureToWire, MotionBroken, type WireFailure } from './motion-error.js';

export interface OutletOwner {
  /** Credit came, or the receiver wants no more. */
  changed(): void;
  /** What this receiver can match. */
  filter(from: Outlet, id: number, bits: Uint8Array): void;
  broken(error: unknown): void;
}

export interface Outlet {
  readonly stopped: boolean;
  readonly ready: boolean;
  /** All rows have been sent, or a stop overtook them. */
  finish(): Promise<void>;
  /** Settles, never rejecting, when the stream is over for its receiver too. */
  readonly delivered: Promise<void>;
  abort(error: unknown): void;
}

/** To a receiver in this very process: chunks change hands, nothing is copied. */
export class LocalOutlet implements Outlet, SenderLink {
  private readonly owner: OutletOwner;
  private readonly target: InboundStream | undefined;
  private credit = CREDIT_MESSAGES;
  private rows = 0;
  private pending: OutChunk[] = [];
  private ending = false;
  private over = false;
  private settle: { resolve: () => void; reject: (e: unknown) => void } | undefined;
  private aborted: { readonly error: unknown } | undefined;
  /** What is handed over in a process has arrived. */
  readonly delivered = Promise.resolve();
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

  filter(id: number, bits: Uint8Array): void {
    if (!this.over) this.owner.filter(this, id, bits);
  }

  finish(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.ending = true;
      this.settle = { resolve, reject };
      if (this.aborted !== undefined) reject(this.aborted.error);
      else this.pump();
    });
  }

  abort(error: unknown): void {
    if (this.over) return;
    this.over = true;
    this.aborted = { error };
    this.drop();
    this.target?.fail(error);
    // Its slice may have run, and wait for credit only.
    this.settle?.reject(error);
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
      this.settle?.resolve();
    }
  }

  private drop(): void {
    for (const c of this.pending.splice(0)) c.release();
  }
}

/** To a receiver in another process. */
export class RemoteOutlet implements Outlet, StreamHandler {
  readonly delivered: Promise<void>;
  private readonly owner: OutletOwner;
  private readonly to: { readonly motion: MotionId; readonly segment: SegmentId };
  private readonly stream: LinkStream;
  private credit = CREDIT_MESSAGES;
  private rows = 0;
  private pending: { bytes: Uint8Array; rows: number }[] = [];
  private ending = false;
  private ended = false;
  private over = false;
  private readonly sent: Promise<void>;
  private settleSent!: { resolve: () => void; reject: (e: unknown) => void };
  private settleDelivered!: () => void;
  stopped = false;

  constructor(
    owner: OutletOwner,
    link: Link,
    stream: { queryId: QueryId; motion: MotionId; from: SegmentId; to: SegmentId },
  ) {
    this.owner = owner;
    this.to = { motion: stream.motion, segment: stream.to };
    this.sent = new Promise((resolve, reject) => {
      this.settleSent = { resolve, reject };
    });
    this.sent.catch(() => undefined);
    this.delivered = new Promise((resolve) => {
      this.settleDelivered = resolve;
    });
    this.stream = link.open(this);
    this.stream.write({ kind: 'open', open: stream });
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
    return this.sent;
  }

  abort(error: unknown): void {
    if (this.over) return;
    if (!this.ended) this.stream.write({ kind: 'failed', failure: pack(failureToWire(error)) });
    this.end(error);
  }

  frame(body: FrameBody): void {
    if (this.over) return;
    switch (body.kind) {
      case 'credit':
        this.credit += body.messages;
        break;
      case 'stop':
        this.stopped = true;
        this.pending = [];
        break;
      case 'closed':
        this.closed();
        return;
      case 'filter':
        // A view of the message, which is kept longer than the call.
        this.owner.filter(this, body.id, new Uint8Array(body.bits));
        return;
      case 'failed':
        this.break(
          new MotionBroken(this.to.segment, failureFromWire(unpack<WireFailure>(body.failure)).message),
        );
        return;
      default:
        this.break(MotionBroken.during(this.to.motion, this.to.segment, `an unexpected ${body.kind}`));
        return;
    }
    this.pump();
    if (this.pending.length === 0) this.owner.changed();
  }

  lost(why: string): void {
    this.break(MotionBroken.during(this.to.motion, this.to.segment, why));
  }

  private pump(): void {
    while (this.credit > 0 && this.pending.length > 0) {
      const { bytes, rows } = this.pending.shift()!;
      this.credit--;
      this.rows += rows;
      this.stream.write({ kind: 'batch', batch: bytes });
    }
    if (this.ending && !this.ended && !this.over && this.pending.length === 0) {
      this.ended = true;
      this.stream.write({ kind: 'end', rows: this.rows });
      this.settleSent.resolve();
    }
  }

  /** The receiver has all, or wanted no more. */
  private closed(): void {
    if (!this.ended && !this.stopped) {
      this.lost('the receiver hung up');
      return;
    }
    this.pending = [];
    this.end(undefined);
    this.owner.changed();
  }

  private break(error: unknown): void {
    if (this.over) return;
    this.end(error);
    this.owner.broken(error);
  }

  private end(error: unknown): void {
    this.over = true;
    this.pending = [];
    this.stream.close();
    if (error === undefined) this.settleSent.resolve();
    else this.settleSent.reject(error);
    this.settleDelivered();
  }
}
