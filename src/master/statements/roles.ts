/** CREATE, ALTER, DROP of roles, and their settings. Source: PostgreSQL 15, user.c. */
import type { RoleOptions } from '../../plan/bind/role-statements.js';
import { BOOTSTRAP_OID, type Membership } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import { parseText } from '../../types/text-io.js';
import { storedPassword } from '../auth/verifier.js';
import type { StoredRole } from '../catalog/role-state.js';
import type { CatalogOp } from '../catalog/state.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';
import { dependentsOfRole } from './role-dependents.js';
import { checkMembership } from './role-members.js';
import { checkNewName, denied, mayCreateRoles, roleOf, storedRole, undefinedRole } from './role-names.js';
import type { Statement } from './statement.js';

/** The options as they are stored; the password is hashed here, once. */
async function changes(
  session: Session,
  o: RoleOptions,
  context: RunContext,
): Promise<Partial<Omit<StoredRole, 'oid' | 'name'>>> {
  const { password, validUntil, ...flags } = o;
  const set: { -readonly [K in keyof StoredRole]?: StoredRole[K] } = { ...flags };
  if (password !== undefined) {
    if (password === '')
      session.notice({
        severity: 'NOTICE',
        code: '00000',
        message: 'empty string is not a valid password, clearing password',
      });
    set.password = password === null || password === '' ? undefined : await storedPassword(password);
  }
  if (validUntil !== undefined)
    set.validUntil = parseText({ kind: 'timestamptz' }, validUntil, context.functions) as bigint;
  return set;
}

export async function createRole(
  session: Session,
  s: Statement<'createRole'>,
  context: RunContext,
): Promise<string> {
  const { catalog } = session.services;
  const { identity } = session;
  if (!identity.superuser) {
    if (s.options.superuser === true) throw denied('must be superuser to create superusers');
    if (s.options.replication === true) throw denied('must be superuser to create replication users');
    if (s.options.bypassRls === true) throw denied('must be superuser to create bypassrls users');
    if (!mayCreateRoles(session)) throw denied('permission denied to create role');
  }
  checkNewName(s.name);
  const set = await changes(session, s.options, context);
  const oid = await catalog.newOid();
  await catalog.commit(() => {
    if (catalog.graph().named(s.name) !== undefined)
      throw new SqlError('42710', `role "${s.name}" already exists`);
    const role: StoredRole = {
      oid,
      name: s.name,
      superuser: false,
      inherit: true,
      createRole: false,
      createDb: false,
      login: false,
      replication: false,
      bypassRls: false,
      connectionLimit: -1,
      password: undefined,
      validUntil: undefined,
      ...set,
    };
    const grantor = identity.current;
    const memberships: Membership[] = [];
    for (const spec of s.memberOf) {
      const target = roleOf(session, spec);
      checkMembership(session, target, grantor);
      memberships.push({ role: target.oid, member: oid, grantor, admin: false });
    }
    for (const spec of s.members)
      memberships.push({ role: oid, member: roleOf(session, spec).oid, grantor, admin: false });
    for (const spec of s.admins)
      memberships.push({ role: oid, member: roleOf(session, spec).oid, grantor, admin: true });
    const both = memberships.find(
      (m) => m.role === oid && memberships.some((x) => x.member === oid && x.role === m.member),
    );
    if (both !== undefined)
      throw new SqlError(
        '0LP01',
        `role "${s.name}" is a member of role "${catalog.graph().nameOf(both.member)}"`,
      );
    return [
      { op: 'putRole', role },
      ...memberships.map((membership): CatalogOp => ({ op: 'putMember', membership })),
    ];
  });
  return 'CREATE ROLE';
}

export async function alterRole(
  session: Session,
  s: Statement<'alterRole'>,
  context: RunContext,
): Promise<string> {
  const { catalog } = session.services;
  const { oid } = storedRole(session, s.role);
  const set = await changes(session, s.options, context);
  await catalog.commit(() => {
    const role = catalog.role(oid);
    if (role === undefined) throw undefinedRole(s.role.kind === 'name' ? s.role.name : String(oid));
    checkMayAlter(session, role, s.options);
    if (oid === BOOTSTRAP_OID && s.options.superuser === false)
      throw new SqlError('42501', 'permission denied to alter role', {
        detail: 'The bootstrap superuser must have the SUPERUSER attribute.',
      });
    return [{ op: 'putRole', role: { ...role, ...set } }];
  });
  session.followIdentity();
  return 'ALTER ROLE';
}

