/** The loads (writing statements) of the cluster: two-phase commit over the segments that took part.
 *
 *  Owns: gxids, the decision, and what new snapshots see. Must not know: plans, tables, SQL.
 *  Invariants: a load whose participant went down before the decision never commits; once decided it commits everywhere,
 *  a participant that is down learns it when it joins again, before it serves; the snapshot given to new queries only
 *  passes a load when all its live participants have acknowledged the commit, and loads become visible in the order of
 *  their csns. Source: Gray and Reuter, "Transaction Processing", chapter 10 (presumed abort). */
import type { Logger } from 'pino';
import type { StorageSummary } from '../../exchange/control-messages.js';
import type { Csn, Gxid, SegmentId, StorageId } from '../../types/ids.js';
import { SqlError } from '../../types/sql-error.js';
import type { Member, Membership } from './membership.js';
import type { OutcomeLog } from './outcome-log.js';

/** The calls to a participant. */
export interface Participants {
  prepare(member: Member, gxid: Gxid): Promise<readonly StorageSummary[]>;
  commit(member: Member, gxid: Gxid, csn: Csn): Promise<void>;
  rollback(member: Member, gxid: Gxid): Promise<void>;
}

type Load = {
  readonly gxid: Gxid;
  /** Epoch at which each participant was first written to. */
  readonly participants: Map<SegmentId, number>;
  readonly replicated: Set<StorageId>;
  lost: Member | undefined;
  /** Settles when the decision is on disk, or will never be. */
  deciding: Promise<unknown> | undefined;
};

export class Loads {
  private readonly log: Logger;
  private readonly outcomes: OutcomeLog;
  private readonly membership: Membership;
  private readonly participants: Participants;
  private readonly active = new Map<Gxid, Load>();
  private visible: bigint;
  /** Csns that are decided or may be, but not visible yet. */
  private readonly unseen = new Set<bigint>();
  private watchers: { csn: bigint; resolve: () => void }[] = [];

  constructor(outcomes: OutcomeLog, membership: Membership, participants: Participants, log: Logger) {
    this.outcomes = outcomes;
    this.membership = membership;
    this.participants = participants;
    this.log = log;
    this.visible = outcomes.lastCsn;
    membership.listen({ down: (m) => this.participantDown(m) });
  }

  snapshot(): Csn {
    return this.visible as Csn;
  }

  async begin(): Promise<Gxid> {
    const gxid = await this.outcomes.newGxid();
    this.active.set(gxid, {
      gxid,
      participants: new Map(),
      replicated: new Set(),
      lost: undefined,
      deciding: undefined,
    });
    return gxid;
  }

  /** Before a statement writes for `gxid` on `members`. `replicated`: that storage's rows are counted once. */
  writesOn(gxid: Gxid, members: readonly Member[], storageId: StorageId, replicated: boolean): void {
    const load = this.get(gxid);
    for (const m of members) {
      const epoch = load.participants.get(m.id);
      if (epoch === undefined) load.participants.set(m.id, m.epoch);
      else if (epoch !== m.epoch) load.lost = m;
    }
    if (replicated) load.replicated.add(storageId);
  }

  async commit(
    gxid: Gxid,
    beforeVisible: (added: readonly StorageSummary[]) => Promise<void>,
  ): Promise<void> {
    const load = this.get(gxid);
    let csn: Csn;
    try {
      const members = this.checked(load);
      const prepared = await Promise.all(members.map((m) => this.participants.prepare(m, gxid)));
      await beforeVisible(mergeSummaries(prepared.flat(), load.replicated));
      this.checked(load);
      if (members.length === 0) {
        this.active.delete(gxid);
        return;
      }
      const decision = this.decide(gxid, [...load.participants.keys()]);
      load.deciding = decision.catch(() => undefined);
      csn = await decision;
    } catch (e) {
      await this.abort(gxid);
      throw this.lossOf(load) ?? e;
    }
    this.active.delete(gxid);
    await Promise.all([...load.participants].map(([id, epoch]) => this.tell(id, epoch, gxid, csn)));
    this.unseen.delete(csn);
    this.advance();
    await this.becomesVisible(csn);
  }

  /** Best effort: a participant that cannot be told presumes it when it joins again. */
  async abort(gxid: Gxid): Promise<void> {
    const load = this.active.get(gxid);
    if (load === undefined) return;
    this.active.delete(gxid);
    await Promise.all(
      [...load.participants].map(async ([id, epoch]) => {
        const m = this.membership.member(id)!;
        if (!m.up || m.epoch !== epoch) return;
        try {
          await this.participants.rollback(m, gxid);
        } catch (e) {
          this.log.warn({ err: e, gxid: String(gxid), segment: id }, 'rollback failed');
          if (m.epoch === epoch) this.membership.drop(m, 'a rollback failed');
        }
      }),
    );
  }

