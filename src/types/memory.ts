/** The shared memory of a process as its rooms see it: storage fills it, the engine computes in it, the exchange
 *  reads from and writes to it. Owned and implemented by the engine (`engine/memory`). */

/** Allocator over one shared `WebAssembly.Memory`. Addresses are unsigned 32-bit, 64-byte aligned. */
export interface MemoryPool {
  /** Fresh views whenever asked: never keep one over an `await`. */
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly limitBytes: number;
  readonly usedBytes: number;
  /** Zero is never returned. Throws SqlError 53200 when the limit is reached (after asking evictors). */
  alloc(sizeBytes: number): number;
  free(address: number): void;
  /** Called when an allocation fails: frees what it can (unpinned buffers), returns the bytes freed. */
  onPressure(evict: (neededBytes: number) => number): void;
}

/** How one column of a batch is laid out. Arrow's layouts, so that buffers go from file to code unchanged.
 *  `i8..i64`, `f32`, `f64`, `i128`: `data` is the value array (bool is i8 of 0/1; dates are integers);
 *  `utf8`: `offsets` are rows+1 int32, `data` the bytes (also bytea, arrays, var-numeric);
 *  `dict8/16/32`: `data` holds unsigned codes, `offsets` points to `dictCount` 64-bit string refs
 *  (address low, length high), each stable as long as the batch is pinned. */
export type Encoding =
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'i128'
  | 'utf8'
  | 'dict8'
  | 'dict16'
  | 'dict32';

/** The numbers that stand for encodings in a batch descriptor. */
export const ENCODING_CODE: Readonly<Record<Encoding, number>> = {
  i8: 1,
  i16: 2,
  i32: 3,
  i64: 4,
  f32: 5,
  f64: 6,
  i128: 7,
  utf8: 8,
  dict8: 9,
  dict16: 10,
  dict32: 11,
};

export type ColumnLayout = { readonly encoding: Encoding; readonly nullable: boolean };

/** Batch descriptor in memory, little-endian u32 fields:
 *  +0 rows, +4 columns, +8 reserved, +12 reserved, then per column 32 bytes:
 *  +0 data, +4 validity (Arrow bitmap, bit set = not null; 0 = no nulls), +8 offsets (or dictionary refs),
 *  +12 encoding code, +16 dictCount, +20 dataBytes, +24 reserved, +28 reserved. */
export const BATCH_HEADER_BYTES = 16;
export const BATCH_COLUMN_BYTES = 32;

/** A batch of rows in memory. `release` gives its memory (or its pin) back; call once. */
export interface Batch {
  /** Address of the descriptor. */
  readonly address: number;
  readonly rows: number;
  readonly layout: readonly ColumnLayout[];
  release(): void;
}

/** The columns of finished output rows, as buffers in memory: what a sink hands to exchange, storage or wire.
 *  Encodings are never dictionaries: i8 (bool), i32, i64, i128 (also interval), f32, f64, utf8. `address` etc. are
 *  in `MemoryPool`; a validity address of 0 means no nulls. */
export type ChunkColumn = {
  readonly encoding: Encoding;
  readonly data: number;
  readonly dataBytes: number;
  readonly validity: number;
  readonly offsets: number;
};
export interface OutChunk {
  readonly rows: number;
  /** Target partition: index into the receivers of the motion; 0 for results. */
  readonly partition: number;
  readonly columns: readonly ChunkColumn[];
  /** What it holds of the memory, where its maker knows. */
  readonly sizeBytes?: number;
  release(): void;
}

/** A stream of batches: a scan's, a motion's. Pulled on the main thread, never from workers. */
export interface BatchSource {
  /** The most general layout of any batch to come; the engine compiles for it and widens narrower batches. */
  readonly layout: readonly ColumnLayout[];
  /** A batch (owned by the caller until released), 'wait' when none is there yet, 'end' after the last. Throws the
   *  stream's error. */
  next(): Batch | 'wait' | 'end';
  /** Rows that will have come in the end, where that is known; less when `narrow` leaves some out. */
  readonly rowsTotal?: number;
  /** One callback, called (maybe repeatedly) when `next` is worth another try. */
  onReady(callback: () => void): void;
  /** Batches whose values of column `column` (of `layout`) all lie within bounds that `mayMatch` denies need not come, nor
   *  those in which all of them are NULL. Integers as stored. Returns the number of rows that will not come. */
  narrow?(column: number, mayMatch: (min: bigint, max: bigint) => boolean): number;
  /** Tells those from whom the batches come which rows can be matched (see types/filter-bits.ts). */
  tellSenders?(filter: number, bits: Uint8Array): void;
  /** No more batches are wanted (LIMIT reached, query over): upstream should stop. Idempotent. */
  close(): void;
}
