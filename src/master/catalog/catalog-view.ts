/** The catalog as one session sees it: search path, visibility, and the look-ups behind reg* types and pg_get_*().
 *
 *  Implements the planner's `Catalog` and the functions' `CatalogFunctions`. Names walk pg_catalog first, then the
 *  search path. Source: PostgreSQL, namespace.c and ruleutils.c. */
import type { Catalog, Relation } from '../../plan/catalog.js';
import type { CatalogFunctions } from '../../types/functions/registry-types.js';
import { quoteIdentifier } from '../../types/text-io.js';
import { splitIdentifiers } from '../session/settings.js';
import type { MasterCatalog } from './master-catalog.js';
import { SYSTEM_SCHEMAS } from './names.js';
import { systemTableByOid } from './system/tables.js';

export class CatalogView implements Catalog {
  private readonly catalog: MasterCatalog;
  readonly searchPath: readonly string[];
  readonly segmentCount: number;

  constructor(catalog: MasterCatalog, searchPath: readonly string[], segmentCount: number) {
    this.catalog = catalog;
    this.searchPath = searchPath.filter((s) => catalog.schemaOid(s) !== undefined || SYSTEM_SCHEMAS.has(s));
    this.segmentCount = segmentCount;
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

export function catalogFunctions(
  catalog: MasterCatalog,
  view: CatalogView,
  setting: (name: string) => string | undefined,
): CatalogFunctions {
  const nameOf = (oid: number) => {
    const stored = catalog.storedByOid(oid);
    if (stored !== undefined) return stored;
    const index = catalog.tables().find((t) => t.primaryKeyOid === oid);
    if (index !== undefined) return { schema: index.schema, name: `${index.name}_pkey` };
    return systemTableByOid(oid);
  };
  return {
    relationName(oid) {
      const r = nameOf(oid);
      return r === undefined
        ? undefined
        : {
            schema: r.schema,
            name: r.name,
            visible: view.visible(r.schema, r.name) || r.name.endsWith('_pkey'),
          };
    },
    relationOid(text) {
      const parts = splitQualified(text);
      if (parts.length === 0 || parts.length > 3) return undefined;
      const name = parts[parts.length - 1];
      const schema = parts.length > 1 ? parts[parts.length - 2] : undefined;
      const found = view.relation(schema, name);
      if (found !== undefined) return found.oid;
      return catalog
        .tables()
        .find(
          (t) =>
            t.primaryKeyOid !== undefined && `${t.name}_pkey` === name && (schema ?? t.schema) === t.schema,
        )?.primaryKeyOid;
    },
    viewDefinition(oid) {
      const r = catalog.storedByOid(oid);
      return r?.kind === 'view' ? ` ${r.sql.replace(/;\s*$/, '')};` : undefined;
    },
    namespaceName(oid) {
      for (const [name, schemaOid] of SYSTEM_SCHEMAS) if (schemaOid === oid) return name;
      return catalog.schemas().find((s) => s.oid === oid)?.name;
    },
    indexDefinition(oid) {
      const t = catalog.tables().find((x) => x.primaryKeyOid === oid);
      if (t === undefined) return undefined;
      const columns = t.primaryKey!.map((c) => quoteIdentifier(t.columns[c].name)).join(', ');
      const index = quoteIdentifier(`${t.name}_pkey`);
      return `CREATE UNIQUE INDEX ${index} ON ${quoteIdentifier(t.schema)}.${quoteIdentifier(t.name)} USING btree (${columns})`;
    },
    constraintDefinition(oid) {
      const t = catalog
        .tables()
        .find((x) => x.primaryKeyOid !== undefined && x.primaryKeyOid + CONSTRAINT_OID_OFFSET === oid);
      if (t === undefined) return undefined;
      return `PRIMARY KEY (${t.primaryKey!.map((c) => quoteIdentifier(t.columns[c].name)).join(', ')})`;
    },
    settings: setting,
  };
}

/** The constraint's oid follows from its index's: both exist only as rows of pg_catalog. */
export const CONSTRAINT_OID_OFFSET = 0x40000000;

/** The parts of a dotted name, each maybe quoted. */
export function splitQualified(text: string): readonly string[] {
  return text
    .trim()
    .split(/\.(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    .flatMap((part) => splitIdentifiers(part));
}
