import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Expr } from '../../plan/expr.js';
import { exprType, when } from '../../plan/expr-util.js';
import { compareValues } from '../../types/compare.js';
import { functionById } from '../../types/functions/registry.js';
import { BOOL, INT4, INT8, type SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { normal, outcome } from './test-compare.js';
import { anyValue, nullable } from './test-values.js';
import { compileExpr, TEST_SETTINGS, type TestColumn, testColumn } from './testing.js';

/** Columns of several widths, with the bounds that zone maps would give. */
const COLUMNS: readonly TestColumn[] = [
  {
    type: { kind: 'numeric', precision: 15, scale: 2 },
    range: { min: 0n, max: 10_000_000n },
    nullable: false,
  },
  { type: { kind: 'numeric', precision: 15, scale: 2 }, range: { min: -10n, max: 10n }, nullable: true },
  { type: { kind: 'numeric', precision: 18, scale: 4 }, nullable: true },
  { type: { kind: 'numeric', precision: 30, scale: 1 }, nullable: false },
  { type: { kind: 'numeric' }, nullable: true },
  { type: INT4, nullable: true },
  { type: INT8, nullable: false },
  { type: INT4, range: { min: 0n, max: 100n }, nullable: false },
  { type: BOOL, nullable: true },
];
const COLUMN_NUMERICS = [0, 1, 2, 3, 4];

function call(fn: string, args: readonly Expr[]): Expr {
  const def = functionById(fn)!;
  const consts = args.map((a) => (a.kind === 'const' ? a.value : undefined));
  return { kind: 'call', fn, args, type: def.returns(args.map(exprType), { consts }) };
}

/** The type that fits all branches: one scale or none. */
function merged(args: readonly Expr[]): SqlType {
  const types = args.map(exprType) as Extract<SqlType, { kind: 'numeric' }>[];
  const [first] = types;
  const same = types.every(
    (t) => t.scale !== undefined && t.precision !== undefined && t.scale === first.scale,
  );
  if (!same) return { kind: 'numeric' };
  return types.reduce((a, b) => (a.precision! >= b.precision! ? a : b));
}

function constant(unscaled: bigint, scale: number): Expr {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().length;
  return {
    kind: 'const',
    value: { unscaled, scale },
    type: { kind: 'numeric', precision: Math.max(digits, scale), scale },
  };
}

const column = (i: number): Expr => testColumn(i, COLUMNS[i]);
const condition: Expr = column(8);

const { numeric, integer } = fc.letrec<{ numeric: Expr; integer: Expr }>((tie) => ({
  numeric: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...COLUMN_NUMERICS).map(column),
    fc
      .tuple(fc.bigInt({ min: -100n, max: 100n }), fc.integer({ min: 0, max: 3 }))
      .map(([n, s]) => constant(n, s)),
    fc
      .tuple(tie('numeric'), tie('numeric'), fc.constantFrom('+', '-', '*', '/', '%'))
      .map(([a, b, op]) => call(`${op}(numeric,numeric)`, [a, b])),
    fc
      .tuple(tie('numeric'), fc.constantFrom('-', 'abs', 'round', 'floor', 'ceil', 'trunc'))
      .map(([a, fn]) => call(`${fn}(numeric)`, [a])),
    fc
      .tuple(tie('numeric'), fc.integer({ min: 0, max: 4 }))
      .map(([a, n]) => call('round(numeric,int4)', [a, { kind: 'const', value: n, type: INT4 }])),
    tie('integer').map((a) => call(`cast(${exprType(a).kind},numeric)`, [a])),
    fc.tuple(tie('numeric'), fc.integer({ min: 3, max: 25 }), fc.integer({ min: 0, max: 3 })).map(
      ([a, precision, scale]): Expr => ({
        kind: 'call',
        fn: 'cast(numeric,numeric)',
        args: [a],
        type: { kind: 'numeric', precision, scale },
      }),
    ),
    fc.tuple(tie('numeric'), tie('numeric')).map(
      ([a, b]): Expr => ({
        kind: 'case',
        whens: [when(condition, a)],
        otherwise: b,
        type: merged([a, b]),
      }),
    ),
    fc
      .tuple(tie('numeric'), tie('numeric'))
      .map(([a, b]): Expr => ({ kind: 'coalesce', args: [a, b], type: merged([a, b]) })),
    fc
      .tuple(tie('numeric'), tie('numeric'), fc.constantFrom('greatest', 'least'))
      .map(([a, b, kind]): Expr => ({ kind, args: [a, b], type: merged([a, b]) })),
  ),
  integer: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(5, 6, 7).map(column),
    fc.integer({ min: -5, max: 5 }).map((value): Expr => ({ kind: 'const', value, type: INT4 })),
    fc
      .tuple(tie('integer'), tie('integer'), fc.constantFrom('+', '-', '*', '/'))
      .map(([a, b, op]) => call(`${op}(${exprType(a).kind},${exprType(b).kind})`, [a, b])),
    tie('integer').map((a) => call(`-(${exprType(a).kind})`, [a])),
    tie('integer').map((a) =>
      call(`cast(${exprType(a).kind},${exprType(a).kind === 'int4' ? 'int8' : 'int4'})`, [a]),
    ),
    tie('numeric').map((a) => call('cast(numeric,int8)', [a])),
  ),
}));

/** Only what these trees hold; errors come out as they do in order of evaluation. */
function evaluate(x: Expr, row: readonly Value[]): Value {
  switch (x.kind) {
    case 'col':
      return row[x.id];
    case 'const':
      return x.value;
    case 'call': {
      const args = x.args.map((a) => evaluate(a, row));
      return args.includes(null)
        ? null
        : functionById(x.fn)!.impl(args, TEST_SETTINGS, x.args.map(exprType), x.type);
    }
    case 'case':
      return evaluate(evaluate(x.whens[0].when, row) === true ? x.whens[0].then : x.otherwise!, row);
    case 'coalesce':
      return evaluate(x.args[0], row) ?? evaluate(x.args[1], row);
    case 'greatest':
    case 'least': {
      const [a, b] = x.args.map((y) => evaluate(y, row));
      if (a === null || b === null) return a ?? b;
      const c = compareValues(x.type, b, a);
      return (x.kind === 'greatest' ? c > 0 : c < 0) ? b : a;
    }
    default:
      throw new Error(x.kind);
  }
}

function values(c: TestColumn): fc.Arbitrary<Value> {
  const { range, type } = c;
  if (range === undefined) {
    // Specials have no place where a cast gives the value a scale.
    const v = anyValue(type).filter((x) => x === null || typeof x !== 'object' || !('special' in x));
    return c.nullable ? nullable(v) : v;
  }
  const n = fc.oneof(fc.constantFrom(range.min, range.max), fc.bigInt(range));
  const v = n.map(
    (x): Value =>
      type.kind === 'numeric' ? { unscaled: x, scale: type.scale! } : type.kind === 'int8' ? x : Number(x),
  );
  return c.nullable ? nullable(v) : v;
}

test('trees of numeric and integer arithmetic agree with the TypeScript functions', () => {
  fc.assert(
    fc.property(
      fc.oneof(numeric, integer),
      fc.array(fc.tuple(...COLUMNS.map(values)), { minLength: 6, maxLength: 6 }),
      (x, rows) => {
        const c = compileExpr(COLUMNS, x);
        for (const row of rows) {
          const want = normal(outcome(() => evaluate(x, row)));
          expect([x, row, normal(outcome(() => c.run(row)))]).toEqual([x, row, want]);
        }
      },
    ),
    { numRuns: 400 },
  );
});
