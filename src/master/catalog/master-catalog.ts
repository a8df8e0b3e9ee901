/** The master's catalog: durable changes, look-ups over the current version.
 *
 *  Owns: the in-memory state and its log. Invariants: a change is visible only once it is on disk; changes are applied
 *  one at a time; `version` grows with every change of names or definitions (not of statistics), so that a bound
 *  statement knows whether it is still good. */
import type { Relation } from '../../plan/catalog.js';
import type { StorageId } from '../../types/ids.js';
import {
  BOOTSTRAP_OID,
  PREDEFINED_MEMBERSHIPS,
  PREDEFINED_ROLES,
  RoleGraph,
} from '../../types/roles/role-graph.js';
import { CatalogLog } from './catalog-log.js';
import {
  bootstrapRole,
  type StoredDefaultAcl,
  type StoredRole,
  type StoredRoleSettings,
  settingsKey,
} from './role-state.js';
import {
  applyOp,
  type CatalogOp,
  type CatalogState,
  emptyState,
  fromSnapshot,
  nameKey,
  ownerOf,
  type SnapshotData,
  type StoredRelation,
  type StoredSchema,
  type StoredStats,
  type StoredTable,
  toSnapshot,
} from './state.js';
import { tableStats } from './stats.js';
import { systemTable } from './system/tables.js';

const OIDS_RESERVED = 64;

export class MasterCatalog {
  private readonly state: CatalogState;
  private readonly log: CatalogLog;
  private tail: Promise<void> = Promise.resolve();
  private reservedOid: number;
  private reservedStorageId: number;
  private readonly pendingStorages = new Set<StorageId>();
  private readonly defs = new WeakMap<StoredRelation, Relation>();
  /** What loads have added of which no snapshot shows a row yet, though the statistics tell of it. */
  readonly unseen = new Set<readonly { readonly storageId: StorageId }[]>();
  version = 1;
  private graphed: { readonly version: number; readonly graph: RoleGraph } | undefined;

  private constructor(log: CatalogLog, state: CatalogState) {
    this.log = log;
    this.state = state;
    this.reservedOid = state.nextOid;
    this.reservedStorageId = state.nextStorageId;
  }

  /** Reads the directory's log; creates it when there is none. A catalog without roles gets its superuser. */
  static async open(directory: string, superuser = 'mpp'): Promise<MasterCatalog> {
    const { log, recovered } = await CatalogLog.open(directory);
    const state =
      recovered.snapshot === undefined ? emptyState() : fromSnapshot(recovered.snapshot as SnapshotData);
    for (const record of recovered.records) for (const op of record as CatalogOp[]) applyOp(state, op);
    const catalog = new MasterCatalog(log, state);
    if (!state.access.roles.has(BOOTSTRAP_OID))
      await catalog.commit(() => [{ op: 'putRole', role: bootstrapRole(superuser) }]);
    return catalog;
  }

  async close(): Promise<void> {
    await this.tail;
    await this.log.close();
  }

  /** Runs `change` alone, makes its ops durable, then visible. `change` sees the latest state and throws to refuse. */
  commit(change: () => readonly CatalogOp[]): Promise<void> {
    const run = this.tail.then(async () => {
      const ops = change();
      if (ops.length === 0) return;
      await this.log.append(ops);
      for (const op of ops) applyOp(this.state, op);
      if (ops.some((o) => o.op !== 'stats' && o.op !== 'reserve')) this.version++;
      // The change is durable already; a snapshot that cannot be written now is tried again after the next one.
      if (this.log.wantsCompaction) await this.log.compact(toSnapshot(this.state)).catch(() => {});
    });
    this.tail = run.catch(() => {});
    return run;
  }

  /** A new oid; durable before it is used because ids are reserved in runs. */
  async newOid(): Promise<number> {
    await this.reserve();
    return this.state.nextOid > this.reservedOid
      ? this.reservedOid++
      : Promise.reject(new Error('no oid was reserved'));
  }

  /** A storage that no table owns yet; `releaseStorage` when that has changed or failed. */
  async newStorageId(): Promise<StorageId> {
    await this.reserve();
    const id = this.reservedStorageId++ as StorageId;
    this.pendingStorages.add(id);
    return id;
  }

  releaseStorage(id: StorageId): void {
    this.pendingStorages.delete(id);
  }

  private async reserve(): Promise<void> {
    if (this.reservedOid < this.state.nextOid && this.reservedStorageId < this.state.nextStorageId) return;
    await this.commit(() => {
      if (this.reservedOid < this.state.nextOid && this.reservedStorageId < this.state.nextStorageId)
        return [];
      const nextOid = Math.max(this.state.nextOid, this.reservedOid) + OIDS_RESERVED;
      const nextStorageId = Math.max(this.state.nextStorageId, this.reservedStorageId) + OIDS_RESERVED;
      return [{ op: 'reserve', nextOid, nextStorageId }];
    });
  }

