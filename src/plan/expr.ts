/** Bound scalar expressions: names and types resolved, columns by statement-wide id.
 *
 *  Owns: the union. Columns are referenced by ColId, not by position, so a rewrite never renumbers anything.
 *  A column id that no input of a node produces is an outer reference (correlation); decorrelation removes them,
 *  and no physical plan has one. Invariants: both sides of `cmp`, all branches of `case` and all list members have
 *  the same type kind (the binder inserts casts as calls of the registry: function name `cast`, e.g.
 *  `cast(int4,int8)`, length coercions `cast(text,varchar)` with the target type in `type`). */
import type { ColId } from '../types/ids.js';
import type { Range, SqlType } from '../types/sql-type.js';
import type { Value } from '../types/value.js';
import type { LogicalPlan } from './logical/nodes.js';

export type CmpOp = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** A column that a plan node produces. */
export type Column = {
  readonly id: ColId;
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
  /** Guaranteed bounds from table statistics and arithmetic (physical plans; see `plan/cost/ranges.ts`). */
  readonly range?: Range;
};

/** The type that an explicit cast has written around the expression: what a client is told and CREATE TABLE AS
 *  declares (`bind/declared-type.ts`). Says nothing about values; nothing past the binder reads it. */
type Declared = { readonly declared?: SqlType };

export type Expr =
  | ({
      readonly kind: 'col';
      readonly id: ColId;
      readonly type: SqlType;
      readonly nullable: boolean;
    } & Declared)
  | ({ readonly kind: 'const'; readonly value: Value; readonly type: SqlType } & Declared)
  /** `$n` (0-based), or a constant lifted out of the text so that plans and modules are shared. */
  | ({ readonly kind: 'param'; readonly index: number; readonly type: SqlType } & Declared)
  | ({
      readonly kind: 'call';
      readonly fn: string;
      readonly args: readonly Expr[];
      readonly type: SqlType;
      readonly position?: number;
    } & Declared)
  | { readonly kind: 'cmp'; readonly op: CmpOp; readonly left: Expr; readonly right: Expr }
  /** IS [NOT] DISTINCT FROM; never null. */
  | { readonly kind: 'distinct'; readonly negated: boolean; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'and' | 'or'; readonly args: readonly Expr[] }
  | { readonly kind: 'not'; readonly arg: Expr }
  | { readonly kind: 'isnull'; readonly negated: boolean; readonly arg: Expr }
  /** IS [NOT] TRUE / FALSE; never null (IS UNKNOWN is isnull). */
  | { readonly kind: 'istruth'; readonly truth: boolean; readonly negated: boolean; readonly arg: Expr }
  /** Searched CASE; the simple form is bound to comparisons. Branches are evaluated lazily, in order. */
  | ({
      readonly kind: 'case';
      readonly whens: readonly { readonly when: Expr; readonly then: Expr }[];
      readonly otherwise: Expr | undefined;
      readonly type: SqlType;
    } & Declared)
  | ({ readonly kind: 'coalesce'; readonly args: readonly Expr[]; readonly type: SqlType } & Declared)
  | ({
      readonly kind: 'greatest' | 'least';
      readonly args: readonly Expr[];
      readonly type: SqlType;
    } & Declared)
  /** `arg IN (constants or expressions)`, three-valued. */
  | { readonly kind: 'in'; readonly arg: Expr; readonly list: readonly Expr[]; readonly negated: boolean }
  /** LIKE / ILIKE; pattern usually constant. `escape` is one character or '' for none. */
  | {
      readonly kind: 'like';
      readonly arg: Expr;
      readonly pattern: Expr;
      readonly escape: string;
      readonly caseInsensitive: boolean;
      readonly negated: boolean;
    }
  | Subquery;

/** Only before decorrelation. `plan` may reference columns of the enclosing query (free ColIds).
 *  scalar: one column, at most one row (21000 otherwise), NULL for none.
 *  exists: TRUE/FALSE. any/all: `left op ANY/ALL (plan)` row-wise over equal-length lists (IN is `= any`).
 *  array: ARRAY(plan). */
export type Subquery = {
  readonly kind: 'subquery';
  readonly mode: 'scalar' | 'exists' | 'any' | 'all' | 'array';
  readonly plan: LogicalPlan;
  readonly left: readonly Expr[];
  readonly op: CmpOp | undefined;
  readonly type: SqlType;
} & Declared;

export type SortKey = { readonly expr: Expr; readonly descending: boolean; readonly nullsFirst: boolean };

/** One aggregate of an aggregate node. `distinct` removes duplicate arguments within a group, `filter` keeps rows
 *  whose predicate is TRUE, `orderBy` orders the inputs of string_agg and array_agg. */
export type AggCall = {
  readonly out: Column;
  readonly name: import('../types/functions/registry-types.js').AggregateName;
  readonly args: readonly Expr[];
  readonly distinct: boolean;
  readonly filter: Expr | undefined;
  readonly orderBy: readonly SortKey[];
};
