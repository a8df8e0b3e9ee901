/** How many columns of the screen a text takes: wide characters two, combining ones none. */
import { wideRanges, zeroRanges } from './width-table.js';

function within(ranges: readonly number[], code: number): boolean {
  let low = 0;
  let high = ranges.length / 2 - 1;
  while (low <= high) {
    const mid = (low + high) >> 1;
    if (code < ranges[mid * 2]!) high = mid - 1;
    else if (code > ranges[mid * 2 + 1]!) low = mid + 1;
    else return true;
  }
  return false;
}

/** -1 for control characters. */
export function charWidth(code: number): number {
  if (code < 32 || (code >= 0x7f && code < 0xa0)) return code === 0 ? 0 : -1;
  if (code < 0x300) return 1;
  if (within(zeroRanges, code)) return 0;
  return within(wideRanges, code) ? 2 : 1;
}

const PLAIN = /^[\x20-\x7e]*$/;

/** One column a character, and nothing to spell out. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

/** Of text without control characters. */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const c of text) width += Math.max(0, charWidth(c.codePointAt(0)!));
  return width;
}

export type Line = { readonly text: string; readonly width: number };

/** The lines of a cell, with what cannot be shown spelled out and tabs as spaces. */
export function cellLines(text: string): readonly Line[] {
  if (PLAIN.test(text)) return [{ text, width: text.length }];
  return text.split('\n').map(cellLine);
}

function cellLine(raw: string): Line {
  let text = '';
  let width = 0;
  for (const c of raw) {
    const code = c.codePointAt(0)!;
    const w = charWidth(code);
    if (c === '\t') {
      const pad = 8 - (width % 8);
      text += ' '.repeat(pad);
      width += pad;
    } else if (c === '\r') {
      text += '\\r';
      width += 2;
    } else if (w < 0) {
      const spelled =
        code < 128
          ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`
          : `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;
      text += spelled;
      width += spelled.length;
    } else {
      text += c;
      width += w;
    }
  }
  return { text, width };
}

/** The longest head of `text` from `from` that fits into `width` columns, at least one character. */
export function headThatFits(text: string, from: number, width: number): { end: number; width: number } {
  let at = from;
  let used = 0;
  while (at < text.length) {
    const code = text.codePointAt(at)!;
    const w = Math.max(0, charWidth(code));
    if (used + w > width && at > from) break;
    used += w;
    at += code > 0xffff ? 2 : 1;
    if (used > width) break;
  }
  return { end: at, width: used };
}
