/** Runs a DistributedPlan over n simulated segments in memory: slices, gangs, motions and operators by their
 *  definition in `plan/physical.ts`, nothing by the engine. What it returns is what the plan means. */

import type { TableDef } from '../../src/plan/catalog.js';
import type { AggCall, Column, Expr, SortKey } from '../../src/plan/expr.js';
import { columnsOf, exprType } from '../../src/plan/expr-util.js';
import type { RunRows } from '../../src/plan/logical/nodes.js';
import type {
  DistributedPlan,
  HashAggOp,
  HashJoinOp,
  NestedLoopOp,
  PhysicalOp,
  Slice,
} from '../../src/plan/physical.js';
import { compareValues, trimBlanks } from '../../src/types/compare.js';
import { hashRow, segmentOfHash } from '../../src/types/hash.js';
import { type ColId, MASTER, type MotionId, type SegmentId } from '../../src/types/ids.js';
import { addNumeric, divideNumeric, multiplyNumeric, stripZeros } from '../../src/types/numeric.js';
import { SqlError, unreachable } from '../../src/types/sql-error.js';
import { reprOf, type SqlType } from '../../src/types/sql-type.js';
import { isNumeric, type Numeric, type Value } from '../../src/types/value.js';
import { evaluate, type Row } from './eval-expr.js';

export type TableData = { readonly def: TableDef; readonly rows: readonly (readonly Value[])[] };

/** Rows of a table on each segment, as loading would place them. */
export function placeRows(data: TableData, segments: number): (readonly Value[])[][] {
  const parts: (readonly Value[])[][] = Array.from({ length: segments }, () => []);
  const { distribution, columns } = data.def;
  for (const [i, row] of data.rows.entries()) {
    if (distribution.kind === 'replicated') for (const p of parts) p.push(row);
    else if (distribution.kind === 'random') parts[(i * 7 + 3) % segments].push(row);
    else {
      const types = distribution.columns.map((c) => columns[c].type);
      parts[
        segmentOfHash(
          hashRow(
            types,
            distribution.columns.map((c) => row[c]),
          ),
          segments,
        )
      ].push(row);
    }
  }
  return parts;
}

/** Positions of the rows that LIMIT and OFFSET keep; their expressions have one value over all of the rows. */
function windowOf(
  op: { readonly limit: Expr | undefined; readonly offset: Expr | undefined },
  first: Row | undefined,
): { from: number; to: number | undefined } {
  const value = (e: Expr | undefined, code: string): number | undefined => {
    const v = e === undefined ? null : evaluate(e, first ?? new Map());
    if (v !== null && Number(v) < 0) throw new SqlError(code, 'must not be negative');
    return v === null ? undefined : Number(v);
  };
  const from = value(op.offset, '2201X') ?? 0;
  const count = value(op.limit, '2201W');
  return { from, to: count === undefined ? undefined : from + count };
}

function reads(...exprs: readonly (Expr | undefined)[]): boolean {
  return exprs.some((e) => e !== undefined && columnsOf(e).size > 0);
}

function keptRows(run: readonly Row[], keep: RunRows, keys: readonly SortKey[]): readonly Row[] {
  const { from, to } = windowOf(keep, run[0]);
  if (to === undefined || !keep.ties || to <= from || to > run.length) return run.slice(from, to);
  let end = to;
  while (end < run.length && compareRows(keys, run[to - 1], run[end]) === 0) end++;
  return run.slice(from, end);
}

export class SimulatedCluster {
  private readonly segments: number;
  private readonly tables = new Map<number, (readonly Value[])[][]>();
  private readonly kept: Kept = new Map();

  constructor(segments: number, tables: readonly TableData[]) {
    this.segments = segments;
    for (const t of tables) this.tables.set(t.def.storageId, placeRows(t, segments));
  }

