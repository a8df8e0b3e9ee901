/** The gRPC server of a process, with the token checked before any method runs.
 *
 *  Owns: the listening port, UNAUTHENTICATED for a wrong token. Handlers are written against the types of
 *  services.ts; a unary handler returns a promise, and what it throws crosses as a packed WireError in the status's
 *  metadata (`remoteError` restores it on the other side). */
import { timingSafeEqual } from 'node:crypto';
import type { Http2Server } from 'node:http2';
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { errorFromWire, errorToWire, SqlError, type WireError } from '../../types/sql-error.js';
import { pack, unpack } from './codec.js';
import { CHANNEL_OPTIONS, TOKEN_KEY, WINDOW_BYTES } from './peer.js';

const ERROR_KEY = 'mpp-error-bin';

/** grpc-js has an option for a client's flow-control windows but none for a server's, and motions flow to servers: with
 *  HTTP/2's 64 KiB they are half as fast (docs/decisions/031). These are fields of its own; where a version has them
 *  no more, it is only slower. */
type ServerInternals = {
  readonly commonServerOptions?: { settings?: object };
  readonly http2Servers?: ReadonlyMap<Http2Server, unknown>;
};

type Added = { readonly definition: MethodDefinition<unknown, unknown>; readonly name: string };

export class RpcServer {
  private readonly token: Buffer;
  private readonly server = new Server(CHANNEL_OPTIONS);
  private port = 0;

  constructor(token: string) {
    this.token = Buffer.from(token);
    const { commonServerOptions } = this.server as unknown as ServerInternals;
    if (commonServerOptions !== undefined)
      commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: WINDOW_BYTES };
  }

  unary<Req, Res>(definition: MethodDefinition<Req, Res>, handle: (request: Req) => Promise<Res>): void {
    this.add(definition, {
      handler: (
        call: { metadata: Metadata; request: Req },
        callback: (e: Partial<ServiceError> | null, r?: Res) => void,
      ) => {
        if (!this.authentic(call.metadata)) {
          callback(UNAUTHENTICATED);
          return;
        }
        handle(call.request).then(
          (r) => callback(null, r),
          (e: unknown) => callback(statusOf(e)),
        );
      },
    });
  }

  serverStream<Req, Res>(
    definition: MethodDefinition<Req, Res>,
    handle: (call: ServerWritableStream<Req, Res>) => void,
  ): void {
    const handler: handleServerStreamingCall<Req, Res> = (call) => {
      if (this.authentic(call.metadata)) handle(call);
      else call.emit('error', UNAUTHENTICATED);
    };
    this.add(definition, { handler });
  }

  clientStream<Req, Res>(
    definition: MethodDefinition<Req, Res>,
    handle: (call: ServerReadableStream<Req, Res>) => Promise<Res>,
  ): void {
    const handler: handleClientStreamingCall<Req, Res> = (call, callback) => {
      if (!this.authentic(call.metadata)) {
        callback(UNAUTHENTICATED);
        return;
      }
      handle(call).then(
        (r) => callback(null, r),
        (e: unknown) => callback(statusOf(e)),
      );
    };
    this.add(definition, { handler });
  }

  duplex<Req, Res>(
    definition: MethodDefinition<Req, Res>,
    handle: (call: ServerDuplexStream<Req, Res>) => void,
  ): void {
    const handler: handleBidiStreamingCall<Req, Res> = (call) => {
      if (this.authentic(call.metadata)) handle(call);
      else call.emit('error', UNAUTHENTICATED);
    };
    this.add(definition, { handler });
  }

  /** Listens on `host:port` (0 = any free port); returns the port. Rejects with one clear message when it is taken. */
  listen(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(new Error(`cannot listen on ${address}: ${bindReason(error)}`));
        else {
          this.port = port;
          this.widenWindows();
          resolve(port);
        }
      });
    });
  }

  get boundPort(): number {
    return this.port;
  }

  /** Ends at once: running calls are cancelled. */
  close(): void {
    this.server.forceShutdown();
  }

  private widenWindows(): void {
    const { http2Servers } = this.server as unknown as ServerInternals;
    for (const server of http2Servers?.keys() ?? [])
      server.on('session', (session) => session.setLocalWindowSize(2 * WINDOW_BYTES));
  }

  private add<Req, Res>(definition: MethodDefinition<Req, Res>, entry: { handler: unknown }): void {
    const name = definition.path.slice(definition.path.lastIndexOf('/') + 1);
    const added = { definition, name } as unknown as Added;
    this.server.addService(
      { [name]: added.definition } as never,
      { [name]: entry.handler } as UntypedServiceImplementation,
    );
  }

  private authentic(metadata: Metadata): boolean {
    const given = metadata.get(TOKEN_KEY)[0];
    if (typeof given !== 'string') return false;
    const bytes = Buffer.from(given);
    return bytes.length === this.token.length && timingSafeEqual(bytes, this.token);
  }
}

const UNAUTHENTICATED = {
  code: status.UNAUTHENTICATED,
  details: 'wrong cluster token',
  metadata: new Metadata(),
  name: 'Error',
  message: 'wrong cluster token',
};

function bindReason(error: Error): string {
  return /EADDRINUSE/.test(error.message) ? 'the port is in use' : error.message;
}

function statusOf(e: unknown): Partial<ServiceError> {
  const metadata = new Metadata();
  metadata.set(ERROR_KEY, pack(errorToWire(e)));
  return {
    code: status.ABORTED,
    details: e instanceof Error ? e.message.slice(0, 200) : String(e),
    metadata,
  };
}

/** What a unary or client-stream call failed with: the SqlError that the other side threw, or undefined when the
 *  call itself failed (peer gone, wrong token, cancelled). */
export function remoteError(e: unknown): SqlError | undefined {
  if (e instanceof SqlError) return e;
  const bytes = (e as Partial<ServiceError>).metadata?.get(ERROR_KEY)[0];
  return bytes === undefined || typeof bytes === 'string'
    ? undefined
    : errorFromWire(unpack<WireError>(bytes));
}

export function isUnauthenticated(e: unknown): boolean {
  return (e as Partial<ServiceError>).code === status.UNAUTHENTICATED;
}

export function isCancelled(e: unknown): boolean {
  return (e as Partial<ServiceError>).code === status.CANCELLED;
}
