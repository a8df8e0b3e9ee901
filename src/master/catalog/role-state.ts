/** What the catalog stores of roles: the roles themselves, memberships, their settings, default privileges.
 *
 *  Plain data, replayed from the log; `applyRoleOp` is the only change. The predefined roles are not stored. */
import type { Acl } from '../../types/roles/acl.js';
import { BOOTSTRAP_OID, type Membership } from '../../types/roles/role-graph.js';

export type StoredRole = {
  readonly oid: number;
  readonly name: string;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly createRole: boolean;
  readonly createDb: boolean;
  readonly login: boolean;
  readonly replication: boolean;
  readonly bypassRls: boolean;
  /** -1: none. */
  readonly connectionLimit: number;
  /** A SCRAM verifier in PostgreSQL's format, never a password. */
  readonly password: string | undefined;
  /** Microseconds since 1970; the password is not accepted afterwards. */
  readonly validUntil: bigint | undefined;
};

/** ALTER ROLE ... [IN DATABASE ...] SET. */
export type StoredRoleSettings = {
  /** '' for every database. */
  readonly database: string;
  /** 0 for every role. */
  readonly role: number;
  readonly config: readonly (readonly [name: string, value: string])[];
};

export type DefaultAclObject = 'table' | 'schema' | 'sequence' | 'function' | 'type';

/** ALTER DEFAULT PRIVILEGES. */
export type StoredDefaultAcl = {
  readonly oid: number;
  readonly role: number;
  /** 0: in every schema. */
  readonly schema: number;
  readonly object: DefaultAclObject;
  readonly acl: Acl;
};

export type RoleOp =
  | { readonly op: 'putRole'; readonly role: StoredRole }
  | { readonly op: 'dropRole'; readonly oid: number }
  | { readonly op: 'putMember'; readonly membership: Membership }
  | { readonly op: 'dropMember'; readonly role: number; readonly member: number }
  | { readonly op: 'putRoleSettings'; readonly settings: StoredRoleSettings }
  | { readonly op: 'putDefaultAcl'; readonly acl: StoredDefaultAcl }
  | { readonly op: 'dropDefaultAcl'; readonly oid: number };

export type RoleState = {
  readonly roles: Map<number, StoredRole>;
  readonly memberships: Map<string, Membership>;
  readonly roleSettings: Map<string, StoredRoleSettings>;
  readonly defaultAcls: Map<number, StoredDefaultAcl>;
};

export type RoleSnapshot = {
  readonly roles: readonly StoredRole[];
  readonly memberships: readonly Membership[];
  readonly roleSettings: readonly StoredRoleSettings[];
  readonly defaultAcls: readonly StoredDefaultAcl[];
};

export function emptyRoleState(): RoleState {
  return { roles: new Map(), memberships: new Map(), roleSettings: new Map(), defaultAcls: new Map() };
}

export function bootstrapRole(name: string): StoredRole {
  return {
    oid: BOOTSTRAP_OID,
    name,
    superuser: true,
    inherit: true,
    createRole: true,
    createDb: true,
    login: true,
    replication: true,
    bypassRls: true,
    connectionLimit: -1,
    password: undefined,
    validUntil: undefined,
  };
}

export function settingsKey(database: string, role: number): string {
  return `${role}\0${database}`;
}

export function applyRoleOp(state: RoleState, op: RoleOp): void {
  switch (op.op) {
    case 'putRole':
      state.roles.set(op.role.oid, op.role);
      return;
    case 'dropRole':
      dropRole(state, op.oid);
      return;
    case 'putMember': {
      const { role, member } = op.membership;
      state.memberships.set(`${role} ${member}`, op.membership);
      return;
    }
    case 'dropMember':
      state.memberships.delete(`${op.role} ${op.member}`);
      return;
    case 'putRoleSettings': {
      const key = settingsKey(op.settings.database, op.settings.role);
      if (op.settings.config.length === 0) state.roleSettings.delete(key);
      else state.roleSettings.set(key, op.settings);
      return;
    }
    case 'putDefaultAcl':
      state.defaultAcls.set(op.acl.oid, op.acl);
      return;
    case 'dropDefaultAcl':
      state.defaultAcls.delete(op.oid);
  }
}

/** With its memberships and settings; what it owns must be gone already. */
function dropRole(state: RoleState, oid: number): void {
  state.roles.delete(oid);
  for (const [key, m] of state.memberships)
    if (m.role === oid || m.member === oid) state.memberships.delete(key);
  for (const [key, s] of state.roleSettings) if (s.role === oid) state.roleSettings.delete(key);
}

export function roleSnapshot(state: RoleState): RoleSnapshot {
  return {
    roles: [...state.roles.values()],
    memberships: [...state.memberships.values()],
    roleSettings: [...state.roleSettings.values()],
    defaultAcls: [...state.defaultAcls.values()],
  };
}

/** Absent in snapshots of versions without roles. */
export function roleStateFrom(data: RoleSnapshot | undefined): RoleState {
  const state = emptyRoleState();
  for (const role of data?.roles ?? []) applyRoleOp(state, { op: 'putRole', role });
  for (const membership of data?.memberships ?? []) applyRoleOp(state, { op: 'putMember', membership });
  for (const settings of data?.roleSettings ?? []) applyRoleOp(state, { op: 'putRoleSettings', settings });
  for (const acl of data?.defaultAcls ?? []) applyRoleOp(state, { op: 'putDefaultAcl', acl });
  return state;
}
