/** COPY in binary and in other encodings over a cluster of real processes: STDIN and files. The errors are a PostgreSQL 15
 *  server's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  errorFields,
  int16,
  int32,
  type Message,
  RawClient,
  tags,
} from '../../src/master/testing/raw-client.js';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

let db: TestDatabase;
let client: RawClient;
const dir = mkdtempSync(join(tmpdir(), 'mpp-copy-binary-'));
const path = join(dir, 'file');

beforeAll(async () => {
  db = await openTestDatabase({ segments: 2 });
  ({ client } = await RawClient.start(db.port, { user: 'mpp', database: 'mpp' }));
  await db.query('CREATE TABLE ctn (a int NOT NULL, b varchar(3), c numeric(5,1)) DISTRIBUTED BY (a)');
});

afterAll(async () => {
  client?.end();
  await db?.close();
  rmSync(dir, { recursive: true, force: true });
});

const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), int32(0), int32(0)]);
const END = int16(-1);
const field = (b: Buffer | null) => (b === null ? int32(-1) : Buffer.concat([int32(b.length), b]));
const tuple = (...fields: (Buffer | null)[]) => Buffer.concat([int16(fields.length), ...fields.map(field)]);
const NUMERIC = Buffer.from('000200000000000200050bb8', 'hex');
const GOOD = tuple(int32(1), Buffer.from('abc'), NUMERIC);

async function copyIn(sql: string, data: Buffer, pieceBytes = 1 << 16): Promise<Message[]> {
  client.send('Q', sql);
  const begun = await client.until('G');
  expect(begun.at(-1)?.type).toBe('G');
  for (let at = 0; at < data.length; at += pieceBytes) client.send('d', data.subarray(at, at + pieceBytes));
  client.send('c');
  return [...begun, ...(await client.until('Z'))];
}

async function copyOut(sql: string): Promise<Buffer> {
  const m = await client.query(sql);
  expect(errorFields(m)).toEqual({});
  return Buffer.concat(m.filter((x) => x.type === 'd').map((x) => x.body));
}

function outcome(m: readonly Message[]): string {
  const { C, M, W } = errorFields(m);
  return C === undefined ? tags(m).join() : `${C} ${M}${W === undefined ? '' : ` | ${W}`}`;
}

/** From STDIN, from a file that segments read, from a file that the master reads: all alike. */
async function load(data: Buffer): Promise<string> {
  const answers: string[] = [];
  await client.query('TRUNCATE ctn');
  answers.push(outcome(await copyIn('COPY ctn FROM STDIN BINARY', data, data.length > 999 ? 1 << 16 : 5)));
  writeFileSync(path, data);
  for (const shared of ['on', 'off']) {
    await client.query(`TRUNCATE ctn; SET mpp.copy_shared_files = ${shared}`);
    const answer = outcome(await client.query(`COPY ctn FROM '${path}' (FORMAT binary)`));
    answers.push(answer.replace(`\nfile "${path}"`, ''));
  }
  expect(answers[1]).toBe(answers[0]);
  expect(answers[2]).toBe(answers[0]);
  return answers[0]!;
}

