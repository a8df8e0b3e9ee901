/** What a motion does to rows, without a network: compiled code sorts them by receiver into chunks, the sender encodes chunks
 *  as Arrow messages, the receiver decodes those into batches. Bytes are those of the columns as chunks hold them. */
import { col, column, fresh, scan } from '../../../src/engine/operators/test-plans.js';
import type { TestMemory } from '../../../src/engine/operators/testing.js';
import type { SliceSink } from '../../../src/plan/physical.js';
import { decodeBatchMessage, encodeBatchMessage } from '../../../src/types/arrow/batch-message.js';
import type { MotionId, SliceId } from '../../../src/types/ids.js';
import { BATCH_HEADER_BYTES, type OutChunk } from '../../../src/types/memory.js';
import { INT4, INT8, TEXT } from '../../../src/types/sql-type.js';
import { type Case, compile, sum, timed } from '../runner.js';
import { makeTable, mixed, type Vector } from '../vectors.js';

const RECEIVERS = 2;
const NAMES = Array.from({ length: 1000 }, (_, i) => `Customer#${String(i * 7919).padStart(9, '0')}`);

export function* motionCases(tm: TestMemory, rows: number): Generator<Case> {
  const n = rows >> 1;
  const int = (name: string, type: typeof INT4 | typeof INT8, value: (i: number) => number): Vector => ({
    column: column(name, type, false),
    encoding: 'i32',
    value,
  });
  const key = int('o_custkey', INT4, (i) => mixed(i) % 150_000);
  const vectors: readonly Vector[] = [
    key,
    int('o_orderkey', INT4, (i) => i),
    int('o_totalprice', INT8, (i) => mixed(i + 1) >>> 4),
  ];
  const name: Vector = {
    column: column('c_name', TEXT, false),
    encoding: 'utf8',
    value: (i) => mixed(i + 2) % NAMES.length,
    strings: NAMES,
  };
  yield* motion(tm, 'three integers', vectors, key, n);
  yield* motion(tm, 'three integers and a string', [...vectors, name], key, n);
}

function* motion(
  tm: TestMemory,
  what: string,
  vectors: readonly Vector[],
  key: Vector,
  rows: number,
): Generator<Case> {
  const { memory } = tm;
  const table = makeTable(tm, vectors, rows);
  const cols = vectors.map((v) => v.column);
  const leaf = scan(cols);
  const sink: SliceSink = {
    kind: 'motion',
    motion: fresh() as MotionId,
    to: 1 as SliceId,
    mode: 'hash',
    keys: [col(key.column)],
    cols,
  };
  const query = compile(tm, leaf, new Map([[leaf, table]]), sink, RECEIVERS);
  // Sums of the first column, by which rows are known again.
  const keys = (data: number, n: number): number => {
    let total = 0;
    for (let i = 0; i < n; i++) total += memory.i32[(data >>> 2) + i]!;
    return total;
  };
  let expected = 0;
  for (let i = 0; i < rows; i++) expected += key.value(i);
  const expect = (step: string, gotRows: number, got: number): void => {
    if (gotRows !== rows || got !== expected) throw new Error(`motion, ${step}: rows differ`);
  };

  const chunks: OutChunk[] = [];
  query.times((chunk) => chunks.push(chunk));
  const bytes = chunks.reduce(
    (all, c) =>
      all + c.columns.reduce((s, x) => s + x.dataBytes + (x.encoding === 'utf8' ? (c.rows + 1) * 4 : 0), 0),
    0,
  );
  const messages = chunks.map((c) => encodeBatchMessage(c, cols, memory));
  yield {
    measures: [{ name: `motion of ${what}: partition`, rows, bytes }],
    check: () => {
      const partitionOf = new Map<number, number>();
      let n = 0;
      let total = 0;
      for (const c of chunks) {
        const { data } = c.columns[0]!;
        n += c.rows;
        total += keys(data, c.rows);
        for (let i = 0; i < c.rows; i++) {
          const k = memory.i32[(data >>> 2) + i]!;
          if ((partitionOf.get(k) ?? c.partition) !== c.partition)
            throw new Error(`motion: key ${k} goes to two receivers`);
          partitionOf.set(k, c.partition);
        }
      }
      expect('partition', n, total);
    },
    run: () => [sum(query.times())],
  };
  yield {
    measures: [{ name: `motion of ${what}: encode`, rows, bytes }],
    check: () => {
      if (messages.some((m) => m.length === 0)) throw new Error('motion, encode: an empty message');
    },
    run: () => [
      timed(() => {
        for (const c of chunks) encodeBatchMessage(c, cols, memory);
      }),
    ],
  };
  for (const c of chunks.splice(0)) c.release();
  yield {
    measures: [{ name: `motion of ${what}: decode`, rows, bytes }],
    check: () => {
      let n = 0;
      let total = 0;
      for (const m of messages) {
        const batch = decodeBatchMessage(m, cols, memory);
        n += batch.rows;
        total += keys(memory.u32[(batch.address + BATCH_HEADER_BYTES) >>> 2]!, batch.rows);
        batch.release();
      }
      expect('decode', n, total);
    },
    run: () => [
      timed(() => {
        for (const m of messages) decodeBatchMessage(m, cols, memory).release();
      }),
    ],
  };
  table.free();
}
