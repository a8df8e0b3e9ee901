/** Filters go down to where their columns come from: through projects, sorts, aggregates (on group keys), set
 *  operations and joins; conjuncts over both sides of a join become its predicate.
 *
 *  Not past LIMIT (which rows it sees would change), nor into the null-extended side of an outer join, nor for volatile
 *  expressions (`random()` would be evaluated for other rows). From `a = b` and `a = 5` follows `b = 5`: derived for
 *  the other side so that both scans are narrowed. */
import type { ColId } from '../../types/ids.js';
import type { Expr } from '../expr.js';
import {
  cmp,
  col,
  columnsOf,
  conjunction,
  conjuncts,
  exprKey,
  exprType,
  isTrue,
  isVolatile,
  readsOnly,
  substitute,
} from '../expr-util.js';
import { filter, join } from '../logical/builders.js';
import type { Join, LogicalPlan } from '../logical/nodes.js';
import { idsOf, inputsOf, withInputs } from '../logical/transform.js';
import { impliedOver } from './normalize-predicates.js';
import type { Rule } from './rule.js';

export const pushPredicates: Rule = {
  name: 'PushPredicates',
  apply: (plan) => push(plan, []),
};

function above(plan: LogicalPlan, predicates: readonly Expr[]): LogicalPlan {
  const useful = unique(predicates.filter((p) => !isTrue(p)));
  return useful.length === 0 ? plan : filter(plan, conjunction(useful));
}

function unique(predicates: readonly Expr[]): readonly Expr[] {
  const seen = new Set<string>();
  return predicates.filter((p) => {
    const k = exprKey(p);
    return isVolatile(p) || (!seen.has(k) && seen.add(k) !== undefined);
  });
}

function split(predicates: readonly Expr[], test: (e: Expr) => boolean): readonly [Expr[], Expr[]] {
  const yes: Expr[] = [];
  const no: Expr[] = [];
  for (const p of predicates) (test(p) ? yes : no).push(p);
  return [yes, no];
}

/** `predicates` hold above the plan; the result is the plan with them applied as low as they go. */
function push(plan: LogicalPlan, predicates: readonly Expr[]): LogicalPlan {
  switch (plan.kind) {
    case 'filter':
      return push(plan.input, [...conjuncts(plan.predicate), ...predicates]);
    case 'project': {
      const by = new Map<ColId, Expr>();
      for (const [i, c] of plan.cols.entries()) by.set(c.id, plan.exprs[i]);
      const [down, stay] = split(predicates, (p) => {
        if (isVolatile(p)) return false;
        for (const id of columnsOf(p)) {
          const e = by.get(id);
          if (e !== undefined && isVolatile(e)) return false;
        }
        return true;
      });
      const input = push(
        plan.input,
        down.map((p) => substitute(p, by)),
      );
      return above(withInputs(plan, [input]), stay);
    }
    case 'join':
      return pushJoin(plan, predicates);
    case 'aggregate': {
      const groups = idsOf(plan.groups);
      const [down, stay] = split(
        predicates,
        (p) => groups.size > 0 && !isVolatile(p) && columnsOf(p).size > 0 && readsOnly(p, groups),
      );
      return above(withInputs(plan, [push(plan.input, down)]), stay);
    }
    case 'sort':
      return withInputs(plan, [push(plan.input, predicates)]);
    case 'distinctOn': {
      const keys = idsOf(plan.keys);
      const [down, stay] = split(predicates, (p) => !isVolatile(p) && readsOnly(p, keys));
      return above(withInputs(plan, [push(plan.input, down)]), stay);
    }
    case 'setop': {
      const [down, stay] = split(predicates, (p) => !isVolatile(p));
      const inputs = plan.inputs.map((input, k) => {
        const by = new Map<ColId, Expr>();
        for (const [i, c] of plan.cols.entries()) by.set(c.id, col(plan.inputCols[k][i]));
        return push(
          input,
          down.map((p) => substitute(p, by)),
        );
      });
      return above(withInputs(plan, inputs), stay);
    }
    case 'repeat': {
      const own = plan.series?.out.id;
      const [down, stay] = split(
        predicates,
        (p) => !isVolatile(p) && (own === undefined || !columnsOf(p).has(own)),
      );
      return above(withInputs(plan, [push(plan.input, down)]), stay);
    }
    case 'limit':
      return above(withInputs(plan, [push(plan.input, [])]), predicates);
    default:
      return above(
        withInputs(
          plan,
          inputsOf(plan).map((p) => push(p, [])),
        ),
        predicates,
      );
  }
}