  // ---- look-ups

  /** Storages that segments must keep: those of tables and those of statements under way. */
  liveStorages(): readonly StorageId[] {
    const live = [...this.pendingStorages];
    for (const r of this.state.relations.values()) if (r.kind === 'table') live.push(r.storageId);
    return live;
  }

  schemaOid(name: string): number | undefined {
    return this.state.schemas.get(name)?.oid;
  }

  schemas(): readonly StoredSchema[] {
    return [...this.state.schemas.values()];
  }

  schema(name: string): StoredSchema | undefined {
    return this.state.schemas.get(name);
  }

  // ---- roles

  role(oid: number): StoredRole | undefined {
    return this.state.access.roles.get(oid);
  }

  roleNamed(name: string): StoredRole | undefined {
    for (const r of this.state.access.roles.values()) if (r.name === name) return r;
    return undefined;
  }

  /** Stored ones: not the predefined. */
  roles(): readonly StoredRole[] {
    return [...this.state.access.roles.values()];
  }

  /** All roles and memberships, the predefined ones too. */
  graph(): RoleGraph {
    if (this.graphed?.version !== this.version) {
      const { roles, memberships } = this.state.access;
      const graph = new RoleGraph(
        [...roles.values(), ...PREDEFINED_ROLES],
        [...PREDEFINED_MEMBERSHIPS, ...memberships.values()],
        BOOTSTRAP_OID,
      );
      this.graphed = { version: this.version, graph };
    }
    return this.graphed.graph;
  }

  roleSettings(database: string, role: number): StoredRoleSettings | undefined {
    return this.state.access.roleSettings.get(settingsKey(database, role));
  }

  allRoleSettings(): readonly StoredRoleSettings[] {
    return [...this.state.access.roleSettings.values()];
  }

  defaultAcls(): readonly StoredDefaultAcl[] {
    return [...this.state.access.defaultAcls.values()];
  }

  stored(schema: string, name: string): StoredRelation | undefined {
    const oid = this.state.names.get(nameKey(schema, name));
    return oid === undefined ? undefined : this.state.relations.get(oid);
  }

  storedByOid(oid: number): StoredRelation | undefined {
    return this.state.relations.get(oid);
  }

  /** Undefined for what is no table, or no more. */
  statsVersion(oid: number): number | undefined {
    const stored = this.storedByOid(oid);
    return stored?.kind === 'table' ? stored.stats.version : undefined;
  }

  /** Whether what snapshots show has all that the statistics were widened for: only then may they be narrowed. */
  allSeen(storageId: StorageId): boolean {
    return ![...this.unseen].some((added) => added.some((a) => a.storageId === storageId));
  }

  relations(): readonly StoredRelation[] {
    return [...this.state.relations.values()];
  }

  tables(): readonly StoredTable[] {
    return this.relations().filter((r) => r.kind === 'table');
  }

  /** Tables and views, and the system tables. */
  relation(schema: string, name: string): Relation | undefined {
    const stored = this.stored(schema, name);
    return stored === undefined ? systemTable(schema, name) : this.definition(stored);
  }

  definition(stored: StoredRelation): Relation {
    const known = this.defs.get(stored);
    if (known !== undefined) return known;
    let def: Relation;
    if (stored.kind === 'table') {
      const { primaryKeyOid: _, owner: _owner, acl: _acl, columnAcls: _columns, stats, ...table } = stored;
      def = { ...table, stats: tableStats(stats) };
    } else {
      const { dependsOn: _, acl: _acl, columnAcls: _columns, ...view } = stored;
      def = { ...view, owner: ownerOf(stored) };
    }
    this.defs.set(stored, def);
    return def;
  }

  /** Views that read any of these relations, directly or through views, nearest first. */
  dependents(oids: ReadonlySet<number>): readonly StoredRelation[] {
    const found = new Map<number, StoredRelation>();
    let grew = true;
    while (grew) {
      grew = false;
      for (const r of this.state.relations.values()) {
        if (r.kind !== 'view' || found.has(r.oid) || oids.has(r.oid)) continue;
        if (!r.dependsOn.some((d) => oids.has(d) || found.has(d))) continue;
        found.set(r.oid, r);
        grew = true;
      }
    }
    return [...found.values()].sort((a, b) => a.oid - b.oid);
  }

  /** Replaces a table's statistics if `change` gives other ones; nothing happens when the table is gone. */
  async updateStats(oid: number, change: (stats: StoredStats) => StoredStats): Promise<void> {
    await this.commit(() => {
      const table = this.state.relations.get(oid);
      if (table?.kind !== 'table') return [];
      const stats = change(table.stats);
      return stats === table.stats ? [] : [{ op: 'stats', oid, stats }];
    });
  }
}
