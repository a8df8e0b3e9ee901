/** ANALYZE on one segment: distinct counts of every value, and a sample of rows, of one table's visible rows.
 *
 *  Owns: the pass over the columns. Must not know: how statistics are used, or other segments (`merge-analyze.ts`).
 *  Invariants: one column of one row group is pinned at a time; the event loop is given back between them; the
 *  same rows give the same result (the sample's randomness is seeded). Result: plain data that msgpack carries. */
import type { Range, SqlType } from '../types/sql-type.js';
import type { BufferPool, CachedColumn } from './buffer-pool.js';
import { columnIsNull, type SampleValue, samplerOf, sketchColumn } from './column-values.js';
import { createSketch } from './hyper-log-log.js';
import type { RowGroup } from './row-group.js';

/** Of each segment. PostgreSQL takes 30,000 in all: 300 rows for each of 100 histogram buckets. */
export const SAMPLE_ROWS = 15_000;
/** Longer strings are neither common values nor useful bounds. */
const SAMPLE_BYTES_MAX = 256;

export type ColumnSample = {
  readonly nulls: number;
  readonly sketch: Uint8Array;
  /** Distinct values of the sample and how often each came up, in the order of their first appearance. */
  readonly values: readonly SampleValue[];
  readonly counts: readonly number[];
  /** Sampled rows that are not null (long strings included, which are not in `values`), and their bytes. */
  readonly sampled: number;
  readonly sampledBytes: number;
  /** Bounds from zone maps, as decimal text. */
  readonly min: string | undefined;
  readonly max: string | undefined;
};

export type SegmentStatistics = {
  readonly rows: number;
  readonly sampleRows: number;
  readonly columns: readonly ColumnSample[];
};

export type AnalyzeInput = {
  readonly pool: BufferPool;
  readonly groups: readonly RowGroup[];
  readonly columns: readonly { readonly type: SqlType }[];
  /** Exact bounds by ordinal, from zone maps. */
  readonly ranges: readonly (Range | undefined)[];
  readonly sampleRows: number;
  readonly seed: number;
};

export async function analyzeGroups(input: AnalyzeInput): Promise<SegmentStatistics> {
  const { groups, columns } = input;
  const rows = groups.reduce((n, g) => n + g.rows, 0);
  const picks = pickRows(groups, rows, Math.min(rows, input.sampleRows), input.seed);
  const out: ColumnSample[] = [];
  for (const [ordinal, { type }] of columns.entries()) {
    out.push(await analyzeColumn(input, ordinal, type, picks, input.ranges[ordinal]));
  }
  return { rows, sampleRows: Math.min(rows, input.sampleRows), columns: out };
}

async function analyzeColumn(
  input: AnalyzeInput,
  ordinal: number,
  type: SqlType,
  picks: readonly Int32Array[],
  range: Range | undefined,
): Promise<ColumnSample> {
  const { pool, groups } = input;
  const { memory } = pool;
  const sketch = createSketch();
  const found = new Map<SampleValue, number>();
  let nulls = 0;
  let sampled = 0;
  let sampledBytes = 0;
  for (const [g, group] of groups.entries()) {
    const chunk = group.columns[ordinal]!;
    nulls += chunk.nullCount;
    if (chunk.nullCount === group.rows) continue;
    const column = await loaded(pool, group, ordinal);
    try {
      const buffers = column.buffers!;
      sketchColumn(sketch, memory, buffers, type, group.rows);
      const sampler = samplerOf(memory, buffers, type, group.rows);
      for (const row of picks[g]!) {
        if (columnIsNull(memory, buffers, row)) continue;
        const bytes = sampler.bytes(row);
        sampled++;
        sampledBytes += bytes;
        const value = bytes <= SAMPLE_BYTES_MAX ? sampler.value(row) : undefined;
        if (value !== undefined) found.set(value, (found.get(value) ?? 0) + 1);
      }
    } finally {
      pool.release(column);
    }
  }
  return {
    nulls,
    sketch,
    values: [...found.keys()],
    counts: [...found.values()],
    sampled,
    sampledBytes,
    min: range?.min.toString(),
    max: range?.max.toString(),
  };
}

/** The column, pinned, after the event loop has had a turn. */
async function loaded(pool: BufferPool, group: RowGroup, ordinal: number): Promise<CachedColumn> {
  const column = pool.acquire(group, ordinal);
  await new Promise<void>((resolve) => pool.whenReady(column, () => setImmediate(resolve)));
  if (column.state === 'failed') {
    pool.release(column);
    throw column.error;
  }
  return column;
}

/** `count` of the rows, each set of rows equally likely (Knuth's Algorithm S); ascending, by row group. */
function pickRows(groups: readonly RowGroup[], rows: number, count: number, seed: number): Int32Array[] {
  let state = (seed ^ 0x9e3779b9) | 1;
  let left = rows;
  let wanted = count;
  return groups.map((g) => {
    const picked: number[] = [];
    for (let row = 0; row < g.rows; row++, left--) {
      // xorshift32
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      if (((state >>> 0) / 4294967296) * left < wanted) {
        picked.push(row);
        wanted--;
      }
    }
    return Int32Array.from(picked);
  });
}
