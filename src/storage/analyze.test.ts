import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import type { ColumnStats } from '../plan/catalog.js';
import { chunkEncoding } from '../types/arrow/sql-field.js';
import { buildChunk, type FakeValue } from '../types/chunk-fake.js';
import { FakePool } from '../types/memory-fake.js';
import { encodeVarNumeric } from '../types/var-numeric.js';
import type { SegmentStatistics } from './analyze.js';
import { addHash, createSketch, estimateDistinct, mergeSketch } from './hyper-log-log.js';
import { mergeAnalyze } from './merge-analyze.js';
import type { TableColumn } from './row-group.js';
import { SegmentStore } from './table-store.js';

function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) | 0;
    return s;
  };
}

describe('HyperLogLog', () => {
  it('is within 5% from one to a million, and merges', () => {
    for (const n of [0, 1, 10, 1000, 5000, 20_000, 200_000, 1_000_000]) {
      const next = random(n + 1);
      const parts = [createSketch(), createSketch()];
      const values: [number, number][] = [];
      const fmix = (x: number) => {
        let h = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
        h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
        return h ^ (h >>> 16);
      };
      for (let i = 0; i < n; i++) {
        const v: [number, number] = [fmix(next()), fmix(next() ^ i)];
        if (values.length < 1000) values.push(v);
        addHash(parts[i % 2]!, ...v);
      }
      // Repeats change nothing.
      for (const v of values) addHash(parts[0]!, ...v);
      mergeSketch(parts[0]!, parts[1]!);
      const d = estimateDistinct(parts[0]!);
      expect(Math.abs(d - n)).toBeLessThanOrEqual(n * 0.05 + 0.5);
    }
  });
});

const COLUMNS: TableColumn[] = [
  { name: 'key', type: { kind: 'int8' }, notNull: true },
  { name: 'flag', type: { kind: 'bpchar', length: 2 }, notNull: false },
  { name: 'price', type: { kind: 'numeric', precision: 15, scale: 2 }, notNull: false },
  { name: 'note', type: { kind: 'text' }, notNull: false },
  { name: 'f', type: { kind: 'float8' }, notNull: false },
  { name: 'v', type: { kind: 'numeric' }, notNull: false },
  { name: 'o', type: { kind: 'oid' }, notNull: false },
];

async function statistics(
  dir: string,
  from: number,
  to: number,
  sampleRows?: number,
): Promise<SegmentStatistics> {
  const store = await SegmentStore.open(dir, new FakePool(32 << 20));
  const writer = store.openWriter(1n, 3, COLUMNS, { table: 't' });
  const rows: FakeValue[][] = [];
  for (let i = from; i < to; i++)
    rows.push([
      BigInt(i) * 3n,
      i % 10 === 0 ? null : i % 2 === 0 ? 'A ' : 'B ',
      BigInt(i % 5000) * 100n,
      `comment ${i % 997}`,
      i % 4 === 0 ? Number.NaN : i / 8,
      encodeVarNumeric({ unscaled: BigInt(i % 50) * 10n ** BigInt(i % 3), scale: i % 3 }),
      -1 - (i % 3),
    ]);
  for (let i = 0; i < rows.length; i += 20_000) {
    const chunk = buildChunk(
      store.memory,
      COLUMNS.map((c) => chunkEncoding(c.type)),
      rows.slice(i, i + 20_000),
    );
    writer.append(chunk);
    chunk.release();
  }
  await writer.finish();
  await store.prepare(1n);
  await store.commit(1n, 1n);
  const part = await store.analyze(3, 1n, COLUMNS, sampleRows);
  await store.close();
  // It crosses from segment to master.
  return unpack(pack(part)) as SegmentStatistics;
}

describe('ANALYZE', () => {
  it('merges the segments into what the catalog holds', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mpp-analyze-'));
    const parts = [
      await statistics(join(dir, 'a'), 0, 70_000, 5000),
      await statistics(join(dir, 'b'), 70_000, 100_000, 5000),
    ];
    const { rows, columns } = mergeAnalyze(parts, COLUMNS);
    const stats: readonly ColumnStats[] = columns;
    expect(rows).toBe(100_000);
    const [key, flag, price, note, f, v, o] = stats;
    expect(key).toMatchObject({
      range: { min: 0n, max: 299_997n },
      noNulls: true,
      nullFraction: 0,
      distinct: 100_000,
    });
    expect(key!.mostCommon).toBeUndefined();
    expect(key!.histogram).toHaveLength(101);
    const bounds = key!.histogram as bigint[];
    for (const [i, b] of bounds.entries()) expect(Math.abs(Number(b) - i * 3000)).toBeLessThan(12_000);
    expect(flag!.nullFraction).toBeCloseTo(0.1, 5);
    expect(flag!.distinct).toBe(2);
    expect(flag!.mostCommon!.map((m) => m.value)).toEqual(['B', 'A']);
    expect(flag!.mostCommon![0]!.fraction).toBeCloseTo(0.5, 1);
    expect(flag!.histogram).toBeUndefined();
    expect(Math.abs(price!.distinct! - 5000)).toBeLessThan(250);
    expect(price!.range).toEqual({ min: 0n, max: 499_900n });
    expect(price!.histogram![0]).toMatchObject({ scale: 2 });
    expect(Math.abs(note!.distinct! - 997)).toBeLessThan(50);
    expect(note!.averageBytes).toBeCloseTo(10.9, 0);
    expect(f!.histogram!.at(-1)).toBeGreaterThan(10_000);
    expect(f!.mostCommon![0]!.value).toBeNaN();
    expect(Math.abs(v!.distinct! - 50)).toBeLessThanOrEqual(2);
    expect(o).toMatchObject({ range: { min: 4294967293n, max: 4294967295n }, distinct: 3 });
    expect(o!.mostCommon![0]!.value).toBeGreaterThan(4294967292);
    rmSync(dir, { recursive: true });
  }, 20_000);

  it('of few rows is exact, and of none empty', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mpp-analyze-'));
    const parts = [await statistics(join(dir, 'a'), 0, 20), await statistics(join(dir, 'b'), 20, 20)];
    const { columns } = mergeAnalyze(parts, COLUMNS);
    expect(columns.map((c) => c.distinct)).toEqual([20, 2, 20, 20, 16, 20, 3]);
    expect(mergeAnalyze([parts[1]!], COLUMNS).columns[0]).toEqual({
      noNulls: true,
      nullFraction: 0,
      distinct: 0,
      averageBytes: 0,
    });
    rmSync(dir, { recursive: true });
  });
});
