/** A protocol client for tests that speaks in messages: what drivers hide. */
import { connect, type Socket } from 'node:net';

export type Message = { readonly type: string; readonly body: Buffer };

export class RawClient {
  readonly socket: Socket;
  private buffered = Buffer.alloc(0);
  private readonly messages: Message[] = [];
  private wake: (() => void) | undefined;
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.buffered = Buffer.concat([this.buffered, chunk]);
      while (this.buffered.length >= 5) {
        const length = this.buffered.readUInt32BE(1) + 1;
        if (this.buffered.length < length) break;
        this.messages.push({
          type: String.fromCharCode(this.buffered[0]),
          body: this.buffered.subarray(5, length),
        });
        this.buffered = this.buffered.subarray(length);
      }
      this.wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.wake?.();
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Connected and past ReadyForQuery; the messages of the greeting. */
  static async start(
    port: number,
    parameters: Record<string, string> = { user: 'tester', database: 'db' },
  ): Promise<{ client: RawClient; greeting: Message[] }> {
    const client = await RawClient.open(port);
    client.startup(0x30000, parameters);
    return { client, greeting: await client.until('Z') };
  }

  startup(version: number, parameters: Record<string, string>): void {
    const words = Object.entries(parameters).flat();
    const body = Buffer.concat([...words.map((x) => Buffer.from(`${x}\0`)), Buffer.from([0])]);
    this.raw(Buffer.concat([int32(body.length + 8), int32(version), body]));
  }

  raw(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  send(type: string, ...parts: (Buffer | string)[]): void {
    this.raw(frame(type, ...parts));
  }

  query(sql: string): Promise<Message[]> {
    this.send('Q', sql);
    return this.until('Z');
  }

  /** Messages up to the first of `type`, or to the connection's end. */
  async until(type: string): Promise<Message[]> {
    for (;;) {
      const at = this.messages.findIndex((m) => m.type === type);
      if (at >= 0) return this.messages.splice(0, at + 1);
      if (this.closed) return this.messages.splice(0);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  async waitClosed(): Promise<Message[]> {
    while (!this.closed)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    return this.messages.splice(0);
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Strings are sent with their terminator. */
export function frame(type: string, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(`${p}\0`) : p)));
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

export function int32(n: number): Buffer {
  const b = Buffer.alloc(4);
  b.writeInt32BE(n);
  return b;
}

export function int16(n: number): Buffer {
  const b = Buffer.alloc(2);
  b.writeInt16BE(n);
  return b;
}

export function types(messages: readonly Message[]): string {
  return messages.map((m) => m.type).join('');
}

/** The fields of an ErrorResponse or NoticeResponse by their letter. */
export function errorFields(messages: readonly Message[], type = 'E'): Record<string, string> {
  const m = messages.find((x) => x.type === type);
  if (m === undefined) return {};
  const fields: Record<string, string> = {};
  for (const part of m.body.toString('utf8').split('\0')) if (part !== '') fields[part[0]] = part.slice(1);
  return fields;
}

/** The values of DataRow messages as text. */
export function rows(messages: readonly Message[]): (string | null)[][] {
  return messages
    .filter((m) => m.type === 'D')
    .map(({ body }) => {
      const values: (string | null)[] = [];
      let at = 2;
      for (let i = 0; i < body.readInt16BE(0); i++) {
        const length = body.readInt32BE(at);
        at += 4;
        values.push(length < 0 ? null : body.toString('utf8', at, at + Math.max(0, length)));
        at += Math.max(0, length);
      }
      return values;
    });
}

export function tags(messages: readonly Message[]): string[] {
  return messages.filter((m) => m.type === 'C').map((m) => m.body.toString('utf8', 0, m.body.length - 1));
}
