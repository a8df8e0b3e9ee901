/** A single-threaded runtime for tests of the operators: runs a compiled slice over rows given as SQL values.
 *
 *  Workers are simulated by several worker states that take morsels in turn, so that merging is exercised without
 *  threads. Not for production: see `engine/runtime`. */
import type { Column } from '../../plan/expr.js';
import type { NodeId, PhysicalOp, Slice } from '../../plan/physical.js';
import { FILTER_BOUNDS_BYTES } from '../../types/filter-bits.js';
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ColumnLayout,
  ENCODING_CODE,
  type Encoding,
  type OutChunk,
} from '../../types/memory.js';
import { SqlError } from '../../types/sql-error.js';
import { type Repr, reprOf, type SqlType } from '../../types/sql-type.js';
import { isInterval, isNumeric, type Value } from '../../types/value.js';
import { decodeVarNumeric, encodeVarNumeric } from '../../types/var-numeric.js';
import type { CompiledSlice, EvalSettings, PipelineDesc } from '../api.js';
import { makeHostImports } from '../codegen/host-calls.js';
import { QS, WS } from '../layout.js';
import { writeParam } from '../runtime/params.js';
import { SharedMemory } from '../runtime/shared-memory.js';
import { compileSlice } from './compile.js';
import { readChunks } from './out-chunk.js';
import { unpackFilter } from './runtime-filter.js';

export const SETTINGS: EvalSettings = {
  nowMicros: 0n,
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
  user: 'test',
  database: 'test',
  searchPath: ['public'],
};

export type Rows = readonly (readonly Value[])[];

export type TestOptions = {
  readonly workers?: number;
  readonly batchRows?: number;
  readonly rangeRows?: number;
  readonly receivers?: number;
  readonly params?: readonly Value[];
  readonly instrument?: boolean;
  readonly encodings?: ReadonlyMap<NodeId, readonly Encoding[]>;
  readonly memoryBytes?: number;
  /** Filled with milliseconds by pipeline label, as `clock` counts them (default: elapsed). */
  readonly stats?: Record<string, number>;
  readonly clock?: () => number;
  /** Compiled before: V8 keeps optimised code with the module. */
  readonly module?: WebAssembly.Module;
  /** Takes the output, releases included, instead of its being read into rows. */
  readonly onChunk?: (chunk: OutChunk) => void;
};

export type TestResult = {
  readonly rows: Value[][];
  /** By partition; broadcast rows are under -1. */
  readonly partitions: Map<number, Value[][]>;
  readonly counters: Map<NodeId, number>;
  readonly compiled: CompiledSlice;
  readonly leakedBytes: number;
};

type LoadedBatch = { readonly address: number; readonly rows: number };

const DEFAULT_ENCODING: Record<Repr, Encoding> = {
  i32: 'i32',
  i64: 'i64',
  i128: 'i128',
  interval: 'i128',
  f32: 'f32',
  f64: 'f64',
  str: 'utf8',
};

const ELEMENT: Partial<Record<Encoding, number>> = {
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  f32: 4,
  f64: 8,
  i128: 16,
  dict8: 1,
  dict16: 2,
  dict32: 4,
};

export function defaultEncoding(col: Column): Encoding {
  return col.type.kind === 'bool' ? 'i8' : DEFAULT_ENCODING[reprOf(col.type, col.range)];
}

function unscaled(v: Value, type: SqlType): bigint {
  if (typeof v === 'boolean') return v ? 1n : 0n;
  if (typeof v === 'number' || typeof v === 'bigint') return BigInt(v);
  if (isNumeric(v) && 'unscaled' in v && type.kind === 'numeric' && type.scale !== undefined)
    return v.unscaled * 10n ** BigInt(type.scale - v.scale);
  throw new Error(`not an integer: ${String(v)}`);
}

function valueBytes(v: Value): Uint8Array {
  if (isNumeric(v)) return encodeVarNumeric(v);
  return v instanceof Uint8Array ? v : new TextEncoder().encode(String(v));
}

