/** From a column of finished rows in shared memory to PostgreSQL's text or binary form of each value.
 *
 *  Owns: one writer per type and encoding, which reads typed memory and writes bytes; only rare types and settings
 *  go through a `Value` and `formatText`. Invariant: a writer writes the value alone (no length, no quoting) and is
 *  not called for NULL. Source: PostgreSQL, output and send functions of the types. */
import { civilFromDays } from '../../types/calendar.js';
import type { ChunkColumn, MemoryPool } from '../../types/memory.js';
import { reprOf, type SqlType, vectorInfo } from '../../types/sql-type.js';
import { formatText, type TextSettings } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';
import { decodeVarNumeric } from '../../types/var-numeric.js';
import { writeBinary } from './binary.js';
import type { ByteWriter } from './byte-writer.js';

/** What a writer reads from: views of the shared memory, taken anew for each chunk. */
export type ChunkViews = {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly view: DataView;
};

export type CellWriter = (w: ByteWriter, row: number) => void;

export function chunkViews(memory: MemoryPool): ChunkViews {
  const { u8, i32 } = memory;
  return { u8, i32, view: new DataView(u8.buffer, u8.byteOffset, u8.byteLength) };
}

export function isNullAt(u8: Uint8Array, validity: number, row: number): boolean {
  return validity !== 0 && ((u8[validity + (row >> 3)] >> (row & 7)) & 1) === 0;
}

/** The value in row `row`, which is not null. */
export function cellValue(type: SqlType, column: ChunkColumn, views: ChunkViews, row: number): Value {
  const { data, offsets } = column;
  const { u8, i32, view } = views;
  switch (column.encoding) {
    case 'i8':
      return type.kind === 'bool' ? u8[data + row] !== 0 : view.getInt8(data + row);
    case 'i16':
      return integerValue(type, view.getInt16(data + row * 2, true));
    case 'i32':
      return integerValue(type, view.getInt32(data + row * 4, true));
    case 'f32':
      return view.getFloat32(data + row * 4, true);
    case 'f64':
      return view.getFloat64(data + row * 8, true);
    case 'i64': {
      const v = view.getBigInt64(data + row * 8, true);
      return type.kind === 'numeric' ? { unscaled: v, scale: type.scale ?? 0 } : v;
    }
    case 'i128': {
      const low = view.getBigInt64(data + row * 16, true);
      const high = view.getBigInt64(data + row * 16 + 8, true);
      if (type.kind === 'interval')
        return { micros: low, days: Number(BigInt.asIntN(32, high)), months: Number(high >> 32n) };
      return {
        unscaled: (high << 64n) | BigInt.asUintN(64, low),
        scale: type.kind === 'numeric' ? (type.scale ?? 0) : 0,
      };
    }
    case 'utf8': {
      const start = i32[(offsets >>> 2) + row];
      const end = i32[(offsets >>> 2) + row + 1];
      const bytes = u8.slice(data + start, data + end);
      if (type.kind === 'bytea') return bytes;
      if (type.kind === 'numeric') return decodeVarNumeric(bytes);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    }
    default:
      throw new Error(`no ${column.encoding} in finished rows`);
  }
}

function integerValue(type: SqlType, v: number): Value {
  if (type.kind === 'bool') return v !== 0;
  if (type.kind === 'oid' || type.kind.startsWith('reg')) return v >>> 0;
  if (type.kind === 'numeric') return { unscaled: BigInt(v), scale: type.scale ?? 0 };
  return reprOf(type) === 'i64' ? BigInt(v) : v;
}

export function textWriter(
  type: SqlType,
  column: ChunkColumn,
  views: ChunkViews,
  settings: TextSettings,
): CellWriter {
  const { data, encoding } = column;
  const iso = settings.dateStyle.startsWith('ISO');
  if (
    encoding === 'utf8' &&
    type.kind !== 'bytea' &&
    type.kind !== 'numeric' &&
    vectorInfo(type) === undefined
  )
    return bytesWriter(column, views);
  switch (type.kind) {
    case 'bool':
      return (w, row) => w.u8(views.u8[data + row] !== 0 ? 116 : 102);
    case 'int2':
    case 'int4':
      if (encoding === 'i32') return (w, row) => w.integer(views.i32[(data >>> 2) + row]);
      break;
    case 'oid':
      if (encoding === 'i32') return (w, row) => w.integer(views.i32[(data >>> 2) + row] >>> 0);
      break;
    case 'int8':
      if (encoding === 'i64') return scaledWriter(data, 8, 0, views);
      break;
    case 'numeric':
      if (encoding === 'i64') return scaledWriter(data, 8, type.scale ?? 0, views);
      if (encoding === 'i128') return scaledWriter(data, 16, type.scale ?? 0, views);
      break;
    case 'date':
      if (iso && encoding === 'i32') return dateWriter(type, column, views, settings);
      break;
    case 'timestamp':
      if (iso && encoding === 'i64') return timestampWriter(type, column, views, settings);
      break;
    default:
  }
  return (w, row) => w.text(formatText(type, cellValue(type, column, views, row), settings));
}

