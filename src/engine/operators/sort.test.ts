import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLOAT8, INT4, INT8, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { cmp, col, column, lit, op, receive, scan, slice } from './test-plans.js';
import { type Rows, runSlice } from './testing.js';

const TYPES: readonly SqlType[] = [INT4, TEXT, FLOAT8];

const value = (t: SqlType): fc.Arbitrary<Value> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: (t.kind === 'int4'
        ? fc.integer({ min: -3, max: 3 })
        : t.kind === 'text'
          ? fc.constantFrom('', 'a', 'ab', 'b', 'é', 'z')
          : fc.constantFrom(-1.5, 0, 2, Number.NaN, Number.POSITIVE_INFINITY)) as fc.Arbitrary<Value>,
    },
    { weight: 1, arbitrary: fc.constant(null) },
  );

type Key = { readonly index: number; readonly descending: boolean; readonly nullsFirst: boolean };

function compareValues(a: Value, b: Value, k: Key): number {
  if (a === null || b === null) return a === b ? 0 : (a === null) === k.nullsFirst ? -1 : 1;
  let c: number;
  if (typeof a === 'number' && typeof b === 'number') {
    if (Number.isNaN(a) || Number.isNaN(b)) c = Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    else c = a < b ? -1 : Number(a > b);
  } else c = Buffer.compare(Buffer.from(a as string), Buffer.from(b as string));
  return k.descending ? -c : c;
}

/** Also bigints, and char(n) without its padding. */
function compareAny(a: Value, b: Value, k: Key): number {
  if (typeof a === 'bigint' && typeof b === 'bigint')
    return (a < b ? -1 : Number(a > b)) * (k.descending ? -1 : 1);
  if (typeof a === 'string' && typeof b === 'string' && a.length === 4 && b.length === 4)
    return compareValues(a.trimEnd(), b.trimEnd(), k);
  return compareValues(a, b, k);
}

const setup = fc.record({
  rows: fc.array(fc.tuple(...TYPES.map(value)), { maxLength: 80 }),
  keys: fc.array(
    fc.record({ index: fc.integer({ min: 0, max: 2 }), descending: fc.boolean(), nullsFirst: fc.boolean() }),
    { minLength: 1, maxLength: 3 },
  ),
  limit: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
  workers: fc.integer({ min: 1, max: 3 }),
  batchRows: fc.integer({ min: 1, max: 30 }),
  stable: fc.boolean(),
});

