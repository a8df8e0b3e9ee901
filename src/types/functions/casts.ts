/** Casts as functions: `cast(from,to)`, `assign(from,to)` where assignment is stricter than an explicit cast, and
 *  `fit(from,int4)` to numeric(p,s) of what may be NaN.
 *
 *  Owns: the conversion of values between all types, length coercion, and which function a cast in a given context is
 *  (`resolveCast`). Invariants: float -> integer rounds half to even, numeric -> integer half away from zero; char(n)
 *  loses its padding on the way to text. Source: PostgreSQL, pg_cast and the functions it names. */
import { type ArrayItem, formatArray, parseArray } from '../array-text.js';
import { MICROS_PER_DAY_N } from '../calendar.js';
import { trimBlanks } from '../compare.js';
import {
  dateToTimestamp,
  isInfiniteTimestamp,
  localToUtc,
  splitTimestamp,
  timestampToDate,
  utcToLocal,
  zoneNamed,
} from '../datetime.js';
import { roundHalfEven } from '../interval.js';
import {
  applyNumericType,
  formatNumeric,
  numericFromFloat,
  numericFromInteger,
  numericToBigInt,
  numericToNumber,
} from '../numeric.js';
import { SqlError } from '../sql-error.js';
import { NUMERIC, numericOfModifier, type SqlType, sameType, type TypeKind } from '../sql-type.js';
import { characterOffset, formatText, limitLength, padBlanks, parseText, truncateName } from '../text-io.js';
import { fitTime, isTimed, keepsPrecision } from '../time-modifier.js';
import type { Interval, Numeric, Value } from '../value.js';
import { integerOutOfRange } from './arithmetic.js';
import { big, num, str } from './define.js';
import { asFixed, boundsOf, rescaledRange } from './numeric-facts.js';
import type { CastContext, FunctionContext, FunctionDef } from './registry-types.js';
import { canCast, numericOfInteger } from './type-system.js';

type Convert = (v: Value, ctx: FunctionContext, from: SqlType, target: SqlType | undefined) => Value;

const INTEGER_BITS: Partial<Readonly<Record<TypeKind, number>>> = { int2: 16, int4: 32, int8: 64 };
const OID_KINDS = [
  'oid',
  'regclass',
  'regtype',
  'regproc',
  'regprocedure',
  'regoperator',
  'regnamespace',
] as const;
const STRING_KINDS = ['text', 'varchar', 'bpchar', 'name'] as const;

function toInteger(v: bigint, kind: TypeKind): Value {
  const bits = INTEGER_BITS[kind]!;
  if (BigInt.asIntN(bits, v) !== v) throw integerOutOfRange(kind as 'int2' | 'int4' | 'int8');
  return kind === 'int8' ? v : Number(v);
}

function floatToInteger(v: number, kind: TypeKind): Value {
  const rounded = roundHalfEven(v);
  const limit = 2 ** (INTEGER_BITS[kind]! - 1);
  if (!(rounded >= -limit && rounded < limit)) throw integerOutOfRange(kind as 'int2' | 'int4' | 'int8');
  return kind === 'int8' ? BigInt(rounded) : rounded + 0;
}

function numericToInteger(v: Numeric, kind: TypeKind): Value {
  const integer = numericToBigInt(v);
  const names: Readonly<Record<string, string>> = { int2: 'smallint', int4: 'integer', int8: 'bigint' };
  if (integer === undefined) {
    const what = (v as { special: string }).special === 'NaN' ? 'NaN' : 'infinity';
    throw new SqlError('0A000', `cannot convert ${what} to ${names[kind]}`);
  }
  return toInteger(integer, kind);
}

function toFloat4(v: number): number {
  const r = Math.fround(v);
  if (!Number.isFinite(r) && Number.isFinite(v)) throw new SqlError('22003', 'value out of range: overflow');
  if (r === 0 && v !== 0) throw new SqlError('22003', 'value out of range: underflow');
  return r;
}

function numericToFloat(v: Numeric, kind: 'float4' | 'float8'): number {
  const wide = numericToNumber(v);
  const r = kind === 'float4' ? Math.fround(wide) : wide;
  if ('unscaled' in v && (!Number.isFinite(r) || (r === 0 && v.unscaled !== 0n)))
    throw new SqlError(
      '22003',
      `"${formatNumeric(v)}" is out of range for type ${kind === 'float4' ? 'real' : 'double precision'}`,
    );
  return r;
}

function applyTarget(v: Numeric, target: SqlType | undefined): Numeric {
  return target?.kind === 'numeric' ? applyNumericType(v, target.precision, target.scale) : v;
}