describe('binary input', () => {
  const bytes = (...parts: Buffer[]) => Buffer.concat(parts);
  test.each([
    ['two tuples', bytes(HEADER, GOOD, GOOD, END), 'COPY 2'],
    ['no trailer', bytes(HEADER, GOOD), 'COPY 1'],
    ['half a count', bytes(HEADER, GOOD, Buffer.of(0)), 'COPY 1'],
    [
      'more after the trailer',
      bytes(HEADER, GOOD, END, Buffer.of(1)),
      '22P04 received copy data after EOF marker | COPY ctn, line 2',
    ],
    ['nothing', Buffer.alloc(0), '22P04 COPY file signature not recognized'],
    ['half a signature', HEADER.subarray(0, 5), '22P04 COPY file signature not recognized'],
    ['text', Buffer.from('1\tx\t2\n1\tx\t2\n1\tx\t2\n'), '22P04 COPY file signature not recognized'],
    ['no flags', HEADER.subarray(0, 11), '22P04 invalid COPY file header (missing flags)'],
    ['no length', HEADER.subarray(0, 15), '22P04 invalid COPY file header (missing length)'],
    [
      'oids',
      bytes(HEADER.subarray(0, 11), int32(1 << 16), int32(0)),
      '22P04 invalid COPY file header (WITH OIDS)',
    ],
    [
      'a critical flag',
      bytes(HEADER.subarray(0, 11), int32(1 << 17), int32(0)),
      '22P04 unrecognized critical flags in COPY file header',
    ],
    ['other flags', bytes(HEADER.subarray(0, 11), int32(5), int32(0), GOOD, END), 'COPY 1'],
    ['an extension', bytes(HEADER.subarray(0, 15), int32(4), int32(99), GOOD, END), 'COPY 1'],
    [
      'a negative extension',
      bytes(HEADER.subarray(0, 15), int32(-4)),
      '22P04 invalid COPY file header (missing length)',
    ],
    [
      'half an extension',
      bytes(HEADER.subarray(0, 15), int32(9), int32(3)),
      '22P04 invalid COPY file header (wrong length)',
    ],
    [
      'too few fields',
      bytes(HEADER, GOOD, tuple(int32(1))),
      '22P04 row field count is 1, expected 3 | COPY ctn, line 2',
    ],
    ['no fields', bytes(HEADER, int16(0)), '22P04 row field count is 0, expected 3 | COPY ctn, line 1'],
    [
      'a negative count',
      bytes(HEADER, int16(-2)),
      '22P04 row field count is -2, expected 3 | COPY ctn, line 1',
    ],
    [
      'a negative size',
      bytes(HEADER, GOOD, int16(3), int32(-2)),
      '22P04 invalid field size | COPY ctn, line 2, column a',
    ],
    [
      'half a field',
      bytes(HEADER, int16(3), int32(4), Buffer.of(0)),
      '22P04 unexpected EOF in COPY data | COPY ctn, line 1, column a',
    ],
    [
      'a count alone',
      bytes(HEADER, int16(3)),
      '22P04 unexpected EOF in COPY data | COPY ctn, line 1, column a',
    ],
    [
      'one field of three',
      bytes(HEADER, int16(3), int32(4), int32(1)),
      '22P04 unexpected EOF in COPY data | COPY ctn, line 1, column b',
    ],
    [
      'a short integer',
      bytes(HEADER, GOOD, tuple(Buffer.of(1), null, null)),
      '08P01 insufficient data left in message | COPY ctn, line 2, column a',
    ],
    [
      'a long integer',
      bytes(HEADER, GOOD, tuple(Buffer.alloc(5), null, null)),
      '22P03 incorrect binary data format | COPY ctn, line 2, column a',
    ],
    [
      'no UTF-8',
      bytes(HEADER, tuple(int32(1), Buffer.of(0xff), null)),
      '22021 invalid byte sequence for encoding "UTF8": 0xff | COPY ctn, line 1, column b',
    ],
    [
      'a NUL',
      bytes(HEADER, tuple(int32(1), Buffer.of(0x61, 0), null)),
      '22021 invalid byte sequence for encoding "UTF8": 0x00 | COPY ctn, line 1, column b',
    ],
    [
      'too long a string',
      bytes(HEADER, tuple(int32(1), Buffer.from('abcd'), null)),
      '22001 value too long for type character varying(3) | COPY ctn, line 1, column b',
    ],
    ['trailing blanks', bytes(HEADER, tuple(int32(1), Buffer.from('abc  '), null), END), 'COPY 1'],
    [
      'a NULL that must not be',
      bytes(HEADER, GOOD, tuple(null, null, null)),
      '23502 null value in column "a" of relation "ctn" violates not-null constraint | COPY ctn, line 2',
    ],
    [
      'no number',
      bytes(HEADER, tuple(int32(1), null, Buffer.from('00010000123400000001', 'hex'))),
      '22P03 invalid sign in external "numeric" value | COPY ctn, line 1, column c',
    ],
    [
      'too large a number',
      bytes(HEADER, tuple(int32(1), null, Buffer.from('00010002000000000001', 'hex'))),
      '22003 numeric field overflow | COPY ctn, line 1, column c',
    ],
    [
      'two faults',
      bytes(HEADER, tuple(int32(1), Buffer.from('abcd'), null), tuple(null, null, null)),
      '22001 value too long for type character varying(3) | COPY ctn, line 1, column b',
    ],
  ])('%s', async (_, data, expected) => {
    expect(await load(data)).toBe(expected);
    if (!expected.startsWith('COPY')) expect(await db.query('SELECT count(*) FROM ctn')).toEqual([['0']]);
  });

  test('names the first of the faults in different blocks, and leaves nothing', async () => {
    const rows = (n: number) => Buffer.concat(Array.from({ length: n }, () => GOOD));
    const bad = tuple(int32(1), Buffer.from('abcd'), null);
    expect(await load(Buffer.concat([HEADER, rows(150_000), bad, rows(100_000), int16(7)]))).toBe(
      '22001 value too long for type character varying(3) | COPY ctn, line 150001, column b',
    );
    expect(await load(Buffer.concat([HEADER, rows(200_000), END]))).toBe('COPY 200000');
    expect(await db.query('SELECT count(*), sum(c) FROM ctn')).toEqual([['200000', '1060000.0']]);
  });

  test('takes WHERE, a column list and defaults', async () => {
    await db.query('CREATE TABLE d (a int, b text DEFAULT $$none$$, c date) DISTRIBUTED BY (a)');
    const data = Buffer.concat([HEADER, ...[1, 2, 3].map((n) => tuple(int32(n * 10), int32(n))), END]);
    expect(outcome(await copyIn('COPY d (c, a) FROM STDIN BINARY WHERE a > 1', data))).toBe('COPY 2');
    expect(await db.query('SELECT * FROM d ORDER BY a')).toEqual([
      ['2', 'none', '2000-01-21'],
      ['3', 'none', '2000-01-31'],
    ]);
  });

  test('refuses options of text', async () => {
    const options = { "DELIMITER ','": '42601', "NULL 'x'": '42601', HEADER: '0A000', "QUOTE 'x'": '0A000' };
    for (const [option, code] of Object.entries(options))
      expect(errorFields(await client.query(`COPY ctn FROM STDIN (FORMAT binary, ${option})`)).C).toBe(code);
  });
});

