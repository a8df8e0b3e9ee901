/** One plan being run: its slices on the segments of their gangs and on the master.
 *
 *  Owns: routes, one stream to each segment, the first error. Must not know: sessions, loads.
 *  Invariants: the first error wins, ends everything everywhere, and is what `run` rejects with; a lost segment is
 *  named together with the slice that it ran; when `run` settles, the master's slices have ended and their memory is free,
 *  and the segments have ended theirs or have been told to. */
import type { ChunkSink, Engine, SliceProgress, SliceStats } from '../../engine/api.js';
import type {
  ExecuteBody,
  MotionRoute,
  PlanShare,
  SliceDone,
  SliceFailed,
} from '../../exchange/control-messages.js';
import { pack, unpack } from '../../exchange/grpc/codec.js';
import type { Peers } from '../../exchange/grpc/peer.js';
import type { FrameBody } from '../../exchange/link/frame.js';
import { FRAME_BYTES_MAX, type LinkStream } from '../../exchange/link/link.js';
import type { Links } from '../../exchange/link/links.js';
import { failureFromWire, MotionBroken } from '../../exchange/motion-error.js';
import type { MotionService } from '../../exchange/motion-service.js';
import { MotionSink } from '../../exchange/motion-sink.js';
import { QueryShares, SharedRows } from '../../exchange/shared-rows.js';
import { sliceSources } from '../../exchange/slice-sources.js';
import { sharesOf } from '../../plan/distribute/physical-walk.js';
import type { DistributedPlan, SharedScanOp, Slice } from '../../plan/physical.js';
import { MASTER, type MotionId, type SegmentId } from '../../types/ids.js';
import type { OutChunk } from '../../types/memory.js';
import { assert, SqlError } from '../../types/sql-error.js';
import type { Member } from '../cluster/membership.js';
import type { MotionRunStats, QueryProgress, RunOptions, RunStats, SliceRunStats } from './api.js';

export type QueryHost = {
  readonly engine: Engine;
  readonly exchange: MotionService;
  readonly peers: Peers;
  readonly links: Links;
  /** Where segments reach the master's exchange. */
  readonly address: string;
  readonly memoryLimitBytes: number;
};

/** Slices that one process runs. */
type Share = { readonly member: Member; readonly slices: readonly Slice[] };

export class RunningQuery {
  private readonly host: QueryHost;
  private readonly plan: DistributedPlan;
  private readonly options: RunOptions;
  private readonly shares: readonly Share[];
  private readonly routes: Record<number, MotionRoute>;
  private readonly abort = new AbortController();
  private readonly slices: SliceRunStats[] = [];
  private readonly motions: MotionRunStats[] = [];
  /** Of the master's slices: aborted even when their slice has run and they only wait to be delivered. */
  private readonly sinks: ChunkSink[] = [];
  private readonly streams: LinkStream[] = [];
  private readonly kept: QueryShares;
  private readonly requests = new Map<string, Uint8Array>();
  private failure: { readonly error: unknown } | undefined;
  private ended: (() => void)[] = [];

  /** `members`: of every segment in a gang, all up. */
  constructor(
    host: QueryHost,
    plan: DistributedPlan,
    options: RunOptions,
    members: ReadonlyMap<SegmentId, Member>,
  ) {
    this.host = host;
    this.plan = plan;
    this.options = options;
    this.shares = [...members.values()].map((member) => ({
      member,
      slices: plan.slices.filter((s) => s.gang.includes(member.id)),
    }));
    const { produced, read } = sharesOf(plan.slices.filter((s) => s.gang.includes(MASTER)));
    this.kept = new QueryShares(produced, read, host.engine.memory, this.memoryLimitBytes);
    this.routes = makeRoutes(plan, (id) => (id === MASTER ? host.address : members.get(id)!.address));
  }

  private get memoryLimitBytes(): number {
    return this.options.memoryLimitBytes ?? this.host.memoryLimitBytes;
  }

  get pid(): number | undefined {
    return this.options.pid;
  }

  members(): readonly Member[] {
    return this.shares.map((s) => s.member);
  }

