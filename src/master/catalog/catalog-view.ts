/** The catalog as one session sees it: search path, visibility, and the look-ups behind reg* types and pg_get_*().
 *
 *  Implements the planner's `Catalog`, and gives the functions their `CatalogNames`. Names walk pg_catalog first, then the
 *  search path. Source: PostgreSQL, namespace.c and ruleutils.c. */
import type { Catalog, Relation } from '../../plan/catalog.js';
import type { CatalogNames } from '../../types/functions/catalog-names.js';
import { mayUse } from '../../types/roles/object-access.js';
import { BOOTSTRAP_OID } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import { quoteIdentifier } from '../../types/text-io.js';
import type { MasterCatalog } from './master-catalog.js';
import { SYSTEM_SCHEMAS } from './names.js';
import { ownerOf } from './state.js';
import { estimatedBytes } from './stats.js';
import { SYSTEM_TABLES } from './system/tables.js';

export class CatalogView implements Catalog {
  private readonly catalog: MasterCatalog;
  readonly searchPath: readonly string[];
  readonly segmentCount: number;

  private readonly role: number;

  /** Without a role every schema may be used. */
  constructor(
    catalog: MasterCatalog,
    searchPath: readonly string[],
    segmentCount: number,
    role = BOOTSTRAP_OID,
  ) {
    this.catalog = catalog;
    this.role = role;
    this.searchPath = searchPath.filter((s) => this.hasSchema(s) && this.mayUse(s));
    this.segmentCount = segmentCount;
  }

  /** USAGE on the schema. */
  private mayUse(name: string): boolean {
    const schema = this.catalog.schema(name);
    if (schema === undefined) return true;
    const object = { owner: ownerOf(schema), acl: schema.acl };
    return mayUse(this.catalog.graph(), 'schema', object, this.role, 'U');
  }

  /** 42501 for a schema that is named and may not be used. */
  requireUsage(name: string): void {
    if (!this.mayUse(name)) throw new SqlError('42501', `permission denied for schema ${name}`);
  }

  /** What a statement names, with the check of its schema. */
  relationOf(q: { readonly schema: string | undefined; readonly name: string }): Relation | undefined {
    if (q.schema !== undefined) this.requireUsage(q.schema);
    return this.relation(q.schema, q.name);
  }

  relation(schema: string | undefined, name: string): Relation | undefined {
    if (schema !== undefined) return this.catalog.relation(schema, name);
    for (const s of this.lookupPath()) {
      const found = this.catalog.relation(s, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  hasSchema(name: string): boolean {
    return this.catalog.schemaOid(name) !== undefined || SYSTEM_SCHEMAS.has(name);
  }

  /** Whether an unqualified `name` means this relation. */
  visible(schema: string, name: string): boolean {
    for (const s of this.lookupPath()) if (this.catalog.relation(s, name) !== undefined) return s === schema;
    return false;
  }

  private lookupPath(): readonly string[] {
    return this.searchPath.includes('pg_catalog') ? this.searchPath : ['pg_catalog', ...this.searchPath];
  }

  /** The name as messages and reg* output show it. */
  displayName(schema: string, name: string): string {
    return this.visible(schema, name)
      ? quoteIdentifier(name)
      : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  }
}

/** Every name and definition there is, for functions on worker threads. */
export function catalogNames(
  catalog: MasterCatalog,
  view: CatalogView,
  settings: CatalogNames['settings'],
): CatalogNames {
  const relations: CatalogNames['relations'][number][] = SYSTEM_TABLES.map((t) => ({
    oid: t.oid,
    schema: t.schema,
    name: t.name,
    visible: view.visible(t.schema, t.name),
  }));
  const views: (readonly [number, string])[] = [];
  const indexes: (readonly [number, string])[] = [];
  const constraints: (readonly [number, string])[] = [];
  for (const r of catalog.relations()) {
    const { oid, schema, name } = r;
    const visible = view.visible(schema, name);
    relations.push({ oid, schema, name, visible });
    if (r.kind === 'view') {
      views.push([oid, ` ${r.sql.replace(/;\s*$/, '')};`]);
      continue;
    }
    if (r.primaryKeyOid === undefined || r.primaryKey === undefined) continue;
    relations.push({ oid: r.primaryKeyOid, schema, name: `${name}_pkey`, visible });
    const columns = r.primaryKey.map((c) => quoteIdentifier(r.columns[c].name)).join(', ');
    indexes.push([
      r.primaryKeyOid,
      `CREATE UNIQUE INDEX ${quoteIdentifier(`${name}_pkey`)} ON ${quoteIdentifier(schema)}.${quoteIdentifier(name)} USING btree (${columns})`,
    ]);
    constraints.push([r.primaryKeyOid + CONSTRAINT_OID_OFFSET, `PRIMARY KEY (${columns})`]);
  }
  // Sizes are the catalog's estimate; see pg_class.relpages.
  const bytes = catalog.tables().map((t) => [t.oid, estimatedBytes(t)] as const);
  const sizes = [
    ...bytes.map(([oid, size]) => [`mpp.relation_size.${oid}`, String(size)] as const),
    ['mpp.database_size', String(bytes.reduce((sum, [, size]) => sum + size, 0))] as const,
  ];
  return {
    relations,
    namespaces: [
      ...[...SYSTEM_SCHEMAS].map(([name, oid]) => [oid, name] as const),
      ...catalog.schemas().map((s) => [s.oid, s.name] as const),
    ],
    views,
    indexes,
    constraints,
    roles: catalog.graph().roles.map((r) => [r.oid, r.name] as const),
    settings: [...settings, ...sizes],
  };
}

/** The constraint's oid follows from its index's: both exist only as rows of pg_catalog. */
export const CONSTRAINT_OID_OFFSET = 0x40000000;
