/** pg-copy-streams: COPY both ways, in text, CSV; large, broken and given up. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
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
beforeEach(async () => {
  await client.query(
    'drop table if exists loaded; create table loaded (id int, word text, amount numeric(10,2))',
  );
});

async function copied(sql: string): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of client.query(copyTo(sql))) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

test('CSV in, text and CSV out', async () => {
  const load = client.query(copyFrom('copy loaded from stdin with (format csv, header)'));
  await pipeline(Readable.from(['id,word,amount\n1,"a, ""b""",', '2.50\n2,,\n', '3,"",-1\n']), load);
  expect(load.rowCount).toBe(3);
  expect(await copied('copy (select * from loaded order by id) to stdout')).toBe(
    '1\ta, "b"\t2.50\n2\t\\N\t\\N\n3\t\t-1.00\n',
  );
  expect(
    await copied("copy (select * from loaded order by id) to stdout (format csv, header, null '-')"),
  ).toBe('id,word,amount\n1,"a, ""b""",2.50\n2,-,-\n3,,-1.00\n');
});

test('many rows in and out', async () => {
  function* lines(): Generator<string> {
    for (let i = 0; i < 100_000; i += 100)
      yield Array.from({ length: 100 }, (_, k) => `${i + k}\tword ${i + k}\t${(i + k) / 4}\n`).join('');
  }
  await pipeline(Readable.from(lines()), client.query(copyFrom('copy loaded from stdin')));
  const { rows } = await client.query('select count(*), sum(id), sum(amount) as total from loaded');
  expect(rows).toEqual([{ count: '100000', sum: '4999950000', total: '1249987500.00' }]);
  const text = await copied('copy loaded to stdout');
  expect(text.split('\n').length).toBe(100_001);
});

test('a bad line loads nothing and says where', async () => {
  const load = pipeline(
    Readable.from(['1\tx\t1\n', '2\ty\tz\n']),
    client.query(copyFrom('copy loaded from stdin')),
  );
  await expect(load).rejects.toMatchObject({
    code: '22P02',
    message: 'invalid input syntax for type numeric: "z"',
    where: 'COPY loaded, line 2, column amount: "z"',
  });
  expect((await client.query('select count(*)::int as n from loaded')).rows).toEqual([{ n: 0 }]);
});

test('a load given up by the client loads nothing', async () => {
  const broken = Readable.from(
    (function* () {
      yield '1\tx\t1\n';
      throw new Error('source failed');
    })(),
  );
  await expect(pipeline(broken, client.query(copyFrom('copy loaded from stdin')))).rejects.toThrow(
    'source failed',
  );
  expect((await client.query('select count(*)::int as n from loaded')).rows).toEqual([{ n: 0 }]);
});
