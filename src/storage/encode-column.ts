/** A staged column in the form it has on disk: narrowest integers or a dictionary, a validity bitmap, a zone map.
 *
 *  Owns: the choice of encoding. Must not know: files. Pure; typed arrays only, no JavaScript value per row.
 *  Invariants: the encoding is at least `floor`, which the table's other row groups already use, so that layouts
 *  stay uniform; the returned arrays are the caller's (nothing aliases the staged column). */

import type { Encoding } from '../types/memory.js';
import { isStringType, type SqlType } from '../types/sql-type.js';
import { fromStored, nanInteger } from '../types/stored-numeric.js';
import { compareVarNumeric, encodeVarNumeric } from '../types/var-numeric.js';
import { buildDictionary, type Dictionary } from './dictionary.js';
import { integerFloor, ROW_GROUP_ROWS, widerEncoding, ZONE_PREFIX_BYTES, type ZoneMap } from './row-group.js';
import type { StagedColumn } from './staged-column.js';
import { compareFloat } from './zone-map.js';

export type EncodedColumn = {
  readonly encoding: Encoding;
  readonly nullCount: number;
  /** Empty without nulls. */
  readonly validity: Uint8Array;
  readonly offsets: Uint8Array | undefined;
  readonly data: Uint8Array;
  readonly dictionary: Dictionary | undefined;
  readonly zone: ZoneMap | undefined;
};

export function encodeColumn(
  staged: StagedColumn,
  type: SqlType,
  floor: Encoding | undefined,
): EncodedColumn {
  const base = { nullCount: staged.nullCount, validity: bitmap(staged) };
  switch (staged.encoding) {
    case 'f32':
    case 'f64': {
      const zone = floatZone(staged);
      const data = staged.data.slice(0, staged.dataBytes);
      return { ...base, encoding: staged.encoding, offsets: undefined, data, dictionary: undefined, zone };
    }
    case 'utf8':
      return { ...base, ...encodeStrings(staged, type, floor) };
    default: {
      const integers = encodeIntegers(staged, type, integerFloor(floor));
      if (hasNan(integers.zone, type)) return { ...base, ...encodeNumerals(staged, type) };
      return { ...base, ...integers, offsets: undefined, dictionary: undefined };
    }
  }
}

function bitmap(staged: StagedColumn): Uint8Array {
  const { nulls, rows } = staged;
  if (nulls === undefined || staged.nullCount === 0) return new Uint8Array(0);
  const bits = new Uint8Array((rows + 7) >> 3);
  for (let i = 0; i < rows; i++) if (nulls[i] === 0) bits[i >> 3]! |= 1 << (i & 7);
  return bits;
}

// ---------------------------------------------------------------- integers

type Integers = {
  readonly encoding: Encoding;
  readonly data: Uint8Array;
  readonly zone: ZoneMap | undefined;
};

/** Values on their way to fewer bits: memory that is taken anew for each column makes garbage collections frequent. */
const scratch32 = new Int32Array(ROW_GROUP_ROWS);

function encodeIntegers(staged: StagedColumn, type: SqlType, floor: Encoding | undefined): Integers {
  const { rows } = staged;
  // A view: whatever is returned is copied from it.
  const raw = staged.data.subarray(0, staged.dataBytes);
  // An interval is two fields in one word, not a number.
  if (type.kind === 'interval') return { encoding: 'i128', data: raw.slice(), zone: undefined };
  const words = new Int32Array(raw.buffer, raw.byteOffset, raw.length >> 2);
  switch (staged.encoding) {
    case 'i8': {
      const wide = scratch32.subarray(0, rows);
      wide.set(new Int8Array(raw.buffer, raw.byteOffset, rows));
      return narrow32(wide, staged, false, floor);
    }
    case 'i32':
      return narrow32(words, staged, isUnsigned(type), floor);
    case 'i64':
      return narrow64(words, staged, floor);
    default: {
      let fits = true;
      for (let i = 0; i < rows && fits; i++) {
        const sign = words[i * 4 + 1]! >> 31;
        fits = words[i * 4 + 2] === sign && words[i * 4 + 3] === sign;
      }
      if (!fits) return { encoding: 'i128', data: raw.slice(), zone: zone128(raw, staged) };
      const halves = new Int32Array(rows * 2);
      for (let i = 0; i < rows; i++) {
        halves[i * 2] = words[i * 4]!;
        halves[i * 2 + 1] = words[i * 4 + 1]!;
      }
      return narrow64(halves, staged, floor);
    }
  }
}

