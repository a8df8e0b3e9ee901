/** The physical plan: operators with a place, and the slices they are cut into. What crosses to segments (msgpackr).
 *
 *  A tree of operators; a `receive` is a leaf that names the motion of another slice, a `sharedScan` one that names
 *  what another slice keeps. Every operator lists its
 *  output columns with guaranteed ranges where known; `reprOf(col.type, col.range)` fixes the representation on
 *  which sender and receiver of a motion agree. `cols` of filters, joins and limits may leave out input columns that
 *  nothing above reads. Row order is kept by filter, project, limit, repeat, and by receive
 *  with `merge`; nothing else promises any. */
import type { MotionId, SegmentId, SharedId, SliceId, StorageId } from '../types/ids.js';
import type { SqlType } from '../types/sql-type.js';
import type { Value } from '../types/value.js';
import type { AggCall, CmpOp, Column, Expr, SortKey } from './expr.js';
import type { RunRows } from './logical/nodes.js';
import type { EngineTechnique } from './techniques.js';

/** Unique in its statement; EXPLAIN ANALYZE reports rows by it. */
export type NodeId = number;

export type OpBase = {
  readonly id: NodeId;
  readonly cols: readonly Column[];
  /** Planner's estimate of rows over all segments, and cost in row units. */
  readonly rows: number;
  readonly cost: number;
};

export type PhysicalOp =
  | ScanOp
  | VirtualScanOp
  | ValuesOp
  | ReceiveOp
  | FilterOp
  | ProjectOp
  | HashJoinOp
  | NestedLoopOp
  | HashAggOp
  | SortOp
  | LimitOp
  | AppendOp
  | RepeatOp
  | SharedScanOp;

/** A conjunct that zone maps can test: column (ordinal of the table) against a constant. */
export type ZonePredicate = {
  readonly ordinal: number;
  readonly op: CmpOp | 'isnull' | 'notnull';
  readonly value: Expr | undefined;
};

/** Which values a hash join can match, made of its build keys while it builds and tested by scans on its probe side:
 *  2^n bits. `range`: the bit of an integer is `value - min`; one beyond the bits is not among the values. `hash`: two
 *  bits by hash. It may let rows pass that do not match, and drops none that does; NULL never passes. */
export type RuntimeFilter = {
  readonly id: NodeId;
  readonly kind: 'range' | 'hash';
  readonly bits: number;
  readonly min: bigint;
};

/** A filter as a scan applies it. `id` counts the rows it removes. */
export type RuntimeFilterUse = {
  readonly id: NodeId;
  readonly filter: RuntimeFilter;
  readonly column: Column;
  /** Estimated share of the rows that pass. */
  readonly passing: number;
  /** What the column is compared with, for EXPLAIN. */
  readonly source: Expr;
  /** The slice whose join makes it, when that is the receiver of this slice's rows: they wait for all of it. */
  readonly from?: SliceId;
};

/** Scans this segment's row groups in the query's snapshot. `filter` sees the scan's own columns; columns that only
 *  the filter needs are in `scanCols` but not in `cols`. */
export type ScanOp = OpBase & {
  readonly kind: 'scan';
  readonly storageId: StorageId;
  readonly table: string;
  readonly tableOid: number;
  readonly ordinals: readonly number[];
  readonly scanCols: readonly Column[];
  /** Of those of `scanCols` that may be NaN and are therefore read as numerics without scale, the scale that the table
   *  declares; absent when there is none. */
  readonly scales?: readonly (number | undefined)[];
  readonly filter: Expr | undefined;
  readonly zone: readonly ZonePredicate[];
  /** Applied to rows before anything else that is not as cheap. */
  readonly runtimeFilters?: readonly RuntimeFilterUse[];
};

/** Rows the master computes (pg_catalog and its kin); only in slices on the master. */
export type VirtualScanOp = OpBase & {
  readonly kind: 'virtualScan';
  readonly schema: string;
  readonly table: string;
  readonly ordinals: readonly number[];
};