  /** `bySegment`: what each process says of all its slices. */
  progress(bySegment: ReadonlyMap<SegmentId, readonly SliceProgress[]>): readonly QueryProgress[] {
    const { pid, queryId } = this.options;
    const out: QueryProgress[] = [];
    const begun = new Set<SegmentId>();
    for (const [segment, all] of bySegment) if (all.some((p) => p.queryId === queryId)) begun.add(segment);
    for (const slice of this.plan.slices)
      for (const segment of slice.gang) {
        const ended = this.slices.some((s) => s.slice === slice.id && s.segment === segment);
        const known = bySegment.get(segment)?.find((p) => p.queryId === queryId && p.slice === slice.id);
        // Slices of a process begin together: one that is missing beside others has ended.
        const done = ended || (known === undefined && begun.has(segment));
        out.push({
          pid: pid!,
          slice: slice.id,
          segment,
          state: done ? 'done' : (known?.state ?? 'waiting'),
          rows: known?.rows ?? 0,
          rowsTotal: known?.rowsTotal,
        });
      }
    return out;
  }

  uses(segment: SegmentId): boolean {
    return this.shares.some((s) => s.member.id === segment);
  }

  async run(): Promise<RunStats> {
    const began = performance.now();
    const { signal, queryId } = this.options;
    const onAbort = (): void => this.fail(cancelReason(signal));
    if (signal.aborted) throw cancelReason(signal);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const own = this.plan.slices.filter((s) => s.gang.includes(MASTER));
      this.registerReceivers(own);
      await Promise.all([
        ...this.shares.map((share) => this.execute(share)),
        ...own.map((slice) => this.runHere(slice)),
      ]);
    } catch (e) {
      this.fail(e);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.host.exchange.endQuery(queryId);
      for (const stream of this.streams) stream.close();
      this.kept.release();
    }
    if (this.failure !== undefined) throw this.failure.error;
    return {
      slices: this.slices,
      motions: this.motions,
      rowsInserted: this.rowsInserted(),
      totalMs: performance.now() - began,
    };
  }

  /** The segment is gone; its calls may not have noticed yet. */
  segmentLost(member: Member): void {
    this.fail(this.lossOf(member));
  }

  /** The first error ends everything; later ones are its consequences. */
  fail(error: unknown): void {
    if (this.failure !== undefined) return;
    const lost = error instanceof MotionBroken ? this.shareOf(error.segment) : undefined;
    this.failure = { error: lost === undefined ? error : this.lossOf(lost.member) };
    this.abort.abort(this.failure.error);
    for (const sink of this.sinks) sink.abort(this.failure.error);
    for (const stream of this.streams) stream.write({ kind: 'cancel' });
    for (const end of this.ended) end();
  }

  private shareOf(segment: SegmentId): Share | undefined {
    return this.shares.find((s) => s.member.id === segment);
  }

  private lossOf(member: Member): SqlError {
    const slices = this.shareOf(member.id)?.slices ?? [];
    const names = slices.map((s) => s.id).join(', ');
    return new SqlError(
      '08006',
      `segment ${member.id} (${member.address}) was lost while running slice${slices.length === 1 ? '' : 's'} ${names}`,
      {
        hint: 'Start it again with "mpp start", or start mpp-segment with its data directory; then repeat the query.',
      },
    );
  }

  private registerReceivers(own: readonly Slice[]): void {
    for (const slice of own)
      for (const [motion, route] of Object.entries(this.routes))
        if (this.receivingSlice(Number(motion) as MotionId) === slice)
          this.host.exchange.register({
            queryId: this.options.queryId,
            motion: Number(motion) as MotionId,
            columns: route.schema,
            senders: route.senders,
          });
  }

  private receivingSlice(motion: MotionId): Slice | undefined {
    const sender = this.plan.slices.find((s) => s.sink.kind === 'motion' && s.sink.motion === motion);
    const sink = sender?.sink;
    return this.plan.slices.find((s) => sink?.kind === 'motion' && s.id === sink.to);
  }

  /** Most segments run the same slices: packed once. */
  private request(slices: readonly Slice[]): Uint8Array {
    const key = slices.map((s) => s.id).join();
    const known = this.requests.get(key);
    if (known !== undefined) return known;
    const { options } = this;
    const body: ExecuteBody<RunOptions['settings']> = {
      queryId: options.queryId,
      gxid: options.gxid,
      snapshotCsn: options.snapshotCsn,
      plan: packShare(this.plan, key, { slices, routes: this.routesOf(slices) }),
      params: options.params,
      settings: options.settings,
      instrument: options.instrument,
      memoryLimitBytes: options.memoryLimitBytes ?? 0,
    };
    const request = pack(body);
    this.requests.set(key, request);
    return request;
  }

  private execute({ member, slices }: Share): Promise<void> {
    const msgpack = this.request(slices);
    return new Promise((resolve) => {
      if (msgpack.length > FRAME_BYTES_MAX)
        this.fail(
          new SqlError('54000', 'the statement is too large to be sent to the segments', {
            detail: `Its plan takes ${msgpack.length} bytes; a message holds at most ${FRAME_BYTES_MAX}.`,
          }),
        );
      if (this.failure !== undefined) return resolve();
      this.ended.push(resolve);
      const left = new Set(slices.map((s) => s.id));
      const stream = this.host.links.to(member.address).open({
        // Heard until the query is over: a segment may yet say that what it sent was lost.
        frame: (body: FrameBody) => {
          if (body.kind === 'done') {
            for (const done of unpack<SliceDone<SliceStats>[]>(body.body)) {
              left.delete(done.slice);
              this.sliceDone(member.id, done);
            }
            if (left.size === 0) resolve();
          } else if (body.kind === 'failed')
            this.fail(failureFromWire(unpack<SliceFailed>(body.failure).failure));
        },
        lost: () => this.fail(this.lossOf(member)),
      });
      this.streams.push(stream);
      stream.write({ kind: 'execute', body: msgpack });
    });
  }

  private routesOf(slices: readonly Slice[]): Record<number, MotionRoute> {
    const routes: Record<number, MotionRoute> = {};
    for (const [motion, route] of Object.entries(this.routes)) {
      const id = Number(motion) as MotionId;
      const receiver = this.receivingSlice(id);
      if (slices.some((s) => s === receiver || (s.sink.kind === 'motion' && s.sink.motion === id)))
        routes[id] = route;
    }
    return routes;
  }

  private async runHere(slice: Slice): Promise<void> {
    const { options, host } = this;
    try {
      // Inside: `run` must not end while other slices of the query go on here.
      const sink = this.sinkOf(slice);
      this.sinks.push(sink);
      const stats = await host.engine.runSlice({
        queryId: options.queryId,
        slice,
        params: options.params,
        settings: options.settings,
        instrument: options.instrument,
        memoryLimitBytes: this.memoryLimitBytes,
        receivers: this.receiversOf(slice),
        sources: sliceSources(host.exchange, options.queryId, {
          scan: () => {
            throw new Error('the master stores no tables');
          },
          virtualScan: options.virtualScan,
          shared: (op: SharedScanOp) => this.kept.source(op),
        }),
        sink,
        signal: this.abort.signal,
      });
      const motion =
        sink instanceof MotionSink ? { id: sink.motion, rows: sink.rows, bytes: sink.bytes } : undefined;
      const { rows: rowsOut } = sink;
      this.sliceDone(MASTER, {
        slice: slice.id,
        stats: sink instanceof SharedRows ? sink.withKept(stats) : stats,
        rowsOut,
        motion,
      });
    } catch (e) {
      this.fail(e);
    }
  }

  private receiversOf(slice: Slice): number {
    return slice.sink.kind === 'motion' ? this.routes[slice.sink.motion]!.receivers.length : 1;
  }

  private sinkOf(slice: Slice): MotionSink | SharedRows | CountingSink {
    const { sink } = slice;
    if (sink.kind === 'result')
      return new CountingSink(this.options.sink, (e) => {
        this.fail(e);
        return this.failure?.error;
      });
    if (sink.kind === 'share') return this.kept.sink(sink.share);
    assert(sink.kind === 'motion', 'only segments store rows');
    return new MotionSink(this.host.exchange, {
      queryId: this.options.queryId,
      motion: sink.motion,
      from: MASTER,
      mode: sink.mode,
      columns: sink.cols,
      receivers: this.routes[sink.motion]!.receivers,
      onBroken: (e) => this.fail(e),
    });
  }

  private sliceDone(segment: SegmentId, done: SliceDone<SliceStats>): void {
    this.slices.push({ slice: done.slice, segment, stats: done.stats, rowsOut: done.rowsOut });
    if (done.motion !== undefined)
      this.motions.push({
        motion: done.motion.id,
        segment,
        rows: done.motion.rows,
        bytes: done.motion.bytes,
      });
  }

  private rowsInserted(): number {
    let rows = 0;
    for (const slice of this.plan.slices) {
      if (slice.sink.kind !== 'insert') continue;
      const of = this.slices.filter((s) => s.slice === slice.id).map((s) => s.rowsOut);
      const sum = of.reduce((a, b) => a + b, 0);
      rows += insertsReplicated(this.plan, slice) ? sum / Math.max(1, of.length) : sum;
    }
    return rows;
  }
}

