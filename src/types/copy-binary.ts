/** COPY's binary format: what every file begins with, and a block of whole tuples cut into fields.
 *
 *  Owns: the header, field counts and sizes, and the plain fields that need no `Value`. The rest of parsing is
 *  `copy-text.ts`, for which fields are byte ranges here as there. A tuple counts as a line. 22P04 for bytes that are
 *  no such file. Source: PostgreSQL, COPY, "Binary Format"; copyfromparse.c. */
import { isUtf8 } from 'node:buffer';
import { EPOCH_DAYS } from './binary-input.js';
import { type CopyFields, FieldList } from './copy-fields.js';
import { DATE_FIRST, DATE_LAST } from './datetime.js';
import type { Encoding } from './memory.js';
import { SqlError } from './sql-error.js';
import type { SqlType } from './sql-type.js';

export const SIGNATURE: Uint8Array = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** Signature, flags and length of an extension. */
export const HEADER_BYTES_MIN = SIGNATURE.length + 8;
const WITH_OIDS = 1 << 16;
const CRITICAL = 0xffff0000;

function bad(message: string): SqlError {
  return new SqlError('22P04', message);
}

/** Length of the header that `bytes` begins with, which may be more than is there yet; undefined when more must come to
 *  know it. `last`: no more comes. */
export function binaryHeaderBytes(bytes: Buffer, last: boolean): number | undefined {
  const signed = Math.min(bytes.length, SIGNATURE.length);
  if (!bytes.subarray(0, signed).equals(SIGNATURE.subarray(0, signed)))
    throw bad('COPY file signature not recognized');
  if (bytes.length < HEADER_BYTES_MIN && !last) return undefined;
  if (bytes.length < SIGNATURE.length) throw bad('COPY file signature not recognized');
  if (bytes.length < SIGNATURE.length + 4) throw bad('invalid COPY file header (missing flags)');
  const flags = bytes.readUInt32BE(SIGNATURE.length);
  if ((flags & WITH_OIDS) !== 0) throw bad('invalid COPY file header (WITH OIDS)');
  if ((flags & CRITICAL) !== 0) throw bad('unrecognized critical flags in COPY file header');
  const extension = bytes.length < HEADER_BYTES_MIN ? -1 : bytes.readInt32BE(SIGNATURE.length + 4);
  if (extension < 0) throw bad('invalid COPY file header (missing length)');
  if (last && bytes.length < HEADER_BYTES_MIN + extension) throw wrongExtension();
  return HEADER_BYTES_MIN + extension;
}

export function wrongExtension(): SqlError {
  return bad('invalid COPY file header (wrong length)');
}

/** Where a scan over tuples came to: just past the last whole one, after `rows` of them. `over`: what follows is the
 *  trailer, or no tuple at all, which whoever parses the block finds out. */
export type TupleScan = { readonly end: number; readonly rows: number; readonly over: boolean };

export function scanTuples(bytes: Buffer, from: number, columns: number): TupleScan {
  let end = from;
  for (let rows = 0; ; rows++) {
    if (bytes.length < end + 2) return { end, rows, over: false };
    if (bytes.readInt16BE(end) !== columns) return { end, rows, over: true };
    let at = end + 2;
    for (let c = 0; c < columns; c++) {
      if (bytes.length < at + 4) return { end, rows, over: false };
      const size = bytes.readInt32BE(at);
      if (size < -1) return { end, rows, over: true };
      at += size < 0 ? 4 : 4 + size;
    }
    if (at > bytes.length) return { end, rows, over: false };
    end = at;
  }
}

/** `bytes`: whole tuples; what follows them is the trailer or the fault. */
export function splitTuples(
  bytes: Uint8Array,
  firstLine: number,
  table: string,
  columnNames: readonly string[],
): CopyFields {
  const columns = columnNames.length;
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const list = new FieldList(columns, bytes.length);
  const fault = (message: string, fields?: number): CopyFields => {
    const column = fields === undefined ? '' : `, column ${columnNames[fields]}`;
    const where = `COPY ${table}, line ${firstLine + list.rows}${column}`;
    list.fault = { error: bad(message).with({ where }), row: list.rows, fields: fields ?? 0 };
    return list;
  };
  // Less than a count is the end, as in PostgreSQL.
  for (let at = 0; bytes.length >= at + 2; ) {
    const count = b.readInt16BE(at);
    at += 2;
    if (count === -1) return at < bytes.length ? fault('received copy data after EOF marker') : list;
    if (count !== columns) return fault(`row field count is ${count}, expected ${columns}`);
    if (list.rows === list.lineEnds.length) list.grow();
    for (let c = 0; c < columns; c++) {
      if (bytes.length < at + 4) return fault('unexpected EOF in COPY data', c);
      const size = b.readInt32BE(at);
      at += 4;
      if (size < -1) return fault('invalid field size', c);
      const i = list.rows * columns + c;
      list.starts[i] = size < 0 ? -1 : at;
      if (size >= 0) at += size;
      if (at > bytes.length) return fault('unexpected EOF in COPY data', c);
      list.ends[i] = at;
    }
    list.lineEnds[list.rows++] = at;
  }
  return list;
}

