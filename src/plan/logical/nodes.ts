/** The logical algebra: what a query means, free of where and how it runs.
 *
 *  A readonly discriminated union; every rule is a pure function from node to node. Every node lists the columns it
 *  produces in `cols` (its schema, in output order); ids are unique in a statement, so joins simply concatenate.
 *  Bags, not sets; only `sort` and `limit` know order. */

import type { ColId, SharedId } from '../../types/ids.js';
import type { Value } from '../../types/value.js';
import type { TableDef, VirtualTableDef } from '../catalog.js';
import type { AggCall, Column, Expr, SortKey } from '../expr.js';

export type JoinType =
  | 'inner'
  | 'left'
  | 'right'
  | 'full'
  /** Left rows with (without) a match. `anti` with `nullAware`: NOT IN semantics. */
  | 'semi'
  | 'anti'
  /** Every left row plus one boolean column `mark`: TRUE matched, FALSE not, NULL unknown (three-valued IN). */
  | 'mark'
  /** Left join that raises 21000 when a left row has a second match: scalar subqueries. */
  | 'single';

export type LogicalPlan =
  | Scan
  | Values
  | Filter
  | Project
  | Join
  | Aggregate
  | Sort
  | Limit
  | DistinctOn
  | SetOp
  | Repeat
  | SharedScan;

/** A base table. `cols[i]` is the table's column `ordinals[i]`. */
export type Scan = {
  readonly kind: 'scan';
  readonly table: TableDef | VirtualTableDef;
  readonly alias: string;
  readonly ordinals: readonly number[];
  readonly cols: readonly Column[];
};

/** Constant rows (each expression without columns of any input); no columns and one row for a FROM-less SELECT. */
export type Values = {
  readonly kind: 'values';
  readonly rows: readonly (readonly Expr[])[];
  readonly cols: readonly Column[];
};

/** Keeps rows whose predicate is TRUE; FALSE and NULL drop. Schema: the input's. */
export type Filter = {
  readonly kind: 'filter';
  readonly input: LogicalPlan;
  readonly predicate: Expr;
  readonly cols: readonly Column[];
};

/** `cols[i]` is computed by `exprs[i]`; a column passed through keeps its id (its expr is a plain `col`). */
export type Project = {
  readonly kind: 'project';
  readonly input: LogicalPlan;
  readonly exprs: readonly Expr[];
  readonly cols: readonly Column[];
};

/** `cols`: left then right (outer sides nullable); semi and anti: left; mark: left plus `mark`.
 *  `lateral`: right may reference columns of left (a dependent join, removed by decorrelation).
 *  `predicate` undefined = cross. `nullAware` for anti and mark: the equality of `predicate` treats NULL as IN does. */
export type Join = {
  readonly kind: 'join';
  readonly type: JoinType;
  readonly left: LogicalPlan;
  readonly right: LogicalPlan;
  readonly predicate: Expr | undefined;
  readonly lateral: boolean;
  readonly nullAware: boolean;
  readonly mark: Column | undefined;
  readonly cols: readonly Column[];
};

/** Groups by column ids of the input (a project below computes expressions). `cols`: groups, then aggregate outputs.
 *  No groups and no rows: one row. `groups` with no `aggs` is DISTINCT. */
export type Aggregate = {
  readonly kind: 'aggregate';
  readonly input: LogicalPlan;
  readonly groups: readonly Column[];
  readonly aggs: readonly AggCall[];
  readonly cols: readonly Column[];
};

export type Sort = {
  readonly kind: 'sort';
  readonly input: LogicalPlan;
  readonly keys: readonly SortKey[];
  readonly cols: readonly Column[];
};

/** `limit` undefined or NULL = all; int8 expressions that have one value for all rows: without columns, or over columns
 *  that hold one value (a joined subquery's). Negative is 2201W / 2201X. */
export type Limit = {
  readonly kind: 'limit';
  readonly input: LogicalPlan;
  readonly limit: Expr | undefined;
  readonly offset: Expr | undefined;
  readonly cols: readonly Column[];
};

/** Which rows of each run of equal keys are kept: a LIMIT and OFFSET of the run's own. The expressions have one value
 *  for all rows of a run; `ties`: after the last row also those that `order` does not tell from it. */
export type RunRows = {
  readonly limit: Expr | undefined;
  readonly offset: Expr | undefined;
  readonly ties: boolean;
};

/** Of the rows of each key, in the order of `order`, the first (SELECT DISTINCT ON), or those of `rows`: LIMIT under
 *  correlation, and WITH TIES (without keys: one run). */
export type DistinctOn = {
  readonly kind: 'distinctOn';
  readonly input: LogicalPlan;
  readonly keys: readonly Column[];
  readonly order: readonly SortKey[];
  readonly rows: RunRows | undefined;
  readonly cols: readonly Column[];
};

/** UNION ALL / INTERSECT [ALL] / EXCEPT [ALL]; `cols` are new ids; `inputCols[k][i]` of input k feeds `cols[i]`.
 *  UNION (distinct) is an aggregate over a union all. */
export type SetOp = {
  readonly kind: 'setop';
  readonly op: 'union' | 'intersect' | 'except';
  readonly all: boolean;
  readonly inputs: readonly LogicalPlan[];
  readonly inputCols: readonly (readonly Column[])[];
  readonly cols: readonly Column[];
};

/** Emits each input row `count` times (int8 expression over the input; <= 0 or NULL: none): INTERSECT ALL, EXCEPT
 *  ALL, and generate_series when `series` names a column that receives `start + step * k`. */
export type Repeat = {
  readonly kind: 'repeat';
  readonly input: LogicalPlan;
  readonly count: Expr;
  readonly series?: { readonly out: Column; readonly start: Expr; readonly step: Expr };
  readonly cols: readonly Column[];
};

/** A plan that is computed once, whose rows are read in several places of its statement. Reads no outer columns. */
export type SharedPlan = {
  readonly id: SharedId;
  /** As EXPLAIN shows it: a WITH query's own name; undefined for a subplan that the optimizer found twice. */
  readonly name: string | undefined;
  readonly plan: LogicalPlan;
  /** What the statement asks for: `WITH x AS MATERIALIZED`, `NOT MATERIALIZED`, or neither. */
  readonly materialized: 'always' | 'never' | 'default';
};

/** Reads the rows of a shared plan: `cols[i]`, an id of its own, is the column `from[i]` of it. A leaf: rules treat
 *  it as they treat a table, and the shared plan as a statement of its own (`rules/apply-rules.ts`). */
export type SharedScan = {
  readonly kind: 'shared';
  readonly shared: SharedPlan;
  readonly from: readonly ColId[];
  readonly cols: readonly Column[];
};

export type ConstRow = readonly Value[];
