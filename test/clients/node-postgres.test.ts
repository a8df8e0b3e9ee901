/** node-postgres: parameters of every type both ways, statements that it names, pools, cancelling, errors, many rows.
 *
 *  Left out, because mpp does not have it: uuid, json, jsonb; UPDATE, DELETE and RETURNING; transactions that undo. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientDatabase, DATABASE, HOST, openClientDatabase, USER } from './client-database.js';

let db: ClientDatabase;
let client: pg.Client;

beforeAll(async () => {
  db = await openClientDatabase();
  client = new pg.Client({ host: HOST, port: db.port, user: USER, database: DATABASE });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await db?.close();
});

const PARAMETERS: readonly (readonly [type: string, given: unknown, answer: unknown])[] = [
  ['boolean', true, true],
  ['smallint', -32768, -32768],
  ['integer', 2147483647, 2147483647],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['numeric', '123456789012345678901234567890.123456789', '123456789012345678901234567890.123456789'],
  ['numeric(10,2)', '1.005', '1.01'],
  ['real', 0.5, 0.5],
  ['double precision', Number.NaN, Number.NaN],
  ['double precision', 5e-324, 5e-324],
  ['text', "quote ' and \\ and ☃", "quote ' and \\ and ☃"],
  ['varchar(3)', 'abcdef', 'abc'],
  ['char(5)', 'ab', 'ab   '],
  ['date', '2024-02-29', new Date(2024, 1, 29)],
  ['time', '13:14:15.678', '13:14:15.678'],
  [
    'timestamptz',
    new Date(Date.UTC(2024, 1, 29, 13, 14, 15, 678)),
    new Date(Date.UTC(2024, 1, 29, 13, 14, 15, 678)),
  ],
  ['timestamp', '2024-02-29 13:14:15.5', new Date(2024, 1, 29, 13, 14, 15, 500)],
  ['bytea', Buffer.from([0, 1, 0x5c, 0xff]), Buffer.from([0, 1, 0x5c, 0xff])],
  ['integer[]', [1, null, 3], [1, null, 3]],
  ['text[]', ['a,b', 'c"d', '', 'NULL', null], ['a,b', 'c"d', '', 'NULL', null]],
  ['boolean[]', [true, false], [true, false]],
  ['text', null, null],
];

test.each(PARAMETERS)('a parameter of type %s: %j', async (type, given, answer) => {
  const { rows } = await client.query(`select $1::${type} as x`, [given]);
  expect(rows).toEqual([{ x: answer }]);
});

test('rows of every type', async () => {
  const { rows, fields } = await client.query('select * from kinds where id = $1', [1]);
  const { span, ...rest } = rows[0];
  expect(rest).toEqual({
    id: 1,
    flag: true,
    small: -7,
    big: '9007199254740993',
    exact: '1234.500',
    single: 0.5,
    wide: 1e100,
    word: 'naïve ☃',
    label: "it's",
    code: 'ab   ',
    day: new Date(2024, 1, 29),
    clock: '13:14:15.5',
    moment: new Date(2024, 1, 29, 13, 14, 15, 123),
    instant: new Date(Date.UTC(2024, 1, 29, 13, 14, 15, 123)),
  });
  expect({ ...span }).toEqual({
    years: 1,
    months: 2,
    days: 3,
    hours: 4,
    minutes: 5,
    seconds: 6,
    milliseconds: 700,
  });
  expect(fields.map((f) => f.dataTypeID)).toEqual([
    23, 16, 21, 20, 1700, 700, 701, 25, 1043, 1042, 1082, 1083, 1114, 1184, 1186,
  ]);
  expect(fields.find((f) => f.name === 'exact')!.dataTypeModifier).toBe(((12 << 16) | 3) + 4);
  expect(new Set(fields.map((f) => f.tableID)).size).toBe(1);
  expect(fields.map((f) => f.columnID)).toEqual(fields.map((_, i) => i + 1));
});

test('a named statement is prepared once, and again after its table has changed', async () => {
  const named = (id: number): Promise<pg.QueryResult> =>
    client.query({ name: 'word-of', text: 'select word from kinds where id = $1', values: [id] });
  expect((await named(1)).rows).toEqual([{ word: 'naïve ☃' }]);
  expect((await named(2)).rows).toEqual([{ word: '' }]);
  const { rows } = await client.query(
    "select name, parameter_types::text from pg_prepared_statements where name = 'word-of'",
  );
  expect(rows).toEqual([{ name: 'word-of', parameter_types: '{integer}' }]);
});

test('inserts of many rows, by arrays and by lists of values', async () => {
  await client.query('create table many (id int, word text)');
  const ids = Array.from({ length: 1000 }, (_, i) => i);
  const byArray = await client.query('insert into many select * from unnest($1::int[], $2::text[])', [
    ids,
    ids.map((i) => `w${i}`),
  ]);
  expect(byArray.rowCount).toBe(1000);
  const values = ids.map((_, i) => `($${i * 2 + 1}, $${i * 2 + 2})`).join();
  const byValues = await client.query(
    `insert into many values ${values}`,
    ids.flatMap((i) => [i + 1000, `w${i + 1000}`]),
  );
  expect(byValues.rowCount).toBe(1000);
  const { rows } = await client.query('select count(*), sum(id), max(word) from many where id = any($1)', [
    [5, 1005, 1999],
  ]);
  expect(rows).toEqual([{ count: '3', sum: '3009', max: 'w5' }]);
  await client.query('drop table many');
});

test('many statements in one text give many results', async () => {
  const results = (await client.query(
    'select 1 as a; create table tmp (a int); drop table tmp; select 2 as b',
  )) as unknown;
  expect((results as pg.QueryResult[]).map((r) => [r.command, r.rows.length])).toEqual([
    ['SELECT', 1],
    ['CREATE', 0],
    ['DROP', 0],
    ['SELECT', 1],
  ]);
});

test.each([
  ['select nosuch from kinds', '42703', 'column "nosuch" does not exist', 8],
  ['select * from nosuch', '42P01', 'relation "nosuch" does not exist', 15],
  ['selec 1', '42601', 'syntax error at or near "selec"', 1],
  ['select 1 / 0', '22012', 'division by zero', undefined],
  ["select 'x'::int", '22P02', 'invalid input syntax for type integer: "x"', 8],
  ['select nosuch(1)', '42883', 'function nosuch(integer) does not exist', 8],
  ['insert into kinds (id) values (null)', '23502', undefined, undefined],
  ['create table kinds (a int)', '42P07', 'relation "kinds" already exists', undefined],
])('the error of %s', async (sql, code, message, position) => {
  const error = await client.query(sql).then(
    () => undefined,
    (e: pg.DatabaseError) => e,
  );

  expect(error?.code).toBe(code);
  if (message !== undefined) expect(error?.message).toBe(message);
  expect(error?.position).toBe(position === undefined ? undefined : String(position));
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('an error inside of a transaction block ends what is in it until ROLLBACK', async () => {
  await client.query('begin');
  await expect(client.query('select nosuch')).rejects.toMatchObject({ code: '42703' });
  await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
  await client.query('rollback');
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('cancel and statement_timeout', async () => {
  const endless = 'select count(*) from generate_series(1, 40000000000) a where a % 7 = 9';
  const other = new pg.Client({
    host: HOST,
    port: db.port,
    user: USER,
    database: DATABASE,
    statement_timeout: 200,
  });
  await other.connect();
  await expect(other.query(endless)).rejects.toMatchObject({
    code: '57014',
    message: 'canceling statement due to statement timeout',
  });
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const running = client.query(endless);
  const again = setInterval(() => void other.query('select pg_cancel_backend($1)', [rows[0].pid]), 100);
  await expect(running).rejects.toMatchObject({
    code: '57014',
    message: 'canceling statement due to user request',
  });
  clearInterval(again);
  await other.end();
});

test('a pool of connections at once', async () => {
  const pool = new pg.Pool({ connectionString: db.url, max: 8 });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => pool.query('select $1::int + id as x from kinds order by id', [i])),
  );
  expect(answers.map((a) => a.rows.map((r) => r.x))).toEqual(
    Array.from({ length: 100 }, (_, i) => [i + 1, i + 2]),
  );
  await pool.end();
});

test('many rows', async () => {
  const { rows } = await client.query("select g, repeat('x', g % 50) as s from generate_series(1, 200000) g");
  expect(rows.length).toBe(200_000);
  expect(rows.reduce((sum, r) => sum + r.g + r.s.length, 0)).toBe(
    (200_000 * 200_001) / 2 + (200_000 / 50) * ((49 * 50) / 2),
  );
});

test('notices reach the client', async () => {
  const notices: string[] = [];
  client.on('notice', (n) => notices.push(`${n.code} ${n.message}`));
  await client.query('drop table if exists nosuch');
  expect(notices).toEqual(['00000 table "nosuch" does not exist, skipping']);
});
