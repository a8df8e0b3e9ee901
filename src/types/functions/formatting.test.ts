import { afterAll, beforeAll, test } from 'vitest';
import { expectAgreement } from '../../../test/support/agree.js';
import type { Call } from '../../../test/support/function-calls.js';
import { type Oracle, openOracle } from '../../../test/support/postgres-oracle.js';
import { seededRandom } from '../../../test/support/random.js';

let oracle: Oracle;
beforeAll(async () => {
  oracle = await openOracle();
});
afterAll(() => oracle.close());

const NUMBER_FORMATS = [
  '999',
  '9999.99',
  'FM9999.99',
  'FM9999.00',
  '0000.00',
  '9,999,999.99',
  'FM9,999,999',
  'S999',
  '999S',
  'MI999',
  '999MI',
  '999PR',
  'PL999',
  'SG999',
  'L999',
  '999th',
  'FM999TH',
  '99V99',
  'FM0.999',
  'FM.99',
  '.99',
  'B999',
  'RN',
  'FMRN',
  '"x"999',
  '999 "abc"',
  '099',
  '990.00',
  'FM990.0',
  '9G999D99',
  'S9,999.9',
  'FMS999.9',
  '00',
  '9',
  '999D',
  'FM999.',
  'FM9.9',
  'S0.9',
  '9PR',
  'FM999PR',
  'SG9.9',
  '9SG',
  '9PL',
  '0,000.00',
  'FM0,000.009',
  '99,99',
];

test('to_char of numbers agrees with PostgreSQL', async () => {
  const r = seededRandom(41);
  const calls: Call[] = [];
  const numerics = [
    '0',
    '1',
    '-1',
    '0.1',
    '-0.1',
    '12.345',
    '-999.999',
    '1000',
    '1234567.891',
    '0.005',
    '485',
    '-5.5',
    '99.995',
  ];
  for (const format of NUMBER_FORMATS) {
    for (let i = 0; i < 5; i++)
      calls.push({
        fn: 'to_char',
        args: [
          ['numeric', r.pick(numerics)],
          ['text', format],
        ],
      });
    calls.push({
      fn: 'to_char',
      args: [
        ['int4', r.pick(['0', '-12', '485', '1234567', '23'])],
        ['text', format],
      ],
    });
    calls.push({
      fn: 'to_char',
      args: [
        ['float8', r.pick(['0', '-0.1', '12.345', '1e10', '2.5', '-999.999'])],
        ['text', format],
      ],
    });
  }
  calls.push({
    fn: 'to_char',
    args: [
      ['float8', '12345.678'],
      ['text', '9.99EEEE'],
    ],
  });
  await expectAgreement(oracle, calls);
});

test('to_char of times agrees with PostgreSQL', async () => {
  const formats = [
    'YYYY-MM-DD HH24:MI:SS',
    'Day, DD Month YYYY',
    'FMDay, FMDD FMMonth YYYY',
    'DY Dy dy MON Mon mon',
    'HH12:MI:SS AM',
    'HH:MI p.m.',
    'YYY YY Y',
    'Y,YYY',
    'IYYY-IW-ID',
    'IDDD',
    'DDD WW W D',
    'Q',
    'CC',
    'J',
    'RM rm',
    'MS US FF1 FF2 FF3 FF4 FF5 FF6',
    'SSSS SSSSS',
    'TZ tz',
    'TZH:TZM',
    'OF',
    'AD BC',
    'a.d.',
    'DDth',
    'FMDDth',
    'DDTH',
    '"quoted text" YYYY',
    'FMMM/FMDD/YY',
    'HH24MISS',
    'FMHH24:FMMI',
    'DAY',
    'IYY IY I',
    'YYYY BC',
    'Mon FMDDth, YYYY',
    '"a\\"b"YYYY',
    'fmMonth',
    'TMMonth',
  ];
  const times = [
    '2021-03-04 05:06:07.123456',
    '1999-12-31 23:59:59',
    '2024-02-29 12:00:00',
    '0044-03-15 00:00:00 BC',
    '2016-01-01 13:00:00.5',
  ];
  const calls = formats.flatMap((format): Call[] => [
    ...times.map(
      (t): Call => ({
        fn: 'to_char',
        args: [
          ['timestamp', t],
          ['text', format],
        ],
      }),
    ),
    {
      fn: 'to_char',
      args: [
        ['timestamptz', times[0]!],
        ['text', format],
      ],
    },
  ]);
  for (const format of ['HH24:MI:SS', 'DD HH24', 'HH12:MI', 'YYYY MM', 'MS', 'Day'])
    for (const span of ['1 day 26:03:04.5', '-3 hours', '14 mons'])
      calls.push({
        fn: 'to_char',
        args: [
          ['interval', span],
          ['text', format],
        ],
      });
  await expectAgreement(oracle, calls);
});

