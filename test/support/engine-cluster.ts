/** Runs a DistributedPlan over n segments in this process with the real engine's compiled slices (on the operators'
 *  single-threaded test runtime), motions as arrays: planner and code generator together, without processes. */
import { runSlice } from '../../src/engine/operators/testing.js';
import type { Column } from '../../src/plan/expr.js';
import type { DistributedPlan, NodeId, PhysicalOp } from '../../src/plan/physical.js';
import { type ColId, MASTER, type MotionId, type SegmentId } from '../../src/types/ids.js';
import type { Encoding } from '../../src/types/memory.js';
import type { Value } from '../../src/types/value.js';
import type { Row } from './eval-expr.js';
import { compareRows, placeRows, type TableData } from './simulate.js';

export type EngineOptions = {
  readonly workers: number;
  readonly batchRows: number;
  readonly dictionaries: boolean;
};

export class EngineCluster {
  private readonly tables = new Map<number, (readonly Value[])[][]>();
  private readonly options: EngineOptions;

  constructor(segments: number, tables: readonly TableData[], options: EngineOptions) {
    for (const t of tables) this.tables.set(t.def.storageId, placeRows(t, segments));
    this.options = options;
  }

  run(plan: DistributedPlan): Value[][] {
    const inbox = new Map<MotionId, Map<SegmentId, Value[][][]>>();
    const kept = new Map<string, Value[][]>();
    const result: Value[][] = [];
    for (const slice of plan.slices) {
      const { sink } = slice;
      const receivers = sink.kind === 'motion' ? plan.slices.find((s) => s.id === sink.to)!.gang : [MASTER];
      for (const at of slice.gang) {
        const inputs = new Map<NodeId, Value[][]>();
        const encodings = new Map<NodeId, Encoding[]>();
        for (const leaf of leaves(slice.root)) {
          if (leaf.kind === 'scan') {
            const part = this.tables.get(leaf.storageId)?.[at] ?? [];
            inputs.set(
              leaf.id,
              part.map((r) => leaf.ordinals.map((o) => r[o])),
            );
            if (this.options.dictionaries)
              encodings.set(leaf.id, leaf.scanCols.map(encodingOf) as Encoding[]);
          } else if (leaf.kind === 'sharedScan') {
            const rows = kept.get(`${leaf.share}@${at}`) ?? [];
            inputs.set(
              leaf.id,
              rows.map((r) => leaf.ordinals.map((o) => r[o])),
            );
          } else if (leaf.kind === 'receive') {
            const rows = (inbox.get(leaf.motion)?.get(at) ?? []).flat();
            const { merge } = leaf;
            const asRow = (r: readonly Value[]): Row =>
              new Map(leaf.cols.map((c, i): [ColId, Value] => [c.id, r[i]]));
            if (merge) rows.sort((a, b) => compareRows(merge, asRow(a), asRow(b)));
            inputs.set(leaf.id, rows);
          }
        }
        const defined = new Map([...encodings].filter(([, e]) => e.every((x) => x !== undefined)));
        // A batch takes a page for each column: large inputs get larger ones.
        const most = Math.max(0, ...[...inputs.values()].map((rows) => rows.length));
        const batchRows = Math.max(this.options.batchRows, Math.ceil(most / 200));
        const r = runSlice(slice, inputs, {
          ...this.options,
          batchRows,
          memoryBytes: 1 << 28,
          receivers: receivers.length,
          encodings: defined,
        });
        if (r.leakedBytes !== 0) throw new Error(`slice ${slice.id} leaked ${r.leakedBytes} bytes`);
        if (sink.kind === 'share') kept.set(`${sink.share}@${at}`, r.rows);
        // Not spread: there may be more than a call takes.
        if (sink.kind === 'result') for (const row of r.rows) result.push(row);
        if (sink.kind !== 'motion') continue;
        const boxes = inbox.get(sink.motion) ?? new Map<SegmentId, Value[][][]>();
        inbox.set(sink.motion, boxes);
        for (const [i, to] of receivers.entries()) {
          const stream = r.partitions.get(sink.mode === 'broadcast' ? -1 : i) ?? [];
          boxes.set(to, [...(boxes.get(to) ?? []), stream]);
        }
      }
    }
    return result;
  }
}

function encodingOf(c: Column): Encoding | undefined {
  switch (c.type.kind) {
    case 'text':
    case 'varchar':
    case 'bpchar':
      return 'dict8';
    case 'bool':
      return 'i8';
    case 'int4':
    case 'date':
      return 'i32';
    case 'int2':
      return 'i16';
    case 'int8':
    case 'timestamp':
      return 'i64';
    case 'float8':
      return 'f64';
    default:
      return undefined;
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
