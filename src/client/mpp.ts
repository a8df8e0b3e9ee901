#!/usr/bin/env node
/** `mpp`: makes, starts, stops and shows a cluster on this host, and fills it with TPC-H.
 *
 *  Talks to running clusters over the PostgreSQL wire protocol only. Every failure is one clear line and status 1. */
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import pg from 'pg';
import { generateAll } from '../../bench/tpch/generate.js';
import { type AuthMethod, HBA_FILE } from '../types/default-hba.js';
import { operatingSystemUser } from '../types/os-user.js';
import { CliError, runCli } from './cli-error.js';
import { ClusterDir, type InitOptions } from './cluster-dir.js';
import { clusterState, startCluster, stopCluster } from './processes.js';
import { loadTpch } from './tpch-load.js';

function integer(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (!Number.isInteger(n) || n < min || n > max)
      throw new InvalidArgumentError(`${name} is a whole number from ${min} to ${max}.`);
    return n;
  };
}

function scale(text: string): number {
  const n = Number(text);
  if (!(n > 0)) throw new InvalidArgumentError('the scale factor is a positive number.');
  return n;
}

const port = integer('a port', 1, 65_535);

export async function connect(options: {
  readonly host?: string;
  readonly port: number;
  readonly username?: string;
}): Promise<pg.Client> {
  const host = options.host ?? '127.0.0.1';
  const user = options.username ?? operatingSystemUser();
  const client = new pg.Client({ host, port: options.port, user, database: 'mpp' });
  try {
    await client.connect();
  } catch (e) {
    if (e instanceof pg.DatabaseError) throw new CliError(`${host}:${options.port} refuses: ${e.message}`);
    throw new CliError(
      `no cluster answers on ${host}:${options.port} (${e instanceof Error ? e.message : String(e)}); start it with: mpp start --data DIR`,
    );
  }
  return client;
}

type InitArguments = {
  readonly data: string;
  readonly segments: number;
  readonly port: number;
  readonly host: string;
  readonly maxConnections?: number;
  readonly ssl: boolean;
  readonly sslCert?: string;
  readonly sslKey?: string;
  readonly username?: string;
  readonly auth: AuthMethod;
};

function sslOption({ ssl, sslCert, sslKey }: InitArguments): InitOptions['ssl'] {
  if (sslCert === undefined && sslKey === undefined) return ssl ? undefined : false;
  if (sslCert === undefined || sslKey === undefined)
    throw new CliError('give both --ssl-cert and --ssl-key, or neither');
  return { cert: resolve(sslCert), key: resolve(sslKey) };
}

const program = new Command('mpp')
  .description('Control an mpp cluster on this host.')
  .version('0.1.0')
  .showHelpAfterError();

program
  .command('init')
  .description('make a new cluster in a directory')
  .requiredOption('--data <dir>', 'directory of the cluster: new or empty')
  .requiredOption('--segments <n>', 'number of segments', integer('the number of segments', 1, 64))
  .option('--port <p>', 'port for clients', port, 5433)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--max-connections <n>', 'the most sessions at a time', integer('--max-connections', 1, 10_000))
  .option('--ssl-cert <file>', 'your own certificate for encrypted connections; one is made otherwise')
  .option('--ssl-key <file>', 'its key')
  .option('--no-ssl', 'leave connections in the clear')
  .option('--username <name>', 'name of the superuser; default: yours')
  .addOption(
    new Option('--auth <method>', 'how others than the superuser on this host prove who they are')
      .choices(['scram-sha-256', 'trust'])
      .default('scram-sha-256'),
  )
  .action((o: InitArguments) =>
    runCli(async () => {
      const dir = ClusterDir.init(o.data, { ...o, ssl: sslOption(o), superuser: o.username });
      if (o.auth === 'trust')
        console.error(
          `mpp: warning: enabling "trust" authentication for local connections\nmpp: hint: You can change this by editing ${join(dir.data('master'), HBA_FILE)} or using the option --auth the next time you run mpp init.`,
        );
      console.log(
        `Made a cluster of ${o.segments} segment${o.segments === 1 ? '' : 's'} in ${dir.path}. Start it with: mpp start --data ${o.data}`,
      );
    }),
  );

