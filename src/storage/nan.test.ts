/** NaN in numeric(p,s) columns on disk: however it comes, it comes back, and only row groups that have it pay. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { WasmKernels } from '../engine/encode/kernels.js';
import { SharedMemory } from '../engine/runtime/shared-memory.js';
import { chunkEncoding } from '../types/arrow/sql-field.js';
import { buildChunk, type FakeValue, readBatch } from '../types/chunk-fake.js';
import { compareNumeric, NAN } from '../types/numeric.js';
import { NUMERIC } from '../types/sql-type.js';
import { isNan, nanInteger, type ScaledNumeric } from '../types/stored-numeric.js';
import type { Numeric } from '../types/value.js';
import { decodeVarNumeric, encodeVarNumeric } from '../types/var-numeric.js';
import { DICTIONARY } from './encode-kernels.js';
import { mergeAnalyze } from './merge-analyze.js';
import { ROW_GROUP_ROWS } from './row-group.js';
import { SegmentStore } from './table-store.js';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function freshDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mpp-nan-'));
  dirs.push(dir);
  return dir;
}

function open(dir: string, compiled: boolean): Promise<SegmentStore> {
  const memory = SharedMemory.create(64 << 20);
  const kernels = compiled ? new WasmKernels(memory, DICTIONARY) : undefined;
  return SegmentStore.open(dir, memory, { kernels });
}

type Cell = Numeric | null;
/** `bytes`: the rows come as numerics without scale, else as integers. */
type Load = { readonly cells: readonly Cell[]; readonly bytes: boolean };

const TYPES: readonly ScaledNumeric[] = [
  { kind: 'numeric', precision: 5, scale: 2 },
  { kind: 'numeric', precision: 18, scale: 0 },
  { kind: 'numeric', precision: 19, scale: 4 },
  { kind: 'numeric', precision: 38, scale: 10 },
  { kind: 'numeric', precision: 50, scale: 3 },
];

function columnsOf(type: ScaledNumeric) {
  return [{ name: 'v', type, notNull: false }];
}

function asInteger(type: ScaledNumeric, v: Cell): FakeValue {
  if (v === null) return null;
  return 'special' in v ? nanInteger(type)! : v.unscaled;
}

async function load(store: SegmentStore, type: ScaledNumeric, gxid: bigint, { cells, bytes }: Load) {
  const writer = store.openWriter(gxid, 1, columnsOf(type));
  const asBytes = bytes || nanInteger(type) === undefined;
  const encoding = asBytes ? 'utf8' : chunkEncoding(type);
  const value = (v: Cell): FakeValue => (asBytes ? v && encodeVarNumeric(v) : asInteger(type, v));
  for (let i = 0; i < cells.length; i += 20_000)
    writer.take(
      buildChunk(
        store.memory,
        [encoding],
        cells.slice(i, i + 20_000).map((v) => [value(v)]),
      ),
    );
  await writer.finish();
  await store.prepare(gxid);
  await store.commit(gxid, gxid);
}

/** As a plan reads them that knows of NaN, or of none. */
async function read(store: SegmentStore, type: ScaledNumeric, hasNan: boolean): Promise<Cell[]> {
  const scan = store.scan({
    storageId: 1,
    csn: 1000n,
    ordinals: [0],
    columns: [hasNan ? { type: NUMERIC, scale: type.scale } : { type }],
  });
  const rows: Cell[] = [];
  for (;;) {
    const next = scan.next();
    if (next === 'end') break;
    if (next === 'wait') {
      await new Promise<void>((resolve) => scan.onReady(resolve));
      continue;
    }
    for (const [v] of readBatch(store.memory, next.address, true)) {
      if (v === null) rows.push(null);
      else if (v instanceof Uint8Array) rows.push(decodeVarNumeric(v));
      else rows.push({ unscaled: BigInt(v as number), scale: type.scale });
    }
    next.release();
  }
  scan.close();
  return rows;
}

function cellsOf(type: ScaledNumeric, nan: boolean): fc.Arbitrary<Cell> {
  const limit = 10n ** BigInt(type.precision) - 1n;
  const number = fc
    .oneof(
      fc.bigInt({ min: -limit, max: limit }),
      fc.bigInt({ min: -100n, max: 100n }),
      fc.constantFrom(limit, -limit, 0n),
    )
    .map((unscaled): Cell => ({ unscaled, scale: type.scale }));
  return fc.oneof(
    { weight: 8, arbitrary: number },
    { weight: 1, arbitrary: fc.constant(null) },
    ...(nan ? [{ weight: 2, arbitrary: fc.constant<Cell>(NAN) }] : []),
  );
}

