/** Subquery expressions become joins: semi and anti for EXISTS, IN and their kin in a WHERE, mark joins where the truth
 *  value itself is needed, single joins for scalars. A correlated subquery gives a lateral join, which `Decorrelate`
 *  removes.
 *
 *  NOT IN is three-valued: `x NOT IN (1, NULL)` is never true. An equality of single columns without correlation is a
 *  null-aware anti join; anything else asks for a row whose comparison is not false: `1 NOT IN (SELECT NULL)` finds
 *  one, and drops the row. Source: Neumann, Leis, Kemper, "The complete story of joins (in HyPer)", BTW 2017. */
import { ROW_COUNT } from '../../types/functions/row-counts.js';
import type { ColId, SharedId } from '../../types/ids.js';
import { assert } from '../../types/sql-error.js';
import { BOOL, INT8 } from '../../types/sql-type.js';
import type { CmpOp, Column, Expr, SortKey, Subquery } from '../expr.js';
import {
  cmp,
  col,
  columnsOf,
  conjunction,
  conjuncts,
  constant,
  disjunction,
  exprKey,
  exprNullable,
  FALSE,
  hasSubquery,
  isVolatile,
  mapChildren,
  negateCmp,
  not,
  TRUE,
  when,
} from '../expr-util.js';
import { aggregate, filter, join, limit, ONE_ROW, pick, project, setOp } from '../logical/builders.js';
import type { Join, JoinType, Limit, LogicalPlan, SharedPlan, SharedScan, Values } from '../logical/nodes.js';
import {
  exprsOf,
  freeColumns,
  freshCopy,
  idsOf,
  inputsOf,
  mapDependent,
  transformPlanDeep,
  withExprs,
  withInputs,
} from '../logical/transform.js';
import { atMostOneRow, exactlyOneRow } from './row-bounds.js';
import { freshColumn, type Rule, type RuleContext } from './rule.js';
import { sameInCopies } from './same-in-copies.js';

export const removeSubqueries: Rule = {
  name: 'RemoveSubqueries',
  required: true,
  apply: (plan, ctx) => new Remover(ctx).plan(plan),
};

type Attached = { readonly input: LogicalPlan; readonly expr: Expr };

class Remover {
  private readonly ctx: RuleContext;
  private readonly used = new Set<LogicalPlan>();
  /** Shared plans without subqueries of their own. */
  private readonly done = new Map<SharedId, SharedPlan>();

  constructor(ctx: RuleContext) {
    this.ctx = ctx;
  }

  plan(node: LogicalPlan): LogicalPlan {
    if (node.kind === 'shared') return this.shared(node);
    if (node.kind === 'join' && node.lateral) return this.lateral(node);
    return this.own(
      withInputs(
        node,
        inputsOf(node).map((i) => this.plan(i)),
      ),
    );
  }

  private shared(scan: SharedScan): SharedScan {
    const { shared } = scan;
    let done = this.done.get(shared.id);
    if (done === undefined) {
      const plan = pick(this.plan(shared.plan), shared.plan.cols);
      done = plan === shared.plan ? shared : { ...shared, plan };
      this.done.set(shared.id, done);
    }
    return done === shared ? scan : { ...scan, shared: done };
  }

  private lateral(node: Join): LogicalPlan {
    const { input, plan } = this.hoistCounts(this.plan(node.left), node.right);
    return this.own(withInputs(node, [input, this.plan(plan)]));
  }

