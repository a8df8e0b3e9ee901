/** Utility statements through a session, as a client sees them: tags, notices, errors with PostgreSQL's wording. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorFields, RawClient, rows, tags } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

let test: TestServer;
let client: RawClient;

beforeAll(async () => {
  test = await startTestServer();
  client = (await RawClient.start(test.port)).client;
});

afterAll(async () => {
  client.end();
  expect(test.errors).toEqual([]);
  await test.close();
});

/** The tag, or the error's code, message and whatever else it says. */
async function run(sql: string): Promise<unknown> {
  const m = await client.query(sql);
  const { C, M, D, H } = errorFields(m);
  if (C === undefined) return tags(m).join(', ');
  return [C, M, ...(D === undefined ? [] : [D]), ...(H === undefined ? [] : [H])];
}

async function notices(sql: string): Promise<string[]> {
  const m = await client.query(sql);
  return m.filter((x) => x.type === 'N').map((x) => errorFields([x], 'N').M);
}

const query = async (sql: string) => rows(await client.query(sql));

describe('schemas, tables and views', () => {
  it('creates and refuses', async () => {
    expect(await run('create schema s')).toBe('CREATE SCHEMA');
    expect(await run('create schema s')).toEqual(['42P06', 'schema "s" already exists']);
    expect(await notices('create schema if not exists s')).toEqual(['schema "s" already exists, skipping']);
    expect(await run("create table s.t (a int not null, b text default 'q')")).toBe('CREATE TABLE');
    expect(await run('create table s.t (x int)')).toEqual(['42P07', 'relation "t" already exists']);
    expect(await run('create view s.v as select a from s.t')).toBe('CREATE VIEW');
    expect(await run('create view s.w as select a + 1 as n from s.v')).toBe('CREATE VIEW');
    expect(await run('create or replace view s.v as select b from s.t')).toEqual([
      '42P16',
      'cannot change name of view column "a" to "b"',
      'Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.',
    ]);
    expect(await run('create or replace view s.v as select a, b from s.t')).toBe('CREATE VIEW');
  });

  it('knows who depends on whom', async () => {
    expect(await run('drop table s.t')).toEqual([
      '2BP01',
      'cannot drop table s.t because other objects depend on it',
      'view s.v depends on table s.t\nview s.w depends on view s.v',
      'Use DROP ... CASCADE to drop the dependent objects too.',
    ]);
    expect(await run('drop schema s')).toEqual([
      '2BP01',
      'cannot drop schema s because other objects depend on it',
      ['table s.t depends on schema s', 'view s.v depends on schema s', 'view s.w depends on schema s'].join(
        '\n',
      ),
      'Use DROP ... CASCADE to drop the dependent objects too.',
    ]);
    expect(await run('drop view s.t')).toEqual([
      '42809',
      '"t" is not a view',
      'Use DROP TABLE to remove a table.',
    ]);
    expect(await notices('drop view s.v cascade')).toEqual(['drop cascades to view s.w']);
    expect(await run('drop table s.t, s.t')).toBe('DROP TABLE');
    expect(test.dispatcher.dropped.length).toBe(1);
    expect(await run('drop schema s')).toBe('DROP SCHEMA');
    expect(await run('drop table nope')).toEqual(['42P01', 'table "nope" does not exist']);
    expect(await notices('drop table if exists nope')).toEqual(['table "nope" does not exist, skipping']);
  });

  it('survives a restart of the catalog in one piece', async () => {
    await run(
      'create schema k; create table k.t (a int primary key, b numeric(9,2) default 1.5); create view k.v as select * from k.t',
    );
    const before = test.catalog.relations();
    expect(before.map((r) => r.name)).toEqual(['t', 'v']);
    expect(await query('select conname, contype, conkey from pg_constraint')).toEqual([
      ['t_pkey', 'p', '{1}'],
    ]);
    expect(await query("select 'k.t'::regclass, pg_get_viewdef('k.v'::regclass)")).toEqual([
      ['k.t', ' select * from k.t;'],
    ]);
    expect(await run('alter table k.t rename to u')).toEqual([
      '0A000',
      'renaming a relation that view "v" reads is not supported yet',
    ]);
    expect(await run('drop schema k cascade')).toBe('DROP SCHEMA');
  });

  it('truncates into new storage', async () => {
    await run('create table tr (a int)');
    const stored = () => test.catalog.stored('public', 'tr')!;
    const before = stored();
    expect(await run('truncate tr')).toBe('TRUNCATE TABLE');
    const after = stored();
    if (before.kind !== 'table' || after.kind !== 'table') throw new Error('no table');
    expect(after.oid).toBe(before.oid);
    expect(after.storageId).not.toBe(before.storageId);
    expect(test.dispatcher.dropped).toContain(before.storageId);
    expect(test.catalog.liveStorages()).toEqual([after.storageId]);
    await run('drop table tr');
  });

  it('refuses writes when the session is read only', async () => {
    await run('set default_transaction_read_only = on');
    expect(await run('create table ro (a int)')).toEqual([
      '25006',
      'cannot execute CREATE TABLE in a read-only transaction',
    ]);
    await run('reset all');
  });
});

