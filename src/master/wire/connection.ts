/** One client's connection: the start-up phase, then the message loop of the PostgreSQL protocol.
 *
 *  Owns: framing, order and recovery: messages are handled one at a time in the order they came; after an error in
 *  the extended protocol everything up to Sync is skipped; a malformed message ends this connection only. Must not
 *  know: SQL. Invariants: input is paused while much of it waits; output waits for the socket (`drained`); when the
 *  socket closes the session's query is aborted at once. Source: PostgreSQL, chapters 55.2 and 55.7. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { clientText, readBinary } from '../../types/binary-input.js';
import { type Charset, charsetNamed } from '../../types/charset.js';
import { SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import { parseText } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';
import type { AuthExchange } from '../auth/authenticate.js';
import type { ClientOutput } from '../session/client-output.js';
import { callFunction } from '../session/function-call.js';
import type { Log } from '../session/services.js';
import type { Session } from '../session/session.js';
import { BodyReader, type FrontendMessage, FrontendReader, protocolViolation } from './frontend-messages.js';
import {
  AUTHENTICATION_OK,
  copyResponse,
  errorResponse,
  type FormatCode,
  type NoticeFields,
  negotiateProtocolVersion,
  noticeResponse,
  parameterStatus,
  readyForQuery,
} from './messages.js';
import { readStartUpPacket, type StartUpPacket } from './start-up.js';
import type { ServerTls } from './tls.js';
import { typeByOid } from './type-by-oid.js';

const INPUT_WAITING_MAX_BYTES = 4 * 1024 * 1024;
const SEVERITY_RANK = { DEBUG: 1, LOG: 2, INFO: 9, NOTICE: 3, WARNING: 4 } as const;

export type ConnectionHost = {
  readonly log: Log;
  /** Undefined: connections stay in the clear. */
  readonly tls: ServerTls | undefined;
  /** The session of a client whose start-up packet is complete, who is whom it says, and for whom there is a place.
   *  Writes nothing but what authentication asks. Rejects when `left` aborts; undefined when the client left before. */
  readonly startSession: (
    parameters: ReadonlyMap<string, string>,
    output: ClientOutput,
    socket: Socket,
    exchange: AuthExchange,
    left: AbortSignal,
    terminate: () => void,
  ) => Promise<StartedSession | undefined>;
  readonly cancel: (pid: number, secret: number) => void;
  readonly startupTimeoutMs: number;
  /** The longest that `startSession` waits for a place. */
  readonly admissionTimeoutMs: number;
};

export type StartedSession = {
  readonly session: Session;
  /** The BackendKeyData message. */
  readonly keyData: Buffer;
  readonly ended: () => void;
};

export class Connection implements ClientOutput {
  /** Another one once it is encrypted. */
  private socket: Socket;
  private readonly host: ConnectionHost;
  private readonly reader = new FrontendReader();
  private started: StartedSession | undefined;
  private wake: (() => void) | undefined;
  private closed = false;
  /** Aborts when the client is gone. */
  private readonly left = new AbortController();
  private paused = false;
  /** ReadyForQuery was the last thing said. */
  private idle = false;
  /** Of the client; undefined: UTF-8. */
  charset: Charset | undefined;
  private readonly reportedParameters = new Map<string, string>();
  /** Since the last ReadyForQuery. */
  private readonly changedParameters = new Map<string, string>();
  private readonly drainWaiters = new Set<() => void>();

  constructor(socket: Socket, host: ConnectionHost) {
    this.socket = socket;
    this.host = host;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    this.listen();
  }

  private listen(): void {
    const { socket } = this;
    socket.on('data', (chunk: Buffer) => this.received(chunk));
    socket.on('drain', () => this.wakeDrain());
    socket.on('error', () => {});
    // A client that has half-closed wants no answers: PostgreSQL ends the session at end of file.
    socket.on('end', () => this.lost());
    socket.on('close', () => this.lost());
  }

