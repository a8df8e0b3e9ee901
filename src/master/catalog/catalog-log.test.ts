import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageId } from '../../types/ids.js';
import { CatalogLog } from './catalog-log.js';
import { MasterCatalog } from './master-catalog.js';
import type { CatalogOp, StoredTable } from './state.js';
import { emptyStats, refreshed, tableStats, widened } from './stats.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mpp-catalog-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function table(oid: number, name: string, storageId: number): StoredTable {
  return {
    kind: 'table',
    oid,
    schema: 'public',
    name,
    columns: [
      { name: 'a', type: { kind: 'int4' }, notNull: true },
      {
        name: 'n',
        type: { kind: 'numeric', precision: 38, scale: 2 },
        notNull: false,
        defaultSql: '1.5',
        defaultExpr: {
          kind: 'const',
          value: { unscaled: 10n ** 30n, scale: 2 },
          type: { kind: 'numeric', precision: 38, scale: 2 },
        },
      },
    ],
    primaryKey: undefined,
    primaryKeyOid: undefined,
    distribution: { kind: 'hash', columns: [0] },
    storageId: storageId as StorageId,
    stats: emptyStats(2, 1),
  };
}

const put = (oid: number, name: string): CatalogOp => ({
  op: 'put',
  relation: table(oid, name, oid - 16000),
});

describe('the log', () => {
  it('gives back what was appended, with bigints of any size', async () => {
    const first = await MasterCatalog.open(directory);
    await first.commit(() => [put(20000, 't')]);
    await first.updateStats(20000, (s) =>
      widened(s, {
        storageId: 4000 as StorageId,
        rows: 7,
        columns: [{ range: { min: -5n, max: 1n << 90n }, noNulls: true }, { noNulls: false }],
      }),
    );
    await first.close();
    const again = await MasterCatalog.open(directory);
    expect(again.stored('public', 't')).toEqual({
      ...table(20000, 't', 4000),
      stats: {
        rows: 7,
        bounds: [
          { range: { min: -5n, max: 1n << 90n }, noNulls: true },
          { range: undefined, noNulls: false },
        ],
        estimates: undefined,
        version: 2,
      },
    });
    expect(await again.newOid()).toBeGreaterThan(20000);
    expect(await again.newStorageId()).toBeGreaterThan(4000);
    await again.close();
  });

  it('never gives an id twice, crash or not', async () => {
    const seen = new Set<number>();
    for (let run = 0; run < 4; run++) {
      const c = await MasterCatalog.open(directory);
      for (let i = 0; i < 70; i++) {
        const oid = await c.newOid();
        expect(seen.has(oid)).toBe(false);
        seen.add(oid);
      }
      await c.close();
    }
  });

  it('recovers a prefix from any cut of the file', async () => {
    const c = await MasterCatalog.open(directory);
    const names = Array.from({ length: 12 }, (_, i) => `t${i}`);
    for (const [i, name] of names.entries()) await c.commit(() => [put(20000 + i, name)]);
    await c.close();
    const path = join(directory, 'catalog.log');
    const whole = await readFile(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.uint8Array({ maxLength: 24 }), async (cut, garbage) => {
        await writeFile(path, Buffer.concat([whole.subarray(0, cut), garbage]));
        const r = await MasterCatalog.open(directory);
        const found = r.tables().map((t) => t.name);
        expect(found).toEqual(names.slice(0, found.length));
        // What is appended after the cut survives the next start.
        await r.commit(() => [put(30000, 'later')]);
        await r.close();
        const s = await MasterCatalog.open(directory);
        expect(s.tables().map((t) => t.name)).toEqual([...found, 'later']);
        await s.close();
      }),
      { numRuns: 60 },
    );
  });

  it('refuses damage before the tail', async () => {
    const c = await MasterCatalog.open(directory);
    for (let i = 0; i < 4; i++) await c.commit(() => [put(20000 + i, `t${i}`)]);
    await c.close();
    const path = join(directory, 'catalog.log');
    const bytes = await readFile(path);
    bytes[40] ^= 1;
    await writeFile(path, bytes);
    await expect(MasterCatalog.open(directory)).rejects.toThrow('damaged');
  });

  it('starts from a snapshot, whether or not the log was emptied after it', async () => {
    const { log } = await CatalogLog.open(directory);
    await log.append([put(20000, 'before')]);
    const stale = await readFile(join(directory, 'catalog.log'));
    await log.compact({
      format: 1,
      nextOid: 20001,
      nextStorageId: 5000,
      schemas: [],
      relations: [table(20000, 'compacted', 4000)],
    });
    await log.append([put(20001, 'after')]);
    await log.close();
    const path = join(directory, 'catalog.log');
    const fresh = await readFile(path);
    for (const bytes of [fresh, Buffer.concat([stale, fresh])]) {
      await writeFile(path, bytes);
      const c = await MasterCatalog.open(directory);
      expect(c.tables().map((t) => t.name)).toEqual(['compacted', 'after']);
      await c.close();
    }
  });

  it('applies changes one at a time and refuses without a trace', async () => {
    const c = await MasterCatalog.open(directory);
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        c.commit(() => {
          if (c.stored('public', 'same') !== undefined) throw new Error('already there');
          return [put(20000 + i, 'same')];
        }),
      ),
    );
    expect(results.filter((r) => r.status === 'fulfilled').length).toBe(1);
    expect(c.tables().length).toBe(1);
    await c.close();
  });
});

