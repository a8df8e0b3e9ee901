/** CREATE and DROP of tables, views and schemas, and ALTER ... RENAME.
 *
 *  Owns: existence, dependencies (RESTRICT and CASCADE) and how PostgreSQL words them. Invariant: a statement's
 *  changes are one record of the catalog's log. Source: PostgreSQL, dependency.c and dropcmds.c. */
import type { NewTable } from '../../plan/bind/statement.js';
import { parseSql } from '../../plan/sql/parse.js';
import { SqlError } from '../../types/sql-error.js';
import { typeName } from '../../types/sql-type.js';
import { quoteIdentifier } from '../../types/text-io.js';
import { duplicateRelation, refuseSystemSchema, SYSTEM_SCHEMAS, undefinedSchema } from '../catalog/names.js';
import {
  type CatalogOp,
  ownerOf,
  type StoredRelation,
  type StoredTable,
  type StoredView,
} from '../catalog/state.js';
import { emptyStats } from '../catalog/stats.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';
import {
  requireCreateIn,
  requireCreateInDatabase,
  requireDropper,
  requireMemberOf,
  requireOwner,
  requireSchemaOwner,
} from './access.js';
import { newAccess, newObjectAcl } from './default-privileges.js';
import { dependencies } from './dependencies.js';
import { dropStorages } from './load.js';
import { roleOf } from './role-names.js';
import type { Statement } from './statement.js';

function skipping(session: Session, code: string, message: string): void {
  session.notice({ severity: 'NOTICE', code, message: `${message}, skipping` });
}

export async function createTable(session: Session, s: Statement<'createTable'>): Promise<string> {
  const { catalog } = session.services;
  const { schema, name } = s.table;
  refuseSystemSchema(schema, name);
  if (catalog.relation(schema, name) !== undefined && s.ifNotExists) {
    skipping(session, '42P07', `relation "${name}" already exists`);
    return 'CREATE TABLE';
  }
  const oid = await catalog.newOid();
  const primaryKeyOid = s.table.primaryKey === undefined ? undefined : await catalog.newOid();
  const storageId = await catalog.newStorageId();
  try {
    await catalog.commit(() => {
      if (catalog.schemaOid(schema) === undefined) throw undefinedSchema(schema);
      requireCreateIn(session, schema);
      if (catalog.relation(schema, name) !== undefined) throw duplicateRelation(name);
      const table = newTable(s.table, oid, primaryKeyOid, storageId);
      return [{ op: 'put', relation: { ...table, ...newAccess(session, schema) } }];
    });
  } finally {
    catalog.releaseStorage(storageId);
  }
  return 'CREATE TABLE';
}

function newTable(
  table: NewTable,
  oid: number,
  primaryKeyOid: number | undefined,
  storageId: StoredTable['storageId'],
): StoredTable {
  return {
    ...table,
    kind: 'table',
    oid,
    primaryKeyOid,
    storageId,
    stats: emptyStats(table.columns.length, 1),
  };
}

export async function createView(session: Session, s: Statement<'createView'>): Promise<string> {
  const { catalog } = session.services;
  refuseSystemSchema(s.schema, s.name);
  const fresh = await catalog.newOid();
  await catalog.commit(() => {
    if (catalog.schemaOid(s.schema) === undefined) throw undefinedSchema(s.schema);
    requireCreateIn(session, s.schema);
    const before = catalog.stored(s.schema, s.name);
    if (before !== undefined) {
      if (s.replace) requireOwner(session, before);
      if (!s.replace) throw duplicateRelation(s.name);
      if (before.kind !== 'view') throw new SqlError('42809', `"${s.name}" is not a view`);
      checkReplacement(before, s);
    }
    const dependsOn = dependencies(
      parseSql(s.sql)[0].node,
      (schema, name) => catalog.relation(schema, name)?.oid,
    );
    const relation: StoredView = {
      kind: 'view',
      oid: before?.oid ?? fresh,
      schema: s.schema,
      name: s.name,
      sql: s.sql,
      columns: s.columns,
      dependsOn,
      ...(before === undefined
        ? newAccess(session, s.schema)
        : { owner: ownerOf(before), acl: before.acl, columnAcls: before.columnAcls }),
    };
    return [{ op: 'put', relation }];
  });
  return 'CREATE VIEW';
}