export class TestMemory {
  readonly memory: SharedMemory;
  private readonly view: DataView;

  constructor(bytes = 64 << 20) {
    this.memory = SharedMemory.create(bytes);
    this.view = new DataView(this.memory.memory.buffer);
  }

  batch(cols: readonly Column[], layouts: readonly ColumnLayout[], rows: Rows): LoadedBatch {
    const { memory, view } = this;
    const n = rows.length;
    const address = memory.alloc(BATCH_HEADER_BYTES + cols.length * BATCH_COLUMN_BYTES);
    view.setUint32(address, n, true);
    view.setUint32(address + 4, cols.length, true);
    cols.forEach((col, j) => {
      const { encoding, nullable } = layouts[j];
      const at = address + BATCH_HEADER_BYTES + j * BATCH_COLUMN_BYTES;
      for (let i = 0; i < BATCH_COLUMN_BYTES; i += 4) view.setUint32(at + i, 0, true);
      view.setUint32(at + 12, ENCODING_CODE[encoding], true);
      const values = rows.map((r) => r[j]);
      const hasNull = values.includes(null);
      if (hasNull && !nullable) throw new Error(`null in column ${col.name}`);
      if (hasNull) {
        const bits = memory.alloc((n >> 3) + 1);
        memory.u8.fill(0, bits, bits + (n >> 3) + 1);
        values.forEach((v, i) => {
          if (v !== null) memory.u8[bits + (i >> 3)] |= 1 << (i & 7);
        });
        view.setUint32(at + 4, bits, true);
      }
      if (encoding === 'utf8') {
        const bytes = values.map((v) => (v === null ? new Uint8Array(0) : valueBytes(v)));
        const total = bytes.reduce((s, b) => s + b.length, 0);
        const data = memory.alloc(total + 1);
        const offsets = memory.alloc((n + 1) * 4);
        let used = 0;
        bytes.forEach((b, i) => {
          view.setInt32(offsets + i * 4, used, true);
          memory.u8.set(b, data + used);
          used += b.length;
        });
        view.setInt32(offsets + n * 4, used, true);
        view.setUint32(at, data, true);
        view.setUint32(at + 8, offsets, true);
        view.setUint32(at + 20, total, true);
        return;
      }
      const width = ELEMENT[encoding]!;
      const data = memory.alloc(Math.max(1, n * width));
      view.setUint32(at, data, true);
      if (encoding.startsWith('dict')) {
        const distinct = [...new Set(values.filter((v) => v !== null).map(String))];
        const refs = memory.alloc(Math.max(8, distinct.length * 8));
        distinct.forEach((s, i) => {
          const b = valueBytes(s);
          const a = memory.alloc(b.length + 1);
          memory.u8.set(b, a);
          view.setUint32(refs + i * 8, a, true);
          view.setUint32(refs + i * 8 + 4, b.length, true);
        });
        values.forEach((v, i) => {
          const code = v === null ? 0xff : distinct.indexOf(String(v));
          if (width === 1) view.setUint8(data + i, code);
          else if (width === 2) view.setUint16(data + i * 2, code, true);
          else view.setUint32(data + i * 4, code, true);
        });
        view.setUint32(at + 8, refs, true);
        view.setUint32(at + 16, distinct.length, true);
        return;
      }
      values.forEach((v, i) => {
        const p = data + i * width;
        if (v === null) {
          // Nulls hold anything.
          for (let b = 0; b < width; b++) view.setUint8(p + b, 0xa5);
          return;
        }
        if (encoding === 'f32') view.setFloat32(p, Number(v), true);
        else if (encoding === 'f64') view.setFloat64(p, Number(v), true);
        else if (isInterval(v)) {
          view.setBigInt64(p, v.micros, true);
          view.setInt32(p + 8, v.days, true);
          view.setInt32(p + 12, v.months, true);
        } else {
          const x = unscaled(v, col.type);
          if (width === 1) view.setInt8(p, Number(x));
          else if (width === 2) view.setInt16(p, Number(x), true);
          else if (width === 4) view.setInt32(p, Number(BigInt.asIntN(32, x)), true);
          else view.setBigInt64(p, BigInt.asIntN(64, x), true);
          if (width === 16) view.setBigInt64(p + 8, x >> 64n, true);
        }
      });
    });
    return { address, rows: n };
  }

