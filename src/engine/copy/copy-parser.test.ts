import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ColumnarColumn, encodingBytes, encodingOf } from '../../types/columnar.js';
import { type CopyOptions, CSV_COPY, TEXT_COPY } from '../../types/copy-options.js';
import { type CopyColumn, parseCopyBlock } from '../../types/copy-text.js';
import type { FunctionContext } from '../../types/functions/registry-types.js';
import { BATCH_COLUMN_BYTES, BATCH_HEADER_BYTES } from '../../types/memory.js';
import type { SqlType } from '../../types/sql-type.js';
import { SharedMemory } from '../runtime/shared-memory.js';
import { COPY_SLACK_BYTES } from './copy-module.js';
import { CopyParser } from './copy-parser.js';

const memory = SharedMemory.create(64 << 20);
const settings = {
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
} as unknown as FunctionContext;

type Plain = { readonly nulls: string; readonly values: readonly string[] };

function plain(c: ColumnarColumn, rows: number): Plain {
  const isNull = (r: number) => c.validity !== undefined && ((c.validity[r >> 3]! >> (r & 7)) & 1) === 0;
  const width = encodingBytes(c.encoding);
  let nulls = '';
  const values: string[] = [];
  for (let r = 0; r < rows; r++) {
    nulls += isNull(r) ? 'n' : '.';
    const from = c.offsets === undefined ? r * width : c.offsets[r]!;
    const to = c.offsets === undefined ? from + width : c.offsets[r + 1]!;
    values.push(Buffer.from(c.data.slice(from, to)).toString('hex'));
  }
  return { nulls, values };
}

/** What the compiled parser makes of a block; undefined when it declines, 'never' when it will not be built. */
function compiled(text: Buffer, columns: readonly CopyColumn[], options: CopyOptions) {
  const parser = CopyParser.for(memory, columns, options);
  if (parser === undefined) return 'never';
  const at = memory.alloc(text.length + COPY_SLACK_BYTES);
  // Whatever lies behind the text must not matter.
  memory.u8.fill(0x31, at, at + text.length + COPY_SLACK_BYTES);
  memory.u8.set(text, at);
  const batch = parser.parse(at, text.length);
  memory.free(at);
  if (batch === undefined) return undefined;
  const { u8, u32, i32 } = memory;
  const result = columns.map((c, i): Plain => {
    const d = (batch.address + BATCH_HEADER_BYTES + i * BATCH_COLUMN_BYTES) >>> 2;
    const encoding = encodingOf(c.type);
    const offsets =
      encoding === 'utf8' ? i32.slice(u32[d + 2]! >>> 2, (u32[d + 2]! >>> 2) + batch.rows + 1) : undefined;
    const data = u8.slice(u32[d]!, u32[d]! + u32[d + 5]!);
    const validity =
      u32[d + 1] === 0 ? undefined : u8.slice(u32[d + 1]!, u32[d + 1]! + ((batch.rows + 7) >> 3));
    return plain({ encoding, data, offsets, validity }, batch.rows);
  });
  memory.free(batch.address);
  return { rows: batch.rows, columns: result };
}

function interpreted(text: Buffer, columns: readonly CopyColumn[], options: CopyOptions) {
  const rows = parseCopyBlock(new Uint8Array(text), 1, options, columns, { table: 't', settings });
  return { rows: rows.rows, columns: rows.columns.map((c) => plain(c, rows.rows)) };
}

function columnsOf(types: readonly SqlType[]): CopyColumn[] {
  return types.map((type, i) => ({ name: `c${i}`, type }));
}

/** Equal when it accepts; when the other parser throws it must have declined. Says whether it accepted. */
function check(lines: string | Buffer, columns: readonly CopyColumn[], options: CopyOptions): boolean {
  const text = Buffer.from(lines);
  const fast = compiled(text, columns, options);
  if (fast === undefined || fast === 'never') return false;
  expect(fast).toEqual(interpreted(text, columns, options));
  return true;
}

const TYPES: readonly SqlType[] = [
  { kind: 'bool' },
  { kind: 'int2' },
  { kind: 'int4' },
  { kind: 'int8' },
  { kind: 'float4' },
  { kind: 'float8' },
  { kind: 'numeric', precision: 15, scale: 2 },
  { kind: 'numeric', precision: 30, scale: 4 },
  { kind: 'numeric', precision: 5, scale: 0 },
  { kind: 'numeric' },
  { kind: 'date' },
  { kind: 'timestamp' },
  { kind: 'timestamptz' },
  { kind: 'timestamp', precision: 3 },
  { kind: 'timestamptz', precision: 0 },
  { kind: 'text' },
  { kind: 'varchar', length: 5 },
  { kind: 'varchar' },
  { kind: 'bpchar', length: 20 },
  { kind: 'bpchar', length: 3 },
];

