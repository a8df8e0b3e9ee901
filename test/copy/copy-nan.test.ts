/** COPY of NaN into numeric(p,s), over a cluster of real processes: STDIN and files, read by the segments and not, text and
 *  CSV, with defaults and WHERE. The answers are a PostgreSQL 15 server's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

let db: TestDatabase;
let client: pg.Client;
const dir = mkdtempSync(join(tmpdir(), 'mpp-copy-nan-'));

beforeAll(async () => {
  db = await openTestDatabase({ segments: 3 });
  client = new pg.Client({ host: '127.0.0.1', port: db.port, user: 'mpp', database: 'mpp' });
  await client.connect();
  await db.query(
    "CREATE TABLE t (k int, v numeric(8,2), w numeric(30,3) DEFAULT 'NaN', x numeric(60,1)) DISTRIBUTED BY (v)",
  );
});
afterAll(async () => {
  await client?.end();
  await db?.close();
  rmSync(dir, { recursive: true, force: true });
});

const WAYS = ['STDIN', 'file', 'file sent as text'] as const;

async function copy(way: (typeof WAYS)[number], target: string, options: string, text: string) {
  if (way === 'STDIN') {
    const stream = client.query(copyFrom(`COPY ${target} FROM STDIN ${options}`));
    await pipeline(Readable.from([Buffer.from(text)]), stream);
    return;
  }
  const path = join(dir, 'input');
  writeFileSync(path, text);
  await client.query(`SET mpp.copy_shared_files = ${way === 'file' ? 'on' : 'off'}`);
  await client.query(`COPY ${target} FROM '${path}' ${options}`);
}

const rows = async (sql = 'SELECT * FROM t ORDER BY k'): Promise<string[]> =>
  (await db.query(sql)).map((r) => r.map((v) => v ?? 'NULL').join('|'));

describe.each(WAYS)('from %s', (way) => {
  test('text', async () => {
    await db.query('TRUNCATE t');
    await copy(way, 't', '', '1\tNaN\tnan\t NAN \n2\t1.5\t\\N\t3\n3\t\\N\t-7\tNaN\n');
    expect(await rows()).toEqual(['1|NaN|NaN|NaN', '2|1.50|NULL|3.0', '3|NULL|-7.000|NaN']);
  });

  test('CSV, with a default that is NaN', async () => {
    await db.query('TRUNCATE t');
    await copy(way, 't (k, v)', '(FORMAT csv, HEADER)', 'k,v\n1,NaN\n2,"nan"\n3,\n4,99999.994\n');
    expect(await rows()).toEqual([
      '1|NaN|NaN|NULL',
      '2|NaN|NaN|NULL',
      '3|NULL|NaN|NULL',
      '4|99999.99|NaN|NULL',
    ]);
  });

  test('WHERE sees NaN, above all numbers', async () => {
    const text = '1,NaN,1\n2,5,NaN\n3,-5,\n4,,2\n5,100,100\n';
    const kept = async (where: string): Promise<string[]> => {
      await db.query('TRUNCATE t');
      await copy(way, 't (k, v, w)', `(FORMAT csv) WHERE ${where}`, text);
      return rows('SELECT k FROM t ORDER BY k');
    };
    expect(await kept('v > 10')).toEqual(['1', '5']);
    expect(await kept("v = 'NaN'")).toEqual(['1']);
    expect(await kept('w < v')).toEqual(['1']);
    expect(await kept("v + w <> 'NaN'")).toEqual(['5']);
    expect(await kept('w IS NULL OR v = w')).toEqual(['3', '5']);
    expect(await kept('10 / (w - 2.5) > 0')).toEqual(['2', '5']);
    expect(await kept("x = 'NaN'")).toEqual([]);
  });

  test('rows come to where INSERT puts them', async () => {
    await db.query('TRUNCATE t');
    await db.query('DROP TABLE IF EXISTS other');
    await db.query('CREATE TABLE other (v numeric, n int) DISTRIBUTED BY (v)');
    await db.query("INSERT INTO other VALUES ('NaN', 1), (1.5, 2), (2.500, 3), (1000, 4)");
    await copy(way, 't (k, v)', '(FORMAT csv)', '1,NaN\n2,1.5\n3,2.50\n4,1e3\n5,7\n');
    expect(await rows('SELECT k, n FROM t JOIN other USING (v) ORDER BY k')).toEqual([
      '1|1',
      '2|2',
      '3|3',
      '4|4',
    ]);
    expect(await rows("SELECT k FROM t WHERE v = 'NaN'")).toEqual(['1']);
  });

  test('infinity is an error of its line', async () => {
    await db.query('TRUNCATE t');
    await expect(copy(way, 't (k, v)', '(FORMAT csv)', '1,NaN\n2,Infinity\n')).rejects.toMatchObject({
      code: '22003',
      message: 'numeric field overflow',
      detail: 'A field with precision 8, scale 2 cannot hold an infinite value.',
      where: expect.stringContaining('COPY t, line 2, column v: "Infinity"'),
    });
    expect(await rows()).toEqual([]);
  });
});

test('COPY TO gives what COPY FROM takes', async () => {
  await db.query('TRUNCATE t');
  await db.query("INSERT INTO t VALUES (1, 'NaN', 2, 'NaN'), (2, 1.5, 'NaN', NULL)");
  const path = join(dir, 'output');
  for (const options of ['', '(FORMAT csv)']) {
    await client.query(`COPY (SELECT * FROM t ORDER BY k) TO '${path}' ${options}`);
    await client.query(`COPY t FROM '${path}' ${options}`);
  }
  expect(await rows('SELECT DISTINCT * FROM t ORDER BY k')).toEqual(['1|NaN|2.000|NaN', '2|1.50|NaN|NULL']);
  expect(await rows('SELECT count(*) FROM t')).toEqual(['8']);
});

test('binary results', async () => {
  await db.query('TRUNCATE t');
  await db.query("INSERT INTO t (k, v) VALUES (1, 'NaN'), (2, -1.5)");
  // The client decodes all bytes as text, and so does the expectation.
  const { rows: found, fields } = await client.query({
    text: 'SELECT v FROM t ORDER BY k',
    rowMode: 'array',
    binary: true,
    name: 'binary',
    types: { getTypeParser: () => (v: string) => v },
  } as pg.QueryArrayConfig);
  // Digits, weight, sign, scale.
  const expected = ['00000000c0000000', '000200004000000200011388'];
  expect(found).toEqual(expected.map((hex) => [Buffer.from(hex, 'hex').toString()]));
  // numeric(8,2).
  expect(fields[0]).toMatchObject({ dataTypeID: 1700, dataTypeModifier: ((8 << 16) | 2) + 4 });
});
