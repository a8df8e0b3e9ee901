/** Prints a table in the format that the options ask for. */
import { layoutAligned, printAligned } from './aligned.js';
import { printExpanded } from './expanded.js';
import type { PrintOptions } from './options.js';
import {
  printCsv,
  printCsvExpanded,
  printJson,
  printMarkdown,
  printUnaligned,
  printUnalignedExpanded,
} from './plain.js';
import { footersWithDefault, groupDigits, type Out, type Table } from './table.js';

/** `screenColumns`: of the terminal; 0 where the output is none. Returns whether lines are wider than that. */
export function printTable(table: Table, options: PrintOptions, screenColumns: number, out: Out): boolean {
  const columns = options.columns > 0 ? options.columns : screenColumns;
  const shown = options.format === 'json' ? table : withTexts(withoutEmptyRows(table, options), options);
  const expanded = options.expanded === true;
  switch (options.format) {
    case 'unaligned':
      if (expanded) printUnalignedExpanded(shown, options, out);
      else printUnaligned(shown, options, out);
      return false;
    case 'csv':
      if (expanded) printCsvExpanded(shown, options, out);
      else printCsv(shown, options, out);
      return false;
    case 'json':
      printJson(shown, out);
      return false;
    case 'markdown':
      printMarkdown(shown, options, out);
      return false;
    case 'aligned':
    case 'wrapped': {
      if (expanded) {
        printExpanded(shown, options, columns, out);
        return false;
      }
      const layout = layoutAligned(shown, options, columns);
      const wide = columns > 0 && (columns < layout.headerWidthTotal || columns < layout.widthTotal);
      if (options.expanded === 'auto' && wide) {
        printExpanded(shown, options, columns, out);
        return false;
      }
      printAligned(shown, options, layout, out);
      return wide;
    }
  }
}

/** Rows without columns cannot be shown, only counted. */
function withoutEmptyRows(table: Table, options: PrintOptions): Table {
  if (table.columns.length > 0 || table.rows.length === 0) return table;
  const footers = footersWithDefault(table, options.defaultFooter);
  return { ...table, rows: [], ...(footers === undefined ? {} : { footers }) };
}

/** NULLs as text, numbers as the locale has them. */
function withTexts(table: Table, options: PrintOptions): Table {
  const { nullText, numericLocale } = options;
  if (nullText === '' && !numericLocale) return table;
  return {
    ...table,
    rows: table.rows.map((row) =>
      row.map((cell, i) => {
        if (cell === null) return nullText;
        return numericLocale && table.columns[i]!.align === 'r' ? groupDigits(cell) : cell;
      }),
    ),
  };
}
