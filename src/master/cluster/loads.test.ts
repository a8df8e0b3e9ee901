/** Two-phase loads over simulated participants that are slow, fail, and leave at any step. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Csn, Gxid, SegmentId, StorageId } from '../../types/ids.js';
import { Loads, mergeSummaries, type Participants } from './loads.js';
import type { Member, Membership, MembershipListener } from './membership.js';
import { OutcomeLog } from './outcome-log.js';

const log = pino({ level: 'silent' });
const STORAGE = 1 as StorageId;
let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mpp-loads-'));
});
afterEach(() => rm(dir, { recursive: true }));

/** A segment's storage as the loads see it. */
class FakeSegment {
  readonly member: Member;
  readonly written = new Set<Gxid>();
  readonly prepared = new Set<Gxid>();
  readonly committed = new Map<Gxid, Csn>();

  constructor(id: number) {
    this.member = {
      id: id as SegmentId,
      dataId: `d${id}`,
      address: `h:${id}`,
      pid: 1,
      up: true,
      epoch: 1,
      session: undefined,
    };
  }

  /** What is not prepared is gone with the process. */
  crash(): void {
    this.written.clear();
    this.member.up = false;
    this.member.epoch++;
  }
}

class FakeCluster implements Participants {
  readonly segments: readonly FakeSegment[];
  private readonly listeners: MembershipListener[] = [];
  /** Decides after every step whether, and how, something goes wrong. */
  fate: () => 'fine' | 'fail' | 'crash' = () => 'fine';
  onStep: () => void = () => undefined;

  constructor(n: number) {
    this.segments = Array.from({ length: n }, (_, i) => new FakeSegment(i));
  }

  get membership(): Membership {
    return {
      listen: (l: MembershipListener) => this.listeners.push(l),
      member: (id: SegmentId) => this.segments[id]?.member,
      drop: (m: Member) => this.crash(m.id),
    } as unknown as Membership;
  }

  crash(id: SegmentId): void {
    const s = this.segments[id]!;
    if (!s.member.up) return;
    s.crash();
    for (const l of this.listeners) l.down?.(s.member, 'crash');
  }

  async rejoin(loads: Loads, id: SegmentId): Promise<void> {
    const s = this.segments[id]!;
    if (s.member.up) return;
    s.member.epoch++;
    for (const { gxid, csn } of await loads.resolve(id, [...s.prepared])) {
      if (csn !== undefined && s.prepared.has(gxid)) s.committed.set(gxid, csn);
      s.prepared.delete(gxid);
    }
    s.member.up = true;
    loads.settled(s.member);
  }

  async prepare(m: Member, gxid: Gxid): Promise<never[]> {
    await this.step(m);
    const s = this.segments[m.id]!;
    if (!s.written.has(gxid)) throw new Error('unknown gxid');
    s.prepared.add(gxid);
    await this.step(m);
    return [];
  }

  async commit(m: Member, gxid: Gxid, csn: Csn): Promise<void> {
    await this.step(m);
    const s = this.segments[m.id]!;
    if (s.prepared.delete(gxid)) s.committed.set(gxid, csn);
    await this.step(m);
  }

  async rollback(m: Member, gxid: Gxid): Promise<void> {
    await this.step(m);
    this.segments[m.id]!.prepared.delete(gxid);
    this.segments[m.id]!.written.delete(gxid);
  }

  private async step(m: Member): Promise<void> {
    const { epoch } = m;
    // Some are slower than others.
    for (let i = 0; i <= m.id * 2; i++) await new Promise((resolve) => setImmediate(resolve));
    this.onStep();
    const fate = this.fate();
    if (fate === 'crash') this.crash(m.id);
    if (fate !== 'fine' || m.epoch !== epoch) throw new Error(fate);
  }
}

test('whatever fails and whenever: a load is on all segments or on none, and visible only when whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('fine', 'fine', 'fine', 'fine', 'fine', 'fail', 'crash' as const), {
        minLength: 10,
        maxLength: 60,
      }),
      async (fates) => {
        const run = await mkdtemp(join(dir, 'r-'));
        const outcomes = await OutcomeLog.open(run);
        const cluster = new FakeCluster(3);
        const loads = new Loads(outcomes, cluster.membership, cluster, log);
        let at = 0;
        cluster.fate = () => (fates[at++] ?? 'fine') as 'fine' | 'fail' | 'crash';
        const done: Gxid[] = [];
        const all: Gxid[] = [];
        const check = (): void => {
          const snapshot = loads.snapshot();
          for (const gxid of all) {
            const csns = cluster.segments.map((s) => s.committed.get(gxid));
            const known = csns.find((c) => c !== undefined);
            if (known === undefined || known > snapshot) continue;
            // In the snapshot: every segment that is up has it.
            for (const [i, s] of cluster.segments.entries()) if (s.member.up) expect(csns[i]).toBe(known);
          }
        };
        cluster.onStep = check;
        const one = async (): Promise<void> => {
          const gxid = await loads.begin();
          all.push(gxid);
          const up = cluster.segments.filter((s) => s.member.up);
          loads.writesOn(
            gxid,
            up.map((s) => s.member),
            STORAGE,
            false,
          );
          for (const s of up) s.written.add(gxid);
          try {
            if (up.length < 3) throw new Error('down');
            await loads.commit(gxid, async () => {
              await new Promise((resolve) => setImmediate(resolve));
              if (cluster.fate() === 'crash') cluster.crash(1 as SegmentId);
              // It is back before the decision, and remembers what it has prepared.
              await cluster.rejoin(loads, 1 as SegmentId);
            });
            done.push(gxid);
            expect(outcomes.lastCsn).toBeGreaterThanOrEqual(loads.snapshot());
          } catch {
            await loads.abort(gxid);
          }
          check();
        };
        for (let i = 0; i < 4; i++) {
          await Promise.all([one(), one()]);
          for (const s of cluster.segments) await cluster.rejoin(loads, s.member.id);
          check();
        }
        for (const gxid of all) {
          const on = cluster.segments.filter((s) => s.committed.has(gxid)).length;
          expect([0, 3]).toContain(on);
          if (done.includes(gxid)) expect(on).toBe(3);
        }
        expect(cluster.segments.every((s) => s.prepared.size === 0)).toBe(true);
        expect(loads.snapshot()).toBe(outcomes.lastCsn);
        await outcomes.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('a decision that cannot be written aborts the load', async () => {
  const outcomes = await OutcomeLog.open(dir);
  const cluster = new FakeCluster(2);
  const loads = new Loads(outcomes, cluster.membership, cluster, log);
  const gxid = await loads.begin();
  loads.writesOn(
    gxid,
    cluster.segments.map((s) => s.member),
    STORAGE,
    false,
  );
  for (const s of cluster.segments) s.written.add(gxid);
  await expect(loads.commit(gxid, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(cluster.segments.every((s) => s.prepared.size === 0 && s.committed.size === 0)).toBe(true);
  await outcomes.close();
});

test('summaries of a replicated storage are of one copy', () => {
  const part = (rows: number, min: bigint, max: bigint) => ({
    storageId: STORAGE,
    rows,
    columns: [{ range: { min, max }, noNulls: min > 0n }],
  });
  const parts = [part(5, 1n, 3n), part(5, -2n, 2n)];
  expect(mergeSummaries(parts, new Set())).toEqual([
    { storageId: STORAGE, rows: 10, columns: [{ range: { min: -2n, max: 3n }, noNulls: false }] },
  ]);
  expect(mergeSummaries(parts, new Set([STORAGE]))[0]!.rows).toBe(5);
});
