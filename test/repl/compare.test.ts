/** mpp-sql beside psql 15: the same scripts, the same bytes.
 *
 *  Where psql is installed both run against the same server, and must agree; else what psql printed when the goldens were
 *  made is held against (UPDATE_GOLDEN=1 makes them anew). Where PostgreSQL 15 is installed, both run against it as well. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';
import { openPostgres, type ScratchPostgres } from './scratch-postgres.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const client = fileURLToPath(new URL('../../dist/src/client/sql/mpp-sql.js', import.meta.url));

function findPsql(): string | undefined {
  for (const path of ['/usr/lib/postgresql/15/bin/psql', 'psql']) {
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '';
    if (/psql \(PostgreSQL\) 15\./.test(version)) return path;
  }
  return undefined;
}

const psql = findPsql();

/** Output and errors in their order, and the exit status. */
function run(
  command: readonly string[],
  script: string,
  port: number,
  extra: readonly string[] = [],
): string {
  const cwd = mkdtempSync(join(tmpdir(), 'mpp-repl-'));
  try {
    const args = ['-X', '-h', '127.0.0.1', '-p', String(port), '-U', 'mpp', '-d', 'mpp', ...extra];
    const done = spawnSync(
      'sh',
      ['-c', 'exec "$@" 2>&1', 'sh', ...command, ...args, ...(script === '' ? [] : ['-f', script])],
      {
        cwd,
        encoding: 'utf8',
        // The same name for both: messages begin with it.
        env: { ...process.env, PGAPPNAME: 'repl', LC_ALL: 'C.UTF-8', PGTZ: 'UTC' },
        maxBuffer: 1 << 28,
        timeout: 50_000,
        input: '',
      },
    );
    return `${done.stdout}exit ${done.status}\n`;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** What differs for a reason: the client's name, and the formats that it has. */
function normalize(text: string): string {
  return text
    .replaceAll(here, '')
    .replace(/^(mpp-sql|\S*psql):/gm, 'client:')
    .replace(/allowed formats are .*$/gm, 'allowed formats are ...');
}

function same(script: string, port: number, golden: string | undefined, extra: readonly string[] = []): void {
  const ours = normalize(run([process.execPath, client], script, port, extra));
  if (psql !== undefined) {
    const theirs = normalize(run([psql], script, port, extra));
    if (golden !== undefined && process.env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, theirs);
    expect(ours).toBe(theirs);
  }
  if (golden !== undefined) {
    expect(existsSync(golden), `${golden}: make it with UPDATE_GOLDEN=1 where psql 15 is installed`).toBe(
      true,
    );
    expect(ours).toBe(readFileSync(golden, 'utf8'));
  }
}

const scripts = readdirSync(join(here, 'scripts'))
  .filter((f) => f.endsWith('.sql'))
  .map((f) => join(here, 'scripts', f));

describe('against mpp', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await openTestDatabase({ segments: 2 });
  });
  afterAll(() => db?.close());

  test.each(scripts.map((s) => [basename(s, '.sql'), s]))('%s', (name, script) => {
    same(script!, db.port, join(here, 'goldens', `${name}.out`));
  });

  test.each([
    ['-A -t -c', ['-A', '-t', '-c', "select 1 as a, 'x' as b", '-c', 'select 2']],
    ['--csv', ['--csv', '-c', "select 1 as a, 'x,y' as b", '-c', '\\x', '-c', 'select 2 as b']],
    ['-F -R', ['-A', '-F', ';', '-R', '#', '-c', 'select 1 as a, 2 as b']],
    ['-x', ['-x', '-c', 'select 1 as a, 2 as b']],
    ['-z -0', ['-A', '-z', '-0', '-c', 'select 1 as a, 2 as b']],
    ['-P', ['-P', 'border=2', '-P', 'null=NIL', '-c', 'select null as a']],
    ['-v', ['-v', 'x=1', '-c', '\\echo :x']],
    ['an error of -c', ['-c', 'select nosuch', '-c', 'select 2']],
    ['ON_ERROR_STOP', ['-v', 'ON_ERROR_STOP=1', '-c', 'select nosuch', '-c', 'select 2']],
    ['an unknown command', ['-c', '\\nosuch']],
    ['a missing file', ['-f', '/nosuch.sql']],
    ['several statements in one -c', ['-c', 'select 1; select 2; select nosuch; select 3']],
    ['-q', ['-q', '-c', '\\timing on', '-c', '\\x']],
    ['-e', ['-e', '-c', 'select 1']],
    ['-E', ['-E', '-c', '\\echo x']],
    ['-b', ['-b', '-c', 'select nosuch']],
    ['a bad -P', ['-P', 'format=nosuch', '-c', 'select 1']],
    ['a bad -v', ['-v', 'AUTOCOMMIT=maybe', '-c', 'select 1']],
    ['conninfo', ['-c', '\\conninfo']],
    ['-l', ['-l']],
  ])('options: %s', (_name, args) => {
    same('', db.port, undefined, args);
  });

  test.each([
    ['at the end of a script', '\\set ON_ERROR_STOP 1\nselect 1;\nselect nosuch;\nselect 2;\n'],
    ['without ON_ERROR_STOP', 'select nosuch;\nselect 2;\n'],
    ['after \\q', '\\q\nselect 1;\n'],
    ['of a lost connection', '\\connect nosuch - nosuch.invalid 1\nselect 1;\n'],
  ])('exit status %s', (_name, text) => {
    const dir = mkdtempSync(join(tmpdir(), 'mpp-repl-'));
    try {
      const script = join(dir, 'x.sql');
      writeFileSync(script, text);
      const status = (out: string): string => /exit .*\n$/.exec(out)![0];
      const ours = status(run([process.execPath, client], script, db.port));
      if (psql !== undefined) expect(ours).toBe(status(run([psql], script, db.port)));
      expect(ours).toMatch(/^exit [023]\n$/);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe.runIf(psql !== undefined && ScratchAvailable())('against PostgreSQL 15', () => {
  let server: ScratchPostgres;
  beforeAll(() => {
    server = openPostgres();
    run([psql!], join(here, 'postgres', 'setup.sql'), server.port);
  });
  afterAll(() => server?.close());

  const more = ['describe', 'fetch-count'].map((f) => join(here, 'postgres', `${f}.sql`));
  test.each(
    [...scripts.filter((s) => !s.endsWith('/describe.sql')), ...more].map((s) => [basename(s, '.sql'), s]),
  )('%s', (_name, script) => {
    same(script!, server.port, undefined);
  });
});

function ScratchAvailable(): boolean {
  return existsSync('/usr/lib/postgresql/15/bin/initdb');
}
