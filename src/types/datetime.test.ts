import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAgreement } from '../../test/support/agree.js';
import { type Arg, type Call, evaluate, TEST_CONTEXT } from '../../test/support/function-calls.js';
import { type Oracle, openOracle } from '../../test/support/postgres-oracle.js';
import { type Random, seededRandom } from '../../test/support/random.js';
import { formatDate, formatTimestamp, formatTimestampTz, parseDateStyle, zoneNamed } from './datetime.js';
import { parseDate, parseTimestamp, parseTimestampTz } from './datetime-parse.js';
import { formatInterval, parseInterval } from './interval.js';
import { timeZoneSetting } from './time-zone.js';

const ZONE = 'America/New_York';
let utc: Oracle;
beforeAll(async () => {
  utc = await openOracle();
});
afterAll(() => utc.close());

const two = (n: number): string => `${n}`.padStart(2, '0');
function dateText(r: Random): string {
  const year = r.chance(10) ? 1 + r.int(9998) : 1900 + r.int(200);
  return `${`${year}`.padStart(4, '0')}-${two(1 + r.int(12))}-${two(1 + r.int(28))}${r.chance(40) ? ' BC' : ''}`;
}
const timeText = (r: Random): string =>
  `${two(r.int(24))}:${two(r.int(60))}:${two(r.int(60))}${r.chance(2) ? '' : `.${r.digits(6)}`}`;
function timestampText(r: Random): string {
  const date = dateText(r);
  return date.endsWith(' BC') ? `${date.slice(0, -3)} ${timeText(r)} BC` : `${date} ${timeText(r)}`;
}
function intervalText(r: Random): string {
  const n = (): string => `${r.int(40) - 15}`;
  const parts = ['years', 'mons', 'days'].filter(() => r.chance(2)).map((unit) => `${n()} ${unit}`);
  if (r.chance(2)) parts.push((r.chance(2) ? '-' : '') + timeText(r));
  return parts.join(' ') || '1 day';
}
function value(r: Random, type: string): Arg {
  const text = { date: dateText, time: timeText, interval: intervalText }[type] ?? timestampText;
  return [type, text(r)];
}

const FIELDS = [
  'year',
  'month',
  'day',
  'hour',
  'minute',
  'second',
  'milliseconds',
  'microseconds',
  'quarter',
  'week',
  'isoyear',
  'dow',
  'isodow',
  'doy',
  'decade',
  'century',
  'millennium',
  'epoch',
  'julian',
];

