#!/usr/bin/env -S node --no-incremental-marking
/** The command `mpp-master`: the process that clients connect to and segments join. */
import { join } from 'node:path';
import { Command } from 'commander';
import { memoryBytes, parseAddress, workerCount } from '../exchange/process/limits.js';
import { makeLogger, readToken, runProcess } from '../exchange/process/start.js';
import type { AuthMethod } from '../types/default-hba.js';
import { Master } from './master.js';
import { DEFAULT_LIMITS } from './wire/admission.js';
import { startWireServer } from './wire/server.js';
import type { TlsFiles } from './wire/tls.js';

type Options = {
  data: string;
  host: string;
  port: string;
  listen: string;
  advertise?: string;
  token?: string;
  tokenFile?: string;
  segments?: string;
  workers?: string;
  memory: string;
  processesOnHost: string;
  maxConnections: string;
  connectionQueue: string;
  connectionQueueTimeout: string;
  sslCert?: string;
  sslKey?: string;
  logLevel: string;
  auth: string;
  superuser?: string;
  socketDirectory?: string;
};

const command = new Command('mpp-master')
  .description('Runs the master of an mpp cluster: clients connect to it with the PostgreSQL protocol.')
  .requiredOption('--data <dir>', 'data directory, made when missing')
  .option('--host <host>', 'address for clients', '127.0.0.1')
  .option('--port <port>', 'port for clients', '5433')
  .option('--listen <host:port>', 'address for segments', '127.0.0.1:5434')
  .option('--advertise <host>', 'host under which segments reach this process, if not the one in --listen')
  .option('--token <token>', "the cluster's token, which segments must have as well")
  .option('--token-file <file>', 'a file that holds it')
  .option('--segments <n>', 'number of segments; needed when the data directory is new')
  .option('--workers <n>', 'worker threads; default: one for each core')
  .option('--memory <size>', 'shared memory, such as 512MB or 4GB, or auto', 'auto')
  .option(
    '--processes-on-host <n>',
    'mpp processes that share this host: divides the memory taken by auto',
    '2',
  )
  .option('--max-connections <n>', 'the most sessions at a time', String(DEFAULT_LIMITS.sessionsMax))
  .option('--connection-queue <n>', 'clients that may wait for a session', String(DEFAULT_LIMITS.waitingMax))
  .option('--connection-queue-timeout <ms>', 'how long they wait', String(DEFAULT_LIMITS.waitMs))
  .option('--ssl-cert <file>', 'certificate for encrypted connections, the chain after it')
  .option('--ssl-key <file>', 'its key')
  .option('--auth <method>', 'rules that a new data directory gets: scram-sha-256 or trust', 'scram-sha-256')
  .option('--superuser <name>', 'first role of a new data directory; default: the user who runs this')
  .option('--socket-directory <dir>', 'directory of the Unix socket; default: the data directory')
  .option('--log-level <level>', 'fatal, error, warn, info, debug', 'info');

const options = command.parse().opts<Options>();
const log = makeLogger('mpp-master', options.logLevel);

function segmentCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 1024) throw new Error(`--segments ${text}: give 1 to 1024`);
  return n;
}

function count(text: string, option: string, min: number, max: number): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < min || n > max)
    throw new Error(`${option} ${text}: give a whole number from ${min} to ${max}`);
  return n;
}

function tlsFiles({ sslCert: cert, sslKey: key }: Options): TlsFiles | undefined {
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return undefined;
  throw new Error('give both --ssl-cert and --ssl-key, or neither');
}

function authMethod(text: string): AuthMethod {
  if (text === 'scram-sha-256' || text === 'trust') return text;
  throw new Error(`--auth ${text}: give scram-sha-256 or trust`);
}

await runProcess(log, async () => {
  const { host, port } = parseAddress(`${bracketed(options.host)}:${options.port}`, '--host and --port');
  const limits = {
    sessionsMax: count(options.maxConnections, '--max-connections', 1, 10_000),
    waitingMax: count(options.connectionQueue, '--connection-queue', 0, 100_000),
    waitMs: count(options.connectionQueueTimeout, '--connection-queue-timeout', 0, 3_600_000),
  };
  const master = await Master.start({
    data: options.data,
    listen: options.listen,
    advertise: options.advertise,
    token: readToken(options),
    segments: segmentCount(options.segments),
    workers: workerCount(options.workers),
    memoryBytes: memoryBytes(options.memory, Number(options.processesOnHost)),
    log,
    auth: authMethod(options.auth),
    superuser: options.superuser,
  });
  process.on('SIGHUP', () => master.auth.reload());
  const wire = await startWireServer({
    host,
    port,
    limits,
    tls: tlsFiles(options),
    auth: master.auth,
    socketDirectory: options.socketDirectory ?? options.data,
    services: {
      catalog: master.catalog,
      dispatcher: master.dispatcher,
      log,
      spoolDirectory: join(options.data, 'spool'),
      newQueryId: () => master.newQueryId(),
    },
  }).catch((e: NodeJS.ErrnoException) => {
    throw e.code === 'EADDRINUSE' ? new Error(`port ${port} on ${host} is in use by another program`) : e;
  });
  log.info({ host, port: wire.port }, 'ready for clients');
  return async () => {
    // Running statements hear why they end before their connections close.
    await master.dispatcher.stop();
    await wire.close();
    await master.stop();
  };
});

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
