/** A PostgreSQL server of one's own in a temporary directory. It does not run as root: then as user `postgres`. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BIN = '/usr/lib/postgresql/15/bin';

export type ScratchPostgres = { readonly port: number; close(): void };

export function openPostgres(): ScratchPostgres {
  const dir = mkdtempSync(join(tmpdir(), 'mpp-pg-'));
  chmodSync(dir, 0o777);
  const data = join(dir, 'data');
  // Not a port that anything is given by default; two test files never share one.
  const port = 20_000 + (process.pid % 10_000);
  const sh = (command: string): void => {
    const root = process.getuid?.() === 0;
    const run = root
      ? spawnSync('su', ['postgres', '-s', '/bin/sh', '-c', command], { encoding: 'utf8', cwd: '/' })
      : spawnSync('sh', ['-c', command], { encoding: 'utf8', cwd: '/' });
    if (run.status !== 0) throw new Error(`${command}: ${run.stderr}${run.stdout}`);
  };
  sh(`${BIN}/initdb -D ${data} -U mpp --no-sync -E UTF8 --locale=C`);
  sh(`${BIN}/pg_ctl -D ${data} -o '-p ${port} -c fsync=off -k ${dir}' -l ${dir}/log -w start`);
  const made = spawnSync(`${BIN}/createdb`, ['-h', '127.0.0.1', '-p', String(port), '-U', 'mpp', 'mpp'], {
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(made.stderr);
  return {
    port,
    close() {
      sh(`${BIN}/pg_ctl -D ${data} -m immediate -w stop`);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
