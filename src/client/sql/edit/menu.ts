/** The completions to choose from, in columns below the text. */
import { textWidth } from '../print/width.js';
import type { Candidate } from './candidates.js';

const ROWS_MAX = 8;

const KIND_COLORS: Readonly<Record<Candidate['kind'], string>> = {
  keyword: '\x1b[34m',
  column: '\x1b[36m',
  relation: '\x1b[32m',
  schema: '\x1b[33m',
  function: '\x1b[35m',
  setting: '\x1b[35m',
  other: '',
};

export class Menu {
  readonly candidates: readonly Candidate[];
  /** Offset in the text where the candidate begins. */
  readonly from: number;
  /** What was typed there. */
  readonly typed: string;
  selected = -1;

  constructor(candidates: readonly Candidate[], from: number, typed: string) {
    this.candidates = candidates;
    this.from = from;
    this.typed = typed;
  }

  move(by: number): void {
    const n = this.candidates.length;
    this.selected = this.selected < 0 ? (by > 0 ? 0 : n - 1) : (this.selected + by + n) % n;
  }

  private grid(columns: number): { readonly perRow: number; readonly width: number; readonly rows: number } {
    const width = Math.min(columns - 1, Math.max(...this.candidates.map((c) => textWidth(c.text))) + 2);
    const perRow = Math.max(1, Math.floor((columns - 1) / width));
    return { perRow, width, rows: Math.ceil(this.candidates.length / perRow) };
  }

  /** To the candidate above or below. */
  moveRow(by: number, columns: number): void {
    this.move(by * Math.min(this.grid(columns).perRow, this.candidates.length));
  }

  lines(columns: number, colors: boolean): readonly string[] {
    const { perRow, width, rows } = this.grid(columns);
    const selectedRow = this.selected < 0 ? 0 : Math.floor(this.selected / perRow);
    const first = Math.max(0, Math.min(selectedRow - ROWS_MAX + 1, rows - ROWS_MAX));
    const shownRows = Math.min(rows, ROWS_MAX);
    const out: string[] = [];
    const from = selectedRow < ROWS_MAX ? 0 : first;
    for (let r = from; r < from + shownRows; r++) {
      let line = '';
      for (let c = 0; c < perRow; c++) {
        const i = r * perRow + c;
        const candidate = this.candidates[i];
        if (candidate === undefined) break;
        const shown =
          candidate.text.length > width - 2 ? `${candidate.text.slice(0, width - 3)}…` : candidate.text;
        const pad = ' '.repeat(Math.max(0, width - textWidth(shown)));
        if (i === this.selected) line += `\x1b[7m${shown}\x1b[0m${pad}`;
        else line += colors ? `${KIND_COLORS[candidate.kind]}${shown}\x1b[0m${pad}` : shown + pad;
      }
      out.push(line);
    }
    if (rows > shownRows) {
      const text = `  ${this.candidates.length} completions`;
      out.push(colors ? `\x1b[90m${text}\x1b[0m` : text);
    }
    return out;
  }
}
