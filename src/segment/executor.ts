/** Runs this segment's slices of a query, as the master asks over its link.
 *
 *  Owns: the query's receivers, sources and sinks here, and its end: all slices have ended and all memory is free before
 *  `ended` settles. Must not know: how the cluster is formed. The first slice that fails ends the others; a cancel (the
 *  master has an error from elsewhere) or the loss of the link ends all. `done` is said when all rows have been sent; should
 *  they turn out not to have arrived, `failed` follows. */
import type { Logger } from 'pino';
import type { ChunkSink, Engine, EvalSettings, SliceProgress, SliceStats } from '../engine/api.js';
import {
  COPY_SOURCE,
  type ExecuteBody,
  type PlanShare,
  type SliceDone,
  type SliceFailed,
} from '../exchange/control-messages.js';
import { pack, unpack } from '../exchange/grpc/codec.js';
import type { FrameBody } from '../exchange/link/frame.js';
import type { LinkStream, StreamHandler } from '../exchange/link/link.js';
import { failureToWire } from '../exchange/motion-error.js';
import type { MotionService } from '../exchange/motion-service.js';
import { MotionSink } from '../exchange/motion-sink.js';
import { QueryShares, SharedRows } from '../exchange/shared-rows.js';
import { sliceSources } from '../exchange/slice-sources.js';
import { sharesOf } from '../plan/distribute/physical-walk.js';
import type { Expr } from '../plan/expr.js';
import type { ScanOp, SharedScanOp, Slice, VirtualScanOp } from '../plan/physical.js';
import type { SegmentStore } from '../storage/table-store.js';
import type { QueryId, SegmentId } from '../types/ids.js';
import type { BatchSource } from '../types/memory.js';
import { SqlError } from '../types/sql-error.js';
import type { SqlType } from '../types/sql-type.js';
import { isScaled } from '../types/stored-numeric.js';
import type { Value } from '../types/value.js';
import { CopySource } from './copy-source.js';
import { InsertSink } from './insert-sink.js';
import { PlanCache } from './plan-cache.js';
import { plainReceive, storeReceived } from './store-received.js';
import type { Execution, WriteRegistry } from './write-registry.js';

type Body = Omit<ExecuteBody<EvalSettings>, 'plan'> & PlanShare<Slice>;

export type ExecutorHost = {
  readonly engine: Engine;
  readonly store: SegmentStore;
  readonly exchange: MotionService;
  readonly writes: WriteRegistry;
  readonly log: Logger;
};

export class Executor {
  private readonly host: ExecutorHost;
  private readonly running = new Set<QueryExecution>();
  private readonly plans = new PlanCache();
  private readonly copySources = new Map<QueryId, CopySource>();
  private readonly copyWaiters = new Map<QueryId, (s: CopySource) => void>();
  /** Why queries are refused; undefined while the segment serves. */
  refusal: SqlError | undefined;

  constructor(host: ExecutorHost) {
    this.host = host;
  }

  progress(): readonly SliceProgress[] {
    return this.host.engine.progress();
  }

  /** Never throws: a request that makes no sense fails alone. */
  execute(stream: LinkStream, request: Uint8Array): StreamHandler | undefined {
    try {
      return this.begin(stream, request);
    } catch (e) {
      this.host.log.error({ err: e }, 'a query could not begin');
      const failed: SliceFailed = { slice: 0 as Slice['id'], failure: failureToWire(e) };
      stream.write({ kind: 'failed', failure: pack(failed) });
      return undefined;
    }
  }

  private begin(stream: LinkStream, request: Uint8Array): StreamHandler | undefined {
    const { plan, ...run } = unpack<ExecuteBody<EvalSettings>>(request);
    const body: Body = { ...run, ...this.plans.get(plan) };
    if (this.refusal !== undefined) {
      const failed: SliceFailed = { slice: body.slices[0]!.id, failure: failureToWire(this.refusal) };
      stream.write({ kind: 'failed', failure: pack(failed) });
      return undefined;
    }
    const execution = new QueryExecution(this.host, body, stream, this);
    this.running.add(execution);
    this.host.log.debug({ query: body.queryId, slices: body.slices.map((s) => s.id) }, 'query begins');
    void execution.ended.then(() => {
      this.running.delete(execution);
      this.host.log.debug({ query: body.queryId }, 'query ended');
    });
    execution.start();
    return execution;
  }

  /** Ends every query; resolves when none is left. */
  async abortAll(error: SqlError): Promise<void> {
    for (const e of this.running) e.abort(error);
    await Promise.all([...this.running].map((e) => e.ended));
  }

  /** The source that a COPY's lines go to; waits for its query, which may come a moment later. */
  copySource(queryId: QueryId, signal: AbortSignal): Promise<CopySource> {
    const source = this.copySources.get(queryId);
    if (source !== undefined) return Promise.resolve(source);
    return new Promise((resolve, reject) => {
      this.copyWaiters.set(queryId, resolve);
      signal.addEventListener('abort', () => {
        this.copyWaiters.delete(queryId);
        reject(signal.reason);
      });
    });
  }

