/** One connection between two processes, shared by all their queries: streams of frames over one gRPC call.
 *
 *  Owns: stream ids (the dialling side's are odd), the order of frames within a stream, the flush. Must not know what frames
 *  mean. Invariants: frames that are written in one turn of the event loop leave in one message, so that a short query's rows,
 *  its end and its report are one wake-up of their receiver; a link that breaks tells every stream on it once; frames for
 *  a stream that is closed here are dropped (they were under way). No stream can block another: what may be sent is
 *  bounded by credit, and a link is always read. */
import { MESSAGE_BYTES_MAX } from '../grpc/peer.js';
import { decodeFrames, encodeFrames, type Frame, type FrameBody } from './frame.js';

/** A gRPC call, from either end. */
export interface LinkCall {
  write(message: Buffer): unknown;
  /** Ends the call now. */
  hangUp(): void;
}

export interface StreamHandler {
  frame(body: FrameBody): void;
  /** The link broke: no more frames will come, and the last ones sent may not have arrived. */
  lost(why: string): void;
}

export type Accept = (stream: LinkStream, body: FrameBody) => StreamHandler | undefined;

/** Frames wait for the end of the turn, or until there are so many bytes. */
const FLUSH_BYTES = 128 << 10;
/** Of the body of a frame: with the frames before it in a message, less than what gRPC lets pass. */
export const FRAME_BYTES_MAX = MESSAGE_BYTES_MAX - (1 << 20);

export class LinkStream {
  readonly id: number;
  readonly link: Link;

  constructor(link: Link, id: number) {
    this.link = link;
    this.id = id;
  }

  /** Dropped silently when the link is broken: the handler has been told. */
  write(body: FrameBody): void {
    this.link.write({ stream: this.id, body });
  }

  /** Nothing more is heard of the stream. */
  close(): void {
    this.link.forget(this.id);
  }
}

export class Link {
  /** Of the other end; known once its hello has come. */
  peerAddress = '';
  private readonly accept: Accept;
  private readonly call: LinkCall;
  private readonly onHello: (link: Link) => void;
  private readonly onBroken: (link: Link) => void;
  private readonly handlers = new Map<number, StreamHandler>();
  private pending: Frame[] = [];
  private pendingBytes = 0;
  private scheduled = false;
  private nextId: number;
  private readonly parity: number;
  private broken = false;

  constructor(
    call: LinkCall,
    options: {
      readonly dialled: boolean;
      readonly address: string;
      readonly accept: Accept;
      readonly onHello: (link: Link) => void;
      readonly onBroken: (link: Link) => void;
    },
  ) {
    this.call = call;
    this.accept = options.accept;
    this.onHello = options.onHello;
    this.onBroken = options.onBroken;
    this.parity = options.dialled ? 1 : 0;
    this.nextId = options.dialled ? 1 : 2;
    this.write({ stream: 0, body: { kind: 'hello', address: options.address } });
  }

  get alive(): boolean {
    return !this.broken;
  }

  /** A new stream. On a link that has just broken its handler is told so, soon. */
  open(handler: StreamHandler): LinkStream {
    const stream = new LinkStream(this, this.nextId);
    this.nextId += 2;
    if (this.broken) queueMicrotask(() => handler.lost('the connection is broken'));
    else this.handlers.set(stream.id, handler);
    return stream;
  }

  write(frame: Frame): void {
    if (this.broken) return;
    this.pending.push(frame);
    this.pendingBytes += sizeOf(frame.body);
    if (this.pendingBytes >= FLUSH_BYTES) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      // After all promises that this turn settles: what they write goes along.
      queueMicrotask(() => process.nextTick(() => this.flush()));
    }
  }

  /** A message from the other end. */
  received(message: Buffer): void {
    if (this.broken) return;
    let frames: Frame[];
    try {
      frames = decodeFrames(message);
    } catch (e) {
      this.break(e instanceof Error ? e.message : String(e));
      return;
    }
    for (const { stream, body } of frames) {
      // What begins on a broken link would never be heard of again.
      if (this.broken) return;
      this.dispatch(stream, body);
    }
  }

  break(why: string): void {
    if (this.broken) return;
    this.broken = true;
    this.pending = [];
    this.call.hangUp();
    this.onBroken(this);
    const handlers = [...this.handlers.values()];
    this.handlers.clear();
    for (const h of handlers) h.lost(why);
  }

  /** @internal */
  forget(id: number): void {
    this.handlers.delete(id);
  }

  private dispatch(id: number, body: FrameBody): void {
    if (body.kind === 'hello') {
      this.peerAddress = body.address;
      this.onHello(this);
      return;
    }
    if (body.kind !== 'open' && body.kind !== 'execute') {
      this.handle(id, body);
      return;
    }
    if (id % 2 === this.parity || this.handlers.has(id)) {
      this.break('a stream was opened twice');
      return;
    }
    const handler = this.accept(new LinkStream(this, id), body);
    if (handler !== undefined && !this.broken) this.handlers.set(id, handler);
  }

  /** What a handler throws is its own stream's end: frames behind it in the message are others'. */
  private handle(id: number, body: FrameBody): void {
    const handler = this.handlers.get(id);
    try {
      handler?.frame(body);
    } catch (e) {
      process.emitWarning(e instanceof Error ? e : String(e));
      this.handlers.delete(id);
      handler?.lost(e instanceof Error ? e.message : String(e));
    }
  }

  private flush(): void {
    this.scheduled = false;
    const frames = this.pending;
    if (frames.length === 0) return;
    this.pending = [];
    this.pendingBytes = 0;
    this.call.write(encodeFrames(frames));
  }
}

function sizeOf(body: FrameBody): number {
  switch (body.kind) {
    case 'batch':
      return body.batch.length;
    case 'execute':
    case 'done':
      return body.body.length;
    case 'filter':
      return body.bits.length;
    default:
      return 32;
  }
}
