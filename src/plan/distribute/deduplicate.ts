/** What a semi, anti or mark join needs of its right side is whether a key is there: duplicates on a segment can go
 *  before they move. Equal keys of different segments may stay; the join does not mind. */

import { distinctAfter, distinctRows, type Estimate } from '../cost/estimate.js';
import { COST } from '../cost/model.js';
import type { Column } from '../expr.js';
import { type Alternative, byId, cheapest, type PhysicalContext, type Planned } from './context.js';
import { isPartitioned, RANDOM } from './distribution.js';

/** Fewer rows a key on each segment than this do not pay for the hash table. */
const REDUCTION_MIN = 2;

/** The keys of the side, once on each segment; undefined when that saves little. */
export function deduplicated(
  ctx: PhysicalContext,
  side: Planned,
  keys: readonly Column[],
): Planned | undefined {
  const base = cheapest(side);
  if (!isPartitioned(base.dist) || ctx.segmentCount === 1) return undefined;
  const { rows } = side.estimate;
  const share = rows / ctx.segmentCount;
  const distinct = distinctRows(
    side.estimate,
    keys.map((k) => k.id),
  );
  const left = distinctAfter(distinct, rows, share) * ctx.segmentCount;
  if (rows < REDUCTION_MIN * left) return undefined;
  const estimate: Estimate = { ...side.estimate, rows: left };
  const cost = base.cost + share * COST.aggregateRow * 2 + (left / ctx.segmentCount) * COST.aggregateGroup;
  const alternative: Alternative = {
    dist: RANDOM,
    order: undefined,
    cost,
    build: () => {
      const input = base.build(new Set(keys.map((k) => k.id)));
      const below = byId(input.cols);
      const groups = keys.map((k) => below.get(k.id) ?? k);
      return {
        kind: 'hashAgg',
        id: ctx.nodeId(),
        cols: groups,
        rows: left,
        cost,
        mode: 'single',
        input,
        groups,
        aggs: [],
        states: [],
      };
    },
  };
  return { estimate, cols: keys, alternatives: [alternative] };
}
