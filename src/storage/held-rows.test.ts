/** Encoding by compiled loops from chunks in shared memory gives what encoding in TypeScript gives, bit for bit. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WasmKernels } from '../engine/encode/kernels.js';
import { SharedMemory } from '../engine/runtime/shared-memory.js';
import { chunkEncoding } from '../types/arrow/sql-field.js';
import { buildChunk, type FakeValue } from '../types/chunk-fake.js';
import type { Encoding } from '../types/memory.js';
import type { SqlType } from '../types/sql-type.js';
import { type EncodedColumn, encodeColumn } from './encode-column.js';
import { DICTIONARY } from './encode-kernels.js';
import { HeldRows } from './held-rows.js';
import { StagedColumn } from './staged-column.js';

const memory = SharedMemory.create(64 << 20);
const kernels = new WasmKernels(memory, DICTIONARY);

/** Chunks of one column, each cut in two at `from`: what goes before belongs to another row group. */
function compare(
  type: SqlType,
  floor: Encoding | undefined,
  chunks: readonly (readonly FakeValue[])[],
  skip: number,
  travels: readonly Encoding[] = [chunkEncoding(type)],
) {
  const used = memory.usedBytes;
  const held = new HeldRows(memory, kernels, { bytes: 0 });
  const staged = new StagedColumn(type);
  for (const [i, values] of chunks.entries()) {
    const rows = values.map((v) => [v]);
    const from = Math.min(skip, rows.length - 1);
    const chunk = buildChunk(memory, [travels[i % travels.length]!], rows);
    staged.append(chunk.columns[0]!, memory, from, rows.length - from);
    held.add(chunk, from, rows.length - from, true);
  }
  const expected = encodeColumn(staged, type, floor);
  staged.clear();
  const owned: number[] = [];
  const got = held.encode(0, type, floor, staged, owned);
  const plain = (e: EncodedColumn) => ({
    ...e,
    data: Buffer.from(e.data).toString('hex'),
    offsets: e.offsets && Buffer.from(e.offsets).toString('hex'),
    validity: Buffer.from(e.validity).toString('hex'),
    dictionary: e.dictionary && {
      count: e.dictionary.count,
      offsets: [...e.dictionary.offsets],
      data: Buffer.from(e.dictionary.data).toString('hex'),
    },
  });
  expect(plain(got)).toEqual(plain(expected));
  expect(staged.rows).toBe(0);
  held.clear();
  for (const address of owned) memory.free(address);
  expect(memory.usedBytes).toBe(used);
  return { compiled: owned.length > 0, encoding: got.encoding };
}

const column = (value: fc.Arbitrary<FakeValue>) =>
  fc.array(fc.array(value, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 5 });
const nulls = <T extends FakeValue>(value: fc.Arbitrary<T>): fc.Arbitrary<FakeValue> =>
  fc.oneof(
    { weight: 30, arbitrary: value as fc.Arbitrary<FakeValue> },
    { weight: 1, arbitrary: fc.constant(null) },
  );
const int = (bits: number) =>
  fc.bigInt({ min: -(1n << BigInt(bits - 1)), max: (1n << BigInt(bits - 1)) - 1n });
const wide = fc.oneof(int(4), int(8), int(9), int(16), int(17), int(32), int(33), int(64));
const narrow = fc.oneof(int(4), int(8), int(9), int(16), int(17), int(32)).map(Number);
const strings = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom(
    '',
    'a',
    'b',
    'ab',
    'abc ',
    'abcd',
    'abcde',
    'abcdefg',
    'abcdefgh',
    'abcdefgi',
    'abcdefghi',
  ),
  fc.constantFrom(
    'x'.repeat(40),
    `${'x'.repeat(39)}y`,
    `y${'x'.repeat(39)}`,
    `${'x'.repeat(17)}y${'x'.repeat(22)}`,
  ),
);

