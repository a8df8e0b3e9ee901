import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CmpOp, Expr } from '../../plan/expr.js';
import { exprType, when } from '../../plan/expr-util.js';
import { compareValues } from '../../types/compare.js';
import { likeMatch } from '../../types/functions/like.js';
import { functionById } from '../../types/functions/registry.js';
import { unreachable } from '../../types/sql-error.js';
import { BOOL, INT4, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import { normal, outcome } from './test-compare.js';
import { anyValue, nullable } from './test-values.js';
import { compileExpr, compileRow, TEST_SETTINGS, type TestColumn, testColumn } from './testing.js';

/** The reference: PostgreSQL's semantics, one value at a time. */
function evaluate(x: Expr, row: readonly Value[]): Value {
  const on = (e: Expr): Value => evaluate(e, row);
  const compare = (a: Expr, b: Expr): number | null => {
    const [l, r] = [on(a), on(b)];
    return l === null || r === null ? null : compareValues(exprType(a), l, r);
  };
  switch (x.kind) {
    case 'col':
      return row[x.id];
    case 'const':
      return x.value;
    case 'cmp': {
      const c = compare(x.left, x.right);
      return c === null ? null : holds(x.op, c);
    }
    case 'distinct': {
      const [l, r] = [on(x.left), on(x.right)];
      const same = l === null || r === null ? l === r : compareValues(exprType(x.left), l, r) === 0;
      return same === x.negated;
    }
    case 'and':
    case 'or': {
      const decided = x.kind === 'or';
      let sawNull = false;
      for (const a of x.args) {
        const v = on(a);
        if (v === decided) return decided;
        if (v === null) sawNull = true;
      }
      return sawNull ? null : !decided;
    }
    case 'not': {
      const v = on(x.arg);
      return v === null ? null : !v;
    }
    case 'isnull':
      return (on(x.arg) === null) !== x.negated;
    case 'istruth':
      return (on(x.arg) === x.truth) !== x.negated;
    case 'in': {
      const v = on(x.arg);
      const members = x.list.map(on);
      if (v === null) return null;
      let sawNull = false;
      for (const w of members) {
        if (w === null) sawNull = true;
        else if (compareValues(exprType(x.arg), v, w) === 0) return !x.negated;
      }
      return sawNull ? null : x.negated;
    }
    case 'like': {
      const [t, p] = [on(x.arg), on(x.pattern)];
      if (t === null || p === null) return null;
      return likeMatch(t as string, p as string, x.escape, x.caseInsensitive) !== x.negated;
    }
    case 'case':
      for (const w of x.whens) if (on(w.when) === true) return on(w.then);
      return x.otherwise === undefined ? null : on(x.otherwise);
    case 'coalesce':
      for (const a of x.args) {
        const v = on(a);
        if (v !== null) return v;
      }
      return null;
    case 'greatest':
    case 'least': {
      let best: Value = null;
      for (const a of x.args) {
        const v = on(a);
        if (v === null) continue;
        if (best === null || compareValues(x.type, v, best) > 0 === (x.kind === 'greatest')) {
          if (best === null || compareValues(x.type, v, best) !== 0) best = v;
        }
      }
      return best;
    }
    case 'call': {
      const args = x.args.map(on);
      const def = functionById(x.fn)!;
      if (def.strict && args.includes(null)) return null;
      return def.impl(args, TEST_SETTINGS, x.args.map(exprType), x.type);
    }
    case 'param':
    case 'subquery':
      throw new Error(x.kind);
    default:
      return unreachable(x);
  }
}

function holds(op: CmpOp, c: number): boolean {
  return { '=': c === 0, '<>': c !== 0, '<': c < 0, '<=': c <= 0, '>': c > 0, '>=': c >= 0 }[op];
}

const OPS: readonly CmpOp[] = ['=', '<>', '<', '<=', '>', '>='];

/** The value form and the condition form against the reference. */
function check(columns: readonly TestColumn[], x: Expr, rows: readonly (readonly Value[])[]): void {
  const value = compileExpr(columns, x);
  const condition =
    exprType(x).kind === 'bool'
      ? compileRow(columns, (e) => {
          e.emitCondition(x);
          return { type: BOOL, repr: 'i32', parts: [e.save('i32')], isNull: undefined, stable: true };
        })
      : undefined;
  for (const row of rows) {
    const want = outcome(() => evaluate(x, row));
    expect([x, row, normal(outcome(() => value.run(row)))]).toEqual([x, row, normal(want)]);
    if (condition !== undefined && 'value' in want)
      expect([x, row, condition.run(row)]).toEqual([x, row, want.value === true]);
  }
}

const TYPES: readonly SqlType[] = [
  INT4,
  { kind: 'int8' },
  { kind: 'numeric', precision: 15, scale: 2 },
  { kind: 'numeric', precision: 30, scale: 4 },
  { kind: 'numeric' },
  TEXT,
  { kind: 'bpchar', length: 5 },
  { kind: 'bpchar' },
  { kind: 'date' },
  { kind: 'timestamp' },
  { kind: 'float8' },
  { kind: 'float4' },
  { kind: 'interval' },
  { kind: 'bool' },
  { kind: 'oid' },
  { kind: 'bytea' },
];

test('comparisons of every type, columns and constants, with and without nulls', () => {
  for (const type of TYPES)
    for (const canBeNull of [false, true]) {
      const column = { type, nullable: canBeNull };
      const columns = [column, column];
      const [a, b] = columns.map((c, i) => testColumn(i, c));
      const v = canBeNull ? nullable(anyValue(type)) : anyValue(type);
      const rows = fc.sample(
        fc.oneof(
          fc.tuple(v, v),
          v.map((x): [Value, Value] => [x, x]),
        ),
        25,
      );
      for (const op of OPS) {
        check(columns, { kind: 'cmp', op, left: a, right: b }, rows);
        const [c] = fc.sample(nullable(anyValue(type)), 1);
        const constant: Expr = { kind: 'const', value: c, type };
        const near = [...rows, [c, c], ...rows.map((r) => [c, r[1]])].filter(
          (r) => canBeNull || (r[0] !== null && r[1] !== null),
        );
        check(columns, { kind: 'cmp', op, left: a, right: constant }, near);
        check(columns, { kind: 'cmp', op, left: constant, right: b }, near);
      }
      for (const negated of [false, true])
        check(columns, { kind: 'distinct', negated, left: a, right: b }, rows);
    }
});

test('numerics of different scales compare by value', () => {
  const types = TYPES.filter((t) => t.kind === 'numeric');
  for (const x of types)
    for (const y of types) {
      const columns = [
        { type: x, nullable: true },
        { type: y, nullable: true },
      ];
      const rows = fc.sample(fc.tuple(nullable(anyValue(x)), nullable(anyValue(y))), 30);
      for (const op of OPS)
        check(
          columns,
          { kind: 'cmp', op, left: testColumn(0, columns[0]), right: testColumn(1, columns[1]) },
          rows,
        );
    }
});

test('IN lists: short, dense, sparse, with nulls and of strings', () => {
  for (const type of TYPES) {
    const column = { type, nullable: true };
    for (const n of [0, 1, 3, 9, 40])
      for (const withNull of [false, true])
        for (const negated of [false, true]) {
          const members = fc.sample(anyValue(type), n);
          const list = [...members, ...(withNull ? [null] : [])].map(
            (value): Expr => ({ kind: 'const', value, type }),
          );
          const rows = [...fc.sample(nullable(anyValue(type)), 12), ...members].map((v) => [v]);
          check([column], { kind: 'in', arg: testColumn(0, column), list, negated }, rows);
        }
  }
  for (let n = 1; n <= 9; n++) {
    const text = { type: TEXT, nullable: true };
    const words = fc.sample(
      fc.string({ unit: fc.constantFrom('a', 'b', '\u007f'), minLength: n, maxLength: n }),
      6,
    );
    const list = words.map((value): Expr => ({ kind: 'const', value, type: TEXT }));
    const rows = [
      null,
      '',
      ...words,
      ...words.map((w) => `${w}a`),
      ...words.map((w) => w.slice(1)),
      ...words.map((w) => `b${w.slice(1)}`),
    ];
    for (const negated of [false, true])
      check(
        [text],
        { kind: 'in', arg: testColumn(0, text), list, negated },
        rows.map((v) => [v]),
      );
  }
  const column = { type: INT4, nullable: true };
  const columns = [column, column, column];
  const rows = fc.sample(fc.tuple(...columns.map(() => nullable(fc.integer({ min: 0, max: 3 })))), 60);
  for (const negated of [false, true])
    check(
      columns,
      {
        kind: 'in',
        arg: testColumn(0, column),
        list: [testColumn(1, column), testColumn(2, column)],
        negated,
      },
      rows,
    );
});

/** Random boolean expressions over two integers, two strings and two booleans. */
const COLUMNS: readonly TestColumn[] = [
  { type: INT4, nullable: true },
  { type: INT4, nullable: false },
  { type: TEXT, nullable: true },
  { type: TEXT, nullable: false },
  { type: BOOL, nullable: true },
  { type: BOOL, nullable: false },
];
const col = (i: number): Expr => testColumn(i, COLUMNS[i]);
const small = fc.integer({ min: -2, max: 2 });
const word = fc.constantFrom('', 'a', 'ab', 'b');

const { bool } = fc.letrec<{ bool: Expr; int: Expr; text: Expr }>((tie) => ({
  int: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(col(0), col(1)),
    small.map((value): Expr => ({ kind: 'const', value, type: INT4 })),
    fc.constant<Expr>({ kind: 'const', value: null, type: INT4 }),
    fc
      .tuple(tie('int'), tie('int'), fc.constantFrom('+', '-', '*', '/'))
      .map(([a, b, op]): Expr => ({ kind: 'call', fn: `${op}(int4,int4)`, args: [a, b], type: INT4 })),
    fc.tuple(tie('bool'), tie('int'), fc.option(tie('int'))).map(
      ([when, then, otherwise]): Expr => ({
        kind: 'case',
        whens: [{ when, then }],
        otherwise: otherwise ?? undefined,
        type: INT4,
      }),
    ),
    fc.tuple(tie('int'), tie('int')).map(([a, b]): Expr => ({ kind: 'coalesce', args: [a, b], type: INT4 })),
    fc
      .tuple(tie('int'), tie('int'), fc.constantFrom('greatest', 'least'))
      .map(([a, b, kind]): Expr => ({ kind, args: [a, b], type: INT4 })),
  ),
  text: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(col(2), col(3)),
    word.map((value): Expr => ({ kind: 'const', value, type: TEXT })),
    fc
      .tuple(tie('text'), tie('text'))
      .map(([a, b]): Expr => ({ kind: 'call', fn: '||(text,text)', args: [a, b], type: TEXT })),
    fc.tuple(tie('bool'), tie('text'), tie('text')).map(
      ([when, then, otherwise]): Expr => ({
        kind: 'case',
        whens: [{ when, then }],
        otherwise,
        type: TEXT,
      }),
    ),
    fc
      .tuple(tie('text'), tie('text'))
      .map(([a, b]): Expr => ({ kind: 'coalesce', args: [a, b], type: TEXT })),
  ),
  bool: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(col(4), col(5)),
    fc.constantFrom(true, false, null).map((value): Expr => ({ kind: 'const', value, type: BOOL })),
    fc
      .tuple(tie('int'), tie('int'), fc.constantFrom(...OPS))
      .map(([left, right, op]): Expr => ({ kind: 'cmp', op, left, right })),
    fc
      .tuple(tie('text'), tie('text'), fc.constantFrom(...OPS))
      .map(([left, right, op]): Expr => ({ kind: 'cmp', op, left, right })),
    fc
      .tuple(fc.array(tie('bool'), { minLength: 2, maxLength: 3 }), fc.constantFrom('and', 'or'))
      .map(([args, kind]): Expr => ({ kind, args })),
    tie('bool').map((arg): Expr => ({ kind: 'not', arg: arg as Expr })),
    fc
      .tuple(fc.oneof(tie('bool'), tie('text'), tie('int')), fc.boolean())
      .map(([arg, negated]): Expr => ({ kind: 'isnull', negated, arg })),
    fc
      .tuple(tie('bool'), fc.boolean(), fc.boolean())
      .map(([arg, truth, negated]): Expr => ({ kind: 'istruth', truth, negated, arg })),
    fc
      .tuple(tie('int'), tie('int'), fc.boolean())
      .map(([left, right, negated]): Expr => ({ kind: 'distinct', negated, left, right })),
    fc
      .tuple(tie('int'), fc.array(tie('int'), { maxLength: 3 }), fc.boolean())
      .map(([arg, list, negated]): Expr => ({ kind: 'in', arg, list, negated })),
  ),
}));

