/** The text being typed and the place in it: moves and edits as Emacs and readline have them. */

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function isWord(c: string | undefined): boolean {
  return c !== undefined && /[\p{L}\p{N}_]/u.test(c);
}

type Snapshot = { readonly text: string; readonly cursor: number };

const UNDO_MAX = 200;

export class TextBuffer {
  text = '';
  /** Offset in UTF-16 units, never within a character. */
  cursor = 0;
  private killed = '';
  private undone: Snapshot[] = [];

  set(text: string, cursor = text.length): void {
    this.text = text;
    this.cursor = cursor;
  }

  /** What `undo` comes back to. */
  remember(): void {
    const last = this.undone[this.undone.length - 1];
    if (last?.text === this.text) return;
    this.undone.push({ text: this.text, cursor: this.cursor });
    if (this.undone.length > UNDO_MAX) this.undone.shift();
  }

  undo(): void {
    for (let last = this.undone.pop(); last !== undefined; last = this.undone.pop())
      if (last.text !== this.text) {
        this.set(last.text, last.cursor);
        return;
      }
  }

  forgetUndo(): void {
    this.undone = [];
  }

  insert(text: string): void {
    this.remember();
    this.text = this.text.slice(0, this.cursor) + text + this.text.slice(this.cursor);
    this.cursor += text.length;
  }

  /** Puts `text` in the place of what is between `from` and the cursor. */
  replaceBack(from: number, text: string): void {
    this.remember();
    this.text = this.text.slice(0, from) + text + this.text.slice(this.cursor);
    this.cursor = from + text.length;
  }

  private before(at: number): number {
    if (at <= 0) return 0;
    const from = Math.max(0, at - 64);
    let last = from;
    for (const s of segmenter.segment(this.text.slice(from, at))) last = from + s.index;
    return last;
  }

  private after(at: number): number {
    for (const s of segmenter.segment(this.text.slice(at, at + 64))) return at + s.segment.length;
    return this.text.length;
  }

  left(): void {
    this.cursor = this.before(this.cursor);
  }
  right(): void {
    this.cursor = this.after(this.cursor);
  }

  wordLeft(): void {
    let at = this.cursor;
    while (at > 0 && !isWord(this.text[at - 1])) at--;
    while (at > 0 && isWord(this.text[at - 1])) at--;
    this.cursor = at;
  }
  wordRight(): void {
    let at = this.cursor;
    while (at < this.text.length && !isWord(this.text[at])) at++;
    while (at < this.text.length && isWord(this.text[at])) at++;
    this.cursor = at;
  }

  private lineStart(at: number): number {
    return this.text.lastIndexOf('\n', at - 1) + 1;
  }
  private lineEnd(at: number): number {
    const end = this.text.indexOf('\n', at);
    return end < 0 ? this.text.length : end;
  }

  home(): void {
    this.cursor = this.lineStart(this.cursor);
  }
  end(): void {
    this.cursor = this.lineEnd(this.cursor);
  }

  /** False on the first line. */
  up(): boolean {
    const start = this.lineStart(this.cursor);
    if (start === 0) return false;
    const above = this.lineStart(start - 1);
    this.cursor = Math.min(above + (this.cursor - start), start - 1);
    return true;
  }
  /** False on the last line. */
  down(): boolean {
    const start = this.lineStart(this.cursor);
    const end = this.lineEnd(this.cursor);
    if (end === this.text.length) return false;
    this.cursor = Math.min(end + 1 + (this.cursor - start), this.lineEnd(end + 1));
    return true;
  }

  private cut(from: number, to: number, keep: boolean): void {
    if (from === to) return;
    this.remember();
    if (keep) this.killed = this.text.slice(from, to);
    this.text = this.text.slice(0, from) + this.text.slice(to);
    this.cursor = from;
  }

  backspace(): void {
    this.cut(this.before(this.cursor), this.cursor, false);
  }
  delete(): void {
    this.cut(this.cursor, this.after(this.cursor), false);
  }
  killToEnd(): void {
    const end = this.lineEnd(this.cursor);
    this.cut(this.cursor, end === this.cursor && end < this.text.length ? end + 1 : end, true);
  }
  killToStart(): void {
    this.cut(this.lineStart(this.cursor), this.cursor, true);
  }
  killWordLeft(spaces: boolean): void {
    const end = this.cursor;
    if (spaces) {
      let at = end;
      while (at > 0 && /\s/.test(this.text[at - 1]!)) at--;
      while (at > 0 && !/\s/.test(this.text[at - 1]!)) at--;
      this.cut(at, end, true);
      return;
    }
    this.wordLeft();
    this.cut(this.cursor, end, true);
  }
  killWordRight(): void {
    const start = this.cursor;
    this.wordRight();
    this.cut(start, this.cursor, true);
  }
  yank(): void {
    if (this.killed !== '') this.insert(this.killed);
  }

  transpose(): void {
    if (this.text.length < 2 || this.cursor === 0) return;
    const at = this.cursor === this.text.length ? this.before(this.cursor) : this.cursor;
    const [a, b, c] = [this.before(at), at, this.after(at)];
    this.remember();
    this.text = this.text.slice(0, a) + this.text.slice(b, c) + this.text.slice(a, b) + this.text.slice(c);
    this.cursor = c;
  }
}