function pushJoin(plan: Join, predicates: readonly Expr[]): LogicalPlan {
  const left = idsOf(plan.left.cols);
  const right = idsOf(plan.right.cols);
  const onLeft = (p: Expr): boolean => !isVolatile(p) && columnsOf(p).size > 0 && readsOnly(p, left);
  const onRight = (p: Expr): boolean => !isVolatile(p) && columnsOf(p).size > 0 && readsOnly(p, right);
  const own = conjuncts(plan.predicate);
  const rebuilt = (l: readonly Expr[], r: readonly Expr[], on: readonly Expr[]): LogicalPlan =>
    join(
      plan.type,
      push(plan.left, l),
      push(plan.right, r),
      on.length === 0 ? undefined : conjunction(unique(on)),
      plan,
    );
  switch (plan.type) {
    case 'inner': {
      const [stay, movable] = split([...own, ...predicates], isVolatile);
      const all = [...movable, ...derivedConstants(movable, movable)];
      const [l, rest] = split(unique(all), onLeft);
      const [r, on] = split(rest, onRight);
      const sieve = (side: ReadonlySet<ColId>): readonly Expr[] =>
        on.map((e) => impliedOver(e, side)).filter((e) => e !== undefined);
      return above(rebuilt([...l, ...sieve(left)], [...r, ...sieve(right)], on), stay);
    }
    case 'left':
    case 'single':
    case 'semi':
    case 'anti':
    case 'mark': {
      const [l, stay] = split(predicates, onLeft);
      if (plan.nullAware) return above(rebuilt(l, [], own), stay);
      const [r, on] = split(own, onRight);
      const [also, both] = plan.type === 'semi' ? split(on, onLeft) : [[], on];
      const inferred = derivedConstants(l, own).filter(onRight);
      return above(rebuilt([...l, ...also], [...r, ...inferred], both), stay);
    }
    case 'right': {
      const [r, stay] = split(predicates, onRight);
      const [l, on] = split(own, onLeft);
      return above(rebuilt([...l, ...derivedConstants(r, own).filter(onLeft)], r, on), stay);
    }
    case 'full':
      return above(rebuilt([], [], own), predicates);
  }
}

type ColExpr = Extract<Expr, { kind: 'col' }>;

/** `col = value` for every column that equalities connect to one with a known value. */
function derivedConstants(facts: readonly Expr[], equalities: readonly Expr[]): readonly Expr[] {
  const links = new Map<ColId, ColExpr[]>();
  const link = (a: ColExpr, b: ColExpr): void => {
    links.set(a.id, [...(links.get(a.id) ?? []), b]);
  };
  for (const e of equalities)
    if (e.kind === 'cmp' && e.op === '=' && e.left.kind === 'col' && e.right.kind === 'col') {
      link(e.left, e.right);
      link(e.right, e.left);
    }
  if (links.size === 0) return [];
  const found: Expr[] = [];
  for (const f of facts) {
    if (f.kind !== 'cmp' || f.op !== '=') continue;
    const [c, v] = f.left.kind === 'col' ? [f.left, f.right] : [f.right, f.left];
    if (c.kind !== 'col' || (v.kind !== 'const' && v.kind !== 'param')) continue;
    const seen = new Set<ColId>([c.id]);
    const queue = [c];
    for (let x = queue.pop(); x !== undefined; x = queue.pop())
      for (const y of links.get(x.id) ?? []) {
        if (seen.has(y.id) || exprType(y).kind !== exprType(v).kind) continue;
        seen.add(y.id);
        queue.push(y);
        found.push(cmp('=', y, v));
      }
  }
  return found;
}
