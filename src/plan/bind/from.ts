/** The FROM clause: tables, views, CTEs, subqueries, functions and joins, to a plan and the names it makes visible.
 *
 *  Source: PostgreSQL 15, parse_clause.c (transformFromClauseItem), parse_relation.c. A join whose right side reads
 *  columns of its left is marked `lateral`. */
import type { Alias, Node, RangeFunction, RangeSubselect, RangeVar } from 'libpg-query';
import { SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import {
  type Relation,
  systemColumns,
  type TableDef,
  type ViewDef,
  type VirtualTableDef,
  valueType,
} from '../catalog.js';
import type { Column } from '../expr.js';
import { col, exprNullable, exprType } from '../expr-util.js';
import { join, ONE_ROW, project, scan, sharedScan } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { freeColumns } from '../logical/transform.js';
import { parseSql } from '../sql/parse.js';
import { subscriptsPlan, unnestPlan } from './array.js';
import { listOf, namesOf, nodeKind, selectOf, stringOf } from './ast.js';
import { callByName } from './call.js';
import { catalogFunctionPlan } from './catalog-functions.js';
import { coerce } from './coerce.js';
import type { BindContext } from './context.js';
import { bindJoin } from './join.js';
import type { Binding, BoundQuery, Cte, NamespaceColumn, NamespaceItem, QueryLevel } from './level.js';
import { outputName } from './output-name.js';
import type { AccessNote } from './relation-access.js';
import { seriesPlan } from './series.js';

export type FromItem = { readonly plan: LogicalPlan; readonly items: readonly NamespaceItem[] };

/** Binds the whole clause and leaves its names in the level. */
export function bindFrom(b: Binding, nodes: readonly Node[]): LogicalPlan {
  const { level } = b;
  const clause = level.clause;
  level.clause = 'FROM';
  let all: FromItem | undefined;
  for (const n of nodes) {
    level.namespace = (all?.items ?? []).map((i) => ({ ...i, lateralOnly: true, lateralOk: true }));
    const item = bindFromItem(b, n);
    checkConflicts(b.ctx, all?.items ?? [], item.items);
    all =
      all === undefined
        ? item
        : {
            plan: join('inner', all.plan, item.plan, undefined, { lateral: readsFrom(item.plan, all.plan) }),
            items: [...all.items, ...item.items],
          };
  }
  level.namespace = all?.items ?? [];
  level.clause = clause;
  return all?.plan ?? ONE_ROW;
}

/** Does the plan read columns that the other one produces? */
export function readsFrom(plan: LogicalPlan, producer: LogicalPlan): boolean {
  const free = freeColumns(plan);
  return free.size > 0 && producer.cols.some((c) => free.has(c.id));
}

export function bindFromItem(b: Binding, n: Node): FromItem {
  if ('RangeVar' in n) return bindRangeVar(b, n.RangeVar);
  if ('RangeSubselect' in n) return bindSubselect(b, n.RangeSubselect);
  if ('RangeFunction' in n) return bindFunction(b, n.RangeFunction);
  if ('JoinExpr' in n) return bindJoin(b, n.JoinExpr, bindFromItem);
  if ('RangeTableSample' in n) throw b.ctx.notSupported('TABLESAMPLE', n.RangeTableSample.location);
  throw b.ctx.notSupported(nodeKind(n), -1);
}

/** 42712, but two tables of one name in different schemas may stand side by side. */
export function checkConflicts(
  ctx: BindContext,
  left: readonly NamespaceItem[],
  right: readonly NamespaceItem[],
): void {
  for (const r of right) {
    if (!r.relVisible || r.alias === '') continue;
    for (const l of left) {
      if (!l.relVisible || l.alias !== r.alias) continue;
      if (l.schema !== undefined && r.schema !== undefined && l.schema !== r.schema) continue;
      throw ctx.error('42712', `table name "${r.alias}" specified more than once`, -1);
    }
  }
}

function bindRangeVar(b: Binding, r: RangeVar): FromItem {
  const { ctx, level } = b;
  const name = r.relname ?? '';
  if (r.schemaname === undefined) {
    const cte = level.ctes.get(name);
    if (cte !== undefined) {
      const { names } = cte.query;
      return queryItem(b, { plan: ctePlan(ctx, cte), names }, name, r.alias);
    }
  }
  const relation = findRelationDef(ctx, r);
  if (r.schemaname === undefined && !ctx.inView)
    ctx.unqualified.push({ location: r.location ?? 0, schema: relation.schema });
  const access = ctx.access(relation, 'r');
  if (relation.kind === 'view') return bindView(b, relation, r, access);
  const alias = r.alias?.aliasname ?? name;
  const own = tableColumns(ctx, relation);
  ctx.originate(relation.oid, own);
  const system = systemColumns(relation).map((c) => ctx.column(c.name, c.type, !c.notNull));
  const cols = [...own, ...system];
  const names = aliasColumns(
    ctx,
    alias,
    own.map((c) => c.name),
    r.alias,
  );
  const { plan, items } = named(
    level,
    scan(
      relation,
      alias,
      cols.map((_, i) => i),
      cols,
    ),
    alias,
    names,
    r.alias === undefined ? relation.schema : undefined,
    relation.name,
    relation.kind === 'table' ? { def: relation, cols } : undefined,
    access,
  );
  if (system.length === 0) return { plan, items };
  level.ownColumns(system);
  const found = system.map((c) => ({ name: c.name, expr: col(c) }));
  return { plan, items: items.map((i) => ({ ...i, systemColumns: found })) };
}

/** One reference to a WITH query. */
function ctePlan(ctx: BindContext, { query, shared }: Cte): LogicalPlan {
  const cols = query.plan.cols.map((c, i) => ctx.column(query.names[i] ?? c.name, c.type, c.nullable));
  for (const [i, c] of cols.entries()) ctx.passOrigin(query.plan.cols[i].id, c.id);
  return sharedScan(shared, cols);
}

/** 42P01, at the name in a query; utility statements give no position. */
export function findRelationDef(
  ctx: BindContext,
  r: RangeVar,
  place: 'at the name' | 'nowhere' = 'at the name',
): Relation {
  const name = r.relname ?? '';
  if (r.catalogname !== undefined && r.catalogname !== ctx.options.functions.database)
    throw ctx.error(
      '0A000',
      `cross-database references are not implemented: "${r.catalogname}.${r.schemaname}.${name}"`,
      r.location,
    );
  // A view's text has the rights of the view's owner, who could look when it was made.
  if (r.schemaname !== undefined && !ctx.inView) ctx.catalog.requireUsage?.(r.schemaname);
  const found = ctx.catalog.relation(r.schemaname, name);
  if (found !== undefined) return found;
  const shown = r.schemaname === undefined ? name : `${r.schemaname}.${name}`;
  throw ctx.error('42P01', `relation "${shown}" does not exist`, place === 'nowhere' ? -1 : r.location);
}

function bindView(b: Binding, view: ViewDef, r: RangeVar, access: AccessNote): FromItem {
  const { ctx } = b;
  const [parsed] = parseSql(view.sql);
  const select = selectOf(parsed?.node);
  if (parsed === undefined || select === undefined) throw new Error(`view ${view.name} is not a query`);
  const query = ctx.withSource(parsed.source, view.name, view.owner, () =>
    b.bindQuery(select, undefined, { ctes: new Map() }),
  );
  // The view keeps the columns it was made with, whatever its tables have become.
  const names = view.columns.map((c) => c.name);
  if (query.plan.cols.length < names.length)
    throw new SqlError('42P16', `view "${view.name}" no longer has all of its columns`);
  ctx.originate(view.oid, query.plan.cols);
  const kept: BoundQuery = { plan: query.plan, names: names.length === 0 ? query.names : names };
  const item = queryItem(b, kept, view.name, r.alias, access);
  if (r.alias !== undefined) return item;
  return { plan: item.plan, items: item.items.map((i) => ({ ...i, schema: view.schema })) };
}

function bindSubselect(b: Binding, r: RangeSubselect): FromItem {
  const { ctx, level } = b;
  const select = selectOf(r.subquery);
  if (select === undefined) throw ctx.notSupported('this kind of subquery', -1);
  const outer = level.lateralActive;
  level.lateralActive = r.lateral === true;
  const query = b.bindQuery(select, level);
  level.lateralActive = outer;
  return queryItem(b, query, r.alias?.aliasname ?? '', r.alias);
}

/** A bound query as a FROM item under its alias. */
function queryItem(
  b: Binding,
  query: BoundQuery,
  ownName: string,
  alias: Alias | undefined,
  access?: AccessNote,
): FromItem {
  const { ctx, level } = b;
  const shown = alias?.aliasname ?? ownName;
  return named(
    level,
    query.plan,
    shown,
    aliasColumns(ctx, shown, query.names, alias),
    undefined,
    ownName,
    undefined,
    access,
  );
}

function named(
  level: QueryLevel,
  plan: LogicalPlan,
  alias: string,
  names: readonly string[],
  schema: string | undefined,
  relation: string | undefined,
  table: NamespaceItem['table'],
  access?: AccessNote,
): FromItem {
  const columns = names.map((name, i): NamespaceColumn => {
    const expr = col(plan.cols[i]);
    return access === undefined ? { name, expr } : { name, expr, reads: [access.columnRead(i)] };
  });
  const item: NamespaceItem = {
    alias,
    schema,
    columns,
    relVisible: alias !== '',
    colsVisible: true,
    lateralOnly: false,
    lateralOk: true,
    table,
  };
  level.own([item]);
  level.rangeTable.push({ alias, relation, columns: names });
  return { plan, items: [item] };
}

/** A table's columns as a scan gives them. */
export function tableColumns(ctx: BindContext, table: TableDef | VirtualTableDef): readonly Column[] {
  return table.columns.map((c, i) => ctx.column(c.name, valueType(table, i) ?? c.type, !c.notNull));
}

/** A table's columns as the names that a condition outside of any query sees. */
export function tableItem(
  level: QueryLevel,
  table: TableDef,
  cols: readonly Column[],
  access: AccessNote,
): NamespaceItem {
  const item: NamespaceItem = {
    alias: table.name,
    schema: table.schema,
    columns: table.columns.map((c, i) => ({
      name: c.name,
      expr: col(cols[i]),
      reads: [access.columnRead(i)],
    })),
    relVisible: true,
    colsVisible: true,
    lateralOnly: false,
    lateralOk: true,
    table: undefined,
  };
  level.own([item]);
  level.rangeTable.push({
    alias: table.name,
    relation: table.name,
    columns: table.columns.map((c) => c.name),
  });
  return item;
}

/** `t (a, b)`: the first columns get other names. */
export function aliasColumns(
  ctx: BindContext,
  table: string,
  names: readonly string[],
  alias: Alias | undefined,
): readonly string[] {
  const given = namesOf(alias?.colnames);
  if (given.length > names.length)
    throw ctx.error(
      '42P10',
      `table "${table}" has ${names.length} columns available but ${given.length} columns specified`,
      -1,
    );
  return names.map((n, i) => given[i] ?? n);
}

/** A function in FROM: generate_series and unnest give rows, any other function one row with its value. */
function bindFunction(b: Binding, r: RangeFunction): FromItem {
  const { ctx, level } = b;
  if (r.is_rowsfrom === true || (r.functions ?? []).length !== 1) throw ctx.notSupported('ROWS FROM', -1);
  if (r.ordinality === true) throw ctx.notSupported('WITH ORDINALITY', -1);
  if ((r.coldeflist ?? []).length > 0) throw ctx.notSupported('a column definition list', -1);
  const [call] = listOf(r.functions![0]);
  if (call === undefined) throw ctx.notSupported('this kind of function in FROM', -1);
  const outer = { lateral: level.lateralActive, clause: level.clause };
  level.lateralActive = true;
  level.clause = 'functions in FROM';
  const called = outputName(call);
  const alias = r.alias?.aliasname ?? called;
  const name = r.alias?.aliasname ?? called;
  let plan: LogicalPlan;
  const catalogRows = 'FuncCall' in call ? catalogFunctionPlan(b, call.FuncCall) : undefined;
  if (catalogRows !== undefined) {
    level.lateralActive = outer.lateral;
    level.clause = outer.clause;
    const columns = aliasColumns(
      ctx,
      alias,
      catalogRows.cols.map((c) => c.name),
      r.alias,
    );
    return named(level, catalogRows, alias, columns, undefined, called, undefined);
  }
  if ('FuncCall' in call && stringOf(call.FuncCall.funcname?.at(-1)) === 'generate_series')
    plan = seriesPlan(b, call.FuncCall, name, callByName);
  else if ('FuncCall' in call && stringOf(call.FuncCall.funcname?.at(-1)) === 'unnest')
    plan = unnestPlan(b, call.FuncCall, name);
  else if ('FuncCall' in call && stringOf(call.FuncCall.funcname?.at(-1)) === 'generate_subscripts')
    plan = subscriptsPlan(b, call.FuncCall, name);
  else {
    const e = b.bind(call);
    const type: SqlType = exprType(e).kind === 'unknown' ? { kind: 'text' } : exprType(e);
    const value = coerce(ctx, e, type, 'implicit') ?? e;
    const out: Column = ctx.column(name, exprType(value), exprNullable(value));
    plan = project(ONE_ROW, [value], [out]);
  }
  level.lateralActive = outer.lateral;
  level.clause = outer.clause;
  const names = plan.cols.length > 1 ? plan.cols.map((c) => c.name) : [name];
  return named(level, plan, alias, aliasColumns(ctx, alias, names, r.alias), undefined, called, undefined);
}
