/** The shape of an expression tree: operands of a node, and the walks and rewrites built on them.
 *
 *  Apart from `expr-util.ts` so that plans can use it: nothing here enters the plan of a subquery. */
import { unreachable } from '../types/sql-error.js';
import type { Expr } from './expr.js';

/** One arm of a CASE. */
export function when(condition: Expr, result: Expr): { readonly when: Expr; readonly then: Expr } {
  // biome-ignore lint/suspicious/noThenProperty: THEN is CASE's own word; an arm is never awaited.
  return { when: condition, then: result };
}

/** Direct operands; a subquery's are its left-hand side, not what is inside its plan. */
export function childExprs(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'col':
    case 'const':
    case 'param':
      return [];
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
    case 'greatest':
    case 'least':
      return e.args;
    case 'cmp':
    case 'distinct':
      return [e.left, e.right];
    case 'not':
    case 'isnull':
    case 'istruth':
      return [e.arg];
    case 'case':
      return [
        ...e.whens.flatMap((w) => [w.when, w.then]),
        ...(e.otherwise === undefined ? [] : [e.otherwise]),
      ];
    case 'in':
      return [e.arg, ...e.list];
    case 'like':
      return [e.arg, e.pattern];
    case 'subquery':
      return e.left;
    default:
      return unreachable(e);
  }
}

/** The same node over other operands, each given by `f`; the node itself when none changed. */
export function mapChildren(e: Expr, f: (child: Expr) => Expr): Expr {
  let changed = false;
  const g = (child: Expr): Expr => {
    const r = f(child);
    if (r !== child) changed = true;
    return r;
  };
  const next = rebuild(e, g);
  return changed ? next : e;
}

function rebuild(e: Expr, g: (child: Expr) => Expr): Expr {
  switch (e.kind) {
    case 'col':
    case 'const':
    case 'param':
      return e;
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
    case 'greatest':
    case 'least':
      return { ...e, args: e.args.map(g) };
    case 'cmp':
    case 'distinct':
      return { ...e, left: g(e.left), right: g(e.right) };
    case 'not':
    case 'isnull':
    case 'istruth':
      return { ...e, arg: g(e.arg) };
    case 'case':
      return {
        ...e,
        whens: e.whens.map((w) => when(g(w.when), g(w.then))),
        otherwise: e.otherwise === undefined ? undefined : g(e.otherwise),
      };
    case 'in':
      return { ...e, arg: g(e.arg), list: e.list.map(g) };
    case 'like':
      return { ...e, arg: g(e.arg), pattern: g(e.pattern) };
    case 'subquery':
      return { ...e, left: e.left.map(g) };
    default:
      return unreachable(e);
  }
}

/** Rewrites bottom-up: `f` sees each node after its operands. Does not enter the plans of subqueries. */
export function mapExpr(e: Expr, f: (e: Expr) => Expr): Expr {
  return f(mapChildren(e, (c) => mapExpr(c, f)));
}

/** Pre-order walk; `visit` returning false keeps it from entering a node. Does not enter plans of subqueries. */
export function walkExpr(e: Expr, visit: (e: Expr) => unknown): void {
  if (visit(e) === false) return;
  for (const c of childExprs(e)) walkExpr(c, visit);
}

export function someExpr(e: Expr, test: (e: Expr) => boolean): boolean {
  return test(e) || childExprs(e).some((c) => someExpr(c, test));
}
