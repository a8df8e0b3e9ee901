import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as arrow from 'apache-arrow';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { chunkEncoding } from '../types/arrow/sql-field.js';
import { buildChunk, type FakeValue, readBatch } from '../types/chunk-fake.js';
import type { BatchSource } from '../types/memory.js';
import { FakePool } from '../types/memory-fake.js';
import type { SqlType } from '../types/sql-type.js';
import { encodeVarNumeric } from '../types/var-numeric.js';
import type { TableColumn } from './row-group.js';
import { SegmentStore } from './table-store.js';

const dirs: string[] = [];
function freshDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mpp-storage-'));
  dirs.push(dir);
  return dir;
}
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const column = (name: string, type: SqlType, notNull = false): TableColumn => ({ name, type, notNull });
const TWO = [column('id', { kind: 'int8' }), column('name', { kind: 'text' })];

async function write(
  store: SegmentStore,
  gxid: number,
  storageId: number,
  columns: readonly TableColumn[],
  rows: readonly (readonly FakeValue[])[],
): Promise<void> {
  const writer = store.openWriter(BigInt(gxid), storageId, columns, { table: 't' });
  const encodings = columns.map((c) => chunkEncoding(c.type));
  for (let i = 0; i < rows.length; i += 10_000) {
    const chunk = buildChunk(store.memory, encodings, rows.slice(i, i + 10_000));
    writer.append(chunk);
    chunk.release();
  }
  await writer.finish();
}

async function insert(
  store: SegmentStore,
  gxid: number,
  storageId: number,
  columns: readonly TableColumn[],
  rows: readonly (readonly FakeValue[])[],
): Promise<void> {
  await write(store, gxid, storageId, columns, rows);
  await store.prepare(BigInt(gxid));
  await store.commit(BigInt(gxid), BigInt(gxid));
}

/** All rows of a source, checked against its layout. */
async function drain(store: SegmentStore, source: BatchSource, raw = false): Promise<FakeValue[][]> {
  const out: FakeValue[][] = [];
  for (;;) {
    const next = source.next();
    if (next === 'end') break;
    if (next === 'wait') {
      await new Promise<void>((resolve) => source.onReady(resolve));
      continue;
    }
    expect(next.layout).toEqual(source.layout);
    out.push(...readBatch(store.memory, next.address, raw));
    next.release();
  }
  source.close();
  return out;
}

function all(
  store: SegmentStore,
  storageId: number,
  columns: readonly TableColumn[],
  csn = 1000,
): BatchSource {
  return store.scan({ storageId, csn: BigInt(csn), ordinals: columns.map((_, i) => i), columns });
}

