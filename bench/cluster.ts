/** A cluster for benchmarks and big tests: made on first use, kept for the next run, stopped at the end. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { ClusterDir } from '../src/client/cluster-dir.js';
import { clusterState, startCluster, stopCluster } from '../src/client/processes.js';
import { isLoaded, loadTpch } from '../src/client/tpch-load.js';
import { generateAll } from './tpch/generate.js';
import { TPCH_TABLES } from './tpch/scale.js';

export type TpchCluster = {
  readonly client: pg.Client;
  readonly loadMs: number | undefined;
  readonly port: number;
  stop(): Promise<void>;
};

/** The directory of the `.tbl` files of this scale under `base`, generated when they are not there. */
export async function tblFiles(base: string, scale: number): Promise<string> {
  const dir = join(base, `tbl-${scale}`);
  if (!TPCH_TABLES.every((t) => existsSync(join(dir, `${t}.tbl`)))) {
    mkdirSync(dir, { recursive: true });
    await generateAll({ scale, outDir: dir });
  }
  return dir;
}

/** Values arrive as PostgreSQL's text, untouched. */
export function textClient(host: string, port: number): pg.Client {
  return new pg.Client({
    host,
    port,
    user: 'mpp',
    database: 'mpp',
    types: { getTypeParser: () => (v: string | Buffer) => v.toString() } as unknown as pg.CustomTypesConfig,
  });
}

export async function openTpchCluster(options: {
  dir: string;
  scale: number;
  segments: number;
  port: number;
  distribution?: 'key' | 'random';
  from?: string | undefined;
  /** Worker threads of each segment; default: an equal share of the cores. */
  workers?: number;
}): Promise<TpchCluster> {
  const dir = ClusterDir.exists(options.dir)
    ? ClusterDir.open(options.dir)
    : ClusterDir.init(options.dir, { segments: options.segments, host: '127.0.0.1', port: options.port });
  if (clusterState(dir).some((s) => !s.up)) await startCluster(dir, { workers: options.workers });
  const client = textClient('127.0.0.1', dir.config.port);
  const stop = async (): Promise<void> => {
    await client.end().catch(() => undefined);
    await stopCluster(dir);
  };
  try {
    await client.connect();
    let loadMs: number | undefined;
    if (!(await isLoaded(client, options.scale))) {
      console.log(`Loading TPC-H at scale factor ${options.scale}:`);
      loadMs = (
        await loadTpch(client, {
          scale: options.scale,
          distribution: options.distribution ?? 'key',
          from: options.from,
        })
      ).ms;
      await client.query('ANALYZE');
    }
    return { client, loadMs, port: dir.config.port, stop };
  } catch (e) {
    await stop().catch(() => undefined);
    throw e;
  }
}