  /** The rows of a chunk as values. */
  read(chunk: OutChunk, cols: readonly Column[]): Value[][] {
    const { memory, view } = this;
    const rows: Value[][] = Array.from({ length: chunk.rows }, () => []);
    cols.forEach((col, j) => {
      const c = chunk.columns[j];
      for (let i = 0; i < chunk.rows; i++) {
        if (c.validity !== 0 && (memory.u8[c.validity + (i >> 3)] & (1 << (i & 7))) === 0) {
          rows[i].push(null);
          continue;
        }
        rows[i].push(this.value(col, c.encoding, c.data, c.offsets, i));
      }
      const expected =
        c.encoding === 'utf8'
          ? chunk.rows > 0
            ? view.getInt32(c.offsets + chunk.rows * 4, true)
            : 0
          : chunk.rows * ELEMENT[c.encoding]!;
      if (c.dataBytes !== expected) throw new Error(`dataBytes ${c.dataBytes}, expected ${expected}`);
    });
    return rows;
  }

  private value(col: Column, encoding: Encoding, data: number, offsets: number, i: number): Value {
    const { view, memory } = this;
    const { type } = col;
    const number = (n: bigint): Value =>
      type.kind === 'numeric'
        ? { unscaled: n, scale: type.scale! }
        : reprOf(type) === 'i64'
          ? n
          : type.kind === 'oid'
            ? Number(BigInt.asUintN(32, n))
            : Number(n);
    switch (encoding) {
      case 'i8':
        return view.getInt8(data + i) !== 0;
      case 'i32':
        return number(BigInt(view.getInt32(data + i * 4, true)));
      case 'i64':
        return number(view.getBigInt64(data + i * 8, true));
      case 'i128':
        if (type.kind === 'interval')
          return {
            months: view.getInt32(data + i * 16 + 12, true),
            days: view.getInt32(data + i * 16 + 8, true),
            micros: view.getBigInt64(data + i * 16, true),
          };
        return number(
          (view.getBigInt64(data + i * 16 + 8, true) << 64n) | view.getBigUint64(data + i * 16, true),
        );
      case 'f32':
        return view.getFloat32(data + i * 4, true);
      case 'f64':
        return view.getFloat64(data + i * 8, true);
      default: {
        const from = view.getInt32(offsets + i * 4, true);
        const to = view.getInt32(offsets + i * 4 + 4, true);
        const bytes = memory.u8.slice(data + from, data + to);
        if (type.kind === 'numeric') return decodeVarNumeric(bytes, 0, bytes.length);
        return type.kind === 'bytea' ? bytes : new TextDecoder().decode(bytes);
      }
    }
  }
}

function leaves(op: PhysicalOp): PhysicalOp[] {
  switch (op.kind) {
    case 'scan':
    case 'virtualScan':
    case 'receive':
    case 'sharedScan':
      return [op];
    case 'values':
      return [];
    case 'hashJoin':
    case 'nestedLoop':
      return [...leaves(op.build), ...leaves(op.probe)];
    case 'append':
      return op.inputs.flatMap(leaves);
    default:
      return leaves(op.input);
  }
}

