/** Arrow's encapsulated IPC messages: metadata as a flatbuffer, then a body of 64-byte aligned buffers.
 *
 *  Owns: framing, record batch and dictionary batch metadata. Must not know: files, sockets, SQL types.
 *  Invariants: buffers start at multiples of 64 in the body, and the body at a multiple of 64 of the message's own
 *  position, so that a buffer read at its place is aligned for any code. Reading yields positions, never copies.
 *  Source: Arrow columnar format, "Encapsulated message format"; format/Message.fbs. */
import { Builder } from 'flatbuffers';
import { ArrowFormatError, FlatTable, readSize } from './flat-table.js';
import { type ArrowField, METADATA_V5, readSchema, writeSchema } from './schema.js';

export const ALIGNMENT = 64;
const CONTINUATION = 0xffffffff;
const SCHEMA = 1;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** A region of a body, relative to its start. `length` excludes padding. */
export type BufferRef = { readonly offset: number; readonly length: number };
export type FieldNode = { readonly length: number; readonly nullCount: number };
export type BatchMeta = {
  readonly rows: number;
  readonly nodes: readonly FieldNode[];
  readonly buffers: readonly BufferRef[];
};

export type Message =
  | { readonly kind: 'schema'; readonly fields: readonly ArrowField[] }
  | { readonly kind: 'dictionary'; readonly id: number; readonly isDelta: boolean; readonly batch: BatchMeta }
  | { readonly kind: 'batch'; readonly batch: BatchMeta };

/** Where a message's parts lie in the bytes it was read from. */
export type MessageAt = {
  readonly message: Message;
  readonly bodyStart: number;
  readonly bodyBytes: number;
  /** First byte after the message. */
  readonly end: number;
};

/** Lays buffers of these lengths one after the other, each aligned. */
export function layOut(lengths: readonly number[]): {
  readonly buffers: BufferRef[];
  readonly bodyBytes: number;
} {
  const buffers: BufferRef[] = [];
  let offset = 0;
  for (const length of lengths) {
    buffers.push({ offset, length });
    offset += aligned(length);
  }
  return { buffers, bodyBytes: offset };
}

function writeStructPairs(b: Builder, pairs: readonly (readonly [number, number])[]): number {
  b.startVector(16, pairs.length, 8);
  for (let i = pairs.length - 1; i >= 0; i--) {
    const [first, second] = pairs[i]!;
    b.prep(8, 16);
    b.writeInt64(BigInt(second));
    b.writeInt64(BigInt(first));
  }
  return b.endVector();
}

function writeBatch(b: Builder, meta: BatchMeta): number {
  const nodes = writeStructPairs(
    b,
    meta.nodes.map((n) => [n.length, n.nullCount]),
  );
  const buffers = writeStructPairs(
    b,
    meta.buffers.map((r) => [r.offset, r.length]),
  );
  b.startObject(5);
  b.addFieldInt64(0, BigInt(meta.rows), 0n);
  b.addFieldOffset(1, nodes, 0);
  b.addFieldOffset(2, buffers, 0);
  return b.endObject();
}

/** Frames finished metadata. `position`: where the message will start, as alignment is relative to the file. */
function frame(
  b: Builder,
  headerType: number,
  header: number,
  bodyBytes: number,
  position: number,
): Uint8Array {
  b.startObject(5);
  b.addFieldInt16(0, METADATA_V5, 0);
  b.addFieldInt8(1, headerType, 0);
  b.addFieldOffset(2, header, 0);
  b.addFieldInt64(3, BigInt(bodyBytes), 0n);
  b.finish(b.endObject());
  const metadata = b.asUint8Array();
  const total = aligned(position + 8 + metadata.length) - position;
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  view.setUint32(0, CONTINUATION, true);
  view.setUint32(4, total - 8, true);
  out.set(metadata, 8);
  return out;
}

