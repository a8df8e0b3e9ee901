/** GROUP BY: the grouping columns, the aggregate node, and the rewriting of everything above it.
 *
 *  Above the aggregate only grouping columns and aggregate results exist: expressions equal to a grouping expression
 *  become its column, any other column of the input is 42803, unless its table's primary key is grouped by.
 *  GROUPING SETS, ROLLUP and CUBE become a UNION ALL of one aggregate a set.
 *  Source: PostgreSQL 15, parse_agg.c (check_ungrouped_columns, expand_grouping_sets). */
import type { Node } from 'libpg-query';
import type { ColId } from '../../types/ids.js';
import type { Column, Expr } from '../expr.js';
import { col, exprKey, exprNullable, exprType, mapChildren, walkExpr } from '../expr-util.js';
import { aggregate, project } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { freeColumns, mapPlanExprs } from '../logical/transform.js';
import { locationOf } from './ast.js';
import type { Binding } from './level.js';
import { findTarget } from './order.js';
import type { Target } from './target.js';

/** The grouping expressions; undefined without GROUP BY. An empty list: one group. */
export function bindGroupBy(
  b: Binding,
  nodes: readonly Node[],
  targets: Target[],
): readonly Expr[] | undefined {
  if (nodes.length === 0) return undefined;
  const exprs: Expr[] = [];
  const add = (n: Node): void => {
    if ('RowExpr' in n) {
      for (const x of n.RowExpr.args ?? []) add(x);
      return;
    }
    if ('GroupingSet' in n) {
      if (n.GroupingSet.kind === 'GROUPING_SET_EMPTY') return;
      throw b.ctx.notSupported('GROUPING SETS, ROLLUP and CUBE', n.GroupingSet.location);
    }
    const t = targets[findTarget(b, n, targets, 'GROUP BY')];
    walkExpr(t.expr, (e) => {
      if (e.kind === 'col' && b.level.aggregateIds.has(e.id))
        throw b.ctx.error(
          '42803',
          'aggregate functions are not allowed in GROUP BY',
          b.ctx.locationOf(e) ?? locationOf(n),
        );
    });
    exprs.push(t.expr);
  };
  for (const n of nodes) add(n);
  return exprs;
}

export type Grouped = {
  readonly rewrite: (e: Expr) => Expr;
  /** Makes the node; after everything above it has been rewritten, since that may add grouping columns. */
  readonly build: () => LogicalPlan;
};

export function groupPlan(b: Binding, input: LogicalPlan, exprs: readonly Expr[]): Grouped {
  const { ctx, level } = b;
  const inputIds = new Set(input.cols.map((c) => c.id));
  const byKey = new Map<string, Column>();
  const groups: Column[] = [];
  const computed: { readonly expr: Expr; readonly col: Column }[] = [];
  for (const e of exprs) {
    const key = exprKey(e);
    if (byKey.has(key)) continue;
    if (e.kind === 'col' && !inputIds.has(e.id)) continue; // of an outer level: one value for the whole query
    const plain = e.kind === 'col' ? input.cols.find((c) => c.id === e.id) : undefined;
    const c = plain ?? ctx.column(nameOf(e), exprType(e), exprNullable(e));
    if (plain === undefined) computed.push({ expr: e, col: c });
    byKey.set(key, c);
    groups.push(c);
  }
  const below =
    computed.length === 0
      ? input
      : project(
          input,
          [...input.cols.map(col), ...computed.map((c) => c.expr)],
          [...input.cols, ...computed.map((c) => c.col)],
        );
  const grouped = new Set<ColId>(groups.map((g) => g.id));
  const rewrite = makeRewriter(b, byKey, computed.length > 0, grouped, inputIds, (id) => {
    const added = dependentColumn(b, id, grouped, input);
    if (added !== undefined) {
      groups.push(added);
      grouped.add(id);
    }
    return added !== undefined;
  });
  return { build: () => aggregate(below, groups, level.aggregates), rewrite };
}

function nameOf(e: Expr): string {
  return e.kind === 'call' ? e.fn.replace(/\(.*$/s, '') : e.kind;
}

/** A column that a grouped primary key determines may be used as if it were grouped, so it is. */
function dependentColumn(
  b: Binding,
  id: ColId,
  grouped: ReadonlySet<ColId>,
  input: LogicalPlan,
): Column | undefined {
  for (const item of b.level.namespace) {
    const key = item.table?.def.primaryKey;
    if (item.table === undefined || key === undefined || key.length === 0) continue;
    const { cols } = item.table;
    if (!cols.some((c) => c.id === id) || !key.every((k) => grouped.has(cols[k].id))) continue;
    return input.cols.find((c) => c.id === id);
  }
  return undefined;
}

function makeRewriter(
  b: Binding,
  byKey: ReadonlyMap<string, Column>,
  hasExpressions: boolean,
  grouped: ReadonlySet<ColId>,
  inputIds: ReadonlySet<ColId>,
  depend: (id: ColId) => boolean,
): (e: Expr) => Expr {
  const { ctx } = b;
  const inner = (e: Expr, fromSubquery: boolean, at: number | undefined): Expr => {
    if (hasExpressions && e.kind !== 'const' && e.kind !== 'param') {
      const c = byKey.get(exprKey(e));
      if (c !== undefined) return col(c);
    }
    const here = ctx.locationOf(e) ?? at;
    if (e.kind === 'col') {
      if (!inputIds.has(e.id) || grouped.has(e.id) || depend(e.id)) return e;
      const name = columnName(b, e.id);
      throw ctx.error(
        '42803',
        fromSubquery
          ? `subquery uses ungrouped column "${name}" from outer query`
          : `column "${name}" must appear in the GROUP BY clause or be used in an aggregate function`,
        ctx.locationOf(e) ?? at ?? -1,
      );
    }
    if (e.kind === 'subquery') {
      const left = e.left.map((x) => inner(x, fromSubquery, here));
      const touches = [...freeColumns(e.plan)].some((id) => inputIds.has(id));
      const plan = touches ? mapPlanExprs(e.plan, (x) => inner(x, true, here)) : e.plan;
      return { ...e, left, plan };
    }
    return mapChildren(e, (x) => inner(x, fromSubquery, here));
  };
  return (e) => inner(e, false, undefined);
}

/** `alias.column` for a message. */
function columnName(b: Binding, id: ColId): string {
  for (const item of b.level.namespace) {
    if (!item.relVisible) continue;
    const c = item.columns.find((x) => x.expr.kind === 'col' && x.expr.id === id);
    if (c !== undefined) return `${item.alias}.${c.name}`;
  }
  for (const item of b.level.namespace) {
    const c = item.columns.find((x) => x.expr.kind === 'col' && x.expr.id === id);
    if (c !== undefined) return item.alias === '' ? c.name : `${item.alias}.${c.name}`;
  }
  return '?column?';
}
