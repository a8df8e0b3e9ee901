/** Rows as typed column buffers outside of the shared memory, and their way into a `Batch`.
 *
 *  Owns: the encoding a type has when rows are built in TypeScript (COPY, catalog tables, VALUES), and the copy into
 *  a `MemoryPool`. Invariant: the encoding is that of `reprOf(type)` without a range (bool as i8), never a
 *  dictionary; validity bitmaps are Arrow's (bit set = not null), absent when nothing is null. */
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type Batch,
  type ColumnLayout,
  ENCODING_CODE,
  type Encoding,
  type MemoryPool,
} from './memory.js';
import { pow10, rescale } from './numeric.js';
import { reprOf, type SqlType, typeRange } from './sql-type.js';
import { type Interval, isInterval, isNumeric, type Numeric, type Value } from './value.js';
import { decodeVarNumeric, encodeVarNumeric } from './var-numeric.js';

export type ColumnarColumn = {
  readonly encoding: Encoding;
  /** Little-endian values, or the bytes of all strings. */
  readonly data: Uint8Array;
  /** utf8 only: rows + 1 offsets into `data`. */
  readonly offsets: Int32Array | undefined;
  /** Bit set = not null; undefined when no value is null. */
  readonly validity: Uint8Array | undefined;
};

export type ColumnarRows = { readonly rows: number; readonly columns: readonly ColumnarColumn[] };

export function encodingOf(type: SqlType): Encoding {
  if (type.kind === 'bool') return 'i8';
  const repr = reprOf(type);
  if (repr === 'str') return 'utf8';
  return repr === 'interval' ? 'i128' : repr;
}

export function encodingBytes(encoding: Encoding): number {
  switch (encoding) {
    case 'i8':
    case 'dict8':
      return 1;
    case 'i16':
    case 'dict16':
      return 2;
    case 'i32':
    case 'f32':
    case 'dict32':
      return 4;
    case 'i64':
    case 'f64':
      return 8;
    case 'i128':
      return 16;
    case 'utf8':
      return 0;
  }
}

/** Copies the columns into one allocation of the pool; the batch owns it. Throws 53200 when there is no room. */
export function columnsToBatch(rows: ColumnarRows, pool: MemoryPool): Batch {
  const count = rows.columns.length;
  const align = (n: number) => (n + 63) & ~63;
  let size = align(BATCH_HEADER_BYTES + count * BATCH_COLUMN_BYTES);
  const places = rows.columns.map((c) => {
    const data = size;
    size += align(Math.max(c.data.length, 1));
    const offsets = size;
    if (c.offsets !== undefined) size += align((rows.rows + 1) * 4);
    const validity = size;
    if (c.validity !== undefined) size += align((rows.rows + 7) >> 3);
    return { data, offsets, validity };
  });
  const address = pool.alloc(size);
  const { u8, u32 } = pool;
  const header = address >>> 2;
  u32[header] = rows.rows;
  u32[header + 1] = count;
  u32[header + 2] = 0;
  u32[header + 3] = 0;
  rows.columns.forEach((c, i) => {
    const place = places[i];
    const d = (address + BATCH_HEADER_BYTES + i * BATCH_COLUMN_BYTES) >>> 2;
    u8.set(c.data, address + place.data);
    if (c.offsets !== undefined) {
      const bytes = new Uint8Array(c.offsets.buffer, c.offsets.byteOffset, (rows.rows + 1) * 4);
      u8.set(bytes, address + place.offsets);
    }
    if (c.validity !== undefined)
      u8.set(c.validity.subarray(0, (rows.rows + 7) >> 3), address + place.validity);
    u32[d] = address + place.data;
    u32[d + 1] = c.validity === undefined ? 0 : address + place.validity;
    u32[d + 2] = c.offsets === undefined ? 0 : address + place.offsets;
    u32[d + 3] = ENCODING_CODE[c.encoding];
    u32[d + 4] = 0;
    u32[d + 5] = c.data.length;
    u32[d + 6] = 0;
    u32[d + 7] = 0;
  });
  let released = false;
  return {
    address,
    rows: rows.rows,
    layout: rows.columns.map(
      (c): ColumnLayout => ({
        encoding: c.encoding,
        nullable: c.validity !== undefined,
      }),
    ),
    release() {
      if (released) return;
      released = true;
      pool.free(address);
    },
  };
}

