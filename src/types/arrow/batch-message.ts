/** Rows of a motion as one encapsulated Arrow record batch message, and back into shared memory.
 *
 *  Owns: the codec between `OutChunk` / `Batch` and bytes. Must not know: streams, credit, who sends.
 *  Invariants: the body is copied once on either side; a message that does not fit its columns is an error
 *  (XX001), so that compiled code may trust every address and offset of a decoded batch. */
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type Batch,
  type ColumnLayout,
  ENCODING_CODE,
  type MemoryPool,
  type OutChunk,
} from '../memory.js';
import { copyToShared } from '../shared-copy.js';
import type { Range, SqlType } from '../sql-type.js';
import { ArrowFormatError } from './flat-table.js';
import { aligned, type BufferRef, batchMessage, type FieldNode, layOut, readMessage } from './message.js';
import { chunkEncoding, ENCODING_BYTES } from './sql-field.js';

/** A column of a motion; a plan's `Column` is one. Both ends derive the encoding from it. */
export type MotionColumn = { readonly type: SqlType; readonly range?: Range | undefined };

/** The layout of every batch that `decodeBatchMessage` yields for these columns. */
export function motionLayout(columns: readonly MotionColumn[]): ColumnLayout[] {
  return columns.map((c) => ({ encoding: chunkEncoding(c.type, c.range), nullable: true }));
}

/** Number of zero bits among the first `rows` of a bitmap. */
export function countNulls(bytes: Uint8Array, start: number, rows: number): number {
  let set = 0;
  const whole = start + (rows >> 3);
  for (let i = start; i < whole; i++) set += POPCOUNT[bytes[i]!]!;
  const rest = rows & 7;
  if (rest !== 0) set += POPCOUNT[bytes[whole]! & ((1 << rest) - 1)]!;
  return rows - set;
}

const POPCOUNT = Uint8Array.from({ length: 256 }, (_, i) => {
  let n = 0;
  for (let rest = i; rest !== 0; rest >>= 1) n += rest & 1;
  return n;
});

/** One message; the chunk stays the caller's. Its columns must be in `chunkEncoding` of `columns`. */
export function encodeBatchMessage(
  chunk: OutChunk,
  columns: readonly MotionColumn[],
  memory: MemoryPool,
): Uint8Array {
  const { rows } = chunk;
  const u8 = memory.u8;
  const sources: number[] = [];
  const lengths: number[] = [];
  const nodes: FieldNode[] = [];
  const push = (address: number, length: number): void => {
    sources.push(address);
    lengths.push(length);
  };
  if (chunk.columns.length !== columns.length) throw new Error('chunk and motion differ in columns');
  for (const [i, column] of chunk.columns.entries()) {
    const encoding = chunkEncoding(columns[i]!.type, columns[i]!.range);
    if (encoding !== column.encoding)
      throw new Error(`column ${i} of a chunk is ${column.encoding}, its motion says ${encoding}`);
    const nullCount = column.validity === 0 ? 0 : countNulls(u8, column.validity, rows);
    nodes.push({ length: rows, nullCount });
    push(column.validity, nullCount === 0 ? 0 : (rows + 7) >> 3);
    if (encoding === 'utf8') {
      push(column.offsets, (rows + 1) * 4);
      push(column.data, memory.i32[(column.offsets >>> 2) + rows]!);
    } else push(column.data, rows * ENCODING_BYTES[encoding]);
  }
  const { buffers, bodyBytes } = layOut(lengths);
  const head = batchMessage({ rows, nodes, buffers }, bodyBytes, 0);
  const out = Buffer.allocUnsafeSlow(head.length + bodyBytes);
  out.set(head);
  for (const [i, { offset, length }] of buffers.entries()) {
    const at = head.length + offset;
    if (length > 0) out.set(u8.subarray(sources[i]!, sources[i]! + length), at);
    out.fill(0, at + length, at + aligned(length));
  }
  return out;
}

/** The batch in `pool` memory (descriptor and buffers in one allocation, freed by `release`).
 *  Throws ArrowFormatError for a message that is not one for these columns, 53200 when memory is out. */