/** A negative int2 or int4 wraps around; a bigint must fit. */
function toOid(v: Value): number {
  const n = BigInt(v as number);
  if (n > 4294967295n || n < (typeof v === 'bigint' ? 0n : -2147483648n))
    throw new SqlError('22003', 'OID out of range');
  return Number(BigInt.asUintN(32, n));
}

/** A string cut or padded to the target's length: explicitly it truncates, on assignment only blanks may go. */
function fitString(text: string, to: SqlType, explicit: boolean): string {
  if (to.kind !== 'varchar' && to.kind !== 'bpchar') return to.kind === 'name' ? truncateName(text) : text;
  const { length } = to;
  if (length === undefined) return text;
  const fitted = explicit
    ? text.slice(0, characterOffset(text, length))
    : limitLength(text, length, to.kind === 'varchar' ? 'character varying' : 'character');
  return to.kind === 'bpchar' ? padBlanks(fitted, length) : fitted;
}

/** The text of any value as a cast to text gives it: booleans in full, char(n) without padding. */
export function castText(type: SqlType, v: Value, ctx: FunctionContext): string {
  if (type.kind === 'bool') return v === true ? 'true' : 'false';
  if (type.kind === 'bpchar') return trimBlanks(v as string);
  return formatText(type, v, ctx);
}

const CONVERSIONS = new Map<string, Convert>();
const RANGES = new Map<string, FunctionDef['range']>();

function conversion(from: TypeKind, to: TypeKind, convert: Convert): void {
  CONVERSIONS.set(`${from}>${to}`, convert);
}

for (const from of ['int2', 'int4', 'int8'] as const) {
  for (const to of ['int2', 'int4', 'int8'] as const) {
    if (from === to) continue;
    conversion(from, to, (v) => toInteger(BigInt(v as number), to));
    RANGES.set(`${from}>${to}`, (r, types) => boundsOf(r[0], types[0]!));
  }
  conversion(from, 'float8', (v) => Number(v));
  conversion(from, 'float4', (v) => Math.fround(Number(v)));
  conversion(from, 'numeric', (v, _ctx, _from, target) =>
    applyTarget(numericFromInteger(v as number), target),
  );
  RANGES.set(`${from}>numeric`, (r, types, call) => {
    const bounds = boundsOf(r[0], types[0]!);
    const target = asFixed(call?.target ?? numericOfInteger(from));
    return bounds && target && rescaledRange(bounds, 0, target.scale);
  });
  conversion('numeric', from, (v) => numericToInteger(v as Numeric, from));
  RANGES.set(`numeric>${from}`, (r, types) => {
    const source = asFixed(types[0]!);
    const bounds = boundsOf(r[0], types[0]!);
    return source && bounds && rescaledRange(bounds, source.scale, 0);
  });
  conversion('float8', from, (v) => floatToInteger(v as number, from));
  conversion('float4', from, (v) => floatToInteger(v as number, from));
}
for (const oid of OID_KINDS) {
  for (const from of ['int2', 'int4', 'int8', ...OID_KINDS] as const)
    if (from !== oid) conversion(from, oid, (v) => toOid(v));
  conversion(oid, 'int4', (v) => num(v) | 0);
  conversion(oid, 'int8', (v) => BigInt(num(v)));
}
conversion('int4', 'bool', (v) => v !== 0);
conversion('bool', 'int4', (v) => (v === true ? 1 : 0));
RANGES.set('bool>int4', () => ({ min: 0n, max: 1n }));
conversion('int4', 'char', (v) => String.fromCharCode(num(v) & 255));
conversion('char', 'int4', (v) => (str(v) === '' ? 0 : (str(v).charCodeAt(0) << 24) >> 24));
conversion('float4', 'float8', (v) => v);
conversion('float8', 'float4', (v) => toFloat4(num(v)));
conversion('float8', 'numeric', (v, _c, _f, target) => applyTarget(numericFromFloat(num(v), 15), target));
conversion('float4', 'numeric', (v, _c, _f, target) => applyTarget(numericFromFloat(num(v), 6), target));
conversion('numeric', 'float8', (v) => numericToFloat(v as Numeric, 'float8'));
conversion('numeric', 'float4', (v) => numericToFloat(v as Numeric, 'float4'));
conversion('numeric', 'numeric', (v, _c, _f, target) => applyTarget(v as Numeric, target));
RANGES.set('numeric>numeric', (r, types, call) => {
  const [source, target] = [asFixed(types[0]!), asFixed(call?.target ?? types[0]!)];
  const bounds = boundsOf(r[0], types[0]!);
  return source && target && bounds && rescaledRange(bounds, source.scale, target.scale);
});