describe('rows', () => {
  it('of every type come back, NULLs and edges included', async () => {
    const dir = freshDir();
    const pool = new FakePool(8 << 20);
    const store = await SegmentStore.open(dir, pool);
    const columns = [
      column('a', { kind: 'bool' }),
      column('b', { kind: 'int2' }),
      column('c', { kind: 'int4' }),
      column('d', { kind: 'int8' }),
      column('e', { kind: 'numeric', precision: 15, scale: 2 }),
      column('f', { kind: 'numeric', precision: 38, scale: 10 }),
      column('g', { kind: 'numeric' }),
      column('h', { kind: 'float4' }),
      column('i', { kind: 'float8' }),
      column('j', { kind: 'text' }),
      column('k', { kind: 'bpchar', length: 3 }),
      column('l', { kind: 'date' }),
      column('m', { kind: 'timestamptz' }),
      column('n', { kind: 'interval' }),
      column('o', { kind: 'bytea' }),
      column('p', { kind: 'oid' }),
    ];
    const v = (unscaled: bigint, scale: number) => encodeVarNumeric({ unscaled, scale });
    const rows: FakeValue[][] = [
      [
        1,
        5,
        100000,
        -(2n ** 63n),
        1234567n,
        10n ** 37n,
        v(12n, 1),
        1.5,
        Number.NaN,
        'a',
        'a  ',
        -2147483648,
        2n ** 63n - 1n,
        (3n << 96n) | (2n << 64n) | 7n,
        Uint8Array.of(0, 255),
        -1,
      ],
      columns.map(() => null),
      [
        0,
        -32768,
        -1,
        2n ** 63n - 1n,
        -1n,
        -(10n ** 37n),
        encodeVarNumeric({ special: 'NaN' }),
        -0,
        Infinity,
        '',
        '   ',
        2147483647,
        -(2n ** 63n),
        -1n,
        new Uint8Array(0),
        0,
      ],
      [
        1,
        32767,
        0,
        0n,
        0n,
        0n,
        v(-(10n ** 60n), 30),
        3,
        -Infinity,
        'żółć ☃',
        'bcd',
        0,
        0n,
        0n,
        Uint8Array.of(1),
        5,
      ],
    ];
    await insert(store, 1, 7, columns, rows);
    const bytes = (x: FakeValue): FakeValue => (typeof x === 'string' ? new TextEncoder().encode(x) : x);
    const wide = (x: FakeValue): FakeValue =>
      typeof x === 'bigint' && x >= -(2n ** 31n) && x < 2n ** 31n ? Number(x) : x;
    const expected = rows.map((r) => r.map(bytes));
    const normal = (rs: FakeValue[][]) =>
      rs.map((r) => r.map(wide).map((x) => (x instanceof Uint8Array ? Buffer.from(x) : x)));
    expect(normal(await drain(store, all(store, 7, columns), true))).toEqual(normal(expected));
    await store.close();
    // Again from disk.
    const again = await SegmentStore.open(dir, new FakePool(8 << 20));
    expect(normal(await drain(again, all(again, 7, columns), true))).toEqual(normal(expected));
    const { columns: facts } = again.summary(7, 10n);
    expect(facts[3]).toEqual({
      range: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
      noNulls: false,
      hasNan: false,
    });
    expect(facts[5]!.range).toEqual({ min: -(10n ** 37n), max: 10n ** 37n });
    expect(facts[15]!.range).toEqual({ min: 0n, max: 4294967295n });
    await again.close();
  });

  it('are cut into row groups that apache-arrow opens, in the narrowest encodings', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(64 << 20));
    const columns = [...TWO, column('u', { kind: 'text' })];
    const rows = Array.from({ length: 70_000 }, (_, i) => [BigInt(i % 1000), `n${i % 300}`, `unique ${i}`]);
    await insert(store, 1, 1, columns, rows);
    const groups = store.snapshot(1, 1n);
    expect(groups.map((g) => g.rows)).toEqual([65_536, 4464]);
    expect(groups[0]!.columns.map((c) => c.encoding)).toEqual(['i16', 'dict16', 'utf8']);
    expect(groups[1]!.columns.map((c) => c.encoding)).toEqual(['i16', 'dict16', 'utf8']);
    const table = arrow.tableFromIPC(readFileSync(join(dir, 't1', '1.arrow')));
    expect(table.numRows).toBe(65_536);
    expect(Object.values(table.get(65_535)!.toJSON())).toEqual([535, 'n135', 'unique 65535']);
    expect(table.schema.fields[0]!.metadata.get('mpp.type')).toBe('{"kind":"int8"}');
    const back = await drain(store, all(store, 1, columns));
    expect(back).toEqual(rows.map(([a, b, c]) => [Number(a), b, c]));
    await store.close();
  }, 20_000);

  it('in row groups of different encodings come out in one layout', async () => {
    const store = await SegmentStore.open(freshDir(), new FakePool(64 << 20));
    const unique = Array.from({ length: 6000 }, (_, i) => [BigInt(i) * 10n ** 12n, `unique ${i}`]);
    await insert(store, 1, 1, TWO, [
      [1n, 'x'],
      [2n, null],
      [null, 'y'],
    ]);
    await insert(store, 2, 1, TWO, [[300n, 'x']]);
    expect(all(store, 1, TWO).layout).toEqual([
      { encoding: 'i16', nullable: true },
      { encoding: 'dict8', nullable: true },
    ]);
    await insert(store, 3, 1, TWO, unique);
    await insert(store, 4, 1, TWO, [[4n, 'z']]);
    expect(store.snapshot(1, 9n).map((g) => g.columns.map((c) => c.encoding))).toEqual([
      ['i8', 'dict8'],
      ['i16', 'dict8'],
      ['i64', 'utf8'],
      ['i64', 'utf8'],
    ]);
    const rows = [[1n, 'x'], [2n, null], [null, 'y'], [300n, 'x'], ...unique, [4n, 'z']];
    expect(await drain(store, all(store, 1, TWO))).toEqual(rows);
    // Converted copies come from the buffer pool the second time.
    const second = store.scan({ storageId: 1, csn: 9n, ordinals: [1, 0], columns: [TWO[1]!, TWO[0]!] });
    expect(await drain(store, second)).toEqual(rows.map(([a, b]) => [b, a]));
    expect(second.stats.bytesRead).toBe(0);
    await store.close();
  });

  it('round-trip at random, over several inserts', async () => {
    const row = fc.tuple(
      fc.option(fc.oneof(fc.bigInt(-100n, 100n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), { nil: null }),
      fc.option(fc.oneof(fc.constantFrom('a', 'b', ''), fc.string({ unit: 'grapheme' })), { nil: null }),
      fc.option(fc.bigInt(-(2n ** 126n), 2n ** 126n), { nil: null }),
      fc.option(fc.double(), { nil: null }),
    );
    const columns = [
      ...TWO,
      column('n', { kind: 'numeric', precision: 38, scale: 2 }),
      column('f', { kind: 'float8' }),
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(row, { maxLength: 40 }), { maxLength: 4 }), async (inserts) => {
        const dir = freshDir();
        const store = await SegmentStore.open(dir, new FakePool(4 << 20));
        for (const [i, rows] of inserts.entries()) await insert(store, i + 1, 1, columns, rows);
        const big = (r: readonly FakeValue[]) => [
          r[0] === null ? null : BigInt(r[0] as bigint),
          r[1],
          r[2] === null ? null : BigInt(r[2] as bigint),
          r[3],
        ];
        const back = await drain(store, all(store, 1, columns));
        expect(back.map(big)).toEqual(inserts.flat().map(big));
        const { rows } = store.summary(1, 100n);
        expect(rows).toBe(inserts.flat().length);
        await store.close();
        rmSync(dir, { recursive: true });
      }),
      { numRuns: 25 },
    );
  }, 30_000);

  it('without columns are counted', async () => {
    const store = await SegmentStore.open(freshDir(), new FakePool(4 << 20));
    await insert(store, 1, 1, TWO, [
      [1n, 'x'],
      [2n, null],
    ]);
    const source = store.scan({ storageId: 1, csn: 1n, ordinals: [], columns: [] });
    expect(await drain(store, source)).toEqual([[], []]);
    await store.close();
  });

  it('that break NOT NULL are refused, and leave nothing', async () => {
    const store = await SegmentStore.open(freshDir(), new FakePool(4 << 20));
    const columns = [
      column('x', { kind: 'int8' }, true),
      column('p', { kind: 'numeric', precision: 9, scale: 2 }),
      column('d', { kind: 'date' }),
      column('t', { kind: 'text' }),
      column('i', { kind: 'interval' }),
      column('v', { kind: 'numeric' }),
      column('b', { kind: 'bool' }),
    ];
    const v = encodeVarNumeric({ unscaled: 15n, scale: 1 });
    const rows = [
      [1n, 5n, 0, '', 0n, v, 1],
      [null, -150n, 365, 'ü'.repeat(40), 1n << 96n, v, 0],
    ];
    await expect(write(store, 1, 1, columns, rows)).rejects.toMatchObject({
      code: '23502',
      message: 'null value in column "x" of relation "t" violates not-null constraint',
      detail: `Failing row contains (null, -1.50, 1971-01-01, ${'ü'.repeat(32)}..., 1 mon, 1.5, f).`,
    });
    await store.rollback(1n);
    expect(store.storages()).toEqual([]);
    await store.close();
  });
});

