/** One join: where it can run, who moves, who builds.
 *
 *  Owns: the validity of every pair of distributions for every join type, the candidates (as they are, broadcast,
 *  redistributed, gathered) and their cost, and the choice of the build side. Invariant: a row of a preserved side is
 *  on exactly one process, and there sees every row it could match; null-aware joins see the whole build side.
 *  Motions appear only where what is provided is not what is required. */

import type { ColId } from '../../types/ids.js';
import type { Estimate } from '../cost/estimate.js';
import { joinShape } from '../cost/join-estimate.js';
import { COST, motionCost, probeRowCost } from '../cost/model.js';
import { distinctOf } from '../cost/selectivity.js';
import type { Column, Expr } from '../expr.js';
import { conjunction } from '../expr-util.js';
import { joinCols } from '../logical/builders.js';
import type { JoinType } from '../logical/nodes.js';
import type { PhysicalOp, PhysJoinType } from '../physical.js';
import {
  type Alternative,
  cheapest,
  keep,
  type Need,
  needWith,
  type PhysicalContext,
  type Planned,
  prune,
} from './context.js';
import { deduplicated } from './deduplicate.js';
import {
  coLocated,
  type Distribution,
  GENERAL,
  type HashPair,
  hashKeyOf,
  isEverywhere,
  isPartitioned,
  matchingKeys,
  RANDOM,
  REPLICATED,
  SINGLE,
  signature,
  withEqualities,
} from './distribution.js';
import { broadcast, gather, redistribute, rowWidth } from './motions.js';

export type JoinSpec = {
  readonly type: JoinType;
  readonly predicate: Expr | undefined;
  readonly nullAware: boolean;
  readonly mark: Column | undefined;
};

type Parts = { readonly pairs: readonly HashPair[]; readonly residual: Expr | undefined };

function idSet(cols: readonly Column[]): Set<ColId> {
  return new Set(cols.map((c) => c.id));
}

function parts(spec: JoinSpec, left: Planned, right: Planned): Parts {
  const { pairs, residual } = joinShape(spec.predicate, idSet(left.cols), idSet(right.cols));
  const nullSafe = new Set<string>();
  const strict = new Set<string>();
  if (spec.predicate !== undefined)
    for (const c of spec.predicate.kind === 'and' ? spec.predicate.args : [spec.predicate]) {
      if (c.kind !== 'distinct' && c.kind !== 'cmp') continue;
      const seen = c.kind === 'distinct' ? nullSafe : strict;
      seen.add(`${hashKeyOf(c.left)} ${hashKeyOf(c.right)}`);
      seen.add(`${hashKeyOf(c.right)} ${hashKeyOf(c.left)}`);
    }
  const hashable: HashPair[] = [];
  const rest: Expr[] = [...residual];
  for (const p of pairs) {
    const leftKey = hashKeyOf(p.left);
    const rightKey = hashKeyOf(p.right);
    // `x = y AND x IS NOT DISTINCT FROM y` is `x = y`.
    const pair = `${leftKey} ${rightKey}`;
    const safe = nullSafe.has(pair) && !strict.has(pair);
    hashable.push({ ...p, leftKey, rightKey, nullSafe: safe });
  }
  return { pairs: hashable, residual: rest.length === 0 ? undefined : conjunction(rest) };
}

/** Where the join's result lives when its inputs are placed so (equalities not yet told); undefined when the join would be wrong there. */
export function joinDistribution(
  type: JoinType,
  nullAware: boolean,
  l: Distribution,
  r: Distribution,
  pairs: readonly HashPair[],
): Distribution | undefined {
  if (l.kind === 'single' || r.kind === 'single')
    return (l.kind === 'single' || l.kind === 'general') && (r.kind === 'single' || r.kind === 'general')
      ? SINGLE
      : undefined;
  if (isEverywhere(l) && isEverywhere(r))
    return l.kind === 'general' && r.kind === 'general' ? GENERAL : REPLICATED;
  if (isPartitioned(l) && isEverywhere(r)) return type === 'right' || type === 'full' ? undefined : l;
  if (isEverywhere(l) && isPartitioned(r)) return type === 'inner' || type === 'right' ? r : undefined;
  if (l.kind !== 'hashed' || r.kind !== 'hashed' || nullAware) return undefined;
  if (!coLocated(l.keys, r.keys, pairs)) return undefined;
  switch (type) {
    case 'inner':
    case 'left':
    case 'single':
    case 'semi':
    case 'anti':
    case 'mark':
      return l;
    case 'right':
      return r;
    case 'full':
      return RANDOM;
  }
}

