/** Dates and timestamps: differences, sums with days and with constant intervals, extract, date_trunc. Infinities and
 *  values near the ends of the calendar go to the TypeScript functions. */
import { extractFromDate } from '../../../types/datetime-fields.js';
import { DATE, INT4, type Range, type SqlType, TIMESTAMP } from '../../../types/sql-type.js';
import { isTimed, TIMESTAMP_ORIGIN_MICROS, unitMicros } from '../../../types/time-modifier.js';
import { FAIL } from '../../layout.js';
import type { Local } from '../../wasm/module-builder.js';
import type { CallExpr } from '../calls.js';
import type { Emitter } from '../emitter.js';
import { guarded, total } from '../guard.js';
import { addMonths, type DateField, dateField, MICROS_PER_DAY, splitTimestamp } from '../lib/dates.js';
import { within } from '../ranges.js';
import { shapeOf } from '../shape.js';
import { isConstVal, type Val } from '../val.js';
import { fastOrHost } from './fallback.js';
import type { Generator } from './table.js';

/** What PostgreSQL stores: Julian day 0 to 5874897-12-31, as days since 1970. */
const DATES: Range = { min: -2440588n, max: 2145042540n };
/** Finite timestamps that no constant interval of sane size pushes over the end. */
const TIMESTAMPS: Range = { min: -(1n << 57n), max: 1n << 60n };

function isFiniteDate(v: Val): boolean {
  return v.range !== undefined && within(v.range, DATES);
}

/** Leaves i32 1 for a finite date. */
function pushFiniteDate(e: Emitter, v: Val): void {
  // Both sentinels, shifted together: MIN -> 1, MAX -> 0.
  e.push(v.parts[0]).i32(-2147483647).op('i32.add').i32(1).op('i32.gt_u');
}

function addDays(dateAt: 0 | 1, sign: 1 | -1): Generator {
  return (e, args, x) => {
    const date = args[dateAt];
    const days = args[1 - dateAt];
    const range = shapeOf(e, x).range;
    const op = sign === 1 ? 'i32.add' : 'i32.sub';
    const result = { type: DATE, repr: 'i32' as const, range };
    if (isFiniteDate(date) && range !== undefined && within(range, DATES))
      return total(e, args, result, () => {
        e.push(date.parts[0]);
        e.push(days.parts[0]).op(op);
      });
    return guarded(e, args, { ...result, range: undefined }, () => {
      const f = e.f;
      pushFiniteDate(e, date);
      f.if(
        () => {
          e.push(date.parts[0]).op('i64.extend_i32_s');
          e.push(days.parts[0])
            .op('i64.extend_i32_s')
            .op(sign === 1 ? 'i64.add' : 'i64.sub');
          const r = e.save('i64');
          f.get(r).i64(DATES.min).op('i64.lt_s').get(r).i64(DATES.max).op('i64.gt_s').op('i32.or');
          f.if(() => e.fail(FAIL.dateOutOfRange));
          f.get(r).op('i32.wrap_i64');
        },
        () => e.push(date.parts[0]),
        'i32',
      );
    });
  };
}

const dateDifference: Generator = (e, args, x) => {
  if (!args.every(isFiniteDate)) return undefined;
  return total(e, args, { type: INT4, repr: 'i32', range: shapeOf(e, x).range }, () => {
    e.push(args[0].parts[0]);
    e.push(args[1].parts[0]).op('i32.sub');
  });
};

const FIELDS: Readonly<Record<string, DateField>> = {
  year: 'year',
  years: 'year',
  month: 'month',
  months: 'month',
  day: 'day',
  days: 'day',
  quarter: 'quarter',
  dow: 'dow',
  isodow: 'isodow',
  doy: 'doy',
};

function constantField(x: CallExpr): string | undefined {
  const field = x.args[0];
  return field.kind === 'const' && typeof field.value === 'string' ? field.value.toLowerCase() : undefined;
}

