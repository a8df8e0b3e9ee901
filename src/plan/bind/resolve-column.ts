/** Column and table names to what they stand for, innermost query level first; and PostgreSQL's errors when they
 *  stand for nothing or for too much (42703, 42702, 42P01), with its hints.
 *
 *  Source: PostgreSQL 15, parse_relation.c and transformColumnRef. */
import type { ColumnRef } from 'libpg-query';
import type { SqlError } from '../../types/sql-error.js';
import type { Expr } from '../expr.js';
import { stringOf } from './ast.js';
import type { BindContext } from './context.js';
import type { NamespaceColumn, NamespaceItem, QueryLevel } from './level.js';
import { levenshtein } from './levenshtein.js';
import { noteReads } from './relation-access.js';

const MAX_FUZZY_DISTANCE = 3;

export function resolveColumnRef(ctx: BindContext, level: QueryLevel, ref: ColumnRef): Expr {
  const at = ref.location;
  if (level.clause === 'DEFAULT expressions')
    throw ctx.error('0A000', 'cannot use column reference in DEFAULT expression', at);
  const fields = ref.fields ?? [];
  const names = fields.map(stringOf);
  if (names.includes(undefined)) throw ctx.notSupported('a row expansion in this place', at);
  const parts = names as string[];
  switch (parts.length) {
    case 1: {
      const found = findColumn(ctx, level, parts[0], at);
      if (found !== undefined) return reference(ctx, found, at);
      if (findRelation(ctx, level, undefined, parts[0], at) !== undefined)
        throw ctx.notSupported('a whole-row reference', at);
      throw missingColumn(ctx, level, undefined, parts[0], at);
    }
    case 2:
    case 3: {
      const [schema, table, column] = parts.length === 3 ? parts : [undefined, ...parts];
      const item = findRelation(ctx, level, schema, table!, at);
      if (item === undefined) throw missingTable(ctx, level, table!, at);
      const matches = named(item, column!);
      if (matches.length > 1) throw ctx.error('42702', `column reference "${column}" is ambiguous`, at);
      if (matches.length === 0) throw missingColumn(ctx, level, table, column!, at);
      return reference(ctx, matches[0], at);
    }
    case 4:
      if (parts[0] !== ctx.options.functions.database)
        throw ctx.error('0A000', `cross-database references are not implemented: ${parts.join('.')}`, at);
      return resolveColumnRef(ctx, level, { ...ref, fields: fields.slice(1) });
    default:
      throw ctx.error('42601', `improper qualified name (too many dotted names): ${parts.join('.')}`, at);
  }
}

function reference(ctx: BindContext, c: NamespaceColumn, at: number | undefined): Expr {
  noteReads(c.reads);
  return ctx.at({ ...c.expr }, at ?? 0);
}

/** A relation's columns of this name; a system column only when it has none. */
function named(item: NamespaceItem, name: string): readonly NamespaceColumn[] {
  const own = item.columns.filter((c) => c.name === name);
  return own.length > 0 ? own : (item.systemColumns ?? []).filter((c) => c.name === name);
}