const pad = (n: number, w: number) => String(n).padStart(w, '0');
const digits = (max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: max }).map((d) => d.join(''));
const sign = fc.constantFrom('', '', '', '-');
const dates = fc
  .tuple(
    fc.constantFrom(0, 1, 4, 99, 100, 400, 1582, 1899, 1900, 1970, 1999, 2000, 2023, 2024, 9999),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
  )
  .map(([y, m, d]) => `${pad(y, 4)}-${pad(m, 2)}-${pad(d, 2)}`);
const goodDates = fc
  .integer({ min: -719162, max: 2932896 })
  .map((d) => new Date(d * 86_400_000).toISOString().slice(0, 10));
const times = fc
  .tuple(fc.integer({ min: 0, max: 24 }), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }))
  .map((t) => t.map((n) => pad(n, 2)).join(':'));
const stamps = fc
  .tuple(goodDates, times, fc.constantFrom('', '', '.5', '.123456', '.0005', '.1234567', '.'))
  .map(([d, t, f]) => `${d} ${t}${f}`);
const decimals = fc.tuple(sign, digits(10), fc.constantFrom('', '.'), digits(5)).map((p) => p.join(''));
const words = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom(
    '',
    'abc',
    'abc   ',
    'a|b',
    'tab\t',
    'a\\b',
    'x"y',
    '\\.',
    'line\nfeed',
    '\r',
    'éèê',
    '12345',
    '123456',
  ),
);

function field(type: SqlType): fc.Arbitrary<string> {
  switch (type.kind) {
    case 'bool':
      return fc.constantFrom('t', 'f', '1', '0', 't', 'f');
    case 'int2':
      return fc.integer({ min: -32768, max: 32767 }).map(String);
    case 'int4':
      return fc.integer().map(String);
    case 'int8':
      return fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }).map(String);
    case 'float4':
    case 'float8':
      return fc.oneof(
        decimals.filter((d) => /\d/.test(d)),
        fc
          .tuple(
            decimals.filter((d) => /\d/.test(d)),
            fc.integer({ min: -30, max: 30 }),
          )
          .map(([d, e]) => `${d}e${e}`),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
        fc
          .double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })
          .map((x) => String(Math.fround(x))),
      );
    case 'numeric':
      return type.scale === 0
        ? fc.integer({ min: -99999, max: 99999 }).map(String)
        : fc.oneof(
            fc.integer({ min: -1e9, max: 1e9 }).map((n) => (n / 100).toFixed(2)),
            decimals.filter((d) => /\d/.test(d)),
          );
    case 'date':
      return goodDates;
    case 'timestamp':
      return stamps;
    case 'timestamptz':
      return fc
        .tuple(stamps, fc.constantFrom('+00', '-03', '+05:30', '-09:45', 'Z', '+14'))
        .map((p) => p.join(''));
    default:
      return words;
  }
}

function escaped(s: string, options: CopyOptions): string {
  if (options.format === 'csv')
    return /[",\n\r|]/.test(s) || s === options.nullString ? `"${s.replaceAll('"', '""')}"` : s;
  const letters: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
  return s.replace(/[\n\r\t\\|,]/g, (c) => letters[c] ?? `\\${c}`);
}

const OPTIONS: readonly CopyOptions[] = [
  TEXT_COPY,
  { ...TEXT_COPY, delimiter: '|', nullString: '' },
  CSV_COPY,
  { ...CSV_COPY, delimiter: '|', nullString: 'NULL' },
];

const tables = fc
  .tuple(fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 6 }), fc.constantFrom(...OPTIONS))
  .chain(([types, options]) =>
    fc.record({
      types: fc.constant(types),
      options: fc.constant(options),
      rows: fc.array(fc.tuple(...types.map((t) => fc.option(field(t), { freq: 8, nil: undefined }))), {
        minLength: 1,
        maxLength: 20,
      }),
    }),
  );

