import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildChunk, type FakeValue, readBatch } from '../types/chunk-fake.js';
import type { Batch, BatchSource, ColumnLayout, Encoding } from '../types/memory.js';
import { FakePool } from '../types/memory-fake.js';
import { compareNumeric } from '../types/numeric.js';
import type { SqlType } from '../types/sql-type.js';
import type { Numeric } from '../types/value.js';
import { decodeVarNumeric, encodeVarNumeric } from '../types/var-numeric.js';
import { chunkToBatch } from './chunk-batch.js';
import { OrderedMerge } from './ordered-merge.js';
import type { MergeKey } from './row-comparator.js';

/** Batches given in advance; answers 'wait' whenever `waits` says so, and then wakes its listener. */
class ScriptedSource implements BatchSource {
  readonly layout: readonly ColumnLayout[];
  closed = false;
  private readonly batches: Batch[];
  private readonly waits: () => boolean;
  private readonly error: Error | undefined;
  private callback = (): void => {};

  constructor(layout: readonly ColumnLayout[], batches: Batch[], waits: () => boolean, error?: Error) {
    this.layout = layout;
    this.batches = batches;
    this.waits = waits;
    this.error = error;
  }

  next(): Batch | 'wait' | 'end' {
    if (this.waits()) {
      queueMicrotask(this.callback);
      return 'wait';
    }
    const batch = this.batches.shift();
    if (batch !== undefined) return batch;
    if (this.error !== undefined) throw this.error;
    return 'end';
  }

  onReady(callback: () => void): void {
    this.callback = callback;
  }

  close(): void {
    this.closed = true;
    for (const b of this.batches.splice(0)) b.release();
  }
}

type Kind = {
  readonly type: SqlType;
  readonly encoding: Encoding;
  readonly value: fc.Arbitrary<FakeValue>;
  readonly compare: (a: never, b: never) => number;
};

const bigCompare = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const floatCompare = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b)
    ? Number(Number.isNaN(a)) - Number(Number.isNaN(b))
    : a < b
      ? -1
      : a > b
        ? 1
        : 0;
const textCompare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const micros = (v: bigint): bigint =>
  BigInt.asIntN(64, v) + (BigInt.asIntN(32, v >> 64n) + BigInt.asIntN(32, v >> 96n) * 30n) * 86_400_000_000n;
const numerics: Numeric[] = [
  { unscaled: 10n, scale: 1 },
  { unscaled: 100n, scale: 2 },
  { unscaled: -5n, scale: 0 },
  { unscaled: 10n ** 50n, scale: 3 },
  { special: 'NaN' },
  { special: '-Infinity' },
];

// Few distinct values each, so that ties and the next key matter.
const KINDS: readonly Kind[] = [
  { type: { kind: 'bool' }, encoding: 'i8', value: fc.integer({ min: 0, max: 1 }), compare: bigCompare },
  {
    type: { kind: 'int4' },
    encoding: 'i32',
    value: fc.constantFrom(-1, 0, 1, 2147483647, -2147483648),
    compare: bigCompare,
  },
  {
    type: { kind: 'oid' },
    encoding: 'i32',
    value: fc.constantFrom(-1, 0, 7),
    compare: (a: number, b: number) => bigCompare(a >>> 0, b >>> 0),
  },
  {
    type: { kind: 'int8' },
    encoding: 'i64',
    value: fc.constantFrom(0n, -1n, 2n ** 32n, 2n ** 31n, -(2n ** 63n)),
    compare: bigCompare,
  },
  {
    type: { kind: 'numeric', precision: 30, scale: 2 },
    encoding: 'i128',
    value: fc.constantFrom(0n, -1n, 2n ** 64n, 2n ** 63n, -(2n ** 100n)),
    compare: bigCompare,
  },
  {
    type: { kind: 'float8' },
    encoding: 'f64',
    value: fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 1.5),
    compare: floatCompare,
  },
  {
    type: { kind: 'float4' },
    encoding: 'f32',
    value: fc.constantFrom(Number.NaN, 0, 1.5, -2),
    compare: floatCompare,
  },
  {
    type: { kind: 'text' },
    encoding: 'utf8',
    value: fc.constantFrom('', 'a', 'ab', 'b', 'é', '😀', '\uffff'),
    compare: textCompare,
  },
  {
    type: { kind: 'bpchar', length: 3 },
    encoding: 'utf8',
    value: fc.constantFrom('a', 'a  ', 'b ', '   ', 'ab '),
    compare: (a: string, b: string) => textCompare(a.trimEnd(), b.trimEnd()),
  },
  {
    type: { kind: 'numeric' },
    encoding: 'utf8',
    value: fc.constantFrom(...numerics).map(encodeVarNumeric),
    compare: (a: Uint8Array, b: Uint8Array) => compareNumeric(decodeVarNumeric(a), decodeVarNumeric(b)),
  },
  {
    type: { kind: 'interval' },
    encoding: 'i128',
    value: fc.constantFrom(0n, 1n, 30n << 64n, 1n << 96n, 29n << 64n, (2n ** 64n - 1n) | (1n << 64n)),
    compare: (a: bigint, b: bigint) => bigCompare(micros(a), micros(b)),
  },
];

