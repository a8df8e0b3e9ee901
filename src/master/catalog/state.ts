/** The catalog's state and the changes it goes through: plain data, replayed from the log at start.
 *
 *  Owns: what is stored of schemas, tables, views and statistics, and `applyOp`. Must not know: files, messages.
 *  Invariant: applying the same ops in the same order gives the same state; oids and storage ids are never reused. */
import type { ColumnDef, ColumnStats, Distribution } from '../../plan/catalog.js';
import type { StorageId } from '../../types/ids.js';
import type { Acl } from '../../types/roles/acl.js';
import { BOOTSTRAP_OID, PG_DATABASE_OWNER, PUBLIC_ROLE } from '../../types/roles/role-graph.js';
import type { Range, SqlType } from '../../types/sql-type.js';
import {
  applyRoleOp,
  emptyRoleState,
  type RoleOp,
  type RoleSnapshot,
  type RoleState,
  roleSnapshot,
  roleStateFrom,
} from './role-state.js';

/** Absent in what versions without roles have written: the bootstrap superuser's, never granted. */
export type StoredAccess = {
  readonly owner?: number;
  readonly acl?: Acl | undefined;
};

export type StoredSchema = StoredAccess & { readonly oid: number; readonly name: string };

/** Bounds of one column: `none` while the table has no rows, undefined when nothing is known. */
export type StoredBounds = {
  readonly range: Range | 'none' | undefined;
  readonly noNulls: boolean;
  /** Some numeric may be NaN; absent means that none is. */
  readonly hasNan?: boolean;
};

export type StoredStats = {
  readonly rows: number;
  readonly bounds: readonly StoredBounds[];
  /** From ANALYZE, by ordinal. */
  readonly estimates: readonly (ColumnStats | null)[] | undefined;
  readonly version: number;
};

export type StoredTable = StoredAccess & {
  readonly kind: 'table';
  /** By ordinal. */
  readonly columnAcls?: Readonly<Record<number, Acl>> | undefined;
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ColumnDef[];
  readonly primaryKey: readonly number[] | undefined;
  /** Oid of the primary key's index entry, which exists in pg_class only. */
  readonly primaryKeyOid: number | undefined;
  readonly distribution: Distribution;
  readonly storageId: StorageId;
  readonly stats: StoredStats;
};

export type StoredView = StoredAccess & {
  readonly kind: 'view';
  readonly columnAcls?: Readonly<Record<number, Acl>> | undefined;
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly sql: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  /** Oids of the tables and views it reads. */
  readonly dependsOn: readonly number[];
};

export type StoredRelation = StoredTable | StoredView;

export function ownerOf(o: StoredAccess): number {
  return o.owner ?? BOOTSTRAP_OID;
}

export type CatalogOp =
  | RoleOp
  | { readonly op: 'reserve'; readonly nextOid: number; readonly nextStorageId: number }
  | { readonly op: 'putSchema'; readonly schema: StoredSchema }
  | { readonly op: 'dropSchema'; readonly name: string }
  | { readonly op: 'put'; readonly relation: StoredRelation }
  | { readonly op: 'drop'; readonly oid: number }
  | { readonly op: 'stats'; readonly oid: number; readonly stats: StoredStats };

export type CatalogState = {
  nextOid: number;
  nextStorageId: number;
  readonly schemas: Map<string, StoredSchema>;
  readonly relations: Map<number, StoredRelation>;
  /** `schema.name` (with a zero byte between) to oid. */
  readonly names: Map<string, number>;
  readonly access: RoleState;
};

export const FIRST_USER_OID = 16384;
export const PUBLIC_OID = 2200;

export function emptyState(): CatalogState {
  return {
    nextOid: FIRST_USER_OID,
    nextStorageId: 1,
    schemas: new Map([['public', publicSchema()]]),
    relations: new Map(),
    names: new Map(),
    access: emptyRoleState(),
  };
}

/** As PostgreSQL 15 makes it: everybody may use it, its owner alone may create in it. */
function publicSchema(): StoredSchema {
  const owner = PG_DATABASE_OWNER;
  return {
    oid: PUBLIC_OID,
    name: 'public',
    owner,
    acl: [
      { grantee: owner, grantor: owner, privileges: 'UC', grantable: '' },
      { grantee: PUBLIC_ROLE, grantor: owner, privileges: 'U', grantable: '' },
    ],
  };
}

export function nameKey(schema: string, name: string): string {
  return `${schema}\0${name}`;
}

export function applyOp(state: CatalogState, op: CatalogOp): void {
  switch (op.op) {
    case 'reserve':
      state.nextOid = Math.max(state.nextOid, op.nextOid);
      state.nextStorageId = Math.max(state.nextStorageId, op.nextStorageId);
      return;
    case 'putSchema':
      state.schemas.set(op.schema.name, op.schema);
      state.nextOid = Math.max(state.nextOid, op.schema.oid + 1);
      return;
    case 'dropSchema':
      state.schemas.delete(op.name);
      return;
    case 'put':
      putRelation(state, op.relation);
      return;
    case 'drop': {
      const relation = state.relations.get(op.oid);
      if (relation === undefined) return;
      state.relations.delete(op.oid);
      state.names.delete(nameKey(relation.schema, relation.name));
      return;
    }
    case 'stats': {
      const table = state.relations.get(op.oid);
      if (table?.kind === 'table') state.relations.set(op.oid, { ...table, stats: op.stats });
      return;
    }
    default:
      applyRoleOp(state.access, op);
      if (op.op === 'putRole') state.nextOid = Math.max(state.nextOid, op.role.oid + 1);
  }
}

function putRelation(state: CatalogState, r: StoredRelation): void {
  const before = state.relations.get(r.oid);
  if (before !== undefined) state.names.delete(nameKey(before.schema, before.name));
  state.relations.set(r.oid, r);
  state.names.set(nameKey(r.schema, r.name), r.oid);
  state.nextOid = Math.max(state.nextOid, r.oid + 1);
  if (r.kind !== 'table') return;
  if (r.primaryKeyOid !== undefined) state.nextOid = Math.max(state.nextOid, r.primaryKeyOid + 1);
  state.nextStorageId = Math.max(state.nextStorageId, r.storageId + 1);
}

/** What the snapshot file holds. */
export type SnapshotData = {
  readonly format: 1;
  readonly nextOid: number;
  readonly nextStorageId: number;
  readonly schemas: readonly StoredSchema[];
  readonly relations: readonly StoredRelation[];
  readonly access?: RoleSnapshot;
};

export function toSnapshot(state: CatalogState): SnapshotData {
  return {
    format: 1,
    nextOid: state.nextOid,
    nextStorageId: state.nextStorageId,
    schemas: [...state.schemas.values()],
    relations: [...state.relations.values()],
    access: roleSnapshot(state.access),
  };
}

export function fromSnapshot(data: SnapshotData): CatalogState {
  if (data.format !== 1) throw new Error(`the catalog snapshot has format ${String(data.format)}, not 1`);
  const state: CatalogState = { ...emptyState(), access: roleStateFrom(data.access) };
  // Without an owner it is a version's that knew none.
  const known = (s: StoredSchema) => (s.oid === PUBLIC_OID && s.owner === undefined ? publicSchema() : s);
  state.schemas.clear();
  for (const s of data.schemas) state.schemas.set(s.name, known(s));
  for (const r of data.relations) putRelation(state, r);
  state.nextOid = data.nextOid;
  state.nextStorageId = data.nextStorageId;
  return state;
}