describe('visibility', () => {
  it('follows the csn', async () => {
    const store = await SegmentStore.open(freshDir(), new FakePool(4 << 20));
    await write(store, 1, 1, TWO, [[1n, 'x']]);
    expect(store.snapshot(1, 99n)).toEqual([]);
    await store.prepare(1n);
    expect(store.preparedGxids()).toEqual([1n]);
    expect(await drain(store, all(store, 1, TWO))).toEqual([]);
    await store.commit(1n, 5n);
    expect(store.snapshot(1, 4n)).toEqual([]);
    expect(store.snapshot(1, 5n)).toHaveLength(1);
    expect(store.preparedGxids()).toEqual([]);
    // Again, and with another csn: nothing changes.
    await store.commit(1n, 8n);
    expect(store.snapshot(1, 5n)).toHaveLength(1);
    await store.commit(77n, 9n);
    await store.close();
  });

  it('survives a restart: committed rows stay, prepared ones wait, others are gone', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(4 << 20));
    await insert(store, 1, 1, TWO, [[1n, 'x']]);
    await write(store, 2, 1, TWO, [[2n, 'y']]);
    await store.prepare(2n);
    await write(store, 3, 1, TWO, [[3n, 'z']]);
    await write(store, 4, 2, TWO, [[4n, 'z']]);
    expect(readdirSync(join(dir, 't1'))).toHaveLength(3);
    // No close: as after kill -9.
    const again = await SegmentStore.open(dir, new FakePool(4 << 20));
    expect(readdirSync(join(dir, 't1'))).toHaveLength(2);
    expect(readdirSync(dir)).toEqual(['manifest', 't1']);
    expect(again.preparedGxids()).toEqual([2n]);
    expect(await drain(again, all(again, 1, TWO))).toEqual([[1, 'x']]);
    await again.commit(2n, 2n);
    await again.rollback(2n);
    expect(await drain(again, all(again, 1, TWO))).toEqual([
      [1, 'x'],
      [2, 'y'],
    ]);
    await store.close();
    await again.close();
  });

  it('a failed load leaves no trace in how later rows are encoded', async () => {
    const store = await SegmentStore.open(freshDir(), new FakePool(8 << 20));
    await write(
      store,
      1,
      1,
      TWO,
      Array.from({ length: 6000 }, (_, i) => [2n ** 40n, `unique ${i}`]),
    );
    await store.rollback(1n);
    await insert(store, 2, 1, TWO, [[1n, 'x']]);
    expect(all(store, 1, TWO).layout.map((l) => l.encoding)).toEqual(['i8', 'dict8']);
    await store.close();
  });

  it('a rollback removes files, before and after prepare', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(4 << 20));
    await write(store, 1, 1, TWO, [[1n, 'x']]);
    await store.rollback(1n);
    await write(store, 2, 1, TWO, [[1n, 'x']]);
    await store.prepare(2n);
    await store.rollback(2n);
    await store.rollback(2n);
    expect(readdirSync(join(dir, 't1'))).toEqual([]);
    await store.close();
    const again = await SegmentStore.open(dir, new FakePool(4 << 20));
    expect(again.preparedGxids()).toEqual([]);
    await again.close();
  });
});

