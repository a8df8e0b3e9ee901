import * as arrow from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildChunk, type FakeValue, readBatch } from '../chunk-fake.js';
import type { Encoding } from '../memory.js';
import { FakePool } from '../memory-fake.js';
import type { SqlType } from '../sql-type.js';
import { decodeBatchMessage, encodeBatchMessage, type MotionColumn } from './batch-message.js';
import { ArrowFileWriter, readArrowFile, readBlock } from './file.js';
import { ArrowFormatError } from './flat-table.js';
import { schemaMessage } from './message.js';
import type { ArrowField } from './schema.js';
import { chunkEncoding, columnOf, fieldOf } from './sql-field.js';

const COLUMNS: readonly MotionColumn[] = [
  { type: { kind: 'bool' } },
  { type: { kind: 'int4' } },
  { type: { kind: 'int8' } },
  { type: { kind: 'numeric', precision: 30, scale: 4 } },
  { type: { kind: 'float8' } },
  { type: { kind: 'float4' } },
  { type: { kind: 'text' } },
  { type: { kind: 'interval' } },
];
const ENCODINGS = COLUMNS.map((c) => chunkEncoding(c.type, c.range));
const VALUES: fc.Arbitrary<FakeValue>[] = [
  fc.integer({ min: 0, max: 1 }),
  fc.integer(),
  fc.bigInt(-(1n << 63n), (1n << 63n) - 1n),
  fc.bigInt(-(1n << 127n), (1n << 127n) - 1n),
  fc.double({ noNaN: true }),
  fc.float({ noNaN: true }),
  fc.string({ unit: 'grapheme' }),
  fc.bigInt(-(1n << 127n), (1n << 127n) - 1n),
];
const ROWS = fc.array(fc.tuple(...VALUES.map((v) => fc.option(v, { nil: null }))), { maxLength: 70 });

