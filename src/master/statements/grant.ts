/** GRANT and REVOKE on tables, columns and schemas. Source: PostgreSQL 15, aclchk.c (ExecGrant_Relation and kin). */
import type { GrantClause } from '../../plan/bind/role-statements.js';
import {
  type Acl,
  type AclItem,
  type AclObject,
  bestGrantor,
  defaultAcl,
  grant,
  heldPrivileges,
  intersection,
  OBJECT_LETTERS,
  PRIVILEGE_LETTERS,
  revoke,
  union,
} from '../../types/roles/acl.js';
import { aclOf } from '../../types/roles/object-access.js';
import { PUBLIC_ROLE } from '../../types/roles/role-graph.js';
import { SqlError, unreachable } from '../../types/sql-error.js';
import { undefinedSchema } from '../catalog/names.js';
import { type CatalogOp, ownerOf, type StoredRelation, type StoredSchema } from '../catalog/state.js';
import type { Session } from '../session/session.js';
import { deniedFor } from './access.js';
import { granteeOf, roleOf } from './role-names.js';
import type { Statement } from './statement.js';

export async function runGrant(session: Session, s: Statement<'grant'>): Promise<string> {
  const { catalog } = session.services;
  await catalog.commit(() => {
    const change = new AclChange(session, s.clause);
    switch (s.objects.kind) {
      case 'table':
        return s.objects.names.map((q) => {
          const found = session.catalogView().relationOf(q);
          const stored = found === undefined ? undefined : catalog.storedByOid(found.oid);
          if (found === undefined)
            throw new SqlError(
              '42P01',
              `relation "${q.schema === undefined ? q.name : `${q.schema}.${q.name}`}" does not exist`,
            );
          if (stored === undefined)
            throw new SqlError('0A000', `privileges on system relation "${found.name}" cannot be changed`);
          return change.relation(stored);
        });
      case 'allTables':
        return s.objects.schemas.flatMap((name) => {
          if (catalog.schema(name) === undefined) throw undefinedSchema(name);
          return catalog
            .relations()
            .filter((r) => r.schema === name)
            .map((r) => change.relation(r));
        });
      case 'schema':
        return s.objects.names.map((name) => {
          const schema = catalog.schema(name);
          if (schema === undefined) throw undefinedSchema(name);
          return change.schema(schema);
        });
      default:
        return unreachable(s.objects);
    }
  });
  return s.clause.grant ? 'GRANT' : 'REVOKE';
}

/** Letters of a clause's privileges over the whole object; those with columns are left out. */
export function wholeLetters(clause: GrantClause, object: AclObject): string {
  if (clause.privileges.length === 0) return OBJECT_LETTERS[object];
  return clause.privileges
    .filter((p) => p.columns.length === 0)
    .reduce(
      (all, p) =>
        union(all, p.privilege === undefined ? OBJECT_LETTERS[object] : PRIVILEGE_LETTERS[p.privilege]!),
      '',
    );
}

/** What the clause makes of a list, for all grantees. `letters` are those that the grantor may give. */
export function changedAcl(
  clause: GrantClause,
  acl: Acl,
  grantees: readonly number[],
  grantor: number,
  letters: string,
  owner: number,
): Acl {
  let now = acl;
  for (const grantee of grantees) {
    if (clause.grant) {
      const item: AclItem = {
        grantee,
        grantor,
        privileges: letters,
        grantable: clause.grantOption ? letters : '',
      };
      now = grant(now, item, owner);
    } else {
      const item: AclItem = {
        grantee,
        grantor,
        privileges: clause.grantOption ? '' : letters,
        grantable: letters,
      };
      now = revoke(now, item, owner, clause.cascade ? 'cascade' : 'restrict');
    }
  }
  return now;
}

export function checkClause(session: Session, clause: GrantClause): readonly number[] {
  if (clause.grantedBy !== undefined && roleOf(session, clause.grantedBy).oid !== session.identity.current)
    throw new SqlError('0A000', 'grantor must be current user');
  const grantees = clause.grantees.map((g) => granteeOf(session, g));
  if (clause.grant && clause.grantOption && grantees.includes(PUBLIC_ROLE))
    throw new SqlError('0LP01', 'grant options can only be granted to roles');
  return grantees;
}

class AclChange {
  private readonly session: Session;
  private readonly clause: GrantClause;
  private readonly grantees: readonly number[];

  constructor(session: Session, clause: GrantClause) {
    this.session = session;
    this.clause = clause;
    this.grantees = checkClause(session, clause);
  }

