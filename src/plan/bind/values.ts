/** VALUES lists: columns unified over the rows. Rows that read subqueries or outer columns become projections of one
 *  row each, because a `values` node holds constant rows only. */
import type { Node, SelectStmt } from 'libpg-query';
import type { Expr } from '../expr.js';
import { columnsOf, exprNullable, exprType, hasSubquery } from '../expr-util.js';
import { ONE_ROW, project, setOp, values } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { listOf, locationOf } from './ast.js';
import { retype, unify } from './coerce.js';
import type { BindContext } from './context.js';
import type { Binding, BoundQuery } from './level.js';

export function bindValues(b: Binding, s: SelectStmt, keepUnknown: boolean): BoundQuery {
  const { ctx } = b;
  const lists = valueRows(s);
  const rows = lists.map((row) => {
    const bound = row.map(b.bind);
    checkRowLength(ctx, lists[0], row);
    return bound;
  });
  const width = rows[0].length;
  const columns = Array.from({ length: width }, (_, i) => {
    const exprs = rows.map((r) => r[i]);
    if (keepUnknown && exprs.every((e) => exprType(e).kind === 'unknown'))
      return { exprs, type: exprType(exprs[0]) };
    return unify(
      ctx,
      exprs,
      'VALUES',
      lists.map((l) => locationOf(l[i])),
      false,
    );
  });
  const names = columns.map((_, i) => `column${i + 1}`);
  const cols = columns.map((c, i) => ctx.column(names[i], c.type, c.exprs.some(exprNullable)));
  const unified = rows.map((_, r) => columns.map((c) => retype(ctx, c.exprs[r], c.type)));
  return { plan: rowsPlan(ctx, unified, cols), names };
}

export function valueRows(s: SelectStmt): readonly (readonly Node[])[] {
  return (s.valuesLists ?? []).map(listOf);
}

/** 42601; like PostgreSQL after the row itself has been bound, whose own errors come first. */
export function checkRowLength(ctx: BindContext, first: readonly Node[], row: readonly Node[]): void {
  if (row.length !== first.length)
    throw ctx.error('42601', 'VALUES lists must all be the same length', locationOf(row[0]));
}

export function rowsPlan(
  ctx: BindContext,
  rows: readonly (readonly Expr[])[],
  cols: LogicalPlan['cols'],
): LogicalPlan {
  const plain = (e: Expr): boolean => !hasSubquery(e) && columnsOf(e).size === 0;
  if (rows.every((r) => r.every(plain))) return values(rows, cols);
  if (rows.length === 1) return project(ONE_ROW, rows[0], cols);
  const arms = rows.map((r) =>
    project(
      ONE_ROW,
      r,
      r.map((e, i) => ctx.column(cols[i].name, cols[i].type, exprNullable(e))),
    ),
  );
  return setOp('union', true, arms, cols);
}
