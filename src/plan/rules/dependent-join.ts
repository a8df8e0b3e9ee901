/** The general half of decorrelation: domain x plan, with the domain pushed down to where its columns are read.
 *
 *  The domain is the duplicate-free set of outer values, as a plan of its own (a copy of the outer side; under new ids
 *  at each use). `apply(p)` gives a plan with p's columns and the domain's, holding for each domain row exactly the
 *  rows that p gives for it. Where both inputs of a node depend, each gets a domain of its own and they join on it.
 *  Source: Neumann and Kemper 2015, section 3; LIMIT as rows kept of each run of a domain row is ours. */
import { ROW_COUNT } from '../../types/functions/row-counts.js';
import type { ColId } from '../../types/ids.js';
import { assert, unreachable } from '../../types/sql-error.js';
import { INT8 } from '../../types/sql-type.js';
import type { AggCall, Column, Expr } from '../expr.js';
import {
  cmp,
  col,
  columnsOf,
  conjunction,
  conjuncts,
  constant,
  FALSE,
  isVolatile,
  mapExpr,
  substitute,
  substituteKey,
  TRUE,
  when,
} from '../expr-util.js';
import {
  aggregate,
  distinctOn,
  filter,
  join,
  limit,
  ONE_ROW,
  pick,
  project,
  repeat,
  setOp,
} from '../logical/builders.js';
import type {
  Aggregate,
  DistinctOn,
  Join,
  Limit,
  LogicalPlan,
  SetOp,
  SharedPlan,
  SharedScan,
} from '../logical/nodes.js';
import { unrepeatable } from '../logical/repeatable.js';
import {
  exprsOf,
  freeColumns,
  freshCopy,
  idsOf,
  inputsOf,
  mapPlanExprs,
  sharedIdFrom,
  withInputs,
} from '../logical/transform.js';
import { emptyAware } from './empty-groups.js';
import { pruneColumns } from './prune-columns.js';
import { freshColumn, type RuleContext } from './rule.js';
import { sameInCopies, shared } from './same-in-copies.js';

/** Outer column id -> the column that holds its value in this plan. */
export type Domain = ReadonlyMap<ColId, Column>;
export type Applied = { readonly plan: LogicalPlan; readonly domain: Domain };

/** Shared plans that were evaluated for a domain, by their id and the outer columns that they read. */
export type KeyedPlans = Map<string, { readonly shared: SharedPlan; readonly domain: Domain }>;

/** Equality that also matches NULL with NULL. */
export function sameValue(a: Column, b: Column): Expr {
  return a.nullable || b.nullable
    ? { kind: 'distinct', negated: true, left: col(a), right: col(b) }
    : cmp('=', col(a), col(b));
}

export class DependentJoin {
  private readonly outer: LogicalPlan;
  private readonly ids: readonly ColId[];
  private readonly ctx: RuleContext;

  private readonly keyed: KeyedPlans;

  /** `outer`: as `withDomain` gives it. */
  constructor(outer: LogicalPlan, ids: readonly ColId[], ctx: RuleContext, keyed: KeyedPlans) {
    this.outer = outer;
    this.ids = ids;
    this.ctx = ctx;
    this.keyed = keyed;
  }

  /** A new copy of the domain. */
  private fresh(): Applied {
    const { plan, renamed } = freshCopy(this.outer, this.ctx.freshColId);
    const domain = new Map<ColId, Column>();
    for (const id of this.ids) {
      const c = plan.cols.find((x) => x.id === renamed.get(id));
      assert(c !== undefined, 'the outer side produces its columns');
      domain.set(id, c);
    }
    const cols = [...domain.values()];
    return { plan: aggregate(pick(plan, cols), cols, []), domain };
  }

  private depends(p: LogicalPlan): boolean {
    const free = freeColumns(p);
    return this.ids.some((id) => free.has(id));
  }

  private dependsExpr(e: Expr | undefined): boolean {
    if (e === undefined) return false;
    const read = columnsOf(e);
    return this.ids.some((id) => read.has(id));
  }

