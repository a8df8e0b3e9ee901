/** The catalog as the planner sees it: an interface, implemented by the master over its durable catalog.
 *
 *  Pure look-ups over one consistent version; nothing here does I/O. */
import type { StorageId } from '../types/ids.js';
import { NUMERIC, OID, type Range, type SqlType } from '../types/sql-type.js';
import { isScaled } from '../types/stored-numeric.js';
import type { Value } from '../types/value.js';
import type { Expr } from './expr.js';

export type Distribution =
  /** Hashed on these columns (ordinals), in this order: see `types/hash.ts`. */
  | { readonly kind: 'hash'; readonly columns: readonly number[] }
  | { readonly kind: 'random' }
  | { readonly kind: 'replicated' };

export type ColumnDef = {
  readonly name: string;
  readonly type: SqlType;
  readonly notNull: boolean;
  /** Bound default (no column references) and its SQL text; absent means NULL. */
  readonly defaultExpr?: Expr;
  readonly defaultSql?: string;
};

export type ColumnStats = {
  /** Guaranteed bounds over all committed rows (zone maps merged), for integer-like and fixed-scale numeric. */
  readonly range?: Range;
  /** Guaranteed: no committed row is null. */
  readonly noNulls?: boolean;
  /** Some committed row of a column that declares a scale may be NaN; absent guarantees that none is. */
  readonly hasNan?: boolean;
  /** Estimates, from ANALYZE. */
  readonly nullFraction?: number;
  readonly distinct?: number;
  readonly averageBytes?: number;
  readonly mostCommon?: readonly { readonly value: Value; readonly fraction: number }[];
  /** Equi-depth bounds of the values that are not in `mostCommon`, ascending. */
  readonly histogram?: readonly Value[];
};

export type TableStats = {
  /** Exact number of committed rows over all segments (counted once for replicated tables). */
  readonly rows: number;
  readonly analyzed: boolean;
  /** By ordinal. */
  readonly columns: readonly ColumnStats[];
  /** Changes whenever a commit may have widened a range; plans cached by it. */
  readonly version: number;
};

export type TableDef = {
  readonly kind: 'table';
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ColumnDef[];
  readonly primaryKey: readonly number[] | undefined;
  readonly distribution: Distribution;
  readonly storageId: StorageId;
  readonly stats: TableStats;
};

/** The type of the column's values: what it declares, but for a numeric(p,s) with NaN among them, of which no scale is
 *  known (decision 021). */
export function valueType(table: TableDef | VirtualTableDef, ordinal: number): SqlType | undefined {
  const declared = scanColumn(table, ordinal)?.type;
  if (declared === undefined || table.kind === 'virtual' || !isScaled(declared)) return declared;
  return table.stats.columns[ordinal]?.hasNan === true ? NUMERIC : declared;
}

/** A pg_catalog, information_schema or mpp_* table whose rows the master computes when it is scanned. */
export type VirtualTableDef = {
  readonly kind: 'virtual';
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ColumnDef[];
};

const TABLE_OID: ColumnDef = { name: 'tableoid', type: OID, notNull: true };

/** System columns that may be read by name: they follow a table's own in number, and no `*` shows them. */
export function systemColumns(table: VirtualTableDef | TableDef): readonly ColumnDef[] {
  return table.kind === 'virtual' ? [TABLE_OID] : [];
}

/** The column of an ordinal in a scan. */
export function scanColumn(table: VirtualTableDef | TableDef, ordinal: number): ColumnDef | undefined {
  return table.columns[ordinal] ?? systemColumns(table)[ordinal - table.columns.length];
}

export type ViewDef = {
  readonly kind: 'view';
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** The defining query's text; bound anew at each use. */
  readonly sql: string;
  /** The role with whose rights it reads its relations. */
  readonly owner: number;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
};

export type Relation = TableDef | VirtualTableDef | ViewDef;

export interface Catalog {
  /** Without a schema the search path is walked; `pg_catalog` is always first. */
  relation(schema: string | undefined, name: string): Relation | undefined;
  hasSchema(name: string): boolean;
  /** 42501 when the statement's role may not look into this schema. */
  requireUsage?(name: string): void;
  readonly searchPath: readonly string[];
  readonly segmentCount: number;
}
