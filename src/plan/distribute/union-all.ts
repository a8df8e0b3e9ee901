/** UNION ALL inside a slice: inputs that are in one kind of place are appended where they are.
 *
 *  Partitioned inputs append in place; copies (replicated, constant) become partitioned by strewing; an input on the
 *  master strews too, or everything is gathered, by cost. */

import { assert } from '../../types/sql-error.js';
import { COST } from '../cost/model.js';
import type { Column } from '../expr.js';
import { col } from '../expr-util.js';
import type { SetOp } from '../logical/nodes.js';
import { type Alternative, byId, cheapest, type PhysicalContext, type Planned, prune } from './context.js';
import {
  type Distribution,
  GENERAL,
  hashKeyOf,
  isPartitioned,
  RANDOM,
  REPLICATED,
  SINGLE,
  signature,
} from './distribution.js';
import { broadcast, gather, strew } from './motions.js';

export function planUnionAll(ctx: PhysicalContext, node: SetOp, inputs: readonly Planned[]): Planned {
  assert(node.op === 'union' && node.all, 'INTERSECT, EXCEPT and UNION DISTINCT are rewritten before');
  const estimate = ctx.estimator.of(node);
  const found: Alternative[] = [];
  const append = (parts: readonly Alternative[], dist: Distribution): void => {
    const cost =
      parts.reduce((n, a) => n + a.cost, 0) + (estimate.rows * COST.outputRow) / ctx.parallelism(dist);
    found.push({
      dist,
      order: undefined,
      cost,
      build: (need) => {
        const at = node.cols.map((c, i) => ({ c, i })).filter((x) => need.has(x.c.id));
        const ops = parts.map((a, k) => a.build(new Set(at.map(({ i }) => node.inputCols[k][i].id))));
        const inputCols = ops.map((op, k) => {
          const below = byId(op.cols);
          return at.map(({ i }) => below.get(node.inputCols[k][i].id) ?? node.inputCols[k][i]);
        });
        const cols = at.map(({ c }, j) =>
          merged(
            c,
            inputCols.map((cs) => cs[j]),
          ),
        );
        return { kind: 'append', id: ctx.nodeId(), cols, rows: estimate.rows, cost, inputs: ops, inputCols };
      },
    });
  };
  const everywhere = (kinds: readonly Distribution['kind'][]): readonly Alternative[] | undefined => {
    const parts: Alternative[] = [];
    for (const p of inputs) {
      const fit = p.alternatives.filter((a) => kinds.includes(a.dist.kind));
      if (fit.length === 0) return undefined;
      parts.push(fit.reduce((a, b) => (b.cost < a.cost ? b : a)));
    }
    return parts;
  };
  const constant = everywhere(['general']);
  if (constant !== undefined) append(constant, GENERAL);
  const copies = constant === undefined ? everywhere(['general', 'replicated']) : undefined;
  if (copies !== undefined) append(copies, REPLICATED);
  append(
    inputs.map((p) => {
      const single = p.alternatives.find((a) => a.dist.kind === 'single' || a.dist.kind === 'general');
      return gather(ctx, p, single ?? cheapest(p));
    }),
    SINGLE,
  );
  if (ctx.segmentCount > 1 && constant === undefined && copies === undefined) {
    const parts = inputs.map((p) => {
      const partitioned = p.alternatives.filter((a) => isPartitioned(a.dist));
      return partitioned.length > 0
        ? partitioned.reduce((a, b) => (b.cost < a.cost ? b : a))
        : strew(ctx, p, cheapest(p));
    });
    append(parts, commonHash(node, parts) ?? RANDOM);
  }
  if (ctx.segmentCount === 1 && copies === undefined && constant === undefined)
    append(
      inputs.map((p) => {
        const here = p.alternatives.find((a) => a.dist.kind === 'replicated' || a.dist.kind === 'general');
        return here ?? broadcast(ctx, p, cheapest(p));
      }),
      REPLICATED,
    );
  return { estimate, cols: node.cols, alternatives: prune(found, signature) };
}

/** All inputs hashed on the columns that feed the same outputs. */
function commonHash(node: SetOp, parts: readonly Alternative[]): Distribution | undefined {
  const first = parts[0].dist;
  if (first.kind !== 'hashed') return undefined;
  const keys: Set<string>[] = [];
  for (let k = 0; k < first.keys.length; k++) {
    const feeds = node.cols.filter((_, i) =>
      parts.every((p, j) => {
        const d = p.dist;
        return (
          d.kind === 'hashed' &&
          d.keys.length === first.keys.length &&
          d.keys[k].has(hashKeyOf(col(node.inputCols[j][i])))
        );
      }),
    );
    if (feeds.length === 0) return undefined;
    keys.push(new Set(feeds.map((c) => hashKeyOf(col(c)))));
  }
  return { kind: 'hashed', keys };
}

function merged(c: Column, from: readonly Column[]): Column {
  const nullable = from.some((x) => x.nullable);
  const { range: _, ...plain } = c;
  const ranges = from.map((x) => x.range).filter((r) => r !== undefined);
  if (ranges.length < from.length) return { ...plain, nullable };
  const min = ranges.reduce((m, r) => (r.min < m ? r.min : m), ranges[0].min);
  const max = ranges.reduce((m, r) => (r.max > m ? r.max : m), ranges[0].max);
  return { ...plain, nullable, range: { min, max } };
}
