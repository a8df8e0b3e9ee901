/** The easy half of decorrelation: predicates that mention outer columns move up through the subquery's plan, until
 *  they can become the predicate of the join above it.
 *
 *  Through inner joins and projects always; through the left side of other joins; through grouping only equalities of a
 *  column of ours with an outer expression, whose column then becomes one more group key. Not through LIMIT, set
 *  operations, or an aggregate without groups (it gives a row even for none): those go the general way. */
import type { ColId } from '../../types/ids.js';
import type { Column, Expr } from '../expr.js';
import {
  both,
  col,
  columnsOf,
  conjunction,
  conjuncts,
  exprNullable,
  exprType,
  isVolatile,
} from '../expr-util.js';
import { aggregate, distinctOn, filter, join, project, repeat } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { exprsOf, freeColumns, idsOf } from '../logical/transform.js';
import { freshColumn, type RuleContext } from './rule.js';

export type PulledUp = {
  /** Without outer columns; has the original's columns and those that `predicates` read. */
  readonly plan: LogicalPlan;
  readonly predicates: readonly Expr[];
};

export function pullUp(p: LogicalPlan, outer: ReadonlySet<ColId>, ctx: RuleContext): PulledUp | undefined {
  if (!mentions(freeColumns(p), outer)) return { plan: p, predicates: [] };
  const mentionsOuter = (e: Expr): boolean => mentions(columnsOf(e), outer);
  switch (p.kind) {
    case 'filter': {
      const below = pullUp(p.input, outer, ctx);
      if (below === undefined) return undefined;
      const own = conjuncts(p.predicate);
      const up = own.filter(mentionsOuter);
      if (up.some(isVolatile)) return undefined;
      const stay = own.filter((e) => !mentionsOuter(e));
      return {
        plan: stay.length === 0 ? below.plan : filter(below.plan, conjunction(stay)),
        predicates: [...below.predicates, ...up],
      };
    }
    case 'project': {
      if (p.exprs.some(mentionsOuter)) return undefined;
      const below = pullUp(p.input, outer, ctx);
      if (below === undefined) return undefined;
      const extra = readBy(below, idsOf(p.cols));
      return {
        plan: project(below.plan, [...p.exprs, ...extra.map(col)], [...p.cols, ...extra]),
        predicates: below.predicates,
      };
    }
    case 'join': {
      const own = conjuncts(p.predicate);
      if (p.type === 'inner') {
        const l = pullUp(p.left, outer, ctx);
        const r = pullUp(p.right, outer, ctx);
        const up = own.filter(mentionsOuter);
        if (l === undefined || r === undefined || up.some(isVolatile)) return undefined;
        const stay = own.filter((e) => !mentionsOuter(e));
        return {
          plan: join(
            'inner',
            l.plan,
            r.plan,
            both(undefined, stay.length === 0 ? undefined : conjunction(stay)),
          ),
          predicates: [...l.predicates, ...r.predicates, ...up],
        };
      }
      if (p.type === 'right' || p.type === 'full') return undefined;
      if (mentions(freeColumns(p.right), outer) || own.some(mentionsOuter)) return undefined;
      const l = pullUp(p.left, outer, ctx);
      if (l === undefined) return undefined;
      return { plan: join(p.type, l.plan, p.right, p.predicate, p), predicates: l.predicates };
    }
    case 'aggregate': {
      if (p.groups.length === 0 || exprsOf(p).some(mentionsOuter)) return undefined;
      const keyed = keyedInput(p.input, outer, ctx);
      if (keyed === undefined) return undefined;
      const extra = keyed.keys.filter((k) => !p.groups.some((g) => g.id === k.id));
      return { plan: aggregate(keyed.plan, [...p.groups, ...extra], p.aggs), predicates: keyed.predicates };
    }
    case 'distinctOn': {
      if (exprsOf(p).some(mentionsOuter)) return undefined;
      const keyed = keyedInput(p.input, outer, ctx);
      if (keyed === undefined) return undefined;
      const extra = keyed.keys.filter((k) => !p.keys.some((g) => g.id === k.id));
      return {
        plan: distinctOn(keyed.plan, [...p.keys, ...extra], p.order, p.rows),
        predicates: keyed.predicates,
      };
    }
    case 'sort':
      return exprsOf(p).some(mentionsOuter) ? undefined : pullUp(p.input, outer, ctx);
    case 'repeat': {
      if (exprsOf(p).some(mentionsOuter)) return undefined;
      const below = pullUp(p.input, outer, ctx);
      return below && { plan: repeat(below.plan, p.count, p.series), predicates: below.predicates };
    }
    default:
      return undefined;
  }
}

export type KeyedInput = PulledUp & { readonly keys: readonly Column[] };

/** Pulled up, provided that every predicate is `our expression = outer expression`; our expressions become columns. */
export function keyedInput(
  p: LogicalPlan,
  outer: ReadonlySet<ColId>,
  ctx: RuleContext,
): KeyedInput | undefined {
  const below = pullUp(p, outer, ctx);
  if (below === undefined) return undefined;
  let plan = below.plan;
  const ours = idsOf(plan.cols);
  const keys: Column[] = [];
  const predicates: Expr[] = [];
  for (const e of below.predicates) {
    if (!((e.kind === 'cmp' && e.op === '=') || (e.kind === 'distinct' && e.negated))) return undefined;
    const inner = (x: Expr): boolean =>
      [...columnsOf(x)].every((id) => ours.has(id)) && columnsOf(x).size > 0;
    const outside = (x: Expr): boolean => ![...columnsOf(x)].some((id) => ours.has(id));
    const flipped = outside(e.left) && inner(e.right);
    if (!flipped && !(inner(e.left) && outside(e.right))) return undefined;
    const mine = flipped ? e.right : e.left;
    let key = mine.kind === 'col' ? plan.cols.find((c) => c.id === mine.id) : undefined;
    if (key === undefined) {
      key = freshColumn(ctx, 'key', exprType(mine), exprNullable(mine));
      plan = project(plan, [...plan.cols.map(col), mine], [...plan.cols, key]);
    }
    if (!keys.some((k) => k.id === key.id)) keys.push(key);
    predicates.push(flipped ? { ...e, right: col(key) } : { ...e, left: col(key) });
  }
  return { plan, predicates, keys };
}

function mentions(ids: ReadonlySet<ColId>, outer: ReadonlySet<ColId>): boolean {
  for (const id of ids) if (outer.has(id)) return true;
  return false;
}

/** Columns of the plan that its pulled-up predicates read and `have` lacks. */
function readBy(p: PulledUp, have: ReadonlySet<ColId>): readonly Column[] {
  const read = new Set<ColId>();
  for (const e of p.predicates) columnsOf(e, read);
  return p.plan.cols.filter((c) => read.has(c.id) && !have.has(c.id));
}
