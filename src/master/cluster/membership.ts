/** The segments of the cluster: who they are, where, and whether they are up.
 *
 *  Owns: the durable list (segments.json: ids in join order or as asked for, kept for ever by the id of the data directory) and the Join
 *  streams. Must not know: queries, loads (they listen). Invariants: a segment is up only between its `ready` (all
 *  in-doubt loads resolved) and the end of its stream, or its silence (see `Liveness`); every time it goes down its `epoch`
 *  grows, so that a load can tell whether a participant is still the process it wrote to. */
import { join } from 'node:path';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { type ClusterState, type Hello, PROTOCOL_VERSION } from '../../exchange/control-messages.js';
import { pack, unpack } from '../../exchange/grpc/codec.js';
import type { RpcServer } from '../../exchange/grpc/server.js';
import { type ClusterMessage, type JoinMessage, MasterService } from '../../exchange/grpc/services.js';
import { readJson, replaceFile } from '../../exchange/process/durable-file.js';
import { Liveness } from '../../exchange/process/probe.js';
import type { Csn, Gxid, SegmentId, StorageId } from '../../types/ids.js';
import { SqlError } from '../../types/sql-error.js';

const HEARTBEAT_MS = 300;

type Stored = {
  readonly version: 1;
  readonly expected: number;
  readonly segments: readonly { readonly id: SegmentId; readonly dataId: string; readonly address: string }[];
};

type Session = {
  readonly call: ServerDuplexStream<JoinMessage, ClusterMessage>;
  /** From the hello on. */
  liveness: Liveness | undefined;
  over: boolean;
};

export type Member = {
  readonly id: SegmentId;
  readonly dataId: string;
  address: string;
  pid: number | undefined;
  up: boolean;
  epoch: number;
  session: Session | undefined;
};

/** Answers that a joining segment needs from elsewhere in the master. */
export type JoinHooks = {
  /** The outcomes of its prepared gxids; waits for a decision that is being written. */
  readonly resolve: (
    segment: SegmentId,
    prepared: readonly Gxid[],
  ) => Promise<{ gxid: Gxid; csn: Csn | undefined }[]>;
  readonly liveStorages: () => readonly StorageId[] | undefined;
};

export type MembershipListener = {
  readonly up?: (member: Member) => void;
  readonly down?: (member: Member, reason: string) => void;
};

export class Membership {
  readonly expected: number;
  private readonly file: string;
  private readonly log: Logger;
  private readonly members = new Map<SegmentId, Member>();
  private readonly listeners: MembershipListener[] = [];
  private hooks: JoinHooks | undefined;
  private saving: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  private constructor(file: string, log: Logger, stored: Stored) {
    this.file = file;
    this.log = log;
    this.expected = stored.expected;
    for (const { id, dataId, address } of stored.segments)
      this.members.set(id, { id, dataId, address, pid: undefined, up: false, epoch: 0, session: undefined });
  }

  /** `expected`: how many segments form the cluster; fixed when the directory is new, must agree later. */
  static async open(directory: string, expected: number | undefined, log: Logger): Promise<Membership> {
    const file = join(directory, 'segments.json');
    const stored = await readJson<Stored>(file);
    if (stored === undefined) {
      if (expected === undefined) throw new Error('a new master needs --segments N');
      const fresh: Stored = { version: 1, expected, segments: [] };
      await replaceFile(file, JSON.stringify(fresh, undefined, 2));
      return new Membership(file, log, fresh);
    }
    if (expected !== undefined && expected !== stored.expected)
      throw new Error(
        `the cluster was made with ${stored.expected} segments, not ${expected}: expansion is not supported yet`,
      );
    return new Membership(file, log, stored);
  }

  addTo(server: RpcServer, hooks: JoinHooks): void {
    this.hooks = hooks;
    server.duplex(MasterService.Join, (call) => this.joined(call));
    this.timer = setInterval(() => this.tick(), HEARTBEAT_MS);
  }

  listen(listener: MembershipListener): void {
    this.listeners.push(listener);
  }

  /** In order of id: those that have ever joined. */
  list(): readonly Member[] {
    return [...this.members.values()].sort((a, b) => a.id - b.id);
  }

  member(id: SegmentId): Member | undefined {
    return this.members.get(id);
  }

  /** The member, which is up. Throws 57P03 naming it otherwise. */
  require(id: SegmentId): Member {
    const m = this.members.get(id);
    if (m === undefined)
      throw new SqlError('57P03', `segment ${id} has not joined the cluster yet`, {
        hint: 'Start it with "mpp start", or start mpp-segment by hand.',
      });
    if (!m.up) throw downError(m);
    return m;
  }

  /** Ends the session of a member that misbehaves: it joins again and resolves what it owes. */
  drop(member: Member, reason: string): void {
    if (member.session !== undefined) this.lost(member, member.session, reason);
  }

  close(): void {
    clearInterval(this.timer);
    for (const m of this.members.values()) m.session?.call.end();
  }

