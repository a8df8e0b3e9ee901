/** The PostgreSQL endpoint: accepts clients, gives each a session, passes cancel requests on.
 *
 *  Owns: the listening sockets, process ids and secrets of sessions. Invariants: a cancel request acts only when both
 *  match; a session begins only for a role that `auth/` has let in. Any database name is accepted. */
import { randomInt, randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { BroadcastChannel } from 'node:worker_threads';
import type { Signal } from '../../types/functions/catalog-names.js';
import { AuthPolicy } from '../auth/auth-policy.js';
import { authenticate } from '../auth/authenticate.js';
import type { StoredRole } from '../catalog/role-state.js';
import type { SessionActivity } from '../catalog/system/context.js';
import type { ClientOutput } from '../session/client-output.js';
import { LockTable } from '../session/locks.js';
import type { MasterServices } from '../session/services.js';
import { Session } from '../session/session.js';
import type { SessionSettings } from '../session/settings.js';
import { StatementStatistics } from '../session/statement-statistics.js';
import { refreshAtStart } from '../statements/refresh.js';
import { Admission, type AdmissionLimits, DEFAULT_LIMITS, tooMany } from './admission.js';
import { Connection, type ConnectionHost, type StartedSession } from './connection.js';
import { listenLocally } from './local-socket.js';
import { backendKeyData, errorResponse } from './messages.js';
import { checkRoleLimit, clientFacts, sessionSettings } from './session-start.js';
import { ServerTls, type TlsFiles, tlsSession } from './tls.js';

export type WireServerOptions = {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** What sessions have to do with each other is the server's own. */
  readonly services: Omit<
    MasterServices,
    'activity' | 'auth' | 'locks' | 'statistics' | 'signalBackend' | 'signalChannel'
  >;
  readonly limits?: Partial<AdmissionLimits>;
  readonly startupTimeoutMs?: number;
  /** Absent: connections stay in the clear. */
  readonly tls?: TlsFiles | undefined;
  /** Absent: everybody on this host is trusted. */
  readonly auth?: AuthPolicy;
  /** Where the Unix socket is made; absent: there is none. */
  readonly socketDirectory?: string | undefined;
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
    auth: options.auth ?? AuthPolicy.none(options.services.log),
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

  /** Authentication comes before the place: who is nobody must not take it. */
  const startSession: ConnectionHost['startSession'] = async (
    parameters,
    output,
    socket,
    exchange,
    left,
    terminate,
  ) => {
    const client = clientFacts(parameters, socket, localSockets.has(socket));
    if (client === undefined) return undefined;
    const { catalog, auth: policy, log } = services;
    const role = await authenticate({ catalog, policy, log }, client, exchange);
    if (role === undefined) return undefined;
    const settings = sessionSettings(parameters, role, output, services);
    const leave = await admission.enter(left);
    try {
      checkRoleLimit(role, sessions());
      return openSession(role, settings, output, socket, terminate, leave);
    } catch (e) {
      leave();
      throw e;
    }
  };

  const openSession = (
    role: StoredRole,
    settings: SessionSettings,
    output: ClientOutput,
    socket: Socket,
    terminate: () => void,
    leave: () => void,
  ): StartedSession => {
    const pid = nextPid();
    const secret = randomInt(-(2 ** 31), 2 ** 31);
    settings.preset('max_connections', String(sessionsMax));
    settings.preset('is_superuser', role.superuser ? 'on' : 'off');
    settings.preset('port', String(socket.localPort ?? options.port));
    if (options.tls !== undefined) {
      settings.preset('ssl', 'on');
      settings.preset('ssl_cert_file', options.tls.cert);
      settings.preset('ssl_key_file', options.tls.key);
    }
    const client = {
      role: role.oid,
      pid,
      address: socket.remoteAddress,
      port: socket.remotePort ?? -1,
      tls: tlsSession(socket),
    };
    const session = new Session(services, settings, output, client);
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
  const localSockets = new WeakSet<Socket>();
  const accept = (socket: Socket): void => {
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
  };
  const server = createServer({ allowHalfOpen: true }, accept);
  await listen(server, options.host, options.port);
  const stopping = new AbortController();
  void refreshAtStart(services, stopping.signal);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const local =
    options.socketDirectory === undefined
      ? undefined
      : await listenLocally(options.socketDirectory, port, services.log, (socket) => {
          localSockets.add(socket);
          accept(socket);
        });
  return {
    port,
    sessions,
    async close() {
      stopping.abort();
      signals.close();
      for (const c of connections) c.shutDown();
      await local?.close();
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
