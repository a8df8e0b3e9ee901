/** A running segment: storage, engine, exchange and its place in the cluster, joined up.
 *
 *  Owns: the order in which these start and stop. Also what a test starts within its own process. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { WasmKernels } from '../engine/encode/kernels.js';
import { LocalEngine } from '../engine/runtime/engine.js';
import type { ClusterState } from '../exchange/control-messages.js';
import { Peers } from '../exchange/grpc/peer.js';
import { RpcServer } from '../exchange/grpc/server.js';
import { Links } from '../exchange/link/links.js';
import { MotionService } from '../exchange/motion-service.js';
import { DataLock } from '../exchange/process/data-lock.js';
import { readJson, replaceFile } from '../exchange/process/durable-file.js';
import { advertised, parseAddress } from '../exchange/process/limits.js';
import { DICTIONARY } from '../storage/encode-kernels.js';
import { SegmentStore } from '../storage/table-store.js';
import type { Gxid, SegmentId, StorageId } from '../types/ids.js';
import { SqlError } from '../types/sql-error.js';
import { Executor } from './executor.js';
import { MasterSession } from './join.js';
import { ParsePool } from './parse-pool.js';
import { serveSegment } from './segment-server.js';
import { WriteRegistry } from './write-registry.js';

export type SegmentOptions = {
  readonly join: string;
  readonly token: string;
  readonly data: string;
  readonly listen: string;
  /** Host under which others reach this process, when it is not the one in `listen`. */
  readonly advertise?: string | undefined;
  /** Asked for at the first join. */
  readonly wantedId?: SegmentId | undefined;
  readonly workers: number;
  readonly memoryBytes: number;
  readonly log: Logger;
};

/** DATA/identity.json */
type Identity = { readonly version: 1; readonly dataId: string; readonly segmentId?: SegmentId };

const UNKNOWN = -2 as SegmentId;

export class Segment {
  private readonly parts: {
    readonly lock: DataLock;
    readonly engine: LocalEngine;
    readonly store: SegmentStore;
    readonly executor: Executor;
    readonly exchange: MotionService;
    readonly parser: ParsePool;
    readonly peers: Peers;
    readonly links: Links;
    readonly server: RpcServer;
  };
  private readonly session: MasterSession;
  private readonly joining: Promise<void>;

  private constructor(parts: Segment['parts'], session: MasterSession) {
    this.parts = parts;
    this.session = session;
    this.joining = session.run();
  }

  static async start(options: SegmentOptions): Promise<Segment> {
    const { log } = options;
    parseAddress(options.join, '--join');
    const { host } = parseAddress(options.listen, '--listen');
    const lock = await DataLock.take(options.data);
    const identityFile = join(options.data, 'identity.json');
    let identity = await readJson<Identity>(identityFile);
    if (identity === undefined) {
      identity = { version: 1, dataId: randomUUID() };
      await replaceFile(identityFile, JSON.stringify(identity));
    }
    const place = identity.segmentId === undefined ? 'segment' : `segment ${identity.segmentId}`;
    const engine = new LocalEngine({ workers: options.workers, memoryBytes: options.memoryBytes, place });
    const kernels = new WasmKernels(engine.memory, DICTIONARY);
    const store = await SegmentStore.open(join(options.data, 'store'), engine.memory, { kernels });
    const peers = new Peers(options.token);
    const links = new Links(peers);
    const exchange = new MotionService({ self: identity.segmentId ?? UNKNOWN, memory: engine.memory, links });
    const writes = new WriteRegistry(store);
    const executor = new Executor({ engine, store, exchange, writes, log });
    const parser = new ParsePool(options.workers, engine.memory);
    const server = new RpcServer(options.token);
    links.onExecute = (stream, body) => executor.execute(stream, body);
    links.addTo(server);
    serveSegment(server, { executor, writes, store, parser });
    executor.refusal = NOT_JOINED;
    const port = await server.listen(options.listen);
    const listen = advertised(options.advertise ?? host, port);
    links.address = listen;
    log.info(
      { listen, join: options.join, workers: options.workers, memory: options.memoryBytes },
      'listening',
    );

    const known = { identity };
    const enter = async (welcome: NonNullable<ClusterState['welcome']>): Promise<void> => {
      const id = welcome.segmentId;
      if (known.identity.segmentId !== id) {
        known.identity = { ...known.identity, segmentId: id };
        await replaceFile(identityFile, JSON.stringify(known.identity));
      }
      exchange.self = id;
      engine.place = `segment ${id}`;
      for (const { gxid, csn } of welcome.outcomes) {
        log.info(
          { gxid: String(gxid), csn: csn === undefined ? null : String(csn) },
          'in-doubt load resolved',
        );
        if (csn === undefined) await writes.rollback(gxid);
        else await writes.commit(gxid, csn);
      }
      if (welcome.liveStorages !== undefined) {
        const live = new Set(welcome.liveStorages);
        for (const s of store.storages()) if (!live.has(s as StorageId)) await store.dropStorage(s);
      }
      executor.refusal = undefined;
      log.info({ segment: id, master: options.join }, 'joined the cluster');
    };
    const session = new MasterSession({
      master: options.join,
      token: options.token,
      peers,
      log,
      leave: async (why) => {
        executor.refusal = NOT_JOINED;
        await executor.abortAll(why);
        await writes.rollbackUnprepared();
      },
      hello: () => ({
        listen,
        dataId: known.identity.dataId,
        segmentId: known.identity.segmentId,
        wantedId: options.wantedId,
        pid: process.pid,
        prepared: store.preparedGxids() as Gxid[],
        storages: store.storages() as StorageId[],
      }),
      enter,
    });
    return new Segment({ lock, engine, store, executor, exchange, parser, peers, links, server }, session);
  }

  async stop(): Promise<void> {
    const { lock, engine, store, executor, exchange, parser, peers, links, server } = this.parts;
    executor.refusal = SHUTTING_DOWN;
    await executor.abortAll(SHUTTING_DOWN);
    this.session.stop();
    await this.joining;
    exchange.close();
    links.close();
    peers.close();
    server.close();
    await parser.close();
    await engine.close();
    await store.close();
    lock.release();
  }
}

const NOT_JOINED = new SqlError('57P03', 'the segment is not part of the cluster at the moment');
const SHUTTING_DOWN = new SqlError('57P01', 'the segment is shutting down');
