import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Column, Expr } from '../../plan/expr.js';
import type { HashJoinOp, PhysicalOp, PhysJoinType, RuntimeFilter, ScanOp } from '../../plan/physical.js';
import type { Encoding } from '../../types/memory.js';
import { DATE, FLOAT8, INT4, INT8, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { FILTER, filterMayMatch } from './runtime-filter.js';
import { cmp, col, column, fresh, hashAgg, hashJoin, lit, scan, slice, sortedRows } from './test-plans.js';
import { type Rows, runSlice } from './testing.js';

/** Those of which no unmatched probe row comes out. */
const TYPES: readonly PhysJoinType[] = ['inner', 'semi', 'right', 'rightSemi', 'rightAnti'];

const KEYS: Record<
  string,
  { type: SqlType; value: (n: number) => Value; dense: boolean; encoding?: Encoding }
> = {
  int4: { type: INT4, value: (n) => n, dense: true },
  'int4 in bytes': { type: INT4, value: (n) => n, dense: true, encoding: 'i8' },
  'int4 in words': { type: INT4, value: (n) => n, dense: true, encoding: 'i16' },
  int8: { type: INT8, value: (n) => BigInt(n), dense: true },
  'int8 in 32 bits': { type: INT8, value: (n) => BigInt(n), dense: true, encoding: 'i32' },
  'far apart': { type: INT8, value: (n) => BigInt(n) * 40_000_000_003n, dense: false },
  date: { type: DATE, value: (n) => n * 1000, dense: false },
  float8: { type: FLOAT8, value: (n) => (n === 0 ? -0 : n / 3), dense: false },
  text: { type: TEXT, value: (n) => `value ${n}`, dense: false },
};

const config = fc.record({
  type: fc.constantFrom(...TYPES),
  key: fc.constantFrom(...Object.keys(KEYS)),
  nullable: fc.boolean(),
  /** Probe keys far outside of what the build side's column holds. */
  beyond: fc.boolean(),
  below: fc.constantFrom('nothing', 'vector', 'rows', 'group', 'join'),
  /** How many rows the planner expects to pass: decides how the test is made. */
  passing: fc.constantFrom(0.01, 0.9),
  bits: fc.constantFrom(1024, 4096),
  workers: fc.integer({ min: 1, max: 3 }),
  batchRows: fc.integer({ min: 1, max: 70 }),
  rangeRows: fc.integer({ min: 1, max: 70 }),
});

function rowsOf(key: string, nullable: boolean, maxLength: number, factor = 1): fc.Arbitrary<Rows> {
  const number = fc.integer({ min: -40, max: 40 }).map((n): Value => KEYS[key]!.value(n * factor));
  const cell = nullable ? fc.oneof({ weight: 5, arbitrary: number }, fc.constant<Value>(null)) : number;
  return fc.array(fc.tuple(cell, fc.integer({ min: 0, max: 99 })), { maxLength });
}

type Side = { readonly key: Column; readonly other: Column; readonly scan: ScanOp };

function factorOf(c: { readonly beyond: boolean; readonly key: string }): number {
  return c.beyond && KEYS[c.key]!.encoding !== 'i8' ? 70 : 1;
}

function side(
  name: string,
  key: string,
  nullable: boolean,
  factor: number,
  filter?: (other: Column) => Expr,
): Side {
  const { type, dense } = KEYS[key]!;
  const k = column(
    `${name}_key`,
    type,
    nullable,
    dense ? { min: BigInt(-40 * factor), max: BigInt(40 * factor) } : undefined,
  );
  const other = column(`${name}_other`, INT4, false, { min: 0n, max: 99n });
  return { key: k, other, scan: scan([k, other], filter?.(other)) };
}

describe('a runtime filter changes no row of the join', () => {
  test('over join types, keys, encodings, and what lies between join and scan', () => {
    fc.assert(
      fc.property(
        config.chain((c) =>
          fc.record({
            c: fc.constant(c),
            probe: rowsOf(c.key, c.nullable, 120, factorOf(c)),
            build: rowsOf(c.key, c.nullable, 25),
            third: rowsOf(c.key, c.nullable, 25),
          }),
        ),
        ({ c, probe, build, third }) => {
          const b = side('b', c.key, c.nullable, 1);
          const t = side('t', c.key, c.nullable, 1);
          const p = side('p', c.key, c.nullable, factorOf(c), (other) =>
            c.below === 'vector' ? cmp('<', col(other), lit(60, INT4)) : cmp('<>', col(other), lit(7, INT4)),
          );
          const filter: RuntimeFilter = KEYS[c.key]!.dense
            ? { id: fresh(), kind: 'range', bits: c.bits, min: -40n }
            : { id: fresh(), kind: 'hash', bits: c.bits, min: 0n };
          const use = { id: fresh(), filter, column: p.key, passing: c.passing, source: col(b.key) };
          const plan = (filtered: boolean): PhysicalOp => {
            const source: ScanOp = {
              ...p.scan,
              filter: c.below === 'vector' || c.below === 'rows' ? p.scan.filter : undefined,
              ...(filtered ? { runtimeFilters: [use] } : {}),
            };
            const input =
              c.below === 'group'
                ? hashAgg('single', source, [p.key], [])
                : c.below === 'join'
                  ? hashJoin('left', source, t.scan, [[col(p.key), col(t.key)]])
                  : source;
            const join: HashJoinOp = hashJoin(c.type, input, b.scan, [[col(p.key), col(b.key)]]);
            return filtered ? { ...join, runtimeFilters: [{ filter, key: 0 }] } : join;
          };
          const inputs = new Map([
            [p.scan.id, probe],
            [b.scan.id, build],
            [t.scan.id, third],
          ]);
          const own = KEYS[c.key]!.encoding;
          const encodings = own
            ? new Map([[p.scan.id, [own, 'i8'] as const]])
            : new Map([[p.scan.id, [...defaults(c.key), 'i8'] as const]]);
          const options = { ...c, encodings, instrument: true };
          const without = runSlice(slice(plan(false)), inputs, options);
          const withFilter = runSlice(slice(plan(true)), inputs, options);
          expect(withFilter.leakedBytes).toBe(0);
          expect(sortedRows(withFilter.rows)).toEqual(sortedRows(without.rows));
          // By value, a filter wider than the keys removes all that has no match.
          if (!KEYS[c.key]!.dense || c.below !== 'nothing' || build.every((r) => r[0] === null)) return;
          const values = new Set(build.map((r) => r[0]));
          const matching = probe.filter((r) => r[0] !== null && values.has(r[0]!)).length;
          expect(withFilter.counters.get(p.scan.id)).toBe(matching);
          expect(withFilter.counters.get(use.id)).toBe(probe.length - matching);
        },
      ),
      { numRuns: 400 },
    );
  });
});

function defaults(key: string): readonly Encoding[] {
  const { type } = KEYS[key]!;
  return [type === TEXT ? 'utf8' : type === FLOAT8 ? 'f64' : type === INT8 ? 'i64' : 'i32'];
}

describe('filters against zone maps', () => {
  const words = 64;
  const memory = { u32: new Uint32Array(words + 16), i64: new BigInt64Array(0) };
  memory.u32[FILTER.bits >>> 2] = 16 * 4;

  test('bits by value: true exactly when a bit lies within the bounds', () => {
    const filter: RuntimeFilter = { id: 1, kind: 'range', bits: words * 32, min: -100n };
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -100, max: 1947 }), { maxLength: 5 }),
        fc.integer({ min: -100, max: 1947 }),
        fc.integer({ min: 0, max: 300 }),
        (values, min, length) => {
          memory.u32.fill(0, 16);
          for (const v of values) memory.u32[16 + ((v + 100) >>> 5)]! |= 1 << ((v + 100) & 31);
          const max = Math.min(1947, min + length);
          const expected = values.some((v) => v >= min && v <= max);
          expect(filterMayMatch(memory, 0, filter, BigInt(min), BigInt(max))).toBe(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('bounds beyond the bits match nothing there', () => {
    const filter: RuntimeFilter = { id: 1, kind: 'range', bits: words * 32, min: 0n };
    memory.u32.fill(-1, 16);
    expect(filterMayMatch(memory, 0, filter, 2048n, 5000n)).toBe(false);
    expect(filterMayMatch(memory, 0, filter, -10n, -1n)).toBe(false);
    expect(filterMayMatch(memory, 0, filter, 2047n, 1n << 62n)).toBe(true);
    expect(filterMayMatch(memory, 0, filter, -(1n << 62n), 0n)).toBe(true);
    memory.u32.fill(0, 16);
    expect(filterMayMatch(memory, 0, filter, -(1n << 62n), 1n << 62n)).toBe(false);
  });

  test('bits by hash: the bounds of the values; an empty filter matches nothing', () => {
    const filter: RuntimeFilter = { id: 1, kind: 'hash', bits: 1024, min: 0n };
    const bounds = (min: bigint, max: bigint) => ({
      u32: new Uint32Array(8),
      i64: BigInt64Array.of(0n, min, max),
    });
    const may = (m: ReturnType<typeof bounds>, min: bigint, max: bigint): boolean =>
      filterMayMatch(m, 0, filter, min, max);
    expect(may(bounds(-5n, 7n), 8n, 100n)).toBe(false);
    expect(may(bounds(-5n, 7n), 7n, 100n)).toBe(true);
    expect(may(bounds(-5n, 7n), -100n, -6n)).toBe(false);
    expect(may(bounds((1n << 63n) - 1n, -(1n << 63n)), -(1n << 62n), 1n << 62n)).toBe(false);
  });
});
