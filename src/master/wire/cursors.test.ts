/** SQL cursors over the wire: formats, the extended protocol, names shared with portals, cancelling, what ends them. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { errorFields, frame, int16, int32, RawClient, tags, types } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

let test: TestServer;

beforeAll(async () => {
  test = await startTestServer();
});
afterAll(async () => {
  expect(test.errors).toEqual([]);
  await test.close();
});

async function connected(): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port: test.port, user: 'tester', database: 'db' });
  await client.connect();
  return client;
}

it('streams without SCROLL: a cursor over many rows holds a few of them', async () => {
  const c = await connected();
  await c.query(
    'begin; declare big cursor for select g, repeat($$x$$, 500) from generate_series(1, 200000) g',
  );
  expect((await c.query('fetch 3 from big')).rows.map((r: { g: number }) => r.g)).toEqual([1, 2, 3]);
  expect((await c.query('move 150000 in big')).rowCount).toBe(150000);
  expect((await c.query('fetch next from big')).rows[0]).toMatchObject({ g: 150004 });
  await c.query('close big');
  await expect(c.query('fetch big')).rejects.toMatchObject({ code: '34000' });
  await c.query('rollback');
  await c.end();
});

it('with SCROLL and WITH HOLD goes back and outlives its transaction, past what memory keeps', async () => {
  const c = await connected();
  await c.query(
    'begin; declare kept scroll cursor with hold for select g, repeat($$y$$, 300) from generate_series(1, 90000) g; commit',
  );
  expect((await c.query('fetch last from kept')).rows[0]).toMatchObject({ g: 90000 });
  expect((await c.query('fetch backward 2 from kept')).rows.map((r: { g: number }) => r.g)).toEqual([
    89999, 89998,
  ]);
  expect((await c.query('fetch absolute 45000 from kept')).rows[0]).toMatchObject({ g: 45000 });
  expect((await c.query('move backward all in kept')).rowCount).toBe(44999);
  expect((await c.query('fetch kept')).rows[0]).toMatchObject({ g: 1 });
  await c.query('close all');
  await c.end();
});

it('answers FETCH in the extended protocol in the formats of Bind, and from a binary cursor in binary', async () => {
  const { client } = await RawClient.start(test.port);
  await client.query('begin; declare c binary cursor for select 258::int4 as x, 1.5::numeric(4,2) as n');
  const simple = await client.query('fetch c');
  const row = simple.find((m) => m.type === 'D')!.body;
  expect(row.readInt32BE(2)).toBe(4);
  expect(row.readInt32BE(6)).toBe(258);
  await client.query('declare d scroll cursor for select 258::int4 as x');
  client.raw(
    Buffer.concat([
      frame('P', 'f', 'fetch first from d', int16(0)),
      frame('D', Buffer.from('S'), 'f'),
      frame('B', '', 'f', int16(0), int16(0), int16(1), int16(1)),
      frame('E', '', int32(0)),
      frame('B', '', 'f', int16(0), int16(0), int16(0)),
      frame('E', '', int32(0)),
      frame('S'),
    ]),
  );
  const extended = await client.until('Z');
  expect(types(extended)).toBe('1tT2DC2DCZ');
  const [binary, text] = extended.filter((m) => m.type === 'D');
  expect(binary!.body.readInt32BE(6)).toBe(258);
  expect(text!.body.subarray(6).toString()).toBe('258');
  expect(tags(extended)).toEqual(['FETCH 1', 'FETCH 1']);
  client.raw(Buffer.concat([frame('B', 'd', 'f', int16(0), int16(0), int16(0)), frame('S')]));
  const clash = await client.until('Z');
  expect(errorFields(clash).C).toBe('42P03');
  client.end();
});

it('ends the query of a cursor whose FETCH is cancelled, and the session lives', async () => {
  const c = await connected();
  const other = await connected();
  const { rows } = await c.query('select pg_backend_pid() as pid');
  await c.query(
    'begin; declare slow cursor for select count(*) from generate_series(1, 40000000000) a where a % 7 = 9',
  );
  const fetched = c.query('fetch slow');
  const cancel = setInterval(() => void other.query(`select pg_cancel_backend(${rows[0].pid})`), 100);
  await expect(fetched).rejects.toMatchObject({ code: '57014' });
  clearInterval(cancel);
  await c.query('rollback');
  expect((await c.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  expect((await c.query('select * from pg_cursors')).rows).toEqual([]);
  await c.end();
  await other.end();
});
