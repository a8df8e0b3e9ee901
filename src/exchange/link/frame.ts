/** Frames of a link: `LinkMessage` of proto/mpp.proto, coded by hand.
 *
 *  Nearly all bytes of a cluster and every step of a short query pass here, so protobuf's object conversions are bypassed;
 *  the bytes are protobuf's all the same (a test decodes them by the .proto). A decoded `batch` is a view of the message. */
import { SqlError } from '../../types/sql-error.js';

export type MotionOpen = {
  readonly queryId: string;
  readonly motion: number;
  readonly from: number;
  readonly to: number;
};

export type FrameBody =
  /** First in each direction: where the speaker's own services listen ('' = nowhere). */
  | { readonly kind: 'hello'; readonly address: string }
  | { readonly kind: 'open'; readonly open: MotionOpen }
  | { readonly kind: 'batch'; readonly batch: Uint8Array }
  | { readonly kind: 'end'; readonly rows: number }
  | { readonly kind: 'failed'; readonly failure: Uint8Array }
  | { readonly kind: 'credit'; readonly messages: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'closed' }
  /** Which rows the receiver can match: `id` of the plan's runtime filter, `bits` as in types/filter-bits.ts. */
  | { readonly kind: 'filter'; readonly id: number; readonly bits: Uint8Array }
  | { readonly kind: 'execute'; readonly body: Uint8Array }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'done'; readonly body: Uint8Array };

/** `stream` 0 is the link itself. */
export type Frame = { readonly stream: number; readonly body: FrameBody };

const FIELD: Record<FrameBody['kind'], number> = {
  hello: 2,
  open: 3,
  batch: 4,
  end: 5,
  failed: 6,
  credit: 7,
  stop: 8,
  closed: 9,
  execute: 10,
  cancel: 11,
  done: 12,
  filter: 13,
};
const KINDS = new Map(Object.entries(FIELD).map(([k, f]) => [f, k as FrameBody['kind']]));

const VARINT = 0;
const BYTES = 2;

function varintBytes(v: number): number {
  let n = 1;
  for (let rest = v; rest > 127; rest = Math.floor(rest / 128)) n++;
  return n;
}

function zigzag(v: number): number {
  return v < 0 ? -2 * v - 1 : 2 * v;
}

function unzigzag(v: number): number {
  return v % 2 === 0 ? v / 2 : -(v + 1) / 2;
}

class Writer {
  readonly out: Buffer;
  at = 0;

  constructor(bytes: number) {
    this.out = Buffer.allocUnsafe(bytes);
  }

