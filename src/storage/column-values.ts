/** Columns in memory as hashes (for sketches) and as plain values (for samples).
 *
 *  Owns: reading every encoding. Must not know: files, statistics. Invariants: equal SQL values hash equal whatever their
 *  encoding; sampled values are in `SampleValue` form, which msgpack carries and `merge-analyze.ts` understands. */
import { fmix32 } from '../types/hash.js';
import type { MemoryPool } from '../types/memory.js';
import { formatNumeric, stripZeros } from '../types/numeric.js';
import { isStringType, type SqlType } from '../types/sql-type.js';
import { nanInteger } from '../types/stored-numeric.js';
import { decodeVarNumeric, NAN_KIND, normaliseVarNumeric } from '../types/var-numeric.js';
import type { ColumnBuffers } from './buffer-pool.js';
import { addHash } from './hyper-log-log.js';

/** Integers (unscaled for fixed-scale numeric, whose NaN is `NaN`) and floats as numbers, beyond 2^53 as decimal text;
 *  numeric without scale as text; strings as they are (char(n) without its padding). */
export type SampleValue = number | string;

function addInt(sketch: Uint8Array, low: number, high: number): void {
  const h = fmix32(low ^ Math.imul(high, 0x27d4eb2f));
  addHash(sketch, h, fmix32(h ^ Math.imul(low, 0x9e3779b1) ^ high));
}

/** The same as `addInt` for what 64 bits hold. */
function addWide(sketch: Uint8Array, w0: number, w1: number, w2: number, w3: number): void {
  const sign = w1 >> 31;
  addInt(sketch, w0, w1 ^ Math.imul(w2 ^ sign, 0x165667b1) ^ Math.imul(w3 ^ sign, 0x2545f491));
}

function addInteger(sketch: Uint8Array, v: bigint): void {
  const word = (n: bigint): number => Number(BigInt.asIntN(32, v >> n));
  addWide(sketch, word(0n), word(32n), word(64n), word(96n));
}

function unscaledBytes(u8: Uint8Array, start: number, end: number): bigint {
  const v = decodeVarNumeric(u8, start, end);
  if ('special' in v) throw new Error(`${v.special} in a numeric that has a scale`);
  return v.unscaled;
}

function addBytes(sketch: Uint8Array, u8: Uint8Array, start: number, end: number): void {
  let a = end - start;
  let b = a ^ 0x5bd1e995;
  for (let i = start; i < end; i++) {
    a = Math.imul(a ^ u8[i]!, 0x01000193);
    b = Math.imul(b ^ u8[i]!, 0x85ebca6b);
    b ^= b >>> 15;
  }
  addHash(sketch, fmix32(a), fmix32(b));
}

function isNull(u8: Uint8Array, c: ColumnBuffers, row: number): boolean {
  return c.validity !== 0 && ((u8[c.validity + (row >> 3)]! >> (row & 7)) & 1) === 0;
}

/** Adds all non-null values of a column to a sketch. */
export function sketchColumn(
  sketch: Uint8Array,
  memory: MemoryPool,
  c: ColumnBuffers,
  type: SqlType,
  rows: number,
): void {
  const { u8, i32, u32 } = memory;
  const buffer = u8.buffer;
  const trim = type.kind === 'bpchar';
  // Other row groups of the column, without NaN, have integers: the same number must hash the same.
  const integers = nanInteger(type) !== undefined;
  const addString = (start: number, end: number): void => {
    if (trim) while (end > start && u8[end - 1] === 32) end--;
    if (integers && u8[start] !== NAN_KIND) {
      const v = unscaledBytes(u8, start, end);
      addInteger(sketch, v);
    } else if (type.kind === 'numeric') {
      const normal = normaliseVarNumeric(u8.slice(start, end));
      addBytes(sketch, normal, 0, normal.length);
    } else addBytes(sketch, u8, start, end);
  };
  switch (c.encoding) {
    case 'i8':
    case 'i16':
    case 'i32': {
      const values =
        c.encoding === 'i8'
          ? new Int8Array(buffer, c.data, rows)
          : c.encoding === 'i16'
            ? new Int16Array(buffer, c.data, rows)
            : new Int32Array(buffer, c.data, rows);
      for (let i = 0; i < rows; i++) {
        const v = values[i]!;
        if (!isNull(u8, c, i)) addInt(sketch, v, v >> 31);
      }
      return;
    }
    case 'i64':
    case 'i128': {
      const words = c.encoding === 'i64' ? 2 : 4;
      const values = new Int32Array(buffer, c.data, rows * words);
      for (let i = 0; i < rows; i++) {
        if (isNull(u8, c, i)) continue;
        const at = i * words;
        if (words === 2) addInt(sketch, values[at]!, values[at + 1]!);
        else addWide(sketch, values[at]!, values[at + 1]!, values[at + 2]!, values[at + 3]!);
      }
      return;
    }
    case 'f32':
    case 'f64': {
      const values =
        c.encoding === 'f32'
          ? new Float32Array(buffer, c.data, rows)
          : new Float64Array(buffer, c.data, rows);
      for (let i = 0; i < rows; i++) {
        if (isNull(u8, c, i)) continue;
        float[0] = values[i]! + 0;
        addInt(sketch, floatWords[0]!, floatWords[1]!);
      }
      return;
    }
    case 'utf8': {
      const offsets = c.offsets >>> 2;
      for (let i = 0; i < rows; i++)
        if (!isNull(u8, c, i)) addString(c.data + i32[offsets + i]!, c.data + i32[offsets + i + 1]!);
      return;
    }
    default: {
      // A dictionary holds no string that no row has.
      const refs = c.offsets >>> 2;
      for (let i = 0; i < c.dictCount; i++)
        addString(u32[refs + i * 2]!, u32[refs + i * 2]! + u32[refs + i * 2 + 1]!);
    }
  }
}

