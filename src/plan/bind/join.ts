/** JOIN: its sides, its condition, and the columns that USING and NATURAL merge.
 *
 *  Source: PostgreSQL 15, transformFromClauseItem and buildMergedJoinVar. */
import type { JoinExpr, Node } from 'libpg-query';
import type { Expr } from '../expr.js';
import { conjunction, exprType } from '../expr-util.js';
import { join } from '../logical/builders.js';
import type { JoinType } from '../logical/nodes.js';
import { freeColumns } from '../logical/transform.js';
import { locationOf, namesOf } from './ast.js';
import { coerceToBoolean } from './boolean.js';
import { coerceTo, unify } from './coerce.js';
import type { FromItem } from './from.js';
import type { Binding, NamespaceColumn, NamespaceItem } from './level.js';
import { bindComparison } from './operator.js';
import { noteReads } from './relation-access.js';
import { sameKind } from './type-family.js';

const TYPES: Readonly<Record<string, JoinType>> = {
  JOIN_INNER: 'inner',
  JOIN_LEFT: 'left',
  JOIN_RIGHT: 'right',
  JOIN_FULL: 'full',
};

export function bindJoin(b: Binding, j: JoinExpr, bindItem: (b: Binding, n: Node) => FromItem): FromItem {
  const { ctx, level } = b;
  const type = TYPES[j.jointype ?? 'JOIN_INNER'] ?? 'inner';
  if (j.larg === undefined || j.rarg === undefined) throw new Error('a join lacks a side');
  const outside = level.namespace;
  const left = bindItem(b, j.larg);
  const lateralOk = type === 'inner' || type === 'left';
  level.namespace = [...outside, ...left.items.map((i) => ({ ...i, lateralOnly: true, lateralOk }))];
  const right = bindItem(b, j.rarg);
  level.namespace = outside;
  for (const r of right.items)
    for (const l of left.items)
      if (
        r.relVisible &&
        l.relVisible &&
        r.alias === l.alias &&
        !(l.schema !== undefined && r.schema !== undefined && l.schema !== r.schema)
      )
        throw ctx.error('42712', `table name "${r.alias}" specified more than once`, -1);

  const leftColumns = visibleColumns(left.items);
  const rightColumns = visibleColumns(right.items);
  const using = j.isNatural === true ? commonNames(b, leftColumns, rightColumns) : namesOf(j.usingClause);
  const merges = using.length > 0 || j.isNatural === true;
  const pairs = using.map((name, i) => {
    if (using.indexOf(name) !== i)
      throw ctx.error('42701', `column name "${name}" appears more than once in USING clause`, -1);
    const l = pickColumn(b, leftColumns, name, 'left');
    const r = pickColumn(b, rightColumns, name, 'right');
    const reads = [...(l.reads ?? []), ...(r.reads ?? [])];
    noteReads(reads);
    return { name, left: l.expr, right: r.expr, reads };
  });
  let predicate: Expr | undefined;
  if (merges) {
    const tests = pairs.map((p) => {
      unify(ctx, [p.left, p.right], 'JOIN/USING', [-1, -1], false);
      return bindComparison(ctx, '=', p.left, p.right, -1);
    });
    predicate = tests.length === 0 ? undefined : conjunction(tests);
  } else if (j.quals !== undefined) {
    const clause = level.clause;
    level.clause = 'JOIN conditions';
    level.namespace = [...left.items, ...right.items];
    predicate = coerceToBoolean(ctx, b.bind(j.quals), 'JOIN/ON', locationOf(j.quals));
    level.namespace = outside;
    level.clause = clause;
  }

  const free = freeColumns(right.plan);
  const lateral = free.size > 0 && left.plan.cols.some((c) => free.has(c.id));
  const plan = join(type, left.plan, right.plan, predicate, { lateral });
  const leftItems = type === 'right' || type === 'full' ? left.items.map(nullableItem) : left.items;
  const rightItems = type === 'left' || type === 'full' ? right.items.map(nullableItem) : right.items;
  const children = [...leftItems, ...rightItems];
  const alias = j.alias?.aliasname;
  if (!merges && alias === undefined) return { plan, items: children };

  const nullableOf = (e: Expr, nullable: boolean): Expr => (nullable ? nullableExpr(e) : e);
  const merged = pairs.map(
    (p): NamespaceColumn => ({
      name: p.name,
      reads: p.reads,
      expr: mergedColumn(
        b,
        type,
        nullableOf(p.left, type === 'right' || type === 'full'),
        nullableOf(p.right, type === 'left' || type === 'full'),
      ),
    }),
  );
  const rest = (columns: readonly NamespaceColumn[]): readonly NamespaceColumn[] =>
    columns.filter((c) => !using.includes(c.name));
  const columns = [...merged, ...rest(visibleColumns(leftItems)), ...rest(visibleColumns(rightItems))];
  const given = namesOf(j.alias?.colnames);
  if (given.length > columns.length)
    throw ctx.error('42P10', `column alias list for "${alias}" has too many entries`, -1);
  const item: NamespaceItem = {
    alias: alias ?? '',
    schema: undefined,
    columns: columns.map((c, i) => ({ ...c, name: given[i] ?? c.name })),
    relVisible: alias !== undefined,
    colsVisible: true,
    lateralOnly: false,
    lateralOk: true,
    table: undefined,
  };
  const items: NamespaceItem[] = children.map((c) => ({
    ...c,
    colsVisible: false,
    relVisible: c.relVisible && alias === undefined,
  }));
  const usingAlias = j.join_using_alias?.aliasname;
  if (usingAlias !== undefined)
    items.push({ ...item, alias: usingAlias, columns: merged, relVisible: true, colsVisible: false });
  items.push(item);
  level.own([item]);
  return { plan, items };
}

