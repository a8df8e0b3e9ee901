import { expect, test } from 'vitest';
import type { ChunkSink } from '../engine/api.js';
import type { Slice } from '../plan/physical.js';
import { columnsToBatch, rowsToColumns } from '../types/columnar.js';
import type { Batch, BatchSource, OutChunk } from '../types/memory.js';
import { FakePool } from '../types/memory-fake.js';
import { INT4, TEXT } from '../types/sql-type.js';
import { plainReceive, storeReceived } from './store-received.js';

const memory = new FakePool(1 << 20);

function batch(values: readonly number[]): Batch {
  return columnsToBatch(
    rowsToColumns(
      [INT4],
      values.map((v) => [v]),
    ),
    memory,
  );
}

/** Gives what is put into it. */
class TestSource implements BatchSource {
  readonly layout = [{ encoding: 'i32', nullable: true }] as const;
  readonly queue: (Batch | 'end')[] = [];
  taken = 0;
  closed = false;
  private ready = (): void => undefined;

  put(...items: (Batch | 'end')[]): void {
    this.queue.push(...items);
    this.ready();
  }
  next(): Batch | 'wait' | 'end' {
    const next = this.queue.shift();
    if (next === undefined) return 'wait';
    this.taken++;
    return next;
  }
  onReady(callback: () => void): void {
    this.ready = callback;
  }
  close(): void {
    this.closed = true;
    for (const b of this.queue.splice(0)) if (b !== 'end') b.release();
  }
}

class TestSink implements ChunkSink {
  readonly done = false;
  readonly values: number[] = [];
  open = true;
  end = '';
  private ready_ = (): void => undefined;

  push(chunk: OutChunk): void {
    const { data } = chunk.columns[0]!;
    this.values.push(...memory.i32.subarray(data >>> 2, (data >>> 2) + chunk.rows));
    chunk.release();
  }
  ready(): boolean {
    return this.open;
  }
  onReady(callback: () => void): void {
    this.ready_ = callback;
  }
  set(open: boolean): void {
    this.open = open;
    this.ready_();
  }
  finish(): Promise<void> {
    this.end = 'finished';
    return Promise.resolve();
  }
  abort(): void {
    this.end = 'aborted';
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('batches become chunks in their order; nothing is taken while the sink is full', async () => {
  const source = new TestSource();
  const sink = new TestSink();
  source.put(batch([1, 2]));
  const stored = storeReceived(source, sink, memory, new AbortController().signal);
  await turn();
  expect(sink.values).toEqual([1, 2]);
  sink.set(false);
  source.put(batch([3]), batch([4]));
  await turn();
  expect(source.taken).toBe(1);
  sink.set(true);
  await turn();
  source.put('end');
  await stored;
  expect(sink.values).toEqual([1, 2, 3, 4]);
  expect(sink.end).toBe('finished');
  expect(source.closed).toBe(true);
  expect(memory.blocks.size).toBe(0);
});

test('an abort ends it while it waits, and what is left is released', async () => {
  const source = new TestSource();
  const sink = new TestSink();
  const abort = new AbortController();
  const stored = storeReceived(source, sink, memory, abort.signal);
  await turn();
  sink.set(false);
  source.put(batch([1]));
  abort.abort(new Error('enough'));
  await expect(stored).rejects.toThrow('enough');
  expect([sink.end, source.closed, memory.blocks.size]).toEqual(['aborted', true, 0]);
});

test('only slices that store the motion as it is', () => {
  const a = { id: 1, name: 'a', type: { kind: 'int8' } as const, nullable: true };
  const b = { id: 2, name: 'b', type: TEXT, nullable: true };
  const slice = (received: readonly unknown[], stored: readonly unknown[], more: object = {}) =>
    ({
      id: 1,
      root: { kind: 'receive', cols: received, merge: undefined, ...more },
      sink: { kind: 'insert', cols: stored },
    }) as unknown as Slice;
  expect(plainReceive(slice([a, b], [a, b]))).toMatchObject({ kind: 'receive' });
  expect(plainReceive(slice([a, b], [b, a]))).toBeUndefined();
  expect(plainReceive(slice([a, b], [a]))).toBeUndefined();
  expect(plainReceive(slice([a], [a], { merge: [] }))).toBeUndefined();
  expect(plainReceive(slice([a], [a], { kind: 'filter' }))).toBeUndefined();
  // An integer may travel in fewer bits than its type has; anything else is stored as what it is.
  const wide = { ...a, type: { kind: 'numeric', precision: 38, scale: 2 } as const };
  expect(plainReceive(slice([{ ...wide, range: { min: 0n, max: 9n } }], [wide]))).toBeDefined();
  expect(plainReceive(slice([{ ...wide, type: { kind: 'float8' } }], [wide]))).toBeUndefined();
  expect(plainReceive(slice([{ ...wide, type: { kind: 'numeric' } }], [wide]))).toBeUndefined();
});
