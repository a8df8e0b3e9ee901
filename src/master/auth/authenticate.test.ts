/** Authentication over real sockets: node-postgres, psql where there is one, and raw bytes. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { operatingSystemUser } from '../../types/os-user.js';
import { RawClient, types } from '../testing/raw-client.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { AuthPolicy } from './auth-policy.js';

const QUIET = { info() {}, warn() {}, error() {} };

let directory: string;
let policy: AuthPolicy;
let server: TestServer;

function rules(text: string): boolean {
  writeFileSync(join(directory, 'hba.conf'), text);
  return policy.reload();
}

async function connect(more: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, database: 'db', ...more });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Who one is then. */
async function asUser(more: pg.ClientConfig): Promise<string> {
  const client = await connect(more);
  try {
    const { rows } = await client.query<{ u: string }>('SELECT current_user AS u');
    return rows[0]!.u;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mpp-auth-'));
  writeFileSync(join(directory, 'hba.conf'), 'host all all 127.0.0.1/32 trust');
  policy = AuthPolicy.open(directory, QUIET);
  server = await startTestServer({ auth: policy, socketDirectory: directory });
  const admin = await connect({ user: 'mpp' });
  for (const sql of [
    "CREATE ROLE ann LOGIN PASSWORD 'pencil'",
    "CREATE ROLE fancy LOGIN PASSWORD 'I\u00adX \u00e9'",
    'CREATE ROLE nopassword LOGIN',
    "CREATE ROLE expired LOGIN PASSWORD 'pencil' VALID UNTIL '2001-01-01'",
    "CREATE ROLE nologin PASSWORD 'pencil'",
    "CREATE ROLE once LOGIN CONNECTION LIMIT 1 PASSWORD 'pencil'",
    "ALTER ROLE ann SET datestyle TO 'SQL, DMY'",
    'ALTER ROLE ann SET search_path TO mine, public',
    'ALTER ROLE ALL SET search_path TO everybody',
  ])
    await admin.query(sql);
  await admin.end();
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(() => {
  expect(rules('host all all 127.0.0.1/32 scram-sha-256\nlocal all all peer')).toBe(true);
});

describe.each(['scram-sha-256', 'password', 'md5'])('%s', (method) => {
  beforeEach(() => {
    expect(rules(`host all all 127.0.0.1/32 ${method}`)).toBe(true);
  });

  test('the right password', async () => {
    expect(await asUser({ user: 'ann', password: 'pencil' })).toBe('ann');
    expect(await asUser({ user: 'fancy', password: 'IX \u00e9' })).toBe('fancy');
  });

  test.each([
    ['ann', 'Pencil'],
    ['nopassword', 'pencil'],
    ['expired', 'pencil'],
    ['nobody', 'pencil'],
  ])('%s with %s: the same refusal', async (user, password) => {
    await expect(asUser({ user, password })).rejects.toMatchObject({
      code: '28P01',
      message: `password authentication failed for user "${user}"`,
    });
  });

  test('a role that may not log in', async () => {
    await expect(asUser({ user: 'nologin', password: 'pencil' })).rejects.toMatchObject({
      code: '28000',
      message: 'role "nologin" is not permitted to log in',
    });
  });
});

const psql = spawnSync('psql', ['--version']).status === 0;
const run = promisify(execFile);

test.runIf(psql)('psql with PGPASSWORD', async () => {
  const whoAmI = (user: string, password: string) =>
    run(
      'psql',
      ['-h', '127.0.0.1', '-p', String(server.port), '-U', user, '-Atc', 'SELECT current_user', 'db'],
      {
        env: { ...process.env, PGPASSWORD: password },
      },
    );
  expect((await whoAmI('ann', 'pencil')).stdout).toBe('ann\n');
  expect((await whoAmI('fancy', 'IX \u00e9')).stdout).toBe('fancy\n');
  await expect(whoAmI('ann', 'wrong')).rejects.toMatchObject({
    stderr: expect.stringContaining('FATAL:  password authentication failed for user "ann"') as string,
  });
});

test('no rule, and a rule that rejects', async () => {
  rules('host other all all trust\nhost db ann all reject');
  await expect(asUser({ user: 'ann' })).rejects.toMatchObject({
    code: '28000',
    message: 'pg_hba.conf rejects connection for host "127.0.0.1", user "ann", database "db", no encryption',
  });
  await expect(asUser({ user: 'fancy' })).rejects.toMatchObject({
    code: '28000',
    message: 'no pg_hba.conf entry for host "127.0.0.1", user "fancy", database "db", no encryption',
  });
});

test('trust is for roles that exist', async () => {
  rules('host all all all trust');
  expect(await asUser({ user: 'ann' })).toBe('ann');
  await expect(asUser({ user: 'nobody' })).rejects.toMatchObject({
    code: '28000',
    message: 'role "nobody" does not exist',
  });
});

test('a connection limit counts sessions, and is given back', async () => {
  const login = { user: 'once', password: 'pencil' };
  const first = await connect(login);
  await expect(asUser(login)).rejects.toMatchObject({
    code: '53300',
    message: 'too many connections for role "once"',
  });
  await first.end();
  await expect.poll(() => asUser(login).catch(() => ''), { timeout: 5000 }).toBe('once');
});

test('settings of roles are defaults of the session; what the client asks for wins', async () => {
  const login = { user: 'ann', password: 'pencil' };
  const shown = async (more: pg.ClientConfig) => {
    const client = await connect({ ...login, ...more });
    const { rows } = await client.query<{ d: string; p: string }>(
      "SELECT current_setting('DateStyle') AS d, current_setting('search_path') AS p",
    );
    await client.query("SET datestyle TO 'ISO, MDY'");
    await client.query('RESET datestyle');
    const { rows: after } = await client.query<{ d: string }>("SELECT current_setting('DateStyle') AS d");
    await client.end();
    return [rows[0]!.d, rows[0]!.p, after[0]!.d];
  };
  expect(await shown({})).toEqual(['SQL, DMY', 'mine, public', 'SQL, DMY']);
  expect(await shown({ options: '-c datestyle=ISO,YMD' })).toEqual(['ISO, YMD', 'mine, public', 'ISO, YMD']);
  const other = await connect({ user: 'fancy', password: 'IX \u00e9' });
  const { rows } = await other.query<{ p: string }>("SELECT current_setting('search_path') AS p");
  expect(rows[0]!.p).toBe('everybody');
  await other.end();
});

describe('reload', () => {
  test('a file with an error changes nothing', async () => {
    expect(rules('host all all all trust\nhost all all nonsense')).toBe(false);
    await expect(asUser({ user: 'ann', password: 'wrong' })).rejects.toMatchObject({ code: '28P01' });
    const policyRows = policy.rows();
    expect(policyRows).toHaveLength(2);
    expect(policyRows[1]).toMatchObject({ line: 2 });
  });

  test('a file that is gone opens nothing', async () => {
    unlinkSync(join(directory, 'hba.conf'));
    expect(policy.reload()).toBe(false);
    await expect(asUser({ user: 'ann', password: 'wrong' })).rejects.toMatchObject({ code: '28P01' });
  });

  test('at start an error stops the start', () => {
    writeFileSync(join(directory, 'hba.conf'), 'nonsense');
    expect(() => AuthPolicy.open(directory, QUIET)).toThrow(/line 1: invalid connection type "nonsense"/);
  });

  test('in SQL, for superusers', async () => {
    rules('host all all all trust');
    const admin = await connect({ user: 'mpp' });
    writeFileSync(
      join(directory, 'hba.conf'),
      'host all mpp all trust\n\nhost all all 10.0.0.0/8 reject\nbad',
    );
    const { rows } = await admin.query('SELECT * FROM pg_hba_file_rules ORDER BY line_number');
    expect(rows).toMatchObject([
      { line_number: 1, type: 'host', user_name: ['mpp'], address: 'all', auth_method: 'trust' },
      { line_number: 3, address: '10.0.0.0', netmask: '255.0.0.0', auth_method: 'reject' },
      { line_number: 4, type: null, error: 'invalid connection type "bad"' },
    ]);
    writeFileSync(join(directory, 'hba.conf'), 'host all mpp all trust');
    await admin.query('SELECT pg_reload_conf()');
    await expect(asUser({ user: 'ann' })).rejects.toMatchObject({ code: '28000' });
    await admin.query('SET ROLE ann');
    await expect(admin.query('SELECT pg_reload_conf()')).rejects.toMatchObject({ code: '42501' });
    await expect(admin.query('SELECT * FROM pg_hba_file_rules')).rejects.toMatchObject({ code: '42501' });
    await admin.end();
  });
});

describe('the Unix socket', () => {
  test('is for the owner of the directory alone', () => {
    const { mode } = statSync(join(directory, `.s.PGSQL.${server.port}`));
    expect(mode & 0o777).toBe(0o700);
  });

  test('peer lets in the role that is called as the one who runs this', async () => {
    await expect(asUser({ host: directory, user: 'ann' })).rejects.toMatchObject({
      code: '28000',
      message: 'Peer authentication failed for user "ann"',
    });
    rules('local all all trust');
    const admin = await connect({ host: directory, user: 'mpp' });
    await admin.query(`CREATE ROLE "${operatingSystemUser()}" LOGIN`);
    await admin.end();
    rules('local all all peer');
    expect(await asUser({ host: directory, user: operatingSystemUser() })).toBe(operatingSystemUser());
  });
});

test('whoever is not known yet sends passwords and nothing long', async () => {
  for (const message of [
    Buffer.from([0x51, 0x0f, 0xff, 0xff, 0xff]),
    Buffer.from([0x70, 0x0f, 0xff, 0xff, 0xff]),
  ]) {
    const c = await RawClient.open(server.port);
    c.startup(0x30000, { user: 'ann', database: 'db' });
    await c.until('R');
    c.raw(message);
    const rest = await c.waitClosed();
    expect(types(rest)).toBe('E');
    expect(rest[0]!.body.toString()).toContain('08P01');
  }
});

test('without a file everybody on this host is let in', async () => {
  const open = await startTestServer();
  const client = new pg.Client({ host: '127.0.0.1', port: open.port, user: 'anybody', database: 'db' });
  await client.connect();
  const { rows } = await client.query('SHOW is_superuser');
  expect(rows).toEqual([{ is_superuser: 'on' }]);
  await client.end();
  await open.close();
});
