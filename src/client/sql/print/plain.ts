/** Formats without layout: unaligned, CSV, JSON, Markdown. */
import type { PrintOptions } from './options.js';
import { footersWithDefault, isFirst, isLast, type Out, type Table } from './table.js';

function fieldSeparator(o: PrintOptions): string {
  return o.fieldSepZero ? '\0' : o.fieldSep;
}

function recordSeparator(o: PrintOptions): string {
  return o.recordSepZero ? '\0' : o.recordSep;
}

/** The last record ends with a newline, whatever separates records, or with the zero byte that does. */
function lastEnd(o: PrintOptions): string {
  return o.recordSepZero ? '\0' : '\n';
}

export function printUnaligned(table: Table, o: PrintOptions, out: Out): void {
  const [field, record] = [fieldSeparator(o), recordSeparator(o)];
  let pending = !isFirst(table);
  if (isFirst(table) && !o.tuplesOnly) {
    if (table.title !== undefined) out(`${table.title}${record}`);
    out(table.columns.map((c) => c.name).join(field));
    pending = true;
  }
  for (const row of table.rows) {
    if (pending) out(record);
    out(row.map((c) => c ?? '').join(field));
    pending = row.length > 0;
  }
  if (!isLast(table)) return;
  if (!o.tuplesOnly)
    for (const footer of footersWithDefault(table, o.defaultFooter) ?? []) {
      if (pending) out(record);
      out(footer);
      pending = true;
    }
  if (pending) out(lastEnd(o));
}

export function printUnalignedExpanded(table: Table, o: PrintOptions, out: Out): void {
  const [field, record] = [fieldSeparator(o), recordSeparator(o)];
  let pending = !isFirst(table);
  if (isFirst(table) && !o.tuplesOnly && table.title !== undefined) {
    out(table.title);
    pending = true;
  }
  for (const row of table.rows) {
    if (pending) out(record + record);
    out(row.map((c, i) => `${table.columns[i]!.name}${field}${c ?? ''}`).join(record));
    pending = true;
  }
  if (!isLast(table)) return;
  if (!o.tuplesOnly && table.footers !== undefined && table.footers.length > 0) {
    out(record);
    for (const footer of table.footers) out(record + footer);
    pending = true;
  }
  if (pending) out(lastEnd(o));
}

function csvField(text: string, separator: string): string {
  const quoted = text.includes(separator) || /["\r\n]/.test(text) || text === '\\.';
  return quoted ? `"${text.replaceAll('"', '""')}"` : text;
}

export function printCsv(table: Table, o: PrintOptions, out: Out): void {
  const line = (cells: readonly (string | null)[]): string =>
    `${cells.map((c) => csvField(c ?? '', o.csvFieldSep)).join(o.csvFieldSep)}\n`;
  if (isFirst(table) && !o.tuplesOnly) out(line(table.columns.map((c) => c.name)));
  for (const row of table.rows) out(line(row));
}

export function printCsvExpanded(table: Table, o: PrintOptions, out: Out): void {
  for (const row of table.rows)
    for (const [i, cell] of row.entries())
      out(
        `${csvField(table.columns[i]!.name, o.csvFieldSep)}${o.csvFieldSep}${csvField(cell ?? '', o.csvFieldSep)}\n`,
      );
}

const NUMBER_TYPES = new Set([20, 21, 23, 26, 700, 701, 1700]);
const BOOL = 16;
const JSON_TYPES = new Set([114, 3802]);

/** A number stays a number, with all of its digits; what JSON has no number for is a string. */
function jsonValue(text: string | null, typeOid: number | undefined): string {
  if (text === null) return 'null';
  if (typeOid === BOOL) return text === 't' ? 'true' : 'false';
  if (
    typeOid !== undefined &&
    NUMBER_TYPES.has(typeOid) &&
    /^-?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?$/i.test(text)
  )
    return text;
  if (typeOid !== undefined && JSON_TYPES.has(typeOid)) return text;
  return JSON.stringify(text);
}

/** An array with one object a line. */
export function printJson(table: Table, out: Out): void {
  if (isFirst(table)) out('[');
  const names = table.columns.map((c) => JSON.stringify(c.name));
  let separator = isFirst(table) ? '' : ',\n';
  for (const row of table.rows) {
    out(
      `${separator}{${row.map((c, i) => `${names[i]}:${jsonValue(c, table.columns[i]!.typeOid)}`).join(',')}}`,
    );
    separator = ',\n';
  }
  if (isLast(table)) out(']\n');
}

function markdownCell(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replace(/\r?\n/g, '<br>');
}

export function printMarkdown(table: Table, o: PrintOptions, out: Out): void {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  if (isFirst(table)) {
    if (table.title !== undefined && !o.tuplesOnly) out(`**${markdownCell(table.title)}**\n\n`);
    // Without a header there is no table in Markdown: it stays in tuples-only mode.
    out(line(table.columns.map((c) => markdownCell(c.name))));
    out(`|${table.columns.map((c) => (c.align === 'r' ? '---:' : '---')).join('|')}|\n`);
  }
  for (const row of table.rows) out(line(row.map((c) => markdownCell(c ?? ''))));
  if (!isLast(table) || o.tuplesOnly) return;
  const footers = table.footers ?? [];
  if (footers.length > 0) out(`\n${footers.map(markdownCell).join('  \n')}\n`);
  out('\n');
}