export function schemaMessage(fields: readonly ArrowField[], position: number): Uint8Array {
  const b = new Builder(1024);
  return frame(b, SCHEMA, writeSchema(b, fields), 0, position);
}

export function batchMessage(meta: BatchMeta, bodyBytes: number, position: number): Uint8Array {
  const b = new Builder(256 + 16 * (meta.nodes.length + meta.buffers.length));
  return frame(b, RECORD_BATCH, writeBatch(b, meta), bodyBytes, position);
}

export function dictionaryMessage(
  id: number,
  meta: BatchMeta,
  bodyBytes: number,
  position: number,
): Uint8Array {
  const b = new Builder(512);
  const batch = writeBatch(b, meta);
  b.startObject(3);
  b.addFieldInt64(0, BigInt(id), 0n);
  b.addFieldOffset(1, batch, 0);
  return frame(b, DICTIONARY_BATCH, b.endObject(), bodyBytes, position);
}

function readBatch(t: FlatTable | undefined, bodyBytes: number): BatchMeta {
  if (t === undefined) throw new ArrowFormatError('a batch without metadata');
  if (t.table(3) !== undefined) throw new ArrowFormatError('compressed buffers are not supported');
  const nodes: FieldNode[] = [];
  const n = t.vector(1, 16);
  for (let i = 0; i < n.count; i++) {
    const at = n.start + i * 16;
    nodes.push({ length: readSize(t.view, at), nullCount: readSize(t.view, at + 8) });
  }
  const buffers: BufferRef[] = [];
  const v = t.vector(2, 16);
  for (let i = 0; i < v.count; i++) {
    const at = v.start + i * 16;
    const offset = readSize(t.view, at);
    const length = readSize(t.view, at + 8);
    if (offset + length > bodyBytes)
      throw new ArrowFormatError(
        `buffer ${i} (offset ${offset}, ${length} bytes) lies outside of its body of ${bodyBytes} bytes`,
      );
    buffers.push({ offset, length });
  }
  return { rows: t.size(0), nodes, buffers };
}

/** Reads the metadata part of a message; `available` is how many bytes there are for metadata and body together
 *  (a file's footer gives both lengths before the body is read). Undefined at the end-of-stream mark. */
export function readMessage(
  bytes: Uint8Array,
  start = 0,
  available = bytes.length - start,
): MessageAt | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (available < 8 || start + 8 > bytes.length) throw new ArrowFormatError('a message is cut short');
  if (view.getUint32(start, true) !== CONTINUATION) throw new ArrowFormatError(`no message at byte ${start}`);
  const metadataBytes = view.getUint32(start + 4, true);
  if (metadataBytes === 0) return undefined;
  if (8 + metadataBytes > available || start + 8 + metadataBytes > bytes.length)
    throw new ArrowFormatError('the metadata of a message is cut short');
  const root = FlatTable.root(new DataView(bytes.buffer, bytes.byteOffset + start + 8, metadataBytes));
  const bodyBytes = root.size(3);
  if (8 + metadataBytes + bodyBytes > available)
    throw new ArrowFormatError('the body of a message is cut short');
  const bodyStart = start + 8 + metadataBytes;
  const end = bodyStart + bodyBytes;
  return { message: readHeader(root, bodyBytes), bodyStart, bodyBytes, end };
}

function readHeader(root: FlatTable, bodyBytes: number): Message {
  const header = root.table(2);
  if (header === undefined) throw new ArrowFormatError('a message without a header');
  switch (root.u8(1, 0)) {
    case SCHEMA:
      return { kind: 'schema', fields: readSchema(header) };
    case DICTIONARY_BATCH:
      return {
        kind: 'dictionary',
        id: header.size(0),
        isDelta: header.u8(2, 0) !== 0,
        batch: readBatch(header.table(1), bodyBytes),
      };
    case RECORD_BATCH:
      return { kind: 'batch', batch: readBatch(header, bodyBytes) };
    default:
      throw new ArrowFormatError(`a message of type ${root.u8(1, 0)}`);
  }
}
