/** `npm run bench -- scale`: how time grows with data, and how it falls with segments.
 *
 *  For each scale factor: the geometric mean of the 22 queries (median of `runs`) and the memory of all processes. For
 *  one and two segments at the largest factor that is asked for: the scan-bound queries 1 and 6. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterDir } from '../../src/client/cluster-dir.js';
import { openTpchCluster, tblFiles } from '../cluster.js';
import { record } from '../report.js';
import { geometricMean, median } from '../statistics.js';
import { queriesFor } from '../tpch/queries.js';

export type ScaleOptions = {
  readonly scales: string;
  readonly runs: number;
  readonly port: number;
  readonly data?: string;
};

const SCAN_BOUND = [1, 6];

async function run(
  o: ScaleOptions,
  scale: number,
  segments: number,
  only?: readonly number[],
): Promise<{ times: Map<number, number>; memoryMb: number }> {
  const base = o.data ?? '.mpp';
  const tbl = await tblFiles(base, scale);
  const dir = join(base, `bench-${scale}-${segments}${segments === 1 ? '-one-worker' : ''}`);
  const cluster = await openTpchCluster({ dir, scale, segments, port: o.port, from: tbl, workers: 1 });
  try {
    const times = new Map<number, number>();
    for (const q of queriesFor(scale)) {
      if (only && !only.includes(q.number)) continue;
      await cluster.client.query(q.sql);
      const samples: number[] = [];
      for (let i = 0; i < o.runs; i++) {
        const began = performance.now();
        await cluster.client.query(q.sql);
        samples.push(performance.now() - began);
      }
      times.set(q.number, median(samples));
    }
    const d = ClusterDir.open(dir);
    const memoryMb = d.names.reduce((sum, n) => {
      const file = `/proc/${d.record(n)?.pid ?? 0}/status`;
      return (
        sum +
        (existsSync(file) ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) / 1024 : 0)
      );
    }, 0);
    return { times, memoryMb };
  } finally {
    await cluster.stop();
  }
}

export async function scaleBench(o: ScaleOptions): Promise<void> {
  const scales = o.scales.split(',').map(Number);
  const figures: Record<string, number> = {};
  for (const s of scales) {
    const { times, memoryMb } = await run(o, s, 2);
    figures[`scale ${s}: geometric mean (ms)`] = geometricMean([...times.values()]);
    figures[`scale ${s}: memory of all processes (MB)`] = memoryMb;
    console.log(
      `  scale factor ${s}: geometric mean ${geometricMean([...times.values()]).toFixed(1)} ms, memory ${memoryMb.toFixed(0)} MB`,
    );
  }
  const largest = Math.max(...scales);
  const one = await run(o, largest, 1, SCAN_BOUND);
  const two = await run(o, largest, 2, SCAN_BOUND);
  for (const q of SCAN_BOUND) {
    const ratio = one.times.get(q)! / two.times.get(q)!;
    figures[`Q${q} at ${largest}: one segment over two (ratio)`] = ratio;
    console.log(
      `  Q${q} at scale factor ${largest}: ${one.times.get(q)!.toFixed(1)} ms on one segment, ${two.times.get(q)!.toFixed(1)} ms on two: ${ratio.toFixed(2)} times`,
    );
  }
  record({ name: 'scale', options: { scales, runs: o.runs }, figures });
}