  private joined(call: ServerDuplexStream<JoinMessage, ClusterMessage>): void {
    const session: Session = { call, liveness: undefined, over: false };
    let member: Member | undefined;
    const gone = (reason: string): void => {
      if (member !== undefined) this.lost(member, session, reason);
      session.over = true;
    };
    call.on('data', (m: JoinMessage) => {
      session.liveness?.heard();
      if ('hello' in m)
        this.hello(session, unpack<Hello>(m.hello)).then(
          (joined) => {
            member = joined;
            if (session.over) this.lost(member, session, 'it left while joining');
          },
          (e: unknown) => {
            const details = e instanceof Error ? e.message : String(e);
            this.log.warn({ err: e }, 'a segment was refused');
            session.over = true;
            call.emit('error', { code: status.FAILED_PRECONDITION, details });
          },
        );
      else if ('ready' in m && member !== undefined) this.ready(member, session);
    });
    call.on('end', () => {
      gone('it left');
      call.end();
    });
    call.on('cancelled', () => gone('its connection broke'));
    call.on('error', (e: Error) => gone(e.message));
  }

  private async hello(session: Session, hello: Hello): Promise<Member> {
    if (hello.version !== PROTOCOL_VERSION)
      throw new Error(`the segment speaks version ${hello.version}, this master ${PROTOCOL_VERSION}`);
    let member = this.list().find((m) => m.dataId === hello.dataId);
    if (member === undefined) {
      if (hello.segmentId !== undefined)
        throw new Error(`the data directory of ${hello.listen} belongs to another cluster`);
      if (this.members.size >= this.expected)
        throw new Error(
          `the cluster has its ${this.expected} segments: expansion is not supported yet (0A000)`,
        );
      member = {
        id: this.freeId(hello.wantedId),
        dataId: hello.dataId,
        address: hello.listen,
        pid: hello.pid,
        up: false,
        epoch: 0,
        session: undefined,
      };
      this.members.set(member.id, member);
      await this.save();
    }
    if (member.session !== undefined) this.lost(member, member.session, 'it joined anew');
    member.session = session;
    session.liveness = new Liveness(hello.listen);
    member.epoch++;
    member.pid = hello.pid;
    if (member.address !== hello.listen) {
      member.address = hello.listen;
      await this.save();
    }
    const outcomes = await this.hooks!.resolve(member.id, hello.prepared);
    this.log.info({ segment: member.id, address: member.address, pid: member.pid }, 'segment joined');
    this.send(session, {
      segments: this.addresses(),
      welcome: { segmentId: member.id, outcomes, liveStorages: this.hooks!.liveStorages() },
    });
    return member;
  }

  private freeId(wanted: SegmentId | undefined): SegmentId {
    if (wanted !== undefined && wanted < this.expected && !this.members.has(wanted)) return wanted;
    let id = 0 as SegmentId;
    while (this.members.has(id)) id = (id + 1) as SegmentId;
    return id;
  }

  private ready(member: Member, session: Session): void {
    if (member.session !== session || member.up) return;
    member.up = true;
    this.log.info({ segment: member.id, address: member.address }, 'segment up');
    for (const l of this.listeners) l.up?.(member);
    this.tellAll();
  }

  private lost(member: Member, session: Session, reason: string): void {
    if (member.session !== session) return;
    session.over = true;
    member.session = undefined;
    member.up = false;
    member.epoch++;
    session.call.end();
    this.log.warn({ segment: member.id, address: member.address, reason }, 'segment down');
    for (const l of this.listeners) l.down?.(member, reason);
    this.tellAll();
  }

  private addresses(): { id: SegmentId; address: string; up: boolean }[] {
    return this.list().map(({ id, address, up }) => ({ id, address, up }));
  }

  private tellAll(): void {
    const state = { segments: this.addresses() };
    for (const m of this.members.values()) if (m.session !== undefined) this.send(m.session, state);
  }

  private send(session: Session, state: ClusterState): void {
    if (!session.over) session.call.write({ msgpack: pack(state) });
  }

  private tick(): void {
    for (const m of this.members.values()) {
      const s = m.session;
      const lost = s?.liveness?.tick(HEARTBEAT_MS);
      if (s === undefined) continue;
      if (lost !== undefined) this.lost(m, s, lost);
      else s.call.write({ msgpack: EMPTY });
    }
  }

  private save(): Promise<void> {
    const write = async (): Promise<void> => {
      const stored: Stored = {
        version: 1,
        expected: this.expected,
        segments: this.list().map(({ id, dataId, address }) => ({ id, dataId, address })),
      };
      await replaceFile(this.file, JSON.stringify(stored, undefined, 2));
    };
    const saved = this.saving.then(write);
    this.saving = saved.catch(() => undefined);
    return saved;
  }
}

const EMPTY = Buffer.alloc(0);

export function downError(m: Member): SqlError {
  return new SqlError('57P03', `segment ${m.id} (${m.address}) is down`, {
    hint: 'Start it again with "mpp start", or start mpp-segment with its data directory; queries work once it is back.',
  });
}
