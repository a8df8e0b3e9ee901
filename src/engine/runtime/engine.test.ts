/** The runtime with real worker threads: morsels, finish steps, ordered results, limits, cancels, memory. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Column, Expr } from '../../plan/expr.js';
import type { PhysicalOp, ReceiveOp, Slice } from '../../plan/physical.js';
import { rowsToBatch } from '../../types/columnar.js';
import { type ColId, MASTER, type MotionId, type QueryId, type SliceId } from '../../types/ids.js';
import type { Batch, BatchSource, OutChunk } from '../../types/memory.js';
import type { SqlError } from '../../types/sql-error.js';
import { BOOL, INT4, INT8, TEXT } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import type { ChunkSink, EvalSettings, SliceStats } from '../api.js';
import { LocalEngine } from './engine.js';

const SETTINGS: EvalSettings = {
  nowMicros: 0n,
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
  user: 'u',
  database: 'd',
  searchPath: [],
};

let engine: LocalEngine;
let idle = 0;

const col = (id: number, type = INT4): Column => ({ id: id as ColId, name: `c${id}`, type, nullable: true });
const ref = (c: Column): Expr => ({ kind: 'col', id: c.id, type: c.type, nullable: c.nullable });

/** Gives its batches one at a time, saying 'wait' in between. */
class ListSource implements BatchSource {
  readonly layout;
  private readonly batches: Batch[];
  private ready: () => void = () => undefined;
  private waited = false;
  closed = false;
  endless = false;

  constructor(columns: readonly Column[], rows: readonly (readonly Value[])[], perBatch: number) {
    this.batches = [];
    for (let i = 0; i < rows.length; i += perBatch)
      this.batches.push(
        rowsToBatch(
          columns.map((c) => c.type),
          rows.slice(i, i + perBatch),
          engine.memory,
        ),
      );
    this.layout = columns.map(() => ({ encoding: 'i32', nullable: true }) as const);
  }

  next(): Batch | 'wait' | 'end' {
    if (!this.waited) {
      this.waited = true;
      setImmediate(() => this.ready());
      return 'wait';
    }
    this.waited = false;
    return this.batches.shift() ?? (this.endless ? 'wait' : 'end');
  }

  onReady(callback: () => void): void {
    this.ready = callback;
  }

  close(): void {
    this.closed = true;
    for (const b of this.batches.splice(0)) b.release();
  }
}

class ArraySink implements ChunkSink {
  readonly values: (number | null)[][] = [];
  readonly done = false;
  aborted: unknown;

  push(chunk: OutChunk): void {
    const m = engine.memory;
    for (let r = 0; r < chunk.rows; r++)
      this.values.push(
        chunk.columns.map((c) => {
          if (c.validity !== 0 && ((m.u8[c.validity + (r >> 3)] >> (r & 7)) & 1) === 0) return null;
          return c.encoding === 'i32' ? m.i32[c.data / 4 + r] : Number(m.i64[c.data / 8 + r]);
        }),
      );
    chunk.release();
  }

  ready(): boolean {
    return true;
  }

  onReady(): void {}

  async finish(): Promise<void> {}

  abort(error: unknown): void {
    this.aborted = error;
  }
}

const base = (cols: readonly Column[]) => ({ cols, rows: 1, cost: 1 });

function receive(cols: readonly Column[]): ReceiveOp {
  return {
    ...base(cols),
    id: 1,
    kind: 'receive',
    motion: 1 as MotionId,
    fromSlice: 0 as SliceId,
    merge: undefined,
  };
}

async function run(
  root: PhysicalOp,
  source: ListSource,
  signal = new AbortController().signal,
  memoryLimitBytes = 1 << 28,
  sink = new ArraySink(),
): Promise<{ sink: ArraySink; stats: SliceStats }> {
  const slice: Slice = { id: 1 as SliceId, root, sink: { kind: 'result', cols: root.cols }, gang: [MASTER] };
  const stats = await engine.runSlice({
    queryId: 'q' as QueryId,
    slice,
    params: [],
    settings: SETTINGS,
    instrument: true,
    memoryLimitBytes,
    sources: {
      scan: () => source,
      receive: () => source,
      shared: () => source,
      virtualScan: () => source,
      receiveMerged: () => {
        throw new Error('no merge');
      },
    },
    sink,
    signal,
  });
  return { sink, stats };
}

const a = col(1);
const b = col(2);
const rows = Array.from({ length: 30_000 }, (_, i) => [i % 7 === 0 ? null : (i * 7919) % 1000, i]);