  /** Serves the client until it goes. Never rejects. */
  async serve(): Promise<void> {
    try {
      if (await this.startUp()) await this.messageLoop();
    } catch (e) {
      if (!this.closed) this.fatal(e);
    } finally {
      await this.started?.session.close(lostConnection());
      this.started?.ended();
      this.socket.end();
      setTimeout(() => this.socket.destroy(), 1000).unref();
    }
  }

  /** The server stops. */
  shutDown(): void {
    if (this.closed) return;
    this.write(
      errorResponse(new SqlError('57P01', 'terminating connection due to administrator command'), 'FATAL'),
    );
    this.socket.end();
    // Whoever is still shaking hands would be waited for.
    if (this.started === undefined) this.socket.destroy();
    this.lost();
  }

  // ---------------------------------------------------------------- input

  private received(chunk: Buffer): void {
    if (this.closed) return;
    this.reader.push(chunk);
    if (!this.paused && this.reader.bufferedBytes > INPUT_WAITING_MAX_BYTES) {
      this.paused = true;
      this.socket.pause();
    }
    this.wakeReader();
  }

  private lost(): void {
    if (this.closed) return;
    this.closed = true;
    this.left.abort(lostConnection());
    void this.started?.session.close(lostConnection());
    this.wakeReader();
    this.wakeDrain();
  }

  private wakeReader(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }

  /** Waits for what `read` finds in the input; undefined when the client is gone. */
  private async next<T>(read: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = read();
      if (found !== undefined) return found;
      if (this.closed) return undefined;
      // What is missing may be a long message: let it come whatever its size.
      if (this.paused) {
        this.paused = false;
        this.socket.resume();
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Waits for the next message no longer than the session may be idle, once it has said that it is. */
  private async nextWhileIdle(): Promise<FrontendMessage | undefined> {
    const limit = this.idle ? this.started?.session.idleLimit() : undefined;
    let expired = false;
    const timer =
      limit &&
      setTimeout(() => {
        expired = true;
        this.wakeReader();
      }, limit.ms);
    try {
      return await this.next(() => {
        const message = this.reader.nextMessage();
        if (message === undefined && expired) throw limit!.error;
        return message;
      });
    } finally {
      clearTimeout(timer);
      this.idle = false;
    }
  }

  // ---------------------------------------------------------------- start-up

  /** Whether a session began. */
  private async startUp(): Promise<boolean> {
    const expire = (): void => void this.socket.destroy();
    let timer = setTimeout(expire, this.host.startupTimeoutMs);
    const { tls } = this.host;
    try {
      for (;;) {
        const bytes = await this.next(() => this.reader.nextStartup());
        if (bytes === undefined) return false;
        const packet = readStartUpPacket(bytes);
        switch (packet.kind) {
          case 'ssl':
          case 'gssenc': {
            // Bytes sent ahead of the answer would be read as if they had come encrypted.
            if (this.reader.bufferedBytes > 0)
              throw protocolViolation('received unencrypted data after SSL request');
            const wanted = packet.kind === 'ssl' && tls !== undefined && !this.encrypted;
            if (wanted) await this.encrypt(tls);
            else this.socket.write('N');
            break;
          }
          case 'cancel':
            if (packet.key !== undefined) this.host.cancel(packet.key.pid, packet.key.secret);
            return false;
          case 'start':
            // From here on the client waits for us.
            clearTimeout(timer);
            timer = setTimeout(expire, this.host.startupTimeoutMs + this.host.admissionTimeoutMs);
            return await this.accept(packet);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private get encrypted(): boolean {
    return this.socket instanceof TLSSocket;
  }

  private async encrypt(tls: ServerTls): Promise<void> {
    const plain = this.socket;
    for (const event of ['data', 'drain', 'end', 'close']) plain.removeAllListeners(event);
    plain.pause();
    plain.write('S');
    const { encrypted, ready } = tls.secure(plain);
    this.socket = encrypted;
    try {
      await ready;
    } catch (err) {
      // A client that does not trust the certificate leaves like this: nothing is wrong here.
      this.host.log.info({ err, client: plain.remoteAddress }, 'a TLS handshake failed');
      encrypted.destroy();
      plain.destroy();
      this.lost();
      return;
    }
    this.listen();
  }

  /** Whether a session began. */
  private async accept(packet: StartUpPacket & { readonly kind: 'start' }): Promise<boolean> {
    const { minorVersion, parameters, unrecognized } = packet;
    if (minorVersion > 0 || unrecognized.length > 0) this.write(negotiateProtocolVersion(unrecognized));
    const exchange: AuthExchange = {
      send: (message) => this.write(message),
      receive: () => this.next(() => this.reader.nextPassword()),
    };
    const started = await this.host.startSession(
      parameters,
      this,
      this.socket,
      exchange,
      this.left.signal,
      () => this.shutDown(),
    );
    if (started === undefined) return false;
    if (this.closed) {
      // It left while it waited.
      await started.session.close(lostConnection());
      started.ended();
      return false;
    }
    this.started = started;
    this.charset = charsetNamed(started.session.settings.get('client_encoding'));
    this.write(AUTHENTICATION_OK);
    for (const [name, value] of started.session.settings.reported()) this.changedParameters.set(name, value);
    this.reportParameters();
    this.write(started.keyData);
    this.ready();
    return true;
  }

  private ready(): void {
    this.idle = true;
    this.reportParameters();
    this.write(readyForQuery(this.started!.session.transaction.status));
  }

  /** Only what the client does not know yet: a value that came back within one query string is no change. */
  private reportParameters(): void {
    if (this.changedParameters.size === 0) return;
    const changed = [...this.changedParameters].sort(([a], [b]) =>
      a.toLowerCase() < b.toLowerCase() ? -1 : 1,
    );
    this.changedParameters.clear();
    for (const [name, value] of changed) {
      if (this.reportedParameters.get(name) === value) continue;
      this.reportedParameters.set(name, value);
      this.write(parameterStatus(name, value, this.charset));
    }
  }

  // ---------------------------------------------------------------- messages

  private async messageLoop(): Promise<void> {
    let skipping = false;
    for (;;) {
      const message = await this.nextWhileIdle();
      if (message === undefined || message.type === 'X') return;
      if (skipping && message.type !== 'S') continue;
      skipping = false;
      const simple = message.type === 'Q' || message.type === 'F';
      try {
        await this.handle(message);
      } catch (e) {
        if (this.closed) return;
        if (e instanceof FatalError) throw e.cause;
        this.failed(e);
        if (simple) this.ready();
        else skipping = message.type !== 'S';
        if (message.type === 'S') this.ready();
      }
      // Gives way to input that says more than what is being answered: cancels come over other connections.
      if (this.socket.writableLength > 1 << 20) await this.drained(NEVER);
    }
  }

  private async handle({ type, body }: FrontendMessage): Promise<void> {
    const { session } = this.started!;
    const r = new BodyReader(body, this.charset);
    switch (type) {
      case 'Q': {
        const text = this.field(() => r.string());
        await session.simpleQuery(text);
        this.ready();
        return;
      }
      case 'P':
        return this.parse(r);
      case 'B':
        return this.bind(r);
      case 'D': {
        const kind = r.byte();
        const name = r.string();
        if (kind === 83) session.describePrepared(name);
        else if (kind === 80) session.describePortal(name);
        else throw protocolViolation(`invalid DESCRIBE message subtype ${kind}`);
        return;
      }
      case 'E': {
        const name = r.string();
        const max = r.i32();
        await session.execute(name, Math.max(0, max));
        return;
      }
      case 'C': {
        const kind = r.byte();
        const name = r.string();
        if (kind !== 83 && kind !== 80) throw protocolViolation(`invalid CLOSE message subtype ${kind}`);
        await session.closeTarget(kind === 83 ? 'S' : 'P', name);
        return;
      }
      case 'H':
        // Everything is written as soon as it is made.
        return;
      case 'S':
        await session.sync();
        this.ready();
        return;
      case 'F':
        await this.functionCall(r);
        this.ready();
        return;
      case 'd':
      case 'c':
      case 'f':
        // Left over from a COPY that ended with an error.
        return;
      default:
        throw new FatalError(protocolViolation(`unexpected message type "${type}"`));
    }
  }

  /** A message that cannot be read at all ends the connection. */
  private field<T>(read: () => T): T {
    try {
      return read();
    } catch (e) {
      if (e instanceof SqlError && e.code === '08P01') throw new FatalError(e);
      throw e;
    }
  }

  private parse(r: BodyReader): void {
    const { session } = this.started!;
    const [name, text, types] = this.field(() => {
      const n = r.string();
      const t = r.string();
      const oids = Array.from({ length: r.count() }, () => r.u32());
      return [n, t, oids] as const;
    });
    session.parse(
      name,
      text,
      types.map((oid): SqlType | undefined => typeByOid(oid)),
    );
  }

  private async bind(r: BodyReader): Promise<void> {
    const { session } = this.started!;
    const m = this.field(() => {
      const portal = r.string();
      const statement = r.string();
      const formats = Array.from({ length: r.count() }, () => r.i16());
      const values = Array.from({ length: r.count() }, () => {
        const length = r.i32();
        return length === -1 ? undefined : r.bytes(length);
      });
      const results = Array.from({ length: r.count() }, () => r.i16());
      return { portal, statement, formats, values, results };
    });
    const prepared = session.preparedStatement(m.statement);
    const types = session.paramTypes(prepared);
    const { formats, values } = m;
    if (formats.length > 1 && formats.length !== values.length)
      throw protocolViolation(
        `bind message has ${formats.length} parameter formats but ${values.length} parameters`,
      );
    if (values.length !== types.length)
      throw protocolViolation(
        `bind message supplies ${values.length} parameters, but prepared statement "${m.statement}" requires ${types.length}`,
      );
    const settings = session.functionContext(0n);
    const { charset } = this;
    const portal = m.portal === '' ? 'unnamed portal' : `portal "${m.portal}"`;
    const params = values.map((b, i): Value => {
      if (b === undefined) return null;
      const format = formatCode(formats.length === 1 ? formats[0] : (formats[i] ?? 0));
      const where = `${portal} parameter $${i + 1}`;
      if (format === 1) {
        const leftOver = (): SqlError =>
          new SqlError('22P03', `incorrect binary data format in bind parameter ${i + 1}`);
        return inContext(where, () => readBinary(types[i], b, { settings, charset, leftOver }));
      }
      const text = inContext(where, () => clientText(b, charset));
      // Values are not to be seen in messages unless log_parameter_max_length_on_error says so.
      return inContext(`${where} = '...'`, () => parseText(types[i], text, settings));
    });
    await session.createPortal(m.portal, prepared, params, (columns) => {
      if (m.results.length > 1 && m.results.length !== columns)
        throw protocolViolation(
          `bind message has ${m.results.length} result formats but query has ${columns} columns`,
        );
      return Array.from({ length: columns }, (_, i) =>
        formatCode(m.results.length === 1 ? m.results[0] : (m.results[i] ?? 0)),
      );
    });
  }

  private async functionCall(r: BodyReader): Promise<void> {
    const { session } = this.started!;
    const m = this.field(() => {
      const oid = r.u32();
      const formats = Array.from({ length: r.count() }, () => r.i16());
      const values = Array.from({ length: r.count() }, () => {
        const length = r.i32();
        return length === -1 ? undefined : r.bytes(length);
      });
      const format = r.i16();
      r.end();
      return { oid, formats, values, format };
    });
    const { formats, values } = m;
    if (formats.length > 1 && formats.length !== values.length)
      throw protocolViolation(
        `function call message contains ${formats.length} argument formats but ${values.length} arguments`,
      );
    const settings = session.functionContext(0n);
    const { charset } = this;
    const argument = (i: number, type: SqlType): Value => {
      const b = values[i];
      if (b === undefined) return null;
      const format = formatCode(formats.length === 1 ? formats[0] : (formats[i] ?? 0));
      if (format === 0) return parseText(type, clientText(b, charset), settings);
      const leftOver = (): SqlError =>
        new SqlError('22P03', `incorrect binary data format in function argument ${i + 1}`);
      return readBinary(type, b, { settings, charset, leftOver });
    };
    await callFunction(session, m.oid, values.length, argument, formatCode(m.format));
  }

  /** Reports an error of a statement; the connection goes on. */
  private failed(e: unknown): void {
    const { session } = this.started!;
    session.fail();
    this.write(errorResponse(this.clientError(e), 'ERROR', this.charset));
  }

  private clientError(e: unknown): SqlError {
    if (e instanceof SqlError) return e;
    const error = e instanceof Error ? e : new Error(String(e));
    this.host.log.error({ err: error }, 'internal error in a statement');
    return new SqlError('XX000', `internal error: ${error.message}`);
  }

  private fatal(e: unknown): void {
    this.write(errorResponse(this.clientError(e), 'FATAL', this.charset));
  }

  // ---------------------------------------------------------------- output

  write(message: Buffer): void {
    if (!this.closed) this.socket.write(message);
  }

  async drained(signal: AbortSignal): Promise<void> {
    while (this.socket.writableNeedDrain) {
      if (signal.aborted) throw signal.reason;
      if (this.closed) throw lostConnection();
      await new Promise<void>((resolve) => {
        const done = () => {
          this.drainWaiters.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.drainWaiters.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    }
    if (this.closed) throw lostConnection();
  }

  private wakeDrain(): void {
    for (const wake of [...this.drainWaiters]) wake();
  }

  notice(n: NoticeFields): void {
    const wanted = this.started?.session.settings.get('client_min_messages') ?? 'notice';
    if (SEVERITY_RANK[n.severity] >= (MINIMUM_RANK[wanted] ?? 3)) this.write(noticeResponse(n, this.charset));
  }

  parameterStatus(name: string, value: string): void {
    if (name === 'client_encoding') this.charset = charsetNamed(value);
    this.changedParameters.set(name, value);
  }

  async *copyIn(columns: number, format: FormatCode, signal: AbortSignal): AsyncIterable<Buffer> {
    this.write(copyResponse('G', columns, format));
    const onAbort = () => this.wakeReader();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        const message = await this.next(() => (signal.aborted ? ABORTED : this.reader.nextMessage()));
        if (message === ABORTED) throw signal.reason;
        if (message === undefined) throw lostConnection();
        switch (message.type) {
          case 'd':
            yield message.body;
            break;
          case 'c':
            return;
          case 'f': {
            const reason = new BodyReader(message.body, this.charset).string();
            throw new SqlError('57014', `COPY from stdin failed: ${reason}`);
          }
          case 'H':
          case 'S':
            // Ignored here: a client may flush and sync while it sends.
            break;
          default:
            throw new FatalError(
              new SqlError(
                '08P01',
                `unexpected message type 0x${message.type.charCodeAt(0).toString(16)} during COPY from stdin`,
              ),
            );
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

const ABORTED: FrontendMessage = { type: '', body: Buffer.alloc(0) };
const NEVER = new AbortController().signal;

/** `log` ranks above `notice` for clients only through its own name. */
const MINIMUM_RANK: Readonly<Record<string, number>> = {
  debug5: 1,
  debug4: 1,
  debug3: 1,
  debug2: 1,
  debug1: 1,
  debug: 1,
  log: 2,
  notice: 3,
  warning: 4,
  error: 5,
};

class FatalError extends Error {
  override readonly cause: SqlError;
  constructor(cause: SqlError) {
    super(cause.message);
    this.cause = cause;
  }
}

function lostConnection(): SqlError {
  return new SqlError('08006', 'connection to client lost');
}

function inContext<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (e) {
    throw e instanceof SqlError ? e.with({ where }) : e;
  }
}

function formatCode(code: number): FormatCode {
  if (code === 0 || code === 1) return code;
  throw new SqlError('22023', `unsupported format code: ${code}`);
}
