/** The receiving end of a motion's stream over a link: what comes before its receiver, and the way back to the sender.
 *
 *  Invariants: at most CREDIT_MESSAGES batches wait for a receiver; a stream that has come whole before its link broke is whole
 *  all the same; the sender is told `closed` once, when nothing more is expected of it. */
import type { MotionId, SegmentId } from '../types/ids.js';
import { SqlError } from '../types/sql-error.js';
import { pack, unpack } from './grpc/codec.js';
import { CREDIT_MESSAGES, type InboundStream, type SenderLink } from './inbound-stream.js';
import type { FrameBody, MotionOpen } from './link/frame.js';
import type { LinkStream, StreamHandler } from './link/link.js';
import { failureFromWire, failureToWire, MotionBroken, type WireFailure } from './motion-error.js';
import type { MotionReceiver } from './receiver.js';

/** The sender's slice cannot succeed. */
export function refuse(stream: LinkStream, error: SqlError): void {
  stream.write({ kind: 'failed', failure: pack(failureToWire(error)) });
}

/** The rows are not wanted, and that is no failure. */
export function turnAway(stream: LinkStream): void {
  stream.write({ kind: 'stop' });
  stream.write({ kind: 'closed' });
}

export class RemoteStream implements SenderLink, StreamHandler {
  readonly since = performance.now();
  readonly open: MotionOpen;
  private readonly stream: LinkStream;
  private target: InboundStream | undefined;
  private early: FrameBody[] = [];
  private brokenBy: string | undefined;
  private over = false;

  constructor(stream: LinkStream, open: MotionOpen) {
    this.stream = stream;
    this.open = open;
  }

  attachTo(receiver: MotionReceiver): void {
    const target = receiver.stream(this.open.from as SegmentId);
    if (target === undefined || target.attached) {
      this.refuse(
        new SqlError('08P01', `motion ${this.open.motion} does not expect ${this.open.from}, or not twice`),
      );
      return;
    }
    this.target = target;
    target.attach(this);
    for (const body of this.early.splice(0)) this.frame(body);
    if (this.brokenBy !== undefined) this.lost(this.brokenBy);
  }

  discard(): void {
    if (this.over) return;
    turnAway(this.stream);
    this.end();
  }

  refuse(error: SqlError): void {
    if (this.over) return;
    refuse(this.stream, error);
    this.end();
  }

  grant(messages: number): void {
    if (!this.over) this.stream.write({ kind: 'credit', messages });
  }

  stop(): void {
    if (!this.over) this.stream.write({ kind: 'stop' });
  }

  filter(id: number, bits: Uint8Array): void {
    if (!this.over) this.stream.write({ kind: 'filter', id, bits });
  }

  frame(body: FrameBody): void {
    if (this.over) return;
    const { target } = this;
    if (target === undefined) {
      if (this.early.length <= CREDIT_MESSAGES) this.early.push(body);
      else this.refuse(new SqlError('08P01', 'a batch came without credit'));
      return;
    }
    switch (body.kind) {
      case 'batch':
        target.deliver(body.batch);
        return;
      case 'end':
        target.end(body.rows);
        this.stream.write({ kind: 'closed' });
        this.end();
        return;
      case 'failed':
        target.fail(failureFromWire(unpack<WireFailure>(body.failure)));
        this.end();
        return;
      default:
        this.refuse(new SqlError('08P01', `${body.kind} is nothing that a sender says`));
        target.fail(this.broken(`an unexpected ${body.kind}`));
    }
  }

  lost(why: string): void {
    if (this.over) return;
    if (this.target === undefined) {
      this.brokenBy = why;
      return;
    }
    this.end();
    this.target.fail(this.broken(why));
  }

  private broken(why: string): MotionBroken {
    return MotionBroken.during(this.open.motion as MotionId, this.open.from as SegmentId, why);
  }

  private end(): void {
    this.over = true;
    this.early = [];
    this.stream.close();
  }
}