  /** Rows of the result, in order; for INSERT, rows by segment. */
  run(plan: DistributedPlan): { rows: Value[][]; inserted: Map<SegmentId, Value[][]> } {
    const inbox = new Map<MotionId, Map<SegmentId, Row[][]>>();
    this.kept.clear();
    const result: Value[][] = [];
    const inserted = new Map<SegmentId, Value[][]>();
    for (const slice of plan.slices)
      for (const at of slice.gang) {
        const out = new Process(this.tables, inbox, this.kept, at).run(slice.root);
        checkColumns(slice.root, out);
        this.deliver(plan, slice, at, out, inbox, result, inserted);
      }
    return { rows: result, inserted };
  }

  private deliver(
    plan: DistributedPlan,
    slice: Slice,
    at: SegmentId,
    rows: readonly Row[],
    inbox: Map<MotionId, Map<SegmentId, Row[][]>>,
    result: Value[][],
    inserted: Map<SegmentId, Value[][]>,
  ): void {
    const { sink } = slice;
    const values = (r: Row): Value[] => sink.cols.map((c) => get(r, c.id));
    if (sink.kind === 'result') {
      for (const r of rows) result.push(values(r));
      return;
    }
    if (sink.kind === 'insert') {
      inserted.set(at, rows.map(values));
      return;
    }
    if (sink.kind === 'share') {
      this.kept.set(`${sink.share}@${at}`, rows.map(values));
      return;
    }
    const receiver = plan.slices.find((s) => s.id === sink.to);
    if (receiver === undefined) throw new Error(`slice ${slice.id} sends to nobody`);
    const boxes = inbox.get(sink.motion) ?? new Map<SegmentId, Row[][]>();
    inbox.set(sink.motion, boxes);
    const streams = new Map<SegmentId, Row[]>(receiver.gang.map((g) => [g, []]));
    for (const [i, r] of rows.entries()) {
      const kept = new Map(sink.cols.map((c) => [c.id, get(r, c.id)]));
      switch (sink.mode) {
        case 'broadcast':
          for (const s of streams.values()) s.push(kept);
          break;
        case 'gather':
          if (receiver.gang.length !== 1) throw new Error('gather to more than one process');
          streams.get(receiver.gang[0])?.push(kept);
          break;
        case 'random':
          if (receiver.gang.length !== this.segments)
            throw new Error('round robin to a part of the segments');
          streams.get(receiver.gang[i % receiver.gang.length])?.push(kept);
          break;
        case 'hash': {
          if (receiver.gang.length !== this.segments)
            throw new Error('hash motion to a part of the segments');
          const h = hashRow(
            sink.keys.map(exprType),
            sink.keys.map((k) => evaluate(k, r)),
          );
          streams.get(segmentOfHash(h, this.segments) as SegmentId)?.push(kept);
          break;
        }
      }
    }
    for (const [to, s] of streams) {
      const all = boxes.get(to) ?? [];
      all.push(s);
      boxes.set(to, all);
    }
  }
}

function get(r: Row, id: ColId): Value {
  const v = r.get(id);
  if (v === undefined) throw new Error(`column #${id} is missing`);
  return v;
}

/** The promises about columns that compiled code relies on. */
function checkColumns(op: PhysicalOp, rows: readonly Row[]): void {
  for (const c of op.cols)
    for (const r of rows) {
      const v = r.get(c.id);
      if (v === undefined) throw new Error(`${op.kind} ${op.id} lacks its column ${c.name}#${c.id}`);
      if (v === null) {
        if (!c.nullable)
          throw new Error(`${op.kind} ${op.id}: NULL in ${c.name}#${c.id}, which is not nullable`);
        continue;
      }
      const n =
        typeof v === 'bigint'
          ? v
          : typeof v === 'number' && Number.isInteger(v)
            ? BigInt(v)
            : isNumeric(v) && 'unscaled' in v
              ? v.unscaled
              : undefined;
      if (
        c.type.kind === 'numeric' &&
        c.type.scale !== undefined &&
        (!isNumeric(v) || !('scale' in v) || v.scale !== c.type.scale)
      )
        throw new Error(`${op.kind} ${op.id}: ${c.name} has another scale than ${c.type.scale}`);
      if (
        c.range !== undefined &&
        n !== undefined &&
        reprOf(c.type) !== 'f64' &&
        (n < c.range.min || n > c.range.max)
      )
        throw new Error(
          `${op.kind} ${op.id}: ${n} in ${c.name}#${c.id} is outside ${c.range.min}..${c.range.max}`,
        );
    }
}

