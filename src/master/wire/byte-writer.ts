/** A growing buffer for outgoing bytes: numbers as text without JavaScript strings, big-endian integers of the
 *  protocol, text in the client's encoding. Must not know: messages. Invariant: `ensure` before raw writes to `bytes`. */
import type { Charset } from '../../types/charset.js';

const ZERO = 48;
const MINUS = 45;
const POINT = 46;

/** Buffers below are copied into the socket's own queue whole, so one writer is reused for a connection's life. */
const KEPT_BYTES_MAX = 1 << 20;

const EMPTY = Buffer.alloc(0);

export class ByteWriter {
  /** None until something is written: idle sessions have writers. */
  bytes: Buffer = EMPTY;
  length = 0;
  /** Of the text that is written; undefined: UTF-8. */
  charset: Charset | undefined;
  /** Stands for characters that the encoding lacks; undefined: these are 22P05. */
  private readonly substitute: number | undefined;
  private readonly initial: number;
  private nextBytes: number;
  private readonly digits = new Uint8Array(64);

  constructor(initialBytes = 16 * 1024, charset?: Charset, substitute?: number) {
    this.initial = initialBytes;
    this.nextBytes = initialBytes;
    this.charset = charset;
    this.substitute = substitute;
  }

  ensure(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const wanted = this.bytes.length === 0 ? this.nextBytes : this.bytes.length * 2;
    const wider = Buffer.allocUnsafeSlow(Math.max(wanted, this.length + more));
    this.bytes.copy(wider, 0, 0, this.length);
    this.bytes = wider;
  }

  /** The written bytes; the writer starts anew with another buffer, so the caller owns what it got. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.nextBytes = Math.min(Math.max(this.initial, this.length), KEPT_BYTES_MAX);
    this.drop();
    return taken;
  }

  /** Forgets what was written, and lets go of the memory. */
  drop(): void {
    this.bytes = EMPTY;
    this.length = 0;
  }

  u8(v: number): void {
    this.ensure(1);
    this.bytes[this.length++] = v;
  }

  i16(v: number): void {
    this.ensure(2);
    this.length = this.bytes.writeInt16BE(v, this.length);
  }

  i32(v: number): void {
    this.ensure(4);
    this.length = this.bytes.writeInt32BE(v | 0, this.length);
  }

  i64(v: bigint): void {
    this.ensure(8);
    this.length = this.bytes.writeBigInt64BE(v, this.length);
  }

  f32(v: number): void {
    this.ensure(4);
    this.length = this.bytes.writeFloatBE(v, this.length);
  }

  f64(v: number): void {
    this.ensure(8);
    this.length = this.bytes.writeDoubleBE(v, this.length);
  }

  patchI32(at: number, v: number): void {
    this.bytes.writeInt32BE(v, at);
  }

  text(s: string): void {
    this.ensure(s.length * 3);
    const from = this.length;
    this.length += this.bytes.write(s, from, 'utf8');
    this.convert(from);
  }

  private convert(from: number): void {
    if (this.charset !== undefined) this.convertTo(this.charset, from);
  }

  /** What was written from `from` on is UTF-8: converts it. */
  convertTo(charset: Charset | undefined, from: number): void {
    if (charset !== undefined)
      this.length = charset.encodeInPlace(this.bytes, from, this.length, this.substitute);
  }

  ascii(s: string): void {
    this.ensure(s.length);
    this.length += this.bytes.write(s, this.length, 'latin1');
  }

  cString(s: string): void {
    this.text(s);
    this.u8(0);
  }

  /** Copies UTF-8 text. */
  copyText(source: Uint8Array, start: number, length: number): void {
    const from = this.length;
    this.copy(source, start, length);
    this.convert(from);
  }

  /** Copies `source[start, start + length)`. */
  copy(source: Uint8Array, start: number, length: number): void {
    this.ensure(length);
    const { bytes } = this;
    const at = this.length;
    if (length < 48) for (let i = 0; i < length; i++) bytes[at + i] = source[start + i];
    else bytes.set(source.subarray(start, start + length), at);
    this.length = at + length;
  }

  /** An integer below 2^53 in absolute value, as decimal text. */
  integer(v: number): void {
    this.ensure(20);
    if (v < 0) {
      this.bytes[this.length++] = MINUS;
      v = -v;
    }
    this.writeDigits(this.collectDigits(v), 0);
  }

  /** `v / 10^scale` as decimal text, |v| < 2^53. */
  decimal(v: number, scale: number): void {
    this.ensure(24 + scale);
    if (v < 0) {
      this.bytes[this.length++] = MINUS;
      v = -v;
    }
    let count = this.collectDigits(v);
    while (count <= scale) this.digits[count++] = 0;
    this.writeDigits(count, scale);
  }

  /** `n` with at least two digits. */
  twoDigits(n: number): void {
    const tens = (n / 10) | 0;
    this.bytes[this.length++] = ZERO + tens;
    this.bytes[this.length++] = ZERO + n - tens * 10;
  }

  /** Least significant digit first. */
  private collectDigits(v: number): number {
    const { digits } = this;
    let count = 0;
    while (v > 0x7fffffff) {
      const rest = Math.floor(v / 10);
      digits[count++] = v - rest * 10;
      v = rest;
    }
    let small = v | 0;
    do {
      const rest = (small / 10) | 0;
      digits[count++] = small - rest * 10;
      small = rest;
    } while (small > 0);
    return count;
  }

  private writeDigits(count: number, scale: number): void {
    const { bytes, digits } = this;
    let at = this.length;
    for (let i = count - 1; i >= scale; i--) bytes[at++] = ZERO + digits[i];
    if (scale > 0) {
      bytes[at++] = POINT;
      for (let i = scale - 1; i >= 0; i--) bytes[at++] = ZERO + digits[i];
    }
    this.length = at;
  }
}
