/** What a run measured, folded over every segment: minimum, average and maximum, so that skew is seen. */
import type { MotionId, SegmentId, SliceId } from '../../types/ids.js';
import type { NodeId } from '../physical.js';

/** As the dispatcher reports it: one entry for each slice and process. Times in milliseconds. */
export type RunReport = {
  readonly slices: readonly {
    readonly slice: SliceId;
    readonly segment: SegmentId;
    readonly rowsOut: number;
    readonly stats: {
      readonly nodes: readonly { readonly id: NodeId; readonly rows: number }[];
      readonly pipelines: readonly {
        readonly id: number;
        readonly label: string;
        readonly nodes: readonly NodeId[];
        readonly ms: number;
        readonly morsels: number;
      }[];
      readonly compileMs: number;
      readonly totalMs: number;
      readonly memoryPeakBytes: number;
    };
  }[];
  readonly motions: readonly {
    readonly motion: MotionId;
    readonly segment: SegmentId;
    readonly rows: number;
    readonly bytes: number;
  }[];
  readonly planningMs: number;
  readonly executionMs: number;
};

export type Spread = {
  readonly total: number;
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  readonly places: number;
};

export type SliceActuals = {
  readonly slice: SliceId;
  readonly places: number;
  readonly compileMs: Spread;
  readonly memoryBytes: Spread;
  readonly totalMs: Spread;
  readonly rowsOut: Spread;
  readonly pipelines: readonly {
    readonly id: number;
    readonly label: string;
    readonly ms: Spread;
    readonly morsels: Spread;
  }[];
};

export function spread(values: readonly number[]): Spread {
  const total = values.reduce((a, b) => a + b, 0);
  return {
    total,
    min: Math.min(...values),
    avg: total / values.length,
    max: Math.max(...values),
    places: values.length,
  };
}

export class Actuals {
  readonly report: RunReport;

  constructor(report: RunReport) {
    this.report = report;
  }

  rows(slice: SliceId, node: NodeId): Spread | undefined {
    const values = this.report.slices
      .filter((s) => s.slice === slice)
      .flatMap((s) => s.stats.nodes.filter((n) => n.id === node).map((n) => n.rows));
    return values.length === 0 ? undefined : spread(values);
  }

  motion(motion: MotionId): { rows: Spread; bytes: Spread } | undefined {
    const these = this.report.motions.filter((m) => m.motion === motion);
    if (these.length === 0) return undefined;
    return { rows: spread(these.map((m) => m.rows)), bytes: spread(these.map((m) => m.bytes)) };
  }

  slices(): SliceActuals[] {
    return [...new Set(this.report.slices.map((s) => s.slice))].map((slice) => {
      const these = this.report.slices.filter((s) => s.slice === slice);
      const ids = [...new Set(these.flatMap((s) => s.stats.pipelines.map((p) => p.id)))];
      return {
        slice,
        places: these.length,
        compileMs: spread(these.map((s) => s.stats.compileMs)),
        memoryBytes: spread(these.map((s) => s.stats.memoryPeakBytes)),
        totalMs: spread(these.map((s) => s.stats.totalMs)),
        rowsOut: spread(these.map((s) => s.rowsOut)),
        pipelines: ids.map((id) => {
          const runs = these.flatMap((s) => s.stats.pipelines.filter((p) => p.id === id));
          return {
            id,
            label: runs[0]!.label,
            ms: spread(runs.map((p) => p.ms)),
            morsels: spread(runs.map((p) => p.morsels)),
          };
        }),
      };
    });
  }
}
