import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareText, compareValues, equalValues } from './compare.js';
import { parseNumeric } from './numeric.js';
import { FLOAT8, INTERVAL, NUMERIC } from './sql-type.js';

test('text orders as its UTF-8 bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
  expect(compareText('\u{1f600}', '\uffee')).toBe(1);
});

test('floats: NaN is greatest and equal to itself, zeros are equal', () => {
  expect(compareValues(FLOAT8, Number.NaN, Infinity)).toBe(1);
  expect(compareValues(FLOAT8, -Infinity, Number.NaN)).toBe(-1);
  expect(equalValues(FLOAT8, Number.NaN, Number.NaN)).toBe(true);
  expect(equalValues(FLOAT8, 0, -0)).toBe(true);
});

test('numerics ignore the display scale', () => {
  expect(equalValues(NUMERIC, parseNumeric('1.0'), parseNumeric('1.000'))).toBe(true);
  expect(compareValues(NUMERIC, parseNumeric('NaN'), parseNumeric('Infinity'))).toBeGreaterThan(0);
  expect(compareValues(NUMERIC, parseNumeric('-1.5'), parseNumeric('-1.49'))).toBe(-1);
});

test('char(n) ignores trailing blanks, intervals normalise', () => {
  expect(equalValues({ kind: 'bpchar', length: 4 }, 'a   ', 'a')).toBe(true);
  expect(equalValues(INTERVAL, { months: 1, days: 0, micros: 0n }, { months: 0, days: 30, micros: 0n })).toBe(
    true,
  );
});
