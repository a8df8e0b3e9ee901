/** Constructors of logical nodes: each computes its `cols` from its inputs, so no rule does it by hand.
 *
 *  Owns: the schema rule of every node (which columns, which become nullable). */
import type { TableDef, VirtualTableDef } from '../catalog.js';
import type { AggCall, Column, Expr, SortKey } from '../expr.js';
import type {
  Aggregate,
  DistinctOn,
  Filter,
  Join,
  JoinType,
  Limit,
  LogicalPlan,
  Project,
  Repeat,
  RunRows,
  Scan,
  SetOp,
  SharedPlan,
  SharedScan,
  Sort,
  Values,
} from './nodes.js';

export function scan(
  table: TableDef | VirtualTableDef,
  alias: string,
  ordinals: readonly number[],
  cols: readonly Column[],
): Scan {
  return { kind: 'scan', table, alias, ordinals, cols };
}

export function values(rows: readonly (readonly Expr[])[], cols: readonly Column[]): Values {
  return { kind: 'values', rows, cols };
}

/** One row without columns: what a SELECT without FROM reads. */
export const ONE_ROW: Values = { kind: 'values', rows: [[]], cols: [] };

export function filter(input: LogicalPlan, predicate: Expr): Filter {
  return { kind: 'filter', input, predicate, cols: input.cols };
}

export function project(input: LogicalPlan, exprs: readonly Expr[], cols: readonly Column[]): Project {
  return { kind: 'project', input, exprs, cols };
}

/** Keeps and orders columns of the input, computing nothing. The input itself when that changes nothing. */
export function pick(input: LogicalPlan, cols: readonly Column[]): LogicalPlan {
  if (cols.length === input.cols.length && cols.every((c, i) => c.id === input.cols[i].id)) return input;
  return project(
    input,
    cols.map((c) => ({ kind: 'col', id: c.id, type: c.type, nullable: c.nullable })),
    cols,
  );
}

export function nullableCols(cols: readonly Column[]): readonly Column[] {
  return cols.every((c) => c.nullable) ? cols : cols.map((c) => (c.nullable ? c : { ...c, nullable: true }));
}

export type JoinOptions = {
  readonly lateral?: boolean;
  readonly nullAware?: boolean;
  readonly mark?: Column | undefined;
};

export function join(
  type: JoinType,
  left: LogicalPlan,
  right: LogicalPlan,
  predicate: Expr | undefined,
  options: JoinOptions = {},
): Join {
  const { lateral = false, nullAware = false, mark } = options;
  return {
    kind: 'join',
    type,
    left,
    right,
    predicate,
    lateral,
    nullAware,
    mark,
    cols: joinCols(type, left.cols, right.cols, mark),
  };
}

export function joinCols(
  type: JoinType,
  left: readonly Column[],
  right: readonly Column[],
  mark: Column | undefined,
): readonly Column[] {
  switch (type) {
    case 'inner':
      return [...left, ...right];
    case 'left':
    case 'single':
      return [...left, ...nullableCols(right)];
    case 'right':
      return [...nullableCols(left), ...right];
    case 'full':
      return [...nullableCols(left), ...nullableCols(right)];
    case 'semi':
    case 'anti':
      return left;
    case 'mark':
      return mark === undefined ? left : [...left, mark];
  }
}

export function aggregate(
  input: LogicalPlan,
  groups: readonly Column[],
  aggs: readonly AggCall[],
): Aggregate {
  return { kind: 'aggregate', input, groups, aggs, cols: [...groups, ...aggs.map((a) => a.out)] };
}

export function sort(input: LogicalPlan, keys: readonly SortKey[]): Sort {
  return { kind: 'sort', input, keys, cols: input.cols };
}

export function limit(input: LogicalPlan, count: Expr | undefined, offset: Expr | undefined): Limit {
  return { kind: 'limit', input, limit: count, offset, cols: input.cols };
}

export function distinctOn(
  input: LogicalPlan,
  keys: readonly Column[],
  order: readonly SortKey[],
  rows?: RunRows,
): DistinctOn {
  return { kind: 'distinctOn', input, keys, order, rows, cols: input.cols };
}

export function setOp(
  op: SetOp['op'],
  all: boolean,
  inputs: readonly LogicalPlan[],
  cols: readonly Column[],
  inputCols: readonly (readonly Column[])[] = inputs.map((i) => i.cols),
): SetOp {
  return { kind: 'setop', op, all, inputs, inputCols, cols };
}

export function repeat(input: LogicalPlan, count: Expr, series?: Repeat['series']): Repeat {
  return series === undefined
    ? { kind: 'repeat', input, count, cols: input.cols }
    : { kind: 'repeat', input, count, series, cols: [...input.cols, series.out] };
}

/** All columns of the shared plan, under the ids of `cols`. */
export function sharedScan(shared: SharedPlan, cols: readonly Column[]): SharedScan {
  return { kind: 'shared', shared, from: shared.plan.cols.map((c) => c.id), cols };
}
