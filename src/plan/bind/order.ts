/** ORDER BY and DISTINCT ON: items to targets, by ordinal, by output name, or by an expression that becomes a hidden
 *  target. Source: PostgreSQL 15, findTargetlistEntrySQL92 and transformDistinctOnClause. */
import type { Node } from 'libpg-query';
import type { SqlError } from '../../types/sql-error.js';
import { TEXT } from '../../types/sql-type.js';
import type { SortKey } from '../expr.js';
import { exprKey, exprType } from '../expr-util.js';
import { locationOf, namesOf } from './ast.js';
import { coerceTo } from './coerce.js';
import type { Binding } from './level.js';
import { sortDirection } from './sort-direction.js';
import type { Target } from './target.js';

export type OrderItem = Omit<SortKey, 'expr'> & {
  /** Index into the targets. */
  readonly target: number;
  readonly location: number | undefined;
};

export function bindOrderBy(b: Binding, nodes: readonly Node[], targets: Target[]): OrderItem[] {
  const items: OrderItem[] = [];
  for (const n of nodes) {
    if (!('SortBy' in n) || n.SortBy.node === undefined) throw new Error('ORDER BY without an expression');
    const target = findTarget(b, n.SortBy.node, targets, 'ORDER BY');
    const item = { ...sortDirection(b.ctx, n.SortBy), target, location: locationOf(n.SortBy.node) };
    // A key that is sorted by already adds nothing.
    if (!items.some((i) => i.target === target)) items.push(item);
  }
  return items;
}

/** The target that an item of ORDER BY, GROUP BY or DISTINCT ON means; a new hidden one for an expression. */
export function findTarget(
  b: Binding,
  n: Node,
  targets: Target[],
  clause: 'ORDER BY' | 'GROUP BY' | 'DISTINCT ON',
): number {
  const { ctx, level } = b;
  if ('ColumnRef' in n) {
    const names = namesOf(n.ColumnRef.fields);
    const [name] = names;
    // In GROUP BY an input column wins over an output name.
    const isInput = clause === 'GROUP BY' && namesInput(b, name);
    if (names.length === 1 && n.ColumnRef.fields?.length === 1 && !isInput) {
      let found: number | undefined;
      for (const [i, t] of targets.entries()) {
        if (t.hidden || t.name !== name) continue;
        if (found !== undefined && exprKey(targets[found].expr) !== exprKey(t.expr))
          throw ctx.error('42702', `${clause} "${name}" is ambiguous`, n.ColumnRef.location);
        found ??= i;
      }
      if (found !== undefined) return typedTarget(b, targets, found);
    }
  }
  if ('A_Const' in n) {
    const at = n.A_Const.location;
    if (n.A_Const.ival === undefined || n.A_Const.isnull === true) {
      if (n.A_Const.ival === undefined) throw ctx.error('42601', `non-integer constant in ${clause}`, at);
    }
    const position = n.A_Const.ival?.ival ?? 0;
    const visible = targets.filter((t) => !t.hidden).length;
    if (position < 1 || position > visible)
      throw ctx.error('42P10', `${clause} position ${position} is not in select list`, at);
    return typedTarget(b, targets, position - 1);
  }
  level.clause = clause;
  const e = b.bind(n);
  const key = exprKey(e);
  const known = targets.findIndex((t) => exprKey(t.expr) === key);
  if (known >= 0) return typedTarget(b, targets, known);
  const bound = exprType(e).kind === 'unknown' ? coerceTo(ctx, e, TEXT) : e;
  return targets.push({ name: '?column?', expr: bound, location: locationOf(n), hidden: true }) - 1;
}

function typedTarget(b: Binding, targets: readonly Target[], i: number): number {
  const t = targets[i];
  if (exprType(t.expr).kind === 'unknown') t.expr = coerceTo(b.ctx, t.expr, TEXT);
  return i;
}

/** Could the bare name be a column of this level's FROM clause? */
function namesInput(b: Binding, name: string | undefined): boolean {
  return b.level.namespace.some((item) => item.colsVisible && item.columns.some((c) => c.name === name));
}

/** Targets of DISTINCT ON, or undefined for plain DISTINCT. 42P10 unless they lead the ORDER BY. */
export function bindDistinctOn(
  b: Binding,
  nodes: readonly Node[],
  targets: Target[],
  order: readonly OrderItem[],
): readonly number[] | undefined {
  // Plain DISTINCT comes as one empty node.
  if (nodes.length === 1 && Object.keys(nodes[0]).length === 0) return undefined;
  const keys: number[] = [];
  const places = new Map<number, number | undefined>();
  for (const n of nodes) {
    const t = findTarget(b, n, targets, 'DISTINCT ON');
    if (keys.includes(t)) continue;
    keys.push(t);
    places.set(t, locationOf(n));
  }
  const mismatch = (t: number): SqlError =>
    b.ctx.error(
      '42P10',
      'SELECT DISTINCT ON expressions must match initial ORDER BY expressions',
      places.get(t),
    );
  let skipped = false;
  for (const o of order) {
    if (!keys.includes(o.target)) skipped = true;
    else if (skipped) throw mismatch(o.target);
  }
  const late = keys.find((k) => !order.some((o) => o.target === k));
  if (skipped && late !== undefined) throw mismatch(late);
  return keys;
}
