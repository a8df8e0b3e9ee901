import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnValue, rowsToColumns } from './columnar.js';
import { formatCopyRow } from './copy-format.js';
import { type CopyOptions, CSV_COPY, TEXT_COPY } from './copy-options.js';
import { type CopyColumn, parseCopyBlock } from './copy-text.js';
import type { FunctionContext } from './functions/registry-types.js';
import { SqlError } from './sql-error.js';
import type { SqlType } from './sql-type.js';
import { formatText } from './text-io.js';
import type { Value } from './value.js';

const settings: FunctionContext = {
  nowMicros: 0n,
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
  user: 'u',
  database: 'd',
  searchPath: ['public'],
};
const context = { table: 't', settings };
const int4: SqlType = { kind: 'int4' };
const text: SqlType = { kind: 'text' };

function parse(input: string | Uint8Array, options: CopyOptions, columns: CopyColumn[]) {
  return parseCopyBlock(Buffer.from(input as string), 1, options, columns, context);
}

function strings(c: { data: Uint8Array; offsets: Int32Array | undefined; validity: Uint8Array | undefined }) {
  const out: (string | null)[] = [];
  for (let i = 0; i + 1 < c.offsets!.length; i++) {
    const present = c.validity === undefined || ((c.validity[i >> 3] >> (i & 7)) & 1) === 1;
    out.push(present ? Buffer.from(c.data.subarray(c.offsets![i], c.offsets![i + 1])).toString() : null);
  }
  return out;
}

const ab: CopyColumn[] = [
  { name: 'a', type: int4 },
  { name: 'b', type: text },
];

function failure(f: () => unknown): { code: string; message: string; where: string | undefined } {
  try {
    f();
  } catch (e) {
    const { code, message, where } = e as { code: string; message: string; where: string | undefined };
    return { code, message, where };
  }
  throw new Error('expected a failure');
}

describe('text format', () => {
  it('refuses escapes that make what is no text', () => {
    const tried = (value: string) => failure(() => parse(`1\ta\n2\t${value}\n`, TEXT_COPY, ab));
    const refused = (shown: string, value: string) => ({
      code: '22021',
      message: `invalid byte sequence for encoding "UTF8": ${shown}`,
      where: `COPY t, line 2: "2\t${value}"`,
    });
    expect(tried('b\\xff')).toEqual(refused('0xff', 'b\\xff'));
    expect(tried('b\\0c')).toEqual(refused('0x00', 'b\\0c'));
    expect(strings(parse('1\t\\xc3\\244\n', TEXT_COPY, ab).columns[1])).toEqual(['ä']);
  });

  it('splits, unescapes and finds NULLs', () => {
    const r = parse('1\tx\n2\t\\N\n\\N\ta\\tb\\\\\\nc\\x41\\101\n', TEXT_COPY, ab);
    expect(r.rows).toBe(3);
    expect(strings(r.columns[1])).toEqual(['x', null, 'a\tb\\\ncAA']);
    expect([...new Int32Array(r.columns[0].data.buffer)]).toEqual([1, 2, 0]);
    expect((r.columns[0].validity ?? [])[0] & 7).toBe(3);
  });

  it('takes CRLF lines and a last line without an end', () => {
    expect(strings(parse('1\tx\r\n2\ty\r\n3\tz', TEXT_COPY, ab).columns[1])).toEqual(['x', 'y', 'z']);
  });

  it('reports faults as PostgreSQL does', () => {
    expect(failure(() => parse('1\tx\nabc\ty\n', TEXT_COPY, ab))).toEqual({
      code: '22P02',
      message: 'invalid input syntax for type integer: "abc"',
      where: 'COPY t, line 2, column a: "abc"',
    });
    expect(failure(() => parse('1\tx\n2\n', TEXT_COPY, ab))).toEqual({
      code: '22P04',
      message: 'missing data for column "b"',
      where: 'COPY t, line 2: "2"',
    });
    expect(failure(() => parse('1\tx\ty\n', TEXT_COPY, ab))).toEqual({
      code: '22P04',
      message: 'extra data after last expected column',
      where: 'COPY t, line 1: "1\tx\ty"',
    });
    // The column before the missing one is read first.
    expect(failure(() => parse('1\tx\nzz\n', TEXT_COPY, ab)).where).toBe('COPY t, line 2, column a: "zz"');
    expect(failure(() => parse('1\tx\n99999999999\ty\n', TEXT_COPY, ab)).code).toBe('22003');
    expect(failure(() => parse(Buffer.from([49, 9, 0xff, 10]), TEXT_COPY, ab))).toEqual({
      code: '22021',
      message: 'invalid byte sequence for encoding "UTF8": 0xff',
      where: 'COPY t, line 1',
    });
    expect(
      failure(() => parse('1\t\\N\n', TEXT_COPY, [ab[0], { name: 'b', type: text, notNull: true }])),
    ).toEqual({
      code: '23502',
      message: 'null value in column "b" of relation "t" violates not-null constraint',
      where: 'COPY t, line 1: "1\t\\N"',
    });
  });

  it('pads and checks char and varchar by characters', () => {
    const columns: CopyColumn[] = [
      { name: 'c', type: { kind: 'bpchar', length: 3 } },
      { name: 'v', type: { kind: 'varchar', length: 2 } },
    ];
    const r = parse('a\té€\n€€€  \tab   \n', TEXT_COPY, columns);
    expect(strings(r.columns[0])).toEqual(['a  ', '€€€']);
    expect(strings(r.columns[1])).toEqual(['é€', 'ab']);
    expect(failure(() => parse('a\tabc\n', TEXT_COPY, columns))).toMatchObject({
      code: '22001',
      message: 'value too long for type character varying(2)',
      where: 'COPY t, line 1, column v: "abc"',
    });
  });
});