/** Writes the field's value at `at`; false when it is not of the plain form. */
type FastField = (bytes: Uint8Array, start: number, end: number, view: DataView, at: number) => boolean;

/** `source`: over the block's bytes. */
export function fastBinaryField(type: SqlType, encoding: Encoding, source: DataView): FastField | undefined {
  switch (type.kind) {
    case 'bool':
      return (bytes, start, end, view, at) => {
        view.setUint8(at, bytes[start] !== 0 ? 1 : 0);
        return end - start === 1;
      };
    case 'int2':
      return (_, start, end, view, at) => {
        if (end - start !== 2) return false;
        view.setInt32(at, source.getInt16(start), true);
        return true;
      };
    case 'int4':
    case 'oid':
      return (_, start, end, view, at) => {
        if (end - start !== 4) return false;
        view.setInt32(at, source.getInt32(start), true);
        return true;
      };
    case 'float4':
      return (_, start, end, view, at) => {
        if (end - start !== 4) return false;
        view.setFloat32(at, source.getFloat32(start), true);
        return true;
      };
    case 'float8':
    case 'int8':
      return (_, start, end, view, at) => {
        if (end - start !== 8) return false;
        view.setInt32(at, source.getInt32(start + 4), true);
        view.setInt32(at + 4, source.getInt32(start), true);
        return true;
      };
    case 'date':
      return (_, start, end, view, at) => {
        if (end - start !== 4) return false;
        const days = source.getInt32(start) + EPOCH_DAYS;
        if (days < DATE_FIRST || days > DATE_LAST) return false;
        view.setInt32(at, days, true);
        return true;
      };
    case 'numeric': {
      if (type.precision === undefined || type.scale === undefined || type.scale < 0) return undefined;
      if (encoding !== 'i64' && encoding !== 'i128') return undefined;
      const limit = type.precision > 15 ? Number.MAX_SAFE_INTEGER : 10 ** type.precision - 1;
      return numericField(type.scale, limit, encoding === 'i128', source);
    }
    default:
      return undefined;
  }
}

/** Up to three digits in base 10000 whose scaled value a double holds exactly, shown with just the column's scale. */
function numericField(scale: number, limit: number, wide: boolean, source: DataView): FastField {
  return (_, start, end, view, at) => {
    if (end - start < 8) return false;
    const count = source.getUint16(start);
    const sign = source.getUint16(start + 4);
    if (count > 3 || end - start !== 8 + count * 2 || (sign !== 0 && sign !== 0x4000)) return false;
    if (source.getUint16(start + 6) !== scale) return false;
    let v = 0;
    for (let i = 0; i < count; i++) {
      const digit = source.getUint16(start + 8 + i * 2);
      if (digit > 9999) return false;
      v = v * 10000 + digit;
    }
    // The digits stand for v * 10000^(weight - count + 1).
    const exponent = (source.getInt16(start + 2) - count + 1) * 4 + scale;
    if (exponent > 15 || exponent < -12) return false;
    if (exponent >= 0) v *= 10 ** exponent;
    else if (v % 10 ** -exponent !== 0) return false;
    else v /= 10 ** -exponent;
    if (v > limit) return false;
    const negative = sign !== 0 && v !== 0;
    let high = Math.floor(v / 4294967296);
    let low = v >>> 0;
    if (negative) {
      low = -low >>> 0;
      high = low === 0 ? -high : ~high;
    }
    view.setUint32(at, low, true);
    view.setInt32(at + 4, high, true);
    if (wide) view.setBigInt64(at + 8, negative ? -1n : 0n, true);
    return true;
  };
}

/** The first row below `rows` whose field is no text in UTF-8; `rows` when all are. */
export function firstBadText(bytes: Uint8Array, fields: CopyFields, column: number, rows: number): number {
  for (let row = 0, i = column; row < rows; row++, i += fields.columns) {
    const start = fields.starts[i];
    const end = fields.ends[i];
    if (start < 0) continue;
    let ascii = true;
    for (let k = start; k < end; k++) {
      const c = bytes[k];
      if (c === 0) return row;
      if (c >= 0x80) ascii = false;
    }
    if (!ascii && !isUtf8(bytes.subarray(start, end))) return row;
  }
  return rows;
}
