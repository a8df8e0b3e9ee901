/** Estimates for every logical node, bottom-up.
 *
 *  Owns: which formula belongs to which node; remembers what it has derived (plans are immutable). */
import type { ColId, SharedId } from '../../types/ids.js';
import { unreachable } from '../../types/sql-error.js';
import { isStringType, type SqlType } from '../../types/sql-type.js';
import type { Column, Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import type { Aggregate, LogicalPlan, Scan } from '../logical/nodes.js';
import {
  AGGREGATED,
  type ColumnEstimate,
  columnOf,
  distinctRows,
  type Estimate,
  mergeClasses,
  toNumber,
  withRows,
} from './estimate.js';
import { joinEstimate } from './join-estimate.js';
import { distinctOf, type KnownParams, selectivity } from './selectivity.js';

/** Rows of a table that nobody has counted, and of a catalog table. */
const UNKNOWN_ROWS = 1000;

/** Bytes of a value in motions and hash tables. */
export function typeWidth(t: SqlType): number {
  switch (t.kind) {
    case 'bool':
      return 1;
    case 'int2':
      return 2;
    case 'int4':
    case 'date':
    case 'float4':
    case 'oid':
      return 4;
    case 'interval':
      return 16;
    case 'numeric':
      return t.precision !== undefined && t.precision <= 18 ? 8 : 16;
    case 'bpchar':
    case 'varchar':
      return t.length === undefined ? 24 : Math.min(32, t.length) + 4;
    default:
      return isStringType(t) ? 28 : 8;
  }
}

export class Estimator {
  private readonly known = new WeakMap<LogicalPlan, Estimate>();
  readonly params: KnownParams;
  /** What shared plans have been rewritten to so far. */
  readonly shared = new Map<SharedId, LogicalPlan>();

  constructor(params: KnownParams = []) {
    this.params = params;
  }

  of(plan: LogicalPlan): Estimate {
    const before = this.known.get(plan);
    if (before !== undefined) return before;
    const e = this.derive(plan);
    this.known.set(plan, e);
    return e;
  }

  private derive(plan: LogicalPlan): Estimate {
    switch (plan.kind) {
      case 'scan':
        return scanEstimate(plan);
      case 'shared': {
        const e = this.of(this.shared.get(plan.shared.id) ?? plan.shared.plan);
        return renamedEstimate(e, new Map(plan.from.map((id, i) => [id, plan.cols[i].id])));
      }
      case 'values':
        return {
          rows: plan.rows.length,
          columns: new Map(
            plan.cols.map((c) => [
              c.id,
              {
                distinct: plan.rows.length,
                nullFraction: 0,
                widthBytes: typeWidth(c.type),
                stats: undefined,
              },
            ]),
          ),
          keys: [],
          equal: [],
        };
      case 'filter':
        return filterEstimate(this.of(plan.input), plan.predicate, this.params);
      case 'project':
        return projectEstimate(this.of(plan.input), plan.exprs, plan.cols);
      case 'join':
        return joinEstimate(
          plan.type,
          this.of(plan.left),
          this.of(plan.right),
          plan.predicate,
          plan.mark,
          this.params,
        );
      case 'aggregate':
        return aggregateEstimate(this.of(plan.input), plan);
      case 'sort':
        return this.of(plan.input);
      case 'limit': {
        const e = this.of(plan.input);
        const number = (x: Expr | undefined): number | undefined =>
          x?.kind === 'const'
            ? toNumber(x.value)
            : x?.kind === 'param'
              ? (toNumber(this.params[x.index] ?? null) ?? e.rows / 10)
              : undefined;
        const after = Math.max(0, e.rows - (number(plan.offset) ?? 0));
        return withRows(e, Math.min(after, number(plan.limit) ?? after));
      }
      case 'distinctOn': {
        const e = this.of(plan.input);
        const runs = distinctRows(
          e,
          plan.keys.map((k) => k.id),
        );
        const { rows } = plan;
        if (rows === undefined) return withRows(e, runs);
        const each = rows.limit?.kind === 'const' ? toNumber(rows.limit.value) : undefined;
        return withRows(e, Math.min(e.rows, each === undefined ? e.rows : runs * each));
      }
      case 'setop': {
        const inputs = plan.inputs.map((p) => this.of(p));
        const sum = inputs.reduce((n, e) => n + e.rows, 0);
        const rows =
          plan.op === 'union'
            ? sum
            : plan.op === 'intersect'
              ? Math.min(...inputs.map((e) => e.rows))
              : inputs[0].rows;
        const columns = new Map<ColId, ColumnEstimate>();
        for (const [i, c] of plan.cols.entries()) {
          const parts = inputs.map((e, k) => columnOf(e, plan.inputCols[k][i].id));
          columns.set(c.id, {
            distinct: Math.min(
              rows,
              parts.reduce((n, p) => n + p.distinct, 0),
            ),
            nullFraction: Math.max(...parts.map((p) => p.nullFraction)),
            widthBytes: Math.max(...parts.map((p) => p.widthBytes)),
            stats: undefined,
          });
        }
        return { rows: plan.all ? rows : Math.min(rows, rows), columns, keys: [], equal: [] };
      }
      case 'repeat': {
        const e = this.of(plan.input);
        const n =
          plan.count.kind === 'const'
            ? (toNumber(plan.count.value) ?? 1)
            : plan.series === undefined
              ? 1
              : 1000;
        return projectEstimate(
          { ...e, rows: e.rows * Math.max(1, n) },
          plan.cols.map((c) => ({ kind: 'col', id: c.id, type: c.type, nullable: c.nullable })),
          plan.cols,
        );
      }
      default:
        return unreachable(plan);
    }
  }
}

/** Of the columns that have a new name, under it. */
function renamedEstimate(e: Estimate, by: ReadonlyMap<ColId, ColId>): Estimate {
  const all = (ids: Iterable<ColId>): readonly ColId[] => [...ids].flatMap((id) => by.get(id) ?? []);
  return {
    rows: e.rows,
    columns: new Map([...e.columns].flatMap(([id, c]) => all([id]).map((to) => [to, c] as const))),
    keys: e.keys.flatMap((k) => {
      const columns = all(k.columns);
      return columns.length < k.columns.length
        ? []
        : [{ ...k, columns, determines: new Set(all(k.determines)) }];
    }),
    equal: e.equal.map((c) => new Set(all(c))).filter((c) => c.size > 1),
  };
}

function scanEstimate(plan: Scan): Estimate {
  const { table } = plan;
  if (table.kind === 'virtual')
    return {
      rows: UNKNOWN_ROWS,
      columns: new Map(
        plan.cols.map((c) => [
          c.id,
          { distinct: 200, nullFraction: 0, widthBytes: typeWidth(c.type), stats: undefined },
        ]),
      ),
      keys: [],
      equal: [],
    };
  const { stats } = table;
  const rows = Math.max(1, stats.rows);
  const columns = new Map<ColId, ColumnEstimate>();
  for (const [i, c] of plan.cols.entries()) {
    const s = stats.columns[plan.ordinals[i]];
    const unique = table.primaryKey?.length === 1 && table.primaryKey[0] === plan.ordinals[i];
    const spread = s?.range === undefined ? rows : Number(s.range.max - s.range.min) + 1;
    columns.set(c.id, {
      distinct: Math.max(
        1,
        Math.min(rows, s?.distinct ?? (unique ? rows : Math.min(spread, Math.max(200, rows / 10)))),
      ),
      nullFraction: s?.noNulls === true ? 0 : (s?.nullFraction ?? 0),
      widthBytes:
        s?.averageBytes === undefined
          ? typeWidth(c.type)
          : isStringType(c.type)
            ? s.averageBytes + 4
            : Math.min(typeWidth(c.type), Math.max(1, s.averageBytes)),
      stats: s,
    });
  }
  const idOf = (ordinal: number): ColId | undefined => {
    const at = plan.ordinals.indexOf(ordinal);
    return at < 0 ? undefined : plan.cols[at].id;
  };
  const determines = new Set(plan.cols.map((c) => c.id));
  const keys: Estimate['keys'][number][] = [];
  const primary = table.primaryKey?.map(idOf);
  if (primary !== undefined && primary.length > 0 && primary.every((x) => x !== undefined))
    keys.push({ columns: primary, rows, determines });
  else
    for (const [i, c] of plan.cols.entries()) {
      const d = stats.columns[plan.ordinals[i]]?.distinct;
      if (stats.analyzed && d !== undefined && d >= rows * 0.97 && rows > 1)
        keys.push({ columns: [c.id], rows, determines });
    }
  return { rows, columns, keys, equal: [] };
}

export function filterEstimate(input: Estimate, predicate: Expr, params: KnownParams): Estimate {
  const kept = withRows(input, input.rows * selectivity(predicate, input, params));
  let equal = kept.equal;
  const columns = new Map(kept.columns);
  const parts = predicate.kind === 'and' ? predicate.args : [predicate];
  for (const c of parts) {
    if (c.kind === 'in' && !c.negated && c.arg.kind === 'col') {
      const d = columnOf(kept, c.arg.id);
      columns.set(c.arg.id, { ...d, distinct: Math.min(d.distinct, c.list.length), stats: undefined });
    }
    if (c.kind !== 'cmp' || c.op !== '=') continue;
    if (c.left.kind === 'col' && c.right.kind === 'col') equal = mergeClasses(equal, c.left.id, c.right.id);
    for (const [x, y] of [
      [c.left, c.right],
      [c.right, c.left],
    ])
      if (x.kind === 'col' && (y.kind === 'const' || y.kind === 'param'))
        columns.set(x.id, { ...columnOf(kept, x.id), distinct: 1, nullFraction: 0, stats: undefined });
  }
  return { ...kept, columns, equal };
}

export function projectEstimate(input: Estimate, exprs: readonly Expr[], cols: readonly Column[]): Estimate {
  const columns = new Map<ColId, ColumnEstimate>();
  let equal = input.equal;
  for (const [i, c] of cols.entries()) {
    const e = exprs[i];
    if (e.kind === 'col') {
      columns.set(c.id, columnOf(input, e.id));
      if (e.id !== c.id) equal = mergeClasses(equal, e.id, c.id);
    } else
      columns.set(c.id, {
        distinct: Math.max(1, Math.min(input.rows, distinctOf(e, input))),
        nullFraction: 0,
        widthBytes: typeWidth(exprType(e)),
        stats: undefined,
      });
  }
  return { ...input, columns, equal };
}

export function aggregateEstimate(input: Estimate, plan: Pick<Aggregate, 'groups' | 'aggs'>): Estimate {
  const ids = plan.groups.map((g) => g.id);
  const rows = ids.length === 0 ? 1 : distinctRows(input, ids);
  const columns = new Map<ColId, ColumnEstimate>();
  for (const g of plan.groups) {
    const from = columnOf(input, g.id);
    columns.set(g.id, { ...from, distinct: Math.min(from.distinct, rows), stats: undefined });
  }
  for (const { out, name } of plan.aggs) {
    // Counts of groups of similar size repeat a lot; sums hardly do.
    const counts = name === 'count' || name === 'count_star';
    const distinct = counts ? Math.min(rows, 10 * Math.max(1, input.rows / rows)) : rows;
    columns.set(out.id, { distinct, nullFraction: 0, widthBytes: typeWidth(out.type), stats: AGGREGATED });
  }
  const own = ids.length === 0 ? [] : [{ columns: ids, rows, determines: new Set(columns.keys()) }];
  return {
    rows,
    columns,
    keys: [...own, ...input.keys.filter((k) => k.columns.every((x) => columns.has(x)))],
    equal: input.equal,
  };
}