  /** The node, whose inputs are done, without subqueries in its own expressions. */
  private own(p: LogicalPlan): LogicalPlan {
    if (p.kind === 'limit' && exprsOf(p).some((e) => hasSubquery(e) || isVolatile(e))) return this.limit(p);
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

  /** The subquery's plan, without subqueries of its own, under ids that nothing else has; and the input, which may have
   *  got columns that the plan reads. */
  private subplan(
    source: LogicalPlan,
    s: Subquery,
  ): { readonly input: LogicalPlan; readonly p: LogicalPlan } {
    const fresh = this.used.has(s.plan) ? freshCopy(s.plan, this.ctx.freshColId).plan : s.plan;
    this.used.add(s.plan);
    const { input, plan } = this.hoistCounts(source, fresh);
    return { input, p: this.plan(plan) };
  }

  /** LIMIT and OFFSET of a dependent plan that are computed from the outer row alone become columns of it: there they
   *  may hold subqueries, and a negative one is an error for those rows only that are there in the end. */
  private hoistCounts(
    source: LogicalPlan,
    dependent: LogicalPlan,
  ): { readonly input: LogicalPlan; readonly plan: LogicalPlan } {
    const outer = idsOf(source.cols);
    const free = freeColumns(dependent);
    const found = new Map<string, { readonly e: Expr; readonly out: Column }>();
    const hoisted = (e: Expr | undefined, clause: 'limit' | 'offset'): Expr | undefined => {
      if (e === undefined) return undefined;
      const read = [...columnsOf(e)];
      if (!read.some((id) => outer.has(id)) || !read.every((id) => free.has(id))) return e;
      const checked = rowCount(clause, e);
      const known = found.get(exprKey(checked));
      const out = known?.out ?? freshColumn(this.ctx, clause, INT8, true);
      found.set(exprKey(checked), { e: checked, out });
      return col(out);
    };
    if (![...free].some((id) => outer.has(id))) return { input: source, plan: dependent };
    const shared = mapDependent((p) => transformPlanDeep(p, (q) => inNode(q)));
    const inNode = (p: LogicalPlan): LogicalPlan => {
      if (p.kind === 'shared') return shared(p);
      if (p.kind === 'limit')
        return { ...p, limit: hoisted(p.limit, 'limit'), offset: hoisted(p.offset, 'offset') };
      if (p.kind !== 'distinctOn' || p.rows === undefined) return p;
      const { limit, offset } = p.rows;
      return { ...p, rows: { ...p.rows, limit: hoisted(limit, 'limit'), offset: hoisted(offset, 'offset') } };
    };
    const plan = transformPlanDeep(dependent, inNode);
    if (found.size === 0) return { input: source, plan: dependent };
    const counts = [...found.values()];
    const a = this.attachEach(
      source,
      counts.map((c) => c.e),
    );
    const input = project(
      a.input,
      [...a.input.cols.map(col), ...a.exprs],
      [...a.input.cols, ...counts.map((c) => c.out)],
    );
    return { input, plan };
  }

  /** A row count that is a subquery: computed once, and beside every row from below the sort on. */
  private limit(p: Limit): LogicalPlan {
    let { input } = p;
    const beside = (e: Expr | undefined, clause: 'limit' | 'offset'): Expr | undefined => {
      if (e === undefined || !(hasSubquery(e) || isVolatile(e))) return e;
      const a = this.attach(ONE_ROW, rowCount(clause, e));
      const out = freshColumn(this.ctx, clause, INT8, true);
      input = besideRows(input, project(a.input, [a.expr], [out]));
      return col(out);
    };
    const count = beside(p.limit, 'limit');
    const offset = beside(p.offset, 'offset');
    return pick(limit(input, count, offset), p.cols);
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
      const sub = this.subplan(input, s);
      const p = forExistence(sub.p);
      if (p === 'always') return negated ? filter(input, FALSE) : input;
      return pick(this.dependent(negated ? 'anti' : 'semi', sub.input, p, undefined), input.cols);
    }
    if (s.mode !== 'any' && s.mode !== 'all') return undefined;
    const op = s.op ?? '=';
    // x op ALL (S) is NOT (x negated-op ANY (S)).
    const keepMatching = (s.mode === 'any') !== negated;
    const effective = s.mode === 'any' ? op : negateCmp(op);
    const left = this.attachEach(input, s.left);
    const { input: beside, p } = this.subplan(left.input, s);
    const match = rowComparison(effective, left.exprs, p.cols.slice(0, s.left.length).map(col));
    const joined = keepMatching
      ? this.dependent('semi', beside, p, match)
      : this.antiJoin(beside, p, match, effective, s.left.length);
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

  private scalar(source: LogicalPlan, s: Subquery): Attached {
    const { input, p } = this.subplan(source, s);
    const type = exactlyOneRow(p) ? 'inner' : atMostOneRow(p) ? 'left' : 'single';
    const joined = this.dependent(type, input, p, undefined);
    const value = joined.cols.find((c) => c.id === p.cols[0].id) ?? p.cols[0];
    return { input: joined, expr: col(value) };
  }

  private existsMark(source: LogicalPlan, s: Subquery): Attached {
    const { input, p: whole } = this.subplan(source, s);
    const p = forExistence(whole);
    if (p === 'always') return { input, expr: TRUE };
    const mark = freshColumn(this.ctx, 'exists', BOOL, false);
    return { input: this.dependent('mark', input, p, undefined, mark), expr: col(mark) };
  }

  private quantified(source: LogicalPlan, s: Subquery): Attached {
    const op = s.mode === 'any' ? (s.op ?? '=') : negateCmp(s.op ?? '=');
    const { input, p } = this.subplan(source, s);
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
    const same = sameInCopies(p, this.ctx);
    const first = this.dependent('mark', input, same, match, found);
    const copy = freshCopy(same, this.ctx.freshColId).plan;
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

  private array(source: LogicalPlan, s: Subquery): Attached {
    const { input, p } = this.subplan(source, s);
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
    if (p.type === 'full') return this.fullJoin(p);
    const swap = p.type === 'right';
    const [left, right] = swap ? [p.right, p.left] : [p.left, p.right];
    const inner = this.where(right, conjuncts(p.predicate));
    const joined = join(swap ? 'left' : p.type, left, pick(inner, right.cols), undefined, {
      lateral: correlated(left, inner),
      mark: p.mark,
    });
    return swap ? pick(joined, p.cols) : joined;
  }

  /** A subquery that reads one side (or none) is computed there. One that reads both: the left join, and the right
   *  rows without a match. */
  private fullJoin(p: Join): LogicalPlan {
    const { predicate } = p;
    if (predicate === undefined) return p;
    const sides = [p.left, p.right];
    const ids = sides.map((s) => idsOf(s.cols));
    const oneSided = (e: Expr): Expr => {
      if (!hasSubquery(e)) return e;
      if (e.kind !== 'subquery') return mapChildren(e, oneSided);
      const read = columnsOf(e);
      const reads = (k: number): boolean => [...read].some((id) => ids[k].has(id));
      if (reads(0) && reads(1)) return e;
      const side = reads(1) ? 1 : 0;
      const a = this.attach(sides[side], e);
      sides[side] = a.input;
      return a.expr;
    };
    const on = oneSided(predicate);
    const whole = join('full', sides[0], sides[1], on);
    if (!hasSubquery(on)) return pick(whole, p.cols);
    const [l, r] = sides.map((s) => sameInCopies(s, this.ctx));
    const matched = freshCopy(join('left', l, r, on), this.ctx.freshColId);
    const unmatched = freshCopy(join('anti', r, l, on), this.ctx.freshColId);
    const column = (from: LogicalPlan, by: ReadonlyMap<ColId, ColId>, c: Column): Column => {
      const found = from.cols.find((x) => x.id === by.get(c.id));
      assert(found !== undefined, 'a copy has every column');
      return found;
    };
    const left = this.plan(matched.plan);
    const right = this.plan(unmatched.plan);
    const padded = p.cols.map((c) => freshColumn(this.ctx, c.name, c.type, c.nullable));
    const rest = project(
      right,
      p.cols.map((c) =>
        ids[0].has(c.id) ? constant(null, c.type) : col(column(right, unmatched.renamed, c)),
      ),
      padded,
    );
    const first = p.cols.map((c) => column(left, matched.renamed, c));
    return setOp('union', true, [left, rest], p.cols, [first, padded]);
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

function rowCount(clause: 'limit' | 'offset', e: Expr): Expr {
  return { kind: 'call', fn: `${ROW_COUNT} ${clause}(int8)`, args: [e], type: INT8 };
}

/** The rows with the columns of a plan of one row, in the order that they have. */
function besideRows(p: LogicalPlan, one: LogicalPlan): LogicalPlan {
  switch (p.kind) {
    case 'sort':
    case 'limit':
    case 'filter':
      return withInputs(p, [besideRows(p.input, one)]);
    case 'project':
      return project(besideRows(p.input, one), [...p.exprs, ...one.cols.map(col)], [...p.cols, ...one.cols]);
    default:
      return join('inner', p, one, undefined);
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
      return forExistence(p.input);
    case 'distinctOn':
      return p.rows === undefined ? forExistence(p.input) : p;
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
