/** From a start-up packet to what a session begins with: the facts that authentication asks for, the role's limit, the
 *  settings. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { SqlError } from '../../types/sql-error.js';
import type { ClientFacts } from '../auth/authenticate.js';
import { certificateHash } from '../auth/certificate-hash.js';
import type { StoredRole } from '../catalog/role-state.js';
import type { SessionActivity } from '../catalog/system/context.js';
import type { ClientOutput } from '../session/client-output.js';
import type { MasterServices } from '../session/services.js';
import { SessionSettings } from '../session/settings.js';

/** Undefined when the client has gone already. */
export function clientFacts(
  parameters: ReadonlyMap<string, string>,
  socket: Socket,
  local: boolean,
): ClientFacts | undefined {
  const user = parameters.get('user') ?? '';
  if (user === '') throw new SqlError('28000', 'no PostgreSQL user name specified in startup packet');
  if ((parameters.get('replication') ?? 'false') !== 'false')
    throw new SqlError('0A000', 'replication connections are not supported yet');
  const address = local ? undefined : socket.remoteAddress;
  if (address === undefined && !local) return undefined;
  return {
    user,
    database: parameters.get('database') || user,
    address,
    tls: socket instanceof TLSSocket,
    certificateHash: socket instanceof TLSSocket ? certificateHash(socket) : undefined,
  };
}

export function checkRoleLimit(role: StoredRole, sessions: readonly SessionActivity[]): void {
  if (role.connectionLimit < 0 || role.superuser) return;
  if (sessions.filter((s) => s.role === role.oid).length >= role.connectionLimit)
    throw new SqlError('53300', `too many connections for role "${role.name}"`);
}

/** What the role's settings and the client ask for; the client has the last word. */
export function sessionSettings(
  parameters: ReadonlyMap<string, string>,
  role: StoredRole,
  output: ClientOutput,
  { catalog, log }: Pick<MasterServices, 'catalog' | 'log'>,
): SessionSettings {
  const database = parameters.get('database') || parameters.get('user')!;
  const settings = new SessionSettings(role.name, database, (name, value) =>
    output.parameterStatus(name, value),
  );
  for (const [db, oid] of [
    ['', 0],
    [database, 0],
    ['', role.oid],
    [database, role.oid],
  ] as const)
    for (const [name, value] of catalog.roleSettings(db, oid)?.config ?? [])
      try {
        settings.start(name, value);
      } catch (err) {
        // It was right when it was set; a login must not fail for it.
        log.warn({ role: role.name, setting: name, err }, 'a setting of a role cannot be used');
      }
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