for (const kind of ['time', 'timestamp', 'timestamptz', 'interval'] as const) {
  conversion(kind, kind, (v, _ctx, _from, target) => fitTime(v, target?.kind === kind ? target : { kind }));
  // Rounding keeps the order, so the ends are rounded as everything between them.
  if (kind !== 'interval')
    RANGES.set(`${kind}>${kind}`, (r, _types, call) => {
      const target = call?.target;
      if (r[0] === undefined || target?.kind !== kind) return r[0];
      return { min: big(fitTime(r[0].min, target)), max: big(fitTime(r[0].max, target)) };
    });
}
conversion('date', 'timestamp', (v) => dateToTimestamp(num(v)));
conversion('date', 'timestamptz', (v, ctx) => localToUtc(dateToTimestamp(num(v)), zoneNamed(ctx.timeZone)));
conversion('timestamp', 'date', (v) => timestampToDate(big(v)));
conversion('timestamp', 'timestamptz', (v, ctx) => localToUtc(big(v), zoneNamed(ctx.timeZone)));
conversion('timestamp', 'time', (v) => timeOfDay(big(v)));
conversion('timestamptz', 'timestamp', (v, ctx) => utcToLocal(big(v), zoneNamed(ctx.timeZone)));
conversion('timestamptz', 'date', (v, ctx) => timestampToDate(utcToLocal(big(v), zoneNamed(ctx.timeZone))));
conversion('timestamptz', 'time', (v, ctx) => timeOfDay(utcToLocal(big(v), zoneNamed(ctx.timeZone))));
conversion('time', 'interval', (v) => ({ months: 0, days: 0, micros: big(v) }));
conversion('interval', 'time', (v) => {
  const rest = (v as Interval).micros % MICROS_PER_DAY_N;
  return rest < 0n ? rest + MICROS_PER_DAY_N : rest;
});
RANGES.set('date>timestamp', (r) => {
  // Without bounds of its own a date may be infinite, and then the days do not scale.
  const days = r[0];
  if (days === undefined || days.min <= -2147483648n || days.max >= 2147483647n) return undefined;
  return { min: days.min * MICROS_PER_DAY_N, max: days.max * MICROS_PER_DAY_N };
});

function timeOfDay(t: bigint): Value {
  return isInfiniteTimestamp(t) ? null : BigInt(splitTimestamp(t).micros);
}

/** What depends on the session: time zone, DateStyle, catalog. */
const SESSION_KINDS = new Set<TypeKind>([
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'regclass',
  'regnamespace',
  'regproc',
  'regprocedure',
  'regoperator',
  'regtype',
]);

function convertStrings(from: TypeKind, to: TypeKind, explicit: boolean): Convert | undefined {
  const fromString = (STRING_KINDS as readonly string[]).includes(from) || from === 'char';
  const intoString = (STRING_KINDS as readonly string[]).includes(to);
  if (fromString && intoString) {
    return (v, _ctx, source, target) => {
      const text = from === 'bpchar' && to !== 'bpchar' ? trimBlanks(str(v)) : str(v);
      return fitString(text, target ?? { kind: to as 'text' }, explicit || source.kind === 'char');
    };
  }
  if (intoString)
    return (v, ctx, source, target) =>
      fitString(
        to === 'name' ? formatText(source, v, ctx) : castText(source, v, ctx),
        target ?? { kind: to as 'text' },
        explicit,
      );
  if (fromString)
    return (v, ctx, _source, target) => parseText(target ?? ({ kind: to } as SqlType), str(v), ctx);
  return undefined;
}

/** Each element as a cast takes it; an array that does not count from 1 keeps its bounds. */
conversion('array', 'array', (v, ctx, from, to) => {
  if (from.kind !== 'array' || to?.kind !== 'array') return v;
  const [source, target] = [from.element, to.element];
  const found = resolveCast(source, target, 'explicit');
  const convert = found === undefined || found === 'same' ? undefined : CASTS_BY_ID.get(found.fn);
  const each = (item: ArrayItem): ArrayItem => {
    if (item === null || convert === undefined) return item;
    if (typeof item !== 'string') return item.map(each);
    const value = convert.impl([parseText(source, item, ctx)], ctx, [source], target);
    return value === null ? null : formatText(target, value, ctx);
  };
  const bounds = /^\s*(?:\[[^\]]*\])+\s*=/.exec(str(v))?.[0] ?? '';
  return bounds + formatArray(parseArray(str(v)).map(each));
});

function makeCast(name: 'cast' | 'assign', from: TypeKind, to: TypeKind): FunctionDef | undefined {
  const convert = CONVERSIONS.get(`${from}>${to}`) ?? convertStrings(from, to, name === 'cast');
  if (convert === undefined) return undefined;
  const range = RANGES.get(`${from}>${to}`);
  const session =
    to === 'array' ||
    (to !== from &&
      (SESSION_KINDS.has(from) || (SESSION_KINDS.has(to) && !INTEGER_BITS[from] && from !== 'oid')));
  return {
    id: `${name}(${from},${to})`,
    name,
    args: [from],
    returns: (types, call) => call?.target ?? castResult(types[0]!, to),
    strict: true,
    volatility: session && !(from === 'date' && to === 'timestamp') ? 'stable' : 'immutable',
    impl: (args, ctx, types, target) =>
      convert(
        args[0]!,
        ctx,
        types[0] ?? ({ kind: from } as SqlType),
        target?.kind === to ? target : undefined,
      ),
    ...(range === undefined ? {} : { range }),
  };
}