/** CREATE OR REPLACE may add columns at the end and change nothing else. Source: view.c, checkViewTupleDesc. */
function checkReplacement(before: StoredView, s: Statement<'createView'>): void {
  if (s.columns.length < before.columns.length) throw new SqlError('42P16', 'cannot drop columns from view');
  for (const [i, old] of before.columns.entries()) {
    const now = s.columns[i];
    if (now.name !== old.name)
      throw new SqlError('42P16', `cannot change name of view column "${old.name}" to "${now.name}"`, {
        hint: 'Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.',
      });
    if (typeName(now.type) !== typeName(old.type))
      throw new SqlError(
        '42P16',
        `cannot change data type of view column "${old.name}" from ${typeName(old.type)} to ${typeName(now.type)}`,
      );
  }
}

export async function createSchema(session: Session, s: Statement<'createSchema'>): Promise<string> {
  const { catalog } = session.services;
  const owner = s.owner === undefined ? undefined : roleOf(session, s.owner);
  const name = s.name ?? owner?.name ?? session.identity.user;
  requireCreateInDatabase(session);
  if (owner !== undefined) requireMemberOf(session, owner.oid);
  if (catalog.schemaOid(name) !== undefined || SYSTEM_SCHEMAS.has(name)) {
    if (!s.ifNotExists) throw new SqlError('42P06', `schema "${name}" already exists`);
    skipping(session, '42P06', `schema "${name}" already exists`);
    return 'CREATE SCHEMA';
  }
  if (name.startsWith('pg_'))
    throw new SqlError('42939', `unacceptable schema name "${name}"`, {
      detail: 'The prefix "pg_" is reserved for system schemas.',
    });
  const oid = await catalog.newOid();
  await catalog.commit(() => {
    if (catalog.schemaOid(name) !== undefined) throw new SqlError('42P06', `schema "${name}" already exists`);
    const ownerOid = owner?.oid ?? session.identity.current;
    const acl = newObjectAcl(catalog, ownerOid, undefined, 'schema');
    return [{ op: 'putSchema', schema: { oid, name, owner: ownerOid, acl } }];
  });
  return 'CREATE SCHEMA';
}

// ---------------------------------------------------------------- DROP

type Targets = { readonly relations: readonly StoredRelation[]; readonly schemas: readonly string[] };

export async function dropObjects(
  session: Session,
  s: Statement<'drop'>,
  context: RunContext,
): Promise<string> {
  const { catalog, locks } = session.services;
  const tag = `DROP ${s.object.toUpperCase()}`;
  const timeoutMs = session.settings.number('lock_timeout');
  const named = targets(session, s, false);
  const oids = [...named.relations, ...inSchemas(session, named.schemas)].map((r) => r.oid);
  const dependents = catalog.dependents(new Set(oids)).map((r) => r.oid);
  const release = await locks.acquire(
    [...oids, ...dependents],
    'exclusive',
    session,
    context.signal,
    timeoutMs,
  );
  let dropped: readonly StoredRelation[] = [];
  try {
    await catalog.commit(() => {
      const now = targets(session, s, true);
      dropped = withDependents(session, s, now);
      return [
        ...dropped.map((r): CatalogOp => ({ op: 'drop', oid: r.oid })),
        ...now.schemas.map((name): CatalogOp => ({ op: 'dropSchema', name })),
      ];
    });
  } finally {
    release();
  }
  await dropStorages(
    session,
    dropped.flatMap((r) => (r.kind === 'table' ? [r.storageId] : [])),
  );
  return tag;
}

/** What the statement names. `report`: missing ones are errors or notices now. */
function targets(session: Session, s: Statement<'drop'>, report: boolean): Targets {
  const { catalog } = session.services;
  const relations: StoredRelation[] = [];
  const schemas: string[] = [];
  for (const q of s.names) {
    if (s.object === 'schema') {
      if (SYSTEM_SCHEMAS.has(q.name))
        throw new SqlError(
          '2BP01',
          `cannot drop schema ${q.name} because it is required by the database system`,
        );
      const schema = catalog.schema(q.name);
      if (schema !== undefined) {
        requireSchemaOwner(session, schema);
        schemas.push(q.name);
      } else if (report) missing(session, s, '3F000', `schema "${q.name}" does not exist`);
      continue;
    }
    const found = session.catalogView().relationOf(q);
    const shown = q.schema === undefined ? q.name : `${q.schema}.${q.name}`;
    if (found === undefined) {
      if (report) {
        if (q.schema !== undefined && !session.catalogView().hasSchema(q.schema))
          missing(session, s, '3F000', `schema "${q.schema}" does not exist`);
        else missing(session, s, '42P01', `${s.object} "${shown}" does not exist`);
      }
      continue;
    }
    if (found.kind === 'virtual')
      throw new SqlError('42501', `permission denied: "${found.name}" is a system catalog`);
    if (found.kind !== s.object)
      throw new SqlError('42809', `"${q.name}" is not a ${s.object}`, {
        hint: `Use DROP ${found.kind.toUpperCase()} to remove a ${found.kind}.`,
      });
    const stored = catalog.storedByOid(found.oid)!;
    requireDropper(session, stored);
    if (!relations.includes(stored)) relations.push(stored);
  }
  return { relations, schemas };
}

