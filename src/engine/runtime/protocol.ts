/** What the main thread and the workers say to each other: one task per worker slot and pipeline round.
 *
 *  A task never blocks: it pulls morsel ranges from the queue until it is empty, until enough output waits to be
 *  taken, or until its time slice ends, and returns. Errors cross as data, so that none of their fields is lost. */
import type { WireError } from '../../types/sql-error.js';
import type { EvalSettings, HostCall } from '../api.js';

/** A queue of morsels in shared memory. u32 fields: +0 entries, +4 address of the entries (pairs address, rows),
 *  +8 cursor as i64 (atomic): entry << 32 | row. */
export const QUEUE = { entries: 0, list: 4, cursor: 8, bytes: 16 } as const;

/** What a worker needs to instantiate a slice's module. */
export type SliceCode = {
  readonly module: WebAssembly.Module;
  readonly hostCalls: readonly HostCall[];
  readonly settings: EvalSettings;
  /** For messages of 53200: `segment 1`. */
  readonly place: string;
};

/** Names the code of a task; `code` itself comes only while some worker may not have it: copying it costs more than a
 *  task. A worker that lacks it says `missing` and gets the task again with it. */
export type SliceInit = {
  readonly key: string;
  readonly code: SliceCode | undefined;
  readonly queryState: number;
};

export type RunTask = {
  readonly kind: 'run';
  readonly init: SliceInit;
  readonly run: string;
  readonly label: string;
  readonly workerState: number;
  readonly queue: number;
  /** Rows per call at the start; doubles up to `rangeMax` while calls produce little. */
  readonly rangeStart: number;
  readonly rangeMax: number;
  readonly chunksMax: number;
  readonly sliceMs: number;
  /** Exports to call as a `CallTask` would, when this task has emptied the queue: no other task runs the pipeline, and
   *  no more morsels will come. */
  readonly finish: readonly string[] | undefined;
};

/** Calls exports once each, in order: `(queryState, workerState[, part])`. */
export type CallTask = {
  readonly kind: 'call';
  readonly init: SliceInit;
  readonly label: string;
  readonly exports: readonly string[];
  readonly workerState: number;
  readonly part: number | undefined;
};

export type WorkerTask = RunTask | CallTask;

export type TaskReply = {
  /** The pipeline wants no more input. */
  readonly satisfied: boolean;
  readonly morsels: number;
  readonly ms: number;
  /** Range size reached, to go on with. */
  readonly range: number;
  readonly error: WireError | undefined;
  readonly stack: string | undefined;
  readonly thread: number;
  /** The exports of `finish` were called. */
  readonly finished: boolean;
  readonly missing: boolean;
};