/** The forms in which a side may take part: as it is, and the cheapest of each kind of move. */
function forms(
  ctx: PhysicalContext,
  side: Planned,
  other: Planned,
  pairs: readonly HashPair[],
  which: 'left' | 'right',
  key: (p: HashPair) => Expr,
): readonly Alternative[] {
  const result: Alternative[] = [...side.alternatives];
  const base = cheapest(side);
  // The master takes part only where the other side is there already.
  const there = other.alternatives.some((a) => a.dist.kind === 'single');
  if (there && base.dist.kind !== 'single' && base.dist.kind !== 'general')
    result.push(gather(ctx, side, base));
  if (ctx.segmentCount === 1) {
    if (base.dist.kind === 'single') result.push(broadcast(ctx, side, base));
    return prune(result, signature, 12);
  }
  const small = side.estimate.rows <= ctx.settings.broadcastThreshold || pairs.length === 0;
  if (!isEverywhere(base.dist) && ctx.settings.enableBroadcast && small)
    result.push(broadcast(ctx, side, base));
  if (pairs.length === 0 || !ctx.settings.enableRedistribute) return prune(result, signature, 12);
  result.push(redistribute(ctx, side, base, pairs.map(key)));
  if (pairs.length > 1)
    for (const p of pairs)
      if (distinctOf(key(p), side.estimate) > 20 * ctx.segmentCount)
        result.push(redistribute(ctx, side, base, [key(p)]));
  for (const a of other.alternatives) {
    if (a.dist.kind !== 'hashed') continue;
    const match = matchingKeys(a.dist.keys, pairs, which === 'left' ? 'right' : 'left');
    if (match !== undefined) result.push(redistribute(ctx, side, base, match.map(key)));
  }
  return prune(result, signature, 12);
}

/** Forms of the right side without its duplicates, where only the presence of a key matters. */
function uniqueForms(
  ctx: PhysicalContext,
  spec: JoinSpec,
  right: Planned,
  pairs: readonly HashPair[],
): readonly Alternative[] {
  if (spec.type !== 'semi' && spec.type !== 'anti' && spec.type !== 'mark') return [];
  const keys: Column[] = [];
  for (const { right: e } of pairs) {
    const c = e.kind === 'col' ? right.cols.find((x) => x.id === e.id) : undefined;
    if (c === undefined) return [];
    if (!keys.includes(c)) keys.push(c);
  }
  const unique = deduplicated(ctx, right, keys);
  if (unique === undefined) return [];
  const base = cheapest(unique);
  const { rows } = unique.estimate;
  const found: Alternative[] = [];
  if (ctx.settings.enableBroadcast) found.push({ ...broadcast(ctx, unique, base), rows });
  if (ctx.settings.enableRedistribute && !spec.nullAware)
    found.push({
      ...redistribute(
        ctx,
        unique,
        base,
        pairs.map((p) => p.right),
      ),
      rows,
    });
  return found;
}

export function planJoin(
  ctx: PhysicalContext,
  spec: JoinSpec,
  left: Planned,
  right: Planned,
  estimate: Estimate,
): Planned {
  const { pairs, residual } = parts(spec, left, right);
  const hash = pairs.length > 0 && (!spec.nullAware || (pairs.length === 1 && residual === undefined));
  const usable = hash ? pairs : [];
  const cols = joinCols(spec.type, left.cols, right.cols, spec.mark);
  const search = new Candidates(
    ctx,
    spec,
    left,
    right,
    estimate,
    cols,
    usable,
    hash ? residual : spec.predicate,
  );
  const leftForms = forms(ctx, left, right, usable, 'left', (p) => p.left);
  const rightForms = prune(
    [
      ...forms(ctx, right, left, usable, 'right', (p) => p.right),
      ...(hash && residual === undefined ? uniqueForms(ctx, spec, right, usable) : []),
    ],
    signature,
    12,
  );
  // Cheapest first: the bound then cuts most pairs.
  for (const l of leftForms) {
    for (const r of rightForms) if (!search.consider(l, r)) break;
  }
  // Everything on the master is always right.
  if (search.isEmpty())
    search.consider(gather(ctx, left, cheapest(left)), gather(ctx, right, cheapest(right)));
  return worthwhile(ctx, { estimate, cols, alternatives: search.alternatives() });
}

