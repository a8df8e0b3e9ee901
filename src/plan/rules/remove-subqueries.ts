/** Subquery expressions become joins: semi and anti for EXISTS, IN and their kin in a WHERE, mark joins where the truth
 *  value itself is needed, single joins for scalars. A correlated subquery gives a lateral join, which `Decorrelate`
 *  removes.
 *
 *  NOT IN is three-valued: `x NOT IN (1, NULL)` is never true. An equality of single columns without correlation is a
 *  null-aware anti join; anything else asks for a row whose comparison is not false: `1 NOT IN (SELECT NULL)` finds
 *  one, and drops the row. Source: Neumann, Leis, Kemper, "The complete story of joins (in HyPer)", BTW 2017. */
import { notSupported } from '../../types/sql-error.js';
import { BOOL } from '../../types/sql-type.js';
import type { CmpOp, Column, Expr, SortKey, Subquery } from '../expr.js';
import {
  cmp,
  col,
  conjunction,
  conjuncts,
  constant,
  disjunction,
  exprNullable,
  FALSE,
  hasSubquery,
  mapChildren,
  negateCmp,
  not,
  TRUE,
  when,
} from '../expr-util.js';
import { aggregate, filter, join, ONE_ROW, pick, project, setOp } from '../logical/builders.js';
import type { Join, JoinType, LogicalPlan, Values } from '../logical/nodes.js';
import {
  exprsOf,
  freeColumns,
  freshCopy,
  idsOf,
  inputsOf,
  withExprs,
  withInputs,
} from '../logical/transform.js';
import { atMostOneRow, exactlyOneRow } from './row-bounds.js';
import { freshColumn, type Rule, type RuleContext } from './rule.js';

export const removeSubqueries: Rule = {
  name: 'RemoveSubqueries',
  required: true,
  apply: (plan, ctx) => new Remover(ctx).plan(plan),
};

type Attached = { readonly input: LogicalPlan; readonly expr: Expr };

class Remover {
  private readonly ctx: RuleContext;
  private readonly used = new Set<LogicalPlan>();

  constructor(ctx: RuleContext) {
    this.ctx = ctx;
  }

  plan(node: LogicalPlan): LogicalPlan {
    const p = withInputs(
      node,
      inputsOf(node).map((i) => this.plan(i)),
    );
    if (!exprsOf(p).some(hasSubquery)) return p;
    switch (p.kind) {
      case 'filter':
        return this.where(p.input, conjuncts(p.predicate));
      case 'project': {
        let input = p.input;
        const exprs = p.exprs.map((e) => {
          const a = this.attach(input, e);
          input = a.input;
          return a.expr;
        });
        return project(input, exprs, p.cols);
      }
      case 'join':
        return this.join(p);
      case 'values':
        return this.values(p);
      case 'limit':
        throw notSupported('subquery in LIMIT');
      case 'aggregate': {
        const a = this.attachAll(p.input, (f) => withExprs(p, f));
        return a.node.kind === 'aggregate' ? aggregate(a.input, a.node.groups, a.node.aggs) : p;
      }
      default: {
        // Sort, DISTINCT ON, repeat: computed below, dropped above.
        const a = this.attachAll(inputsOf(p)[0], (f) => withExprs(p, f));
        return pick(withInputs(a.node, [a.input]), p.cols);
      }
    }
  }

  private attachAll(
    input: LogicalPlan,
    rewrite: (f: (e: Expr) => Expr) => LogicalPlan,
  ): { readonly input: LogicalPlan; readonly node: LogicalPlan } {
    let current = input;
    const node = rewrite((e) => {
      const a = this.attach(current, e);
      current = a.input;
      return a.expr;
    });
    return { input: current, node };
  }

  /** The subquery's plan, without subqueries of its own, under ids that nothing else has. */
  private subplan(s: Subquery): LogicalPlan {
    const fresh = this.used.has(s.plan) ? freshCopy(s.plan, this.ctx.freshColId).plan : s.plan;
    this.used.add(s.plan);
    return this.plan(fresh);
  }

  private where(source: LogicalPlan, predicates: readonly Expr[]): LogicalPlan {
    const plain = predicates.filter((c) => !hasSubquery(c));
    let input = plain.length === 0 ? source : filter(source, conjunction(plain));
    const rest: Expr[] = [];
    for (const c of predicates) {
      if (!hasSubquery(c)) continue;
      const joined = this.asSemiJoin(input, c);
      if (joined !== undefined) {
        input = joined;
        continue;
      }
      const a = this.attach(input, c);
      input = a.input;
      rest.push(a.expr);
    }
    return rest.length === 0 ? input : filter(input, conjunction(rest));
  }

