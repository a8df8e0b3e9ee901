/** Runs one compiled slice: feeds its pipelines with morsels, in the order of their dependencies, on the worker slots.
 *
 *  Single-threaded (main thread); workers see only tasks. Invariants: a worker state belongs to one task at a time; a
 *  serial pipeline uses slot 0 only, one task at a time, so that its rows keep their order; batches are released when
 *  no task can touch them; at the end, whatever way it comes, sources are closed and all memory is free.
 *  No task waits: when input or credit is missing, nothing is dispatched until a callback says that there is more.
 *  Pipelines of few rows run in the main thread, unless they turn out to take their time. */
import type {
  NodeId,
  PhysicalOp,
  ReceiveOp,
  ScanOp,
  SharedScanOp,
  VirtualScanOp,
} from '../../plan/physical.js';
import type { ColumnLayout } from '../../types/memory.js';
import { errorFromWire, SqlError, unreachable } from '../../types/sql-error.js';
import type {
  BatchSource,
  CompiledSlice,
  MergedSource,
  PipelineDesc,
  SliceProgress,
  SliceRun,
  SliceStats,
  SourceProvider,
} from '../api.js';
import { QS, WS } from '../layout.js';
import { readChunks } from '../operators/out-chunk.js';
import { filterMayMatch, packFilter, unpackFilter } from '../operators/runtime-filter.js';
import type { LocalEngine } from './engine.js';
import { writeParam } from './params.js';
import { QUEUE, type SliceInit, type TaskReply, type WorkerTask } from './protocol.js';

const MORSEL_ROWS = 65_536;
const RANGE_START = 4_096;
const RANGE_EXPANDING = 16;
const BATCHES_PER_ROUND = 64;
const CHUNKS_PER_TASK = 4;
const TASK_MS = 20;
const TEMP_BYTES = 64 * 1024;
/** A pipeline that takes longer so many times leaves the main thread for good. */
const INLINE_MS = 0.5;
const INLINE_SLOW_MAX = 4;

/** Functions in TypeScript whose time is bounded by few bytes. */
const BRIEF_CALLS = /^\$(numeric_|var_|stddev_)/;

const slowInline = new WeakMap<PipelineDesc, number>();

type Releasable = { readonly address: number; readonly rows: number; release(): void };

/** Morsels that were handed out together. */
type Group = {
  readonly queue: number;
  readonly list: number;
  readonly held: readonly Releasable[];
  readonly entries: number;
  inFlight: number;
};

class PipelineRun {
  readonly desc: PipelineDesc;
  readonly source: BatchSource | MergedSource | undefined;
  state: 'waiting' | 'running' | 'finishing' | 'done' = 'waiting';
  groups: Group[] = [];
  sourceEnded = false;
  satisfied = false;
  /** Its finish steps have run. */
  finished = false;
  inFlight = 0;
  range: number;
  emits = false;
  /** Of its source, so far. */
  rowsFed = 0;
  ms = 0;
  morsels = 0;

  constructor(desc: PipelineDesc, source: BatchSource | MergedSource | undefined) {
    this.desc = desc;
    this.source = source;
    this.range = desc.expands === true ? RANGE_EXPANDING : RANGE_START;
  }
}

export class SliceRunner {
  private readonly engine: LocalEngine;
  private readonly key: string;
  private readonly run: SliceRun;
  private readonly sources = new Map<NodeId, BatchSource | MergedSource>();
  private pipelines: PipelineRun[] = [];
  private compiled!: CompiledSlice;
  private init!: SliceInit;
  private callsOut = false;
  private qs = 0;
  private workerStates: number[] = [];
  private freeSlots: number[] = [];
  private tasks = 0;
  private error: unknown;
  private failed = false;
  private stopped = false;
  private finishing = false;
  private flushed = false;
  /** Filters from the receivers that have been taken over. */
  private readonly arrived = new Set<NodeId>();
  /** Rows that runtime filters kept from being read, by their use. */
  private readonly skippedRows = new Map<NodeId, number>();
  private settle!: () => void;
  private readonly settled = new Promise<void>((resolve) => {
    this.settle = resolve;
  });

