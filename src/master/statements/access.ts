/** May the session's role do this to that object? 42501 in PostgreSQL's words when it may not.
 *
 *  Owns: ownership, and CREATE in schemas and the database. Privileges of queries are in `relation-access.ts`. */
import { mayUse } from '../../types/roles/object-access.js';
import { BOOTSTRAP_OID } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import type { StoredRelation, StoredSchema } from '../catalog/state.js';
import { ownerOf } from '../catalog/state.js';
import type { Session } from '../session/session.js';

export function deniedFor(kind: string, name: string): SqlError {
  return new SqlError('42501', `permission denied for ${kind} ${name}`);
}

export function owns(session: Session, o: StoredRelation | StoredSchema): boolean {
  return session.identity.has(ownerOf(o));
}

export function requireOwner(session: Session, r: StoredRelation): void {
  if (!owns(session, r)) throw new SqlError('42501', `must be owner of ${r.kind} ${r.name}`);
}

export function requireSchemaOwner(session: Session, s: StoredSchema): void {
  if (!owns(session, s)) throw new SqlError('42501', `must be owner of schema ${s.name}`);
}

/** DROP: the schema's owner may as well. */
export function requireDropper(session: Session, r: StoredRelation): void {
  const schema = session.services.catalog.schema(r.schema);
  if (schema !== undefined && owns(session, schema)) return;
  requireOwner(session, r);
}

export function mayUseSchema(session: Session, name: string, letter: 'U' | 'C', role?: number): boolean {
  const schema = session.services.catalog.schema(name);
  // System schemas are open to all for reading; nothing is created there anyway.
  if (schema === undefined) return true;
  const { graph, current } = session.identity;
  return mayUse(graph, 'schema', { owner: ownerOf(schema), acl: schema.acl }, role ?? current, letter);
}

export function requireCreateIn(session: Session, schema: string, role?: number): void {
  if (!mayUseSchema(session, schema, 'C', role)) throw deniedFor('schema', schema);
}

/** Of schemas: nobody but the owner of the database, who is the bootstrap superuser. */
export function requireCreateInDatabase(session: Session, role?: number): void {
  const { graph, current } = session.identity;
  if (!graph.hasPrivilegesOf(role ?? current, BOOTSTRAP_OID))
    throw deniedFor('database', session.settings.database);
}

export function requireMemberOf(session: Session, role: number): void {
  const { graph, current } = session.identity;
  if (!graph.isMemberOf(current, role))
    throw new SqlError('42501', `must be member of role "${graph.nameOf(role)}"`);
}
