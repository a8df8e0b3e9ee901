import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeBinary } from '../../src/master/wire/binary.js';
import { ByteWriter } from '../../src/master/wire/byte-writer.js';
import { formatArray } from '../../src/types/array-text.js';
import { readBinary } from '../../src/types/binary-input.js';
import { type SqlType, typeName } from '../../src/types/sql-type.js';
import { DEFAULT_TEXT_SETTINGS, formatText } from '../../src/types/text-io.js';
import type { Value } from '../../src/types/value.js';

let db: PGlite;

beforeAll(async () => {
  db = await PGlite.create();
  await db.exec("SET timezone = 'UTC'");
});

afterAll(() => db.close());

const plainText = fc.string({ unit: 'grapheme', maxLength: 12 }).map((s) => s.replaceAll('\0', ''));
const scalar: readonly (readonly [SqlType, string, fc.Arbitrary<Value>])[] = [
  [{ kind: 'bool' }, 'boolsend', fc.boolean()],
  [{ kind: 'int2' }, 'int2send', fc.integer({ min: -32768, max: 32767 })],
  [{ kind: 'int4' }, 'int4send', fc.integer()],
  [{ kind: 'int8' }, 'int8send', fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })],
  [{ kind: 'oid' }, 'oidsend', fc.integer({ min: 0, max: 4294967295 })],
  [{ kind: 'float4' }, 'float4send', fc.float()],
  [{ kind: 'float8' }, 'float8send', fc.double()],
  [
    { kind: 'numeric' },
    'numeric_send',
    fc.oneof(
      fc.record({ unscaled: fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }), scale: fc.nat(50) }),
      fc.record({ unscaled: fc.bigInt({ min: -100000n, max: 100000n }), scale: fc.nat(12) }),
      fc.constantFrom({ special: 'NaN' }, { special: 'Infinity' }, { special: '-Infinity' } as const),
    ) as fc.Arbitrary<Value>,
  ],
  [{ kind: 'text' }, 'textsend', plainText],
  [{ kind: 'varchar' }, 'varcharsend', plainText],
  [{ kind: 'bytea' }, 'byteasend', fc.uint8Array({ maxLength: 9 }).map((b) => Uint8Array.from(b))],
  [
    { kind: 'date' },
    'date_send',
    fc.oneof(fc.integer({ min: -2440588, max: 2145031948 }), fc.constantFrom(2147483647, -2147483648)),
  ],
  [{ kind: 'time' }, 'time_send', fc.bigInt({ min: 0n, max: 86_400_000_000n })],
  [
    { kind: 'timestamp' },
    'timestamp_send',
    fc.oneof(
      fc.bigInt({ min: -210866803200000000n, max: 9223371331200000000n - 946684800000000n }),
      fc.constantFrom((1n << 63n) - 1n, -(1n << 63n)),
    ),
  ],
  [{ kind: 'timestamptz' }, 'timestamptz_send', fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n })],
  [
    { kind: 'interval' },
    'interval_send',
    fc.record({
      months: fc.integer({ min: -20000, max: 20000 }),
      days: fc.integer({ min: -99999, max: 99999 }),
      micros: fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }),
    }),
  ],
];

function arrayOf([element, , values]: (typeof scalar)[number]): (typeof scalar)[number] {
  const items = fc.array(fc.option(values, { nil: null, freq: 4 }), { maxLength: 5 });
  const text = (row: readonly Value[]) => row.map((v) => (v === null ? null : formatText(element, v)));
  return [
    { kind: 'array', element },
    'array_send',
    fc.oneof(
      items.map((row): Value => formatArray(text(row))),
      fc
        .tuple(items, fc.nat(2))
        .map(
          ([row, more]): Value =>
            row.length === 0 ? '{}' : formatArray(Array.from({ length: more + 1 }, () => text(row))),
        ),
    ),
  ];
}

const leftOver = () => new Error('left over');
const settings = DEFAULT_TEXT_SETTINGS;

it.each([...scalar, ...scalar.map(arrayOf)].map((c) => [typeName(c[0]), c] as const))(
  '%s is sent as PostgreSQL sends it, and read back',
  async (_, [type, send, values]) => {
    const sample = fc.sample(values, { numRuns: 150, seed: 4711 });
    const ours = sample.map((v) => {
      const w = new ByteWriter(16);
      writeBinary(w, type, v, settings);
      return w.take();
    });
    for (const [i, bytes] of ours.entries())
      expect(formatText(type, readBinary(type, bytes, { settings, leftOver }))).toBe(
        formatText(type, sample[i]!),
      );
    const { rows } = await db.query<{ hex: string }>(
      `SELECT encode(${send}(t::${typeName(type)}), 'hex') AS hex FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n`,
      [sample.map((v) => formatText(type, v))],
    );
    expect(ours.map((b) => b.toString('hex'))).toEqual(rows.map((r) => r.hex));
  },
);
