/** The exchange of a process: its receivers by query and motion, and the gRPC service through which senders reach them.
 *
 *  Owns: pairing streams with receivers in either order of arrival (a stream that comes first is held without
 *  credit), and the memory of queries that have ended, so that late streams are told to stop. Must not know plans.
 *  Invariant: after `endQuery` nothing of the query is left but its id. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { MotionId, QueryId, SegmentId } from '../types/ids.js';
import type { MemoryPool } from '../types/memory.js';
import { assert, SqlError } from '../types/sql-error.js';
import { unpack } from './grpc/codec.js';
import type { Peers } from './grpc/peer.js';
import type { RpcServer } from './grpc/server.js';
import { ExchangeService, type MotionControl, type MotionMessage, type MotionOpen } from './grpc/services.js';
import type { InboundStream, SenderLink } from './inbound-stream.js';
import { failureFromWire, MotionBroken, type WireFailure } from './motion-error.js';
import { MotionReceiver, type ReceiverSpec } from './receiver.js';

const ENDED_QUERIES_KEPT = 4096;
const HELD_MS = 30_000;

export type MotionServiceOptions = {
  readonly self: SegmentId;
  readonly memory: MemoryPool;
  readonly peers: Peers;
  /** How long a stream waits for its receiver before it is refused. */
  readonly heldMs?: number;
};

type Call = ServerDuplexStream<MotionMessage, MotionControl>;

export class MotionService {
  /** A segment learns its id when it joins. */
  self: SegmentId;
  readonly memory: MemoryPool;
  readonly peers: Peers;
  private readonly heldMs: number;
  private readonly receivers = new Map<QueryId, Map<MotionId, MotionReceiver>>();
  private readonly held = new Set<RemoteStream>();
  private readonly ended = new Set<QueryId>();
  private sweeper: NodeJS.Timeout | undefined;

  constructor(options: MotionServiceOptions) {
    this.self = options.self;
    this.memory = options.memory;
    this.peers = options.peers;
    this.heldMs = options.heldMs ?? HELD_MS;
  }

  addTo(server: RpcServer): void {
    server.duplex(ExchangeService.Motion, (call) => new RemoteStream(this, call));
  }

  /** From now on senders get credit. The same query and motion once. */
  register(spec: ReceiverSpec): MotionReceiver {
    assert(!this.ended.has(spec.queryId), `query ${spec.queryId} has not ended`);
    let motions = this.receivers.get(spec.queryId);
    if (motions === undefined) {
      motions = new Map();
      this.receivers.set(spec.queryId, motions);
    }
    assert(!motions.has(spec.motion), `motion ${spec.motion} is received once`);
    const receiver = new MotionReceiver(spec, this.memory);
    motions.set(spec.motion, receiver);
    for (const stream of this.held)
      if (stream.open?.query_id === spec.queryId && stream.open.motion === spec.motion) {
        this.held.delete(stream);
        stream.attachTo(receiver);
      }
    return receiver;
  }

  receiver(queryId: QueryId, motion: MotionId): MotionReceiver {
    const receiver = this.receivers.get(queryId)?.get(motion);
    assert(receiver !== undefined, `motion ${motion} has a receiver here`);
    return receiver;
  }

  /** Closes what is left of the query's receivers and refuses its late streams. Idempotent. */
  endQuery(queryId: QueryId): void {
    this.ended.add(queryId);
    if (this.ended.size > ENDED_QUERIES_KEPT) this.ended.delete(this.ended.values().next().value!);
    for (const receiver of this.receivers.get(queryId)?.values() ?? []) receiver.close();
    this.receivers.delete(queryId);
    for (const stream of this.held)
      if (stream.open?.query_id === queryId) {
        this.held.delete(stream);
        stream.discard();
      }
  }

  /** For a sender in this process; undefined when the query is over here. */
  localStream(queryId: QueryId, motion: MotionId, from: SegmentId): InboundStream | undefined {
    if (this.ended.has(queryId)) return undefined;
    const stream = this.receiver(queryId, motion).stream(from);
    assert(stream !== undefined, `motion ${motion} expects ${from}`);
    return stream;
  }