/** Without alternatives that the cheapest one and a motion would undercut. */
export function worthwhile(ctx: PhysicalContext, p: Planned): Planned {
  if (p.alternatives.length < 2) return p;
  const best = cheapest(p);
  const width = rowWidth(p);
  const rows = p.estimate.rows;
  const alternatives = p.alternatives.filter((a) => {
    if (a === best) return true;
    const move =
      a.dist.kind === 'random'
        ? 0
        : motionCost(a.dist.kind === 'hashed' ? rows / ctx.parallelism(best.dist) : rows, width);
    return a.cost < best.cost + move;
  });
  return { ...p, alternatives };
}

type Orientation = { readonly type: PhysJoinType; readonly probeIsLeft: boolean };

function orientationsOf(spec: JoinSpec): readonly Orientation[] {
  const keepLeft = (type: PhysJoinType): Orientation => ({ type, probeIsLeft: true });
  const keepRight = (type: PhysJoinType): Orientation => ({ type, probeIsLeft: false });
  switch (spec.type) {
    case 'inner':
      return [keepLeft('inner'), keepRight('inner')];
    case 'left':
      return [keepLeft('left'), keepRight('right')];
    case 'right':
      return [keepRight('left'), keepLeft('right')];
    case 'full':
      return [keepLeft('full'), keepRight('full')];
    case 'semi':
      return [keepLeft('semi'), keepRight('rightSemi')];
    case 'anti':
      return spec.nullAware ? [keepLeft('anti')] : [keepLeft('anti'), keepRight('rightAnti')];
    case 'mark':
    case 'single':
      return [keepLeft(spec.type)];
  }
}

type Candidate = {
  readonly l: Alternative;
  readonly r: Alternative;
  readonly dist: Distribution;
  readonly cost: number;
  readonly orientation: Orientation;
};

/** The cheapest pair of forms for every distribution of the result. Thousands are weighed for one query: a candidate
 *  is a few numbers until it has won. */
class Candidates {
  private readonly ctx: PhysicalContext;
  private readonly spec: JoinSpec;
  private readonly left: Planned;
  private readonly right: Planned;
  private readonly estimate: Estimate;
  private readonly cols: readonly Column[];
  private readonly pairs: readonly HashPair[];
  private readonly residual: Expr | undefined;
  private readonly orientations: readonly Orientation[];
  private readonly outRowCost: number;
  private readonly best = new Map<string, Candidate>();
  /** What the result would cost to move anywhere: an alternative dearer than the best and this is of no use. */
  private readonly moveCost: number;
  private bound = Number.POSITIVE_INFINITY;
  private readonly widened = new Map<Distribution, Distribution>();

  constructor(
    ctx: PhysicalContext,
    spec: JoinSpec,
    left: Planned,
    right: Planned,
    estimate: Estimate,
    cols: readonly Column[],
    pairs: readonly HashPair[],
    residual: Expr | undefined,
  ) {
    this.ctx = ctx;
    this.spec = spec;
    this.left = left;
    this.right = right;
    this.estimate = estimate;
    this.cols = cols;
    this.pairs = pairs;
    this.residual = residual;
    this.orientations = orientationsOf(spec);
    const width = rowWidth({ estimate, cols });
    this.outRowCost = COST.outputRow + width * COST.outputByte;
    this.moveCost = motionCost(estimate.rows, width);
  }

  isEmpty(): boolean {
    return this.best.size === 0;
  }