function findColumn(
  ctx: BindContext,
  level: QueryLevel,
  name: string,
  at: number | undefined,
): NamespaceColumn | undefined {
  for (let l: QueryLevel | undefined = level; l !== undefined; l = l.parent) {
    let found: NamespaceColumn | undefined;
    for (const item of l.namespace) {
      if (!item.colsVisible || (item.lateralOnly && !l.lateralActive)) continue;
      for (const c of named(item, name)) {
        if (found !== undefined) throw ctx.error('42702', `column reference "${name}" is ambiguous`, at);
        if (item.lateralOnly && !item.lateralOk) throw badLateral(ctx, item.alias, at);
        found = c;
      }
    }
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A relation usable as a qualifier here. */
export function findRelation(
  ctx: BindContext,
  level: QueryLevel,
  schema: string | undefined,
  name: string,
  at: number | undefined,
): NamespaceItem | undefined {
  for (let l: QueryLevel | undefined = level; l !== undefined; l = l.parent) {
    let found: NamespaceItem | undefined;
    for (const item of l.namespace) {
      if (!item.relVisible || (item.lateralOnly && !l.lateralActive)) continue;
      if (item.alias !== name || (schema !== undefined && item.schema !== schema)) continue;
      if (found !== undefined) throw ctx.error('42P09', `table reference "${name}" is ambiguous`, at);
      if (item.lateralOnly && !item.lateralOk) throw badLateral(ctx, name, at);
      found = item;
    }
    if (found !== undefined) return found;
  }
  return undefined;
}

function badLateral(ctx: BindContext, name: string, at: number | undefined): SqlError {
  return ctx.error('42P10', `invalid reference to FROM-clause entry for table "${name}"`, at, {
    detail: 'The combining JOIN type must be INNER or LEFT for a LATERAL reference.',
  });
}

export function missingTable(
  ctx: BindContext,
  level: QueryLevel,
  name: string,
  at: number | undefined,
): SqlError {
  for (let l: QueryLevel | undefined = level; l !== undefined; l = l.parent)
    for (const r of l.rangeTable) {
      if (r.alias === name)
        return ctx.error('42P01', `invalid reference to FROM-clause entry for table "${name}"`, at, {
          hint: `There is an entry for table "${name}", but it cannot be referenced from this part of the query.`,
        });
    }
  for (let l: QueryLevel | undefined = level; l !== undefined; l = l.parent)
    for (const r of l.rangeTable)
      if (r.relation === name && r.alias !== name)
        return ctx.error('42P01', `invalid reference to FROM-clause entry for table "${name}"`, at, {
          hint: `Perhaps you meant to reference the table alias "${r.alias}".`,
        });
  return ctx.error('42P01', `missing FROM-clause entry for table "${name}"`, at);
}

type Near = { readonly alias: string; readonly column: string };

export function missingColumn(
  ctx: BindContext,
  level: QueryLevel,
  table: string | undefined,
  name: string,
  at: number | undefined,
): SqlError {
  const message =
    table === undefined ? `column "${name}" does not exist` : `column ${table}.${name} does not exist`;
  const near = nearColumns(level, table, name);
  if (near === undefined) return ctx.error('42703', message, at);
  if ('exact' in near)
    return ctx.error('42703', message, at, {
      hint: `There is a column named "${name}" in table "${near.exact}", but it cannot be referenced from this part of the query.`,
    });
  const shown = near.columns.map((n) => `"${n.alias}.${n.column}"`).join(' or the column ');
  return ctx.error('42703', message, at, { hint: `Perhaps you meant to reference the column ${shown}.` });
}

function nearColumns(
  level: QueryLevel,
  table: string | undefined,
  name: string,
): { readonly exact: string } | { readonly columns: readonly Near[] } | undefined {
  let distance = MAX_FUZZY_DISTANCE + 1;
  let near: Near[] = [];
  for (let l: QueryLevel | undefined = level; l !== undefined; l = l.parent)
    for (const r of l.rangeTable) {
      const penalty = table === undefined ? 0 : levenshtein(table, r.alias);
      if (penalty > MAX_FUZZY_DISTANCE) continue;
      if (penalty === 0 && r.columns.includes(name)) return { exact: r.alias };
      for (const column of r.columns) {
        if (penalty > distance) break;
        const own = levenshtein(column, name);
        if (own > [...name].length / 2 || own > MAX_FUZZY_DISTANCE) continue;
        const total = own + penalty;
        if (total < distance) {
          distance = total;
          near = [{ alias: r.alias, column }];
        } else if (total === distance) {
          // Three equally good ones are no hint at all.
          near = near.length === 1 ? [...near, { alias: r.alias, column }] : [];
        }
      }
    }
  return near.length === 0 ? undefined : { columns: near };
}
