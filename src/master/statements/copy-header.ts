/** COPY FROM's HEADER MATCH: the names in the header line must be the columns', in their order.
 *
 *  22P04 otherwise. Source: PostgreSQL 15, copyfromparse.c (NextCopyFromRawFields). */
import { shownText, unescapeText, unquoteCsv } from '../../types/copy-fields.js';
import type { CopyOptions } from '../../types/copy-options.js';
import { SqlError } from '../../types/sql-error.js';

const BACKSLASH = 92;

/** `line`: without its line end. */
export function checkHeader(
  line: Buffer,
  options: CopyOptions,
  table: string,
  names: readonly string[],
): void {
  const wrong = (message: string): SqlError =>
    new SqlError('22P04', message, {
      where: `COPY ${table}, line 1: "${shownText(line, 0, line.length)}"`,
    });
  const fields = headerFields(line, options);
  if (fields.length !== names.length)
    throw wrong(`wrong number of fields in header line: got ${fields.length}, expected ${names.length}`);
  fields.forEach((field, i) => {
    const mismatch = `column name mismatch in header line field ${i + 1}:`;
    if (field === null)
      throw wrong(`${mismatch} got null value ("${options.nullString}"), expected "${names[i]}"`);
    if (field !== names[i]) throw wrong(`${mismatch} got "${field}", expected "${names[i]}"`);
  });
}

/** The fields of one line; null where the null string stands (unquoted, in CSV). An empty line has one. */
function headerFields(line: Buffer, options: CopyOptions): readonly (string | null)[] {
  const csv = options.format === 'csv';
  const delimiter = options.delimiter.charCodeAt(0);
  const quote = options.quote.charCodeAt(0);
  const escapeByte = options.escape.charCodeAt(0);
  const fields: (string | null)[] = [];
  let start = 0;
  let quoted = false;
  let inQuotes = false;
  for (let i = 0; i <= line.length; i++) {
    const c = line[i];
    if (i < line.length && csv) {
      if (inQuotes && c === escapeByte && (line[i + 1] === quote || line[i + 1] === escapeByte)) i++;
      else if (c === quote) {
        inQuotes = !inQuotes;
        quoted = true;
      }
    } else if (c === BACKSLASH) i++;
    if (i < line.length && (inQuotes || line[i] !== delimiter || (!csv && c === BACKSLASH))) continue;
    const end = Math.min(i, line.length);
    const raw = line.toString('utf8', start, end);
    if (raw === options.nullString && !quoted) fields.push(null);
    else {
      const out = Buffer.alloc(end - start);
      const length = csv ? unquoteCsv(line, start, end, out, options) : unescapeText(line, start, end, out);
      fields.push(out.toString('utf8', 0, length));
    }
    start = i + 1;
    quoted = false;
  }
  return fields;
}