describe('agreement with PostgreSQL', () => {
  test('fields of timestamps', async () => {
    const r = seededRandom(11);
    const calls: Call[] = [];
    for (let i = 0; i < 400; i++)
      calls.push({
        fn: 'date_part',
        args: [['text', r.pick(FIELDS)], value(r, r.pick(['timestamp', 'timestamptz']))],
      });
    for (const field of ['hour', 'minute', 'second', 'epoch', 'milliseconds'])
      calls.push({ fn: 'date_part', args: [['text', field], value(r, 'time')] });
    for (const field of ['year', 'month', 'day', 'hour', 'minute', 'second', 'epoch', 'decade', 'century'])
      for (let i = 0; i < 10; i++)
        calls.push({ fn: 'date_part', args: [['text', field], value(r, 'interval')] });
    await expectAgreement(utc, calls);
  });

  test('extract is exact', async () => {
    const r = seededRandom(12);
    const calls = Array.from({ length: 200 }, (): { call: Call; sql: string } => {
      const field = r.pick(
        FIELDS.filter((f) => !['hour', 'minute', 'second', 'milliseconds', 'microseconds'].includes(f)),
      );
      const [type, text] = value(r, r.pick(['timestamp', 'timestamptz', 'date']));
      return {
        call: {
          fn: 'extract',
          args: [
            ['text', field],
            [type, text],
          ],
        },
        sql: `extract(${field} from '${text}'::${type})`,
      };
    });
    const wanted = await utc.evaluate(calls.map((c) => c.sql));
    expect(calls.map((c) => `${c.sql} ${evaluate(c.call)}`)).toEqual(
      calls.map((c, i) => `${c.sql} ${wanted[i]}`),
    );
  });

  test('truncation, age, and arithmetic with intervals', async () => {
    const r = seededRandom(13);
    const calls: Call[] = [];
    const units = [
      'second',
      'minute',
      'hour',
      'day',
      'week',
      'month',
      'quarter',
      'year',
      'decade',
      'century',
      'millennium',
      'milliseconds',
    ];
    for (let i = 0; i < 120; i++) {
      calls.push({
        fn: 'date_trunc',
        args: [['text', r.pick(units)], value(r, r.pick(['timestamp', 'timestamptz']))],
      });
      calls.push({ fn: 'age', args: [value(r, 'timestamp'), value(r, 'timestamp')] });
      calls.push({
        op: r.pick(['+', '-']),
        args: [value(r, r.pick(['timestamp', 'timestamptz', 'date', 'time'])), value(r, 'interval')],
      });
      calls.push({ op: '-', args: [value(r, 'timestamp'), value(r, 'timestamp')] });
      calls.push({ op: r.pick(['+', '-']), args: [value(r, 'date'), ['int4', `${r.int(10000) - 5000}`]] });
      calls.push({
        op: r.pick(['*', '/']),
        args: [
          value(r, 'interval'),
          ['float8', r.chance(2) ? `${r.int(9) + 1}` : `-${r.int(5)}.${r.digits(2)}1`],
        ],
      });
      calls.push({ op: r.pick(['+', '-']), args: [value(r, 'interval'), value(r, 'interval')] });
      calls.push({
        fn: r.pick(['justify_days', 'justify_hours', 'justify_interval']),
        args: [value(r, 'interval')],
      });
    }
    await expectAgreement(utc, calls);
  });

  test('a session in a zone with summer time', async () => {
    const r = seededRandom(14);
    const calls: Call[] = [];
    const near = [
      '2021-03-14 01:59:59',
      '2021-03-14 02:00:00',
      '2021-03-14 02:30:00',
      '2021-03-14 03:00:00',
      '2021-11-07 00:59:59',
      '2021-11-07 01:00:00',
      '2021-11-07 01:30:00',
      '2021-11-07 02:00:00',
      '1883-11-18 12:03:57',
      '1883-11-18 12:03:58',
      '1800-01-01 00:00:00',
      '2300-07-01 12:00:00',
      '1943-06-01 00:00:00',
      '1974-01-06 02:30:00',
      '5000-07-01 00:00:00',
    ];
    for (const text of near) {
      calls.push({ cast: 'timestamptz', args: [['timestamp', text]] });
      calls.push({ cast: 'timestamp', args: [['timestamptz', `${text}+00`]] });
      calls.push({ cast: 'text', args: [['timestamptz', `${text}+00`]] });
      for (const step of ['1 day', '-1 day', '1 mon', '24:00', '1 hour', '-3 hours'])
        calls.push({
          op: '+',
          args: [
            ['timestamptz', text],
            ['interval', step],
          ],
        });
    }
    for (const zone of [
      'Europe/Berlin',
      'Asia/Tokyo',
      'Australia/Lord_Howe',
      'UTC',
      'EST',
      'America/Sao_Paulo',
      '+03',
      'Asia/Kathmandu',
    ]) {
      for (let i = 0; i < 15; i++) {
        const text = `${1950 + r.int(130)}-${two(1 + r.int(12))}-${two(1 + r.int(28))} ${timeText(r)}`;
        calls.push({
          fn: 'timezone',
          args: [
            ['text', zone],
            ['timestamp', text],
          ],
        });
        calls.push({
          fn: 'timezone',
          args: [
            ['text', zone],
            ['timestamptz', `${text}+00`],
          ],
        });
      }
    }
    for (let i = 0; i < 80; i++) {
      calls.push({
        fn: 'date_trunc',
        args: [
          ['text', r.pick(['day', 'hour', 'month', 'week'])],
          [
            'timestamptz',
            `${1950 + r.int(130)}-${two(1 + r.int(12))}-${two(1 + r.int(28))} ${timeText(r)}+00`,
          ],
        ],
      });
      calls.push({
        fn: 'date_part',
        args: [
          ['text', r.pick(['hour', 'timezone', 'timezone_hour', 'day', 'epoch'])],
          [
            'timestamptz',
            `${1950 + r.int(130)}-${two(1 + r.int(12))}-${two(1 + r.int(28))} ${timeText(r)}+00`,
          ],
        ],
      });
    }
    await utc.setTimeZone(ZONE);
    try {
      await expectAgreement(utc, calls, ZONE);
    } finally {
      await utc.setTimeZone('UTC');
    }
  });

  test('what is read, and what is refused', async () => {
    const texts = [
      '1999-01-08',
      'January 8, 1999',
      '1/8/1999',
      '1/18/1999',
      '01/02/03',
      '1999-Jan-08',
      'Jan-08-1999',
      '08-Jan-1999',
      '08-Jan-99',
      'Jan-08-99',
      '19990108',
      '990108',
      '1999.008',
      'J2451187',
      'January 8, 99 BC',
      '04:05:06.789',
      '04:05',
      '040506',
      '04:05 AM',
      '04:05 PM',
      '04:05:06-08:00',
      '2003-04-12 04:05:06 America/New_York',
      '1999-01-08 04:05:06 -8:00',
      'January 8 04:05:06 1999 PST',
      'infinity',
      '-infinity',
      'epoch',
      '2021-02-29',
      '2021-13-01',
      '2021-1-1 1:2:3',
      '2021-01-01T00:00:00Z',
      '2021-01-01T00:00:00+05:30',
      '20210101T010203',
      '2021-01-01 24:00:00',
      '2021-01-01 25:00:00',
      '2021-01-01 12:60:00',
      '2021-01-01 12:59:60',
      'foo',
      '',
      '  2021-01-01  ',
      '2021/01/01',
      '2021.01.01',
      'Monday, January 4, 2021',
      'Mon Jan 04 10:11:12 2021 PST',
      '2021-01-04 10:11:12.123456789',
      '2021-01-04 10:11 PM',
      '2021-01-04 13:11 PM',
      '0000-01-01',
      '2021-06-01 12:00 Europe/Berlin',
      '2021-06-01 12:00 CEST',
      '2021-06-01 12:00:00+0200',
      '12021-06-01',
      '5874897-12-31',
      '5874898-01-01',
      '294246-12-31 23:59:59.999999',
      '294277-01-01',
      '4714-11-24 BC',
      '4714-11-23 BC',
      '31/12/2021',
      '12/31/2021',
      '2021-01',
      '2021',
      '12',
      '2021-060',
      '1:2',
      'jan 1',
      '2021 jan 1',
    ];
    const calls = texts.flatMap((t): Call[] =>
      ['date', 'timestamp', 'timestamptz'].map((type) => ({ cast: type, args: [['text', t]] })),
    );
    for (const t of [
      '04:05:06.789',
      '04:05',
      '040506',
      '04:05 AM',
      '04:05:06-08:00',
      '24:00:00',
      '25:00:00',
      'foo',
      '',
    ])
      calls.push({ cast: 'time', args: [['text', t]] });
    const spans = [
      '1 day',
      '1 day 2 hours',
      '1-2',
      '1-2 3 4:05:06',
      '1 year 2 months 3 days 4 hours 5 minutes 6 seconds',
      'P1Y2M3DT4H5M6S',
      'P0001-02-03T04:05:06',
      '1.5 days',
      '1.5 months',
      '1.5 years',
      '0.1 mon',
      '1.2345678 sec',
      '-1 day',
      '@ 1 minute ago',
      '1 week',
      '1 decade',
      '1 century',
      '5',
      '5.5',
      '1:2',
      '1:2:3.5',
      '-1:2:3',
      '1 1:2:3',
      '1 day -00:00:01',
      '1 foo',
      '',
      'foo',
      '1 day 1 day',
      '1h',
      '1m',
      '3 mons',
      '1 us',
      '1500 ms',
      '2147483647 months',
      '2147483648 months',
      '1 month -1 day',
      'PT1H30M',
      'P1W',
      'P-1Y-2M',
      'PT-1.5S',
      '1 day 25:00:00',
      '1:60',
      '-1-2 +3',
      '1 hour 30 min',
    ];
    for (const t of spans) calls.push({ cast: 'interval', args: [['text', t]] });
    await expectAgreement(utc, calls);
  });
});

