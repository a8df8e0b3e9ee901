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
  readonly port: number;
  readonly data?: string;
};

type Engine = {
  readonly name: string;
  connect(): Promise<{ run(sql: string): Promise<unknown>; close(): Promise<void> }>;
};

const SHORT = 'SELECT count(*) FROM nation';

async function measure(
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
      const at = performance.now();
      await shortOne.run(SHORT);
      short.push(performance.now() - at);
      await new Promise((resolve) => setTimeout(resolve, 20));
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
      const { seconds, short } = await measure(e, o.scale, o.clients);
      figures[`${o.clients} clients, ${e.name} (s)`] = seconds;
      figures[`short query among them, median, ${e.name} (ms)`] = quantile(short, 0.5);
      figures[`short query among them, 95th percentile, ${e.name} (ms)`] = quantile(short, 0.95);
      console.log(
        `  ${e.name.padEnd(8)} ${o.clients} clients done in ${seconds.toFixed(2)} s; short query ${quantile(short, 0.5).toFixed(1)} ms median, ${quantile(short, 0.95).toFixed(1)} ms 95th percentile`,
      );
    }
    loader.closeSync();
    instance.closeSync();
    record({
      name: `concurrency-sf${o.scale}`,
      options: { scale: o.scale, segments: o.segments, threads: o.threads, clients: o.clients },
      figures,
    });
  } finally {
    await cluster.stop();
  }
}