  apply(p: LogicalPlan): Applied {
    if (!this.depends(p)) {
      const d = this.fresh();
      return { plan: join('inner', d.plan, p, undefined), domain: d.domain };
    }
    switch (p.kind) {
      case 'filter': {
        const a = this.apply(p.input);
        return { ...a, plan: filter(a.plan, substitute(p.predicate, values(a.domain))) };
      }
      case 'project': {
        const a = this.apply(p.input);
        const by = values(a.domain);
        const extra = [...a.domain.values()];
        return {
          domain: a.domain,
          plan: project(
            a.plan,
            [...p.exprs.map((e) => substitute(e, by)), ...extra.map(col)],
            [...p.cols, ...extra],
          ),
        };
      }
      case 'join':
        return this.join(p);
      case 'aggregate':
        return this.aggregate(p);
      case 'sort':
        // Order below anything but a LIMIT means nothing.
        return this.apply(p.input);
      case 'limit':
        return this.limit(p);
      case 'distinctOn':
        return this.distinctOn(p);
      case 'setop':
        return this.setOp(p);
      case 'repeat': {
        const a = this.apply(p.input);
        const by = values(a.domain);
        const series =
          p.series === undefined
            ? undefined
            : { ...p.series, start: substitute(p.series.start, by), step: substitute(p.series.step, by) };
        return { domain: a.domain, plan: repeat(a.plan, substitute(p.count, by), series) };
      }
      case 'values':
        return this.values(p.rows, p.cols);
      case 'shared':
        return this.shared(p);
      case 'scan':
        throw new Error('a scan has no outer columns');
      default:
        return unreachable(p);
    }
  }

  /** The shared plan is evaluated for the values of the columns that it reads, once for all of its readers. Readers that
   *  another lateral join has are above the first, which has seen all the values that they ask for. */
  private shared(p: SharedScan): Applied {
    const free = freeColumns(p.shared.plan);
    const ids = this.ids.filter((id) => free.has(id));
    const key = [p.shared.id, ...ids].join();
    let plan = this.keyed.get(key);
    if (plan === undefined) {
      const a = new DependentJoin(this.outer, ids, this.ctx, this.keyed).apply(p.shared.plan);
      plan = {
        shared: { ...p.shared, id: sharedIdFrom(this.ctx.freshColId), plan: a.plan },
        domain: a.domain,
      };
      this.keyed.set(key, plan);
    }
    const domain = new Map<ColId, Column>();
    const from = [...p.from];
    for (const [id, c] of plan.domain) {
      domain.set(id, freshColumn(this.ctx, c.name, c.type, c.nullable));
      from.push(c.id);
    }
    const scan: SharedScan = { ...p, shared: plan.shared, from, cols: [...p.cols, ...domain.values()] };
    if (ids.length === this.ids.length) return { plan: scan, domain };
    const d = this.fresh();
    return {
      plan: join('inner', d.plan, scan, conjunction(this.same(d, { plan: scan, domain }, ids))),
      domain: d.domain,
    };
  }

  private join(p: Join): Applied {
    assert(!p.lateral, 'inner dependent joins are removed first');
    const predicate = conjuncts(p.predicate);
    const on = (d: Domain, more: readonly Expr[] = []): Expr | undefined => {
      const all = [...predicate.map((e) => substitute(e, values(d))), ...more];
      return all.length === 0 ? undefined : conjunction(all);
    };
    const rightDepends = this.depends(p.right);
    switch (p.type) {
      case 'inner': {
        if (!rightDepends) {
          const l = this.apply(p.left);
          return { domain: l.domain, plan: join('inner', l.plan, p.right, on(l.domain)) };
        }
        if (!this.depends(p.left)) {
          const r = this.apply(p.right);
          return { domain: r.domain, plan: join('inner', p.left, r.plan, on(r.domain)) };
        }
        const l = this.apply(p.left);
        const r = this.apply(p.right);
        return { domain: l.domain, plan: join('inner', l.plan, r.plan, on(l.domain, this.same(l, r))) };
      }
      case 'left':
      case 'semi':
      case 'anti':
      case 'mark':
      case 'single': {
        const l = this.apply(p.left);
        if (!rightDepends && !(p.nullAware && this.dependsExpr(p.predicate)))
          return { domain: l.domain, plan: join(p.type, l.plan, p.right, on(l.domain), p) };
        const r = rightDepends ? this.apply(p.right) : undefined;
        const right = r?.plan ?? p.right;
        const same = r === undefined ? [] : this.same(l, r);
        if (!p.nullAware)
          return {
            domain: l.domain,
            plan: join(p.type, l.plan, right, on(l.domain, same), { mark: p.mark }),
          };
        // Null-aware over one whole right side; here each domain row has a right side of its own.
        const match = conjunction(predicate.map((e) => substitute(e, values(l.domain))));
        if (p.type === 'anti') {
          const possible: Expr = { kind: 'istruth', truth: false, negated: true, arg: match };
          return { domain: l.domain, plan: join('anti', l.plan, right, conjunction([...same, possible])) };
        }
        return { domain: l.domain, plan: this.twoMarks(p, l, right, same, match) };
      }
      case 'right': {
        const r = this.apply(p.right);
        if (!this.depends(p.left))
          return { domain: r.domain, plan: join('right', p.left, r.plan, on(r.domain)) };
        const l = this.apply(p.left);
        return { domain: r.domain, plan: join('right', l.plan, r.plan, on(r.domain, this.same(l, r))) };
      }
      case 'full': {
        const l = this.apply(p.left);
        const r = this.apply(p.right);
        const joined = join('full', l.plan, r.plan, on(l.domain, this.same(l, r)));
        const below = new Map(joined.cols.map((c) => [c.id, c]));
        const domain = new Map<ColId, Column>();
        const merged = this.ids.map((id): Expr => {
          const [a, b] = [l.domain.get(id), r.domain.get(id)];
          assert(a !== undefined && b !== undefined, 'both sides have the domain');
          domain.set(id, freshColumn(this.ctx, a.name, a.type, true));
          return {
            kind: 'coalesce',
            args: [col(below.get(a.id) ?? a), col(below.get(b.id) ?? b)],
            type: a.type,
          };
        });
        const own = joined.cols.filter((c) => p.cols.some((x) => x.id === c.id));
        return { domain, plan: project(joined, [...own.map(col), ...merged], [...own, ...domain.values()]) };
      }
    }
  }

