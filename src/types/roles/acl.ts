/** Access control lists: who was granted what by whom, and the rules of GRANT and REVOKE over them.
 *
 *  Owns: the list's algebra and its text. Must not know: objects, statements. Privileges are PostgreSQL's letters; a list
 *  that was never changed is undefined and means the object's default. Source: PostgreSQL 15, acl.c. */
import { SqlError } from '../sql-error.js';
import { PUBLIC_ROLE, type RoleGraph } from './role-graph.js';

export type AclItem = {
  /** `PUBLIC_ROLE` for everybody. */
  readonly grantee: number;
  readonly grantor: number;
  /** Letters in the order of `ALL_LETTERS`. */
  readonly privileges: string;
  /** Those of them that the grantee may grant on. */
  readonly grantable: string;
};

export type Acl = readonly AclItem[];

export type AclObject = 'table' | 'column' | 'schema' | 'database';

/** The order in which they are shown. */
const ALL_LETTERS = 'arwdDxtXUCTcsA';

export const OBJECT_LETTERS: Readonly<Record<AclObject, string>> = {
  table: 'arwdDxt',
  column: 'arwx',
  schema: 'UC',
  database: 'CTc',
};

export const PRIVILEGE_LETTERS: Readonly<Record<string, string>> = {
  INSERT: 'a',
  SELECT: 'r',
  UPDATE: 'w',
  DELETE: 'd',
  TRUNCATE: 'D',
  REFERENCES: 'x',
  TRIGGER: 't',
  EXECUTE: 'X',
  USAGE: 'U',
  CREATE: 'C',
  TEMPORARY: 'T',
  TEMP: 'T',
  CONNECT: 'c',
  SET: 's',
  'ALTER SYSTEM': 'A',
};

export function privilegeOf(letter: string): string {
  return Object.keys(PRIVILEGE_LETTERS).find((k) => PRIVILEGE_LETTERS[k] === letter)!;
}

export function union(a: string, b: string): string {
  return [...ALL_LETTERS].filter((l) => a.includes(l) || b.includes(l)).join('');
}

export function intersection(a: string, b: string): string {
  return [...a].filter((l) => b.includes(l)).join('');
}

export function difference(a: string, b: string): string {
  return [...a].filter((l) => !b.includes(l)).join('');
}

/** What holds of an object whose list was never changed. */
export function defaultAcl(object: AclObject, owner: number): Acl {
  const world = object === 'database' ? 'Tc' : '';
  const own = object === 'column' ? '' : OBJECT_LETTERS[object];
  const items: AclItem[] = [];
  if (world !== '') items.push({ grantee: PUBLIC_ROLE, grantor: owner, privileges: world, grantable: '' });
  if (own !== '') items.push({ grantee: owner, grantor: owner, privileges: own, grantable: '' });
  return items;
}

/** Which of `wanted` the role has: its own, everybody's, and those of the roles it inherits. */
export function heldPrivileges(graph: RoleGraph, acl: Acl, role: number, wanted: string): string {
  const roles = graph.rolesOf(role, 'inherited');
  let held = '';
  for (const item of acl)
    if (item.grantee === PUBLIC_ROLE || roles.has(item.grantee)) held = union(held, item.privileges);
  return intersection(wanted, held);
}

/** Which of `wanted` the role may grant on; an owner may always. */
export function grantOptions(
  graph: RoleGraph,
  acl: Acl,
  role: number,
  owner: number,
  wanted: string,
): string {
  if (graph.hasPrivilegesOf(role, owner)) return wanted;
  const roles = graph.rolesOf(role, 'inherited');
  let held = '';
  for (const item of acl) if (roles.has(item.grantee)) held = union(held, item.grantable);
  return intersection(wanted, held);
}

/** Options of exactly this role. */
function ownOptions(acl: Acl, role: number, owner: number, wanted: string): string {
  if (role === owner) return wanted;
  let held = '';
  for (const item of acl) if (item.grantee === role) held = union(held, item.grantable);
  return intersection(wanted, held);
}

/** As whom the role grants: the owner if it may act as such, else the one of its roles with the most grant options. */
export function bestGrantor(
  graph: RoleGraph,
  acl: Acl,
  role: number,
  owner: number,
  wanted: string,
): { readonly grantor: number; readonly options: string } {
  if (graph.hasPrivilegesOf(role, owner)) return { grantor: owner, options: wanted };
  let best = { grantor: role, options: '' };
  for (const candidate of graph.rolesOf(role, 'inherited')) {
    const options = ownOptions(acl, candidate, owner, wanted);
    if (options.length > best.options.length) best = { grantor: candidate, options };
    if (options === wanted) break;
  }
  return best;
}

