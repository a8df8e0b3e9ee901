/** Has the role the privileges that a bound statement needs? Asked whenever the statement runs; the answer is kept with the
 *  binding, which a change of catalog, roles or current role replaces.
 *
 *  Source: PostgreSQL 15, execMain.c (ExecCheckRTEPerms). */
import type { RelationAccess } from '../../plan/bind/relation-access.js';
import {
  mayUse,
  mayUseAnyColumn,
  mayUseColumn,
  type OwnedRelation,
} from '../../types/roles/object-access.js';
import { PG_READ_SERVER_FILES, PG_WRITE_SERVER_FILES } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import type { MasterCatalog } from '../catalog/master-catalog.js';
import { ownerOf } from '../catalog/state.js';
import { systemRelation } from '../catalog/system/secrets.js';
import type { Binding } from '../session/prepared.js';
import type { Session } from '../session/session.js';
import { deniedFor } from './access.js';

/** A relation as the checks see it; undefined when it is gone. */
export function ownedRelation(catalog: MasterCatalog, a: RelationAccess): OwnedRelation | undefined {
  if (a.kind === 'virtual') return systemRelation(a.schema, a.name);
  const stored = catalog.storedByOid(a.oid);
  return stored && { owner: ownerOf(stored), acl: stored.acl, columnAcls: stored.columnAcls };
}

export function checkAccess(session: Session, binding: Binding): void {
  if (binding.allowed) return;
  const { statement } = binding;
  for (const a of statement.accesses) checkRelation(session, a);
  if (statement.kind === 'copyFrom' && statement.from.kind === 'file')
    checkFile(session, PG_READ_SERVER_FILES, 'from');
  if (statement.kind === 'copyTo' && statement.to.kind === 'file')
    checkFile(session, PG_WRITE_SERVER_FILES, 'to');
  binding.allowed = true;
}

function checkRelation(session: Session, a: RelationAccess): void {
  const { catalog } = session.services;
  const { graph, current } = session.identity;
  const role = a.checkAs ?? current;
  const relation = ownedRelation(catalog, a);
  if (relation === undefined || mayUse(graph, 'table', relation, role, a.letter)) return;
  const byColumn =
    a.letter !== 'D' &&
    (a.columns.size === 0
      ? mayUseAnyColumn(graph, relation, role, a.letter)
      : [...a.columns].every((i) => mayUseColumn(graph, relation, role, a.letter, i)));
  if (byColumn) return;
  const isView = a.kind === 'view' || (a.kind === 'virtual' && a.oid >= 10000);
  throw deniedFor(isView ? 'view' : 'table', a.name);
}

function checkFile(session: Session, role: number, direction: 'from' | 'to'): void {
  const { identity } = session;
  if (identity.has(role)) return;
  throw new SqlError(
    '42501',
    `must be superuser or have privileges of the ${identity.graph.nameOf(role)} role to COPY ${direction} a file`,
    { hint: "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone." },
  );
}
