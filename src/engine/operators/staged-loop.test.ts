/** A loop in stages gives what a plain loop gives: over blocks and their ends, every kind of table and filter. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column, Expr } from '../../plan/expr.js';
import type { PhysicalOp, PhysJoinType, Slice } from '../../plan/physical.js';
import { INT4, INT8, TEXT } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { agg, cmp, col, column, hashAgg, hashJoin, lit, op, scan, slice, sortedRows } from './test-plans.js';
import { type Rows, runSlice } from './testing.js';

const config = fc.record({
  rows: fc.constantFrom(0, 1, 7, 1023, 1024, 1025, 3000),
  buildRows: fc.integer({ min: 0, max: 400 }),
  batchRows: fc.constantFrom(5, 1000, 1030, 3000),
  workers: fc.integer({ min: 1, max: 2 }),
  join: fc.constantFrom<PhysJoinType>('inner', 'left', 'semi', 'anti', 'rightSemi', 'full'),
  /** Of the keys: an array by value, a directory by hash; and a second key or not. */
  ranged: fc.boolean(),
  twoKeys: fc.boolean(),
  sorted: fc.boolean(),
  nulls: fc.boolean(),
  filters: fc.subarray(['vector', 'like', 'word']),
  groups: fc.constantFrom('none', 'ranged', 'hashed', 'text'),
  limit: fc.boolean(),
  seed: fc.integer(),
});
type Config = typeof config extends fc.Arbitrary<infer T> ? T : never;

function random(seed: number): (below: number) => number {
  let x = seed >>> 0;
  return (below) => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((x / 2 ** 32) * below);
  };
}

function plan(c: Config): { readonly slice: Slice; readonly inputs: Map<number, Rows> } {
  const keys = 500n;
  const range = c.ranged ? { min: 0n, max: keys } : undefined;
  const key = (name: string): Column => column(name, INT4, c.nulls, range);
  const [a, a2, small, s] = [
    key('a'),
    column('a2', INT8, false),
    column('n', INT4, false),
    column('s', TEXT, false),
  ];
  const [b, b2, v] = [key('b'), column('b2', INT8, false), column('v', INT4, false)];
  const conditions: Expr[] = [];
  if (c.filters.includes('vector')) conditions.push(cmp('<', col(small), lit(60, INT4)));
  if (c.filters.includes('word')) conditions.push(cmp('<>', col(a2), lit(3n, INT8)));
  if (c.filters.includes('like'))
    conditions.push({
      kind: 'like',
      arg: col(s),
      pattern: lit('%a%b%', TEXT),
      escape: '\\',
      caseInsensitive: false,
      negated: true,
    });
  const filter: Expr | undefined = conditions.length > 1 ? { kind: 'and', args: conditions } : conditions[0];
  const probe = scan([a, a2, small, s], filter);
  const build = scan([b, b2, v]);
  const on: (readonly [Expr, Expr])[] = [[col(a), col(b)]];
  if (c.twoKeys) on.push([col(a2), col(b2)]);
  let root: PhysicalOp = hashJoin(c.join, probe, build, on);
  const has = (x: Column): boolean => root.cols.some((y) => y.id === x.id);
  const by = c.groups === 'text' ? s : c.groups === 'hashed' ? a2 : a;
  if (c.groups !== 'none' && has(by))
    root = hashAgg('single', root, [root.cols.find((y) => y.id === by.id)!], [agg('count', [], INT8)]);
  if (c.limit)
    root = op('limit', { input: root, cols: root.cols, limit: lit(1_000_000n, INT8), offset: undefined });
  const next = random(c.seed);
  const text = ['', 'ab', 'xxaxxb', 'b a', 'a string that goes on before its b'];
  const keyOf = (i: number): Value =>
    c.nulls && next(9) === 0 ? null : c.sorted ? Math.min(500, i) : next(501);
  const rows = Array.from({ length: c.rows }, (_, i): Value[] => [
    keyOf(i),
    BigInt(next(5)),
    next(100),
    text[next(5)]!,
  ]);
  const others = Array.from({ length: c.buildRows }, (_, i): Value[] => [
    keyOf(i),
    BigInt(next(5)),
    next(1000),
  ]);
  return {
    slice: slice(root),
    inputs: new Map([
      [probe.id, rows],
      [build.id, others],
    ]),
  };
}

test('the rows of a plain loop', () => {
  fc.assert(
    fc.property(config, (c) => {
      const { slice: plain, inputs } = plan(c);
      const run = (without: Slice['without']): unknown => {
        const r = runSlice({ ...plain, ...(without ? { without } : {}) }, inputs, {
          workers: c.workers,
          batchRows: c.batchRows,
        });
        expect(r.leakedBytes).toBe(0);
        return sortedRows(r.rows);
      };
      expect(run(['StagedLoopCost'])).toEqual(run(['StagedLoops']));
    }),
    { numRuns: 150 },
  );
});