test('random boolean expressions agree with three-valued logic', () => {
  const row = fc.tuple(nullable(small), small, nullable(word), word, nullable(fc.boolean()), fc.boolean());
  fc.assert(
    fc.property(bool, fc.array(row, { minLength: 8, maxLength: 8 }), (x, rows) => {
      // Errors may or may not be reached: compare only where evaluation in order reaches none.
      check(
        COLUMNS,
        x,
        rows.filter((r) => 'value' in outcome(() => evaluate(x, r))),
      );
    }),
    { numRuns: 400 },
  );
});

test('CASE, COALESCE, GREATEST and LEAST of numerics of one and of several scales', () => {
  const scaled: SqlType = { kind: 'numeric', precision: 15, scale: 2 };
  const wide: SqlType = { kind: 'numeric', precision: 30, scale: 2 };
  const other: SqlType = { kind: 'numeric', precision: 20, scale: 4 };
  for (const [a, b, type] of [
    [scaled, scaled, scaled],
    [scaled, wide, wide],
    [scaled, other, { kind: 'numeric' }],
    [{ kind: 'numeric' }, other, { kind: 'numeric' }],
  ] as const) {
    const columns = [
      { type: a, nullable: true },
      { type: b, nullable: true },
      { type: BOOL, nullable: true },
    ];
    const [x, y, z] = columns.map((c, i) => testColumn(i, c));
    const rows = fc.sample(
      fc.tuple(nullable(anyValue(a)), nullable(anyValue(b)), nullable(fc.boolean())),
      40,
    );
    check(columns, { kind: 'case', whens: [when(z, x)], otherwise: y, type }, rows);
    check(columns, { kind: 'coalesce', args: [x, y], type }, rows);
    check(columns, { kind: 'greatest', args: [x, y], type }, rows);
    check(columns, { kind: 'least', args: [x, y], type }, rows);
  }
});

