/** Dictionaries and zone maps of strings against a plain computation. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnsToBatch, rowsToColumns } from '../types/columnar.js';
import { FakePool } from '../types/memory-fake.js';
import { encodeColumn } from './encode-column.js';
import { ZONE_PREFIX_BYTES } from './row-group.js';
import { buildRowGroupFile } from './row-group-file.js';
import { StagedColumn } from './staged-column.js';

const memory = new FakePool(16 << 20);
const text = { kind: 'text' } as const;

function encode(values: readonly (string | null)[], floor?: 'utf8') {
  const batch = columnsToBatch(
    rowsToColumns(
      [text],
      values.map((v) => [v]),
    ),
    memory,
  );
  const d = (batch.address + 16) >>> 2;
  const [data, validity, offsets, , , dataBytes] = memory.u32.subarray(d, d + 6);
  const staged = new StagedColumn({ kind: 'text' });
  const column = {
    encoding: 'utf8',
    data: data!,
    dataBytes: dataBytes!,
    validity: validity!,
    offsets: offsets!,
  } as const;
  staged.append(column, memory, 0, values.length);
  batch.release();
  return encodeColumn(staged, text, floor);
}

const words = fc.array(
  fc.option(
    fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        '',
        'a',
        'abc',
        'abcd',
        'abcde',
        'abcdf',
        'abce',
        'zzzz',
        'zzzzz',
        'zzz',
        'x'.repeat(40),
      ),
    ),
    { freq: 6, nil: null },
  ),
  { minLength: 1, maxLength: 60 },
);

test('codes lead back to the strings; bounds are the least and the greatest', () => {
  fc.assert(
    fc.property(words, (values) => {
      const encoded = encode(values);
      const dictionary = encoded.dictionary!;
      values.forEach((v, row) => {
        if (v === null) return;
        const code = encoded.data[row]!;
        const bytes = dictionary.data.subarray(dictionary.offsets[code]!, dictionary.offsets[code + 1]!);
        expect(Buffer.from(bytes).toString()).toBe(v);
      });
      const distinct = new Set(values.filter((v) => v !== null));
      expect(dictionary.count).toBe(Math.max(1, distinct.size));
      const sorted = [...distinct].map((v) => Buffer.from(v)).sort(Buffer.compare);
      for (const { zone } of [encoded, encode(values, 'utf8')]) {
        if (sorted.length === 0) expect(zone).toBeUndefined();
        else {
          const cut = (b: Buffer) => new Uint8Array(b.subarray(0, ZONE_PREFIX_BYTES));
          expect(zone).toMatchObject({ kind: 'bytes', min: cut(sorted[0]!), max: cut(sorted.at(-1)!) });
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('checksums are those of the bytes in the file, empty buffers or not', () => {
  for (const values of [[''], [null], ['a', null], ['', 'b']]) {
    const column = { name: 's', type: text, notNull: false };
    const file = buildRowGroupFile([column], [encode(values)], values.length);
    const bytes = Buffer.concat(file.parts);
    for (const region of [file.columns[0]!.region, file.columns[0]!.dictionary!])
      expect(crc32(bytes.subarray(region.at, region.at + region.bytes))).toBe(region.crc);
  }
});