  schema(s: StoredSchema): CatalogOp {
    if (this.clause.privileges.some((p) => p.columns.length > 0))
      throw new SqlError('0LP01', 'column privileges are only valid for relations');
    const owner = ownerOf(s);
    const acl = aclOf('schema', { owner, acl: s.acl });
    const wanted = wholeLetters(this.clause, 'schema');
    return { op: 'putSchema', schema: { ...s, acl: this.changed('schema', s.name, acl, owner, wanted) } };
  }

  relation(r: StoredRelation): CatalogOp {
    const owner = ownerOf(r);
    const acl = aclOf('table', { owner, acl: r.acl });
    const whole = wholeLetters(this.clause, 'table');
    const byColumn = this.columnLetters(r);
    // What is revoked from the whole is revoked from its columns.
    if (!this.clause.grant)
      for (const ordinal of Object.keys(r.columnAcls ?? {}).map(Number)) {
        const letters = union(byColumn.get(ordinal) ?? '', intersection(whole, OBJECT_LETTERS.column));
        if (letters !== '') byColumn.set(ordinal, letters);
      }
    const next = whole === '' ? r.acl : this.changed(r.kind, r.name, acl, owner, whole);
    const columnAcls: Record<number, Acl> = { ...r.columnAcls };
    for (const [ordinal, letters] of byColumn) {
      const before = columnAcls[ordinal] ?? defaultAcl('column', owner);
      const column = r.columns[ordinal]!.name;
      const after = this.changedColumn(r, column, acl, before, owner, letters);
      if (after.length === 0) delete columnAcls[ordinal];
      else columnAcls[ordinal] = after;
    }
    return { op: 'put', relation: { ...r, acl: next, columnAcls } };
  }

  /** By ordinal, of the privileges that name columns. */
  private columnLetters(r: StoredRelation): Map<number, string> {
    const found = new Map<number, string>();
    for (const p of this.clause.privileges) {
      const letters = p.privilege === undefined ? OBJECT_LETTERS.column : PRIVILEGE_LETTERS[p.privilege]!;
      for (const name of p.columns) {
        const ordinal = r.columns.findIndex((c) => c.name === name);
        if (ordinal < 0)
          throw new SqlError('42703', `column "${name}" of relation "${r.name}" does not exist`);
        found.set(ordinal, union(found.get(ordinal) ?? '', letters));
      }
    }
    return found;
  }

  private changed(
    kind: 'table' | 'view' | 'schema',
    name: string,
    acl: Acl,
    owner: number,
    wanted: string,
  ): Acl {
    const { graph, current } = this.session.identity;
    const { grantor, options } = bestGrantor(graph, acl, current, owner, wanted);
    const object = kind === 'schema' ? 'schema' : 'table';
    if (options === '' && heldPrivileges(graph, acl, grantor, OBJECT_LETTERS[object]) === '')
      throw deniedFor(kind, name);
    this.warn(wanted, options, `"${name}"`);
    return changedAcl(this.clause, acl, this.grantees, grantor, options, owner);
  }

  private changedColumn(
    r: StoredRelation,
    column: string,
    tableAcl: Acl,
    acl: Acl,
    owner: number,
    wanted: string,
  ): Acl {
    const { graph, current } = this.session.identity;
    // Options on the table are options on its columns.
    const both = [...tableAcl, ...acl];
    const { grantor, options } = bestGrantor(graph, both, current, owner, wanted);
    if (options === '' && heldPrivileges(graph, both, grantor, OBJECT_LETTERS.column) === '')
      throw deniedFor(r.kind, r.name);
    this.warn(wanted, options, `column "${column}" of relation "${r.name}"`);
    return changedAcl(this.clause, acl, this.grantees, grantor, options, owner);
  }

  private warn(wanted: string, options: string, shown: string): void {
    const { clause, session } = this;
    const all = clause.privileges.length === 0 || clause.privileges.some((p) => p.privilege === undefined);
    const [code, none, some] = clause.grant
      ? ['01007', 'no privileges were granted for', 'not all privileges were granted for']
      : ['01006', 'no privileges could be revoked for', 'not all privileges could be revoked for'];
    if (options === '') session.notice({ severity: 'WARNING', code, message: `${none} ${shown}` });
    else if (!all && options.length < wanted.length)
      session.notice({ severity: 'WARNING', code, message: `${some} ${shown}` });
  }
}
