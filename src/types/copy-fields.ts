/** COPY text and CSV: from a block of whole lines to the byte range of every field.
 *
 *  Owns: quoting, escaping, line ends, NULL strings, too few and too many fields. Must not know: column types.
 *  Invariant: what comes out is where fields are, not their text; a field that needs unescaping is marked, and only
 *  those are ever copied. Source: PostgreSQL, copyfromparse.c (messages and which fault is found first). */
import { isUtf8 } from 'node:buffer';
import type { CopyOptions } from './copy-options.js';
import { SqlError } from './sql-error.js';

const NEWLINE = 10;
const RETURN = 13;
const BACKSLASH = 92;

/** `starts[row * columns + c]` is -1 for NULL; a negative `~end` in `ends` marks a field that must be unescaped. */
export type CopyFields = {
  readonly columns: number;
  readonly rows: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Offset just past row i's line. */
  readonly lineEnds: Int32Array;
  /** The first malformed line: rows before it are complete; `fields` of its own were found first. */
  readonly fault: { readonly error: SqlError; readonly row: number; readonly fields: number } | undefined;
};

/** The line of COPY's CONTEXT for the row whose line ends at `end`: the last of its physical lines. */
export function lineNumber(bytes: Uint8Array, firstLine: number, end: number): number {
  let line = firstLine;
  for (let i = 0; i < end - 1; i++) if (bytes[i] === NEWLINE) line++;
  return line;
}

/** PostgreSQL shows at most 100 bytes of a value or line. */
export function shownText(bytes: Uint8Array, start: number, end: number): string {
  const cut = end - start > 100;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, cut ? 100 : end - start).toString('utf8');
  return cut ? `${text.replace(/\ufffd+$/, '')}...` : text;
}

function checkEncoding(bytes: Uint8Array, table: string, firstLine: number): void {
  if (isUtf8(bytes) && bytes.indexOf(0) < 0) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let start = 0;
  for (let line = firstLine; start < buffer.length; line++) {
    const newline = buffer.indexOf(NEWLINE, start);
    const end = newline < 0 ? buffer.length : newline;
    const part = buffer.subarray(start, end);
    const nul = part.indexOf(0);
    if (nul >= 0 || !isUtf8(part)) {
      const shown = isUtf8(part) ? '0x00' : invalidSequence(part);
      throw new SqlError('22021', `invalid byte sequence for encoding "UTF8": ${shown}`, {
        where: `COPY ${table}, line ${line}`,
      });
    }
    start = end + 1;
  }
}

/** The first malformed sequence, as PostgreSQL prints it: `0xe4 0x20`. */
export function invalidSequence(bytes: Uint8Array): string {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i];
    const length =
      lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length === 0 || !isUtf8(bytes.subarray(i, i + length))) {
      const shown = Math.min(Math.max(length, 1), bytes.length - i);
      return [...bytes.subarray(i, i + shown)].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(' ');
    }
    i += length;
  }
  return '0x00';
}

export class FieldList {
  starts: Int32Array;
  ends: Int32Array;
  lineEnds: Int32Array;
  readonly columns: number;
  rows = 0;
  fault: CopyFields['fault'];

  constructor(columns: number, sizeBytes: number) {
    this.columns = columns;
    const rows = Math.max(16, Math.ceil(sizeBytes / Math.max(8, columns * 6)));
    this.starts = new Int32Array(rows * columns);
    this.ends = new Int32Array(rows * columns);
    this.lineEnds = new Int32Array(rows);
  }

  grow(): void {
    const rows = this.lineEnds.length * 2;
    const wider = (a: Int32Array, length: number) => {
      const b = new Int32Array(length);
      b.set(a);
      return b;
    };
    this.starts = wider(this.starts, rows * this.columns);
    this.ends = wider(this.ends, rows * this.columns);
    this.lineEnds = wider(this.lineEnds, rows);
  }
}

export function splitCopyBlock(
  bytes: Uint8Array,
  firstLine: number,
  options: CopyOptions,
  table: string,
  columnNames: readonly string[],
): CopyFields {
  checkEncoding(bytes, table, firstLine);
  const list = new FieldList(columnNames.length, bytes.length);
  if (options.format === 'csv') splitCsv(bytes, options, list, columnNames);
  else splitText(bytes, options, list, columnNames);
  const fault = list.fault;
  if (fault !== undefined) {
    // The faulty line's own end is not in the list: it runs from the last row's end to its newline.
    const start = list.rows === 0 ? 0 : list.lineEnds[list.rows - 1];
    const end = lineEndAt(bytes, start, options);
    const line = lineNumber(bytes, firstLine, end);
    const where = `COPY ${table}, line ${line}: "${shownText(bytes, start, trimLineEnd(bytes, start, end))}"`;
    list.fault = { ...fault, error: fault.error.with({ where }) };
  }
  return list;
}

function trimLineEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end > start && bytes[end - 1] === NEWLINE) end--;
  if (end > start && bytes[end - 1] === RETURN) end--;
  return end;
}