  private same(a: Applied, b: Applied, ids: readonly ColId[] = this.ids): readonly Expr[] {
    return ids.map((id) => {
      const x = a.domain.get(id);
      const y = b.domain.get(id);
      assert(x !== undefined && y !== undefined, 'both sides have the domain');
      return sameValue(x, y);
    });
  }

  /** mark := TRUE when some row matches, NULL when some comparison is unknown, else FALSE. */
  private twoMarks(p: Join, l: Applied, right: LogicalPlan, same: readonly Expr[], match: Expr): LogicalPlan {
    assert(p.mark !== undefined, 'a mark join has a mark');
    const found = freshColumn(this.ctx, 'any', p.mark.type, false);
    const unknown = freshColumn(this.ctx, 'unknown', p.mark.type, false);
    const once = sameInCopies(right, this.ctx);
    const first = join('mark', l.plan, once, conjunction([...same, match]), { mark: found });
    const copy = freshCopy(once, this.ctx.freshColId);
    const by = new Map<ColId, Expr>();
    for (const c of right.cols) {
      const id = copy.renamed.get(c.id);
      if (id !== undefined) by.set(c.id, col({ ...c, id }));
    }
    const isUnknown: Expr = { kind: 'isnull', negated: false, arg: substitute(match, by) };
    const second = join(
      'mark',
      first,
      copy.plan,
      conjunction([...same.map((e) => substitute(e, by)), isUnknown]),
      {
        mark: unknown,
      },
    );
    const value: Expr = {
      kind: 'case',
      whens: [when(col(found), TRUE), when(col(unknown), constant(null, p.mark.type))],
      otherwise: FALSE,
      type: p.mark.type,
    };
    return project(second, [...l.plan.cols.map(col), value], [...l.plan.cols, p.mark]);
  }

  private aggregate(p: Aggregate): Applied {
    const a = this.apply(p.input);
    const by = values(a.domain);
    const aggs = p.aggs.map(
      (x): AggCall => ({
        ...x,
        args: x.args.map((e) => substitute(e, by)),
        filter: x.filter === undefined ? undefined : substitute(x.filter, by),
        orderBy: x.orderBy.map((k) => substituteKey(k, by)),
      }),
    );
    const keys = [...a.domain.values()];
    if (p.groups.length > 0)
      return { domain: a.domain, plan: aggregate(a.plan, [...keys, ...p.groups], aggs) };
    // One row for every domain row, also for those without input.
    const d = this.fresh();
    const { aggs: renamed, restore } = emptyAware(aggs, this.ctx);
    const grouped = aggregate(a.plan, keys, renamed);
    const joined = join('left', d.plan, grouped, conjunction(this.same(d, a)));
    const below = new Map(joined.cols.map((c) => [c.id, c]));
    const own = [...d.domain.values()];
    return {
      domain: d.domain,
      plan: project(
        joined,
        [...own.map(col), ...restore.map((r) => r.expr(below))],
        [...own, ...restore.map((r) => r.out)],
      ),
    };
  }

  private setOp(p: SetOp): Applied {
    const parts = p.inputs.map((i) => this.apply(i));
    const domain = new Map<ColId, Column>();
    for (const id of this.ids) {
      const c = parts[0].domain.get(id);
      assert(c !== undefined, 'every input has the domain');
      const nullable = parts.some((x) => x.domain.get(id)?.nullable === true);
      domain.set(id, freshColumn(this.ctx, c.name, c.type, nullable));
    }
    return {
      domain,
      plan: setOp(
        p.op,
        p.all,
        parts.map((x) => x.plan),
        [...p.cols, ...domain.values()],
        parts.map((x, k) => [
          ...p.inputCols[k],
          ...this.ids.map((id) => x.domain.get(id)).filter((c) => c !== undefined),
        ]),
      ),
    };
  }