type Sort = { readonly kind: Kind; readonly descending: boolean; readonly nullsFirst: boolean };

function compareRows(sorts: readonly Sort[], a: readonly FakeValue[], b: readonly FakeValue[]): number {
  for (const [i, s] of sorts.entries()) {
    const x = a[i]!;
    const y = b[i]!;
    if (x === null && y === null) continue;
    if (x === null || y === null) return (x === null) === s.nullsFirst ? -1 : 1;
    const order = (s.kind.compare as (p: FakeValue, q: FakeValue) => number)(x, y);
    if (order !== 0) return s.descending ? -order : order;
  }
  return 0;
}

const sortArbitrary: fc.Arbitrary<Sort> = fc.record({
  kind: fc.constantFrom(...KINDS),
  descending: fc.boolean(),
  nullsFirst: fc.boolean(),
});

const caseArbitrary = fc.array(sortArbitrary, { minLength: 1, maxLength: 3 }).chain((sorts) =>
  fc.record({
    sorts: fc.constant(sorts),
    inputs: fc.array(
      fc.array(fc.tuple(...sorts.map((s) => fc.option(s.kind.value, { nil: null, freq: 4 }))), {
        maxLength: 30,
      }),
      { maxLength: 6 },
    ),
    batchRows: fc.integer({ min: 1, max: 12 }),
    runRows: fc.integer({ min: 1, max: 40 }),
    waitSeed: fc.nat(),
  }),
);

function coin(seed: number): () => boolean {
  let s = seed | 1;
  return () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s & 3) === 0;
  };
}

