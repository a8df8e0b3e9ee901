/** Tables for micro-benchmarks: columns in shared memory, cut into batches as scans deliver them.
 *
 *  A column is a function from row number to value, so that a check can compute what a query should return without
 *  reading what the query read. Strings are an index into `strings`. */
import type { TestMemory } from '../../src/engine/operators/testing.js';
import type { Column } from '../../src/plan/expr.js';
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ColumnLayout,
  ENCODING_CODE,
  type Encoding,
} from '../../src/types/memory.js';

export const BATCH_ROWS = 65_536;

export type Vector = {
  readonly column: Column;
  readonly encoding: Encoding;
  readonly value: (row: number) => number;
  readonly strings?: readonly string[];
};

export type Batch = { readonly address: number; readonly rows: number };

export type Table = {
  readonly vectors: readonly Vector[];
  readonly batches: readonly Batch[];
  readonly rows: number;
  /** Of values, offsets included, dictionaries not. */
  readonly bytesOf: (...columns: readonly Column[]) => number;
  readonly layouts: readonly ColumnLayout[];
  /** Address of a column's values in a batch. */
  readonly data: (batch: Batch, column: Column) => number;
  free(): void;
};

const WIDTH: Partial<Record<Encoding, number>> = { i8: 1, i16: 2, i32: 4, i64: 8, dict8: 1, dict16: 2 };

/** A well mixed 32-bit hash (the finalizer of MurmurHash3): random-looking, and the same in every run. */
export function mixed(i: number): number {
  let x = Math.imul(i ^ 0x5bd1e995, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

export function makeTable(tm: TestMemory, vectors: readonly Vector[], rows: number): Table {
  const { memory } = tm;
  const { buffer } = memory.memory;
  const view = new DataView(buffer);
  const owned: number[] = [];
  const alloc = (bytes: number): number => {
    const address = memory.alloc(Math.max(8, bytes));
    owned.push(address);
    return address;
  };
  const encoder = new TextEncoder();
  const encoded = vectors.map((v) => v.strings?.map((s) => encoder.encode(s)));
  const dictionaries = vectors.map((v, j) => {
    const strings = encoded[j];
    if (!v.encoding.startsWith('dict') || strings === undefined) return 0;
    const refs = alloc(strings.length * 8);
    for (const [i, bytes] of strings.entries()) {
      const address = alloc(bytes.length);
      memory.u8.set(bytes, address);
      view.setUint32(refs + i * 8, address, true);
      view.setUint32(refs + i * 8 + 4, bytes.length, true);
    }
    return refs;
  });
  const bytesPerColumn = vectors.map(() => 0);
  const batches: Batch[] = [];
  for (let from = 0; from < rows; from += BATCH_ROWS) {
    const n = Math.min(BATCH_ROWS, rows - from);
    const descriptorBytes = BATCH_HEADER_BYTES + vectors.length * BATCH_COLUMN_BYTES;
    const address = alloc(descriptorBytes);
    memory.u8.fill(0, address, address + descriptorBytes);
    view.setUint32(address, n, true);
    view.setUint32(address + 4, vectors.length, true);
    for (const [j, v] of vectors.entries()) {
      const at = address + BATCH_HEADER_BYTES + j * BATCH_COLUMN_BYTES;
      view.setUint32(at + 12, ENCODING_CODE[v.encoding], true);
      if (v.encoding === 'utf8') {
        const parts = Array.from({ length: n }, (_, i) => encoded[j]![v.value(from + i)]!);
        const dataBytes = parts.reduce((sum, p) => sum + p.length, 0);
        const data = alloc(dataBytes);
        const offsets = alloc((n + 1) * 4);
        let used = 0;
        for (const [i, p] of parts.entries()) {
          view.setInt32(offsets + i * 4, used, true);
          memory.u8.set(p, data + used);
          used += p.length;
        }
        view.setInt32(offsets + n * 4, used, true);
        view.setUint32(at, data, true);
        view.setUint32(at + 8, offsets, true);
        view.setUint32(at + 20, dataBytes, true);
        bytesPerColumn[j]! += dataBytes + (n + 1) * 4;
        continue;
      }
      const width = WIDTH[v.encoding];
      if (width === undefined) throw new Error(`no vectors in ${v.encoding}`);
      const data = alloc(n * width);
      if (width === 8) {
        const values = new BigInt64Array(buffer, data, n);
        for (let i = 0; i < n; i++) values[i] = BigInt(v.value(from + i));
      } else {
        const values =
          width === 1
            ? new Int8Array(buffer, data, n)
            : width === 2
              ? new Int16Array(buffer, data, n)
              : new Int32Array(buffer, data, n);
        for (let i = 0; i < n; i++) values[i] = v.value(from + i);
      }
      view.setUint32(at, data, true);
      view.setUint32(at + 8, dictionaries[j]!, true);
      view.setUint32(at + 16, v.encoding.startsWith('dict') ? v.strings!.length : 0, true);
      bytesPerColumn[j]! += n * width;
    }
    batches.push({ address, rows: n });
  }
  const ordinal = (column: Column): number => {
    const j = vectors.findIndex((v) => v.column.id === column.id);
    if (j < 0) throw new Error(`no column ${column.name}`);
    return j;
  };
  return {
    vectors,
    batches,
    rows,
    bytesOf: (...columns) => columns.reduce((sum, c) => sum + bytesPerColumn[ordinal(c)]!, 0),
    layouts: vectors.map((v) => ({ encoding: v.encoding, nullable: v.column.nullable })),
    data: (batch, column) =>
      view.getUint32(batch.address + BATCH_HEADER_BYTES + ordinal(column) * BATCH_COLUMN_BYTES, true),
    free: () => {
      for (const a of owned.splice(0)) memory.free(a);
    },
  };
}
