/** INSERT: the source of rows in the table's column order, with defaults filled in and assignment casts applied.
 *
 *  Source: PostgreSQL 15, transformInsertStmt and transformAssignedExpr. */
import type { InsertStmt, Node, SelectStmt } from 'libpg-query';
import { typeName } from '../../types/sql-type.js';
import type { ColumnDef, TableDef } from '../catalog.js';
import type { Expr } from '../expr.js';
import { col, exprNullable, exprType } from '../expr-util.js';
import { project } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { locationOf, selectOf } from './ast.js';
import { coerce, retype, written, writtenType } from './coerce.js';
import type { BindContext } from './context.js';
import { findRelationDef } from './from.js';
import { QueryLevel } from './level.js';
import { addCtes, bindQuery, makeBinding } from './query.js';
import { retypeUnknown } from './set-operation.js';
import type { InsertStatement } from './statement.js';
import { bare } from './type-family.js';
import { checkRowLength, rowsPlan, valueRows } from './values.js';

export function bindInsert(ctx: BindContext, s: InsertStmt): InsertStatement {
  if (s.onConflictClause !== undefined) throw ctx.notSupported('ON CONFLICT', s.onConflictClause.location);
  if (s.returningClause !== undefined)
    throw ctx.notSupported('RETURNING', locationOf(s.returningClause.exprs?.[0]));
  if (s.override !== undefined && s.override !== 'OVERRIDING_NOT_SET')
    throw ctx.notSupported('OVERRIDING', -1);
  if (s.relation === undefined) throw new Error('INSERT without a table');
  const relation = findRelationDef(ctx, s.relation);
  if (relation.kind === 'view') throw ctx.notSupported('INSERT into a view', s.relation.location);
  if (relation.kind === 'virtual')
    throw ctx.error('42501', `permission denied: "${relation.name}" is a system catalog`, -1);
  const targets = targetColumns(ctx, relation, s.cols ?? []);
  const access = ctx.access(relation, 'a');
  /** Those that get a value: fewer than there are when the list is left out. */
  const noteWritten = (width: number): void => {
    for (const i of targets.slice(0, width)) access.columns.add(i);
  };
  const level = new QueryLevel(undefined);
  const b = makeBinding(ctx, level);
  if (s.withClause !== undefined) addCtes(b, s.withClause);
  const select = selectOf(s.selectStmt);
  let source: LogicalPlan;
  if (select === undefined) source = rowsInOrder(ctx, relation, targets, [[]]);
  else if (isPlainValues(select)) {
    level.clause = 'VALUES';
    const lists = valueRows(select);
    const bound = lists.map((row) => {
      const exprs = row.map((n) => ('SetToDefault' in n ? undefined : b.bind(n)));
      checkRowLength(ctx, lists[0], row);
      return exprs;
    });
    checkWidth(ctx, s, targets.length, lists[0]);
    noteWritten(lists[0].length);
    const rows = bound.map((row, r) =>
      row.map((e, i) => {
        const c = relation.columns[targets[i]];
        return e === undefined ? defaultOf(c) : assign(ctx, e, c, locationOf(lists[r][i]));
      }),
    );
    source = rowsInOrder(ctx, relation, targets, rows);
  } else {
    const query = bindQuery(ctx, select, undefined, { ctes: level.ctes, keepUnknown: true });
    const nodes = selectTargets(select, query.plan.cols.length);
    checkWidth(ctx, s, targets.length, nodes);
    noteWritten(nodes.length);
    let plan = query.plan;
    for (let i = 0; i < plan.cols.length; i++)
      if (plan.cols[i].type.kind === 'unknown')
        plan = retypeUnknown(b, plan, i, bare(relation.columns[targets[i]].type));
    const given = plan.cols.map((c, i) =>
      assign(ctx, col(c), relation.columns[targets[i]], locationOf(nodes[i])),
    );
    const exprs = inTableOrder(relation, targets, given);
    source = project(
      plan,
      exprs,
      exprs.map((e, i) => {
        const c = relation.columns[i];
        return ctx.column(c.name, writtenType(c.type, [e]), exprNullable(e));
      }),
    );
  }
  return { kind: 'insert', table: relation, source };
}

