/** The rows of a row group while it fills: values of one column in the form in which they arrive.
 *
 *  Owns: copying from chunks in shared memory into growing arrays, and numerics in bytes as integers with
 *  `types/stored-numeric.ts`'s NaN among them. Must not know: encodings on disk, files. Invariants: `nulls[i]` is 1 for NULL, and then the value is zero or empty; nothing of a chunk is kept. */
import { chunkEncoding, ENCODING_BYTES } from '../types/arrow/sql-field.js';
import type { ChunkColumn, Encoding, MemoryPool } from '../types/memory.js';
import type { SqlType } from '../types/sql-type.js';
import { isScaled, nanInteger } from '../types/stored-numeric.js';
import { NAN_KIND, VAR_NUMERIC_HEADER_BYTES } from '../types/var-numeric.js';
import { ROW_GROUP_ROWS } from './row-group.js';

export class StagedColumn {
  private readonly type: SqlType;
  readonly encoding: Encoding;
  rows = 0;
  nullCount = 0;
  /** Allocated with the first NULL. */
  nulls: Uint8Array | undefined;
  /** Fixed width: values of `ENCODING_BYTES[encoding]`. Strings: their bytes, one after the other. */
  data: Uint8Array;
  readonly offsets: Int32Array | undefined;

  constructor(type: SqlType) {
    this.type = type;
    const encoding = chunkEncoding(type);
    this.encoding = encoding;
    if (encoding === 'utf8') {
      this.offsets = new Int32Array(ROW_GROUP_ROWS + 1);
      this.data = new Uint8Array(4096);
    } else this.data = new Uint8Array(256 * ENCODING_BYTES[encoding]);
  }

  get dataBytes(): number {
    return this.offsets === undefined ? this.rows * ENCODING_BYTES[this.encoding] : this.offsets[this.rows]!;
  }

  /** Forgets the rows; arrays are kept for the next row group. */
  clear(): void {
    this.rows = 0;
    this.nullCount = 0;
    this.nulls?.fill(0);
  }

  append(column: ChunkColumn, memory: MemoryPool, from: number, count: number): void {
    if (this.offsets !== undefined) this.appendStrings(this.offsets, column, memory, from, count);
    else if (column.encoding === 'utf8') this.appendNumerics(column, memory, from, count);
    else if (column.encoding === this.encoding) {
      const width = ENCODING_BYTES[this.encoding];
      this.grow((this.rows + count) * width);
      const start = column.data + from * width;
      this.data.set(memory.u8.subarray(start, start + count * width), this.rows * width);
    } else this.appendIntegers(column, memory, from, count);
    if (column.validity !== 0) this.appendNulls(column.validity, memory.u8, from, count);
    this.rows += count;
  }

  private grow(bytes: number): void {
    if (bytes <= this.data.length) return;
    const larger = new Uint8Array(
      Math.max(bytes, Math.min(this.data.length * 2, this.data.length + (32 << 20))),
    );
    larger.set(this.data);
    this.data = larger;
  }

  private appendStrings(
    offsets: Int32Array,
    column: ChunkColumn,
    memory: MemoryPool,
    from: number,
    count: number,
  ): void {
    if (column.encoding !== 'utf8') throw new Error(`a string column was given as ${column.encoding}`);
    const source = memory.i32;
    const at = (column.offsets >>> 2) + from;
    const start = source[at]!;
    const end = source[at + count]!;
    const base = offsets[this.rows]!;
    this.grow(base + end - start);
    this.data.set(memory.u8.subarray(column.data + start, column.data + end), base);
    const shift = base - start;
    for (let i = 1; i <= count; i++) offsets[this.rows + i] = source[at + i]! + shift;
  }

