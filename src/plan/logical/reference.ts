/** What a logical plan means, by the definition of its nodes: an evaluator for tests of binder and rules.
 *
 *  No cleverness at all: nested loops, subqueries once a row. A rule is right when the plan before and after it give
 *  the same rows here. */

import { formatArray } from '../../types/array-text.js';
import { compareValues } from '../../types/compare.js';
import type { FunctionContext } from '../../types/functions/registry-types.js';
import type { ColId, SharedId } from '../../types/ids.js';
import { addNumeric, divideNumeric, numericFromInteger } from '../../types/numeric.js';
import { SqlError, unreachable } from '../../types/sql-error.js';
import { type SqlType, typeName, UNKNOWN } from '../../types/sql-type.js';
import { formatText } from '../../types/text-io.js';
import { fitTime, isTimed } from '../../types/time-modifier.js';
import { isNumeric, type Numeric, type Value } from '../../types/value.js';
import type { AggCall, Column, Expr, SortKey } from '../expr.js';
import { constant, exprKey, exprType } from '../expr-util.js';
import type { DistinctOn, Join, LogicalPlan, SharedScan } from './nodes.js';
import { evalExpr, type Lookup, notDistinct, type Surroundings } from './reference-expr.js';
import { freeColumns } from './transform.js';

export type Row = readonly Value[];

export type ReferenceInput = {
  /** Rows of a base table, in its column order. */
  readonly rowsOf: (schema: string, table: string) => readonly Row[];
  readonly functions: FunctionContext;
  readonly params?: readonly Value[];
  /** What shared plans have been rewritten to; their own plans otherwise. */
  readonly shared?: ReadonlyMap<SharedId, LogicalPlan>;
};

/** The plan's rows, each in the order of `plan.cols`. */
export function evaluate(plan: LogicalPlan, input: ReferenceInput): readonly Row[] {
  return new Evaluator(input).plan(plan, (id) => {
    throw new Error(`column #${id} is read but not there`);
  });
}

class Evaluator {
  private readonly input: ReferenceInput;
  private readonly surroundings: Surroundings;
  private readonly sharedRows = new Map<string, readonly Row[]>();

  constructor(input: ReferenceInput) {
    this.input = input;
    this.surroundings = {
      functions: input.functions,
      params: input.params ?? [],
      evalPlan: (p, outer) => this.plan(p, outer),
    };
  }

  private value(e: Expr, row: Lookup): Value {
    return evalExpr(e, row, this.surroundings);
  }

  /** The node's rows, checked against what its columns promise. */
  plan(p: LogicalPlan, outer: Lookup): readonly Row[] {
    const rows = this.rows(p, outer);
    for (const r of rows)
      for (const [i, c] of p.cols.entries()) {
        const broken = brokenPromise(c, r[i]);
        if (broken !== undefined) throw new Error(`${p.kind}: ${c.name}#${c.id} ${broken}`);
      }
    return rows;
  }

