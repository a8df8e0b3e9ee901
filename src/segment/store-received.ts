/** A slice that only stores what a motion brings, run without the engine: its batches are the chunks of its sink.
 *
 *  Backpressure as in the engine: nothing is taken from the motion while the sink is not ready. */
import type { ChunkSink } from '../engine/api.js';
import type { ReceiveOp, Slice } from '../plan/physical.js';
import { chunkEncoding } from '../types/arrow/sql-field.js';
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type Batch,
  type BatchSource,
  type ChunkColumn,
  type Encoding,
  type MemoryPool,
  type OutChunk,
} from '../types/memory.js';
import type { SqlType } from '../types/sql-type.js';

const INTEGERS: readonly Encoding[] = ['i8', 'i16', 'i32', 'i64', 'i128'];

/** The motion whose rows such a slice stores as they are. */
export function plainReceive({ root, sink }: Slice): ReceiveOp | undefined {
  if (sink.kind !== 'insert' || root.kind !== 'receive' || root.merge !== undefined) return undefined;
  const same =
    sink.cols.length === root.cols.length &&
    sink.cols.every((c, i) => {
      const received = root.cols[i]!;
      return c.id === received.id && storable(chunkEncoding(received.type, received.range), c);
    });
  return same ? root : undefined;
}

/** Integers may come in any width: a motion's is that of the values that the plan expects. */
function storable(received: Encoding, { type }: { readonly type: SqlType }): boolean {
  const stored = chunkEncoding(type);
  return received === stored || (INTEGERS.includes(received) && INTEGERS.includes(stored));
}

/** Resolves when all rows are stored; `sink` has been finished or aborted whatever happens. */
export async function storeReceived(
  source: BatchSource,
  sink: ChunkSink,
  memory: MemoryPool,
  signal: AbortSignal,
): Promise<void> {
  let wake = (): void => undefined;
  let woken = false;
  const changed = (): void => {
    woken = true;
    wake();
  };
  source.onReady(changed);
  sink.onReady(changed);
  signal.addEventListener('abort', changed, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      woken = false;
      const batch = sink.ready() ? source.next() : 'wait';
      if (batch === 'end') break;
      if (batch !== 'wait') sink.push(chunkOf(batch, memory));
      else if (!woken)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    await sink.finish();
  } catch (e) {
    sink.abort(e);
    throw e;
  } finally {
    signal.removeEventListener('abort', changed);
    source.close();
  }
}

function chunkOf(batch: Batch, { u32 }: MemoryPool): OutChunk {
  const columns = batch.layout.map(({ encoding }, i): ChunkColumn => {
    const at = (batch.address + BATCH_HEADER_BYTES + i * BATCH_COLUMN_BYTES) >>> 2;
    return {
      encoding,
      data: u32[at]!,
      validity: u32[at + 1]!,
      offsets: u32[at + 2]!,
      dataBytes: u32[at + 5]!,
    };
  });
  return { rows: batch.rows, partition: 0, columns, release: () => batch.release() };
}
