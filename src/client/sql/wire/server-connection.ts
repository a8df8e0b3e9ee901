/** One connection to a server: sends query text, and tells what comes back in the order in which it comes.
 *
 *  Owns: node-postgres' client, the parameters that the server reports, the transaction's state. Must not know: what
 *  becomes of rows. Values stay the text that the server sent. A handler runs once per message; `execute` ends when the
 *  server is ready again. */
import { connect as connectTcp } from 'node:net';
import type pg from 'pg';
import type { Notification, ResultSet, ServerField, ServerMessage } from './messages.js';

/** 'I' idle, 'T' in a transaction, 'E' in one that has failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

export type ResultHandler = {
  /** A statement returns rows of these fields. */
  fields?(fields: readonly ServerField[]): void;
  row?(row: (string | null)[]): void;
  /** A statement has ended: its rows are all there. */
  complete?(tag: string): void;
  empty?(): void;
  error?(error: ServerMessage): void;
  /** The server waits for data: send it, then end or fail it. */
  copyIn?(copy: CopyIn): void;
  copyOut?(): void;
  copyData?(chunk: Buffer): void;
  copyDone?(): void;
  /** More rows wait: when this returns true they are asked for. */
  suspended?(): boolean;
};

export type CopyIn = {
  /** Resolves when more can be taken. */
  write(chunk: Buffer): Promise<void>;
  end(): void;
  fail(reason: string): void;
  /** The server has refused the data: no more is wanted. */
  readonly failed: () => boolean;
};

/** The parts of node-postgres' connection that it does not declare. */
type RawConnection = NodeJS.EventEmitter & {
  readonly stream: NodeJS.WritableStream & {
    remoteAddress?: string;
    writableNeedDrain?: boolean;
    encrypted?: boolean;
    getCipher?(): { name: string };
    getProtocol?(): string;
  };
  query(text: string): void;
  parse(query: { text: string }): void;
  bind(config: Record<string, never>): void;
  describe(what: { type: 'P' | 'S'; name: string }): void;
  execute(what: { portal: string; rows: number }): void;
  flush(): void;
  sync(): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
};

type RawClient = pg.Client & {
  readonly connection: RawConnection;
  readonly processID: number | null;
  readonly secretKey: number | null;
};

export type ServerAddress = {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
};

/** The connection broke: what it had begun is lost. */
export class ConnectionLost extends Error {}

export class ServerConnection {
  readonly at: ServerAddress;
  /** What the server has reported of its settings. */
  readonly parameters: ReadonlyMap<string, string>;
  transactionStatus: TransactionStatus = 'I';
  lost: Error | undefined;
  /** What was typed or found for this server. */
  password: string | undefined;
  onNotice: ((notice: ServerMessage) => void) | undefined;
  onNotification: ((n: Notification) => void) | undefined;
  private readonly client: RawClient;
  private failRunning: ((e: Error) => void) | undefined;

  /** `client` is connected; `parameters` collects what it was told while it did. */
  constructor(client: pg.Client, at: ServerAddress, parameters: Map<string, string>) {
    this.client = client as RawClient;
    this.at = at;
    this.parameters = parameters;
    client.on('error', (e) => this.lose(e));
    client.on('end', () => this.lose(new ConnectionLost('the connection was closed')));
    client.on('notice', (n) => this.onNotice?.(n as ServerMessage));
    client.on('notification', (n) => this.onNotification?.(n as Notification));
    this.client.connection.on('readyForQuery', (m: { status: TransactionStatus }) => {
      this.transactionStatus = m.status;
    });
  }

  /** The server is at work for us. */
  get running(): boolean {
    return this.failRunning !== undefined;
  }

  /** The address that the connection goes to. */
  get remoteAddress(): string | undefined {
    return this.client.connection.stream.remoteAddress;
  }

  get processId(): number {
    return this.client.processID ?? 0;
  }

  /** As a number such as 150004; 0 where the server does not say. */
  get serverVersion(): number {
    const found = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(this.parameters.get('server_version') ?? '');
    if (found === null) return 0;
    const [major, minor, patch] = [Number(found[1]), Number(found[2] ?? 0), Number(found[3] ?? 0)];
    return major >= 10 ? major * 10_000 + minor : major * 10_000 + minor * 100 + patch;
  }

  get standardStrings(): boolean {
    return this.parameters.get('standard_conforming_strings') !== 'off';
  }

  /** Protocol and cipher, where the connection is encrypted. */
  get tls(): { readonly protocol: string; readonly cipher: string } | undefined {
    const { stream } = this.client.connection;
    if (stream.encrypted !== true) return undefined;
    return { protocol: stream.getProtocol?.() ?? 'unknown', cipher: stream.getCipher?.().name ?? 'unknown' };
  }

  private lose(e: Error): void {
    if (this.lost !== undefined) return;
    this.lost = e;
    this.failRunning?.(e);
  }

  /** Runs query text, which may hold several statements. Rejects only with a lost connection. */
  execute(text: string, handler: ResultHandler): Promise<void> {
    return this.run(handler, (c) => c.query(text));
  }

  /** Runs one statement and takes its rows `rows` at a time. */
  executeInParts(text: string, rows: number, handler: ResultHandler): Promise<void> {
    return this.run(
      handler,
      (c) => {
        c.parse({ text });
        c.bind({});
        c.describe({ type: 'P', name: '' });
        c.execute({ portal: '', rows });
        c.flush();
      },
      rows,
    );
  }

