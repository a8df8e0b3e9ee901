/** Functions in TypeScript that take long for one row: a timeout ends them, and other sessions go on meanwhile. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { textClient } from '../../bench/cluster.js';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase({ segments: 2 });
  await db.query('CREATE TABLE t (k int, s text) DISTRIBUTED BY (k)');
  await db.query('INSERT INTO t SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 100) AS g(i)');
});
afterAll(() => db?.close());

/** Time without bound, by back references. */
const HARD = "'^(.+)(.+)(.+)(.+)\\4\\3\\2\\1'";

test.each([
  `SELECT repeat(md5('a'), 4) ~ ${HARD}`,
  `SELECT count(*) FROM t WHERE s ~ ${HARD}`,
  `SELECT max(regexp_replace(s, ${HARD}, 'x')) FROM t`,
  `SELECT sum(length(repeat(s, 2000000))) FROM t`,
  `SELECT sum(length(replace(repeat(s, 100000), 'a', 'bcd'))) FROM t a, (SELECT 1 FROM t) b`,
])('%s', async (sql) => {
  const other = textClient('127.0.0.1', db.port, 'mpp');
  await other.connect();
  await db.query("SET statement_timeout = '1s'");
  let done = false;
  let slowest = 0;
  let answers = 0;
  const beside = (async () => {
    while (!done) {
      const began = performance.now();
      await other.query('SELECT 1 + 1');
      slowest = Math.max(slowest, performance.now() - began);
      answers++;
    }
  })();
  const began = performance.now();
  try {
    await expect(db.query(sql)).rejects.toMatchObject({ code: '57014' });
    // A second would do; test machines are busy.
    expect(performance.now() - began).toBeLessThan(4000);
  } finally {
    done = true;
    await beside;
    await db.query('RESET statement_timeout');
    await other.end();
  }
  expect(answers).toBeGreaterThan(3);
  expect(slowest).toBeLessThan(1000);
});

test('pg_cancel_backend() over the rows of pg_stat_activity', async () => {
  const other = textClient('127.0.0.1', db.port, 'mpp');
  await other.connect();
  await other.query("SET application_name = 'victim'");
  const victim = expect(other.query(`SELECT count(*) FROM t WHERE s ~ ${HARD}`)).rejects.toMatchObject({
    code: '57014',
  });
  const running = "FROM pg_stat_activity WHERE application_name = 'victim' AND state = 'active'";
  while ((await db.query(`SELECT pid ${running}`)).length === 0);
  expect(await db.query(`SELECT pg_cancel_backend(pid) ${running}`)).toEqual([['t']]);
  await victim;
  expect((await other.query('SELECT 1 AS one')).rows).toEqual([{ one: '1' }]);
  await other.end();
});
