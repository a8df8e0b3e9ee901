/** ALTER DEFAULT PRIVILEGES, and what it means for new objects. Source: PostgreSQL 15, aclchk.c (SetDefaultACL,
 *  get_user_default_acl). */
import { type Acl, defaultAcl, union } from '../../types/roles/acl.js';
import type { MasterCatalog } from '../catalog/master-catalog.js';
import { undefinedSchema } from '../catalog/names.js';
import type { StoredDefaultAcl } from '../catalog/role-state.js';
import type { CatalogOp } from '../catalog/state.js';
import type { Session } from '../session/session.js';
import { requireMemberOf } from './access.js';
import { changedAcl, checkClause, wholeLetters } from './grant.js';
import { roleOf } from './role-names.js';
import type { Statement } from './statement.js';

export async function alterDefaultPrivileges(
  session: Session,
  s: Statement<'alterDefaultPrivileges'>,
): Promise<string> {
  const { catalog } = session.services;
  const fresh: number[] = [];
  for (let i = 0; i < Math.max(1, s.roles.length) * Math.max(1, s.schemas.length); i++)
    fresh.push(await catalog.newOid());
  await catalog.commit(() => {
    const grantees = checkClause(session, s.clause);
    const letters = wholeLetters(s.clause, s.object);
    const roles =
      s.roles.length === 0 ? [session.identity.current] : s.roles.map((r) => roleOf(session, r).oid);
    for (const role of roles) requireMemberOf(session, role);
    const schemas =
      s.schemas.length === 0
        ? [0]
        : s.schemas.map((name) => {
            const oid = catalog.schemaOid(name);
            if (oid === undefined) throw undefinedSchema(name);
            return oid;
          });
    return roles.flatMap((role) =>
      schemas.flatMap((schema): CatalogOp[] => {
        const before = find(catalog, role, schema, s.object);
        // In a schema they add to what holds everywhere: they start from nothing.
        const standard = schema === 0 ? defaultAcl(s.object, role) : [];
        const acl = changedAcl(s.clause, before?.acl ?? standard, grantees, role, letters, role);
        if (sameItems(acl, standard))
          return before === undefined ? [] : [{ op: 'dropDefaultAcl', oid: before.oid }];
        const oid = before?.oid ?? fresh.pop()!;
        return [{ op: 'putDefaultAcl', acl: { oid, role, schema, object: s.object, acl } }];
      }),
    );
  });
  return 'ALTER DEFAULT PRIVILEGES';
}

function find(
  catalog: MasterCatalog,
  role: number,
  schema: number,
  object: 'table' | 'schema',
): StoredDefaultAcl | undefined {
  return catalog.defaultAcls().find((d) => d.role === role && d.schema === schema && d.object === object);
}

function sameItems(a: Acl, b: Acl): boolean {
  const text = (acl: Acl) =>
    acl
      .map((i) => `${i.grantee} ${i.grantor} ${i.privileges} ${i.grantable}`)
      .sort()
      .join(';');
  return text(a) === text(b);
}

/** The list that a new object of this owner gets; undefined: the standard one. */
export function newObjectAcl(
  catalog: MasterCatalog,
  owner: number,
  schema: string | undefined,
  object: 'table' | 'schema',
): Acl | undefined {
  const everywhere = find(catalog, owner, 0, object)?.acl;
  const oid = schema === undefined ? undefined : catalog.schemaOid(schema);
  const here = oid === undefined ? undefined : find(catalog, owner, oid, object)?.acl;
  if (everywhere === undefined && here === undefined) return undefined;
  const standard = defaultAcl(object, owner);
  const acl = [...(everywhere ?? standard)];
  for (const item of here ?? []) {
    const at = acl.findIndex((i) => i.grantee === item.grantee && i.grantor === item.grantor);
    if (at < 0) acl.push(item);
    else
      acl[at] = {
        ...acl[at]!,
        privileges: union(acl[at]!.privileges, item.privileges),
        grantable: union(acl[at]!.grantable, item.grantable),
      };
  }
  acl.sort((a, b) => a.grantee - b.grantee || a.grantor - b.grantor);
  // As in PostgreSQL, nothing at all counts as nothing said.
  return acl.length === 0 || sameItems(acl, standard) ? undefined : acl;
}

/** Whose a new relation is, and what others may do with it. */
export function newAccess(
  session: Session,
  schema: string,
): { readonly owner: number; readonly acl: Acl | undefined } {
  const owner = session.identity.current;
  return { owner, acl: newObjectAcl(session.services.catalog, owner, schema, 'table') };
}
