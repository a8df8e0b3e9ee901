/** What stands in the way of dropping a role: what it owns, and what was granted to it or by it.
 *
 *  Source: PostgreSQL 15, pg_shdepend.c. */
import type { Acl } from '../../types/roles/acl.js';
import { ownerOf } from '../catalog/state.js';
import type { Session } from '../session/session.js';

function named(acl: Acl | undefined, role: number): boolean {
  return acl?.some((i) => i.grantee === role || i.grantor === role) === true;
}

/** As lines of the error's detail. */
export function dependentsOfRole(session: Session, role: number): readonly string[] {
  const { catalog } = session.services;
  const view = session.catalogView();
  const found: { readonly oid: number; readonly line: string }[] = [];
  const note = (oid: number, what: string, owner: number, acls: readonly (Acl | undefined)[]): void => {
    if (owner === role) found.push({ oid, line: `owner of ${what}` });
    else if (acls.some((a) => named(a, role))) found.push({ oid, line: `privileges for ${what}` });
  };
  for (const s of catalog.schemas()) note(s.oid, `schema ${s.name}`, ownerOf(s), [s.acl]);
  for (const r of catalog.relations()) {
    const what = `${r.kind} ${view.displayName(r.schema, r.name)}`;
    note(r.oid, what, ownerOf(r), [r.acl, ...Object.values(r.columnAcls ?? {})]);
  }
  const { graph } = session.identity;
  for (const d of catalog.defaultAcls()) {
    const schema = catalog.schemas().find((s) => s.oid === d.schema)?.name;
    const place = schema === undefined ? '' : ` in schema ${schema}`;
    const what = `default privileges on new ${d.object === 'table' ? 'relations' : `${d.object}s`} belonging to role ${graph.nameOf(d.role)}${place}`;
    note(d.oid, what, d.role, [d.acl]);
  }
  return found.sort((a, b) => a.oid - b.oid).map((f) => f.line);
}
