/** Runtime filters: which hash joins tell the scans of their probe side what they can match, and which scans listen.
 *
 *  A filter may remove a row early only if the row comes to nothing later: the join's type emits no unmatched probe
 *  row, and on the way down every operator handles its rows independently of each other as far as the key tells them
 *  apart (a group by the key, the side of a join that an output row stems from). NULL keys match nothing, so a
 *  null-safe key has no filter. An equality on the way carries the filter to both of its sides.
 *  A scan that listens waits for the join's build side, which never depends on it: it is on the other side.
 *  Source: sideways information passing, Ives and Taylor, ICDE 2008; DuckDB's and Greenplum's dynamic filters. */
import { type ColId, MASTER } from '../../types/ids.js';
import { reprOf, typeRange } from '../../types/sql-type.js';
import { typeWidth } from '../cost/derive.js';
import { COST } from '../cost/model.js';
import type { Column, Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import type {
  HashJoinOp,
  NodeId,
  PhysicalOp,
  ReceiveOp,
  RuntimeFilter,
  RuntimeFilterUse,
  ScanOp,
  Slice,
} from '../physical.js';
import type { PhysicalContext } from './context.js';
import { transformPhysical, walkPhysical } from './physical-walk.js';

/** Switches in `mpp.disabled_rules`: no filters; filters wherever they are possible. */
const RULE = 'RuntimeFilters';
const COST_RULE = 'RuntimeFilterCost';

const BITS_MIN = 1024;
/** 8 MiB of bits; 256 KiB when they travel. */
const BITS_MAX = 1 << 26;
const BITS_SENT_MAX = 1 << 21;
const BITS_PER_KEY = 12;

/** Nanoseconds: a test, a value remembered, a byte of bits zeroed, and what a row costs that goes on to the join. */
const TEST = 1.2;
const REMEMBER = 2;
const ZEROED_BYTE = 0.05;
const GOING_ON = 8;
/** What a filter has to save on each segment; and that of one for which senders wait. */
const SAVED_MIN = 20_000;
const SAVED_BY_SENT_MIN = 1_000_000;

/** `receive`: the scan is in the slice that sends to it. */
type Target = { readonly scan: ScanOp; readonly column: Column; readonly receive: ReceiveOp | undefined };
type Made = NonNullable<HashJoinOp['runtimeFilters']>[number];

export function withRuntimeFilters(ctx: PhysicalContext, slices: readonly Slice[]): readonly Slice[] {
  if (ctx.settings.disabledRules.has(RULE)) return slices;
  const placement = new Placement(ctx, slices);
  for (const s of slices)
    walkPhysical(s.root, (op) => {
      if (op.kind === 'hashJoin' && dropsUnmatched(op)) placement.place(op, s);
    });
  return placement.result();
}

class Placement {
  private readonly ctx: PhysicalContext;
  private readonly slices: readonly Slice[];
  private readonly uses = new Map<NodeId, RuntimeFilterUse[]>();
  private readonly made = new Map<NodeId, Made[]>();

  constructor(ctx: PhysicalContext, slices: readonly Slice[]) {
    this.ctx = ctx;
    this.slices = slices;
  }

  place(op: HashJoinOp, slice: Slice): void {
    for (const [key, probe] of op.probeKeys.entries()) {
      const column = probe.kind === 'col' ? op.probe.cols.find((c) => c.id === probe.id) : undefined;
      // The join brings numerics of two scales to one that neither side's column has.
      if (column === undefined || op.nullSafe[key] || !fits(column, op.buildKeys[key])) continue;
      const passing = op.passing?.[key] ?? 1;
      const all = new Targets(this.slices, slice).below(op.probe, column.id);
      const receives = new Set(all.map((t) => t.receive));
      for (const receive of receives) {
        const filter = filterFor(this.ctx, op, key, receive !== undefined);
        if (filter === undefined) continue;
        const worth = all.filter(
          (t) =>
            t.receive === receive &&
            fits(t.column, op.buildKeys[key]) &&
            (this.ctx.settings.disabledRules.has(COST_RULE) || pays(this.ctx, filter, op, t, passing)),
        );
        if (worth.length === 0) continue;
        push(this.made, op.id, { filter, key, ...(receive ? { receive: receive.id } : {}) });
        for (const { scan, column: own } of worth)
          push(this.uses, scan.id, {
            id: this.ctx.nodeId(),
            filter,
            column: own,
            passing,
            source: op.buildKeys[key],
            ...(receive ? { from: slice.id } : {}),
          });
      }
    }
  }

  result(): readonly Slice[] {
    if (this.made.size === 0) return this.slices;
    return this.slices.map((s) => ({
      ...s,
      root: transformPhysical(s.root, (op) => {
        const made = op.kind === 'hashJoin' ? this.made.get(op.id) : undefined;
        if (op.kind === 'hashJoin' && made !== undefined) return { ...op, runtimeFilters: made };
        const uses = op.kind === 'scan' ? this.uses.get(op.id) : undefined;
        if (op.kind !== 'scan' || uses === undefined) return op;
        return { ...op, runtimeFilters: uses.sort((a, b) => a.passing - b.passing) };
      }),
    }));
  }
}

function push<V>(map: Map<NodeId, V[]>, key: NodeId, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** A probe row without a match neither comes out nor lets anything else come out. */
function dropsUnmatched({ type }: HashJoinOp): boolean {
  return (
    type === 'inner' || type === 'semi' || type === 'right' || type === 'rightSemi' || type === 'rightAnti'
  );
}

function filterFor(
  ctx: PhysicalContext,
  op: HashJoinOp,
  key: number,
  sent: boolean,
): RuntimeFilter | undefined {
  const build = op.buildKeys[key];
  const type = exprType(build);
  const max = sent ? BITS_SENT_MAX : BITS_MAX;
  const own = build.kind === 'col' ? op.build.cols.find((c) => c.id === build.id) : undefined;
  const range = own?.range ?? typeRange(type);
  const repr = reprOf(type, own?.range);
  const hashBits = powerOf2(op.build.rows * BITS_PER_KEY);
  if (range !== undefined && (repr === 'i32' || repr === 'i64')) {
    const size = range.max - range.min + 1n;
    const bits = size > 0n && size <= BigInt(max) ? powerOf2(Number(size)) : Number.POSITIVE_INFINITY;
    // What travels is better small than exact.
    if (bits <= max && (!sent || bits <= 4 * hashBits || type.kind === 'numeric'))
      return { id: ctx.nodeId(), kind: 'range', bits, min: range.min };
  }
  // Both sides would have to be brought to one scale before they are hashed.
  if (type.kind === 'numeric' || hashBits > max) return undefined;
  return { id: ctx.nodeId(), kind: 'hash', bits: hashBits, min: 0n };
}

function powerOf2(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(BITS_MIN, n)));
}

