/** What a scalar function, an operator, a cast and an aggregate are to binder, planner and engine.
 *
 *  One registry serves all: the binder resolves names against it, the planner folds constants with `impl`,
 *  the engine generates code for the ids it knows and calls `impl` for all others (decision 7 of the design).
 *  Operators are functions whose `name` is the operator's symbol (`+`, `||`, `~`, ...). Comparisons
 *  (= <> < <= > >=), AND, OR, NOT, IS NULL, CASE, COALESCE are nodes of the expression algebra, not functions;
 *  `compareValues` in `compare.ts` defines their order. */

import type { Range, SqlType, TypeKind } from '../sql-type.js';
import type { Value } from '../value.js';
import type { AccessCatalog } from './privileges.js';

export type Volatility = 'immutable' | 'stable' | 'volatile';

/** What an `impl` may ask of its surroundings. Timestamps: microseconds since 1970-01-01 UTC. */
export type FunctionContext = {
  /** Start of the statement's transaction: now(), current_date, ... */
  readonly nowMicros: bigint;
  readonly timeZone: string;
  readonly dateStyle: string;
  readonly intervalStyle: string;
  readonly extraFloatDigits: number;
  /** current_user. */
  readonly user: string;
  /** session_user, when it is another. */
  readonly sessionUser?: string;
  readonly database: string;
  readonly searchPath: readonly string[];
  /** Catalog look-ups for reg* casts, format_type, pg_get_viewdef, ...; present on the master only. */
  readonly catalog?: CatalogFunctions;
};

export type CatalogFunctions = {
  relationName(oid: number): { schema: string; name: string; visible: boolean } | undefined;
  relationOid(qualifiedName: string): number | undefined;
  viewDefinition(oid: number): string | undefined;
  namespaceName(oid: number): string | undefined;
  indexDefinition(oid: number): string | undefined;
  constraintDefinition(oid: number): string | undefined;
  /** Argument list and result type, as pg_get_function_arguments and _result show them; the call as regprocedure and
   *  regoperator show it. */
  functionSignature?(
    oid: number,
  ): { readonly args: string; readonly result: string; readonly call: string } | undefined;
  /** Cancels the session's statement or ends the session; false when there is none with that process id. Only where
   *  sessions are: 0A000 elsewhere. */
  signalBackend?(pid: number, how: 'cancel' | 'terminate'): boolean;
  /** Forgets what pg_stat_statements shows. Only where sessions are. */
  resetStatements?(): void;
  /** Reads the rules of authentication anew. Only where sessions are. */
  reloadConfiguration?(): boolean;
  settings(name: string): string | undefined;
  roleName(oid: number): string | undefined;
  /** Roles and access control lists; undefined where the statement was not known to ask. */
  access?(): AccessCatalog | undefined;
  /** SET by a function; `value` undefined: to the default. The value as it is shown. Only where sessions are. */
  setSetting?(name: string, value: string | undefined, local: boolean): string;
};

/** What is known about one call beyond its arguments' types. */
export type CallInfo = {
  /** Values of the arguments that are constants (undefined: not constant): the field of extract, the digits of
   *  round. A hole and an absent list mean the same. */
  readonly consts?: readonly (Value | undefined)[];
  /** The call's own type, with the modifiers that a cast was given. */
  readonly target?: SqlType;
};

export type ArgKind = TypeKind | 'any' | 'anyarray';

export type FunctionDef = {
  /** `name(kind,kind)`, e.g. `+(int4,int4)`, `substring(text,int4,int4)`: unique, stable, what plans carry. */
  readonly id: string;
  readonly name: string;
  /** Kinds of the parameters as declared in PostgreSQL; `any` takes every type unchanged, `anyarray` every array. */
  readonly args: readonly ArgKind[];
  /** The last parameter may repeat. */
  readonly variadic?: boolean;
  /** `any` takes no array here (PostgreSQL's anynonarray), and beside an `anyarray` only its element type. */
  readonly anyIsScalar?: boolean;
  /** The result's type for these argument types; numeric results carry precision and scale where they are known
   *  for every value: + - * of numerics with known scales do, / does not. */
  readonly returns: (args: readonly SqlType[], call?: CallInfo) => SqlType;
  /** NULL in, NULL out, without a call. Non-strict functions receive nulls. */
  readonly strict: boolean;
  readonly volatility: Volatility;
  /** Its time, or the size of its result, has no bound that is proportionate to its arguments' sizes: computed where it
   *  can be interrupted only (a worker), never while a statement is bound. */
  readonly unbounded?: boolean;
  /** Throws SqlError (22003, 22012, 22007, ...) as PostgreSQL would. `types` are the arguments' types; `target` is the
   *  call's type, which casts need for its precision, scale or length (absent: no modifiers). */
  readonly impl: (
    args: readonly Value[],
    ctx: FunctionContext,
    types: readonly SqlType[],
    target?: SqlType,
  ) => Value;
  /** Bounds of the unscaled result from bounds of the unscaled arguments (same meaning as Range; `types` give
   *  the scales); undefined when unknown. Only for integer, numeric and date-like results. They are the bounds of the
   *  exact result: when they reach past the result type, some value would overflow and the check must stay. */
  readonly range?: (
    args: readonly (Range | undefined)[],
    types: readonly SqlType[],
    call?: CallInfo,
  ) => Range | undefined;
};

/** How one argument list was matched: coerce each argument to `argTypes[i]`, then call `def`. */
export type ResolvedFunction = {
  readonly def: FunctionDef;
  readonly argTypes: readonly SqlType[];
  readonly returns: SqlType;
};

/** `implicit` < `assignment` < `explicit`, as in pg_cast. */
export type CastContext = 'implicit' | 'assignment' | 'explicit';

/** Aggregates the engine implements; DISTINCT and FILTER are applied outside of them. */
export type AggregateName =
  | 'count_star'
  | 'count'
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'stddev_samp'
  | 'stddev_pop'
  | 'var_samp'
  | 'var_pop'
  | 'bool_and'
  | 'bool_or'
  | 'string_agg'
  | 'array_agg'
  | 'any_value'
  | 'bit_and'
  | 'bit_or';

export type ResolvedAggregate = {
  readonly name: AggregateName;
  readonly argTypes: readonly SqlType[];
  readonly returns: SqlType;
};
