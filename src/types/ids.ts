/** Branded ids: a number that stands for one thing cannot be passed for another. */

export type SegmentId = number & { readonly brand: 'SegmentId' };
export type SliceId = number & { readonly brand: 'SliceId' };
export type MotionId = number & { readonly brand: 'MotionId' };
/** A column of one statement: unique over all nodes of its plan, from binding to compiled code. */
export type ColId = number & { readonly brand: 'ColId' };
/** A plan of one statement that is computed once and read in several places. */
export type SharedId = number & { readonly brand: 'SharedId' };
/** Names one storage generation of a table on every segment: TRUNCATE gives a table a new one. */
export type StorageId = number & { readonly brand: 'StorageId' };
/** A writing statement (later: transaction) of the cluster; grows for ever. */
export type Gxid = bigint & { readonly brand: 'Gxid' };
/** Commit sequence number, given by the master: a snapshot sees what committed at or below it. */
export type Csn = bigint & { readonly brand: 'Csn' };
/** One execution of a statement, unique in the cluster: `<master start>-<counter>`. */
export type QueryId = string & { readonly brand: 'QueryId' };

/** The segment list has ids 0..n-1; the master takes part in motions as this id. */
export const MASTER = -1 as SegmentId;