  constructor(engine: LocalEngine, key: string, run: SliceRun) {
    this.engine = engine;
    this.key = key;
    this.run = run;
  }

  async execute(): Promise<SliceStats> {
    const { run } = this;
    const began = performance.now();
    const onAbort = (): void => this.fail(abortReason(run.signal));
    let compileMs = 0;
    try {
      if (run.signal.aborted) throw abortReason(run.signal);
      run.signal.addEventListener('abort', onAbort, { once: true });
      const layouts = new Map<NodeId, readonly ColumnLayout[]>();
      for (const leaf of leaves(run.slice.root)) {
        const source = sourceOf(leaf, run.sources);
        this.sources.set(leaf.id, source);
        layouts.set(leaf.id, source.layout);
      }
      const beganCompile = performance.now();
      const { key, compiled, module } = await this.engine.modules.get(run.slice, {
        layouts,
        instrument: run.instrument,
        workers: this.engine.workers,
      });
      this.compiled = compiled;
      this.callsOut = compiled.hostCalls.some((c) => !BRIEF_CALLS.test(c.fn));
      compileMs = performance.now() - beganCompile;
      if (run.signal.aborted) throw abortReason(run.signal);
      this.prepareState();
      this.init = {
        // Functions in TypeScript see this query's settings; without them an instance serves every run of its module.
        key: compiled.hostCalls.length === 0 && key !== '' ? key : this.key,
        code: { module, hostCalls: compiled.hostCalls, settings: run.settings, place: this.engine.place },
        queryState: this.qs,
      };
      this.pipelines = this.compiled.pipelines.map(
        (d) =>
          new PipelineRun(
            d,
            d.source.kind === 'batches' || d.source.kind === 'merged'
              ? this.sources.get(d.source.node)
              : undefined,
          ),
      );
      for (const s of this.sources.values()) s.onReady(() => this.schedule());
      run.sink.onReady(() => this.schedule());
      this.schedule();
    } catch (e) {
      this.fail(e);
    }
    await this.settled;
    run.signal.removeEventListener('abort', onAbort);
    try {
      if (this.failed) {
        run.sink.abort(this.error);
        throw this.error;
      }
      const stats = this.stats(compileMs, performance.now() - began);
      this.cleanup();
      await run.sink.finish();
      return stats;
    } finally {
      this.cleanup();
    }
  }

  /** Counted here and now, so that it costs nothing while nobody asks. */
  progress(): SliceProgress {
    let [scanned, scans, total, received] = [0, 0, 0, 0];
    for (const p of this.pipelines) {
      if (p.source === undefined) continue;
      const rows = p.rowsFed - this.rowsLeft(p);
      const expected = 'rowsTotal' in p.source ? p.source.rowsTotal : undefined;
      if (expected === undefined) received += rows;
      else {
        scans++;
        scanned += rows;
        total += expected;
      }
    }
    return {
      queryId: this.run.queryId,
      slice: this.run.slice.id,
      state: this.pipelines.some((p) => p.morsels > 0 || p.rowsFed > 0) ? 'running' : 'waiting',
      rows: scans > 0 ? scanned : received,
      rowsTotal: scans > 0 ? total : undefined,
    };
  }

  /** Rows of morsels that no worker has taken. */
  private rowsLeft(p: PipelineRun): number {
    const { memory } = this.engine;
    let rows = 0;
    for (const g of p.groups) {
      const taken = Number(Atomics.load(memory.i64, (g.queue + QUEUE.cursor) / 8) >> 32n);
      for (const b of g.held.slice(taken)) rows += b.rows;
    }
    return rows;
  }

