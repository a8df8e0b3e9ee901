/** What EXPLAIN ANALYZE measured, and its summaries over the processes of a slice: minimum, average, maximum, so that
 *  skew is seen. The shapes are what every process reports for its slices; plain data. */
import type { NodeId } from '../physical.js';

export type ProcessStats = {
  /** Segment id; -1 for the master. */
  readonly segment: number;
  readonly nodes: readonly { readonly id: NodeId; readonly rows: number }[];
  readonly pipelines: readonly {
    readonly id: number;
    readonly label: string;
    readonly ms: number;
    readonly morsels: number;
    /** Operators that its rows pass through. */
    readonly nodes?: readonly NodeId[];
  }[];
  readonly compileMs: number;
  readonly totalMs: number;
  readonly memoryPeakBytes: number;
};

export type AnalyzeStats = {
  readonly slices: readonly { readonly id: number; readonly processes: readonly ProcessStats[] }[];
  /** Summed over the senders. */
  readonly motions: readonly { readonly motion: number; readonly rows: number; readonly bytes: number }[];
  readonly planningMs: number;
  readonly executionMs: number;
};

export type Spread = {
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  readonly total: number;
  readonly count: number;
};

export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const total = values.reduce((a, b) => a + b, 0);
  return {
    min: Math.min(...values),
    max: Math.max(...values),
    avg: total / values.length,
    total,
    count: values.length,
  };
}

export function rowsOf(stats: AnalyzeStats, slice: number, node: NodeId): Spread | undefined {
  const processes = stats.slices.find((s) => s.id === slice)?.processes ?? [];
  return spread(
    processes.map((p) => p.nodes.find((n) => n.id === node)?.rows).filter((r) => r !== undefined),
  );
}

/** What each process counted, in order of segments; -1 is the master. */
export function rowsBySegment(
  stats: AnalyzeStats,
  slice: number,
  node: NodeId,
): readonly { readonly segment: number; readonly rows: number }[] {
  const processes = stats.slices.find((s) => s.id === slice)?.processes ?? [];
  return processes
    .flatMap((p) => {
      const rows = p.nodes.find((n) => n.id === node)?.rows;
      return rows === undefined ? [] : [{ segment: p.segment, rows }];
    })
    .sort((a, b) => a.segment - b.segment);
}

/** Time of the pipelines that the node's rows pass through, on the slowest process; undefined where none says so. */
export function pipelineMsOf(stats: AnalyzeStats, slice: number, node: NodeId): number | undefined {
  const processes = stats.slices.find((s) => s.id === slice)?.processes ?? [];
  const times = processes.flatMap((p) => {
    const through = p.pipelines.filter((x) => x.nodes?.includes(node));
    return through.length === 0 ? [] : [through.reduce((sum, x) => sum + x.ms, 0)];
  });
  return spread(times)?.max;
}

export type SliceSummary = {
  readonly id: number;
  readonly processes: number;
  readonly each: readonly ProcessStats[];
  readonly totalMs: Spread;
  readonly compileMs: Spread;
  readonly memoryBytes: Spread;
  readonly pipelines: readonly {
    readonly id: number;
    readonly label: string;
    readonly ms: Spread;
    readonly morsels: Spread;
    readonly nodes: readonly NodeId[];
  }[];
};

export function summarize(stats: AnalyzeStats): readonly SliceSummary[] {
  const result: SliceSummary[] = [];
  for (const { id, processes } of stats.slices) {
    const of = (f: (p: ProcessStats) => number): Spread | undefined => spread(processes.map(f));
    const totalMs = of((p) => p.totalMs);
    const compileMs = of((p) => p.compileMs);
    const memoryBytes = of((p) => p.memoryPeakBytes);
    if (totalMs === undefined || compileMs === undefined || memoryBytes === undefined) continue;
    const labels = new Map<number, string>();
    for (const p of processes) for (const x of p.pipelines) labels.set(x.id, x.label);
    const pipelines: SliceSummary['pipelines'][number][] = [];
    for (const [pipeline, label] of [...labels].sort((a, b) => a[0] - b[0])) {
      const runs = processes.flatMap((p) => p.pipelines.filter((x) => x.id === pipeline));
      const ms = spread(runs.map((x) => x.ms));
      const morsels = spread(runs.map((x) => x.morsels));
      const nodes = runs[0]?.nodes ?? [];
      if (ms !== undefined && morsels !== undefined)
        pipelines.push({ id: pipeline, label, ms, morsels, nodes });
    }
    const each = [...processes].sort((a, b) => a.segment - b.segment);
    result.push({ id, processes: processes.length, each, totalMs, compileMs, memoryBytes, pipelines });
  }
  return result;
}
