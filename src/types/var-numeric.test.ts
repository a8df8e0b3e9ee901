import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareNumeric, multiplyNumeric, parseNumeric } from './numeric.js';
import type { Numeric } from './value.js';
import { compareVarNumeric, decodeVarNumeric, encodeVarNumeric, normaliseVarNumeric } from './var-numeric.js';

const numeric: fc.Arbitrary<Numeric> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ unscaled: fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), scale: fc.nat(40) }),
  },
  { weight: 8, arbitrary: fc.record({ unscaled: fc.bigInt({ min: -1000n, max: 1000n }), scale: fc.nat(4) }) },
  fc.constantFrom<Numeric>({ special: 'NaN' }, { special: 'Infinity' }, { special: '-Infinity' }),
);

test('bytes read back as the same value', () => {
  fc.assert(
    fc.property(numeric, (v) => {
      expect(decodeVarNumeric(encodeVarNumeric(v))).toEqual(v);
    }),
  );
});

test('the layout', () => {
  expect([...encodeVarNumeric(parseNumeric('0.00'))]).toEqual([0, 2, 0]);
  expect([...encodeVarNumeric(parseNumeric('-2.58'))]).toEqual([1, 2, 0, 2, 1]);
  expect([...encodeVarNumeric({ special: '-Infinity' })]).toEqual([4, 0, 0]);
});

test('bytes order as values do', () => {
  fc.assert(
    fc.property(numeric, numeric, (a, b) => {
      const bytes = compareVarNumeric(encodeVarNumeric(a), encodeVarNumeric(b));
      expect(Math.sign(bytes)).toBe(Math.sign(compareNumeric(a, b)));
    }),
  );
});

test('equal values have one normal form', () => {
  fc.assert(
    fc.property(numeric, fc.nat(10), (v, extra) => {
      const padded = multiplyNumeric(v, { unscaled: 10n ** BigInt(extra), scale: extra });
      expect(normaliseVarNumeric(encodeVarNumeric(padded))).toEqual(normaliseVarNumeric(encodeVarNumeric(v)));
    }),
  );
});
