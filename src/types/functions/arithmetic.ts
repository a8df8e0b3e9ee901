/** The operators + - * / % ^, unary + and -, @, bit operators, for integers, floats and numerics.
 *
 *  Source: PostgreSQL, int.c, int8.c, float.c, numeric.c: overflow is 22003, division by zero 22012. Mixed argument
 *  types that PostgreSQL has as operators of their own (int4 + int8) are here too, as the result types differ. */
import {
  absNumeric,
  addNumeric,
  divideNumeric,
  moduloNumeric,
  multiplyNumeric,
  negateNumeric,
  subtractNumeric,
} from '../numeric.js';
import { powerNumeric } from '../numeric-math.js';
import { SqlError } from '../sql-error.js';
import { FLOAT4, FLOAT8, INT2, INT4, INT8, NUMERIC, type SqlType } from '../sql-type.js';
import type { Numeric, Value } from '../value.js';
import { define, num, returnsFirst, UNBOUNDED } from './define.js';
import {
  absRange,
  differenceRange,
  integerQuotientRange,
  negatedRange,
  productRange,
  productType,
  remainderRange,
  remainderType,
  sumRange,
  sumType,
} from './numeric-facts.js';
import type { FunctionDef } from './registry-types.js';

export type IntegerKind = 'int2' | 'int4' | 'int8';

const LIMITS = {
  int2: { max: 32767, name: 'smallint' },
  int4: { max: 2147483647, name: 'integer' },
} as const;
const I64_MAX = (1n << 63n) - 1n;

export function integerOutOfRange(kind: IntegerKind): SqlError {
  return new SqlError('22003', `${kind === 'int8' ? 'bigint' : LIMITS[kind].name} out of range`);
}

export function divisionByZero(): SqlError {
  return new SqlError('22012', 'division by zero');
}

/** The value as int2 or int4, 22003 when it does not fit. */
export function checkInteger(v: number, kind: 'int2' | 'int4'): number {
  const { max } = LIMITS[kind];
  if (v > max || v < -max - 1) throw integerOutOfRange(kind);
  return v + 0;
}

export function checkInt8(v: bigint): bigint {
  if (v > I64_MAX || v < -I64_MAX - 1n) throw integerOutOfRange('int8');
  return v;
}

const TYPES: Readonly<Record<IntegerKind, SqlType>> = { int2: INT2, int4: INT4, int8: INT8 };
const WIDTH: Readonly<Record<IntegerKind, number>> = { int2: 2, int4: 4, int8: 8 };
const KINDS: readonly IntegerKind[] = ['int2', 'int4', 'int8'];

function integerOperator(a: IntegerKind, b: IntegerKind, op: string): FunctionDef {
  const kind = WIDTH[a] >= WIDTH[b] ? a : b;
  const range =
    op === '+'
      ? sumRange
      : op === '-'
        ? differenceRange
        : op === '*'
          ? productRange
          : op === '/'
            ? integerQuotientRange
            : remainderRange;
  const impl =
    kind === 'int8'
      ? (args: readonly Value[]): Value =>
          int8Operation(op, BigInt(args[0] as number), BigInt(args[1] as number))
      : (args: readonly Value[]): Value => checkInteger(intOperation(op, num(args[0]), num(args[1])), kind);
  return define(op, `${a} ${b}`, TYPES[kind], impl, { range });
}

function intOperation(op: string, a: number, b: number): number {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0) throw divisionByZero();
      return Math.trunc(a / b);
    default:
      if (b === 0) throw divisionByZero();
      return a % b;
  }
}

function int8Operation(op: string, a: bigint, b: bigint): bigint {
  switch (op) {
    case '+':
      return checkInt8(a + b);
    case '-':
      return checkInt8(a - b);
    case '*':
      return checkInt8(a * b);
    case '/':
      if (b === 0n) throw divisionByZero();
      return checkInt8(a / b);
    default:
      if (b === 0n) throw divisionByZero();
      return a % b;
  }
}

function floatOverflow(): SqlError {
  return new SqlError('22003', 'value out of range: overflow');
}

function floatUnderflow(): SqlError {
  return new SqlError('22003', 'value out of range: underflow');
}

/** Overflow only when finite inputs gave an infinity, underflow when non-zero factors gave zero. */
function floatOperation(op: string, a: number, b: number, narrow: boolean): number {
  let r: number;
  switch (op) {
    case '+':
      r = a + b;
      break;
    case '-':
      r = a - b;
      break;
    case '*':
      r = a * b;
      break;
    default:
      if (b === 0 && !Number.isNaN(a)) throw divisionByZero();
      r = a / b;
  }
  if (narrow) r = Math.fround(r);
  if (!Number.isFinite(r) && Number.isFinite(a) && Number.isFinite(b)) throw floatOverflow();
  if (r === 0 && op === '*' && a !== 0 && b !== 0) throw floatUnderflow();
  if (r === 0 && op === '/' && a !== 0 && Number.isFinite(b)) throw floatUnderflow();
  return r;
}

