/** Numbers, dates, times and booleans of COPY input in compiled code.
 *
 *  Invariant: digits are counted before a value is believed, so that an overflow cannot go unseen. Floats are exact by
 *  Clinger's fast path: a mantissa of at most 15 digits, and a power of ten that a double holds exactly.
 *  Source: Clinger, "How to read floating point numbers accurately", PLDI 1990. */
import { encodingOf } from '../../types/columnar.js';
import type { SqlType } from '../../types/sql-type.js';
import { isTimed, TIMESTAMP_ORIGIN_MICROS, unitMicros } from '../../types/time-modifier.js';
import type { FunctionBuilder, Label, Local } from '../wasm/module-builder.js';
import { type CopyLib, NO_DATE } from './copy-lib.js';

export type RowContext = {
  readonly f: FunctionBuilder;
  readonly lib: CopyLib;
  /** Next byte of input. */
  readonly at: Local;
  readonly end: Local;
  readonly row: Local;
  /** No byte of the block is above 127. */
  readonly ascii: Local;
  readonly decline: Label;
};

export function isFixed(type: SqlType): boolean {
  switch (type.kind) {
    case 'bool':
    case 'int2':
    case 'int4':
    case 'int8':
    case 'float4':
    case 'float8':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return true;
    case 'numeric':
      return (
        type.precision !== undefined &&
        type.scale !== undefined &&
        type.scale >= 0 &&
        type.scale <= 18 &&
        encodingOf(type) !== 'utf8'
      );
    default:
      return false;
  }
}

/** Reads the field at `at` and stores it in the row, or stores zero (for NULL). */
export function emitFixed(context: RowContext, type: SqlType, data: Local, what: 'value' | 'zero'): void {
  const { f, row } = context;
  const encoding = encodingOf(type);
  const shift = { i8: 0, i32: 2, f32: 2, i64: 3, f64: 3, i128: 4 }[encoding as 'i8'];
  const place = (): FunctionBuilder => f.get(data).get(row).i32(shift).op('i32.shl').op('i32.add');
  if (what === 'zero') {
    if (encoding === 'i8') place().i32(0).mem('i32.store8');
    else if (shift === 2) place().i32(0).mem('i32.store');
    else place().i64(0n).mem('i64.store');
    if (encoding === 'i128') place().i64(0n).mem('i64.store', 8);
    return;
  }
  switch (type.kind) {
    case 'bool': {
      const value = f.local('i32');
      emitBool(context, value);
      place().get(value).mem('i32.store8');
      f.release(value);
      return;
    }
    case 'date': {
      const days = f.local('i32');
      emitDate(context, days);
      place().get(days).mem('i32.store');
      f.release(days);
      return;
    }
    case 'float4':
    case 'float8': {
      const value = f.local('f64');
      emitFloat(context, value);
      if (type.kind === 'float8') place().get(value).mem('f64.store');
      else {
        // Half-way between two floats, a double may have been rounded already.
        f.get(value).op('i64.reinterpret_f64').i64(0x1fffffffn).op('i64.and');
        f.i64(0x10000000n).op('i64.eq').brIf(context.decline);
        place().get(value).op('f32.demote_f64').mem('f32.store');
      }
      f.release(value);
      return;
    }
    default: {
      const value = f.local('i64');
      if (type.kind === 'int2') emitInteger(context, value, 5, 32767n);
      else if (type.kind === 'int4') emitInteger(context, value, 10, 2147483647n);
      else if (type.kind === 'int8') emitInteger(context, value, 18, undefined);
      else if (type.kind === 'numeric') emitScaled(context, value, type.precision!, type.scale!);
      else {
        emitTimestamp(context, value, type.kind === 'timestamptz');
        if (isTimed(type) && unitMicros(type) > 1n) emitRounded(context, value, unitMicros(type));
      }
      place()
        .get(value)
        .mem(encoding === 'i32' ? 'i64.store32' : 'i64.store');
      if (encoding === 'i128') place().get(value).i64(63n).op('i64.shr_s').mem('i64.store', 8);
      f.release(value);
    }
  }
}

