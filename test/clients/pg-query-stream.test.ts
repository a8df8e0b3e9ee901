/** pg-query-stream: rows as a stream of objects, under back-pressure, given up half-way. */
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import QueryStream from 'pg-query-stream';
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

test('streams many rows', async () => {
  const stream = client.query(
    new QueryStream('select g, g::text as s from generate_series(1, $1::int) g', [60_000], {
      batchSize: 1000,
    }),
  );
  let [rows, sum, length] = [0, 0, 0];
  for await (const row of stream as AsyncIterable<{ g: number; s: string }>) {
    rows++;
    sum += row.g;
    length += row.s.length;
  }
  expect([rows, sum, length]).toEqual([60_000, (60_000 * 60_001) / 2, 9 + 180 + 2700 + 36_000 + 50_001 * 5]);
});

test('through a slow pipeline', async () => {
  const seen: number[] = [];
  const slow = new Transform({
    objectMode: true,
    highWaterMark: 4,
    transform(row: { g: number }, _encoding, done) {
      seen.push(row.g);
      if (row.g % 500 === 0) setTimeout(done, 5);
      else done();
    },
  });
  await pipeline(
    client.query(new QueryStream('select g from generate_series(1, 3000) g', [], { batchSize: 64 })),
    slow,
  );
  expect(seen).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1));
});

test('given up half-way it leaves the connection usable', async () => {
  const stream = client.query(new QueryStream('select g from generate_series(1, 1000000) g'));
  let last = 0;
  for await (const row of stream as AsyncIterable<{ g: number }>) {
    last = row.g;
    if (last === 1000) break;
  }
  expect(last).toBe(1000);
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('an error ends the stream', async () => {
  const stream = client.query(new QueryStream('select 1 / (g - 5000) as x from generate_series(1, 9000) g'));
  const drain = async (): Promise<void> => {
    for await (const _ of stream);
  };
  await expect(drain()).rejects.toMatchObject({ code: '22012', message: 'division by zero' });
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});
