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

export type Empty = Record<string, never>;
export type Payload = { readonly msgpack: Uint8Array };
export type GxidRequest = { readonly gxid: string };
export type CommitRequest = { readonly gxid: string; readonly csn: string };
export type StorageRequest = { readonly storage_id: number; readonly msgpack: Uint8Array };
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

/** Messages of links are coded by `link/frame.ts`: here they are bytes. */
const asBytes = (b: Buffer): Buffer => b;

export const LinkService = {
  Link: {
    ...method<Buffer, Buffer>(exchange, 'Link'),
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  },
};
export const SegmentService = {
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
