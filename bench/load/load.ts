/** `npm run bench -- load`: the time to load TPC-H's files, here and in DuckDB, in the same run; then that of INSERT ... SELECT
 *  of lineitem into a second table (for us once where rows stay on their segment, and once where they move).
 *
 *  Both read the same files of the same machine: ours with COPY FROM a file on the master's host (or, with `--stdin`, from
 *  a client over the wire), durable when the statement returns; DuckDB with INSERT ... SELECT FROM read_csv, once into
 *  memory and once into a database file with a CHECKPOINT. The engines take turns table by table. CPU seconds are those
 *  of all our processes, and are the steadier figure on a machine that others use as well. */
import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { from as copyFrom } from 'pg-copy-streams';
import { ClusterDir } from '../../src/client/cluster-dir.js';
import { clusterState, startCluster, stopCluster } from '../../src/client/processes.js';
import { textClient } from '../cluster.js';
import { record } from '../report.js';
import { generateAll } from '../tpch/generate.js';
import { rowCount, TPCH_TABLES, type TpchTable } from '../tpch/scale.js';
import { createTable } from '../tpch/schema.js';

export type LoadBenchOptions = {
  readonly scale: number;
  readonly segments: number;
  readonly threads: number;
  readonly port: number;
  readonly stdin?: boolean;
  readonly tables?: string;
  readonly data?: string;
};

/** COPY would take the delimiter at the end of a `.tbl` line for one more column: the files are made without it. */
async function withoutLastDelimiter(from: string, to: string): Promise<void> {
  const out = await open(to, 'w');
  try {
    let rest = '';
    for await (const part of createReadStream(from, { highWaterMark: 8 << 20, encoding: 'latin1' })) {
      const text = rest + part;
      const cut = text.lastIndexOf('\n') + 1;
      rest = text.slice(cut);
      await out.write(Buffer.from(text.slice(0, cut).replaceAll('|\n', '\n'), 'latin1'));
    }
  } finally {
    await out.close();
  }
}

/** User and system time of a process, in milliseconds. */
function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function openDuck(path: string, threads: number, tables: readonly TpchTable[]) {
  const instance = await DuckDBInstance.create(path, { threads: String(threads) });
  const db = await instance.connect();
  for (const t of tables) await db.run(createTable(t, { distribution: 'none', primaryKeys: false }));
  const version = String((await db.runAndReadAll('SELECT version()')).getRows()[0]![0]);
  return { instance, db, version };
}

async function duckLoad(
  db: DuckDBConnection,
  table: TpchTable,
  file: string,
  onDisk: boolean,
): Promise<void> {
  const columns = (await db.runAndReadAll(`DESCRIBE ${table}`))
    .getRows()
    .map((r) => `'${String(r[0])}': '${String(r[1])}'`);
  await db.run(
    `INSERT INTO ${table} SELECT * FROM read_csv('${file}', delim = '|', header = false, quote = '', escape = '', columns = {${columns.join(', ')}})`,
  );
  if (onDisk) await db.run('CHECKPOINT');
}

type Timed = { readonly ms: number; readonly cpuMs: number };

async function timed(cpu: () => number, run: () => Promise<unknown>): Promise<Timed> {
  const cpuBegan = cpu();
  const began = performance.now();
  await run();
  return { ms: performance.now() - began, cpuMs: cpu() - cpuBegan };
}