/** extract gives a numeric, date_part a double. */
function extract(from: 'date' | 'timestamp', as: 'i64' | 'f64'): Generator {
  return (e, args, x) => {
    const name = constantField(x);
    const field = name === undefined ? undefined : FIELDS[name];
    if (field === undefined || (as === 'i64' && (x.type.kind !== 'numeric' || x.type.scale !== 0)))
      return undefined;
    const source = args[1];
    const result = {
      type: x.type,
      repr: as,
      range: as === 'i64' ? shapeOf(e, x).range : undefined,
      stable: true,
    };
    const fast = (): void => {
      e.push(source.parts[0]);
      if (from === 'timestamp') e.f.call(e.ctx.lib(splitTimestamp)).op('drop');
      e.f.call(e.ctx.lib(dateField(field))).op(as === 'i64' ? 'i64.extend_i32_s' : 'f64.convert_i32_s');
    };
    if (from === 'date' && isFiniteDate(source)) {
      if (spanOf(source.range!) <= TABLE_DAYS_MAX && within(source.range!, TABLE_DATES))
        return guarded(e, args, result, () => fromTable(e, source, field, as));
      return total(e, args, result, fast);
    }
    return fastOrHost(
      e,
      args,
      x,
      result,
      () => {
        if (from === 'date') pushFiniteDate(e, source);
        else pushUsualTimestamp(e, source);
      },
      fast,
      // Infinity has no month.
      true,
    );
  };
}

/** Bounds this narrow make a table of all days cheaper than the calendar: twenty years in 16 KiB. */
const TABLE_DAYS_MAX = 8192n;

/** Years of 16 bits. */
const TABLE_DATES: Range = { min: -10_000_000n, max: 10_000_000n };

function spanOf(r: Range): bigint {
  return r.max - r.min + 1n;
}

/** Leaves the field, from a table of 16-bit values. */
function fromTable(e: Emitter, source: Val, field: DateField, as: 'i64' | 'f64'): void {
  const first = Number(source.range!.min);
  const bytes = new Uint8Array(Number(spanOf(source.range!)) * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < bytes.length / 2; i++)
    view.setInt16(i * 2, Number(extractFromDate(field, first + i).unscaled), true);
  const offset = e.ctx.dataBytes(bytes, 2);
  e.push(source.parts[0]).i32(first).op('i32.sub').i32(1).op('i32.shl').get(e.qs).op('i32.add');
  if (as === 'i64') e.f.mem('i64.load16_s', offset);
  else e.f.mem('i32.load16_s', offset).op('f64.convert_i32_s');
}

function pushUsualTimestamp(e: Emitter, v: Val): void {
  e.push(v.parts[0]).i64(TIMESTAMPS.min).op('i64.sub');
  e.f.i64(TIMESTAMPS.max - TIMESTAMPS.min).op('i64.lt_u');
}

/** The parts of a constant interval. */
function constantInterval(v: Val): { months: number; days: number; micros: bigint } | undefined {
  if (!isConstVal(v) || v.isNull !== undefined) return undefined;
  const [micros, packed] = v.parts.map((p) => BigInt((p as { const: bigint }).const));
  return {
    micros,
    days: Number(BigInt.asIntN(32, packed)),
    months: Number(BigInt.asIntN(32, packed >> 32n)),
  };
}

/** date or timestamp ± constant interval. */
function addInterval(from: 'date' | 'timestamp', at: 0 | 1, sign: 1 | -1, type: SqlType): Generator {
  return (e, args, x) => {
    const source = args[at];
    const span = constantInterval(args[1 - at]);
    if (span === undefined) return undefined;
    const months = span.months * sign;
    const days = span.days * sign;
    const micros = span.micros * BigInt(sign);
    const small = (n: number, limit: number): boolean => n > -limit && n < limit;
    if (!small(months, 12_000) || !small(days, 1_000_000) || !small(Number(micros), 2 ** 53))
      return undefined;
    const f = e.f;
    const fast = (): void => {
      if (from === 'date') {
        e.push(source.parts[0]);
        if (months !== 0) f.i32(months).call(e.ctx.lib(addMonths));
        f.op('i64.extend_i32_s').i64(MICROS_PER_DAY).op('i64.mul');
      } else {
        e.push(source.parts[0]);
        if (months !== 0) {
          f.call(e.ctx.lib(splitTimestamp));
          const rest = e.save('i64');
          f.i32(months).call(e.ctx.lib(addMonths)).op('i64.extend_i32_s');
          f.i64(MICROS_PER_DAY).op('i64.mul').get(rest).op('i64.add');
        }
      }
      const shift = BigInt(days) * MICROS_PER_DAY + micros;
      if (shift !== 0n) f.i64(shift).op('i64.add');
    };
    return fastOrHost(
      e,
      args,
      x,
      { type, repr: 'i64' },
      () => {
        if (from === 'timestamp') pushUsualTimestamp(e, source);
        else e.push(source.parts[0]).i32(1_000_000).op('i32.add').i32(4_000_000).op('i32.lt_u');
      },
      fast,
    );
  };
}

