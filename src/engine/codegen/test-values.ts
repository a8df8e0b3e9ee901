/** Random SQL values for tests: edges first, then the broad middle. */
import fc from 'fast-check';
import type { SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';

const I64_MIN = -(1n << 63n);
const I64_MAX = (1n << 63n) - 1n;

const texts = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a',
    'ab',
    'a ',
    'ä',
    'äöü',
    '日本語',
    '😀x',
    'PROMO BRUSHED',
    'Brand#12',
    '%',
    '_',
    '\\',
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', 'b', ' ', '%', '_', 'ß', '€'), maxLength: 10 }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((s) => s.replaceAll('\u0000', '')),
);

export function anyValue(type: SqlType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean();
    case 'int2':
      return fc.oneof(fc.constantFrom(0, 1, -1, 32767, -32768), fc.integer({ min: -32768, max: 32767 }));
    case 'int4':
      return fc.oneof(
        fc.constantFrom(0, 1, -1, 2147483647, -2147483648, 46341),
        fc.integer({ min: -100, max: 100 }),
        fc.integer(),
      );
    case 'date':
      return fc.oneof(
        fc.constantFrom(0, -1, 59, 60, 10957, 11016, -719468, 2147483647, -2147483648),
        fc.integer({ min: -800_000, max: 800_000 }),
      );
    case 'oid':
      return fc.oneof(fc.constantFrom(0, 1, 4294967295), fc.integer({ min: 0, max: 4294967295 }));
    case 'int8':
      return fc.oneof(
        fc.constantFrom(0n, 1n, -1n, I64_MAX, I64_MIN, 3037000500n, 1n << 32n),
        fc.bigInt({ min: -100n, max: 100n }),
        fc.bigInt({ min: I64_MIN, max: I64_MAX }),
      );
    case 'timestamp':
    case 'timestamptz':
      return fc.oneof(
        fc.constantFrom(0n, -1n, I64_MAX, I64_MIN, 86_400_000_000n),
        fc.bigInt({ min: -70_000_000_000_000_000n, max: 70_000_000_000_000_000n }),
      );
    case 'time':
      return fc.bigInt({ min: 0n, max: 86_399_999_999n });
    case 'float4':
      return fc.oneof(
        fc.constantFrom(0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        fc.float(),
      );
    case 'float8':
      return fc.oneof(
        fc.constantFrom(0, -0, 1, -2.5, 0.5, 1e308, 5e-324, Number.NaN, Infinity, -Infinity),
        fc.double(),
      );
    case 'numeric': {
      if (type.scale === undefined)
        return fc.oneof(
          fc.constantFrom<Value>({ special: 'NaN' }, { special: 'Infinity' }, { special: '-Infinity' }),
          fc.record({
            unscaled: fc.oneof(
              fc.bigInt({ min: -1000n, max: 1000n }),
              fc.bigInt({ min: -(1n << 200n), max: 1n << 200n }),
            ),
            scale: fc.integer({ min: 0, max: 20 }),
          }),
        );
      const scale = type.scale;
      const max = 10n ** BigInt(type.precision ?? 18) - 1n;
      return fc
        .oneof(
          fc.constantFrom(0n, 1n, -1n, max, -max, 10n ** BigInt(scale)),
          fc.bigInt({ min: -max, max }),
          fc.bigInt({ min: -1000n, max: 1000n }),
        )
        .map((n) => ({ unscaled: n > max ? max : n < -max ? -max : n, scale }));
    }
    case 'interval':
      return fc.record({
        months: fc.oneof(fc.constantFrom(0, 1, -1, 2147483647), fc.integer({ min: -1200, max: 1200 })),
        days: fc.oneof(fc.constantFrom(0, 30, -30), fc.integer({ min: -40_000, max: 40_000 })),
        micros: fc.oneof(
          fc.constantFrom(0n, 86_400_000_000n),
          fc.bigInt({ min: -100_000_000_000_000n, max: 100_000_000_000_000n }),
        ),
      });
    case 'char':
      return fc.constantFrom('', 'a', 'Z', ' ');
    case 'bytea':
      return fc.uint8Array({ maxLength: 20 });
    case 'bpchar': {
      const n = type.length;
      if (n === undefined) return texts;
      return texts.map((s) => {
        const c = [...s].slice(0, n);
        return c.join('') + ' '.repeat(n - c.length);
      });
    }
    case 'varchar': {
      const n = type.length;
      return n === undefined ? texts : texts.map((s) => [...s].slice(0, n).join(''));
    }
    default:
      return texts;
  }
}

export function nullable(a: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.oneof({ arbitrary: a, weight: 4 }, { arbitrary: fc.constant(null), weight: 1 });
}