describe('batch messages', () => {
  it('round-trip any rows', () => {
    fc.assert(
      fc.property(ROWS, (rows) => {
        const pool = new FakePool(1 << 20);
        const chunk = buildChunk(pool, ENCODINGS, rows);
        const bytes = encodeBatchMessage(chunk, COLUMNS, pool);
        chunk.release();
        const batch = decodeBatchMessage(bytes, COLUMNS, pool);
        expect(batch.rows).toBe(rows.length);
        expect(readBatch(pool, batch.address)).toEqual(rows);
        batch.release();
        expect(pool.blocks.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('carry rows without columns', () => {
    const pool = new FakePool(1 << 16);
    const chunk = { rows: 3, partition: 0, columns: [], release() {} };
    const batch = decodeBatchMessage(encodeBatchMessage(chunk, [], pool), [], pool);
    expect(batch.rows).toBe(3);
  });

  it('are errors when cut short, anywhere', () => {
    const pool = new FakePool(1 << 16);
    const bytes = encodeBatchMessage(
      buildChunk(
        pool,
        ['utf8', 'i32'],
        [
          ['abc', 1],
          [null, 2],
        ],
      ),
      [{ type: { kind: 'text' } }, { type: { kind: 'int4' } }],
      pool,
    );
    const columns: MotionColumn[] = [{ type: { kind: 'text' } }, { type: { kind: 'int4' } }];
    const live = pool.blocks.size;
    for (let n = 0; n < bytes.length; n++)
      expect(() => decodeBatchMessage(bytes.subarray(0, n), columns, pool)).toThrow(ArrowFormatError);
    expect(pool.blocks.size).toBe(live);
  });

  it('never give an address outside of the message, whatever the bytes', () => {
    const pool = new FakePool(1 << 16);
    const columns: MotionColumn[] = [{ type: { kind: 'text' } }, { type: { kind: 'int8' } }];
    const chunk = buildChunk(
      pool,
      ['utf8', 'i64'],
      [
        ['abc', 1n],
        [null, 2n],
        ['défg', null],
      ],
    );
    const good = encodeBatchMessage(chunk, columns, pool);
    chunk.release();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (edits) => {
          const bytes = Uint8Array.from(good);
          for (const [at, value] of edits) bytes[at] = value;
          let batch: ReturnType<typeof decodeBatchMessage>;
          try {
            batch = decodeBatchMessage(bytes, columns, pool);
          } catch (e) {
            if (e instanceof ArrowFormatError) return;
            // A body length that was made huge: the pool refuses before anything is read.
            expect((e as { code?: string }).code).toBe('53200');
            return;
          }
          const block = pool.blocks.get(batch.address)!;
          const d = (batch.address + 16) >>> 2;
          const end = batch.address + block;
          const u32 = pool.u32;
          expect(u32[d]! + u32[d + 5]!).toBeLessThanOrEqual(end);
          expect(u32[d + 2]! + (batch.rows + 1) * 4).toBeLessThanOrEqual(end);
          expect(u32[d + 8]! + batch.rows * 8).toBeLessThanOrEqual(end);
          readBatch(pool, batch.address, true);
          batch.release();
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('are refused for other columns', () => {
    const pool = new FakePool(1 << 16);
    const bytes = encodeBatchMessage(buildChunk(pool, ['i32'], [[1]]), [{ type: { kind: 'int4' } }], pool);
    expect(() => decodeBatchMessage(bytes, [{ type: { kind: 'text' } }], pool)).toThrow(
      /too few buffers|bytes/,
    );
    expect(() => decodeBatchMessage(bytes, [{ type: { kind: 'int8' } }], pool)).toThrow();
    expect(() => decodeBatchMessage(bytes, [], pool)).toThrow(/1 columns/);
  });

  it('are read by apache-arrow', () => {
    const pool = new FakePool(1 << 16);
    const rows: FakeValue[][] = [
      [1, 'snow ☃', 2n ** 40n, 1.5],
      [null, null, null, null],
      [-5, '', -1n, -0.25],
    ];
    const columns: MotionColumn[] = [
      { type: { kind: 'int4' } },
      { type: { kind: 'text' } },
      { type: { kind: 'int8' } },
      { type: { kind: 'float8' } },
    ];
    const chunk = buildChunk(pool, ['i32', 'utf8', 'i64', 'f64'], rows);
    const fields = columns.map((c, i) => fieldOf(`c${i}`, c.type, chunkEncoding(c.type), true, i));
    const stream = Buffer.concat([
      schemaMessage(fields, 0),
      encodeBatchMessage(chunk, columns, pool),
      Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0),
    ]);
    const table = arrow.tableFromIPC(stream);
    expect(table.toArray().map((r) => Object.values(r!.toJSON()))).toEqual(rows);
  });
});

const FIELDS: [SqlType, Encoding][] = [
  [{ kind: 'int4' }, 'i8'],
  [{ kind: 'int8' }, 'i64'],
  [{ kind: 'date' }, 'i32'],
  [{ kind: 'date' }, 'i16'],
  [{ kind: 'time' }, 'i64'],
  [{ kind: 'timestamp' }, 'i64'],
  [{ kind: 'timestamptz' }, 'i64'],
  [{ kind: 'numeric', precision: 30, scale: 2 }, 'i128'],
  [{ kind: 'numeric', precision: 15, scale: 2 }, 'i32'],
  [{ kind: 'numeric' }, 'utf8'],
  [{ kind: 'bytea' }, 'utf8'],
  [{ kind: 'interval' }, 'i128'],
  [{ kind: 'float4' }, 'f32'],
  [{ kind: 'float8' }, 'f64'],
  [{ kind: 'text' }, 'dict16'],
  [{ kind: 'bpchar', length: 10 }, 'dict8'],
];

describe('Arrow files', () => {
  it('keep the SQL type and encoding of every field', () => {
    const fields = FIELDS.map(([t, e], i) => fieldOf(`c${i}`, t, e, i % 2 === 0, i));
    const w = new ArrowFileWriter(fields);
    w.finish();
    const file = readArrowFile(Buffer.concat(w.parts));
    expect(file.fields).toEqual(fields);
    expect(file.fields.map(columnOf).map((c) => [c.type, c.encoding])).toEqual(FIELDS);
    expect(
      arrow.tableFromIPC(Buffer.concat(w.parts)).schema.fields.map((f) => `${f.type}`),
    ).toMatchInlineSnapshot(`
      [
        "Int8",
        "Int64",
        "Date32<DAY>",
        "Int16",
        "Time64<MICROSECOND>",
        "Timestamp<MICROSECOND>",
        "Timestamp<MICROSECOND, UTC>",
        "Decimal[30e+2]",
        "Int32",
        "Binary",
        "Binary",
        "FixedSizeBinary[16]",
        "Float32",
        "Float64",
        "Dictionary<Uint16, Utf8>",
        "Dictionary<Uint8, Utf8>",
      ]
    `);
  });

  it('open in apache-arrow with dictionaries, and bodies are aligned', () => {
    const fields: ArrowField[] = [
      fieldOf('n', { kind: 'int8' }, 'i16', true, 0),
      fieldOf('s', { kind: 'text' }, 'dict8', true, 1),
    ];
    const w = new ArrowFileWriter(fields);
    const text = (s: string) => new TextEncoder().encode(s);
    const i32 = (...v: number[]) => new Uint8Array(Int32Array.from(v).buffer);
    const d = w.dictionary(1, 2, [new Uint8Array(0), i32(0, 2, 5), text('abxyz')]);
    const b = w.batch(
      3,
      [1, 0],
      [
        Uint8Array.of(0b101),
        new Uint8Array(Int16Array.from([300, 0, -2]).buffer),
        new Uint8Array(0),
        Uint8Array.of(1, 0, 1),
      ],
    );
    w.finish();
    const bytes = Buffer.concat(w.parts);
    for (const at of [...d, ...b]) expect(at % 64).toBe(0);
    expect(
      arrow
        .tableFromIPC(bytes)
        .toArray()
        .map((r) => Object.values(r!.toJSON())),
    ).toEqual([
      [300, 'xyz'],
      [null, 'ab'],
      [-2, 'xyz'],
    ]);
    const file = readArrowFile(bytes);
    expect(readBlock(bytes, file.dictionaries[0]!)).toMatchObject({ message: { kind: 'dictionary', id: 1 } });
    expect(readBlock(bytes, file.batches[0]!)).toMatchObject({ message: { batch: { rows: 3 } } });
  });

  it('written by apache-arrow are understood', () => {
    const table = arrow.tableFromArrays({ a: Int32Array.of(1, 2, 3), b: ['x', 'y', 'x'] });
    const bytes = arrow.tableToIPC(table, 'file');
    const file = readArrowFile(bytes);
    expect(file.fields.map((f) => f.name)).toEqual(['a', 'b']);
    expect(file.fields[1]!.dictionary?.bits).toBe(32);
    const { message } = readBlock(bytes, file.batches[0]!);
    expect(message.kind === 'batch' && message.batch.rows).toBe(3);
  });

  it('that are cut or changed are errors, not crashes', () => {
    const w = new ArrowFileWriter([fieldOf('n', { kind: 'int8' }, 'i16', true, 0)]);
    w.batch(1, [0], [new Uint8Array(0), Uint8Array.of(1, 0)]);
    w.finish();
    const good = Buffer.concat(w.parts);
    const open = (bytes: Uint8Array): void => {
      const f = readArrowFile(bytes);
      for (const block of [...f.dictionaries, ...f.batches]) readBlock(bytes, block);
    };
    for (let n = 0; n < good.length; n++) expect(() => open(good.subarray(0, n))).toThrow(ArrowFormatError);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const bytes = Uint8Array.from(good);
        bytes[at] = value;
        try {
          open(bytes);
        } catch (e) {
          expect(e).toBeInstanceOf(ArrowFormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