program
  .command('start')
  .description('start the processes that are not running; returns when the cluster answers queries')
  .requiredOption('--data <dir>', 'directory of the cluster')
  .action((o: { data: string }) =>
    runCli(async () => {
      const dir = ClusterDir.open(o.data);
      const started = await startCluster(dir);
      console.log(
        `Started ${started.join(', ')}. Connect with: mpp sql -h ${dir.config.host} -p ${dir.config.port}, or with psql`,
      );
    }),
  );

program
  .command('stop')
  .description('stop all processes')
  .requiredOption('--data <dir>', 'directory of the cluster')
  .action((o: { data: string }) =>
    runCli(async () => {
      console.log(`Stopped ${(await stopCluster(ClusterDir.open(o.data))).join(', ')}.`);
    }),
  );

program
  .command('state')
  .description('show each process')
  .requiredOption('--data <dir>', 'directory of the cluster')
  .option('--json', 'as JSON')
  .action((o: { data: string; json?: boolean }) =>
    runCli(async () => {
      const state = clusterState(ClusterDir.open(o.data));
      if (o.json) {
        console.log(
          JSON.stringify(
            state.map(({ name, role, host, port: p, pid, up }) => ({
              name,
              role,
              host,
              port: p,
              pid: up ? pid : null,
              state: up ? 'up' : 'down',
            })),
            null,
            2,
          ),
        );
        return;
      }
      const rows = [
        ['name', 'role', 'host', 'port', 'pid', 'state'],
        ...state.map((s) => [
          s.name,
          s.role,
          s.host,
          s.port ? String(s.port) : '-',
          s.up ? String(s.pid) : '-',
          s.up ? 'up' : 'down',
        ]),
      ];
      const widths = rows[0]!.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)));
      for (const r of rows)
        console.log(
          r
            .map((c, i) => c.padEnd(widths[i]!))
            .join('  ')
            .trimEnd(),
        );
    }),
  );

type LoadArguments = {
  readonly scale: number;
  readonly from?: string;
  readonly port: number;
  readonly host: string;
  readonly username?: string;
  readonly random?: boolean;
};

const tpch = program.command('tpch').description('TPC-H data');

tpch
  .command('generate')
  .description('write the .tbl files, byte for byte as dbgen does')
  .requiredOption('--scale <s>', 'scale factor', scale)
  .requiredOption('--out <dir>', 'directory for the files')
  .action((o: { scale: number; out: string }) =>
    runCli(async () => {
      const began = performance.now();
      const sizes = await generateAll({ scale: o.scale, outDir: o.out }).catch((e: unknown) => {
        throw new CliError(e instanceof Error ? e.message : String(e));
      });
      const bytes = [...sizes.values()].reduce((a, b) => a + b, 0);
      console.log(
        `Wrote ${sizes.size} tables, ${(bytes / 1e6).toFixed(0)} MB, to ${o.out} in ${((performance.now() - began) / 1000).toFixed(1)} s.`,
      );
    }),
  );

tpch
  .command('load')
  .description('create the tables in a running cluster and fill them')
  .requiredOption('--scale <s>', 'scale factor', scale)
  .option('--from <dir>', 'read .tbl files instead of generating')
  .option('--port <p>', 'port of the cluster', port, 5433)
  .option('--host <address>', 'address of the cluster', '127.0.0.1')
  .option('--username <name>', 'role to connect as; default: yours')
  .option('--random', 'distribute every table randomly')
  .action((o: LoadArguments) =>
    runCli(async () => {
      const client = await connect(o);
      try {
        const { rows, ms } = await loadTpch(client, {
          scale: o.scale,
          from: o.from,
          distribution: o.random ? 'random' : 'key',
        });
        await client.query('ANALYZE');
        console.log(`Loaded ${rows} rows in ${(ms / 1000).toFixed(1)} s.`);
      } finally {
        await client.end();
      }
    }),
  );

program
  .command('sql')
  .description('the interactive terminal; options and arguments are those of mpp-sql')
  .argument('[arguments...]')
  .action(() => undefined);

// Its options are its own: -V and --help are not ours to take.
if (process.argv[2] === 'sql') {
  const { runClient } = await import('./sql/run-client.js');
  process.exit(await runClient(process.argv.slice(3)));
}
await program.parseAsync();
