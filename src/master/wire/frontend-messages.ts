/** From socket bytes to frontend messages.
 *
 *  Owns: framing and size limits of the startup phase and of typed messages, and reading their bodies. Invariant: a
 *  message is handed out whole; a body is a view of received bytes. 08P01 for anything malformed: the connection
 *  then ends, since the boundary of the next message is unknown. Source: PostgreSQL, chapter 55.7. */
import { clientText } from '../../types/binary-input.js';
import type { Charset } from '../../types/charset.js';
import { SqlError } from '../../types/sql-error.js';

export type FrontendMessage = { readonly type: string; readonly body: Buffer };

const STARTUP_BYTES_MAX = 10_000;
const PASSWORD = 112;
const PASSWORD_BYTES_MAX = 65_535;
const SMALL_MESSAGE_BYTES_MAX = 30_000;
/** Of a statement, a set of parameters, a block of COPY data. */
export const LARGE_MESSAGE_BYTES_MAX = 256 * 1024 * 1024;

const LARGE = new Set(['Q', 'P', 'B', 'd', 'F']);
const KNOWN = new Set(['Q', 'P', 'B', 'D', 'E', 'C', 'H', 'S', 'F', 'd', 'c', 'f', 'X', 'p']);

export function protocolViolation(message: string): SqlError {
  return new SqlError('08P01', message);
}

/** Bytes as they arrive, cut into messages. */
export class FrontendReader {
  private readonly chunks: Buffer[] = [];
  private first = 0;
  private available = 0;

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.available += chunk.length;
  }

  get bufferedBytes(): number {
    return this.available;
  }

  /** The next startup-phase packet's body (after its length), or undefined when it has not arrived yet. */
  nextStartup(): Buffer | undefined {
    if (this.available < 4) return undefined;
    const length = this.peek(4).readUInt32BE(0);
    if (length < 8 || length > STARTUP_BYTES_MAX) throw protocolViolation('invalid length of startup packet');
    if (this.available < length) return undefined;
    return this.consume(length).subarray(4);
  }

  nextMessage(): FrontendMessage | undefined {
    if (this.available < 5) return undefined;
    const header = this.peek(5);
    const type = String.fromCharCode(header[0]);
    if (!KNOWN.has(type)) throw protocolViolation(`invalid frontend message type ${header[0]}`);
    const length = header.readUInt32BE(1);
    const max = LARGE.has(type) ? LARGE_MESSAGE_BYTES_MAX : SMALL_MESSAGE_BYTES_MAX;
    if (length < 4 || length > max) throw protocolViolation('invalid message length');
    if (this.available < length + 1) return undefined;
    return { type, body: this.consume(length + 1).subarray(5) };
  }

  /** The body of the next password message: nothing else, and nothing long, comes from who is not known yet. */
  nextPassword(): Buffer | undefined {
    if (this.available < 5) return undefined;
    const header = this.peek(5);
    if (header[0] !== PASSWORD)
      throw protocolViolation(`expected password response, got message type ${header[0]}`);
    const length = header.readUInt32BE(1);
    if (length < 4 || length > PASSWORD_BYTES_MAX) throw protocolViolation('invalid password packet size');
    if (this.available < length + 1) return undefined;
    return this.consume(length + 1).subarray(5);
  }

  private peek(count: number): Buffer {
    const head = this.chunks[0];
    if (head.length - this.first >= count) return head.subarray(this.first, this.first + count);
    this.gather(count);
    return this.chunks[0].subarray(this.first, this.first + count);
  }

  private consume(count: number): Buffer {
    if (this.chunks[0].length - this.first < count) this.gather(count);
    const head = this.chunks[0];
    const taken = head.subarray(this.first, this.first + count);
    this.first += count;
    this.available -= count;
    if (this.first === head.length) {
      this.chunks.shift();
      this.first = 0;
    }
    return taken;
  }

  /** Makes the first chunk hold at least `count` bytes. */
  private gather(count: number): void {
    const parts: Buffer[] = [];
    let have = 0;
    while (have < count) {
      const chunk = this.chunks.shift()!;
      const part = this.first > 0 ? chunk.subarray(this.first) : chunk;
      this.first = 0;
      parts.push(part);
      have += part.length;
    }
    this.chunks.unshift(Buffer.concat(parts));
  }
}

/** Reads one message's fields in order. */
export class BodyReader {
  private readonly body: Buffer;
  private readonly charset: Charset | undefined;
  private at = 0;

  /** `charset`: of the strings; undefined: UTF-8. */
  constructor(body: Buffer, charset: Charset | undefined) {
    this.body = body;
    this.charset = charset;
  }

  get remaining(): number {
    return this.body.length - this.at;
  }

  byte(): number {
    this.need(1);
    return this.body[this.at++];
  }

  i16(): number {
    this.need(2);
    const v = this.body.readInt16BE(this.at);
    this.at += 2;
    return v;
  }

  count(): number {
    const n = this.i16();
    return n < 0 ? n + 65536 : n;
  }

  i32(): number {
    this.need(4);
    const v = this.body.readInt32BE(this.at);
    this.at += 4;
    return v;
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  bytes(count: number): Buffer {
    if (count < 0) throw protocolViolation('invalid message format');
    this.need(count);
    const b = this.body.subarray(this.at, this.at + count);
    this.at += count;
    return b;
  }

  /** 22021 and 22P05 for text that is none: ordinary errors, the message itself was well framed. */
  string(): string {
    const end = this.body.indexOf(0, this.at);
    if (end < 0) throw protocolViolation('invalid string in message');
    const bytes = this.body.subarray(this.at, end);
    this.at = end + 1;
    return clientText(bytes, this.charset);
  }

  end(): void {
    if (this.at !== this.body.length) throw protocolViolation('invalid message format');
  }

  private need(count: number): void {
    if (this.remaining < count) throw protocolViolation('insufficient data left in message');
  }
}
