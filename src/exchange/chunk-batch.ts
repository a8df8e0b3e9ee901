/** An out-chunk handed to a receiver in the same process: its buffers stay where they are, only a descriptor is
 *  written. Owner of chunk and descriptor: the batch. */
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type Batch,
  type ColumnLayout,
  ENCODING_CODE,
  type MemoryPool,
  type OutChunk,
} from '../types/memory.js';
import { assert } from '../types/sql-error.js';

export function chunkToBatch(chunk: OutChunk, layout: readonly ColumnLayout[], pool: MemoryPool): Batch {
  const { columns, rows } = chunk;
  assert(columns.length === layout.length, 'chunk and motion agree on their columns');
  const address = pool.alloc(BATCH_HEADER_BYTES + columns.length * BATCH_COLUMN_BYTES);
  const { u32 } = pool;
  const head = address >>> 2;
  u32[head] = rows;
  u32[head + 1] = columns.length;
  u32[head + 2] = 0;
  u32[head + 3] = 0;
  columns.forEach((c, i) => {
    assert(c.encoding === layout[i]!.encoding, `column ${i} of a chunk is in its motion's encoding`);
    const at = (address + BATCH_HEADER_BYTES + i * BATCH_COLUMN_BYTES) >>> 2;
    u32[at] = c.data;
    u32[at + 1] = c.validity;
    u32[at + 2] = c.offsets;
    u32[at + 3] = ENCODING_CODE[c.encoding];
    u32[at + 4] = 0;
    u32[at + 5] = c.dataBytes;
    u32[at + 6] = 0;
    u32[at + 7] = 0;
  });
  let released = false;
  return {
    address,
    rows,
    layout,
    release() {
      assert(!released, 'a batch is released once');
      released = true;
      pool.free(address);
      chunk.release();
    },
  };
}