export function isUnsigned(type: SqlType): boolean {
  return (
    type.kind === 'oid' ||
    type.kind === 'regclass' ||
    type.kind === 'regtype' ||
    type.kind === 'regproc' ||
    type.kind === 'regprocedure' ||
    type.kind === 'regoperator' ||
    type.kind === 'regnamespace'
  );
}

function narrow64(words: Int32Array, staged: StagedColumn, floor: Encoding | undefined): Integers {
  const { rows } = staged;
  let fits = true;
  for (let i = 0; i < rows && fits; i++) fits = words[i * 2 + 1] === words[i * 2]! >> 31;
  if (fits) {
    const low = scratch32.subarray(0, rows);
    for (let i = 0; i < rows; i++) low[i] = words[i * 2]!;
    return narrow32(low, staged, false, floor);
  }
  const nulls = staged.nullCount > 0 ? staged.nulls : undefined;
  let minHigh = 0x7fffffff;
  let minLow = 0xffffffff;
  let maxHigh = -0x80000000;
  let maxLow = 0;
  for (let i = 0; i < rows; i++) {
    if (nulls !== undefined && nulls[i] === 1) continue;
    const high = words[i * 2 + 1]!;
    const low = words[i * 2]! >>> 0;
    if (high < minHigh || (high === minHigh && low < minLow)) {
      minHigh = high;
      minLow = low;
    }
    if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      maxHigh = high;
      maxLow = low;
    }
  }
  const zone = intZone((BigInt(minHigh) << 32n) | BigInt(minLow), (BigInt(maxHigh) << 32n) | BigInt(maxLow));
  const encoding = widerEncoding('i64', floor ?? 'i64');
  return { encoding, data: widenIntegers(words, 'i64', encoding, rows), zone };
}

