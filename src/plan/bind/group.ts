/** GROUP BY: the grouping columns, the aggregate node, and the rewriting of everything above it.
 *
 *  Above the aggregate only grouping columns and aggregate results exist: expressions equal to a grouping expression
 *  become its column, any other column of the input is 42803, unless its table's primary key is grouped by.
 *  GROUPING SETS, ROLLUP and CUBE become a UNION ALL of one aggregate a set.
 *  Source: PostgreSQL 15, parse_agg.c (check_ungrouped_columns, expand_grouping_sets). */
import type { Node } from 'libpg-query';
import type { ColId } from '../../types/ids.js';
import { INT4, UNKNOWN } from '../../types/sql-type.js';
import type { AggCall, Column, Expr } from '../expr.js';
import {
  col,
  constant,
  exprKey,
  exprNullable,
  exprType,
  mapChildren,
  substitute,
  walkExpr,
} from '../expr-util.js';
import { aggregate, project, setOp, sharedScan } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { unrepeatable } from '../logical/repeatable.js';
import { freeColumns, freshCopy, mapPlanExprs } from '../logical/transform.js';
import { locationOf } from './ast.js';
import type { BindContext } from './context.js';
import type { Binding } from './level.js';
import { findTarget } from './order.js';
import type { Target } from './target.js';

export type GroupBy = {
  /** All grouping expressions; empty: one group. */
  readonly exprs: readonly Expr[];
  /** With GROUPING SETS and its kin: for each set the expressions it groups by, as indexes. */
  readonly sets: readonly (readonly number[])[] | undefined;
};

/** Undefined without GROUP BY. */
export function bindGroupBy(
  b: Binding,
  nodes: readonly Node[],
  targets: Target[],
  distinctSets: boolean,
): GroupBy | undefined {
  if (nodes.length === 0) return undefined;
  const exprs: Expr[] = [];
  const keys = new Map<string, number>();
  const one = (n: Node): number => {
    const t = targets[findTarget(b, n, targets, 'GROUP BY')];
    walkExpr(t.expr, (e) => {
      if (e.kind === 'col' && b.level.aggregateIds.has(e.id))
        throw b.ctx.error(
          '42803',
          'aggregate functions are not allowed in GROUP BY',
          b.ctx.locationOf(e) ?? locationOf(n),
        );
    });
    const key = exprKey(t.expr);
    const known = keys.get(key);
    if (known !== undefined) return known;
    keys.set(key, exprs.length);
    return exprs.push(t.expr) - 1;
  };
  const items = nodes.map((n) => expandItem(b, n, one));
  if (!nodes.some((n) => 'GroupingSet' in n && n.GroupingSet.kind !== 'GROUPING_SET_EMPTY'))
    return { exprs, sets: undefined };
  let sets = items.reduce<readonly GroupingSet[]>(
    (all, item) => all.flatMap((x) => item.map((y) => union(x, y))),
    [[]],
  );
  if (distinctSets) {
    const text = (x: GroupingSet): string => [...x].sort((p, q) => p - q).join(',');
    sets = sets.filter((x, i) => sets.findIndex((y) => text(y) === text(x)) === i);
  }
  if (sets.length > GROUPING_SETS_MAX)
    throw b.ctx.error(
      '54001',
      `too many grouping sets present (maximum ${GROUPING_SETS_MAX})`,
      locationOf(nodes[0]),
    );
  return { exprs, sets };
}

type GroupingSet = readonly number[];

/** PostgreSQL's own bound. */
const GROUPING_SETS_MAX = 4096;
const CUBE_MAX = 12;

function union(a: GroupingSet, b: GroupingSet): GroupingSet {
  return [...a, ...b.filter((x) => !a.includes(x))];
}

/** The sets that one item of GROUP BY stands for; a plain expression is one set. */
function expandItem(b: Binding, n: Node, one: (n: Node) => number): readonly GroupingSet[] {
  if ('RowExpr' in n) return [(n.RowExpr.args ?? []).flatMap((x) => expandItem(b, x, one)).reduce(union, [])];
  if (!('GroupingSet' in n)) return [[one(n)]];
  const content = n.GroupingSet.content ?? [];
  switch (n.GroupingSet.kind) {
    case 'GROUPING_SET_EMPTY':
      return [[]];
    case 'GROUPING_SET_SIMPLE':
      return [content.flatMap((x) => expandItem(b, x, one)).reduce(union, [])];
    case 'GROUPING_SET_ROLLUP': {
      const parts = content.map((x) => expandItem(b, x, one).reduce(union, []));
      return Array.from({ length: parts.length + 1 }, (_, i) =>
        parts.slice(0, parts.length - i).reduce(union, []),
      );
    }
    case 'GROUPING_SET_CUBE': {
      const parts = content.map((x) => expandItem(b, x, one).reduce(union, []));
      if (parts.length > CUBE_MAX)
        throw b.ctx.error('54011', `CUBE is limited to ${CUBE_MAX} elements`, n.GroupingSet.location);
      return Array.from({ length: 2 ** parts.length }, (_, mask) =>
        parts.filter((_p, i) => (mask & (2 ** (parts.length - 1 - i))) === 0).reduce(union, []),
      );
    }
    default:
      return content.flatMap((x) => expandItem(b, x, one));
  }
}