  /** For a segment that joins. Everything it has heard of and not been told is settled by this answer. */
  async resolve(
    segment: SegmentId,
    prepared: readonly Gxid[],
  ): Promise<{ gxid: Gxid; csn: Csn | undefined }[]> {
    const known = new Map<Gxid, Csn | undefined>();
    for (const gxid of prepared) {
      await this.active.get(gxid)?.deciding;
      known.set(gxid, this.outcomes.outcome(gxid));
    }
    // It has committed these, or they are among the prepared: either way nothing more is owed once it is ready.
    for (const { gxid, csn } of this.outcomes.owedTo(segment)) if (!known.has(gxid)) known.set(gxid, csn);
    return [...known].map(([gxid, csn]) => ({ gxid, csn }));
  }

  /** The segment has applied what `resolve` answered. */
  settled(member: Member): void {
    for (const { gxid } of this.outcomes.owedTo(member.id))
      if (!this.active.has(gxid)) this.outcomes.acknowledged(gxid, member.id);
  }

  private get(gxid: Gxid): Load {
    const load = this.active.get(gxid);
    if (load === undefined) throw new Error(`gxid ${gxid} is not active`);
    return load;
  }

  private async decide(gxid: Gxid, segments: readonly SegmentId[]): Promise<Csn> {
    const decision = this.outcomes.commit(gxid, segments);
    // The csn is taken at once: no later one may become visible before it.
    const csn = this.outcomes.lastCsn;
    this.unseen.add(csn);
    try {
      return await decision;
    } catch (e) {
      this.unseen.delete(csn);
      this.advance();
      throw e;
    }
  }

  private async tell(id: SegmentId, epoch: number, gxid: Gxid, csn: Csn): Promise<void> {
    const m = this.membership.member(id)!;
    if (!m.up || m.epoch !== epoch) return;
    try {
      await this.participants.commit(m, gxid, csn);
      this.outcomes.acknowledged(gxid, id);
    } catch (e) {
      // Whether it has committed is not known: it joins again and is told before it serves.
      this.log.warn({ err: e, gxid: String(gxid), segment: id }, 'commit was not acknowledged');
      if (m.epoch === epoch) this.membership.drop(m, 'a commit was not acknowledged');
    }
  }

  private advance(): void {
    let visible: bigint = this.outcomes.lastCsn;
    for (const csn of this.unseen) if (csn <= visible) visible = csn - 1n;
    if (visible <= this.visible) return;
    this.visible = visible;
    this.watchers = this.watchers.filter((w) => {
      if (w.csn > visible) return true;
      w.resolve();
      return false;
    });
  }

  private becomesVisible(csn: bigint): Promise<void> {
    if (csn <= this.visible) return Promise.resolve();
    return new Promise((resolve) => this.watchers.push({ csn, resolve }));
  }

  private participantDown(m: Member): void {
    for (const load of this.active.values())
      if (load.participants.has(m.id) && load.deciding === undefined) load.lost = m;
  }

  private lossOf(load: Load): SqlError | undefined {
    if (load.lost === undefined) return undefined;
    return new SqlError('08006', `segment ${load.lost.id} (${load.lost.address}) was lost during the load`, {
      detail: 'Nothing of it was stored.',
      hint: 'Start the segment again with "mpp start", then repeat the statement.',
    });
  }

  private checked(load: Load): Member[] {
    const loss = this.lossOf(load);
    if (loss !== undefined) throw loss;
    return [...load.participants.keys()].map((id) => this.membership.member(id)!);
  }
}

/** By storage: rows added up (replicated: of one copy), ranges united. */
export function mergeSummaries(
  parts: readonly StorageSummary[],
  replicated: ReadonlySet<StorageId>,
): StorageSummary[] {
  const merged = new Map<StorageId, StorageSummary>();
  for (const part of parts) {
    const before = merged.get(part.storageId);
    merged.set(
      part.storageId,
      before === undefined ? part : unite(before, part, replicated.has(part.storageId)),
    );
  }
  return [...merged.values()];
}

function unite(a: StorageSummary, b: StorageSummary, replicated: boolean): StorageSummary {
  const width = Math.max(a.columns.length, b.columns.length);
  const columns = Array.from({ length: width }, (_, i) => {
    const [x, y] = [a.columns[i], b.columns[i]];
    const range =
      x?.range === undefined || y?.range === undefined
        ? (x?.range ?? y?.range)
        : {
            min: x.range.min < y.range.min ? x.range.min : y.range.min,
            max: x.range.max > y.range.max ? x.range.max : y.range.max,
          };
    return {
      range,
      noNulls: (x?.noNulls ?? true) && (y?.noNulls ?? true),
      ...(x?.hasNan === true || y?.hasNan === true ? { hasNan: true } : {}),
    };
  });
  return { storageId: a.storageId, rows: replicated ? Math.max(a.rows, b.rows) : a.rows + b.rows, columns };
}
