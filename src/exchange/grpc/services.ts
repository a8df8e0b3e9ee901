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
  | { readonly body?: 'range'; readonly range: CopyRange }
  | { readonly body?: 'end'; readonly end: boolean }
  /** A message as it is sent: see `encodeCopyText`. */
  | { readonly body?: 'encoded'; readonly encoded: Buffer };
export type CopyRange = { readonly offset: string; readonly bytes: number; readonly first_line: string };
export type CopyReply =
  | { readonly body?: 'ready'; readonly ready: { readonly reads_file: boolean; readonly credit: number } }
  | { readonly body?: 'credit'; readonly credit: number }
  | { readonly body?: 'result'; readonly result: CopyResult };
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
const copyIn = method<CopyBlock, CopyReply>(segment, 'CopyIn');

/** As sint64 has it: the number of the first line may be below one (see `CopyLineSplitter`). */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/** A CopyBlock with `text`, whose lines are copied once, by now. */
export function encodeCopyText(lines: Uint8Array, firstLine: number): Buffer {
  const head = [0x0a, ...varint(lines.length)];
  const tail = [0x10, ...varint(zigzag(firstLine))];
  const inner = head.length + lines.length + tail.length;
  const outer = [0x12, ...varint(inner)];
  const out = Buffer.allocUnsafeSlow(outer.length + inner);
  out.set(outer);
  out.set(head, outer.length);
  out.set(lines, outer.length + head.length);
  out.set(tail, out.length - tail.length);
  return out;
}

export const SegmentService = {
  CopyIn: {
    ...copyIn,
    requestSerialize: (m: CopyBlock): Buffer => ('encoded' in m ? m.encoded : copyIn.requestSerialize(m)),
  },
  Prepare: method<GxidRequest, Payload>(segment, 'Prepare'),
  Commit: method<CommitRequest, Empty>(segment, 'Commit'),
  Rollback: method<GxidRequest, Empty>(segment, 'Rollback'),
  TableSummary: method<StorageRequest, Payload>(segment, 'TableSummary'),
  Analyze: method<StorageRequest, Payload>(segment, 'Analyze'),
  DropStorage: method<StorageRequest, Empty>(segment, 'DropStorage'),
  Progress: method<Empty, Payload>(segment, 'Progress'),
  Ping: method<Empty, Payload>(segment, 'Ping'),
};
export const MasterService = {
  Join: method<JoinMessage, ClusterMessage>(master, 'Join'),
};