describe.each([
  [1, 0],
  [2, 0],
  [1, 1024],
  [2, 1_000_000],
])('%i workers, up to %i rows in the main thread', (workers, inlineRows) => {
  beforeAll(() => {
    engine = new LocalEngine({ workers, memoryBytes: 256 << 20, place: 'test', inlineRows });
    idle = engine.memory.usedBytes;
  });
  afterAll(() => engine.close());

  test('rows in, filtered rows out, counted', async () => {
    const root: PhysicalOp = {
      ...base([a, b]),
      id: 2,
      kind: 'filter',
      input: receive([a, b]),
      predicate: { kind: 'cmp', op: '<', left: ref(a), right: { kind: 'const', value: 10, type: INT4 } },
    };
    const { sink, stats } = await run(root, new ListSource([a, b], rows, 1000));
    const expected = rows.filter((r) => r[0] !== null && r[0] < 10);
    expect(sink.values.sort((x, y) => x[1]! - y[1]!)).toEqual(expected);
    expect(stats.nodes).toContainEqual({ id: 1, rows: rows.length });
    expect(stats.nodes).toContainEqual({ id: 2, rows: expected.length });
    expect(engine.memory.usedBytes).toBe(idle);
  });

  test('groups over two workers, then sorted', async () => {
    const sum: Column = { ...col(3, INT8) };
    const agg: PhysicalOp = {
      ...base([a, sum]),
      id: 2,
      kind: 'hashAgg',
      mode: 'single',
      input: receive([a, b]),
      groups: [a],
      states: [],
      aggs: [{ out: sum, name: 'sum', args: [ref(b)], distinct: false, filter: undefined, orderBy: [] }],
    };
    const root: PhysicalOp = {
      ...base([a, sum]),
      id: 3,
      kind: 'sort',
      input: agg,
      keys: [{ expr: ref(a), descending: true, nullsFirst: false }],
      limit: undefined,
      distinctOn: undefined,
    };
    const { sink } = await run(root, new ListSource([a, b], rows, 700));
    const expected = new Map<number | null, number>();
    for (const [k, v] of rows) expected.set(k!, (expected.get(k!) ?? 0) + v!);
    expect(sink.values).toEqual(
      [...expected].sort((x, y) => (x[0] === null ? 1 : y[0] === null ? -1 : y[0] - x[0])),
    );
    expect(engine.memory.usedBytes).toBe(idle);
  });

  test('a limit ends the slice without reading everything', async () => {
    const source = new ListSource([a, b], rows, 500);
    source.endless = true;
    const root: PhysicalOp = {
      ...base([a, b]),
      id: 2,
      kind: 'limit',
      input: receive([a, b]),
      limit: { kind: 'const', value: 5n, type: INT8 },
      offset: { kind: 'const', value: 2n, type: INT8 },
    };
    const { sink } = await run(root, source);
    expect(sink.values).toEqual(rows.slice(2, 7));
    expect(source.closed).toBe(true);
    expect(engine.memory.usedBytes).toBe(idle);
  });

  test('an abort ends a slice that waits for rows, and one that computes', async () => {
    const source = new ListSource([a, b], rows.slice(0, 100), 50);
    source.endless = true;
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    await expect(run(receive([a, b]), source, abort.signal)).rejects.toMatchObject({ code: '57014' });
    expect(engine.memory.usedBytes).toBe(idle);
  });

  test('an error in compiled code and a query past its memory leave nothing behind', async () => {
    const overflow: Column = col(9);
    const root: PhysicalOp = {
      ...base([overflow]),
      id: 2,
      kind: 'project',
      input: receive([a, b]),
      exprs: [
        {
          kind: 'call',
          fn: '*(int4,int4)',
          args: [ref(b), { kind: 'const', value: 1_000_000, type: INT4 }],
          type: INT4,
        },
      ],
    };
    await expect(run(root, new ListSource([a, b], rows, 1000))).rejects.toMatchObject({
      code: '22003',
    } satisfies Partial<SqlError>);
    const agg: PhysicalOp = {
      ...base([b]),
      id: 2,
      kind: 'hashAgg',
      mode: 'single',
      input: receive([a, b]),
      groups: [b],
      states: [],
      aggs: [],
    };
    await expect(run(agg, new ListSource([a, b], rows, 1000), undefined, 1 << 18)).rejects.toMatchObject({
      code: '53200',
      hint: expect.stringContaining('mpp.query_memory'),
    });
    expect(engine.memory.usedBytes).toBe(idle);
  });

  test('functions in TypeScript, which may take any time for a row, never run in the main thread', async () => {
    const here = vi.spyOn(engine, 'taskHere');
    const text = (value: string): Expr => ({ kind: 'const', value, type: TEXT });
    const matches: PhysicalOp = {
      ...base([a, b]),
      id: 2,
      kind: 'filter',
      input: receive([a, b]),
      predicate: { kind: 'call', fn: '~(text,text)', args: [text('aa'), text('^(a+)+$')], type: BOOL },
    };
    const { sink } = await run(matches, new ListSource([a, b], rows.slice(0, 10), 10));
    expect(sink.values.length).toBe(10);
    expect(here).not.toHaveBeenCalled();
    await run(receive([a, b]), new ListSource([a, b], rows.slice(0, 10), 10));
    expect(here.mock.calls.length > 0).toBe(inlineRows > 0);
    here.mockRestore();
  });

  test('a sink that throws leaves none of the chunks after it', async () => {
    const full = new ArraySink();
    full.push = (chunk) => {
      chunk.release();
      throw new Error('full');
    };
    const many = Array.from({ length: 60_000 }, (_, i) => [i, i]);
    await expect(
      run(receive([a, b]), new ListSource([a, b], many, 60_000), undefined, undefined, full),
    ).rejects.toThrow('full');
    expect(engine.memory.usedBytes).toBe(idle);
  });
});