export type ValuesOp = OpBase & { readonly kind: 'values'; readonly valueRows: readonly (readonly Expr[])[] };

/** The receiving end of a motion. `merge`: the senders' streams are each sorted so, and so is the result. */
export type ReceiveOp = OpBase & {
  readonly kind: 'receive';
  readonly motion: MotionId;
  readonly fromSlice: SliceId;
  readonly merge: readonly SortKey[] | undefined;
};

export type FilterOp = OpBase & {
  readonly kind: 'filter';
  readonly input: PhysicalOp;
  readonly predicate: Expr;
};

export type ProjectOp = OpBase & {
  readonly kind: 'project';
  readonly input: PhysicalOp;
  readonly exprs: readonly Expr[];
};

/** Physical joins: the build side is always `build`, the probe side `probe`; output columns are the logical ones.
 *  inner, left (keeps probe rows), right (keeps build rows), full; semi/anti/mark/single keep probe rows;
 *  rightSemi/rightAnti keep build rows (emitted once, after the probe). */
export type PhysJoinType =
  | 'inner'
  | 'left'
  | 'right'
  | 'full'
  | 'semi'
  | 'anti'
  | 'mark'
  | 'single'
  | 'rightSemi'
  | 'rightAnti';

/** Equality on `probeKeys[i] = buildKeys[i]` (same type kinds; `nullSafe[i]`: IS NOT DISTINCT FROM), plus a residual
 *  predicate over both sides' columns. nullAware (anti, mark): NOT IN / IN semantics for NULL keys. */
export type HashJoinOp = OpBase & {
  readonly kind: 'hashJoin';
  readonly type: PhysJoinType;
  readonly probe: PhysicalOp;
  readonly build: PhysicalOp;
  readonly probeKeys: readonly Expr[];
  readonly buildKeys: readonly Expr[];
  readonly nullSafe: readonly boolean[];
  readonly residual: Expr | undefined;
  readonly nullAware: boolean;
  readonly mark: Column | undefined;
  /** Estimated share of the probe side's values of key i that the build side has. */
  readonly passing?: readonly number[];
  /** To be made of the build keys: `key` is the key's number. `receive`: for the senders of that receive. */
  readonly runtimeFilters?: readonly {
    readonly filter: RuntimeFilter;
    readonly key: number;
    readonly receive?: NodeId;
  }[];
};

/** No equality: every pair is tested. Same join types. `predicate` undefined = all pairs match. nullAware (mark only):
 *  the mark is NULL when no pair is TRUE and some pair is NULL. */
export type NestedLoopOp = OpBase & {
  readonly kind: 'nestedLoop';
  readonly type: PhysJoinType;
  readonly probe: PhysicalOp;
  readonly build: PhysicalOp;
  readonly predicate: Expr | undefined;
  readonly nullAware: boolean;
  readonly mark: Column | undefined;
};

/** single: rows in, results out. partial: rows in, state columns out. final: state columns in, results out.
 *  combine: state columns in, state columns out (three-stage aggregates).
 *  `states[i]` are the columns that carry aggregate i's state between stages (see `plan/distribute/agg-states.ts`);
 *  empty for mode single. `limitGroups`: no use of it is needed for correctness. */
export type HashAggOp = OpBase & {
  readonly kind: 'hashAgg';
  readonly mode: 'single' | 'partial' | 'combine' | 'final';
  readonly input: PhysicalOp;
  readonly groups: readonly Column[];
  readonly aggs: readonly AggCall[];
  readonly states: readonly (readonly Column[])[];
};

/** Full sort, or top-N when `limit` is set (limit + offset already added up; constants or params). `distinctOn`: keep the
 *  first row of each run of equal leading keys (that many keys), or with `keep` the rows that it says (expressions over
 *  the input's columns, one value in each run). */
