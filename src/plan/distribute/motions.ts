/** Motions: the ways to bring an alternative's rows somewhere else.
 *
 *  Owns: cost and construction of gather, broadcast, redistribute (by hash or round robin). A motion from a replicated
 *  or constant input is sent by one process. Only a gather keeps order (by merging). */

import type { ColId } from '../../types/ids.js';
import { type Estimate, widthOf } from '../cost/estimate.js';
import { COST, motionCost } from '../cost/model.js';
import type { Column, Expr } from '../expr.js';
import { columnsOf } from '../expr-util.js';
import { type Alternative, keep, type PhysicalContext, type Planned, placeOf } from './context.js';
import { type Distribution, hashKeyOf, isPartitioned, RANDOM, REPLICATED, SINGLE } from './distribution.js';

type Shape = Pick<Planned, 'estimate' | 'cols'>;

const widths = new WeakMap<readonly Column[], { readonly estimate: Estimate; readonly width: number }>();

/** Bytes of a row, estimated. */
export function rowWidth(p: Shape): number {
  const known = widths.get(p.cols);
  if (known !== undefined && known.estimate === p.estimate) return known.width;
  const width = widthOf(
    p.estimate,
    p.cols.map((c) => c.id),
  );
  widths.set(p.cols, { estimate: p.estimate, width });
  return width;
}

/** A motion carries at least one column: a batch without columns has no rows to count. */
function carried(cols: readonly Column[], need: ReadonlySet<ColId>): ReadonlySet<ColId> {
  if (cols.length === 0 || cols.some((c) => need.has(c.id))) return need;
  const narrow = cols.find((c) => c.type.kind === 'bool' || c.type.kind === 'int4' || c.type.kind === 'date');
  return new Set([...need, (narrow ?? cols[0]).id]);
}

export function gather(ctx: PhysicalContext, p: Shape, a: Alternative): Alternative {
  if (a.dist.kind === 'single') return a;
  if (a.dist.kind === 'general') return { ...a, dist: SINGLE };
  const rows = p.estimate.rows;
  const merging = a.order === undefined ? 0 : rows * COST.sortCompare;
  const cost = a.cost + motionCost(rows, rowWidth(p)) + merging;
  return {
    dist: SINGLE,
    order: a.order,
    cost,
    build: (need) => {
      const wanted = new Set(carried(p.cols, need));
      for (const k of a.order ?? []) columnsOf(k.expr, wanted);
      const input = a.build(wanted);
      return ctx.motion(
        { input, from: placeOf(a.dist), mode: 'gather', keys: [], cols: input.cols },
        a.order,
        rows,
        cost,
      );
    },
  };
}

export function broadcast(ctx: PhysicalContext, p: Shape, a: Alternative): Alternative {
  const rows = p.estimate.rows;
  const cost = a.cost + motionCost(rows, rowWidth(p));
  return {
    dist: REPLICATED,
    order: undefined,
    cost,
    build: (need) => {
      const input = a.build(carried(p.cols, need));
      return ctx.motion(
        {
          input,
          from: placeOf(a.dist),
          mode: 'broadcast',
          keys: [],
          cols: keep(input.cols, carried(p.cols, need)),
        },
        undefined,
        rows,
        cost,
      );
    },
  };
}

/** By hash of the keys. `as` names the classes the keys now stand for (the keys themselves when absent). */
export function redistribute(
  ctx: PhysicalContext,
  p: Shape,
  a: Alternative,
  keys: readonly Expr[],
): Alternative {
  const rows = p.estimate.rows;
  const senders = isPartitioned(a.dist) ? ctx.segmentCount : 1;
  const cost = a.cost + motionCost(rows / senders, rowWidth(p));
  const dist: Distribution = { kind: 'hashed', keys: keys.map((k) => new Set([hashKeyOf(k)])) };
  return {
    dist,
    order: undefined,
    cost,
    build: (need) => {
      const wanted = new Set(carried(p.cols, need));
      for (const k of keys) columnsOf(k, wanted);
      const input = a.build(wanted);
      const cols = keep(input.cols, carried(p.cols, need));
      return ctx.motion({ input, from: placeOf(a.dist), mode: 'hash', keys, cols }, undefined, rows, cost);
    },
  };
}

/** Spread evenly, for rows without a usable key. */
export function strew(ctx: PhysicalContext, p: Shape, a: Alternative): Alternative {
  if (isPartitioned(a.dist)) return a;
  const rows = p.estimate.rows;
  const cost = a.cost + motionCost(rows, rowWidth(p));
  return {
    dist: RANDOM,
    order: undefined,
    cost,
    build: (need) => {
      const input = a.build(carried(p.cols, need));
      return ctx.motion(
        { input, from: placeOf(a.dist), mode: 'random', keys: [], cols: input.cols },
        undefined,
        rows,
        cost,
      );
    },
  };
}
