import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAgreement } from '../../test/support/agree.js';
import type { Call } from '../../test/support/function-calls.js';
import { type Oracle, openOracle } from '../../test/support/postgres-oracle.js';
import { seededRandom } from '../../test/support/random.js';
import { formatFloat4, formatFloat8 } from './float.js';
import type { SqlError } from './sql-error.js';
import { type SqlType, typeOid } from './sql-type.js';
import { formatText, parseText, typeOidByName } from './text-io.js';

let oracle: Oracle;
beforeAll(async () => {
  oracle = await openOracle();
});
afterAll(() => oracle.close());

function errorOf(type: SqlType, text: string): string {
  try {
    parseText(type, text);
  } catch (e) {
    return `${(e as SqlError).code} ${(e as SqlError).message}`;
  }
  return 'accepted';
}

describe('agreement with PostgreSQL', () => {
  test('what each type reads', async () => {
    const texts = [
      '1',
      '1.',
      '.1',
      '1e5',
      '1e-5',
      '-1',
      '+1',
      ' 1 ',
      '1 1',
      '',
      'abc',
      'NaN',
      'nan',
      'inf',
      '-inf',
      'Infinity',
      '1e400',
      '1e-400',
      '1e131071',
      '1e140000',
      '- 1',
      '--1',
      '1.2.3',
      '00012',
      '0.10',
      '1e',
      'e5',
      '.',
      '2147483648',
      '-2147483649',
      '32768',
      '9223372036854775808',
      '-9223372036854775808',
      '12a',
      '99999999999999999999x',
      't',
      'TRUE',
      'tr',
      'yes',
      'y',
      'on',
      'off',
      'of',
      'o',
      'no',
      'n',
      'fals',
      '0',
      '2',
      '  true ',
    ];
    const types = [
      'numeric',
      'int2',
      'int4',
      'int8',
      'float4',
      'float8',
      'bool',
      'varchar(3)',
      'bpchar(3)',
      'text',
    ];
    await expectAgreement(
      oracle,
      texts.flatMap((t) => types.map((type): Call => ({ cast: type, args: [['text', t]] }))),
    );
  });

  test('numeric with precision and scale', async () => {
    const texts = [
      '1',
      '1.005',
      '99.994',
      '99.995',
      '-99.999',
      '100',
      '0.001',
      '1e1',
      '1e-3',
      'abc',
      'Infinity',
    ];
    await expectAgreement(
      oracle,
      texts.flatMap((t) =>
        ['numeric(4,2)', 'numeric(2,0)', 'numeric(3,3)'].map(
          (type): Call => ({ cast: type, args: [['text', t]] }),
        ),
      ),
    );
  });

  test('bytea', async () => {
    const texts = [
      '\\x',
      '\\x0',
      '\\x00ff',
      '\\xzz',
      '\\001',
      '\\\\',
      'a\\',
      '\\x0 0',
      '\\x00 ff',
      'abc',
      'é',
    ];
    await expectAgreement(
      oracle,
      texts.map((t): Call => ({ cast: 'bytea', args: [['text', t]] })),
    );
  });

  test('floats print the shortest text that reads back', async () => {
    const r = seededRandom(21);
    const calls: Call[] = [];
    for (let i = 0; i < 200; i++) {
      calls.push({
        cast: 'text',
        args: [['float8', `${r.int(2e9) - 1e9}.${r.digits(8)}e${r.int(500) - 250}`]],
      });
      calls.push({ cast: 'text', args: [['float4', `${r.int(2e9) - 1e9}e${r.int(50) - 30}`]] });
    }
    for (let e = 0; e < 90; e++) {
      calls.push({ cast: 'text', args: [['float8', `${2 ** e}`]] });
      calls.push({ cast: 'text', args: [['float4', `${2 ** e}`]] });
      calls.push({ cast: 'text', args: [['float8', `1e${e - 45}`]] });
    }
    await expectAgreement(oracle, calls);
  });

  test('array literals', async () => {
    const texts = [
      '{}',
      '{1,2,3}',
      '{a,b,NULL}',
      '{{1,2},{3,4}}',
      '{"a b","c,d"}',
      '{ a , b }',
      '{"NULL",null}',
      '{"q\\"q"}',
    ];
    await expectAgreement(
      oracle,
      texts.map((t): Call => ({ cast: 'text[]', args: [['text', t]] })),
    );
  });
});

test('floats with extra_float_digits', () => {
  expect(formatFloat8(0.1)).toBe('0.1');
  expect(formatFloat8(1e20)).toBe('1e+20');
  expect(formatFloat8(-0)).toBe('-0');
  expect(formatFloat8(1 / 3, 0)).toBe('0.333333333333333');
  expect(formatFloat8(1e15, 0)).toBe('1e+15');
  expect(formatFloat4(Math.fround(1 / 3), 0)).toBe('0.333333');
  expect(formatFloat4(Math.fround(1e6))).toBe('1e+06');
});

test('lengths count characters and only blanks may be cut', () => {
  expect(parseText({ kind: 'varchar', length: 2 }, 'ab   ')).toBe('ab');
  expect(parseText({ kind: 'varchar', length: 2 }, '😀😀')).toBe('😀😀');
  expect(parseText({ kind: 'bpchar', length: 4 }, 'é')).toBe('é   ');
  expect(errorOf({ kind: 'varchar', length: 2 }, 'abc')).toBe(
    '22001 value too long for type character varying(2)',
  );
  expect(errorOf({ kind: 'bpchar', length: 2 }, 'abc')).toBe('22001 value too long for type character(2)');
});

test('names behind oids come from the catalog', () => {
  const catalog = {
    relationName: (oid: number) =>
      oid === 7 ? { schema: 'Other', name: 'my table', visible: false } : undefined,
    relationOid: (name: string) => (name === 't' ? 7 : undefined),
    viewDefinition: () => undefined,
    namespaceName: () => undefined,
    indexDefinition: () => undefined,
    roleName: () => undefined,
    constraintDefinition: () => undefined,
    settings: () => undefined,
  };
  const settings = {
    dateStyle: 'ISO',
    timeZone: 'UTC',
    nowMicros: 0n,
    intervalStyle: 'postgres',
    extraFloatDigits: 1,
    catalog,
  };
  expect(parseText({ kind: 'regclass' }, 't', settings)).toBe(7);
  expect(formatText({ kind: 'regclass' }, 7, settings)).toBe('"Other"."my table"');
  expect(formatText({ kind: 'regclass' }, 9, settings)).toBe('9');
  expect(() => parseText({ kind: 'regclass' }, 'nope', settings)).toThrow('relation "nope" does not exist');
  expect(formatText({ kind: 'regtype' }, 23)).toBe('integer');
  expect(typeOidByName('character varying(10)')).toBe(1043);
  expect(typeOidByName('int4[]')).toBe(typeOid({ kind: 'array', element: { kind: 'int4' } }));
});
