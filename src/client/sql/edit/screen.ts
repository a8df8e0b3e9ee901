/** Draws the prompt, the text and what stands below it, and draws them anew in the same place.
 *
 *  Owns: how many rows of the terminal are ours, and where the cursor is in them. Everything is written at once, so that
 *  nothing flickers. */

import { charWidth } from '../print/width.js';
import { promptWidth } from '../prompt.js';
import { RESET, styleCodes } from './highlight.js';

export type View = {
  readonly prompt: string;
  /** Prompt of lines after the first; `line`: from 1. */
  readonly promptOf: (line: number, before: string) => string;
  readonly text: string;
  readonly cursor: number;
  /** Rows below the text: menus and hints, with their colours. */
  readonly below: readonly string[];
  readonly colors: boolean;
};

type Layout = { readonly rows: string[]; readonly cursorRow: number; readonly cursorColumn: number };

export class Screen {
  private readonly output: NodeJS.WriteStream;
  /** Rows above the cursor's that are ours. */
  private above = 0;

  constructor(output: NodeJS.WriteStream) {
    this.output = output;
  }

  get columns(): number {
    return Math.max(10, this.output.columns);
  }
  get rows(): number {
    return Math.max(3, this.output.rows);
  }

  draw(view: View): void {
    const layout = this.layout(view);
    const { rows, cursorRow, cursorColumn } = this.window(layout, view.below);
    let out = '\x1b[?25l';
    if (this.above > 0) out += `\x1b[${this.above}A`;
    out += `\r\x1b[J${rows.join('\r\n')}`;
    const up = rows.length - 1 - cursorRow;
    if (up > 0) out += `\x1b[${up}A`;
    out += `\r${cursorColumn > 0 ? `\x1b[${cursorColumn}C` : ''}\x1b[?25h`;
    this.above = cursorRow;
    this.output.write(out);
  }

  /** Leaves the text on the screen, with the cursor below it. */
  finish(view: View): void {
    this.draw({ ...view, below: [], cursor: view.text.length });
    this.output.write('\r\n');
    this.above = 0;
  }

  /** What is on the screen is not ours any more. */
  forget(): void {
    this.above = 0;
  }

  clear(): void {
    this.output.write('\x1b[H\x1b[2J');
    this.above = 0;
  }

  private layout(view: View): Layout {
    const { text, cursor } = view;
    const columns = this.columns;
    const codes = view.colors ? styleCodes(text) : [];
    const promptLines = view.prompt.split('\n');
    const rows: string[] = promptLines.slice(0, -1);
    let row = promptLines[promptLines.length - 1]!;
    let column = promptWidth(row);
    let code = '';
    let cursorRow = -1;
    let cursorColumn = 0;
    let line = 1;
    const push = (): void => {
      rows.push(row + (code === '' ? '' : RESET));
      row = code;
      column = 0;
    };
    let at = 0;
    for (const c of text) {
      const width =
        c === '\t' ? 8 - (column % 8) : c === '\n' ? 0 : Math.max(1, charWidth(c.codePointAt(0)!));
      const shownWidth = charWidth(c.codePointAt(0)!) === 0 && c !== '\n' ? 0 : width;
      if (column + shownWidth > columns) push();
      if (at === cursor) {
        if (column >= columns) push();
        cursorRow = rows.length;
        cursorColumn = column;
      }
      if (c === '\n') {
        push();
        const prompt = view.promptOf(++line, text.slice(0, at));
        row = RESET + prompt + code;
        column = promptWidth(prompt);
      } else {
        const next = codes[at] ?? '';
        if (next !== code) {
          row += RESET + next;
          code = next;
        }
        row += c === '\t' ? ' '.repeat(width) : c < ' ' ? '?' : c;
        column += shownWidth;
      }
      at += c.length;
    }
    if (cursorRow < 0) {
      if (column >= columns) push();
      cursorRow = rows.length;
      cursorColumn = column;
    }
    rows.push(row + (code === '' ? '' : RESET));
    return { rows, cursorRow, cursorColumn };
  }

  /** What fits on the screen, with the cursor in it. */
  private window({ rows, cursorRow, cursorColumn }: Layout, below: readonly string[]): Layout {
    const room = this.rows;
    const shownBelow = below.slice(0, Math.max(0, room - 2));
    const max = room - shownBelow.length;
    let from = 0;
    if (rows.length > max) from = Math.min(Math.max(0, cursorRow - max + 1), rows.length - max);
    const shown = rows.slice(from, from + max);
    return { rows: [...shown, ...shownBelow], cursorRow: cursorRow - from, cursorColumn };
  }
}