/** Runs the slice over the rows of its leaves. A merged receive takes its rows in the order given. */
export function runSlice(
  slice: Slice,
  inputs: ReadonlyMap<NodeId, Rows>,
  options: TestOptions = {},
): TestResult {
  const tm = new TestMemory(options.memoryBytes);
  const layouts = new Map<NodeId, ColumnLayout[]>();
  const sources = new Map<NodeId, LoadedBatch[]>();
  const colsOf = (op: PhysicalOp): readonly Column[] => (op.kind === 'scan' ? op.scanCols : op.cols);
  for (const leaf of leaves(slice.root)) {
    const cols = colsOf(leaf);
    const encodings = options.encodings?.get(leaf.id);
    const layout = cols.map((col, j) => ({
      encoding: encodings?.[j] ?? defaultEncoding(col),
      nullable: col.nullable,
    }));
    layouts.set(leaf.id, layout);
    const rows = inputs.get(leaf.id) ?? [];
    const size = options.batchRows ?? 1000;
    const batches: LoadedBatch[] = [];
    for (let i = 0; i < rows.length; i += size) batches.push(tm.batch(cols, layout, rows.slice(i, i + size)));
    sources.set(leaf.id, batches);
  }
  const compiled = compileSlice(slice, {
    layouts,
    instrument: options.instrument ?? false,
    workers: options.workers ?? 1,
  });
  return execute(tm, compiled, sources, slice.sink.cols, options);
}

type Run = (qs: number, ws: number, morsel: number, start: number, end: number) => number;
type Step = (qs: number, ws: number, part?: number) => void;