  private run(handler: ResultHandler, submit: (c: RawConnection) => void, partRows = 0): Promise<void> {
    const { connection } = this.client;
    return new Promise((resolve, reject) => {
      let copyFailed = false;
      const end = (settle: () => void): void => {
        connection.off('readyForQuery', ready);
        connection.off('copyOutResponse', copyOut);
        connection.off('copyDone', copyDone);
        this.failRunning = undefined;
        settle();
      };
      const ready = (): void => end(resolve);
      const copyOut = (): void => handler.copyOut?.();
      const copyDone = (): void => handler.copyDone?.();
      const lost = (e: Error): void =>
        end(() => reject(e instanceof ConnectionLost ? e : new ConnectionLost(e.message)));
      if (this.lost !== undefined) return reject(this.lost);
      this.failRunning = lost;
      const submittable = {
        submit: () => {
          connection.on('readyForQuery', ready);
          connection.on('copyOutResponse', copyOut);
          connection.on('copyDone', copyDone);
          submit(connection);
        },
        handleRowDescription: (m: { fields: ServerField[] }) => handler.fields?.(m.fields),
        handleDataRow: (m: { fields: (string | null)[] }) => handler.row?.(m.fields),
        handleCommandComplete: (m: { text: string }) => {
          handler.complete?.(m.text);
          if (partRows > 0) connection.sync();
        },
        handlePortalSuspended: () => {
          if (handler.suspended?.() ?? true) {
            connection.execute({ portal: '', rows: partRows });
            connection.flush();
          } else connection.sync();
        },
        handleEmptyQuery: () => {
          handler.empty?.();
          if (partRows > 0) connection.sync();
        },
        handleReadyForQuery: () => undefined,
        handleError: (e: ServerMessage & Partial<Error>) => {
          copyFailed = true;
          if (e.severity === undefined) return lost(e as Error);
          handler.error?.(e);
          if (partRows > 0) connection.sync();
        },
        handleCopyInResponse: () => {
          const copy: CopyIn = {
            write: (chunk) => this.writeCopy(chunk),
            end: () => connection.endCopyFrom(),
            fail: (reason) => connection.sendCopyFail(reason),
            failed: () => copyFailed,
          };
          if (handler.copyIn === undefined) copy.fail('no data is there for this COPY');
          else handler.copyIn(copy);
        },
        handleCopyData: (m: { chunk: Buffer }) => handler.copyData?.(m.chunk),
      };
      this.client.query(submittable as unknown as pg.Submittable);
    });
  }

  private writeCopy(chunk: Buffer): Promise<void> {
    const { connection } = this.client;
    connection.sendCopyFromChunk(chunk);
    if (connection.stream.writableNeedDrain !== true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        connection.stream.off('drain', done);
        connection.stream.off('close', done);
        resolve();
      };
      connection.stream.on('drain', done);
      connection.stream.on('close', done);
    });
  }

  /** Columns of one statement's result, without running it. */
  async describe(
    text: string,
  ): Promise<{ readonly fields: readonly ServerField[] } | { readonly error: ServerMessage }> {
    let fields: readonly ServerField[] = [];
    let error: ServerMessage | undefined;
    await this.run(
      {
        fields: (f) => {
          fields = f;
        },
        error: (e) => {
          error ??= e;
        },
      },
      (c) => {
        c.parse({ text });
        c.describe({ type: 'S', name: '' });
        c.sync();
      },
    );
    return error === undefined ? { fields } : { error };
  }

  /** Rows of one statement; throws what the server answers in their place. */
  async rows(text: string): Promise<ResultSet> {
    let fields: readonly ServerField[] = [];
    const rows: (string | null)[][] = [];
    let failure: ServerMessage | undefined;
    await this.execute(text, {
      fields: (f) => {
        fields = f;
      },
      row: (r) => {
        rows.push(r);
      },
      error: (e) => {
        failure ??= e;
      },
    });
    if (failure !== undefined) throw new QueryFailed(failure, text);
    return { fields, rows };
  }

  /** Asks the server to end what runs, over a connection of its own. */
  cancel(): Promise<void> {
    const { address, port } = this.at;
    const socket = address.startsWith('/')
      ? connectTcp(`${address}/.s.PGSQL.${port}`)
      : connectTcp(port, address);
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        const message = Buffer.alloc(16);
        message.writeInt32BE(16, 0);
        message.writeInt32BE(80_877_102, 4);
        message.writeInt32BE(this.processId, 8);
        message.writeInt32BE(this.client.secretKey ?? 0, 12);
        socket.end(message);
      });
      socket.once('close', () => resolve());
    });
  }

  async close(): Promise<void> {
    this.onNotice = undefined;
    if (this.lost !== undefined) return;
    this.lost = new ConnectionLost('the connection was closed');
    await this.client.end().catch(() => undefined);
  }
}

/** A statement of our own that the server refused. */
export class QueryFailed extends Error {
  readonly error: ServerMessage;
  readonly query: string;
  constructor(error: ServerMessage, query: string) {
    super(error.message);
    this.error = error;
    this.query = query;
  }
}
