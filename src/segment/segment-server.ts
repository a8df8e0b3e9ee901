/** The Segment service: what the master asks of a segment. */
import { availableParallelism } from 'node:os';
import type {
  AnalyzeRequest,
  PrepareBody,
  StorageSummary,
  SummaryRequest,
} from '../exchange/control-messages.js';
import { pack, unpack } from '../exchange/grpc/codec.js';
import type { RpcServer } from '../exchange/grpc/server.js';
import { SegmentService } from '../exchange/grpc/services.js';
import type { SegmentStore } from '../storage/table-store.js';
import type { Csn, Gxid, StorageId } from '../types/ids.js';
import { copyIn } from './copy-in.js';
import type { Executor } from './executor.js';
import type { ParsePool } from './parse-pool.js';
import type { WriteRegistry } from './write-registry.js';

export type SegmentParts = {
  readonly executor: Executor;
  readonly writes: WriteRegistry;
  readonly store: SegmentStore;
  readonly parser: ParsePool;
};

export function serveSegment(server: RpcServer, { executor, writes, store, parser }: SegmentParts): void {
  server.duplex(SegmentService.CopyIn, (call) => copyIn(call, executor, parser));
  server.unary(SegmentService.Prepare, async ({ gxid }) => {
    const body: PrepareBody = { added: await writes.prepare(BigInt(gxid) as Gxid) };
    return { msgpack: pack(body) };
  });
  server.unary(SegmentService.Commit, async ({ gxid, csn }) => {
    await writes.commit(BigInt(gxid) as Gxid, BigInt(csn) as Csn);
    return {};
  });
  server.unary(SegmentService.Rollback, async ({ gxid }) => {
    await writes.rollback(BigInt(gxid) as Gxid);
    return {};
  });
  server.unary(SegmentService.TableSummary, async ({ storage_id, msgpack }) => {
    const { csn } = unpack<SummaryRequest>(msgpack);
    const { rows, columns } = store.summary(storage_id, csn);
    const summary: StorageSummary = { storageId: storage_id as StorageId, rows, columns };
    return { msgpack: pack(summary) };
  });
  server.unary(SegmentService.Analyze, async ({ storage_id, msgpack }) => {
    const { csn, columns } = unpack<AnalyzeRequest>(msgpack);
    return { msgpack: pack(await store.analyze(storage_id, csn, columns)) };
  });
  server.unary(SegmentService.DropStorage, async ({ storage_id }) => {
    await store.dropStorage(storage_id);
    return {};
  });
  server.unary(SegmentService.Progress, async () => ({ msgpack: pack(executor.progress()) }));
  server.unary(SegmentService.Ping, async () => ({
    msgpack: pack({ pid: process.pid, parallelism: availableParallelism() }),
  }));
}