  private prepareState(): void {
    const m = this.engine.memory;
    const { queryStateBytes, workerStateBytes, data, params } = this.compiled;
    const perWorker = Math.ceil(workerStateBytes / 64) * 64;
    const stateBytes = Math.ceil(queryStateBytes / 64) * 64;
    const total = stateBytes + perWorker * this.engine.workers;
    this.qs = m.alloc(total);
    m.u8.fill(0, this.qs, this.qs + total);
    const put = (at: number, v: number): void => {
      m.u32[(this.qs + at) >>> 2] = v;
    };
    put(QS.workers, this.engine.workers);
    put(QS.receivers, this.run.receivers ?? 1);
    put(QS.limitPages, Math.floor(this.run.memoryLimitBytes / 4096));
    for (const d of data) m.u8.set(d.bytes, this.qs + d.offset);
    for (const p of params) {
      const value = this.run.params[p.index] ?? null;
      writeParam(m, this.qs + p.offset, value, p.type, p.repr, (bytes) => {
        const at = m.allocOwned(this.qs + QS.blocks, Math.max(8, bytes.length + 8));
        if (at === 0) throw new SqlError('53200', 'out of memory');
        m.u8.set(bytes, at);
        return at;
      });
    }
    for (let w = 0; w < this.engine.workers; w++) {
      const ws = this.qs + stateBytes + w * perWorker;
      this.workerStates.push(ws);
      this.freeSlots.push(w);
      put(QS.workerStates + w * 4, ws);
      const temp = m.allocOwned(this.qs + QS.blocks, TEMP_BYTES);
      if (temp === 0) throw new SqlError('53200', 'out of memory');
      m.u32[(ws + WS.index) >>> 2] = w;
      m.u32[(ws + WS.tempStart) >>> 2] = temp;
      m.u32[(ws + WS.tempNext) >>> 2] = temp;
      m.u32[(ws + WS.tempEnd) >>> 2] = temp + TEMP_BYTES;
    }
  }

  private fail(error: unknown): void {
    if (!this.failed) {
      this.failed = true;
      this.error = error;
    }
    this.stop();
  }

  /** No more tasks; ends when the running ones have returned. */
  private stop(): void {
    this.stopped = true;
    if (this.qs !== 0) Atomics.store(this.engine.memory.i32, (this.qs + QS.cancel) >>> 2, 1);
    for (const s of this.sources.values()) s.close();
    if (this.tasks === 0) this.settle();
  }

  private schedule(): void {
    if (this.stopped) return;
    try {
      if (this.run.sink.done) {
        this.stop();
        return;
      }
      let progress = true;
      while (progress && !this.stopped) {
        progress = false;
        for (const p of this.pipelines) progress = this.step(p) || progress;
      }
      if (!this.stopped && !this.finishing && this.pipelines.every((p) => p.state === 'done')) this.flush();
    } catch (e) {
      this.fail(e);
    }
  }

  /** Moves one pipeline on by one dispatch or state change; false when it must wait. */
  private step(p: PipelineRun): boolean {
    if (p.state === 'waiting') {
      if (!p.desc.dependsOn.every((d) => this.pipelines.find((q) => q.desc.id === d)?.state === 'done'))
        return false;
      if (!this.filtersAreHere(p)) return false;
      p.state = 'running';
      this.narrow(p);
    }
    if (p.state !== 'running') return false;
    if (p.satisfied) {
      if (p.inFlight > 0) return false;
      for (const g of p.groups) this.releaseGroup(g);
      p.groups = [];
      p.sourceEnded = true;
      p.source?.close();
    }
    p.groups = p.groups.filter((g) => {
      if (g.inFlight > 0 || !this.exhausted(g)) return true;
      this.releaseGroup(g);
      return false;
    });
    if (p.sourceEnded && p.groups.length === 0 && p.inFlight === 0) {
      if (p.finished || (p.desc.finish.length === 0 && !p.desc.finishParallel)) {
        this.done(p);
        return true;
      }
      if (this.freeSlots.length === 0) return false;
      p.state = 'finishing';
      void this.finish(p, p.desc.finishParallel ? this.freeSlots.splice(0) : this.freeSlots.splice(0, 1));
      return true;
    }
    if (p.satisfied || (p.emits && !this.run.sink.ready())) return false;
    const slot = this.slotFor(p);
    if (slot < 0) return false;
    const group = this.nextGroup(p);
    if (group === undefined) return p.sourceEnded && p.groups.length === 0 && p.inFlight === 0;
    this.freeSlots.splice(this.freeSlots.indexOf(slot), 1);
    group.inFlight++;
    p.inFlight++;
    this.dispatch(p, group, slot).catch((e: unknown) => this.fail(e));
    return true;
  }