describe('settings', () => {
  it('are checked, shown and reported', async () => {
    expect(await run('set nope = 1')).toEqual(['42704', 'unrecognized configuration parameter "nope"']);
    expect(await run("set timezone = 'Mars/Base'")).toEqual([
      '22023',
      'invalid value for parameter "TimeZone": "Mars/Base"',
    ]);
    expect(await run('set work_mem = 12')).toEqual([
      '22023',
      '12 kB is outside the valid range for parameter "work_mem" (64 .. 2147483647)',
    ]);
    await run("set work_mem = '1GB'");
    expect(await query('show work_mem')).toEqual([['1GB']]);
    expect(await query("select setting, unit, source from pg_settings where name = 'work_mem'")).toEqual([
      ['1048576', 'kB', 'session'],
    ]);
    const m = await client.query("set timezone = 'Asia/Tokyo'");
    expect(m.find((x) => x.type === 'S')!.body.toString()).toBe('TimeZone\0Asia/Tokyo\0');
    expect(await run('set mpp.nope = 1')).toEqual([
      '42704',
      'unrecognized configuration parameter "mpp.nope"',
    ]);
    expect(await run('set app.user_id = 7; show app.user_id')).toBe('SET, SHOW');
    expect(await run('set standard_conforming_strings = off')).toEqual([
      '0A000',
      'standard_conforming_strings = off is not supported yet',
    ]);
    expect(await run('discard all')).toBe('DISCARD ALL');
    expect(await query('show timezone')).toEqual([['UTC']]);
  });
});

describe('prepared statements', () => {
  it('live until they are deallocated and follow the catalog', async () => {
    expect(await run('prepare p (int, text) as select $1 * 2, $2')).toBe('PREPARE');
    expect(await query("execute p(21, 'x')")).toEqual([['42', 'x']]);
    expect(await run('execute p(1)')).toEqual([
      '42601',
      'wrong number of parameters for prepared statement "p"',
      'Expected 2 parameters but got 1.',
    ]);
    expect(await run('prepare p as select 1')).toEqual(['42P05', 'prepared statement "p" already exists']);
    await run('create view pv as select 1 as a; prepare q as select * from pv');
    expect(await query('execute q')).toEqual([['1']]);
    await run('drop view pv');
    expect(await run('execute q')).toEqual(['42P01', 'relation "pv" does not exist']);
    expect(await run('deallocate p')).toBe('DEALLOCATE');
    expect(await run('execute p(1, 2)')).toEqual(['26000', 'prepared statement "p" does not exist']);
    expect(await run('deallocate all')).toBe('DEALLOCATE ALL');
  });
});

describe('locks', () => {
  it('a drop waits for readers, times out, and is cancelled', async () => {
    await run('create table l (a int)');
    test.dispatcher.canned = { rows: (i) => [[i]] };
    const { client: reader } = await RawClient.start(test.port);
    reader.socket.pause();
    reader.send('Q', 'select a from l');
    while (test.dispatcher.running === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await run('set lock_timeout = 50');
    expect(await run('drop table l')).toEqual(['55P03', 'canceling statement due to lock timeout']);
    await run('set lock_timeout = 0; set statement_timeout = 50');
    expect(await run('drop table l')).toEqual(['57014', 'canceling statement due to statement timeout']);
    await run('reset all');
    const dropped = run('drop table l');
    reader.end();
    expect(await dropped).toBe('DROP TABLE');
    test.dispatcher.canned = { rows: () => undefined };
  });
});

describe('system tables', () => {
  it('show sessions, segments and how tables are spread', async () => {
    await run(
      'create table d1 (a int, b int) distributed by (b, a); create table d2 (a int) distributed randomly; create table d3 (a int) distributed replicated',
    );
    expect(await query('select tablename, policy, distkey from mpp_distribution order by 1')).toEqual([
      ['d1', 'hash', 'b, a'],
      ['d2', 'random', null],
      ['d3', 'replicated', null],
    ]);
    expect(await query('select id, port, up from mpp_segments')).toEqual([['0', '6000', 't']]);
    expect(
      await query('select state, query from pg_stat_activity where pid = pg_backend_pid() or true'),
    ).toEqual([['active', 'select state, query from pg_stat_activity where pid = pg_backend_pid() or true']]);
    expect(
      await query(
        "select column_name, data_type, is_nullable from information_schema.columns where table_name = 'd1' order by ordinal_position",
      ),
    ).toEqual([
      ['a', 'integer', 'YES'],
      ['b', 'integer', 'YES'],
    ]);
    await run('drop table d1, d2, d3');
  });

  it("answer what psql's backslash commands ask", async () => {
    await run("create table pt (a int primary key, b text default 'x'); create view pv as select * from pt");
    const file = new URL('../../plan/bind/fixtures/psql-queries.sql', import.meta.url);
    const oid = (await query("select 'pt'::regclass::oid"))[0][0]!;
    const queries = (await readFile(file, 'utf8'))
      .replace(/'\d{5}'/g, `'${oid}'`)
      .replaceAll("'x'::pg_catalog.reg", "'pt'::pg_catalog.reg")
      .split(/^-- .*$/m)
      .map((q) => q.trim())
      .filter((q) => q !== '');
    expect(queries.length).toBeGreaterThan(20);
    for (const q of queries) expect([q, errorFields(await client.query(q)).M]).toEqual([q, undefined]);
    await run('drop table pt cascade');
  });

  it('can all be scanned', async () => {
    const names = await query(
      "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('pg_catalog', 'information_schema') and c.relkind in ('r', 'v')",
    );
    expect(names.length).toBeGreaterThan(150);
    for (const [name] of names) {
      const m = await client.query(`select count(*) from (select * from ${name}) x`);
      expect([name, errorFields(m)]).toEqual([name, {}]);
    }
  });
});
