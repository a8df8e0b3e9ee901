/** The order of two rows of batches in shared memory, by sort keys.
 *
 *  Owns: comparison in every encoding that a motion has. Must not know: streams, merging.
 *  Invariants: PostgreSQL's order: NaN after all floats, strings by bytes, char(n) without trailing spaces, numerics by value
 *  whatever their display scale, intervals by their length with months of 30 days; NULLs where the key says.
 *  Views of the memory are taken by `refresh`, to be called after anything that may have grown it. */
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ColumnLayout,
  type Encoding,
  type MemoryPool,
} from '../types/memory.js';
import type { SqlType } from '../types/sql-type.js';
import { compareVarNumeric } from '../types/var-numeric.js';

export type MergeKey = {
  /** Ordinal in the batches. */
  readonly column: number;
  readonly type: SqlType;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
};

/** Where one key's column lies in one batch. */
export type KeyColumn = { readonly data: number; readonly validity: number; readonly offsets: number };

type CompareValues = (v: Views, a: KeyColumn, rowA: number, b: KeyColumn, rowB: number) => number;

class Views {
  u8: Uint8Array;
  i8!: Int8Array;
  i16!: Int16Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  f32!: Float32Array;
  f64!: Float64Array;

  constructor(memory: MemoryPool) {
    this.u8 = memory.u8;
    this.take(memory);
  }

  take(memory: MemoryPool): void {
    this.u8 = memory.u8;
    const buffer = this.u8.buffer;
    const n = buffer.byteLength;
    this.i8 = new Int8Array(buffer);
    this.i16 = new Int16Array(buffer, 0, Math.floor(n / 2));
    this.i32 = new Int32Array(buffer, 0, Math.floor(n / 4));
    this.u32 = new Uint32Array(buffer, 0, Math.floor(n / 4));
    this.f32 = new Float32Array(buffer, 0, Math.floor(n / 4));
    this.f64 = new Float64Array(buffer, 0, Math.floor(n / 8));
  }
}

export class RowComparator {
  private readonly memory: MemoryPool;
  private readonly views: Views;
  private readonly keys: readonly MergeKey[];
  private readonly compares: readonly CompareValues[];

  constructor(keys: readonly MergeKey[], layout: readonly ColumnLayout[], memory: MemoryPool) {
    this.memory = memory;
    this.views = new Views(memory);
    this.keys = keys;
    this.compares = keys.map((k) => comparison(layout[k.column]!.encoding, k.type));
  }

  refresh(): void {
    if (this.views.u8.buffer !== this.memory.u8.buffer) this.views.take(this.memory);
  }

  /** The key columns of a batch, to be passed to `compare`. */
  columnsOf(batch: number): KeyColumn[] {
    const { u32 } = this.memory;
    return this.keys.map(({ column }) => {
      const at = (batch + BATCH_HEADER_BYTES + column * BATCH_COLUMN_BYTES) >>> 2;
      return { data: u32[at]!, validity: u32[at + 1]!, offsets: u32[at + 2]! };
    });
  }

  compare(a: readonly KeyColumn[], rowA: number, b: readonly KeyColumn[], rowB: number): number {
    const v = this.views;
    for (let k = 0; k < this.keys.length; k++) {
      const key = this.keys[k]!;
      const x = a[k]!;
      const y = b[k]!;
      const nullA = x.validity !== 0 && ((v.u8[x.validity + (rowA >>> 3)]! >> (rowA & 7)) & 1) === 0;
      const nullB = y.validity !== 0 && ((v.u8[y.validity + (rowB >>> 3)]! >> (rowB & 7)) & 1) === 0;
      if (nullA || nullB) {
        if (nullA && nullB) continue;
        return nullA === key.nullsFirst ? -1 : 1;
      }
      const order = this.compares[k]!(v, x, rowA, y, rowB);
      if (order !== 0) return key.descending ? -order : order;
    }
    return 0;
  }
}

