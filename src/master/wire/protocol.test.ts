import { Client } from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorFields, frame, int16, int32, RawClient, rows, tags, types } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

let test: TestServer;
let port: number;

beforeAll(async () => {
  test = await startTestServer();
  port = test.port;
  const c = await connected();
  await c.query('create table big (a int, b text) distributed by (a)');
  await c.end();
});

afterAll(async () => {
  expect(test.errors).toEqual([]);
  await test.close();
});

async function connected(more: object = {}): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port, user: 'tester', database: 'db', ...more });
  await client.connect();
  return client;
}

const parse = (name: string, sql: string, ...oids: number[]) =>
  frame('P', name, sql, int16(oids.length), ...oids.map(int32));
const bind = (portal: string, statement: string, values: (string | null)[] = [], results: number[] = []) =>
  frame(
    'B',
    portal,
    statement,
    int16(0),
    int16(values.length),
    ...values.flatMap((v) => (v === null ? [int32(-1)] : [int32(Buffer.byteLength(v)), Buffer.from(v)])),
    int16(results.length),
    ...results.map(int16),
  );
const execute = (portal: string, max = 0) => frame('E', portal, int32(max));
const describePortal = (name: string) => frame('D', Buffer.from('P'), name);
const describeStatement = (name: string) => frame('D', Buffer.from('S'), name);
const SYNC = frame('S');

