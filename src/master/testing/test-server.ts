/** A wire server over a fresh catalog and a `LocalDispatcher`, for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadParser } from '../../plan/sql/parse.js';
import type { QueryId } from '../../types/ids.js';
import { MasterCatalog } from '../catalog/master-catalog.js';
import { startWireServer, type WireServer, type WireServerOptions } from '../wire/server.js';
import { LocalDispatcher } from './local-dispatcher.js';

export type TestServer = {
  readonly server: WireServer;
  readonly port: number;
  readonly dispatcher: LocalDispatcher;
  readonly catalog: MasterCatalog;
  readonly errors: unknown[];
  close(): Promise<void>;
};

export async function startTestServer(more: Partial<WireServerOptions> = {}): Promise<TestServer> {
  await loadParser();
  const directory = await mkdtemp(join(tmpdir(), 'mpp-wire-'));
  const catalog = await MasterCatalog.open(directory);
  const dispatcher = new LocalDispatcher();
  const errors: unknown[] = [];
  let queries = 0;
  const server = await startWireServer({
    host: '127.0.0.1',
    port: 0,
    services: {
      catalog,
      dispatcher,
      log: { info() {}, warn() {}, error: (fields) => errors.push(fields) },
      spoolDirectory: join(directory, 'spool'),
      newQueryId: () => `test-${++queries}` as QueryId,
    },
    ...more,
  });
  return {
    server,
    port: server.port,
    dispatcher,
    catalog,
    errors,
    async close() {
      await server.close();
      await catalog.close();
      await dispatcher.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
