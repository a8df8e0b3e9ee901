/** The cheapest way to run a statement with its shared plans.
 *
 *  Each shared plan's rows stay where one alternative leaves them, and what is best for its readers shows only in the
 *  whole: the statement is planned with the cheapest alternatives first, then again with each shared plan partitioned or on
 *  the master instead, keeping what makes the sum of all costs less. */
import type { SharedId } from '../../types/ids.js';
import type { Rewritten } from '../rules/apply-rules.js';
import type { Alternative, PhysicalContext, Planned } from './context.js';
import { Optimizer } from './optimize.js';
import { chooseShare, type Preference, type Share } from './shares.js';

/** What the statement does with the rows of its plan: the alternative that brings them there. */
export type Place = (ctx: PhysicalContext, planned: Planned) => Alternative;

/** More shared plans than this are planned once, each as cheaply as it can be. */
const TRIED_MAX = 4;

type Way = { readonly best: Alternative; readonly shares: readonly Share[]; readonly cost: number };

export function cheapestWay(ctx: PhysicalContext, query: Rewritten, place: Place): Way {
  const preferences = new Map<SharedId, Preference>();
  let way = plannedWith(ctx, query, preferences, place)!;
  if (query.shared.size <= TRIED_MAX && ctx.segmentCount > 1)
    for (const id of query.shared.keys())
      for (const other of ['partitioned', 'single'] as const) {
        const tried = plannedWith(ctx, query, new Map(preferences).set(id, other), place);
        if (tried === undefined || tried.cost >= way.cost) continue;
        way = tried;
        preferences.set(id, other);
      }
  return way;
}

/** Before anything of the way is built. */
export function useShares(ctx: PhysicalContext, shares: readonly Share[]): void {
  ctx.shares.clear();
  for (const s of shares) ctx.shares.set(s.shared.id, s);
}

/** Undefined when a preference names nothing else than the cheapest. */
function plannedWith(
  ctx: PhysicalContext,
  query: Rewritten,
  preferences: ReadonlyMap<SharedId, Preference>,
  place: Place,
): Way | undefined {
  ctx.shares.clear();
  for (const [id, { shared, plan }] of query.shared) {
    ctx.estimator.shared.set(id, plan);
    const planned = new Optimizer(ctx).run(plan);
    const share = chooseShare(ctx, shared, planned, preferences.get(id) ?? 'cheapest');
    if (share === undefined) return undefined;
    ctx.shares.set(id, share);
  }
  const best = place(ctx, new Optimizer(ctx).run(query.root));
  const shares = [...ctx.shares.values()];
  return { best, shares, cost: shares.reduce((sum, s) => sum + s.cost, best.cost) };
}
