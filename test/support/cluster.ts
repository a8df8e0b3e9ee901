/** A cluster of real processes from dist/, in a temporary directory, on free ports; what the cluster tests kill and
 *  restart. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/dist\/$/, '');

export type ClusterOptions = {
  readonly segments: number;
  readonly memory?: string;
  readonly workers?: number;
};

export class TestCluster {
  readonly dir: string;
  readonly port: number;
  private readonly options: ClusterOptions;
  private readonly ports: Record<string, number>;
  private readonly processes = new Map<string, ChildProcess>();
  private readonly clients = new Set<pg.Client>();

  private constructor(dir: string, options: ClusterOptions, ports: Record<string, number>) {
    this.dir = dir;
    this.options = options;
    this.ports = ports;
    this.port = ports.client!;
  }

  /** Resolves when it answers queries. */
  static async start(options: ClusterOptions): Promise<TestCluster> {
    const dir = await mkdtemp(join(tmpdir(), 'mpp-cluster-'));
    const names = ['client', 'master', ...segmentNames(options)];
    const free = await freePorts(names.length);
    const ports = Object.fromEntries(names.map((n, i) => [n, free[i]!]));
    const cluster = new TestCluster(dir, options, ports);
    await cluster.startAll();
    return cluster;
  }

  /** Starts what is not running. */
  async startAll(): Promise<void> {
    for (const name of this.names) if (!this.processes.has(name)) this.launch(name);
    await this.ready();
  }

  startSegment(i: number): void {
    this.launch(`segment-${i}`);
  }

  startMaster(): void {
    this.launch('master');
  }

  /** Resolves when the process is gone. `name`: master, segment-0, ... */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const p = this.processes.get(name);
    if (p === undefined) return;
    const gone = p.exitCode === null && p.signalCode === null ? once(p, 'exit') : undefined;
    p.kill(signal);
    await gone;
    this.processes.delete(name);
  }

  async killAll(): Promise<void> {
    await Promise.all(this.names.map((n) => this.kill(n)));
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.processes.get(name)?.kill(signal);
  }

  get names(): string[] {
    return ['master', ...segmentNames(this.options)];
  }

  async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: userInfo().username,
      database: 'test',
    });
    client.on('error', () => undefined);
    await client.connect();
    this.clients.add(client);
    return client;
  }

  /** Runs one statement on a connection of its own. */
  async query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
  ): Promise<pg.QueryResult<Row>> {
    const client = await this.connect();
    try {
      return await client.query<Row>(sql);
    } finally {
      this.clients.delete(client);
      await client.end().catch(() => undefined);
    }
  }

  /** Waits until all segments are up. */
  async ready(timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    let last: unknown;
    for (;;) {
      for (const [name, p] of this.processes)
        if (p.exitCode !== null || p.signalCode !== null)
          throw new Error(`${name} ended:\n${await this.log(name)}`);
      try {
        const { rows } = await this.query<{ up: boolean }>('SELECT up FROM mpp_segments');
        if (rows.filter((r) => r.up).length === this.options.segments) return;
        last = `segments up: ${JSON.stringify(rows)}`;
      } catch (e) {
        last = e;
      }
      if (Date.now() > deadline)
        throw new Error(`the cluster did not come up: ${String(last)}\n${await this.log('master')}`);
      await sleep(50);
    }
  }

  async log(name: string): Promise<string> {
    return readFile(join(this.dir, `${name}.log`), 'utf8').catch(() => '');
  }

  /** Where segments join. */
  get masterAddress(): string {
    return `127.0.0.1:${this.ports.master}`;
  }

  pid(name: string): number {
    return this.processes.get(name)!.pid!;
  }

  async stop(): Promise<void> {
    for (const c of this.clients) await Promise.race([c.end().catch(() => undefined), sleep(500)]);
    await this.killAll();
    await rm(this.dir, { recursive: true, force: true });
  }

  private launch(name: string): void {
    const { memory = '256MB', workers = 1 } = this.options;
    const data = join(this.dir, name);
    mkdirSync(data, { recursive: true });
    const common = ['--data', data, '--token', 'secret', '--memory', memory, '--workers', String(workers)];
    const args =
      name === 'master'
        ? [
            'dist/src/master/mpp-master.js',
            ...common,
            '--port',
            String(this.port),
            '--listen',
            `127.0.0.1:${this.ports.master}`,
            '--segments',
            String(this.options.segments),
            '--auth',
            'trust',
          ]
        : [
            'dist/src/segment/mpp-segment.js',
            ...common,
            '--join',
            `127.0.0.1:${this.ports.master}`,
            '--listen',
            `127.0.0.1:${this.ports[name]}`,
            '--id',
            name.slice('segment-'.length),
          ];
    const p = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(this.dir, `${name}.log`), { flags: 'a' });
    p.stdout!.pipe(log, { end: false });
    p.stderr!.pipe(log, { end: false });
    this.processes.set(name, p);
  }
}

function segmentNames({ segments }: ClusterOptions): string[] {
  return Array.from({ length: segments }, (_, i) => `segment-${i}`);
}

/** All at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (s) =>
        new Promise<number>((resolve, reject) => {
          s.once('error', reject);
          s.listen(0, '127.0.0.1', () => resolve((s.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))));
  return ports;
}