describe('a filter', () => {
  const needed: CopyColumn[] = [ab[0], { name: 'b', type: text, notNull: true }];
  const filtered = (input: string, canFail: boolean, keeps: (a: Value) => boolean) =>
    parseCopyBlock(Buffer.from(input), 1, TEXT_COPY, needed, context, {
      canFail,
      keeps: (columns, row) => keeps(columnValue(int4, columns[0], row)),
    });

  it('leaves no row out, but errors count only in rows that are kept', () => {
    expect(filtered('1\tx\n2\t\\N\n', false, (a) => a === 1).rows).toBe(2);
    expect(failure(() => filtered('1\tx\n2\t\\N\n', false, (a) => a === 2))).toMatchObject({
      code: '23502',
      where: 'COPY t, line 2: "2\t\\N"',
    });
  });

  it('fails at the first row in error, whatever the error', () => {
    const seven = (a: Value): boolean => {
      if (a === 7) throw new SqlError('22012', 'division by zero');
      return a !== 1;
    };
    const at = (input: string) => failure(() => filtered(input, true, seven));
    expect(at('1\t\\N\n7\tx\n')).toEqual({
      code: '22012',
      message: 'division by zero',
      where: 'COPY t, line 2: "7\tx"',
    });
    expect(at('2\t\\N\n7\tx\n').code).toBe('23502');
    expect(at('7\tx\nz\tx\n').code).toBe('22012');
    expect(at('z\tx\n7\tx\n').code).toBe('22P02');
    expect(at('1\t\\N\nz\tx\n')).toMatchObject({ code: '22P02', where: 'COPY t, line 2, column a: "z"' });
    expect(at('7\tx\n1\n').code).toBe('22012');
    expect(at('3\tx\n1\n').code).toBe('22P04');
  });

  it('reads every kind of value', () => {
    const values: readonly (readonly [SqlType, string])[] = [
      [{ kind: 'bool' }, 't'],
      [{ kind: 'int2' }, '-5'],
      [{ kind: 'int8' }, '9007199254740993'],
      [{ kind: 'float4' }, '0.5'],
      [{ kind: 'float8' }, '-1e+300'],
      [{ kind: 'numeric' }, '1.500'],
      [{ kind: 'numeric', precision: 10, scale: 2 }, '-1.50'],
      [{ kind: 'numeric', precision: 30, scale: 2 }, '-12345678901234567890.50'],
      [{ kind: 'date' }, '2020-02-29'],
      [{ kind: 'timestamp' }, '2020-02-29 01:02:03.456'],
      [{ kind: 'interval' }, '1 mon 2 days -00:00:01'],
      [text, 'é'],
    ];
    const columns = values.map(([type], i): CopyColumn => ({ name: `c${i}`, type }));
    const line = values.map(([, v]) => v).join('\t');
    const r = parse(`${columns.map(() => '\\N').join('\t')}\n${line}\n`, TEXT_COPY, columns);
    values.forEach(([type, v], i) => {
      expect(columnValue(type, r.columns[i], 0)).toBe(null);
      expect(formatText(type, columnValue(type, r.columns[i], 1) as Value)).toBe(v);
    });
  });
});

