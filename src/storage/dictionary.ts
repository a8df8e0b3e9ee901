/** Dictionaries of string columns: the distinct strings of a row group, and each row's code.
 *
 *  Owns: when a dictionary pays, and building it by hashing bytes (no JavaScript string per row).
 *  Invariants: codes are < count; count >= 1 whenever there are rows (a NULL's code is 0, and compiled code may look
 *  it up before it looks at the validity bit). */
import { DICTIONARY } from './encode-kernels.js';
import { ROW_GROUP_ROWS } from './row-group.js';
import type { StagedColumn } from './staged-column.js';

export type Dictionary = { readonly count: number; readonly offsets: Int32Array; readonly data: Uint8Array };

const { smallRows: SMALL_ROWS, stringsMax: DISTINCT_MAX, slots: SLOTS } = DICTIONARY;
const table = new Int32Array(SLOTS);
const hashes = new Int32Array(DISTINCT_MAX);
const scratchCodes = new Uint16Array(ROW_GROUP_ROWS);

/** Distinct strings of so many rows up to which a dictionary pays. */
export function dictionaryLimit(rows: number): number {
  return rows <= SMALL_ROWS ? SMALL_ROWS : Math.min(DISTINCT_MAX, rows >> 3);
}

/** Undefined when the column has too many distinct strings. The codes are valid until the next call. */
export function buildDictionary(
  staged: StagedColumn,
): (Dictionary & { readonly codes: Uint16Array }) | undefined {
  const { rows, data } = staged;
  const offsets = staged.offsets!;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const nulls = staged.nullCount > 0 ? staged.nulls : undefined;
  const limit = dictionaryLimit(rows);
  const codes = rows <= ROW_GROUP_ROWS ? scratchCodes.subarray(0, rows) : new Uint16Array(rows);
  /** Row that first had each code. */
  const first = new Int32Array(limit);
  let count = 0;
  let bytes = 0;
  table.fill(-1);
  for (let row = 0; row < rows; row++) {
    if (nulls !== undefined && nulls[row] === 1) {
      codes[row] = 0;
      continue;
    }
    const start = offsets[row]!;
    const end = offsets[row + 1]!;
    let h = end - start;
    let i = start;
    // Four bytes at a time: the multiplications wait for each other.
    for (; i + 4 <= end; i += 4) {
      h = Math.imul(h ^ view.getInt32(i, true), 0x9e3779b1);
      h ^= h >>> 15;
    }
    for (; i < end; i++) h = Math.imul(h ^ data[i]!, 0x01000193);
    h ^= h >>> 15;
    let slot = h & (SLOTS - 1);
    let code = -1;
    for (;;) {
      code = table[slot]!;
      if (code < 0 || (hashes[code] === h && equal(data, view, start, end, offsets, first[code]!))) break;
      slot = (slot + 1) & (SLOTS - 1);
    }
    if (code < 0) {
      if (count === limit) return undefined;
      // Nearly every string was new so far: it will not get better.
      if (row < SMALL_ROWS * 2 && row >= SMALL_ROWS && count > DICTIONARY.smallStringsMax) return undefined;
      code = count++;
      table[slot] = code;
      hashes[code] = h;
      first[code] = row;
      bytes += end - start;
    }
    codes[row] = code;
  }
  const entries = Math.max(1, count);
  const dictOffsets = new Int32Array(entries + 1);
  const dictData = new Uint8Array(bytes);
  let at = 0;
  for (let code = 0; code < count; code++) {
    const row = first[code]!;
    dictData.set(data.subarray(offsets[row]!, offsets[row + 1]!), at);
    at += offsets[row + 1]! - offsets[row]!;
    dictOffsets[code + 1] = at;
  }
  return { count: entries, offsets: dictOffsets, data: dictData, codes };
}

function equal(
  data: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  offsets: Int32Array,
  row: number,
): boolean {
  let other = offsets[row]!;
  if (end - start !== offsets[row + 1]! - other) return false;
  let i = start;
  for (; i + 4 <= end; i += 4, other += 4)
    if (view.getInt32(i, true) !== view.getInt32(other, true)) return false;
  for (; i < end; i++, other++) if (data[i] !== data[other]) return false;
  return true;
}
