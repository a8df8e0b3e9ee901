/** Short builders of physical plans, for tests. */
import type { AggCall, CmpOp, Column, Expr, SortKey } from '../../plan/expr.js';
import type {
  HashAggOp,
  HashJoinOp,
  PhysicalOp,
  PhysJoinType,
  ScanOp,
  Slice,
  SliceSink,
} from '../../plan/physical.js';
import type { AggregateName } from '../../types/functions/registry-types.js';
import type { ColId, MotionId, SliceId, StorageId } from '../../types/ids.js';
import { BOOL, type SqlType } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';

let nextId = 1;

export function fresh(): number {
  return nextId++;
}

export function column(name: string, type: SqlType, nullable = true, range?: Column['range']): Column {
  return { id: nextId++ as ColId, name, type, nullable, ...(range ? { range } : {}) };
}

export function col(c: Column): Expr {
  return { kind: 'col', id: c.id, type: c.type, nullable: c.nullable };
}

export function lit(value: Value, type: SqlType): Expr {
  return { kind: 'const', value, type };
}

export function cmp(op: CmpOp, left: Expr, right: Expr): Expr {
  return { kind: 'cmp', op, left, right };
}

export function nullable(c: Column): Column {
  return { ...c, nullable: true };
}

const base = { rows: 1, cost: 1 };

export function scan(cols: readonly Column[], filter?: Expr): ScanOp {
  return {
    ...base,
    kind: 'scan',
    id: nextId++,
    cols,
    storageId: 1 as StorageId,
    table: 't',
    tableOid: 1,
    ordinals: cols.map((_, i) => i),
    scanCols: cols,
    filter,
    zone: [],
  };
}

export function receive(cols: readonly Column[], merge?: readonly SortKey[]): PhysicalOp {
  return {
    ...base,
    kind: 'receive',
    id: nextId++,
    cols,
    motion: 1 as MotionId,
    fromSlice: 1 as SliceId,
    merge,
  };
}

export function markColumn(): Column {
  return column('mark', BOOL);
}

export function hashJoin(
  type: PhysJoinType,
  probe: PhysicalOp,
  build: PhysicalOp,
  keys: readonly (readonly [Expr, Expr])[],
  options: { residual?: Expr; nullAware?: boolean; nullSafe?: readonly boolean[]; mark?: Column } = {},
): HashJoinOp {
  const { mark } = options;
  return {
    ...base,
    kind: 'hashJoin',
    id: nextId++,
    type,
    probe,
    build,
    cols: joinCols(type, probe, build, mark),
    probeKeys: keys.map((k) => k[0]),
    buildKeys: keys.map((k) => k[1]),
    nullSafe: options.nullSafe ?? keys.map(() => false),
    residual: options.residual,
    nullAware: options.nullAware ?? false,
    mark,
  };
}

export function nestedLoop(
  type: PhysJoinType,
  probe: PhysicalOp,
  build: PhysicalOp,
  predicate: Expr | undefined,
  options: { nullAware?: boolean; mark?: Column } = {},
): PhysicalOp {
  const { mark } = options;
  const cols = joinCols(type, probe, build, mark);
  return {
    ...base,
    kind: 'nestedLoop',
    id: nextId++,
    type,
    probe,
    build,
    cols,
    predicate,
    nullAware: options.nullAware ?? false,
    mark,
  };
}

export function joinCols(
  type: PhysJoinType,
  probe: PhysicalOp,
  build: PhysicalOp,
  mark?: Column,
): readonly Column[] {
  switch (type) {
    case 'semi':
    case 'anti':
      return probe.cols;
    case 'mark':
      return [...probe.cols, mark!];
    case 'rightSemi':
    case 'rightAnti':
      return build.cols;
    case 'inner':
      return [...probe.cols, ...build.cols];
    case 'left':
    case 'single':
      return [...probe.cols, ...build.cols.map(nullable)];
    case 'right':
      return [...probe.cols.map(nullable), ...build.cols];
    default:
      return [...probe.cols.map(nullable), ...build.cols.map(nullable)];
  }
}

export function agg(
  name: AggregateName,
  args: readonly Expr[],
  type: SqlType,
  options: { distinct?: boolean; filter?: Expr; orderBy?: readonly SortKey[]; range?: Column['range'] } = {},
): AggCall {
  return {
    out: column(name, type, true, options.range),
    name,
    args,
    distinct: options.distinct ?? false,
    filter: options.filter,
    orderBy: options.orderBy ?? [],
  };
}

export function hashAgg(
  mode: HashAggOp['mode'],
  input: PhysicalOp,
  groups: readonly Column[],
  aggs: readonly AggCall[],
  states: readonly (readonly Column[])[] = [],
): HashAggOp {
  const out = mode === 'single' || mode === 'final' ? aggs.map((a) => a.out) : states.flat();
  return {
    ...base,
    kind: 'hashAgg',
    id: nextId++,
    mode,
    input,
    groups,
    aggs,
    states,
    cols: [...groups, ...out],
  };
}

export function op<T extends PhysicalOp['kind']>(
  kind: T,
  fields: Omit<Extract<PhysicalOp, { kind: T }>, 'kind' | 'id' | 'rows' | 'cost'>,
): PhysicalOp {
  return { ...base, kind, id: nextId++, ...fields } as unknown as PhysicalOp;
}

export function slice(root: PhysicalOp, sink?: SliceSink): Slice {
  return { id: 0 as SliceId, root, sink: sink ?? { kind: 'result', cols: root.cols }, gang: [] };
}

/** Rows in an order of their own, for comparing results that promise none. */
export function sortedRows(rows: readonly (readonly Value[])[]): string[] {
  return rows.map((r) => JSON.stringify(r, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v))).sort();
}
