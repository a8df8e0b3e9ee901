/** Row groups written and scanned by a segment's store: lineitem's kinds of columns, staged, encoded, forced to disk; then loaded by
 *  a store that has nothing in its memory (the files are in the system's cache, having just been written). Asynchronous, so
 *  not a `Case`; checked and measured alike, but in elapsed time. Bytes are those of the files. */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SharedMemory } from '../../../src/engine/runtime/shared-memory.js';
import { SegmentStore } from '../../../src/storage/table-store.js';
import { chunkEncoding } from '../../../src/types/arrow/sql-field.js';
import { BATCH_HEADER_BYTES, type ChunkColumn, type OutChunk } from '../../../src/types/memory.js';
import { DATE, INT4, type SqlType, TEXT } from '../../../src/types/sql-type.js';
import type { Measured } from '../runner.js';
import { mixed } from '../vectors.js';

const MEMORY_BYTES = 1 << 30;
const CHUNK_ROWS = 16_384;
const MODES = ['AIR', 'FOB', 'MAIL', 'RAIL', 'REG AIR', 'SHIP', 'TRUCK'];

type Field = {
  readonly name: string;
  readonly type: SqlType;
  readonly value: (i: number) => number;
  readonly text?: (i: number) => string;
};

const FIELDS: readonly Field[] = [
  { name: 'l_orderkey', type: INT4, value: (i) => 100_000 + (i >> 2) },
  { name: 'l_partkey', type: INT4, value: (i) => mixed(i) % 200_000 },
  {
    name: 'l_extendedprice',
    type: { kind: 'numeric', precision: 15, scale: 2 },
    value: (i) => mixed(i + 1) >>> 8,
  },
  { name: 'l_discount', type: { kind: 'numeric', precision: 15, scale: 2 }, value: (i) => mixed(i + 2) % 11 },
  { name: 'l_shipdate', type: DATE, value: (i) => 8000 + (mixed(i + 3) % 2500) },
  { name: 'l_shipmode', type: TEXT, value: () => 0, text: (i) => MODES[mixed(i + 4) % MODES.length]! },
  {
    name: 'l_comment',
    type: TEXT,
    value: () => 0,
    text: (i) => `carefully final ${mixed(i + 5).toString(36)} deposits`,
  },
];

function chunkOf(memory: SharedMemory, from: number, rows: number): OutChunk {
  const owned: number[] = [];
  const alloc = (bytes: number): number => {
    const address = memory.alloc(bytes);
    owned.push(address);
    return address;
  };
  const columns = FIELDS.map((field): ChunkColumn => {
    const encoding = chunkEncoding(field.type);
    const { text } = field;
    if (text) {
      const bytes = Buffer.from(Array.from({ length: rows }, (_, i) => text(from + i)).join(''), 'latin1');
      const data = alloc(bytes.length);
      const offsets = alloc((rows + 1) * 4);
      memory.u8.set(bytes, data);
      let at = 0;
      for (let i = 0; i < rows; i++) {
        memory.i32[(offsets >>> 2) + i] = at;
        at += text(from + i).length;
      }
      memory.i32[(offsets >>> 2) + rows] = at;
      return { encoding, data, dataBytes: at, validity: 0, offsets };
    }
    const width = encoding === 'i64' ? 8 : 4;
    const data = alloc(rows * width);
    if (width === 8) {
      const values = new BigInt64Array(memory.memory.buffer, data, rows);
      for (let i = 0; i < rows; i++) values[i] = BigInt(field.value(from + i));
    } else for (let i = 0; i < rows; i++) memory.i32[(data >>> 2) + i] = field.value(from + i);
    return { encoding, data, dataBytes: rows * width, validity: 0, offsets: 0 };
  });
  return {
    rows,
    partition: 0,
    columns,
    release: () => {
      for (const a of owned) memory.free(a);
    },
  };
}

/** Writes `rows` rows; milliseconds, those of making the chunks not included. */
async function write(dir: string, rows: number): Promise<number> {
  const memory = SharedMemory.create(MEMORY_BYTES);
  const store = await SegmentStore.open(dir, memory);
  try {
    const columns = FIELDS.map((f) => ({ name: f.name, type: f.type, notNull: true }));
    const writer = store.openWriter(1n, 1, columns, { table: 'lineitem' });
    let ms = 0;
    for (let from = 0; from < rows; from += CHUNK_ROWS) {
      const chunk = chunkOf(memory, from, Math.min(CHUNK_ROWS, rows - from));
      const began = performance.now();
      writer.append(chunk);
      while (!writer.ready()) await new Promise<void>((resolve) => writer.onReady(resolve));
      ms += performance.now() - began;
      chunk.release();
    }
    const began = performance.now();
    await writer.finish();
    await store.prepare(1n);
    await store.commit(1n, 1n);
    return ms + performance.now() - began;
  } finally {
    await store.close();
  }
}

/** Scans all columns with a fresh store; milliseconds and what was seen. */
async function scan(dir: string): Promise<{ ms: number; rows: number; orderKeys: number }> {
  const memory = SharedMemory.create(MEMORY_BYTES);
  const store = await SegmentStore.open(dir, memory);
  try {
    const began = performance.now();
    const source = store.scan({ storageId: 1, csn: 1n, ordinals: FIELDS.map((_, i) => i), columns: FIELDS });
    let rows = 0;
    let orderKeys = 0;
    for (;;) {
      const batch = source.next();
      if (batch === 'end') break;
      if (batch === 'wait') {
        await new Promise<void>((resolve) => source.onReady(resolve));
        continue;
      }
      rows += batch.rows;
      const data = memory.u32[(batch.address + BATCH_HEADER_BYTES) >>> 2]!;
      const { encoding } = source.layout[0]!;
      if (encoding !== 'i32') throw new Error(`l_orderkey is stored as ${encoding}`);
      orderKeys += memory.i32[data >>> 2]! + memory.i32[(data >>> 2) + batch.rows - 1]!;
      batch.release();
    }
    source.close();
    return { ms: performance.now() - began, rows, orderKeys };
  } finally {
    await store.close();
  }
}

function fileBytes(dir: string): number {
  return readdirSync(join(dir, 't1')).reduce((sum, f) => sum + statSync(join(dir, 't1', f)).size, 0);
}

export async function measureRowGroups(base: string, rows: number, runs: number): Promise<Measured[]> {
  const dir = join(base, 'operators-row-groups');
  const writes: number[] = [];
  const scans: number[] = [];
  let bytes = 0;
  const n = rows >> 2;
  try {
    for (let i = 0; i < runs; i++) {
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir, { recursive: true });
      writes.push(await write(dir, n));
      bytes = fileBytes(dir);
      const seen = await scan(dir);
      // First and last order key of each row group.
      let expected = 0;
      for (let from = 0; from < n; from += 65_536)
        expected += FIELDS[0]!.value(from) + FIELDS[0]!.value(Math.min(from + 65_536, n) - 1);
      if (seen.rows !== n || seen.orderKeys !== expected) throw new Error('row groups: rows differ');
      scans.push(seen.ms);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const measured = (name: string, samplesMs: readonly number[]): Measured => ({
    name,
    rows: n,
    bytes,
    samplesMs,
    bestMs: Math.min(...samplesMs),
  });
  return [
    measured('row groups: write, forced to disk', writes),
    measured('row groups: scan from files', scans),
  ];
}