describe('a dropped storage', () => {
  it('is gone for new scans; running ones finish; then the files go', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(16 << 20));
    const rows = Array.from({ length: 100 }, (_, i) => [BigInt(i), `n${i}`]);
    for (let i = 0; i < 20; i++) await insert(store, i + 1, 1, TWO, rows);
    const running = all(store, 1, TWO);
    await store.dropStorage(1);
    await store.dropStorage(1);
    expect(store.storages()).toEqual([]);
    expect(await drain(store, all(store, 1, TWO))).toEqual([]);
    expect(await drain(store, running)).toHaveLength(2000);
    await store.close();
    expect(readdirSync(join(dir, 't1'))).toEqual([]);
    expect((store.memory as FakePool).blocks.size).toBe(0);
    const again = await SegmentStore.open(dir, new FakePool(4 << 20));
    expect(readdirSync(dir)).toEqual(['manifest']);
    await again.close();
  });
});

describe('many small inserts', () => {
  const columns = [...TWO, column('n', { kind: 'numeric' })];
  const row = (i: number): FakeValue[] => [
    i % 5 === 0 ? null : BigInt(i) ** 3n,
    i % 7 === 0 ? null : `name ${i % 4}`,
    encodeVarNumeric({ unscaled: BigInt(i), scale: i % 3 }),
  ];
  const plain = (rows: FakeValue[][]): unknown[] =>
    rows.map((r) => r.map((x) => (typeof x === 'bigint' ? Number(x) : x instanceof Uint8Array ? [...x] : x)));
  const expected = (n: number): unknown[] =>
    plain(
      Array.from({ length: n }, (_, i) => row(i)).map((r) =>
        r.map((x) => (typeof x === 'string' ? new TextEncoder().encode(x) : x)),
      ),
    );

  it('become few row groups, and every snapshot sees its rows once', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(8 << 20));
    for (let i = 0; i < 40; i++) await insert(store, i + 1, 1, columns, [row(i)]);
    const before = all(store, 1, columns, 30);
    await drain(store, all(store, 1, columns));
    await store.idle();
    // The first scan saw 30 of them.
    expect(store.snapshot(1, 99n).map((g) => g.rows)).toEqual([30, ...Array(10).fill(1)]);
    expect(plain(await drain(store, before, true))).toEqual(expected(30));
    for (let csn = 0; csn <= 41; csn++)
      expect(plain(await drain(store, all(store, 1, columns, csn), true))).toEqual(
        expected(Math.min(csn, 40)),
      );
    expect(store.summary(1, 99n).rows).toBe(40);
    await insert(store, 41, 1, columns, [row(40)]);
    await store.close();
    const again = await SegmentStore.open(dir, new FakePool(8 << 20));
    expect(plain(await drain(again, all(again, 1, columns), true))).toEqual(expected(41));
    expect(readdirSync(join(dir, 't1'))).toHaveLength(12);
    await again.close();
  });

  it('may be dropped while they are merged', async () => {
    const dir = freshDir();
    const pool = new FakePool(8 << 20);
    const store = await SegmentStore.open(dir, pool);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 20; i++) await insert(store, round * 100 + i + 1, round, columns, [row(i)]);
      const scan = all(store, round, columns);
      if (round > 0) for (let i = 0; i < round * 3; i++) await new Promise((r) => setImmediate(r));
      await store.dropStorage(round);
      scan.close();
    }
    await store.close();
    expect(pool.blocks.size).toBe(0);
    const again = await SegmentStore.open(dir, new FakePool(1 << 20));
    expect(again.storages()).toEqual([]);
    expect(readdirSync(dir)).toEqual(['manifest']);
    await again.close();
  });
});