export function groupKey(type: SqlType, v: Value): string {
  if (v === null) return 'null';
  if (isNumeric(v)) {
    const s = stripZeros(v);
    return 'special' in s ? s.special : `${s.unscaled}e${s.scale}`;
  }
  if (typeof v === 'string') return `'${type.kind === 'bpchar' ? trimBlanks(v) : v}`;
  if (v instanceof Uint8Array || typeof v === 'object')
    return JSON.stringify(v, (_, x) => (typeof x === 'bigint' ? `${x}` : x));
  return Object.is(v, -0) ? '0' : `${v}`;
}

function keyOf(cols: readonly { readonly type: SqlType }[], values: readonly Value[]): string {
  return values.map((v, i) => groupKey(cols[i].type, v)).join('|');
}

export function compareRows(keys: readonly SortKey[], a: Row, b: Row): number {
  for (const k of keys) {
    const x = evaluate(k.expr, a);
    const y = evaluate(k.expr, b);
    if (x === null && y === null) continue;
    if (x === null) return k.nullsFirst ? -1 : 1;
    if (y === null) return k.nullsFirst ? 1 : -1;
    const d = compareValues(exprType(k.expr), x, y);
    if (d !== 0) return k.descending ? -d : d;
  }
  return 0;
}

/** Rows of shared plans, by plan and process. */
type Kept = Map<string, Value[][]>;

class Process {
  private readonly tables: ReadonlyMap<number, (readonly Value[])[][]>;
  private readonly inbox: ReadonlyMap<MotionId, ReadonlyMap<SegmentId, Row[][]>>;
  private readonly kept: Kept;
  private readonly at: SegmentId;

  constructor(
    tables: ReadonlyMap<number, (readonly Value[])[][]>,
    inbox: ReadonlyMap<MotionId, ReadonlyMap<SegmentId, Row[][]>>,
    kept: Kept,
    at: SegmentId,
  ) {
    this.kept = kept;
    this.tables = tables;
    this.inbox = inbox;
    this.at = at;
  }

  run(op: PhysicalOp): Row[] {
    const rows = this.execute(op);
    checkColumns(op, rows);
    return rows;
  }