export function decodeBatchMessage(
  bytes: Uint8Array,
  columns: readonly MotionColumn[],
  pool: MemoryPool,
): Batch {
  const at = readMessage(bytes);
  if (at === undefined || at.message.kind !== 'batch') throw new ArrowFormatError('no record batch');
  const { rows, nodes, buffers } = at.message.batch;
  if (nodes.length !== columns.length)
    throw new ArrowFormatError(`a batch of ${nodes.length} columns where ${columns.length} belong`);
  if (rows > 0x7fffffff) throw new ArrowFormatError(`a batch of ${rows} rows`);
  const layout = motionLayout(columns);
  const headerBytes = aligned(BATCH_HEADER_BYTES + columns.length * BATCH_COLUMN_BYTES);
  const address = pool.alloc(headerBytes + at.bodyBytes);
  try {
    const body = address + headerBytes;
    copyToShared(pool.u8, body, bytes.subarray(at.bodyStart, at.end));
    fillDescriptor(pool, address, body, rows, layout, nodes, buffers);
  } catch (e) {
    pool.free(address);
    throw e;
  }
  let released = false;
  return {
    address,
    rows,
    layout,
    release() {
      if (released) throw new Error('a batch was released twice');
      released = true;
      pool.free(address);
    },
  };
}

function fillDescriptor(
  pool: MemoryPool,
  address: number,
  body: number,
  rows: number,
  layout: readonly ColumnLayout[],
  nodes: readonly FieldNode[],
  buffers: readonly BufferRef[],
): void {
  const u32 = pool.u32;
  u32.fill(0, address >>> 2, (address + BATCH_HEADER_BYTES + layout.length * BATCH_COLUMN_BYTES) >>> 2);
  u32[address >>> 2] = rows;
  u32[(address >>> 2) + 1] = layout.length;
  let next = 0;
  const take = (minBytes: number, what: string): BufferRef => {
    const ref = buffers[next++];
    if (ref === undefined) throw new ArrowFormatError('a batch with too few buffers');
    if (ref.length < minBytes)
      throw new ArrowFormatError(`${what} of ${ref.length} bytes where ${minBytes} are needed`);
    if (ref.offset % 8 !== 0 && ref.length > 0) throw new ArrowFormatError(`${what} is not aligned`);
    return ref;
  };
  for (const [i, { encoding }] of layout.entries()) {
    const node = nodes[i]!;
    if (node.length !== rows) throw new ArrowFormatError(`column ${i} has ${node.length} of ${rows} rows`);
    const at = (address + BATCH_HEADER_BYTES + i * BATCH_COLUMN_BYTES) >>> 2;
    const validity = take(node.nullCount > 0 ? (rows + 7) >> 3 : 0, `validity of column ${i}`);
    u32[at + 1] = node.nullCount > 0 ? body + validity.offset : 0;
    if (encoding === 'utf8') {
      const offsets = take((rows + 1) * 4, `offsets of column ${i}`);
      const data = take(0, `bytes of column ${i}`);
      checkOffsets(pool.i32, (body + offsets.offset) >>> 2, rows, data.length, i);
      u32[at] = body + data.offset;
      u32[at + 2] = body + offsets.offset;
      u32[at + 5] = data.length;
    } else {
      const data = take(rows * ENCODING_BYTES[encoding], `values of column ${i}`);
      u32[at] = body + data.offset;
      u32[at + 5] = data.length;
    }
    u32[at + 3] = ENCODING_CODE[encoding];
  }
  if (next !== buffers.length) throw new ArrowFormatError('a batch with too many buffers');
}

/** Offsets must ascend from >= 0 and end within the bytes: code reads strings by them unchecked. */
export function checkOffsets(
  i32: Int32Array,
  at: number,
  rows: number,
  dataBytes: number,
  column: number,
): void {
  let previous = i32[at]!;
  let bad = previous < 0 ? 1 : 0;
  for (let i = at + 1, end = at + rows; i <= end; i++) {
    const offset = i32[i]!;
    if (offset < previous) bad = 1;
    previous = offset;
  }
  if (bad !== 0 || previous > dataBytes)
    throw new ArrowFormatError(`the string offsets of column ${column} do not fit its ${dataBytes} bytes`);
}
