/** Join order: dynamic programming over connected sets of relations, bushy trees included; greedy past a limit.
 *
 *  Owns: the enumeration. Each set of relations keeps the cheapest plan for every distribution, so a co-located plan
 *  survives although a broadcast is cheaper for the moment. Source: Selinger 1979, Moerkotte and Neumann 2006 (sets of
 *  relations as bits), Fegaras 1998 for the greedy order. */

import type { Estimate } from '../cost/estimate.js';
import type { RelationSet } from '../cost/join-conflicts.js';
import { joinEstimate } from '../cost/join-estimate.js';
import { motionCost } from '../cost/model.js';
import { conjunction } from '../expr-util.js';
import type { Join, LogicalPlan } from '../logical/nodes.js';
import { cheapest, type PhysicalContext, type Planned, prune } from './context.js';
import { signature } from './distribution.js';
import { joinRegion, type Region, type RegionOperator } from './join-region.js';
import { type JoinSpec, planJoin, worthwhile } from './joins.js';
import { rowWidth } from './motions.js';

type Optimize = (plan: LogicalPlan) => Planned;

export function planJoinTree(ctx: PhysicalContext, root: Join, optimize: Optimize): Planned {
  const asWritten = (): Planned => {
    const l = optimize(root.left);
    const r = optimize(root.right);
    return planJoin(
      ctx,
      root,
      l,
      r,
      joinEstimate(root.type, l.estimate, r.estimate, root.predicate, root.mark, ctx.estimator.params),
    );
  };
  if (ctx.settings.disabledRules.has('JoinOrder')) return asWritten();
  const region = joinRegion(root);
  const relations = region.relations.map(optimize);
  const order = new JoinOrder(ctx, region, relations);
  return order.best() ?? asWritten();
}

class JoinOrder {
  private readonly ctx: PhysicalContext;
  private readonly region: Region;
  private readonly relations: readonly Planned[];
  private readonly plans = new Map<RelationSet, Planned>();
  private readonly estimates = new Map<RelationSet, Estimate>();
  private readonly components: readonly RelationSet[];
  private readonly all: RelationSet;

  constructor(ctx: PhysicalContext, region: Region, relations: readonly Planned[]) {
    this.ctx = ctx;
    this.region = region;
    this.relations = relations;
    this.all = 2 ** relations.length - 1;
    this.components = components(region, relations.length);
    for (const [i, r] of relations.entries()) {
      this.plans.set(1 << i, r);
      this.estimates.set(1 << i, r.estimate);
    }
  }

  best(): Planned | undefined {
    const few = this.relations.length <= this.ctx.settings.joinOrderLimit;
    if (!few || !this.enumerate()) this.greedy();
    return this.plans.get(this.all);
  }

  /** false: too many pairs (relations that are all connected to each other), and nothing was decided. */
  private enumerate(): boolean {
    let pairs = 0;
    for (let set = 3; set <= this.all; set++) {
      if ((set & (set - 1)) === 0) continue;
      const lowest = set & -set;
      let merged: Planned | undefined;
      for (let part = (set - 1) & set; part > 0; part = (part - 1) & set) {
        if ((part & lowest) === 0) continue;
        if (merged !== undefined && this.isTooDear(part, set & ~part, merged)) continue;
        const joined = this.join(part, set & ~part);
        if (joined === undefined) continue;
        if (++pairs > this.ctx.settings.joinPairsLimit) return false;
        merged =
          merged === undefined
            ? joined
            : { ...merged, alternatives: prune([...merged.alternatives, ...joined.alternatives], signature) };
      }
      if (merged !== undefined) this.plans.set(set, worthwhile(this.ctx, merged));
    }
    return true;
  }

  /** Both sides alone cost more than the best plan found and any motion of its result. */
  private isTooDear(a: RelationSet, b: RelationSet, merged: Planned): boolean {
    const left = this.plans.get(a);
    const right = this.plans.get(b);
    if (left === undefined || right === undefined) return true;
    const move = motionCost(merged.estimate.rows, rowWidth(merged));
    return cheapest(left).cost + cheapest(right).cost >= cheapest(merged).cost + move;
  }

  private greedy(): void {
    let parts: RelationSet[] = this.relations.map((_, i) => 1 << i);
    while (parts.length > 1) {
      let best: { a: RelationSet; b: RelationSet; plan: Planned } | undefined;
      for (const [i, a] of parts.entries())
        for (const b of parts.slice(i + 1)) {
          const plan = this.join(a, b);
          if (plan === undefined) continue;
          if (
            best === undefined ||
            plan.estimate.rows < best.plan.estimate.rows ||
            (plan.estimate.rows === best.plan.estimate.rows && cheapest(plan).cost < cheapest(best.plan).cost)
          )
            best = { a, b, plan };
        }
      if (best === undefined) return;
      const { a, b, plan } = best;
      this.plans.set(a | b, plan);
      parts = [...parts.filter((p) => p !== a && p !== b), a | b];
    }
  }

