import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedMemory } from '../../engine/runtime/shared-memory.js';
import { readBinary } from '../../types/binary-input.js';
import { CSV_COPY, TEXT_COPY } from '../../types/copy-options.js';
import type { SqlType } from '../../types/sql-type.js';
import { DEFAULT_TEXT_SETTINGS, formatText } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';
import { valueBlock } from '../session/rows.js';
import { chunkOf } from '../testing/local-dispatcher.js';
import { writeBinary } from './binary.js';
import { ByteWriter } from './byte-writer.js';
import { encodeCopyLines, encodeDataRows } from './row-encoder.js';

const memory = SharedMemory.create(64 << 20);

const i64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const small = fc.bigInt({ min: -100000n, max: 100000n });
const cases: readonly (readonly [SqlType, fc.Arbitrary<Value>])[] = [
  [{ kind: 'bool' }, fc.boolean()],
  [{ kind: 'int2' }, fc.integer({ min: -32768, max: 32767 })],
  [{ kind: 'int4' }, fc.integer()],
  [{ kind: 'int8' }, fc.oneof(i64, small)],
  [{ kind: 'oid' }, fc.integer({ min: 0, max: 4294967295 })],
  [{ kind: 'float8' }, fc.double()],
  [{ kind: 'float4' }, fc.float()],
  [
    { kind: 'numeric', precision: 18, scale: 2 },
    fc
      .oneof(small, fc.bigInt({ min: 1n - 10n ** 18n, max: 10n ** 18n - 1n }))
      .map((u) => ({ unscaled: u, scale: 2 })),
  ],
  [
    { kind: 'numeric', precision: 38, scale: 6 },
    fc
      .oneof(small, fc.bigInt({ min: 1n - 10n ** 38n, max: 10n ** 38n - 1n }))
      .map((u) => ({ unscaled: u, scale: 6 })),
  ],
  [
    { kind: 'numeric' },
    fc.oneof(
      fc.record({ unscaled: fc.bigInt({ min: -(10n ** 45n), max: 10n ** 45n }), scale: fc.nat(30) }),
      fc.constantFrom({ special: 'NaN' as const }, { special: 'Infinity' as const }),
    ),
  ],
  [
    { kind: 'text' },
    fc.oneof(fc.string({ maxLength: 80 }), fc.constantFrom('é€😀', 'a\tb\nc\\', '"q"', '\\.', '')),
  ],
  [
    { kind: 'date' },
    fc.oneof(
      fc.integer({ min: -700000, max: 2900000 }),
      fc.integer({ min: -2400000, max: 90000000 }),
      fc.constantFrom(2147483647, -2147483648),
    ),
  ],
  [
    { kind: 'timestamp' },
    fc.oneof(
      fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }),
      fc.bigInt({ min: -(10n ** 17n), max: 10n ** 18n }),
      fc.constantFrom((1n << 63n) - 1n, -(1n << 63n), 0n),
    ),
  ],
  [{ kind: 'timestamptz' }, fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n })],
  [{ kind: 'time' }, fc.bigInt({ min: 0n, max: 86_399_999_999n })],
  [
    { kind: 'interval' },
    fc.record({
      months: fc.integer({ min: -999, max: 999 }),
      days: fc.integer({ min: -999, max: 999 }),
      micros: small,
    }),
  ],
  [{ kind: 'bytea' }, fc.uint8Array({ maxLength: 9 }).map((b) => Uint8Array.from(b))],
];
const types = cases.map(([t]) => t);
const row = fc.tuple(...cases.map(([, a]) => fc.option(a, { nil: null, freq: 5 })));

describe('rows from shared memory', () => {
  it('read as the text and binary forms of their values', () => {
    for (const dateStyle of ['ISO, MDY', 'German, DMY']) {
      const settings = { ...DEFAULT_TEXT_SETTINGS, dateStyle, timeZone: 'Europe/Berlin' };
      fc.assert(
        fc.property(
          fc.array(row, { minLength: 1, maxLength: 8 }),
          fc.constantFrom(0 as const, 1 as const),
          (rows, format) => {
            const chunk = chunkOf(types, rows, memory);
            const formats = types.map(() => format);
            const fromChunk = new ByteWriter(16);
            encodeDataRows(fromChunk, chunk, 0, rows.length, types, formats, memory, settings);
            const fromValues = new ByteWriter(16);
            valueBlock(rows, types, settings).dataRows(fromValues, 0, rows.length, formats);
            expect(fromChunk.take().equals(fromValues.take())).toBe(true);
            for (const options of [
              TEXT_COPY,
              CSV_COPY,
              { ...CSV_COPY, delimiter: '-', quote: '1', escape: '1' },
            ]) {
              encodeCopyLines(fromChunk, chunk, types, options, true, memory, settings);
              valueBlock(rows, types, settings).copyLines(fromValues, options, true);
              expect(fromChunk.take().toString()).toBe(fromValues.take().toString());
            }
            chunk.release();
          },
        ),
        { numRuns: 100 },
      );
    }
    expect(memory.usedBytes).toBeLessThan(1 << 20);
  });

  it('binary parameters read back what binary results wrote', () => {
    fc.assert(
      fc.property(row, (values) => {
        for (const [i, v] of values.entries()) {
          if (v === null) continue;
          const w = new ByteWriter(16);
          writeBinary(w, types[i], v, DEFAULT_TEXT_SETTINGS);
          const back = readBinary(types[i], w.take(), {
            settings: DEFAULT_TEXT_SETTINGS,
            leftOver: () => new Error('left over'),
          });
          expect(formatText(types[i], back)).toBe(formatText(types[i], v));
        }
      }),
      { numRuns: 200 },
    );
  });
});