describe('binary output', () => {
  test("is PostgreSQL's, byte for byte", async () => {
    const m = await client.query('COPY (SELECT 1, NULL::text, 2.5) TO STDOUT BINARY');
    expect(m[0]?.body.toString('hex')).toBe('010003000100010001');
    const data = Buffer.concat(m.filter((x) => x.type === 'd').map((x) => x.body));
    expect(data.toString('hex')).toBe(
      `${HEADER.toString('hex')}00030000000400000001ffffffff0000000c000200000000000100021388ffff`,
    );
    expect((await copyOut('COPY (SELECT 1 WHERE false) TO STDOUT BINARY')).toString('hex')).toBe(
      `${HEADER.toString('hex')}ffff`,
    );
  });

  test('comes back as the same rows, of every type', async () => {
    await db.query(`CREATE TABLE every (a bool, b int2, c int4, d int8, e float4, f float8, g numeric(12,3), h numeric,
      i text, j varchar(9), k char(4), l date, m time, n timestamp, o timestamptz, p interval, q numeric(30,2), z int)
      DISTRIBUTED BY (z)`);
    await db.query(`INSERT INTO every SELECT x % 2 = 0, x, x * 1000, x * 10000000000, x / 3.0, x / 7.0, x / 9.0, x / 11.0,
      'é€' || x, 'v' || x, 'k', date '2024-01-01' + x, time '01:02:03' + x * interval '1 second',
      timestamp '2024-01-01' + x * interval '1 hour', timestamptz '1999-01-01' + x * interval '1 day',
      x * interval '1 month 2 days 3 seconds', x * 1e20, x FROM generate_series(-50, 50) AS t(x)`);
    await db.query(
      "INSERT INTO every (g, h, l, n, f) VALUES ('NaN', 'Infinity', 'infinity', '-infinity', 'NaN')",
    );
    const all = 'SELECT * FROM every ORDER BY z, h';
    const rows = await db.query(all);
    expect(rows).toHaveLength(102);
    const data = await copyOut('COPY every TO STDOUT (FORMAT binary)');
    expect(outcome(await client.query(`COPY every TO '${path}' (FORMAT binary)`))).toBe('COPY 102');
    expect(readFileSync(path).length).toBe(data.length);
    await client.query('TRUNCATE every');
    expect(outcome(await copyIn('COPY every FROM STDIN (FORMAT binary)', data, 777))).toBe('COPY 102');
    expect(await db.query(all)).toEqual(rows);
    await client.query('TRUNCATE every');
    expect(outcome(await client.query(`COPY every FROM '${path}' (FORMAT binary)`))).toBe('COPY 102');
    expect(await db.query(all)).toEqual(rows);
  });
});

