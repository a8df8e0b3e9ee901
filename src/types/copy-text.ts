/** COPY text, CSV and binary tuples to typed columns: `parseCopyBlock`.
 *
 *  Owns: parsing a block of whole lines column by column, so that each type has one tight loop over bytes; plain
 *  integers, decimals, dates and strings never become JavaScript strings. Everything unusual goes through the type's
 *  input function (`text-io.ts`), which also words the errors. Invariant: the error thrown is the one PostgreSQL
 *  would meet first, reading row by row. Source: PostgreSQL, copyfrom.c and copyfromparse.c. */
import { isUtf8 } from 'node:buffer';
import { readBinary } from './binary-input.js';
import { daysFromCivil, daysInMonth } from './calendar.js';
import { charsetNamed } from './charset.js';
import {
  type ColumnarColumn,
  type ColumnarRows,
  encodingBytes,
  encodingOf,
  unscaled,
  writeInterval,
} from './columnar.js';
import { fastBinaryField, firstBadText, splitTuples } from './copy-binary.js';
import {
  type CopyFields,
  invalidSequence,
  lineEndAt,
  lineNumber,
  shownText,
  splitCopyBlock,
  unescapeText,
  unquoteCsv,
} from './copy-fields.js';
import type { CopyOptions } from './copy-options.js';
import type { FunctionContext } from './functions/registry-types.js';
import type { Encoding } from './memory.js';
import { SqlError } from './sql-error.js';
import type { SqlType } from './sql-type.js';
import { toStored } from './stored-numeric.js';
import { parseText } from './text-io.js';
import { isInterval, isNumeric, type Value } from './value.js';
import { encodeVarNumeric } from './var-numeric.js';

export type CopyColumn = {
  readonly name: string;
  readonly type: SqlType;
  /** 23502 for a NULL, when set. */
  readonly notNull?: boolean;
};

export type CopyContext = {
  /** For messages: `COPY t, line 3, column c: "abc"`. */
  readonly table: string;
  readonly settings: FunctionContext;
};

/** COPY's WHERE as parsing needs it: an error counts only in rows that are kept, in the order of the lines. */
export type CopyFilter = {
  /** Its evaluation may fail, so that every row must be tried here. */
  readonly canFail: boolean;
  readonly keeps: (columns: readonly ColumnarColumn[], row: number) => boolean;
};

/** Parses whole lines; `columns[i]` is field i. A filter leaves no row out, it says which errors count. Throws 22P04, 22P02, 22003, 22007, 22001, 22021, 23502 with CONTEXT. */
export function parseCopyBlock(
  bytes: Uint8Array,
  firstLine: number,
  options: CopyOptions,
  columns: readonly CopyColumn[],
  context: CopyContext,
  filter?: CopyFilter,
): ColumnarRows {
  const names = columns.map((c) => c.name);
  const fields =
    options.format === 'binary'
      ? splitTuples(bytes, firstLine, context.table, names)
      : splitCopyBlock(bytes, firstLine, options, context.table, names);
  const block: Block = { bytes, fields, options, context, scratch: new Uint8Array(256) };
  let limit = fields.rows;
  let first: Fault | undefined;
  const parsed: ColumnarColumn[] = [];
  for (let c = 0; c < columns.length; c++) {
    const partial = fields.fault !== undefined && first === undefined && c < fields.fault.fields ? 1 : 0;
    try {
      parsed.push(parseColumn(block, c, columns[c], limit + partial));
    } catch (e) {
      if (!(e instanceof FieldError)) throw e;
      first = { row: e.row, column: c, cause: e.cause };
      limit = e.row;
      parsed.push(parseColumn(block, c, columns[c], limit));
    }
  }
  if (filter !== undefined || columns.some((c) => c.notNull))
    checkRows(block, firstLine, columns, parsed, limit, filter);
  if (first !== undefined) throw fieldFault(block, firstLine, columns, first);
  if (fields.fault !== undefined) throw fields.fault.error;
  checkEscapes(block, firstLine);
  return { rows: fields.rows, columns: parsed };
}

type Block = {
  readonly bytes: Uint8Array;
  readonly fields: CopyFields;
  readonly options: CopyOptions;
  readonly context: CopyContext;
  scratch: Uint8Array;
};

