/** What sessions ask of the distributed executor: the one door between the statement side of the master (wire,
 *  session, catalog, statements) and the cluster side (dispatch, cluster).
 *
 *  Invariants: every call either completes, or rejects with a SqlError for what a client can act on (08006 naming
 *  a segment that is down, 53200, 57014 when `signal` aborts) and leaves no work running anywhere.
 *  A table that has never been written needs no creation on segments: scanning an unknown storage gives no rows. */
import type { BatchSource, ChunkSink, EvalSettings, SliceStats } from '../../engine/api.js';
import type { FileIdentity } from '../../exchange/process/shared-file.js';
import type { ColumnStats } from '../../plan/catalog.js';
import type { Expr } from '../../plan/expr.js';
import type { DistributedPlan, VirtualScanOp } from '../../plan/physical.js';
import type { CopyOptions } from '../../types/copy-options.js';
import type { Csn, Gxid, MotionId, QueryId, SegmentId, SliceId, StorageId } from '../../types/ids.js';
import type { MemoryPool } from '../../types/memory.js';
import type { Range, SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';

export type RunOptions = {
  readonly queryId: QueryId;
  /** The session's process id, under which its progress is shown. */
  readonly pid?: number;
  readonly params: readonly Value[];
  readonly settings: EvalSettings;
  /** Taken with `snapshot()` before the plan was made, so that the plan's ranges hold for what it sees. */
  readonly snapshotCsn: Csn;
  /** Set when the plan has slices with an `insert` sink. */
  readonly gxid: Gxid | undefined;
  /** Count rows per node on every segment (EXPLAIN ANALYZE). */
  readonly instrument: boolean;
  readonly signal: AbortSignal;
  /** Takes the chunks of the slice whose sink is `result` (it runs on the master); unused by plans without one. */
  readonly sink: ChunkSink;
  /** Rows of the virtual tables in the master's slices, as this session sees them. */
  readonly virtualScan: (op: VirtualScanOp) => BatchSource;
  /** Of one slice in one process; absent: the process's default share. */
  readonly memoryLimitBytes?: number | undefined;
};

/** One slice on one process. */
export type SliceRunStats = {
  readonly slice: SliceId;
  /** MASTER (-1) for the master. */
  readonly segment: SegmentId;
  readonly stats: SliceStats;
  /** Rows that left through the slice's sink. */
  readonly rowsOut: number;
};

/** One motion as its senders counted it. */
export type MotionRunStats = {
  readonly motion: MotionId;
  readonly segment: SegmentId;
  readonly rows: number;
  readonly bytes: number;
};

export type RunStats = {
  readonly slices: readonly SliceRunStats[];
  readonly motions: readonly MotionRunStats[];
  /** Rows that went into tables; rows of a replicated table are counted once. */
  readonly rowsInserted: number;
  readonly totalMs: number;
};

/** A table as segments know it. */
export type TableTarget = {
  readonly oid: number;
  readonly storageId: StorageId;
  /** Schema-qualified only where needed; for messages. */
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType; readonly notNull: boolean }[];
  readonly distribution:
    | { readonly kind: 'hash'; readonly columns: readonly number[] }
    | { readonly kind: 'random' }
    | { readonly kind: 'replicated' };
};

export type CopyInOptions = {
  readonly queryId: QueryId;
  readonly gxid: Gxid;
  readonly table: TableTarget;
  /** Ordinals of the table's columns in the order of the fields of a line. */
  readonly ordinals: readonly number[];
  /** Value of each column of the table that the lines do not have (its default, evaluated once); by ordinal. */
  readonly defaults: readonly (Value | undefined)[];
  /** Only rows for which it is TRUE are stored; field i of a line is the column with id `copyFieldId(i)`. */
  readonly where?: Expr | undefined;
  readonly options: CopyOptions;
  readonly settings: EvalSettings;
  /** The file that the lines are in, for segments that can read it themselves. */
  readonly file?: FileIdentity | undefined;
  readonly signal: AbortSignal;
};

/** A block of whole lines: the header line and the end-of-data mark removed. */
export type CopyLines = {
  readonly bytes: Uint8Array;
  /** 1-based number of the first physical line, for messages. */
  readonly firstLine: number;
  /** Where the bytes are in the COPY's file, when it has one. */
  readonly fileOffset?: number;
};

/** Lines on their way to segments, which parse them and send every row to where it belongs. */
export interface CopyStream {
  /** Resolves when it will take more; until then the bytes must stay as they are. Rejects with the first parse error of any
   *  segment (the one with the lowest line number among those known). */
  write(lines: CopyLines): Promise<void>;
  /** All lines are sent and stored (not yet committed). Rows of a replicated table are counted once. */
  end(): Promise<{ readonly rows: number }>;
  /** Gives up: nothing more is sent. The caller aborts the load afterwards. */
  abort(error: unknown): Promise<void>;
}

/** What is known for certain of rows in storage, merged over segments (and of one load, over its segments). */
export type TableSummary = {
  readonly storageId: StorageId;
  /** Replicated tables: of one copy. */
  readonly rows: number;
  /** By ordinal. */
  readonly columns: readonly {
    readonly range?: Range;
    readonly noNulls: boolean;
    /** Absent: no numeric is NaN. */
    readonly hasNan?: boolean;
  }[];
};

export type AnalyzeResult = {
  readonly rows: number;
  /** By ordinal; undefined for columns that were not asked for. Estimates only (no `range`, no `noNulls`). */
  readonly columns: readonly (ColumnStats | undefined)[];
};

export type SegmentInfo = {
  readonly id: SegmentId;
  /** `host:port` of its gRPC server. */
  readonly address: string;
  readonly up: boolean;
  readonly pid: number | undefined;
};

/** How far one slice is on one process. */
export type QueryProgress = {
  readonly pid: number;
  readonly slice: SliceId;
  /** MASTER (-1) for the master. */
  readonly segment: SegmentId;
  readonly state: 'waiting' | 'running' | 'done';
  readonly rows: number;
  readonly rowsTotal: number | undefined;
};

export interface Dispatcher {
  /** The master's own shared memory: chunks given to `sink` and batches of `virtualScan` live in it. */
  readonly memory: MemoryPool;
  run(plan: DistributedPlan, options: RunOptions): Promise<RunStats>;
  copyIn(options: CopyInOptions): CopyStream;

  /** Durable before it is given out: a gxid is never used twice. */
  beginLoad(): Promise<Gxid>;
  /** Two-phase over the segments that took part. `beforeVisible` runs when all have prepared and before the decision
   *  is logged, with the summary of the new rows of each storage: the catalog widens its ranges there, so that no
   *  plan ever sees rows outside the ranges it relies on. Its failure aborts the load. After the decision
   *  the commit stands, even if a participant cannot be told before it joins again. */
  commitLoad(gxid: Gxid, beforeVisible: (added: readonly TableSummary[]) => Promise<void>): Promise<void>;
  abortLoad(gxid: Gxid): Promise<void>;
  /** What is visible now. */
  snapshot(): Csn;

  tableSummary(table: TableTarget): Promise<TableSummary>;
  analyze(
    table: TableTarget,
    ordinals: readonly number[],
    options: { readonly signal: AbortSignal },
  ): Promise<AnalyzeResult>;
  /** Best effort: a segment that is down learns from the list of live storages when it joins again. */
  dropStorage(storageId: StorageId): Promise<void>;
  /** All that form the cluster, in order of id; one that has never joined has no address and is not up. */
  segments(): readonly SegmentInfo[];
  /** Of all running queries, asked of the segments that take part; what does not answer soon is left out. */
  progress(): Promise<readonly QueryProgress[]>;
}