  /** @internal A stream has said what it is. */
  opened(stream: RemoteStream, open: MotionOpen): void {
    const queryId = open.query_id as QueryId;
    if (open.to_segment !== this.self) {
      stream.refuse(
        new SqlError('08P01', `a motion for segment ${open.to_segment} came to segment ${this.self}`),
      );
      return;
    }
    if (this.ended.has(queryId)) {
      stream.discard();
      return;
    }
    const receiver = this.receivers.get(queryId)?.get(open.motion as MotionId);
    if (receiver !== undefined) {
      stream.attachTo(receiver);
      return;
    }
    this.held.add(stream);
    this.sweeper ??= setInterval(() => this.sweep(), 1000).unref();
  }

  /** @internal The call of a held stream is over. */
  dropped(stream: RemoteStream): void {
    this.held.delete(stream);
  }

  close(): void {
    clearInterval(this.sweeper);
    for (const queryId of [...this.receivers.keys()]) this.endQuery(queryId);
    for (const stream of this.held) stream.discard();
    this.held.clear();
  }

  private sweep(): void {
    const now = performance.now();
    for (const stream of this.held)
      if (now - stream.since > this.heldMs) {
        this.held.delete(stream);
        stream.refuse(
          new SqlError('08006', `motion ${stream.open?.motion} found no receiver at segment ${this.self}`),
        );
      }
    if (this.held.size === 0) {
      clearInterval(this.sweeper);
      this.sweeper = undefined;
    }
  }
}

/** The server side of one Motion call. */
class RemoteStream implements SenderLink {
  readonly since = performance.now();
  open: MotionOpen | undefined;
  private readonly service: MotionService;
  private readonly call: Call;
  private target: InboundStream | undefined;
  private discarding = false;
  private over = false;
  /** What came before a receiver did: the end of a stream without rows, or its failure. */
  private early: (() => void) | undefined;

  constructor(service: MotionService, call: Call) {
    this.service = service;
    this.call = call;
    call.on('data', (m: MotionMessage) => this.message(m));
    call.on('end', () => this.lost('the stream ended early'));
    call.on('cancelled', () => this.lost('the stream was cancelled'));
    call.on('error', (e) => this.lost(e.message));
  }

  attachTo(receiver: MotionReceiver): void {
    const stream = receiver.stream(this.open!.from_segment as SegmentId);
    if (stream === undefined || stream.attached) {
      this.refuse(
        new SqlError('08P01', `motion ${this.open!.motion} does not expect ${this.open!.from_segment}`),
      );
      return;
    }
    this.target = stream;
    stream.attach(this);
    this.early?.();
  }

  /** Nobody wants the rows: tells the sender, and takes what is under way. */
  discard(): void {
    this.discarding = true;
    this.stop();
    if (this.early) {
      this.over = true;
      this.call.end();
    }
  }

  refuse(error: SqlError): void {
    if (this.over) return;
    this.over = true;
    this.call.emit('error', { code: 9, details: error.message });
  }

  grant(messages: number): void {
    if (!this.over) this.call.write({ credit: messages });
  }

  stop(): void {
    if (!this.over) this.call.write({ stop: true });
  }

  private message(m: MotionMessage): void {
    if (this.over) return;
    if ('open' in m) {
      if (this.open !== undefined) {
        this.refuse(new SqlError('08P01', 'a stream was opened twice'));
        return;
      }
      this.open = m.open;
      this.service.opened(this, m.open);
    } else if ('batch' in m) {
      if (this.target !== undefined) this.target.deliver(m.batch);
      else if (!this.discarding) this.refuse(new SqlError('08P01', 'a batch came without credit'));
    } else if ('end' in m) this.finish((t) => t.end(Number(m.end.rows)));
    else this.finish((t) => t.fail(failureFromWire(unpack<WireFailure>(m.failed))));
  }

  private finish(tell: (target: InboundStream) => void): void {
    const settle = (): void => {
      this.over = true;
      if (this.target !== undefined) tell(this.target);
      this.call.end();
    };
    if (this.target !== undefined || this.discarding) settle();
    else this.early = settle;
  }

  private lost(why: string): void {
    if (this.over || this.early !== undefined) {
      if (why !== 'the stream ended early') this.service.dropped(this);
      return;
    }
    this.over = true;
    this.service.dropped(this);
    if (this.open === undefined || this.target === undefined) return;
    const { motion, from_segment } = this.open;
    this.target.fail(MotionBroken.during(motion as MotionId, from_segment as SegmentId, why));
    this.call.end();
  }
}
