/** Aggregation in one, two or three stages, by cost.
 *
 *  One stage where equal groups are together already, or after the rows were brought together; else partial on each
 *  segment, states over a motion, final after it. DISTINCT was turned into a stage of its own by the rule
 *  `SplitDistinctAggregates` where it could be; what is left of it, and aggregates whose order matters, take one stage.
 *  Source: Larson 2002, "Data reduction by partial preaggregation". */

import { distinctAfter, distinctRows, type Estimate, widthOf } from '../cost/estimate.js';
import { COST } from '../cost/model.js';
import type { AggCall, Column } from '../expr.js';
import { col, columnsOf, isVolatile } from '../expr-util.js';
import { isRepeatable } from '../logical/repeatable.js';
import type { HashAggOp, PhysicalOp } from '../physical.js';
import { isOrderSensitive, isSplittable, stateColumns } from './agg-states.js';
import {
  type Alternative,
  byId,
  cheapest,
  type Need,
  nullableOver,
  type PhysicalContext,
  type Planned,
  prune,
} from './context.js';
import { groupsTogether, hashKeyOf, isPartitioned, signature } from './distribution.js';
import { broadcast, gather, redistribute } from './motions.js';

export type AggregateShape = {
  readonly groups: readonly Column[];
  readonly aggs: readonly AggCall[];
  readonly estimate: Estimate;
  readonly cols: readonly Column[];
  /** Groups of an aggregate right above: hashed by these alone, it needs no motion of its own. */
  readonly above?: readonly Column[] | undefined;
};

export function planAggregate(ctx: PhysicalContext, input: Planned, shape: AggregateShape): Planned {
  const { groups, aggs, estimate } = shape;
  const groupKeys = new Set(groups.map((g) => hashKeyOf(col(g))));
  const groupExprs = groups.map(col);
  const moody = ctx.segmentCount > 1 && aggs.some((a) => isOrderSensitive(a) || a.args.some(isVolatile));
  const found: Alternative[] = [];
  const oneStage = (a: Alternative): void => {
    found.push(singleStage(ctx, input, shape, a));
  };
  for (const a of input.alternatives) {
    // Computed on every segment for itself: only what comes out the same everywhere.
    if (!isPartitioned(a.dist) && !(moody && a.dist.kind === 'replicated')) oneStage(a);
    else if (groups.length > 0 && groupsTogether(a.dist, groupKeys)) oneStage(a);
  }
  const splittable = aggs.every(isSplittable) && ctx.settings.enableTwoStageAggregates;
  for (const a of input.alternatives) {
    if (!isPartitioned(a.dist)) continue;
    if (groups.length > 0 && groupsTogether(a.dist, groupKeys)) continue;
    if (splittable) found.push(...twoStages(ctx, input, shape, a));
  }
  const base = cheapest(input);
  if (groups.length > 0 && isPartitioned(base.dist) && ctx.settings.enableRedistribute) {
    oneStage(redistribute(ctx, input, base, groupExprs));
    const above = spreadsOut(ctx, input, shape.above);
    if (above !== undefined) oneStage(redistribute(ctx, input, base, above.map(col)));
    if (groups.length > 1) {
      const widest = groups.reduce((x, y) => (distinct(input, y) > distinct(input, x) ? y : x));
      if (distinct(input, widest) > 50 * ctx.segmentCount)
        oneStage(redistribute(ctx, input, base, [col(widest)]));
    }
  }
  if (found.length === 0 || (groups.length === 0 && !splittable)) oneStage(gather(ctx, input, base));
  return { estimate, cols: shape.cols, alternatives: prune(found, signature) };
}

function distinct(p: Planned, c: Column): number {
  return p.estimate.columns.get(c.id)?.distinct ?? 1;
}

/** Columns with enough different values to keep all segments busy. */
function spreadsOut(
  ctx: PhysicalContext,
  input: Planned,
  cols: readonly Column[] | undefined,
): readonly Column[] | undefined {
  if (cols === undefined) return undefined;
  const values = distinctRows(
    input.estimate,
    cols.map((c) => c.id),
  );
  return values > 50 * ctx.segmentCount ? cols : undefined;
}

function work(rowsIn: number, groupsOut: number, aggs: number, width: number, parallel: number): number {
  const table = groupsOut * (width + 16);
  const miss = table < 256 << 10 ? 1 : table < 4 << 20 ? 2 : 3;
  return (rowsIn * (COST.aggregateRow * miss + aggs * 1.5) + groupsOut * COST.aggregateGroup) / parallel;
}

function inputNeed(shape: AggregateShape, aggs: readonly AggCall[]): Set<Column['id']> {
  const wanted = new Set(shape.groups.map((g) => g.id));
  for (const a of aggs) {
    for (const x of a.args) columnsOf(x, wanted);
    if (a.filter !== undefined) columnsOf(a.filter, wanted);
    for (const k of a.orderBy) columnsOf(k.expr, wanted);
  }
  return wanted;
}

/** Aggregates that nothing above reads are not computed; their groups are. */
function neededAggs(shape: AggregateShape, need: Need): readonly AggCall[] {
  const wanted = shape.aggs.filter((a) => need.has(a.out.id));
  return wanted.length === 0 && shape.groups.length === 0 ? shape.aggs.slice(0, 1) : wanted;
}

function refreshed(groups: readonly Column[], input: PhysicalOp): readonly Column[] {
  const below = byId(input.cols);
  return groups.map((g) => below.get(g.id) ?? g);
}

