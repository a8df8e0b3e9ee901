/** A text that is sent again gives what it would give if it were read anew. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorFields, RawClient, rows } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import type { Prepared } from './prepared.js';
import { RecentStatements } from './recent-statements.js';

let test: TestServer;

beforeAll(async () => {
  test = await startTestServer();
});
afterAll(async () => {
  expect(test.errors).toEqual([]);
  await test.close();
});

async function open(): Promise<{ client: RawClient; one: (sql: string) => Promise<unknown> }> {
  const { client } = await RawClient.start(test.port);
  const one = async (sql: string): Promise<unknown> => {
    const m = await client.query(sql);
    return errorFields(m).C ?? rows(m).flat();
  };
  return { client, one };
}

describe.each(['on', 'off'])('mpp.statement_cache = %s', (value) => {
  it('follows settings, the search path, the catalog and the clock', async () => {
    const { client, one } = await open();
    await one(`set mpp.statement_cache = ${value}`);
    const zone = "select timestamptz '2024-01-01 12:00:00'";
    await one("set timezone = 'UTC'");
    expect(await one(zone)).toEqual(['2024-01-01 12:00:00+00']);
    expect(await one(zone)).toEqual(['2024-01-01 12:00:00+00']);
    await one("set timezone = 'Asia/Tokyo'");
    expect(await one(zone)).toEqual(['2024-01-01 12:00:00+09']);
    await one('begin');
    await one("set local timezone = 'UTC'");
    expect(await one(zone)).toEqual(['2024-01-01 12:00:00+00']);
    await one('commit');
    expect(await one(zone)).toEqual(['2024-01-01 12:00:00+09']);
    await one('set timezone to utc');
    expect(await one(zone)).toEqual(['2024-01-01 12:00:00+00']);

    const name = `rs_${value}`;
    await one(`create schema ${name}; create view ${name}.v as select 1 as a`);
    const view = 'select * from v';
    expect(await one(view)).toBe('42P01');
    await one(`set search_path = ${name}`);
    expect(await one(view)).toEqual(['1']);
    expect(await one(view)).toEqual(['1']);
    await one(`create or replace view ${name}.v as select 2 as a`);
    expect(await one(view)).toEqual(['2']);
    await one(`drop view ${name}.v`);
    expect(await one(view)).toBe('42P01');

    const now = "select 'now'::timestamp";
    const first = await one(now);
    await new Promise((r) => setTimeout(r, 5));
    expect(await one(now)).not.toEqual(first);
    const clock = 'select now()';
    const before = await one(clock);
    await new Promise((r) => setTimeout(r, 5));
    expect(await one(clock)).not.toEqual(before);
    client.end();
  });

  it('says its notices and errors each time, and belongs to one session', async () => {
    const a = await open();
    const b = await open();
    await a.one(`set mpp.statement_cache = ${value}`);
    await b.one(`set mpp.statement_cache = ${value}`);
    expect(await a.one('select 1/0')).toBe('22012');
    expect(await a.one('select 1/0')).toBe('22012');
    const pid = 'select pg_backend_pid()';
    const ofA = await a.one(pid);
    expect(await a.one(pid)).toEqual(ofA);
    expect(await b.one(pid)).not.toEqual(ofA);
    expect(await a.one('select 1; select 2')).toEqual(['1', '2']);
    expect(await a.one('select 1; select 2')).toEqual(['1', '2']);
    a.client.end();
    b.client.end();
  });
});

describe('what is kept', () => {
  const prepared = (more: { kind?: string; readsClock?: boolean; notices?: unknown[] }): Prepared =>
    ({
      name: '',
      binding: {
        readsClock: more.readsClock ?? false,
        statement: { kind: more.kind ?? 'query', notices: more.notices ?? [] },
      },
    }) as unknown as Prepared;

  it('is queries that mean the same again', () => {
    const recent = new RecentStatements();
    const good = [prepared({})];
    recent.keep('a', 1, good);
    expect(recent.get('a', 1)).toBe(good);
    expect(recent.get('a', 2)).toBeUndefined();
    // A change of settings drops it for good.
    expect(recent.get('a', 1)).toBeUndefined();
    recent.keep('clock', 1, [prepared({ readsClock: true })]);
    recent.keep('notice', 1, [prepared({ notices: ['n'] })]);
    recent.keep('insert', 1, [prepared({}), prepared({ kind: 'insert' })]);
    recent.keep('', 1, []);
    for (const text of ['clock', 'notice', 'insert', '']) expect(recent.get(text, 1)).toBeUndefined();
  });

  it('is bounded: the least recently used go first', () => {
    const recent = new RecentStatements();
    for (let i = 0; i < 64; i++) recent.keep(`q${i}`, 1, [prepared({})]);
    recent.get('q0', 1);
    recent.keep('one more', 1, [prepared({})]);
    expect(recent.get('q0', 1)).toBeDefined();
    expect(recent.get('q1', 1)).toBeUndefined();
    recent.keep('x'.repeat(20_000), 1, [prepared({})]);
    expect(recent.get('x'.repeat(20_000), 1)).toBeUndefined();
  });
});
