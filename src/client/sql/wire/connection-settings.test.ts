import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveConnection } from './connection-settings.js';
import { ConninfoError } from './conninfo.js';
import { errorPosition } from './error-text.js';
import { passwordFromText } from './pass-file.js';

test('the command line, a string, the environment, defaults', () => {
  const bare = resolveConnection({}, {});
  expect(bare.hosts).toEqual([{ host: '127.0.0.1', address: '127.0.0.1', port: 5433 }]);
  expect(bare.database).toBe(bare.user);
  const env = { PGHOST: 'h1,h2', PGPORT: '1,2', PGUSER: 'u', PGDATABASE: 'd', PGPASSWORD: 'p' };
  const fromEnv = resolveConnection({}, env);
  expect(fromEnv.hosts.map((h) => [h.host, h.port])).toEqual([
    ['h1', 1],
    ['h2', 2],
  ]);
  expect(fromEnv).toMatchObject({ user: 'u', database: 'd', password: 'p' });
  expect(resolveConnection({ host: 'x', port: '7', database: 'y' }, env)).toMatchObject({
    hosts: [{ host: 'x', port: 7 }],
    database: 'y',
    user: 'u',
  });
  expect(
    resolveConnection(
      { host: 'x', database: 'postgresql://a%20b:s%40t@[::1]:9/my%2Fdb?sslmode=require' },
      {},
    ),
  ).toMatchObject({
    hosts: [{ host: '::1', port: 9 }],
    user: 'a b',
    password: 's@t',
    database: 'my/db',
    sslMode: 'require',
  });
  expect(resolveConnection({ database: "host=/run/x user='a \\'b\\\\' dbname = z" }, {})).toMatchObject({
    hosts: [{ host: '/run/x' }],
    user: "a 'b\\",
    database: 'z',
  });
});

test.each([
  [{ database: 'nosuch=1' }, 'invalid connection option "nosuch"'],
  [{ database: "host='x" }, 'unterminated quoted string'],
  [{ port: 'x' }, 'invalid port number: "x"'],
  [{ host: 'a,b', port: '1,2,3' }, 'could not match 3 port numbers to 2 hosts'],
  [{ database: 'postgres://h/?nosuch=1' }, 'invalid URI query parameter: "nosuch"'],
  [{ database: 'postgres://h/%zz' }, 'invalid percent-encoded token'],
  [{ database: 'sslmode=maybe' }, 'invalid sslmode value: "maybe"'],
])('refuses %j', (asked, message) => {
  expect(() => resolveConnection(asked, {})).toThrow(ConninfoError);
  expect(() => resolveConnection(asked, {})).toThrow(message);
});

test('services', () => {
  const dir = mkdtempSync(join(tmpdir(), 'mpp-repl-'));
  try {
    const file = join(dir, 'services');
    writeFileSync(file, '# none\n[other]\nhost=no\n[mine]\nhost=yes\nport=77\n');
    expect(resolveConnection({}, { PGSERVICEFILE: file, PGSERVICE: 'mine', PGHOST: 'env' }).hosts).toEqual([
      { host: 'yes', address: 'yes', port: 77 },
    ]);
    expect(() => resolveConnection({}, { PGSERVICEFILE: file, PGSERVICE: 'nosuch' })).toThrow(
      'definition of service "nosuch" not found',
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('passwords by host, port, database and user', () => {
  const text = '# c\nh:1:d:u:first\n*:*:d:u:se\\:cond\\\\\nlocalhost:*:*:*:socket\n';
  const find = (host: string, port: string, database = 'd', user = 'u') =>
    passwordFromText(text, { host, port, database, user });
  expect(find('h', '1')).toBe('first');
  expect(find('h', '2')).toBe('se:cond\\');
  expect(find('/run/x', '5', 'e')).toBe('socket');
  expect(find('h', '2', 'other')).toBeUndefined();
});

test('the place of an error: cut on both sides, in columns, after newlines', () => {
  expect(errorPosition('select nosuch', 8)).toBe('LINE 1: select nosuch\n               ^\n');
  expect(errorPosition('select\r\n日本 x', 12)).toBe('LINE 2: 日本 x\n             ^\n');
  const long = `${'a'.repeat(100)} HERE ${'b'.repeat(100)}`;
  const [line, caret] = errorPosition(long, 102).split('\n');
  expect(line).toMatch(/^LINE 1: \.\.\.a+ HERE b+\.\.\.$/);
  expect(line!.indexOf('HERE')).toBe(caret!.indexOf('^'));
});
