/** Writers that hold the chunks they are given: all rows come back, and no chunk is lost or released twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { WasmKernels } from '../engine/encode/kernels.js';
import { SharedMemory } from '../engine/runtime/shared-memory.js';
import { buildChunk, type FakeValue, readBatch } from '../types/chunk-fake.js';
import type { OutChunk } from '../types/memory.js';
import { DICTIONARY } from './encode-kernels.js';
import { ROW_GROUP_ROWS } from './row-group.js';
import { SegmentStore } from './table-store.js';

const COLUMNS = [
  { name: 'id', type: { kind: 'int8' } as const, notNull: true },
  { name: 'word', type: { kind: 'text' } as const, notNull: false },
];
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

async function openStore(memoryBytes: number, compiled = true) {
  const dir = mkdtempSync(join(tmpdir(), 'mpp-take-'));
  dirs.push(dir);
  const memory = SharedMemory.create(memoryBytes);
  const kernels = compiled ? new WasmKernels(memory, DICTIONARY) : undefined;
  return { memory, store: await SegmentStore.open(dir, memory, { kernels }) };
}

/** Counts its own release. */
function chunkOf(memory: SharedMemory, rows: FakeValue[][]): OutChunk & { released: number } {
  const chunk = buildChunk(memory, ['i64', 'utf8'], rows);
  const counted = {
    ...chunk,
    released: 0,
    release() {
      counted.released++;
      chunk.release();
    },
  };
  return counted;
}

async function readAll(store: SegmentStore): Promise<FakeValue[][]> {
  const scan = store.scan({ storageId: 1, csn: 9n, ordinals: [0, 1], columns: COLUMNS });
  const rows: FakeValue[][] = [];
  for (;;) {
    const next = scan.next();
    if (next === 'end') break;
    if (next === 'wait') {
      await new Promise<void>((resolve) => scan.onReady(resolve));
      continue;
    }
    for (const [id, word] of readBatch(store.memory, next.address)) rows.push([Number(id), word!]);
    next.release();
  }
  scan.close();
  return rows;
}

const sizes = fc.tuple(
  fc.array(fc.oneof(fc.nat(300), fc.constantFrom(1000, 8192)), { maxLength: 6 }),
  fc.constantFrom(1, ROW_GROUP_ROWS - 1, ROW_GROUP_ROWS, ROW_GROUP_ROWS + 1),
  fc.array(fc.nat(300), { maxLength: 6 }),
);

test.each([
  ['compiled loops', 64 << 20, true],
  ['little memory', 16 << 20, true],
  ['without compiled loops', 64 << 20, false],
] as const)(
  'rows come back in order: %s',
  async (_, memoryBytes, compiled) => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.boolean(),
        fc.constantFrom(3, 40_000),
        async ([before, large, after], nulls, words) => {
          const counts = [...before, large, ...after];
          const { memory, store } = await openStore(memoryBytes, compiled);
          const used = memory.usedBytes;
          const writer = store.openWriter(1n, 1, COLUMNS);
          const expected: FakeValue[][] = [];
          for (const [i, count] of counts.entries()) {
            const rows = Array.from({ length: count }, (_, r): FakeValue[] => [
              expected.length + r,
              nulls && r % 97 === 5 ? null : `word ${(r * 7919) % words}`,
            ]);
            expected.push(...rows);
            const chunk = chunkOf(memory, rows);
            // Now and then one is copied.
            if (i % 4 === 3) {
              writer.append(chunk);
              chunk.release();
            } else writer.take(chunk);
          }
          await writer.finish();
          expect(memory.usedBytes).toBe(used);
          await store.prepare(1n);
          await store.commit(1n, 1n);
          const groups = store.snapshot(1, 9n).map((g) => g.rows);
          const total = expected.length;
          expect(groups.reduce((a, b) => a + b, 0)).toBe(total);
          expect(groups.length).toBe(Math.ceil(total / ROW_GROUP_ROWS));
          expect(await readAll(store)).toEqual(expected);
          await store.close();
        },
      ),
      { numRuns: 12 },
    );
  },
  60_000,
);

test('whatever ends a writer, its chunks are released once', async () => {
  const { memory, store } = await openStore(64 << 20);
  const used = memory.usedBytes;
  const rows = (n: number): FakeValue[][] => Array.from({ length: n }, (_, i) => [i, 'x']);
  const good = chunkOf(memory, rows(10));
  const bad = chunkOf(memory, [...rows(3), [null, 'y']]);
  const empty = chunkOf(memory, []);
  const writer = store.openWriter(1n, 1, COLUMNS, { table: 't' });
  writer.take(good);
  writer.take(empty);
  expect(() => writer.take(bad)).toThrow(/null value in column "id"/);
  expect([good.released, bad.released, empty.released]).toEqual([0, 1, 1]);
  await writer.abort();
  expect(good.released).toBe(1);
  const late = chunkOf(memory, rows(1));
  expect(() => writer.take(late)).toThrow('aborted');
  expect(late.released).toBe(1);
  await store.rollback(1n);
  expect(memory.usedBytes).toBe(used);
  expect(await readAll(store)).toEqual([]);
  await store.close();
});

test('writers that hold much together copy the rest', async () => {
  const { memory, store } = await openStore(16 << 20);
  const used = memory.usedBytes;
  const rows = (n: number): FakeValue[][] => Array.from({ length: n }, (_, i) => [i, 'x'.repeat(90)]);
  const writers = [1, 2, 3, 4].map((gxid) => store.openWriter(BigInt(gxid), 1, COLUMNS));
  // Each may hold one mebibyte, all together two.
  const chunks = writers.flatMap((w) =>
    Array.from({ length: 3 }, () => {
      const chunk = chunkOf(memory, rows(3000));
      w.take(chunk);
      return chunk;
    }),
  );
  expect(chunks.map((c) => c.released)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  for (const w of writers) await w.finish();
  expect(chunks.every((c) => c.released === 1)).toBe(true);
  expect(memory.usedBytes).toBe(used);
  // What was given back may be held again.
  const again = store.openWriter(5n, 1, COLUMNS);
  const chunk = chunkOf(memory, rows(3000));
  again.take(chunk);
  expect(chunk.released).toBe(0);
  await again.abort();
  expect(chunk.released).toBe(1);
  await store.close();
});