/** Adds digits to `value` while there are any. Leaves nothing; the caller sees by `at` how many there were. */
function emitDigits({ f, at }: RowContext, value: Local): void {
  const digit = f.local('i32');
  f.block((stop) => {
    f.loop((again) => {
      f.get(at).mem('i32.load8_u').i32(48).op('i32.sub').tee(digit).i32(9).op('i32.gt_u').brIf(stop);
      f.get(value).i64(10n).op('i64.mul').get(digit).op('i64.extend_i32_u').op('i64.add').set(value);
      f.get(at).i32(1).op('i32.add').set(at).br(again);
    });
  });
  f.release(digit);
}

/** A minus sign moves `at`; `negative` is then 1. */
function emitSign({ f, at }: RowContext, negative: Local): void {
  f.get(at).mem('i32.load8_u').i32(45).op('i32.eq').tee(negative);
  f.get(at).op('i32.add').set(at);
}

function emitNegate({ f }: RowContext, value: Local, negative: Local): void {
  f.get(negative).if(() => {
    f.i64(0n).get(value).op('i64.sub').set(value);
  });
}

function emitInteger(context: RowContext, value: Local, digitsMax: number, limit: bigint | undefined): void {
  const { f, at, decline } = context;
  const negative = f.local('i32');
  const start = f.local('i32');
  emitSign(context, negative);
  f.get(at).set(start).i64(0n).set(value);
  emitDigits(context, value);
  f.get(at).get(start).op('i32.sub').i32(1).op('i32.sub').i32(digitsMax).op('i32.ge_u').brIf(decline);
  if (limit !== undefined) f.get(value).i64(limit).op('i64.gt_u').brIf(decline);
  emitNegate(context, value, negative);
  f.release(start);
  f.release(negative);
}

/** Digits with an optional point: `whole` and `fraction` become their numbers. At least one, at most `digitsMax`. */
function emitDecimal(
  context: RowContext,
  value: Local,
  whole: Local,
  fraction: Local,
  digitsMax: number,
): void {
  const { f, at, decline } = context;
  f.get(at).set(whole).i64(0n).set(value).i32(0).set(fraction);
  emitDigits(context, value);
  f.get(at).get(whole).op('i32.sub').set(whole);
  f.get(at)
    .mem('i32.load8_u')
    .i32(46)
    .op('i32.eq')
    .if(() => {
      f.get(at).i32(1).op('i32.add').tee(at).set(fraction);
      emitDigits(context, value);
      f.get(at).get(fraction).op('i32.sub').set(fraction);
    });
  f.get(whole).get(fraction).op('i32.add').i32(1).op('i32.sub').i32(digitsMax).op('i32.ge_u').brIf(decline);
}

function emitScaled(context: RowContext, value: Local, precision: number, scale: number): void {
  const { f, decline } = context;
  const [negative, whole, fraction] = [f.local('i32'), f.local('i32'), f.local('i32')];
  emitSign(context, negative);
  emitDecimal(context, value, whole, fraction, 18);
  f.get(fraction).i32(scale).op('i32.gt_u').brIf(decline);
  f.get(whole)
    .i32(18 - scale)
    .op('i32.gt_u')
    .brIf(decline);
  f.while(
    () => f.get(fraction).i32(scale).op('i32.lt_u'),
    () => {
      f.get(value).i64(10n).op('i64.mul').set(value);
      f.get(fraction).i32(1).op('i32.add').set(fraction);
    },
  );
  if (precision < 18)
    f.get(value)
      .i64(10n ** BigInt(precision) - 1n)
      .op('i64.gt_u')
      .brIf(decline);
  emitNegate(context, value, negative);
  for (const l of [negative, whole, fraction]) f.release(l);
}

/** A numeric with a scale of its own, in the bytes of `types/var-numeric.ts`. */
export function emitVarNumeric(context: RowContext, out: Local): void {
  const { f } = context;
  const [negative, whole, fraction] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const value = f.local('i64');
  emitSign(context, negative);
  emitDecimal(context, value, whole, fraction, 18);
  f.get(out).get(negative).get(value).i64(0n).op('i64.ne').op('i32.and').mem('i32.store8');
  f.get(out).get(fraction).mem('i32.store16', 1);
  f.get(out).get(value).mem('i64.store', 3);
  f.get(out).i32(11).op('i32.add');
  f.get(value).op('i64.clz').i64(3n).op('i64.shr_u').op('i32.wrap_i64').op('i32.sub').set(out);
  f.release(value);
  for (const l of [negative, whole, fraction]) f.release(l);
}