test('a condition stops at the conjunct that decides', () => {
  const column = { type: INT4, nullable: false };
  const x = testColumn(0, column);
  const constant = (value: number): Expr => ({ kind: 'const', value, type: INT4 });
  const quotient: Expr = { kind: 'call', fn: '/(int4,int4)', args: [constant(10), x], type: INT4 };
  const guard: Expr = {
    kind: 'and',
    args: [
      { kind: 'cmp', op: '<>', left: x, right: constant(0) },
      { kind: 'cmp', op: '>', left: quotient, right: constant(2) },
    ],
  };
  check([column], guard, [[0], [1], [4], [5]]);
});

test('long chains and CASE lists do not nest', () => {
  const column = { type: INT4, nullable: true };
  const other = { type: INT4, nullable: true };
  const columns = [column, other];
  const equals = (i: number, value: number): Expr => ({
    kind: 'cmp',
    op: '=',
    left: testColumn(i, columns[i]),
    right: { kind: 'const', value, type: INT4 },
  });
  const many = Array.from({ length: 3000 }, (_, i) => equals(i % 2, i));
  const rows = [
    [5, 6],
    [null, null],
    [2998, 1],
    [1, 2999],
    [-1, -1],
  ];
  check(columns, { kind: 'or', args: many }, rows);
  check(columns, { kind: 'and', args: many.map((arg): Expr => ({ kind: 'not', arg })) }, rows);
  const whens = many.map((m, i) => when(m, { kind: 'const', value: i, type: INT4 }));
  check(columns, { kind: 'case', whens, otherwise: undefined, type: INT4 }, rows);
});
