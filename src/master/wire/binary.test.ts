import { describe, expect, it } from 'vitest';
import { readBinary } from '../../types/binary-input.js';
import { charsetNamed } from '../../types/charset.js';
import { SqlError } from '../../types/sql-error.js';
import { type SqlType, TYPE_INFO, type TypeKind } from '../../types/sql-type.js';
import { DEFAULT_TEXT_SETTINGS, formatText, parseText } from '../../types/text-io.js';
import { writeBinary } from './binary.js';
import { ByteWriter } from './byte-writer.js';
import { typeByOid } from './type-by-oid.js';

/** Type, text, and what PostgreSQL 15's send function makes of it. */
const RECORDED: readonly (readonly [string, string, string])[] = [
  ['bool', 't', '01'],
  ['bool', 'f', '00'],
  ['int2', '-32768', '8000'],
  ['int2', '7', '0007'],
  ['int4', '-2147483648', '80000000'],
  ['int4', '123456', '0001e240'],
  ['int8', '9223372036854775807', '7fffffffffffffff'],
  ['int8', '-5', 'fffffffffffffffb'],
  ['oid', '4294967295', 'ffffffff'],
  ['regtype', 'integer', '00000017'],
  ['regclass', 'pg_class', '000004eb'],
  ['regnamespace', 'pg_catalog', '0000000b'],
  ['float4', '1.1', '3f8ccccd'],
  ['float4', 'NaN', '7fc00000'],
  ['float4', '-Infinity', 'ff800000'],
  ['float8', '-0', '8000000000000000'],
  ['float8', '1e308', '7fe1ccf385ebc8a0'],
  ['float8', 'Infinity', '7ff0000000000000'],
  ['numeric', '0', '0000000000000000'],
  ['numeric', '0.00', '0000000000000002'],
  ['numeric', '12345.678', '0003000100000003000109291a7c'],
  ['numeric', '-0.0001', '0001ffff400000040001'],
  ['numeric', '0.00012', '0002ffff00000005000107d0'],
  ['numeric', '100000000', '00010002000000000001'],
  [
    'numeric',
    '-99999999999999999999999999999999999999.99',
    '000b0009400000020063270f270f270f270f270f270f270f270f270f26ac',
  ],
  ['numeric', 'NaN', '00000000c0000000'],
  ['numeric', 'Infinity', '00000000d0000020'],
  ['numeric', '-Infinity', '00000000f0000020'],
  ['numeric', '1e-20', '0001fffb000000140001'],
  ['numeric', '10000.10000', '00030001000000050001000003e8'],
  ['text', '', ''],
  ['text', 'é€😀', 'c3a9e282acf09f9880'],
  ['varchar', 'abc', '616263'],
  ['bpchar', 'ab ', '616220'],
  ['name', 'pg_class', '70675f636c617373'],
  ['char', 'x', '78'],
  ['char', '', '00'],
  ['bytea', '\\x00ff10', '00ff10'],
  ['bytea', '', ''],
  ['date', '2000-01-01', '00000000'],
  ['date', '1970-01-01', 'ffffd533'],
  ['date', 'infinity', '7fffffff'],
  ['date', '-infinity', '80000000'],
  ['date', '4714-11-24 BC', 'ffda97a7'],
  ['time', '00:00:00', '0000000000000000'],
  ['time', '23:59:59.999999', '000000141dd75fff'],
  ['time', '24:00:00', '000000141dd76000'],
  ['timestamp', '2024-02-29 12:34:56.789', '0002b58341728608'],
  ['timestamp', 'infinity', '7fffffffffffffff'],
  ['timestamp', '1999-12-31 23:59:59.999999', 'ffffffffffffffff'],
  ['timestamptz', '2024-02-29 12:34:56.789+00', '0002b58341728608'],
  ['timestamptz', '-infinity', '8000000000000000'],
  ['interval', '1 year 2 mons -3 days 04:05:06.7', '000000036c966ee0fffffffd0000000e'],
  ['interval', '-1 mons', '000000000000000000000000ffffffff'],
  [
    'int4[]',
    '{1,NULL,-3}',
    '00000001000000010000001700000003000000010000000400000001ffffffff00000004fffffffd',
  ],
  ['int4[]', '{}', '000000000000000000000017'],
  ['int4[]', '[0:1]={5,6}', '000000010000000000000017000000020000000000000004000000050000000400000006'],
  [
    'int4[]',
    '[-2:-1][3:4]={{1,2},{3,4}}',
    '00000002000000000000001700000002fffffffe00000002000000030000000400000001000000040000000200000004000000030000000400000004',
  ],
  [
    'text[]',
    '{{a,"b c"},{"",NULL}}',
    '0000000200000001000000190000000200000001000000020000000100000001610000000362206300000000ffffffff',
  ],
  ['text[]', '{é,"\\"q"}', '000000010000000000000019000000020000000100000002c3a9000000022271'],
  [
    'numeric[]',
    '{1.50,NaN}',
    '0000000100000000000006a400000002000000010000000c0002000000000002000113880000000800000000c0000000',
  ],
  [
    'timestamptz[]',
    '{"2024-02-29 12:00:00+00",NULL}',
    '0000000100000001000004a00000000200000001000000080002b582c4781000ffffffff',
  ],
  ['bool[]', '{t,f}', '000000010000000000000010000000020000000100000001010000000100'],
  ['bytea[]', '{"\\\\x00ff"}', '00000001000000000000001100000001000000010000000200ff'],
  ['date[]', '{2000-01-02}', '00000001000000000000043a00000001000000010000000400000001'],
  ['char[]', '{a,b}', '000000010000000000000012000000020000000100000001610000000162'],
  [
    'interval[]',
    '{"1 day"}',
    '0000000100000000000004a200000001000000010000001000000000000000000000000100000000',
  ],
  [
    'float8[]',
    '{1.5,-Infinity}',
    '0000000100000000000002bd0000000200000001000000083ff800000000000000000008fff0000000000000',
  ],
  ['name[]', '{abc}', '000000010000000000000013000000010000000100000003616263'],
  ['varchar[]', '{x}', '00000001000000000000041300000001000000010000000178'],
  ['bpchar[]', '{"y "}', '0000000100000000000004120000000100000001000000027920'],
  ['oid[]', '{1}', '00000001000000000000001a00000001000000010000000400000001'],
  ['time[]', '{12:00:00}', '00000001000000000000043b0000000100000001000000080000000a0eebb000'],
];