export function execute(
  tm: TestMemory,
  compiled: CompiledSlice,
  sources: ReadonlyMap<NodeId, readonly LoadedBatch[]>,
  cols: readonly Column[],
  options: TestOptions,
): TestResult {
  const { memory: m } = tm;
  const before = m.usedBytes;
  const workers = options.workers ?? 1;
  const perWorker = (compiled.workerStateBytes + 63) & ~63;
  const stateBytes = (compiled.queryStateBytes + 63) & ~63;
  const qs = m.alloc(stateBytes + perWorker * workers);
  m.u8.fill(0, qs, qs + stateBytes + perWorker * workers);
  m.u32[(qs + QS.workers) >>> 2] = workers;
  m.u32[(qs + QS.receivers) >>> 2] = options.receivers ?? 1;
  for (const d of compiled.data) m.u8.set(d.bytes, qs + d.offset);
  for (const p of compiled.params)
    writeParam(m, qs + p.offset, options.params?.[p.index] ?? null, p.type, p.repr, (bytes) => {
      const at = m.allocOwned(qs + QS.blocks, bytes.length + 8);
      m.u8.set(bytes, at);
      return at;
    });
  const states: number[] = [];
  for (let w = 0; w < workers; w++) {
    const ws = qs + stateBytes + w * perWorker;
    states.push(ws);
    m.u32[(qs + QS.workerStates + w * 4) >>> 2] = ws;
    const temp = m.allocOwned(qs + QS.blocks, 4096);
    m.u32[(ws + WS.index) >>> 2] = w;
    m.u32[(ws + WS.tempStart) >>> 2] = temp;
    m.u32[(ws + WS.tempNext) >>> 2] = temp;
    m.u32[(ws + WS.tempEnd) >>> 2] = temp + 4096;
  }
  const host = {
    alloc: (q: number, bytes: number): number => {
      const a = m.allocOwned((q >>> 0) + QS.blocks, bytes >>> 0);
      if (a === 0) throw new SqlError('53200', 'out of memory');
      // Fresh memory holds anything.
      m.u8.fill(0xcd, a, a + Math.min(bytes >>> 0, 1 << 16));
      return a;
    },
    free: (q: number, a: number): void => {
      m.freeOwned((q >>> 0) + QS.blocks, a >>> 0);
    },
    fail: (n: number, detail: number): void => {
      throw new Error(`FAIL ${n} (${detail})`);
    },
    ...makeHostImports(compiled.hostCalls, m, SETTINGS),
  };
  const instance = new WebAssembly.Instance(options.module ?? new WebAssembly.Module(compiled.wasm), {
    env: { memory: m.memory },
    host,
  } as WebAssembly.Imports);
  const rows: Value[][] = [];
  const partitions = new Map<number, Value[][]>();
  const drain = (ws: number): void => {
    for (const chunk of readChunks(m, ws, qs)) {
      if (options.onChunk) {
        options.onChunk(chunk);
        continue;
      }
      const got = tm.read(chunk, cols);
      rows.push(...got);
      const key = chunk.partition === 0xffffffff ? -1 : chunk.partition;
      partitions.set(key, [...(partitions.get(key) ?? []), ...got]);
      chunk.release();
    }
  };
  const resetTemp = (ws: number): void => {
    m.u32[(ws + WS.tempNext) >>> 2] = m.u32[(ws + WS.tempStart) >>> 2];
  };
  const step = (name: string, ws: number, part?: number): void => {
    resetTemp(ws);
    (instance.exports[name] as Step)(qs, ws, part ?? 0);
  };
  const runPipeline = (p: PipelineDesc): void => {
    const run = instance.exports[p.run] as Run;
    // Senders run before their receivers here: a filter from those lets everything pass.
    for (const { filter, slot } of p.awaits ?? []) {
      const bytes = new Uint8Array(FILTER_BOUNDS_BYTES + filter.bits / 8).fill(0xff, FILTER_BOUNDS_BYTES);
      unpackFilter(m, qs + slot, filter, bytes, m.allocOwned(qs + QS.blocks, filter.bits / 8));
    }
    let turn = 0;
    const morsels: LoadedBatch[] = [];
    const { source } = p;
    if (source.kind === 'once') morsels.push({ address: 0, rows: 1 });
    else if (source.kind === 'rows') {
      const list = m.u32[(qs + source.listSlot) >>> 2];
      const n = m.u32[(qs + source.listSlot + 4) >>> 2];
      for (let i = 0; i < n; i++)
        morsels.push({ address: m.u32[(list >>> 2) + i * 2], rows: m.u32[(list >>> 2) + i * 2 + 1] });
    } else if (source.kind === 'merged') {
      const batches = sources.get(source.node)!;
      const total = batches.reduce((s, b) => s + b.rows, 0);
      if (total > 0) {
        const pairs = m.allocOwned(qs + QS.blocks, total * 8);
        let at = pairs >>> 2;
        for (const b of batches)
          for (let i = 0; i < b.rows; i++) {
            m.u32[at++] = b.address;
            m.u32[at++] = i;
          }
        morsels.push({ address: pairs, rows: total });
      }
    } else morsels.push(...sources.get(source.node)!);
    const size = options.rangeRows ?? 65536;
    pipeline: for (const b of morsels)
      for (let start = 0; start < b.rows; start += size) {
        const ws = states[p.serial ? 0 : turn++ % workers];
        resetTemp(ws);
        const status = run(qs, ws, b.address, start, Math.min(b.rows, start + size));
        drain(ws);
        if (status === 1) break pipeline;
      }
    for (const name of p.finish) step(name, states[0]);
    if (p.finishParallel) {
      const parts = m.u32[(qs + p.finishParallel.partsSlot) >>> 2];
      for (let i = 0; i < parts; i++) step(p.finishParallel.run, states[i % workers], i);
    }
  };
  const clock = options.clock ?? (() => performance.now());
  const done = new Set<number>();
  while (done.size < compiled.pipelines.length) {
    const next = compiled.pipelines.find((p) => !done.has(p.id) && p.dependsOn.every((d) => done.has(d)));
    if (!next) throw new Error('pipelines depend on each other in a circle');
    const began = clock();
    runPipeline(next);
    if (options.stats) options.stats[`${next.id} ${next.label}`] = clock() - began;
    done.add(next.id);
  }
  for (const ws of states) {
    step('flush', ws);
    drain(ws);
  }
  const counters = new Map<NodeId, number>();
  for (const c of compiled.counters)
    for (const ws of states)
      counters.set(c.node, (counters.get(c.node) ?? 0) + Number(m.i64[(ws + c.offset) / 8]));
  m.freeAllOwned(qs + QS.blocks);
  m.free(qs);
  m.check();
  return { rows, partitions, counters, compiled, leakedBytes: m.usedBytes - before };
}
