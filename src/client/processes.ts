/** Starts, watches and stops the processes of a cluster on this host.
 *
 *  A record whose pid lives is trusted only when that process was started on the same data directory: pids are reused. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { operatingSystemUser } from '../types/os-user.js';
import { CliError } from './cli-error.js';
import type { ClusterDir, RunRecord } from './cluster-dir.js';

export type ProcessState = {
  readonly name: string;
  readonly role: 'master' | 'segment';
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly up: boolean;
};

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
/** Buffers outside of the heap make V8 mark the heap again for every 64 MB of them. The heap is small: marking it in one
 *  pause of some 10 ms costs a third of marking it in steps (measured with COPY). Must be given at the start: V8 may crash when
 *  it changes later. The `#!` lines of the commands give it as well. */
const V8_FLAGS = ['--no-incremental-marking'];

/** Whether `pid` runs and is the process that owns `dataDir`. */
export function isAlive(pid: number, dataDir: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EPERM';
  }
  const cmdline = `/proc/${pid}/cmdline`;
  if (!existsSync('/proc/self/cmdline')) return true;
  try {
    if (/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return false;
    return readFileSync(cmdline, 'utf8').split('\0').includes(dataDir);
  } catch {
    return false;
  }
}

export function clusterState(dir: ClusterDir): ProcessState[] {
  return dir.names.map((name) => {
    const r = dir.record(name);
    const role = name === 'master' ? 'master' : 'segment';
    const up = r !== undefined && isAlive(r.pid, dir.data(name));
    return {
      name,
      role,
      host: r?.host ?? dir.config.host,
      port: r?.port ?? (role === 'master' ? dir.config.port : 0),
      pid: up ? r.pid : 0,
      up,
    };
  });
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function portInUse(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function launch(
  dir: ClusterDir,
  name: string,
  script: URL,
  args: readonly string[],
): { pid: number; exited: () => number | undefined } {
  const log = openSync(dir.log(name), 'a');
  const child = spawn(process.execPath, [...V8_FLAGS, fileURLToPath(script), ...args], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: dir.path,
  });
  closeSync(log);
  let code: number | undefined;
  child.once('exit', (c) => {
    code = c ?? 1;
  });
  child.unref();
  return { pid: child.pid ?? 0, exited: () => code };
}

/** The last line of a log written since `from` that says why, for a message. */
function lastWords(file: string, from: number): string {
  const text = existsSync(file) ? readFileSync(file).subarray(from).toString('utf8') : '';
  const lines = text.trim().split('\n').filter(Boolean);
  for (const line of lines.reverse()) {
    try {
      const j = JSON.parse(line) as { level?: number; msg?: string; err?: { message?: string } };
      if ((j.level ?? 0) >= 50) return [j.msg, j.err?.message].filter(Boolean).join(': ');
    } catch {
      if (/^\w*Error\b.*: /.test(line)) return line;
    }
  }
  return 'see its log';
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** Starts what is not running; returns when the cluster answers queries. Names of the processes started. */
export async function startCluster(
  dir: ClusterDir,
  options: { readonly workers?: number | undefined } = {},
): Promise<string[]> {
  const { host, port, segments, ssl, maxConnections, superuser } = dir.config;
  const state = clusterState(dir);
  let missing = state.filter((s) => !s.up).map((s) => s.name);
  if (missing.length === 0)
    throw new CliError(`the cluster in ${dir.path} is already running (port ${port})`);
  const watched: { name: string; exited: () => number | undefined; logFrom: number }[] = [];
  const start = (
    name: string,
    script: URL,
    args: readonly string[],
    record: Omit<RunRecord, 'pid' | 'name'>,
  ): void => {
    const logFrom = sizeOf(dir.log(name));
    const p = launch(dir, name, script, args);
    dir.saveRecord({ ...record, name, pid: p.pid });
    watched.push({ name, exited: p.exited, logFrom });
  };
  const workers = options.workers ?? Math.max(1, Math.floor(cpus().length / segments));
  const shared = ['--processes-on-host', String(segments + 1)];
  if (missing.includes('master')) {
    if (await portInUse(host, port))
      throw new CliError(
        `port ${port} on ${host} is in use by another program; give another one: mpp init --port`,
      );
    const grpcPort = dir.record('master')?.grpcPort ?? 0;
    const listen = grpcPort !== 0 && !(await portInUse(host, grpcPort)) ? grpcPort : await freePort(host);
    if (grpcPort !== 0 && listen !== grpcPort) {
      // Segments that still run would look for the master where it was.
      const orphans = state.filter((x) => x.up && x.role === 'segment');
      await endProcesses(dir, orphans);
      missing = [...missing, ...orphans.map((x) => x.name)];
    }
    start(
      'master',
      new URL('../master/mpp-master.js', import.meta.url),
      [
        '--data',
        dir.data('master'),
        '--host',
        host,
        '--port',
        String(port),
        '--listen',
        `${host}:${listen}`,
        '--token-file',
        dir.tokenFile,
        '--segments',
        String(segments),
        ...(superuser === undefined ? [] : ['--superuser', superuser]),
        // The master's slices are the small ends of plans: a core each for the segments comes first.
        '--workers',
        String(Math.max(1, Math.floor(cpus().length / (segments + 1)))),
        ...(ssl === undefined
          ? []
          : ['--ssl-cert', resolve(dir.path, ssl.cert), '--ssl-key', resolve(dir.path, ssl.key)]),
        ...(maxConnections === undefined ? [] : ['--max-connections', String(maxConnections)]),
        ...shared,
      ],
      { role: 'master', host, port, grpcPort: listen },
    );
  }
  const join = dir.record('master')!;
  for (const name of missing.filter((n) => n !== 'master')) {
    const before = dir.record(name)?.port ?? 0;
    const listen = before !== 0 && !(await portInUse(host, before)) ? before : await freePort(host);
    start(
      name,
      new URL('../segment/mpp-segment.js', import.meta.url),
      [
        '--data',
        dir.data(name),
        '--join',
        `${join.host}:${join.grpcPort}`,
        '--token-file',
        dir.tokenFile,
        '--listen',
        `${host}:${listen}`,
        '--id',
        name.slice('segment-'.length),
        '--workers',
        String(workers),
        ...shared,
      ],
      { role: 'segment', host, port: listen, grpcPort: 0 },
    );
  }
  await waitUntilAnswers(dir, watched);
  return missing;
}

async function waitUntilAnswers(
  dir: ClusterDir,
  watched: readonly { name: string; exited: () => number | undefined; logFrom: number }[],
): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    for (const w of watched) {
      const code = w.exited();
      if (code !== undefined)
        throw new CliError(
          `${w.name} ended with status ${code}: ${lastWords(dir.log(w.name), w.logFrom)} (log: ${dir.log(w.name)})`,
        );
    }
    const down = await segmentsDown(dir);
    if (down === 0) return;
    if (Date.now() > deadline)
      throw new CliError(
        `the cluster did not answer within ${START_TIMEOUT_MS / 1000} s; logs are in ${dir.path}/log`,
      );
    await sleep(50);
  }
}