function floatOperators(op: string): FunctionDef[] {
  return [
    define(op, 'float8 float8', FLOAT8, (a) => floatOperation(op, num(a[0]), num(a[1]), false)),
    define(op, 'float4 float4', FLOAT4, (a) => floatOperation(op, num(a[0]), num(a[1]), true)),
    define(op, 'float4 float8', FLOAT8, (a) => floatOperation(op, num(a[0]), num(a[1]), false)),
    define(op, 'float8 float4', FLOAT8, (a) => floatOperation(op, num(a[0]), num(a[1]), false)),
  ];
}

const NUMERIC_OPERATORS: readonly [
  string,
  (a: Numeric, b: Numeric) => Numeric,
  FunctionDef['returns'],
  FunctionDef['range'],
][] = [
  ['+', addNumeric, sumType, sumRange],
  ['-', subtractNumeric, sumType, differenceRange],
  ['*', multiplyNumeric, productType, productRange],
  ['/', divideNumeric, () => NUMERIC, undefined],
  ['%', moduloNumeric, remainderType, remainderRange],
];

/** pow() of C with PostgreSQL's errors. */
export function powerFloat(a: number, b: number): number {
  if (a === 0 && b < 0) throw new SqlError('2201F', 'zero raised to a negative power is undefined');
  if (a < 0 && Number.isFinite(b) && !Number.isInteger(b))
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  if (a === 1 || b === 0) return 1;
  if (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) return 1;
  const r = a ** b;
  if (!Number.isFinite(r) && Number.isFinite(a) && Number.isFinite(b)) throw floatOverflow();
  if (r === 0 && a !== 0 && Number.isFinite(a) && Number.isFinite(b)) throw floatUnderflow();
  return r;
}

function bitOperators(): FunctionDef[] {
  const defs: FunctionDef[] = [];
  const operations: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
    '&': (a, b) => a & b,
    '|': (a, b) => a | b,
    '#': (a, b) => a ^ b,
  };
  for (const kind of KINDS) {
    const bits = WIDTH[kind] * 8;
    // C shifts a smallint as an int.
    const shiftMask = kind === 'int8' ? 63 : 31;
    const back = (v: bigint): Value => {
      const wrapped = BigInt.asIntN(bits, v);
      return kind === 'int8' ? wrapped : Number(wrapped);
    };
    for (const [op, apply] of Object.entries(operations))
      defs.push(
        define(op, `${kind} ${kind}`, TYPES[kind], (a) =>
          back(apply(BigInt(a[0] as number), BigInt(a[1] as number))),
        ),
      );
    defs.push(
      define('<<', `${kind} int4`, TYPES[kind], (a) =>
        back(BigInt(a[0] as number) << BigInt(num(a[1]) & shiftMask)),
      ),
      define('>>', `${kind} int4`, TYPES[kind], (a) =>
        back(BigInt(a[0] as number) >> BigInt(num(a[1]) & shiftMask)),
      ),
      define('~', kind, TYPES[kind], (a) => back(~BigInt(a[0] as number))),
    );
  }
  return defs;
}

function negateInteger(kind: IntegerKind, v: Value): Value {
  return kind === 'int8' ? checkInt8(-(v as bigint)) : checkInteger(-(v as number), kind);
}

function absInteger(kind: IntegerKind, v: Value): Value {
  if (kind === 'int8') return checkInt8((v as bigint) < 0n ? -(v as bigint) : (v as bigint));
  return checkInteger(Math.abs(v as number), kind);
}

export const arithmetic: readonly FunctionDef[] = [
  ...['+', '-', '*', '/'].flatMap((op) => KINDS.flatMap((a) => KINDS.map((b) => integerOperator(a, b, op)))),
  ...KINDS.map((k) => integerOperator(k, k, '%')),
  ...['+', '-', '*', '/'].flatMap(floatOperators),
  ...NUMERIC_OPERATORS.map(([op, apply, returns, range]) =>
    define(
      op,
      'numeric numeric',
      returns,
      (a) => apply(a[0] as Numeric, a[1] as Numeric),
      range === undefined ? {} : { range },
    ),
  ),
  ...KINDS.map((k) => define('-', k, TYPES[k], (a) => negateInteger(k, a[0]!), { range: negatedRange })),
  ...KINDS.flatMap((k) =>
    ['@', 'abs'].map((n) => define(n, k, TYPES[k], (a) => absInteger(k, a[0]!), { range: absRange })),
  ),
  ...(['float4', 'float8'] as const).flatMap((k) => [
    define('-', k, { kind: k }, (a) => -num(a[0])),
    ...['@', 'abs'].map((n) => define(n, k, { kind: k }, (a) => Math.abs(num(a[0])))),
  ]),
  define('-', 'numeric', returnsFirst, (a) => negateNumeric(a[0] as Numeric), { range: negatedRange }),
  ...['@', 'abs'].map((n) =>
    define(n, 'numeric', returnsFirst, (a) => absNumeric(a[0] as Numeric), { range: absRange }),
  ),
  ...(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'] as const).map((k) =>
    define('+', k, returnsFirst, (a) => a[0]!, { range: (r) => r[0] }),
  ),
  ...['^', 'power', 'pow'].flatMap((n) => [
    define(n, 'float8 float8', FLOAT8, (a) => powerFloat(num(a[0]), num(a[1]))),
    define(n, 'numeric numeric', NUMERIC, (a) => powerNumeric(a[0] as Numeric, a[1] as Numeric), UNBOUNDED),
  ]),
  ...bitOperators(),
];