describe('encodings', () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1');

  test('of the client and of ENCODING, in and out', async () => {
    await db.query('CREATE TABLE enc (a int, b text) DISTRIBUTED BY (a)');
    await client.query("SET client_encoding = 'LATIN1'");
    expect(outcome(await copyIn('COPY enc FROM STDIN', latin1('1\té\n')))).toBe('COPY 1');
    expect(outcome(await copyIn("COPY enc FROM STDIN (ENCODING 'utf8')", Buffer.from('2\té\n')))).toBe(
      'COPY 1',
    );
    expect(
      outcome(await copyIn("COPY enc FROM STDIN (FORMAT csv, ENCODING 'win1252')", latin1('3,\x80\n'))),
    ).toBe('COPY 1');
    expect(
      outcome(
        await copyIn('COPY enc FROM STDIN BINARY', Buffer.concat([HEADER, tuple(int32(4), latin1('ü'))])),
      ),
    ).toBe('COPY 1');
    writeFileSync(path, latin1('5\tß\n'));
    expect(outcome(await client.query(`COPY enc FROM '${path}'`))).toBe('COPY 1');
    expect(await db.query('SELECT * FROM enc ORDER BY a')).toEqual([
      ['1', 'é'],
      ['2', 'é'],
      ['3', '€'],
      ['4', 'ü'],
      ['5', 'ß'],
    ]);
    const wanted = '(SELECT b FROM enc WHERE a <> 3 ORDER BY a)';
    expect((await copyOut(`COPY ${wanted} TO STDOUT`)).toString('latin1')).toBe('é\né\nü\nß\n');
    expect((await copyOut(`COPY ${wanted} TO STDOUT (ENCODING 'UTF8')`)).toString()).toBe('é\né\nü\nß\n');
    expect((await copyOut(`COPY ${wanted} TO STDOUT (FORMAT csv, FORCE_QUOTE *)`)).toString('latin1')).toBe(
      '"é"\n"é"\n"ü"\n"ß"\n',
    );
    expect((await copyOut(`COPY ${wanted} TO STDOUT BINARY`)).subarray(19).toString('hex')).toBe(
      '000100000001e9000100000001e9000100000001fc000100000001dfffff',
    );
    expect(outcome(await client.query('COPY enc TO STDOUT'))).toBe(
      '22P05 character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"',
    );
    await client.query(`COPY (SELECT U&'\\00E4') TO '${path}'`);
    expect(readFileSync(path).toString('latin1')).toBe('ä\n');
    expect(errorFields(await client.query("COPY enc TO STDOUT (ENCODING 'nope')"))).toMatchObject({
      C: '22023',
      M: 'argument to option "encoding" must be a valid encoding name',
    });
    await client.query('RESET client_encoding');
  });
});
