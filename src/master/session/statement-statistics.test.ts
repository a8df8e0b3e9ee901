import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadParser } from '../../plan/sql/parse.js';
import { RawClient, types } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { StatementStatistics } from './statement-statistics.js';

beforeAll(loadParser);

const run = (text: string, ms = 1, rows = 1) => ({ user: 'u', database: 'd', text, ms, rows });

describe('statistics', () => {
  it('counts together what differs in constants', () => {
    const s = new StatementStatistics();
    for (const ms of [1, 2, 6]) s.add(run(`select * from t where a = ${ms} and b = 'x${ms}'`, ms, ms));
    s.add(run('select * from t'));
    s.add({ ...run('select * from t'), user: 'other' });
    const all = s.all();
    expect(all.length).toBe(3);
    const [first] = all;
    expect(first).toMatchObject({ calls: 3, rows: 9, totalMs: 9, minMs: 1, maxMs: 6, meanMs: 3 });
    expect(first!.shape.text).toBe('select * from t where a = $1 and b = $2');
    expect(Math.sqrt(first!.squares / 3)).toBeCloseTo(Math.sqrt(14 / 3));
    s.reset();
    expect(s.all()).toEqual([]);
  });

  it('keeps what is called often when there are too many kinds', () => {
    const s = new StatementStatistics(40);
    for (let i = 0; i < 5; i++) s.add(run('select count(*) from often'));
    s.all();
    for (let i = 0; i < 100; i++) s.add(run(`select c${i} from t`));
    const all = s.all();
    expect(all.length).toBeLessThanOrEqual(40);
    expect(all.some((c) => c.shape.text.includes('often') && c.calls === 5)).toBe(true);
    expect(all.some((c) => c.shape.text.includes('c99'))).toBe(true);
  });

  it('holds no long texts', () => {
    const s = new StatementStatistics();
    const long = `insert into t values ${'(1),'.repeat(50_000)}`;
    for (let i = 0; i < 50; i++) s.add(run(`${long}(${i})`));
    for (let i = 0; i < 50; i++) s.add(run(`select ${'1 + '.repeat(2000)}${i}`));
    expect(s.all().map((c) => c.calls)).toEqual([50, 50]);
    expect(s.textHeld).toBe(0);
    s.add(run('select 1'));
    expect(s.textHeld).toBe(8);
  });

  it('takes texts that the parser does not', () => {
    const s = new StatementStatistics();
    s.add(run('create table x (a int) distributed by (a)'));
    s.add(run(`insert into t values ${'(1),'.repeat(50_000)}(2)`));
    expect(s.all().map((c) => c.calls)).toEqual([1, 1]);
  });
});

describe('over the wire', () => {
  let test: TestServer;
  beforeAll(async () => {
    test = await startTestServer();
  });
  afterAll(async () => {
    expect(test.errors).toEqual([]);
    await test.close();
  });

  it('pg_stat_statements counts simple, prepared and executed statements, not failed ones', async () => {
    const c = new Client({ host: '127.0.0.1', port: test.port, user: 'tester', database: 'db' });
    await c.connect();
    await c.query('select pg_stat_statements_reset()');
    await c.query('select 1 + 1');
    await c.query('select 2 + 2');
    for (const n of [1, 2]) await c.query({ name: 'p', text: 'select abs($1::int)', values: [n] });
    await c.query('prepare q as select 4 + $1');
    await c.query('execute q(5)');
    await expect(c.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
    const { rows } = await c.query(
      'select query, calls::int, rows::int, total_exec_time >= min_exec_time as sound from pg_stat_statements where query !~ \'pg_stat\' order by query collate "C"',
    );
    expect(rows).toEqual([
      { query: 'prepare q as select 4 + $1', calls: 1, rows: 1, sound: true },
      { query: 'select $1 + $2', calls: 2, rows: 2, sound: true },
      { query: 'select abs($1::int)', calls: 2, rows: 2, sound: true },
    ]);
    await c.end();
  });

  it('a session that waits too long for its client ends', async () => {
    const idle = await RawClient.start(test.port);
    await idle.client.query("set idle_session_timeout = '100ms'");
    expect(types(await idle.client.waitClosed())).toBe('E');
    const inBlock = await RawClient.start(test.port);
    await inBlock.client.query("set idle_in_transaction_session_timeout = '100ms'");
    // Outside of a block it has all the time.
    await new Promise((resolve) => setTimeout(resolve, 250));
    await inBlock.client.query('begin');
    const last = await inBlock.client.waitClosed();
    expect(last.map((m) => m.body.toString()).join()).toContain('25P03');
  });
});