function visibleColumns(items: readonly NamespaceItem[]): readonly NamespaceColumn[] {
  return items.flatMap((i) => (i.colsVisible ? i.columns : []));
}

function commonNames(
  b: Binding,
  left: readonly NamespaceColumn[],
  right: readonly NamespaceColumn[],
): readonly string[] {
  const names = new Set(right.map((c) => c.name));
  const common = left.filter((c) => names.has(c.name)).map((c) => c.name);
  for (const [i, name] of common.entries()) if (common.indexOf(name) !== i) pickColumn(b, left, name, 'left');
  return common;
}

function pickColumn(
  b: Binding,
  columns: readonly NamespaceColumn[],
  name: string,
  side: string,
): NamespaceColumn {
  const found = columns.filter((c) => c.name === name);
  if (found.length === 0)
    throw b.ctx.error(
      '42703',
      `column "${name}" specified in USING clause does not exist in ${side} table`,
      -1,
    );
  if (found.length > 1)
    throw b.ctx.error('42702', `common column name "${name}" appears more than once in ${side} table`, -1);
  return found[0];
}

function mergedColumn(b: Binding, type: JoinType, left: Expr, right: Expr): Expr {
  const u = unify(b.ctx, [left, right], 'JOIN/USING', [-1, -1], false);
  if (type === 'full') return { kind: 'coalesce', args: u.exprs, type: u.type };
  if (type === 'right') return sameKind(exprType(right), u.type) ? right : coerceTo(b.ctx, right, u.type);
  if (sameKind(exprType(left), u.type)) return left;
  if (type === 'inner' && sameKind(exprType(right), u.type)) return right;
  return coerceTo(b.ctx, left, u.type);
}

function nullableItem(item: NamespaceItem): NamespaceItem {
  const nullable = (c: NamespaceColumn): NamespaceColumn => ({ ...c, expr: nullableExpr(c.expr) });
  return {
    ...item,
    columns: item.columns.map(nullable),
    ...(item.systemColumns === undefined ? {} : { systemColumns: item.systemColumns.map(nullable) }),
  };
}

/** The column on the side of a join that may be missing. */
function nullableExpr(e: Expr): Expr {
  switch (e.kind) {
    case 'col':
      return e.nullable ? e : { ...e, nullable: true };
    case 'coalesce':
      return { ...e, args: e.args.map(nullableExpr) };
    case 'call':
      return { ...e, args: e.args.map(nullableExpr) };
    default:
      return e;
  }
}