  private rows(p: LogicalPlan, outer: Lookup): readonly Row[] {
    switch (p.kind) {
      case 'scan':
        return this.input.rowsOf(p.table.schema, p.table.name).map((r) => p.ordinals.map((o) => r[o]));
      case 'values':
        return p.rows.map((r) => r.map((e) => this.value(e, outer)));
      case 'shared':
        return this.shared(p, outer);
      case 'filter':
        return this.plan(p.input, outer).filter(
          (r) => this.value(p.predicate, within(p.input.cols, r, outer)) === true,
        );
      case 'project':
        return this.plan(p.input, outer).map((r) => {
          const row = within(p.input.cols, r, outer);
          return p.exprs.map((e) => this.value(e, row));
        });
      case 'join':
        return this.join(p, outer);
      case 'aggregate': {
        const rows = this.plan(p.input, outer);
        const at = p.groups.map((g) => indexOf(p.input.cols, g.id));
        const groups = groupRows(
          rows,
          at,
          p.groups.map((g) => g.type),
        );
        if (p.groups.length === 0 && groups.length === 0) groups.push([]);
        return groups.map((g) => [
          ...at.map((i) => g[0][i]),
          ...p.aggs.map((a) =>
            this.aggregate(
              a,
              g.map((r) => within(p.input.cols, r, outer)),
            ),
          ),
        ]);
      }
      case 'sort':
        return this.sorted(this.plan(p.input, outer), p.keys, p.input.cols, outer);
      case 'limit': {
        const rows = this.plan(p.input, outer);
        if (rows.length === 0) return rows;
        const { from, to } = this.window(p, within(p.input.cols, rows[0], outer));
        return rows.slice(from, to);
      }
      case 'distinctOn': {
        const rows = this.sorted(this.plan(p.input, outer), p.order, p.input.cols, outer);
        const at = p.keys.map((k) => indexOf(p.input.cols, k.id));
        return groupRows(
          rows,
          at,
          p.keys.map((k) => k.type),
        ).flatMap((g) => this.kept(p, g, outer));
      }
      case 'setop':
        return this.setOp(p, outer);
      case 'repeat':
        return this.plan(p.input, outer).flatMap((r) => {
          const row = within(p.input.cols, r, outer);
          const count = this.value(p.count, row);
          const n = count === null ? 0 : Number(count);
          const start = p.series === undefined ? 0n : (this.value(p.series.start, row) as bigint | null);
          const step = p.series === undefined ? 0n : (this.value(p.series.step, row) as bigint | null);
          if (start === null || step === null) return [];
          return Array.from({ length: Math.max(n, 0) }, (_, k) =>
            p.series === undefined ? r : [...r, start + step * BigInt(k)],
          );
        });
      default:
        return unreachable(p);
    }
  }

  /** Computed once, whoever reads it; a dependent one once for all equal values of the columns that it reads. */
  private shared(p: SharedScan, outer: Lookup): readonly Row[] {
    const { id } = p.shared;
    const plan = this.input.shared?.get(id) ?? p.shared.plan;
    const free = freeColumns(plan);
    const key = [id, ...[...free].map((c) => exprKey(constant(outer(c), UNKNOWN)))].join();
    let rows = this.sharedRows.get(key);
    if (rows === undefined) {
      rows = this.plan(plan, (column) => {
        if (!free.has(column)) throw new Error(`shared plan ${id} reads outer column #${column}`);
        return outer(column);
      });
      this.sharedRows.set(key, rows);
    }
    const at = p.from.map((x) => indexOf(plan.cols, x));
    return rows.map((r) => at.map((i) => r[i]));
  }

  private join(p: Join, outer: Lookup): readonly Row[] {
    const left = this.plan(p.left, outer);
    const rightOnce = p.lateral ? undefined : this.plan(p.right, outer);
    const result: Row[] = [];
    const matchedRight = new Set<Row>();
    const noRight = p.right.cols.map(() => null);
    for (const l of left) {
      const row = within(p.left.cols, l, outer);
      const right = rightOnce ?? this.plan(p.right, row);
      let matches = 0;
      let unknown = false;
      for (const r of right) {
        const test = p.predicate === undefined ? true : this.value(p.predicate, within(p.right.cols, r, row));
        if (test === null) unknown = true;
        if (test !== true) continue;
        matches++;
        matchedRight.add(r);
        if (p.type === 'inner' || p.type === 'left' || p.type === 'right' || p.type === 'full')
          result.push([...l, ...r]);
        if (p.type === 'single') {
          if (matches > 1)
            throw new SqlError('21000', 'more than one row returned by a subquery used as an expression');
          result.push([...l, ...r]);
        }
      }
      if (matches === 0 && (p.type === 'left' || p.type === 'full' || p.type === 'single'))
        result.push([...l, ...noRight]);
      if (p.type === 'semi' && matches > 0) result.push(l);
      if (p.type === 'anti' && matches === 0 && !(p.nullAware && unknown)) result.push(l);
      if (p.type === 'mark') result.push([...l, matches > 0 ? true : p.nullAware && unknown ? null : false]);
    }
    if (p.type === 'right' || p.type === 'full') {
      const noLeft = p.left.cols.map(() => null);
      for (const r of rightOnce ?? []) if (!matchedRight.has(r)) result.push([...noLeft, ...r]);
    }
    return result;
  }

