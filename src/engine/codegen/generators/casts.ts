/** Casts between integers, floats, numerics, booleans, dates and strings. What is proven to fit costs nothing. */
import {
  FLOAT8,
  NUMERIC,
  numericOfModifier,
  type Range,
  type SqlType,
  TEXT,
  TIMESTAMP,
} from '../../../types/sql-type.js';
import { isScaled, nanInteger } from '../../../types/stored-numeric.js';
import { FAIL } from '../../layout.js';
import type { CallExpr } from '../calls.js';
import { unpadded } from '../compare.js';
import type { Emitter } from '../emitter.js';
import { guarded, total } from '../guard.js';
import { emitHostCall } from '../host-emit.js';
import { MICROS_PER_DAY, splitTimestamp } from '../lib/dates.js';
import { numericType, rescaleDown, rescaleUp, scaledToVar, scaleOf } from '../numeric-repr.js';
import { boundsOf, I16, I32, I64, within } from '../ranges.js';
import { isAlwaysNull, isConstVal, type Val } from '../val.js';
import { coerceRepr } from '../value-ops.js';
import { fastNumericFit } from '../var-arithmetic.js';
import { fastOrHost } from './fallback.js';
import { failIf } from './integers.js';
import type { Generator } from './table.js';

type Int = 'int2' | 'int4' | 'int8';
const LIMITS: Readonly<Record<Int, Range>> = { int2: I16, int4: I32, int8: I64 };
const FAILURE: Readonly<Record<Int, number>> = {
  int2: FAIL.smallintOutOfRange,
  int4: FAIL.integerOutOfRange,
  int8: FAIL.bigintOutOfRange,
};

/** The same bits under another type. */
function relabel(type: SqlType): Generator {
  return (_e, args) => ({ ...args[0], type });
}

function reprOfInt(kind: Int): 'i32' | 'i64' {
  return kind === 'int8' ? 'i64' : 'i32';
}

function intToInt(to: Int): Generator {
  return (e, args) => {
    const [v] = args;
    const range = boundsOf(v);
    const type: SqlType = { kind: to };
    if (range !== undefined && within(range, LIMITS[to]))
      return { ...coerceRepr(e, v, reprOfInt(to)), type, range };
    return checkedInt(e, args, v, to);
  };
}

/** An i32 or i64 as `to`, failing outside of its bounds. */
function checkedInt(e: Emitter, args: readonly Val[], v: Val, to: Int): Val {
  const f = e.f;
  return total(e, args, { type: { kind: to }, repr: reprOfInt(to) }, () => {
    const wide = coerceRepr(e, v, 'i64').parts[0];
    failIf(e, args, FAILURE[to], () => {
      e.push(wide).op(to === 'int2' ? 'i64.extend16_s' : 'i64.extend32_s');
      e.push(wide).op('i64.ne');
    });
    e.push(wide);
    if (to !== 'int8') f.op('i32.wrap_i64');
  });
}

function intToFloat(to: 'f32' | 'f64'): Generator {
  return (e, args) =>
    total(e, args, { type: to === 'f64' ? FLOAT8 : { kind: 'float4' }, repr: to }, () => {
      const [v] = args;
      if (v.repr === 'i32') e.push(v.parts[0]).op(`${to}.convert_i32_s`);
      // By way of a double, as the TypeScript function.
      else if (to === 'f64') e.push(v.parts[0]).op('f64.convert_i64_s');
      else e.push(v.parts[0]).op('f32.convert_i64_s');
    });
}

/** Rounds half to even; NaN and what is out of bounds fail. */
function floatToInt(from: 'f32' | 'f64', to: Int): Generator {
  return (e, args) =>
    guarded(e, args, { type: { kind: to }, repr: reprOfInt(to) }, () => {
      const f = e.f;
      e.push(args[0].parts[0]);
      if (from === 'f32') f.op('f64.promote_f32');
      f.op('f64.nearest');
      const x = e.save('f64');
      const limit = to === 'int2' ? 32768 : to === 'int4' ? 2147483648 : 2 ** 63;
      f.get(x).f64(-limit).op('f64.ge').get(x).f64(limit).op('f64.lt').op('i32.and').op('i32.eqz');
      f.if(() => e.fail(FAILURE[to]));
      f.get(x).op(to === 'int8' ? 'i64.trunc_sat_f64_s' : 'i32.trunc_sat_f64_s');
    });
}

