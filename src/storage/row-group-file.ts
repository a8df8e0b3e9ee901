/** Encoded columns as one Arrow file: its bytes, and where the manifest finds each column in them.
 *
 *  Owns: the order of buffers in a row group's file. Must not know: the manifest, memory.
 *  Invariant: a column's buffers are adjacent (validity, [offsets,] data), so that it is loaded by one read. */
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ArrowFileWriter } from '../types/arrow/file.js';
import { ALIGNMENT, aligned } from '../types/arrow/message.js';
import { fieldOf } from '../types/arrow/sql-field.js';
import type { EncodedColumn } from './encode-column.js';
import type { ColumnChunk, Region, TableColumn } from './row-group.js';

export type RowGroupFile = {
  readonly parts: readonly Uint8Array[];
  readonly fileBytes: number;
  readonly columns: readonly ColumnChunk[];
};

const NONE = new Uint8Array(0);
const PADDING = new Uint8Array(ALIGNMENT);

function region(positions: readonly number[], buffers: readonly Uint8Array[], hasOffsets: boolean): Region {
  const at = positions[0]!;
  const last = buffers.length - 1;
  let crc = 0;
  for (const b of buffers) {
    // zlib starts anew when the address is null, and that of an empty array may be.
    if (b.length === 0) continue;
    crc = crc32(b, crc);
    if (aligned(b.length) > b.length) crc = crc32(PADDING.subarray(0, aligned(b.length) - b.length), crc);
  }
  return {
    at,
    bytes: positions[last]! + aligned(buffers[last]!.length) - at,
    validity: buffers[0]!.length === 0 ? -1 : 0,
    offsets: hasOffsets ? positions[1]! - at : -1,
    data: positions[last]! - at,
    dataBytes: buffers[last]!.length,
    crc,
  };
}

export function buildRowGroupFile(
  columns: readonly TableColumn[],
  encoded: readonly EncodedColumn[],
  rows: number,
): RowGroupFile {
  const fields = columns.map((c, i) => fieldOf(c.name, c.type, encoded[i]!.encoding, !c.notNull, i));
  const writer = new ArrowFileWriter(fields);
  const dictionaries = encoded.map((e, i): Region | undefined => {
    if (e.dictionary === undefined) return undefined;
    const { offsets, data, count } = e.dictionary;
    const buffers = [NONE, new Uint8Array(offsets.buffer, offsets.byteOffset, offsets.byteLength), data];
    return region(writer.dictionary(i, count, buffers), buffers, true);
  });
  const buffers = encoded.map((e) =>
    e.offsets === undefined ? [e.validity, e.data] : [e.validity, e.offsets, e.data],
  );
  const positions = writer.batch(
    rows,
    encoded.map((e) => e.nullCount),
    buffers.flat(),
  );
  writer.finish();
  let next = 0;
  const chunks = encoded.map((e, i): ColumnChunk => {
    const own = buffers[i]!;
    const at = positions.slice(next, next + own.length);
    next += own.length;
    return {
      encoding: e.encoding,
      nullCount: e.nullCount,
      zone: e.zone,
      region: region(at, own, e.offsets !== undefined),
      dictionary: dictionaries[i],
      dictCount: e.dictionary?.count ?? 0,
    };
  });
  return { parts: writer.parts, fileBytes: writer.position, columns: chunks };
}

/** Writes a new file and waits until its bytes are on disk (its directory entry is not yet). */
export async function writeDurably(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    let rest = parts.filter((p) => p.length > 0);
    while (rest.length > 0) {
      // The kernel takes at most 1024 buffers at once.
      const some = rest.slice(0, 1024);
      let { bytesWritten } = await handle.writev(some);
      let i = 0;
      while (i < some.length && bytesWritten >= some[i]!.length) bytesWritten -= some[i++]!.length;
      rest = rest.slice(i);
      if (bytesWritten > 0) rest[0] = rest[0]!.subarray(bytesWritten);
    }
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
