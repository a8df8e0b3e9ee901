/** The select list: expressions with names, stars expanded. */
import type { ColumnRef, Node, ResTarget } from 'libpg-query';
import type { Expr } from '../expr.js';
import { locationOf, stringOf } from './ast.js';
import type { Binding, NamespaceItem } from './level.js';
import { outputName } from './output-name.js';
import { noteReads } from './relation-access.js';
import { findRelation, missingTable } from './resolve-column.js';

export type Target = {
  readonly name: string;
  expr: Expr;
  readonly location: number | undefined;
  /** Computed for ORDER BY, GROUP BY or DISTINCT ON only, and dropped at the end. */
  readonly hidden: boolean;
};

export function bindTargets(b: Binding, list: readonly Node[]): Target[] {
  const targets: Target[] = [];
  for (const n of list) {
    if (!('ResTarget' in n)) throw new Error('a select list holds only targets');
    const t: ResTarget = n.ResTarget;
    const val = t.val;
    if (val === undefined) throw new Error('a target lacks its expression');
    if ('ColumnRef' in val && isStar(val.ColumnRef)) {
      targets.push(...expandStar(b, val.ColumnRef));
      continue;
    }
    targets.push({
      name: t.name ?? outputName(val),
      expr: b.bind(val),
      location: locationOf(val),
      hidden: false,
    });
  }
  return targets;
}

function isStar(r: ColumnRef): boolean {
  const last = r.fields?.at(-1);
  return last !== undefined && 'A_Star' in last;
}

function expandStar(b: Binding, r: ColumnRef): Target[] {
  const { ctx, level } = b;
  const qualifier = (r.fields ?? []).slice(0, -1).map((f) => stringOf(f) ?? '');
  const targets = (item: NamespaceItem): Target[] =>
    item.columns.map((c) => {
      noteReads(c.reads);
      return {
        name: c.name,
        expr: ctx.at({ ...c.expr }, r.location ?? 0),
        location: r.location,
        hidden: false,
      };
    });
  if (qualifier.length === 0) {
    const visible = level.namespace.filter((i) => i.colsVisible);
    if (visible.length === 0)
      throw ctx.error('42601', 'SELECT * with no tables specified is not valid', r.location);
    return visible.flatMap(targets);
  }
  if (qualifier.length > 2) throw ctx.notSupported('a cross-database reference', r.location);
  const [schema, table] = qualifier.length === 2 ? qualifier : [undefined, qualifier[0]];
  const item = findRelation(ctx, level, schema, table!, r.location);
  if (item === undefined) throw missingTable(ctx, level, table!, r.location);
  return targets(item);
}
