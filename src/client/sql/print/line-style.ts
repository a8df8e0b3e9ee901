/** The characters that tables are drawn with. */
import type { PrintOptions, UnicodeStyle } from './options.js';

export type Rule = {
  readonly hrule: string;
  readonly left: string;
  readonly mid: string;
  readonly right: string;
};

export type LineStyle = {
  readonly top: Rule;
  readonly middle: Rule;
  readonly bottom: Rule;
  readonly data: Rule;
  /** Between columns, where the cell to the right goes on after a newline, after a wrap, or has ended. */
  readonly midNewline: string;
  readonly midWrap: string;
  readonly midBlank: string;
  readonly headerNewlineLeft: string;
  readonly headerNewlineRight: string;
  readonly newlineLeft: string;
  readonly newlineRight: string;
  readonly wrapLeft: string;
  readonly wrapRight: string;
  readonly wrapRightBorder: boolean;
  readonly old: boolean;
};

const ASCII_RULE: Rule = { hrule: '-', left: '+', mid: '+', right: '+' };
const ASCII_DATA: Rule = { hrule: '', left: '|', mid: '|', right: '|' };

const ASCII: LineStyle = {
  top: ASCII_RULE,
  middle: ASCII_RULE,
  bottom: ASCII_RULE,
  data: ASCII_DATA,
  midNewline: '|',
  midWrap: '|',
  midBlank: '|',
  headerNewlineLeft: ' ',
  headerNewlineRight: '+',
  newlineLeft: ' ',
  newlineRight: '+',
  wrapLeft: '.',
  wrapRight: '.',
  wrapRightBorder: true,
  old: false,
};

const OLD_ASCII: LineStyle = {
  ...ASCII,
  midNewline: ':',
  midWrap: ';',
  midBlank: ' ',
  headerNewlineLeft: '+',
  headerNewlineRight: ' ',
  newlineLeft: ' ',
  newlineRight: ' ',
  wrapLeft: ' ',
  wrapRight: ' ',
  wrapRightBorder: false,
  old: true,
};

/** By the style of the border that a corner belongs to, then by that of what meets it. */
const VERTICAL = { single: '│', double: '║' };
const HORIZONTAL = { single: '─', double: '═' };
const TOP_LEFT = { single: '┌', double: '╔' };
const TOP_RIGHT = { single: '┐', double: '╗' };
const BOTTOM_LEFT = { single: '└', double: '╚' };
const BOTTOM_RIGHT = { single: '┘', double: '╝' };
/** [border][header] */
const MIDDLE_LEFT = { single: { single: '├', double: '╞' }, double: { single: '╟', double: '╠' } };
const MIDDLE_RIGHT = { single: { single: '┤', double: '╡' }, double: { single: '╢', double: '╣' } };
/** [border][column] */
const TOP_MID = { single: { single: '┬', double: '╥' }, double: { single: '╤', double: '╦' } };
const BOTTOM_MID = { single: { single: '┴', double: '╨' }, double: { single: '╧', double: '╩' } };
/** [column][header] */
const CROSS = { single: { single: '┼', double: '╪' }, double: { single: '╫', double: '╬' } };

function unicode(border: UnicodeStyle, column: UnicodeStyle, header: UnicodeStyle): LineStyle {
  const [hrule, mid] = [HORIZONTAL[border], VERTICAL[column]];
  return {
    top: { hrule, left: TOP_LEFT[border], mid: TOP_MID[border][column], right: TOP_RIGHT[border] },
    middle: {
      hrule: HORIZONTAL[header],
      left: MIDDLE_LEFT[border][header],
      mid: CROSS[column][header],
      right: MIDDLE_RIGHT[border][header],
    },
    bottom: {
      hrule,
      left: BOTTOM_LEFT[border],
      mid: BOTTOM_MID[border][column],
      right: BOTTOM_RIGHT[border],
    },
    data: { hrule: '', left: VERTICAL[border], mid, right: VERTICAL[border] },
    midNewline: mid,
    midWrap: mid,
    midBlank: mid,
    headerNewlineLeft: ' ',
    headerNewlineRight: '↵',
    newlineLeft: ' ',
    newlineRight: '↵',
    wrapLeft: '…',
    wrapRight: '…',
    wrapRightBorder: true,
    old: false,
  };
}

export function lineStyle(options: PrintOptions): LineStyle {
  if (options.lineStyle === 'ascii') return ASCII;
  if (options.lineStyle === 'old-ascii') return OLD_ASCII;
  return unicode(options.unicodeBorder, options.unicodeColumn, options.unicodeHeader);
}