  private values(rows: readonly (readonly Expr[])[], cols: readonly Column[]): Applied {
    if (rows.length === 1) return this.apply(project(ONE_ROW, rows[0], cols));
    const inputs = rows.map((r) =>
      project(
        ONE_ROW,
        r,
        cols.map((c) => freshColumn(this.ctx, c.name, c.type, c.nullable)),
      ),
    );
    return this.apply(setOp('union', true, inputs, cols));
  }

  /** The rows that each domain row's own limit keeps of its own result. */
  private limit(p: Limit): Applied {
    // The order that counts may stand below a projection.
    if (p.input.kind === 'project' && !p.input.exprs.some(isVolatile)) {
      const produced = idsOf(p.input.input.cols);
      const reads = exprsOf(p).flatMap((e) => [...columnsOf(e)]);
      if (reads.every((id) => produced.has(id) || !p.cols.some((c) => c.id === id)))
        return this.apply(withInputs(p.input, [limit(p.input.input, p.limit, p.offset)]));
    }
    const sort = p.input.kind === 'sort' ? p.input : undefined;
    const a = this.apply(sort?.input ?? p.input);
    const by = values(a.domain);
    const order = (sort?.keys ?? []).map((k) => substituteKey(k, by));
    const first = p.limit?.kind === 'const' && p.limit.value === 1n && p.offset === undefined;
    const rows = { limit: rowCount(p.limit, by), offset: rowCount(p.offset, by), ties: false };
    return {
      domain: a.domain,
      plan: distinctOn(a.plan, [...a.domain.values()], order, first ? undefined : rows),
    };
  }

  private distinctOn(p: DistinctOn): Applied {
    const a = this.apply(p.input);
    const by = values(a.domain);
    return {
      domain: a.domain,
      plan: distinctOn(
        a.plan,
        [...a.domain.values(), ...p.keys],
        p.order.map((k) => substituteKey(k, by)),
        p.rows && { ...p.rows, limit: rowCount(p.rows.limit, by), offset: rowCount(p.rows.offset, by) },
      ),
    };
  }
}

/** The domain may hold values that no row of the outer side has in the end: of them a negative count is no error. Of
 *  the others it was one where the outer side computed it (`row-counts.ts`). */
function rowCount(e: Expr | undefined, by: ReadonlyMap<ColId, Expr>): Expr | undefined {
  if (e === undefined || columnsOf(e).size === 0) return e;
  const count = substitute(e, by);
  const zero = constant(0n, INT8);
  return { kind: 'case', whens: [when(cmp('<', count, zero), zero)], otherwise: count, type: INT8 };
}

function values(d: Domain): ReadonlyMap<ColId, Expr> {
  return new Map([...d].map(([id, c]) => [id, col(c)]));
}

/** The outer side of a dependent join, and the plan whose copies give the domain: at least its values of `ids`, the same
 *  in every copy. */
export function withDomain(
  left: LogicalPlan,
  ids: readonly ColId[],
  ctx: RuleContext,
): { readonly left: LogicalPlan; readonly outer: LogicalPlan } {
  const outer = unchecked(withoutLimits(left));
  if (unrepeatable(outer) === undefined) return { left, outer };
  const read = outer.cols.filter((c) => ids.includes(c.id));
  const needed = pruneColumns.apply(pick(outer, read), ctx);
  if (unrepeatable(needed) === undefined) return { left, outer: needed };
  const once = shared(left, ctx);
  return { left: once, outer: once };
}

/** A superset of the rows that is the same at every evaluation: LIMIT and DISTINCT ON could pick other rows each time.
 *  Below a node where more rows on one side mean fewer or other rows in the end, that side stays as it is. */
function withoutLimits(p: LogicalPlan): LogicalPlan {
  switch (p.kind) {
    case 'limit':
    case 'sort':
    case 'distinctOn':
      return withoutLimits(p.input);
    case 'aggregate':
      return p.aggs.length > 0 ? p : withInputs(p, [withoutLimits(p.input)]);
    case 'setop':
      return p.op === 'union' ? withInputs(p, p.inputs.map(withoutLimits)) : p;
    case 'join':
      switch (p.type) {
        case 'inner':
        case 'semi':
          return withInputs(p, [withoutLimits(p.left), withoutLimits(p.right)]);
        case 'left':
        case 'anti':
        case 'mark':
        case 'single':
          return withInputs(p, [withoutLimits(p.left), p.right]);
        case 'right':
          return withInputs(p, [p.left, withoutLimits(p.right)]);
        case 'full':
          return p;
        default:
          return unreachable(p.type);
      }
    default:
      return withInputs(p, inputsOf(p).map(withoutLimits));
  }
}

/** Without the checks of row counts: see `rowCount`. */
function unchecked(p: LogicalPlan): LogicalPlan {
  return mapPlanExprs(p, (e) =>
    mapExpr(e, (x) => (x.kind === 'call' && x.fn.startsWith(ROW_COUNT) ? x.args[0] : x)),
  );
}
