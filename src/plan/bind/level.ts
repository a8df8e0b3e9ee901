/** One query level while it is bound: its FROM namespace, its CTEs, its aggregates; `parent` is the enclosing query.
 *
 *  Owns: what is visible. Name look-up is in `resolve-column.ts`. Source: PostgreSQL's ParseState and
 *  ParseNamespaceItem. */
import type { CommonTableExpr, Node, SelectStmt } from 'libpg-query';
import type { ColId } from '../../types/ids.js';
import type { TableDef } from '../catalog.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { exprKey } from '../expr-util.js';
import type { LogicalPlan, SharedPlan } from '../logical/nodes.js';
import type { BindContext } from './context.js';
import type { ColumnRead } from './relation-access.js';

/** The part of a query that is being bound: PostgreSQL's ParseExprKind, by the words of its messages. */
export type Clause =
  | 'SELECT'
  | 'WHERE'
  | 'HAVING'
  | 'GROUP BY'
  | 'ORDER BY'
  | 'DISTINCT ON'
  | 'LIMIT'
  | 'OFFSET'
  | 'VALUES'
  | 'FILTER'
  | 'JOIN conditions'
  | 'functions in FROM'
  | 'DEFAULT expressions'
  | 'EXECUTE parameters'
  | 'COPY FROM WHERE conditions'
  | 'FROM';

export type NamespaceColumn = {
  readonly name: string;
  readonly expr: Expr;
  /** Whose SELECT privilege it needs; a merged column has those of both sides. */
  readonly reads?: readonly ColumnRead[];
};

export type NamespaceItem = {
  readonly alias: string;
  /** Set for a table used under its own name: `schema.table.column` refers to it. */
  readonly schema: string | undefined;
  readonly columns: readonly NamespaceColumn[];
  /** Found by name only, after the columns: tableoid. */
  readonly systemColumns?: readonly NamespaceColumn[];
  /** May be used as a qualifier. */
  readonly relVisible: boolean;
  /** Its columns are found by bare name and by `*`. */
  readonly colsVisible: boolean;
  /** Visible only to LATERAL items for now; and if not `lateralOk`, not even to them. */
  readonly lateralOnly: boolean;
  readonly lateralOk: boolean;
  /** Base table, for dependence on its primary key. */
  readonly table: { readonly def: TableDef; readonly cols: readonly Column[] } | undefined;
};

/** Every relation of the level, visible or not: what hints are made from. */
export type RangeEntry = {
  readonly alias: string;
  readonly relation: string | undefined;
  readonly columns: readonly string[];
};

export type Cte = {
  readonly def: CommonTableExpr;
  /** Bound once, where it is written. */
  readonly query: BoundQuery;
  /** What its references read. */
  readonly shared: SharedPlan;
};

export type SelectListSeries = {
  readonly out: Column;
  readonly count: Expr;
  readonly start: Expr;
  readonly step: Expr;
};

export class QueryLevel {
  readonly parent: QueryLevel | undefined;
  namespace: readonly NamespaceItem[] = [];
  ctes: ReadonlyMap<string, Cte>;
  readonly rangeTable: RangeEntry[] = [];
  clause: Clause = 'SELECT';
  lateralActive = false;
  /** Has a GROUP BY: every group has at least one row. */
  hasGroups = false;
  /** Inside an argument of sum or avg: branches of different numeric scales meet in the widest. */
  widenScale = false;
  /** Inside an operand of a division. */
  inQuotient = false;
  readonly aggregates: AggCall[] = [];
  readonly aggregateIds = new Set<ColId>();
  /** GROUPING(...) calls: what stands for them until the grouping sets are known. */
  readonly groupings: {
    readonly out: Column;
    readonly args: readonly Expr[];
    readonly locations: readonly (number | undefined)[];
  }[] = [];
  /** Columns of this level's FROM clause. */
  readonly owned = new Set<ColId>();
  /** Set-returning functions in the select list. */
  readonly series: SelectListSeries[] = [];
  /** There are several: one that has fewer rows than another gives NULLs. */
  severalSeries = false;
  private readonly aggregateKeys = new Map<string, Column>();

  constructor(parent: QueryLevel | undefined, ctes?: ReadonlyMap<string, Cte>) {
    this.parent = parent;
    this.ctes = ctes ?? parent?.ctes ?? new Map();
  }

  own(items: readonly NamespaceItem[]): void {
    for (const item of items)
      for (const c of item.columns) if (c.expr.kind === 'col') this.owned.add(c.expr.id);
  }

  ownColumns(cols: readonly Column[]): void {
    for (const c of cols) this.owned.add(c.id);
  }

  /** The aggregate's result column; equal calls share one. */
  addAggregate(call: AggCall): Column {
    const key = [
      call.name,
      call.distinct,
      call.args.map(exprKey).join(','),
      call.filter === undefined ? '' : exprKey(call.filter),
      call.orderBy.map((k) => `${exprKey(k.expr)}${k.descending}${k.nullsFirst}`).join(','),
    ].join('|');
    const known = this.aggregateKeys.get(key);
    if (known !== undefined) return known;
    this.aggregates.push(call);
    this.aggregateIds.add(call.out.id);
    this.aggregateKeys.set(key, call.out);
    return call.out;
  }
}

export type BoundQuery = {
  readonly plan: LogicalPlan;
  /** Output names; `plan.cols` in the same order. */
  readonly names: readonly string[];
};

export type QueryOptions = {
  /** Leave output literals of unknown type for the caller to decide (set operations, INSERT). */
  readonly keepUnknown?: boolean;
  /** CTEs visible to the query when they are not those of its parent level. */
  readonly ctes?: ReadonlyMap<string, Cte>;
};

/** What the binders of expressions get: the level, and the way back to the binders of any expression and any query. */
export type Binding = {
  readonly ctx: BindContext;
  readonly level: QueryLevel;
  readonly bind: (n: Node) => Expr;
  readonly bindQuery: (s: SelectStmt, parent: QueryLevel | undefined, options?: QueryOptions) => BoundQuery;
};