export type Grouped = {
  readonly rewrite: (e: Expr) => Expr;
  /** Makes the node; after everything above it has been rewritten, since that may add grouping columns. */
  readonly build: () => LogicalPlan;
};

export function groupPlan(b: Binding, input: LogicalPlan, by: GroupBy): Grouped {
  const { ctx, level } = b;
  const inputIds = new Set(input.cols.map((c) => c.id));
  const byKey = new Map<string, Column>();
  const groups: Column[] = [];
  /** The grouping column of each expression. A column of an outer level is computed like any expression: it has one
   *  value here, but grouping by it still means no group where there is no row. */
  const columnOf: Column[] = [];
  const computed: { readonly expr: Expr; readonly col: Column }[] = [];
  for (const e of by.exprs) {
    const plain = e.kind === 'col' ? input.cols.find((c) => c.id === e.id) : undefined;
    const c = plain ?? ctx.column(nameOf(e), exprType(e), exprNullable(e));
    if (plain === undefined) computed.push({ expr: e, col: c });
    byKey.set(exprKey(e), c);
    columnOf.push(c);
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
  const groupings = level.groupings.map((g) => ({
    out: g.out,
    groups: g.args.map((a, k) => {
      const i = by.exprs.findIndex((e) => exprKey(e) === exprKey(a));
      if (i < 0)
        throw ctx.error(
          '42803',
          'arguments to GROUPING must be grouping expressions of the associated query level',
          g.locations[k],
        );
      return i;
    }),
  }));
  if (by.sets !== undefined) {
    const rewrite = makeRewriter(b, byKey, computed.length > 0, grouped, inputIds, () => false);
    const sets = unionOfSets(ctx, below, groups, columnOf, by.sets, level.aggregates, groupings);
    return { rewrite: (e) => substitute(rewrite(e), sets.replaced), build: () => sets.plan };
  }
  const none = new Map<ColId, Expr>(groupings.map((g) => [g.out.id, constant(0, INT4)]));
  const rewrite = makeRewriter(b, byKey, computed.length > 0, grouped, inputIds, (id) => {
    const added = dependentColumn(b, id, grouped, input);
    if (added !== undefined) {
      groups.push(added);
      grouped.add(id);
    }
    return added !== undefined;
  });
  return {
    build: () => aggregate(below, groups, level.aggregates),
    rewrite: (e) => substitute(rewrite(e), none),
  };
}

/** One aggregate a set over its own copy of the input, or over one that they share when copies could differ; columns a set does not group by are NULL in its rows. */
function unionOfSets(
  ctx: BindContext,
  input: LogicalPlan,
  groups: readonly Column[],
  columnOf: readonly Column[],
  sets: readonly GroupingSet[],
  aggs: readonly AggCall[],
  groupings: readonly { readonly out: Column; readonly groups: readonly number[] }[],
): { readonly plan: LogicalPlan; readonly replaced: ReadonlyMap<ColId, Expr> } {
  const allocate = (): ColId => ctx.columnId();
  const source = sets.length > 1 ? sameForAll(ctx, input, allocate) : input;
  const arms = sets.map((set, k) => {
    const own = groups.filter((g) => set.some((i) => columnOf[i].id === g.id));
    const node = aggregate(source, own, aggs);
    const copy = k === 0 ? { plan: node, renamed: new Map<ColId, ColId>() } : freshCopy(node, allocate);
    const read = (c: Column): Expr => col({ ...c, id: copy.renamed.get(c.id) ?? c.id });
    const exprs: Expr[] = [
      ...groups.map(
        (g): Expr =>
          own.includes(g) ? read(g) : { kind: 'const', value: null, type: g.type, declared: UNKNOWN },
      ),
      ...aggs.map((a) => read(a.out)),
      ...groupings.map((g) => {
        const bits = g.groups.map((i): number => (set.includes(i) ? 0 : 1));
        return constant(
          bits.reduce((n, bit) => n * 2 + bit, 0),
          INT4,
        );
      }),
    ];
    const names = [...groups, ...aggs.map((a) => a.out), ...groupings.map((g) => g.out)];
    return project(
      copy.plan,
      exprs,
      exprs.map((e, i) => ctx.column(names[i].name, names[i].type, exprNullable(e))),
    );
  });
  const before = [...groups, ...aggs.map((a) => a.out), ...groupings.map((g) => g.out)];
  const cols = before.map((c, i) =>
    ctx.column(
      c.name,
      c.type,
      arms.some((a) => a.cols[i].nullable),
    ),
  );
  for (const [i, g] of groups.entries()) ctx.passOrigin(g.id, cols[i].id);
  return {
    plan: setOp('union', true, arms, cols),
    replaced: new Map(before.map((c, i) => [c.id, col(cols[i])])),
  };
}

/** The input, or a reading of it that gives the same rows in every copy. */
function sameForAll(ctx: BindContext, input: LogicalPlan, allocate: () => ColId): LogicalPlan {
  if (unrepeatable(input) === undefined) return input;
  const { plan } = freshCopy(input, allocate);
  return sharedScan({ id: ctx.sharedId(), name: undefined, plan, materialized: 'always' }, input.cols);
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
      if (c !== undefined)
        return 'declared' in e && e.declared !== undefined ? { ...col(c), declared: e.declared } : col(c);
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