  private join(a: RelationSet, b: RelationSet): Planned | undefined {
    const left = this.plans.get(a);
    const right = this.plans.get(b);
    if (left === undefined || right === undefined) return undefined;
    const found = this.operatorBetween(a, b);
    if (found === undefined) return undefined;
    const [l, r] = found.swapped ? [right, left] : [left, right];
    return planJoin(this.ctx, found.spec, l, r, this.estimate(a | b, found.spec, l, r));
  }

  private estimate(set: RelationSet, spec: JoinSpec, l: Planned, r: Planned): Estimate {
    let e = this.estimates.get(set);
    if (e === undefined) {
      e = joinEstimate(
        spec.type,
        l.estimate,
        r.estimate,
        spec.predicate,
        spec.mark,
        this.ctx.estimator.params,
      );
      this.estimates.set(set, e);
    }
    return e;
  }

  /** The join that combines two sets: every operator that becomes complete must be allowed here. */
  private operatorBetween(a: RelationSet, b: RelationSet): { spec: JoinSpec; swapped: boolean } | undefined {
    const set = a | b;
    const inner: RegionOperator[] = [];
    let other: { op: RegionOperator; swapped: boolean } | undefined;
    const classes = new Set<number>();
    for (const op of this.region.operators) {
      const tes = op.left | op.right;
      if ((tes & ~set) !== 0 || (tes & ~a) === 0 || (tes & ~b) === 0) continue;
      for (const r of op.rules) if ((r.when & set) !== 0 && (r.require & ~set) !== 0) return undefined;
      if (op.spec.type === 'inner') {
        if (op.equalityClass !== undefined) {
          if (classes.has(op.equalityClass)) continue;
          classes.add(op.equalityClass);
        }
        inner.push(op);
        continue;
      }
      if (other !== undefined) return undefined;
      if ((op.left & ~a) === 0 && (op.right & ~b) === 0) other = { op, swapped: false };
      else if ((op.left & ~b) === 0 && (op.right & ~a) === 0) other = { op, swapped: true };
      else return undefined;
    }
    if (other !== undefined) {
      // What its far side brings can only come with it: a product below that side names nothing that would say so.
      const near = other.swapped ? b : a;
      if (inner.length > 0 || (other.op.owned & near) !== 0) return undefined;
      return { spec: other.op.spec, swapped: other.swapped };
    }
    if (this.slipsInto(a, b)) return undefined;
    if (inner.length > 0) {
      const predicate = conjunction(inner.map((o) => o.spec.predicate).filter((p) => p !== undefined));
      return { spec: { type: 'inner', predicate, nullAware: false, mark: undefined }, swapped: false };
    }
    // A product only where nothing connects the two, and with a whole component on one side.
    if (!this.components.includes(a) && !this.components.includes(b)) return undefined;
    if (this.components.some((c) => (c & a) !== 0 && (c & b) !== 0)) return undefined;
    return {
      spec: { type: 'inner', predicate: undefined, nullAware: false, mark: undefined },
      swapped: false,
    };
  }

  /** Would an inner join of the two bring rows from outside into the far side of a semi or outer join that is not done
   *  yet, or take some out of it? */
  private slipsInto(a: RelationSet, b: RelationSet): boolean {
    const set = a | b;
    return this.region.operators.some((op) => {
      const tes = op.left | op.right;
      const done = (tes & ~a) === 0 || (tes & ~b) === 0;
      return !done && (op.owned & set) !== 0 && (set & ~op.owned) !== 0;
    });
  }
}

/** Sets of relations between which some operator runs, directly or through others. Operators over more than two
 *  relations connect none: products inside them are found where they are needed. */
function components(region: Region, count: number): readonly RelationSet[] {
  let sets: RelationSet[] = Array.from({ length: count }, (_, i) => 1 << i);
  for (const op of region.operators) {
    const tes = op.left | op.right;
    if (op.spec.type === 'inner' && bits(tes) > 2) continue;
    const touched = sets.filter((s) => (s & tes) !== 0);
    if (touched.length < 2) continue;
    sets = [...sets.filter((s) => (s & tes) === 0), touched.reduce((x, y) => x | y, 0)];
  }
  return sets;
}

function bits(x: number): number {
  let n = 0;
  for (let y = x; y !== 0; y &= y - 1) n++;
  return n;
}