type PackedShare = { readonly addresses: string; readonly bytes: Uint8Array };

/** Plans that are kept are run often: what is sent of them is kept beside them, as long as nobody has moved. */
const packedShares = new WeakMap<DistributedPlan, Map<string, PackedShare>>();

function packShare(plan: DistributedPlan, key: string, share: PlanShare<Slice>): Uint8Array {
  let shares = packedShares.get(plan);
  if (shares === undefined) {
    shares = new Map();
    packedShares.set(plan, shares);
  }
  const addresses = Object.values(share.routes)
    .flatMap((r) => r.receivers.map((to) => to.address))
    .join();
  const known = shares.get(key);
  if (known?.addresses === addresses) return known.bytes;
  const bytes = pack(share);
  shares.set(key, { addresses, bytes });
  return bytes;
}

/** Every segment gets the same rows: the sink says so, or a broadcast feeds it. */
export function insertsReplicated(plan: DistributedPlan, slice: Slice): boolean {
  const { sink } = slice;
  if (sink.kind !== 'insert') return false;
  if (sink.replicated !== undefined) return sink.replicated;
  return plan.slices.some(
    (s) => s.sink.kind === 'motion' && s.sink.to === slice.id && s.sink.mode === 'broadcast',
  );
}

function makeRoutes(plan: DistributedPlan, address: (id: SegmentId) => string): Record<number, MotionRoute> {
  const routes: Record<number, MotionRoute> = {};
  for (const sender of plan.slices) {
    if (sender.sink.kind !== 'motion') continue;
    const { motion, to, cols } = sender.sink;
    const receiver = plan.slices.find((s) => s.id === to);
    assert(receiver !== undefined, `slice ${to} receives motion ${motion}`);
    routes[motion] = {
      receivers: receiver.gang.map((segment) => ({ segment, address: address(segment) })),
      senders: sender.gang,
      schema: cols,
    };
  }
  return routes;
}

export function cancelReason(signal: AbortSignal): unknown {
  return signal.reason instanceof SqlError
    ? signal.reason
    : new SqlError('57014', 'canceling statement due to user request');
}

/** The session's sink, with its rows counted. */
class CountingSink implements ChunkSink {
  rows = 0;
  private readonly target: ChunkSink;
  private readonly reason: (error: unknown) => unknown;

  /** `reason`: what ended the query, given what ended this slice. */
  constructor(target: ChunkSink, reason: (error: unknown) => unknown) {
    this.target = target;
    this.reason = reason;
  }

  push(chunk: OutChunk): void {
    this.rows += chunk.rows;
    this.target.push(chunk);
  }
  ready(): boolean {
    return this.target.ready();
  }
  onReady(callback: () => void): void {
    this.target.onReady(callback);
  }
  get done(): boolean {
    return this.target.done;
  }
  finish(): Promise<void> {
    return this.target.finish();
  }
  abort(error: unknown): void {
    this.target.abort(this.reason(error));
  }
}
