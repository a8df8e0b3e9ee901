/** Shared plans: computed once, where the chosen alternative leaves its rows, and read there by every reader.
 *
 *  Owns: which alternatives may be kept, the cost of keeping and reading, the one operator that all readers name.
 *  Readers have no choice: their rows are distributed as the kept ones are, and motions go above. Copies on every segment
 *  are kept only when each segment computes the same rows; rows that any process could make are kept on the master. */
import type { ColId, SliceId } from '../../types/ids.js';
import { assert } from '../../types/sql-error.js';
import { COST } from '../cost/model.js';
import type { Column, SortKey } from '../expr.js';
import { col } from '../expr-util.js';
import type { SharedPlan, SharedScan } from '../logical/nodes.js';
import { unrepeatable } from '../logical/repeatable.js';
import type { PhysicalOp } from '../physical.js';
import { type Alternative, byId, keep, type PhysicalContext, type Planned, prune } from './context.js';
import { type Distribution, hashKeyOf, isPartitioned, RANDOM, SINGLE, signature } from './distribution.js';
import { gather, rowWidth } from './motions.js';

/** What to prefer among the ways to compute a shared plan; the statement is planned with several, by cost. */
export type Preference = 'cheapest' | 'partitioned' | 'single';

export type Share = {
  readonly shared: SharedPlan;
  readonly planned: Planned;
  readonly chosen: Alternative;
  /** Of computing and keeping the rows. */
  readonly cost: number;
  /** Made when the first reader is built. */
  built: PhysicalOp | undefined;
};

/** Undefined when the preference names nothing else than the cheapest alternative. */
export function chooseShare(
  ctx: PhysicalContext,
  shared: SharedPlan,
  planned: Planned,
  preference: Preference,
): Share | undefined {
  const alternatives = keepable(ctx, shared, planned);
  const cheapest = cheapestOf(alternatives);
  const wanted = alternatives.filter((a) =>
    preference === 'partitioned' ? isPartitioned(a.dist) : a.dist.kind === 'single',
  );
  const chosen = preference === 'cheapest' || wanted.length === 0 ? cheapest : cheapestOf(wanted);
  if (preference !== 'cheapest' && chosen === cheapest) return undefined;
  const { rows } = planned.estimate;
  const keeping = rows * (COST.outputRow + COST.outputByte * rowWidth(planned));
  const cost = chosen.cost + COST.shareStart + keeping / ctx.parallelism(chosen.dist);
  return { shared, planned, chosen, cost, built: undefined };
}

function keepable(ctx: PhysicalContext, shared: SharedPlan, planned: Planned): readonly Alternative[] {
  const differs = ctx.segmentCount > 1 && unrepeatable(shared.plan) !== undefined;
  const alternatives = planned.alternatives.map((a) =>
    a.dist.kind === 'general' || (a.dist.kind === 'replicated' && differs) ? gather(ctx, planned, a) : a,
  );
  return prune(alternatives, signature);
}

function cheapestOf(alternatives: readonly Alternative[]): Alternative {
  return alternatives.reduce((a, b) => (b.cost < a.cost ? b : a));
}

export function planSharedScan(ctx: PhysicalContext, scan: SharedScan): Planned {
  const share = ctx.shares.get(scan.shared.id);
  assert(share !== undefined, 'a shared plan is planned before its readers');
  const { chosen } = share;
  const estimate = ctx.estimator.of(scan);
  const names = new Map(scan.from.map((id, i) => [id, scan.cols[i]]));
  const dist = renamed(chosen.dist, names);
  const order = renamedOrder(chosen.order, names);
  const shape = { estimate, cols: scan.cols };
  const cost = (estimate.rows * (COST.scanRow + COST.scanByte * rowWidth(shape))) / ctx.parallelism(dist);
  const alternative: Alternative = {
    dist,
    order,
    cost,
    build: (need) => {
      share.built ??= chosen.build(new Set(share.planned.cols.map((c) => c.id)));
      const kept = keptColumns(share);
      const below = byId(kept);
      const used = scan.cols
        .map((c, i) => ({
          c,
          at: kept.findIndex((k) => k.id === scan.from[i]),
          from: below.get(scan.from[i]),
        }))
        .filter((x) => need.has(x.c.id));
      return {
        kind: 'sharedScan',
        id: ctx.nodeId(),
        cols: used.map(({ c, from }) => facts(c, from)),
        rows: estimate.rows,
        cost,
        share: scan.shared.id,
        name: scan.shared.name,
        fromSlice: -1 as SliceId,
        ordinals: used.map((x) => x.at),
        ordered: order !== undefined,
      };
    },
  };
  return { estimate, cols: scan.cols, alternatives: [alternative] };
}

/** The columns that are kept, in their order. */
export function keptColumns(share: Share): readonly Column[] {
  assert(share.built !== undefined, 'a shared plan is built with its first reader');
  return keep(share.built.cols, new Set(share.planned.cols.map((c) => c.id)));
}

/** The reader's column with what is guaranteed of the kept one: both ends derive one representation from it. */
function facts(c: Column, kept: Column | undefined): Column {
  assert(kept !== undefined, `shared column ${c.name}#${c.id} is kept`);
  const { range: _, ...plain } = c;
  return kept.range === undefined
    ? { ...plain, nullable: kept.nullable }
    : { ...plain, nullable: kept.nullable, range: kept.range };
}

function renamed(d: Distribution, names: ReadonlyMap<ColId, Column>): Distribution {
  if (d.kind !== 'hashed') return d.kind === 'general' ? SINGLE : d;
  const byKey = new Map([...names].map(([id, c]) => [`#${id}`, hashKeyOf(col(c))]));
  const keys = d.keys.map((k) => new Set([...k].flatMap((x) => byKey.get(x) ?? [])));
  return keys.some((k) => k.size === 0) ? RANDOM : { kind: 'hashed', keys };
}

/** Only as a whole. */
function renamedOrder(
  order: readonly SortKey[] | undefined,
  names: ReadonlyMap<ColId, Column>,
): readonly SortKey[] | undefined {
  const keys: SortKey[] = [];
  for (const k of order ?? []) {
    const c = k.expr.kind === 'col' ? names.get(k.expr.id) : undefined;
    if (c === undefined) return undefined;
    keys.push({ ...k, expr: col(c) });
  }
  return keys.length === 0 ? undefined : keys;
}