  private setOp(p: Extract<LogicalPlan, { kind: 'setop' }>, outer: Lookup): readonly Row[] {
    const arms = p.inputs.map((input, k) => {
      const at = p.inputCols[k].map((c) => indexOf(input.cols, c.id));
      return this.plan(input, outer).map((r) => at.map((i) => r[i]));
    });
    const types = p.cols.map((c) => c.type);
    const every = p.cols.map((_, i) => i);
    if (p.op === 'union') {
      const rows = arms.flat();
      return p.all ? rows : groupRows(rows, every, types).map((g) => g[0]);
    }
    return arms.slice(1).reduce<readonly Row[]>((left, right) => {
      const counts = groupRows(right, every, types);
      return groupRows(left, every, types).flatMap((g) => {
        const other = counts.find((c) => sameRow(c[0], g[0], types))?.length ?? 0;
        const keep = p.op === 'intersect' ? Math.min(g.length, other) : Math.max(g.length - other, 0);
        if (p.all) return g.slice(0, keep);
        return (p.op === 'intersect' ? other > 0 : other === 0) ? [g[0]] : [];
      });
    }, arms[0]);
  }

  private window(
    p: { readonly limit: Expr | undefined; readonly offset: Expr | undefined },
    row: Lookup,
  ): { readonly from: number; readonly to: number | undefined } {
    const offset = p.offset === undefined ? null : this.value(p.offset, row);
    const count = p.limit === undefined ? null : this.value(p.limit, row);
    const from = offset === null ? 0 : Number(offset);
    return { from, to: count === null ? undefined : from + Number(count) };
  }

  private kept(p: DistinctOn, run: readonly Row[], outer: Lookup): readonly Row[] {
    if (p.rows === undefined) return run.slice(0, 1);
    const { from, to } = this.window(p.rows, within(p.input.cols, run[0], outer));
    if (to === undefined || !p.rows.ties || to <= from || to > run.length) return run.slice(from, to);
    const keys = (r: Row): readonly Value[] =>
      p.order.map((k) => this.value(k.expr, within(p.input.cols, r, outer)));
    const last = keys(run[to - 1]);
    const same = (r: Row): boolean =>
      keys(r).every((v, i) => compareKeys(exprType(p.order[i].expr), v, last[i], p.order[i]) === 0);
    const end = run.findIndex((r, i) => i >= to && !same(r));
    return run.slice(from, end < 0 ? undefined : end);
  }

  private sorted(
    rows: readonly Row[],
    keys: readonly SortKey[],
    cols: readonly Column[],
    outer: Lookup,
  ): readonly Row[] {
    const keyed = rows.map((r) => {
      const row = within(cols, r, outer);
      return { r, k: keys.map((key) => this.value(key.expr, row)) };
    });
    keyed.sort((a, b) => {
      for (const [i, key] of keys.entries()) {
        const order = compareKeys(exprType(key.expr), a.k[i], b.k[i], key);
        if (order !== 0) return order;
      }
      return 0;
    });
    return keyed.map((x) => x.r);
  }

  private aggregate(a: AggCall, rows: readonly Lookup[]): Value {
    let kept = a.filter === undefined ? rows : rows.filter((r) => this.value(a.filter!, r) === true);
    if (a.orderBy.length > 0) {
      const keyed = kept.map((r) => ({ r, k: a.orderBy.map((key) => this.value(key.expr, r)) }));
      keyed.sort((x, y) =>
        a.orderBy.reduce(
          (order, key, i) => (order !== 0 ? order : compareKeys(exprType(key.expr), x.k[i], y.k[i], key)),
          0,
        ),
      );
      kept = keyed.map((x) => x.r);
    }
    if (a.name === 'count_star') return BigInt(kept.length);
    const types = a.args.map(exprType);
    let args: readonly Row[] = kept.map((r) => a.args.map((e) => this.value(e, r)));
    if (a.name !== 'array_agg') args = args.filter((r) => r[0] !== null);
    if (a.distinct)
      args = groupRows(
        args,
        types.map((_, i) => i),
        types,
      ).map((g) => g[0]);
    return finish(a, args, types, this.input.functions);
  }
}