const CASES: readonly (readonly [SqlType, fc.Arbitrary<FakeValue>, readonly (Encoding | undefined)[]])[] = [
  [{ kind: 'int8' }, wide as fc.Arbitrary<FakeValue>, [undefined, 'i8', 'i16', 'i32', 'i64']],
  [{ kind: 'int4' }, narrow, [undefined, 'i16', 'i32']],
  [{ kind: 'int2' }, int(16).map(Number), [undefined]],
  [{ kind: 'bool' }, fc.constantFrom(0, 1), [undefined, 'i8']],
  [{ kind: 'date' }, narrow, [undefined, 'i32']],
  [{ kind: 'oid' }, narrow, [undefined]],
  [{ kind: 'numeric', precision: 15, scale: 2 }, wide as fc.Arbitrary<FakeValue>, [undefined, 'i128']],
  [{ kind: 'numeric', precision: 38, scale: 2 }, int(100) as fc.Arbitrary<FakeValue>, [undefined]],
  [{ kind: 'interval' }, int(100) as fc.Arbitrary<FakeValue>, [undefined]],
  [{ kind: 'float8' }, fc.double(), [undefined]],
  [{ kind: 'text' }, strings, [undefined, 'dict8', 'dict16', 'dict32', 'utf8']],
  [{ kind: 'bpchar', length: 8 }, strings.map((s) => s.padEnd(8)), [undefined, 'utf8']],
];

test.each(CASES.map(([type, value, floors]) => ({ type, value, floors })))(
  'columns of $type.kind',
  ({ type, value, floors }) => {
    fc.assert(
      fc.property(
        column(nulls(value)),
        fc.constantFrom(...floors),
        fc.integer({ min: 0, max: 20 }),
        (chunks, floor, skip) => {
          compare(type, floor, chunks, skip);
        },
      ),
      { numRuns: 120 },
    );
  },
);

test('integers that travel in fewer or more bits than their type has', () => {
  const value = nulls(fc.oneof(int(8), int(32), int(31)) as fc.Arbitrary<FakeValue>);
  const types: readonly SqlType[] = [{ kind: 'int8' }, { kind: 'numeric', precision: 38, scale: 2 }];
  fc.assert(
    fc.property(
      column(value),
      fc.constantFrom(...types),
      fc.constantFrom<(Encoding | undefined)[]>(undefined, 'i32', 'i64', 'i128'),
      fc.array(fc.constantFrom<Encoding[]>('i32', 'i64', 'i128'), { minLength: 1, maxLength: 3 }),
      (chunks, type, floor, travels) => {
        compare(type, floor, chunks, 0, travels);
      },
    ),
    { numRuns: 200 },
  );
});

test('the loops are used, and give up where the plain code does', () => {
  const text: SqlType = { kind: 'text' };
  const many = (n: number, f: (i: number) => string) =>
    Array.from({ length: Math.ceil(n / 8192) }, (_, c) =>
      Array.from({ length: Math.min(8192, n - c * 8192) }, (_, i) => f(c * 8192 + i)),
    );
  expect(compare({ kind: 'int8' }, undefined, [[1n, 2n], [300n]], 0)).toEqual({
    compiled: true,
    encoding: 'i16',
  });
  expect(
    compare(
      text,
      undefined,
      many(20_000, (i) => `v${i % 300}`),
      0,
    ),
  ).toEqual({ compiled: true, encoding: 'dict16' });
  expect(
    compare(
      text,
      undefined,
      many(20_000, (i) => `v${i % 256}`),
      3,
    ),
  ).toEqual({ compiled: true, encoding: 'dict8' });
  for (const distinct of [2499, 2500, 2501])
    compare(
      text,
      undefined,
      many(20_000, (i) => `the string number ${i % distinct}`),
      0,
    );
  for (const fresh of [3480, 3481, 3482, 3483, 5000])
    expect(
      compare(
        text,
        undefined,
        many(40_000, (i) => `${i < 5000 ? i % fresh : 0}`),
        0,
      ).compiled,
    ).toBe(true);
  expect(
    compare(
      text,
      undefined,
      many(20_000, (i) => `unique ${i}`),
      1,
    ).encoding,
  ).toBe('utf8');
});

test('without room for the result it is made elsewhere', () => {
  const blocks: number[] = [];
  const chunk = buildChunk(memory, ['utf8'], [['a'], ['b']]);
  for (let bytes = 32 << 20; bytes >= 4096; ) {
    const address = memory.tryAlloc(bytes);
    if (address === 0) bytes /= 2;
    else blocks.push(address);
  }
  const held = new HeldRows(memory, kernels, { bytes: 0 });
  held.add(chunk, 0, 2, true);
  const owned: number[] = [];
  const encoded = held.encode(0, { kind: 'text' }, undefined, new StagedColumn({ kind: 'text' }), owned);
  expect(encoded.encoding).toBe('dict8');
  expect(encoded.dictionary?.count).toBe(2);
  expect(owned).toEqual([]);
  held.clear();
  for (const b of blocks) memory.free(b);
});
