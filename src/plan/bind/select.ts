/** A plain SELECT: FROM, WHERE, GROUP BY, HAVING, the select list, DISTINCT, ORDER BY, LIMIT.
 *
 *  The order in which clauses are bound is PostgreSQL's, so that the first error is too. The plan is built from the
 *  bottom: from, filter, aggregate, having, project, distinct, sort, limit, and the hidden columns dropped. */
import type { SelectStmt } from 'libpg-query';
import { TEXT } from '../../types/sql-type.js';
import type { Column, Expr, SortKey } from '../expr.js';
import { col, columnsOf, exprKey, exprNullable, exprType } from '../expr-util.js';
import { aggregate, distinctOn, filter, pick, project, sort } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { locationOf } from './ast.js';
import { coerceToBoolean } from './boolean.js';
import { coerceTo } from './coerce.js';
import { bindFrom } from './from.js';
import { bindGroupBy, groupPlan } from './group.js';
import type { Binding, BoundQuery, SelectListSeries } from './level.js';
import { applyLimit, bindLimit } from './limit.js';
import { bindDistinctOn, bindOrderBy, type OrderItem } from './order.js';
import { countSetReturning, repeated } from './series.js';
import { bindTargets, type Target } from './target.js';

export function bindSelectBody(b: Binding, s: SelectStmt, keepUnknown: boolean): BoundQuery {
  const { ctx, level } = b;
  if (s.intoClause !== undefined)
    throw ctx.error('42601', 'SELECT ... INTO is not allowed here', s.intoClause.rel?.location);
  if ((s.windowClause ?? []).length > 0) throw ctx.notSupported('window functions', windowLocation(s));
  if ((s.lockingClause ?? []).length > 0) checkLocking(b, s);

  let plan = bindFrom(b, s.fromClause ?? []);
  level.hasGroups = (s.groupClause ?? []).length > 0 && !s.groupClause!.some((n) => 'GroupingSet' in n);
  level.clause = 'SELECT';
  level.severalSeries = countSetReturning(s.targetList ?? []) > 1;
  const targets = bindTargets(b, s.targetList ?? []);
  level.clause = 'WHERE';
  const where =
    s.whereClause === undefined
      ? undefined
      : coerceToBoolean(ctx, b.bind(s.whereClause), 'WHERE', locationOf(s.whereClause));
  level.clause = 'HAVING';
  const having =
    s.havingClause === undefined
      ? undefined
      : coerceToBoolean(ctx, b.bind(s.havingClause), 'HAVING', locationOf(s.havingClause));
  level.clause = 'ORDER BY';
  const order = bindOrderBy(b, s.sortClause ?? [], targets);
  level.clause = 'GROUP BY';
  const groups = bindGroupBy(b, s.groupClause ?? [], targets, s.groupDistinct === true);
  level.clause = 'DISTINCT ON';
  const distinct = (s.distinctClause ?? []).length > 0;
  const on = distinct ? bindDistinctOn(b, s.distinctClause!, targets, order) : undefined;
  const limits = bindLimit(b, s);
  if (distinct || !keepUnknown) for (const t of targets) t.expr = typed(b, t.expr);

  if (where !== undefined) plan = filter(plan, where);
  const grouped =
    groups !== undefined || level.aggregates.length > 0 || level.groupings.length > 0 || having !== undefined;
  const { series } = level;
  // Above the groups, unless they are made of it.
  const above =
    grouped &&
    groups?.exprs.some((e) => {
      const read = columnsOf(e);
      return series.some((s) => read.has(s.out.id));
    }) !== true;
  if (above) for (const s of series) checkAggregates(b, s);
  else plan = repeated(ctx, plan, series);
  if (grouped) {
    const g = groupPlan(b, plan, groups ?? { exprs: [], sets: undefined });
    for (const t of targets) t.expr = ctx.at(g.rewrite(t.expr), t.location);
    const kept = having === undefined ? undefined : g.rewrite(having);
    const over = above ? series.map((s) => rewritten(s, g.rewrite)) : [];
    plan = kept === undefined ? g.build() : filter(g.build(), kept);
    plan = repeated(ctx, plan, over);
  }
  const out = projectTargets(b, plan, targets);
  return {
    plan: finish(b, out.plan, out.cols, targets, order, distinct, on, limits),
    names: targets.filter((t) => !t.hidden).map((t) => t.name),
  };
}