export async function loadBench(o: LoadBenchOptions): Promise<void> {
  const base = resolve(o.data ?? '.mpp');
  const tables = TPCH_TABLES.filter((t) => o.tables === undefined || o.tables.split(',').includes(t));
  const tbl = join(base, `tbl-${o.scale}`);
  const plain = join(base, `copy-${o.scale}`);
  mkdirSync(tbl, { recursive: true });
  mkdirSync(plain, { recursive: true });
  if (!TPCH_TABLES.every((t) => existsSync(join(tbl, `${t}.tbl`))))
    await generateAll({ scale: o.scale, outDir: tbl });
  const fileOf = (t: TpchTable) => join(plain, `${t}.txt`);
  for (const t of tables)
    if (!existsSync(fileOf(t))) await withoutLastDelimiter(join(tbl, `${t}.tbl`), fileOf(t));

  const dirPath = join(base, `load-${o.segments}`);
  const dir = ClusterDir.exists(dirPath)
    ? ClusterDir.open(dirPath)
    : ClusterDir.init(dirPath, { segments: o.segments, host: '127.0.0.1', port: o.port });
  if (clusterState(dir).some((s) => !s.up)) await startCluster(dir);
  const client = textClient('127.0.0.1', dir.config.port);
  const duckFile = join(base, 'load.duckdb');
  for (const f of [duckFile, `${duckFile}.wal`]) rmSync(f, { force: true });
  const closers: (() => void)[] = [];
  try {
    await client.connect();
    const pids = clusterState(dir).flatMap((s) => (s.pid === undefined ? [] : [s.pid]));
    const ourCpu = () => pids.reduce((n, pid) => n + cpuMs(pid), 0);
    const ownCpu = () => {
      const u = process.cpuUsage();
      return (u.user + u.system) / 1000;
    };
    const inMemory = await openDuck(':memory:', o.threads, tables);
    const onDisk = await openDuck(duckFile, o.threads, tables);
    for (const d of [inMemory, onDisk])
      closers.push(() => {
        d.db.closeSync();
        d.instance.closeSync();
      });
    const ours = async (t: TpchTable): Promise<void> => {
      const options = `WITH (DELIMITER '|')`;
      if (o.stdin !== true) await client.query(`COPY ${t} FROM '${fileOf(t)}' ${options}`);
      else
        await pipeline(
          createReadStream(fileOf(t), { highWaterMark: 1 << 20 }),
          client.query(copyFrom(`COPY ${t} FROM STDIN ${options}`)),
        );
    };
    const engines = [
      { name: 'mpp', load: ours, cpu: () => ourCpu() + (o.stdin === true ? ownCpu() : 0) },
      {
        name: `DuckDB ${inMemory.version} in memory`,
        load: (t: TpchTable) => duckLoad(inMemory.db, t, fileOf(t), false),
        cpu: ownCpu,
      },
      {
        name: `DuckDB ${onDisk.version} on disk`,
        load: (t: TpchTable) => duckLoad(onDisk.db, t, fileOf(t), true),
        cpu: ownCpu,
      },
    ];
    // Workers, compiled code and connections are there after the smallest table.
    await client.query('DROP TABLE IF EXISTS region');
    await client.query(createTable('region', { distribution: 'key' }));
    if (tables.includes('region')) await ours('region');
    const results: { table: TpchTable; bytes: number; times: Timed[] }[] = [];
    console.log(`\n  ${'table'.padEnd(9)}${engines.map((e) => e.name.padStart(26)).join('')}`);
    for (const t of tables) {
      await client.query(`DROP TABLE IF EXISTS ${t}`);
      await client.query(createTable(t, { distribution: 'key' }));
      const times: Timed[] = [];
      for (const e of engines) times.push(await timed(e.cpu, () => e.load(t)));
      const loaded = Number((await client.query(`SELECT count(*) FROM ${t}`)).rows[0]!.count);
      if (loaded !== rowCount(t, o.scale)) throw new Error(`${t} has ${loaded} rows`);
      results.push({ table: t, bytes: statSync(fileOf(t)).size, times });
      console.log(`  ${t.padEnd(9)}${times.map(show).join('')}`);
    }
    const inserts: { into: string; times: Timed[] }[] = [];
    if (tables.includes('lineitem')) {
      // What DuckDB's tables hold after their own COPY.
      const duck = async (d: typeof inMemory, statement: string, checkpoint: boolean): Promise<void> => {
        await d.db.run(statement);
        if (checkpoint) await d.db.run('CHECKPOINT');
      };
      for (const [into, key] of [
        ['same_key', 'l_orderkey'],
        ['other_key', 'l_partkey'],
      ] as const) {
        const table = `lineitem_${into}`;
        const columns = createTable('lineitem', { distribution: 'none', primaryKeys: false })
          .replace(/\blineitem\b/, table)
          .replace(/;\s*$/, '');
        const statement = `INSERT INTO ${table} SELECT * FROM lineitem`;
        await client.query(`DROP TABLE IF EXISTS ${table}`);
        await client.query(`${columns} DISTRIBUTED BY (${key})`);
        for (const d of [inMemory, onDisk]) await d.db.run(columns);
        const times = [
          await timed(ourCpu, () => client.query(statement)),
          await timed(ownCpu, () => duck(inMemory, statement, false)),
          await timed(ownCpu, () => duck(onDisk, statement, true)),
        ];
        const stored = Number((await client.query(`SELECT count(*) FROM ${table}`)).rows[0]!.count);
        if (stored !== rowCount('lineitem', o.scale)) throw new Error(`${table} has ${stored} rows`);
        inserts.push({ into: into.replace('_', ' '), times });
      }
    }
    const total = engines.map(
      (_, i): Timed => ({
        ms: results.reduce((n, r) => n + r.times[i]!.ms, 0),
        cpuMs: results.reduce((n, r) => n + r.times[i]!.cpuMs, 0),
      }),
    );
    console.log(`  ${'total'.padEnd(9)}${total.map(show).join('')}`);
    for (const { into, times } of inserts)
      console.log(`  INSERT ... SELECT of lineitem, ${into}\n  ${''.padEnd(9)}${times.map(show).join('')}`);
    const ratio = (i: number) => ({
      time: total[0]!.ms / total[i]!.ms,
      cpu: total[0]!.cpuMs / total[i]!.cpuMs,
    });
    console.log(
      `  mpp / DuckDB in memory: ${ratio(1).time.toFixed(2)}, on disk: ${ratio(2).time.toFixed(2)}\n`,
    );
    if (tables.length === TPCH_TABLES.length)
      record({
        name: `load-sf${o.scale}${o.stdin === true ? '-stdin' : ''}`,
        options: {
          scale: o.scale,
          segments: o.segments,
          threads: o.threads,
          from: o.stdin === true ? 'client' : 'server file',
        },
        figures: {
          'load, mpp (s)': total[0]!.ms / 1000,
          'load, DuckDB in memory (s)': total[1]!.ms / 1000,
          'load, DuckDB with a file (s)': total[2]!.ms / 1000,
          'CPU, mpp (s)': total[0]!.cpuMs / 1000,
          'CPU, DuckDB in memory (s)': total[1]!.cpuMs / 1000,
          'CPU, DuckDB with a file (s)': total[2]!.cpuMs / 1000,
          'files read a second, mpp (MB/s)': results.reduce((n, r) => n + r.bytes, 0) / 1000 / total[0]!.ms,
          ...Object.fromEntries(
            inserts.flatMap(({ into, times }) =>
              ['mpp', 'DuckDB in memory', 'DuckDB with a file'].map((engine, i) => [
                `INSERT ... SELECT, ${into}, ${engine} (s)`,
                times[i]!.ms / 1000,
              ]),
            ),
          ),
        },
        detail: engines.map((e, i) => ({
          name: e.name,
          ...total[i]!,
          tables: Object.fromEntries(results.map((r) => [r.table, r.times[i]!])),
        })),
      });
  } finally {
    for (const close of closers) close();
    await client.end().catch(() => undefined);
    await stopCluster(dir);
  }
}

function show({ ms, cpuMs }: Timed): string {
  return `${(ms / 1000).toFixed(2)} s (${(cpuMs / 1000).toFixed(2)} CPU)`.padStart(26);
}