describe('CSV', () => {
  it('takes quotes, doubled quotes, embedded newlines; quoted empty is not NULL', () => {
    const r = parse('1,"a ""b"", c"\n2,"two\nlines"\n3,\n4,""\n5,x"y,"z\n', CSV_COPY, ab);
    expect(strings(r.columns[1])).toEqual(['a "b", c', 'two\nlines', null, '', 'xy,z']);
  });

  it('counts physical lines', () => {
    expect(failure(() => parse('1,"two\nlines"\nx,y\n', CSV_COPY, ab)).where).toBe(
      'COPY t, line 3, column a: "x"',
    );
    expect(failure(() => parse('1,"open\n', CSV_COPY, ab))).toMatchObject({
      code: '22P04',
      message: 'unterminated CSV quoted field',
    });
  });
});

const types: SqlType[] = [
  { kind: 'bool' },
  { kind: 'int2' },
  int4,
  { kind: 'int8' },
  { kind: 'float8' },
  { kind: 'numeric', precision: 15, scale: 2 },
  { kind: 'numeric', precision: 30, scale: 4 },
  { kind: 'numeric' },
  text,
  { kind: 'varchar', length: 20 },
  { kind: 'date' },
  { kind: 'timestamp' },
  { kind: 'time' },
  { kind: 'interval' },
  { kind: 'bytea' },
];

function arbitrary(type: SqlType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean();
    case 'int2':
      return fc.integer({ min: -32768, max: 32767 });
    case 'int4':
      return fc.integer();
    case 'int8':
      return fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
    case 'float8':
      return fc.double();
    case 'numeric':
      return type.precision === undefined
        ? fc.record({ unscaled: fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), scale: fc.nat(20) })
        : fc
            .bigInt({ min: 1n - 10n ** BigInt(type.precision), max: 10n ** BigInt(type.precision) - 1n })
            .map((unscaled) => ({ unscaled, scale: type.scale! }));
    case 'date':
      return fc.integer({ min: -700000, max: 900000 });
    case 'timestamp':
      return fc.bigInt({ min: -60_000_000_000_000_000n, max: 60_000_000_000_000_000n });
    case 'time':
      return fc.bigInt({ min: 0n, max: 86_399_999_999n });
    case 'interval':
      return fc
        .record({
          months: fc.nat(500),
          days: fc.nat(500),
          micros: fc.bigInt({ min: 0n, max: 86_000_000_000n }),
        })
        .map((i) => i);
    case 'bytea':
      return fc.uint8Array({ maxLength: 8 }).map((b) => Uint8Array.from(b));
    default:
      return fc.oneof(
        fc.string({ unit: 'binary', maxLength: 12 }).map((s) => s.replaceAll('\0', '')),
        fc.constantFrom('', '\\N', '\\.', ' a ', '"', '""', 'a,b', 'x\ny', '\r\n', '\\', '\t|', 'é€😀', "'"),
      );
  }
}

const optionSets: CopyOptions[] = [
  TEXT_COPY,
  { ...TEXT_COPY, delimiter: '|', nullString: '' },
  CSV_COPY,
  { ...CSV_COPY, delimiter: ';', nullString: 'NULL', quote: "'", escape: '\\' },
  { ...CSV_COPY, forceQuote: 'all' },
];

describe('round trip', () => {
  it('what COPY TO writes, COPY FROM reads back', () => {
    const row = fc.tuple(...types.map((t) => fc.option(arbitrary(t), { nil: null, freq: 6 })));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), fc.constantFrom(...optionSets), (rows, options) => {
        // An empty string and NULL are the same in text format when NULL is ''.
        const clean = rows.map((r) =>
          r.map((v) => (options.format === 'text' && options.nullString === '' && v === '' ? null : v)),
        );
        const out = clean.map((r) =>
          formatCopyRow(
            r.map((v, i) => (v === null ? null : formatText(types[i], v, settings))),
            options,
          ),
        );
        const columns = types.map((type, i) => ({ name: `c${i}`, type }));
        const parsed = parse(out.join(''), options, columns);
        const expected = rowsToColumns(types, clean);
        expect(parsed.rows).toBe(clean.length);
        for (const [i, c] of parsed.columns.entries()) {
          const e = expected.columns[i];
          const validity = (v: Uint8Array | undefined) =>
            Array.from({ length: clean.length }, (_, k) =>
              v === undefined ? 1 : (v[k >> 3] >> (k & 7)) & 1,
            );
          expect(validity(c.validity)).toEqual(validity(e.validity));
          if (c.offsets !== undefined) expect([...c.offsets]).toEqual([...e.offsets!]);
          expect(Buffer.from(c.data).equals(Buffer.from(e.data)), `column ${i}`).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
