import { afterAll, beforeAll, expect, it } from 'vitest';
import { errorFields, frame, int16, int32, RawClient } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

let test: TestServer;

beforeAll(async () => {
  test = await startTestServer();
});

afterAll(async () => {
  expect(test.errors).toEqual([]);
  await test.close();
});

const latin1 = (text: string) => Buffer.from(`${text}\0`, 'latin1');
const cell = (m: { type: string; body: Buffer }[], encoding: BufferEncoding = 'latin1') =>
  m.find((x) => x.type === 'D')!.body.toString(encoding, 6);

it('converts queries, rows, names, errors, notices and parameters', async () => {
  const { client: c, greeting } = await RawClient.start(test.port, {
    user: 'tester',
    database: 'db',
    client_encoding: 'latin-1',
  });
  expect(greeting.map((m) => m.body.toString('latin1'))).toContain('client_encoding\0LATIN1\0');
  c.send('Q', latin1("select 'é' as \"ü\", length('éé')"));
  let m = await c.until('Z');
  expect(m[0].body.toString('latin1', 2, 4)).toBe('ü\0');
  expect(cell(m)).toBe('é\0\0\0\x012');

  c.send('Q', latin1('select 1 as "é" from "ö"'));
  m = await c.until('Z');
  const error = m.find((x) => x.type === 'E')!.body.toString('latin1');
  expect(error).toContain('Mrelation "ö" does not exist\0');
  expect(error).toContain('P22\0');

  c.send('Q', latin1("set application_name = 'ä'"));
  m = await c.until('Z');
  expect(m.find((x) => x.type === 'S')!.body.toString('latin1')).toBe('application_name\0ä\0');

  const value = Buffer.from('ç', 'latin1');
  c.raw(
    Buffer.concat([
      frame('P', latin1('ñ'), latin1("select $1::text, $2::text || 'é', '\\xff'::bytea"), int16(0)),
      frame(
        'B',
        '',
        latin1('ñ'),
        ...[int16(2), int16(1), int16(0)],
        ...[int16(2), int32(1), value, int32(1), value],
        ...[int16(3), int16(1), int16(0), int16(1)],
      ),
      frame('E', '', int32(0)),
      frame('S'),
    ]),
  );
  m = await c.until('Z');
  expect(cell(m)).toBe('ç\0\0\0\x02çé\0\0\0\x01ÿ');
  c.end();
});

it('refuses what has no equivalent, whole rows only', async () => {
  const { client: c } = await RawClient.start(test.port);
  await c.query('set client_encoding to win1252');
  c.send('Q', "select 'a', U&'\\20AC', U&'\\0107'");
  const m = await c.until('Z');
  expect(errorFields(m)).toMatchObject({
    C: '22P05',
    M: 'character with byte sequence 0xc4 0x87 in encoding "UTF8" has no equivalent in encoding "WIN1252"',
  });
  expect(m.some((x) => x.type === 'D')).toBe(false);
  c.send('Q', "select U&'\\20AC'");
  expect(cell(await c.until('Z'))).toBe('\x80');
  c.send('Q', Buffer.from("select '\x81'\0", 'latin1'));
  expect(errorFields(await c.until('Z'))).toMatchObject({ C: '22P05' });
  // An error is sent whatever is in it.
  c.send('Q', "select U&'\\0107'::int");
  expect(errorFields(await c.until('Z'))).toMatchObject({
    C: '22P02',
    M: 'invalid input syntax for type integer: "?"',
  });
  expect(errorFields(await c.query("set client_encoding = 'klingon'"))).toMatchObject({
    C: '22023',
    M: 'invalid value for parameter "client_encoding": "klingon"',
  });
  expect(errorFields(await c.query("set names 'euc_jp'"))).toMatchObject({ C: '0A000' });
  c.end();
});

it('goes back with ROLLBACK, and tells the client', async () => {
  const { client: c } = await RawClient.start(test.port);
  await c.query('begin');
  const status = (m: { type: string; body: Buffer }[]) =>
    m.filter((x) => x.type === 'S').map((x) => x.body.toString('latin1'));
  expect(status(await c.query("set names 'koi8r'"))).toEqual(['client_encoding\0KOI8R\0']);
  c.send('Q', Buffer.from("select '\xc4\xc1'\0", 'latin1'));
  expect(cell(await c.until('Z'))).toBe('\xc4\xc1');
  expect(status(await c.query('rollback'))).toEqual(['client_encoding\0UTF8\0']);
  c.send('Q', "select 'да'");
  expect(cell(await c.until('Z'), 'utf8')).toBe('да');
  c.end();
});
