/** COPY FROM with HEADER MATCH and WHERE over a cluster of real processes: STDIN and files, text and CSV. The answers are
 *  a PostgreSQL 15 server's. */
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
const dir = mkdtempSync(join(tmpdir(), 'mpp-copy-'));

beforeAll(async () => {
  db = await openTestDatabase({ segments: 2 });
  client = new pg.Client({ host: '127.0.0.1', port: db.port, user: 'mpp', database: 'mpp' });
  await client.connect();
  await db.query(
    'CREATE TABLE th (a int, b text, "C d" numeric(5,2) DEFAULT 7, e int NOT NULL DEFAULT 3) DISTRIBUTED BY (a)',
  );
});
afterAll(async () => {
  await client?.end();
  await db?.close();
  rmSync(dir, { recursive: true, force: true });
});

type Outcome = { readonly rows: number } | { readonly error: string; readonly where: string };

async function outcome(run: () => Promise<number>): Promise<Outcome> {
  try {
    return { rows: await run() };
  } catch (e) {
    const { code, message, where } = e as { code: string; message: string; where: string };
    return { error: `${code} ${message}`, where };
  }
}

/** Once from STDIN and once from a file: they must agree. */
async function copy(target: string, options: string, text: string): Promise<Outcome> {
  await db.query('TRUNCATE th');
  const path = join(dir, 'input');
  writeFileSync(path, text);
  const fromFile = await outcome(
    async () => (await client.query(`COPY ${target} FROM '${path}' ${options}`)).rowCount ?? 0,
  );
  await db.query('TRUNCATE th');
  const fromClient = await outcome(async () => {
    const stream = client.query(copyFrom(`COPY ${target} FROM STDIN ${options}`));
    await pipeline(Readable.from([Buffer.from(text)]), stream);
    return stream.rowCount ?? 0;
  });
  if ('error' in fromFile)
    expect({ ...fromFile, where: fromFile.where.replace(`\nfile "${path}"`, '') }).toEqual(fromClient);
  else expect(fromFile).toEqual(fromClient);
  return fromClient;
}

const rows = async () =>
  (await db.query('SELECT a, b, "C d", e FROM th ORDER BY a, b')).map((r) => r.join('|'));

describe('HEADER MATCH', () => {
  test('takes a header with the names of the columns', async () => {
    expect(await copy('th', '(FORMAT csv, HEADER match)', 'a,b,"C d",e\n1,x,2,3\n')).toEqual({ rows: 1 });
    expect(await copy('th', '(HEADER match)', 'a\tb\tC\\x20d\te\n2\ty\t2\t3\n')).toEqual({ rows: 1 });
    expect(await copy('th (b, a)', "(FORMAT csv, HEADER 'MATCH')", 'b,a\nq,5\n')).toEqual({ rows: 1 });
    expect(await rows()).toEqual(['5|q|7.00|3']);
  });

  test('refuses any other', async () => {
    expect(await copy('th', '(FORMAT csv, HEADER match)', 'a,b,c d,e\n1,x,2,3\n')).toEqual({
      error: '22P04 column name mismatch in header line field 3: got "c d", expected "C d"',
      where: 'COPY th, line 1: "a,b,c d,e"',
    });
    expect(await copy('th', '(HEADER match)', 'a\tb\n1\tx\n')).toEqual({
      error: '22P04 wrong number of fields in header line: got 2, expected 4',
      where: 'COPY th, line 1: "a\tb"',
    });
    expect(await copy('th', '(HEADER match)', '')).toMatchObject({
      error: '22P04 wrong number of fields in header line: got 1, expected 4',
    });
    expect(await rows()).toEqual([]);
  });
});