  private execute(op: PhysicalOp): Row[] {
    switch (op.kind) {
      case 'scan': {
        if (this.at === MASTER) throw new Error('a table scan on the master');
        const part = this.tables.get(op.storageId)?.[this.at] ?? [];
        const rows = part.map((r): Row => new Map(op.scanCols.map((c, i) => [c.id, r[op.ordinals[i]]])));
        checkColumns({ ...op, cols: op.scanCols }, rows);
        return rows.filter((r) => op.filter === undefined || evaluate(op.filter, r) === true);
      }
      case 'sharedScan':
        return (this.kept.get(`${op.share}@${this.at}`) ?? []).map(
          (r): Row => new Map(op.cols.map((c, i) => [c.id, r[op.ordinals[i]]])),
        );
      case 'virtualScan':
        throw new Error('no catalog tables here');
      case 'values':
        return op.valueRows.map(
          (r): Row => new Map(op.cols.map((c, i) => [c.id, evaluate(r[i], new Map())])),
        );
      case 'receive': {
        const streams = this.inbox.get(op.motion)?.get(this.at) ?? [];
        const all = streams.flat();
        if (op.merge !== undefined) {
          const keys = op.merge;
          for (const s of streams)
            for (let i = 1; i < s.length; i++)
              if (compareRows(keys, s[i - 1], s[i]) > 0) throw new Error('a merged stream is not sorted');
          all.sort((a, b) => compareRows(keys, a, b));
        }
        return all;
      }
      case 'filter':
        return this.run(op.input).filter((r) => evaluate(op.predicate, r) === true);
      case 'project':
        return this.run(op.input).map(
          (r): Row => new Map(op.cols.map((c, i) => [c.id, evaluate(op.exprs[i], r)])),
        );
      case 'hashJoin':
      case 'nestedLoop':
        return this.join(op);
      case 'hashAgg':
        return aggregateRows(op, this.run(op.input));
      case 'sort': {
        let rows = [...this.run(op.input)].sort((a, b) => compareRows(op.keys, a, b));
        if (op.distinctOn !== undefined) {
          const lead = op.keys.slice(0, op.distinctOn);
          const sorted = rows;
          const starts = (r: Row, i: number): boolean => i === 0 || compareRows(lead, sorted[i - 1], r) !== 0;
          if (op.keep === undefined) rows = rows.filter(starts);
          else {
            const runs: Row[][] = [];
            for (const [i, r] of rows.entries()) {
              if (starts(r, i)) runs.push([]);
              runs[runs.length - 1].push(r);
            }
            rows = runs.flatMap((run) => keptRows(run, op.keep!, op.keys));
          }
        }
        const n = op.limit === undefined ? null : evaluate(op.limit, new Map());
        return n === null ? rows : rows.slice(0, Number(n));
      }
      case 'limit': {
        const rows = this.run(op.input);
        if (rows.length === 0 && reads(op.limit, op.offset)) return [];
        const { from, to } = windowOf(op, rows[0]);
        return rows.slice(from, to);
      }
      case 'append':
        return op.inputs.flatMap((i, k) =>
          this.run(i).map((r): Row => new Map(op.cols.map((c, j) => [c.id, get(r, op.inputCols[k][j].id)]))),
        );
      case 'repeat': {
        const out: Row[] = [];
        for (const r of this.run(op.input)) {
          const n = evaluate(op.count, r);
          const series = op.series;
          for (let i = 0n; n !== null && i < BigInt(n as bigint); i++) {
            if (series === undefined) out.push(r);
            else {
              const start = BigInt(evaluate(series.start, r) as bigint | number);
              const step = BigInt(evaluate(series.step, r) as bigint | number);
              const v = start + step * i;
              out.push(new Map([...r, [series.out.id, series.out.type.kind === 'int8' ? v : Number(v)]]));
            }
          }
        }
        return out;
      }
      default:
        return unreachable(op);
    }
  }

