/** `npm run bench -- scale`: how time grows with data and falls with segments, and the memory that it takes.
 *
 *  growth   the 22 queries at each scale factor, here and in DuckDB, and each query's factor from one to the next: no
 *           larger than the data's means that nothing grows faster than the data
 *  speedup  queries 1 and 6, bound by their scan, on one segment and on two, a core for each, in turns; lineitem only
 *  memory   of all our processes, from an empty cluster through the load and the 22 queries, and of DuckDB's process
 *           that does the same, once in memory and once with a database file
 *
 *  Engines run one after the other, because the largest data leaves room for one. Past scale factor 1 DuckDB works on a
 *  database file, which it compresses: its tables in memory would need more than most machines have. */
import { existsSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { tblFiles } from '../cluster.js';
import { record } from '../report.js';
import { geometricMean, median } from '../statistics.js';
import { queriesFor } from '../tpch/queries.js';
import { type Engine, openDuckDbProcess, openMpp } from './engines.js';

export type ScaleOptions = {
  readonly scales: string;
  readonly runs: number;
  readonly threads: number;
  readonly speedupScale?: number;
  readonly memoryScale: number;
  readonly only?: string;
  readonly keep?: boolean;
  readonly port: number;
  readonly data?: string;
};

const PARTS = ['growth', 'speedup', 'memory'] as const;
const SCAN_BOUND = [1, 6];
/** Of a unit of scale: `.tbl` files, our row groups twice (two segments, one segment), DuckDB's file. */
const DISK_BYTES = { tbl: 1.1e9, cluster: 0.7e9, duckdb: 0.4e9 };

type Times = ReadonlyMap<number, number>;

/** The data of one scale factor under the base directory. */
class Place {
  readonly scale: number;
  readonly tbl: string;
  readonly two: string;
  readonly one: string;
  readonly duckdb: string;
  private readonly created: string[];

  constructor(base: string, scale: number) {
    this.scale = scale;
    this.tbl = join(base, `tbl-${scale}`);
    this.two = join(base, `bench-${scale}-2`);
    this.one = join(base, `bench-${scale}-1-lineitem`);
    this.duckdb = join(base, `scale-${scale}.duckdb`);
    const needs: readonly (readonly [string, number])[] = [
      [this.tbl, DISK_BYTES.tbl],
      [this.two, DISK_BYTES.cluster],
      [this.one, DISK_BYTES.cluster],
      [this.duckdb, DISK_BYTES.duckdb],
    ];
    const missing = needs.filter(([path]) => !existsSync(path));
    this.created = missing.map(([path]) => path);
    const neededBytes = missing.reduce((sum, [, bytes]) => sum + bytes * scale, 0);
    const { bavail, bsize } = statfsSync(base);
    if (bavail * bsize < neededBytes)
      throw new Error(
        `scale factor ${scale} needs ${(neededBytes / 1e9).toFixed(0)} GB in ${base}, which has ${((bavail * bsize) / 1e9).toFixed(0)} GB: give another place with --data, or fewer with --scales`,
      );
  }

  /** Past scale factor 1, what this run made. */
  clean(): void {
    if (this.scale <= 1) return;
    for (const path of this.created)
      for (const p of [path, `${path}.wal`]) rmSync(p, { recursive: true, force: true });
  }
}

/** The median of the queries' times, after one run that does not count. A query that fails has none. */
async function timesOf(
  engine: Engine,
  scale: number,
  runs: number,
  failures: string[],
): Promise<{ times: Times; rows: ReadonlyMap<number, number> }> {
  const times = new Map<number, number>();
  const rows = new Map<number, number>();
  for (const q of queriesFor(scale)) {
    try {
      rows.set(q.number, (await engine.run(q.sql)).rows);
      const samples: number[] = [];
      for (let i = 0; i < runs; i++) samples.push((await engine.run(q.sql)).ms);
      times.set(q.number, median(samples));
    } catch (e) {
      const { code, message } = e as { code?: string; message: string };
      failures.push(`Q${q.number} at ${scale}, ${engine.name}: ${code ?? ''} ${message}`);
      console.log(`  Q${q.number} fails in ${engine.name}: ${code ?? ''} ${message}`);
    }
  }
  return { times, rows };
}

async function growth(
  o: ScaleOptions,
  places: readonly Place[],
  figures: Record<string, number>,
  failures: string[],
): Promise<unknown> {
  const names = ['mpp', 'DuckDB'];
  const measured = new Map<string, Times[]>(names.map((n) => [n, []]));
  for (const place of places) {
    const { scale } = place;
    const counts: ReadonlyMap<number, number>[] = [];
    for (const name of names) {
      const engine =
        name === 'mpp'
          ? await openMpp({ dir: place.two, scale, segments: 2, port: o.port, from: place.tbl })
          : await openDuckDbProcess({
              name,
              threads: o.threads,
              tbl: place.tbl,
              file: scale > 1 ? place.duckdb : undefined,
            });
      try {
        const { times, rows } = await timesOf(engine, scale, o.runs, failures);
        measured.get(name)!.push(times);
        counts.push(rows);
        const mean = geometricMean([...times.values()]);
        figures[`geometric mean at ${scale}, ${name} (ms)`] = mean;
        console.log(`  scale factor ${scale}, ${name}: geometric mean ${mean.toFixed(1)} ms`);
      } finally {
        await engine.close();
      }
    }
    for (const [q, rows] of counts[0]!)
      if (counts[1]!.has(q) && counts[1]!.get(q) !== rows)
        throw new Error(`Q${q} at ${scale}: the engines return ${rows} and ${counts[1]!.get(q)} rows`);
  }
  printGrowth(places, measured);
  for (let i = 1; i < places.length; i++)
    for (const [name, all] of measured) {
      const factors = factorsOf(all[i - 1]!, all[i]!);
      const data = places[i]!.scale / places[i - 1]!.scale;
      const step = `from ${places[i - 1]!.scale} to ${places[i]!.scale}`;
      const [worst, factor] = [...factors].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0]);
      figures[`growth ${step}, geometric mean, ${name} (times)`] = geometricMean([...factors.values()]);
      figures[`growth ${step}, worst query, ${name} (times)`] = factor;
      const faster = [...factors].filter(([, f]) => f > data).map(([q]) => `Q${q}`);
      console.log(
        `  ${name}, ${step} (data: ${data} times): mean ${geometricMean([...factors.values()]).toFixed(1)} times, worst Q${worst} ${factor.toFixed(1)} times; faster than the data grow ${faster.join(' ') || 'none'}`,
      );
    }
  return Object.fromEntries(
    [...measured].map(([name, all]) => [
      name,
      Object.fromEntries(all.map((times, i) => [places[i]!.scale, Object.fromEntries(times)])),
    ]),
  );
}

