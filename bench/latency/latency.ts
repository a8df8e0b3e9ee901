import { join } from 'node:path';
import pg from 'pg';
import { openTpchCluster, tblFiles } from '../cluster.js';
import { openDuckDb } from '../power/peers.js';
import { record } from '../report.js';
import { median, quantile } from '../statistics.js';

export type LatencyOptions = {
  readonly segments: number;
  readonly runs: number;
  readonly port: number;
  readonly data?: string;
  readonly postgres?: string;
};

const SCALE = 0.01;
const QUERIES: Readonly<Record<string, string>> = {
  'select 1': 'SELECT 1',
  'count nation': 'SELECT count(*) FROM nation',
  'one order': 'SELECT * FROM orders WHERE o_orderkey = 7',
  'join and group':
    'SELECT n_name, count(*) FROM customer JOIN nation ON c_nationkey = n_nationkey GROUP BY n_name',
};

export async function latencyBench(o: LatencyOptions): Promise<void> {
  const base = o.data ?? '.mpp';
  const tbl = await tblFiles(base, SCALE);
  const cluster = await openTpchCluster({
    dir: join(base, `bench-${SCALE}-${o.segments}`),
    scale: SCALE,
    segments: o.segments,
    port: o.port,
    from: tbl,
  });
  const duck = await openDuckDb(2, tbl);
  const postgres = o.postgres === undefined ? undefined : new pg.Client({ connectionString: o.postgres });
  const figures: Record<string, number> = {};
  try {
    await postgres?.connect();
    console.log(`\n  ${'query'.padEnd(16)} ${'engine'.padEnd(16)} median      95th percentile`);
    for (const [name, sql] of Object.entries(QUERIES)) {
      const engines: [string, () => Promise<unknown>][] = [
        ['mpp', () => cluster.client.query(sql)],
        ['mpp prepared', () => cluster.client.query({ name: `q ${name}`, text: sql })],
        ['DuckDB', () => duck.run(sql)],
      ];
      if (postgres) engines.push(['PostgreSQL', () => postgres.query(sql)]);
      const times = engines.map((): number[] => []);
      for (let i = 0; i < o.runs + 50; i++)
        for (const [e, [, run]] of engines.entries()) {
          const began = performance.now();
          await run();
          if (i >= 50) times[e]!.push(performance.now() - began);
        }
      for (const [e, [engine]] of engines.entries()) {
        figures[`${name}, ${engine} (ms)`] = median(times[e]!);
        console.log(
          `  ${name.padEnd(16)} ${engine.padEnd(16)} ${median(times[e]!).toFixed(2).padStart(6)} ms   ${quantile(times[e]!, 0.95).toFixed(2).padStart(6)} ms`,
        );
      }
    }
    record({ name: 'latency', options: { segments: o.segments, runs: o.runs, scale: SCALE }, figures });
  } finally {
    await postgres?.end();
    await duck.close();
    await cluster.stop();
  }
}
