/** Master and segments in one process, over real gRPC and real storage; plans written by hand. */
import { writeFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { EvalSettings } from '../../engine/api.js';
import { type FileIdentity, identify } from '../../exchange/process/shared-file.js';
import type { Column } from '../../plan/expr.js';
import type { DistributedPlan, PhysicalOp, Slice } from '../../plan/physical.js';
import { Segment } from '../../segment/segment.js';
import { CSV_COPY } from '../../types/copy-options.js';
import { hashRow, segmentOfHash } from '../../types/hash.js';
import {
  type ColId,
  type Csn,
  type Gxid,
  MASTER,
  type MotionId,
  type SegmentId,
  type SliceId,
  type StorageId,
} from '../../types/ids.js';
import type { OutChunk } from '../../types/memory.js';
import { INT4, TEXT } from '../../types/sql-type.js';
import { Master } from '../master.js';
import type { TableTarget } from './api.js';

const SEGMENTS = 2;
const log = pino({ level: process.env.MPP_LOG ?? 'silent' });
const settings: EvalSettings = {
  nowMicros: 0n,
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
  user: 'u',
  database: 'd',
  searchPath: ['public'],
};

let dir = '';
let master: Master;
let segments: Segment[] = [];

function startSegment(i: number): Promise<Segment> {
  return Segment.start({
    join: master.address,
    token: 't',
    data: join(dir, `segment-${i}`),
    listen: '127.0.0.1:0',
    workers: 1,
    memoryBytes: 64 << 20,
    log,
  });
}

const up = () => master.dispatcher.segments().filter((s) => s.up).length;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mpp-dispatch-'));
  master = await Master.start(
    {
      data: join(dir, 'master'),
      listen: '127.0.0.1:0',
      advertise: undefined,
      token: 't',
      segments: SEGMENTS,
      workers: 1,
      memoryBytes: 64 << 20,
      log,
    },
    () => undefined,
  );
  for (let i = 0; i < SEGMENTS; i++) {
    segments.push(await startSegment(i));
    await vi.waitFor(() => expect(up()).toBe(i + 1), 5000);
  }
});

afterAll(async () => {
  for (const s of segments) await s.stop();
  await master?.stop();
  await rm(dir, { recursive: true, force: true });
});

const table: TableTarget = {
  oid: 20000,
  storageId: 7 as StorageId,
  name: 't',
  columns: [
    { name: 'k', type: INT4, notNull: true },
    { name: 'v', type: TEXT, notNull: false },
  ],
  distribution: { kind: 'hash', columns: [0] },
};
const cols: Column[] = [
  { id: 1 as ColId, name: 'k', type: INT4, nullable: false },
  { id: 2 as ColId, name: 'v', type: TEXT, nullable: true },
];
const ALL = [0, 1] as SegmentId[];

function scan(): PhysicalOp {
  return {
    kind: 'scan',
    id: 1,
    cols,
    rows: 1,
    cost: 1,
    storageId: table.storageId,
    table: 't',
    tableOid: table.oid,
    ordinals: [0, 1],
    scanCols: cols,
    filter: undefined,
    zone: [],
  };
}

function gatherPlan(limit?: number): DistributedPlan {
  const motion = 1 as MotionId;
  const receive: PhysicalOp = {
    kind: 'receive',
    id: 2,
    cols,
    rows: 1,
    cost: 1,
    motion,
    fromSlice: 1 as SliceId,
    merge: undefined,
  };
  const top: PhysicalOp =
    limit === undefined
      ? receive
      : {
          kind: 'limit',
          id: 3,
          cols,
          rows: 1,
          cost: 1,
          input: receive,
          limit: { kind: 'const', value: BigInt(limit), type: { kind: 'int8' } },
          offset: undefined,
        };
  const slices: Slice[] = [
    {
      id: 1 as SliceId,
      root: scan(),
      gang: ALL,
      sink: { kind: 'motion', motion, to: 2 as SliceId, mode: 'gather', cols },
    },
    { id: 2 as SliceId, root: top, gang: [MASTER], sink: { kind: 'result', cols } },
  ];
  return { slices, output: cols, paramTypes: [], assumes: [] };
}

class Rows {
  readonly done = false;
  readonly keys: number[] = [];
  push(chunk: OutChunk): void {
    const { i32 } = master.dispatcher.memory;
    for (let r = 0; r < chunk.rows; r++) this.keys.push(i32[(chunk.columns[0]!.data >>> 2) + r]!);
    chunk.release();
  }
  ready(): boolean {
    return true;
  }
  onReady(): void {}
  finish(): Promise<void> {
    return Promise.resolve();
  }
  abort(): void {}
}