function emitFloat(context: RowContext, value: Local): void {
  const { f, at, decline } = context;
  const [negative, whole, fraction] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const digits = f.local('i64');
  const exponent = f.local('i32');
  const power = f.local('f64');
  emitSign(context, negative);
  emitDecimal(context, digits, whole, fraction, 15);
  f.i32(0).get(fraction).op('i32.sub').set(exponent);
  f.get(at)
    .mem('i32.load8_u')
    .i32(32)
    .op('i32.or')
    .i32(101)
    .op('i32.eq')
    .if(() => {
      const [down, n, start] = [f.local('i32'), f.local('i64'), f.local('i32')];
      f.get(at).i32(1).op('i32.add').set(at);
      emitSign(context, down);
      f.get(at)
        .mem('i32.load8_u')
        .i32(43)
        .op('i32.eq')
        .if(() => {
          f.get(down).brIf(decline);
          f.get(at).i32(1).op('i32.add').set(at);
        });
      f.get(at).set(start).i64(0n).set(n);
      emitDigits(context, n);
      f.get(at).get(start).op('i32.sub').i32(1).op('i32.sub').i32(3).op('i32.ge_u').brIf(decline);
      f.get(exponent);
      f.i32(0).get(n).op('i32.wrap_i64').op('i32.sub').get(n).op('i32.wrap_i64').get(down).op('select');
      f.op('i32.add').set(exponent);
      for (const l of [down, n, start]) f.release(l);
    });
  f.get(exponent).i32(22).op('i32.add').i32(44).op('i32.gt_u').brIf(decline);
  f.get(digits).op('f64.convert_i64_s').set(value);
  // 10^22 is the last power of ten that a double holds exactly, and so is each product on the way there.
  f.f64(1).set(power);
  const left = f.local('i32');
  f.i32(0)
    .get(exponent)
    .op('i32.sub')
    .get(exponent)
    .get(exponent)
    .i32(0)
    .op('i32.lt_s')
    .op('select')
    .set(left);
  f.while(
    () => f.get(left),
    () => {
      f.get(power).f64(10).op('f64.mul').set(power);
      f.get(left).i32(1).op('i32.sub').set(left);
    },
  );
  f.get(exponent)
    .i32(0)
    .op('i32.lt_s')
    .if(
      () => {
        f.get(value).get(power).op('f64.div').set(value);
      },
      () => {
        f.get(value).get(power).op('f64.mul').set(value);
      },
    );
  f.get(negative).if(() => {
    f.get(value).op('f64.neg').set(value);
  });
  for (const l of [negative, whole, fraction, digits, exponent, power, left]) f.release(l);
}

function emitBool({ f, at, decline }: RowContext, value: Local): void {
  const c = f.local('i32');
  const is = (letter: string): FunctionBuilder => f.get(c).i32(letter.charCodeAt(0)).op('i32.eq');
  f.get(at).mem('i32.load8_u').set(c);
  f.get(at).i32(1).op('i32.add').set(at);
  is('t');
  is('1').op('i32.or').set(value);
  f.get(value);
  is('f').op('i32.or');
  is('0').op('i32.or').op('i32.eqz').brIf(decline);
  f.release(c);
}

function emitDate({ f, lib, at, decline }: RowContext, days: Local): void {
  f.get(at).call(lib.date).tee(days).i32(NO_DATE).op('i32.eq').brIf(decline);
  f.get(at).i32(10).op('i32.add').set(at);
}

/** A timestamp to a multiple of `unit`, half a unit away from 2000-01-01, as `fitTime`. */
function emitRounded({ f }: RowContext, value: Local, unit: bigint): void {
  const sign = f.local('i64');
  f.get(value).i64(TIMESTAMP_ORIGIN_MICROS).op('i64.sub').tee(value).i64(63n).op('i64.shr_s').set(sign);
  f.get(value).get(sign).op('i64.xor').get(sign).op('i64.sub');
  f.i64(unit / 2n)
    .op('i64.add')
    .i64(unit)
    .op('i64.div_u')
    .i64(unit)
    .op('i64.mul');
  f.get(sign).op('i64.xor').get(sign).op('i64.sub');
  f.i64(TIMESTAMP_ORIGIN_MICROS).op('i64.add').set(value);
  f.release(sign);
}