type Fault = { readonly row: number; readonly column: number; readonly cause: unknown };

class FieldError extends Error {
  readonly row: number;
  override readonly cause: unknown;
  constructor(row: number, cause: unknown) {
    super('');
    this.row = row;
    this.cause = cause;
  }
}

function rowLineEnd(block: Block, row: number): number {
  const { fields, bytes } = block;
  if (row < fields.rows) return fields.lineEnds[row];
  return lineEndAt(bytes, row === 0 ? 0 : fields.lineEnds[row - 1], block.options);
}

function fieldFault(block: Block, firstLine: number, columns: readonly CopyColumn[], fault: Fault): unknown {
  if (!(fault.cause instanceof SqlError)) return fault.cause;
  const name = columns[fault.column].name;
  if (block.options.format === 'binary') {
    const where = `COPY ${block.context.table}, line ${firstLine + fault.row}, column ${name}`;
    return fault.cause.with({ where });
  }
  const line = lineNumber(block.bytes, firstLine, rowLineEnd(block, fault.row));
  const [bytes, start, end] = fieldBytes(block, fault.row, fault.column);
  const where = `COPY ${block.context.table}, line ${line}, column ${name}: "${shownText(bytes, start, end)}"`;
  return fault.cause.with({ where });
}

/** What can be wrong with a row whose fields are right: the filter fails on it, or it is kept and a column lacks its
 *  value. */
function checkRows(
  block: Block,
  firstLine: number,
  columns: readonly CopyColumn[],
  parsed: readonly ColumnarColumn[],
  rows: number,
  filter: CopyFilter | undefined,
): void {
  const { starts } = block.fields;
  const required = columns.flatMap((c, i) => (c.notNull === true ? [i] : []));
  for (let row = 0; row < rows; row++) {
    const missing = required.find((c) => starts[row * columns.length + c] < 0);
    if (missing === undefined && filter?.canFail !== true) continue;
    let keeps: boolean;
    try {
      keeps = filter === undefined || filter.keeps(parsed, row);
    } catch (e) {
      throw e instanceof SqlError ? e.with({ where: lineContext(block, firstLine, row) }) : e;
    }
    if (missing === undefined || !keeps) continue;
    const { table } = block.context;
    const { name } = columns[missing];
    const relation = table.slice(table.lastIndexOf('.') + 1);
    throw new SqlError(
      '23502',
      `null value in column "${name}" of relation "${relation}" violates not-null constraint`,
      { where: lineContext(block, firstLine, row), table: relation, column: name },
    );
  }
}

function lineContext(block: Block, firstLine: number, row: number): string {
  const { fields, bytes, context } = block;
  if (block.options.format === 'binary') return `COPY ${context.table}, line ${firstLine + row}`;
  const end = fields.lineEnds[row];
  const start = row === 0 ? 0 : fields.lineEnds[row - 1];
  const line = lineNumber(bytes, firstLine, end);
  return `COPY ${context.table}, line ${line}: "${shownText(bytes, start, textEnd(bytes, end))}"`;
}

/** The bytes of a non-null field with its escapes undone. */
function fieldBytes(block: Block, row: number, column: number): readonly [Uint8Array, number, number] {
  const { fields, bytes, options } = block;
  const i = row * fields.columns + column;
  const start = fields.starts[i];
  const end = fields.ends[i];
  if (start < 0) return [bytes, 0, 0];
  if (end >= 0) return [bytes, start, end];
  const rawEnd = ~end;
  if (block.scratch.length < rawEnd - start) block.scratch = new Uint8Array((rawEnd - start) * 2);
  const length =
    options.format === 'csv'
      ? unquoteCsv(bytes, start, rawEnd, block.scratch, options)
      : unescapeText(bytes, start, rawEnd, block.scratch);
  return [block.scratch, 0, length];
}

