/** postgres.js: its type look-up at the start, tagged queries, helpers, cursors, COPY, cancelling, errors.
 *
 *  Left out, because mpp does not have it: json (`sql.json`), RETURNING, savepoints, LISTEN. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientDatabase, openClientDatabase } from './client-database.js';

let db: ClientDatabase;
let sql: postgres.Sql;
const notices: string[] = [];

beforeAll(async () => {
  db = await openClientDatabase();
  sql = postgres(db.url, { max: 3, onnotice: (n) => notices.push(n.message!) });
});
afterAll(async () => {
  await sql?.end();
  await db?.close();
});

test('reads rows of every type', async () => {
  const [row] = await sql`select * from kinds where id = ${1}`;
  expect(row).toMatchObject({
    flag: true,
    small: -7,
    big: '9007199254740993',
    exact: '1234.500',
    single: 0.5,
    wide: 1e100,
    word: 'naïve ☃',
    label: "it's",
    code: 'ab   ',
    day: new Date('2024-02-29'),
    clock: '13:14:15.5',
    instant: new Date('2024-02-29T13:14:15.123Z'),
    span: '1 year 2 mons 3 days 04:05:06.7',
  });
});

test('sends parameters of every type', async () => {
  const instant = new Date('2024-02-29T13:14:15.678Z');
  const bytes = Buffer.from([0, 1, 0x5c, 0xff]);
  const [row] = await sql`
    select ${true}::boolean as flag, ${7}::int as whole, ${'9007199254740993'}::bigint as big, ${'1.50'}::numeric as exact,
      ${0.1}::float8 as double, ${'☃'}::text as word, ${instant}::timestamptz as instant, ${bytes}::bytea as bytes,
      ${null}::text as nothing, ${sql.array([1, 2, 3], 1007)}::int[] as whole_list, ${['a,b', 'c"d']}::text[] as words`;
  expect(row).toEqual({
    flag: true,
    whole: 7,
    big: '9007199254740993',
    exact: '1.50',
    double: 0.1,
    word: '☃',
    instant,
    bytes,
    nothing: null,
    whole_list: [1, 2, 3],
    words: ['a,b', 'c"d'],
  });
});

test('inserts lists of objects, and finds rows by lists', async () => {
  await sql`create table things (id int, word text)`;
  const things = Array.from({ length: 500 }, (_, id) => ({ id, word: `w${id}` }));
  expect((await sql`insert into things ${sql(things)}`).count).toBe(500);
  expect(
    await sql`select ${sql('id', 'word')} from things where id in ${sql([3, 4, 1000])} order by id`,
  ).toEqual([
    { id: 3, word: 'w3' },
    { id: 4, word: 'w4' },
  ]);
  expect(await sql`select count(*)::int as n from things where id = any(${[1, 2, 3]})`).toEqual([{ n: 3 }]);
  await sql`drop table things`;
});

test('reads by a cursor, and for each row', async () => {
  const sizes: number[] = [];
  await sql`select g from generate_series(1, 2500) g`.cursor(1000, (rows) => void sizes.push(rows.length));
  expect(sizes).toEqual([1000, 1000, 500]);
  let sum = 0;
  await sql`select g from generate_series(1, 1000) g`.forEach((row) => {
    sum += row.g;
  });
  expect(sum).toBe(500_500);
});

test('COPY both ways', async () => {
  await sql`create table copied (id int, word text)`;
  const into = await sql`copy copied from stdin`.writable();
  await pipeline(Readable.from(['1\ta\n2\t', 'b\n']), into);
  const parts: Buffer[] = [];
  const out = await sql`copy (select * from copied order by id) to stdout (format csv)`.readable();
  for await (const part of out) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe('1,a\n2,b\n');
  await sql`drop table copied`;
});

test('a transaction, pipelined', async () => {
  const [a, b] = await sql.begin((tx) => [tx`select 1 as x`, tx`select ${2}::int as x`]);
  expect([a, b]).toEqual([[{ x: 1 }], [{ x: 2 }]]);
});

test('many queries at once over few connections', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => sql`select ${i}::int as i`));
  expect(answers.map(([row]) => row.i)).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('cancels', async () => {
  const query = sql`select count(*) from generate_series(1, 40000000000) a where a % 7 = 9`.execute();
  setTimeout(() => query.cancel(), 300);
  await expect(query).rejects.toMatchObject({
    code: '57014',
    message: 'canceling statement due to user request',
  });
});

test('errors and notices', async () => {
  await expect(sql`select nosuch from kinds`).rejects.toMatchObject({
    code: '42703',
    severity: 'ERROR',
    position: '8',
  });
  await expect(sql`select ${'x'}::int`).rejects.toMatchObject({ code: '22P02' });
  await sql`drop table if exists nosuch`;
  expect(notices).toEqual(['table "nosuch" does not exist, skipping']);
});

test('describes a statement without running it', async () => {
  const { columns, types } =
    await sql`select id, word from kinds where big = ${'1'} and day > ${'2024-01-01'}`.describe();
  expect(types).toEqual([20, 1082]);
  expect(columns.map((c) => [c.name, c.type])).toEqual([
    ['id', 23],
    ['word', 25],
  ]);
});