describe('start-up', () => {
  it('greets every role with the answer to its authentication first', async () => {
    const admin = await connected();
    await admin.query('create role plain login');
    await admin.end();
    const { client, greeting } = await RawClient.start(port, { user: 'plain', database: 'db' });
    expect(types(greeting)).toMatch(/^RS+KZ$/);
    expect(greeting.map((m) => m.body.toString()).join('')).toContain('is_superuser\0off');
    client.end();
  });

  it('refuses encryption with N, then greets', async () => {
    const c = await RawClient.open(port);
    const answer = new Promise<Buffer>((resolve) => c.socket.once('data', resolve));
    c.raw(Buffer.concat([int32(8), int32(80877103)]));
    expect((await answer).toString()).toBe('N');
    c.end();
    const { client, greeting } = await RawClient.start(port);
    expect(types(greeting)).toMatch(/^RS+KZ$/);
    const text = greeting.map((m) => m.body.toString()).join('');
    expect(text).toContain('server_version\0');
    expect(text).toContain('standard_conforming_strings\0on');
    client.end();
  });

  it('negotiates a newer minor version down and lists unknown options', async () => {
    const c = await RawClient.open(port);
    c.startup(0x30002, { user: 'u', '_pq_.shiny': '1' });
    const greeting = await c.until('Z');
    const v = greeting.find((m) => m.type === 'v')!;
    expect(v.body.readInt32BE(0)).toBe(0x30000);
    expect(v.body.toString('utf8', 8)).toBe('_pq_.shiny\0');
    c.end();
  });

  it('takes settings from the start-up packet', async () => {
    const c = await connected({
      options: '-c DateStyle=German -c search_path=s1,public',
      application_name: 'me',
    });
    const r = await c.query("select date '2024-02-03'::text as d, current_setting('application_name') as n");
    expect(r.rows[0]).toEqual({ d: '03.02.2024', n: 'me' });
    await c.end();
    await expect(connected({ options: '-c nonsense=1' })).rejects.toMatchObject({ code: '42704' });
  });

  it('ends what is no start-up packet, and other protocols, alone', async () => {
    const bad = await RawClient.open(port);
    bad.raw(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    expect(errorFields(await bad.waitClosed()).C).toBe('08P01');
    const old = await RawClient.open(port);
    old.startup(0x20000, {});
    expect(errorFields(await old.waitClosed()).C).toBe('0A000');
    const nobody = await RawClient.open(port);
    nobody.startup(0x30000, {});
    expect(errorFields(await nobody.waitClosed())).toMatchObject({ S: 'FATAL', C: '28000' });
  });
});

describe('simple queries', () => {
  it('answers statements in order and stops at the first error', async () => {
    const { client: c } = await RawClient.start(port);
    const m = await c.query("select 1; select 'x' as a, null; select 1/0; select 3");
    expect(types(m)).toMatch(/^TDCTDCT?EZ$/);
    expect(rows(m)).toEqual([['1'], ['x', null]]);
    expect(errorFields(m)).toMatchObject({ S: 'ERROR', V: 'ERROR', C: '22012', M: 'division by zero' });
    expect(types(await c.query(''))).toBe('IZ');
    expect(types(await c.query(' ; '))).toBe('IZ');
    c.end();
  });

  it('reports positions in characters', async () => {
    const { client: c } = await RawClient.start(port);
    expect(errorFields(await c.query("select 'é', nope"))).toMatchObject({ C: '42703', P: '13' });
    expect(errorFields(await c.query('selec 1'))).toMatchObject({ C: '42601', P: '1' });
    expect(errorFields(await c.query('select * from missing'))).toMatchObject({ C: '42P01', P: '15' });
    expect(errorFields(await c.query('select 1 + $1'))).toMatchObject({ C: '42P02', P: '12' });
    c.end();
  });

  it('keeps the block state of a transaction', async () => {
    const { client: c } = await RawClient.start(port);
    const state = async (sql: string) => {
      const m = await c.query(sql);
      return [
        ...tags(m),
        ...(errorFields(m).C === undefined ? [] : [errorFields(m).C]),
        m.at(-1)!.body.toString(),
      ];
    };
    expect(await state('begin')).toEqual(['BEGIN', 'T']);
    expect(await state('select 1')).toEqual(['SELECT 1', 'T']);
    expect(await state('select nope')).toEqual(['42703', 'E']);
    expect(await state('select 1')).toEqual(['25P02', 'E']);
    expect(await state('commit')).toEqual(['ROLLBACK', 'I']);
    expect(await state('start transaction')).toEqual(['START TRANSACTION', 'T']);
    expect(await state('savepoint a')).toEqual(['SAVEPOINT', 'T']);
    expect(await state('select nope')).toEqual(['42703', 'E']);
    expect(await state('rollback to a')).toEqual(['ROLLBACK', 'T']);
    expect(await state('rollback')).toEqual(['ROLLBACK', 'I']);
    const outside = await c.query('commit');
    expect(errorFields(outside, 'N')).toMatchObject({ S: 'WARNING', C: '25P01' });
    c.end();
  });

  it('undoes SET with ROLLBACK and SET LOCAL with COMMIT, and says so', async () => {
    const c = await connected();
    const value = async () => (await c.query('show datestyle')).rows[0].DateStyle;
    await c.query('begin; set datestyle = german; rollback');
    expect(await value()).toBe('ISO, MDY');
    await c.query('begin; set local datestyle = german');
    expect(await value()).toBe('German, DMY');
    await c.query('commit');
    expect(await value()).toBe('ISO, MDY');
    await c.query('begin; set datestyle = german; commit');
    expect(await value()).toBe('German, DMY');
    await c.query('reset datestyle');
    expect(await value()).toBe('ISO, MDY');
    await c.end();
  });
});

describe('extended protocol', () => {
  it('parses, binds, describes, executes, all in one pipeline', async () => {
    const { client: c } = await RawClient.start(port);
    c.raw(
      Buffer.concat([
        parse('s', 'select $1::int + 1 as n, $2::text as t'),
        describeStatement('s'),
        bind('', 's', ['41', null]),
        describePortal(''),
        execute(''),
        bind('', 's', ['1', 'two']),
        execute(''),
        SYNC,
      ]),
    );
    const m = await c.until('Z');
    expect(types(m)).toBe('1tT2TDC2DCZ');
    expect(rows(m)).toEqual([
      ['42', null],
      ['2', 'two'],
    ]);
    c.end();
  });

  it('sends binary results of the common types', async () => {
    const { client: c } = await RawClient.start(port);
    const sql =
      "select 7::int2, 8::int4, 9::int8, true, 1.5::float8, 'é'::text, date '2000-01-02', timestamp '2000-01-01 00:00:01', 12345.678::numeric";
    c.raw(Buffer.concat([parse('', sql), bind('', '', [], [1]), execute(''), SYNC]));
    const m = await c.until('Z');
    expect(types(m)).toBe('12DCZ');
    const { body } = m[2];
    const values: string[] = [];
    for (let at = 2; at < body.length; ) {
      const length = body.readInt32BE(at);
      values.push(body.toString('hex', at + 4, at + 4 + length));
      at += 4 + length;
    }
    expect(values).toEqual([
      '0007',
      '00000008',
      '0000000000000009',
      '01',
      '3ff8000000000000',
      'c3a9',
      '00000001',
      '00000000000f4240',
      '000300010000000300010929'.concat('1a7c'),
    ]);
    c.end();
  });

  it('skips to Sync after an error and recovers', async () => {
    const { client: c } = await RawClient.start(port);
    c.raw(
      Buffer.concat([
        parse('', 'select nope'),
        bind('', ''),
        execute(''),
        SYNC,
        parse('', 'select 5'),
        bind('', ''),
        execute(''),
        SYNC,
      ]),
    );
    expect(types(await c.until('Z'))).toBe('EZ');
    const second = await c.until('Z');
    expect(types(second)).toBe('12DCZ');
    expect(errorFields(await pipeline(c, bind('', 'unheard-of'))).C).toBe('26000');
    expect(errorFields(await pipeline(c, execute('unheard-of'))).C).toBe('34000');
    expect(errorFields(await pipeline(c, parse('', 'select 1; select 2'))).C).toBe('42601');
    expect(errorFields(await pipeline(c, parse('x', 'select 1'), parse('x', 'select 1'))).C).toBe('42P05');
    expect(errorFields(await pipeline(c, parse('', 'select $1::int'), bind('', '', []))).C).toBe('08P01');
    expect(errorFields(await pipeline(c, parse('', 'select $1::int'), bind('', '', ['x']))).C).toBe('22P02');
    c.end();
  });

  it('suspends a portal at its row limit and goes on where it was', async () => {
    test.dispatcher.canned = {
      rows: (i) =>
        i < 3
          ? [
              [i * 2, 'a'],
              [i * 2 + 1, 'b'],
            ]
          : undefined,
    };
    const { client: c } = await RawClient.start(port);
    const m = await pipeline(
      c,
      parse('', 'select a, b from big'),
      bind('p', ''),
      execute('p', 3),
      execute('p', 2),
      execute('p', 9),
      execute('p', 9),
    );
    expect(types(m)).toBe('12DDDsDDsDCCZ');
    expect(rows(m).map((r) => r[0])).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(tags(m)).toEqual(['SELECT 1', 'SELECT 0']);
    expect(test.dispatcher.held).toBe(0);
    c.end();
  });

  it('works with node-postgres and its cursors', async () => {
    test.dispatcher.canned = {
      rows: (i) => (i < 10 ? Array.from({ length: 100 }, (_, k) => [i * 100 + k, 'x'.repeat(k)]) : undefined),
    };
    const c = await connected();
    const r = await c.query({
      name: 'named',
      text: 'select $1::int8 as big, $2::date as d',
      values: ['9007199254740993', '2020-02-29'],
    });
    expect(r.rows[0].big).toBe('9007199254740993');
    const cursor = c.query(new Cursor('select a, b from big'));
    expect((await cursor.read(250)).length).toBe(250);
    expect((await cursor.read(250)).at(-1)).toEqual({ a: 499, b: 'x'.repeat(99) });
    await cursor.close();
    expect((await c.query('select count(*)::int as n from pg_namespace')).rows[0].n).toBeGreaterThan(2);
    await c.end();
    expect(test.dispatcher.held).toBe(0);
    expect(test.dispatcher.running).toBe(0);
  });
});

function pipeline(c: RawClient, ...messages: Buffer[]) {
  c.raw(Buffer.concat([...messages, SYNC]));
  return c.until('Z');
}

describe('back-pressure, cancel, loss', () => {
  const endless = {
    rows: (i: number) => Array.from({ length: 1000 }, (_, k) => [i * 1000 + k, 'y'.repeat(200)]),
  };

  it('holds a query while its client does not read', async () => {
    let chunks = 0;
    test.dispatcher.canned = {
      rows: (i) => {
        chunks++;
        return endless.rows(i);
      },
    };
    const { client: c } = await RawClient.start(port);
    c.socket.pause();
    c.send('Q', 'select a, b from big');
    await settles(() => chunks);
    expect(chunks).toBeLessThan(200);
    c.end();
    await until(() => test.dispatcher.running === 0);
    expect(test.dispatcher.held).toBe(0);
  });

  it('cancels with the right key only', async () => {
    test.dispatcher.canned = endless;
    const { client: c, greeting } = await RawClient.start(port);
    const key = greeting.find((m) => m.type === 'K')!.body;
    c.send('Q', 'select a, b from big');
    const cancel = async (body: Buffer) => {
      const k = await RawClient.open(port);
      k.raw(Buffer.concat([int32(16), int32(80877102), body]));
      await k.waitClosed();
    };
    const wrong = Buffer.from(key);
    wrong[7] ^= 1;
    await cancel(wrong);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(test.dispatcher.running).toBe(1);
    await cancel(key);
    const m = await c.until('Z');
    expect(errorFields(m)).toMatchObject({ C: '57014', M: 'canceling statement due to user request' });
    expect(rows(await c.query('select 1'))).toEqual([['1']]);
    c.end();
  });

  it('lets one session cancel and end another by its process id', async () => {
    test.dispatcher.canned = endless;
    const { client: c, greeting } = await RawClient.start(port);
    const pid = greeting.find((m) => m.type === 'K')!.body.readInt32BE(0);
    expect(rows(await c.query('select pg_backend_pid()'))).toEqual([[String(pid)]]);
    const admin = await connected();
    c.send('Q', 'select a, b from big');
    await until(() => test.dispatcher.running === 1);
    expect((await admin.query('select pg_cancel_backend($1) as done', [pid])).rows).toEqual([{ done: true }]);
    expect(errorFields(await c.until('Z')).C).toBe('57014');
    expect(
      (await admin.query(`select pg_terminate_backend(${pid}), pg_terminate_backend(1)`)).rows,
    ).toHaveLength(1);
    expect(errorFields(await c.waitClosed())).toMatchObject({ S: 'FATAL', C: '57P01' });
    await admin.end();
  });

  it('times a statement out', async () => {
    test.dispatcher.canned = endless;
    const { client: c } = await RawClient.start(port);
    await c.query('set statement_timeout = 100');
    const m = await c.query('select a, b from big');
    expect(errorFields(m)).toMatchObject({ C: '57014', M: 'canceling statement due to statement timeout' });
    c.end();
  });

  it('survives malformed and hostile messages', async () => {
    for (const bytes of [
      Buffer.concat([Buffer.from('Q'), int32(3)]),
      Buffer.concat([Buffer.from('Q'), int32(0x7fffffff)]),
      Buffer.concat([Buffer.from('S'), int32(1 << 20)]),
      Buffer.from([0xff, 0, 0, 0, 4]),
      frame('B', Buffer.from('no terminator')),
      frame('P', 'a', 'select 1', int16(30000)),
      frame('Q', Buffer.from('select 1')),
      frame('p', 'password'),
    ]) {
      const { client: c } = await RawClient.start(port);
      c.raw(bytes);
      expect(errorFields(await c.waitClosed())).toMatchObject({ S: 'FATAL', C: '08P01' });
    }
    const c = await connected();
    expect((await c.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
    await c.end();
  });

  it('says goodbye to clients over the limit', async () => {
    const small = await startTestServer({ limits: { sessionsMax: 1, waitingMax: 0 } });
    const { client } = await RawClient.start(small.port);
    const second = await RawClient.open(small.port);
    second.startup(0x30000, { user: 'u' });
    expect(errorFields(await second.waitClosed()).C).toBe('53300');
    client.end();
    await small.close();
  });
});

describe('COPY', () => {
  it('takes data from the client in any pieces, and all or nothing', async () => {
    const c = await connected();
    await c.query('create table c (n int, s text) distributed by (n)');
    await c.end();
    const { client } = await RawClient.start(port);
    client.send('Q', 'copy c from stdin; select 1');
    expect(types(await client.until('G'))).toBe('G');
    const text = '1\tone\n2\ttw\\to\n3\t\\N\n\\.\nignored\n';
    for (const piece of text.match(/.{1,5}/gs)!) client.send('d', Buffer.from(piece));
    client.send('c');
    const m = await client.until('Z');
    expect(tags(m)).toEqual(['COPY 3', 'SELECT 1']);
    expect(Buffer.concat(test.dispatcher.loaded.splice(0)).toString()).toBe('1\tone\n2\ttw\\to\n3\t\\N\n');

    client.send('Q', 'copy c from stdin csv');
    await client.until('G');
    client.send('d', Buffer.from('1,a\nx,b\n'));
    client.send('c');
    const bad = await client.until('Z');
    expect(errorFields(bad)).toMatchObject({
      C: '22P02',
      M: 'invalid input syntax for type integer: "x"',
      W: 'COPY c, line 2, column n: "x"',
    });
    expect(test.dispatcher.log.at(-1)).toMatch(/^abort/);

    client.send('Q', 'copy c from stdin');
    await client.until('G');
    client.send('f', 'changed my mind');
    const failed = await client.until('Z');
    expect(errorFields(failed)).toMatchObject({ C: '57014', M: 'COPY from stdin failed: changed my mind' });
    expect(rows(await client.query('select 7'))).toEqual([['7']]);
    client.end();
  });

  it('sends text and CSV', async () => {
    test.dispatcher.canned = {
      rows: (i) =>
        i === 0
          ? [
              [1, 'a,b'],
              [2, null],
              [3, 'tab\t"q"\\'],
            ]
          : undefined,
    };
    const { client } = await RawClient.start(port);
    const data = async (sql: string) => {
      const m = await client.query(sql);
      expect(types(m)).toMatch(/^Hd*cCZ$/);
      return m
        .filter((x) => x.type === 'd')
        .map((x) => x.body.toString())
        .join('');
    };
    expect(await data('copy big to stdout')).toBe('1\ta,b\n2\t\\N\n3\ttab\\t"q"\\\\\n');
    expect(await data('copy big to stdout csv header')).toBe('a,b\n1,"a,b"\n2,\n3,"tab\t""q""\\"\n');
    expect(
      await data(
        "copy (select a, b from big) to stdout (format csv, force_quote *, null 'nil', delimiter ';')",
      ),
    ).toBe('"1";"a,b"\n"2";nil\n"3";"tab\t""q""\\"\n');
    client.end();
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(condition()).toBe(true);
}

/** Waits until a number no longer changes. */
async function settles(value: () => number): Promise<void> {
  for (let last = -1; last !== value(); ) {
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}
