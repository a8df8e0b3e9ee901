/** WebAssembly that parses a block of COPY lines, made for one list of columns and one set of options.
 *
 *  Owns: one pass over the bytes, field by field in the order of the columns, straight into the layout of a batch.
 *  Invariant: it accepts only what it reads exactly as `types/copy-text.ts` would. Anything else (an error, a rare
 *  form) makes it decline the whole block, which is then parsed there: it needs no error messages of its own.
 *  Source: PostgreSQL, copyfromparse.c (the formats). */
import type { CopyOptions } from '../../types/copy-options.js';
import type { CopyColumn } from '../../types/copy-text.js';
import { BATCH_COLUMN_BYTES, BATCH_HEADER_BYTES } from '../../types/memory.js';
import { type Label, type Local, ModuleBuilder } from '../wasm/module-builder.js';
import { CopyLib } from './copy-lib.js';
import { emitFixed, isFixed, type RowContext } from './fixed-fields.js';
import { emitString, isString } from './string-fields.js';

/** What the compiled parser may read past the end of its input, and write past the end of a column's strings. */
export const COPY_SLACK_BYTES = 64;

/** So many columns of strings each have room for the whole input; more of them share what these would have. */
export const FULL_STRINGS_MAX = 24;

/** Undefined: these columns or options are for the parser in TypeScript.
 *
 *  Exports `scan(at, end)`: newlines in the low half, and in the high half 1 when a byte is not ASCII, 2 when one is zero;
 *  `parse(batch, at, end, ascii)`: rows, or -1 when it declines. The descriptor's addresses are filled in by the
 *  caller, and when strings share room the end of each column's at +28; the word at +24 becomes 1 when a value is NULL.
 *  The input ends in a newline. Behind all buffers is room for the input once more: a string is found to have outgrown
 *  its column when it has been copied. */
export function buildCopyModule(
  columns: readonly CopyColumn[],
  options: CopyOptions,
): Uint8Array | undefined {
  if (
    options.format === 'binary' ||
    columns.length === 0 ||
    columns.length > 400 ||
    !isPlain(columns, options)
  )
    return undefined;
  const m = new ModuleBuilder();
  m.importMemory(1, 65536);
  const lib = new CopyLib(m, options);
  const f = m.func(['i32', 'i32', 'i32', 'i32'], ['i32'], 'parse');
  const [batch, at, end, ascii] = f.params as [Local, Local, Local, Local];
  const row = f.local('i32');
  const places = columns.map((c, i) => {
    const base = BATCH_HEADER_BYTES + i * BATCH_COLUMN_BYTES;
    const data = f.local('i32');
    f.get(batch).mem('i32.load', base).set(data);
    if (!isString(c.type)) return { base, data, offsets: data, out: data };
    const offsets = f.local('i32');
    f.get(batch)
      .mem('i32.load', base + 8)
      .set(offsets);
    f.get(offsets).i32(0).mem('i32.store');
    const out = f.local('i32');
    f.get(data).set(out);
    return { base, data, offsets, out };
  });
  const nullBytes = [...Buffer.from(options.nullString)];
  const csv = options.format === 'csv';
  const shared = columns.filter((c) => isString(c.type)).length > FULL_STRINGS_MAX;
  const quote = options.quote.charCodeAt(0);
  const context: Omit<RowContext, 'decline'> = { f, lib, at, end, row, ascii };
  f.block((decline) => {
    f.while(
      () => f.get(at).get(end).op('i32.lt_u'),
      () => {
        columns.forEach((column, i) => {
          const last = i === columns.length - 1;
          const terminator = last ? 10 : options.delimiter.charCodeAt(0);
          const place = places[i]!;
          f.block((done: Label) => {
            f.block((notNull: Label) => {
              [...nullBytes, terminator].forEach((b, k) => {
                f.get(at).mem('i32.load8_u', k).i32(b).op('i32.ne').brIf(notNull);
              });
              f.get(batch).get(row).i32(place.base).call(lib.setNull);
              if (isString(column.type)) pushOffset();
              else emitFixed({ ...context, decline }, column.type, place.data, 'zero');
              f.get(at).i32(nullBytes.length).op('i32.add').set(at).br(done);
            });
            const row_ = { ...context, decline };
            if (isString(column.type)) {
              emitString(row_, column.type, place.out, options);
              if (shared) {
                f.get(place.out)
                  .get(batch)
                  .mem('i32.load', place.base + 28);
                f.op('i32.gt_u').brIf(decline);
              }
              pushOffset();
            } else if (csv) emitQuotable(row_, column, place.data);
            else emitFixed(row_, column.type, place.data, 'value');
          });
          f.get(at).mem('i32.load8_u').i32(terminator).op('i32.ne').brIf(decline);
          f.get(at).i32(1).op('i32.add').set(at);

          function pushOffset(): void {
            f.get(place.offsets).get(row).i32(2).op('i32.shl').op('i32.add');
            f.get(place.out).get(place.data).op('i32.sub').mem('i32.store', 4);
          }
        });
        f.get(row).i32(1).op('i32.add').set(row);
      },
    );
    columns.forEach((c, i) => {
      const place = places[i]!;
      if (isString(c.type)) {
        f.get(batch).get(place.out).get(place.data).op('i32.sub');
        f.mem('i32.store', place.base + 20);
      }
    });
    f.get(row).return();
  });
  f.i32(-1);
  return m.encode();

  /** A number in quotes is the number. */
  function emitQuotable(context: RowContext, column: CopyColumn, data: Local): void {
    const quoted = f.local('i32');
    f.get(at).mem('i32.load8_u').i32(quote).op('i32.eq').tee(quoted);
    f.get(at).op('i32.add').set(at);
    emitFixed(context, column.type, data, 'value');
    f.get(quoted).if(() => {
      f.get(at).mem('i32.load8_u').i32(quote).op('i32.ne').brIf(context.decline);
      f.get(at).i32(1).op('i32.add').set(at);
    });
    f.release(quoted);
  }
}

/** Whether a terminator or quote can never be read as part of a value, and all types are known. */
function isPlain(columns: readonly CopyColumn[], options: CopyOptions): boolean {
  const { delimiter, quote, escape: escapes, format, nullString } = options;
  const marks = format === 'csv' ? delimiter + quote + escapes : delimiter;
  if (/[0-9A-Za-z+.-]/.test(marks) || marks.length !== (format === 'csv' ? 3 : 1)) return false;
  if ([...marks].some((c) => c > '\x7f' || c < '\t' || c === '\n' || c === '\r')) return false;
  if (/[: ]/.test(marks) && columns.some((c) => c.type.kind.startsWith('timestamp'))) return false;
  if (format === 'text' && delimiter === '\\') return false;
  if (Buffer.byteLength(nullString) > COPY_SLACK_BYTES / 2) return false;
  if (options.forceNotNull.length > 0 || options.forceNull.length > 0) return false;
  return columns.every((c) => isString(c.type) || isFixed(c.type));
}