function checkMayAlter(session: Session, role: StoredRole, o: RoleOptions): void {
  const { identity } = session;
  if (!identity.superuser) {
    if (o.superuser !== undefined || role.superuser)
      throw denied('must be superuser to alter superuser roles or change superuser attribute');
    if (o.replication !== undefined || role.replication)
      throw denied('must be superuser to alter replication roles or change replication attribute');
    if (o.bypassRls !== undefined) throw denied('must be superuser to change bypassrls attribute');
  }
  if (mayCreateRoles(session)) return;
  // Everybody may change the own password, and nothing else.
  const given = Object.keys(o);
  if (given.length !== 1 || o.password === undefined || role.oid !== identity.current)
    throw denied('permission denied');
}

export async function renameRole(session: Session, s: Statement<'renameRole'>): Promise<string> {
  const { catalog } = session.services;
  const { identity } = session;
  await catalog.commit(() => {
    const role = storedRole(session, { kind: 'name', name: s.name });
    checkNewName(s.to);
    if (role.oid === identity.session) throw new SqlError('0A000', 'session user cannot be renamed');
    if (role.oid === identity.current) throw new SqlError('0A000', 'current user cannot be renamed');
    if (catalog.graph().named(s.to) !== undefined)
      throw new SqlError('42710', `role "${s.to}" already exists`);
    if (role.superuser && !identity.superuser) throw denied('must be superuser to rename superusers');
    if (!mayCreateRoles(session)) throw denied('permission denied to rename role');
    return [{ op: 'putRole', role: { ...role, name: s.to } }];
  });
  return 'ALTER ROLE';
}

export async function dropRole(session: Session, s: Statement<'dropRole'>): Promise<string> {
  const { catalog } = session.services;
  const { identity } = session;
  if (!mayCreateRoles(session)) throw denied('permission denied to drop role');
  await catalog.commit(() => {
    const oids = new Set<number>();
    for (const spec of s.roles) {
      if (spec.kind !== 'name') throw new SqlError('22023', 'cannot use special role specifier in DROP ROLE');
      const role = catalog.graph().named(spec.name);
      if (role === undefined) {
        if (!s.ifExists) throw undefinedRole(spec.name);
        session.notice({
          severity: 'NOTICE',
          code: '00000',
          message: `role "${spec.name}" does not exist, skipping`,
        });
        continue;
      }
      if (role.oid === identity.current) throw new SqlError('55006', 'current user cannot be dropped');
      if (role.oid === identity.session) throw new SqlError('55006', 'session user cannot be dropped');
      if (role.superuser && !identity.superuser) throw denied('must be superuser to drop superusers');
      if (catalog.role(role.oid) === undefined || role.oid === BOOTSTRAP_OID)
        throw new SqlError(
          '2BP01',
          `cannot drop role ${role.name} because it is required by the database system`,
        );
      const dependents = dependentsOfRole(session, role.oid);
      if (dependents.length > 0)
        throw new SqlError(
          '2BP01',
          `role "${role.name}" cannot be dropped because some objects depend on it`,
          { detail: dependents.join('\n') },
        );
      oids.add(role.oid);
    }
    return [...oids].map((oid): CatalogOp => ({ op: 'dropRole', oid }));
  });
  return 'DROP ROLE';
}

// ---------------------------------------------------------------- settings

export async function alterRoleSet(session: Session, s: Statement<'alterRoleSet'>): Promise<string> {
  const { catalog } = session.services;
  const { identity } = session;
  // 42704 and 22023 now, not when somebody logs in.
  const value = settingValue(session, s);
  await catalog.commit(() => {
    let oid = 0;
    if (s.role === undefined) {
      if (!identity.superuser) throw denied('must be superuser to alter settings globally');
    } else {
      const role = storedRole(session, s.role);
      oid = role.oid;
      if (role.superuser && !identity.superuser) throw denied('must be superuser to alter superusers');
      if (!mayCreateRoles(session) && oid !== identity.current) throw denied('permission denied');
    }
    const database = s.database ?? '';
    const before = catalog.roleSettings(database, oid)?.config ?? [];
    const name = s.name === undefined ? undefined : session.settings.canonicalName(s.name);
    const others = name === undefined ? [] : before.filter(([n]) => n !== name);
    const config = name === undefined || value === undefined ? others : [...others, [name, value] as const];
    return [{ op: 'putRoleSettings', settings: { database, role: oid, config } }];
  });
  return 'ALTER ROLE';
}

/** As it will be set; undefined: the setting goes. */
function settingValue(session: Session, s: Statement<'alterRoleSet'>): string | undefined {
  if (s.name === undefined) return undefined;
  if (s.fromCurrent) return session.settings.get(s.name);
  return session.settings.checked(s.name, s.values);
}
