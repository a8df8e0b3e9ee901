/** How results are shown: what `\pset` sets. */

export const FORMATS = ['aligned', 'csv', 'json', 'markdown', 'unaligned', 'wrapped'] as const;
export type Format = (typeof FORMATS)[number];

export const LINE_STYLES = ['ascii', 'old-ascii', 'unicode'] as const;
export type LineStyleName = (typeof LINE_STYLES)[number];

export type UnicodeStyle = 'single' | 'double';

export type PrintOptions = {
  format: Format;
  /** 'auto': when the rows are wider than the screen. */
  expanded: boolean | 'auto';
  border: number;
  /** 2: always, also for what fits on the screen. */
  pager: 0 | 1 | 2;
  pagerMinLines: number;
  tuplesOnly: boolean;
  /** The "(3 rows)" below. */
  defaultFooter: boolean;
  lineStyle: LineStyleName;
  unicodeBorder: UnicodeStyle;
  unicodeColumn: UnicodeStyle;
  unicodeHeader: UnicodeStyle;
  fieldSep: string;
  fieldSepZero: boolean;
  recordSep: string;
  recordSepZero: boolean;
  csvFieldSep: string;
  numericLocale: boolean;
  tableAttr: string | undefined;
  title: string | undefined;
  nullText: string;
  /** Target width; 0: the screen's. */
  columns: number;
};

export function defaultPrintOptions(): PrintOptions {
  return {
    format: 'aligned',
    expanded: false,
    border: 1,
    pager: 1,
    pagerMinLines: 0,
    tuplesOnly: false,
    defaultFooter: true,
    lineStyle: 'ascii',
    unicodeBorder: 'single',
    unicodeColumn: 'single',
    unicodeHeader: 'single',
    fieldSep: '|',
    fieldSepZero: false,
    recordSep: '\n',
    recordSepZero: false,
    csvFieldSep: ',',
    numericLocale: false,
    tableAttr: undefined,
    title: undefined,
    nullText: '',
    columns: 0,
  };
}