export type Behavior = 'restrict' | 'cascade';

/** One GRANT to one grantee. */
export function grant(acl: Acl, item: AclItem, owner: number): Acl {
  if (item.grantee !== PUBLIC_ROLE && item.grantable !== '') checkCircularity(acl, item, owner);
  const at = acl.findIndex((i) => i.grantee === item.grantee && i.grantor === item.grantor);
  if (at < 0) return item.privileges === '' ? acl : [...acl, item];
  return acl.map((i, k) =>
    k !== at
      ? i
      : {
          ...i,
          privileges: union(i.privileges, item.privileges),
          grantable: union(i.grantable, item.grantable),
        },
  );
}

/** One REVOKE from one grantee: `item.privileges` go, and `item.grantable` as grant options; what was granted by virtue
 *  of those goes as well, or 2BP01. */
export function revoke(acl: Acl, item: AclItem, owner: number, behavior: Behavior): Acl {
  const before = acl.find((i) => i.grantee === item.grantee && i.grantor === item.grantor);
  if (before === undefined) return acl;
  const after: AclItem = {
    ...before,
    privileges: difference(before.privileges, item.privileges),
    grantable: difference(before.grantable, item.grantable),
  };
  const next =
    after.privileges === '' ? acl.filter((i) => i !== before) : acl.map((i) => (i === before ? after : i));
  const lost = difference(before.grantable, after.grantable);
  return lost === '' || item.grantee === PUBLIC_ROLE
    ? next
    : revokeDependent(next, item.grantee, lost, owner, behavior);
}

function revokeDependent(acl: Acl, grantor: number, lost: string, owner: number, behavior: Behavior): Acl {
  if (grantor === owner) return acl;
  const gone = difference(lost, ownOptions(acl, grantor, owner, lost));
  if (gone === '') return acl;
  let now = acl;
  for (;;) {
    const dependent = now.find((i) => i.grantor === grantor && intersection(i.privileges, gone) !== '');
    if (dependent === undefined) return now;
    if (behavior === 'restrict')
      throw new SqlError('2BP01', 'dependent privileges exist', { hint: 'Use CASCADE to revoke them too.' });
    now = revoke(now, { ...dependent, privileges: gone, grantable: gone }, owner, behavior);
  }
}

/** Nobody may hold a grant option by grace of itself: without all that the grantee has given, the grantor must still
 *  have the option. */
function checkCircularity(acl: Acl, item: AclItem, owner: number): void {
  if (item.grantor === owner) return;
  let now = acl;
  for (;;) {
    const theirs = now.find((i) => i.grantee === item.grantee && i.grantable !== '');
    if (theirs === undefined) break;
    now = revoke(now, { ...theirs, privileges: theirs.grantable }, owner, 'cascade');
  }
  const own = ownOptions(now, item.grantor, owner, item.grantable);
  if (difference(item.grantable, own) !== '')
    throw new SqlError('0LP01', 'grant options cannot be granted back to your own grantor');
}

/** The list once the object belongs to another: what the old owner had or gave is the new one's. */
export function withNewOwner(acl: Acl, before: number, after: number): Acl {
  const moved = (oid: number) => (oid === before ? after : oid);
  const merged: AclItem[] = [];
  for (const i of acl) {
    const item = { ...i, grantee: moved(i.grantee), grantor: moved(i.grantor) };
    const at = merged.findIndex((m) => m.grantee === item.grantee && m.grantor === item.grantor);
    if (at < 0) merged.push(item);
    else
      merged[at] = {
        ...merged[at]!,
        privileges: union(merged[at]!.privileges, item.privileges),
        grantable: union(merged[at]!.grantable, item.grantable),
      };
  }
  return merged;
}

function shownName(name: string): string {
  return /^[\w]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** `grantee=letters/grantor`, a star behind each letter that may be granted on. */
export function aclTexts(graph: RoleGraph, acl: Acl): readonly string[] {
  const name = (oid: number) => {
    const role = graph.role(oid);
    return role === undefined ? String(oid) : shownName(role.name);
  };
  return acl.map((i) => {
    const letters = [...ALL_LETTERS]
      .filter((l) => i.privileges.includes(l))
      .map((l) => (i.grantable.includes(l) ? `${l}*` : l));
    return `${i.grantee === PUBLIC_ROLE ? '' : name(i.grantee)}=${letters.join('')}/${name(i.grantor)}`;
  });
}
