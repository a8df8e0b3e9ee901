/** One join: where it can run, who moves, who builds.
 *
 *  Owns: the validity of every pair of distributions for every join type, the candidates (as they are, broadcast,
 *  redistributed, gathered) and their cost, and the choice of the build side. Invariant: a row of a preserved side is
 *  on exactly one process, and there sees every row it could match; null-aware joins see the whole build side.
 *  Motions appear only where what is provided is not what is required. */

import type { ColId } from '../../types/ids.js';
import { type Estimate, widthOf } from '../cost/estimate.js';
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
  needWith,
  type PhysicalContext,
  type Planned,
  prune,
} from './context.js';
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
import { broadcast, gather, redistribute } from './motions.js';

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
  if (spec.predicate !== undefined)
    for (const c of spec.predicate.kind === 'and' ? spec.predicate.args : [spec.predicate])
      if (c.kind === 'distinct') nullSafe.add(`${hashKeyOf(c.left)} ${hashKeyOf(c.right)}`);
  const hashable: HashPair[] = [];
  const rest: Expr[] = [...residual];
  for (const p of pairs) {
    const leftKey = hashKeyOf(p.left);
    const rightKey = hashKeyOf(p.right);
    const safe = nullSafe.has(`${leftKey} ${rightKey}`) || nullSafe.has(`${rightKey} ${leftKey}`);
    hashable.push({ ...p, leftKey, rightKey, nullSafe: safe });
  }
  return { pairs: hashable, residual: rest.length === 0 ? undefined : conjunction(rest) };
}

/** Where the join's result lives when its inputs are placed so; undefined when the join would be wrong there. */
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
  const inner = (d: Distribution): Distribution => (type === 'inner' ? withEqualities(d, pairs) : d);
  if (isPartitioned(l) && isEverywhere(r)) return type === 'right' || type === 'full' ? undefined : inner(l);
  if (isEverywhere(l) && isPartitioned(r)) return type === 'inner' || type === 'right' ? inner(r) : undefined;
  if (l.kind !== 'hashed' || r.kind !== 'hashed' || nullAware) return undefined;
  if (!coLocated(l.keys, r.keys, pairs)) return undefined;
  switch (type) {
    case 'inner':
    case 'left':
    case 'single':
    case 'semi':
    case 'anti':
    case 'mark':
      return inner(l);
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
  if (pairs.length === 0 || !ctx.settings.enableRedistribute) return result;
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
  const leftForms = forms(ctx, left, right, usable, 'left', (p) => p.left);
  const rightForms = forms(ctx, right, left, usable, 'right', (p) => p.right);
  const found: Alternative[] = [];
  for (const l of leftForms)
    for (const r of rightForms) {
      const dist = joinDistribution(spec.type, spec.nullAware, l.dist, r.dist, usable);
      if (dist !== undefined)
        found.push(
          ...orientations(
            ctx,
            spec,
            left,
            right,
            l,
            r,
            dist,
            estimate,
            usable,
            hash ? residual : spec.predicate,
            cols,
          ),
        );
    }
  if (found.length === 0) {
    // Everything on the master is always right.
    const l = gather(ctx, left, cheapest(left));
    const r = gather(ctx, right, cheapest(right));
    found.push(
      ...orientations(
        ctx,
        spec,
        left,
        right,
        l,
        r,
        SINGLE,
        estimate,
        usable,
        hash ? residual : spec.predicate,
        cols,
      ),
    );
  }
  return worthwhile(ctx, { estimate, cols, alternatives: prune(found, signature) });
}

/** Without alternatives that the cheapest one and a motion would undercut. */
export function worthwhile(ctx: PhysicalContext, p: Planned): Planned {
  if (p.alternatives.length < 2) return p;
  const best = cheapest(p);
  const width = widthOf(
    p.estimate,
    p.cols.map((c) => c.id),
  );
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

function orientations(
  ctx: PhysicalContext,
  spec: JoinSpec,
  left: Planned,
  right: Planned,
  l: Alternative,
  r: Alternative,
  dist: Distribution,
  estimate: Estimate,
  pairs: readonly HashPair[],
  residual: Expr | undefined,
  cols: readonly Column[],
): readonly Alternative[] {
  let best: { o: Orientation; cost: number } | undefined;
  const perProcess = (p: Planned, a: Alternative): number => p.estimate.rows / ctx.parallelism(a.dist);
  const outWidth = widthOf(
    estimate,
    cols.map((c) => c.id),
  );
  const out = (estimate.rows / ctx.parallelism(dist)) * (COST.outputRow + outWidth * COST.outputByte);
  for (const o of orientationsOf(spec)) {
    const [probe, probeAlt, build, buildAlt] = o.probeIsLeft ? [left, l, right, r] : [right, r, left, l];
    const probeRows = perProcess(probe, probeAlt);
    const buildRows = perProcess(build, buildAlt);
    const width = widthOf(
      build.estimate,
      build.cols.map((c) => c.id),
    );
    const late =
      o.type === 'right' || o.type === 'full' || o.type === 'rightSemi' || o.type === 'rightAnti'
        ? buildRows * 3
        : 0;
    const cost =
      pairs.length > 0
        ? buildRows * (COST.buildRow + width * COST.buildByte) +
          probeRows * probeRowCost(buildRows, width) +
          late
        : probeRows * buildRows * COST.nestedPair + buildRows * COST.buildRow + probeRows + late;
    if (best === undefined || cost < best.cost) best = { o, cost };
  }
  if (best === undefined) return [];
  const { o } = best;
  const cost = l.cost + r.cost + best.cost + out;
  return [
    {
      dist,
      order: undefined,
      cost,
      build: (need) => {
        const wanted = needWith(need, residual, ...pairs.map((p) => p.left), ...pairs.map((p) => p.right));
        const leftOp = l.build(new Set([...wanted].filter((id) => left.cols.some((c) => c.id === id))));
        const rightOp = r.build(new Set([...wanted].filter((id) => right.cols.some((c) => c.id === id))));
        const [probe, build] = o.probeIsLeft ? [leftOp, rightOp] : [rightOp, leftOp];
        const all = joinCols(spec.type, leftOp.cols, rightOp.cols, spec.mark);
        const base = {
          id: ctx.nodeId(),
          cols: keep(all, need),
          rows: estimate.rows,
          cost,
          type: o.type,
          probe,
          build,
          nullAware: spec.nullAware,
          mark: spec.mark,
        };
        const op: PhysicalOp =
          pairs.length > 0
            ? {
                ...base,
                kind: 'hashJoin',
                probeKeys: pairs.map((p) => (o.probeIsLeft ? p.left : p.right)),
                buildKeys: pairs.map((p) => (o.probeIsLeft ? p.right : p.left)),
                nullSafe: pairs.map((p) => p.nullSafe),
                residual,
              }
            : { ...base, kind: 'nestedLoop', predicate: residual };
        return op;
      },
    },
  ];
}