  private done(p: PipelineRun): void {
    p.state = 'done';
    const { memory } = this.engine;
    for (const { filter, slot, pipeline, receive } of this.compiled.publishes) {
      if (pipeline !== p.desc.id) continue;
      const source = this.sources.get(receive);
      if (source !== undefined && 'tellSenders' in source)
        source.tellSenders(filter.id, packFilter(memory, this.qs + slot, filter));
    }
  }

  /** Takes over what the receivers of this slice's rows can match; false while one of them has not said so. */
  private filtersAreHere({ desc }: PipelineRun): boolean {
    for (const { filter, slot } of desc.awaits ?? []) {
      if (this.arrived.has(filter.id)) continue;
      const bits = this.run.sink.filter?.(filter.id);
      if (bits === undefined) return false;
      this.arrived.add(filter.id);
      const { memory } = this.engine;
      const at = memory.allocOwned(this.qs + QS.blocks, filter.bits / 8);
      if (at === 0) throw new SqlError('53200', 'out of memory');
      unpackFilter(memory, this.qs + slot, filter, bits, at);
    }
    return true;
  }

  /** What the pipeline waited for may say that some of its source need not be read. */
  private narrow({ desc, source }: PipelineRun): void {
    if (desc.source.kind !== 'batches' || source === undefined || !('narrow' in source)) return;
    for (const { filter, slot, column, node } of desc.source.filters ?? []) {
      const skipped = source.narrow(column, (min, max) =>
        filterMayMatch(this.engine.memory, this.qs + slot, filter, min, max),
      );
      this.skippedRows.set(node, (this.skippedRows.get(node) ?? 0) + skipped);
    }
  }

  private slotFor(p: PipelineRun): number {
    if (p.desc.serial) return p.inFlight === 0 && this.freeSlots.includes(0) ? 0 : -1;
    return this.freeSlots[0] ?? -1;
  }

  private async dispatch(p: PipelineRun, group: Group, slot: number): Promise<void> {
    const ws = this.workerStates[slot]!;
    // With one worker the pipeline's last task also does what comes after it: a task saved is a tenth of a millisecond.
    const last =
      this.engine.workers === 1 &&
      p.desc.finishParallel === undefined &&
      p.sourceEnded &&
      p.groups.every((g) => g === group || this.exhausted(g));
    const flushes = last && this.pipelines.every((q) => q === p || q.state === 'done');
    const inline = this.runsHere(p);
    const reply = await this.call(inline, {
      kind: 'run',
      init: this.init,
      run: p.desc.run,
      label: p.desc.label,
      workerState: ws,
      queue: group.queue,
      rangeStart: p.range,
      rangeMax: MORSEL_ROWS,
      chunksMax: CHUNKS_PER_TASK,
      sliceMs: TASK_MS,
      finish: last ? [...p.desc.finish, ...(flushes ? ['flush'] : [])] : undefined,
    });
    p.inFlight--;
    group.inFlight--;
    this.freeSlots.push(slot);
    if (reply) {
      if (inline && reply.ms > INLINE_MS) slowInline.set(p.desc, (slowInline.get(p.desc) ?? 0) + 1);
      p.ms += reply.ms;
      p.morsels += reply.morsels;
      p.range = reply.range;
      if (reply.satisfied) p.satisfied = true;
      if (reply.finished) {
        p.finished = true;
        this.flushed = flushes;
      }
      if (this.drain(ws)) p.emits = true;
    }
    this.schedule();
  }

  /** Whether the work is worth less than a task, as far as one can know: rows that multiply may be any number, and a
   *  function in TypeScript may take any time for one of them, while this process would be deaf. */
  private runsHere(p: PipelineRun): boolean {
    const { desc } = p;
    return (
      p.rowsFed <= this.engine.inlineRows &&
      this.run.slice.without?.includes('InlinePipelines') !== true &&
      desc.expands !== true &&
      !this.callsOut &&
      desc.finishParallel === undefined &&
      (slowInline.get(desc) ?? 0) < INLINE_SLOW_MAX
    );
  }