/** `YYYY-MM-DD HH:MM:SS`, up to six digits after a point, and with a zone `+HH`, `+HH:MM`, `-..` or `Z`. */
function emitTimestamp(context: RowContext, value: Local, zone: boolean): void {
  const { f, at, decline } = context;
  const days = f.local('i32');
  const c = f.local('i32');
  const n = f.local('i32');
  emitDate(context, days);
  f.get(days).op('i64.extend_i32_s').i64(86_400_000_000n).op('i64.mul').set(value);
  f.get(at)
    .mem('i32.load8_u')
    .tee(c)
    .i32(32)
    .op('i32.ne')
    .get(c)
    .i32(84)
    .op('i32.ne')
    .op('i32.and')
    .brIf(decline);
  const two = (offset: number, below: number, micros: bigint): void => {
    f.get(at).mem('i32.load8_u', offset).i32(48).op('i32.sub').tee(n).i32(9).op('i32.gt_u').brIf(decline);
    f.get(at)
      .mem('i32.load8_u', offset + 1)
      .i32(48)
      .op('i32.sub')
      .tee(c)
      .i32(9)
      .op('i32.gt_u')
      .brIf(decline);
    f.get(n).i32(10).op('i32.mul').get(c).op('i32.add').tee(n).i32(below).op('i32.ge_u').brIf(decline);
    f.get(n).op('i64.extend_i32_u').i64(micros).op('i64.mul');
  };
  const colon = (offset: number): void => {
    f.get(at).mem('i32.load8_u', offset).i32(58).op('i32.ne').brIf(decline);
  };
  const add = (): FunctionBuilder => f.get(value).op('i64.add').set(value);
  two(1, 24, 3_600_000_000n);
  add();
  colon(3);
  two(4, 60, 60_000_000n);
  add();
  colon(6);
  two(7, 60, 1_000_000n);
  add();
  f.get(at).i32(9).op('i32.add').set(at);
  f.get(at)
    .mem('i32.load8_u')
    .i32(46)
    .op('i32.eq')
    .if(() => {
      const [micros, start] = [f.local('i64'), f.local('i32')];
      f.get(at).i32(1).op('i32.add').tee(at).set(start).i64(0n).set(micros);
      emitDigits(context, micros);
      f.get(at).get(start).op('i32.sub').tee(n).i32(1).op('i32.sub').i32(6).op('i32.ge_u').brIf(decline);
      f.while(
        () => f.get(n).i32(6).op('i32.lt_u'),
        () => {
          f.get(micros).i64(10n).op('i64.mul').set(micros);
          f.get(n).i32(1).op('i32.add').set(n);
        },
      );
      f.get(micros);
      add();
      f.release(micros);
      f.release(start);
    });
  if (zone) {
    const [west, offset] = [f.local('i32'), f.local('i64')];
    f.get(at)
      .mem('i32.load8_u')
      .i32(90)
      .op('i32.eq')
      .if(
        () => {
          f.get(at).i32(1).op('i32.add').set(at);
        },
        () => {
          f.get(at).mem('i32.load8_u').tee(c).i32(45).op('i32.eq').tee(west);
          f.get(c).i32(43).op('i32.eq').op('i32.or').op('i32.eqz').brIf(decline);
          two(1, 15, 3_600_000_000n);
          f.set(offset).get(at).i32(3).op('i32.add').set(at);
          f.get(at)
            .mem('i32.load8_u')
            .i32(58)
            .op('i32.eq')
            .if(() => {
              two(1, 60, 60_000_000n);
              f.get(offset).op('i64.add').set(offset).get(at).i32(3).op('i32.add').set(at);
            });
          f.get(value);
          f.i64(0n).get(offset).op('i64.sub').get(offset).get(west).op('select');
          f.op('i64.sub').set(value);
        },
      );
    f.release(west);
    f.release(offset);
  }
  for (const l of [days, c, n]) f.release(l);
}