describe('WHERE', () => {
  test('keeps the rows for which it is true', async () => {
    const text = '1\tx\t1\t1\n2\ty\t2\t2\n3\tz\t3\t3\n4\t\\N\t4\t4\n';
    expect(await copy('th', 'WHERE a > 2', text)).toEqual({ rows: 2 });
    expect(await rows()).toEqual(['3|z|3.00|3', '4||4.00|4']);
    expect(await copy('th', "WHERE lower(b) = 'y' OR b IS NULL", text)).toEqual({ rows: 2 });
    expect(await rows()).toEqual(['2|y|2.00|2', '4||4.00|4']);
    expect(await copy('th', 'WHERE NULL', text)).toEqual({ rows: 0 });
    expect(await copy('th', 'WHERE th.a % 2 = 0 AND "C d" * 2 < 8', text)).toEqual({ rows: 1 });
    expect(await rows()).toEqual(['2|y|2.00|2']);
  });

  test('reads defaults of the columns that the lines lack', async () => {
    const options = `(FORMAT csv, HEADER match) WHERE e = 3 AND "C d" = 7 AND b LIKE 'x%'`;
    expect(await copy('th (a, b)', options, 'a,b\n10,x1\n11,y1\n12,x2\n')).toEqual({ rows: 2 });
    expect(await rows()).toEqual(['10|x1|7.00|3', '12|x2|7.00|3']);
  });

  test('a row that is left out may lack a value, the first one in error is named', async () => {
    expect(await copy('th', 'WHERE a > 5', '1\tx\t1\t\\N\n6\ty\t2\t2\n')).toEqual({ rows: 1 });
    expect(await copy('th', 'WHERE a > 5', '6\ty\t2\t2\n7\tx\t1\t\\N\nx\tx\t1\t1\n')).toEqual({
      error: '23502 null value in column "e" of relation "th" violates not-null constraint',
      where: 'COPY th, line 2: "7\tx\t1\t\\N"',
    });
    expect(await copy('th', 'WHERE a > 5', '6\ty\t2\t2\n1\tx\t1\t\\N\nx\tx\t1\t1\n')).toEqual({
      error: '22P02 invalid input syntax for type integer: "x"',
      where: 'COPY th, line 3, column a: "x"',
    });
  });

  test('its own errors name the line', async () => {
    const where = 'WHERE a > 0 AND 10 / (a - 5) > 0';
    expect(await copy('th', where, '1\tx\t1\t1\n6\ty\t2\t2\n5\tz\t3\t3\nx\t1\t1\t1\n')).toEqual({
      error: '22012 division by zero',
      where: 'COPY th, line 3: "5\tz\t3\t3"',
    });
    expect(await copy('th', 'WHERE a <> 5 AND 10 / (a - 5) > 0', '5\tz\t3\t3\n6\ty\t2\t2\n')).toEqual({
      rows: 1,
    });
    expect(await copy('th', '(FORMAT csv) WHERE b::int > 3', '1,5,1,1\n1,"x\ny",1,1\n')).toEqual({
      error: '22P02 invalid input syntax for type integer: "x\ny"',
      where: 'COPY th, line 3: "1,"x\ny",1,1"',
    });
  });

  test('filters many blocks on all segments', async () => {
    const lines = Array.from(
      { length: 60_000 },
      (_, i) => `${i},${'word '.repeat(8)}${i % 7},1.5,${i % 11}\n`,
    );
    const options = "(FORMAT csv) WHERE e = 4 AND b LIKE '%3'";
    const kept = lines.filter((_, i) => i % 11 === 4 && i % 7 === 3).length;
    expect(await copy('th', options, lines.join(''))).toEqual({ rows: kept });
    expect(await db.query('SELECT count(*), min(e), max(e) FROM th')).toEqual([[String(kept), '4', '4']]);
  });
});

describe('lines of CONTEXT', () => {
  // PostgreSQL does not count newlines inside of the first record: the number it starts from is below one here.
  test('after a first record of many lines', async () => {
    expect(await copy('th (b, a)', 'CSV', '"x\n\n\n\ny",1\nz,2\n')).toEqual({ rows: 2 });
    expect(await copy('th (b, a)', 'CSV', '"x\n\n\n\ny",1\nz,no\n')).toEqual({
      error: '22P02 invalid input syntax for type integer: "no"',
      where: 'COPY th, line 2, column a: "no"',
    });
    expect(await copy('th (b, a)', 'CSV', 'x"y,1\nz,2\n\n4')).toMatchObject({
      error: '22P04 unterminated CSV quoted field',
      where: expect.stringContaining('COPY th, line 1: '),
    });
  });
});