  /** @internal */
  offerCopySource(queryId: QueryId, source: CopySource): void {
    this.copySources.set(queryId, source);
    this.copyWaiters.get(queryId)?.(source);
    this.copyWaiters.delete(queryId);
  }

  /** @internal */
  endCopySource(queryId: QueryId): void {
    this.copySources.get(queryId)?.close();
    this.copySources.delete(queryId);
  }
}

class QueryExecution implements Execution, StreamHandler {
  readonly ended: Promise<void>;
  private readonly host: ExecutorHost;
  private readonly body: Body;
  private readonly stream: LinkStream;
  private readonly owner: Executor;
  private readonly controller = new AbortController();
  private readonly motions: MotionSink[] = [];
  private readonly done: SliceDone<SliceStats>[] = [];
  private readonly shares: QueryShares;
  private settle!: () => void;
  private failed = false;
  private hungUp = false;

  constructor(host: ExecutorHost, body: Body, stream: LinkStream, owner: Executor) {
    this.host = host;
    this.body = body;
    this.stream = stream;
    this.owner = owner;
    const { produced, read } = sharesOf(body.slices);
    this.shares = new QueryShares(produced, read, host.engine.memory, this.memoryLimitBytes);
    this.ended = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  private get memoryLimitBytes(): number {
    const { body, host } = this;
    return body.memoryLimitBytes > 0
      ? body.memoryLimitBytes
      : Math.floor(host.engine.memory.limitBytes * 0.9);
  }

  start(): void {
    this.run().then(
      () => this.settle(),
      (e: unknown) => {
        this.host.log.error({ err: e }, 'a query ended badly');
        this.settle();
      },
    );
  }

  abort(error: unknown): void {
    if (this.controller.signal.aborted) return;
    this.controller.abort(error);
    // Also those whose slice has run and that only wait for a receiver.
    for (const m of this.motions) m.abort(error);
  }

  frame(body: FrameBody): void {
    if (body.kind === 'cancel') this.hangUp();
  }

  lost(): void {
    this.hangUp();
  }

  private hangUp(): void {
    this.hungUp = true;
    this.host.log.debug({ query: this.body.queryId }, 'query cancelled by the master');
    this.abort(new SqlError('57014', 'canceling statement due to user request'));
  }

  private async run(): Promise<void> {
    const { body, host } = this;
    const { queryId } = body;
    try {
      if (body.gxid !== undefined && body.slices.some((s) => s.sink.kind === 'insert'))
        host.writes.enter(body.gxid, this);
      for (const [motion, route] of Object.entries(body.routes))
        if (route.receivers.some((r) => r.segment === host.exchange.self))
          host.exchange.register({
            queryId,
            motion: Number(motion) as never,
            columns: route.schema,
            senders: route.senders,
          });
      // Sinks first: their streams connect while the slices compile.
      const sinks = body.slices.map((s) => this.sinkOf(s));
      // Cancelled before it began.
      this.controller.signal.throwIfAborted();
      await Promise.all(body.slices.map((s, i) => this.runSlice(s, sinks[i]!)));
    } catch (e) {
      this.sliceFailed(body.slices[0]!, e);
    } finally {
      host.exchange.endQuery(queryId);
      this.shares.release();
      this.owner.endCopySource(queryId);
    }
    // Nothing runs any more; but what was sent may yet be lost.
    await Promise.all(this.motions.map((m) => m.delivered()));
    this.stream.close();
  }

  private async runSlice(original: Slice, sink: ChunkSink): Promise<void> {
    const { body } = this;
    const slice = storable(original);
    try {
      const stats = await this.compute(slice, sink);
      const done: SliceDone<SliceStats> = {
        slice: slice.id,
        stats: sink instanceof SharedRows ? sink.withKept(stats) : stats,
        rowsOut:
          sink instanceof MotionSink || sink instanceof InsertSink || sink instanceof SharedRows
            ? sink.rows
            : 0,
        motion:
          sink instanceof MotionSink ? { id: sink.motion, rows: sink.rows, bytes: sink.bytes } : undefined,
      };
      this.done.push(done);
      // All at once: each message costs both ends more than its bytes.
      if (this.done.length === body.slices.length) this.emit({ kind: 'done', body: pack(this.done) });
    } catch (e) {
      this.sliceFailed(slice, e);
    }
  }

  private async compute(slice: Slice, sink: ChunkSink): Promise<SliceStats> {
    const { body, host } = this;
    const compiled = body.instrument || slice.without?.includes('StoreReceived') === true;
    const plain = compiled ? undefined : plainReceive(slice);
    if (plain !== undefined) {
      const began = performance.now();
      const source = host.exchange.receiver(body.queryId, plain.motion).unordered();
      await storeReceived(source, sink, host.exchange.memory, this.controller.signal);
      const totalMs = performance.now() - began;
      return { nodes: [], pipelines: [], compileMs: 0, totalMs, memoryPeakBytes: 0 };
    }
    return host.engine.runSlice({
      queryId: body.queryId,
      slice,
      params: body.params,
      settings: body.settings,
      instrument: body.instrument,
      memoryLimitBytes: this.memoryLimitBytes,
      receivers: slice.sink.kind === 'motion' ? body.routes[slice.sink.motion]!.receivers.length : 1,
      sources: sliceSources(host.exchange, body.queryId, {
        scan: (op: ScanOp) => this.scan(op),
        virtualScan: (op: VirtualScanOp) => this.virtualScan(op),
        shared: (op: SharedScanOp) => this.shares.source(op),
      }),
      sink,
      signal: this.controller.signal,
    });
  }

  private sliceFailed(slice: Slice, error: unknown): void {
    if (!(error instanceof SqlError)) this.host.log.error({ err: error, slice: slice.id }, 'a slice failed');
    if (!this.failed) {
      this.failed = true;
      this.host.log.debug({ query: this.body.queryId, slice: slice.id, err: error }, 'slice failed');
      const failed: SliceFailed = { slice: slice.id, failure: failureToWire(error) };
      this.emit({ kind: 'failed', failure: pack(failed) });
    }
    this.abort(error);
  }

  private emit(body: FrameBody): void {
    if (!this.hungUp) this.stream.write(body);
  }

  private sinkOf(slice: Slice): ChunkSink {
    const { body, host } = this;
    const { sink } = slice;
    if (sink.kind === 'motion') {
      const motion = new MotionSink(host.exchange, {
        queryId: body.queryId,
        motion: sink.motion,
        from: host.exchange.self as SegmentId,
        mode: sink.mode,
        columns: sink.cols,
        receivers: body.routes[sink.motion]!.receivers,
        onBroken: (e) => this.sliceFailed(slice, e),
      });
      this.motions.push(motion);
      return motion;
    }
    if (sink.kind === 'insert') {
      if (body.gxid === undefined) throw new Error('a slice that stores rows needs a gxid');
      const writer = host.writes.openWriter(body.gxid, sink.storageId, sink.columns, {
        table: sink.table,
        compiled: slice.without?.includes('CompiledEncoding') !== true,
      });
      return new InsertSink(writer, (e) => this.sliceFailed(slice, e));
    }
    if (sink.kind === 'share') return this.shares.sink(sink.share);
    throw new Error(`a segment has no sink for ${sink.kind}`);
  }

  private scan(op: ScanOp): BatchSource {
    const zone = op.zone.flatMap((z) => {
      const at = op.ordinals.indexOf(z.ordinal);
      const value = z.value === undefined ? undefined : this.constant(z.value);
      if (at < 0 || (z.value !== undefined && value === undefined)) return [];
      const scale = op.scales?.[at];
      const type: SqlType = scale === undefined ? op.scanCols[at]!.type : { kind: 'numeric', scale };
      return [{ ordinal: z.ordinal, op: z.op, value, type }];
    });
    this.checkAssumptions(op);
    return this.host.store.scan({
      storageId: op.storageId,
      csn: this.body.snapshotCsn,
      ordinals: op.ordinals,
      columns: op.scanCols.map(({ type }, i) => ({ type, scale: op.scales?.[i] })),
      zone,
      // Rows of hash tables refer to scanned strings after a scan was closed early.
      until: this.ended,
    });
  }

  /** Registers are as wide as the plan's ranges say, so rows outside of them must never be scanned: the master takes the
   *  snapshot before it reads the ranges, and this is where a mistake in that would show. */
  private checkAssumptions(op: ScanOp): void {
    op.scanCols.forEach((c, i) => {
      const known = this.host.store.columnSummary(op.storageId, this.body.snapshotCsn, op.ordinals[i]!);
      if (known === undefined) return;
      const { range, noNulls, hasNan } = known;
      const outside = range && c.range && (range.min < c.range.min || range.max > c.range.max);
      if (outside || (!c.nullable && !noNulls) || (hasNan && isScaled(c.type)))
        throw new Error(`column ${c.name} of ${op.table} holds values that the plan rules out`);
    });
  }

  /** Undefined: not known before the slice runs. */
  private constant(e: Expr): Value | undefined {
    if (e.kind === 'const') return e.value;
    return e.kind === 'param' ? this.body.params[e.index] : undefined;
  }

  private virtualScan(op: VirtualScanOp): BatchSource {
    if (op.schema !== COPY_SOURCE.schema || op.table !== COPY_SOURCE.table)
      throw new Error(`a segment has no table ${op.schema}.${op.table}`);
    const source = new CopySource(op.cols.map((c) => c.type));
    this.owner.offerCopySource(this.body.queryId, source);
    return source;
  }
}

/** Storage takes every column in the encoding of its type: guaranteed ranges must not narrow what is stored. */
function storable(slice: Slice): Slice {
  if (slice.sink.kind !== 'insert') return slice;
  const cols = slice.sink.cols.map(({ id, name, type, nullable }) => ({ id, name, type, nullable }));
  return { ...slice, sink: { ...slice.sink, cols } };
}
