/** What binding a statement gives: the models of queries, DDL and utility statements.
 *
 *  Owns: the union. `tag` words and side effects are the master's. */

import type { CopyOptions } from '../../types/copy-options.js';
import type { SqlType } from '../../types/sql-type.js';
import type { ColumnDef, Distribution, TableDef } from '../catalog.js';
import type { Column, Expr } from '../expr.js';
import type { LogicalPlan } from '../logical/nodes.js';
import type { RelationAccess } from './relation-access.js';
import type { RoleSpec, RoleStatement } from './role-statements.js';

export type OutputColumn = {
  readonly name: string;
  readonly column: Column;
  /** The type with its declared modifier only: what PostgreSQL would say of the column (a `numeric` that is known
   *  to have scale 4 by arithmetic is plain `numeric` here). */
  readonly declaredType: SqlType;
  /** Of the column that it shows unchanged. */
  readonly origin: ColumnOrigin | undefined;
};

/** A column of a table or view, as clients are told of it: drivers ask the catalog for more by it. */
export type ColumnOrigin = { readonly tableOid: number; readonly columnNumber: number };

export type QueryStatement = {
  readonly kind: 'query';
  /** `plan.cols` are the outputs, in order (names may repeat, ids do not). */
  readonly plan: LogicalPlan;
  readonly output: readonly OutputColumn[];
};

export type QualifiedName = {
  readonly schema: string | undefined;
  readonly name: string;
  readonly position: number | undefined;
};

export type InsertStatement = {
  readonly kind: 'insert';
  readonly table: TableDef;
  /** One column for each of the table's, in its order and of its types; defaults and casts applied. NOT NULL is
   *  left to the sink. */
  readonly source: LogicalPlan;
};

export type NewTable = {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ColumnDef[];
  readonly primaryKey: readonly number[] | undefined;
  readonly distribution: Distribution;
};

export type ExplainOptions = {
  readonly analyze: boolean;
  readonly verbose: boolean;
  readonly costs: boolean;
  readonly timing: boolean;
  readonly summary: boolean;
  readonly buffers: boolean;
  readonly settings: boolean;
  readonly wal: boolean;
  readonly format: 'text' | 'json' | 'xml' | 'yaml';
};

export type TransactionVerb =
  | 'begin'
  | 'start'
  | 'commit'
  | 'rollback'
  | 'savepoint'
  | 'release'
  | 'rollbackTo';