describe('the buffer pool', () => {
  const BIG = Array.from({ length: 196_608 }, (_, i) => [BigInt(i) * 5_000_000_000n, `n${i % 7}`]);

  it('serves a second scan without reading, and gives way under pressure', async () => {
    const pool = new FakePool(24 << 20);
    const store = await SegmentStore.open(freshDir(), pool);
    await insert(store, 1, 1, TWO, BIG);
    const first = store.scan({ storageId: 1, csn: 1n, ordinals: [0], columns: [TWO[0]!] });
    await drain(store, first);
    expect(first.stats).toMatchObject({ groups: 3, skipped: 0, rows: 196_608 });
    expect(first.stats.bytesRead).toBeGreaterThan(1_500_000);
    const second = store.scan({ storageId: 1, csn: 1n, ordinals: [0], columns: [TWO[0]!] });
    const hot = second.next();
    expect(hot).toMatchObject({ rows: 65_536 });
    if (typeof hot === 'object') hot.release();
    second.close();
    const block = pool.alloc(23 << 20);
    pool.free(block);
    const third = store.scan({ storageId: 1, csn: 1n, ordinals: [0], columns: [TWO[0]!] });
    expect((await drain(store, third)).length).toBe(196_608);
    expect(third.stats.bytesRead).toBeGreaterThan(1_000_000);
    await store.close();
  }, 20_000);

  it('lets a scan through that is larger than memory, batch by batch', async () => {
    const pool = new FakePool(24 << 20);
    const store = await SegmentStore.open(freshDir(), pool);
    await insert(store, 1, 1, TWO, BIG);
    const hog = pool.alloc((24 << 20) - (900 << 10));
    const source = store.scan({ storageId: 1, csn: 1n, ordinals: [0], columns: [TWO[0]!] });
    let n = 0;
    for (;;) {
      const b = source.next();
      if (b === 'end') break;
      if (b === 'wait') {
        await new Promise<void>((resolve) => source.onReady(resolve));
        continue;
      }
      n += b.rows;
      // While a batch is in use there is no memory for the next.
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(source.next()).toBe(n < 196_608 ? 'wait' : 'end');
      const again = new Promise<void>((resolve) => source.onReady(resolve));
      b.release();
      if (n < 196_608) await again;
    }
    expect(n).toBe(196_608);
    source.close();
    pool.free(hog);
    await store.close();
  }, 20_000);

  it('says what is wrong when memory is out for good', async () => {
    const pool = new FakePool(24 << 20);
    const store = await SegmentStore.open(freshDir(), pool);
    await insert(store, 1, 1, TWO, BIG);
    pool.alloc((24 << 20) - (100 << 10));
    const source = store.scan({ storageId: 1, csn: 1n, ordinals: [0], columns: [TWO[0]!] });
    expect(() => source.next()).toThrowError(expect.objectContaining({ code: '53200' }));
    source.close();
    await store.close();
  }, 20_000);

  it('keeps strings where they are until the query is over, though the scan is closed', async () => {
    const pool = new FakePool(8 << 20);
    const store = await SegmentStore.open(freshDir(), pool);
    await insert(store, 1, 1, TWO, [[1n, 'stays here']]);
    let end = (): void => {};
    const until = new Promise<void>((resolve) => {
      end = resolve;
    });
    const source = store.scan({ storageId: 1, csn: 1n, ordinals: [0, 1], columns: TWO, until });
    let batch = source.next();
    while (batch === 'wait') {
      await new Promise<void>((resolve) => source.onReady(resolve));
      batch = source.next();
    }
    if (batch === 'end') throw new Error('no batch');
    const refs = pool.u32[((batch.address + 16 + 32) >>> 2) + 2]!;
    const [at, length] = [pool.u32[refs >>> 2]!, pool.u32[(refs >>> 2) + 1]!];
    batch.release();
    source.close();
    store.pool.evict(Number.POSITIVE_INFINITY);
    expect(Buffer.from(pool.u8.slice(at, at + length)).toString()).toBe('stays here');
    end();
    await until;
    store.pool.evict(Number.POSITIVE_INFINITY);
    expect(pool.blocks.size).toBe(0);
    await store.close();
  });

  it('refuses a damaged file by name', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(4 << 20));
    await insert(store, 1, 1, TWO, [
      [1n, 'x'],
      [2n, 'y'],
    ]);
    const path = join(dir, 't1', '1.arrow');
    const bytes = readFileSync(path);
    const { region } = store.snapshot(1, 1n)[0]!.columns[0]!;
    bytes[region.at]! ^= 1;
    writeFileSync(path, bytes);
    await expect(drain(store, all(store, 1, TWO))).rejects.toMatchObject({
      code: 'XX001',
      message: expect.stringContaining('1.arrow'),
    });
    rmSync(path);
    await store.close();
    const again = await SegmentStore.open(dir, new FakePool(4 << 20));
    await expect(drain(again, all(again, 1, TWO))).rejects.toMatchObject({ code: '58030' });
    await again.close();
  });
});

