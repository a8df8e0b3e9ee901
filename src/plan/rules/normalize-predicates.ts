/** Predicates in a form that later rules can use.
 *
 *  NOT moves inwards; conjuncts common to all branches of an OR come out of it (TPC-H Q19: `p_partkey = l_partkey`);
 *  and an OR over several relations also gives, for each relation, the OR of what it asks of that relation alone, to
 *  be pushed down as a first sieve (Q7: each nation is FRANCE or GERMANY). Not for volatile predicates. */
import type { ColId } from '../../types/ids.js';
import type { Expr } from '../expr.js';
import {
  columnsOf,
  conjunction,
  conjuncts,
  disjunction,
  exprKey,
  FALSE,
  hasSubquery,
  isTrue,
  isVolatile,
  mapExpr,
  negateCmp,
  not,
  TRUE,
} from '../expr-util.js';
import { filter, join } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { transformPlan } from '../logical/transform.js';
import type { Rule } from './rule.js';

export const normalizePredicates: Rule = {
  name: 'NormalizePredicates',
  apply: (plan) =>
    transformPlan(plan, (p) => {
      if (p.kind === 'filter') return withPredicate(p.input, normalize(p.predicate));
      if (p.kind === 'join' && p.predicate !== undefined && !p.nullAware) {
        const on = normalize(p.predicate);
        return join(p.type, p.left, p.right, isTrue(on) ? undefined : on, p);
      }
      return p;
    }),
};

function withPredicate(input: LogicalPlan, predicate: Expr): LogicalPlan {
  return isTrue(predicate) ? input : filter(input, predicate);
}

export function normalize(e: Expr): Expr {
  return conjunction(conjuncts(simplify(e)).map(factored));
}

/** Boolean algebra that is right in three-valued logic wherever it stands. */
function simplify(e: Expr): Expr {
  return mapExpr(e, (x) => {
    if (x.kind === 'not') return negated(x.arg);
    if (x.kind === 'and') {
      const args = x.args.flatMap((a) => (a.kind === 'and' ? a.args : [a])).filter((a) => !isTrue(a));
      if (args.some((a) => a.kind === 'const' && a.value === false)) return FALSE;
      return args.length === 0 ? TRUE : args.length === 1 ? args[0] : { kind: 'and', args };
    }
    if (x.kind === 'or') {
      const args = x.args
        .flatMap((a) => (a.kind === 'or' ? a.args : [a]))
        .filter((a) => !(a.kind === 'const' && a.value === false));
      if (args.some(isTrue)) return TRUE;
      return args.length === 0 ? FALSE : args.length === 1 ? args[0] : { kind: 'or', args };
    }
    return x;
  });
}

function negated(e: Expr): Expr {
  switch (e.kind) {
    case 'cmp':
      return { ...e, op: negateCmp(e.op) };
    case 'not':
      return e.arg;
    case 'and':
      return hasSubquery(e) ? not(e) : disjunction(e.args.map(negated));
    case 'or':
      return conjunction(e.args.map(negated));
    case 'isnull':
    case 'istruth':
    case 'in':
    case 'like':
    case 'distinct':
      return { ...e, negated: !e.negated };
    case 'const':
      return e.value === null ? e : { ...e, value: e.value !== true };
    default:
      return not(e);
  }
}

function factored(e: Expr): Expr {
  if (e.kind !== 'or' || isVolatile(e)) return e;
  const branches = e.args.map((a) => conjuncts(a));
  const first = new Map(branches[0].map((c) => [exprKey(c), c] as const));
  const common = [...first].filter(([k]) => branches.every((b) => b.some((c) => exprKey(c) === k)));
  if (common.length === 0) return e;
  const keys = new Set(common.map(([k]) => k));
  const rests = branches.map((b) => b.filter((c) => !keys.has(exprKey(c))));
  const shared = common.map(([, c]) => c);
  // A branch with nothing else makes the OR no stricter than what is common.
  if (rests.some((r) => r.length === 0)) return conjunction(shared);
  return conjunction([...shared, disjunction(rests.map((r) => conjunction(r)))]);
}

/** For `set`, what the OR implies about those columns alone; undefined when some branch says nothing of them. */
export function impliedOver(e: Expr, set: ReadonlySet<ColId>): Expr | undefined {
  if (e.kind !== 'or' || isVolatile(e) || hasSubquery(e)) return undefined;
  const parts: Expr[] = [];
  for (const branch of e.args) {
    const about = conjuncts(branch).filter((c) => {
      const read = columnsOf(c);
      return read.size > 0 && [...read].every((id) => set.has(id));
    });
    if (about.length === 0) return undefined;
    parts.push(conjunction(about));
  }
  return disjunction(parts);
}