function finish(
  a: AggCall,
  rows: readonly Row[],
  types: readonly SqlType[],
  functions: FunctionContext,
): Value {
  const values = rows.map((r) => r[0]);
  if (a.name === 'count') return BigInt(values.length);
  if (values.length === 0) return null;
  const type = types[0];
  const least = (sign: number): Value =>
    values.reduce((x, y) => (sign * compareValues(type, y, x) < 0 ? y : x));
  switch (a.name) {
    case 'min':
      return least(1);
    case 'max':
      return least(-1);
    case 'bool_and':
      return values.every((v) => v === true);
    case 'bool_or':
      return values.some((v) => v === true);
    case 'any_value':
      return values[0];
    case 'string_agg':
      return rows.map((r, i) => (i === 0 ? '' : ((r[1] as string | null) ?? '')) + (r[0] as string)).join('');
    case 'array_agg':
      return formatArray(values.map((v) => (v === null ? null : formatText(type, v, functions))));
    case 'sum': {
      if (type.kind === 'numeric') return values.reduce((x, y) => addNumeric(x as Numeric, y as Numeric));
      if (type.kind === 'float4' || type.kind === 'float8')
        return values.reduce<number>((x, y) => x + (y as number), 0);
      const total = values.reduce<bigint>((x, y) => x + BigInt(y as number | bigint), 0n);
      return type.kind === 'int8' ? numericFromInteger(total) : total;
    }
    case 'avg': {
      if (type.kind === 'float4' || type.kind === 'float8')
        return values.reduce<number>((x, y) => x + (y as number), 0) / values.length;
      const numerics =
        type.kind === 'numeric' ? values : values.map((v) => numericFromInteger(v as number | bigint));
      return divideNumeric(
        numerics.reduce((x, y) => addNumeric(x as Numeric, y as Numeric)) as Numeric,
        numericFromInteger(values.length),
      );
    }
    default:
      throw new Error(`the reference does not compute ${a.name}`);
  }
}

/** What is wrong with a value of a column; undefined when nothing is. */
function brokenPromise(c: Column, v: Value): string | undefined {
  if (v === undefined) return 'is missing';
  if (v === null) return c.nullable ? undefined : 'is NULL and said not to be';
  if (c.type.kind === 'numeric' && c.type.scale !== undefined && isNumeric(v)) {
    if ('special' in v) return `is ${v.special} and said to have a scale`;
    if (v.scale !== c.type.scale) return `has scale ${v.scale}, not ${c.type.scale}`;
    const digits = (v.unscaled < 0n ? -v.unscaled : v.unscaled).toString().length;
    if (digits > (c.type.precision ?? 0)) return `has ${digits} digits, not ${c.type.precision}`;
  }
  if ((c.type.kind === 'varchar' || c.type.kind === 'bpchar') && c.type.length !== undefined) {
    const length = [...(v as string)].length;
    if (c.type.kind === 'varchar' ? length > c.type.length : length !== c.type.length)
      return `has ${length} characters, not ${c.type.length}`;
  }
  if (isTimed(c.type) && !notDistinct(c.type, v, fitTime(v, c.type)))
    return `is finer than ${typeName(c.type)}`;
  return undefined;
}

function within(cols: readonly Column[], row: Row, outer: Lookup): Lookup {
  return (id) => {
    const i = cols.findIndex((c) => c.id === id);
    return i < 0 ? outer(id) : row[i];
  };
}

function indexOf(cols: readonly Column[], id: ColId): number {
  const i = cols.findIndex((c) => c.id === id);
  if (i < 0) throw new Error(`column #${id} is not in the input`);
  return i;
}

function sameRow(a: Row, b: Row, types: readonly SqlType[]): boolean {
  return types.every((t, i) => notDistinct(t, a[i], b[i]));
}

function groupRows(rows: readonly Row[], at: readonly number[], types: readonly SqlType[]): Row[][] {
  const groups: Row[][] = [];
  for (const r of rows) {
    const key = at.map((i) => r[i]);
    const group = groups.find((g) =>
      sameRow(
        at.map((i) => g[0][i]),
        key,
        types,
      ),
    );
    if (group === undefined) groups.push([r]);
    else group.push(r);
  }
  return groups;
}

function compareKeys(type: SqlType, a: Value, b: Value, key: SortKey): number {
  if (a === null || b === null) return a === b ? 0 : (a === null) === key.nullsFirst ? -1 : 1;
  const order = compareValues(type, a, b);
  return key.descending ? -order : order;
}
