/** CREATE, ALTER and DROP of roles, their settings, and memberships.
 *
 *  Source: PostgreSQL 15, user.c: which options conflict. What later versions added to the grammar is 0A000. */
import type {
  AlterRoleSetStmt,
  AlterRoleStmt,
  CreateRoleStmt,
  DefElem,
  DropRoleStmt,
  GrantRoleStmt,
  Node,
  RoleSpec as RoleSpecNode,
} from 'libpg-query';
import { listOf, literalText } from './ast.js';
import type { BindContext } from './context.js';
import type { RoleOptions, RoleSpec, RoleStatement } from './role-statements.js';
import { settingText } from './settings.js';

export function roleSpec(r: RoleSpecNode | undefined): RoleSpec {
  switch (r?.roletype) {
    case 'ROLESPEC_CURRENT_USER':
    case 'ROLESPEC_CURRENT_ROLE':
      return { kind: 'current' };
    case 'ROLESPEC_SESSION_USER':
      return { kind: 'session' };
    case 'ROLESPEC_PUBLIC':
      return { kind: 'public' };
    default:
      return { kind: 'name', name: r?.rolename ?? '' };
  }
}

export function roleSpecs(nodes: readonly Node[] | undefined): readonly RoleSpec[] {
  return (nodes ?? []).flatMap((n) => ('RoleSpec' in n ? [roleSpec(n.RoleSpec)] : []));
}

/** Options by name; the same one twice is an error. */
function optionsByName(ctx: BindContext, nodes: readonly Node[] | undefined): ReadonlyMap<string, DefElem> {
  const found = new Map<string, DefElem>();
  for (const n of nodes ?? []) {
    if (!('DefElem' in n)) continue;
    const name = n.DefElem.defname ?? '';
    if (found.has(name)) throw ctx.error('42601', 'conflicting or redundant options', n.DefElem.location);
    found.set(name, n.DefElem);
  }
  return found;
}

function flag(d: DefElem | undefined): boolean | undefined {
  if (d?.arg === undefined) return undefined;
  if ('Boolean' in d.arg) return d.arg.Boolean.boolval === true;
  return undefined;
}

function roleOptions(ctx: BindContext, given: ReadonlyMap<string, DefElem>): RoleOptions {
  const options: { -readonly [K in keyof RoleOptions]: RoleOptions[K] } = {};
  const flags = {
    superuser: 'superuser',
    inherit: 'inherit',
    createRole: 'createrole',
    createDb: 'createdb',
    login: 'canlogin',
    replication: 'isreplication',
    bypassRls: 'bypassrls',
  } as const;
  for (const [option, name] of Object.entries(flags) as [keyof typeof flags, string][]) {
    const value = flag(given.get(name));
    if (value !== undefined) options[option] = value;
  }
  const limit = given.get('connectionlimit')?.arg;
  if (limit !== undefined) {
    options.connectionLimit = 'Integer' in limit ? (limit.Integer.ival ?? 0) : 0;
    if (options.connectionLimit < -1)
      throw ctx.error('22023', `invalid connection limit: ${options.connectionLimit}`, -1);
  }
  const password = given.get('password');
  if (password !== undefined)
    options.password = password.arg === undefined ? null : (literalText(password.arg) ?? '');
  const until = given.get('validUntil');
  if (until !== undefined) options.validUntil = literalText(until.arg) ?? '';
  if (given.has('sysid'))
    ctx.notices.push({ severity: 'NOTICE', code: '00000', message: 'SYSID can no longer be specified' });
  return options;
}

function rolesIn(d: DefElem | undefined): readonly RoleSpec[] {
  return roleSpecs(listOf(d?.arg));
}

export function bindCreateRole(ctx: BindContext, s: CreateRoleStmt): RoleStatement {
  const given = optionsByName(ctx, s.options);
  const options = roleOptions(ctx, given);
  return {
    kind: 'createRole',
    name: s.role ?? '',
    options: { login: s.stmt_type === 'ROLESTMT_USER', ...options },
    memberOf: rolesIn(given.get('addroleto')),
    members: rolesIn(given.get('rolemembers')),
    admins: rolesIn(given.get('adminmembers')),
  };
}

/** ALTER GROUP ... ADD and DROP USER are the other spelling of GRANT and REVOKE. */
export function bindAlterRole(ctx: BindContext, s: AlterRoleStmt): RoleStatement {
  const given = optionsByName(ctx, s.options);
  const role = roleSpec(s.role);
  const members = given.get('rolemembers');
  if (members !== undefined)
    return {
      kind: 'grantRole',
      tag: 'ALTER ROLE',
      grant: s.action !== -1,
      roles: [role],
      members: rolesIn(members),
      adminOption: false,
      grantedBy: undefined,
    };
  return { kind: 'alterRole', role, options: roleOptions(ctx, given) };
}

export function bindAlterRoleSet(ctx: BindContext, s: AlterRoleSetStmt): RoleStatement {
  const set = s.setstmt;
  const values = set?.kind === 'VAR_SET_VALUE' ? (set.args ?? []).map((a) => settingText(ctx, a)) : undefined;
  if (set?.kind === 'VAR_SET_MULTI') throw ctx.notSupported(`SET ${set.name} for a role`, -1);
  return {
    kind: 'alterRoleSet',
    role: s.role === undefined ? undefined : roleSpec(s.role),
    database: s.database,
    name: set?.kind === 'VAR_RESET_ALL' ? undefined : (set?.name ?? ''),
    values,
    fromCurrent: set?.kind === 'VAR_SET_CURRENT',
  };
}

export function bindDropRole(s: DropRoleStmt): RoleStatement {
  return { kind: 'dropRole', roles: roleSpecs(s.roles), ifExists: s.missing_ok === true };
}

export function bindGrantRole(ctx: BindContext, s: GrantRoleStmt): RoleStatement {
  const grant = s.is_grant === true;
  const roles = (s.granted_roles ?? []).map((n): RoleSpec => {
    const p = 'AccessPriv' in n ? n.AccessPriv : {};
    if ((p.cols ?? []).length > 0)
      throw ctx.error('0LP01', 'column names cannot be included in GRANT/REVOKE ROLE', -1);
    return { kind: 'name', name: p.priv_name ?? '' };
  });
  const options = optionsByName(ctx, s.opt);
  for (const [name, d] of options)
    if (name !== 'admin')
      throw ctx.notSupported(`the option ${name.toUpperCase()} of a membership`, d.location);
  const admin = options.get('admin');
  if (grant && flag(admin) === false) throw ctx.notSupported('WITH ADMIN FALSE', admin?.location);
  return {
    kind: 'grantRole',
    tag: grant ? 'GRANT ROLE' : 'REVOKE ROLE',
    grant,
    roles,
    members: roleSpecs(s.grantee_roles),
    adminOption: admin !== undefined,
    grantedBy: s.grantor === undefined ? undefined : roleSpec(s.grantor),
  };
}
