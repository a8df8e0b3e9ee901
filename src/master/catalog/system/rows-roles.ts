/** Rows of the system tables that describe roles. Verifiers are in pg_authid and pg_shadow only, which only superusers may
 *  read. */
import { BOOTSTRAP_OID, PREDEFINED_ROLES } from '../../../types/roles/role-graph.js';
import type { StoredRole } from '../role-state.js';
import {
  aclArray,
  arrayOf,
  DATABASE_OID,
  type RowSource,
  type SystemContext,
  type SystemRow,
} from './context.js';

/** Predefined ones as if they were stored. */
function allRoles(c: SystemContext): readonly StoredRole[] {
  return [
    ...c.catalog.roles(),
    ...PREDEFINED_ROLES.map((r) => ({
      ...r,
      createRole: false,
      createDb: false,
      login: false,
      replication: false,
      bypassRls: false,
      connectionLimit: -1,
      password: undefined,
      validUntil: undefined,
    })),
  ];
}

function configOf(c: SystemContext, role: number): string | null {
  const config = c.catalog.roleSettings('', role)?.config;
  return config === undefined ? null : arrayOf(config.map(([name, value]) => `${name}=${value}`));
}

function roleRow(r: StoredRole): SystemRow {
  return {
    oid: r.oid,
    rolname: r.name,
    rolsuper: r.superuser,
    rolinherit: r.inherit,
    rolcreaterole: r.createRole,
    rolcreatedb: r.createDb,
    rolcanlogin: r.login,
    rolreplication: r.replication,
    rolconnlimit: r.connectionLimit,
    rolvaliduntil: r.validUntil ?? null,
    rolbypassrls: r.bypassRls,
  };
}

const pgRoles: RowSource = (c) =>
  allRoles(c).map((r) => ({ ...roleRow(r), rolpassword: '********', rolconfig: configOf(c, r.oid) }));

const pgAuthid: RowSource = (c) =>
  allRoles(c).map((r) => ({ ...roleRow(r), rolpassword: r.password ?? null }));

function userRow(c: SystemContext, r: StoredRole): SystemRow {
  return {
    usename: r.name,
    usesysid: r.oid,
    usecreatedb: r.createDb,
    usesuper: r.superuser,
    userepl: r.replication,
    usebypassrls: r.bypassRls,
    valuntil: r.validUntil ?? null,
    useconfig: configOf(c, r.oid),
  };
}

const users = (c: SystemContext) => c.catalog.roles().filter((r) => r.login);

const pgUser: RowSource = (c) => users(c).map((r) => ({ ...userRow(c, r), passwd: '********' }));

const pgShadow: RowSource = (c) => users(c).map((r) => ({ ...userRow(c, r), passwd: r.password ?? null }));

const pgGroup: RowSource = (c) =>
  allRoles(c)
    .filter((r) => !r.login)
    .map((r) => ({
      groname: r.name,
      grosysid: r.oid,
      grolist: arrayOf(c.identity.graph.memberships.filter((m) => m.role === r.oid).map((m) => m.member)),
    }));

const pgAuthMembers: RowSource = (c) =>
  c.identity.graph.memberships.map((m) => ({
    roleid: m.role,
    member: m.member,
    grantor: m.grantor,
    admin_option: m.admin,
  }));

const pgDbRoleSetting: RowSource = (c) =>
  c.catalog
    .allRoleSettings()
    // There is one database, under whatever name a client calls it.
    .filter((s) => s.database === '' || s.database === c.database)
    .map((s) => ({
      setdatabase: s.database === '' ? 0 : DATABASE_OID,
      setrole: s.role,
      setconfig: arrayOf(s.config.map(([name, value]) => `${name}=${value}`)),
    }));

const OBJECT_TYPES = { table: 'r', schema: 'n', sequence: 'S', function: 'f', type: 'T' } as const;

const pgDefaultAcl: RowSource = (c) =>
  c.catalog.defaultAcls().map((d) => ({
    oid: d.oid,
    defaclrole: d.role,
    defaclnamespace: d.schema,
    defaclobjtype: OBJECT_TYPES[d.object],
    defaclacl: aclArray(c, d.acl),
  }));

/** The current role and the roles it inherits. */
const enabledRoles: RowSource = (c) => {
  const { graph } = c.identity;
  return allRoles(c)
    .filter((r) => c.identity.has(r.oid))
    .map((r) => ({ role_name: graph.nameOf(r.oid) }));
};

const applicable = (c: SystemContext): readonly SystemRow[] => {
  const { identity } = c;
  const { graph } = identity;
  return graph.memberships
    .filter((m) => identity.has(m.member) && m.member !== BOOTSTRAP_OID)
    .map((m) => ({
      grantee: graph.nameOf(m.member),
      role_name: graph.nameOf(m.role),
      is_grantable: m.admin ? 'YES' : 'NO',
    }));
};

const applicableRoles: RowSource = applicable;
const administrableRoles: RowSource = (c) => applicable(c).filter((r) => r.is_grantable === 'YES');

const pgHbaFileRules: RowSource = (c) =>
  c.hbaRules().map((r) =>
    'error' in r
      ? { line_number: r.line, error: r.error }
      : {
          line_number: r.line,
          type: r.type,
          database: arrayOf(r.databases),
          user_name: arrayOf(r.users),
          address: r.address ?? null,
          netmask: r.netmask ?? null,
          auth_method: r.method,
        },
  );

export const ROLE_ROWS: Readonly<Record<string, RowSource>> = {
  'pg_catalog.pg_roles': pgRoles,
  'pg_catalog.pg_authid': pgAuthid,
  'pg_catalog.pg_user': pgUser,
  'pg_catalog.pg_shadow': pgShadow,
  'pg_catalog.pg_group': pgGroup,
  'pg_catalog.pg_auth_members': pgAuthMembers,
  'pg_catalog.pg_db_role_setting': pgDbRoleSetting,
  'pg_catalog.pg_hba_file_rules': pgHbaFileRules,
  'pg_catalog.pg_default_acl': pgDefaultAcl,
  'information_schema.enabled_roles': enabledRoles,
  'information_schema.applicable_roles': applicableRoles,
  'information_schema.administrable_role_authorizations': administrableRoles,
};
