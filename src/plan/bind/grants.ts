/** GRANT and REVOKE on tables, columns, schemas and the database; ALTER DEFAULT PRIVILEGES; ALTER ... OWNER.
 *
 *  Source: PostgreSQL 15, aclchk.c (ExecuteGrantStmt): which privileges an object may have. */
import type {
  AlterDefaultPrivilegesStmt,
  AlterOwnerStmt,
  AlterTableStmt,
  GrantStmt,
  Node,
} from 'libpg-query';
import { OBJECT_LETTERS, PRIVILEGE_LETTERS } from '../../types/roles/acl.js';
import { listOf, namesOf, stringOf } from './ast.js';
import type { BindContext } from './context.js';
import type { GrantClause, GrantedPrivilege, GrantObjects, RoleStatement } from './role-statements.js';
import { roleSpec, roleSpecs } from './roles.js';
import type { QualifiedName } from './statement.js';

type GrantObject = 'table' | 'schema';

const OBJECTS: Readonly<Record<string, GrantObject>> = {
  OBJECT_TABLE: 'table',
  OBJECT_SCHEMA: 'schema',
};

function objectWords(objtype: string | undefined): string {
  return (objtype ?? '').replace('OBJECT_', '').replaceAll('_', ' ');
}

const MESSAGE_WORDS: Readonly<Record<GrantObject, string>> = { table: 'relation', schema: 'schema' };

function clauseOf(ctx: BindContext, s: GrantStmt, object: GrantObject): GrantClause {
  const privileges = (s.privileges ?? []).map((n): GrantedPrivilege => {
    const p = 'AccessPriv' in n ? n.AccessPriv : {};
    const columns = namesOf(p.cols);
    if (columns.length > 0 && object !== 'table')
      throw ctx.error('0LP01', 'column privileges are only valid for relations', -1);
    const privilege = p.priv_name?.toUpperCase();
    if (privilege === undefined) return { privilege, columns };
    const letter = PRIVILEGE_LETTERS[privilege];
    if (letter === undefined) throw ctx.error('42601', `unrecognized privilege type "${p.priv_name}"`, -1);
    if (columns.length > 0 && !OBJECT_LETTERS.column.includes(letter))
      throw ctx.error('0LP01', `invalid privilege type ${privilege} for column`, -1);
    // Relations are sequences too: what those have is refused later, and in other words.
    if (object === 'table' && letter === 'U')
      throw ctx.error('0LP01', `invalid privilege type ${privilege} for table`, -1);
    if (!OBJECT_LETTERS[object].includes(letter))
      throw ctx.error('0LP01', `invalid privilege type ${privilege} for ${MESSAGE_WORDS[object]}`, -1);
    return { privilege, columns };
  });
  const grantees = roleSpecs(s.grantees);
  const grantOption = s.grant_option === true;
  return {
    grant: s.is_grant === true,
    privileges,
    grantees,
    grantOption,
    grantedBy: s.grantor === undefined ? undefined : roleSpec(s.grantor),
    cascade: s.behavior === 'DROP_CASCADE',
  };
}

export function bindGrant(ctx: BindContext, s: GrantStmt): RoleStatement {
  const object = OBJECTS[s.objtype ?? ''];
  if (object === undefined)
    throw ctx.notSupported(`${s.is_grant === true ? 'GRANT' : 'REVOKE'} on a ${objectWords(s.objtype)}`, -1);
  const clause = clauseOf(ctx, s, object);
  return { kind: 'grant', objects: objectsOf(ctx, s, object), clause };
}

function objectsOf(ctx: BindContext, s: GrantStmt, object: GrantObject): GrantObjects {
  const nodes = s.objects ?? [];
  if (s.targtype === 'ACL_TARGET_ALL_IN_SCHEMA') return { kind: 'allTables', schemas: namesOf(nodes) };
  if (object !== 'table') return { kind: object, names: namesOf(nodes) };
  return {
    kind: 'table',
    names: nodes.flatMap((n): QualifiedName[] =>
      'RangeVar' in n
        ? [
            {
              schema: n.RangeVar.schemaname,
              name: n.RangeVar.relname ?? '',
              position: ctx.position(n.RangeVar.location),
            },
          ]
        : [],
    ),
  };
}

export function bindAlterDefaultPrivileges(ctx: BindContext, s: AlterDefaultPrivilegesStmt): RoleStatement {
  const option = (name: string): readonly Node[] =>
    (s.options ?? []).flatMap((n) =>
      'DefElem' in n && n.DefElem.defname === name ? listOf(n.DefElem.arg) : [],
    );
  const action = s.action ?? {};
  const object = OBJECTS[action.objtype ?? ''];
  if (object === undefined)
    throw ctx.notSupported(`default privileges on ${objectWords(action.objtype)}S`, -1);
  const schemas = namesOf(option('schemas'));
  if (object === 'schema' && schemas.length > 0)
    throw ctx.error('0LP01', 'cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS', -1);
  const clause = clauseOf(ctx, action, object);
  if (clause.privileges.some((p) => p.columns.length > 0))
    throw ctx.error('0LP01', 'default privileges cannot be set for columns', -1);
  return {
    kind: 'alterDefaultPrivileges',
    roles: roleSpecs(option('roles')),
    schemas,
    object,
    clause,
  };
}

/** ALTER SCHEMA ... OWNER TO. */
export function bindAlterOwner(ctx: BindContext, s: AlterOwnerStmt): RoleStatement {
  if (s.objectType !== 'OBJECT_SCHEMA')
    throw ctx.notSupported(`ALTER ${objectWords(s.objectType)} OWNER`, -1);
  const name = stringOf(s.object) ?? '';
  return {
    kind: 'alterOwner',
    object: 'schema',
    name: { schema: undefined, name, position: undefined },
    owner: roleSpec(s.newowner),
    ifExists: false,
  };
}

/** ALTER TABLE and ALTER VIEW ... OWNER TO; undefined when it is another change. */
export function bindTableOwner(ctx: BindContext, s: AlterTableStmt): RoleStatement | undefined {
  const [first, ...others] = s.cmds ?? [];
  if (first === undefined || !('AlterTableCmd' in first) || s.relation === undefined) return undefined;
  const { subtype, newowner } = first.AlterTableCmd;
  if (subtype !== 'AT_ChangeOwner' || others.length > 0) return undefined;
  if (s.objtype !== 'OBJECT_TABLE' && s.objtype !== 'OBJECT_VIEW') return undefined;
  return {
    kind: 'alterOwner',
    object: s.objtype === 'OBJECT_TABLE' ? 'table' : 'view',
    name: {
      schema: s.relation.schemaname,
      name: s.relation.relname ?? '',
      position: ctx.position(s.relation.location),
    },
    owner: roleSpec(newowner),
    ifExists: s.missing_ok === true,
  };
}
