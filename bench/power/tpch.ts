/** `npm run bench -- tpch`: TPC-H's power test on this engine and on its peers, in the same run.
 *
 *  Each query: one warm-up, then `runs` rounds in which the engines alternate; the median counts. Rows are fetched by
 *  the client. Results are compared by number of rows here; their values are compared by the tests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTpchCluster, tblFiles } from '../cluster.js';
import { record } from '../report.js';
import { geometricMean, median } from '../statistics.js';
import { queriesFor } from '../tpch/queries.js';
import { barChart } from './chart.js';
import { openDuckDb, openPostgres, type Peer } from './peers.js';

export type PowerOptions = {
  readonly scale: number;
  readonly segments: number;
  readonly threads: number;
  readonly runs: number;
  readonly port: number;
  readonly data?: string;
  readonly postgres?: string;
  readonly queries?: string;
  readonly random?: boolean;
};

const COLORS = ['#0b6e4f', '#f2b134', '#4c6ef5'];

export async function powerTest(o: PowerOptions): Promise<void> {
  const base = o.data ?? '.mpp';
  const tbl = await tblFiles(base, o.scale);
  const cluster = await openTpchCluster({
    dir: join(base, `bench-${o.scale}-${o.segments}${o.random ? '-random' : ''}`),
    scale: o.scale,
    segments: o.segments,
    port: o.port,
    from: tbl,
    distribution: o.random ? 'random' : 'key',
  });
  const peers: Peer[] = [
    {
      name: 'mpp',
      version: `${o.segments} segments`,
      run: async (sql) => (await cluster.client.query(sql)).rows.length,
      close: cluster.stop,
    },
  ];
  try {
    peers.push(await openDuckDb(o.threads, tbl));
    if (o.postgres !== undefined) peers.push(await openPostgres(o.postgres, o.scale));
    const wanted = o.queries === undefined ? undefined : new Set(o.queries.split(',').map(Number));
    const queries = queriesFor(o.scale).filter((q) => wanted === undefined || wanted.has(q.number));
    const times: number[][] = peers.map(() => []);
    console.log(`\n  query ${peers.map((p) => p.name.padStart(12)).join('')}   ratio`);
    for (const q of queries) {
      const rows = await Promise.all(peers.map((p) => p.run(q.sql)));
      if (rows.some((n) => n !== rows[0]))
        throw new Error(`Q${q.number}: the engines return ${rows.join(', ')} rows`);
      const samples: number[][] = peers.map(() => []);
      for (let r = 0; r < o.runs; r++)
        for (const [i, p] of peers.entries()) {
          const began = performance.now();
          await p.run(q.sql);
          samples[i]!.push(performance.now() - began);
        }
      const medians = samples.map(median);
      for (const [i, m] of medians.entries()) times[i]!.push(m);
      console.log(
        `  ${`Q${q.number}`.padEnd(5)} ${medians.map((m) => `${m.toFixed(1)} ms`.padStart(12)).join('')}   ${(medians[0]! / medians[1]!).toFixed(2)}`,
      );
    }
    const means = times.map(geometricMean);
    const ratios = queries.map((_, i) => times[0]![i]! / times[1]![i]!);
    console.log(
      `  mean  ${means.map((m) => `${m.toFixed(1)} ms`.padStart(12)).join('')}   ${geometricMean(ratios).toFixed(2)} (geometric; worst ${Math.max(...ratios).toFixed(2)})\n`,
    );
    const stem = `tpch-sf${o.scale}${o.random ? '-random' : ''}`;
    if (wanted !== undefined) return;
    record({
      name: stem,
      options: {
        scale: o.scale,
        segments: o.segments,
        threads: o.threads,
        runs: o.runs,
        random: o.random === true,
      },
      figures: {
        ...Object.fromEntries(peers.map((p, i) => [`geometric mean, ${p.name} (ms)`, means[i]!])),
        'geometric mean, mpp over DuckDB (ratio)': geometricMean(ratios),
        'worst query, mpp over DuckDB (ratio)': Math.max(...ratios),
      },
      detail: peers.map((p, i) => ({
        name: p.name,
        version: p.version,
        medianMs: Object.fromEntries(queries.map((q, k) => [`Q${q.number}`, times[i]![k]])),
      })),
    });
    const dir = join('bench', 'results');
    writeFileSync(
      join(dir, `${stem}.svg`),
      barChart(
        `TPC-H scale factor ${o.scale}, hot, median of ${o.runs}: lower is better`,
        queries.map((q) => `Q${q.number}`),
        peers.map((p, i) => ({
          name: `${p.name} ${p.version}: mean ${means[i]!.toFixed(0)} ms`,
          color: COLORS[i]!,
          values: times[i]!,
        })),
      ),
    );
  } finally {
    for (const p of peers.reverse()) await p.close();
  }
}
