/** What rows of system tables are computed from, and how a row is written down.
 *
 *  Rows are objects by column name; columns that are left out are NULL, or the zero of a NOT NULL column. */
import { scanColumn, type VirtualTableDef } from '../../../plan/catalog.js';
import { formatArray, formatVector } from '../../../types/array-text.js';
import { type Acl, aclTexts } from '../../../types/roles/acl.js';
import type { SqlType } from '../../../types/sql-type.js';
import type { Value } from '../../../types/value.js';
import type { HbaRow } from '../../auth/hba-rows.js';
import type { QueryProgress, SegmentInfo } from '../../dispatch/api.js';
import type { SessionIdentity } from '../../session/identity.js';
import type { SettingRow } from '../../session/settings.js';
import type { StatementCounters } from '../../session/statement-statistics.js';
import type { CatalogView } from '../catalog-view.js';
import type { MasterCatalog } from '../master-catalog.js';

/** A connected session as pg_stat_activity shows it. */
export type SessionActivity = {
  readonly pid: number;
  /** Of session_user. */
  readonly role: number;
  readonly user: string;
  readonly database: string;
  readonly applicationName: string;
  readonly clientAddress: string | undefined;
  readonly clientPort: number;
  readonly tls: { readonly version: string; readonly cipher: string; readonly bits: number } | undefined;
  readonly connectedMicros: bigint;
  readonly queryStartMicros: bigint | undefined;
  readonly stateChangeMicros: bigint;
  readonly state: 'active' | 'idle' | 'idle in transaction' | 'idle in transaction (aborted)';
  readonly query: string;
};

export type SystemContext = {
  readonly catalog: MasterCatalog;
  readonly view: CatalogView;
  /** Of the session that asks. */
  readonly identity: SessionIdentity;
  readonly user: string;
  readonly database: string;
  /** Of the file as it is now. */
  readonly hbaRules: () => readonly HbaRow[];
  readonly settings: () => readonly SettingRow[];
  readonly sessions: () => readonly SessionActivity[];
  readonly segments: () => readonly SegmentInfo[];
  readonly statements: () => readonly StatementCounters[];
  /** Of the session that asks. */
  readonly preparedStatements: () => readonly {
    readonly name: string;
    readonly statement: string;
    readonly madeMicros: bigint;
    readonly fromSql: boolean;
    readonly paramTypes: readonly SqlType[];
  }[];
  readonly cursors: () => readonly {
    readonly name: string;
    readonly statement: string;
    readonly hold: boolean;
    readonly binary: boolean;
    readonly scroll: boolean;
    readonly createdMicros: bigint;
  }[];
  readonly progress: () => Promise<readonly QueryProgress[]>;
};

export type SystemRow = Readonly<Record<string, Value>>;
export type RowSource = (context: SystemContext) => readonly SystemRow[];
/** Of rows that other processes must be asked for. */
export type LateRowSource = (context: SystemContext) => Promise<readonly SystemRow[]>;

export const OWNER_OID = 10;
export const DATABASE_OID = 5;
export const TABLE_AM_OID = 2;
export const BTREE_AM_OID = 403;

/** The text of an array value; NULL elements allowed. */
export function arrayOf(items: readonly (string | number | null)[]): string {
  return formatArray(items.map((i) => (i === null ? null : String(i))));
}

/** The same as an int2vector or oidvector. */
export function vectorOf(items: readonly number[]): string {
  return formatVector(items.map(String));
}

/** A list as relacl shows it; NULL when it was never changed. */
export function aclArray(c: SystemContext, acl: Acl | undefined): Value {
  return acl === undefined ? null : arrayOf(aclTexts(c.identity.graph, acl));
}

export function ownerName(c: SystemContext, owner: number): string {
  return c.identity.graph.nameOf(owner);
}

function zeroOf(type: SqlType): Value {
  switch (type.kind) {
    case 'bool':
      return false;
    case 'int8':
    case 'timestamptz':
    case 'timestamp':
      return 0n;
    case 'array':
      return '{}';
    case 'text':
    case 'name':
    case 'varchar':
    case 'char':
      return '';
    case 'bytea':
      return new Uint8Array(0);
    case 'numeric':
      return { unscaled: 0n, scale: 0 };
    case 'interval':
      return { months: 0, days: 0, micros: 0n };
    default:
      return 0;
  }
}

/** The row's values in the order of `ordinals`. */
export function rowValues(
  table: VirtualTableDef,
  row: SystemRow,
  ordinals: readonly number[],
): readonly Value[] {
  return ordinals.map((o) => {
    const column = scanColumn(table, o);
    if (column === undefined) throw new Error(`no column ${o} in ${table.name}`);
    if (o >= table.columns.length) return table.oid;
    const value = row[column.name];
    if (value === undefined || value === null) return column.notNull ? zeroOf(column.type) : null;
    if (column.type.kind === 'int8' && typeof value === 'number') return BigInt(value);
    return value;
  });
}
