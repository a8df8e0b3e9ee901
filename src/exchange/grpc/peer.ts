/** One gRPC channel per peer, reused by every call of this process to it.
 *
 *  Owns: channel options, the token on outgoing calls, turning a gRPC status into an Error with its code. Must not
 *  know what is called. Invariant: a channel to an address is dropped (`forget`) when its process is known to have
 *  been replaced, so that no call waits for the back-off of a dead connection. */
import {
  type CallOptions,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';

export const MESSAGE_BYTES_MAX = 64 << 20;
export const TOKEN_KEY = 'mpp-token';
export const WINDOW_BYTES = 8 << 20;

/** Pings are the last resort: they take a busy process for a dead one, and the membership notices sooner and knows better. */
export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': 5000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc-node.flow_control_window': WINDOW_BYTES,
};

export class Peer {
  readonly address: string;
  private readonly client: Client;
  private readonly metadata = new Metadata();

  constructor(address: string, token: string) {
    this.address = address;
    this.client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    this.metadata.set(TOKEN_KEY, token);
  }

  unary<Req, Res>(method: MethodDefinition<Req, Res>, request: Req, options: CallOptions = {}): Promise<Res> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.metadata,
        options,
        (error: ServiceError | null, response?: Res) => {
          if (error) reject(error);
          else resolve(response!);
        },
      );
    });
  }

  serverStream<Req, Res>(
    method: MethodDefinition<Req, Res>,
    request: Req,
    options: CallOptions = {},
  ): ClientReadableStream<Res> {
    return this.client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      this.metadata,
      options,
    );
  }

  /** `reply` settles with the one response, or with the status when it is not OK. */
  clientStream<Req, Res>(
    method: MethodDefinition<Req, Res>,
    options: CallOptions = {},
  ): { readonly call: ClientWritableStream<Req>; readonly reply: Promise<Res> } {
    let settle!: (error: ServiceError | null, response?: Res) => void;
    const reply = new Promise<Res>((resolve, reject) => {
      settle = (error, response) => (error ? reject(error) : resolve(response!));
    });
    const call = this.client.makeClientStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.metadata,
      options,
      settle,
    );
    return { call, reply };
  }

  duplex<Req, Res>(
    method: MethodDefinition<Req, Res>,
    options: CallOptions = {},
  ): ClientDuplexStream<Req, Res> {
    return this.client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.metadata,
      options,
    );
  }

  close(): void {
    this.client.close();
  }
}

export class Peers {
  private readonly token: string;
  private readonly peers = new Map<string, Peer>();
  private readonly goneListeners: ((address: string) => void)[] = [];

  constructor(token: string) {
    this.token = token;
  }

  at(address: string): Peer {
    let peer = this.peers.get(address);
    if (peer === undefined) {
      peer = new Peer(address, this.token);
      this.peers.set(address, peer);
    }
    return peer;
  }

  /** Calls in flight go on; the next call connects anew. */
  forget(address: string): void {
    this.peers.get(address)?.close();
    this.peers.delete(address);
  }

  /** The process at this address is no more: listeners end what they hold of it, without waiting for its socket. */
  gone(address: string): void {
    this.forget(address);
    for (const listener of this.goneListeners) listener(address);
  }

  onGone(listener: (address: string) => void): void {
    this.goneListeners.push(listener);
  }

  close(): void {
    for (const peer of this.peers.values()) peer.close();
    this.peers.clear();
  }
}
