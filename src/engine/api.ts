/** The engine as segment and master see it, and the contract between its compiler and its runtime.
 *
 *  `runSlice` compiles a slice to one WebAssembly module (one function per pipeline over a morsel of rows) and runs it
 *  on worker threads over one shared memory. Sources and sinks are given by the caller (storage scans, motions,
 *  the client's result), so that the engine knows neither files nor sockets. */
import type {
  NodeId,
  PhysicalOp,
  ReceiveOp,
  RuntimeFilter,
  ScanOp,
  SharedScanOp,
  Slice,
  VirtualScanOp,
} from '../plan/physical.js';
import type { CatalogNames } from '../types/functions/catalog-names.js';
import type { QueryId } from '../types/ids.js';
import type { BatchSource, ColumnLayout, MemoryPool, OutChunk } from '../types/memory.js';
import type { Value } from '../types/value.js';

export type { BatchSource };

/** A run of merged rows in order: `address` holds `rows` pairs (batch descriptor u32, row u32). */
export interface MergedRun {
  readonly address: number;
  readonly rows: number;
  release(): void;
}

export interface MergedSource {
  readonly layout: readonly ColumnLayout[];
  next(): MergedRun | 'wait' | 'end';
  onReady(callback: () => void): void;
  close(): void;
}

export interface SourceProvider {
  scan(op: ScanOp): BatchSource;
  receive(op: ReceiveOp): BatchSource;
  receiveMerged(op: ReceiveOp): MergedSource;
  virtualScan(op: VirtualScanOp): BatchSource;
  shared(op: SharedScanOp): BatchSource;
}

/** Where finished rows go: a motion, the client, a table, the readers of a shared plan. All calls on the main thread. */
export interface ChunkSink {
  /** Takes ownership of the chunk (releases it). Called even when not `ready`, but the runtime stops soon. */
  push(chunk: OutChunk): void;
  /** False: out of credit; the runtime pauses the pipeline until `onReady` fires. */
  ready(): boolean;
  onReady(callback: () => void): void;
  /** What the receivers of the rows can match, when all have said so (`onReady` fires); see types/filter-bits.ts. */
  filter?(id: NodeId): Uint8Array | undefined;
  /** Set by the sink when nobody wants more rows (LIMIT above): the slice ends early and cleanly. */
  readonly done: boolean;
  /** All rows have been pushed. Resolves when they are delivered (or stored). */
  finish(): Promise<void>;
  abort(error: unknown): void;
}

/** Session settings that functions may ask for; plain data, crosses to segments and workers. */
export type EvalSettings = {
  readonly nowMicros: bigint;
  readonly timeZone: string;
  readonly dateStyle: string;
  readonly intervalStyle: string;
  readonly extraFloatDigits: number;
  /** current_user. */
  readonly user: string;
  /** session_user, when it is another. */
  readonly sessionUser?: string;
  readonly database: string;
  readonly searchPath: readonly string[];
  /** Set for statements with functions that turn oids into names (see `FunctionContext.catalog`). */
  readonly catalogNames?: CatalogNames;
};

export type SliceRun = {
  readonly queryId: QueryId;
  readonly slice: Slice;
  readonly params: readonly Value[];
  readonly settings: EvalSettings;
  /** Count rows per node (EXPLAIN ANALYZE). */
  readonly instrument: boolean;
  readonly memoryLimitBytes: number;
  /** Receivers of the slice's motion (its partitions); 1 without a motion. */
  readonly receivers?: number;
  readonly sources: SourceProvider;
  readonly sink: ChunkSink;
  readonly signal: AbortSignal;
};

export type PipelineStats = {
  readonly id: number;
  readonly label: string;
  readonly nodes: readonly NodeId[];
  readonly ms: number;
  readonly morsels: number;
};
export type SliceStats = {
  readonly nodes: readonly { readonly id: NodeId; readonly rows: number }[];
  readonly pipelines: readonly PipelineStats[];
  readonly compileMs: number;
  readonly totalMs: number;
  readonly memoryPeakBytes: number;
};

/** How far a running slice is. */
export type SliceProgress = {
  readonly queryId: string;
  readonly slice: number;
  readonly state: 'waiting' | 'running';
  /** Read by its scans; received, where it has none. */
  readonly rows: number;
  /** Of its scans. */
  readonly rowsTotal: number | undefined;
};

export interface Engine {
  readonly memory: MemoryPool;
  readonly workers: number;
  /** Resolves when the sink has all rows; rejects with the first error (SqlError for what a client caused; 57014 when
   *  `signal` aborts). Either way all memory of the query is free and all its tasks have ended. */
  runSlice(run: SliceRun): Promise<SliceStats>;
  /** Of the slices that run now; counted when asked. */
  progress(): readonly SliceProgress[];
  close(): Promise<void>;
}