function missing(session: Session, s: Statement<'drop'>, code: string, message: string): void {
  if (!s.ifExists) throw new SqlError(code, message);
  skipping(session, '00000', message);
}

function inSchemas(session: Session, schemas: readonly string[]): readonly StoredRelation[] {
  return session.services.catalog.relations().filter((r) => schemas.includes(r.schema));
}

function withDependents(session: Session, s: Statement<'drop'>, named: Targets): readonly StoredRelation[] {
  const { catalog } = session.services;
  const view = session.catalogView();
  const nameOf = (r: StoredRelation) => `${r.kind} ${view.displayName(r.schema, r.name)}`;
  const contained = inSchemas(session, named.schemas).filter((r) => !named.relations.includes(r));
  const roots = [...named.relations, ...contained];
  const explicit = new Set(named.relations.map((r) => r.oid));
  const rootOids = new Set(roots.map((r) => r.oid));
  const dependents = catalog.dependents(rootOids).filter((r) => !rootOids.has(r.oid));
  const implied = [...contained, ...dependents];
  if (implied.length > 0 && !s.cascade) {
    const lines: string[] = contained.map(
      (r) => `${nameOf(r)} depends on schema ${quoteIdentifier(r.schema)}`,
    );
    for (const d of dependents) {
      if (d.kind !== 'view') continue;
      for (const on of d.dependsOn) {
        const target = catalog.storedByOid(on);
        if (target !== undefined && (rootOids.has(on) || dependents.includes(target)))
          lines.push(`${nameOf(d)} depends on ${nameOf(target)}`);
      }
    }
    const many = s.names.length > 1;
    const what = many
      ? 'desired object(s)'
      : s.object === 'schema'
        ? `schema ${quoteIdentifier(s.names[0].name)}`
        : nameOf(named.relations[0]);
    throw new SqlError(
      '2BP01',
      `cannot drop ${what} because other objects depend on ${many ? 'them' : 'it'}`,
      {
        detail: lines.join('\n'),
        hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
      },
    );
  }
  const extra = implied.filter((r) => !explicit.has(r.oid));
  if (extra.length === 1)
    session.notice({ severity: 'NOTICE', code: '00000', message: `drop cascades to ${nameOf(extra[0])}` });
  else if (extra.length > 1)
    session.notice({
      severity: 'NOTICE',
      code: '00000',
      message: `drop cascades to ${extra.length} other objects`,
      detail: extra.map((r) => `drop cascades to ${nameOf(r)}`).join('\n'),
    });
  return [...roots, ...dependents];
}

// ---------------------------------------------------------------- RENAME

export async function renameRelation(
  session: Session,
  s: Statement<'renameTable'>,
  context: RunContext,
): Promise<string> {
  const { catalog, locks } = session.services;
  const tag = `ALTER ${s.object.toUpperCase()}`;
  const { schema, name } = s.relation;
  const found = session.catalogView().relationOf(s.relation);
  if (found === undefined) {
    const message = `relation "${schema === undefined ? name : `${schema}.${name}`}" does not exist`;
    if (!s.ifExists) throw new SqlError('42P01', message);
    skipping(session, '00000', `relation "${name}" does not exist`);
    return tag;
  }
  if (found.kind === 'virtual')
    throw new SqlError('42501', `permission denied: "${found.name}" is a system catalog`);
  if (s.object === 'view' && found.kind !== 'view') throw new SqlError('42809', `"${name}" is not a view`);
  requireOwner(session, catalog.storedByOid(found.oid)!);
  requireCreateIn(session, found.schema);
  const timeoutMs = session.settings.number('lock_timeout');
  const release = await locks.acquire([found.oid], 'exclusive', session, context.signal, timeoutMs);
  try {
    await catalog.commit(() => {
      const stored = catalog.storedByOid(found.oid);
      if (stored === undefined) throw new SqlError('42P01', `relation "${name}" does not exist`);
      if (catalog.relation(stored.schema, s.to) !== undefined) throw duplicateRelation(s.to);
      // Views keep the text they were made of: one that reads a renamed relation must be made again.
      const dependent = catalog.dependents(new Set([stored.oid]))[0];
      if (dependent !== undefined)
        throw new SqlError(
          '0A000',
          `renaming a relation that view "${dependent.name}" reads is not supported yet`,
        );
      return [{ op: 'put', relation: { ...stored, name: s.to } }];
    });
  } finally {
    release();
  }
  return tag;
}