/** Whether lines end in CRLF: the first line tells. */
function endsWithCarriage(bytes: Uint8Array, options: CopyOptions): boolean {
  const end = lineEndAt(bytes, 0, options);
  return end > 1 && bytes[end - 1] === NEWLINE && bytes[end - 2] === RETURN;
}

/** Offset just past the line that starts at `start`. CSV lines may hold newlines inside of quotes, lines of text
 *  escaped ones. */
export function lineEndAt(bytes: Uint8Array, start: number, options: CopyOptions): number {
  if (options.format === 'text') {
    for (let i = start; i < bytes.length; i++) {
      if (bytes[i] === BACKSLASH) i++;
      else if (bytes[i] === NEWLINE) return i + 1;
    }
    return bytes.length;
  }
  const quote = options.quote.charCodeAt(0);
  const escapeByte = options.escape.charCodeAt(0);
  let inQuotes = false;
  for (let i = start; i < bytes.length; i++) {
    const c = bytes[i];
    if (inQuotes && c === escapeByte && escapeByte !== quote) {
      if (bytes[i + 1] === quote || bytes[i + 1] === escapeByte) i++;
    } else if (c === quote) inQuotes = !inQuotes;
    else if (c === NEWLINE && !inQuotes) return i + 1;
  }
  return bytes.length;
}

function extraData(): SqlError {
  return new SqlError('22P04', 'extra data after last expected column');
}

function missingData(column: string): SqlError {
  return new SqlError('22P04', `missing data for column "${column}"`);
}

function equalsAt(bytes: Uint8Array, start: number, end: number, what: Uint8Array): boolean {
  if (end - start !== what.length) return false;
  for (let i = 0; i < what.length; i++) if (bytes[start + i] !== what[i]) return false;
  return true;
}

function splitText(bytes: Uint8Array, options: CopyOptions, list: FieldList, names: readonly string[]): void {
  const delimiter = options.delimiter.charCodeAt(0);
  const nullBytes = Buffer.from(options.nullString);
  const columns = list.columns;
  const carriage = endsWithCarriage(bytes, options);
  const length = bytes.length;
  let at = 0;
  while (at < length) {
    if (list.rows === list.lineEnds.length) list.grow();
    const { starts, ends } = list;
    const base = list.rows * columns;
    let fields = 0;
    let lineEnd = -1;
    let fault: SqlError | undefined;
    for (;;) {
      const start = at;
      let escaped = false;
      let c = -1;
      for (; at < length; at++) {
        c = bytes[at];
        if (c === delimiter || c === NEWLINE) break;
        if (c === BACKSLASH) {
          escaped = true;
          if (at + 1 < length && (bytes[at + 1] !== RETURN || !carriage)) at++;
        } else if (c === RETURN && !(carriage && at + 1 < length && bytes[at + 1] === NEWLINE)) {
          fault ??= new SqlError('22P04', 'literal carriage return found in data', {
            hint: 'Use "\\r" to represent carriage return.',
          });
        }
      }
      let end = Math.min(at, length);
      const lastField = at >= length || c !== delimiter;
      if (lastField && carriage && at < length) {
        if (end > start && bytes[end - 1] === RETURN) end--;
        else
          fault ??= new SqlError('22P04', 'literal newline found in data', {
            hint: 'Use "\\n" to represent newline.',
          });
      }
      if (fields < columns) {
        const isNull = equalsAt(bytes, start, end, nullBytes);
        starts[base + fields] = isNull ? -1 : start;
        ends[base + fields] = escaped ? ~end : end;
      }
      fields++;
      if (lastField) {
        lineEnd = Math.min(at + 1, length);
        at = lineEnd;
        break;
      }
      at++;
    }
    // A table without columns takes empty lines.
    if (columns === 0 && fields === 1 && lineEnd - 1 <= (list.rows === 0 ? 0 : list.lineEnds[list.rows - 1]))
      fields = 0;
    if (fault === undefined && fields > columns) fault = extraData();
    if (fault !== undefined) fields = 0;
    else if (fields < columns) fault = missingData(names[fields]);
    if (fault !== undefined) {
      list.fault = { error: fault, row: list.rows, fields };
      return;
    }
    list.lineEnds[list.rows++] = lineEnd;
  }
}

