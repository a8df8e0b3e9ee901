/** Rows below each other in columns, wrapped to the screen when asked; as psql prints them, byte for byte. */
import { type LineStyle, lineStyle, type Rule } from './line-style.js';
import type { PrintOptions } from './options.js';
import { footersWithDefault, isFirst, isLast, type Out, type Table } from './table.js';
import { cellLines, headThatFits, isPlain, type Line } from './width.js';

export type AlignedLayout = {
  readonly headers: readonly (readonly Line[])[];
  /** Widths that the columns get. */
  readonly widths: readonly number[];
  readonly widthTotal: number;
  /** Of the headers alone: narrower than this nothing can be. */
  readonly headerWidthTotal: number;
};

/** Cells are not kept as lines: a result may have millions of them. */
function cellWidth(text: string): number {
  return isPlain(text) ? text.length : widest(cellLines(text));
}

function widest(lines: readonly Line[]): number {
  let width = 0;
  for (const l of lines) if (l.width > width) width = l.width;
  return width;
}

export function layoutAligned(table: Table, options: PrintOptions, screenColumns: number): AlignedLayout {
  const n = table.columns.length;
  const headers = table.columns.map((c) => cellLines(c.name));
  const headerWidths = headers.map(widest);
  const max = [...headerWidths];
  const sums = new Array<number>(n).fill(0);
  for (const row of table.rows)
    for (let i = 0; i < n; i++) {
      const width = cellWidth(row[i] ?? '');
      if (width > max[i]!) max[i] = width;
      sums[i] = sums[i]! + width;
    }
  const borders = options.border === 0 ? n : options.border === 1 ? n * 3 - (n > 0 ? 1 : 0) : n * 3 + 1;
  const headerWidthTotal = borders + headerWidths.reduce((a, b) => a + b, 0);
  let widthTotal = borders + max.reduce((a, b) => a + b, 0);
  const widths = [...max];
  if (options.format === 'wrapped' && screenColumns > 0 && screenColumns >= headerWidthTotal) {
    const averages = sums.map((s) => (table.rows.length === 0 ? 0 : Math.floor(s / table.rows.length)));
    while (widthTotal > screenColumns) {
      let worst = -1;
      let worstRatio = 0;
      for (let i = 0; i < n; i++) {
        if (averages[i] === 0 || widths[i]! <= headerWidths[i]!) continue;
        const ratio = widths[i]! / averages[i]! + max[i]! * 0.01;
        if (ratio > worstRatio) {
          worstRatio = ratio;
          worst = i;
        }
      }
      if (worst < 0) break;
      widths[worst] = widths[worst]! - 1;
      widthTotal--;
    }
  }
  return { headers, widths, widthTotal, headerWidthTotal };
}

function horizontalLine(widths: readonly number[], border: number, rule: Rule, out: Out): void {
  const { hrule } = rule;
  let line = border === 1 ? hrule : border === 2 ? rule.left + hrule : '';
  line += widths.map((w) => hrule.repeat(w)).join(border === 0 ? ' ' : `${hrule}${rule.mid}${hrule}`);
  out(`${line}${border === 2 ? hrule + rule.right : border === 1 ? hrule : ''}\n`);
}

export function printAligned(table: Table, options: PrintOptions, layout: AlignedLayout, out: Out): void {
  const border = Math.min(options.border, 2);
  const style = lineStyle(options);
  const { widths } = layout;
  if (isFirst(table) && !options.tuplesOnly) {
    if (table.title !== undefined) {
      const width = Math.max(...cellLines(table.title).map((l) => l.width));
      out(
        `${width >= layout.widthTotal ? '' : ' '.repeat((layout.widthTotal - width) >> 1)}${table.title}\n`,
      );
    }
    if (border === 2) horizontalLine(widths, border, style.top, out);
    printHeaders(layout, border, style, out);
    horizontalLine(widths, border, style.middle, out);
  }
  for (const row of table.rows)
    if (!printPlainRow(table, row, widths, border, style, out))
      printRow(
        table,
        row.map((cell) => cellLines(cell ?? '')),
        widths,
        border,
        style,
        out,
      );
  if (!isLast(table)) return;
  if (border === 2) horizontalLine(widths, border, style.bottom, out);
  if (!options.tuplesOnly)
    for (const footer of footersWithDefault(table, options.defaultFooter) ?? []) out(`${footer}\n`);
  out('\n');
}