/** `\xff` and `\0` are bytes that the text itself could not hold: what they make is checked like the text was. */
function checkEscapes(block: Block, firstLine: number): void {
  const { fields, options } = block;
  if (options.format !== 'text') return;
  for (let i = 0; i < fields.rows * fields.columns; i++) {
    if (fields.starts[i] < 0 || fields.ends[i] >= 0) continue;
    const row = Math.floor(i / fields.columns);
    const [scratch, , length] = fieldBytes(block, row, i % fields.columns);
    const made = scratch.subarray(0, length);
    if (isUtf8(made) && made.indexOf(0) < 0) continue;
    throw new SqlError(
      '22021',
      `invalid byte sequence for encoding "UTF8": ${isUtf8(made) ? '0x00' : invalidSequence(made)}`,
      { where: lineContext(block, firstLine, row) },
    );
  }
}

/** Without its line end. */
function textEnd(bytes: Uint8Array, lineEnd: number): number {
  let end = lineEnd;
  if (bytes[end - 1] === 10) end--;
  if (bytes[end - 1] === 13) end--;
  return end;
}

// ---------------------------------------------------------------- columns

function parseColumn(block: Block, c: number, column: CopyColumn, rows: number): ColumnarColumn {
  const { type } = column;
  const encoding = encodingOf(type);
  const validity = validityOf(block.fields, c, rows);
  if (encoding === 'utf8') return { encoding, validity, ...parseBytes(block, c, type, rows) };
  const data = new Uint8Array(rows * encodingBytes(encoding));
  parseFixed(block, c, type, encoding, rows, data);
  return { encoding, data, offsets: undefined, validity };
}

function validityOf(fields: CopyFields, c: number, rows: number): Uint8Array | undefined {
  let bitmap: Uint8Array | undefined;
  for (let row = 0, i = c; row < rows; row++, i += fields.columns) {
    if (fields.starts[i] >= 0) continue;
    bitmap ??= new Uint8Array((rows + 7) >> 3).fill(0xff);
    bitmap[row >> 3] &= ~(1 << (row & 7));
  }
  return bitmap;
}

function parseFixed(
  block: Block,
  c: number,
  type: SqlType,
  encoding: Encoding,
  rows: number,
  data: Uint8Array,
): void {
  const { fields, bytes } = block;
  const stride = fields.columns;
  const view = new DataView(data.buffer);
  const width = encodingBytes(encoding);
  const fast =
    block.options.format === 'binary'
      ? fastBinaryField(type, encoding, new DataView(bytes.buffer, bytes.byteOffset, bytes.length))
      : fastParser(type, encoding);
  for (let row = 0, i = c; row < rows; row++, i += stride) {
    const start = fields.starts[i];
    if (start < 0) continue;
    const end = fields.ends[i];
    if (fast !== undefined && end >= 0 && fast(bytes, start, end, view, row * width)) continue;
    slowFixed(block, row, c, type, encoding, view, row * width);
  }
}

function slowFixed(
  block: Block,
  row: number,
  c: number,
  type: SqlType,
  encoding: Encoding,
  view: DataView,
  at: number,
): void {
  const value = inputField(block, row, c, type);
  switch (encoding) {
    case 'i8':
      view.setUint8(at, value === true ? 1 : 0);
      return;
    case 'i32':
      view.setInt32(at, Number(value) | 0, true);
      return;
    case 'f32':
      view.setFloat32(at, Number(value), true);
      return;
    case 'f64':
      view.setFloat64(at, Number(value), true);
      return;
    case 'i64':
      view.setBigInt64(at, unscaled(type, toStored(type, value)), true);
      return;
    default: {
      if (isInterval(value)) {
        writeInterval(view, at, value);
        return;
      }
      const v = unscaled(type, toStored(type, value));
      view.setBigInt64(at, BigInt.asIntN(64, v), true);
      view.setBigInt64(at + 8, v >> 64n, true);
    }
  }
}

function inputField(block: Block, row: number, c: number, type: SqlType): Value {
  const [source, from, to] = fieldBytes(block, row, c);
  if (block.options.format === 'binary') return binaryField(block, row, source.subarray(from, to), type);
  const text = Buffer.from(source.buffer, source.byteOffset + from, to - from).toString('utf8');
  try {
    return parseText(type, text, block.context.settings);
  } catch (e) {
    throw new FieldError(row, e);
  }
}