  /** Runs one task; undefined when the slice is over (an error has been noted). */
  private async call(inline: boolean, task: WorkerTask): Promise<TaskReply | undefined> {
    this.tasks++;
    let reply: TaskReply | undefined;
    try {
      reply = inline ? this.engine.taskHere(task) : await this.engine.task(task);
    } catch (e) {
      this.tasks--;
      this.fail(e);
      return undefined;
    }
    this.tasks--;
    if (reply.error) {
      const e =
        reply.error.code === 'XX000'
          ? Object.assign(new Error(reply.error.message), { stack: reply.stack })
          : errorFromWire(reply.error);
      this.fail(e);
      return undefined;
    }
    if (this.stopped) {
      if (this.tasks === 0) this.settle();
      return undefined;
    }
    return reply;
  }

  /** Runs the finish steps on worker states that this call has taken; gives them back. */
  private async finish(p: PipelineRun, slots: readonly number[]): Promise<void> {
    try {
      const { finish, finishParallel } = p.desc;
      const step = async (slot: number, exports: readonly string[], part?: number): Promise<boolean> => {
        const workerState = this.workerStates[slot]!;
        const reply = await this.call(this.runsHere(p), {
          kind: 'call',
          init: this.init,
          label: p.desc.label,
          exports,
          workerState,
          part,
        });
        p.ms += reply?.ms ?? 0;
        return reply !== undefined;
      };
      if (finish.length > 0 && !(await step(slots[0]!, finish))) return;
      if (finishParallel) {
        const parts = this.engine.memory.u32[(this.qs + finishParallel.partsSlot) >>> 2]!;
        let next = 0;
        const lane = async (slot: number): Promise<void> => {
          while (next < parts) if (!(await step(slot, [finishParallel.run], next++))) return;
        };
        await Promise.all(slots.map(lane));
        if (this.stopped) return;
      }
      this.freeSlots.push(...slots);
      this.done(p);
      this.schedule();
    } catch (e) {
      this.fail(e);
    }
  }

  private flush(): void {
    this.finishing = true;
    const small = this.pipelines.every((p) => this.runsHere(p));
    void (async () => {
      for (const ws of this.flushed ? [] : this.workerStates) {
        if (
          !(await this.call(small, {
            kind: 'call',
            init: this.init,
            label: 'flush',
            exports: ['flush'],
            workerState: ws,
            part: undefined,
          }))
        )
          return;
        this.drain(ws);
      }
      this.stopped = true;
      this.settle();
    })().catch((e: unknown) => this.fail(e));
  }

  private drain(ws: number): boolean {
    const chunks = readChunks(this.engine.memory, ws, this.qs);
    let pushed = 0;
    try {
      for (const c of chunks) {
        pushed++;
        this.run.sink.push(c);
      }
    } finally {
      // A sink that throws has the chunk that it threw for; nobody else has those after it.
      for (const c of chunks.slice(pushed)) c.release();
    }
    return chunks.length > 0;
  }

  private exhausted(g: Group): boolean {
    return Number(Atomics.load(this.engine.memory.i64, (g.queue + QUEUE.cursor) / 8) >> 32n) >= g.entries;
  }

  /** A group with morsels left, pulling new ones from the source when there is none. */
  private nextGroup(p: PipelineRun): Group | undefined {
    const open = p.groups.find((g) => !this.exhausted(g));
    if (open) return open;
    if (p.sourceEnded) return undefined;
    const { source } = p.desc;
    const m = this.engine.memory;
    if (source.kind === 'once') {
      p.sourceEnded = true;
      return this.addGroup(p, [{ address: 0, rows: 1, release: () => undefined }]);
    }
    if (source.kind === 'rows') {
      p.sourceEnded = true;
      const list = m.u32[(this.qs + source.listSlot) >>> 2]!;
      const entries = m.u32[(this.qs + source.listSlot + 4) >>> 2]!;
      if (entries === 0) return undefined;
      const queue = this.makeQueue(list, entries);
      const group: Group = { queue, list: 0, held: [], entries, inFlight: 0 };
      for (let i = 0; i < entries && p.rowsFed <= this.engine.inlineRows; i++)
        p.rowsFed += m.u32[(list >>> 2) + i * 2 + 1]!;
      p.groups.push(group);
      return group;
    }
    const held: Releasable[] = [];
    while (held.length < BATCHES_PER_ROUND * this.engine.workers) {
      const next = p.source!.next();
      if (next === 'wait') break;
      if (next === 'end') {
        p.sourceEnded = true;
        break;
      }
      if (next.rows > 0) held.push(next);
      else next.release();
    }
    return held.length === 0 ? undefined : this.addGroup(p, held);
  }

