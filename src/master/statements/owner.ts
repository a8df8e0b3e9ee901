/** ALTER TABLE, VIEW and SCHEMA ... OWNER TO. Source: PostgreSQL 15, ATExecChangeOwner and AlterSchemaOwner. */
import { type Acl, withNewOwner } from '../../types/roles/acl.js';
import { SqlError } from '../../types/sql-error.js';
import { SYSTEM_SCHEMAS, undefinedSchema } from '../catalog/names.js';
import { type CatalogOp, ownerOf, type StoredRelation } from '../catalog/state.js';
import type { Session } from '../session/session.js';
import {
  requireCreateIn,
  requireCreateInDatabase,
  requireMemberOf,
  requireOwner,
  requireSchemaOwner,
} from './access.js';
import { roleOf } from './role-names.js';
import type { Statement } from './statement.js';

export async function alterOwner(session: Session, s: Statement<'alterOwner'>): Promise<string> {
  const { catalog } = session.services;
  const tag = `ALTER ${s.object.toUpperCase()}`;
  await catalog.commit(() => {
    const owner = roleOf(session, s.owner).oid;
    if (s.object === 'schema') return schemaOwner(session, s.name.name, owner);
    const found = session.catalogView().relationOf(s.name);
    if (found === undefined) {
      const { schema, name } = s.name;
      const message = `relation "${schema === undefined ? name : `${schema}.${name}`}" does not exist`;
      if (!s.ifExists) throw new SqlError('42P01', message, { position: s.name.position });
      session.notice({ severity: 'NOTICE', code: '00000', message: `${message}, skipping` });
      return [];
    }
    if (found.kind === 'virtual')
      throw new SqlError('42501', `permission denied: "${found.name}" is a system catalog`);
    if (s.object === 'view' && found.kind !== 'view')
      throw new SqlError('42809', `"${found.name}" is not a view`);
    const stored = catalog.storedByOid(found.oid)!;
    if (ownerOf(stored) === owner) return [];
    if (!session.identity.superuser) {
      requireOwner(session, stored);
      requireMemberOf(session, owner);
      requireCreateIn(session, stored.schema, owner);
    }
    return [{ op: 'put', relation: owned(stored, owner) }];
  });
  return tag;
}

function owned(r: StoredRelation, owner: number): StoredRelation {
  const moved = (acl: Acl) => withNewOwner(acl, ownerOf(r), owner);
  const columnAcls =
    r.columnAcls &&
    Object.fromEntries(Object.entries(r.columnAcls).map(([i, acl]) => [Number(i), moved(acl)]));
  return { ...r, owner, acl: r.acl && moved(r.acl), columnAcls };
}

function schemaOwner(session: Session, name: string, owner: number): readonly CatalogOp[] {
  const schema = session.services.catalog.schema(name);
  if (schema === undefined)
    throw SYSTEM_SCHEMAS.has(name)
      ? new SqlError('42501', `permission denied: "${name}" is a system schema`)
      : undefinedSchema(name);
  if (ownerOf(schema) === owner) return [];
  if (!session.identity.superuser) {
    requireSchemaOwner(session, schema);
    requireMemberOf(session, owner);
    requireCreateInDatabase(session);
  }
  const acl = schema.acl && withNewOwner(schema.acl, ownerOf(schema), owner);
  return [{ op: 'putSchema', schema: { ...schema, owner, acl } }];
}