function binaryField(block: Block, row: number, bytes: Uint8Array, type: SqlType): Value {
  const field = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const { textEncoding } = block.options;
  try {
    return readBinary(type, field, {
      settings: block.context.settings,
      charset: textEncoding === undefined ? undefined : charsetNamed(textEncoding),
      leftOver: () => new SqlError('22P03', 'incorrect binary data format'),
    });
  } catch (e) {
    throw new FieldError(row, e);
  }
}

/** Writes the field's value at `at`; false when the field is not of the plain form that the loop knows. */
type FastParser = (bytes: Uint8Array, start: number, end: number, view: DataView, at: number) => boolean;

function fastParser(type: SqlType, encoding: Encoding): FastParser | undefined {
  switch (type.kind) {
    case 'int2':
      return integerParser(32768);
    case 'int4':
      return integerParser(2147483648);
    case 'int8':
      return decimalParser(0, Number.MAX_SAFE_INTEGER, 8);
    case 'numeric': {
      if (type.precision === undefined || type.scale === undefined || type.scale < 0) return undefined;
      if (encoding !== 'i64' && encoding !== 'i128') return undefined;
      const limit = type.precision > 15 ? Number.MAX_SAFE_INTEGER : 10 ** type.precision - 1;
      return decimalParser(type.scale, limit, encoding === 'i64' ? 8 : 16);
    }
    case 'date':
      return parseIsoDate;
    case 'bool':
      return parseBoolLetter;
    default:
      return undefined;
  }
}

function integerParser(bound: number): FastParser {
  return (bytes, start, end, view, at) => {
    let i = start;
    const negative = bytes[i] === 45;
    if (negative) i++;
    const digits = end - i;
    if (digits < 1 || digits > 10) return false;
    let v = 0;
    for (; i < end; i++) {
      const d = bytes[i] - 48;
      if (d < 0 || d > 9) return false;
      v = v * 10 + d;
    }
    if (v >= bound) return false;
    view.setInt32(at, negative ? -v : v, true);
    return true;
  };
}

/** Digits with at most `scale` after a point, whose scaled value a double holds exactly. */
function decimalParser(scale: number, limit: number, width: 8 | 16): FastParser {
  return (bytes, start, end, view, at) => {
    let i = start;
    const negative = bytes[i] === 45;
    if (negative) i++;
    if (end - i > 16 || i >= end) return false;
    let v = 0;
    let fraction = -1;
    let digits = 0;
    for (; i < end; i++) {
      const d = bytes[i] - 48;
      if (d >= 0 && d <= 9) {
        v = v * 10 + d;
        digits++;
        if (fraction >= 0) fraction++;
      } else if (d === -2 && fraction < 0 && scale > 0) fraction = 0;
      else return false;
    }
    if (fraction < 0) fraction = 0;
    if (fraction > scale || digits === 0 || digits + scale - fraction > 15) return false;
    for (; fraction < scale; fraction++) v *= 10;
    if (v > limit) return false;
    let high = Math.floor(v / 4294967296);
    let low = v >>> 0;
    if (negative && v !== 0) {
      low = -low >>> 0;
      high = low === 0 ? -high : ~high;
    }
    view.setUint32(at, low, true);
    view.setInt32(at + 4, high, true);
    if (width === 16) view.setBigInt64(at + 8, negative && v !== 0 ? -1n : 0n, true);
    return true;
  };
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const high = bytes[at] - 48;
  const low = bytes[at + 1] - 48;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : -1;
}

/** `YYYY-MM-DD`, years 1 to 9999. */
function parseIsoDate(bytes: Uint8Array, start: number, end: number, view: DataView, at: number): boolean {
  if (end - start !== 10 || bytes[start + 4] !== 45 || bytes[start + 7] !== 45) return false;
  const century = twoDigits(bytes, start);
  const rest = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  if (century < 0 || rest < 0 || month < 1 || month > 12 || day < 1) return false;
  const year = century * 100 + rest;
  if (year === 0 || day > daysInMonth(year, month)) return false;
  view.setInt32(at, daysFromCivil(year, month, day), true);
  return true;
}