test('every DateStyle', () => {
  const t = parseTimestamp('2021-03-04 05:06:07.5');
  const show = (setting: string): string[] => {
    const style = parseDateStyle(setting);
    return [
      formatDate(parseDate('2021-03-04'), style),
      formatTimestamp(t, style),
      formatTimestampTz(t, zoneNamed('Europe/Berlin'), style),
    ];
  };
  expect(show('ISO, MDY')).toEqual(['2021-03-04', '2021-03-04 05:06:07.5', '2021-03-04 06:06:07.5+01']);
  expect(show('SQL, MDY')).toEqual(['03/04/2021', '03/04/2021 05:06:07.5', '03/04/2021 06:06:07.5 CET']);
  expect(show('SQL, DMY')).toEqual(['04/03/2021', '04/03/2021 05:06:07.5', '04/03/2021 06:06:07.5 CET']);
  expect(show('German')).toEqual(['04.03.2021', '04.03.2021 05:06:07.5', '04.03.2021 06:06:07.5 CET']);
  expect(show('Postgres, MDY')).toEqual([
    '03-04-2021',
    'Thu Mar 04 05:06:07.5 2021',
    'Thu Mar 04 06:06:07.5 2021 CET',
  ]);
});

test('a BC day reads as it prints', () => {
  expect(formatDate(parseDate('0044-03-15 BC'))).toBe('0044-03-15 BC');
  expect(formatTimestamp(parseTimestamp('0044-03-15 12:00:00 BC'))).toBe('0044-03-15 12:00:00 BC');
});