/** How many segments are not up; undefined when the master does not answer. */
async function segmentsDown(dir: ClusterDir): Promise<number | undefined> {
  const client = new pg.Client({
    host: dir.config.host,
    port: dir.config.port,
    user: dir.config.superuser ?? operatingSystemUser(),
    database: 'mpp',
    connectionTimeoutMillis: 2000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const r = await client.query<{ up: boolean }>('SELECT up FROM mpp_segments');
    return Math.max(dir.config.segments - r.rows.filter((x) => x.up).length, 0);
  } catch (e) {
    // It answers, and its rules let us not in: that is for its owner to decide.
    if (e instanceof pg.DatabaseError && e.code?.startsWith('28')) return 0;
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** SIGTERM, and SIGKILL to what is left after the timeout. */
async function endProcesses(dir: ClusterDir, these: readonly ProcessState[]): Promise<void> {
  const send = (s: ProcessState, signal: NodeJS.Signals): void => {
    try {
      process.kill(s.pid, signal);
    } catch {
      // It ended by itself between the look and the signal.
    }
  };
  const left = async (timeoutMs: number): Promise<ProcessState[]> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const alive = these.filter((s) => isAlive(s.pid, dir.data(s.name)));
      if (alive.length === 0 || Date.now() > deadline) return alive;
      await sleep(20);
    }
  };
  for (const s of these) send(s, 'SIGTERM');
  const stuck = await left(STOP_TIMEOUT_MS);
  for (const s of stuck) send(s, 'SIGKILL');
  if (stuck.length > 0) await left(5000);
}

/** Stops all processes, the master first. Names of the processes stopped. */
export async function stopCluster(dir: ClusterDir): Promise<string[]> {
  const up = clusterState(dir).filter((s) => s.up);
  if (up.length === 0) throw new CliError(`the cluster in ${dir.path} is not running`);
  await endProcesses(
    dir,
    up.filter((s) => s.role === 'master'),
  );
  await endProcesses(
    dir,
    up.filter((s) => s.role === 'segment'),
  );
  return up.map((s) => s.name);
}
