/** A cluster of real processes in a temporary directory, gone at the end of the test file. Its superuser is `mpp`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textClient } from '../../bench/cluster.js';
import type { SltDatabase } from './slt.js';

export type TestDatabase = SltDatabase & { readonly port: number; close(): Promise<void> };

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export async function openTestDatabase(options: { segments: number }): Promise<TestDatabase> {
  // From dist: the processes it starts are compiled JavaScript.
  const { ClusterDir } = (await import(
    '../../dist/src/client/cluster-dir.js' as string
  )) as typeof import('../../src/client/cluster-dir.js');
  const { startCluster, stopCluster } = (await import(
    '../../dist/src/client/processes.js' as string
  )) as typeof import('../../src/client/processes.js');
  const path = mkdtempSync(join(tmpdir(), 'mpp-test-'));
  const dir = ClusterDir.init(join(path, 'cluster'), {
    segments: options.segments,
    host: '127.0.0.1',
    port: await freePort(),
    superuser: 'mpp',
    auth: 'trust',
  });
  await startCluster(dir);
  const client = textClient('127.0.0.1', dir.config.port, 'mpp');
  client.on('error', () => undefined);
  await client.connect();
  return {
    port: dir.config.port,
    query: async (sql) => (await client.query({ text: sql, rowMode: 'array' })).rows as (string | null)[][],
    close: async () => {
      await client.end().catch(() => undefined);
      await stopCluster(dir).catch(() => undefined);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
