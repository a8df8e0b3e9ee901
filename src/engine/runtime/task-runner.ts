/** Runs tasks: instantiates compiled slices over the shared memory and calls their exports. One for each thread.
 *
 *  Owns: the thread's instances (a small LRU). Invariant: between two calls nothing of a slice lives in the thread
 *  but its instance; all state is in shared memory, so any thread may continue what another began. */
import { threadId } from 'node:worker_threads';
import { onInterrupt } from '../../types/interrupt.js';
import { errorToWire, SqlError } from '../../types/sql-error.js';
import { makeHostImports } from '../codegen/host-calls.js';
import { FAIL, QS, WS } from '../layout.js';
import {
  QUEUE,
  type RunTask,
  type SliceCode,
  type SliceInit,
  type TaskReply,
  type WorkerTask,
} from './protocol.js';
import { EVICT_ROUNDS, type SharedMemory } from './shared-memory.js';

type RunExport = (qs: number, ws: number, morsel: number, start: number, end: number) => number;
type CallExport = (qs: number, ws: number, part: number) => void;
type Progress = Pick<TaskReply, 'satisfied' | 'morsels' | 'range'>;
type Loaded = { readonly instance: WebAssembly.Instance; label: string };

const LOADED_MAX = 128;

const FAILURES: Record<number, readonly [string, string]> = {
  [FAIL.integerOutOfRange]: ['22003', 'integer out of range'],
  [FAIL.smallintOutOfRange]: ['22003', 'smallint out of range'],
  [FAIL.bigintOutOfRange]: ['22003', 'bigint out of range'],
  [FAIL.numericOverflow]: ['22003', 'value overflows numeric format'],
  [FAIL.divisionByZero]: ['22012', 'division by zero'],
  [FAIL.subqueryRows]: ['21000', 'more than one row returned by a subquery used as an expression'],
  [FAIL.cancelled]: ['57014', 'canceling statement due to user request'],
  [FAIL.negativeLimit]: ['2201W', 'LIMIT must not be negative'],
  [FAIL.negativeOffset]: ['2201X', 'OFFSET must not be negative'],
  [FAIL.floatOverflow]: ['22003', 'value out of range: overflow'],
  [FAIL.floatUnderflow]: ['22003', 'value out of range: underflow'],
  [FAIL.dateOutOfRange]: ['22008', 'date out of range'],
  [FAIL.timestampOutOfRange]: ['22008', 'timestamp out of range'],
  [FAIL.realOutOfRange]: ['22003', 'value out of range: overflow'],
};

const NONE: Progress = { satisfied: false, morsels: 0, range: 0 };

export class TaskRunner {
  private readonly memory: SharedMemory;
  private readonly evict: (bytes: number) => boolean;
  private readonly loaded = new Map<string, Loaded>();

  /** `evict`: makes room in the buffer pool; false when there is nothing left to evict. */
  constructor(memory: SharedMemory, evict: (bytes: number) => boolean) {
    this.memory = memory;
    this.evict = evict;
  }

  private hostAlloc(code: SliceCode, slice: Loaded): (qs: number, bytes: number) => number {
    const { memory } = this;
    return (qsSigned, bytesSigned) => {
      const qs = qsSigned >>> 0;
      const bytes = bytesSigned >>> 0;
      const pages = Math.ceil(bytes / 4096);
      const used = Atomics.add(memory.i32, (qs + QS.usedPages) >>> 2, pages) + pages;
      const limit = memory.i32[(qs + QS.limitPages) >>> 2]!;
      let address = used > limit ? 0 : memory.allocOwned(qs + QS.blocks, bytes);
      for (let round = 0; address === 0 && used <= limit && round < EVICT_ROUNDS; round++) {
        if (!this.evict(bytes)) break;
        address = memory.allocOwned(qs + QS.blocks, bytes);
      }
      if (address !== 0) return address;
      Atomics.sub(memory.i32, (qs + QS.usedPages) >>> 2, pages);
      throw new SqlError('53200', 'out of memory', {
        detail: `${code.place}: "${slice.label}" asked for ${bytes} bytes; the query holds ${(used - pages) * 4096} of ${limit * 4096} bytes, the process ${memory.usedBytes} of ${memory.limitBytes}.`,
        hint: 'Raise the setting "mpp.query_memory", start the process with a larger --memory, or add segments.',
      });
    };
  }

  /** Undefined when this thread lacks the code and the task does not bring it. */
  private load({ key, code }: SliceInit): Loaded | undefined {
    const { memory } = this;
    const known = this.loaded.get(key);
    if (known) {
      this.loaded.delete(key);
      this.loaded.set(key, known);
      return known;
    }
    if (code === undefined) return undefined;
    const slice = { label: '' } as { instance: WebAssembly.Instance; label: string };
    const host = {
      alloc: this.hostAlloc(code, slice),
      free: (qs: number, address: number): void => {
        const bytes = memory.freeOwned((qs >>> 0) + QS.blocks, address);
        Atomics.sub(memory.i32, ((qs >>> 0) + QS.usedPages) >>> 2, Math.ceil(bytes / 4096));
      },
      fail: (number: number, detail: number): void => {
        const f = FAILURES[number];
        if (f) throw new SqlError(f[0], f[1]);
        throw new Error(`compiled code failed with ${number}/${detail} in "${slice.label}"`);
      },
      ...makeHostImports(code.hostCalls, memory, code.settings),
    };
    slice.instance = new WebAssembly.Instance(code.module, {
      env: { memory: memory.memory },
      host,
    } as WebAssembly.Imports);
    this.loaded.set(key, slice);
    if (this.loaded.size > LOADED_MAX) this.loaded.delete(this.loaded.keys().next().value!);
    return slice;
  }

