/** A list of catalog objects: its columns, where they come from, what a pattern is held against. */
import { quoteLiteral } from '../quote.js';
import type { Session } from '../session.js';
import { type PatternColumns, patternConditions } from './pattern.js';
import { catalogRows, showList } from './query.js';

/** What was asked: `\dtS+ pattern`. */
export type Asked = {
  readonly session: Session;
  /** Letters of the command behind `d`, without S and +. */
  readonly letters: string;
  readonly verbose: boolean;
  readonly system: boolean;
  readonly pattern: string | undefined;
  /** Patterns behind the first. */
  readonly more: readonly string[];
  readonly version: number;
};

export type Column = readonly [name: string, sql: string];

export type Listing = {
  readonly title: string;
  readonly columns: (asked: Asked) => readonly Column[];
  readonly from: (asked: Asked) => string;
  readonly where?: (asked: Asked) => readonly string[];
  /** Objects of the system are left out unless asked for, by their schema. */
  readonly hidesSystem?: boolean;
  readonly pattern?: PatternColumns;
  readonly partsMax?: 1 | 3;
  readonly orderBy: string;
};

export const ACL = (column: string): Column => [
  'Access privileges',
  `pg_catalog.array_to_string(${column}, E'\\n')`,
];

export const OWNER = (column: string): Column => ['Owner', `pg_catalog.pg_get_userbyid(${column})`];

export const DESCRIPTION = (oid: string, catalog: string): Column => [
  'Description',
  `pg_catalog.obj_description(${oid}, '${catalog}')`,
];

export function when(condition: boolean, ...columns: Column[]): Column[] {
  return condition ? columns : [];
}

/** `(name 'value', ...)` of an option array. */
export function fdwOptions(column: string): string {
  return `CASE WHEN ${column} IS NULL THEN '' ELSE '(' || pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.quote_ident(option_name) || ' ' || pg_catalog.quote_literal(option_value) FROM pg_catalog.pg_options_to_table(${column})), ', ') || ')' END`;
}

export const NOT_SYSTEM = ["n.nspname <> 'pg_catalog'", "n.nspname <> 'information_schema'"] as const;

export function listingSql(listing: Listing, asked: Asked): string {
  const database = asked.session.connection?.at.database ?? '';
  const where = [...(listing.where?.(asked) ?? [])];
  if (listing.hidesSystem === true && !asked.system && asked.pattern === undefined) where.push(...NOT_SYSTEM);
  if (listing.pattern !== undefined)
    where.push(...patternConditions(asked.pattern, listing.pattern, listing.partsMax ?? 3, database));
  const columns = listing.columns(asked).map(([name, sql]) => `${sql} AS "${name}"`);
  return `SELECT ${columns.join(',\n  ')}\nFROM ${listing.from(asked)}${where.length === 0 ? '' : `\nWHERE ${where.join('\n      AND ')}`}\nORDER BY ${listing.orderBy};`;
}

export async function showListing(listing: Listing, asked: Asked): Promise<boolean> {
  const result = await catalogRows(asked.session, listingSql(listing, asked));
  if (result === undefined) return false;
  showList(asked.session, result, listing.title);
  return true;
}

export function literal(text: string): string {
  return quoteLiteral(text).trimStart();
}