function isPlainValues(s: SelectStmt): boolean {
  return (
    s.valuesLists !== undefined &&
    s.sortClause === undefined &&
    s.limitCount === undefined &&
    s.limitOffset === undefined &&
    s.withClause === undefined
  );
}

/** Ordinals of the named columns, or of all. */
export function targetColumns(ctx: BindContext, table: TableDef, cols: readonly Node[]): readonly number[] {
  if (cols.length === 0) return table.columns.map((_, i) => i);
  const seen: number[] = [];
  for (const n of cols) {
    const [name, at, nested] =
      'ResTarget' in n
        ? [n.ResTarget.name ?? '', n.ResTarget.location, n.ResTarget.indirection !== undefined]
        : ['String' in n ? (n.String.sval ?? '') : '', -1, false];
    if (nested) throw ctx.notSupported('a field or element of a column', at);
    const ordinal = table.columns.findIndex((c) => c.name === name);
    if (ordinal < 0)
      throw ctx.error('42703', `column "${name}" of relation "${table.name}" does not exist`, at);
    if (seen.includes(ordinal)) throw ctx.error('42701', `column "${name}" specified more than once`, at);
    seen.push(ordinal);
  }
  return seen;
}

/** The written targets, one for each output column; none where a star stands for several. */
function selectTargets(s: SelectStmt, width: number): readonly (Node | undefined)[] {
  let arm = s;
  while (arm.larg !== undefined) arm = arm.larg;
  const written = arm.targetList ?? [];
  return Array.from({ length: width }, (_, i) => (written.length === width ? written[i] : undefined));
}

function checkWidth(
  ctx: BindContext,
  s: InsertStmt,
  width: number,
  exprs: readonly (Node | undefined)[],
): void {
  const given = exprs.length;
  if (given > width)
    throw ctx.error('42601', 'INSERT has more expressions than target columns', locationOf(exprs[width]));
  if ((s.cols ?? []).length > 0 && given < width)
    throw ctx.error('42601', 'INSERT has more target columns than expressions', locationOf(s.cols?.[given]));
}

/** The value as the column takes it: 42804 with PostgreSQL's hint when there is no assignment cast. */
function assign(ctx: BindContext, e: Expr, c: ColumnDef, location: number | undefined): Expr {
  const r = coerce(ctx, e, c.type, 'assignment', location);
  if (r === undefined)
    throw ctx.error(
      '42804',
      `column "${c.name}" is of type ${typeName(bare(c.type))} but expression is of type ${typeName(bare(exprType(e)))}`,
      location,
      { hint: 'You will need to rewrite or cast the expression.' },
    );
  return written(ctx, r, c.type);
}

export function defaultOf(c: ColumnDef): Expr {
  return c.defaultExpr ?? { kind: 'const', value: null, type: c.type };
}

function inTableOrder(table: TableDef, targets: readonly number[], given: readonly Expr[]): readonly Expr[] {
  return table.columns.map((c, ordinal) => {
    const i = targets.indexOf(ordinal);
    return i >= 0 && i < given.length ? given[i] : defaultOf(c);
  });
}

function rowsInOrder(
  ctx: BindContext,
  table: TableDef,
  targets: readonly number[],
  rows: readonly (readonly Expr[])[],
): LogicalPlan {
  const ordered = rows.map((r) => inTableOrder(table, targets, r));
  const cols = table.columns.map((c, i) => {
    const exprs = ordered.map((r) => r[i]);
    return ctx.column(c.name, writtenType(c.type, exprs), exprs.some(exprNullable));
  });
  const typed = ordered.map((r) => r.map((e, i) => retype(ctx, e, cols[i].type)));
  return rowsPlan(ctx, typed, cols);
}