describe('zone maps', () => {
  it('skip row groups that cannot match', async () => {
    const store = await SegmentStore.open(freshDir(), new FakePool(8 << 20));
    const columns = [
      column('d', { kind: 'date' }),
      column('n', { kind: 'numeric', precision: 10, scale: 2 }),
    ];
    for (let g = 0; g < 5; g++)
      await insert(store, g + 1, 1, columns, [
        [g * 100, BigInt(g * 1000)],
        [g * 100 + 99, BigInt(g * 1000 + 999)],
      ]);
    const scan = (zone: NonNullable<Parameters<SegmentStore['scan']>[0]['zone']>) => {
      const s = store.scan({ storageId: 1, csn: 99n, ordinals: [0], columns, zone });
      s.close();
      return s.stats.skipped;
    };
    const date = columns[0]!.type;
    const numeric = columns[1]!.type;
    expect(scan([{ ordinal: 0, op: '=', value: 150, type: date }])).toBe(4);
    expect(scan([{ ordinal: 0, op: '<', value: 100, type: date }])).toBe(4);
    expect(scan([{ ordinal: 0, op: '<=', value: 100, type: date }])).toBe(3);
    expect(
      scan([
        { ordinal: 0, op: '>=', value: 200, type: date },
        { ordinal: 0, op: '<', value: 300, type: date },
      ]),
    ).toBe(4);
    expect(scan([{ ordinal: 1, op: '>', value: { unscaled: 39995n, scale: 3 }, type: numeric }])).toBe(4);
    expect(scan([{ ordinal: 1, op: '=', value: null, type: numeric }])).toBe(5);
    expect(scan([{ ordinal: 0, op: 'isnull', value: undefined, type: date }])).toBe(5);
    await store.close();
  });
});