describe('sort', () => {
  test('full sorts and top-N give the rows in order', () => {
    fc.assert(
      fc.property(setup, ({ rows, keys, limit, workers, batchRows, stable }) => {
        const cols = TYPES.map((t, i) => column(`c${i}`, t));
        const n = column('n', INT4, false);
        const input = stable ? scan([...cols, n]) : receive([...cols, n]);
        const root = op('sort', {
          input,
          cols: input.cols,
          keys: keys.map((k) => ({
            expr: col(cols[k.index]),
            descending: k.descending,
            nullsFirst: k.nullsFirst,
          })),
          limit: limit === undefined ? undefined : lit(BigInt(limit), INT8),
          distinctOn: undefined,
        });
        const numbered = rows.map((r, i) => [...r, i]);
        const r = runSlice(slice(root), new Map([[input.id, numbered]]), { workers, batchRows });
        expect(r.leakedBytes).toBe(0);
        const order = (a: readonly Value[], b: readonly Value[]): number => {
          for (const k of keys) {
            const c = compareValues(a[k.index], b[k.index], k);
            if (c !== 0) return c;
          }
          return 0;
        };
        const expected = [...numbered].sort(order).slice(0, limit);
        const keyed = (xs: Rows): unknown => xs.map((x) => keys.map((k) => x[k.index]));
        expect(keyed(r.rows)).toEqual(keyed(expected));
        expect(new Set(r.rows.map((x) => x[3])).size).toBe(expected.length);
        for (const x of r.rows) expect(x.slice(0, 3)).toEqual(numbered[x[3] as number].slice(0, 3));
        if (workers === 1 && limit === undefined) expect(r.rows).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test('many rows, by radix: integers, floats, strings and numerics with ties and nulls', () => {
    const types: readonly SqlType[] = [
      INT4,
      INT8,
      FLOAT8,
      TEXT,
      { kind: 'bpchar', length: 4 },
      { kind: 'numeric', precision: 38, scale: 1 },
    ];
    const rows: Rows = Array.from({ length: 3000 }, (_, i) => {
      const r = (i * 7919 + 13) % 3001;
      const word = ['', 'a', 'common prefix 1', 'common prefix 2', 'common', 'zz', 'é'][r % 7];
      return [
        r % 11 === 0 ? null : ((r * 31) % 2000) - 1000,
        BigInt(r - 1500) * 10_000_000_000n,
        r % 13 === 0
          ? null
          : [-0, 0, 1.5, -2.25, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][r % 7],
        r % 17 === 0 ? null : word,
        word.slice(0, 3).padEnd(4),
        { unscaled: BigInt(r - 1500) * 10n ** BigInt((r % 3) * 12), scale: 1 },
        i,
      ];
    });
    const cols = [...types.map((t, i) => column(`c${i}`, t, i !== 1 && i < 4)), column('n', INT4, false)];
    const input = scan(cols);
    for (const first of types.keys())
      for (const [descending, nullsFirst] of [
        [false, false],
        [true, false],
        [false, true],
      ]) {
        const keys = [
          { index: first, descending, nullsFirst },
          { index: 6, descending: !descending, nullsFirst },
        ];
        const root = op('sort', {
          input,
          cols,
          keys: keys.map((k) => ({
            expr: col(cols[k.index]),
            descending: k.descending,
            nullsFirst: k.nullsFirst,
          })),
          limit: undefined,
          distinctOn: undefined,
        });
        const got = runSlice(slice(root), new Map([[input.id, rows]]), { workers: 2, batchRows: 500 });
        expect(got.leakedBytes).toBe(0);
        const plain = (v: Value): Value =>
          typeof v === 'object' && v !== null && 'unscaled' in v ? v.unscaled : v;
        const order = (a: readonly Value[], b: readonly Value[]): number =>
          compareAny(plain(a[first]), plain(b[first]), keys[0]) || compareValues(a[6], b[6], keys[1]);
        expect(got.rows.map((r) => r[6])).toEqual([...rows].sort(order).map((r) => r[6]));
      }
  }, 60_000);

  test('DISTINCT ON keeps the first row of each run; the limit counts what is kept', () => {
    const [a, b] = [column('a', INT4), column('b', INT4)];
    const input = scan([a, b]);
    const rows: Rows = Array.from({ length: 100 }, (_, i) => [i % 7, (i * 31) % 17]);
    const keys = [a, b].map((c) => ({ expr: col(c), descending: false, nullsFirst: false }));
    const make = (limit?: bigint) =>
      op('sort', {
        input,
        cols: input.cols,
        keys,
        distinctOn: 1,
        limit: limit === undefined ? undefined : lit(limit, INT8),
      });
    const first = [0, 1, 2, 3, 4, 5, 6].map((k) => [
      k,
      Math.min(...rows.filter((r) => r[0] === k).map((r) => r[1] as number)),
    ]);
    expect(runSlice(slice(make()), new Map([[input.id, rows]]), { batchRows: 9 }).rows).toEqual(first);
    expect(runSlice(slice(make(3n)), new Map([[input.id, rows]]), { batchRows: 9 }).rows).toEqual(
      first.slice(0, 3),
    );
  });

  const run = (root: ReturnType<typeof op>, input: ReturnType<typeof scan>, rows: Rows): Rows =>
    runSlice(slice(root as never), new Map([[input.id, rows]]), { batchRows: 9, workers: 2 }).rows;

  test('each run keeps the rows between its own offset and limit; NULL is none', () => {
    const [a, b, n] = [column('a', INT4), column('b', INT4), column('n', INT8)];
    const input = scan([a, b, n]);
    const limits = [0n, 1n, 3n, null, 100n];
    const rows: Rows = Array.from({ length: 100 }, (_, i) => [i % 5, (i * 37) % 101, limits[i % 5]]);
    const keys = [a, b].map((c) => ({ expr: col(c), descending: false, nullsFirst: false }));
    const keep = { limit: col(n), offset: lit(2n, INT8), ties: false };
    const root = op('sort', { input, cols: [a, b], keys, distinctOn: 1, limit: undefined, keep });
    const want = limits.flatMap((limit, k) => {
      const own = rows
        .filter((r) => r[0] === k)
        .map((r) => r[1] as number)
        .sort((x, y) => x - y);
      return own.slice(2, limit === null ? undefined : 2 + Number(limit)).map((v) => [k, v]);
    });
    expect(run(root, input, rows)).toEqual(want);
  });

  test.each([
    { limit: 0n, offset: 0n, want: [] },
    { limit: 3n, offset: 0n, want: [1, 1, 2, 2, 2] },
    { limit: 2n, offset: 1n, want: [1, 2, 2, 2] },
    { limit: 5n, offset: 1n, want: [1, 2, 2, 2, 4] },
    { limit: 9n, offset: 5n, want: [4] },
  ])('WITH TIES: $limit from $offset', ({ limit, offset, want }) => {
    const a = column('a', INT4);
    const input = scan([a]);
    const rows: Rows = [[2], [1], [4], [2], [1], [2]];
    const keys = [{ expr: col(a), descending: false, nullsFirst: false }];
    const keep = { limit: lit(limit, INT8), offset: lit(offset, INT8), ties: true };
    const root = op('sort', { input, cols: [a], keys, distinctOn: 0, limit: undefined, keep });
    expect(run(root, input, rows).map((r) => r[0])).toEqual(want);
  });

  test('a long sort', () => {
    const a = column('a', INT8, false);
    const s = column('s', TEXT, false);
    const input = scan([a, s]);
    const rows: Rows = Array.from({ length: 50_000 }, (_, i) => [BigInt((i * 7919) % 50_021), `r${i}`]);
    const root = op('sort', {
      input,
      cols: input.cols,
      keys: [{ expr: col(a), descending: true, nullsFirst: false }],
      limit: undefined,
      distinctOn: undefined,
    });
    for (const workers of [1, 3]) {
      const got = runSlice(slice(root), new Map([[input.id, rows]]), { workers }).rows;
      const want = [...rows].sort((x, y) => ((x[0] as bigint) < (y[0] as bigint) ? 1 : -1));
      expect(got).toEqual(want);
    }
  });
});

describe('limit', () => {
  const a = column('a', INT4, false);
  const limited = (input: ReturnType<typeof scan>, limit: Value | undefined, offset?: Value) =>
    op('limit', {
      input,
      cols: input.cols,
      limit: limit === undefined ? undefined : lit(limit, INT8),
      offset: offset === undefined ? undefined : lit(offset, INT8),
    });
  const rows: Rows = Array.from({ length: 50 }, (_, i) => [i]);

  test('the first rows of an ordered stream, any of another', () => {
    const ordered = receive([a], [{ expr: col(a), descending: false, nullsFirst: false }]) as ReturnType<
      typeof scan
    >;
    expect(
      runSlice(slice(limited(ordered, 4n, 3n)), new Map([[ordered.id, rows]]), { batchRows: 3 }).rows,
    ).toEqual([[3], [4], [5], [6]]);
    const input = scan([a]);
    for (const workers of [1, 3]) {
      expect(
        runSlice(slice(limited(input, 7n)), new Map([[input.id, rows]]), { workers, batchRows: 2 }).rows
          .length,
      ).toBe(7);
      expect(
        runSlice(slice(limited(input, 7n, 46n)), new Map([[input.id, rows]]), { workers, batchRows: 2 }).rows
          .length,
      ).toBe(4);
      expect(
        runSlice(slice(limited(input, null, 48n)), new Map([[input.id, rows]]), { workers, batchRows: 2 })
          .rows.length,
      ).toBe(2);
      expect(runSlice(slice(limited(input, 0n)), new Map([[input.id, rows]]), { workers }).rows.length).toBe(
        0,
      );
    }
  });

  test('counts that stand in the rows', () => {
    const [n, skip] = [column('n', INT8), column('skip', INT8)];
    const input = scan([a, n, skip]);
    const root = (limit: Value, offset: Value) => {
      const with3 = rows.map((r) => [...r, limit, offset]);
      const node = op('limit', { input, cols: [a], limit: col(n), offset: col(skip) });
      return runSlice(slice(node), new Map([[input.id, with3]]), { workers: 2, batchRows: 3 }).rows.length;
    };
    expect(root(4n, 3n)).toBe(4);
    expect(root(4n, 48n)).toBe(2);
    expect(root(null, 45n)).toBe(5);
    expect(root(0n, null)).toBe(0);
    expect(() => root(-1n, 0n)).toThrow('FAIL 8');
    expect(() => root(1n, -1n)).toThrow('FAIL 9');
  });

  test('negative counts fail', () => {
    const input = scan([a]);
    expect(() => runSlice(slice(limited(input, -1n)), new Map([[input.id, rows]]))).toThrow('FAIL 8');
    expect(() => runSlice(slice(limited(input, 1n, -1n)), new Map([[input.id, rows]]))).toThrow('FAIL 9');
  });
});

describe('small operators', () => {
  test('values, append, project, repeat', () => {
    const [x, y] = [column('x', INT4), column('y', TEXT)];
    const values = op('values', {
      cols: [x, y],
      valueRows: Array.from({ length: 70 }, (_, i) => [
        i % 9 === 0 ? lit(null, INT4) : lit(i, INT4),
        lit(`t${i}`, TEXT),
      ]),
    });
    expect(runSlice(slice(values), new Map()).rows).toEqual(
      Array.from({ length: 70 }, (_, i) => [i % 9 === 0 ? null : i, `t${i}`]),
    );
    const a = column('a', INT4, false);
    const input = scan([a]);
    const z = column('z', INT4);
    const w = column('w', INT4);
    const both = op('append', { cols: [z], inputs: [input, values], inputCols: [[a], [x]] });
    const repeated = op('repeat', { cols: [z], input: both, count: col(z) });
    const root = op('project', {
      cols: [w],
      input: repeated,
      exprs: [{ kind: 'call', fn: '+(int4,int4)', args: [col(z), lit(1, INT4)], type: INT4 }],
    });
    const r = runSlice(slice(root), new Map([[input.id, [[2], [0], [3]]]]), {
      workers: 2,
      batchRows: 1,
      instrument: true,
    });
    const expected = [2, 3, ...Array.from({ length: 70 }, (_, i) => (i % 9 === 0 ? 0 : i))].flatMap((v) =>
      Array.from({ length: v }, () => v + 1),
    );
    expect(r.rows.map((v) => v[0] as number).sort((p, q) => p - q)).toEqual(expected.sort((p, q) => p - q));
    expect(r.counters.get(both.id)).toBe(73);
    expect(r.counters.get(repeated.id)).toBe(expected.length);
  });

  test('a series', () => {
    const one = op('values', { cols: [], valueRows: [[]] });
    const n = column('n', INT8, false);
    const series = (count: bigint | null, start: bigint, step: bigint) =>
      op('repeat', {
        cols: [n],
        input: one,
        count: lit(count, INT8),
        series: { out: n, start: lit(start, INT8), step: lit(step, INT8) },
      });
    const run = (root: ReturnType<typeof series>) => runSlice(slice(root), new Map(), { workers: 2 }).rows;
    expect(run(series(5n, 10n, -3n))).toEqual([[10n], [7n], [4n], [1n], [-2n]]);
    expect(run(series(0n, 10n, 1n))).toEqual([]);
    expect(run(series(null, 10n, 1n))).toEqual([]);
    const long = run(series(200_000n, 1n, 2n));
    expect(long.length).toBe(200_000);
    expect(long.every((r, i) => r[0] === BigInt(i * 2 + 1))).toBe(true);
    // Over rows of their own, each with its series.
    const k = column('k', INT4, false);
    const input = scan([k]);
    const m = column('m', INT4, false);
    const each = op('repeat', {
      cols: [k, m],
      input,
      count: { kind: 'call', fn: 'cast(int4,int8)', args: [col(k)], type: INT8 },
      series: { out: m, start: lit(7, INT4), step: lit(1, INT4) },
    });
    expect(runSlice(slice(each), new Map([[input.id, [[2], [0], [1]]]])).rows).toEqual([
      [2, 7],
      [2, 8],
      [1, 7],
    ]);
  });

  test('filter of a scan by dictionary strings and nulls', () => {
    const s = column('s', TEXT);
    const input = scan([s], cmp('=', col(s), lit('b', TEXT)));
    const rows: Rows = [['a'], ['b'], [null], ['b']];
    for (const encoding of ['utf8', 'dict8', 'dict16', 'dict32'] as const)
      expect(
        runSlice(slice(input), new Map([[input.id, rows]]), { encodings: new Map([[input.id, [encoding]]]) })
          .rows,
      ).toEqual([['b'], ['b']]);
  });
});