/** To numeric(p, s): rescaled, and checked against the precision unless bounds prove that it fits. */
function toNumeric(e: Emitter, args: readonly Val[], v: Val, x: CallExpr): Val | undefined {
  const target = x.type;
  if (target.kind !== 'numeric' || v.repr === 'str') return undefined;
  if (target.scale === undefined) return v;
  const scale = scaleOf(v.type) ?? 0;
  if (target.scale < 0) return undefined;
  const r = scale <= target.scale ? rescaleUp(e, v, target.scale) : rescaleDown(e, v, target.scale);
  if (r === undefined) return undefined;
  if (target.precision === undefined) return r;
  const max = 10n ** BigInt(target.precision) - 1n;
  const bounds = boundsOf(r);
  if (bounds !== undefined && within(bounds, { min: -max, max })) return { ...r, type: target };
  if (r.repr !== 'i64' || max > I64.max) return undefined;
  // The message names precision and scale: only the TypeScript function can say it.
  return fastOrHost(
    e,
    args,
    x,
    { type: target, repr: 'i64', range: { min: -max, max } },
    () =>
      e
        .push(r.parts[0])
        .i64(max)
        .op('i64.add')
        .i64(2n * max)
        .op('i64.le_u'),
    () => e.push(r.parts[0]),
  );
}

function intToNumeric(kind: Int): Generator {
  return (e, args, x) => {
    const [v] = args;
    const wide = coerceRepr(e, v, 'i64');
    return toNumeric(e, args, { ...wide, type: numericType(0), range: boundsOf(v) ?? LIMITS[kind] }, x);
  };
}

const numericToNumeric: Generator = (e, args, x) => toNumeric(e, args, args[0], x);

/** To numeric(p, s) of what may be NaN, which stays one without known scale. */
const fitNumeric: Generator = (e, args, x) => {
  const [v] = args;
  const [, modifier] = x.args;
  const target = modifier?.kind === 'const' ? numericOfModifier(Number(modifier.value)) : undefined;
  if (target === undefined || !isScaled(target) || isAlwaysNull(v)) return undefined;
  if (v.repr !== 'str') return toNumeric(e, args, v, { ...x, type: target });
  return fastNumericFit(e, args, target, (present) => {
    const result = { type: NUMERIC, repr: 'str' as const };
    e.push(emitHostCall(e, x.fn, present, result, true, false).parts[0]);
  });
};

/** A numeric(p, s) on its way to a table, NaN and all, as one without known scale. */
const numericFromStored: Generator = (e, args, x) => {
  const [v] = args;
  const nan = nanInteger(v.type);
  if (nan === undefined || isConstVal(v) || (v.repr !== 'i64' && v.repr !== 'i128')) return undefined;
  return fastOrHost(
    e,
    args,
    x,
    { type: NUMERIC, repr: 'str', stable: false },
    () =>
      e
        .push(v.parts[v.parts.length - 1])
        .i64(I64.max)
        .op('i64.ne'),
    () => e.push(scaledToVar(e, v).parts[0]),
  );
};

function numericToInt(to: Int): Generator {
  return (e, args) => {
    const [v] = args;
    if (scaleOf(v.type) === undefined || v.repr === 'str') return undefined;
    const r = rescaleDown(e, v, 0);
    if (r === undefined || r.repr !== 'i64') return undefined;
    const range = boundsOf(r);
    if (range !== undefined && within(range, LIMITS[to]))
      return { ...coerceRepr(e, r, reprOfInt(to)), type: { kind: to }, range };
    return checkedInt(e, args, r, to);
  };
}

/** Below 2^53 the one division of two exact doubles is correctly rounded. */
const numericToFloat8: Generator = (e, args, x) => {
  const [v] = args;
  const scale = scaleOf(v.type);
  if (scale === undefined || scale > 22 || v.repr !== 'i64') return undefined;
  const convert = (): void => {
    e.push(v.parts[0]).op('f64.convert_i64_s');
    if (scale > 0) e.f.f64(10 ** scale).op('f64.div');
  };
  const exact = 1n << 53n;
  const bounds = boundsOf(v);
  const result = { type: FLOAT8, repr: 'f64' as const };
  if (bounds !== undefined && within(bounds, { min: -exact, max: exact }))
    return total(e, args, result, convert);
  return fastOrHost(
    e,
    args,
    x,
    result,
    () =>
      e
        .push(v.parts[0])
        .i64(exact)
        .op('i64.add')
        .i64(2n * exact)
        .op('i64.le_u'),
    convert,
  );
};