const OIDS: Readonly<Record<string, number>> = { regclass: 1259, regnamespace: 11 };
const leftOver = () => new SqlError('22P03', 'incorrect binary data format in bind parameter 1');

function typeNamed(name: string): SqlType {
  const kind = name.replace('[]', '') as Exclude<TypeKind, 'array'>;
  const { oid, arrayOid } = TYPE_INFO[kind];
  return typeByOid(name.endsWith('[]') ? arrayOid : oid)!;
}

function read(type: SqlType, bytes: Buffer, charset?: string) {
  return readBinary(type, bytes, {
    settings: DEFAULT_TEXT_SETTINGS,
    charset: charset === undefined ? undefined : charsetNamed(charset),
    leftOver,
  });
}

function written(type: SqlType, value: Parameters<typeof writeBinary>[2]): Buffer {
  const w = new ByteWriter(16);
  writeBinary(w, type, value, DEFAULT_TEXT_SETTINGS);
  return w.take();
}

describe('binary formats', () => {
  it.each(RECORDED)('%s %s is as PostgreSQL sends it', (name, text, hex) => {
    const type = typeNamed(name);
    const value = type.kind === 'array' ? text : (OIDS[name] ?? parseText(type, text));
    expect(written(type, value).toString('hex')).toBe(hex);
    const back = read(type, Buffer.from(hex, 'hex'));
    expect(formatText(type, back)).toBe(formatText(type, value));
  });

  it('applies the modifiers of a column', () => {
    const numeric: SqlType = { kind: 'numeric', precision: 5, scale: 1 };
    expect(read(numeric, written(numeric, { unscaled: 1255n, scale: 2 }))).toEqual({
      unscaled: 126n,
      scale: 1,
    });
    expect(read({ kind: 'bpchar', length: 4 }, Buffer.from('é'))).toBe('é   ');
    const fails = (type: SqlType, bytes: Buffer) => code(() => read(type, bytes));
    expect(fails(numeric, written(numeric, { unscaled: 10n ** 9n, scale: 2 }))).toMatch(/^22003/);
    expect(fails({ kind: 'varchar', length: 2 }, Buffer.from('abc'))).toBe(
      '22001 value too long for type character varying(2)',
    );
    expect(read({ kind: 'time', precision: 0 }, Buffer.from('0000000000098968', 'hex'))).toBe(1_000_000n);
  });

  it('converts text, also within arrays', () => {
    expect(read({ kind: 'text' }, Buffer.from('e9', 'hex'), 'LATIN1')).toBe('é');
    const w = new ByteWriter(16, charsetNamed('LATIN1'));
    writeBinary(w, { kind: 'array', element: { kind: 'text' } }, '{é}', DEFAULT_TEXT_SETTINGS);
    const bytes = w.take();
    expect(bytes.toString('hex')).toMatch(/0000000100000001e9$/);
    expect(read({ kind: 'array', element: { kind: 'text' } }, bytes, 'LATIN1')).toBe('{é}');
  });

  /** Errors are PostgreSQL 15's. */
  it.each([
    ['bool', '', '08P01 no data left in message'],
    ['bool', '0101', '22P03 incorrect binary data format in bind parameter 1'],
    ['int4', '000000', '08P01 insufficient data left in message'],
    ['int8', '000000000000000000', '22P03 incorrect binary data format in bind parameter 1'],
    ['float8', '00', '08P01 insufficient data left in message'],
    ['text', 'ff', '22021 invalid byte sequence for encoding "UTF8": 0xff'],
    ['text', '6100', '22021 invalid byte sequence for encoding "UTF8": 0x00'],
    ['name', '61'.repeat(64), '42622 identifier too long'],
    ['char', 'ff', '22021 invalid byte sequence for encoding "UTF8": 0xff'],
    ['numeric', '00', '08P01 insufficient data left in message'],
    ['numeric', '0001000000000000', '08P01 insufficient data left in message'],
    ['numeric', '0000000012340000', '22P03 invalid sign in external "numeric" value'],
    ['numeric', '0000000000004000', '22P03 invalid scale in external "numeric" value'],
    ['numeric', '00010000000000002710', '22P03 invalid digit in external "numeric" value'],
    ['date', '7ffffffe', '22008 date out of range'],
    ['date', '80000001', '22008 date out of range'],
    ['time', 'ffffffffffffffff', '22008 time out of range'],
    ['timestamp', '8000000000000001', '22008 timestamp out of range'],
    ['timestamptz', '7ffffffffffffffe', '22008 timestamp out of range'],
    ['int4[]', 'ffffffff', '22P03 invalid number of dimensions: -1'],
    ['int4[]', '00000007', '54000 number of array dimensions (7) exceeds the maximum allowed (6)'],
    ['int4[]', '0000000100000002', '22P03 invalid array flags'],
    [
      'int4[]',
      '000000010000000000000019',
      '42804 binary data has array element type 25 (text) instead of expected 23 (integer)',
    ],
    ['int4[]', '0000000100000000000000170000000100000001', '08P01 insufficient data left in message'],
    [
      'int4[]',
      '000000010000000000000017000000010000000100000005000000010000',
      '22P03 improper binary format in array element 1',
    ],
    [
      'int4[]',
      '000000010000000000000017000000027fffffff',
      '54000 array lower bound is too large: 2147483647',
    ],
    ['int4[]', '0000000100000000000000170000000100000001fffffffe', '22P03 insufficient data left in message'],
    ['int4[]', '000000010000000000000017ffffffff00000001', /^54000/],
    ['int4[]', '0000000100000000000000177fffffff00000001', /^54000/],
  ] as const)('%s %s fails', (name, hex, error) => {
    const message = code(() => read(typeNamed(name), Buffer.from(hex, 'hex')));
    if (typeof error === 'string') expect(message).toBe(error);
    else expect(message).toMatch(error);
  });
});

function code(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    if (e instanceof SqlError) return `${e.code} ${e.message}`;
    throw e;
  }
  return 'no error';
}
