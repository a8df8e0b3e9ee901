import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectAgreement } from '../../test/support/agree.js';
import type { Call } from '../../test/support/function-calls.js';
import { type Oracle, openOracle } from '../../test/support/postgres-oracle.js';
import { type Random, seededRandom } from '../../test/support/random.js';
import { applyNumericType, formatNumeric, parseNumeric } from './numeric.js';
import { averageNumeric, varianceNumeric } from './numeric-math.js';

let oracle: Oracle;
beforeAll(async () => {
  oracle = await openOracle();
});
afterAll(() => oracle.close());

const agree = (calls: readonly Call[]): Promise<void> => expectAgreement(oracle, calls);

function numberText(r: Random): string {
  if (r.chance(15)) return r.pick(['0', 'NaN', 'Infinity', '-Infinity', '0.000']);
  const whole = r.chance(6)
    ? `0.${'0'.repeat(r.int(8))}${r.digits(3)}`
    : r.digits(1 + r.int(r.chance(3) ? 25 : 6));
  const fraction = whole.includes('.') || r.chance(3) ? '' : `.${r.digits(1 + r.int(11))}`;
  return (r.chance(3) ? '-' : '') + whole + fraction;
}

test('+ - * / % agree with PostgreSQL, scales and specials included', async () => {
  const r = seededRandom(1);
  await agree(
    Array.from({ length: 600 }, () => ({
      op: r.pick(['+', '-', '*', '/', '%']),
      args: [
        ['numeric', numberText(r)],
        ['numeric', numberText(r)],
      ],
    })),
  );
});

test('roots, logarithms, powers and roundings agree with PostgreSQL', async () => {
  const r = seededRandom(2);
  const calls: Call[] = [];
  for (let i = 0; i < 120; i++) {
    const name = r.pick([
      'sqrt',
      'ln',
      'log',
      'abs',
      'ceil',
      'floor',
      'round',
      'trunc',
      'sign',
      'scale',
      'trim_scale',
    ]);
    calls.push({ fn: name, args: [['numeric', numberText(r)]] });
    calls.push({
      fn: r.pick(['round', 'trunc']),
      args: [
        ['numeric', numberText(r)],
        ['int4', `${r.int(12) - 5}`],
      ],
    });
    calls.push({ fn: 'exp', args: [['numeric', `${r.int(60) - 30}.${r.digits(3)}`]] });
    // Whole exponents are left out: PostgreSQL 16 changed their scale, and 15 is followed here.
    calls.push({
      fn: 'power',
      args: [
        ['numeric', `${r.int(20)}.${r.digits(4)}1`],
        ['numeric', `${r.int(20) - 10}.5${r.digits(2)}1`],
      ],
    });
    calls.push({
      fn: 'log',
      args: [
        ['numeric', `${1 + r.int(20)}.${r.digits(3)}1`],
        ['numeric', `${r.int(20000)}.${r.digits(2)}1`],
      ],
    });
    calls.push({ fn: 'ln', args: [['numeric', `1.${'0'.repeat(r.int(8))}${r.digits(3)}1`]] });
    calls.push({
      fn: r.pick(['div', 'mod']),
      args: [
        ['numeric', numberText(r)],
        ['numeric', numberText(r)],
      ],
    });
  }
  await agree(calls);
});

test('casts between numbers agree with PostgreSQL', async () => {
  const r = seededRandom(3);
  const calls: Call[] = [];
  const types = [
    'int2',
    'int4',
    'int8',
    'float4',
    'float8',
    'numeric',
    'numeric(10,2)',
    'numeric(5,5)',
    'numeric(20,0)',
    'text',
    'bool',
  ];
  const finite = (): string => {
    const text = numberText(r);
    return text === 'NaN' ? '1' : text;
  };
  for (let i = 0; i < 150; i++) {
    calls.push({ cast: r.pick(types), args: [[r.pick(['numeric', 'float8', 'text', 'float4']), finite()]] });
    calls.push({
      cast: r.pick(types),
      args: [[r.pick(['int2', 'int4', 'int8']), `${r.int(60000) - 30000}`]],
    });
    calls.push({
      cast: r.pick(['text', 'float4', 'numeric']),
      args: [['float8', `${r.int(2000) - 1000}.${r.digits(14)}e${r.int(70) - 35}`]],
    });
    calls.push({ cast: 'text', args: [['float4', `${2 ** r.int(100)}`]] });
    calls.push({ cast: 'int4', args: [['float8', `${r.int(100) - 50}.5`]] });
    calls.push({
      cast: 'text',
      args: [['float8', `${BigInt(r.int(1e9)) * BigInt(r.int(1e9)) * 2n ** BigInt(r.int(30))}`]],
    });
  }
  await agree(calls);
});

test('numeric(p,s) overflow carries PostgreSQL’s detail', () => {
  expect(formatNumeric(applyNumericType(parseNumeric('123.455'), 5, 2))).toBe('123.46');
  expect(() => applyNumericType(parseNumeric('999.995'), 5, 2)).toThrow(
    expect.objectContaining({
      code: '22003',
      message: 'numeric field overflow',
      detail: 'A field with precision 5, scale 2 must round to an absolute value less than 10^3.',
    }),
  );
});

test('averages and deviations from sums', async () => {
  const values = ['1.10', '2.25', '7', '-3.333'].map(parseNumeric);
  const list = values.map((v) => `(${formatNumeric(v)})`).join(',');
  const wanted = await oracle.evaluate(
    ['avg', 'var_samp', 'var_pop', 'stddev_samp', 'stddev_pop'].map(
      (f) => `select ${f}(x) from (values ${list}) t(x)`,
    ),
  );
  const sum = parseNumeric('7.017');
  const squares = parseNumeric('66.381389');
  const got = [
    averageNumeric(sum, 4n),
    varianceNumeric(4n, sum, squares, true, false),
    varianceNumeric(4n, sum, squares, false, false),
    varianceNumeric(4n, sum, squares, true, true),
    varianceNumeric(4n, sum, squares, false, true),
  ].map((v) => formatNumeric(v!));
  expect(got).toEqual(wanted);
});