function splitCsv(bytes: Uint8Array, options: CopyOptions, list: FieldList, names: readonly string[]): void {
  const delimiter = options.delimiter.charCodeAt(0);
  const quote = options.quote.charCodeAt(0);
  const escapeByte = options.escape.charCodeAt(0);
  const nullBytes = Buffer.from(options.nullString);
  const columns = list.columns;
  const notNull = new Set(options.forceNotNull);
  const forceNull = new Set(options.forceNull);
  const carriage = endsWithCarriage(bytes, options);
  const length = bytes.length;
  let at = 0;
  while (at < length) {
    if (list.rows === list.lineEnds.length) list.grow();
    const { starts, ends } = list;
    const base = list.rows * columns;
    let fields = 0;
    let fault: SqlError | undefined;
    let lineEnd = -1;
    for (;;) {
      const start = at;
      let sawQuote = false;
      let quotedUntil = -1;
      let inQuotes = false;
      let plainQuoted = false;
      let c = -1;
      if (at < length && bytes[at] === quote) {
        // The common form, one quoted run without escapes: its inside is the field.
        let i = at + 1;
        while (i < length && bytes[i] !== quote && bytes[i] !== escapeByte) i++;
        const after = i + 1;
        if (
          i < length &&
          bytes[i] === quote &&
          (after >= length ||
            bytes[after] === delimiter ||
            bytes[after] === NEWLINE ||
            bytes[after] === RETURN)
        ) {
          plainQuoted = true;
          quotedUntil = i;
          at = after;
          sawQuote = true;
        }
      }
      for (; at < length; at++) {
        c = bytes[at];
        if (inQuotes) {
          if (
            c === escapeByte &&
            at + 1 < length &&
            (bytes[at + 1] === quote || bytes[at + 1] === escapeByte)
          )
            at++;
          else if (c === quote) inQuotes = false;
        } else if (c === delimiter || c === NEWLINE) break;
        else if (c === quote) {
          inQuotes = true;
          sawQuote = true;
          plainQuoted = false;
        } else if (c === RETURN) {
          if (!(carriage && at + 1 < length && bytes[at + 1] === NEWLINE))
            fault ??= new SqlError('22P04', 'unquoted carriage return found in data', {
              hint: 'Use quoted CSV field to represent carriage return.',
            });
        } else plainQuoted = false;
      }
      if (inQuotes) fault ??= new SqlError('22P04', 'unterminated CSV quoted field');
      let end = Math.min(at, length);
      const lastField = at >= length || c !== delimiter;
      if (lastField && carriage && at < length) {
        if (end > start && bytes[end - 1] === RETURN) end--;
        else
          fault ??= new SqlError('22P04', 'unquoted newline found in data', {
            hint: 'Use quoted CSV field to represent newline.',
          });
      }
      if (fields < columns) {
        const from = plainQuoted ? start + 1 : start;
        const to = plainQuoted ? quotedUntil : end;
        const isNull = sawQuote
          ? plainQuoted && forceNull.has(fields) && equalsAt(bytes, from, to, nullBytes)
          : !notNull.has(fields) && equalsAt(bytes, from, to, nullBytes);
        starts[base + fields] = isNull ? -1 : from;
        ends[base + fields] = sawQuote && !plainQuoted ? ~to : to;
      }
      fields++;
      if (lastField) {
        lineEnd = Math.min(at + 1, length);
        at = lineEnd;
        break;
      }
      at++;
      c = -1;
    }
    if (fault === undefined && fields > columns) fault = extraData();
    if (fault !== undefined) fields = 0;
    else if (fields < columns) fault = missingData(names[fields]);
    if (fault !== undefined) {
      list.fault = { error: fault, row: list.rows, fields };
      return;
    }
    list.lineEnds[list.rows++] = lineEnd;
  }
}

/** Undoes the escapes of a text-format field into `out` (which holds at least `end - start` bytes); the new length. */
export function unescapeText(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let n = 0;
  for (let i = start; i < end; i++) {
    let c = bytes[i];
    if (c === BACKSLASH && i + 1 < end) {
      c = bytes[++i];
      switch (c) {
        case 98: // b
          c = 8;
          break;
        case 102: // f
          c = 12;
          break;
        case 110: // n
          c = 10;
          break;
        case 114: // r
          c = 13;
          break;
        case 116: // t
          c = 9;
          break;
        case 118: // v
          c = 11;
          break;
        case 120: {
          // x: one or two hexadecimal digits, else a plain x
          const high = hexDigit(bytes[i + 1], i + 1 < end);
          if (high < 0) break;
          i++;
          const low = hexDigit(bytes[i + 1], i + 1 < end);
          if (low >= 0) i++;
          c = low >= 0 ? high * 16 + low : high;
          break;
        }
        default:
          if (c >= 48 && c <= 55) {
            let value = c - 48;
            for (let k = 0; k < 2 && i + 1 < end && bytes[i + 1] >= 48 && bytes[i + 1] <= 55; k++)
              value = value * 8 + bytes[++i] - 48;
            c = value & 255;
          }
      }
    }
    out[n++] = c;
  }
  return n;
}

function hexDigit(c: number, present: boolean): number {
  if (!present) return -1;
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Removes the quotes of a CSV field into `out`; the new length. */
export function unquoteCsv(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  options: CopyOptions,
): number {
  const quote = options.quote.charCodeAt(0);
  const escapeByte = options.escape.charCodeAt(0);
  let inQuotes = false;
  let n = 0;
  for (let i = start; i < end; i++) {
    const c = bytes[i];
    if (inQuotes) {
      if (c === escapeByte && i + 1 < end && (bytes[i + 1] === quote || bytes[i + 1] === escapeByte))
        out[n++] = bytes[++i];
      else if (c === quote) inQuotes = false;
      else out[n++] = c;
    } else if (c === quote) inQuotes = true;
    else out[n++] = c;
  }
  return n;
}