function bytesWriter(column: ChunkColumn, views: ChunkViews): CellWriter {
  const { u8, i32 } = views;
  const offsets = column.offsets >>> 2;
  return (w, row) => {
    const start = i32[offsets + row];
    w.copyText(u8, column.data + start, i32[offsets + row + 1] - start);
  };
}

/** Scaled integers of 64 or 128 bits; those below 2^53 without BigInt. */
function scaledWriter(data: number, width: 8 | 16, scale: number, views: ChunkViews): CellWriter {
  const { i32, view } = views;
  return (w, row) => {
    const at = data + row * width;
    const slot = at >>> 2;
    const low = i32[slot] >>> 0;
    const high = i32[slot + 1];
    const fits = width === 8 || (i32[slot + 2] === high >> 31 && i32[slot + 3] === high >> 31);
    if (fits && high >= -0x200000 && high < 0x200000) {
      const v = high * 4294967296 + low;
      if (scale > 0) w.decimal(v, scale);
      else w.integer(v);
      return;
    }
    let v = view.getBigInt64(at, true);
    if (width === 16) v = (view.getBigInt64(at + 8, true) << 64n) | BigInt.asUintN(64, v);
    w.ascii(decimalText(v, scale));
  };
}

function decimalText(v: bigint, scale: number): string {
  if (scale <= 0) return v.toString();
  const negative = v < 0n;
  const digits = (negative ? -v : v).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** ISO dates of the years 1000 to 9999; all others by `formatText`. */
const FIRST_PLAIN_DAY = -354285;
const LAST_PLAIN_DAY = 2932896;

function writeIsoDate(w: ByteWriter, days: number): void {
  const { year, month, day } = civilFromDays(days);
  const century = (year / 100) | 0;
  w.twoDigits(century);
  w.twoDigits(year - century * 100);
  w.bytes[w.length++] = 45;
  w.twoDigits(month);
  w.bytes[w.length++] = 45;
  w.twoDigits(day);
}

function dateWriter(
  type: SqlType,
  column: ChunkColumn,
  views: ChunkViews,
  settings: TextSettings,
): CellWriter {
  const { i32 } = views;
  const slot = column.data >>> 2;
  return (w, row) => {
    const days = i32[slot + row];
    if (days >= FIRST_PLAIN_DAY && days <= LAST_PLAIN_DAY) {
      w.ensure(10);
      writeIsoDate(w, days);
    } else w.text(formatText(type, days, settings));
  };
}

const MICROS_PER_DAY = 86_400_000_000;

function timestampWriter(
  type: SqlType,
  column: ChunkColumn,
  views: ChunkViews,
  settings: TextSettings,
): CellWriter {
  const { i32 } = views;
  return (w, row) => {
    const slot = (column.data >>> 2) + row * 2;
    const high = i32[slot + 1];
    const micros = high * 4294967296 + (i32[slot] >>> 0);
    const days = Math.floor(micros / MICROS_PER_DAY);
    if (high < -0x200000 || high >= 0x200000 || days < FIRST_PLAIN_DAY || days > LAST_PLAIN_DAY) {
      w.text(formatText(type, cellValue(type, column, views, row), settings));
      return;
    }
    w.ensure(32);
    writeIsoDate(w, days);
    const ofDay = micros - days * MICROS_PER_DAY;
    const seconds = Math.floor(ofDay / 1_000_000);
    const hours = (seconds / 3600) | 0;
    const minutes = ((seconds - hours * 3600) / 60) | 0;
    w.bytes[w.length++] = 32;
    w.twoDigits(hours);
    w.bytes[w.length++] = 58;
    w.twoDigits(minutes);
    w.bytes[w.length++] = 58;
    w.twoDigits(seconds - hours * 3600 - minutes * 60);
    const fraction = ofDay - seconds * 1_000_000;
    if (fraction !== 0) w.ascii(`.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`);
  };
}

export function binaryWriter(
  type: SqlType,
  column: ChunkColumn,
  views: ChunkViews,
  settings: TextSettings,
): CellWriter {
  const { data, encoding } = column;
  const { i32, view } = views;
  switch (type.kind) {
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'name':
      if (encoding === 'utf8') return bytesWriter(column, views);
      break;
    case 'int2':
      if (encoding === 'i32') return (w, row) => w.i16(i32[(data >>> 2) + row]);
      break;
    case 'int4':
    case 'oid':
      if (encoding === 'i32') return (w, row) => w.i32(i32[(data >>> 2) + row]);
      break;
    case 'int8':
      if (encoding === 'i64') return (w, row) => w.i64(view.getBigInt64(data + row * 8, true));
      break;
    case 'float8':
      if (encoding === 'f64') return (w, row) => w.f64(view.getFloat64(data + row * 8, true));
      break;
    default:
  }
  return (w, row) => writeBinary(w, type, cellValue(type, column, views, row), settings);
}