const dateToTimestamp: Generator = (e, args, x) => {
  const [v] = args;
  const usual: Range = { min: -2_000_000n, max: 100_000_000n };
  const convert = (): void => {
    e.push(v.parts[0]).op('i64.extend_i32_s').i64(MICROS_PER_DAY).op('i64.mul');
  };
  const result = { type: TIMESTAMP, repr: 'i64' as const };
  if (v.range !== undefined && within(v.range, usual))
    return total(
      e,
      args,
      { ...result, range: { min: v.range.min * MICROS_PER_DAY, max: v.range.max * MICROS_PER_DAY } },
      convert,
    );
  return fastOrHost(
    e,
    args,
    x,
    result,
    () =>
      e
        .push(v.parts[0])
        .i32(Number(-usual.min))
        .op('i32.add')
        .i32(Number(usual.max - usual.min))
        .op('i32.le_u'),
    convert,
  );
};

const timestampToDate: Generator = (e, args, x) =>
  fastOrHost(
    e,
    args,
    x,
    { type: { kind: 'date' }, repr: 'i32' },
    () =>
      e
        .push(args[0].parts[0])
        .i64(1n << 57n)
        .op('i64.add')
        .i64(1n << 58n)
        .op('i64.lt_u'),
    () => e.push(args[0].parts[0]).call(e.ctx.lib(splitTimestamp)).op('drop'),
  );

/** To varchar(n): a string of at most n bytes has at most n characters. */
const toVarchar: Generator = (e, args, x) => {
  const [v] = args;
  const length = x.type.kind === 'varchar' ? x.type.length : undefined;
  if (length === undefined) return { ...v, type: x.type };
  return fastOrHost(
    e,
    args,
    x,
    { type: x.type, repr: 'str', stable: false },
    () => e.push(v.parts[0]).i64(32n).op('i64.shr_u').op('i32.wrap_i64').i32(length).op('i32.le_u'),
    () => e.push(v.parts[0]),
  );
};

/** char(n) loses its padding on the way to text. */
function trimmed(next: Generator): Generator {
  return (e, args, x) => {
    const [v] = args;
    if (isConstVal(v)) return undefined;
    if (v.isNull === undefined) return next(e, [{ ...unpadded(e, v), type: TEXT }], x);
    const t = guarded(e, args, { type: TEXT, repr: 'str', stable: v.stable }, () => {
      e.push(unpadded(e, { ...v, isNull: undefined }).parts[0]);
    });
    return next(e, [t], x);
  };
}

/** bpchar without length keeps the string as it is. */
const toPlainBpchar: Generator = (_e, args, x) =>
  x.type.kind === 'bpchar' && x.type.length === undefined ? { ...args[0], type: x.type } : undefined;

const INTS: readonly Int[] = ['int2', 'int4', 'int8'];

export const castGenerators: readonly (readonly [string, Generator])[] = [
  ...INTS.flatMap((from): (readonly [string, Generator])[] => [
    ...INTS.filter((to) => to !== from).map((to) => [`cast(${from},${to})`, intToInt(to)] as const),
    [`cast(${from},float8)`, intToFloat('f64')],
    [`cast(${from},float4)`, intToFloat('f32')],
    [`cast(${from},numeric)`, intToNumeric(from)],
    [`cast(float8,${from})`, floatToInt('f64', from)],
    [`cast(float4,${from})`, floatToInt('f32', from)],
    [`cast(numeric,${from})`, numericToInt(from)],
  ]),
  ['cast(numeric,numeric)', numericToNumeric],
  ['cast(numeric,float8)', numericToFloat8],
  ['fit(numeric,int4)', fitNumeric],
  ['stored value(numeric)', numericFromStored],
  ['cast(float4,float8)', (e, args) => ({ ...coerceRepr(e, args[0], 'f64'), type: FLOAT8 })],
  ['cast(bool,int4)', relabel({ kind: 'int4' })],
  [
    'cast(int4,bool)',
    (e, args) =>
      total(e, args, { type: { kind: 'bool' }, repr: 'i32' }, () =>
        e.push(args[0].parts[0]).i32(0).op('i32.ne'),
      ),
  ],
  ['cast(date,timestamp)', dateToTimestamp],
  ['cast(timestamp,date)', timestampToDate],
  ['cast(varchar,text)', relabel(TEXT)],
  ['cast(name,text)', relabel(TEXT)],
  ['cast(bpchar,text)', trimmed((_e, args) => args[0])],
  ['cast(text,varchar)', toVarchar],
  ['cast(varchar,varchar)', toVarchar],
  ['assign(text,varchar)', toVarchar],
  ['assign(varchar,varchar)', toVarchar],
  ['cast(text,bpchar)', toPlainBpchar],
  ['cast(varchar,bpchar)', toPlainBpchar],
  ['cast(bpchar,bpchar)', toPlainBpchar],
];
