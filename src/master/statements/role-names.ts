/** From a role as a statement names it to the role, and the errors when there is none or it may not be touched. */
import type { RoleSpec } from '../../plan/bind/role-statements.js';
import { PUBLIC_ROLE, type RoleInfo } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import type { StoredRole } from '../catalog/role-state.js';
import type { Session } from '../session/session.js';

export function undefinedRole(name: string): SqlError {
  return new SqlError('42704', `role "${name}" does not exist`);
}

export function roleOf(session: Session, spec: RoleSpec): RoleInfo {
  const { identity } = session;
  const { graph } = identity;
  if (spec.kind === 'public') throw undefinedRole('public');
  const found =
    spec.kind === 'name'
      ? graph.named(spec.name)
      : graph.role(spec.kind === 'current' ? identity.current : identity.session);
  if (found === undefined) throw undefinedRole(spec.kind === 'name' ? spec.name : identity.user);
  return found;
}

/** PUBLIC allowed. */
export function granteeOf(session: Session, spec: RoleSpec): number {
  return spec.kind === 'public' ? PUBLIC_ROLE : roleOf(session, spec).oid;
}

/** A role that a statement changes: not one of the predefined. */
export function storedRole(session: Session, spec: RoleSpec): StoredRole {
  const { oid, name } = roleOf(session, spec);
  const stored = session.services.catalog.role(oid);
  if (stored === undefined)
    throw new SqlError('42939', `role name "${name}" is reserved`, {
      detail: 'Cannot alter reserved roles.',
    });
  return stored;
}

export function checkNewName(name: string): void {
  if (name.startsWith('pg_'))
    throw new SqlError('42939', `role name "${name}" is reserved`, {
      detail: 'Role names starting with "pg_" are reserved.',
    });
}

export function mayCreateRoles(session: Session): boolean {
  const { identity, services } = session;
  return identity.superuser || services.catalog.role(identity.current)?.createRole === true;
}

export function denied(message: string): SqlError {
  return new SqlError('42501', message);
}