  /** Takes up to `size` rows of one entry; undefined when the queue is empty. */
  private take(queue: number, size: number): { morsel: number; start: number; end: number } | undefined {
    const { memory } = this;
    const entries = memory.u32[(queue + QUEUE.entries) >>> 2]!;
    const list = memory.u32[(queue + QUEUE.list) >>> 2]! >>> 2;
    const at = (queue + QUEUE.cursor) / 8;
    for (;;) {
      const cursor = Atomics.load(memory.i64, at);
      const entry = Number(cursor >> 32n);
      const start = Number(cursor & 0xffffffffn);
      if (entry >= entries) return undefined;
      const rows = memory.u32[list + entry * 2 + 1]!;
      const end = Math.min(rows, start + size);
      const next = end >= rows ? BigInt(entry + 1) << 32n : (BigInt(entry) << 32n) | BigInt(end);
      if (Atomics.compareExchange(memory.i64, at, cursor, next) === cursor)
        if (start < rows) return { morsel: memory.u32[list + entry * 2]!, start, end };
    }
  }

  private resetTemp(ws: number): void {
    const { memory } = this;
    memory.u32[(ws + WS.tempNext) >>> 2] = memory.u32[(ws + WS.tempStart) >>> 2]!;
  }

  private runMorsels(task: RunTask, run: RunExport): Progress {
    const { memory } = this;
    const { queryState: qs } = task.init;
    const ws = task.workerState;
    const until = performance.now() + task.sliceMs;
    let range = task.rangeStart;
    let morsels = 0;
    for (;;) {
      if (Atomics.load(memory.i32, (qs + QS.cancel) >>> 2) !== 0) break;
      const m = this.take(task.queue, range);
      if (m === undefined) break;
      this.resetTemp(ws);
      morsels++;
      if (run(qs, ws, m.morsel, m.start, m.end) === 1) return { satisfied: true, morsels, range };
      const ready = memory.u32[(ws + WS.chunksReady) >>> 2]!;
      if (ready >= task.chunksMax) {
        // Rows may multiply in a call, which returns at its end only: the next takes so few that its output fits.
        range = Math.max(1, Math.min(range >>> 1, Math.floor((range * task.chunksMax) / ready)));
        break;
      }
      range = Math.min(task.rangeMax, range * 2);
      if (performance.now() > until) break;
    }
    return { satisfied: false, morsels, range };
  }

  /** No morsel is left, and the query goes on. */
  private isEmpty({ init, queue }: RunTask): boolean {
    const { memory } = this;
    const entry = Number(Atomics.load(memory.i64, (queue + QUEUE.cursor) / 8) >> 32n);
    return (
      entry >= memory.u32[(queue + QUEUE.entries) >>> 2]! &&
      Atomics.load(memory.i32, (init.queryState + QS.cancel) >>> 2) === 0
    );
  }

  run(task: WorkerTask): TaskReply {
    const began = performance.now();
    const reply = (r: Progress, more?: Partial<TaskReply>): TaskReply => ({
      ...r,
      ms: performance.now() - began,
      error: undefined,
      stack: undefined,
      thread: threadId,
      missing: false,
      finished: false,
      ...more,
    });
    const cancel = (task.init.queryState + QS.cancel) >>> 2;
    onInterrupt(() => {
      if (Atomics.load(this.memory.i32, cancel) !== 0) throw new SqlError(...FAILURES[FAIL.cancelled]!);
    });
    try {
      const slice = this.load(task.init);
      if (slice === undefined) return reply(NONE, { missing: true });
      slice.label = task.label;
      const call = (names: readonly string[], part: number): void => {
        for (const name of names) {
          this.resetTemp(task.workerState);
          (slice.instance.exports[name] as CallExport)(task.init.queryState, task.workerState, part);
        }
      };
      if (task.kind === 'run') {
        const progress = this.runMorsels(task, slice.instance.exports[task.run] as RunExport);
        const finished = task.finish !== undefined && !progress.satisfied && this.isEmpty(task);
        if (finished) call(task.finish, 0);
        return reply(progress, { finished });
      }
      call(task.exports, task.part ?? 0);
      return reply({ satisfied: false, morsels: 1, range: 0 });
    } catch (e) {
      const stack = e instanceof SqlError ? undefined : e instanceof Error ? e.stack : undefined;
      return reply(NONE, { error: errorToWire(e), stack });
    } finally {
      onInterrupt(undefined);
    }
  }
}