  private asSemiJoin(input: LogicalPlan, c: Expr): LogicalPlan | undefined {
    const negated = c.kind === 'not';
    const s = c.kind === 'not' ? c.arg : c;
    if (s.kind !== 'subquery') return undefined;
    if (s.mode === 'exists') {
      const p = forExistence(this.subplan(s));
      if (p === 'always') return negated ? filter(input, FALSE) : input;
      return this.dependent(negated ? 'anti' : 'semi', input, p, undefined);
    }
    if (s.mode !== 'any' && s.mode !== 'all') return undefined;
    const op = s.op ?? '=';
    // x op ALL (S) is NOT (x negated-op ANY (S)).
    const keepMatching = (s.mode === 'any') !== negated;
    const effective = s.mode === 'any' ? op : negateCmp(op);
    const left = this.attachEach(input, s.left);
    const p = this.subplan(s);
    const match = rowComparison(effective, left.exprs, p.cols.slice(0, s.left.length).map(col));
    const joined = keepMatching
      ? this.dependent('semi', left.input, p, match)
      : this.antiJoin(left.input, p, match, effective, s.left.length);
    return pick(joined, input.cols);
  }

  private antiJoin(input: LogicalPlan, p: LogicalPlan, match: Expr, op: CmpOp, width: number): LogicalPlan {
    if (!exprNullable(match)) return this.dependent('anti', input, p, match);
    if (op === '=' && width === 1 && !correlated(input, p))
      return join('anti', input, p, match, { nullAware: true });
    return this.dependent('anti', input, p, { kind: 'istruth', truth: false, negated: true, arg: match });
  }

  private dependent(
    type: JoinType,
    input: LogicalPlan,
    p: LogicalPlan,
    predicate: Expr | undefined,
    mark?: Column,
  ): Join {
    return join(type, input, p, predicate, { lateral: correlated(input, p), mark });
  }

  private attachEach(
    input: LogicalPlan,
    exprs: readonly Expr[],
  ): { input: LogicalPlan; exprs: readonly Expr[] } {
    let current = input;
    const done = exprs.map((e) => {
      const a = this.attach(current, e);
      current = a.input;
      return a.expr;
    });
    return { input: current, exprs: done };
  }

  /** Computes every subquery of the expression beside the input's rows, each row exactly once. */
  private attach(source: LogicalPlan, e: Expr): Attached {
    if (!hasSubquery(e)) return { input: source, expr: e };
    let input = source;
    const expr = mapChildren(e, (c) => {
      const a = this.attach(input, c);
      input = a.input;
      return a.expr;
    });
    if (expr.kind !== 'subquery') return { input, expr };
    switch (expr.mode) {
      case 'scalar':
        return this.scalar(input, expr);
      case 'exists':
        return this.existsMark(input, expr);
      case 'array':
        return this.array(input, expr);
      case 'any':
      case 'all':
        return this.quantified(input, expr);
    }
  }

  private scalar(input: LogicalPlan, s: Subquery): Attached {
    const p = this.subplan(s);
    const type = exactlyOneRow(p) ? 'inner' : atMostOneRow(p) ? 'left' : 'single';
    const joined = this.dependent(type, input, p, undefined);
    const value = joined.cols.find((c) => c.id === p.cols[0].id) ?? p.cols[0];
    return { input: joined, expr: col(value) };
  }

  private existsMark(input: LogicalPlan, s: Subquery): Attached {
    const p = forExistence(this.subplan(s));
    if (p === 'always') return { input, expr: TRUE };
    const mark = freshColumn(this.ctx, 'exists', BOOL, false);
    return { input: this.dependent('mark', input, p, undefined, mark), expr: col(mark) };
  }

  private quantified(input: LogicalPlan, s: Subquery): Attached {
    const op = s.mode === 'any' ? (s.op ?? '=') : negateCmp(s.op ?? '=');
    const p = this.subplan(s);
    const match = rowComparison(op, s.left, p.cols.slice(0, s.left.length).map(col));
    const negate = (e: Expr): Expr => (s.mode === 'all' ? not(e) : e);
    if (!exprNullable(match)) {
      const mark = freshColumn(this.ctx, 'any', BOOL, false);
      return { input: this.dependent('mark', input, p, match, mark), expr: negate(col(mark)) };
    }
    if (op === '=' && s.left.length === 1 && !correlated(input, p)) {
      const mark = freshColumn(this.ctx, 'any', BOOL, true);
      return { input: join('mark', input, p, match, { nullAware: true, mark }), expr: negate(col(mark)) };
    }
    // Some row matches: TRUE; else some comparison is unknown: NULL.
    const found = freshColumn(this.ctx, 'any', BOOL, false);
    const unknown = freshColumn(this.ctx, 'unknown', BOOL, false);
    const first = this.dependent('mark', input, p, match, found);
    const copy = freshCopy(p, this.ctx.freshColId).plan;
    const again = rowComparison(op, s.left, copy.cols.slice(0, s.left.length).map(col));
    const second = this.dependent(
      'mark',
      first,
      copy,
      { kind: 'isnull', negated: false, arg: again },
      unknown,
    );
    const value: Expr = {
      kind: 'case',
      whens: [when(col(found), TRUE), when(col(unknown), constant(null, BOOL))],
      otherwise: FALSE,
      type: BOOL,
    };
    return { input: second, expr: negate(value) };
  }