const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

/** Reads rows of one column; `value` is undefined for types without a useful order (bytea, interval, arrays). Rows are
 *  not null. Valid until the memory may have grown. */
export type Sampler = {
  readonly value: (row: number) => SampleValue | undefined;
  readonly bytes: (row: number) => number;
};

export function samplerOf(memory: MemoryPool, c: ColumnBuffers, type: SqlType, rows: number): Sampler {
  const { u8, i32, u32 } = memory;
  const buffer = u8.buffer;
  // oid and its kin are unsigned.
  const unsigned = type.kind === 'oid' || type.kind.startsWith('reg');
  const fixed = (bytes: number, value: Sampler['value']): Sampler => ({ value, bytes: () => bytes });
  const strings = (start: (row: number) => number, bytes: (row: number) => number): Sampler => ({
    bytes,
    value: (row) => text(u8, start(row), bytes(row), type),
  });
  switch (c.encoding) {
    case 'i8':
    case 'i16':
    case 'i32': {
      const values =
        c.encoding === 'i8'
          ? new Int8Array(buffer, c.data, rows)
          : c.encoding === 'i16'
            ? new Int16Array(buffer, c.data, rows)
            : new Int32Array(buffer, c.data, rows);
      return fixed(4, unsigned ? (row) => values[row]! >>> 0 : (row) => values[row]!);
    }
    case 'i64': {
      const values = new BigInt64Array(buffer, c.data, rows);
      return fixed(8, (row) => compact(values[row]!));
    }
    case 'i128': {
      if (type.kind === 'interval') return fixed(16, () => undefined);
      const high = new BigInt64Array(buffer, c.data, rows * 2);
      const low = new BigUint64Array(buffer, c.data, rows * 2);
      return fixed(16, (row) => compact((high[row * 2 + 1]! << 64n) | low[row * 2]!));
    }
    case 'f32': {
      const values = new Float32Array(buffer, c.data, rows);
      return fixed(4, (row) => values[row]! + 0);
    }
    case 'f64': {
      const values = new Float64Array(buffer, c.data, rows);
      return fixed(8, (row) => values[row]! + 0);
    }
    case 'utf8': {
      const at = c.offsets >>> 2;
      return strings(
        (row) => c.data + i32[at + row]!,
        (row) => i32[at + row + 1]! - i32[at + row]!,
      );
    }
    default: {
      const codes =
        c.encoding === 'dict8'
          ? new Uint8Array(buffer, c.data, rows)
          : c.encoding === 'dict16'
            ? new Uint16Array(buffer, c.data, rows)
            : new Uint32Array(buffer, c.data, rows);
      const refs = c.offsets >>> 2;
      const decoded: (SampleValue | undefined)[] = [];
      return {
        bytes: (row) => u32[refs + codes[row]! * 2 + 1]!,
        value: (row) => {
          const code = codes[row]!;
          decoded[code] ??= text(u8, u32[refs + code * 2]!, u32[refs + code * 2 + 1]!, type);
          return decoded[code];
        },
      };
    }
  }
}

export function columnIsNull(memory: MemoryPool, c: ColumnBuffers, row: number): boolean {
  return isNull(memory.u8, c, row);
}

function compact(v: bigint): SampleValue {
  const n = Number(v);
  return Number.isSafeInteger(n) ? n : v.toString();
}

function text(u8: Uint8Array, start: number, bytes: number, type: SqlType): SampleValue | undefined {
  if (nanInteger(type) !== undefined)
    return u8[start] === NAN_KIND ? 'NaN' : compact(unscaledBytes(u8, start, start + bytes));
  if (type.kind === 'numeric') return formatNumeric(stripZeros(decodeVarNumeric(u8, start, start + bytes)));
  if (!isStringType(type)) return undefined;
  const s = Buffer.from(u8.buffer, u8.byteOffset + start, bytes).toString();
  return type.kind === 'bpchar' ? s.replace(/ +$/, '') : s;
}
