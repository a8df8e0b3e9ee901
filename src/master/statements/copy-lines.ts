/** COPY input cut into blocks of whole lines, for segments to parse.
 *
 *  Owns: where lines end (escaped newlines of text, quoted ones of CSV), the header line, the end-of-data mark `\.`,
 *  line numbers. Must not know: fields. Invariants: blocks in order contain every data line exactly once; memory is
 *  bounded by a block and the longest line. */
import type { CopyOptions } from '../../types/copy-options.js';
import { SqlError } from '../../types/sql-error.js';
import type { CopyLines } from '../dispatch/api.js';

export const BLOCK_BYTES = 1024 * 1024;
export const LINE_BYTES_MAX = 256 * 1024 * 1024;
const NEWLINE = 10;
const BACKSLASH = 92;
const END_MARK = Buffer.from('\\.');

/** Input cut into blocks that can be parsed on their own. */
export interface BlockSplitter {
  /** Takes a piece of input; gives a block when enough has come. */
  push(chunk: Buffer): CopyLines | undefined;
  /** The last block: whatever is left. */
  finish(): CopyLines | undefined;
  /** Of input that begins where the last block ended: offset just past its last whole line, or -1. Not to be mixed with
   *  `push`, as `block`. */
  wholeLines(bytes: Buffer): number;
  /** Whole lines, the next ones of the input, as a block: without the header and what follows the end mark. */
  block(lines: Buffer): CopyLines | undefined;
  /** Whatever follows is ignored. */
  readonly ended: boolean;
  /** 1-based number of the first line that was not given out. */
  readonly line: number;
}

export class CopyLineSplitter implements BlockSplitter {
  private readonly options: CopyOptions;
  private readonly quote: number;
  private readonly escapeByte: number;
  /** Bytes received and not given out: whole lines up to `whole`, then the start of a line. */
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private lineBytes = 0;
  private inQuotes = false;
  private escaped = false;
  /** 1-based number of the first physical line that was not given out. */
  line = 1;
  private firstRecord = true;
  private skipHeader: boolean;
  private readonly checkHeader: ((line: Buffer) => void) | undefined;
  /** The end mark was seen: whatever follows is ignored. */
  ended = false;

  /** `checkHeader` is given the header line, without its end, when it must match. */
  constructor(options: CopyOptions, checkHeader?: (line: Buffer) => void) {
    this.options = options;
    this.checkHeader = options.header === 'match' ? checkHeader : undefined;
    this.quote = options.quote.charCodeAt(0);
    this.escapeByte = options.escape.charCodeAt(0);
    this.skipHeader = options.header !== false;
  }

  /** Takes a piece of input; gives a block when enough whole lines have come. */
  push(chunk: Buffer): CopyLines | undefined {
    if (this.ended || chunk.length === 0) return undefined;
    const end = this.lastLineEnd(chunk);
    if (end < 0) {
      this.keep(chunk);
      this.lineBytes += chunk.length;
      if (this.lineBytes > LINE_BYTES_MAX)
        throw new SqlError('54000', `COPY line ${this.line} is longer than ${LINE_BYTES_MAX} bytes`);
      return undefined;
    }
    this.lineBytes = chunk.length - end;
    if (this.pendingBytes + end < BLOCK_BYTES) {
      this.keep(chunk);
      return undefined;
    }
    // Lines are whole up to `end`; the rest starts the next block.
    this.keep(chunk.subarray(0, end));
    const block = this.takeBlock();
    if (end < chunk.length) this.keep(chunk.subarray(end));
    return block;
  }

  wholeLines(bytes: Buffer): number {
    this.inQuotes = false;
    this.escaped = false;
    return this.lastLineEnd(bytes);
  }

