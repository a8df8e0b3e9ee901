/** What a role may do with a table, a column, a schema: the checks behind statements and has_*_privilege().
 *
 *  Superusers may do everything; pg_read_all_data and pg_write_all_data stand in for grants. System relations are read
 *  by everybody but for those with secrets, and written by nobody. Source: PostgreSQL 15, aclchk.c. */
import { type Acl, type AclObject, defaultAcl, grantOptions, heldPrivileges } from './acl.js';
import { PG_READ_ALL_DATA, PG_WRITE_ALL_DATA, PUBLIC_ROLE, type RoleGraph } from './role-graph.js';

export type OwnedObject = {
  readonly owner: number;
  /** Undefined: never changed. */
  readonly acl: Acl | undefined;
};

export type OwnedRelation = OwnedObject & {
  /** By ordinal; columns without an entry have none of their own. */
  readonly columnAcls?: Readonly<Record<number, Acl>> | undefined;
};

export function aclOf(object: AclObject, o: OwnedObject): Acl {
  return o.acl ?? defaultAcl(object, o.owner);
}

function implied(graph: RoleGraph, object: AclObject, role: number, letter: string): boolean {
  const has = (predefined: number) => graph.hasPrivilegesOf(role, predefined);
  if (object === 'table') {
    if (letter === 'r') return has(PG_READ_ALL_DATA);
    return (letter === 'a' || letter === 'w' || letter === 'd') && has(PG_WRITE_ALL_DATA);
  }
  return object === 'schema' && letter === 'U' && (has(PG_READ_ALL_DATA) || has(PG_WRITE_ALL_DATA));
}

/** Whether the role has the privilege of this letter (not the grant option of it) on the whole object. */
export function mayUse(
  graph: RoleGraph,
  object: AclObject,
  o: OwnedObject,
  role: number,
  letter: string,
): boolean {
  if (graph.isSuperuser(role) && role !== PUBLIC_ROLE) return true;
  if (heldPrivileges(graph, aclOf(object, o), role, letter) !== '') return true;
  return implied(graph, object, role, letter);
}

export function mayGrant(
  graph: RoleGraph,
  object: AclObject,
  o: OwnedObject,
  role: number,
  letter: string,
): boolean {
  return grantOptions(graph, aclOf(object, o), role, o.owner, letter) !== '';
}

/** Of one column: by the table's list or by its own. */
export function mayUseColumn(
  graph: RoleGraph,
  o: OwnedRelation,
  role: number,
  letter: string,
  ordinal: number,
): boolean {
  if (mayUse(graph, 'table', o, role, letter)) return true;
  return heldPrivileges(graph, o.columnAcls?.[ordinal] ?? [], role, letter) !== '';
}

export function mayGrantColumn(
  graph: RoleGraph,
  o: OwnedRelation,
  role: number,
  letter: string,
  ordinal: number,
): boolean {
  if (mayGrant(graph, 'table', o, role, letter)) return true;
  return grantOptions(graph, o.columnAcls?.[ordinal] ?? [], role, o.owner, letter) !== '';
}

/** Some column, or the whole. */
export function mayUseAnyColumn(graph: RoleGraph, o: OwnedRelation, role: number, letter: string): boolean {
  if (mayUse(graph, 'table', o, role, letter)) return true;
  return Object.values(o.columnAcls ?? {}).some((acl) => heldPrivileges(graph, acl, role, letter) !== '');
}
