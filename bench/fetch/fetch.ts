/** `npm run bench -- fetch`: rows per second of a large result, to node-postgres and to psql, and the master's memory.
 *
 *  `SELECT * FROM orders` (1.5 M rows at scale factor 1), every row taken and dropped. The peer is PostgreSQL when a URL is
 *  given. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { ClusterDir } from '../../src/client/cluster-dir.js';
import { openTpchCluster, tblFiles } from '../cluster.js';
import { openPostgres } from '../power/peers.js';
import { record } from '../report.js';
import { median } from '../statistics.js';
import { rowCount } from '../tpch/scale.js';

export type FetchOptions = {
  readonly scale: number;
  readonly segments: number;
  readonly runs: number;
  readonly port: number;
  readonly data?: string;
  readonly postgres?: string;
};

const SQL = 'SELECT * FROM orders';

function toNodePostgres(config: pg.ClientConfig): () => Promise<number> {
  return async () => {
    const client = new pg.Client(config);
    await client.connect();
    let rows = 0;
    try {
      await new Promise<void>((resolve, reject) => {
        const query = client.query(new pg.Query(SQL));
        query.on('row', () => rows++);
        query.on('end', () => resolve());
        query.on('error', reject);
      });
    } finally {
      await client.end();
    }
    return rows;
  };
}

function toPsql(url: string): () => Promise<number> {
  return () =>
    new Promise((resolve, reject) => {
      let lines = 0;
      // FETCH_COUNT would use a cursor; without it psql holds the whole result, as it does with every server.
      const child = spawn('psql', ['-X', '-A', '-t', '-d', url, '-c', SQL], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child.stdout.on('data', (b: Buffer) => {
        for (let i = b.indexOf(10); i >= 0; i = b.indexOf(10, i + 1)) lines++;
      });
      child.once('error', reject);
      child.once('close', (code) =>
        code === 0 ? resolve(lines) : reject(new Error(`psql ended with ${code}`)),
      );
    });
}

/** Resident memory of a process in MB, where the system tells. */
function residentMb(pid: number): number {
  const file = `/proc/${pid}/status`;
  return existsSync(file) ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) / 1024 : 0;
}

export async function fetchBench(o: FetchOptions): Promise<void> {
  const base = o.data ?? '.mpp';
  const tbl = await tblFiles(base, o.scale);
  const dir = join(base, `bench-${o.scale}-${o.segments}`);
  const cluster = await openTpchCluster({
    dir,
    scale: o.scale,
    segments: o.segments,
    port: o.port,
    from: tbl,
  });
  const expected = rowCount('orders', o.scale);
  const figures: Record<string, number> = {};
  try {
    const { config } = ClusterDir.open(dir);
    const url = `postgresql://mpp@${config.host}:${config.port}/mpp`;
    const ways: [string, () => Promise<number>][] = [
      ['node-postgres, mpp', toNodePostgres({ connectionString: url })],
    ];
    const hasPsql = await toPsql(url)().then(
      () => true,
      () => false,
    );
    if (hasPsql) ways.push(['psql, mpp', toPsql(url)]);
    if (o.postgres !== undefined) {
      await (await openPostgres(o.postgres, o.scale)).close();
      ways.push(['node-postgres, PostgreSQL', toNodePostgres({ connectionString: o.postgres })]);
      if (hasPsql) ways.push(['psql, PostgreSQL', toPsql(o.postgres)]);
    }
    const master = ClusterDir.open(dir).record('master')!.pid;
    const before = residentMb(master);
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, residentMb(master));
    }, 50);
    for (const [name, run] of ways) {
      const seconds: number[] = [];
      for (let i = 0; i < o.runs; i++) {
        const began = performance.now();
        const rows = await run();
        seconds.push((performance.now() - began) / 1000);
        if (rows !== expected) throw new Error(`${name}: ${rows} rows, expected ${expected}`);
      }
      figures[`${name} (rows/s)`] = expected / median(seconds);
      console.log(
        `  ${name.padEnd(28)} ${(expected / median(seconds) / 1000).toFixed(0).padStart(6)} thousand rows/s`,
      );
    }
    clearInterval(watch);
    figures['growth of the master while fetching (MB)'] = peak - before;
    console.log(`  the master grew from ${before.toFixed(0)} to at most ${peak.toFixed(0)} MB`);
    record({
      name: `fetch-sf${o.scale}`,
      options: { scale: o.scale, segments: o.segments, runs: o.runs },
      figures,
    });
  } finally {
    await cluster.stop();
  }
}