  /** A numeric column's chunk may be narrower or wider than the table's: its range is known by the plan only. */
  private appendIntegers(column: ChunkColumn, memory: MemoryPool, from: number, count: number): void {
    const width = ENCODING_BYTES[this.encoding];
    const sourceWidth = ENCODING_BYTES[column.encoding];
    const integers = ['i8', 'i16', 'i32', 'i64', 'i128'];
    if (!integers.includes(column.encoding) || !integers.includes(this.encoding))
      throw new Error(`a column of ${this.encoding} was given as ${column.encoding}`);
    this.grow((this.rows + count) * width);
    if (sourceWidth >= 4 && width >= sourceWidth) {
      this.widen(
        memory.i32,
        (column.data >>> 2) + (from * sourceWidth) / 4,
        sourceWidth / 4,
        width / 4,
        count,
      );
      return;
    }
    const u8 = memory.u8;
    const copied = Math.min(width, sourceWidth);
    for (let i = 0; i < count; i++) {
      const source = column.data + (from + i) * sourceWidth;
      const target = (this.rows + i) * width;
      for (let b = 0; b < copied; b++) this.data[target + b] = u8[source + b]!;
      const sign = this.data[target + copied - 1]! > 127 ? 255 : 0;
      for (let b = copied; b < width; b++) this.data[target + b] = sign;
      if (column.validity !== 0 && ((u8[column.validity + ((from + i) >> 3)]! >> ((from + i) & 7)) & 1) === 0)
        continue;
      for (let b = copied; b < sourceWidth; b++)
        if (u8[source + b] !== sign) throw new Error(`a value does not fit ${this.encoding}`);
    }
  }

  /** Numerics in bytes, where some row may be NaN. */
  private appendNumerics(column: ChunkColumn, memory: MemoryPool, from: number, count: number): void {
    const nan = nanInteger(this.type);
    if (nan === undefined || !isScaled(this.type)) throw new Error(`${this.encoding} was given as bytes`);
    const { scale } = this.type;
    const width = ENCODING_BYTES[this.encoding];
    this.grow((this.rows + count) * width);
    const { u8, i32 } = memory;
    const { data } = this;
    const at = (column.offsets >>> 2) + from;
    for (let i = 0; i < count; i++) {
      const start = column.data + i32[at + i]!;
      const digits = start + VAR_NUMERIC_HEADER_BYTES;
      const end = column.data + i32[at + i + 1]!;
      const to = (this.rows + i) * width;
      // Zeros for NULL.
      data.fill(0, to, to + width);
      if (start === end) continue;
      const kind = u8[start]!;
      if (kind === NAN_KIND) {
        writeInteger(data, to, width, nan);
        continue;
      }
      if (kind > 1 || (u8[start + 1]! | (u8[start + 2]! << 8)) !== scale || end - digits > width)
        throw new Error(`a numeric that does not fit ${this.encoding} at scale ${scale}`);
      for (let b = digits; b < end; b++) data[to + b - digits] = u8[b]!;
      if (kind === 1) negate(data, to, width);
    }
  }

  /** Words of 32 bits, and their sign above. */
  private widen(source: Int32Array, at: number, sourceWords: number, words: number, count: number): void {
    const target = new Int32Array(this.data.buffer, 0, (this.rows + count) * words);
    let to = this.rows * words;
    for (let i = 0, s = at; i < count; i++) {
      for (let w = 0; w < sourceWords; w++) target[to++] = source[s++]!;
      const sign = source[s - 1]! >> 31;
      for (let w = sourceWords; w < words; w++) target[to++] = sign;
    }
  }

  private appendNulls(validity: number, u8: Uint8Array, from: number, count: number): void {
    const width = ENCODING_BYTES[this.encoding];
    for (let i = 0; i < count; i++) {
      const at = from + i;
      // Eight values at a time while none is NULL.
      if ((at & 7) === 0 && u8[validity + (at >> 3)] === 0xff) {
        i += 7;
        continue;
      }
      if (((u8[validity + (at >> 3)]! >> (at & 7)) & 1) !== 0) continue;
      this.nulls ??= new Uint8Array(ROW_GROUP_ROWS);
      const row = this.rows + i;
      this.nulls[row] = 1;
      this.nullCount++;
      // Whatever lay there must not reach the file or the zone map. Strings: bytes under a NULL are unreachable but harmless.
      if (width > 0) this.data.fill(0, row * width, (row + 1) * width);
    }
  }
}

/** Two's complement, in place. */
function negate(data: Uint8Array, at: number, width: number): void {
  let carry = 1;
  for (let b = at; b < at + width; b++) {
    const byte = (data[b]! ^ 255) + carry;
    data[b] = byte;
    carry = byte >> 8;
  }
}

function writeInteger(data: Uint8Array, at: number, width: number, v: bigint): void {
  for (let b = 0; b < width; b++) data[at + b] = Number((v >> BigInt(8 * b)) & 255n);
}
