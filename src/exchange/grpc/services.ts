/** The gRPC services of proto/mpp.proto as TypeScript types and as method descriptions.
 *
 *  Owns: finding and loading the .proto at run time (it is shipped beside `dist/`), and the shapes of its messages.
 *  64-bit integers are decimal strings here. A `oneof body` is an object with exactly one of its fields; decoded
 *  messages name it in `body`. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export type MotionOpen = {
  readonly query_id: string;
  readonly motion: number;
  readonly from_segment: number;
  readonly to_segment: number;
};
export type MotionMessage =
  | { readonly body?: 'open'; readonly open: MotionOpen }
  | { readonly body?: 'batch'; readonly batch: Uint8Array }
  | { readonly body?: 'end'; readonly end: { readonly rows: string } }
  | { readonly body?: 'failed'; readonly failed: Uint8Array };
export type MotionControl =
  | { readonly body?: 'credit'; readonly credit: number }
  | { readonly body?: 'stop'; readonly stop: boolean };

export type Empty = Record<string, never>;
export type Payload = { readonly msgpack: Uint8Array };
export type GxidRequest = { readonly gxid: string };
export type CommitRequest = { readonly gxid: string; readonly csn: string };
export type StorageRequest = { readonly storage_id: number; readonly msgpack: Uint8Array };
export type ExecuteEvent =
  | { readonly body?: 'done'; readonly done: Uint8Array }
  | { readonly body?: 'failed'; readonly failed: Uint8Array };
export type CopyBlock =
  | { readonly body?: 'open'; readonly open: Uint8Array }
  | { readonly body?: 'text'; readonly text: { readonly data: Uint8Array; readonly first_line: string } }
  | { readonly body?: 'end'; readonly end: boolean };
export type CopyResult = { readonly rows: string; readonly error: Uint8Array };
export type JoinMessage =
  | { readonly body?: 'hello'; readonly hello: Uint8Array }
  | { readonly body?: 'heartbeat'; readonly heartbeat: boolean }
  | { readonly body?: 'ready'; readonly ready: boolean };
export type ClusterMessage = Payload;

function protoFile(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, 'proto', 'mpp.proto');
    if (existsSync(file)) return file;
    if (dirname(dir) === dir) throw new Error('proto/mpp.proto is not where the program is installed');
  }
}

const definitions = loadSync(protoFile(), {
  keepCase: true,
  longs: String,
  defaults: true,
  oneofs: true,
});

function service(name: string): ServiceDefinition {
  return definitions[`mpp.${name}`] as unknown as ServiceDefinition;
}

function method<Req, Res>(s: ServiceDefinition, name: string): MethodDefinition<Req, Res> {
  return s[name] as MethodDefinition<Req, Res>;
}

const exchange = service('Exchange');
const segment = service('Segment');
const master = service('Master');

/** `batch` messages carry nearly all bytes of a cluster: they bypass protobuf's object conversions. Field 2, wire type 2. */
const BATCH_TAG = 0x12;

function serializeMotion(other: (m: MotionMessage) => Buffer): (m: MotionMessage) => Buffer {
  return (message) => {
    if (!('batch' in message)) return other(message);
    const { batch } = message;
    let rest = batch.length;
    let head = 2;
    while (rest > 127) {
      head++;
      rest >>>= 7;
    }
    const out = Buffer.allocUnsafe(head + batch.length);
    out[0] = BATCH_TAG;
    rest = batch.length;
    for (let i = 1; i < head; i++) {
      out[i] = i < head - 1 ? (rest & 127) | 128 : rest;
      rest >>>= 7;
    }
    out.set(batch, head);
    return out;
  };
}

function deserializeMotion(other: (b: Buffer) => MotionMessage): (b: Buffer) => MotionMessage {
  return (bytes) => {
    if (bytes[0] !== BATCH_TAG) return other(bytes);
    let at = 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    return at + length === bytes.length ? { body: 'batch', batch: bytes.subarray(at) } : other(bytes);
  };
}

const motion = method<MotionMessage, MotionControl>(exchange, 'Motion');

export const ExchangeService = {
  Motion: {
    ...motion,
    requestSerialize: serializeMotion(motion.requestSerialize),
    requestDeserialize: deserializeMotion(motion.requestDeserialize),
  },
};
export const SegmentService = {
  Execute: method<Payload, ExecuteEvent>(segment, 'Execute'),
  CopyIn: method<CopyBlock, CopyResult>(segment, 'CopyIn'),
  Prepare: method<GxidRequest, Payload>(segment, 'Prepare'),
  Commit: method<CommitRequest, Empty>(segment, 'Commit'),
  Rollback: method<GxidRequest, Empty>(segment, 'Rollback'),
  TableSummary: method<StorageRequest, Payload>(segment, 'TableSummary'),
  Analyze: method<StorageRequest, Payload>(segment, 'Analyze'),
  DropStorage: method<StorageRequest, Empty>(segment, 'DropStorage'),
  Ping: method<Empty, Payload>(segment, 'Ping'),
};
export const MasterService = {
  Join: method<JoinMessage, ClusterMessage>(master, 'Join'),
};