test('to_date and to_timestamp agree with PostgreSQL', async () => {
  const dates: readonly (readonly [string, string])[] = [
    ['2021-03-04', 'YYYY-MM-DD'],
    ['20210304', 'YYYYMMDD'],
    ['04 Mar 2021', 'DD Mon YYYY'],
    ['4 March 2021', 'DD Month YYYY'],
    ['03/04/21', 'MM/DD/YY'],
    ['2021-063', 'YYYY-DDD'],
    ['2021 10', 'YYYY WW'],
    ['2021-W10-3', 'IYYY-"W"IW-ID'],
    ['2021-13-01', 'YYYY-MM-DD'],
    ['2021-02-30', 'YYYY-MM-DD'],
    ['abc', 'YYYY'],
    ['2021/03/04', 'YYYY-MM-DD'],
    ['2021  03 04', 'YYYY-MM-DD'],
    ['99', 'YY'],
    ['2459000', 'J'],
    ['44 BC', 'YYYY BC'],
    ['Monday 4 Jan 2021', 'Day DD Mon YYYY'],
    ['2021Mar4', 'YYYYMonDD'],
    ['2021-3-4', 'YYYY-MM-DD'],
    ['2021-3-4', 'FXYYYY-MM-DD'],
    ['XII 2020', 'RM YYYY'],
    ['10000-01-01', 'YYYY-MM-DD'],
    ['5 20', 'MM YYYY'],
    ['2021-03-04 junk', 'YYYY-MM-DD'],
  ];
  const times: readonly (readonly [string, string])[] = [
    ['2021-03-04 05:06:07', 'YYYY-MM-DD HH24:MI:SS'],
    ['2021-03-04 05:06 PM', 'YYYY-MM-DD HH12:MI AM'],
    ['2021-03-04 05:06:07.123', 'YYYY-MM-DD HH24:MI:SS.MS'],
    ['2021-03-04 05:06:07.1', 'YYYY-MM-DD HH24:MI:SS.US'],
    ['2021-03-04 13:00', 'YYYY-MM-DD HH12:MI'],
    ['2021-03-04 25:00', 'YYYY-MM-DD HH24:MI'],
    ['2021-03-04 05:06+02', 'YYYY-MM-DD HH24:MITZH'],
    ['2021-03-04 05:06 -03:30', 'YYYY-MM-DD HH24:MI TZH:TZM'],
    ['20210304050607', 'YYYYMMDDHH24MISS'],
    ['2021-03-04T05:06:07Z', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'],
  ];
  const call =
    (fn: string) =>
    ([text, format]: readonly [string, string]): Call => ({
      fn,
      args: [
        ['text', text],
        ['text', format],
      ],
    });
  await expectAgreement(oracle, [...dates.map(call('to_date')), ...times.map(call('to_timestamp'))]);
});

test('to_number agrees with PostgreSQL', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['12,454.8-', '99G999D9S'],
    ['1,234', '9,999'],
    ['-12.5', '99.9'],
    ['12.5', '99.99'],
    ['$1,234.50', 'L9,999.99'],
    ['<12>', '99PR'],
    ['  12', '9999'],
    ['12', '9'],
    ['-5', 'S9'],
    ['5-', '9S'],
    ['5-', '9MI'],
    ['0.5', '9.9'],
    ['1234.5678', '9999.99'],
  ];
  await expectAgreement(
    oracle,
    cases.map(
      ([text, format]): Call => ({
        fn: 'to_number',
        args: [
          ['text', text],
          ['text', format],
        ],
      }),
    ),
  );
});