function withOut(ctx: PhysicalContext, shape: AggregateShape, a: AggCall, input: PhysicalOp): AggCall {
  const below = byId(input.cols);
  const range = ctx.ranges.aggregate(a, below);
  const nullable = a.out.nullable && mayBeNull(shape, a, input);
  return { ...a, out: range === undefined ? { ...a.out, nullable } : { ...a.out, nullable, range } };
}

/** A group without a single non-null input gives NULL. */
function mayBeNull(shape: AggregateShape, a: AggCall, input: PhysicalOp): boolean {
  switch (a.name) {
    case 'count':
    case 'count_star':
      return false;
    case 'var_samp':
    case 'stddev_samp':
      return true;
    default:
      return (
        shape.groups.length === 0 ||
        a.filter !== undefined ||
        a.args.some((x) => nullableOver(x, byId(input.cols)))
      );
  }
}

function singleStage(
  ctx: PhysicalContext,
  input: Planned,
  shape: AggregateShape,
  a: Alternative,
): Alternative {
  const width = widthOf(
    shape.estimate,
    shape.cols.map((c) => c.id),
  );
  const rows = shape.estimate.rows;
  const cost = a.cost + work(input.estimate.rows, rows, shape.aggs.length, width, ctx.parallelism(a.dist));
  return {
    dist: a.dist,
    order: undefined,
    cost,
    build: (need) => {
      const wanted = neededAggs(shape, need);
      const from = a.build(inputNeed(shape, wanted));
      const groups = refreshed(shape.groups, from);
      const aggs = wanted.map((x) => withOut(ctx, shape, x, from));
      return {
        kind: 'hashAgg',
        id: ctx.nodeId(),
        cols: [...groups, ...aggs.map((x) => x.out)],
        rows,
        cost,
        mode: 'single',
        input: from,
        groups,
        aggs,
        states: [],
      };
    },
  };
}

/** Partial on the segments; the states go by group to the segments, or all to the master, or to everybody. */
function twoStages(
  ctx: PhysicalContext,
  input: Planned,
  shape: AggregateShape,
  a: Alternative,
): readonly Alternative[] {
  const n = ctx.segmentCount;
  const { groups, estimate } = shape;
  const rowsIn = input.estimate.rows;
  const perSegment = groups.length === 0 ? 1 : distinctAfter(estimate.rows, rowsIn, rowsIn / n);
  const width = widthOf(
    estimate,
    shape.cols.map((c) => c.id),
  );
  const stateWidth = width + 8 * shape.aggs.length;
  const partialRows = Math.min(rowsIn, perSegment * n);
  const partialCost = a.cost + work(rowsIn, partialRows, shape.aggs.length, width, n);
  const partialEstimate: Estimate = {
    ...estimate,
    rows: partialRows,
    columns: new Map([
      ...estimate.columns,
      ...shape.aggs.map(
        (x) =>
          [
            x.out.id,
            {
              distinct: 1,
              nullFraction: 0,
              widthBytes: stateWidth / Math.max(1, shape.aggs.length),
              stats: undefined,
            },
          ] as const,
      ),
    ]),
  };
  const partialOp = (aggsWanted: readonly AggCall[]): HashAggOp => {
    const from = a.build(inputNeed(shape, aggsWanted));
    const below = byId(from.cols);
    const aggs = aggsWanted.map((x) => withOut(ctx, shape, x, from));
    const states = aggs.map((x) =>
      stateColumns(x, ctx.ranges, below, (name, type, nullable) =>
        ctx.column(name, type, nullable && mayBeNull(shape, { ...x, name: 'sum' }, from)),
      ),
    );
    const own = refreshed(groups, from);
    return {
      kind: 'hashAgg',
      id: ctx.nodeId(),
      cols: [...own, ...states.flat()],
      rows: partialRows,
      cost: partialCost,
      mode: 'partial',
      input: from,
      groups: own,
      aggs,
      states,
    };
  };
  const pair = (move: (partial: Alternative) => Alternative): Alternative => {
    const partial: Omit<Alternative, 'build'> = { dist: a.dist, order: undefined, cost: partialCost };
    const moved = move({ ...partial, build: () => partialOp(shape.aggs) });
    const cost =
      moved.cost + work(partialRows, estimate.rows, shape.aggs.length, width, ctx.parallelism(moved.dist));
    return {
      dist: moved.dist,
      order: undefined,
      cost,
      build: (need) => {
        // Both stages name the same state columns, so the partial operator is built once and then moved.
        const below = partialOp(neededAggs(shape, need));
        const from = move({ ...partial, build: () => below }).build(new Set(below.cols.map((c) => c.id)));
        const own = refreshed(groups, from);
        return {
          kind: 'hashAgg',
          id: ctx.nodeId(),
          cols: [...own, ...below.aggs.map((x) => x.out)],
          rows: estimate.rows,
          cost,
          mode: 'final',
          input: from,
          groups: own,
          aggs: below.aggs,
          states: below.states,
        };
      },
    };
  };
  const shapeOfPartial = { estimate: partialEstimate, cols: shape.cols };
  const result = [pair((p) => gather(ctx, shapeOfPartial, p))];
  // One row for a join everywhere: each segment adds up all states, which spares the way over the master. Only what
  // comes out the same in any order of addition.
  if (groups.length === 0 && ctx.settings.enableBroadcast && shape.aggs.every(isRepeatable))
    result.push(pair((p) => broadcast(ctx, shapeOfPartial, p)));
  if (groups.length > 0 && ctx.settings.enableRedistribute) {
    const above = spreadsOut(ctx, input, shape.above);
    for (const keys of above === undefined ? [groups] : [groups, above])
      result.push(pair((p) => redistribute(ctx, shapeOfPartial, p, keys.map(col))));
  }
  return result;
}