export type SortOp = OpBase & {
  readonly kind: 'sort';
  readonly input: PhysicalOp;
  readonly keys: readonly SortKey[];
  readonly limit: Expr | undefined;
  readonly distinctOn: number | undefined;
  readonly keep?: RunRows | undefined;
};

/** The expressions may read columns, which hold one value. */
export type LimitOp = OpBase & {
  readonly kind: 'limit';
  readonly input: PhysicalOp;
  readonly limit: Expr | undefined;
  readonly offset: Expr | undefined;
};

/** UNION ALL inside a slice: `inputCols[k][i]` of input k feeds `cols[i]`. */
export type AppendOp = OpBase & {
  readonly kind: 'append';
  readonly inputs: readonly PhysicalOp[];
  readonly inputCols: readonly (readonly Column[])[];
};

export type RepeatOp = OpBase & {
  readonly kind: 'repeat';
  readonly input: PhysicalOp;
  readonly count: Expr;
  readonly series?: { readonly out: Column; readonly start: Expr; readonly step: Expr };
};

/** Rows of a plan that another slice computes once on this very process and keeps until the query ends (its sink is
 *  `share`). `cols[i]` is the kept column `ordinals[i]`. Their order is that of the producer when `ordered`. */
export type SharedScanOp = OpBase & {
  readonly kind: 'sharedScan';
  readonly share: SharedId;
  /** Of the WITH query; undefined for a subplan that the optimizer found twice. */
  readonly name: string | undefined;
  readonly fromSlice: SliceId;
  readonly ordinals: readonly number[];
  readonly ordered: boolean;
};

/** Where the rows of a slice go.
 *  hash: to segment `hashSegment(keys)` (types/hash.ts), random: round robin, broadcast: to every receiver,
 *  gather: to the single receiver; `merge` on the receive says the stream must keep its order.
 *  result: to the client (columns in output order). insert: into a table's storage on this very segment.
 *  share: kept in memory of this very process for the slices that read them (`SharedScanOp`). */
export type SliceSink =
  | {
      readonly kind: 'motion';
      readonly motion: MotionId;
      readonly to: SliceId;
      readonly mode: 'hash';
      readonly keys: readonly Expr[];
      readonly cols: readonly Column[];
    }
  | {
      readonly kind: 'motion';
      readonly motion: MotionId;
      readonly to: SliceId;
      readonly mode: 'random' | 'broadcast' | 'gather';
      readonly cols: readonly Column[];
    }
  | { readonly kind: 'result'; readonly cols: readonly Column[] }
  | { readonly kind: 'share'; readonly share: SharedId; readonly cols: readonly Column[] }
  | {
      readonly kind: 'insert';
      /** Every segment of the gang stores the same rows: they are counted once. */
      readonly replicated?: boolean;
      readonly storageId: StorageId;
      readonly tableOid: number;
      readonly table: string;
      readonly columns: readonly {
        readonly name: string;
        readonly type: SqlType;
        readonly notNull: boolean;
      }[];
      readonly cols: readonly Column[];
    };

export type Slice = {
  readonly id: SliceId;
  readonly root: PhysicalOp;
  readonly sink: SliceSink;
  /** Processes that run this slice: segment ids, or [MASTER]. */
  readonly gang: readonly SegmentId[];
  /** What the engine must do without. */
  readonly without?: readonly EngineTechnique[];
};

/** A statement ready to run. Slices are ordered so that senders come before their receivers; the last is the top. */
export type DistributedPlan = {
  readonly slices: readonly Slice[];
  /** Columns of the result, in order; empty for INSERT. */
  readonly output: readonly Column[];
  readonly paramTypes: readonly SqlType[];
  /** Tables whose ranges the plan relies on, with the statistics version it saw. */
  readonly assumes: readonly { readonly oid: number; readonly version: number }[];
};

export type ParamValues = readonly Value[];