function printHeaders({ headers, widths }: AlignedLayout, border: number, style: LineStyle, out: Out): void {
  const n = headers.length;
  const height = Math.max(0, ...headers.map((h) => h.length));
  for (let at = 0; at < height; at++) {
    let line = border === 2 ? style.data.left : '';
    for (let i = 0; i < n; i++) {
      const lines = headers[i]!;
      if (border !== 0 || (!style.wrapRightBorder && i > 0)) line += at > 0 ? style.headerNewlineLeft : ' ';
      const here = lines[at];
      if (here === undefined) line += ' '.repeat(widths[i]!);
      else {
        const space = widths[i]! - here.width;
        line += ' '.repeat(space >> 1) + here.text + ' '.repeat((space + 1) >> 1);
      }
      if (border !== 0 || style.wrapRightBorder)
        line += at + 1 < lines.length ? style.headerNewlineRight : ' ';
      if (border !== 0 && i < n - 1) line += style.data.mid;
    }
    out(`${line}${border === 2 ? style.data.right : ''}\n`);
  }
}

/** A row of cells that fit as they stand, as most do; false for any other. */
function printPlainRow(
  table: Table,
  row: readonly (string | null)[],
  widths: readonly number[],
  border: number,
  style: LineStyle,
  out: Out,
): boolean {
  let line = border === 2 ? style.data.left : '';
  const last = row.length - 1;
  for (let i = 0; i <= last; i++) {
    const text = row[i] ?? '';
    const width = widths[i]!;
    if (text.length > width || !isPlain(text)) return false;
    if (border !== 0) line += ' ';
    if (table.columns[i]!.align === 'r') line += text.padStart(width);
    else line += i < last || border === 2 ? text.padEnd(width) : text;
    if (i < last || border === 2) line += ' ';
    if (i < last && border !== 0) line += style.data.mid;
  }
  out(`${line}${border === 2 ? style.data.right : ''}\n`);
  return true;
}

function printRow(
  table: Table,
  row: readonly (readonly Line[])[],
  widths: readonly number[],
  border: number,
  style: LineStyle,
  out: Out,
): void {
  const n = row.length;
  const at = new Array<number>(n).fill(0);
  const offset = new Array<number>(n).fill(0);
  const mark = new Array<'none' | 'wrap' | 'newline'>(n).fill('none');
  for (let more = true; more; ) {
    more = false;
    let line = border === 2 ? style.data.left : '';
    for (let i = 0; i < n; i++) {
      const lines = row[i]!;
      const here = lines[at[i]!];
      const last = i === n - 1;
      const finalSpaces = border === 2 || !last;
      const right = table.columns[i]!.align === 'r';
      let shown = widths[i]!;
      if (border !== 0)
        line += mark[i] === 'wrap' ? style.wrapLeft : mark[i] === 'newline' ? style.newlineLeft : ' ';
      if (here === undefined) {
        if (finalSpaces) line += ' '.repeat(shown);
      } else {
        const from = offset[i]!;
        const whole = from === 0 && here.width <= shown;
        const head = whole
          ? { end: here.text.length, width: here.width }
          : headThatFits(here.text, from, shown);
        shown = Math.min(head.width, shown);
        if (right) line += ' '.repeat(widths[i]! - shown);
        line += whole ? here.text : here.text.slice(from, head.end);
        if (head.end < here.text.length) {
          offset[i] = head.end;
          more = true;
        } else {
          offset[i] = 0;
          at[i] = at[i]! + 1;
          if (at[i]! < lines.length) more = true;
        }
      }
      mark[i] = at[i]! >= lines.length ? 'none' : offset[i] !== 0 ? 'wrap' : at[i] !== 0 ? 'newline' : 'none';
      if (!right && (finalSpaces || mark[i] !== 'none')) line += ' '.repeat(widths[i]! - shown);
      if (mark[i] === 'wrap') line += style.wrapRight;
      else if (mark[i] === 'newline') line += style.newlineRight;
      else if (finalSpaces) line += ' ';
      if (border !== 0 && !last) {
        const next = mark[i + 1];
        if (next === 'wrap') line += style.midWrap;
        else if (next === 'newline') line += style.midNewline;
        else line += row[i + 1]![at[i + 1]!] === undefined ? style.midBlank : style.data.mid;
      }
    }
    out(`${line}${border === 2 ? style.data.right : ''}\n`);
  }
}