/** The column's values are those of the build side's key as they are. */
function fits(column: Column, build: Expr): boolean {
  const a = column.type;
  const b = exprType(build);
  // Unsigned: registers and zone maps disagree about their order.
  if (a.kind !== b.kind || a.kind === 'oid' || a.kind.startsWith('reg')) return false;
  if (a.kind !== 'numeric' || b.kind !== 'numeric') return true;
  const repr = reprOf(a, column.range);
  return a.scale !== undefined && a.scale === b.scale && (repr === 'i32' || repr === 'i64');
}

function pays(
  ctx: PhysicalContext,
  filter: RuntimeFilter,
  join: HashJoinOp,
  { scan, receive }: Target,
  passing: number,
): boolean {
  const n = ctx.segmentCount;
  const removed = 1 - passing;
  const bytes = filter.bits / 8;
  const spent = (join.build.rows / n) * REMEMBER + bytes * ZEROED_BYTE;
  const tests = (scan.rows / n) * TEST;
  if (receive === undefined) return (scan.rows / n) * removed * GOING_ON - tests - spent > SAVED_MIN;
  const width = receive.cols.reduce((sum, c) => sum + typeWidth(c.type), 0);
  const moved = (receive.rows / n) * removed * (COST.motionRow + width * COST.motionByte);
  return moved - tests - spent - bytes * n * COST.motionByte > SAVED_BY_SENT_MIN;
}