async function select(limit?: number, signal = new AbortController().signal): Promise<number[]> {
  const sink = new Rows();
  const stats = await master.dispatcher.run(gatherPlan(limit), {
    queryId: master.newQueryId(),
    params: [],
    settings,
    snapshotCsn: master.dispatcher.snapshot(),
    gxid: undefined,
    instrument: true,
    signal,
    sink,
    virtualScan: () => {
      throw new Error('none');
    },
  });
  expect(stats.slices.length).toBe(3);
  return sink.keys.sort((a, b) => a - b);
}

async function copy(gxid: Gxid, from: number, to: number, target = table): Promise<number> {
  const stream = master.dispatcher.copyIn({
    queryId: master.newQueryId(),
    gxid,
    table: target,
    ordinals: [0, 1],
    defaults: [undefined, undefined],
    options: CSV_COPY,
    settings,
    signal: new AbortController().signal,
  });
  for (let at = from; at < to; at += 1000) {
    let text = '';
    for (let i = at; i < Math.min(to, at + 1000); i++) text += `${i},value ${i}\n`;
    await stream.write({ bytes: Buffer.from(text), firstLine: at - from + 1 });
  }
  return (await stream.end()).rows;
}

async function load(from: number, to: number, target = table): Promise<number> {
  const gxid = await master.dispatcher.beginLoad();
  const rows = await copy(gxid, from, to, target);
  await master.dispatcher.commitLoad(gxid, () => Promise.resolve());
  return rows;
}

function sameKeys(keys: readonly number[], n: number): boolean {
  return keys.length === n && keys.every((k, i) => k === i);
}

test('a query over an empty cluster gives no rows', async () => {
  expect(await select()).toEqual([]);
});

test('COPY spreads rows by hash; they are visible after the commit, and not before', async () => {
  const gxid = await master.dispatcher.beginLoad();
  expect(await copy(gxid, 0, 10_000)).toBe(10_000);
  expect(await select()).toEqual([]);
  let added: unknown;
  await master.dispatcher.commitLoad(gxid, (a) => {
    added = a;
    return Promise.resolve();
  });
  expect(added).toMatchObject([
    {
      storageId: 7,
      rows: 10_000,
      columns: [{ range: { min: 0n, max: 9999n }, noNulls: true }, { noNulls: true }],
    },
  ]);
  expect(sameKeys(await select(), 10_000)).toBe(true);
  expect(await master.dispatcher.tableSummary(table)).toMatchObject({ rows: 10_000 });
  expect(segmentOfHash(hashRow([INT4], [1]), 2)).toBeLessThan(2);
});

test('LIMIT stops the senders, and all ends cleanly', async () => {
  expect((await select(5)).length).toBe(5);
});

test('an aborted load leaves nothing; a bad line names itself', async () => {
  const gxid = await master.dispatcher.beginLoad();
  await copy(gxid, 20_000, 30_000);
  await master.dispatcher.abortLoad(gxid);
  expect((await select()).length).toBe(10_000);
  const bad = await master.dispatcher.beginLoad();
  const stream = master.dispatcher.copyIn({
    queryId: master.newQueryId(),
    gxid: bad,
    table,
    ordinals: [0, 1],
    defaults: [undefined, undefined],
    options: CSV_COPY,
    settings,
    signal: new AbortController().signal,
  });
  await stream.write({ bytes: Buffer.from('1,a\n2,b\n'), firstLine: 1 });
  await stream.write({ bytes: Buffer.from('3,c\nx,d\n'), firstLine: 3 }).catch(() => undefined);
  await expect(stream.end()).rejects.toMatchObject({
    code: '22P02',
    where: expect.stringContaining('line 4'),
  });
  await master.dispatcher.abortLoad(bad);
  expect((await select()).length).toBe(10_000);
});

test('of many bad lines the first is named, whichever segment meets its own first', async () => {
  for (let round = 0; round < 5; round++) {
    const gxid = await master.dispatcher.beginLoad();
    const stream = master.dispatcher.copyIn({
      queryId: master.newQueryId(),
      gxid,
      table,
      ordinals: [0, 1],
      defaults: [undefined, undefined],
      options: CSV_COPY,
      settings,
      signal: new AbortController().signal,
    });
    const sent = (async () => {
      await stream.write({ bytes: Buffer.from(`${'1,a\n'.repeat(3000)}x,b\n`), firstLine: 1 });
      for (let i = 0; i < 50; i++) await stream.write({ bytes: Buffer.from('y,d\n'), firstLine: 3002 + i });
      await stream.end();
    })();
    await expect(sent).rejects.toMatchObject({ where: expect.stringContaining('line 3001,') });
    await master.dispatcher.abortLoad(gxid);
  }
});

