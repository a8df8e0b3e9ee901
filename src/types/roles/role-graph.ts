/** Roles and who is a member of whom, as plain data with the questions PostgreSQL asks of it.
 *
 *  Owns: membership, inheritance of privileges, the predefined roles. Must not know: where roles are stored, statements.
 *  A superuser is a member of everything. Source: PostgreSQL 15, acl.c (roles_is_member_of and its callers). */

export type RoleInfo = {
  readonly oid: number;
  readonly name: string;
  readonly superuser: boolean;
  /** Has the privileges of the roles it is a member of without SET ROLE. */
  readonly inherit: boolean;
};

export type Membership = {
  readonly role: number;
  readonly member: number;
  readonly grantor: number;
  readonly admin: boolean;
};

/** The superuser that a data directory is made with; owns what nobody else does. */
export const BOOTSTRAP_OID = 10;
/** In place of a role: everybody. */
export const PUBLIC_ROLE = 0;

export const PG_DATABASE_OWNER = 6171;
export const PG_READ_ALL_DATA = 6181;
export const PG_WRITE_ALL_DATA = 6182;
export const PG_MONITOR = 3373;
export const PG_READ_ALL_SETTINGS = 3374;
export const PG_READ_ALL_STATS = 3375;
export const PG_READ_SERVER_FILES = 4569;
export const PG_WRITE_SERVER_FILES = 4570;
export const PG_SIGNAL_BACKEND = 4200;

const predefined = (oid: number, name: string): RoleInfo => ({ oid, name, superuser: false, inherit: true });

export const PREDEFINED_ROLES: readonly RoleInfo[] = [
  predefined(PG_DATABASE_OWNER, 'pg_database_owner'),
  predefined(PG_READ_ALL_DATA, 'pg_read_all_data'),
  predefined(PG_WRITE_ALL_DATA, 'pg_write_all_data'),
  predefined(PG_MONITOR, 'pg_monitor'),
  predefined(PG_READ_ALL_SETTINGS, 'pg_read_all_settings'),
  predefined(PG_READ_ALL_STATS, 'pg_read_all_stats'),
  predefined(3377, 'pg_stat_scan_tables'),
  predefined(PG_READ_SERVER_FILES, 'pg_read_server_files'),
  predefined(PG_WRITE_SERVER_FILES, 'pg_write_server_files'),
  predefined(4571, 'pg_execute_server_program'),
  predefined(PG_SIGNAL_BACKEND, 'pg_signal_backend'),
  predefined(4544, 'pg_checkpoint'),
];

export const PREDEFINED_MEMBERSHIPS: readonly Membership[] = [
  PG_READ_ALL_SETTINGS,
  PG_READ_ALL_STATS,
  3377,
].map((role) => ({ role, member: PG_MONITOR, grantor: BOOTSTRAP_OID, admin: false }));

export class RoleGraph {
  readonly roles: readonly RoleInfo[];
  readonly memberships: readonly Membership[];
  private readonly databaseOwner: number;
  private readonly byOid: ReadonlyMap<number, RoleInfo>;
  private readonly byName: ReadonlyMap<string, RoleInfo>;
  private readonly closures = new Map<string, ReadonlySet<number>>();

  /** All of them, the predefined ones too. */
  constructor(roles: readonly RoleInfo[], memberships: readonly Membership[], databaseOwner: number) {
    this.roles = roles;
    this.memberships = memberships;
    this.databaseOwner = databaseOwner;
    this.byOid = new Map(roles.map((r) => [r.oid, r]));
    this.byName = new Map(roles.map((r) => [r.name, r]));
  }

  role(oid: number): RoleInfo | undefined {
    return this.byOid.get(oid);
  }

  named(name: string): RoleInfo | undefined {
    return this.byName.get(name);
  }

  /** As pg_get_userbyid shows it. */
  nameOf(oid: number): string {
    return this.byOid.get(oid)?.name ?? `unknown (OID=${oid})`;
  }

  isSuperuser(oid: number): boolean {
    return this.byOid.get(oid)?.superuser === true;
  }

  /** The role itself and those whose privileges it has (`inherited`), or into which it may change (`any`). */
  rolesOf(oid: number, which: 'inherited' | 'any'): ReadonlySet<number> {
    const key = `${which}${oid}`;
    const known = this.closures.get(key);
    if (known !== undefined) return known;
    const found = new Set([oid]);
    // A set hands out what is added while it is walked.
    for (const member of found) {
      if (which === 'inherited' && this.byOid.get(member)?.inherit === false) continue;
      for (const m of this.memberships) if (m.member === member) found.add(m.role);
      if (member === this.databaseOwner) found.add(PG_DATABASE_OWNER);
    }
    this.closures.set(key, found);
    return found;
  }

  hasPrivilegesOf(member: number, role: number): boolean {
    return member === role || this.isSuperuser(member) || this.rolesOf(member, 'inherited').has(role);
  }

  isMemberOf(member: number, role: number): boolean {
    return this.isSuperuser(member) || this.isMemberNoSuper(member, role);
  }

  isMemberNoSuper(member: number, role: number): boolean {
    return this.rolesOf(member, 'any').has(role);
  }

  isAdminOf(member: number, role: number): boolean {
    if (this.isSuperuser(member)) return true;
    if (member === role) return false;
    const all = this.rolesOf(member, 'any');
    return this.memberships.some((m) => m.role === role && m.admin && all.has(m.member));
  }
}