function factorsOf(from: Times, to: Times): Map<number, number> {
  const factors = new Map<number, number>();
  for (const [q, ms] of to) if (from.has(q)) factors.set(q, ms / from.get(q)!);
  return factors;
}

function printGrowth(places: readonly Place[], measured: ReadonlyMap<string, readonly Times[]>): void {
  const head = [...measured.keys()].flatMap((name) =>
    places.flatMap((p, i) => [`${name} ${p.scale}`, ...(i > 0 ? ['times'] : [])]),
  );
  console.log(`\n  query${head.map((h) => h.padStart(13)).join('')}`);
  for (const q of queriesFor(1).map((x) => x.number)) {
    const cells = [...measured.values()].flatMap((all) =>
      all.flatMap((times, i) => {
        const ms = times.get(q);
        const before = i > 0 ? all[i - 1]!.get(q) : undefined;
        const factor = ms === undefined || before === undefined ? '' : (ms / before).toFixed(1);
        return [ms === undefined ? 'failed' : `${ms.toFixed(1)} ms`, ...(i > 0 ? [factor] : [])];
      }),
    );
    console.log(`  ${`Q${q}`.padEnd(5)}${cells.map((c) => c.padStart(13)).join('')}`);
  }
  console.log('');
}

/** Rounds alternate between the two clusters, so that a disturbance meets both. */
async function speedup(o: ScaleOptions, place: Place, figures: Record<string, number>): Promise<void> {
  const { scale, tbl } = place;
  const engines = [
    await openMpp({ dir: place.one, scale, segments: 1, port: o.port + 1, from: tbl, tables: ['lineitem'] }),
  ];
  try {
    engines.push(await openMpp({ dir: place.two, scale, segments: 2, port: o.port, from: tbl }));
    for (const q of queriesFor(scale)) {
      if (!SCAN_BOUND.includes(q.number)) continue;
      const samples = engines.map((): number[] => []);
      for (const e of engines) await e.run(q.sql);
      // Short queries more often: they cost little, and vary more.
      for (let i = 0; i < o.runs * 3; i++)
        for (const [k, e] of engines.entries()) samples[k]!.push((await e.run(q.sql)).ms);
      const [one, two] = samples.map(median) as [number, number];
      figures[`Q${q.number} at ${scale}: one segment over two (ratio)`] = one / two;
      console.log(
        `  Q${q.number} at scale factor ${scale}: ${one.toFixed(1)} ms on one segment, ${two.toFixed(1)} ms on two: ${(one / two).toFixed(2)} times`,
      );
    }
  } finally {
    for (const e of engines) await e.close();
  }
}