describe('a scan that learns later what matters', () => {
  it('leaves out row groups, read ahead or not, and keeps the order of the others', async () => {
    const store = await SegmentStore.open(freshDir(), new FakePool(16 << 20));
    const columns = [column('k', { kind: 'int4' }), column('t', { kind: 'text' })];
    const groups = 40;
    for (let g = 0; g < groups; g++)
      await insert(
        store,
        g + 1,
        1,
        columns,
        g === 7
          ? [[null, 'n']]
          : [
              [g * 10, `a${g}`],
              [g * 10 + 9, `b${g}`],
            ],
      );
    const wanted = new Set([3, 5, 8, 39]);
    for (const before of [0, 1, 4]) {
      const source = all(store, 1, columns);
      const delivered: FakeValue[][] = [];
      while (delivered.length < before * 2) {
        const next = source.next();
        if (next === 'end') break;
        if (next === 'wait') await new Promise<void>((resolve) => source.onReady(resolve));
        else {
          delivered.push(...readBatch(store.memory, next.address));
          next.release();
        }
      }
      const rows = source.narrow!(0, (min, max) => {
        expect(max - min).toBe(9n);
        return wanted.has(Number(min / 10n));
      });
      const rest = await drain(store, source);
      const left = [...wanted]
        .filter((g) => g >= before)
        .flatMap((g) => [
          [g * 10, `a${g}`],
          [g * 10 + 9, `b${g}`],
        ]);
      expect(rest.map((r) => [Number(r[0]), r[1]])).toEqual(left);
      expect(rows).toBe(groups * 2 - 1 - before * 2 - left.length);
    }
    await store.close();
  });
});

