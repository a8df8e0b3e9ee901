/** The models of statements about roles, owners and privileges: part of the union in `statement.ts`.
 *
 *  They say what the statement says; which roles and objects those are, and who may, is the master's. */
import type { QualifiedName } from './statement.js';

/** A role as a statement names it. */
export type RoleSpec =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'current' | 'session' | 'public' };

export type RoleOptions = {
  readonly superuser?: boolean;
  readonly inherit?: boolean;
  readonly createRole?: boolean;
  readonly createDb?: boolean;
  readonly login?: boolean;
  readonly replication?: boolean;
  readonly bypassRls?: boolean;
  readonly connectionLimit?: number;
  /** null: PASSWORD NULL. */
  readonly password?: string | null;
  /** As written. */
  readonly validUntil?: string;
};

/** One privilege with its columns; `privilege` undefined: ALL. */
export type GrantedPrivilege = {
  readonly privilege: string | undefined;
  readonly columns: readonly string[];
};

export type GrantObjects =
  | { readonly kind: 'table'; readonly names: readonly QualifiedName[] }
  | { readonly kind: 'schema'; readonly names: readonly string[] }
  | { readonly kind: 'allTables'; readonly schemas: readonly string[] };

export type GrantClause = {
  readonly grant: boolean;
  /** Empty: ALL. */
  readonly privileges: readonly GrantedPrivilege[];
  readonly grantees: readonly RoleSpec[];
  /** WITH GRANT OPTION, or GRANT OPTION FOR. */
  readonly grantOption: boolean;
  readonly grantedBy: RoleSpec | undefined;
  readonly cascade: boolean;
};

export type RoleStatement =
  | {
      readonly kind: 'createRole';
      readonly name: string;
      readonly options: RoleOptions;
      /** IN ROLE. */
      readonly memberOf: readonly RoleSpec[];
      /** ROLE. */
      readonly members: readonly RoleSpec[];
      /** ADMIN. */
      readonly admins: readonly RoleSpec[];
    }
  | { readonly kind: 'alterRole'; readonly role: RoleSpec; readonly options: RoleOptions }
  /** `role` undefined: ALL; `name` undefined: RESET ALL; `values` undefined: RESET or DEFAULT. */
  | {
      readonly kind: 'alterRoleSet';
      readonly role: RoleSpec | undefined;
      readonly database: string | undefined;
      readonly name: string | undefined;
      readonly values: readonly string[] | undefined;
      readonly fromCurrent: boolean;
    }
  | { readonly kind: 'renameRole'; readonly name: string; readonly to: string }
  | { readonly kind: 'dropRole'; readonly roles: readonly RoleSpec[]; readonly ifExists: boolean }
  | {
      readonly kind: 'grantRole';
      readonly tag: 'GRANT ROLE' | 'REVOKE ROLE' | 'ALTER ROLE';
      readonly grant: boolean;
      readonly roles: readonly RoleSpec[];
      readonly members: readonly RoleSpec[];
      /** WITH ADMIN OPTION, or ADMIN OPTION FOR. */
      readonly adminOption: boolean;
      readonly grantedBy: RoleSpec | undefined;
    }
  | { readonly kind: 'grant'; readonly objects: GrantObjects; readonly clause: GrantClause }
  | {
      readonly kind: 'alterDefaultPrivileges';
      /** Empty: the current role. */
      readonly roles: readonly RoleSpec[];
      /** Empty: everywhere. */
      readonly schemas: readonly string[];
      readonly object: 'table' | 'schema';
      readonly clause: GrantClause;
    }
  | {
      readonly kind: 'alterOwner';
      readonly object: 'table' | 'view' | 'schema';
      readonly name: QualifiedName;
      readonly owner: RoleSpec;
      readonly ifExists: boolean;
    };
