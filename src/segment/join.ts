/** This segment's place in the cluster: the Join stream to the master, for ever.
 *
 *  Owns: hello, heartbeats both ways, joining again after a loss (with a growing pause), what this segment knows of the others.
 *  Invariants: before each hello all queries have ended and all unprepared loads are rolled back; queries are
 *  served only after the answer's outcomes are applied. A master that refuses (wrong token, other cluster) is asked
 *  again: only an operator ends a segment. */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { type ClusterState, type Hello, PROTOCOL_VERSION } from '../exchange/control-messages.js';
import { pack, unpack } from '../exchange/grpc/codec.js';
import { Peer, type Peers } from '../exchange/grpc/peer.js';
import { type ClusterMessage, type JoinMessage, MasterService } from '../exchange/grpc/services.js';
import { Liveness } from '../exchange/process/probe.js';
import type { SegmentId } from '../types/ids.js';
import { SqlError } from '../types/sql-error.js';

const HEARTBEAT_MS = 300;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1000;

export type JoinHost = {
  readonly master: string;
  readonly token: string;
  readonly peers: Peers;
  readonly log: Logger;
  /** Ends queries, rolls back what is not prepared. */
  readonly leave: (why: SqlError) => Promise<void>;
  readonly hello: () => Omit<Hello, 'version'>;
  /** Applies outcomes, drops storages, learns its id; the segment serves afterwards. */
  readonly enter: (welcome: NonNullable<ClusterState['welcome']>) => Promise<void>;
};

export class MasterSession {
  private readonly host: JoinHost;
  private stopped = false;
  private call: ClientDuplexStream<JoinMessage, ClusterMessage> | undefined;
  private known = new Map<SegmentId, { address: string; up: boolean }>();
  private wakeUp: () => void = () => undefined;

  constructor(host: JoinHost) {
    this.host = host;
  }

  /** Resolves when `stop` is called. */
  async run(): Promise<void> {
    let pauseMs = RETRY_MIN_MS;
    let saidMs = Number.NEGATIVE_INFINITY;
    while (!this.stopped) {
      const { joined, reason } = await this.once();
      if (this.stopped) return;
      pauseMs = joined ? RETRY_MIN_MS : Math.min(RETRY_MAX_MS, pauseMs * 2);
      if (joined || performance.now() - saidMs > 10_000) {
        saidMs = performance.now();
        this.host.log.warn({ master: this.host.master, reason }, 'no connection to the master; trying again');
      }
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve;
        setTimeout(resolve, pauseMs);
      });
    }
  }

  stop(): void {
    this.stopped = true;
    this.call?.end();
    this.call?.cancel();
    this.wakeUp();
  }

  private async once(): Promise<{ joined: boolean; reason: string }> {
    const lost = new SqlError('57P01', 'the segment lost its connection to the master');
    await this.host.leave(lost);
    if (this.stopped) return { joined: false, reason: 'stopped' };
    const peer = new Peer(this.host.master, this.host.token);
    let joined = false;
    let timer: NodeJS.Timeout | undefined;
    const reason = await new Promise<string>((resolve) => {
      const call = peer.duplex(MasterService.Join);
      this.call = call;
      const liveness = new Liveness(this.host.master);
      call.on('error', (e: Error) => resolve(e.message));
      call.on('end', () => resolve('the master ended the session'));
      call.on('data', (m: ClusterMessage) => {
        liveness.heard();
        if (m.msgpack.length === 0) return;
        const state = unpack<ClusterState>(m.msgpack);
        this.learn(state);
        if (state.welcome === undefined) return;
        this.host.enter(state.welcome).then(
          () => {
            joined = true;
            call.write({ ready: true });
          },
          (e: unknown) => {
            this.host.log.error({ err: e }, 'could not enter the cluster');
            resolve(e instanceof Error ? e.message : String(e));
          },
        );
      });
      call.write({ hello: pack({ version: PROTOCOL_VERSION, ...this.host.hello() } satisfies Hello) });
      timer = setInterval(() => {
        const lost = liveness.tick(HEARTBEAT_MS);
        if (lost !== undefined) resolve(`lost the master: ${lost}`);
        else call.write({ heartbeat: true });
      }, HEARTBEAT_MS);
    });
    clearInterval(timer);
    this.call?.cancel();
    this.call = undefined;
    peer.close();
    await this.host.leave(lost);
    return { joined, reason };
  }

  /** A channel to a process that was replaced is of no more use. */
  private learn(state: ClusterState): void {
    for (const s of state.segments) {
      const before = this.known.get(s.id);
      if (before !== undefined && (before.address !== s.address || before.up !== s.up)) {
        // One that has come back may have dialled already.
        if (before.address === s.address && s.up) this.host.peers.forget(s.address);
        else this.host.peers.gone(before.address);
      }
      this.known.set(s.id, { address: s.address, up: s.up });
    }
  }
}