  private array(input: LogicalPlan, s: Subquery): Attached {
    const p = this.subplan(s);
    const orderBy: readonly SortKey[] = p.kind === 'sort' ? p.keys : [];
    const out = freshColumn(this.ctx, 'array', s.type, true);
    const all = aggregate(
      p,
      [],
      [{ out, name: 'array_agg', args: [col(p.cols[0])], distinct: false, filter: undefined, orderBy }],
    );
    const joined = this.dependent('inner', input, all, undefined);
    return {
      input: joined,
      expr: { kind: 'coalesce', args: [col(out), constant('{}', s.type)], type: s.type },
    };
  }

  /** ON conditions: of an inner join they are a WHERE; else a WHERE of the right side, which may look at the left. */
  private join(p: Join): LogicalPlan {
    if (p.type === 'inner') {
      const plain = conjuncts(p.predicate).filter((c) => !hasSubquery(c));
      const product = join('inner', p.left, p.right, plain.length === 0 ? undefined : conjunction(plain), p);
      return this.where(product, conjuncts(p.predicate).filter(hasSubquery));
    }
    if (p.type === 'full') throw notSupported('FULL JOIN with a subquery in its condition');
    const swap = p.type === 'right';
    const [left, right] = swap ? [p.right, p.left] : [p.left, p.right];
    const inner = this.where(right, conjuncts(p.predicate));
    const joined = join(swap ? 'left' : p.type, left, pick(inner, right.cols), undefined, {
      lateral: correlated(left, inner),
      mark: p.mark,
    });
    return swap ? pick(joined, p.cols) : joined;
  }

  private values(p: Values): LogicalPlan {
    const rows = p.rows.map((exprs) => {
      const a = this.attachEach(ONE_ROW, exprs);
      return { input: a.input, exprs: a.exprs };
    });
    if (rows.length === 1) return project(rows[0].input, rows[0].exprs, p.cols);
    const inputs = rows.map((r) =>
      project(
        r.input,
        r.exprs,
        p.cols.map((c) => freshColumn(this.ctx, c.name, c.type, c.nullable)),
      ),
    );
    return setOp('union', true, inputs, p.cols);
  }
}

function correlated(left: LogicalPlan, right: LogicalPlan): boolean {
  const ids = idsOf(left.cols);
  for (const id of freeColumns(right)) if (ids.has(id)) return true;
  return false;
}

/** What matters for EXISTS: whether there is a row. Not under LIMIT 0. */
function forExistence(p: LogicalPlan): LogicalPlan | 'always' {
  switch (p.kind) {
    case 'project':
    case 'sort':
    case 'distinctOn':
      return forExistence(p.input);
    case 'aggregate':
      return p.groups.length === 0 ? 'always' : forExistence(p.input);
    case 'limit': {
      const some =
        p.limit === undefined ||
        (p.limit.kind === 'const' &&
          (p.limit.value === null || (typeof p.limit.value === 'bigint' && p.limit.value > 0n)));
      return some && p.offset === undefined ? forExistence(p.input) : p;
    }
    default:
      return p;
  }
}

/** PostgreSQL's row comparison: = and <> column by column, the rest lexicographic. */
function rowComparison(op: CmpOp, left: readonly Expr[], right: readonly Expr[]): Expr {
  if (left.length === 1) return cmp(op, left[0], right[0]);
  if (op === '=') return conjunction(left.map((l, i) => cmp('=', l, right[i])));
  if (op === '<>') return disjunction(left.map((l, i) => cmp('<>', l, right[i])));
  const strict: CmpOp = op === '<=' ? '<' : op === '>=' ? '>' : op;
  const [l, r] = [left[0], right[0]];
  return disjunction([
    cmp(strict, l, r),
    conjunction([cmp('=', l, r), rowComparison(op, left.slice(1), right.slice(1))]),
  ]);
}