  block(lines: Buffer): CopyLines | undefined {
    let bytes = lines;
    if (this.firstRecord && this.options.format === 'csv') {
      const start = bytes.subarray(0, this.headerEnd(bytes));
      // PostgreSQL counts no newline inside of the first record: it does not know yet how lines end.
      this.line -= Math.max(0, countNewlines(withoutLineEnd(start)));
    }
    this.firstRecord = false;
    if (this.skipHeader && this.endMark(bytes) === 0) {
      this.ended = true;
      bytes = bytes.subarray(0, 0);
    }
    if (this.skipHeader) {
      const end = this.headerEnd(bytes);
      this.skipHeader = false;
      this.checkHeader?.(withoutLineEnd(bytes.subarray(0, end)));
      this.line += countNewlines(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
    }
    const mark = this.endMark(bytes);
    if (mark >= 0) {
      this.ended = true;
      bytes = bytes.subarray(0, mark);
    }
    if (bytes.length === 0) return undefined;
    const firstLine = this.line;
    this.line += countNewlines(bytes);
    return { bytes, firstLine };
  }

  /** The last block: whatever is left, with or without a final newline. */
  finish(): CopyLines | undefined {
    return this.ended ? undefined : this.takeBlock();
  }

  private keep(chunk: Buffer): void {
    // The caller's buffer is a view of a socket's; small pieces are copied together later anyway.
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
  }

  private takeBlock(): CopyLines | undefined {
    const bytes = this.pending.length === 1 ? this.pending[0]! : Buffer.concat(this.pending);
    this.pending = [];
    this.pendingBytes = 0;
    return this.block(bytes);
  }

  /** Offset just past the last newline that ends a line, or -1; moves the quoting state to the chunk's end. */
  private lastLineEnd(chunk: Buffer): number {
    let last = -1;
    if (this.options.format === 'csv') {
      const { quote, escapeByte } = this;
      let { inQuotes, escaped } = this;
      for (let i = 0; i < chunk.length; i++) {
        const c = chunk[i];
        if (escaped) escaped = false;
        else if (c === NEWLINE) {
          if (!inQuotes) last = i + 1;
        } else if (inQuotes && c === escapeByte && escapeByte !== quote) escaped = true;
        else if (c === quote) inQuotes = !inQuotes;
      }
      this.inQuotes = inQuotes;
      this.escaped = escaped;
      return last;
    }
    for (
      let at = chunk.lastIndexOf(NEWLINE);
      at >= 0;
      at = at === 0 ? -1 : chunk.lastIndexOf(NEWLINE, at - 1)
    ) {
      if (!this.isEscaped(chunk, at)) {
        last = at + 1;
        break;
      }
    }
    this.escaped = this.isEscaped(chunk, chunk.length);
    return last;
  }

  /** Whether an odd run of backslashes stands before `at`. */
  private isEscaped(chunk: Buffer, at: number): boolean {
    let from = at;
    while (from > 0 && chunk[from - 1] === BACKSLASH) from--;
    const odd = ((at - from) & 1) === 1;
    return from === 0 && this.escaped ? !odd : odd;
  }

  private headerEnd(bytes: Buffer): number {
    if (this.options.format === 'text') {
      const newline = bytes.indexOf(NEWLINE);
      return newline < 0 ? bytes.length : newline + 1;
    }
    let inQuotes = false;
    for (let i = 0; i < bytes.length; i++) {
      if (inQuotes && bytes[i] === this.escapeByte && this.escapeByte !== this.quote) i++;
      else if (bytes[i] === this.quote) inQuotes = !inQuotes;
      else if (bytes[i] === NEWLINE && !inQuotes) return i + 1;
    }
    return bytes.length;
  }

  /** Where a line that is only `\.` starts, or -1. */
  private endMark(bytes: Buffer): number {
    for (let at = bytes.indexOf(END_MARK); at >= 0; at = bytes.indexOf(END_MARK, at + 1)) {
      const after = bytes[at + 2];
      const endsLine =
        at + 2 >= bytes.length || after === NEWLINE || (after === 13 && bytes[at + 3] === NEWLINE);
      const startsLine = at === 0 || (bytes[at - 1] === NEWLINE && !this.continues(bytes, at - 1));
      if (endsLine && startsLine) return at;
    }
    return -1;
  }

  /** The newline at `at` belongs to a value: escaped in text, quoted in CSV. */
  private continues(bytes: Buffer, at: number): boolean {
    if (this.options.format === 'text') {
      let from = at;
      while (from > 0 && bytes[from - 1] === BACKSLASH) from--;
      return ((at - from) & 1) === 1;
    }
    let inQuotes = false;
    for (let i = 0; i < at; i++) if (bytes[i] === this.quote) inQuotes = !inQuotes;
    return inQuotes;
  }
}

function withoutLineEnd(line: Buffer): Buffer {
  let end = line.length;
  if (end > 0 && line[end - 1] === NEWLINE) end--;
  if (end > 0 && line[end - 1] === 13) end--;
  return line.subarray(0, end);
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
