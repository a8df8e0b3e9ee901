/** What the scale benchmark measures: an engine whose processes are known, with TPC-H in it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ClusterDir } from '../../src/client/cluster-dir.js';
import { openTpchCluster, type TpchClusterOptions } from '../cluster.js';
import type { DuckDbReply, DuckDbRequest } from './duckdb-process.js';
import { MemoryWatch } from './memory.js';

export type Engine = {
  readonly name: string;
  /** Since before anything was loaded. */
  readonly memory: MemoryWatch;
  run(sql: string): Promise<{ ms: number; rows: number }>;
  close(): Promise<void>;
};

export async function openMpp(options: Omit<TpchClusterOptions, 'workers'>): Promise<Engine> {
  let memory: MemoryWatch | undefined;
  const cluster = await openTpchCluster({
    ...options,
    // A core for each segment.
    workers: 1,
    onStarted: (dir) => {
      memory = new MemoryWatch(pidsOf(dir));
    },
  });
  return {
    name: 'mpp',
    memory: memory!,
    run: async (sql) => {
      const began = performance.now();
      const { rows } = await cluster.client.query(sql);
      return { ms: performance.now() - began, rows: rows.length };
    },
    close: async () => {
      memory!.stop();
      await cluster.stop();
    },
  };
}

function pidsOf(dir: ClusterDir): number[] {
  return dir.names.map((name) => dir.record(name)!.pid);
}

export async function openDuckDbProcess(options: {
  readonly name: string;
  readonly threads: number;
  readonly tbl: string;
  readonly file?: string | undefined;
}): Promise<Engine> {
  const child = fork(new URL('./duckdb-process.js', import.meta.url), { stdio: 'inherit' });
  const memory = new MemoryWatch([child.pid!]);
  const close = async (): Promise<void> => {
    memory.stop();
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
  };
  try {
    const { name, threads, tbl, file } = options;
    await ask(child, { kind: 'open', threads, tbl, file });
    return { name, memory, run: (sql) => ask(child, { kind: 'run', sql }), close };
  } catch (e) {
    await close();
    throw e;
  }
}

async function ask(child: ChildProcess, request: DuckDbRequest): Promise<{ ms: number; rows: number }> {
  child.send(request);
  const reply = await new Promise<DuckDbReply>((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null): void =>
      reject(new Error(`DuckDB's process ended with ${code ?? signal}`));
    child.once('exit', onExit);
    child.once('message', (m: DuckDbReply) => {
      child.off('exit', onExit);
      resolve(m);
    });
  });
  if ('error' in reply) throw new Error(`DuckDB: ${reply.error}`);
  return reply;
}
