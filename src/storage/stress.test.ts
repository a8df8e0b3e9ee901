/** Statements, scans, drops and memory pressure interleaved at random, against a model of what each must see. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildChunk, type FakeValue, readBatch } from '../types/chunk-fake.js';
import type { Batch } from '../types/memory.js';
import { FakePool } from '../types/memory-fake.js';
import { SqlError } from '../types/sql-error.js';
import { SegmentStore } from './table-store.js';

const COLUMNS = [
  { name: 'a', type: { kind: 'int8' } as const, notNull: false },
  { name: 'b', type: { kind: 'text' } as const, notNull: false },
];

type Step =
  | {
      readonly do: 'insert';
      readonly table: number;
      readonly rows: number;
      readonly wide: boolean;
      readonly end: 'commit' | 'rollback' | 'prepare';
    }
  | { readonly do: 'scan'; readonly table: number; readonly back: number }
  | { readonly do: 'pull' | 'releaseOne' | 'closeScan'; readonly which: number }
  | { readonly do: 'drop'; readonly table: number }
  | { readonly do: 'hog'; readonly kib: number }
  | { readonly do: 'tick' }
  | { readonly do: 'restart' };

/** Most of it happens to one table, so that it gets row groups enough. */
const TABLE = fc.constantFrom(0, 0, 0, 0, 1);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      table: fc.nat(1),
      rows: fc.nat(400),
      wide: fc.boolean(),
      end: fc.constantFrom('commit', 'commit', 'commit', 'rollback', 'prepare') as fc.Arbitrary<'commit'>,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('scan' as const), table: TABLE, back: fc.nat(3) }),
  },
  { weight: 16, arbitrary: fc.record({ do: fc.constant('pull' as const), which: fc.nat(9) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('releaseOne' as const), which: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('closeScan' as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), table: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hog' as const), kib: fc.nat(48) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

type Open = {
  readonly source: ReturnType<SegmentStore['scan']>;
  readonly expected: readonly FakeValue[][];
  readonly seen: FakeValue[][];
  readonly held: { readonly batch: Batch; readonly rows: FakeValue[][] }[];
};

const normal = (rows: readonly FakeValue[][]): FakeValue[][] =>
  rows.map(([a, b]) => [a === null || a === undefined ? null : BigInt(a as bigint), b!]);

async function play(steps: readonly Step[]): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'mpp-stress-'));
  let pool = new FakePool(48 << 10);
  const fresh = async (): Promise<SegmentStore> => {
    pool = new FakePool(48 << 10);
    return SegmentStore.open(dir, pool, { compactBytes: 4000 });
  };
  let store = await fresh();
  /** Committed rows of each table: by csn. */
  const model = new Map<number, { csn: number; rows: FakeValue[][] }[]>([
    [0, []],
    [1, []],
  ]);
  const generation = [0, 0];
  const scans: Open[] = [];
  let clock = 0;
  /** What statements that begin now see at least. */
  let published = 0;
  const storageOf = (table: number): number => table + generation[table]! * 2;
  const read = (s: Open, batch: Batch): void => {
    const rows = normal(readBatch(pool, batch.address));
    s.held.push({ batch, rows });
    s.seen.push(...rows);
  };
  const close = (s: Open): void => {
    // What is still in use must not have changed.
    s.source.close();
    for (const { batch, rows } of s.held) {
      expect(normal(readBatch(pool, batch.address))).toEqual(rows);
      batch.release();
    }
    scans.splice(scans.indexOf(s), 1);
  };
  const many: Step[] = Array.from({ length: 18 }, () => ({
    do: 'insert',
    table: 0,
    rows: 3,
    wide: false,
    end: 'commit',
  }));
  for (const s of [...many, ...steps]) {
    const scan = 'which' in s ? scans[s.which % Math.max(1, scans.length)] : undefined;
    if (s.do === 'insert') {
      clock++;
      const rows: FakeValue[][] = Array.from({ length: s.rows }, (_, i) => [
        i % 11 === 0 ? null : s.wide ? BigInt(i) * 10n ** 14n : BigInt(i % 100),
        i % 13 === 0 ? null : s.wide ? `unique text number ${clock} ${i}` : `v${i % 5}`,
      ]);
      const writer = store.openWriter(BigInt(clock), storageOf(s.table), COLUMNS);
      const scratch = new FakePool(1 << 20);
      const chunk = buildChunk(scratch, ['i64', 'utf8'], rows);
      // The store reads chunks from its own memory: lend it the other one for the moment.
      const own = Object.getOwnPropertyDescriptors(pool);
      Object.defineProperties(pool, {
        u8: { value: scratch.u8 },
        i32: { value: scratch.i32 },
        u32: { value: scratch.u32 },
      });
      try {
        writer.append(chunk);
      } finally {
        Object.defineProperties(pool, { u8: own.u8!, i32: own.i32!, u32: own.u32! });
      }
      await writer.finish();
      if (s.end !== 'rollback') await store.prepare(BigInt(clock));
      if (s.end === 'commit') {
        await store.commit(BigInt(clock), BigInt(clock));
        model.get(s.table)!.push({ csn: clock, rows: normal(rows) });
      } else if (s.end === 'rollback') await store.rollback(BigInt(clock));
    } else if (s.do === 'scan') {
      const csn = Math.max(clock - s.back, published);
      const source = store.scan({
        storageId: storageOf(s.table),
        csn: BigInt(csn),
        ordinals: [0, 1],
        columns: COLUMNS,
      });
      const expected = model.get(s.table)!.flatMap((c) => (c.csn <= csn ? c.rows : []));
      scans.push({ source, expected, seen: [], held: [] });
    } else if (s.do === 'pull' && scan !== undefined) {
      try {
        let next = scan.source.next();
        for (let tries = 0; next === 'wait' && tries < 5; tries++) {
          await new Promise((resolve) => setImmediate(resolve));
          next = scan.source.next();
        }
        if (next === 'end') {
          expect(scan.seen).toEqual(scan.expected);
          close(scan);
        } else if (next !== 'wait') read(scan, next);
      } catch (e) {
        if (!(e instanceof SqlError) || e.code !== '53200') throw e;
        close(scan);
      }
    } else if (s.do === 'releaseOne' && scan !== undefined) {
      const first = scan.held.shift();
      if (first !== undefined) {
        expect(normal(readBatch(pool, first.batch.address))).toEqual(first.rows);
        first.batch.release();
      }
    } else if (s.do === 'closeScan' && scan !== undefined) close(scan);
    else if (s.do === 'drop') {
      await store.dropStorage(storageOf(s.table));
      generation[s.table]!++;
      model.set(s.table, []);
    } else if (s.do === 'hog') {
      try {
        pool.free(pool.alloc(s.kib << 10));
      } catch {
        // Pinned columns may leave no room.
      }
    } else if (s.do === 'restart') {
      for (const open of [...scans]) close(open);
      await store.close();
      store = await fresh();
      published = clock;
    } else await new Promise((resolve) => setImmediate(resolve));
  }
  for (const open of [...scans]) close(open);
  await store.idle();
  for (const table of [0, 1])
    expect(store.summary(storageOf(table), BigInt(clock)).rows).toBe(
      model.get(table)!.reduce((n, c) => n + c.rows.length, 0),
    );
  pool.alloc(8);
  store.pool.evict(Number.POSITIVE_INFINITY);
  await store.close();
  store.pool.evict(Number.POSITIVE_INFINITY);
  expect(pool.blocks.size).toBe(1);
  rmSync(dir, { recursive: true });
}

it('any interleaving shows every scan its snapshot, and leaks nothing', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 160, size: 'max' }), play), {
    numRuns: 8,
    endOnFailure: true,
  });
}, 60_000);