  /** false: neither this pair nor one with a dearer right side can be worth keeping. */
  consider(l: Alternative, r: Alternative): boolean {
    const { ctx } = this;
    if (l.cost + r.cost >= this.bound) return false;
    const raw = joinDistribution(this.spec.type, this.spec.nullAware, l.dist, r.dist, this.pairs);
    if (raw === undefined) return true;
    const out = (this.estimate.rows / ctx.parallelism(raw)) * this.outRowCost;
    let cheapestOne: { orientation: Orientation; cost: number } | undefined;
    for (const orientation of this.orientations) {
      const cost = this.workOf(orientation, l, r);
      if (cheapestOne === undefined || cost < cheapestOne.cost) cheapestOne = { orientation, cost };
    }
    if (cheapestOne === undefined) return true;
    const cost = l.cost + r.cost + cheapestOne.cost + out;
    if (cost >= this.bound) return true;
    this.bound = Math.min(this.bound, cost + this.moveCost);
    const dist = this.spec.type === 'inner' ? this.widen(raw) : raw;
    const key = signature(dist);
    const before = this.best.get(key);
    if (before === undefined || cost < before.cost)
      this.best.set(key, { l, r, dist, cost, orientation: cheapestOne.orientation });
    return true;
  }

  private widen(d: Distribution): Distribution {
    let w = this.widened.get(d);
    if (w === undefined) {
      w = withEqualities(d, this.pairs);
      this.widened.set(d, w);
    }
    return w;
  }

  private workOf(o: Orientation, l: Alternative, r: Alternative): number {
    const [probe, probeAlt, build, buildAlt] = o.probeIsLeft
      ? [this.left, l, this.right, r]
      : [this.right, r, this.left, l];
    const probeRows = (probeAlt.rows ?? probe.estimate.rows) / this.ctx.parallelism(probeAlt.dist);
    const buildRows = (buildAlt.rows ?? build.estimate.rows) / this.ctx.parallelism(buildAlt.dist);
    const keepsBuild =
      o.type === 'right' || o.type === 'full' || o.type === 'rightSemi' || o.type === 'rightAnti';
    const late = keepsBuild ? buildRows * COST.lateRow : 0;
    if (this.pairs.length === 0)
      return probeRows * buildRows * COST.nestedPair + buildRows * COST.buildRow + probeRows + late;
    const width = rowWidth(build);
    return (
      buildRows * (COST.buildRow + width * COST.buildByte) + probeRows * probeRowCost(buildRows, width) + late
    );
  }

  alternatives(): readonly Alternative[] {
    return [...this.best.values()]
      .sort((a, b) => a.cost - b.cost)
      .slice(0, 6)
      .map((c) => ({
        dist: c.dist,
        order: undefined,
        cost: c.cost,
        build: (need) => this.operator(c, need),
      }));
  }

  private operator(c: Candidate, need: Need): PhysicalOp {
    const { ctx, spec, left, right, pairs, residual, estimate } = this;
    const { probeIsLeft, type } = c.orientation;
    const wanted = needWith(need, residual, ...pairs.map((p) => p.left), ...pairs.map((p) => p.right));
    const ofSide = (p: Planned): Set<ColId> =>
      new Set(p.cols.filter((x) => wanted.has(x.id)).map((x) => x.id));
    const leftOp = c.l.build(ofSide(left));
    const rightOp = c.r.build(ofSide(right));
    const base = {
      id: ctx.nodeId(),
      cols: keep(joinCols(spec.type, leftOp.cols, rightOp.cols, spec.mark), need),
      rows: estimate.rows,
      cost: c.cost,
      type,
      probe: probeIsLeft ? leftOp : rightOp,
      build: probeIsLeft ? rightOp : leftOp,
      nullAware: spec.nullAware,
      mark: spec.mark,
    };
    if (pairs.length > 0)
      return {
        ...base,
        kind: 'hashJoin',
        probeKeys: pairs.map((p) => (probeIsLeft ? p.left : p.right)),
        buildKeys: pairs.map((p) => (probeIsLeft ? p.right : p.left)),
        nullSafe: pairs.map((p) => p.nullSafe),
        residual,
        passing: pairs.map((p) => {
          const [l, r] = [distinctOf(p.left, left.estimate), distinctOf(p.right, right.estimate)];
          return Math.min(1, probeIsLeft ? r / l : l / r);
        }),
      };
    // Without a hash table there is nothing null-aware about NOT IN but the predicate itself.
    if (spec.nullAware && spec.type === 'anti' && residual !== undefined) {
      const possible: Expr = { kind: 'istruth', truth: false, negated: true, arg: residual };
      return { ...base, kind: 'nestedLoop', nullAware: false, predicate: possible };
    }
    return { ...base, kind: 'nestedLoop', predicate: residual };
  }
}
