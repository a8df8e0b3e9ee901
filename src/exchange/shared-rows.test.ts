import { describe, expect, test } from 'vitest';
import { buildChunk, readBatch } from '../types/chunk-fake.js';
import type { ColId, SharedId } from '../types/ids.js';
import type { BatchSource } from '../types/memory.js';
import { FakePool } from '../types/memory-fake.js';
import { INT4, TEXT } from '../types/sql-type.js';
import { QueryShares } from './shared-rows.js';

const ID = 1 as SharedId;
const K = { id: 1 as ColId, name: 'k', type: INT4, nullable: false };
const V = { id: 2 as ColId, name: 'v', type: TEXT, nullable: true };

function setUp(readers: number, limitBytes = 1 << 20) {
  const pool = new FakePool();
  const shares = new QueryShares([ID], Array(readers).fill(ID), pool, limitBytes);
  const sink = shares.sink(ID);
  const reader = (ordinals = [0, 1]): BatchSource =>
    shares.source({ share: ID, ordinals, cols: ordinals.map((i) => [K, V][i]!) });
  const push = (...rows: (readonly [number, string | null])[]): void =>
    sink.push({ ...buildChunk(pool, ['i32', 'utf8'], rows), sizeBytes: 4096 });
  return { pool, shares, sink, reader, push };
}

/** What the source has for now; the last element says why it stopped. */
function take(pool: FakePool, source: BatchSource): unknown[] {
  const rows: unknown[] = [];
  for (;;) {
    const b = source.next();
    if (b === 'wait' || b === 'end') return [...rows, b];
    rows.push(...readBatch(pool, b.address));
    b.release();
  }
}

describe('shared rows', () => {
  test('every reader sees all rows, at its own pace, and the columns that it asks for', async () => {
    const { pool, sink, shares, reader, push } = setUp(3);
    const early = reader();
    expect(take(pool, early)).toEqual(['wait']);
    push([1, 'a'], [2, null]);
    expect(take(pool, early)).toEqual([[1, 'a'], [2, null], 'wait']);
    const second = reader([1]);
    push([3, 'c']);
    await sink.finish();
    expect(take(pool, early)).toEqual([[3, 'c'], 'end']);
    expect(take(pool, second)).toEqual([['a'], [null], ['c'], 'end']);
    const late = reader([1, 0]);
    expect(take(pool, late)).toEqual([['a', 1], [null, 2], ['c', 3], 'end']);
    expect(sink.rows).toBe(3);
    shares.release();
    expect(pool.usedBytes).toBe(0);
  });

  test('waiting readers are told of rows and of the end', async () => {
    const { pool, sink, reader, push } = setUp(1);
    const source = reader();
    let told = 0;
    source.onReady(() => told++);
    push([1, 'a']);
    await Promise.resolve();
    expect(told).toBe(1);
    expect(take(pool, source)).toEqual([[1, 'a'], 'wait']);
    await sink.finish();
    await Promise.resolve();
    expect(told).toBe(2);
    expect(take(pool, source)).toEqual(['end']);
  });

  test('the producer goes on until its last reader has enough', () => {
    const { pool, sink, reader, push } = setUp(2);
    const first = reader();
    push([1, 'a']);
    expect(take(pool, first)).toHaveLength(2);
    first.close();
    first.close();
    expect(sink.done).toBe(false);
    push([2, 'b']);
    expect(first.next()).toBe('end');
    const second = reader();
    expect(take(pool, second)).toEqual([[1, 'a'], [2, 'b'], 'wait']);
    second.close();
    expect(sink.done).toBe(true);
  });

  test('without readers in this process nothing is computed; without a producer there are no rows', () => {
    expect(setUp(0).sink.done).toBe(true);
    const nobody = new QueryShares([], [ID], new FakePool(), 1 << 20);
    const source = nobody.source({ share: ID, ordinals: [0], cols: [K] });
    expect(source.layout).toEqual([{ encoding: 'i32', nullable: false }]);
    expect(source.next()).toBe('end');
  });

  test('what is kept counts as memory of the producer', () => {
    const { sink, push } = setUp(1);
    push([1, 'a']);
    push([2, 'b']);
    expect(sink.withKept({ memoryPeakBytes: 100, other: 1 })).toEqual({ memoryPeakBytes: 8292, other: 1 });
  });

  test('rows past the memory of the query are 53200, and what came before is freed with it', () => {
    const { pool, shares, push } = setUp(1, 10_000);
    push([1, 'a']);
    push([2, 'b']);
    expect(() => push([3, 'c'])).toThrow(expect.objectContaining({ code: '53200' }));
    shares.release();
    expect(pool.usedBytes).toBe(0);
  });
});
