/** What master and segments say to each other inside the msgpack fields of proto/mpp.proto.
 *
 *  Owns: these shapes alone. Plans are `unknown` here, as the exchange does not know them: segment and master narrow
 *  them to their types. */

import type { CopyOptions } from '../types/copy-options.js';
import type { ColId, Csn, Gxid, MotionId, QueryId, SegmentId, SliceId, StorageId } from '../types/ids.js';
import type { Range, SqlType } from '../types/sql-type.js';
import type { Value } from '../types/value.js';
import type { WireFailure } from './motion-error.js';
import type { MotionTarget } from './motion-sink.js';
import type { FileIdentity } from './process/shared-file.js';
import type { ReceivedColumn } from './receiver.js';

/** Raised whenever a message here or a plan changes its meaning: both ends must be the same. */
export const PROTOCOL_VERSION = 3;

export type Hello = {
  readonly version: number;
  /** `host:port` of the segment's own services. */
  readonly listen: string;
  /** Names the data directory for ever. */
  readonly dataId: string;
  /** Absent before the first join. */
  readonly segmentId: SegmentId | undefined;
  /** The id it would like to have when it joins first. */
  readonly wantedId: SegmentId | undefined;
  readonly pid: number;
  readonly prepared: readonly Gxid[];
  readonly storages: readonly StorageId[];
};

export type SegmentAddress = { readonly id: SegmentId; readonly address: string; readonly up: boolean };

export type ClusterState = {
  readonly segments: readonly SegmentAddress[];
  /** Only in the answer to a hello. */
  readonly welcome?: {
    readonly segmentId: SegmentId;
    /** Of the gxids that were prepared: those with a csn have committed, the others are to be rolled back. */
    readonly outcomes: readonly { readonly gxid: Gxid; readonly csn: Csn | undefined }[];
    /** Storages that are not named here are dropped; undefined = keep all. */
    readonly liveStorages: readonly StorageId[] | undefined;
  };
};

export type MotionRoute = {
  /** In the order of the motion's partitions. */
  readonly receivers: readonly MotionTarget[];
  readonly senders: readonly SegmentId[];
  readonly schema: readonly ReceivedColumn[];
};

export type ExecuteBody<Settings> = {
  readonly queryId: QueryId;
  readonly gxid: Gxid | undefined;
  readonly snapshotCsn: Csn;
  /** Msgpack of a `PlanShare`. Equal bytes are the same plan: either end may keep them from one run to the next. */
  readonly plan: Uint8Array;
  readonly params: readonly Value[];
  readonly settings: Settings;
  readonly instrument: boolean;
  /** Zero: what the process has. */
  readonly memoryLimitBytes: number;
};

/** What one segment runs of a plan. */
export type PlanShare<Slice> = {
  readonly slices: readonly Slice[];
  readonly routes: Readonly<Record<number, MotionRoute>>;
};

export type SliceDone<Stats> = {
  readonly slice: SliceId;
  readonly stats: Stats;
  readonly rowsOut: number;
  readonly motion: { readonly id: MotionId; readonly rows: number; readonly bytes: number } | undefined;
};
export type SliceFailed = { readonly slice: SliceId; readonly failure: WireFailure };

/** Opens a stream of COPY text for the source `COPY_SOURCE` of a running query. */
export type CopyInOpen<Settings> = {
  readonly queryId: QueryId;
  readonly table: string;
  /** One for each field of a line. */
  readonly columns: readonly { readonly name: string; readonly type: SqlType; readonly notNull: boolean }[];
  /** The rows that count; field i is the column with id `copyFieldId(i)`. The slice filters: parsing needs it only to
   *  find the first row that is in error. */
  readonly where?: unknown;
  readonly options: CopyOptions;
  readonly settings: Settings;
  /** The file that the lines are in. */
  readonly file: FileIdentity | undefined;
};

/** The virtual table that stands for the parsed lines in a COPY's plan. */
export const COPY_SOURCE = { schema: 'mpp_internal', table: 'copy' } as const;

/** The column of field i of a line, in the plan of a COPY and in its condition. */
export function copyFieldId(i: number): ColId {
  return (i + 1) as ColId;
}

/** Exact facts about rows of one storage on one segment, by ordinal. */
export type StorageSummary = {
  readonly storageId: StorageId;
  readonly rows: number;
  readonly columns: readonly {
    readonly range?: Range | undefined;
    readonly noNulls: boolean;
    /** Of numeric columns; absent: no. */
    readonly hasNan?: boolean;
  }[];
};
export type PrepareBody = { readonly added: readonly StorageSummary[] };
export type SummaryRequest = { readonly csn: Csn };
export type AnalyzeRequest = {
  readonly csn: Csn;
  readonly ordinals: readonly number[];
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
};