  private addGroup(p: PipelineRun, held: readonly Releasable[]): Group {
    const m = this.engine.memory;
    const list = m.alloc(held.length * 8);
    held.forEach((b, i) => {
      p.rowsFed += b.rows;
      m.u32[(list >>> 2) + i * 2] = b.address;
      m.u32[(list >>> 2) + i * 2 + 1] = b.rows;
    });
    const group: Group = {
      queue: this.makeQueue(list, held.length),
      list,
      held,
      entries: held.length,
      inFlight: 0,
    };
    p.groups.push(group);
    return group;
  }

  private makeQueue(list: number, entries: number): number {
    const m = this.engine.memory;
    const queue = m.alloc(QUEUE.bytes);
    m.u32[(queue + QUEUE.entries) >>> 2] = entries;
    m.u32[(queue + QUEUE.list) >>> 2] = list;
    Atomics.store(m.i64, (queue + QUEUE.cursor) / 8, 0n);
    return queue;
  }

  private releaseGroup(g: Group): void {
    for (const b of g.held) b.release();
    this.engine.memory.free(g.queue);
    if (g.list !== 0) this.engine.memory.free(g.list);
  }

  private cleanup(): void {
    if (this.qs === 0) {
      for (const s of this.sources.values()) s.close();
      return;
    }
    for (const p of this.pipelines) for (const g of p.groups) this.releaseGroup(g);
    for (const s of this.sources.values()) s.close();
    this.engine.memory.freeAllOwned(this.qs + QS.blocks);
    this.engine.memory.free(this.qs);
    this.qs = 0;
    this.pipelines = [];
  }

  private stats(compileMs: number, totalMs: number): SliceStats {
    const m = this.engine.memory;
    const rows = new Map<NodeId, number>(this.run.instrument ? this.skippedRows : []);
    for (const c of this.compiled.counters)
      for (const ws of this.workerStates)
        rows.set(c.node, (rows.get(c.node) ?? 0) + Number(m.i64[(ws + c.offset) / 8]!));
    return {
      nodes: [...rows].map(([id, n]) => ({ id, rows: n })),
      pipelines: this.pipelines.map((p) => ({
        id: p.desc.id,
        label: p.desc.label,
        nodes: p.desc.nodes,
        ms: p.ms,
        morsels: p.morsels,
      })),
      compileMs,
      totalMs,
      memoryPeakBytes: m.u32[(this.qs + QS.usedPages) >>> 2]! * 4096,
    };
  }
}

function abortReason(signal: AbortSignal): unknown {
  return signal.reason instanceof SqlError
    ? signal.reason
    : new SqlError('57014', 'canceling statement due to user request');
}

type Leaf = ScanOp | VirtualScanOp | ReceiveOp | SharedScanOp;

function sourceOf(leaf: Leaf, sources: SourceProvider): BatchSource | MergedSource {
  switch (leaf.kind) {
    case 'scan':
      return sources.scan(leaf);
    case 'virtualScan':
      return sources.virtualScan(leaf);
    case 'receive':
      return leaf.merge ? sources.receiveMerged(leaf) : sources.receive(leaf);
    case 'sharedScan':
      return sources.shared(leaf);
    default:
      return unreachable(leaf);
  }
}

function leaves(op: PhysicalOp): Leaf[] {
  switch (op.kind) {
    case 'scan':
    case 'virtualScan':
    case 'receive':
    case 'sharedScan':
      return [op];
    case 'values':
      return [];
    case 'hashJoin':
    case 'nestedLoop':
      return [...leaves(op.build), ...leaves(op.probe)];
    case 'append':
      return op.inputs.flatMap(leaves);
    default:
      return leaves(op.input);
  }
}
