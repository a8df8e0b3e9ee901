/** The exchange of a process: its receivers by query and motion, and the streams through which senders reach them.
 *
 *  Owns: pairing streams with receivers in either order of arrival (a stream that comes first is held, with what its first
 *  credit allows), and the memory of queries that have ended, so that late streams are told to stop. Must not know plans.
 *  Invariant: after `endQuery` nothing of the query is left but its id. */
import type { MotionId, QueryId, SegmentId } from '../types/ids.js';
import type { MemoryPool } from '../types/memory.js';
import { assert, SqlError } from '../types/sql-error.js';
import type { InboundStream } from './inbound-stream.js';
import type { MotionOpen } from './link/frame.js';
import type { LinkStream, StreamHandler } from './link/link.js';
import type { Links } from './link/links.js';
import { MotionReceiver, type ReceiverSpec } from './receiver.js';
import { RemoteStream, refuse, turnAway } from './remote-stream.js';

const ENDED_QUERIES_KEPT = 4096;
const HELD_MS = 30_000;

export type MotionServiceOptions = {
  readonly self: SegmentId;
  readonly memory: MemoryPool;
  readonly links: Links;
  /** How long a stream waits for its receiver before it is refused. */
  readonly heldMs?: number;
};

export class MotionService {
  /** A segment learns its id when it joins. */
  self: SegmentId;
  readonly memory: MemoryPool;
  readonly links: Links;
  private readonly heldMs: number;
  private readonly receivers = new Map<QueryId, Map<MotionId, MotionReceiver>>();
  private readonly held = new Set<RemoteStream>();
  private readonly ended = new Set<QueryId>();
  private sweeper: NodeJS.Timeout | undefined;

  constructor(options: MotionServiceOptions) {
    this.self = options.self;
    this.memory = options.memory;
    this.links = options.links;
    this.heldMs = options.heldMs ?? HELD_MS;
    this.links.onOpen = (stream, open) => this.opened(stream, open);
  }

  /** Streams that wait for their receivers. */
  get heldStreams(): number {
    return this.held.size;
  }

  /** From now on batches may be taken. The same query and motion once. */
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
      if (stream.open.queryId === spec.queryId && stream.open.motion === spec.motion) {
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
      if (stream.open.queryId === queryId) {
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

  close(): void {
    clearInterval(this.sweeper);
    for (const queryId of [...this.receivers.keys()]) this.endQuery(queryId);
    for (const stream of this.held) stream.discard();
    this.held.clear();
  }

  private opened(stream: LinkStream, open: MotionOpen): StreamHandler | undefined {
    const queryId = open.queryId as QueryId;
    if (open.to !== this.self) {
      refuse(stream, new SqlError('08P01', `a motion for segment ${open.to} came to segment ${this.self}`));
      return undefined;
    }
    if (this.ended.has(queryId)) {
      turnAway(stream);
      return undefined;
    }
    const inbound = new RemoteStream(stream, open);
    const receiver = this.receivers.get(queryId)?.get(open.motion as MotionId);
    if (receiver !== undefined) inbound.attachTo(receiver);
    else {
      this.held.add(inbound);
      this.sweeper ??= setInterval(() => this.sweep(), 1000).unref();
    }
    return inbound;
  }

  private sweep(): void {
    const now = performance.now();
    for (const stream of this.held)
      if (now - stream.since > this.heldMs) {
        this.held.delete(stream);
        stream.refuse(
          new SqlError('08006', `motion ${stream.open.motion} found no receiver at segment ${this.self}`),
        );
      }
    if (this.held.size === 0) {
      clearInterval(this.sweeper);
      this.sweeper = undefined;
    }
  }
}