/** A COPY whose blocks are announced with other bytes than the file has at their place. */
async function copyFile(
  gxid: Gxid,
  lines: string,
  known: (f: FileIdentity) => FileIdentity,
): Promise<number> {
  const path = join(dir, 'lines');
  writeFileSync(path, lines);
  const file = await open(path);
  try {
    const stream = master.dispatcher.copyIn({
      queryId: master.newQueryId(),
      gxid,
      table,
      ordinals: [0, 1],
      defaults: [undefined, undefined],
      options: CSV_COPY,
      settings,
      file: known((await identify(file, path))!),
      signal: new AbortController().signal,
    });
    let line = 1;
    const text = lines.split('\n').slice(0, -1);
    let fileOffset = 0;
    for (const l of text) {
      const sent = `9${l.slice(1)}\n`;
      await stream.write({ bytes: Buffer.from(sent), firstLine: line++, fileOffset });
      fileOffset += sent.length;
    }
    return (await stream.end()).rows;
  } finally {
    await file.close();
  }
}

test.runIf(process.platform === 'linux')('segments read the file of a COPY when it is the same', async () => {
  const lines = Array.from({ length: 50 }, (_, i) => `7${100 + i},from the file\n`).join('');
  const read = await master.dispatcher.beginLoad();
  expect(await copyFile(read, lines, (f) => f)).toBe(50);
  const seen: unknown[] = [];
  await master.dispatcher
    .commitLoad(read, (added) => {
      seen.push(added[0]!.columns[0]!.range);
      return Promise.reject(new Error('enough'));
    })
    .catch(() => undefined);
  const sent = await master.dispatcher.beginLoad();
  expect(await copyFile(sent, lines, (f) => ({ ...f, inode: f.inode + 1n }))).toBe(50);
  await master.dispatcher
    .commitLoad(sent, (added) => {
      seen.push(added[0]!.columns[0]!.range);
      return Promise.reject(new Error('enough'));
    })
    .catch(() => undefined);
  expect(seen).toEqual([
    { min: 7100n, max: 7149n },
    { min: 9100n, max: 9149n },
  ]);
  const bad = await master.dispatcher.beginLoad();
  await expect(copyFile(bad, `${lines}7x,y\n`, (f) => f)).rejects.toMatchObject({
    code: '22P02',
    where: expect.stringContaining('line 51,'),
  });
  await master.dispatcher.abortLoad(bad);
  expect((await select()).length).toBe(10_000);
});

test('a beforeVisible that fails aborts the load', async () => {
  const gxid = await master.dispatcher.beginLoad();
  await copy(gxid, 40_000, 40_010);
  await expect(
    master.dispatcher.commitLoad(gxid, () => Promise.reject(new Error('catalog is full'))),
  ).rejects.toThrow('catalog is full');
  expect((await select()).length).toBe(10_000);
});

test('loads side by side become visible whole', async () => {
  await Promise.all([load(10_000, 12_000), load(12_000, 14_000), select(), load(14_000, 15_000)]);
  expect(sameKeys(await select(), 15_000)).toBe(true);
});

test('replicated rows are counted once', async () => {
  const target: TableTarget = { ...table, storageId: 8 as StorageId, distribution: { kind: 'replicated' } };
  expect(await load(0, 500, target)).toBe(500);
  expect(await master.dispatcher.tableSummary(target)).toMatchObject({ rows: 500 });
});

test('ANALYZE merges what the segments saw', async () => {
  const r = await master.dispatcher.analyze(table, [0], { signal: new AbortController().signal });
  expect(r.rows).toBe(15_000);
  expect(r.columns[0]!.distinct!).toBeGreaterThan(13_000);
  expect(r.columns[1]).toBeUndefined();
});

test('a cancelled query ends at once', async () => {
  const abort = new AbortController();
  const running = select(undefined, abort.signal);
  abort.abort();
  await expect(running).rejects.toMatchObject({ code: '57014' });
  expect((await select()).length).toBe(15_000);
});

test('a segment that stops is named; queries work again once it is back', async () => {
  await segments[1]!.stop();
  await vi.waitFor(() => expect(up()).toBe(1), 3000);
  await expect(select()).rejects.toMatchObject({
    code: '57P03',
    message: expect.stringContaining('segment 1'),
  });
  segments = [segments[0]!, await startSegment(1)];
  await vi.waitFor(() => expect(up()).toBe(2), 5000);
  expect(sameKeys(await select(), 15_000)).toBe(true);
});

test('a load whose participant leaves before the commit is aborted', async () => {
  const gxid = await master.dispatcher.beginLoad();
  await copy(gxid, 50_000, 50_100);
  await segments[1]!.stop();
  segments = [segments[0]!, await startSegment(1)];
  await vi.waitFor(() => expect(up()).toBe(2), 5000);
  await expect(master.dispatcher.commitLoad(gxid, () => Promise.resolve())).rejects.toMatchObject({
    code: '08006',
  });
  expect((await select()).length).toBe(15_000);
});

test('an extra segment is refused, a wrong token as well', async () => {
  const extra = await startSegment(9);
  await new Promise((r) => setTimeout(r, 300));
  expect(master.dispatcher.segments().length).toBe(2);
  await extra.stop();
  expect(master.dispatcher.snapshot() > (0n as Csn)).toBe(true);
});
