/** A cluster for benchmarks and big tests: made on first use, kept for the next run, stopped at the end. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { ClusterDir } from '../src/client/cluster-dir.js';
import { clusterState, startCluster, stopCluster } from '../src/client/processes.js';
import { isLoaded, loadTpch } from '../src/client/tpch-load.js';
import { operatingSystemUser } from '../src/types/os-user.js';
import { generateAll } from './tpch/generate.js';
import { TPCH_TABLES, type TpchTable } from './tpch/scale.js';

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
    // Under another name until all are whole: an interrupted run must not leave half a file to the next.
    const making = `${dir}.new`;
    await generateAll({ scale, outDir: making });
    rmSync(dir, { recursive: true, force: true });
    renameSync(making, dir);
  }
  return dir;
}

/** Values arrive as PostgreSQL's text, untouched. */
export function textClient(host: string, port: number, user = operatingSystemUser()): pg.Client {
  return new pg.Client({
    host,
    port,
    user,
    database: 'mpp',
    types: { getTypeParser: () => (v: string | Buffer) => v.toString() } as unknown as pg.CustomTypesConfig,
  });
}

export type TpchClusterOptions = {
  readonly dir: string;
  readonly scale: number;
  readonly segments: number;
  readonly port: number;
  readonly distribution?: 'key' | 'random';
  readonly from?: string | undefined;
  /** Worker threads of each segment; default: an equal share of the cores. */
  readonly workers?: number;
  /** Default: all. */
  readonly tables?: readonly TpchTable[];
  /** Its processes run; nothing has been asked of them yet. */
  readonly onStarted?: (dir: ClusterDir) => void;
};

export async function openTpchCluster(options: TpchClusterOptions): Promise<TpchCluster> {
  const dir = ClusterDir.exists(options.dir)
    ? ClusterDir.open(options.dir)
    : ClusterDir.init(options.dir, { segments: options.segments, host: '127.0.0.1', port: options.port });
  if (clusterState(dir).some((s) => !s.up)) await startCluster(dir, { workers: options.workers });
  options.onStarted?.(dir);
  const client = textClient('127.0.0.1', dir.config.port);
  const stop = async (): Promise<void> => {
    await client.end().catch(() => undefined);
    await stopCluster(dir);
  };
  try {
    await client.connect();
    let loadMs: number | undefined;
    if (!(await isLoaded(client, options.scale, options.tables))) {
      console.log(`Loading TPC-H at scale factor ${options.scale}:`);
      loadMs = (
        await loadTpch(client, {
          scale: options.scale,
          distribution: options.distribution ?? 'key',
          from: options.from,
          ...(options.tables && { tables: options.tables }),
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
