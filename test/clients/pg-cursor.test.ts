/** pg-cursor: portals read in pieces, side by side, closed before their end. */
import pg from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientDatabase, openClientDatabase } from './client-database.js';

let db: ClientDatabase;
let client: pg.Client;

beforeAll(async () => {
  db = await openClientDatabase();
  client = new pg.Client(db.url);
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await db?.close();
});

test('reads in pieces up to the end', async () => {
  const cursor = client.query(
    new Cursor<{ g: number }>('select g from generate_series(1, $1::int) g', [2500]),
  );
  const sizes: number[] = [];
  let sum = 0;
  for (;;) {
    const rows = await cursor.read(1000);
    sizes.push(rows.length);
    for (const row of rows) sum += row.g;
    if (rows.length === 0) break;
  }
  expect(sizes).toEqual([1000, 1000, 500, 0]);
  expect(sum).toBe((2500 * 2501) / 2);
  await cursor.close();
});

test('closed early it holds up nothing', async () => {
  const cursor = client.query(new Cursor('select g from generate_series(1, 1000000) g'));
  expect(await cursor.read(2)).toEqual([{ g: 1 }, { g: 2 }]);
  await cursor.close();
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('rows as arrays, and no rows', async () => {
  const arrays = client.query(new Cursor('select id, word from kinds order by id', [], { rowMode: 'array' }));
  expect(await arrays.read(10)).toEqual([
    [1, 'naïve ☃'],
    [2, ''],
  ]);
  await arrays.close();
  const none = client.query(new Cursor('select id from kinds where id < $1', [0]));
  expect(await none.read(10)).toEqual([]);
  await none.close();
});

test('an error half-way is the error of that read', async () => {
  const cursor = client.query(new Cursor('select 1000 / (2000 - g) as x from generate_series(1, 3000) g'));
  const read = async (): Promise<void> => {
    for (;;) if ((await cursor.read(100)).length === 0) return;
  };
  await expect(read()).rejects.toMatchObject({ code: '22012' });
  await cursor.close();
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});