  private join(op: HashJoinOp | NestedLoopOp): Row[] {
    const probe = this.run(op.probe);
    const build = this.run(op.build);
    const nulls = (cols: readonly Column[]): Row => new Map(cols.map((c) => [c.id, null]));
    const both = (p: Row, b: Row): Row => new Map([...p, ...b]);
    const test = (p: Row, b: Row): Value => {
      const row = both(p, b);
      if (op.kind === 'nestedLoop') return op.predicate === undefined ? true : evaluate(op.predicate, row);
      let unknown = false;
      for (const [i, k] of op.probeKeys.entries()) {
        const x = evaluate(k, p);
        const y = evaluate(op.buildKeys[i], b);
        if (exprType(k).kind !== exprType(op.buildKeys[i]).kind) throw new Error('join keys of two kinds');
        if (x === null || y === null) {
          if (op.nullSafe[i] && x === y) continue;
          if (op.nullSafe[i]) return false;
          unknown = true;
        } else if (compareValues(exprType(k), x, y) !== 0) return false;
      }
      if (op.residual !== undefined) {
        const r = evaluate(op.residual, row);
        if (r === false) return false;
        if (r === null) unknown = true;
      }
      return unknown ? null : true;
    };
    const out: Row[] = [];
    const matched = new Set<Row>();
    for (const p of probe) {
      const tests = build.map((b) => ({ b, t: test(p, b) }));
      const hits = tests.filter((x) => x.t === true).map((x) => x.b);
      const unknown = tests.some((x) => x.t === null);
      for (const h of hits) matched.add(h);
      switch (op.type) {
        case 'inner':
        case 'right':
          for (const h of hits) out.push(both(p, h));
          break;
        case 'left':
        case 'full':
        case 'single':
          if (op.type === 'single' && hits.length > 1)
            throw new SqlError('21000', 'more than one row returned by a subquery used as an expression');
          for (const h of hits) out.push(both(p, h));
          if (hits.length === 0) out.push(both(p, nulls(op.build.cols)));
          break;
        case 'semi':
          if (hits.length > 0) out.push(p);
          break;
        case 'anti':
          if (hits.length === 0 && !(op.nullAware && unknown)) out.push(p);
          break;
        case 'mark': {
          if (op.mark === undefined) throw new Error('a mark join without mark');
          const mark = hits.length > 0 ? true : op.nullAware && unknown ? null : false;
          out.push(new Map([...p, [op.mark.id, mark]]));
          break;
        }
      }
    }
    if (op.type === 'right' || op.type === 'full')
      for (const b of build) if (!matched.has(b)) out.push(both(nulls(op.probe.cols), b));
    if (op.type === 'rightSemi') out.push(...build.filter((b) => matched.has(b)));
    if (op.type === 'rightAnti') out.push(...build.filter((b) => !matched.has(b)));
    return out;
  }
}

type Group = { readonly key: readonly Value[]; readonly rows: Row[] };

function aggregateRows(op: HashAggOp, input: readonly Row[]): Row[] {
  const groups = new Map<string, Group>();
  if (op.groups.length === 0) groups.set('', { key: [], rows: [] });
  for (const r of input) {
    const key = op.groups.map((g) => get(r, g.id));
    const k = keyOf(op.groups, key);
    const g = groups.get(k) ?? { key, rows: [] };
    g.rows.push(r);
    groups.set(k, g);
  }
  return [...groups.values()].map((g): Row => {
    const out = new Map<ColId, Value>(op.groups.map((c, i) => [c.id, g.key[i]]));
    for (const [i, a] of op.aggs.entries()) {
      if (op.mode === 'single') out.set(a.out.id, finish(a, stateOf(a, inputsOf(a, g.rows))));
      else if (op.mode === 'partial')
        for (const [j, v] of stateOf(a, inputsOf(a, g.rows)).entries()) out.set(op.states[i][j].id, v);
      else {
        const states = g.rows.map((r) => op.states[i].map((c) => get(r, c.id)));
        const merged = combine(a, states);
        if (op.mode === 'final') out.set(a.out.id, finish(a, merged));
        else for (const [j, v] of merged.entries()) out.set(op.states[i][j].id, v);
      }
    }
    return out;
  });
}

function inputsOf(a: AggCall, rows: readonly Row[]): readonly (readonly Value[])[] {
  let kept = rows.filter((r) => a.filter === undefined || evaluate(a.filter, r) === true);
  if (a.orderBy.length > 0) kept = [...kept].sort((x, y) => compareRows(a.orderBy, x, y));
  let args = kept.map((r) => a.args.map((e) => evaluate(e, r)));
  if (a.distinct) {
    const seen = new Set<string>();
    args = args.filter((v) => {
      const k = v.map((x, i) => groupKey(exprType(a.args[i]), x)).join('|');
      return !seen.has(k) && seen.add(k) !== undefined;
    });
  }
  return args;
}

function numeric(v: Value): Numeric {
  if (isNumeric(v)) return v;
  return { unscaled: BigInt(v as number | bigint), scale: 0 };
}

function add(a: Value, b: Value): Value {
  if (a === null) return b;
  if (b === null) return a;
  if (typeof a === 'bigint' || typeof b === 'bigint') return BigInt(a as bigint) + BigInt(b as bigint);
  if (typeof a === 'number') return a + (b as number);
  return addNumeric(numeric(a), numeric(b));
}

