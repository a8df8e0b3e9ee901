import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AggCall, Column } from '../../plan/expr.js';
import { averageNumeric, varianceNumeric } from '../../types/numeric-math.js';
import { BOOL, FLOAT8, INT4, INT8, NUMERIC, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Numeric, Value } from '../../types/value.js';
import { agg, cmp, col, column, hashAgg, lit, receive, scan, slice, sortedRows } from './test-plans.js';
import { type Rows, runSlice } from './testing.js';

const MONEY: SqlType = { kind: 'numeric', precision: 15, scale: 2 };
const WIDE: SqlType = { kind: 'numeric', precision: 38, scale: 2 };

type Input = {
  readonly g: string | null;
  readonly k: number;
  readonly i: number | null;
  readonly l: bigint | null;
  readonly m: Numeric | null;
  readonly v: Numeric | null;
  readonly f: number | null;
  readonly s: string | null;
};

const maybe = <T>(a: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof(
    { weight: 5, arbitrary: a as fc.Arbitrary<T | null> },
    { weight: 1, arbitrary: fc.constant(null) },
  );

const inputRow: fc.Arbitrary<Input> = fc.record({
  g: maybe(fc.constantFrom('a', 'b', 'cc', 'a group with a long name')),
  k: fc.integer({ min: 0, max: 3 }),
  i: maybe(fc.integer({ min: -5, max: 5 })),
  l: maybe(fc.bigInt({ min: -(1n << 62n), max: 1n << 62n })),
  m: maybe(fc.bigInt({ min: -100000n, max: 100000n }).map((unscaled) => ({ unscaled, scale: 2 }))),
  v: maybe(
    fc.record({
      unscaled: fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
      scale: fc.constantFrom(0, 3, 3, 3),
    }),
  ),
  f: maybe(fc.integer({ min: -8, max: 8 }).map((n) => n / 4)),
  s: maybe(fc.constantFrom('x', 'y', 'zz', '')),
});

function rescaled(ns: readonly Numeric[]): { unscaled: bigint; scale: number } {
  const all = ns as { unscaled: bigint; scale: number }[];
  const scale = Math.max(...all.map((n) => n.scale));
  return { unscaled: all.reduce((a, n) => a + n.unscaled * 10n ** BigInt(scale - n.scale), 0n), scale };
}

/** One group's results, by definition. */
function results(rows: readonly Input[]): Value[] {
  const is = rows.flatMap((r) => (r.i === null ? [] : [r.i]));
  const ls = rows.flatMap((r) => (r.l === null ? [] : [r.l]));
  const ms = rows.flatMap((r) => (r.m === null ? [] : [r.m]));
  const vs = rows.flatMap((r) => (r.v === null ? [] : [r.v]));
  const fs = rows.flatMap((r) => (r.f === null ? [] : [r.f]));
  const ss = rows.flatMap((r) => (r.s === null ? [] : [r.s]));
  const positive = rows.filter((r) => r.i !== null && r.i > 0);
  const sumI = is.reduce((a, b) => a + b, 0);
  const sumSq = is.reduce((a, b) => a + b * b, 0);
  const variance = varianceNumeric(
    BigInt(is.length),
    { unscaled: BigInt(sumI), scale: 0 },
    { unscaled: BigInt(sumSq), scale: 0 },
    true,
    false,
  );
  return [
    BigInt(rows.length),
    BigInt(is.length),
    is.length ? BigInt(sumI) : null,
    is.length ? Math.min(...is) : null,
    is.length ? Math.max(...is) : null,
    ls.length ? { unscaled: ls.reduce((a, b) => a + b, 0n), scale: 0 } : null,
    ms.length ? rescaled(ms) : null,
    ms.length ? averageNumeric(rescaled(ms), BigInt(ms.length)) : null,
    vs.length ? rescaled(vs) : null,
    fs.length ? fs.reduce((a, b) => a + b, 0) : null,
    ss.length ? [...ss].sort()[0] : null,
    BigInt(positive.length),
    is.length ? is.some((x) => x > 0) : null,
    variance ?? null,
    is.length ? BigInt(new Set(is).size) : 0n,
    is.length ? BigInt([...new Set(is)].reduce((a, b) => a + b, 0)) : null,
  ];
}

const cols = {
  g: column('g', TEXT),
  k: column('k', INT4, false),
  i: column('i', INT4),
  l: column('l', INT8),
  m: column('m', MONEY),
  v: column('v', NUMERIC),
  f: column('f', FLOAT8),
  s: column('s', TEXT),
};
const inputCols = Object.values(cols);

function calls(distinct: boolean): AggCall[] {
  return [
    agg('count_star', [], INT8),
    agg('count', [col(cols.i)], INT8),
    agg('sum', [col(cols.i)], INT8),
    agg('min', [col(cols.i)], INT4),
    agg('max', [col(cols.i)], INT4),
    agg('sum', [col(cols.l)], { kind: 'numeric', precision: 32, scale: 0 }),
    agg('sum', [col(cols.m)], { kind: 'numeric', precision: 28, scale: 2 }),
    agg('avg', [col(cols.m)], NUMERIC),
    agg('sum', [col(cols.v)], NUMERIC),
    agg('sum', [col(cols.f)], FLOAT8),
    agg('min', [col(cols.s)], TEXT),
    agg('count_star', [], INT8, { filter: cmp('>', col(cols.i), lit(0, INT4)) }),
    agg('bool_or', [cmp('>', col(cols.i), lit(0, INT4))], BOOL),
    agg('var_samp', [col(cols.i)], NUMERIC),
    ...(distinct
      ? [
          agg('count', [col(cols.i)], INT8, { distinct: true }),
          agg('sum', [col(cols.i)], INT8, { distinct: true }),
        ]
      : []),
  ];
}

function stateColumns(a: AggCall): Column[] {
  const c = (type: SqlType): Column => column(a.name, type);
  const count = (): Column => column('count', INT8, false);
  switch (a.name) {
    case 'count':
    case 'count_star':
      return [count()];
    case 'avg':
      return [c({ kind: 'numeric', precision: 28, scale: 2 }), count()];
    case 'var_samp':
      return [
        count(),
        c({ kind: 'numeric', precision: 23, scale: 0 }),
        c({ kind: 'numeric', precision: 33, scale: 0 }),
      ];
    default:
      return [c(a.out.type)];
  }
}

function groupsOf(rows: readonly Input[], keys: readonly ('g' | 'k')[]): Value[][] {
  const groups = new Map<string, Input[]>();
  for (const r of rows) {
    const k = JSON.stringify(keys.map((x) => r[x]));
    groups.set(k, [...(groups.get(k) ?? []), r]);
  }
  if (keys.length === 0 && groups.size === 0) groups.set('[]', []);
  return [...groups].map(([k, rs]) => [...(JSON.parse(k) as Value[]), ...results(rs)]);
}

const setup = fc.record({
  rows: fc.array(inputRow, { maxLength: 60 }),
  keys: fc.constantFrom<readonly ('g' | 'k')[]>([], ['g'], ['k'], ['g', 'k']),
  workers: fc.integer({ min: 1, max: 3 }),
  batchRows: fc.integer({ min: 1, max: 30 }),
});

const asRows = (rows: readonly Input[]): Rows => rows.map((r) => [r.g, r.k, r.i, r.l, r.m, r.v, r.f, r.s]);

describe('aggregates agree with their definition', () => {
  test('one stage, with and without DISTINCT', () => {
    fc.assert(
      fc.property(setup, fc.boolean(), ({ rows, keys, workers, batchRows }, distinct) => {
        const input = scan(inputCols);
        const root = hashAgg(
          'single',
          input,
          keys.map((k) => cols[k]),
          calls(distinct),
        );
        const r = runSlice(slice(root), new Map([[input.id, asRows(rows)]]), { workers, batchRows });
        expect(r.leakedBytes).toBe(0);
        expect(sortedRows(r.rows)).toEqual(
          sortedRows(groupsOf(rows, keys).map((x) => x.slice(0, root.cols.length))),
        );
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  test('partial, combine and final stages', () => {
    fc.assert(
      fc.property(setup, fc.boolean(), ({ rows, keys, workers, batchRows }, combine) => {
        const aggs = calls(false);
        const states = aggs.map(stateColumns);
        const groups = keys.map((k) => cols[k]);
        const input = scan(inputCols);
        const partial = hashAgg('partial', input, groups, aggs, states);
        const halves = [rows.slice(0, rows.length >> 1), rows.slice(rows.length >> 1)];
        let moved: Rows = halves.flatMap(
          (h) => runSlice(slice(partial), new Map([[input.id, asRows(h)]]), { workers, batchRows }).rows,
        );
        if (combine) {
          const between = receive(partial.cols);
          const root = hashAgg('combine', between, groups, aggs, states);
          moved = runSlice(slice(root), new Map([[between.id, moved]]), { workers, batchRows: 3 }).rows;
        }
        const from = receive(partial.cols);
        const root = hashAgg('final', from, groups, aggs, states);
        const r = runSlice(slice(root), new Map([[from.id, moved]]), { workers, batchRows: 2 });
        expect(r.leakedBytes).toBe(0);
        expect(sortedRows(r.rows)).toEqual(
          sortedRows(groupsOf(rows, keys).map((x) => x.slice(0, root.cols.length))),
        );
      }),
      { numRuns: 120 },
    );
  }, 120_000);

  test('many groups grow the table and are merged in parts', () => {
    const k = column('k', INT4, false);
    const v = column('v', INT8, false);
    const input = scan([k, v]);
    const n = column('n', WIDE);
    void n;
    const root = hashAgg(
      'single',
      input,
      [k],
      [agg('sum', [col(v)], { kind: 'numeric', precision: 32, scale: 0 }), agg('count_star', [], INT8)],
    );
    const rows = Array.from({ length: 60_000 }, (_, i) => [(i * 7919) % 20_011, BigInt(i)] as Value[]);
    const expected = new Map<number, [bigint, bigint]>();
    for (const [key, value] of rows as [number, bigint][]) {
      const e = expected.get(key) ?? [0n, 0n];
      expected.set(key, [e[0] + value, e[1] + 1n]);
    }
    const ranged = { ...k, range: { min: 0n, max: 20_011n } };
    const dense = { ...root, groups: [ranged], cols: [ranged, ...root.cols.slice(1)], rows: 20_000 };
    for (const [workers, plan] of [
      [1, root],
      [3, root],
      [1, dense],
      [3, dense],
    ] as const) {
      const r = runSlice(slice(plan), new Map([[input.id, rows]]), { workers, batchRows: 1000 });
      expect(r.rows.length).toBe(expected.size);
      for (const [key, sum, count] of r.rows)
        expect([(sum as { unscaled: bigint }).unscaled, count]).toEqual(expected.get(key as number));
    }
  });

  test('groups by dictionary codes and by small ranges', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.constantFrom('a', 'b', 'long enough'),
            fc.constantFrom('x', 'y'),
            maybe(fc.integer({ min: -2, max: 3 })),
            fc.integer({ min: 5, max: 7 }),
          ),
          { maxLength: 60 },
        ),
        fc.constantFrom([0], [0, 1], [2], [2, 3], [0, 3]),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 20 }),
        (rows, keys, workers, batchRows) => {
          const cs = [
            column('a', TEXT, false),
            column('b', TEXT, false),
            column('c', INT4, true, { min: -2n, max: 3n }),
            column('d', INT8, false, { min: 5n, max: 7n }),
          ];
          const input = scan(cs);
          const root = hashAgg(
            'single',
            input,
            keys.map((k) => cs[k]),
            [agg('count_star', [], INT8), agg('sum', [col(cs[2])], INT8)],
          );
          const data = rows.map(([a, b, c, d]) => [a, b, c, BigInt(d)] as Value[]);
          const r = runSlice(slice(root), new Map([[input.id, data]]), {
            workers,
            batchRows,
            encodings: new Map([[input.id, ['dict8', 'dict16', 'i8', 'i64']]]),
          });
          const expected = new Map<string, Value[]>();
          for (const row of data) {
            const key = keys.map((k) => row[k]);
            const at = key.map(String).join();
            const e = expected.get(at) ?? [...key, 0n, null];
            e[keys.length] = (e[keys.length] as bigint) + 1n;
            if (row[2] !== null)
              e[keys.length + 1] = ((e[keys.length + 1] ?? 0n) as bigint) + BigInt(row[2] as number);
            expected.set(at, e);
          }
          expect(sortedRows(r.rows)).toEqual(sortedRows([...expected.values()]));
        },
      ),
      { numRuns: 80 },
    );
  });

  test('variance of floats', () => {
    const f = column('f', FLOAT8);
    const input = scan([f]);
    const root = hashAgg(
      'single',
      input,
      [],
      (['var_samp', 'var_pop', 'stddev_samp', 'stddev_pop', 'avg'] as const).map((name) =>
        agg(name, [col(f)], FLOAT8),
      ),
    );
    const xs = Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 100);
    const mean = xs.reduce((a, b) => a + b) / xs.length;
    const ss = xs.reduce((a, b) => a + (b - mean) ** 2, 0);
    for (const workers of [1, 3]) {
      const [row] = runSlice(slice(root), new Map([[input.id, [...xs.map((x) => [x]), [null]]]]), {
        workers,
        batchRows: 17,
      }).rows;
      const want = [ss / 999, ss / 1000, Math.sqrt(ss / 999), Math.sqrt(ss / 1000), mean];
      for (const [i, x] of want.entries()) expect(row[i]).toBeCloseTo(x, 8);
    }
    expect(runSlice(slice(root), new Map([[input.id, [[1.5]]]])).rows).toEqual([[null, 0, null, 0, 1.5]]);
    expect(runSlice(slice(root), new Map()).rows).toEqual([[null, null, null, null, null]]);
  });

  test('array_agg', () => {
    const k = column('k', INT4);
    const s = column('s', TEXT);
    const input = scan([k, s]);
    const order = [{ expr: col(k), descending: false, nullsFirst: false }];
    const root = hashAgg(
      'single',
      input,
      [],
      [
        agg('array_agg', [col(k)], { kind: 'array', element: INT4 }, { orderBy: order }),
        agg('array_agg', [col(s)], { kind: 'array', element: TEXT }, { orderBy: order }),
      ],
    );
    const rows: Rows = [
      [3, 'x y'],
      [1, null],
      [null, 'NULL'],
      [2, 'a"b'],
      [4, ''],
      [5, 'plain'],
    ];
    for (const workers of [1, 3])
      expect(runSlice(slice(root), new Map([[input.id, rows]]), { workers, batchRows: 1 }).rows).toEqual([
        ['{1,2,3,4,5,NULL}', '{NULL,"a\\"b","x y","",plain,"NULL"}'],
      ]);
    expect(runSlice(slice(root), new Map()).rows).toEqual([[null, null]]);
  });

  test('string_agg in order, and in order without duplicates', () => {
    const g = column('g', INT4, false);
    const s = column('s', TEXT);
    const k = column('k', INT4, false);
    const input = scan([g, s, k]);
    const order = [{ expr: col(k), descending: true, nullsFirst: false }];
    const root = hashAgg(
      'single',
      input,
      [g],
      [
        agg('string_agg', [col(s), lit(', ', TEXT)], TEXT, { orderBy: order }),
        agg('string_agg', [col(s), lit('-', TEXT)], TEXT, {
          distinct: true,
          orderBy: [{ expr: col(s), descending: false, nullsFirst: false }],
        }),
      ],
    );
    const rows: Rows = [
      [1, 'b', 1],
      [1, 'a', 2],
      [2, null, 1],
      [1, 'b', 3],
      [1, null, 4],
      [3, 'x', 0],
    ];
    for (const workers of [1, 2]) {
      const r = runSlice(slice(root), new Map([[input.id, rows]]), { workers, batchRows: 2 });
      expect(sortedRows(r.rows)).toEqual(
        sortedRows([
          [1, 'b, a, b', 'a-b'],
          [2, null, null],
          [3, 'x', 'x'],
        ]),
      );
    }
  });
});

test.each([0, 1])(
  'sums of values that are never negative carry into their high half (%i groups)',
  (grouped) => {
    const max = (1n << 63n) - 1n;
    const k = column('k', INT4, false);
    const l = column('l', INT8, false, { min: 0n, max });
    const values = [0n, 1n, max, max - 1n, max, 5n, max, max];
    const leaf = scan([k, l]);
    const root = hashAgg('single', leaf, grouped === 1 ? [k] : [], [
      agg('sum', [col(l)], { kind: 'numeric', precision: 38, scale: 0 }),
    ]);
    const rows: Rows = values.map((v, i) => [i % 2, v]);
    const sumOf = (of: readonly bigint[]): Value => ({ unscaled: of.reduce((a, v) => a + v, 0n), scale: 0 });
    const expected =
      grouped === 1
        ? [0, 1].map((g): Value[] => [g, sumOf(values.filter((_, i) => i % 2 === g))])
        : [[sumOf(values)]];
    for (const workers of [1, 2]) {
      const r = runSlice(slice(root), new Map([[leaf.id, rows]]), { workers, batchRows: 3 });
      expect(sortedRows(r.rows)).toEqual(sortedRows(expected));
    }
  },
);
