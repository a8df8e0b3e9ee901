/** Loops over the shared memory that encoding is made of, as compiled code; the engine has them (`engine/encode`).
 *
 *  Addresses are those of the `MemoryPool`. Nothing is allocated here. */

/** Bytes of an integer. */
export type IntWidth = 1 | 2 | 4 | 8;

/** A dictionary under way in `DICTIONARY.bytes` of memory: the number of strings, then for each its address, length and hash, then
 *  the hash table of codes + 1. */
export const DICTIONARY = {
  stringsMax: 8192,
  slots: 32_768,
  count: 0,
  strings: 16,
  stringBytes: 16,
  table: 16 + 16 * 8192,
  bytes: 16 + 16 * 8192 + 4 * 32_768,
  /** Below so many rows, distinct strings are not counted against the rows: a table's first few rows decide nothing. */
  smallRows: 4096,
  /** So many distinct strings among the first rows, and nearly all of them are. */
  smallStringsMax: 3481,
} as const;

export interface EncodeKernels {
  copy(source: number, bytes: number, target: number): void;
  /** Copies offsets, each moved by `delta`. */
  shift(offsets: number, count: number, delta: number, target: number): void;
  /** Widens the bounds, two signed words of 64 bits at `bounds`, by signed integers. */
  range(width: IntWidth, data: number, rows: number, bounds: number): void;
  /** Integers in another width, sign-extended or cut. In place when it is not wider. */
  convert(from: IntWidth, to: IntWidth, data: number, rows: number, target: number): void;
  dictionaryClear(dictionary: number): void;
  /** Adds strings, `seen` rows after the first, and writes their 16-bit codes; false when there are more than `limit`, or nearly
   *  all strings were new so far. Codes count up in the order in which strings first come. */
  dictionaryAdd(
    dictionary: number,
    offsets: number,
    data: number,
    rows: number,
    codes: number,
    limit: number,
    seen: number,
  ): boolean;
}