/** The value of a row. */
export function columnValue(type: SqlType, column: ColumnarColumn, row: number): Value {
  const { data, offsets, validity, encoding } = column;
  if (validity !== undefined && ((validity[row >> 3] >> (row & 7)) & 1) === 0) return null;
  if (offsets !== undefined) {
    const bytes = data.subarray(offsets[row], offsets[row + 1]);
    if (type.kind === 'numeric') return decodeVarNumeric(bytes);
    return type.kind === 'bytea' ? bytes : utf8Text.decode(bytes);
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const at = row * encodingBytes(encoding);
  switch (encoding) {
    case 'i8':
      return view.getUint8(at) !== 0;
    case 'i32':
      return typeRange(type)?.min === 0n ? view.getUint32(at, true) : view.getInt32(at, true);
    case 'f32':
      return view.getFloat32(at, true);
    case 'f64':
      return view.getFloat64(at, true);
    case 'i64':
      return integerValue(type, view.getBigInt64(at, true));
    default:
      if (type.kind === 'interval')
        return {
          micros: view.getBigInt64(at, true),
          days: view.getInt32(at + 8, true),
          months: view.getInt32(at + 12, true),
        };
      return integerValue(type, (view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true));
  }
}

function integerValue(type: SqlType, n: bigint): Value {
  return type.kind === 'numeric' ? { unscaled: n, scale: type.scale ?? 0 } : n;
}

/** Values of one type, appended one by one. */
export class ColumnBuilder {
  private readonly type: SqlType;
  private readonly encoding: Encoding;
  private data: Uint8Array;
  private view: DataView;
  private used = 0;
  private offsets: Int32Array | undefined;
  private validity: Uint8Array;
  private rows = 0;
  private nulls = 0;

  constructor(type: SqlType, rowsExpected: number) {
    this.type = type;
    this.encoding = encodingOf(type);
    const rows = Math.max(rowsExpected, 1);
    this.data = new Uint8Array(this.encoding === 'utf8' ? rows * 16 : rows * encodingBytes(this.encoding));
    this.view = new DataView(this.data.buffer);
    this.offsets = this.encoding === 'utf8' ? new Int32Array(rows + 1) : undefined;
    this.validity = new Uint8Array((rows + 7) >> 3).fill(0xff);
  }

  append(value: Value): void {
    const row = this.rows++;
    if (row >> 3 >= this.validity.length) this.growValidity();
    if (value === null) {
      this.nulls++;
      this.validity[row >> 3] &= ~(1 << (row & 7));
    }
    if (this.encoding === 'utf8')
      this.appendBytes(row, value === null ? EMPTY : stringBytes(this.type, value));
    else this.appendFixed(value);
  }

  finish(): ColumnarColumn {
    return {
      encoding: this.encoding,
      data: this.data.subarray(0, this.used),
      offsets: this.offsets?.subarray(0, this.rows + 1),
      validity: this.nulls === 0 ? undefined : this.validity.subarray(0, (this.rows + 7) >> 3),
    };
  }

  private appendBytes(row: number, bytes: Uint8Array): void {
    if (row + 2 > this.offsets!.length) {
      const wider = new Int32Array(this.offsets!.length * 2);
      wider.set(this.offsets!);
      this.offsets = wider;
    }
    this.reserve(bytes.length);
    this.data.set(bytes, this.used);
    this.used += bytes.length;
    this.offsets![row + 1] = this.used;
  }

  private appendFixed(value: Value): void {
    const width = encodingBytes(this.encoding);
    this.reserve(width);
    const at = this.used;
    this.used += width;
    if (value === null) return;
    switch (this.encoding) {
      case 'i8':
        this.data[at] = value === true ? 1 : 0;
        break;
      case 'i32':
        this.view.setInt32(at, Number(value) | 0, true);
        break;
      case 'f32':
        this.view.setFloat32(at, Number(value), true);
        break;
      case 'f64':
        this.view.setFloat64(at, Number(value), true);
        break;
      case 'i64':
        this.view.setBigInt64(at, unscaled(this.type, value), true);
        break;
      default:
        this.appendWide(at, value);
    }
  }

  private appendWide(at: number, value: Value): void {
    if (isInterval(value)) {
      writeInterval(this.view, at, value);
      return;
    }
    const v = unscaled(this.type, value);
    this.view.setBigInt64(at, BigInt.asIntN(64, v), true);
    this.view.setBigInt64(at + 8, v >> 64n, true);
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.data.length) return;
    const wider = new Uint8Array(Math.max(this.data.length * 2, this.used + bytes));
    wider.set(this.data.subarray(0, this.used));
    this.data = wider;
    this.view = new DataView(wider.buffer);
  }

  private growValidity(): void {
    const wider = new Uint8Array(this.validity.length * 2).fill(0xff);
    wider.set(this.validity);
    this.validity = wider;
  }
}

const EMPTY = new Uint8Array(0);
const utf8 = new TextEncoder();
const utf8Text = new TextDecoder('utf-8', { ignoreBOM: true });

function stringBytes(type: SqlType, value: Value): Uint8Array {
  if (typeof value === 'string') return utf8.encode(value);
  if (value instanceof Uint8Array) return value;
  if (isNumeric(value)) return encodeVarNumeric(value);
  throw new Error(`a value of ${type.kind} cannot be stored as bytes`);
}

/** The 64- or 128-bit integer inside a value of a fixed-width type. */
export function unscaled(type: SqlType, value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  if (isNumeric(value) && type.kind === 'numeric') return scaledInteger(value, type.scale ?? 0);
  throw new Error(`not an integer value of ${type.kind}`);
}

function scaledInteger(value: Numeric, scale: number): bigint {
  if ('special' in value) throw new Error('NaN and infinity have no fixed-scale form');
  return scale < 0
    ? value.unscaled / pow10(value.scale - scale)
    : rescale(value.unscaled, value.scale, scale);
}

export function writeInterval(view: DataView, at: number, value: Interval): void {
  view.setBigInt64(at, value.micros, true);
  view.setInt32(at + 8, value.days, true);
  view.setInt32(at + 12, value.months, true);
}

export function rowsToColumns(types: readonly SqlType[], rows: readonly (readonly Value[])[]): ColumnarRows {
  const columns = types.map((type, c) => {
    const builder = new ColumnBuilder(type, rows.length);
    for (const row of rows) builder.append(row[c]);
    return builder.finish();
  });
  return { rows: rows.length, columns };
}

/** Rows of values as a batch in `pool`; every column is laid out as `encodingOf(type)`. */
export function rowsToBatch(
  types: readonly SqlType[],
  rows: readonly (readonly Value[])[],
  pool: MemoryPool,
): Batch {
  return columnsToBatch(rowsToColumns(types, rows), pool);
}