function narrow32(
  values: Int32Array,
  staged: StagedColumn,
  unsigned: boolean,
  floor: Encoding | undefined,
): Integers {
  const { rows } = staged;
  const nulls = staged.nullCount > 0 ? staged.nulls : undefined;
  let min = 0x7fffffff;
  let max = -0x80000000;
  let unsignedMin = 0xffffffff;
  let unsignedMax = 0;
  for (let i = 0; i < rows; i++) {
    if (nulls !== undefined && nulls[i] === 1) continue;
    const v = values[i]!;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  if (unsigned)
    for (let i = 0; i < rows; i++) {
      if (nulls !== undefined && nulls[i] === 1) continue;
      const v = values[i]! >>> 0;
      if (v < unsignedMin) unsignedMin = v;
      if (v > unsignedMax) unsignedMax = v;
    }
  const empty = staged.nullCount === rows;
  const zone: ZoneMap | undefined = empty
    ? undefined
    : unsigned
      ? { kind: 'int', min: unsignedMin, max: unsignedMax }
      : { kind: 'int', min, max };
  const needed: Encoding =
    empty || (min >= -128 && max <= 127) ? 'i8' : min >= -32768 && max <= 32767 ? 'i16' : 'i32';
  const encoding = widerEncoding(needed, floor ?? needed);
  return { encoding, data: widenIntegers(values, 'i32', encoding, rows), zone };
}

/** Values of 32 or 64 bits in another width, which they are known to fit; always a copy. */
function widenIntegers(words: Int32Array, from: 'i32' | 'i64', to: Encoding, rows: number): Uint8Array {
  switch (to) {
    case 'i8':
      return new Uint8Array(new Int8Array(words).buffer);
    case 'i16':
      return new Uint8Array(new Int16Array(words).buffer);
    case 'i32':
      return bytesOf(words.slice());
    default: {
      if (to === from) return bytesOf(words.slice());
      const inWords = from === 'i32' ? 1 : 2;
      const outWords = to === 'i64' ? 2 : 4;
      const out = new Int32Array(rows * outWords);
      for (let i = 0; i < rows; i++) {
        for (let w = 0; w < inWords; w++) out[i * outWords + w] = words[i * inWords + w]!;
        const sign = words[i * inWords + inWords - 1]! >> 31;
        for (let w = inWords; w < outWords; w++) out[i * outWords + w] = sign;
      }
      return bytesOf(out);
    }
  }
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

export function intZone(min: bigint, max: bigint): ZoneMap {
  return { kind: 'int', min: compact(min), max: compact(max) };
}

function compact(v: bigint): number | string {
  return v >= BigInt(Number.MIN_SAFE_INTEGER) && v <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(v)
    : v.toString();
}

function zone128(raw: Uint8Array, staged: StagedColumn): ZoneMap | undefined {
  const high = new BigInt64Array(raw.buffer, 0, raw.length >> 3);
  const low = new BigUint64Array(raw.buffer, 0, raw.length >> 3);
  let min: bigint | undefined;
  let max: bigint | undefined;
  for (let i = 0; i < staged.rows; i++) {
    if (staged.nullCount > 0 && staged.nulls![i] === 1) continue;
    const v = (high[i * 2 + 1]! << 64n) | low[i * 2]!;
    if (min === undefined || v < min) min = v;
    if (max === undefined || v > max) max = v;
  }
  return min === undefined || max === undefined ? undefined : intZone(min, max);
}

// ---------------------------------------------------------------- numerics with NaN

function hasNan(zone: ZoneMap | undefined, type: SqlType): boolean {
  const nan = nanInteger(type);
  return nan !== undefined && zone?.kind === 'int' && BigInt(zone.max) === nan;
}

/** A numeric(p,s) column with NaN has no integers: it is stored as one without scale. */
function encodeNumerals(staged: StagedColumn, type: SqlType): Strings {
  const { rows } = staged;
  const scale = type.kind === 'numeric' ? (type.scale ?? 0) : 0;
  const nulls = staged.nullCount > 0 ? staged.nulls : undefined;
  const wide = staged.encoding === 'i128';
  const values = new DataView(staged.data.buffer, staged.data.byteOffset);
  const valueAt = (row: number): bigint =>
    wide
      ? (values.getBigInt64(row * 16 + 8, true) << 64n) | values.getBigUint64(row * 16, true)
      : values.getBigInt64(row * 8, true);
  const offsets = new Int32Array(rows + 1);
  const parts: Uint8Array[] = [];
  for (let row = 0; row < rows; row++) {
    offsets[row + 1] = offsets[row]!;
    if (nulls?.[row] === 1) continue;
    const bytes = encodeVarNumeric(fromStored(type, { unscaled: valueAt(row), scale }));
    parts.push(bytes);
    offsets[row + 1]! += bytes.length;
  }
  const data = new Uint8Array(Buffer.concat(parts));
  return {
    encoding: 'utf8',
    offsets: new Uint8Array(offsets.buffer),
    data,
    dictionary: undefined,
    zone: varNumericZone(data, offsets, rows, nulls),
  };
}

// ---------------------------------------------------------------- floats

function floatZone(staged: StagedColumn): ZoneMap | undefined {
  const { rows } = staged;
  const values =
    staged.encoding === 'f32'
      ? new Float32Array(staged.data.buffer, 0, rows)
      : new Float64Array(staged.data.buffer, 0, rows);
  let min: number | undefined;
  let max: number | undefined;
  for (let i = 0; i < rows; i++) {
    if (staged.nullCount > 0 && staged.nulls![i] === 1) continue;
    const v = values[i]!;
    if (min === undefined || max === undefined) {
      min = v;
      max = v;
    } else if (v < min || v > max || Number.isNaN(v) || Number.isNaN(min)) {
      if (compareFloat(v, min) < 0) min = v;
      if (compareFloat(v, max) > 0) max = v;
    }
  }
  return min === undefined || max === undefined ? undefined : { kind: 'float', min, max };
}

// ---------------------------------------------------------------- strings

type Strings = Pick<EncodedColumn, 'encoding' | 'offsets' | 'data' | 'dictionary' | 'zone'>;

function encodeStrings(staged: StagedColumn, type: SqlType, floor: Encoding | undefined): Strings {
  const dictionary = isStringType(type) && floor !== 'utf8' ? buildDictionary(staged) : undefined;
  if (dictionary !== undefined) {
    const { codes, ...strings } = dictionary;
    const needed: Encoding = strings.count <= 256 ? 'dict8' : 'dict16';
    const encoding = widerEncoding(needed, floor ?? needed);
    const data =
      encoding === 'dict8'
        ? new Uint8Array(codes)
        : new Uint8Array((encoding === 'dict16' ? codes.slice() : new Uint32Array(codes)).buffer);
    // A NULL's code is 0, which may be the placeholder of a dictionary without strings: no bounds then.
    const used = staged.nullCount < staged.rows;
    const zone = used
      ? bytesZone(strings.data, strings.offsets, strings.count, undefined, type.kind === 'bpchar')
      : undefined;
    return { encoding, offsets: undefined, data, dictionary: strings, zone };
  }
  const offsets = staged.offsets!;
  const nulls = staged.nullCount > 0 ? staged.nulls : undefined;
  return {
    encoding: 'utf8',
    offsets: new Uint8Array(offsets.slice(0, staged.rows + 1).buffer),
    data: staged.data.slice(0, staged.dataBytes),
    dictionary: undefined,
    zone:
      type.kind === 'numeric'
        ? varNumericZone(staged.data, offsets, staged.rows, nulls)
        : type.kind === 'array'
          ? undefined
          : bytesZone(staged.data, offsets, staged.rows, nulls, type.kind === 'bpchar'),
  };
}

export function bytesZone(
  data: Uint8Array,
  offsets: Int32Array,
  rows: number,
  nulls: Uint8Array | undefined,
  trim: boolean,
): ZoneMap | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let minAt = -1;
  let minEnd = 0;
  let maxAt = -1;
  let maxEnd = 0;
  // The bounds' first four bytes, where they are that long: nearly all strings are told from the bounds by these.
  let above = Number.POSITIVE_INFINITY;
  let below = Number.NEGATIVE_INFINITY;
  const prefix = (start: number, end: number, short: number): number =>
    end - start >= 4 ? view.getUint32(start) : short;
  for (let i = 0; i < rows; i++) {
    if (nulls !== undefined && nulls[i] === 1) continue;
    const start = offsets[i]!;
    let end = offsets[i + 1]!;
    if (trim) while (end > start && data[end - 1] === 32) end--;
    if (end - start >= 4) {
      const p = view.getUint32(start);
      if (p > above && p < below) continue;
    }
    if (minAt < 0) {
      minAt = maxAt = start;
      minEnd = maxEnd = end;
    } else if (compareRanges(data, start, end, minAt, minEnd) < 0) {
      minAt = start;
      minEnd = end;
    } else if (compareRanges(data, start, end, maxAt, maxEnd) > 0) {
      maxAt = start;
      maxEnd = end;
    } else continue;
    above = prefix(minAt, minEnd, Number.POSITIVE_INFINITY);
    below = prefix(maxAt, maxEnd, Number.NEGATIVE_INFINITY);
  }
  if (minAt < 0) return undefined;
  const minCut = minEnd - minAt > ZONE_PREFIX_BYTES;
  const maxCut = maxEnd - maxAt > ZONE_PREFIX_BYTES;
  return {
    kind: 'bytes',
    min: data.slice(minAt, minCut ? minAt + ZONE_PREFIX_BYTES : minEnd),
    max: data.slice(maxAt, maxCut ? maxAt + ZONE_PREFIX_BYTES : maxEnd),
    minCut,
    maxCut,
  };
}

function compareRanges(data: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): number {
  const n = Math.min(aEnd - a, bEnd - b);
  for (let i = 0; i < n; i++) {
    const d = data[a + i]! - data[b + i]!;
    if (d !== 0) return d;
  }
  return aEnd - a - (bEnd - b);
}

function varNumericZone(
  data: Uint8Array,
  offsets: Int32Array,
  rows: number,
  nulls: Uint8Array | undefined,
): ZoneMap | undefined {
  let min: Uint8Array | undefined;
  let max: Uint8Array | undefined;
  for (let i = 0; i < rows; i++) {
    if (nulls !== undefined && nulls[i] === 1) continue;
    const v = data.subarray(offsets[i]!, offsets[i + 1]!);
    if (min === undefined || compareVarNumeric(v, min) < 0) min = v;
    if (max === undefined || compareVarNumeric(v, max) > 0) max = v;
  }
  return min === undefined || max === undefined
    ? undefined
    : { kind: 'varNumeric', min: min.slice(), max: max.slice() };
}
