/** Real processes, killed at the wrong moment. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TestCluster } from '../support/cluster.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ segments: 2 });
  await cluster.query('CREATE TABLE big (k int, v text) DISTRIBUTED BY (k)');
  await cluster.query("INSERT INTO big SELECT i, 'row ' || i FROM generate_series(1, 20000) AS g(i)");
});
afterAll(() => cluster?.stop());
beforeEach(() => cluster.startAll());

/** Minutes of work on every segment. */
const ENDLESS = 'SELECT count(*) FROM big a, big b, big c WHERE a.k + b.k + c.k = -1';

const count = async (table: string): Promise<number> => {
  const { rows } = await cluster.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`);
  return Number(rows[0]!.n);
};

async function fails(promise: Promise<unknown>): Promise<pg.DatabaseError & { ms: number }> {
  const began = performance.now();
  try {
    await promise;
  } catch (e) {
    return Object.assign(e as pg.DatabaseError, { ms: performance.now() - began });
  }
  throw new Error('the statement did not fail');
}

/** Percent of one core that the process used over the next `ms`. */
async function cpu(pid: number, ms: number): Promise<number> {
  const ticks = async (): Promise<number> => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = await ticks();
  await sleep(ms);
  return ((await ticks()) - before) * (1000 / ms);
}

/** The segments stop working within a second. */
async function quiet(): Promise<void> {
  await sleep(500);
  for (const name of ['segment-0', 'segment-1']) expect(await cpu(cluster.pid(name), 400)).toBeLessThan(40);
}

test('an empty table has no rows, on a cluster that has just started', async () => {
  await cluster.query('CREATE TABLE nothing (a int)');
  expect((await cluster.query('SELECT * FROM nothing')).rows).toEqual([]);
});

test('a segment killed in mid-query is named within two seconds, and the cluster goes on when it is back', async () => {
  const client = await cluster.connect();
  const running = fails(client.query(ENDLESS));
  await sleep(500);
  const killed = performance.now();
  await cluster.kill('segment-1');
  const e = await running;
  expect(performance.now() - killed).toBeLessThan(2000);
  expect(e.code).toBe('08006');
  expect(e.message).toMatch(/segment 1 \(127\.0\.0\.1:\d+\) was lost while running slice/);
  expect(e.hint).toContain('Start it again');
  let down = await fails(client.query('SELECT count(*) FROM big'));
  // The broken link may be noticed before the segment's session.
  while (down.code === '08006' && performance.now() - killed < 2000) {
    expect(down.message).toContain('segment 1');
    down = await fails(client.query('SELECT count(*) FROM big'));
  }
  expect(down.code).toBe('57P03');
  expect(down.message).toContain('segment 1');
  expect(down.ms).toBeLessThan(2000);
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await cluster.startAll();
  expect((await client.query('SELECT count(*)::int AS n FROM big')).rows).toEqual([{ n: 20000 }]);
  await client.end();
});

test('a segment that pauses is waited for; one that hangs is noticed', async () => {
  const client = await cluster.connect();
  cluster.signal('segment-0', 'SIGSTOP');
  const waiting = client.query('SELECT count(*)::int AS n FROM big');
  await sleep(4000);
  cluster.signal('segment-0', 'SIGCONT');
  expect((await waiting).rows).toEqual([{ n: 20000 }]);
  cluster.signal('segment-0', 'SIGSTOP');
  try {
    const e = await fails(client.query('SELECT count(*) FROM big'));
    expect(e.message).toContain('segment 0');
    expect(e.ms).toBeLessThan(14_000);
  } finally {
    cluster.signal('segment-0', 'SIGCONT');
  }
  await cluster.ready();
  expect(await count('big')).toBe(20000);
  await client.end();
});

test('rows are there after kill -9 of everything', async () => {
  await cluster.query('CREATE TABLE kept (a int, b text)');
  await cluster.query("INSERT INTO kept SELECT i, 'x' FROM generate_series(1, 5000) AS g(i)");
  await cluster.killAll();
  await cluster.startAll();
  expect(await count('kept')).toBe(5000);
  expect(await count('big')).toBe(20000);
});

test('NaN in a numeric(p,s) is known again after kill -9 of everything', async () => {
  await cluster.query('CREATE TABLE measures (k int, v numeric(8,2)) DISTRIBUTED BY (k)');
  await cluster.query('INSERT INTO measures SELECT i, i / 4.0 FROM generate_series(1, 100) AS g(i)');
  await cluster.query("INSERT INTO measures VALUES (0, 'NaN')");
  const found = async () => {
    const sql = "SELECT count(*) AS n, max(v) AS v, sum(v) FILTER (WHERE v < 'NaN') AS s FROM measures";
    const { rows } = await cluster.query<{ n: string; v: string; s: string }>(sql);
    return rows.map(({ n, v, s }) => [n, v, s]);
  };
  const expected = [['101', 'NaN', '1262.50']];
  expect(await found()).toEqual(expected);
  await cluster.killAll();
  await cluster.startAll();
  expect(await found()).toEqual(expected);
  // And after the statistics were made exact.
  await cluster.query('ANALYZE measures');
  expect(await found()).toEqual(expected);
  await cluster.query("INSERT INTO measures VALUES (-1, 'NaN'), (-2, 5)");
  expect(await found()).toEqual([['103', 'NaN', '1267.50']]);
});

test('the master killed alone comes back; the segments join it again', async () => {
  await cluster.kill('master');
  await cluster.startAll();
  expect(await count('big')).toBe(20000);
});

test('a statement that fails half-way leaves nothing', async () => {
  await cluster.query('CREATE TABLE half (a int NOT NULL)');
  const e = await fails(
    cluster.query('INSERT INTO half SELECT CASE WHEN k = 15000 THEN k / (k - 15000) ELSE k END FROM big'),
  );
  expect(e.code).toBe('22012');
  expect(await count('half')).toBe(0);
  const loading = fails(cluster.query('INSERT INTO half SELECT a.k FROM big a, big b'));
  await sleep(400);
  await cluster.kill('segment-0');
  await loading;
  await cluster.startAll();
  expect(await count('half')).toBe(0);
});

describe('work that nobody waits for ends on the segments within a second', () => {
  test('statement_timeout', async () => {
    const client = await cluster.connect();
    await client.query('SET statement_timeout = 500');
    const e = await fails(client.query(ENDLESS));
    expect(e.code).toBe('57014');
    expect(e.message).toContain('statement timeout');
    expect(e.ms).toBeLessThan(1500);
    await quiet();
    await client.end();
  });

  test('a cancel request', async () => {
    const client = await cluster.connect();
    const running = fails(client.query(ENDLESS));
    await sleep(400);
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const canceller = new pg.Client({ host: '127.0.0.1', port: cluster.port });
    const connection = (canceller as unknown as { connection: pg.Connection }).connection;
    connection.once('connect', () =>
      (connection as unknown as { cancel(pid: number, key: number): void }).cancel(processID, secretKey),
    );
    (connection as unknown as { connect(port: number, host: string): void }).connect(
      cluster.port,
      '127.0.0.1',
    );
    const e = await running;
    expect(e.code).toBe('57014');
    await quiet();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  test('statement_timeout, while a WITH query is computed for two readers', async () => {
    const client = await cluster.connect();
    await client.query('SET statement_timeout = 500');
    const e = await fails(
      client.query(
        'WITH x AS MATERIALIZED (SELECT a.k, a.v FROM big a, big b, big c WHERE a.k + b.k + c.k = -1) SELECT count(*) FROM x p JOIN x q USING (k)',
      ),
    );
    expect(e.code).toBe('57014');
    await quiet();
    await client.end();
  });

  test('a client that goes away', async () => {
    const client = await cluster.connect();
    client.query(ENDLESS).catch(() => undefined);
    await sleep(400);
    expect(await cpu(cluster.pid('segment-0'), 300)).toBeGreaterThan(5);
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await quiet();
  });
});

test('a query that needs more memory than there is ends with 53200; the segments live', async () => {
  const pids = ['segment-0', 'segment-1'].map((n) => cluster.pid(n));
  const e = await fails(
    cluster.query(
      'SELECT count(*) FROM (SELECT a.k, b.k AS k2, max(a.v || b.v) AS m FROM big a, big b GROUP BY 1, 2 OFFSET 0) AS x',
    ),
  );
  expect(e.code).toBe('53200');
  expect(`${e.message} ${e.detail}`).toMatch(/segment [01]/);
  expect(['segment-0', 'segment-1'].map((n) => cluster.pid(n))).toEqual(pids);
  expect(await count('big')).toBe(20000);
});

test('rows of a WITH query that is read twice are memory, too, and all of it comes back', async () => {
  const pids = ['segment-0', 'segment-1'].map((n) => cluster.pid(n));
  const wide = (rows: number): string =>
    `WITH x AS MATERIALIZED (SELECT a.k, repeat(a.v, 100) AS v, random() AS r FROM big a, generate_series(1, ${rows}) AS g(i)) SELECT count(*) AS n FROM x p JOIN x q USING (k, r, v)`;
  const e = await fails(cluster.query(wide(2000)));
  expect(e.code).toBe('53200');
  for (let i = 0; i < 12; i++) expect((await cluster.query(wide(1))).rows).toEqual([{ n: '20000' }]);
  const failing =
    'WITH x AS MATERIALIZED (SELECT v, k / (k - 19000) AS q FROM big) SELECT count(p.q), count(q.v) FROM x p JOIN x q USING (q)';
  expect((await fails(cluster.query(failing))).code).toBe('22012');
  expect(['segment-0', 'segment-1'].map((n) => cluster.pid(n))).toEqual(pids);
});

test('two clients at once', async () => {
  const clients = await Promise.all([cluster.connect(), cluster.connect()]);
  const slow = fails(
    clients[0]!.query('SET statement_timeout = 1500').then(() => clients[0]!.query(ENDLESS)),
  );
  for (let i = 0; i < 5; i++)
    expect((await clients[1]!.query('SELECT count(*)::int AS n FROM big WHERE k % 2 = 0')).rows).toEqual([
      { n: 10000 },
    ]);
  expect((await slow).code).toBe('57014');
  await Promise.all(clients.map((c) => c.end()));
});

test('SIGTERM stops a master cleanly, with running queries told 57P01', async () => {
  const client = await cluster.connect();
  const running = fails(client.query(ENDLESS));
  await sleep(300);
  await cluster.kill('master', 'SIGTERM');
  expect((await running).code).toBe('57P01');
  await cluster.startAll();
  expect(await count('big')).toBe(20000);
});

test('a second process on the same data directory, an extra segment and a wrong token are refused', async () => {
  const segment = async (data: string, token: string, until: RegExp): Promise<number | undefined> => {
    const p = spawn(
      process.execPath,
      ['dist/src/segment/mpp-segment.js', '--data', data, '--join', cluster.masterAddress, '--token', token],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const status = new Promise<number | undefined>((resolve) => {
      let output = '';
      p.stderr!.on('data', (d: Buffer) => {
        output += d.toString();
        if (until.test(output)) resolve(undefined);
      });
      p.once('exit', (code) => resolve(until.test(output) ? (code ?? -1) : -2));
    });
    const result = await status;
    p.kill('SIGKILL');
    return result;
  };
  const inUse = `${cluster.dir}/segment-0`;
  expect(await segment(inUse, 'secret', /is in use by another process(.|\n)*\n$/)).not.toBe(-2);
  expect(await segment(`${cluster.dir}/extra`, 'secret', /expansion is not supported yet/)).toBe(undefined);
  expect(await segment(`${cluster.dir}/wrong`, 'guess', /wrong cluster token/)).toBe(undefined);
  expect(await count('big')).toBe(20000);
});