test('random rows: the columns of the other parser, or declined', () => {
  let accepted = 0;
  let blocks = 0;
  fc.assert(
    fc.property(tables, fc.boolean(), ({ types, options, rows }, newline) => {
      const lines = rows.map((r) =>
        r.map((v) => (v === undefined ? options.nullString : escaped(v, options))).join(options.delimiter),
      );
      blocks++;
      if (check(lines.join('\n') + (newline ? '\n' : ''), columnsOf(types), options)) accepted++;
    }),
    { numRuns: 400 },
  );
  expect(accepted).toBeGreaterThan(blocks / 4);
});

test('random bytes, and lines broken at random: never a wrong value', () => {
  const noise = fc.oneof(
    words,
    decimals,
    dates,
    stamps,
    fc.constantFrom(
      'NaN',
      'infinity',
      '1e5',
      ' 1',
      '1 ',
      '+1',
      '.',
      '-',
      '\\N',
      '""',
      '"',
      '\\',
      '\\x41',
      '\\101',
    ),
  );
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(...OPTIONS),
      fc.array(fc.array(noise, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
      (types, options, rows) => {
        check(rows.map((r) => `${r.join(options.delimiter)}\n`).join(''), columnsOf(types), options);
      },
    ),
    { numRuns: 1500 },
  );
});

test('plain blocks are accepted', () => {
  const types = TYPES.filter((t) => !(t.kind === 'varchar' && t.length === undefined));
  const line =
    't|-5|2147483647|-999999999999999999|0.5|1.5e10|-123.45|99.1234|12345|3.14|2024-02-29|2024-01-01 12:30:45.5|2024-01-01 12:30:45+05:30|1999-01-01 12:30:45.0005|2024-01-01 12:30:45.5Z|some text|abcde|pad me|é\n';
  const options = { ...TEXT_COPY, delimiter: '|' };
  expect(check(line.repeat(100), columnsOf(types), options)).toBe(true);
  expect(check(line.replaceAll('some', 'back\\\\slash\\tand\\|').repeat(9), columnsOf(types), options)).toBe(
    true,
  );
  const csv = { ...CSV_COPY, delimiter: '|' };
  expect(check(line.replaceAll('some text', '"a ""quoted""\nline"').repeat(9), columnsOf(types), csv)).toBe(
    true,
  );
  expect(check('"1"|"-2.50"|"2020-01-01"\n', columnsOf([TYPES[2]!, TYPES[6]!, TYPES[10]!]), csv)).toBe(true);
});

test('errors and the unusual are declined', () => {
  const int: CopyColumn[] = columnsOf([{ kind: 'int4' }, { kind: 'text' }]);
  for (const bad of [
    'x\ta\n',
    '1\n',
    '1\ta\tb\n',
    '2147483648\ta\n',
    '1\ta\r\n',
    '1\t\\x41\n',
    '1\ta\0b\n',
    '\n',
    '+1\ta\n',
  ])
    expect(compiled(Buffer.from(bad), int, TEXT_COPY), JSON.stringify(bad)).toBeUndefined();
  expect(compiled(Buffer.from([49, 9, 0xff, 10]), int, TEXT_COPY)).toBeUndefined();
  const notNull = [{ ...int[0]!, notNull: true }, int[1]!];
  expect(compiled(Buffer.from('\\N\ta\n'), notNull, TEXT_COPY)).toBeUndefined();
  expect(compiled(Buffer.from('1\ta\n'), notNull, TEXT_COPY)).toMatchObject({ rows: 1 });
  expect(compiled(Buffer.from('1'), columnsOf([{ kind: 'interval' }]), TEXT_COPY)).toBe('never');
});

test('tables of many string columns share the room', () => {
  const columns = columnsOf(
    Array.from({ length: 60 }, (_, i) => (i % 7 === 3 ? { kind: 'bpchar', length: 9 } : { kind: 'text' })),
  );
  const line = (wide: number) =>
    `${columns.map((_, i) => (i % 7 === 3 ? 'pad' : 'x'.repeat(i === wide ? 3000 : i))).join('\t')}\n`;
  const before = memory.usedBytes;
  expect(check(line(-1).repeat(200), columns, TEXT_COPY)).toBe(true);
  // One column takes more than its share: declined, and nothing is left behind.
  for (const wide of [0, 28, 58]) expect(check(line(wide).repeat(200), columns, TEXT_COPY)).toBe(false);
  expect(memory.usedBytes).toBe(before);
  memory.check();
});
