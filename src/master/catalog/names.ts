/** Names and kinds of system objects, and how catalog errors word them. */
import { SqlError } from '../../types/sql-error.js';
import { quoteIdentifier } from '../../types/text-io.js';

export const PG_CATALOG_OID = 11;
export const INFORMATION_SCHEMA_OID = 13207;

/** Schemas that exist always and hold only system relations. */
export const SYSTEM_SCHEMAS: ReadonlyMap<string, number> = new Map([
  ['pg_catalog', PG_CATALOG_OID],
  ['pg_toast', 99],
  ['information_schema', INFORMATION_SCHEMA_OID],
]);

export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

export function refuseSystemSchema(schema: string, name: string): void {
  if (!SYSTEM_SCHEMAS.has(schema)) return;
  throw new SqlError('42501', `permission denied to create "${schema}.${name}"`, {
    detail: 'System catalog modifications are currently disallowed.',
  });
}

export function undefinedSchema(name: string): SqlError {
  return new SqlError('3F000', `schema "${name}" does not exist`);
}

export function duplicateRelation(name: string): SqlError {
  return new SqlError('42P07', `relation "${name}" already exists`);
}