function isFloat(t: SqlType): boolean {
  return t.kind === 'float4' || t.kind === 'float8';
}

function extreme(type: SqlType, values: readonly Value[], sign: number): Value {
  let best: Value = null;
  for (const v of values)
    if (v !== null && (best === null || compareValues(type, v, best) * sign > 0)) best = v;
  return best;
}

/** The state columns of `agg-states.ts`. */
function stateOf(a: AggCall, inputs: readonly (readonly Value[])[]): Value[] {
  if (a.name === 'count_star') return [BigInt(inputs.length)];
  if (a.name === 'array_agg')
    return [
      inputs.length === 0 ? null : `{${inputs.map(([v]) => (v === null ? 'NULL' : String(v))).join(',')}}`,
    ];
  if (a.name === 'string_agg') {
    const texts = inputs.filter(([v]) => v !== null);
    return [texts.length === 0 ? null : texts.map(([v, d], i) => `${i === 0 ? '' : (d ?? '')}${v}`).join('')];
  }
  const type = exprType(a.args[0]);
  const values = inputs.map((v) => v[0]).filter((v) => v !== null);
  const integral = (v: Value): Value => (typeof v === 'number' && !isFloat(type) ? BigInt(v) : v);
  const sum = (): Value => values.reduce<Value>((s, v) => add(s, integral(v)), null);
  const count = BigInt(values.length);
  const exact = (v: Value): Value => (v === null || isFloat(type) ? v : numeric(v));
  switch (a.name) {
    case 'count':
      return [count];
    case 'sum':
      return [a.out.type.kind === 'numeric' ? exact(sum()) : sum()];
    case 'avg':
      return [exact(sum()), count];
    case 'min':
      return [extreme(type, values, -1)];
    case 'max':
      return [extreme(type, values, 1)];
    case 'any_value':
      return [values[0] ?? null];
    case 'bool_and':
      return [values.length === 0 ? null : values.every((v) => v === true)];
    case 'bool_or':
      return [values.length === 0 ? null : values.some((v) => v === true)];
    case 'var_samp':
    case 'var_pop':
    case 'stddev_samp':
    case 'stddev_pop': {
      const squares = values
        .map((v) => multiplyNumeric(numeric(v), numeric(v)))
        .reduce<Value>((s, v) => add(s, v), null);
      return [count, exact(sum()), squares];
    }
    default:
      throw new Error(`no states of ${a.name}`);
  }
}

function combine(a: AggCall, states: readonly (readonly Value[])[]): Value[] {
  const column = (i: number): readonly Value[] => states.map((s) => s[i]);
  const sum = (i: number): Value => column(i).reduce<Value>(add, null);
  const type = a.args.length === 0 ? a.out.type : exprType(a.args[0]);
  const known = column(0).filter((v) => v !== null);
  switch (a.name) {
    case 'count':
    case 'count_star':
      return [sum(0) ?? 0n];
    case 'sum':
      return [sum(0)];
    case 'avg':
      return [sum(0), sum(1) ?? 0n];
    case 'min':
      return [extreme(type, column(0), -1)];
    case 'max':
      return [extreme(type, column(0), 1)];
    case 'any_value':
      return [known[0] ?? null];
    case 'bool_and':
      return [known.length === 0 ? null : known.every((v) => v === true)];
    case 'bool_or':
      return [known.length === 0 ? null : known.some((v) => v === true)];
    case 'var_samp':
    case 'var_pop':
    case 'stddev_samp':
    case 'stddev_pop':
      return [sum(0) ?? 0n, sum(1), sum(2)];
    default:
      throw new Error(`no states of ${a.name}`);
  }
}

function finish(a: AggCall, state: readonly Value[]): Value {
  if (a.name !== 'avg') return state[0];
  const [sum, count] = state;
  if (sum === null || count === 0n) return null;
  if (typeof sum === 'number') return sum / Number(count);
  return divideNumeric(numeric(sum), numeric(count));
}
