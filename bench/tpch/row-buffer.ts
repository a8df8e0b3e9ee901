/**
 * Rows as bytes: every field is written once, into its place, with no string in between.
 * Text is copied eight bytes at a time as doubles, which is exact: ASCII bytes never form a NaN. A copy may
 * write up to seven bytes past its end, which the next field overwrites; hence the slack.
 */

const SLACK_BYTES = 64;
const PIPE = 0x7c;

/** Words ready to be copied: word `i` starts at lane `i * lanesPerWord`. */
export type WordTable = {
  readonly lanes: Float64Array;
  readonly lanesPerWord: number;
  readonly lengths: Uint8Array;
};

/** ASCII words of up to 255 characters. */
export function wordTable(words: readonly string[]): WordTable {
  const lanesPerWord = Math.ceil(Math.max(1, ...words.map((word) => word.length)) / 8);
  const bytes = new Uint8Array(words.length * lanesPerWord * 8);
  words.forEach((word, i) => {
    bytes.set(Buffer.from(word, 'latin1'), i * lanesPerWord * 8);
  });
  const view = new DataView(bytes.buffer);
  const lanes = Float64Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(i * 8, true));
  return { lanes, lanesPerWord, lengths: Uint8Array.from(words, (word) => word.length) };
}

/** Words as whole fields, with the separator after them. */
export function fieldTable(words: readonly string[]): WordTable {
  return wordTable(words.map((word) => `${word}|`));
}

/** A buffer that is written from start to end. Methods named for a field end it with its `|`. */
export class RowBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  private readonly view: DataView;
  /** Writing may go on while `length` is below this. */
  readonly sizeBytes: number;

  /** `rowBytesMax`: what one more row may need when `length` is just below `sizeBytes`. */
  constructor(sizeBytes: number, rowBytesMax: number) {
    this.sizeBytes = sizeBytes;
    this.bytes = new Uint8Array(sizeBytes + rowBytesMax + SLACK_BYTES);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Drops what was written and starts again. */
  reset(): void {
    this.length = 0;
  }

  byte(code: number): void {
    this.bytes[this.length++] = code;
  }

  word(table: WordTable, index: number): void {
    const lanes = table.lanes;
    const view = this.view;
    const start = this.length;
    const end = start + table.lengths[index];
    let lane = index * table.lanesPerWord;
    for (let at = start; at < end; at += 8) view.setFloat64(at, lanes[lane++], true);
    this.length = end;
  }

  /** Copies `length` bytes from `source`, which must have seven readable bytes after them. */
  copy(source: DataView, offset: number, length: number): void {
    const view = this.view;
    const start = this.length;
    for (let i = 0; i < length; i += 8) view.setFloat64(start + i, source.getFloat64(offset + i, true), true);
    this.length = start + length;
  }

  textField(source: DataView, offset: number, length: number): void {
    this.copy(source, offset, length);
    this.byte(PIPE);
  }

  /** Digits of a whole number from 0 to 2^53-1, at least `digitsMin` of them. */
  digits(value: number, digitsMin = 1): void {
    const bytes = this.bytes;
    let count = digitsMin;
    for (let bound = 10 ** digitsMin; value >= bound; bound *= 10) count++;
    const end = this.length + count;
    let rest = value;
    let at = end - 1;
    // Past 32 bits the division is a double's; below, an integer's, which is much faster.
    for (; rest > 0x7fffffff; at--) {
      const tens = Math.floor(rest / 10);
      bytes[at] = 48 + (rest - tens * 10);
      rest = tens;
    }
    for (let small = rest | 0; at >= this.length; at--) {
      const tens = (small / 10) | 0;
      bytes[at] = 48 + (small - tens * 10);
      small = tens;
    }
    this.length = end;
  }

  intField(value: number): void {
    this.digits(value);
    this.byte(PIPE);
  }

  /** `prefix` in the table, then the key in nine digits or more: `Customer#000000001`. */
  nameField(prefix: WordTable, key: number): void {
    this.word(prefix, 0);
    this.digits(key, 9);
    this.byte(PIPE);
  }

  /** Hundredths as a decimal with two places. */
  centsField(cents: number): void {
    let magnitude = cents;
    if (cents < 0) {
      this.byte(0x2d);
      magnitude = -cents;
    }
    const whole = Math.floor(magnitude / 100);
    const rest = magnitude - whole * 100;
    this.digits(whole);
    const bytes = this.bytes;
    const tens = (rest / 10) | 0;
    bytes[this.length] = 0x2e;
    bytes[this.length + 1] = 48 + tens;
    bytes[this.length + 2] = 48 + (rest - tens * 10);
    bytes[this.length + 3] = PIPE;
    this.length += 4;
  }

  endRow(): void {
    this.byte(0x0a);
  }

  /** What was written, as a view of this buffer. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }
}