describe('the ordered merge', () => {
  it('equals a stable sort of the whole, for any rows, split, batch size, keys and waits', async () => {
    await fc.assert(
      fc.asyncProperty(caseArbitrary, async ({ sorts, inputs, batchRows, runRows, waitSeed }) => {
        const pool = new FakePool(1 << 20);
        // The last column says where a row came from: it makes order among ties visible.
        let serial = 0;
        const sorted = inputs.map((rows) =>
          [...rows].sort((a, b) => compareRows(sorts, a, b)).map((r) => [...r, serial++]),
        );
        const expected = sorted.flat().sort((a, b) => compareRows(sorts, a, b));
        const encodings: Encoding[] = [...sorts.map((s) => s.kind.encoding), 'i32'];
        const layout = encodings.map((encoding) => ({ encoding, nullable: true }));
        const sources = sorted.map((rows, i) => {
          const batches: Batch[] = [];
          for (let at = 0; at < rows.length; at += batchRows) {
            batches.push(
              chunkToBatch(buildChunk(pool, encodings, rows.slice(at, at + batchRows)), layout, pool),
            );
            if (at % 3 === 0) batches.push(chunkToBatch(buildChunk(pool, encodings, []), layout, pool));
          }
          return new ScriptedSource(layout, batches, coin(waitSeed + i * 7919));
        });
        const keys = sorts.map(
          (s, column): MergeKey => ({
            column,
            type: s.kind.type,
            descending: s.descending,
            nullsFirst: s.nullsFirst,
          }),
        );
        const merge = new OrderedMerge(sources, keys, layout, pool, runRows);
        const serials: FakeValue[] = [];
        const open: { read: () => void }[] = [];
        for (;;) {
          const woken = new Promise<void>((resolve) => merge.onReady(resolve));
          const run = merge.next();
          if (run === 'end') break;
          if (run === 'wait') {
            await woken;
            continue;
          }
          expect(run.rows).toBeGreaterThan(0);
          expect(run.rows).toBeLessThanOrEqual(runRows);
          // Read one run later than it came, so that a batch released too early is noticed.
          open.push({
            read: () => {
              for (let i = 0; i < run.rows; i++) {
                const at = (run.address >>> 2) + i * 2;
                serials.push(readBatch(pool, pool.u32[at]!, true)[pool.u32[at + 1]!]!.at(-1)!);
              }
              run.release();
            },
          });
          if (open.length > 1) open.shift()!.read();
        }
        for (const o of open) o.read();
        expect(serials).toEqual(expected.map((r) => r.at(-1)));
        merge.close();
        expect(merge.next()).toBe('end');
        expect(sources.every((s) => s.closed)).toBe(true);
        expect(pool.blocks.size).toBe(0);
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  const layout: readonly ColumnLayout[] = [{ encoding: 'i32', nullable: false }];
  const key: MergeKey = { column: 0, type: { kind: 'int4' }, descending: false, nullsFirst: false };
  const batchOf = (pool: FakePool, ...values: number[]): Batch =>
    chunkToBatch(
      buildChunk(
        pool,
        ['i32'],
        values.map((v) => [v]),
      ),
      layout,
      pool,
    );

  it('throws the error of an input, again and again, and leaves nothing behind when closed', () => {
    const pool = new FakePool(1 << 20);
    const broken = new Error('motion 3 from segment 1 broke');
    const merge = new OrderedMerge(
      [
        new ScriptedSource(layout, [batchOf(pool, 1, 2)], () => false, broken),
        new ScriptedSource(layout, [batchOf(pool, 5, 6)], () => false),
      ],
      [key],
      layout,
      pool,
    );
    expect(() => merge.next()).toThrow(broken);
    expect(() => merge.next()).toThrow(broken);
    merge.close();
    expect(pool.blocks.size).toBe(0);
  });

  it('may be closed in the middle, with a run in use', () => {
    const pool = new FakePool(1 << 20);
    const merge = new OrderedMerge(
      [
        new ScriptedSource(layout, [batchOf(pool, 1, 4), batchOf(pool, 5)], () => false),
        new ScriptedSource(layout, [batchOf(pool, 2, 3)], () => false),
      ],
      [key],
      layout,
      pool,
      3,
    );
    const run = merge.next();
    merge.close();
    merge.close();
    expect(run).toMatchObject({ rows: 3 });
    if (typeof run === 'object') {
      expect(readBatch(pool, pool.u32[run.address >>> 2]!)).toEqual([[1], [4]]);
      run.release();
    }
    expect(pool.blocks.size).toBe(0);
  });

  it('of nothing ends', () => {
    const pool = new FakePool(1 << 16);
    expect(new OrderedMerge([], [key], layout, pool).next()).toBe('end');
    expect(new OrderedMerge([new ScriptedSource(layout, [], () => false)], [key], layout, pool).next()).toBe(
      'end',
    );
  });

  it('gives long stretches of one input without comparing every row', () => {
    const pool = new FakePool(16 << 20);
    const rows = (from: number, n: number) => Array.from({ length: n }, (_, i) => from + i);
    const merge = new OrderedMerge(
      [
        new ScriptedSource(layout, [batchOf(pool, ...rows(0, 5000))], () => false),
        new ScriptedSource(layout, [batchOf(pool, ...rows(5000, 5000))], () => false),
      ],
      [key],
      layout,
      pool,
      20_000,
    );
    expect(merge.next()).toMatchObject({ rows: 10_000 });
  });
});
