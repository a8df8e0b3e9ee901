/** As whom a session acts: the role it logged in as, SET SESSION AUTHORIZATION, SET ROLE.
 *
 *  The settings `session_authorization` and `role` hold the names, so that transaction blocks undo them like any other
 *  setting; a role keeps its oid here when it is renamed meanwhile. Source: PostgreSQL 15, variable.c and miscinit.c. */
import type { RoleGraph } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import type { MasterCatalog } from '../catalog/master-catalog.js';
import type { SessionSettings } from './settings.js';

export class SessionIdentity {
  private readonly catalog: MasterCatalog;
  private readonly settings: SessionSettings;
  /** The role that logged in. */
  readonly authenticated: number;
  private readonly oids = new Map<string, number>();
  private known:
    | { readonly revision: number; readonly session: number; readonly current: number }
    | undefined;

  constructor(catalog: MasterCatalog, settings: SessionSettings, authenticated: number) {
    this.catalog = catalog;
    this.settings = settings;
    this.authenticated = authenticated;
    this.oids.set(settings.startUser, authenticated);
    settings.identity = this;
  }

  get graph(): RoleGraph {
    return this.catalog.graph();
  }

  /** The role of session_user. */
  get session(): number {
    return this.resolved().session;
  }

  /** The role of current_user: whose privileges count. */
  get current(): number {
    return this.resolved().current;
  }

  get user(): string {
    return this.graph.nameOf(this.current);
  }

  get sessionUser(): string {
    return this.graph.nameOf(this.session);
  }

  get superuser(): boolean {
    return this.graph.isSuperuser(this.current);
  }

  /** Whether the current role has the privileges of this one. */
  has(role: number): boolean {
    return this.graph.hasPrivilegesOf(this.current, role);
  }

  private resolved(): { readonly session: number; readonly current: number } {
    const { settings } = this;
    if (this.known?.revision === settings.revision) return this.known;
    const session = this.oids.get(settings.get('session_authorization')) ?? this.authenticated;
    const role = settings.get('role');
    const current = role === 'none' ? session : (this.oids.get(role) ?? session);
    this.known = { revision: settings.revision, session, current };
    return this.known;
  }

  /** SET of one of the two settings: 22023 for no such role, 42501 when the session may not become it. */
  check(setting: string, value: string | undefined): void {
    if (setting === 'session_authorization') this.checkAuthorization(value);
    else if (value !== undefined && value !== 'none') this.checkRole(value);
  }

  private checkAuthorization(value: string | undefined): void {
    const oid = value === undefined ? this.authenticated : this.named(value);
    if (oid !== this.authenticated && !this.graph.isSuperuser(this.authenticated))
      throw new SqlError('42501', 'permission denied to set session authorization');
    if (value !== undefined) this.oids.set(value, oid);
  }

  private checkRole(value: string): void {
    const oid = this.named(value);
    if (!this.graph.isMemberOf(this.session, oid))
      throw new SqlError('42501', `permission denied to set role "${value}"`);
    this.oids.set(value, oid);
  }

  private named(name: string): number {
    const role = this.graph.named(name);
    if (role === undefined) throw new SqlError('22023', `role "${name}" does not exist`);
    return role.oid;
  }
}
