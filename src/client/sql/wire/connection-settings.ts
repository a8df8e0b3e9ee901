/** Where to connect: command line, connection string, service file, environment, defaults, in that order. */
import { readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Conninfo, ConninfoError, isConninfo, parseConninfo } from './conninfo.js';

/** One place to try, and as whom. */
export type ConnectionSettings = {
  readonly hosts: readonly { readonly host: string; readonly address: string; readonly port: number }[];
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
  readonly passFile: string | undefined;
  readonly sslMode: string;
  readonly sslRootCert: string | undefined;
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  readonly connectTimeoutMs: number;
  readonly applicationName: string;
  readonly options: string | undefined;
};

const ENVIRONMENT: Readonly<Record<string, string>> = {
  service: 'PGSERVICE',
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  dbname: 'PGDATABASE',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
};

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Where an mpp master listens unless told otherwise. */
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = '5433';

export type AskedConnection = {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly user?: string | undefined;
  /** A name, or a connection string. */
  readonly database?: string | undefined;
  readonly password?: string | undefined;
};

export function resolveConnection(
  asked: AskedConnection,
  env: NodeJS.ProcessEnv = process.env,
): ConnectionSettings {
  const given: Record<string, string> = {};
  const set = (from: Conninfo): void => {
    for (const [name, value] of Object.entries(from)) if (value !== '') given[name] = value;
  };
  for (const [name, value] of [
    ['host', asked.host],
    ['port', asked.port],
    ['user', asked.user],
    ['password', asked.password],
  ] as const)
    if (value !== undefined && value !== '') given[name] = value;
  if (asked.database !== undefined && isConninfo(asked.database)) set(parseConninfo(asked.database));
  else if (asked.database !== undefined && asked.database !== '') given.dbname = asked.database;

  const service = given.service ?? env.PGSERVICE;
  const fromService = service === undefined || service === '' ? {} : readService(service, env);
  const value = (name: string): string | undefined => {
    const variable = ENVIRONMENT[name];
    const fromEnvironment = variable === undefined ? undefined : env[variable];
    return given[name] ?? fromService[name] ?? (fromEnvironment === '' ? undefined : fromEnvironment);
  };

  const hosts = (value('host') ?? value('hostaddr') ?? DEFAULT_HOST).split(',');
  const addresses = value('hostaddr')?.split(',');
  const ports = (value('port') ?? DEFAULT_PORT).split(',');
  if (ports.length !== 1 && ports.length !== hosts.length)
    throw new ConninfoError(`could not match ${ports.length} port numbers to ${hosts.length} hosts`);
  if (addresses !== undefined && addresses.length !== hosts.length)
    throw new ConninfoError(
      `could not match ${hosts.length} host names to ${addresses.length} hostaddr values`,
    );
  const sslMode = value('sslmode') ?? 'prefer';
  if (!SSL_MODES.includes(sslMode)) throw new ConninfoError(`invalid sslmode value: "${sslMode}"`);
  const user = value('user') ?? userInfo().username;
  return {
    hosts: hosts.map((host, i) => ({
      host: host === '' ? DEFAULT_HOST : host,
      address: addresses?.[i] ?? (host === '' ? DEFAULT_HOST : host),
      port: portNumber(ports[ports.length === 1 ? 0 : i]!),
    })),
    user,
    database: value('dbname') ?? user,
    password: value('password'),
    passFile: value('passfile'),
    sslMode,
    sslRootCert: value('sslrootcert'),
    sslCert: value('sslcert'),
    sslKey: value('sslkey'),
    connectTimeoutMs: Math.max(0, Number(value('connect_timeout') ?? 0)) * 1000,
    applicationName: value('application_name') ?? 'mpp-sql',
    options: value('options'),
  };
}

function portNumber(text: string): number {
  const port = Number(text === '' ? DEFAULT_PORT : text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new ConninfoError(`invalid port number: "${text}"`);
  return port;
}

/** The section of a service in ~/.pg_service.conf or its kin. */
function readService(name: string, env: NodeJS.ProcessEnv): Conninfo {
  const files = [env.PGSERVICEFILE ?? join(homedir(), '.pg_service.conf')];
  if (env.PGSYSCONFDIR !== undefined) files.push(join(env.PGSYSCONFDIR, 'pg_service.conf'));
  for (const file of files) {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      continue;
    }
    const out: Record<string, string> = {};
    let section: string | undefined;
    let found = false;
    for (const raw of text.split(/\r?\n/)) {
      const line = raw.trim();
      if (line === '' || line.startsWith('#')) continue;
      const header = /^\[(.*)\]$/.exec(line);
      if (header !== null) {
        section = header[1];
        found ||= section === name;
      } else if (section === name) {
        const equals = line.indexOf('=');
        if (equals > 0) out[line.slice(0, equals).trim()] = line.slice(equals + 1).trim();
      }
    }
    if (found) return out;
  }
  throw new ConninfoError(`definition of service "${name}" not found`);
}
