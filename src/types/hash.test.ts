import { describe, expect, test } from 'vitest';
import {
  combineHash,
  fmix32,
  hashBigInt,
  hashBytes,
  hashFloat,
  hashInt,
  hashRow,
  hashText,
  hashValue,
  NULL_HASH,
  segmentOfHash,
} from './hash.js';
import { parseNumeric } from './numeric.js';
import { INT4, INT8, NUMERIC, TEXT } from './sql-type.js';
import { encodeVarNumeric, hashVarNumeric } from './var-numeric.js';

const hex = (h: number): string => (h >>> 0).toString(16).padStart(8, '0');
const numericHash = (text: string): string => hex(hashValue(NUMERIC, parseNumeric(text)));

/** These vectors are part of the disk format: generated code and every later version must agree with them. */
describe('vectors that never change', () => {
  test('murmur3_x86_32 over bytes, seed 0', () => {
    expect(hex(hashText(''))).toBe('00000000');
    expect(hex(hashText('hello'))).toBe('248bfa47');
    expect(hex(hashText('hello, world'))).toBe('149bbb7f');
    expect(hex(hashText('The quick brown fox jumps over the lazy dog'))).toBe('2e4ff723');
    expect(hex(hashBytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff)))).toBe('76293b50');
    expect(hex(hashBytes(Uint8Array.of(0x21, 0x43, 0x65, 0x87)))).toBe('f55b516b');
    expect(hex(hashBytes(Uint8Array.of(0x21, 0x43, 0x65)))).toBe('7e4a8634');
  });

  test('integers', () => {
    expect(hex(hashInt(0))).toBe('00000000');
    expect(hex(hashInt(1))).toBe('514e28b7');
    expect(hex(hashInt(-1))).toBe('81f16f39');
    expect(hex(hashInt(4294967295))).toBe(hex(hashBigInt(4294967295n)));
    expect(hex(hashBigInt(123456789012345n))).toBe(HASH_123456789012345);
  });

  test('numerics', () => {
    expect(numericHash('0')).toBe('00000000');
    expect(numericHash('1')).toBe(hex(fmix32(1)));
    expect(numericHash('100')).toBe(hex(fmix32(1) ^ fmix32(-2)));
    expect(numericHash('0.05')).toBe(hex(fmix32(5) ^ fmix32(2)));
  });

  test('rows and NULL', () => {
    expect(hex(NULL_HASH)).toBe('9e3779b9');
    expect(hex(hashRow([INT4], [1]))).toBe(hex(fmix32(fmix32(1))));
    expect(hashRow([INT4, TEXT], [1, null])).toBe(combineHash(combineHash(0, hashInt(1)), NULL_HASH));
    expect(segmentOfHash(-1, 7)).toBe(4294967295 % 7);
  });
});

const HASH_123456789012345 = hex(fmix32(-2045911175 ^ fmix32(28744 ^ -1)));

test('equal values hash equal', () => {
  for (const [a, b] of [
    ['1.0', '1'],
    ['100', '1e2'],
    ['0.00', '0'],
    ['-2.50', '-2.5'],
    ['1e60', '1000e57'],
  ] as const)
    expect(numericHash(a)).toBe(numericHash(b));
  expect(hashFloat(-0)).toBe(hashFloat(0));
  for (const v of [0, 1, -1, 2147483647, -2147483648])
    expect(hashValue(INT4, v)).toBe(hashValue(INT8, BigInt(v)));
  expect(hashValue({ kind: 'bpchar', length: 5 }, 'ab   ')).toBe(hashValue({ kind: 'bpchar' }, 'ab'));
  expect(hashValue({ kind: 'interval' }, { months: 1, days: 0, micros: 0n })).toBe(
    hashValue({ kind: 'interval' }, { months: 0, days: 29, micros: 86_400_000_000n }),
  );
});

test('the byte form of a numeric hashes as its value', () => {
  for (const t of ['0', '1.50', '-12345678901234567890.123', '1e50', 'NaN', 'Infinity'])
    expect(hashVarNumeric(encodeVarNumeric(parseNumeric(t)))).toBe(hashValue(NUMERIC, parseNumeric(t)));
});

test('consecutive keys spread evenly over segments', () => {
  const counts = [0, 0, 0, 0, 0];
  for (let k = 0; k < 100_000; k++) counts[segmentOfHash(hashRow([INT4], [k]), 5)]!++;
  for (const c of counts) expect(Math.abs(c - 20_000)).toBeLessThan(600);
});
