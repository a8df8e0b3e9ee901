/** The general half of decorrelation: domain x plan, with the domain pushed down to where its columns are read.
 *
 *  The domain is the duplicate-free set of outer values, as a plan of its own (a copy of the outer side; under new ids
 *  at each use). `apply(p)` gives a plan with p's columns and the domain's, holding for each domain row exactly the
 *  rows that p gives for it. Where both inputs of a node depend, each gets a domain of its own and they join on it.
 *  Source: Neumann and Kemper 2015, section 3; LIMIT by counting the rows before each row is ours. */
import type { ColId } from '../../types/ids.js';
import { assert, notSupported, unreachable } from '../../types/sql-error.js';
import { INT8 } from '../../types/sql-type.js';
import type { AggCall, Column, Expr, SortKey } from '../expr.js';
import {
  cmp,
  col,
  columnsOf,
  conjunction,
  conjuncts,
  constant,
  disjunction,
  FALSE,
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
  ONE_ROW,
  pick,
  project,
  repeat,
  setOp,
} from '../logical/builders.js';
import type { Aggregate, Join, Limit, LogicalPlan, SetOp } from '../logical/nodes.js';
import { freeColumns, freshCopy, inputsOf, withInputs } from '../logical/transform.js';
import { emptyAware } from './empty-groups.js';
import { freshColumn, type RuleContext } from './rule.js';

