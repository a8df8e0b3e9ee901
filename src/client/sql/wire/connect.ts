/** Opens connections: one host after the other, with TLS where the server has it, a password when it asks for one. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { ConnectionSettings } from './connection-settings.js';
import { passwordFromFile } from './pass-file.js';
import { type ServerAddress, ServerConnection } from './server-connection.js';

export type ConnectOptions = {
  /** Asks the person; undefined: nobody can be asked. */
  readonly prompt: ((user: string) => Promise<string>) | undefined;
  /** Ask before the server does. */
  readonly promptFirst: boolean;
  readonly warn: (message: string) => void;
};

/** Why no host would have us: one line for each of them. */
export class ConnectFailed extends Error {}

type TlsOptions = NonNullable<Exclude<pg.ClientConfig['ssl'], boolean>>;

function tlsOptions(s: ConnectionSettings): TlsOptions {
  const verify = s.sslMode === 'verify-ca' || s.sslMode === 'verify-full';
  const read = (path: string | undefined): { file?: string } =>
    path === undefined ? {} : { file: readFileSync(path, 'utf8') };
  const [ca, cert, key] = [read(s.sslRootCert).file, read(s.sslCert).file, read(s.sslKey).file];
  return {
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(s.sslMode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  };
}

export async function openConnection(
  settings: ConnectionSettings,
  options: ConnectOptions,
): Promise<ServerConnection> {
  let typed: string | undefined;
  if (options.promptFirst && options.prompt !== undefined) typed = await options.prompt(settings.user);
  const failures: string[] = [];
  for (const { host, address, port } of settings.hosts) {
    const at: ServerAddress = { host, address, port, user: settings.user, database: settings.database };
    const password = async (): Promise<string | undefined> => {
      const known =
        typed ??
        settings.password ??
        passwordFromFile(
          { host, port: String(port), database: settings.database, user: settings.user },
          settings.passFile,
          options.warn,
        );
      if (known !== undefined) return known;
      if (options.prompt === undefined) throw new Error('fe_sendauth: no password supplied');
      typed = await options.prompt(settings.user);
      return typed;
    };
    const modes = tlsModes(settings.sslMode, address);
    for (const [i, tls] of modes.entries())
      try {
        const connection = await openOne(settings, at, tls, password);
        connection.password = typed ?? settings.password;
        return connection;
      } catch (e) {
        if (i + 1 < modes.length && mayTryOtherMode(e, tls)) continue;
        failures.push(describeFailure(at, e));
        break;
      }
  }
  throw new ConnectFailed(failures.join('\n'));
}

/** With TLS or without, in the order to try. */
function tlsModes(mode: string, address: string): readonly boolean[] {
  if (address.startsWith('/')) return [false];
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, true];
    case 'prefer':
      return [true, false];
    default:
      return [true];
  }
}

function mayTryOtherMode(e: unknown, tls: boolean): boolean {
  if (!(e instanceof Error)) return false;
  if (tls) return /does not support SSL|establishing an SSL/.test(e.message) || isServerError(e, '28000');
  return isServerError(e, '28000');
}

function isServerError(e: Error, code: string): boolean {
  return (e as { code?: unknown }).code === code;
}

async function openOne(
  s: ConnectionSettings,
  at: ServerAddress,
  tls: boolean,
  password: () => Promise<string | undefined>,
): Promise<ServerConnection> {
  const client = new pg.Client({
    host: at.address,
    port: at.port,
    user: s.user,
    database: s.database,
    application_name: s.applicationName,
    password: password as () => Promise<string>,
    ssl: tls ? tlsOptions(s) : false,
    connectionTimeoutMillis: s.connectTimeoutMs,
    keepAlive: true,
    ...(s.options === undefined ? {} : { options: s.options }),
  });
  const parameters = new Map<string, string>();
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  connection.on('parameterStatus', (m: { parameterName: string; parameterValue: string }) => {
    parameters.set(m.parameterName, m.parameterValue);
  });
  // Until it is handed over; an error while connecting rejects as well.
  client.on('error', () => undefined);
  await client.connect();
  return new ServerConnection(client, at, parameters);
}

/** As libpq words it. */
function describeFailure(at: ServerAddress, e: unknown): string {
  const error = e as { code?: string; severity?: string; message: string };
  const socket = at.address.startsWith('/') ? `${at.address}/.s.PGSQL.${at.port}` : undefined;
  const where =
    socket !== undefined
      ? `connection to server on socket "${socket}" failed: `
      : at.host === at.address && /^[\d.]+$|:/.test(at.host)
        ? `connection to server at "${at.host}", port ${at.port} failed: `
        : `connection to server at "${at.host}", port ${at.port} failed: `;
  if (error.severity !== undefined) return `${where}${error.severity}:  ${error.message}`;
  switch (error.code) {
    case 'ECONNREFUSED':
      return `${where}Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?`;
    case 'ENOENT':
      return `${where}No such file or directory\n\tIs the server running locally and accepting connections on that socket?`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `could not translate host name "${at.host}" to address: Name or service not known`;
    default:
      return `${where}${error.message}`;
  }
}
