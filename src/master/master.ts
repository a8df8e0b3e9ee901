/** A running master: catalog, cluster, executor and the clients' server, joined up.
 *
 *  Owns: the order in which these start and stop. Also what a test starts within its own process. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { LocalEngine } from '../engine/runtime/engine.js';
import { Peers } from '../exchange/grpc/peer.js';
import { RpcServer } from '../exchange/grpc/server.js';
import { Links } from '../exchange/link/links.js';
import { MotionService } from '../exchange/motion-service.js';
import { DataLock } from '../exchange/process/data-lock.js';
import { advertised, parseAddress } from '../exchange/process/limits.js';
import type { AuthMethod } from '../types/default-hba.js';
import { MASTER, type QueryId, type StorageId } from '../types/ids.js';
import { operatingSystemUser } from '../types/os-user.js';
import { AuthPolicy, writeDefaultHba } from './auth/auth-policy.js';
import { MasterCatalog } from './catalog/master-catalog.js';
import { Membership } from './cluster/membership.js';
import { OutcomeLog } from './cluster/outcome-log.js';
import { ClusterDispatcher } from './dispatch/dispatcher.js';

export type MasterOptions = {
  readonly data: string;
  /** For segments. */
  readonly listen: string;
  /** Host under which segments reach this process, when it is not the one in `listen`. */
  readonly advertise: string | undefined;
  readonly token: string;
  /** Needed when the data directory is new. */
  readonly segments: number | undefined;
  readonly workers: number;
  readonly memoryBytes: number;
  readonly log: Logger;
  /** Name of the superuser of a catalog that has none yet; default: the user who runs this. */
  readonly superuser?: string | undefined;
  /** Of the rules that a new data directory gets. */
  readonly auth?: AuthMethod | undefined;
};

export class Master {
  readonly catalog: MasterCatalog;
  readonly dispatcher: ClusterDispatcher;
  readonly auth: AuthPolicy;
  /** `host:port` for segments. */
  readonly address: string;
  private readonly parts: {
    readonly lock: DataLock;
    readonly engine: LocalEngine;
    readonly exchange: MotionService;
    readonly peers: Peers;
    readonly links: Links;
    readonly server: RpcServer;
    readonly membership: Membership;
    readonly outcomes: OutcomeLog;
  };
  private queries = 0;
  private readonly started = Date.now().toString(36);

  private constructor(
    parts: Master['parts'],
    catalog: MasterCatalog,
    dispatcher: ClusterDispatcher,
    auth: AuthPolicy,
    address: string,
  ) {
    this.auth = auth;
    this.parts = parts;
    this.catalog = catalog;
    this.dispatcher = dispatcher;
    this.address = address;
  }

  /** `liveStorages`: a segment that joins drops all others; the catalog's when absent. */
  static async start(
    options: MasterOptions,
    liveStorages?: () => readonly StorageId[] | undefined,
  ): Promise<Master> {
    const { log, token } = options;
    const { host } = parseAddress(options.listen, '--listen');
    const lock = await DataLock.take(options.data);
    const superuser = options.superuser ?? operatingSystemUser();
    if (!existsSync(join(options.data, 'catalog')))
      writeDefaultHba(options.data, options.auth ?? 'scram-sha-256', superuser);
    const auth = AuthPolicy.open(options.data, log);
    const catalog = await MasterCatalog.open(join(options.data, 'catalog'), superuser);
    const outcomes = await OutcomeLog.open(options.data);
    const membership = await Membership.open(options.data, options.segments, log);
    const engine = new LocalEngine({
      workers: options.workers,
      memoryBytes: options.memoryBytes,
      place: 'master',
    });
    const peers = new Peers(token);
    const links = new Links(peers);
    const exchange = new MotionService({ self: MASTER, memory: engine.memory, links });
    const server = new RpcServer(token);
    links.addTo(server);
    const port = await server.listen(options.listen);
    const address = advertised(options.advertise ?? host, port);
    links.address = address;
    const memoryLimitBytes = Math.floor(engine.memory.limitBytes * 0.9);
    const dispatcher = new ClusterDispatcher(
      { engine, exchange, peers, links, address, memoryLimitBytes },
      membership,
      outcomes,
      log,
    );
    membership.addTo(server, {
      resolve: (segment, prepared) => dispatcher.loads.resolve(segment, prepared),
      liveStorages: liveStorages ?? (() => catalog.liveStorages()),
    });
    log.info({ address, workers: options.workers, memory: options.memoryBytes }, 'listening for segments');
    return new Master(
      { lock, engine, exchange, peers, links, server, membership, outcomes },
      catalog,
      dispatcher,
      auth,
      address,
    );
  }

  /** Unique in the cluster, over restarts too. */
  newQueryId(): QueryId {
    return `${this.started}-${++this.queries}` as QueryId;
  }

  /** Running queries get 57P01. */
  async stop(): Promise<void> {
    const { lock, engine, exchange, peers, links, server, membership, outcomes } = this.parts;
    await this.dispatcher.stop();
    membership.close();
    exchange.close();
    links.close();
    server.close();
    peers.close();
    await engine.close();
    await outcomes.close();
    await this.catalog.close();
    lock.release();
  }
}
