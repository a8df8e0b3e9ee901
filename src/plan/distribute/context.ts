/** What the physical planning of one statement shares: settings, estimates, ids, and the motions made so far.
 *
 *  Alternatives are descriptions (distribution, order, cost); an operator is built only when its alternative has won,
 *  top-down, with the set of columns that are needed above (`build(need)`), so no operator carries a column in vain. */
import type { ColId, MotionId, SegmentId, SharedId, SliceId } from '../../types/ids.js';
import type { SqlType } from '../../types/sql-type.js';
import type { TableDef } from '../catalog.js';
import { Estimator } from '../cost/derive.js';
import type { Estimate } from '../cost/estimate.js';
import { type ColumnRanges, type FunctionLookup, RangeAnalysis } from '../cost/ranges.js';
import type { KnownParams } from '../cost/selectivity.js';
import type { Column, Expr, SortKey } from '../expr.js';
import { columnsOf, exprNullable, mapExpr } from '../expr-util.js';
import type { NodeId, PhysicalOp } from '../physical.js';
import type { PlannerSettings } from '../settings.js';
import type { Distribution } from './distribution.js';
import type { Share } from './shares.js';

export type Need = ReadonlySet<ColId>;

export type Alternative = {
  readonly dist: Distribution;
  /** The rows' order on each process, over columns. */
  readonly order: readonly SortKey[] | undefined;
  /** Nanoseconds until the last process is done, roughly. */
  readonly cost: number;
  /** Where this alternative has fewer rows than the node it belongs to. */
  readonly rows?: number;
  readonly build: (need: Need) => PhysicalOp;
};

/** A plan node with all ways to run it that are worth considering. */
export type Planned = {
  readonly estimate: Estimate;
  readonly cols: readonly Column[];
  readonly alternatives: readonly Alternative[];
};

/** Processes that run a slice: every segment, one of them (all rows are there), or the master. */
export type Place = 'all' | 'one' | 'master';

export type MotionSpec = {
  readonly id: MotionId;
  readonly input: PhysicalOp;
  readonly from: Place;
  readonly mode: 'hash' | 'random' | 'broadcast' | 'gather';
  readonly keys: readonly Expr[];
  readonly cols: readonly Column[];
};

export class PhysicalContext {
  readonly segments: readonly SegmentId[];
  readonly settings: PlannerSettings;
  readonly estimator: Estimator;
  readonly ranges: RangeAnalysis;
  readonly freshColId: () => ColId;
  readonly motions = new Map<MotionId, MotionSpec>();
  /** Segments that can hold rows of a scan, when its distribution key is fixed by constants. */
  readonly targets = new Map<NodeId, readonly SegmentId[]>();
  readonly tables = new Map<number, TableDef>();
  /** Shared plans, as chosen for this statement. */
  readonly shares = new Map<SharedId, Share>();
  private nextNode = 1;
  private nextMotion = 1;

  constructor(
    segments: readonly SegmentId[],
    settings: PlannerSettings,
    functions: FunctionLookup,
    freshColId: () => ColId,
    params: KnownParams,
  ) {
    this.segments = segments;
    this.settings = settings;
    this.estimator = new Estimator(params);
    this.ranges = new RangeAnalysis(functions);
    this.freshColId = freshColId;
  }

  get segmentCount(): number {
    return this.segments.length;
  }

  nodeId(): NodeId {
    return this.nextNode++;
  }

  column(name: string, type: SqlType, nullable: boolean): Column {
    return { id: this.freshColId(), name, type, nullable };
  }

  /** How many processes share the work. */
  parallelism(d: Distribution): number {
    return d.kind === 'hashed' || d.kind === 'random' ? this.segmentCount : 1;
  }

  motion(
    spec: Omit<MotionSpec, 'id'>,
    merge: readonly SortKey[] | undefined,
    rows: number,
    cost: number,
  ): PhysicalOp {
    const id = this.nextMotion++ as MotionId;
    this.motions.set(id, { ...spec, id });
    return {
      kind: 'receive',
      id: this.nodeId(),
      cols: spec.cols,
      rows,
      cost,
      motion: id,
      fromSlice: -1 as SliceId,
      merge,
    };
  }
}

export function placeOf(d: Distribution): Place {
  return d.kind === 'single' || d.kind === 'general' ? 'master' : d.kind === 'replicated' ? 'one' : 'all';
}

export function needWith(need: Need, ...exprs: readonly (Expr | undefined)[]): Set<ColId> {
  const all = new Set(need);
  for (const e of exprs) if (e !== undefined) columnsOf(e, all);
  return all;
}

export function keep(cols: readonly Column[], need: Need): readonly Column[] {
  return cols.filter((c) => need.has(c.id));
}

export function byId(...lists: readonly (readonly Column[])[]): Map<ColId, Column> {
  const map = new Map<ColId, Column>();
  for (const cols of lists) for (const c of cols) map.set(c.id, c);
  return map;
}

/** The column with guaranteed bounds and nullability of the expression that computes it. */
export function computed(ctx: PhysicalContext, c: Column, e: Expr, inputs: ColumnRanges): Column {
  const range = ctx.ranges.of(e, inputs);
  const nullable = c.nullable && nullableOver(e, inputs);
  const { range: _, ...plain } = c;
  return range === undefined ? { ...plain, nullable } : { ...plain, nullable, range };
}

/** May the expression be NULL, given what is known of the input's columns? */
export function nullableOver(e: Expr, inputs: ColumnRanges): boolean {
  return exprNullable(
    mapExpr(e, (x) => (x.kind === 'col' ? { ...x, nullable: inputs.get(x.id)?.nullable ?? x.nullable } : x)),
  );
}

/** The cheapest alternative of each distribution and order, the cheapest few of all. */
export function prune(
  alternatives: readonly Alternative[],
  signatureOf: (d: Distribution) => string,
  max = 6,
): readonly Alternative[] {
  const best = new Map<string, Alternative>();
  for (const a of alternatives) {
    const key = `${signatureOf(a.dist)}${a.order === undefined ? '' : '+'}`;
    const b = best.get(key);
    if (b === undefined || a.cost < b.cost) best.set(key, a);
  }
  return [...best.values()].sort((a, b) => a.cost - b.cost).slice(0, max);
}

export function cheapest(p: { readonly alternatives: readonly Alternative[] }): Alternative {
  return p.alternatives.reduce((a, b) => (b.cost < a.cost ? b : a));
}