/** A cast to the numeric(p,s) that the second argument, PostgreSQL's modifier, means. A type with a scale rules out
 *  NaN, so that the result's type has none; its values have that scale all the same. */
function makeFit(from: TypeKind): FunctionDef {
  const convert = CONVERSIONS.get(`${from}>numeric`) ?? convertStrings(from, 'numeric', true)!;
  return {
    id: `fit(${from},int4)`,
    name: 'fit',
    args: [from, 'int4'],
    returns: () => NUMERIC,
    strict: true,
    volatility: 'immutable',
    impl: ([v, modifier], ctx, types) =>
      convert(v!, ctx, types[0] ?? ({ kind: from } as SqlType), numericOfModifier(num(modifier))),
  };
}

/** Does a cast of this to numeric(p,s) need `fit`? Whole numbers are never NaN, nor is what has a scale. */
export function mayBeNan(from: SqlType): boolean {
  return from.kind === 'numeric' ? asFixed(from) === undefined : FIT_KINDS.includes(from.kind);
}

/** The type of a cast to `to` without modifiers. */
function castResult(from: SqlType, to: TypeKind): SqlType {
  if (to === 'numeric') return from.kind === 'numeric' ? from : numericOfInteger(from.kind);
  return { kind: to } as SqlType;
}

const FIT_KINDS: readonly TypeKind[] = ['float4', 'float8', 'numeric', 'char', ...STRING_KINDS];

const ALL_KINDS: readonly TypeKind[] = [
  'bool',
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'bytea',
  'char',
  'array',
  ...STRING_KINDS,
  ...OID_KINDS,
];

function allCasts(): FunctionDef[] {
  const defs: FunctionDef[] = [];
  for (const from of ALL_KINDS) {
    for (const to of ALL_KINDS) {
      const cast = makeCast('cast', from, to);
      if (cast !== undefined) defs.push(cast);
      const assign = to === 'varchar' || to === 'bpchar' ? makeCast('assign', from, to) : undefined;
      if (assign !== undefined) defs.push(assign);
    }
  }
  for (const from of FIT_KINDS) defs.push(makeFit(from));
  return defs;
}

export const casts: readonly FunctionDef[] = allCasts();
const CASTS_BY_ID = new Map(casts.map((d) => [d.id, d]));

/** True when a value of `from` already is one of `to`, its modifiers included. */
function needsNoWork(from: SqlType, to: SqlType): boolean {
  if (from.kind === to.kind) {
    if (sameType(from, to)) return true;
    if (to.kind === 'numeric' && from.kind === 'numeric') {
      if (to.precision === undefined) return true;
      const [a, b] = [asFixed(from), asFixed(to)];
      return a !== undefined && b !== undefined && a.scale === b.scale && a.precision <= b.precision;
    }
    if (to.kind === 'varchar' && from.kind === 'varchar')
      return to.length === undefined || (from.length !== undefined && from.length <= to.length);
    if (to.kind === 'bpchar') return to.length === undefined;
    if (isTimed(to) && isTimed(from)) return keepsPrecision(from, to);
    return to.kind !== 'array';
  }
  if (from.kind === 'varchar') return to.kind === 'text';
  return from.kind === 'text' && to.kind === 'varchar' && to.length === undefined;
}

/** How a value of `from` becomes one of `to` in `context`: 'same' when it already is one (only the type changes),
 *  undefined when there is no such cast (42846 explicitly, 42804 on assignment: the caller knows the words).
 *  The call's `type` must be `to`: the function reads length, precision and scale from it. */
export function resolveCast(
  from: SqlType,
  to: SqlType,
  context: CastContext,
): { readonly fn: string } | 'same' | undefined {
  if (from.kind === 'unknown') {
    return to.kind === 'text' || (to.kind === 'varchar' && to.length === undefined)
      ? 'same'
      : resolveCast({ kind: 'text' }, to, 'explicit');
  }
  if (!canCast(from, to, context)) return undefined;
  if (needsNoWork(from, to)) return 'same';
  const modified = (to.kind === 'varchar' || to.kind === 'bpchar') && context !== 'explicit';
  const id = `${modified ? 'assign' : 'cast'}(${from.kind},${to.kind})`;
  return CASTS_BY_ID.has(id) ? { fn: id } : undefined;
}