/** date_trunc of a timestamp to a unit of constant length, or month, quarter, year through the calendar. */
const truncate: Generator = (e, args, x) => {
  const field = constantField(x);
  const units: Readonly<Record<string, bigint>> = {
    second: 1_000_000n,
    minute: 60_000_000n,
    hour: 3_600_000_000n,
    day: MICROS_PER_DAY,
  };
  const unit = field === undefined ? undefined : units[field];
  if (unit === undefined) return undefined;
  const source = args[1];
  return fastOrHost(
    e,
    args,
    x,
    { type: TIMESTAMP, repr: 'i64' },
    () => pushUsualTimestamp(e, source),
    () => {
      // t - (t mod unit), the remainder never negative.
      e.push(source.parts[0]).i64(unit).op('i64.rem_s');
      const r = e.save('i64');
      e.push(source.parts[0]).get(r).op('i64.sub');
      e.f.i64(unit).i64(0n).get(r).i64(0n).op('i64.lt_s').op('select').op('i64.sub');
    },
  );
};

/** Half a unit away from the origin, as `fitTime`. Leaves the rounded value of what is in `micros`. */
function pushRounded(e: Emitter, micros: Local, unit: bigint): void {
  const f = e.f;
  const sign = e.local('i64');
  f.get(micros).i64(63n).op('i64.shr_s').set(sign);
  // |x| = (x ^ sign) - sign
  f.get(micros).get(sign).op('i64.xor').get(sign).op('i64.sub');
  f.i64(unit / 2n)
    .op('i64.add')
    .i64(unit)
    .op('i64.div_u')
    .i64(unit)
    .op('i64.mul');
  f.get(sign).op('i64.xor').get(sign).op('i64.sub');
}

/** timestamp(n) and timestamptz(n) of one of more digits. */
const roundTimestamp: Generator = (e, args, x) => {
  const [v] = args;
  const { type } = x;
  if (!isTimed(type)) return undefined;
  const unit = unitMicros(type);
  if (unit === 1n) return { ...v, type };
  const origin = TIMESTAMP_ORIGIN_MICROS;
  return fastOrHost(
    e,
    args,
    x,
    { type, repr: 'i64', range: shapeOf(e, x).range },
    () => pushUsualTimestamp(e, v),
    () => {
      e.push(v.parts[0]).i64(origin).op('i64.sub');
      pushRounded(e, e.save('i64'), unit);
      e.f.i64(origin).op('i64.add');
    },
  );
};

const roundTime: Generator = (e, args, x) => {
  const [v] = args;
  const { type } = x;
  if (!isTimed(type)) return undefined;
  const unit = unitMicros(type);
  if (unit === 1n) return { ...v, type };
  return total(e, args, { type, repr: 'i64', range: shapeOf(e, x).range }, () => {
    e.push(v.parts[0]);
    pushRounded(e, e.save('i64'), unit);
  });
};

/** An interval that keeps all of its fields and digits. */
const plainInterval: Generator = (_e, args, x) =>
  x.type.kind === 'interval' && x.type.fields === undefined && unitMicros(x.type) === 1n
    ? { ...args[0], type: x.type }
    : undefined;

export const dateGenerators: readonly (readonly [string, Generator])[] = [
  ['+(date,int4)', addDays(0, 1)],
  ['+(int4,date)', addDays(1, 1)],
  ['-(date,int4)', addDays(0, -1)],
  ['-(date,date)', dateDifference],
  ['extract(text,date)', extract('date', 'i64')],
  ['extract(text,timestamp)', extract('timestamp', 'i64')],
  ['date_part(text,date)', extract('date', 'f64')],
  ['date_part(text,timestamp)', extract('timestamp', 'f64')],
  ['+(date,interval)', addInterval('date', 0, 1, TIMESTAMP)],
  ['+(interval,date)', addInterval('date', 1, 1, TIMESTAMP)],
  ['-(date,interval)', addInterval('date', 0, -1, TIMESTAMP)],
  ['+(timestamp,interval)', addInterval('timestamp', 0, 1, TIMESTAMP)],
  ['+(interval,timestamp)', addInterval('timestamp', 1, 1, TIMESTAMP)],
  ['-(timestamp,interval)', addInterval('timestamp', 0, -1, TIMESTAMP)],
  ['date_trunc(text,timestamp)', truncate],
  ['cast(time,time)', roundTime],
  ['cast(timestamp,timestamp)', roundTimestamp],
  ['cast(timestamptz,timestamptz)', roundTimestamp],
  ['cast(interval,interval)', plainInterval],
];