test('SET timezone counts hours east, AT TIME ZONE counts them west', () => {
  expect(timeZoneSetting('+3')).toBe('<+03>-03');
  expect(timeZoneSetting('-5.5')).toBe('<-05:30>+05:30');
  expect(timeZoneSetting('Europe/Berlin')).toBe('Europe/Berlin');
  expect(timeZoneSetting('Mars/Olympus')).toBeUndefined();
  expect(formatTimestampTz(0n, zoneNamed('<+03>-03'))).toBe('1970-01-01 03:00:00+03');
});

test('timestamps end before what 64 bits mean by infinity', () => {
  expect(formatTimestamp(parseTimestamp('294247-01-10 04:00:54.775806'))).toBe(
    '294247-01-10 04:00:54.775806',
  );
  expect(() => parseTimestamp('294247-01-10 04:00:54.775807')).toThrow('timestamp out of range');
  expect(() => parseTimestamp('294276-12-31')).toThrow('timestamp out of range');
});

test('now and its days are the session’s', () => {
  const settings = {
    ...TEST_CONTEXT,
    timeZone: 'Asia/Tokyo',
    nowMicros: parseTimestampTz('2021-12-31 20:00:00+00'),
  };
  expect(formatDate(parseDate('today', settings))).toBe('2022-01-01');
  expect(formatDate(parseDate('tomorrow', settings))).toBe('2022-01-02');
  expect(formatTimestamp(parseTimestamp('now', settings))).toBe('2022-01-01 05:00:00');
  expect(parseTimestampTz('now', settings)).toBe(settings.nowMicros);
});

test('every IntervalStyle', () => {
  const show = (text: string): string[] =>
    (['postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'] as const).map((s) =>
      formatInterval(parseInterval(text), s),
    );
  expect(show('1 year 2 mons 3 days 04:05:06.7')).toEqual([
    '1 year 2 mons 3 days 04:05:06.7',
    '@ 1 year 2 mons 3 days 4 hours 5 mins 6.7 secs',
    '+1-2 +3 +4:05:06.7',
    'P1Y2M3DT4H5M6.7S',
  ]);
  expect(show('-1 day +02:03')).toEqual([
    '-1 days +02:03:00',
    '@ 1 day -2 hours -3 mins ago',
    '+0-0 -1 +2:03:00',
    'P-1DT2H3M',
  ]);
  expect(show('0')).toEqual(['00:00:00', '@ 0', '0', 'PT0S']);
});

test('the fields of INTERVAL DAY, YEAR, ... name a bare number', () => {
  expect(formatInterval(parseInterval('90', 'day'))).toBe('90 days');
  expect(formatInterval(parseInterval('3', 'month'))).toBe('3 mons');
  expect(formatInterval(parseInterval('1', 'year'))).toBe('1 year');
});
