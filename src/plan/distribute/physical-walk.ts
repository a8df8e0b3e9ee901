/** Children, walks and rewrites of physical operators. */
import type { SharedId } from '../../types/ids.js';
import { unreachable } from '../../types/sql-error.js';
import type { PhysicalOp, Slice } from '../physical.js';

export function physicalInputs(op: PhysicalOp): readonly PhysicalOp[] {
  switch (op.kind) {
    case 'scan':
    case 'virtualScan':
    case 'values':
    case 'receive':
    case 'sharedScan':
      return [];
    case 'filter':
    case 'project':
    case 'hashAgg':
    case 'sort':
    case 'limit':
    case 'repeat':
      return [op.input];
    case 'hashJoin':
    case 'nestedLoop':
      return [op.probe, op.build];
    case 'append':
      return op.inputs;
    default:
      return unreachable(op);
  }
}

function withPhysicalInputs(op: PhysicalOp, inputs: readonly PhysicalOp[]): PhysicalOp {
  switch (op.kind) {
    case 'scan':
    case 'virtualScan':
    case 'values':
    case 'receive':
    case 'sharedScan':
      return op;
    case 'filter':
    case 'project':
    case 'hashAgg':
    case 'sort':
    case 'limit':
    case 'repeat':
      return { ...op, input: inputs[0] };
    case 'hashJoin':
    case 'nestedLoop':
      return { ...op, probe: inputs[0], build: inputs[1] };
    case 'append':
      return { ...op, inputs };
    default:
      return unreachable(op);
  }
}

/** Bottom-up; inputs in their order. */
export function transformPhysical(op: PhysicalOp, f: (op: PhysicalOp) => PhysicalOp): PhysicalOp {
  const inputs = physicalInputs(op);
  const next = inputs.map((i) => transformPhysical(i, f));
  return f(next.every((n, i) => n === inputs[i]) ? op : withPhysicalInputs(op, next));
}

export function walkPhysical(op: PhysicalOp, visit: (op: PhysicalOp) => void): void {
  visit(op);
  for (const i of physicalInputs(op)) walkPhysical(i, visit);
}

/** The shared plan of every shared scan in the operator. */
export function sharesRead(op: PhysicalOp): readonly SharedId[] {
  const ids: SharedId[] = [];
  walkPhysical(op, (o) => {
    if (o.kind === 'sharedScan') ids.push(o.share);
  });
  return ids;
}

/** What slices that run in one process share there: produced by one of them, read once for each scan. */
export function sharesOf(slices: readonly Slice[]): {
  readonly produced: readonly SharedId[];
  readonly read: readonly SharedId[];
} {
  return {
    produced: slices.flatMap((s) => (s.sink.kind === 'share' ? [s.sink.share] : [])),
    read: slices.flatMap((s) => sharesRead(s.root)),
  };
}