export type UtilityStatement =
  | RoleStatement
  | { readonly kind: 'createTable'; readonly table: NewTable; readonly ifNotExists: boolean }
  | {
      readonly kind: 'createTableAs';
      readonly table: NewTable;
      readonly ifNotExists: boolean;
      readonly withData: boolean;
      /** One column for each of the table's. */
      readonly source: LogicalPlan;
      /** The tag is SELECT n, as for CREATE TABLE AS. */
      readonly selectInto: boolean;
    }
  | {
      readonly kind: 'createView';
      readonly schema: string;
      readonly name: string;
      readonly replace: boolean;
      /** The defining query with its tables' schemas written out. */
      readonly sql: string;
      readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
    }
  | {
      readonly kind: 'createSchema';
      /** Undefined: the owner's name. */
      readonly name: string | undefined;
      /** AUTHORIZATION; undefined: the current role. */
      readonly owner: RoleSpec | undefined;
      readonly ifNotExists: boolean;
    }
  | {
      readonly kind: 'drop';
      readonly object: 'table' | 'view' | 'schema';
      readonly names: readonly QualifiedName[];
      readonly ifExists: boolean;
      readonly cascade: boolean;
    }
  | { readonly kind: 'truncate'; readonly tables: readonly TableDef[] }
  | {
      readonly kind: 'renameTable';
      readonly relation: QualifiedName;
      readonly object: 'table' | 'view';
      readonly to: string;
      readonly ifExists: boolean;
    }
  | {
      readonly kind: 'copyFrom';
      readonly table: TableDef;
      readonly from: { readonly kind: 'stdin' } | { readonly kind: 'file'; readonly path: string };
      /** Ordinals of the fields in the file's order. */
      readonly columns: readonly number[];
      /** For each column of the table that the file lacks: its default, coerced (NULL constant when it has none). */
      readonly defaults: readonly (Expr | undefined)[];
      /** Rows for which it is not TRUE are left out; reads `cols`, one for each of the table's columns. */
      readonly where: { readonly predicate: Expr; readonly cols: readonly Column[] } | undefined;
      readonly options: CopyOptions;
      /** Of the text; undefined: the client's. */
      readonly encoding: string | undefined;
    }
  | {
      readonly kind: 'copyTo';
      readonly query: QueryStatement;
      readonly to: { readonly kind: 'stdout' } | { readonly kind: 'file'; readonly path: string };
      readonly options: CopyOptions;
      readonly encoding: string | undefined;
    }
  | { readonly kind: 'analyze'; readonly tables: readonly TableDef[] | 'all'; readonly verbose: boolean }
  /** Storage has no bloat that VACUUM would remove: accepted. `analyze` for VACUUM ANALYZE. */
  | { readonly kind: 'vacuum'; readonly tables: readonly TableDef[] | 'all'; readonly analyze: boolean }
  /** `values` undefined: SET ... TO DEFAULT. Values are text, as the settings table takes them. */
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly values: readonly string[] | undefined;
      readonly local: boolean;
    }
  | { readonly kind: 'setTransaction'; readonly session: boolean; readonly modes: TransactionModes }
  /** `name` undefined: RESET ALL. */
  | { readonly kind: 'reset'; readonly name: string | undefined }
  /** `name` undefined: SHOW ALL. */
  | { readonly kind: 'show'; readonly name: string | undefined }
  | { readonly kind: 'discard'; readonly what: 'all' | 'plans' | 'sequences' | 'temp' }
  | { readonly kind: 'explain'; readonly options: ExplainOptions; readonly statement: BoundStatement }
  | {
      readonly kind: 'transaction';
      readonly verb: TransactionVerb;
      readonly savepoint: string | undefined;
      readonly modes: TransactionModes;
      readonly chain: boolean;
    }
  | {
      readonly kind: 'prepare';
      readonly name: string;
      readonly statement: BoundStatement;
      readonly paramTypes: readonly SqlType[];
      /** The statement's own text, to be bound again when the catalog changes. */
      readonly sql: string;
    }
  /** Arguments are constant expressions, not yet coerced to the parameters' types. */
  | { readonly kind: 'execute'; readonly name: string; readonly args: readonly Expr[] }
  /** `name` undefined: DEALLOCATE ALL. */
  | { readonly kind: 'deallocate'; readonly name: string | undefined }
  | {
      readonly kind: 'declareCursor';
      readonly name: string;
      readonly query: QueryStatement;
      readonly binary: boolean;
      /** SCROLL was asked for. */
      readonly scroll: boolean;
      readonly hold: boolean;
      /** Its text. */
      readonly statement: string;
    }
  /** FETCH, or MOVE. `count` is infinite for ALL, and negative to go the other way. */
  | {
      readonly kind: 'fetch';
      readonly name: string;
      readonly move: boolean;
      readonly direction: FetchDirection;
      readonly count: number;
    }
  /** `name` undefined: CLOSE ALL. */
  | { readonly kind: 'closeCursor'; readonly name: string | undefined };

export type FetchDirection = 'forward' | 'backward' | 'absolute' | 'relative';

export type TransactionModes = {
  readonly isolation?: string;
  readonly readOnly?: boolean;
  readonly deferrable?: boolean;
};

export type BoundStatement = (QueryStatement | InsertStatement | UtilityStatement) & {
  /** By index; every parameter of the statement has a type. */
  readonly paramTypes: readonly SqlType[];
  readonly notices: readonly Notice[];
  /** What running it needs privileges for. */
  readonly accesses: readonly RelationAccess[];
};

export type Notice = {
  readonly severity: 'NOTICE' | 'WARNING';
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: number | undefined;
};
