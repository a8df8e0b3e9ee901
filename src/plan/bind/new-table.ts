/** What CREATE TABLE and CREATE TABLE AS share: where a new table goes, what its columns may be, how it is distributed. */
import type { RangeVar } from 'libpg-query';
import type { SqlType } from '../../types/sql-type.js';
import type { Distribution } from '../catalog.js';
import type { DistributedClause } from '../sql/distributed-clause.js';
import type { BindContext } from './context.js';

/** What a column may be of. All of them hash. */
export const COLUMN_KINDS: ReadonlySet<SqlType['kind']> = new Set<SqlType['kind']>([
  'bool',
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'text',
  'varchar',
  'bpchar',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
]);

export function checkPersistence(ctx: BindContext, r: RangeVar, what: string): void {
  if (r.relpersistence === 't') throw ctx.notSupported(`temporary ${what}`, r.location);
  if (r.relpersistence === 'u') throw ctx.notSupported(`unlogged ${what}`, r.location);
}

/** `USING heap` is what every table is called by PostgreSQL's clients. */
export function checkAccessMethod(ctx: BindContext, name: string | undefined): void {
  if (name !== undefined && name !== 'heap')
    throw ctx.error('42704', `access method "${name}" does not exist`, -1);
}

/** The schema a new relation goes into: the one it names, else the first of the search path. */
export function creationSchema(ctx: BindContext, r: RangeVar): string {
  const { catalog } = ctx;
  if (r.catalogname !== undefined && r.catalogname !== ctx.options.functions.database)
    throw ctx.error(
      '0A000',
      `cross-database references are not implemented: "${r.catalogname}.${r.schemaname}.${r.relname}"`,
      r.location,
    );
  if (r.schemaname !== undefined) {
    if (!catalog.hasSchema(r.schemaname))
      throw ctx.error('3F000', `schema "${r.schemaname}" does not exist`, r.location);
    if (r.schemaname === 'pg_catalog' || r.schemaname === 'information_schema')
      throw ctx.error('42501', `permission denied to create "${r.schemaname}.${r.relname}"`, -1, {
        detail: 'System catalog modifications are currently disallowed.',
      });
    return r.schemaname;
  }
  const schema = catalog.searchPath.find((s) => s !== 'pg_catalog' && catalog.hasSchema(s));
  if (schema === undefined) throw ctx.error('3F000', 'no schema has been selected to create in', r.location);
  return schema;
}

export function distributionOf(
  ctx: BindContext,
  clause: DistributedClause | undefined,
  columns: readonly { readonly name: string; readonly type: SqlType }[],
  primaryKey: readonly number[] | undefined,
): Distribution {
  if (clause === undefined) {
    if (primaryKey !== undefined && primaryKey.length > 0) return { kind: 'hash', columns: primaryKey };
    const first = columns.findIndex((c) => COLUMN_KINDS.has(c.type.kind));
    return first < 0 ? { kind: 'random' } : { kind: 'hash', columns: [first] };
  }
  switch (clause.kind) {
    case 'randomly':
      return { kind: 'random' };
    case 'replicated':
      return { kind: 'replicated' };
    case 'by': {
      const ordinals: number[] = [];
      for (const c of clause.columns) {
        const ordinal = columns.findIndex((x) => x.name === c.name);
        if (ordinal < 0)
          throw ctx.error(
            '42703',
            `column "${c.name}" named in DISTRIBUTED BY clause does not exist`,
            clause.location,
          );
        if (ordinals.includes(ordinal))
          throw ctx.error('42701', `duplicate column "${c.name}" in DISTRIBUTED BY clause`, clause.location);
        ordinals.push(ordinal);
      }
      return { kind: 'hash', columns: ordinals };
    }
  }
}