/** Outer column id -> the column that holds its value in this plan. */
export type Domain = ReadonlyMap<ColId, Column>;
export type Applied = { readonly plan: LogicalPlan; readonly domain: Domain };

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

  constructor(outer: LogicalPlan, ids: readonly ColId[], ctx: RuleContext) {
    this.outer = withoutLimits(outer);
    this.ids = ids;
    this.ctx = ctx;
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
      case 'distinctOn': {
        const a = this.apply(p.input);
        const by = values(a.domain);
        return {
          domain: a.domain,
          plan: distinctOn(
            a.plan,
            [...a.domain.values(), ...p.keys],
            p.order.map((k) => substituteKey(k, by)),
          ),
        };
      }
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
      case 'scan':
        throw new Error('a scan has no outer columns');
      default:
        return unreachable(p);
    }
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

  private same(a: Applied, b: Applied): readonly Expr[] {
    return this.ids.map((id) => {
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
    const first = join('mark', l.plan, right, conjunction([...same, match]), { mark: found });
    const copy = freshCopy(right, this.ctx.freshColId);
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

  /** The first rows of each domain row's own result. */
  private limit(p: Limit): Applied {
    const sort = p.input.kind === 'sort' ? p.input : undefined;
    const a = this.apply(sort?.input ?? p.input);
    const by = values(a.domain);
    const keys = [...a.domain.values()];
    const order = (sort?.keys ?? []).map((k) => substituteKey(k, by));
    if (p.limit?.kind === 'const' && p.limit.value === 1n && p.offset === undefined)
      return { domain: a.domain, plan: distinctOn(a.plan, keys, order) };
    if (this.dependsExpr(p.limit) || this.dependsExpr(p.offset))
      throw notSupported('LIMIT that depends on an outer row');
    return { domain: a.domain, plan: this.countedLimit(a.plan, keys, order, p) };
  }

  /** Row numbers without window functions: equal rows are merged with their count, every row learns how many rows of
   *  its domain row come before it, and is repeated as often as it falls between offset and offset + limit. */
  private countedLimit(
    plan: LogicalPlan,
    keys: readonly Column[],
    order: readonly SortKey[],
    p: Limit,
  ): LogicalPlan {
    const orderCols: Column[] = [];
    const computed: Expr[] = [];
    const sortKeys = order.map((k): { c: Column; k: SortKey } => {
      const known =
        k.expr.kind === 'col'
          ? plan.cols.find((c) => k.expr.kind === 'col' && c.id === k.expr.id)
          : undefined;
      if (known !== undefined) return { c: known, k };
      const c = freshColumn(this.ctx, 'order', k.expr.kind === 'col' ? k.expr.type : typeOf(k.expr), true);
      orderCols.push(c);
      computed.push(k.expr);
      return { c, k };
    });
    const wide =
      orderCols.length === 0
        ? plan
        : project(plan, [...plan.cols.map(col), ...computed], [...plan.cols, ...orderCols]);
    const copies = freshColumn(this.ctx, 'copies', INT8, false);
    const count = (out: Column): AggCall => ({
      out,
      name: 'count_star',
      args: [],
      distinct: false,
      filter: undefined,
      orderBy: [],
    });
    const rows = aggregate(wide, wide.cols, [count(copies)]);
    const other = freshCopy(rows, this.ctx.freshColId);
    const twin = (c: Column): Column => ({ ...c, id: other.renamed.get(c.id) ?? c.id });
    const all: { c: Column; descending: boolean; nullsFirst: boolean }[] = [
      ...sortKeys.map(({ c, k }) => ({ c, descending: k.descending, nullsFirst: k.nullsFirst })),
      ...wide.cols
        .filter((c) => !keys.some((k) => k.id === c.id) && !sortKeys.some((s) => s.c.id === c.id))
        .map((c) => ({ c, descending: false, nullsFirst: false })),
    ];
    const before = comesBefore(all.map((x) => ({ ...x, mine: x.c, theirs: twin(x.c) })));
    const joined = join(
      'left',
      rows,
      other.plan,
      conjunction([...keys.map((k) => sameValue(k, twin(k))), before]),
    );
    const sum = freshColumn(this.ctx, 'before', { kind: 'numeric' }, true);
    const theirCopies = joined.cols.find((c) => c.id === twin(copies).id) ?? twin(copies);
    const total = aggregate(joined, rows.cols, [
      {
        out: sum,
        name: 'sum',
        args: [col(theirCopies)],
        distinct: false,
        filter: undefined,
        orderBy: [],
      },
    ]);
    const int8 = (fn: string, ...args: Expr[]): Expr => ({
      kind: 'call',
      fn: `${fn}(int8,int8)`,
      args,
      type: INT8,
    });
    const zero = constant(0n, INT8);
    const start: Expr = {
      kind: 'coalesce',
      args: [{ kind: 'call', fn: 'cast(numeric,int8)', args: [col(sum)], type: INT8 }, zero],
      type: INT8,
    };
    const end = int8('+', start, col(copies));
    const skip: Expr =
      p.offset === undefined ? zero : { kind: 'coalesce', args: [p.offset, zero], type: INT8 };
    const last =
      p.limit === undefined
        ? end
        : { kind: 'coalesce' as const, args: [int8('+', skip, p.limit), end], type: INT8 };
    const times = int8(
      '-',
      { kind: 'least', args: [end, last], type: INT8 },
      { kind: 'greatest', args: [start, skip], type: INT8 },
    );
    return pick(repeat(total, times), plan.cols);
  }
}

function typeOf(e: Expr): Column['type'] {
  return 'type' in e ? e.type : { kind: 'bool' };
}

/** Does the other row (`theirs`) sort before this one (`mine`), key by key? */
function comesBefore(
  keys: readonly { mine: Column; theirs: Column; descending: boolean; nullsFirst: boolean }[],
): Expr {
  if (keys.length === 0) return FALSE;
  const [k, ...rest] = keys;
  const less = cmp(k.descending ? '>' : '<', col(k.theirs), col(k.mine));
  const cases: Expr[] = [less];
  if (k.mine.nullable || k.theirs.nullable) {
    const isNull = (c: Column, negated: boolean): Expr => ({ kind: 'isnull', negated, arg: col(c) });
    cases.push(
      k.nullsFirst
        ? conjunction([isNull(k.theirs, false), isNull(k.mine, true)])
        : conjunction([isNull(k.theirs, true), isNull(k.mine, false)]),
    );
  }
  if (rest.length > 0) cases.push(conjunction([sameValue(k.mine, k.theirs), comesBefore(rest)]));
  return disjunction(cases);
}

function values(d: Domain): ReadonlyMap<ColId, Expr> {
  return new Map([...d].map(([id, c]) => [id, col(c)]));
}

/** A superset of the rows that is the same at every evaluation: LIMIT could pick other rows each time. */
function withoutLimits(p: LogicalPlan): LogicalPlan {
  if (p.kind === 'limit' || p.kind === 'sort') return withoutLimits(p.input);
  if (p.kind === 'aggregate' || p.kind === 'setop') return p;
  return withInputs(p, inputsOf(p).map(withoutLimits));
}