function rewritten(s: SelectListSeries, rewrite: (e: Expr) => Expr): SelectListSeries {
  return { out: s.out, count: rewrite(s.count), start: rewrite(s.start), step: rewrite(s.step) };
}

function checkAggregates({ ctx, level }: Binding, { out }: SelectListSeries): void {
  for (const a of level.aggregates)
    if ([...a.args, ...a.orderBy.map((k) => k.expr)].some((e) => columnsOf(e).has(out.id)))
      throw ctx.error('0A000', 'aggregate function calls cannot contain set-returning function calls', -1);
}

function typed(b: Binding, e: Expr): Expr {
  return exprType(e).kind === 'unknown' ? coerceTo(b.ctx, e, TEXT) : e;
}

function windowLocation(s: SelectStmt): number | undefined {
  const [w] = s.windowClause ?? [];
  return w !== undefined && 'WindowDef' in w ? w.WindowDef.location : -1;
}

/** Readers take no locks here: SELECT FOR UPDATE would promise what no writer keeps. */
function checkLocking(b: Binding, s: SelectStmt): void {
  const [first] = s.lockingClause ?? [];
  const name =
    first !== undefined && 'LockingClause' in first
      ? {
          LCS_FORUPDATE: 'FOR UPDATE',
          LCS_FORSHARE: 'FOR SHARE',
          LCS_FORKEYSHARE: 'FOR KEY SHARE',
          LCS_FORNOKEYUPDATE: 'FOR NO KEY UPDATE',
          LCS_NONE: 'row locking',
        }[first.LockingClause.strength ?? 'LCS_FORUPDATE']
      : 'row locking';
  throw b.ctx.notSupported(name, -1);
}

/** One column for each target; a plain column of the input keeps its id, the first time it is listed. */
export function projectTargets(
  b: Binding,
  plan: LogicalPlan,
  targets: readonly Target[],
): { readonly plan: LogicalPlan; readonly cols: readonly Column[] } {
  const available = new Set(plan.cols.map((c) => c.id));
  const taken = new Set<number>();
  const cols = targets.map((t): Column => {
    const e = t.expr;
    if (e.kind === 'col' && available.has(e.id) && !taken.has(e.id)) {
      taken.add(e.id);
      return { id: e.id, name: t.name, type: e.type, nullable: e.nullable };
    }
    const c = b.ctx.column(t.name, exprType(e), exprNullable(e));
    if (e.kind === 'col') b.ctx.passOrigin(e.id, c.id);
    return c;
  });
  return {
    plan: project(
      plan,
      targets.map((t) => t.expr),
      cols,
    ),
    cols,
  };
}

function finish(
  b: Binding,
  input: LogicalPlan,
  cols: readonly Column[],
  targets: readonly Target[],
  order: readonly OrderItem[],
  distinct: boolean,
  on: readonly number[] | undefined,
  limits: ReturnType<typeof bindLimit>,
): LogicalPlan {
  let plan = input;
  const visible = cols.filter((_, i) => !targets[i].hidden);
  const keys = order.map(
    (o): SortKey => ({ expr: col(cols[o.target]), descending: o.descending, nullsFirst: o.nullsFirst }),
  );
  if (distinct && on === undefined) {
    for (const o of order)
      if (targets[o.target].hidden)
        throw b.ctx.error(
          '42P10',
          'for SELECT DISTINCT, ORDER BY expressions must appear in select list',
          o.location,
        );
    plan = aggregate(pick(plan, visible), visible, []);
  }
  if (on !== undefined) {
    const onKeys = on.map((i) => cols[i]);
    const implied = onKeys.map((c): SortKey => ({ expr: col(c), descending: false, nullsFirst: false }));
    const first = new Set(keys.map((k) => exprKey(k.expr)));
    plan = distinctOn(plan, onKeys, [...keys, ...implied.filter((k) => !first.has(exprKey(k.expr)))]);
  }
  if (keys.length > 0 && !limits.ties) plan = sort(plan, keys);
  return pick(applyLimit(plan, limits, keys), visible);
}
