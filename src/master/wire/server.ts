/** The PostgreSQL endpoint: accepts clients, gives each a session, passes cancel requests on.
 *
 *  Owns: the listening socket, process ids and secrets of sessions. Invariant: a cancel request acts only when both
 *  match. Any user and database name is accepted in this version. */
import { randomInt, randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { BroadcastChannel } from 'node:worker_threads';
import type { Signal } from '../../types/functions/catalog-names.js';
import { BOOTSTRAP_OID } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import type { MasterCatalog } from '../catalog/master-catalog.js';
import type { StoredRole } from '../catalog/role-state.js';
import type { SessionActivity } from '../catalog/system/context.js';
import type { ClientOutput } from '../session/client-output.js';
import { LockTable } from '../session/locks.js';
import type { MasterServices } from '../session/services.js';
import { Session } from '../session/session.js';
import { SessionSettings } from '../session/settings.js';
import { StatementStatistics } from '../session/statement-statistics.js';
import { refreshAtStart } from '../statements/refresh.js';
import { Admission, type AdmissionLimits, DEFAULT_LIMITS, tooMany } from './admission.js';
import { Connection, type ConnectionHost, type StartedSession } from './connection.js';
import { backendKeyData, errorResponse } from './messages.js';
import { ServerTls, type TlsFiles, tlsSession } from './tls.js';

export type WireServerOptions = {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** What sessions have to do with each other is the server's own. */
  readonly services: Omit<
    MasterServices,
    'activity' | 'locks' | 'statistics' | 'signalBackend' | 'signalChannel'
  >;
  readonly limits?: Partial<AdmissionLimits>;
  readonly startupTimeoutMs?: number;
  /** Absent: connections stay in the clear. */
  readonly tls?: TlsFiles | undefined;
};

const STARTING_MAX = 100;

export interface WireServer {
  readonly port: number;
  sessions(): readonly SessionActivity[];
  /** Ends every session, then stops listening. */
  close(): Promise<void>;
}

type Entry = { readonly secret: number; readonly session: Session; readonly terminate: () => void };

export async function startWireServer(options: WireServerOptions): Promise<WireServer> {
  const entries = new Map<number, Entry>();
  const connections = new Set<Connection>();
  let lastPid = process.pid;
  const sessions = () => [...entries.values()].map((e) => e.session.activity());
  const services: MasterServices = {
    ...options.services,
    activity: sessions,
    locks: new LockTable(),
    statistics: new StatementStatistics(),
    signalChannel: `mpp signals ${randomUUID()}`,
    signalBackend(pid, how) {
      const entry = entries.get(pid);
      if (how === 'cancel') entry?.session.cancel();
      else entry?.terminate();
      return entry !== undefined;
    },
  };
  const signals = new BroadcastChannel(services.signalChannel);
  signals.onmessage = (message) => {
    const { pid, how } = (message as { data: Signal }).data;
    services.signalBackend(pid, how);
  };
  signals.unref();
  const admission = new Admission({ ...DEFAULT_LIMITS, ...options.limits });
  const { sessionsMax, waitingMax, waitMs } = admission.limits;
  const tls = options.tls === undefined ? undefined : new ServerTls(options.tls, services.log);

  /** Authentication, when there is one, comes before the place: who is nobody must not take it. */
  const startSession: ConnectionHost['startSession'] = async (
    parameters,
    output,
    socket,
    left,
    terminate,
  ) => {
    const role = loginRole(services.catalog, parameters);
    const settings = sessionSettings(parameters, role.name, output);
    const leave = await admission.enter(left);
    try {
      return openSession(role.oid, settings, output, socket, terminate, leave);
    } catch (e) {
      leave();
      throw e;
    }
  };

  const openSession = (
    role: number,
    settings: SessionSettings,
    output: ClientOutput,
    socket: Socket,
    terminate: () => void,
    leave: () => void,
  ): StartedSession => {
    const pid = nextPid();
    const secret = randomInt(-(2 ** 31), 2 ** 31);
    settings.preset('max_connections', String(sessionsMax));
    settings.preset('port', String(socket.localPort ?? options.port));
    if (options.tls !== undefined) {
      settings.preset('ssl', 'on');
      settings.preset('ssl_cert_file', options.tls.cert);
      settings.preset('ssl_key_file', options.tls.key);
    }
    const client = {
      role,
      pid,
      address: socket.remoteAddress,
      port: socket.remotePort ?? -1,
      tls: tlsSession(socket),
    };
    const session = new Session(services, settings, output, client);
    session.followIdentity();
    entries.set(pid, { secret, session, terminate });
    const ended = (): void => {
      entries.delete(pid);
      leave();
    };
    return { session, keyData: backendKeyData(pid, secret), ended };
  };

  /** Looks like a process id to clients; unique among the sessions there are. */
  const nextPid = (): number => {
    do lastPid = lastPid >= 0x7ffffffe ? 1000 : lastPid + 1;
    while (entries.has(lastPid));
    return lastPid;
  };

  const host: ConnectionHost = {
    log: services.log,
    tls,
    startSession,
    cancel(pid, secret) {
      const entry = entries.get(pid);
      if (entry?.secret === secret) entry.session.cancel();
    },
    startupTimeoutMs: options.startupTimeoutMs ?? 60_000,
    admissionTimeoutMs: waitMs,
  };
  /** Sockets without a session are few: they begin, wait, or cancel. */
  const socketsMax = sessionsMax + waitingMax + STARTING_MAX;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (connections.size >= socketsMax) {
      socket.on('error', () => {});
      socket.end(errorResponse(tooMany(), 'FATAL'));
      socket.destroySoon();
      return;
    }
    const connection = new Connection(socket, host);
    connections.add(connection);
    connection
      .serve()
      .catch((err: unknown) => services.log.error({ err }, 'a connection ended badly'))
      .finally(() => connections.delete(connection));
  });
  await listen(server, options.host, options.port);
  const stopping = new AbortController();
  void refreshAtStart(services, stopping.signal);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    sessions,
    async close() {
      stopping.abort();
      signals.close();
      for (const c of connections) c.shutDown();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Before there is an hba file, a name that is no role's stands for the superuser. */
function loginRole(catalog: MasterCatalog, parameters: ReadonlyMap<string, string>): StoredRole {
  return catalog.roleNamed(parameters.get('user') ?? '') ?? catalog.role(BOOTSTRAP_OID)!;
}

function sessionSettings(
  parameters: ReadonlyMap<string, string>,
  role: string,
  output: ClientOutput,
): SessionSettings {
  const user = parameters.get('user') ?? '';
  if (user === '') throw new SqlError('28000', 'no PostgreSQL user name specified in startup packet');
  if ((parameters.get('replication') ?? 'false') !== 'false')
    throw new SqlError('0A000', 'replication connections are not supported yet');
  const database = parameters.get('database') || user;
  const settings = new SessionSettings(role, database, (name, value) => output.parameterStatus(name, value));
  for (const [name, value] of parameters) {
    if (name === 'user' || name === 'database' || name === 'replication') continue;
    if (name === 'options') for (const [n, v] of commandLineOptions(value)) settings.start(n, v);
    else settings.start(name, value);
  }
  return settings;
}

/** `-c name=value` and `--name=value` of PGOPTIONS; backslashes escape spaces. */
export function commandLineOptions(text: string): readonly (readonly [string, string])[] {
  const words = (text.match(/(?:\\.|[^\s\\])+/g) ?? []).map((w) => w.replace(/\\(.)/g, '$1'));
  const settings: [string, string][] = [];
  for (let i = 0; i < words.length; i++) {
    let assignment: string | undefined;
    if (words[i] === '-c') assignment = words[++i];
    else if (words[i].startsWith('--')) assignment = words[i].slice(2);
    else if (words[i].startsWith('-c')) assignment = words[i].slice(2);
    const equals = assignment?.indexOf('=') ?? -1;
    if (assignment === undefined || equals < 1)
      throw new SqlError('42601', `invalid command-line argument for server process: ${words[i] ?? '-c'}`);
    settings.push([assignment.slice(0, equals).replaceAll('-', '_'), assignment.slice(equals + 1)]);
  }
  return settings;
}
