import { describe, expect, test } from 'vitest';
import { resolveCast } from './functions/registry.js';
import { hasModifier, type SqlType, sameType, typeMod, typeName } from './sql-type.js';
import { formatText, parseText } from './text-io.js';
import { fitTime, isTimed, keepsPrecision } from './time-modifier.js';

const FIELD = { month: 2, year: 4, day: 8, hour: 1024, minute: 2048, second: 4096 };
const interval = (...fields: (keyof typeof FIELD)[]): SqlType => ({
  kind: 'interval',
  fields: fields.reduce((mask, f) => mask | FIELD[f], 0),
});
const stamp = (precision: number): SqlType => ({ kind: 'timestamp', precision });
const read = (type: SqlType, text: string): string => formatText(type, parseText(type, text));

// The typmods and names are a PostgreSQL 15 server's.
describe('typmods and names', () => {
  test.each<[SqlType, number, string]>([
    [{ kind: 'timestamp' }, -1, 'timestamp without time zone'],
    [stamp(0), 0, 'timestamp(0) without time zone'],
    [stamp(6), 6, 'timestamp(6) without time zone'],
    [{ kind: 'timestamptz', precision: 3 }, 3, 'timestamp(3) with time zone'],
    [{ kind: 'time', precision: 2 }, 2, 'time(2) without time zone'],
    [{ kind: 'interval' }, -1, 'interval'],
    [{ kind: 'interval', precision: 3 }, 2147418115, 'interval(3)'],
    [interval('month'), 196607, 'interval month'],
    [interval('year', 'month'), 458751, 'interval year to month'],
    [
      { ...interval('day', 'hour', 'minute', 'second'), precision: 2 } as SqlType,
      470286338,
      'interval day to second(2)',
    ],
    [{ kind: 'array', element: stamp(3) }, 3, 'timestamp(3) without time zone[]'],
  ])('%j', (type, mod, name) => {
    expect([typeMod(type), typeName(type), hasModifier(type)]).toEqual([mod, name, mod !== -1]);
  });

  test('types with different modifiers are different', () => {
    expect(sameType(stamp(3), stamp(3))).toBe(true);
    expect(sameType(stamp(3), stamp(2))).toBe(false);
    expect(sameType(stamp(3), { kind: 'timestamp' })).toBe(false);
    expect(sameType(interval('day'), interval('hour'))).toBe(false);
  });
});

describe('rounding', () => {
  test.each<[SqlType, string, string]>([
    // Half a unit goes away from 2000-01-01.
    [stamp(0), '2000-01-01 00:00:00.5', '2000-01-01 00:00:01'],
    [stamp(0), '1999-12-31 23:59:59.5', '1999-12-31 23:59:59'],
    [stamp(0), '1969-12-31 23:59:59.5', '1969-12-31 23:59:59'],
    [stamp(3), '2020-01-01 00:00:00.9995', '2020-01-01 00:00:01'],
    [stamp(3), 'infinity', 'infinity'],
    [stamp(0), '-infinity', '-infinity'],
    [{ kind: 'time', precision: 0 }, '23:59:59.5', '24:00:00'],
    [{ kind: 'interval', precision: 1 }, '-00:00:00.25', '-00:00:00.3'],
    [interval('month'), '14', '1 year 2 mons'],
    [interval('year'), '2 years 11 mons', '2 years'],
    [interval('day'), '-3 days 23:59', '-3 days'],
    [interval('day', 'hour'), '1 2', '1 day 02:00:00'],
    [interval('hour'), '-1 day -01:59', '-1 days -01:00:00'],
    [interval('minute', 'second'), '1:30', '00:01:30'],
    [interval('hour', 'minute'), '1:30', '01:30:00'],
    [{ ...interval('second'), precision: 1 } as SqlType, '8.25', '00:00:08.3'],
  ])('%j %s', (type, text, shown) => {
    expect(read(type, text)).toBe(shown);
  });

  test('a value that is fitted twice stays', () => {
    for (const type of [stamp(2), { kind: 'time', precision: 4 } as const, interval('day', 'hour')]) {
      if (!isTimed(type)) throw new Error('a type without time');
      const once = fitTime(
        parseText(
          { kind: type.kind },
          type.kind === 'interval'
            ? '1 day 2:3'
            : '2020-02-03 04:05:06.789123'.slice(type.kind === 'time' ? 11 : 0),
        ),
        type,
      );
      expect(fitTime(once, type)).toEqual(once);
    }
  });
});

test('no work where values cannot change', () => {
  const kept = (from: SqlType, to: SqlType) => isTimed(from) && isTimed(to) && keepsPrecision(from, to);
  expect(kept(stamp(2), stamp(3))).toBe(true);
  expect(kept(stamp(3), { kind: 'timestamp' })).toBe(true);
  expect(kept({ kind: 'timestamp' }, stamp(3))).toBe(false);
  expect(kept(interval('day'), interval('hour'))).toBe(false);
  expect(kept(interval('day'), { kind: 'interval' })).toBe(true);
  expect(resolveCast({ kind: 'timestamp' }, stamp(6), 'explicit')).toBe('same');
  expect(resolveCast({ kind: 'timestamp' }, stamp(5), 'explicit')).toEqual({
    fn: 'cast(timestamp,timestamp)',
  });
});