  varint(v: number): void {
    let rest = v;
    while (rest > 127) {
      this.out[this.at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.out[this.at++] = rest;
  }

  tag(field: number, type: number): void {
    this.out[this.at++] = (field << 3) | type;
  }

  bytes(b: Uint8Array): void {
    this.varint(b.length);
    this.out.set(b, this.at);
    this.at += b.length;
  }
}

/** What follows the tag of the frame's body. */
type Payload = { readonly number: number } | { readonly bytes: Uint8Array };

function payloadOf(body: FrameBody): Payload {
  switch (body.kind) {
    case 'hello':
      return { bytes: packFields([[1, Buffer.from(body.address)]]) };
    case 'open': {
      const { queryId, motion, from, to } = body.open;
      return {
        bytes: packFields([
          [1, Buffer.from(queryId)],
          [2, motion],
          [3, zigzag(from)],
          [4, zigzag(to)],
        ]),
      };
    }
    case 'batch':
      return { bytes: body.batch };
    case 'end':
      return { number: body.rows };
    case 'failed':
      return { bytes: body.failure };
    case 'credit':
      return { number: body.messages };
    case 'stop':
    case 'closed':
    case 'cancel':
      return { number: 1 };
    case 'execute':
    case 'done':
      return { bytes: body.body };
    case 'filter':
      return {
        bytes: packFields([
          [1, body.id],
          [2, body.bits],
        ]),
      };
  }
}

function packFields(fields: readonly (readonly [number, number | Uint8Array])[]): Uint8Array {
  let size = 0;
  for (const [, v] of fields)
    size += 1 + (typeof v === 'number' ? varintBytes(v) : varintBytes(v.length) + v.length);
  const w = new Writer(size);
  for (const [field, v] of fields) {
    w.tag(field, typeof v === 'number' ? VARINT : BYTES);
    if (typeof v === 'number') w.varint(v);
    else w.bytes(v);
  }
  return w.out;
}

export function encodeFrames(frames: readonly Frame[]): Buffer {
  const payloads = frames.map((f) => payloadOf(f.body));
  const sizes = frames.map((f, i) => {
    const p = payloads[i]!;
    const rest = 'number' in p ? varintBytes(p.number) : varintBytes(p.bytes.length) + p.bytes.length;
    return 1 + varintBytes(f.stream) + 1 + rest;
  });
  const w = new Writer(sizes.reduce((n, s) => n + 1 + varintBytes(s) + s, 0));
  frames.forEach((f, i) => {
    const p = payloads[i]!;
    w.tag(1, BYTES);
    w.varint(sizes[i]!);
    w.tag(1, VARINT);
    w.varint(f.stream);
    w.tag(FIELD[f.body.kind], 'number' in p ? VARINT : BYTES);
    if ('number' in p) w.varint(p.number);
    else w.bytes(p.bytes);
  });
  return w.out;
}

class Reader {
  private readonly bytes: Buffer;
  private at: number;
  private readonly end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (this.at >= this.end || scale > 2 ** 49) throw malformed();
      const byte = this.bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** The next field: its number, and its value as a number or as where its bytes are. */
  field(): { readonly field: number; readonly number: number; readonly start: number; readonly end: number } {
    const tag = this.varint();
    const type = tag & 7;
    const field = tag >>> 3;
    const number = this.varint();
    if (type === VARINT) return { field, number, start: 0, end: 0 };
    if (type !== BYTES || this.at + number > this.end) throw malformed();
    const start = this.at;
    this.at += number;
    return { field, number: -1, start, end: this.at };
  }
}

/** Throws 08P01 for bytes that are no LinkMessage. */
export function decodeFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  const message = new Reader(bytes, 0, bytes.length);
  while (!message.done) {
    const { field, number, start, end } = message.field();
    if (field !== 1 || number !== -1) throw malformed();
    frames.push(decodeFrame(bytes, start, end));
  }
  return frames;
}

function decodeFrame(bytes: Buffer, start: number, end: number): Frame {
  let stream = 0;
  let body: FrameBody | undefined;
  const r = new Reader(bytes, start, end);
  while (!r.done) {
    const f = r.field();
    if (f.field === 1) stream = f.number;
    else body = decodeBody(bytes, f);
  }
  if (body === undefined || stream < 0) throw malformed();
  return { stream, body };
}

function decodeBody(
  bytes: Buffer,
  f: { readonly field: number; readonly number: number; readonly start: number; readonly end: number },
): FrameBody {
  const kind = KINDS.get(f.field);
  if (kind === undefined) throw malformed();
  const isNumber = f.number !== -1;
  const view = (): Uint8Array => {
    if (isNumber) throw malformed();
    return bytes.subarray(f.start, f.end);
  };
  const value = (): number => {
    if (!isNumber) throw malformed();
    return f.number;
  };
  switch (kind) {
    case 'hello':
      return { kind, address: text(fieldsOf(bytes, view(), f.start).get(1)) };
    case 'open': {
      const fields = fieldsOf(bytes, view(), f.start);
      return {
        kind,
        open: {
          queryId: text(fields.get(1)),
          motion: whole(fields.get(2)),
          from: unzigzag(whole(fields.get(3))),
          to: unzigzag(whole(fields.get(4))),
        },
      };
    }
    case 'batch':
      return { kind, batch: view() };
    case 'end':
      return { kind, rows: value() };
    case 'failed':
      return { kind, failure: view() };
    case 'credit':
      return { kind, messages: value() };
    case 'stop':
    case 'closed':
    case 'cancel':
      value();
      return { kind };
    case 'execute':
    case 'done':
      return { kind, body: view() };
    case 'filter': {
      const fields = fieldsOf(bytes, view(), f.start);
      const bits = fields.get(2);
      if (typeof bits === 'number') throw malformed();
      return { kind, id: whole(fields.get(1)), bits: bits ?? new Uint8Array(0) };
    }
  }
}

function fieldsOf(bytes: Buffer, view: Uint8Array, start: number): Map<number, number | Buffer> {
  const fields = new Map<number, number | Buffer>();
  const r = new Reader(bytes, start, start + view.length);
  while (!r.done) {
    const f = r.field();
    fields.set(f.field, f.number !== -1 ? f.number : bytes.subarray(f.start, f.end));
  }
  return fields;
}

function text(v: number | Buffer | undefined): string {
  if (typeof v === 'number') throw malformed();
  return v === undefined ? '' : v.toString('utf8');
}

function whole(v: number | Buffer | undefined): number {
  if (typeof v === 'object') throw malformed();
  return v ?? 0;
}

function malformed(): SqlError {
  return new SqlError('08P01', 'a malformed message came over a link');
}
