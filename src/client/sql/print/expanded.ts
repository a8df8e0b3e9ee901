/** One line for each column of each row, as psql's `\x` prints them. */
import { type LineStyle, lineStyle, type Rule } from './line-style.js';
import type { PrintOptions } from './options.js';
import { footersWithDefault, isFirst, isLast, type Out, type Table } from './table.js';
import { cellLines, headThatFits, type Line } from './width.js';

type Sizes = { header: number; data: number; headerLines: boolean; dataLines: boolean };

function measure(table: Table, cells: readonly (readonly (readonly Line[])[])[]): Sizes {
  const sizes: Sizes = { header: 0, data: 0, headerLines: false, dataLines: false };
  for (const c of table.columns) {
    const lines = cellLines(c.name);
    sizes.headerLines ||= lines.length > 1;
    for (const l of lines) sizes.header = Math.max(sizes.header, l.width);
  }
  for (const row of cells)
    for (const lines of row) {
      sizes.dataLines ||= lines.length > 1;
      for (const l of lines) sizes.data = Math.max(sizes.data, l.width);
    }
  return sizes;
}

/** Narrows the data to what the screen leaves of it. */
function wrapData(table: Table, options: PrintOptions, sizes: Sizes, old: boolean, columns: number): void {
  const { border } = options;
  let between: number;
  if (border === 0) between = sizes.headerLines ? 2 : 1;
  else if (border === 1) between = sizes.headerLines && old ? 4 : 3;
  else between = 7;
  if (sizes.dataLines && border < 2 && !old) between++;
  let record = 0;
  if (!options.tuplesOnly) {
    const digits = table.rows.length > 0 ? String(table.rows.length).length : 0;
    record = digits + (border === 0 ? 9 : border === 1 ? 12 : 15);
  }
  for (;;) {
    const width = Math.max(sizes.header + between + sizes.data, record);
    const least = Math.max(sizes.header + between + 3, record);
    const target = columns <= 0 || columns >= width ? width : Math.max(columns, least);
    const data = target - sizes.header - between;
    if (data < sizes.data && !sizes.dataLines && border < 2 && !old) {
      sizes.dataLines = true;
      between++;
      continue;
    }
    sizes.data = data;
    return;
  }
}

function recordLine(
  border: number,
  record: number,
  header: number,
  data: number,
  rule: Rule,
  out: Out,
): void {
  const { hrule } = rule;
  let line = border === 2 ? rule.left + hrule : border === 1 ? hrule : '';
  const name = record === 0 ? '' : border === 0 ? `* Record ${record}` : `[ RECORD ${record} ]`;
  line += name;
  let used = name.length + (border === 2 ? 0 : 1);
  const fill = border > 0 ? hrule : ' ';
  line += fill.repeat(Math.max(0, header - used));
  used -= header;
  if (border > 0) {
    if (used-- <= 0) line += hrule;
    if (used-- <= 0) line += rule.mid;
    if (used-- <= 0) line += hrule;
  } else if (used-- <= 0) line += ' ';
  line += fill.repeat(Math.max(0, data - Math.max(0, used)));
  out(`${line}${border === 2 ? hrule + rule.right : ''}\n`);
}

export function printExpanded(table: Table, options: PrintOptions, screenColumns: number, out: Out): void {
  const border = Math.min(options.border, 2);
  const style = lineStyle(options);
  if (table.rows.length === 0 && isFirst(table) && isLast(table)) {
    if (!options.tuplesOnly)
      for (const footer of footersWithDefault(table, options.defaultFooter) ?? []) out(`${footer}\n`);
    out('\n');
    return;
  }
  const cells = table.rows.map((row) => row.map((cell) => cellLines(cell ?? '')));
  const headers = table.columns.map((c) => cellLines(c.name));
  const sizes = measure(table, cells);
  if (isFirst(table) && !options.tuplesOnly && table.title !== undefined) out(`${table.title}\n`);
  if (options.format === 'wrapped') wrapData(table, options, sizes, style.old, screenColumns);
  const headerWidth = sizes.header + (border < 2 && sizes.headerLines && style.old ? 1 : 0);
  const before = table.part?.rowsBefore ?? 0;
  for (const [i, row] of cells.entries()) {
    const rule = i === 0 ? style.top : style.middle;
    if (!options.tuplesOnly) recordLine(border, before + i + 1, headerWidth, sizes.data, rule, out);
    else if (i > 0 || !isFirst(table) || border === 2)
      recordLine(border, 0, headerWidth, sizes.data, rule, out);
    for (const [k, lines] of row.entries()) printCell(headers[k]!, lines, sizes, border, style, out);
  }
  if (!isLast(table)) return;
  if (border === 2) recordLine(border, 0, sizes.header, sizes.data, style.bottom, out);
  if (!options.tuplesOnly && table.footers !== undefined && table.footers.length > 0) {
    if (border < 2) out('\n');
    for (const footer of table.footers) out(`${footer}\n`);
  }
  out('\n');
}

function printCell(
  header: readonly Line[],
  data: readonly Line[],
  sizes: Sizes,
  border: number,
  style: LineStyle,
  out: Out,
): void {
  const headerMarks = border > 0 || (sizes.headerLines && !style.old);
  const dataMarks = border > 1 || (sizes.dataLines && !style.old);
  let headerAt = 0;
  let dataAt = 0;
  let offset = 0;
  let left = data[0]!.width;
  let headerDone = false;
  let dataDone = false;
  while (!headerDone || !dataDone) {
    let line = border === 2 ? style.data.left : '';
    if (!headerDone) {
      if (border === 2 || (sizes.headerLines && style.old))
        line += headerAt > 0 ? style.headerNewlineLeft : ' ';
      const here = header[headerAt]!;
      line += here.text + ' '.repeat(sizes.header - here.width);
      const more = headerAt + 1 < header.length;
      if (headerMarks) line += more ? style.headerNewlineRight : ' ';
      if (more) headerAt++;
      else headerDone = true;
    } else {
      let blank = sizes.header + border;
      if (border < 2 && sizes.headerLines && style.old) blank++;
      if (border === 0 && !style.old && sizes.headerLines) blank++;
      line += ' '.repeat(Math.max(1, blank));
    }
    if (border > 0) line += offset > 0 ? style.midWrap : dataAt === 0 ? style.data.mid : style.midNewline;
    if (dataDone) {
      out(`${line}${border < 2 ? '' : `${' '.repeat(sizes.data + 2)}${style.data.right}`}\n`);
      continue;
    }
    line += offset === 0 ? ' ' : style.wrapLeft;
    const { text } = data[dataAt]!;
    const head = headThatFits(text, offset, sizes.data);
    line += text.slice(offset, head.end);
    offset = head.end;
    left -= head.width;
    const space = ' '.repeat(Math.max(0, sizes.data - head.width));
    if (left > 0) {
      if (dataMarks) line += space + style.wrapRight;
    } else if (dataAt + 1 < data.length) {
      if (dataMarks) line += space + style.newlineRight;
      dataAt++;
      offset = 0;
      left = data[dataAt]!.width;
    } else {
      if (border > 1) line += `${space} `;
      dataDone = true;
    }
    out(`${line}${border === 2 ? style.data.right : ''}\n`);
  }
}