function comparison(encoding: Encoding, type: SqlType): CompareValues {
  switch (encoding) {
    case 'i8':
      return (v, a, i, b, j) => v.i8[a.data + i]! - v.i8[b.data + j]!;
    case 'i16':
      return (v, a, i, b, j) => v.i16[(a.data >>> 1) + i]! - v.i16[(b.data >>> 1) + j]!;
    case 'i32':
      return isUnsigned(type)
        ? (v, a, i, b, j) => v.u32[(a.data >>> 2) + i]! - v.u32[(b.data >>> 2) + j]!
        : (v, a, i, b, j) => v.i32[(a.data >>> 2) + i]! - v.i32[(b.data >>> 2) + j]!;
    case 'i64':
      return (v, a, i, b, j) => {
        const x = (a.data >>> 2) + i * 2;
        const y = (b.data >>> 2) + j * 2;
        return v.i32[x + 1]! - v.i32[y + 1]! || v.u32[x]! - v.u32[y]!;
      };
    case 'i128':
      if (type.kind === 'interval') return compareIntervals;
      return (v, a, i, b, j) => {
        const x = (a.data >>> 2) + i * 4;
        const y = (b.data >>> 2) + j * 4;
        return (
          v.i32[x + 3]! - v.i32[y + 3]! ||
          v.u32[x + 2]! - v.u32[y + 2]! ||
          v.u32[x + 1]! - v.u32[y + 1]! ||
          v.u32[x]! - v.u32[y]!
        );
      };
    case 'f32':
      return (v, a, i, b, j) => compareFloats(v.f32[(a.data >>> 2) + i]!, v.f32[(b.data >>> 2) + j]!);
    case 'f64':
      return (v, a, i, b, j) => compareFloats(v.f64[(a.data >>> 3) + i]!, v.f64[(b.data >>> 3) + j]!);
    case 'utf8':
      if (type.kind === 'numeric') return compareVarNumerics;
      return type.kind === 'bpchar' ? compareTrimmed : compareStrings;
    default:
      throw new Error(`a motion's column is ${encoding}`);
  }
}

function isUnsigned(type: SqlType): boolean {
  return type.kind === 'oid' || type.kind.startsWith('reg');
}

function compareFloats(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

function compareRanges(u8: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): number {
  const n = Math.min(aEnd - a, bEnd - b);
  for (let i = 0; i < n; i++) {
    const d = u8[a + i]! - u8[b + i]!;
    if (d !== 0) return d;
  }
  return aEnd - a - (bEnd - b);
}

function compareStrings(v: Views, a: KeyColumn, i: number, b: KeyColumn, j: number): number {
  const x = (a.offsets >>> 2) + i;
  const y = (b.offsets >>> 2) + j;
  return compareRanges(
    v.u8,
    a.data + v.i32[x]!,
    a.data + v.i32[x + 1]!,
    b.data + v.i32[y]!,
    b.data + v.i32[y + 1]!,
  );
}

function compareTrimmed(v: Views, a: KeyColumn, i: number, b: KeyColumn, j: number): number {
  const x = (a.offsets >>> 2) + i;
  const y = (b.offsets >>> 2) + j;
  const startA = a.data + v.i32[x]!;
  const startB = b.data + v.i32[y]!;
  let endA = a.data + v.i32[x + 1]!;
  let endB = b.data + v.i32[y + 1]!;
  while (endA > startA && v.u8[endA - 1] === 32) endA--;
  while (endB > startB && v.u8[endB - 1] === 32) endB--;
  return compareRanges(v.u8, startA, endA, startB, endB);
}

function compareVarNumerics(v: Views, a: KeyColumn, i: number, b: KeyColumn, j: number): number {
  const x = (a.offsets >>> 2) + i;
  const y = (b.offsets >>> 2) + j;
  return compareVarNumeric(
    v.u8.subarray(a.data + v.i32[x]!, a.data + v.i32[x + 1]!),
    v.u8.subarray(b.data + v.i32[y]!, b.data + v.i32[y + 1]!),
  );
}

const MICROS_PER_DAY = 86_400_000_000n;

function intervalLength(v: Views, c: KeyColumn, row: number): bigint {
  const at = (c.data >>> 2) + row * 4;
  const micros = (BigInt(v.i32[at + 1]!) << 32n) | BigInt(v.u32[at]!);
  const days = BigInt(v.i32[at + 2]!) + BigInt(v.i32[at + 3]!) * 30n;
  return micros + days * MICROS_PER_DAY;
}

function compareIntervals(v: Views, a: KeyColumn, i: number, b: KeyColumn, j: number): number {
  const x = intervalLength(v, a, i);
  const y = intervalLength(v, b, j);
  return x < y ? -1 : x > y ? 1 : 0;
}