async function memory(
  o: ScaleOptions,
  base: string,
  figures: Record<string, number>,
  failures: string[],
): Promise<void> {
  const scale = o.memoryScale;
  const tbl = await tblFiles(base, scale);
  const dir = join(base, 'scale-memory');
  const file = join(base, 'scale-memory.duckdb');
  const clean = (): void => {
    for (const path of [dir, file, `${file}.wal`]) rmSync(path, { recursive: true, force: true });
  };
  const engines: readonly (readonly [string, () => Promise<Engine>])[] = [
    ['mpp', () => openMpp({ dir, scale, segments: 2, port: o.port, from: tbl })],
    ['DuckDB in memory', () => openDuckDbProcess({ name: 'DuckDB', threads: o.threads, tbl })],
    ['DuckDB with a file', () => openDuckDbProcess({ name: 'DuckDB', threads: o.threads, tbl, file })],
  ];
  clean();
  try {
    for (const [name, open] of engines) {
      const engine = await open();
      try {
        await timesOf(engine, scale, 1, failures);
        const seen = engine.memory.stop();
        if (seen === undefined) continue;
        figures[`memory at ${scale} after load and queries, ${name} (MB)`] = seen.now;
        figures[`most memory at ${scale} in load and queries, ${name} (MB)`] = seen.peak;
        console.log(
          `  memory at scale factor ${scale}, ${name}: ${seen.now.toFixed(0)} MB after load and the 22 queries, at most ${seen.peak.toFixed(0)} MB`,
        );
      } finally {
        await engine.close();
      }
    }
  } finally {
    clean();
  }
}

export async function scaleBench(o: ScaleOptions): Promise<void> {
  const base = o.data ?? '.mpp';
  mkdirSync(base, { recursive: true });
  const scales = o.scales
    .split(',')
    .map(Number)
    .sort((a, b) => a - b);
  const parts = o.only?.split(',') ?? [...PARTS];
  const unknown = parts.find((p) => !(PARTS as readonly string[]).includes(p));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${PARTS.join(', ')}`);
  const figures: Record<string, number> = {};
  const failures: string[] = [];
  const speedupScale = o.speedupScale ?? scales.at(-1)!;
  const wanted = [
    ...new Set([
      ...(parts.includes('growth') ? scales : []),
      ...(parts.includes('speedup') ? [speedupScale] : []),
    ]),
  ];
  const places = wanted.map((s) => new Place(base, s));
  let growthDetail: unknown;
  try {
    for (const place of places) await tblFiles(base, place.scale);
    if (parts.includes('memory')) await memory(o, base, figures, failures);
    if (parts.includes('growth'))
      growthDetail = await growth(
        o,
        places.filter((p) => scales.includes(p.scale)),
        figures,
        failures,
      );
    if (parts.includes('speedup')) await speedup(o, places.find((p) => p.scale === speedupScale)!, figures);
  } finally {
    if (o.keep !== true) for (const place of places) place.clean();
  }
  if (o.only !== undefined) return;
  record({
    name: 'scale',
    options: { scales, speedupScale, memoryScale: o.memoryScale, runs: o.runs, threads: o.threads },
    figures,
    detail: { medianMs: growthDetail, failures },
  });
}