// ---------------------------------------------------------------- compiler -> runtime

export type CompileEnv = {
  /** Layout of each leaf that reads batches (scan, receive, virtualScan, sharedScan), by node id. */
  readonly layouts: ReadonlyMap<NodeId, readonly ColumnLayout[]>;
  readonly instrument: boolean;
  readonly workers: number;
};

/** A scalar function that compiled code calls in TypeScript: `host.call(index, ...)`, index into
 *  `CompiledSlice.hostCalls`. Names starting with `$` are helpers of the code generator (codegen/host-helpers.ts). */
export type HostCall = {
  readonly fn: string;
  readonly argTypes: readonly import('../types/sql-type.js').SqlType[];
  readonly argReprs: readonly import('../types/sql-type.js').Repr[];
  readonly type: import('../types/sql-type.js').SqlType;
  readonly resultRepr: import('../types/sql-type.js').Repr;
  /** Strict functions are only called with non-null arguments; others get a null flag (i32) before each argument. */
  readonly strict: boolean;
};

/** A runtime filter and its place in the query state (see `FILTER` in operators/runtime-filter.ts). */
export type FilterSlot = { readonly filter: RuntimeFilter; readonly slot: number };

/** A runtime filter whose bits or bounds can be compared with zone maps. */
export type SourceFilter = FilterSlot & {
  /** Of the source's layout. */
  readonly column: number;
  /** Counts the rows that do not come. */
  readonly node: NodeId;
};

export type PipelineSource =
  /** Morsel address = batch descriptor. */
  | {
      readonly kind: 'batches';
      readonly node: NodeId;
      /** Complete when the pipeline starts: batches without a match for one of them need not come. */
      readonly filters?: readonly SourceFilter[];
    }
  /** Morsel address = pair array of a MergedRun. */
  | { readonly kind: 'merged'; readonly node: NodeId }
  /** Materialised rows of an earlier pipeline: at `queryState + listSlot`, u32 address of an array of
   *  (address u32, rows u32) and u32 count; morsel address = the entry's address. */
  | { readonly kind: 'rows'; readonly listSlot: number }
  /** One call with morsel 0, rows 0..1 (values, constant rows). */
  | { readonly kind: 'once' };

export type PipelineDesc = {
  readonly id: number;
  /** For EXPLAIN: `scan lineitem -> filter -> partial aggregate`. */
  readonly label: string;
  readonly nodes: readonly NodeId[];
  /** Pipelines that must have finished (with their `finish` steps) before this one starts. */
  readonly dependsOn: readonly number[];
  /** Filters from the receivers of the slice's rows, to be at `queryState + slot` before this one starts. */
  readonly awaits?: readonly FilterSlot[];
  readonly source: PipelineSource;
  /** Export `(queryState, workerState, morsel, start, end) -> i32`: 0 = go on, 1 = this pipeline needs no more input. */
  readonly run: string;
  /** One row of the source may become any number: begin with few. */
  readonly expands?: boolean;
  /** One worker only, morsels in order (order-keeping consumers, LIMIT). */
  readonly serial: boolean;
  /** Exports `(queryState, workerState) -> ()` that one worker calls once, in order, when all morsels are done. */
  readonly finish: readonly string[];
  /** Export `(queryState, workerState, part) -> ()` called for part 0..parts-1, spread over workers, after `finish`
   *  step; the number of parts is read from queryState + partsSlot. */
  readonly finishParallel?: { readonly run: string; readonly partsSlot: number };
};

export type CompiledSlice = {
  readonly wasm: Uint8Array;
  readonly queryStateBytes: number;
  readonly workerStateBytes: number;
  /** Bytes to copy into the query state before anything runs: constants, strings, tables. */
  readonly data: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  /** Where parameter i is written, in representation `repr` (null flag i32 at offset - 8). Strings: runtime copies the
   *  bytes into query memory and stores the ref. */
  readonly params: readonly {
    readonly index: number;
    readonly offset: number;
    readonly type: import('../types/sql-type.js').SqlType;
    readonly repr: import('../types/sql-type.js').Repr;
  }[];
  readonly hostCalls: readonly HostCall[];
  readonly pipelines: readonly PipelineDesc[];
  /** Filters that the senders of a receive are told when a pipeline is done. */
  readonly publishes: readonly (FilterSlot & { readonly pipeline: number; readonly receive: NodeId })[];
  /** i64 row counters in the worker state. */
  readonly counters: readonly { readonly node: NodeId; readonly offset: number }[];
};

/** Implemented by `operators/compile.ts`. Pure. */
export type CompileSlice = (slice: Slice, env: CompileEnv) => CompiledSlice;

export type { PhysicalOp };