describe('the manifest', () => {
  /** A history of small commits; the log's bytes and what was visible after each commit. */
  it('cut at any byte gives back a committed prefix', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(4 << 20));
    const log = join(dir, 'manifest');
    const acknowledged: { bytes: number; rows: number }[] = [{ bytes: readFileSync(log).length, rows: 0 }];
    for (let i = 1; i <= 3; i++) {
      await insert(store, i, 1, [TWO[0]!], [[BigInt(i)]]);
      acknowledged.push({ bytes: readFileSync(log).length, rows: i });
    }
    await store.close();
    const whole = readFileSync(log).length;
    const first = acknowledged[0]!.bytes;
    const copy = freshDir();
    // Every byte of the last statement's records, and a sample of what is before them.
    const last = acknowledged.at(-2)!.bytes;
    for (let cut = first; cut <= whole; cut += cut < last ? 13 : 1) {
      rmSync(copy, { recursive: true, force: true });
      cpSync(dir, copy, { recursive: true });
      truncateSync(join(copy, 'manifest'), cut);
      const again = await SegmentStore.open(copy, new FakePool(1 << 16));
      const expected = acknowledged.filter((a) => a.bytes <= cut).at(-1)!;
      expect(again.summary(1, 99n).rows).toBe(expected.rows);
      await again.close();
    }
  }, 60_000);

  it('with garbage behind its end is trimmed; with damage in the middle it is refused by its offset', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(4 << 20));
    const log = join(dir, 'manifest');
    await insert(store, 1, 1, TWO, [[1n, 'x']]);
    await store.close();
    const good = readFileSync(log);
    writeFileSync(log, Buffer.concat([good, Buffer.alloc(4096)]));
    const again = await SegmentStore.open(dir, new FakePool(4 << 20));
    expect(again.summary(1, 9n).rows).toBe(1);
    await insert(again, 2, 1, TWO, [[2n, 'y']]);
    await again.close();
    const bad = readFileSync(log);
    bad[40]! ^= 0x10;
    writeFileSync(log, bad);
    await expect(SegmentStore.open(dir, new FakePool(4 << 20))).rejects.toMatchObject({
      code: 'XX001',
      message: expect.stringContaining('damaged at byte 16'),
    });
  });

  it('is compacted without losing anything', async () => {
    const dir = freshDir();
    let store = await SegmentStore.open(dir, new FakePool(4 << 20), { compactBytes: 2000 });
    for (let i = 1; i <= 60; i++) {
      await insert(store, i, i % 3, [TWO[0]!], [[BigInt(i)]]);
      if (i % 10 === 0) await store.dropStorage(2);
    }
    await write(store, 100, 1, [TWO[0]!], [[0n]]);
    await store.prepare(100n);
    const before = [0, 1, 2].map((s) => store.summary(s, 1000n).rows);
    await store.close();
    store = await SegmentStore.open(dir, new FakePool(4 << 20));
    expect([0, 1, 2].map((s) => store.summary(s, 1000n).rows)).toEqual(before);
    expect(store.preparedGxids()).toEqual([100n]);
    expect(readFileSync(join(dir, 'manifest')).length).toBeLessThan(60 * 300);
    await store.close();
  });

  it('takes concurrent statements', async () => {
    const dir = freshDir();
    const store = await SegmentStore.open(dir, new FakePool(8 << 20), { compactBytes: 3000 });
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => insert(store, i + 1, i % 2, [TWO[0]!], [[BigInt(i)], [null]])),
    );
    const again = await SegmentStore.open(dir, new FakePool(8 << 20));
    expect([again.summary(0, 99n).rows, again.summary(1, 99n).rows]).toEqual([40, 40]);
    await again.close();
    await store.close();
  });
});