/** The scans whose rows may be dropped when a column is not among the values of the build side of a join. */
class Targets {
  private readonly slices: readonly Slice[];
  private readonly slice: Slice;
  private receive: ReceiveOp | undefined;

  /** `slice`: the join's. */
  constructor(slices: readonly Slice[], slice: Slice) {
    this.slices = slices;
    this.slice = slice;
  }

  /** Of those below `op`, whose column `id` it is. */
  below(op: PhysicalOp, id: ColId): readonly Target[] {
    switch (op.kind) {
      case 'scan': {
        const column = op.scanCols.find((c) => c.id === id);
        return column === undefined ? [] : [{ scan: op, column, receive: this.receive }];
      }
      case 'receive':
        return this.beyond(op, id);
      case 'filter':
        return this.below(op.input, id);
      case 'project': {
        const at = op.cols.findIndex((c) => c.id === id);
        const from = at < 0 ? undefined : op.exprs[at];
        return from?.kind === 'col' ? this.below(op.input, from.id) : [];
      }
      case 'sort':
        return op.limit === undefined && op.distinctOn === undefined ? this.below(op.input, id) : [];
      case 'hashAgg':
        return op.groups.some((g) => g.id === id) ? this.below(op.input, id) : [];
      case 'append': {
        const at = op.cols.findIndex((c) => c.id === id);
        return at < 0 ? [] : op.inputs.flatMap((input, k) => this.below(input, op.inputCols[k][at].id));
      }
      case 'hashJoin':
        return this.belowJoin(op, id);
      case 'nestedLoop':
        return op.type === 'inner' ? [...this.below(op.probe, id), ...this.below(op.build, id)] : [];
      case 'virtualScan':
      case 'sharedScan':
      case 'values':
      case 'limit':
      case 'repeat':
        return [];
    }
  }

  /** One motion away, between segments, where all rows of the sender come here and only here. A merge must not wait for
   *  one sender while others are stopped. */
  private beyond(op: ReceiveOp, id: ColId): readonly Target[] {
    if (this.receive !== undefined || op.merge !== undefined) return [];
    const sender = this.slices.find((s) => s.id === op.fromSlice);
    if (sender === undefined || sender.gang[0] === MASTER || this.slice.gang[0] === MASTER) return [];
    this.receive = op;
    const found = this.below(sender.root, id);
    this.receive = undefined;
    return found;
  }

  private belowJoin(op: HashJoinOp, id: ColId): readonly Target[] {
    const found: Target[] = [];
    const equal = (from: readonly Expr[], to: readonly Expr[], side: PhysicalOp): void => {
      from.forEach((k, i) => {
        const other = to[i];
        if (k.kind === 'col' && k.id === id && other.kind === 'col' && !op.nullSafe[i])
          found.push(...this.below(side, other.id));
      });
    };
    const { type } = op;
    // Every output row stems from one row of each side that it has columns of, or of the only one it depends on.
    if (type === 'inner' || type === 'left' || type === 'semi' || type === 'anti' || type === 'mark')
      found.push(...this.below(op.probe, id));
    if (type === 'inner' || type === 'right' || type === 'rightSemi' || type === 'rightAnti')
      found.push(...this.below(op.build, id));
    // A row that meets no equal one there is as good as dropped.
    if (type === 'inner' || type === 'semi') equal(op.probeKeys, op.buildKeys, op.build);
    if (type === 'inner' || type === 'rightSemi') equal(op.buildKeys, op.probeKeys, op.probe);
    return found;
  }
}
