import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CmpOp, Column, Expr } from '../../plan/expr.js';
import type { Encoding } from '../../types/memory.js';
import { DATE, INT2, INT4, INT8, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { cmp, col, column, lit, scan, slice } from './test-plans.js';
import { runSlice } from './testing.js';

const MONEY: SqlType = { kind: 'numeric', precision: 9, scale: 2 };
const TYPES: readonly SqlType[] = [INT2, INT4, DATE, INT8, MONEY, TEXT, INT4];
const ENCODINGS: readonly Encoding[] = ['i8', 'i16', 'i32', 'i16', 'i32', 'dict8', 'i8'];
const OPS: readonly CmpOp[] = ['=', '<>', '<', '<=', '>', '>='];

const small = fc.integer({ min: -4, max: 5 });

function value(t: SqlType, n: number): Value {
  if (t.kind === 'int8') return BigInt(n);
  if (t.kind === 'numeric') return { unscaled: BigInt(n) * 50n, scale: 2 };
  if (t.kind === 'text') return ['', 'a', 'ab', 'b'][n & 3];
  return n;
}

/** Far constants, too: beyond what the column's width holds. */
const constant = fc.oneof(small, fc.constantFrom(127, 128, -128, -129, 32767, 40_000, -40_000));

type Term = {
  readonly column: number;
  readonly op: CmpOp;
  readonly with: number | 'column';
  readonly flipped: boolean;
};

const term: fc.Arbitrary<Term> = fc.record({
  column: fc.integer({ min: 0, max: 6 }),
  op: fc.constantFrom(...OPS),
  with: fc.oneof(
    { weight: 4, arbitrary: constant as fc.Arbitrary<number | 'column'> },
    { weight: 1, arbitrary: fc.constant<number | 'column'>('column') },
  ),
  flipped: fc.boolean(),
});

function order(a: Value, b: Value): number {
  const n = (v: Value): number | bigint =>
    typeof v === 'object' && v !== null && 'unscaled' in v ? v.unscaled : (v as number);
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  return n(a) < n(b) ? -1 : Number(n(a) > n(b));
}

function holds(op: CmpOp, c: number): boolean {
  return op === '='
    ? c === 0
    : op === '<>'
      ? c !== 0
      : op === '<'
        ? c < 0
        : op === '<='
          ? c <= 0
          : op === '>'
            ? c > 0
            : c >= 0;
}

describe('filters of scans', () => {
  test('any conjunction of comparisons, over encodings, ranges and batch sizes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(...TYPES.map(() => small)), { maxLength: 60 }),
        fc.array(term, { minLength: 1, maxLength: 6 }),
        fc.record({
          batchRows: fc.integer({ min: 1, max: 40 }),
          rangeRows: fc.integer({ min: 1, max: 40 }),
          ranged: fc.boolean(),
          nullable: fc.boolean(),
        }),
        (numbers, terms, o) => {
          const cols: Column[] = TYPES.map((t, i) => {
            const range =
              t.kind === 'text' || !o.ranged
                ? undefined
                : t.kind === 'numeric'
                  ? { min: -200n, max: 250n }
                  : { min: -4n, max: 5n };
            return column(`c${i}`, t, i === 6 ? o.nullable : false, range);
          });
          const rows = numbers.map((r) =>
            r.map((n, i) => (i === 6 && o.nullable && n === 0 ? null : value(TYPES[i], n))),
          );
          const other = (x: Term): number => (x.column === 1 ? 6 : x.column === 6 ? 1 : x.column);
          const exprs: Expr[] = terms.map((x) => {
            const a = col(cols[x.column]);
            const b =
              x.with === 'column'
                ? col(cols[other(x)])
                : lit(value(TYPES[x.column], x.with), TYPES[x.column]);
            return x.flipped ? cmp(x.op, b, a) : cmp(x.op, a, b);
          });
          const leaf = scan(cols, exprs.length === 1 ? exprs[0] : { kind: 'and', args: exprs });
          const expected = rows.filter((r) =>
            terms.every((x) => {
              const a = r[x.column];
              const b = x.with === 'column' ? r[other(x)] : value(TYPES[x.column], x.with);
              if (a === null || b === null) return false;
              return holds(x.op, x.flipped ? order(b, a) : order(a, b));
            }),
          );
          const got = runSlice(slice(leaf), new Map([[leaf.id, rows]]), {
            ...o,
            encodings: new Map([[leaf.id, ENCODINGS]]),
          });
          expect(got.rows).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
  }, 60_000);
});
