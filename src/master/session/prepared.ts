/** Prepared statements and portals, by name. */
import type { BoundStatement } from '../../plan/bind/statement.js';
import type { DistributedPlan } from '../../plan/physical.js';
import type { ParsedStatement } from '../../plan/sql/parse.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import type { FormatCode } from '../wire/messages.js';
import type { RowBlock } from './rows.js';
import type { StatementRun } from './statement-run.js';

/** What binding gave, and what it relied on. */
export type Binding = {
  readonly statement: BoundStatement;
  readonly catalogVersion: number;
  readonly searchPath: string;
  /** The role it was bound for: whose schemas were looked through. */
  readonly role: number;
  /** The version of the statistics of each table it names: they are in it, as guarantees about the rows. */
  readonly statsVersions: ReadonlyMap<number, number>;
  /** A constant in it is as of when it was bound. */
  readonly readsClock: boolean;
  /** The role has the privileges that it needs. */
  allowed?: boolean;
  /** The plan of a query, as long as what it assumes holds. */
  plan?: CachedPlan;
};

export type CachedPlan = {
  readonly plan: DistributedPlan;
  readonly segmentCount: number;
  /** Those that the plan depends on, as text. */
  readonly settings: string;
};

export type Prepared = {
  readonly name: string;
  /** Undefined for an empty statement. */
  readonly parsed: ParsedStatement | undefined;
  /** As the client declared them. */
  readonly declaredTypes: readonly (SqlType | undefined)[];
  /** A simple query: `$1` is 42P02. */
  readonly noParams?: boolean;
  /** PREPARE in SQL; else a Parse message. */
  readonly fromSql?: boolean;
  /** The text that made it. */
  readonly madeBy?: string;
  readonly madeMicros?: bigint;
  binding: Binding | undefined;
};

export type Portal = {
  readonly name: string;
  readonly prepared: Prepared;
  readonly params: readonly Value[];
  readonly resultFormats: readonly FormatCode[];
  readonly controller: AbortController;
  run: StatementRun | undefined;
  /** Rows pulled but not sent yet. */
  block: RowBlock | undefined;
  offset: number;
  rowsSent: number;
  /** It has run for so long. */
  ms: number;
  done: boolean;
};

/** Ends a portal's query, if it runs, and frees what it holds. */
export async function closePortal(portal: Portal): Promise<void> {
  portal.block?.release();
  portal.block = undefined;
  portal.done = true;
  await portal.run?.stream?.close();
}
