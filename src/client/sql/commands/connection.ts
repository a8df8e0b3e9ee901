/** \c, \conninfo, \password, \encoding. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { connectSession } from '../connect-session.js';
import { promptSecret } from '../edit/secret.js';
import { stderr, stdout } from '../output.js';
import { quoteIdentifier, quoteLiteral } from '../quote.js';
import { sendQuery } from '../run/send-query.js';
import type { Session } from '../session.js';
import { ConnectFailed } from '../wire/connect.js';
import { type AskedConnection, resolveConnection } from '../wire/connection-settings.js';
import { ConninfoError, isConninfo } from '../wire/conninfo.js';
import type { CommandContext, CommandStatus, CommandTable } from './command.js';

function place(session: Session): string {
  const { host, address, port } = session.connection!.at;
  if (host.startsWith('/')) return `via socket in "${host}" at port "${port}"`;
  const remote = session.connection!.remoteAddress ?? address;
  const shown = remote === host ? '' : ` (address "${remote}")`;
  return `on host "${host}"${shown} at port "${port}"`;
}

function tlsText(session: Session): string | undefined {
  const tls = session.connection?.tls;
  return tls === undefined
    ? undefined
    : `SSL connection (protocol: ${tls.protocol}, cipher: ${tls.cipher}, compression: off)`;
}

async function connect(context: CommandContext): Promise<CommandStatus> {
  const { session, args } = context;
  let first = args.argument('normal');
  let reuse: boolean | undefined;
  const option = /^-reuse-previous=(.*)$/.exec(first ?? '');
  if (option !== null) {
    reuse = option[1] === 'on' || option[1] === 'true';
    first = args.argument('normal');
  }
  const [user, host, port] = [args.argument('normal'), args.argument('normal'), args.argument('normal')];
  const previous = session.connection?.at ?? undefined;
  const keep = (value: string | undefined, old: string | undefined): string | undefined =>
    value === undefined || value === '' || value === '-' ? old : value;
  const string = first !== undefined && isConninfo(first);
  const inherits = reuse ?? !string;
  const old = inherits ? previous : undefined;
  const sameServer =
    keep(host, old?.host) === old?.host && keep(port, String(old?.port)) === String(old?.port);
  const asked: AskedConnection = {
    host: keep(host, old?.host),
    port: keep(port, old === undefined ? undefined : String(old.port)),
    user: keep(user, old?.user),
    database: string ? first : keep(first, old?.database),
    // A password is told to the server that it was meant for only.
    password:
      sameServer && keep(user, old?.user) === old?.user ? session.connectionSettings?.password : undefined,
  };
  try {
    const settings = resolveConnection(asked);
    const { connection: before } = session;
    await connectSession(session, settings, { promptFirst: false });
    await before?.close();
    if (!session.settings.quiet) {
      const at = session.connection!.at;
      const moved = previous === undefined || previous.host !== at.host || previous.port !== at.port;
      stdout.write(
        `You are now connected to database "${at.database}" as user "${at.user}"${moved ? ` ${place(session)}` : ''}.\n`,
      );
      stdout.flush();
    }
    return 'done';
  } catch (e) {
    if (!(e instanceof ConnectFailed || e instanceof ConninfoError)) throw e;
    if (session.interactive) {
      session.info(e.message);
      if (session.connection !== undefined) session.info('Previous connection kept');
    } else {
      session.error(`\\connect: ${e.message}`);
      const { connection: before } = session;
      session.connection = undefined;
      await before?.close();
    }
    return 'error';
  }
}

/** What a server stores of a password: RFC 5803, so that the password itself is sent nowhere. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`;
}

async function password(context: CommandContext): Promise<CommandStatus> {
  const { session, args } = context;
  const { connection } = session;
  if (connection === undefined) {
    session.error('You are currently not connected to a database.');
    return 'error';
  }
  let user = args.argument('identifier');
  if (user === undefined) {
    const { rows } = await connection.rows('SELECT CURRENT_USER');
    user = rows[0]?.[0] ?? connection.at.user;
  }
  const first = await promptSecret(`Enter new password for user "${user}": `);
  const second = await promptSecret('Enter it again: ');
  if (first === undefined || second === undefined) return 'error';
  if (first !== second) {
    session.error("Passwords didn't match.");
    return 'error';
  }
  const text = `ALTER USER ${quoteIdentifier(user)} PASSWORD ${quoteLiteral(scramVerifier(first))}`;
  const before = session.lastQuery;
  const ok = await sendQuery(session, text);
  session.lastQuery = before;
  // The next \c is to know the new one.
  if (ok && user === connection.at.user && session.connectionSettings !== undefined)
    session.connectionSettings = { ...session.connectionSettings, password: first };
  return ok ? 'done' : 'error';
}

export const CONNECTION_COMMANDS: CommandTable = {
  c: connect,
  connect,
  conninfo(context) {
    const { session } = context;
    if (session.connection === undefined) {
      stdout.write('You are currently not connected to a database.\n');
      return 'done';
    }
    const { database, user } = session.connection.at;
    stdout.write(`You are connected to database "${database}" as user "${user}" ${place(session)}.\n`);
    const tls = tlsText(session);
    if (tls !== undefined) stdout.write(`${tls}\n`);
    stdout.flush();
    return 'done';
  },
  password,
  encoding(context) {
    const { session, args } = context;
    const wanted = args.argument('normal');
    if (wanted === undefined) {
      stdout.write(`${session.variables.get('ENCODING') ?? 'UTF8'}\n`);
      stdout.flush();
      return 'done';
    }
    if (/^(utf-?8|unicode)$/i.test(wanted)) return 'done';
    session.error(`${wanted}: this client speaks UTF8 only`);
    return 'error';
  },
};

export function connectionWarnings(session: Session): void {
  const tls = tlsText(session);
  if (tls !== undefined) stdout.write(`${tls}\n`);
}

export function sayConnectFailure(message: string): void {
  stderr(`${message}\n`);
}
