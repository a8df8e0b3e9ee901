/** Lines of a script, one at a time; COPY takes the lines of its data from the same place. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

export interface LineSource {
  /** Without its newline; undefined at the end. `prompt` is shown where a person types. */
  line(prompt: string): Promise<string | undefined>;
  /** For data: bytes with their newline. */
  dataLine(prompt: string): Promise<Buffer | undefined>;
  close(): void;
}

const NEWLINE = 10;

export class StreamSource implements LineSource {
  private readonly chunks: AsyncIterator<Buffer>;
  private readonly stream: Readable;
  private buffer: Buffer = Buffer.alloc(0);
  private at = 0;
  private ended = false;

  constructor(stream: Readable) {
    this.stream = stream;
    this.chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  static file(path: string): StreamSource {
    return new StreamSource(createReadStream(path, { highWaterMark: 1 << 18 }));
  }

  async line(_prompt: string): Promise<string | undefined> {
    const data = await this.dataLine('');
    if (data === undefined) return undefined;
    let end = data.length;
    if (end > 0 && data[end - 1] === NEWLINE) end--;
    return data.toString('utf8', 0, end);
  }

  async dataLine(_prompt: string): Promise<Buffer | undefined> {
    let searched = this.at;
    for (;;) {
      const newline = this.buffer.indexOf(NEWLINE, searched);
      if (newline >= 0) return this.take(newline + 1);
      searched = this.buffer.length;
      if (this.ended) return this.at < this.buffer.length ? this.take(this.buffer.length) : undefined;
      const next = await this.chunks.next();
      if (next.done === true) {
        this.ended = true;
        continue;
      }
      searched -= this.at;
      this.buffer =
        this.at < this.buffer.length
          ? Buffer.concat([this.buffer.subarray(this.at), next.value])
          : next.value;
      this.at = 0;
    }
  }

  private take(end: number): Buffer {
    const line = this.buffer.subarray(this.at, end);
    this.at = end;
    return line;
  }

  close(): void {
    this.stream.destroy();
  }
}

/** The lines of a text. */
export class TextSource implements LineSource {
  private readonly lines: string[];
  constructor(text: string) {
    this.lines = text.split('\n');
  }
  async line(_prompt: string): Promise<string | undefined> {
    return this.lines.shift();
  }
  async dataLine(_prompt: string): Promise<Buffer | undefined> {
    const line = this.lines.shift();
    return line === undefined ? undefined : Buffer.from(`${line}\n`);
  }
  close(): void {
    this.lines.length = 0;
  }
}