const cases = fc.constantFrom(...TYPES).chain((type) =>
  fc.record({
    type: fc.constant(type),
    loads: fc.array(
      fc.boolean().chain((nan) =>
        fc.record({
          cells: fc.array(cellsOf(type, nan), { minLength: 1, maxLength: 30 }),
          bytes: fc.boolean(),
        }),
      ),
      // Enough small row groups are merged.
      { minLength: 1, maxLength: 20, size: 'max' },
    ),
    compiled: fc.boolean(),
  }),
);

test('what is loaded comes back, merged or not, also from disk, and a summary tells of NaN', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ type, loads, compiled }) => {
      const dir = freshDir();
      let store = await open(dir, compiled);
      for (const [i, l] of loads.entries()) await load(store, type, BigInt(i + 1), l);
      const cells = loads.flatMap((l) => l.cells);
      const hasNan = cells.some(isNan);
      for (let round = 0; round < 3; round++) {
        expect(store.summary(1, 1000n).columns[0]!.hasNan).toBe(hasNan);
        expect(await read(store, type, hasNan)).toEqual(cells);
        // A plan may be careful for the sake of other segments.
        expect(await read(store, type, true)).toEqual(cells);
        if (round === 0) await store.idle();
        else if (round === 1) {
          await store.close();
          store = await open(dir, compiled);
        }
      }
      await store.close();
    }),
    { numRuns: 40 },
  );
}, 120_000);

test('only the row group with NaN has no integers, and does not make those of others wider', async () => {
  const type = TYPES[0]!;
  const number = (i: number): Cell => ({ unscaled: BigInt(i % 100), scale: type.scale });
  const cells = Array.from({ length: ROW_GROUP_ROWS * 3 }, (_, i) =>
    i === ROW_GROUP_ROWS + 7 ? NAN : number(i),
  );
  // Integers by compiled loops, bytes by way of staged columns.
  for (const bytes of [false, true]) {
    const store = await open(freshDir(), !bytes);
    await load(store, type, 1n, { cells, bytes });
    const columns = store.snapshot(1, 9n).map((g) => g.columns[0]!);
    expect(columns.map((c) => c.encoding)).toEqual(['i8', 'utf8', 'i8']);
    expect(columns[0]!.zone).toEqual({ kind: 'int', min: 0, max: 99 });
    expect(await read(store, type, true)).toEqual(cells);
    await store.close();
  }
});

test('a scan skips no row group that has matching rows', async () => {
  const type = TYPES[0]!;
  const store = await open(freshDir(), true);
  const number = (unscaled: bigint): Numeric => ({ unscaled, scale: 2 });
  const groups: Cell[][] = [[number(100n), number(200n)], [number(300n), NAN], [NAN, null], [number(-5n)]];
  for (const [i, cells] of groups.entries())
    await load(store, type, BigInt(i + 1), { cells, bytes: i % 2 === 0 });
  const holds = { '=': (c: number) => c === 0, '<': (c: number) => c < 0, '>': (c: number) => c > 0 };
  for (const value of [NAN, number(100n), number(250n), number(300n), number(1000n), number(-5n)])
    for (const [op, test] of Object.entries(holds)) {
      const scan = store.scan({
        storageId: 1,
        csn: 9n,
        ordinals: [0],
        columns: [{ type: NUMERIC, scale: 2 }],
        zone: [{ ordinal: 0, op: op as '=', value, type: { kind: 'numeric', scale: 2 } }],
      });
      const needed = groups.filter((cells) =>
        cells.some((c) => c !== null && test(compareNumeric(c, value))),
      );
      expect(scan.stats.groups - scan.stats.skipped).toBeGreaterThanOrEqual(needed.length);
      // Zone maps of so few rows are exact.
      if (op !== '=') expect(scan.stats.groups - scan.stats.skipped).toBe(needed.length);
      scan.close();
    }
  await store.close();
});

test('statistics of segments with NaN and without are of one kind', async () => {
  const type = TYPES[0]!;
  const number = (i: number): Cell => ({ unscaled: BigInt(i), scale: 2 });
  const parts = [];
  for (const nan of [true, false]) {
    const store = await open(freshDir(), true);
    const cells = Array.from({ length: 400 }, (_, i) => (nan && i % 4 === 0 ? NAN : number(i % 20)));
    await load(store, type, 1n, { cells, bytes: false });
    parts.push(await store.analyze(1, 9n, [{ type }]));
    await store.close();
  }
  const [column] = mergeAnalyze(parts, [{ type }]).columns;
  expect(column).toMatchObject({ distinct: 21, noNulls: true });
  expect(column!.mostCommon![0]).toEqual({ value: NAN, fraction: 0.125 });
  expect(column!.mostCommon!.slice(1).every(({ value }) => !isNan(value))).toBe(true);
});
