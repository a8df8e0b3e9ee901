/** GRANT and REVOKE of memberships. Source: PostgreSQL 15, user.c (AddRoleMems, DelRoleMems). */
import { PG_DATABASE_OWNER, type RoleInfo } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import type { CatalogOp } from '../catalog/state.js';
import type { Session } from '../session/session.js';
import { denied, mayCreateRoles, roleOf } from './role-names.js';
import type { Statement } from './statement.js';

/** May the current role hand out memberships in `role`? */
export function checkMembership(session: Session, role: RoleInfo, grantor: number): void {
  const { identity } = session;
  const { graph } = identity;
  if (role.superuser) {
    if (!identity.superuser) throw denied('must be superuser to alter superusers');
  } else if (!mayCreateRoles(session) && !graph.isAdminOf(grantor, role.oid))
    throw denied(`must have admin option on role "${role.name}"`);
  if (role.oid === PG_DATABASE_OWNER)
    throw new SqlError('0A000', `role "${role.name}" cannot have explicit members`);
  if (grantor !== identity.current && !identity.superuser) throw denied('must be superuser to set grantor');
}

export async function grantRole(session: Session, s: Statement<'grantRole'>): Promise<string> {
  const { catalog } = session.services;
  await catalog.commit(() => {
    const grantor = s.grantedBy === undefined ? session.identity.current : roleOf(session, s.grantedBy).oid;
    const members = s.members.map((m) => roleOf(session, m));
    return s.roles.flatMap((spec) => {
      const role = roleOf(session, spec);
      checkMembership(session, role, grantor);
      return members.flatMap((member) =>
        s.grant ? added(session, s, role, member, grantor) : removed(session, s, role, member),
      );
    });
  });
  return s.tag;
}

function added(
  session: Session,
  s: Statement<'grantRole'>,
  role: RoleInfo,
  member: RoleInfo,
  grantor: number,
): readonly CatalogOp[] {
  const { graph } = session.identity;
  if (member.oid === PG_DATABASE_OWNER)
    throw new SqlError('0A000', `role "${member.name}" cannot be a member of any role`);
  if (graph.isMemberNoSuper(role.oid, member.oid))
    throw new SqlError('0LP01', `role "${role.name}" is a member of role "${member.name}"`);
  const before = graph.memberships.find((m) => m.role === role.oid && m.member === member.oid);
  if (before !== undefined && (!s.adminOption || before.admin)) {
    session.notice({
      severity: 'NOTICE',
      code: '00000',
      message: `role "${member.name}" is already a member of role "${role.name}"`,
    });
    return [];
  }
  return [
    {
      op: 'putMember',
      membership: { role: role.oid, member: member.oid, grantor, admin: s.adminOption },
    },
  ];
}

function removed(
  session: Session,
  s: Statement<'grantRole'>,
  role: RoleInfo,
  member: RoleInfo,
): readonly CatalogOp[] {
  const { graph } = session.identity;
  const before = graph.memberships.find((m) => m.role === role.oid && m.member === member.oid);
  if (before === undefined) {
    session.notice({
      severity: 'WARNING',
      code: '01000',
      message: `role "${member.name}" is not a member of role "${role.name}"`,
    });
    return [];
  }
  if (!s.adminOption) return [{ op: 'dropMember', role: role.oid, member: member.oid }];
  return [{ op: 'putMember', membership: { ...before, admin: false } }];
}
