/** Measures operators: each case is checked, warmed up, then run several times; the fastest run counts.
 *
 *  The fastest, because one thread's work on one machine has no lucky run, only disturbed ones. Times are those of the
 *  pipelines: neither compilation nor the reading of results is in them. They are CPU time of this process (microseconds
 *  by the system's account), which is elapsed time on a quiet machine, and on a busy one leaves out the turns of others. */
import { compileSlice } from '../../src/engine/operators/compile.js';
import { slice } from '../../src/engine/operators/test-plans.js';
import { execute, type Rows, type TestMemory } from '../../src/engine/operators/testing.js';
import type { PhysicalOp, SliceSink } from '../../src/plan/physical.js';
import type { OutChunk } from '../../src/types/memory.js';
import { isNumeric, type Value } from '../../src/types/value.js';
import type { Table } from './vectors.js';

/** What one run of a case yields times for; rows and bytes are what the operator reads. */
export type Measure = { readonly name: string; readonly rows: number; readonly bytes: number };

export type Case = {
  readonly measures: readonly Measure[];
  /** Throws when the result is wrong. */
  readonly check: () => void;
  /** Milliseconds, one for each measure. */
  readonly run: () => readonly number[];
};

export type Measured = Measure & { readonly samplesMs: readonly number[]; readonly bestMs: number };

const WARM_UPS = 2;

/** Milliseconds of CPU that this process has taken. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export function timed(run: () => void): number {
  const began = cpuMs();
  run();
  return cpuMs() - began;
}

export function measure(c: Case, runs: number): Measured[] {
  c.check();
  for (let i = 0; i < WARM_UPS; i++) c.run();
  const samples = c.measures.map((): number[] => []);
  for (let i = 0; i < runs; i++) for (const [k, ms] of c.run().entries()) samples[k]!.push(ms);
  return c.measures.map((m, k) => ({ ...m, samplesMs: samples[k]!, bestMs: Math.min(...samples[k]!) }));
}

export type Compiled = {
  /** The rows of the result. */
  rows(): Rows;
  /** Milliseconds by pipeline label; the output is dropped, or given to `onChunk`, which must release it. */
  times(onChunk?: (chunk: OutChunk) => void): Record<string, number>;
};

export function compile(
  tm: TestMemory,
  root: PhysicalOp,
  tables: ReadonlyMap<PhysicalOp, Table>,
  sink?: SliceSink,
  receivers = 1,
): Compiled {
  const layouts = new Map([...tables].map(([leaf, t]) => [leaf.id, t.layouts]));
  const sources = new Map([...tables].map(([leaf, t]) => [leaf.id, t.batches]));
  const plan = slice(root, sink);
  const compiled = compileSlice(plan, { layouts, instrument: false, workers: 1 });
  const module = new WebAssembly.Module(compiled.wasm);
  const run = (stats: Record<string, number>, onChunk?: (chunk: OutChunk) => void) => {
    const options = { module, stats, receivers, clock: cpuMs, ...(onChunk && { onChunk }) };
    return execute(tm, compiled, sources, root.cols, options);
  };
  return {
    rows: () => run({}).rows,
    times: (onChunk = (chunk) => chunk.release()) => {
      const stats: Record<string, number> = {};
      run(stats, onChunk);
      return stats;
    },
  };
}

export function sum(times: Readonly<Record<string, number>>, which = (_label: string) => true): number {
  return Object.entries(times).reduce((total, [label, ms]) => total + (which(label) ? ms : 0), 0);
}

/** A case of one compiled query with one table, whose rows are known. */
export function queryCase(
  tm: TestMemory,
  name: string,
  root: PhysicalOp,
  leaf: PhysicalOp,
  table: Table,
  bytes: number,
  expected: () => Rows,
): Case {
  const query = compile(tm, root, new Map([[leaf, table]]));
  return {
    measures: [{ name, rows: table.rows, bytes }],
    check: () => expectRows(name, query.rows(), expected()),
    run: () => [sum(query.times())],
  };
}

function text(v: Value): string {
  if (isNumeric(v) && 'unscaled' in v) return `${v.unscaled}e-${v.scale}`;
  return v instanceof Uint8Array ? v.join() : String(v);
}

/** Compares as bags; 7 and 7n are the same number. */
export function expectRows(name: string, actual: Rows, expected: Rows): void {
  const lines = (rows: Rows): string => {
    const all = rows.map((r) => r.map(text).join(' | ')).sort();
    return all.join('\n');
  };
  const [got, want] = [lines(actual), lines(expected)];
  if (got !== want) throw new Error(`${name}: expected\n${want}\nbut got\n${got}`);
}
