import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Expr } from '../../plan/expr.js';
import type { PhysicalOp, PhysJoinType } from '../../plan/physical.js';
import { INT4, INT8, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import {
  cmp,
  col,
  column,
  hashJoin,
  lit,
  markColumn,
  nestedLoop,
  scan,
  slice,
  sortedRows,
} from './test-plans.js';
import { type Rows, runSlice } from './testing.js';

const TYPES: readonly PhysJoinType[] = [
  'inner',
  'left',
  'right',
  'full',
  'semi',
  'anti',
  'mark',
  'single',
  'rightSemi',
  'rightAnti',
];

type Truth = boolean | null;

/** By the definition: every pair, three-valued. */
function reference(
  type: PhysJoinType,
  nullAware: boolean,
  probe: Rows,
  build: Rows,
  width: number,
  pair: (p: readonly Value[], b: readonly Value[]) => Truth,
): Value[][] | 'error' {
  const out: Value[][] = [];
  const matched = new Set<number>();
  const nulls = (n: number): null[] => Array.from({ length: n }, () => null);
  let failed = false;
  for (const p of probe) {
    const truths = build.map((b) => pair(p, b));
    const hits = truths.flatMap((t, i) => (t === true ? [i] : []));
    for (const h of hits) matched.add(h);
    const unknown = truths.includes(null);
    switch (type) {
      case 'inner':
      case 'right':
        for (const h of hits) out.push([...p, ...build[h]]);
        break;
      case 'single':
        if (hits.length > 1) failed = true;
        for (const h of hits) out.push([...p, ...build[h]]);
        if (hits.length === 0) out.push([...p, ...nulls(width)]);
        break;
      case 'left':
      case 'full':
        for (const h of hits) out.push([...p, ...build[h]]);
        if (hits.length === 0) out.push([...p, ...nulls(width)]);
        break;
      case 'semi':
        if (hits.length > 0) out.push([...p]);
        break;
      case 'anti':
        if (hits.length === 0 && !(nullAware && unknown)) out.push([...p]);
        break;
      case 'mark':
        out.push([...p, hits.length > 0 ? true : nullAware && unknown ? null : false]);
        break;
      default:
    }
  }
  build.forEach((b, i) => {
    if ((type === 'right' || type === 'full') && !matched.has(i))
      out.push([...nulls(probe.length > 0 ? probe[0].length : 3), ...b]);
    if (type === 'rightSemi' && matched.has(i)) out.push([...b]);
    if (type === 'rightAnti' && !matched.has(i)) out.push([...b]);
  });
  return failed ? 'error' : out;
}

function and(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false;
  return a === null || b === null ? null : true;
}

function equal(a: Value, b: Value): Truth {
  return a === null || b === null ? null : a === b;
}

function arbitraryValue(type: SqlType): fc.Arbitrary<Value> {
  const small = fc.integer({ min: -3, max: 6 });
  const v: fc.Arbitrary<Value> =
    type.kind === 'int4'
      ? small
      : type.kind === 'int8'
        ? small.map((n) => BigInt(n) * 10_000_000_000n)
        : fc.constantFrom('', 'a', 'b', 'a longer string value', 'ab');
  return fc.oneof({ weight: 6, arbitrary: v }, { weight: 1, arbitrary: fc.constant(null) });
}

const config = fc.record({
  type: fc.constantFrom(...TYPES),
  keyTypes: fc.array(fc.constantFrom(INT4, INT8, TEXT), { minLength: 1, maxLength: 2 }),
  nullable: fc.boolean(),
  residual: fc.boolean(),
  nullSafe: fc.boolean(),
  ranged: fc.boolean(),
  workers: fc.integer({ min: 1, max: 3 }),
  batchRows: fc.integer({ min: 1, max: 40 }),
});

function rowsOf(types: readonly SqlType[], nullable: boolean, maxLength: number): fc.Arbitrary<Value[][]> {
  const cell = (t: SqlType): fc.Arbitrary<Value> =>
    nullable ? arbitraryValue(t) : arbitraryValue(t).filter((v) => v !== null);
  return fc.array(fc.tuple(...types.map(cell)), { maxLength }) as fc.Arbitrary<Value[][]>;
}

function run(
  root: PhysicalOp,
  inputs: Map<number, Rows>,
  options: { workers: number; batchRows: number },
): string[] | 'error' {
  try {
    const r = runSlice(slice(root), inputs, options);
    expect(r.leakedBytes).toBe(0);
    return sortedRows(r.rows);
  } catch (e) {
    if (String(e).includes('FAIL 6')) return 'error';
    throw e;
  }
}

describe('joins agree with their definition', () => {
  test('hash join', () => {
    fc.assert(
      fc.property(
        config.chain((c) => {
          const types = [...c.keyTypes, INT4];
          return fc.record({
            c: fc.constant(c),
            probe: rowsOf(types, c.nullable, 30),
            build: rowsOf(types, c.nullable, 30),
            nullAware: fc.boolean(),
          });
        }),
        ({ c, probe, build, nullAware: wanted }) => {
          const types = [...c.keyTypes, INT4];
          const nullAware = wanted && !c.nullSafe && (c.type === 'anti' || c.type === 'mark');
          const pc = types.map((t, i) => column(`p${i}`, t, c.nullable));
          const bc = types.map((t, i) =>
            column(`b${i}`, t, c.nullable, c.ranged && t.kind === 'int4' ? { min: -3n, max: 6n } : undefined),
          );
          const k = c.keyTypes.length;
          const p = scan(pc);
          const b = scan(bc);
          const residual: Expr | undefined = c.residual ? cmp('<=', col(pc[k]), col(bc[k])) : undefined;
          const root = hashJoin(
            c.type,
            p,
            b,
            c.keyTypes.map((_, i) => [col(pc[i]), col(bc[i])] as const),
            {
              ...(residual ? { residual } : {}),
              nullAware,
              nullSafe: c.keyTypes.map(() => c.nullSafe),
              ...(c.type === 'mark' ? { mark: markColumn() } : {}),
            },
          );
          const pair = (x: readonly Value[], y: readonly Value[]): Truth => {
            let keys: Truth = true;
            for (let i = 0; i < k; i++) keys = and(keys, c.nullSafe ? x[i] === y[i] : equal(x[i], y[i]));
            if (!c.residual) return keys;
            const r: Truth = x[k] === null || y[k] === null ? null : (x[k] as number) <= (y[k] as number);
            // The residual filters pairs before the keys are asked for NULL.
            return r === true ? keys : false;
          };
          const expected = reference(c.type, nullAware, probe, build, types.length, pair);
          const fixed = expected === 'error' ? expected : sortedRows(fixWidth(expected, root.cols.length));
          expect(
            run(
              root,
              new Map([
                [p.id, probe],
                [b.id, build],
              ]),
              c,
            ),
          ).toEqual(fixed);
        },
      ),
      { numRuns: 250 },
    );
  }, 120_000);

  test('nested loop', () => {
    fc.assert(
      fc.property(
        config,
        rowsOf([INT4, TEXT, INT4], true, 20),
        rowsOf([INT4, TEXT, INT4], true, 20),
        fc.boolean(),
        fc.boolean(),
        (c, probe, build, wanted, all) => {
          const nullAware = wanted && (c.type === 'anti' || c.type === 'mark');
          const types = [INT4, TEXT, INT4];
          const pc = types.map((t, i) => column(`p${i}`, t));
          const bc = types.map((t, i) => column(`b${i}`, t));
          const p = scan(pc);
          const b = scan(bc);
          const predicate = all ? undefined : cmp('<', col(pc[0]), col(bc[0]));
          const root = nestedLoop(c.type, p, b, predicate, {
            nullAware,
            ...(c.type === 'mark' ? { mark: markColumn() } : {}),
          });
          const pair = (x: readonly Value[], y: readonly Value[]): Truth =>
            all ? true : x[0] === null || y[0] === null ? null : (x[0] as number) < (y[0] as number);
          const expected = reference(c.type, nullAware, probe, build, 3, pair);
          const fixed = expected === 'error' ? expected : sortedRows(fixWidth(expected, root.cols.length));
          expect(
            run(
              root,
              new Map([
                [p.id, probe],
                [b.id, build],
              ]),
              c,
            ),
          ).toEqual(fixed);
        },
      ),
      { numRuns: 150 },
    );
  }, 120_000);

  test('numeric keys of different scales', () => {
    const a = column('a', { kind: 'numeric', precision: 10, scale: 2 });
    const b = column('b', { kind: 'numeric', precision: 12, scale: 4 });
    const p = scan([a]);
    const s = scan([b]);
    const root = hashJoin('inner', p, s, [[col(a), col(b)]]);
    const rows = runSlice(
      slice(root),
      new Map([
        [p.id, [[{ unscaled: 150n, scale: 2 }], [{ unscaled: 151n, scale: 2 }], [null]]],
        [s.id, [[{ unscaled: 15000n, scale: 4 }], [{ unscaled: 15101n, scale: 4 }], [null]]],
      ]),
    ).rows;
    expect(rows).toEqual([
      [
        { unscaled: 150n, scale: 2 },
        { unscaled: 15000n, scale: 4 },
      ],
    ]);
  });

  test('a chain of left joins, the parallel directory, and a filter on both', () => {
    const n = 40_000;
    const [a, b, c] = ['a', 'b', 'c'].map((x) => column(x, INT4, false));
    const bv = column('bv', TEXT, false);
    const pa = scan([a]);
    const pb = scan([b, bv]);
    const pc = scan([c]);
    const inner = hashJoin('left', pa, pb, [[col(a), col(b)]]);
    const root = hashJoin('left', inner, pc, [[col(a), col(c)]], {
      residual: cmp('>', col(c), lit(10, INT4)),
    });
    const seq = Array.from({ length: n }, (_, i) => i);
    const r = runSlice(
      slice(root),
      new Map<number, Rows>([
        [pa.id, seq.map((i) => [i])],
        [pb.id, seq.map((i) => [i * 2, `v${i}`])],
        [pc.id, seq.map((i) => [i % 20])],
      ]),
      { workers: 2, batchRows: 3000 },
    );
    expect(r.rows.length).toBe(n + 9 * (n / 20 - 1));
    for (const row of r.rows) {
      const i = row[0] as number;
      if (i % 2 === 0) expect(row.slice(1, 3)).toEqual([i, `v${i / 2}`]);
      else expect(row.slice(1, 3)).toEqual([null, null]);
      expect(row[3]).toBe(i > 10 && i < 20 ? i : null);
    }
  });
});

/** With no probe rows the reference cannot know their width. */
function fixWidth(rows: readonly (readonly Value[])[], width: number): Value[][] {
  return rows.map((r) =>
    r.length < width
      ? [...Array.from({ length: width - r.length }, () => null), ...r]
      : [...r.slice(Math.max(0, r.length - width))],
  );
}
