/** Calendar arithmetic over days since 1970-01-01.
 *  Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
import type { FunctionBuilder, Local } from '../../wasm/module-builder.js';
import type { LibFunction } from '../context.js';

/** Leaves a / b rounded down, b > 0 constant. */
export function pushFloorDiv(f: FunctionBuilder, a: Local, b: number): FunctionBuilder {
  // (a < 0 ? a - (b - 1) : a) / b
  return f
    .get(a)
    .get(a)
    .i32(31)
    .op('i32.shr_s')
    .i32(b - 1)
    .op('i32.and')
    .op('i32.sub')
    .i32(b)
    .op('i32.div_s');
}

/** (days) -> (year, month, day); years before 1 are 0, -1, ... (astronomical). */
export const civilFromDays: LibFunction = {
  name: 'civil_from_days',
  params: ['i32'],
  results: ['i32', 'i32', 'i32'],
  build(f) {
    const [days] = f.params;
    const era = f.local('i32');
    const doe = f.local('i32');
    const yoe = f.local('i32');
    const doy = f.local('i32');
    const mp = f.local('i32');
    f.get(days).i32(719468).op('i32.add').set(days);
    pushFloorDiv(f, days, 146097).set(era);
    f.get(days).get(era).i32(146097).op('i32.mul').op('i32.sub').set(doe);
    f.get(doe).get(doe).i32(1460).op('i32.div_u').op('i32.sub');
    f.get(doe).i32(36524).op('i32.div_u').op('i32.add');
    f.get(doe).i32(146096).op('i32.div_u').op('i32.sub').i32(365).op('i32.div_u').set(yoe);
    f.get(doe).get(yoe).i32(365).op('i32.mul').op('i32.sub');
    f.get(yoe).i32(2).op('i32.shr_u').op('i32.sub');
    f.get(yoe).i32(100).op('i32.div_u').op('i32.add').set(doy);
    f.get(doy).i32(5).op('i32.mul').i32(2).op('i32.add').i32(153).op('i32.div_u').set(mp);
    // Years start in March here: January and February belong to the next.
    f.get(era).i32(400).op('i32.mul').get(yoe).op('i32.add').get(mp).i32(10).op('i32.ge_u').op('i32.add');
    f.get(mp).i32(3).op('i32.add').get(mp).i32(10).op('i32.ge_u').i32(12).op('i32.mul').op('i32.sub');
    f.get(doy).get(mp).i32(153).op('i32.mul').i32(2).op('i32.add').i32(5).op('i32.div_u').op('i32.sub');
    f.i32(1).op('i32.add');
  },
};

/** (year, month, day) -> days. */
export const daysFromCivil: LibFunction = {
  name: 'days_from_civil',
  params: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build(f) {
    const [y, m, d] = f.params;
    const era = f.local('i32');
    const yoe = f.local('i32');
    f.get(y).get(m).i32(2).op('i32.le_s').op('i32.sub').set(y);
    pushFloorDiv(f, y, 400).set(era);
    f.get(y).get(era).i32(400).op('i32.mul').op('i32.sub').set(yoe);
    // Day of the year that starts in March.
    f.get(m)
      .i32(9)
      .op('i32.add')
      .i32(12)
      .op('i32.rem_u')
      .i32(153)
      .op('i32.mul')
      .i32(2)
      .op('i32.add')
      .i32(5)
      .op('i32.div_u');
    f.get(d).op('i32.add').i32(1).op('i32.sub');
    f.get(yoe).i32(365).op('i32.mul').op('i32.add');
    f.get(yoe).i32(2).op('i32.shr_u').op('i32.add').get(yoe).i32(100).op('i32.div_u').op('i32.sub');
    f.get(era).i32(146097).op('i32.mul').op('i32.add').i32(719468).op('i32.sub');
  },
};

export type DateField = 'year' | 'month' | 'day' | 'quarter' | 'dow' | 'isodow' | 'doy';

/** (days) -> one field, as extract gives it: no year 0, the year before 1 is -1. */
export function dateField(field: DateField): LibFunction {
  return {
    name: `date_${field}`,
    params: ['i32'],
    results: ['i32'],
    build(f, ctx) {
      const [days] = f.params;
      const rest = f.local('i32');
      if (field === 'dow' || field === 'isodow') {
        // 1970-01-01 was a Thursday.
        f.get(days).i32(7).op('i32.rem_s').i32(11).op('i32.add').i32(7).op('i32.rem_s').set(rest);
        if (field === 'isodow') f.i32(7).get(rest).get(rest).op('i32.eqz').op('select');
        else f.get(rest);
        return;
      }
      const y = f.local('i32');
      const m = f.local('i32');
      const d = f.local('i32');
      f.get(days).call(ctx.lib(civilFromDays)).set(d).set(m).set(y);
      switch (field) {
        case 'year':
          f.get(y).get(y).i32(0).op('i32.le_s').op('i32.sub');
          return;
        case 'month':
          f.get(m);
          return;
        case 'day':
          f.get(d);
          return;
        case 'quarter':
          f.get(m).i32(2).op('i32.add').i32(3).op('i32.div_u');
          return;
        case 'doy':
          f.get(days).get(y).i32(1).i32(1).call(ctx.lib(daysFromCivil)).op('i32.sub').i32(1).op('i32.add');
      }
    },
  };
}

export const MICROS_PER_DAY = 86_400_000_000n;

/** (timestamp) -> (days, microseconds of the day). */
export const splitTimestamp: LibFunction = {
  name: 'split_timestamp',
  params: ['i64'],
  results: ['i32', 'i64'],
  build(f) {
    const [t] = f.params;
    const days = f.local('i64');
    f.get(t)
      .get(t)
      .i64(63n)
      .op('i64.shr_s')
      .i64(MICROS_PER_DAY - 1n)
      .op('i64.and')
      .op('i64.sub');
    f.i64(MICROS_PER_DAY).op('i64.div_s').tee(days).op('i32.wrap_i64');
    f.get(t).get(days).i64(MICROS_PER_DAY).op('i64.mul').op('i64.sub');
  },
};

/** (days, months) -> days: the same day of another month, or that month's last. */
export const addMonths: LibFunction = {
  name: 'add_months',
  params: ['i32', 'i32'],
  results: ['i32'],
  build(f, ctx) {
    const [days, months] = f.params;
    const y = f.local('i32');
    const m = f.local('i32');
    const d = f.local('i32');
    const first = f.local('i32');
    const length = f.local('i32');
    const toDays = ctx.lib(daysFromCivil);
    f.get(days).call(ctx.lib(civilFromDays)).set(d).set(m).set(y);
    f.get(m).i32(1).op('i32.sub').get(months).op('i32.add').set(months);
    pushFloorDiv(f, months, 12).tee(first).get(y).op('i32.add').set(y);
    f.get(months).get(first).i32(12).op('i32.mul').op('i32.sub').i32(1).op('i32.add').set(m);
    f.get(y).get(m).i32(1).call(toDays).set(first);
    // The month's length: from its first to the next month's.
    f.get(y)
      .get(m)
      .i32(12)
      .op('i32.div_u')
      .op('i32.add')
      .get(m)
      .i32(12)
      .op('i32.rem_u')
      .i32(1)
      .op('i32.add')
      .i32(1);
    f.call(toDays).get(first).op('i32.sub').set(length);
    f.get(first)
      .get(d)
      .get(length)
      .get(d)
      .get(length)
      .op('i32.lt_s')
      .op('select')
      .op('i32.add')
      .i32(1)
      .op('i32.sub');
  },
};
