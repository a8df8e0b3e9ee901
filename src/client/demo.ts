/** `npm run demo`: a cluster from nothing, TPC-H loaded, its 22 queries answered, then open for psql. */
import { Command } from 'commander';
import pg from 'pg';
import { queriesFor } from '../../bench/tpch/queries.js';
import { operatingSystemUser } from '../types/os-user.js';
import { CliError, runCli } from './cli-error.js';
import { ClusterDir } from './cluster-dir.js';
import { clusterState, startCluster, stopCluster } from './processes.js';
import { isLoaded, loadTpch } from './tpch-load.js';

type Options = { scale: number; segments: number; port: number; data: string; once?: boolean };

async function openCluster(o: Options): Promise<ClusterDir> {
  const dir = ClusterDir.exists(o.data)
    ? ClusterDir.open(o.data)
    : ClusterDir.init(o.data, { segments: o.segments, host: '127.0.0.1', port: o.port });
  if (dir.config.segments !== o.segments || dir.config.port !== o.port)
    throw new CliError(
      `${dir.path} was made with ${dir.config.segments} segments on port ${dir.config.port}; ask for those, give another --data, or remove it`,
    );
  if (clusterState(dir).some((s) => s.up))
    throw new CliError(
      `the cluster in ${dir.path} is running already; connect with: psql -h 127.0.0.1 -p ${o.port}`,
    );
  process.stdout.write(`Starting one master and ${o.segments} segments in ${dir.path} ... `);
  const began = performance.now();
  await startCluster(dir);
  console.log(`${((performance.now() - began) / 1000).toFixed(1)} s`);
  return dir;
}

async function runQueries(client: pg.Client, scale: number): Promise<void> {
  console.log(
    '\nThe 22 queries of TPC-H:\n\n  query                                      rows       time   slices',
  );
  let logSum = 0;
  let total = 0;
  for (const q of queriesFor(scale)) {
    const plan = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${q.sql}`);
    const slices = new Set(
      plan.rows.flatMap((r) => [...r['QUERY PLAN'].matchAll(/\bslice(\d+)\b/g)].map((m) => m[1])),
    );
    const began = performance.now();
    const result = await client.query(q.sql);
    const ms = performance.now() - began;
    total += ms;
    logSum += Math.log(ms);
    console.log(
      `  ${`Q${q.number} ${q.name}`.padEnd(40)} ${String(result.rows.length).padStart(6)}  ${ms.toFixed(0).padStart(6)} ms   ${String(slices.size + 1).padStart(4)}`,
    );
  }
  console.log(
    `\n  together ${(total / 1000).toFixed(2)} s, geometric mean ${Math.exp(logSum / 22).toFixed(0)} ms\n`,
  );
}

function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    const keep = setInterval(() => undefined, 1 << 30);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => {
        clearInterval(keep);
        resolve();
      });
  });
}

async function demo(o: Options): Promise<void> {
  let interrupted: (() => void) | undefined;
  const interruption = new Promise<never>((_, reject) => {
    interrupted = () => reject(new CliError('interrupted'));
  });
  interruption.catch(() => undefined);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted?.());
  const dir = await openCluster(o);
  const client = new pg.Client({
    host: '127.0.0.1',
    port: o.port,
    user: operatingSystemUser(),
    database: 'mpp',
  });
  client.on('error', () => undefined);
  try {
    const work = async (): Promise<void> => {
      await client.connect();
      if (await isLoaded(client, o.scale))
        console.log(`TPC-H at scale factor ${o.scale} is here from an earlier run.`);
      else {
        console.log(`Loading TPC-H at scale factor ${o.scale}:`);
        const { rows, ms } = await loadTpch(client, { scale: o.scale });
        console.log(`Loaded ${rows} rows in ${(ms / 1000).toFixed(1)} s.`);
        const began = performance.now();
        await client.query('ANALYZE');
        console.log(`ANALYZE took ${((performance.now() - began) / 1000).toFixed(1)} s.`);
      }
      await runQueries(client, o.scale);
      await client.end();
      if (o.once) return;
      console.log(
        `Connect from another terminal:\n\n  npx mpp sql -p ${o.port}\n  psql -h 127.0.0.1 -p ${o.port}\n\nCtrl-C stops the cluster; its data stays in ${dir.path} for the next run.`,
      );
      await untilInterrupted();
      console.log('');
    };
    await Promise.race([work(), interruption]).catch((e: unknown) => {
      if (!(e instanceof CliError && e.message === 'interrupted')) throw e;
      console.log('');
    });
  } finally {
    await client.end().catch(() => undefined);
    process.stdout.write('Stopping ... ');
    await stopCluster(dir).catch((e: unknown) => {
      if (!(e instanceof CliError)) throw e;
    });
    console.log('done.');
  }
}

const program = new Command('demo')
  .description('Starts a cluster, loads TPC-H, runs its 22 queries, and stays up for psql.')
  .option('--scale <s>', 'scale factor', Number, 0.1)
  .option('--segments <n>', 'number of segments', Number, 2)
  .option('--port <p>', 'port for clients', Number, 5433)
  .option('--data <dir>', 'where the cluster lives', '.mpp/demo')
  .option('--once', 'stop after the queries')
  .action((o: Options) => runCli(() => demo(o)));

await program.parseAsync();
