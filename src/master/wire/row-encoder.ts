/** Chunks of finished rows to DataRow messages and to lines or tuples of COPY TO.
 *
 *  Owns: framing and quoting around the values that cell writers write. Invariant: many rows go into one buffer, and
 *  no JavaScript object is made per value on the usual paths. */
import type { Charset } from '../../types/charset.js';
import { csvField, textField } from '../../types/copy-format.js';
import type { CopyOptions } from '../../types/copy-options.js';
import type { MemoryPool, OutChunk } from '../../types/memory.js';
import { isStringType, type SqlType } from '../../types/sql-type.js';
import type { TextSettings } from '../../types/text-io.js';
import type { ByteWriter } from './byte-writer.js';
import { binaryWriter, chunkViews, isNullAt, textWriter } from './cell-writers.js';
import type { FormatCode } from './messages.js';

const DATA_ROW = 68;
const COPY_DATA = 100;

/** Rows [from, to) of the chunk as DataRow messages. */
export function encodeDataRows(
  w: ByteWriter,
  chunk: OutChunk,
  from: number,
  to: number,
  types: readonly SqlType[],
  formats: readonly FormatCode[],
  memory: MemoryPool,
  settings: TextSettings,
): void {
  const views = chunkViews(memory);
  const { u8 } = views;
  const count = types.length;
  const writers = types.map((type, c) =>
    formats[c] === 1
      ? binaryWriter(type, chunk.columns[c], views, settings)
      : textWriter(type, chunk.columns[c], views, settings),
  );
  const validity = chunk.columns.map((c) => c.validity);
  for (let row = from; row < to; row++) {
    const start = w.length;
    w.u8(DATA_ROW);
    w.i32(0);
    w.i16(count);
    for (let c = 0; c < count; c++) {
      if (validity[c] !== 0 && isNullAt(u8, validity[c], row)) {
        w.i32(-1);
        continue;
      }
      const at = w.length;
      w.i32(0);
      writers[c](w, row);
      w.patchI32(at, w.length - at - 4);
    }
    w.patchI32(start + 1, w.length - start - 1);
  }
}

/** Rows of the chunk as lines in the encoding; each is a CopyData message when `framed`. */
export function encodeCopyLines(
  w: ByteWriter,
  chunk: OutChunk,
  types: readonly SqlType[],
  options: CopyOptions,
  framed: boolean,
  memory: MemoryPool,
  settings: TextSettings,
  charset?: Charset,
): void {
  const views = chunkViews(memory);
  const writers = types.map((type, c) => textWriter(type, chunk.columns[c], views, settings));
  const validity = chunk.columns.map((c) => c.validity);
  const delimiter = options.delimiter.charCodeAt(0);
  const plain = types.map((type) => !isStringType(type) && type.kind !== 'bytea' && isOrdinary(options));
  for (let row = 0; row < chunk.rows; row++) {
    const start = w.length;
    if (framed) {
      w.u8(COPY_DATA);
      w.i32(0);
    }
    const from = w.length;
    for (let c = 0; c < types.length; c++) {
      if (c > 0) w.u8(delimiter);
      if (isNullAt(views.u8, validity[c], row)) {
        w.text(options.nullString);
        continue;
      }
      const at = w.length;
      writers[c](w, row);
      const forced = options.forceQuote === 'all' || options.forceQuote.includes(c);
      if (forced || !plain[c]) quoteInPlace(w, at, options, delimiter, forced, types.length === 1);
    }
    w.u8(10);
    w.convertTo(charset, from);
    if (framed) w.patchI32(start + 1, w.length - start - 1);
  }
}

/** Rows of the chunk as tuples of a binary COPY; each is a CopyData message when `framed`. */
export function encodeCopyTuples(
  w: ByteWriter,
  chunk: OutChunk,
  types: readonly SqlType[],
  framed: boolean,
  memory: MemoryPool,
  settings: TextSettings,
): void {
  const views = chunkViews(memory);
  const writers = types.map((type, c) => binaryWriter(type, chunk.columns[c], views, settings));
  const validity = chunk.columns.map((c) => c.validity);
  for (let row = 0; row < chunk.rows; row++) {
    const start = w.length;
    if (framed) {
      w.u8(COPY_DATA);
      w.i32(0);
    }
    w.i16(types.length);
    for (let c = 0; c < types.length; c++) {
      const at = w.length;
      w.i32(-1);
      if (isNullAt(views.u8, validity[c], row)) continue;
      writers[c](w, row);
      w.patchI32(at, w.length - at - 4);
    }
    if (framed) w.patchI32(start + 1, w.length - start - 1);
  }
}

/** No number, date or boolean has such a delimiter, quote or NULL in its text. */
function isOrdinary(options: CopyOptions): boolean {
  const special = /[0-9a-zA-Z:+\-. ]/;
  return (
    !special.test(options.delimiter) &&
    (options.format === 'text' || (!special.test(options.quote) && !/[0-9tf]/.test(options.nullString)))
  );
}

function quoteInPlace(
  w: ByteWriter,
  at: number,
  options: CopyOptions,
  delimiter: number,
  forced: boolean,
  single: boolean,
): void {
  const end = w.length;
  const { bytes } = w;
  let special = forced || (options.format === 'csv' && end - at <= options.nullString.length) || single;
  if (options.format === 'text') {
    for (let i = at; i < end && !special; i++) {
      const c = bytes[i];
      special = c === delimiter || c === 92 || (c >= 8 && c <= 13);
    }
  } else {
    const quote = options.quote.charCodeAt(0);
    for (let i = at; i < end && !special; i++) {
      const c = bytes[i];
      special = c === delimiter || c === quote || c === 10 || c === 13;
    }
    // The NULL string itself must be quoted.
    special ||= end - at === Buffer.byteLength(options.nullString);
  }
  if (!special) return;
  const value = bytes.toString('utf8', at, end);
  w.length = at;
  w.text(
    options.format === 'csv' ? csvField(value, options, forced, single) : textField(value, options.delimiter),
  );
}
