/** A motion whose senders' streams are each sorted, merged into one sorted source. */
import type { MemoryPool } from '../types/memory.js';
import { assert } from '../types/sql-error.js';
import { OrderedMerge } from './ordered-merge.js';
import type { MotionReceiver } from './receiver.js';
import type { ReceiveSpec } from './slice-sources.js';

export function mergeStreams(op: ReceiveSpec, receiver: MotionReceiver, pool: MemoryPool): OrderedMerge {
  const keys = (op.merge ?? []).map(({ expr, descending, nullsFirst }) => {
    const column = op.cols.findIndex((c) => expr.kind === 'col' && c.id === expr.id);
    assert(column >= 0, `the sort keys of motion ${op.motion} are among its columns`);
    return { column, type: op.cols[column]!.type, descending, nullsFirst };
  });
  return new OrderedMerge(receiver.streams, keys, receiver.layout, pool);
}
