/** mpp_progress: what other sessions see of a query that runs. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase({ segments: 2 });
  await db.query(
    'CREATE TABLE big AS SELECT i, i % 7 AS j FROM generate_series(1, 40000) i DISTRIBUTED BY (i)',
  );
});
afterAll(() => db?.close());

test('rows, totals and slices of a running query; nothing when it is over', async () => {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: db.port,
    user: 'mpp',
    database: 'mpp',
  });
  client.on('error', () => undefined);
  await client.connect();
  const [[pid]] = (await client.query({ text: 'SELECT pg_backend_pid()', rowMode: 'array' })).rows as [
    [number],
  ];
  const slow = client.query('SELECT count(*) FROM big a, big b WHERE a.i * 3 + a.j < b.i * 2 + b.j').then(
    () => 'done',
    (e: Error) => e.message,
  );
  type Row = { segment: string; slice: string; state: string; rows: string; total: string | null };
  const look = async (): Promise<Row[]> =>
    (
      await db.query(
        `SELECT segment, slice, state, rows, rows_total FROM mpp_progress WHERE pid = ${pid} ORDER BY slice, segment`,
      )
    ).map(([segment, slice, state, rows, total]) => ({
      segment: segment!,
      slice: slice!,
      state: state!,
      rows: rows!,
      total: total!,
    }));
  let seen: Row[] = [];
  let total = 0;
  for (let i = 0; i < 200 && total !== 40_000; i++) {
    seen = await look();
    const scans = seen.filter((r) => r.total !== null && r.state === 'running');
    total = Math.max(
      ...[...new Set(scans.map((s) => s.slice))].map((slice) =>
        scans.filter((s) => s.slice === slice).reduce((a, s) => a + Number(s.total), 0),
      ),
      0,
    );
  }
  expect(total).toBe(40_000);
  expect(new Set(seen.map((r) => r.segment))).toEqual(new Set(['-1', '0', '1']));
  for (const r of seen)
    expect(Number(r.rows)).toBeLessThanOrEqual(Number(r.total ?? Number.MAX_SAFE_INTEGER));
  await db.query(`SELECT pg_cancel_backend(${pid})`);
  expect(await slow).toBe('canceling statement due to user request');
  expect(await look()).toEqual([]);
  await client.end();
});
