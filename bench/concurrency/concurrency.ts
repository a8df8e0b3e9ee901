import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { openTpchCluster, tblFiles, textClient } from '../cluster.js';
import { loadDuckDb } from '../power/peers.js';
import { record } from '../report.js';
import { quantile } from '../statistics.js';
import { queriesFor } from '../tpch/queries.js';

export type ConcurrencyOptions = {
  readonly scale: number;
  readonly segments: number;
  readonly threads: number;
  readonly clients: number;
  readonly long: number;
  readonly seconds: number;
  readonly port: number;
  readonly data?: string;
};

type Engine = {
  readonly name: string;
  connect(): Promise<{ run(sql: string): Promise<unknown>; close(): Promise<void> }>;
};

type Client = Awaited<ReturnType<Engine['connect']>>;

const SHORT: Readonly<Record<string, string>> = {
  'count nation': 'SELECT count(*) FROM nation',
  'one order': 'SELECT * FROM orders WHERE o_orderkey = 7',
};
/** TPC-H queries that keep every core busy for long. */
const LONG = [1, 9, 18, 21];
const ALONE_RUNS = 200;
const PAUSE_MS = 20;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function timed(client: Client, sql: string): Promise<number> {
  const began = performance.now();
  await client.run(sql);
  return performance.now() - began;
}

/** Every client runs all queries, each beginning elsewhere; meanwhile one more asks a short one again and again. */
async function allAtOnce(
  engine: Engine,
  scale: number,
  clients: number,
): Promise<{ seconds: number; short: number[] }> {
  const queries = queriesFor(scale);
  const connections = await Promise.all(Array.from({ length: clients }, () => engine.connect()));
  const shortOne = await engine.connect();
  const short: number[] = [];
  let over = false;
  const warm = connections[0]!;
  for (const q of queries) await warm.run(q.sql);
  const began = performance.now();
  const prober = (async () => {
    while (!over) {
      short.push(await timed(shortOne, SHORT['count nation']!));
      await sleep(PAUSE_MS);
    }
  })();
  await Promise.all(
    connections.map(async (c, k) => {
      for (let i = 0; i < queries.length; i++) await c.run(queries[(i + k * 3) % queries.length]!.sql);
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  over = true;
  await prober;
  for (const c of [...connections, shortOne]) await c.close();
  return { seconds, short };
}

type Beside = {
  /** Times of each short query. */
  readonly alone: Readonly<Record<string, number[]>>;
  readonly among: Readonly<Record<string, number[]>>;
  readonly longPerMinute: number;
};

/** Short queries alone, then while `clients` run long ones without a pause for `seconds`. */
async function besideLong(engine: Engine, scale: number, clients: number, seconds: number): Promise<Beside> {
  const long = queriesFor(scale).filter((q) => LONG.includes(q.number));
  const connections = await Promise.all(Array.from({ length: clients }, () => engine.connect()));
  const shortOne = await engine.connect();
  const none = (): Record<string, number[]> =>
    Object.fromEntries(Object.keys(SHORT).map((name) => [name, [] as number[]]));
  const alone = none();
  const among = none();
  for (const q of long) await connections[0]!.run(q.sql);
  for (let i = -20; i < ALONE_RUNS; i++)
    for (const [name, sql] of Object.entries(SHORT)) {
      const ms = await timed(shortOne, sql);
      if (i >= 0) alone[name]!.push(ms);
    }
  let finished = 0;
  let over = false;
  const busy = connections.map(async (c, k) => {
    for (let i = k; !over; i++) {
      await c.run(long[i % long.length]!.sql);
      finished++;
    }
  });
  const began = performance.now();
  await sleep(200);
  while (performance.now() - began < seconds * 1000)
    for (const [name, sql] of Object.entries(SHORT)) {
      among[name]!.push(await timed(shortOne, sql));
      await sleep(PAUSE_MS);
    }
  const minutes = (performance.now() - began) / 60_000;
  const longPerMinute = finished / minutes;
  over = true;
  await Promise.all(busy);
  for (const c of [...connections, shortOne]) await c.close();
  return { alone, among, longPerMinute };
}

export async function concurrencyBench(o: ConcurrencyOptions): Promise<void> {
  const base = o.data ?? '.mpp';
  const tbl = await tblFiles(base, o.scale);
  const cluster = await openTpchCluster({
    dir: join(base, `bench-${o.scale}-${o.segments}`),
    scale: o.scale,
    segments: o.segments,
    port: o.port,
    from: tbl,
  });
  const figures: Record<string, number> = {};
  try {
    const instance = await DuckDBInstance.create(':memory:', { threads: String(o.threads) });
    const loader = await instance.connect();
    await loadDuckDb(loader, tbl);
    const engines: Engine[] = [
      {
        name: 'mpp',
        connect: async () => {
          const c = textClient('127.0.0.1', cluster.port);
          await c.connect();
          return { run: (sql) => c.query(sql), close: () => c.end() };
        },
      },
      {
        name: 'DuckDB',
        connect: async () => {
          const c = await instance.connect();
          return { run: (sql) => c.runAndReadAll(sql), close: async () => c.closeSync() };
        },
      },
    ];
    for (const e of engines) {
      const { seconds, short } = await allAtOnce(e, o.scale, o.clients);
      figures[`${o.clients} clients, ${e.name} (s)`] = seconds;
      figures[`short query among them, median, ${e.name} (ms)`] = quantile(short, 0.5);
      figures[`short query among them, 95th percentile, ${e.name} (ms)`] = quantile(short, 0.95);
      console.log(
        `  ${e.name.padEnd(8)} ${o.clients} clients done in ${seconds.toFixed(2)} s; short query ${quantile(short, 0.5).toFixed(1)} ms median, ${quantile(short, 0.95).toFixed(1)} ms 95th percentile`,
      );
    }
    for (const e of engines) {
      const { alone, among, longPerMinute } = await besideLong(e, o.scale, o.long, o.seconds);
      figures[`${o.long} long clients, ${e.name} (queries/min)`] = longPerMinute;
      console.log(
        `  ${e.name.padEnd(8)} ${o.long} clients of long queries: ${longPerMinute.toFixed(0)} queries a minute`,
      );
      for (const name of Object.keys(SHORT))
        for (const [when, times] of [
          ['alone', alone[name]!],
          [`beside ${o.long} long clients`, among[name]!],
        ] as const) {
          const [median, late] = [quantile(times, 0.5), quantile(times, 0.95)];
          figures[`${name} ${when}, median, ${e.name} (ms)`] = median;
          figures[`${name} ${when}, 95th percentile, ${e.name} (ms)`] = late;
          console.log(
            `           ${`${name} ${when}`.padEnd(36)} ${median.toFixed(1).padStart(7)} ms median ${late.toFixed(1).padStart(7)} ms 95th percentile`,
          );
        }
    }
    loader.closeSync();
    instance.closeSync();
    record({
      name: `concurrency-sf${o.scale}`,
      options: {
        scale: o.scale,
        segments: o.segments,
        threads: o.threads,
        clients: o.clients,
        long: o.long,
        seconds: o.seconds,
      },
      figures,
    });
  } finally {
    await cluster.stop();
  }
}