describe('statistics', () => {
  const summary = (rows: number, min: bigint, max: bigint) => ({
    storageId: 1 as StorageId,
    rows,
    columns: [{ range: { min, max }, noNulls: true }],
  });

  it('bounds grow with every load and stay guarantees', () => {
    let s = emptyStats(1, 1);
    expect(tableStats(s).columns[0]).toEqual({ noNulls: true });
    s = widened(s, summary(3, 5n, 9n));
    s = widened(s, summary(1, -2n, 6n));
    expect(tableStats(s)).toMatchObject({
      rows: 4,
      columns: [{ range: { min: -2n, max: 9n }, noNulls: true }],
    });
    // A load of which nothing is known ends the guarantee.
    s = widened(s, { storageId: 1 as StorageId, rows: 1, columns: [{ noNulls: false }] });
    expect(tableStats(s).columns[0]).toEqual({ noNulls: false });
    s = refreshed(s, summary(5, 0n, 1n));
    expect(tableStats(s).columns[0]).toEqual({ range: { min: 0n, max: 1n }, noNulls: true });
  });

  it('NaN is remembered until the rows are known exactly, and leaves no range', () => {
    const nan = {
      storageId: 1 as StorageId,
      rows: 1,
      columns: [{ range: { min: 0n, max: 1n }, noNulls: true, hasNan: true }],
    };
    let s = widened(emptyStats(1, 1), summary(3, 5n, 9n));
    s = widened(s, nan);
    s = widened(s, summary(1, 1n, 2n));
    expect(tableStats(s).columns[0]).toEqual({ noNulls: true, hasNan: true });
    expect(tableStats(refreshed(s, nan)).columns[0]).toEqual({ noNulls: true, hasNan: true });
    s = refreshed(s, summary(4, 1n, 9n));
    expect(tableStats(s).columns[0]).toEqual({ range: { min: 1n, max: 9n }, noNulls: true });
  });

  it('a table found to be empty keeps its columns', () => {
    const empty = { storageId: 1 as StorageId, rows: 0, columns: [] };
    for (const s of [
      refreshed(emptyStats(1, 1), empty),
      // As older catalogs have it.
      { ...emptyStats(1, 1), bounds: [] },
    ])
      expect(tableStats(widened(s, summary(3, 5n, 9n))).columns).toEqual([
        { range: { min: 5n, max: 9n }, noNulls: true },
      ]);
    const unknown = { ...emptyStats(1, 1), rows: 2, bounds: [] };
    expect(tableStats(widened(unknown, summary(3, 5n, 9n))).columns).toEqual([{ noNulls: false }]);
  });
});