function parseBoolLetter(bytes: Uint8Array, start: number, end: number, view: DataView, at: number): boolean {
  if (end - start !== 1) return false;
  const c = bytes[start];
  if (c === 116 || c === 49) view.setUint8(at, 1);
  else if (c === 102 || c === 48) view.setUint8(at, 0);
  else return false;
  return true;
}

// ---------------------------------------------------------------- strings

type Bytes = { readonly data: Uint8Array; readonly offsets: Int32Array };

function parseBytes(block: Block, c: number, type: SqlType, rows: number): Bytes {
  const { fields } = block;
  const stride = fields.columns;
  const offsets = new Int32Array(rows + 1);
  const padTo = type.kind === 'bpchar' ? (type.length ?? 0) : 0;
  const lengthMax =
    type.kind === 'varchar' || type.kind === 'bpchar' ? (type.length ?? Number.MAX_SAFE_INTEGER) : -1;
  const binary = block.options.format === 'binary';
  const plain = (type.kind === 'text' || lengthMax >= 0) && block.options.textEncoding === undefined;
  if (plain && binary) {
    // Text was checked as a whole; of tuples only what is a string is text.
    const badText = firstBadText(block.bytes, fields, c, rows);
    if (badText < rows) {
      parseBytes(block, c, type, badText);
      inputField(block, badText, c, type);
    }
  }
  let room = 0;
  if (plain)
    for (let row = 0, i = c; row < rows; row++, i += stride) {
      const end = fields.ends[i];
      if (fields.starts[i] >= 0) room += Math.max((end < 0 ? ~end : end) - fields.starts[i], padTo * 4);
    }
  let data = new Uint8Array(room);
  let used = 0;
  for (let row = 0, i = c; row < rows; row++, i += stride) {
    if (fields.starts[i] < 0) {
      offsets[row + 1] = used;
      continue;
    }
    if (!plain) {
      const bytes = inputBytes(block, row, c, type);
      if (used + bytes.length > data.length) {
        const wider = new Uint8Array(Math.max(data.length * 2, used + bytes.length, 1024));
        wider.set(data.subarray(0, used));
        data = wider;
      }
      data.set(bytes, used);
      used += bytes.length;
      offsets[row + 1] = used;
      continue;
    }
    let source = block.bytes;
    let from = fields.starts[i];
    let to = fields.ends[i];
    if (to < 0) [source, from, to] = fieldBytes(block, row, c);
    let characters = -1;
    if (lengthMax >= 0 && (to - from > lengthMax || padTo > 0)) {
      const fit = fitLength(source, from, to, lengthMax);
      if (fit.end < 0) throw new FieldError(row, tooLong(type, lengthMax));
      to = fit.end;
      characters = fit.characters;
    }
    if (to - from < 40) for (let k = from; k < to; k++) data[used++] = source[k];
    else {
      data.set(source.subarray(from, to), used);
      used += to - from;
    }
    for (; characters >= 0 && characters < padTo; characters++) data[used++] = 32;
    offsets[row + 1] = used;
  }
  return { data: data.subarray(0, used), offsets };
}

function tooLong(type: SqlType, length: number): SqlError {
  const name = type.kind === 'bpchar' ? 'character' : 'character varying';
  return new SqlError('22001', `value too long for type ${name}(${length})`);
}

/** Characters past the limit may only be spaces, which are dropped; `end` is -1 when others are. */
function fitLength(
  bytes: Uint8Array,
  start: number,
  end: number,
  limit: number,
): { readonly end: number; readonly characters: number } {
  let characters = 0;
  for (let i = start; i < end; i++) {
    if ((bytes[i] & 0xc0) === 0x80) continue;
    if (characters === limit) {
      for (let k = i; k < end; k++) if (bytes[k] !== 32) return { end: -1, characters };
      return { end: i, characters };
    }
    characters++;
  }
  return { end, characters };
}

const utf8 = new TextEncoder();

function inputBytes(block: Block, row: number, c: number, type: SqlType): Uint8Array {
  const value = inputField(block, row, c, type);
  if (typeof value === 'string') return utf8.encode(value);
  if (value instanceof Uint8Array) return value;
  if (isNumeric(value)) return encodeVarNumeric(value);
  throw new Error(`a value of ${type.kind} has no bytes`);
}
