/** generate_series: a `repeat` node whose series column counts up.
 *
 *  `repeat` counts integers; instants are `start + step * k` above it, or rows of constants when all is known. Source: PostgreSQL 15, chapter 9.25. */
import type { FuncCall, Node } from 'libpg-query';
import { functionById } from '../../types/functions/registry.js';
import type { SqlError } from '../../types/sql-error.js';
import { INT8, INTERVAL, type SqlType, TEXT, typeName } from '../../types/sql-type.js';
import { type Interval, isInterval } from '../../types/value.js';
import type { Column, Expr } from '../expr.js';
import { cmp, col, columnsOf, constant, exprNullable, exprType, when } from '../expr-util.js';
import { filter, ONE_ROW, project, repeat } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { namesOf } from './ast.js';
import { coerce, coerceTo } from './coerce.js';
import type { BindContext } from './context.js';
import type { Binding, SelectListSeries } from './level.js';
import { bindOperator } from './operator.js';
import { bare } from './type-family.js';

/** `callByName` of `call.ts`, which imports this file. */
export type CallByName = (b: Binding, name: string, args: readonly Expr[], at: number | undefined) => Expr;

type IntegerSeries = {
  readonly type: SqlType;
  readonly count: Expr;
  readonly start: Expr;
  readonly step: Expr;
};

/** In the select list: the level gets a series, the expression refers to its column. */
export function bindSelectSeries(b: Binding, f: FuncCall): Expr {
  const { ctx } = b;
  const s = integerSeries(b, f);
  if (s === undefined) throw ctx.notSupported('generate_series over dates in a select list', f.location);
  const out = ctx.column('generate_series', INT8, b.level.severalSeries);
  useSelectSeries(b, { out, count: s.count, start: s.start, step: s.step }, f.location);
  return ctx.at(coerce(ctx, col(out), s.type, 'explicit') ?? col(out), f.location ?? 0);
}

export function useSelectSeries(b: Binding, series: SelectListSeries, at: number | undefined): void {
  const { ctx, level } = b;
  if (level.clause !== 'SELECT')
    throw ctx.error('0A000', `set-returning functions are not allowed in ${level.clause}`, at);
  const others = new Set(level.series.map((s) => s.out.id));
  for (const e of [series.count, series.start, series.step])
    if ([...columnsOf(e)].some((id) => others.has(id)))
      throw ctx.notSupported('a set-returning function over another', at);
  level.series.push(series);
  level.ownColumns([series.out]);
}

const SET_RETURNING = new Set(['generate_series', 'unnest', 'generate_subscripts']);

/** Calls of set-returning functions in a select list, subqueries aside. */
export function countSetReturning(list: readonly Node[]): number {
  let count = 0;
  const visit = (x: unknown): void => {
    if (typeof x !== 'object' || x === null || 'SubLink' in x) return;
    if ('FuncCall' in x && SET_RETURNING.has(namesOf((x.FuncCall as FuncCall).funcname).at(-1) ?? ''))
      count++;
    for (const part of Object.values(x)) visit(part);
  };
  visit(list);
  return count;
}

/** Each row as often as the longest series has rows; a series that has ended gives NULL. Source: PostgreSQL's ProjectSet. */
export function repeated(ctx: BindContext, plan: LogicalPlan, all: readonly SelectListSeries[]): LogicalPlan {
  const [first] = all;
  if (first === undefined) return plan;
  if (all.length === 1) {
    const { out, count, start, step } = first;
    return repeat(plan, count, { out, start, step });
  }
  const [zero, one] = [constant(0n, INT8), constant(1n, INT8)];
  const counts = all.map((s) => ctx.column('count', INT8, exprNullable(s.count)));
  const counted = project(
    plan,
    [...plan.cols.map((c) => col(c)), ...all.map((s) => s.count)],
    [...plan.cols, ...counts],
  );
  const longest: Expr = { kind: 'greatest', args: [...counts.map((c) => col(c)), zero], type: INT8 };
  const k = ctx.column('k', INT8, false);
  const rows = repeat(counted, longest, { out: k, start: zero, step: one });
  const values = all.map((s, i): Expr => {
    const value = bindOperator(ctx, '+', s.start, bindOperator(ctx, '*', s.step, col(k), -1), -1);
    return {
      kind: 'case',
      whens: [when(cmp('<', col(k), col(counts[i]!)), value)],
      otherwise: undefined,
      type: INT8,
    };
  });
  return project(
    rows,
    [...plan.cols.map((c) => col(c)), ...values],
    [...plan.cols, ...all.map((s) => s.out)],
  );
}

/** In FROM: a plan with one column. Arguments may refer to columns from outside (LATERAL). */
export function seriesPlan(b: Binding, f: FuncCall, name: string, call: CallByName): LogicalPlan {
  const { ctx } = b;
  const s = integerSeries(b, f);
  if (s === undefined) return timestampSeries(b, f, name, call);
  const out = ctx.column(name, INT8, false);
  const plan = repeat(ONE_ROW, s.count, { out, start: s.start, step: s.step });
  if (s.type.kind === 'int8') return plan;
  const narrow = coerceExplicitly(ctx, col(out), s.type);
  return project(plan, [narrow], [ctx.column(name, s.type, false)]);
}

function coerceExplicitly(ctx: BindContext, e: Expr, type: SqlType): Expr {
  const r = coerce(ctx, e, type, 'explicit');
  if (r === undefined) throw new Error(`no cast from ${exprType(e).kind} to ${type.kind}`);
  return r;
}

function args(b: Binding, f: FuncCall): readonly Expr[] {
  const names = namesOf(f.funcname);
  if (names.length > 1 && names[0] !== 'pg_catalog')
    throw b.ctx.error('42883', `function ${names.join('.')} does not exist`, f.location);
  if (f.agg_distinct === true)
    throw b.ctx.error(
      '42809',
      'DISTINCT specified, but generate_series is not an aggregate function',
      f.location,
    );
  const bound = (f.args ?? []).map((n: Node) => b.bind(n));
  if (bound.length < 2 || bound.length > 3) throw noSeries(b, f, bound);
  return bound;
}

function noSeries(b: Binding, f: FuncCall, bound: readonly Expr[]): SqlError {
  const types = bound.map((a) => typeName(bare(exprType(a)))).join(', ');
  return b.ctx.error('42883', `function generate_series(${types}) does not exist`, f.location, {
    hint: 'No function matches the given name and argument types. You might need to add explicit type casts.',
  });
}

function integerSeries(b: Binding, f: FuncCall): IntegerSeries | undefined {
  const { ctx } = b;
  const bound = args(b, f);
  const kinds = bound.map((a) => exprType(a).kind);
  const isInt = (k: string): boolean => k === 'int2' || k === 'int4' || k === 'int8' || k === 'unknown';
  if (!kinds.every(isInt)) {
    if (kinds.some((k) => k === 'numeric'))
      throw ctx.notSupported('generate_series over numeric', f.location);
    if (!kinds.some((k) => k === 'timestamp' || k === 'timestamptz' || k === 'date'))
      throw noSeries(b, f, bound);
    return undefined;
  }
  const type: SqlType = kinds.includes('int8') ? INT8 : { kind: 'int4' };
  const [start, stop, step] = bound.map((a) => coerceTo(ctx, coerceTo(ctx, a, type), INT8));
  const by = step ?? constant(1n, INT8);
  if (by.kind === 'const' && by.value === 0n) throw ctx.error('22023', 'step size cannot equal zero', -1);
  return { type, count: countOf(ctx, start, stop, by), start, step: by };
}

/** (stop - start) / step + 1 when the direction fits, else none. */
function countOf(ctx: BindContext, start: Expr, stop: Expr, step: Expr): Expr {
  const zero = constant(0n, INT8);
  const known = [start, stop, step].map((e) =>
    e.kind === 'const' && typeof e.value === 'bigint' ? e.value : undefined,
  );
  const [s, e, d] = known;
  if (s !== undefined && e !== undefined && d !== undefined) {
    const n = d > 0n ? (e - s) / d + 1n : (s - e) / -d + 1n;
    const any = d > 0n ? s <= e : s >= e;
    return constant(any ? n : 0n, INT8);
  }
  const steps = bindOperator(ctx, '/', bindOperator(ctx, '-', stop, start, -1), step, -1);
  const n = bindOperator(ctx, '+', steps, constant(1n, INT8), -1);
  const up: Expr = { kind: 'and', args: [cmp('>', step, zero), cmp('<=', start, stop)] };
  const down: Expr = { kind: 'and', args: [cmp('<', step, zero), cmp('>=', start, stop)] };
  const fits: Expr =
    d === undefined
      ? { kind: 'or', args: [up, down] }
      : d > 0n
        ? cmp('<=', start, stop)
        : cmp('>=', start, stop);
  return { kind: 'case', whens: [when(fits, n)], otherwise: zero, type: INT8 };
}

/** Rows of constants are enough for a series of timestamps whose bounds are known when it is bound. */
const TIMESTAMPS_MAX = 1_000_000;

function timestampSeries(b: Binding, f: FuncCall, name: string, call: CallByName): LogicalPlan {
  const { ctx } = b;
  const bound = args(b, f);
  if (bound.length < 3) throw noSeries(b, f, bound);
  const type: SqlType = bound.slice(0, 2).some((a) => exprType(a).kind === 'timestamptz')
    ? { kind: 'timestamptz' }
    : bound.slice(0, 2).every((a) => exprType(a).kind !== 'timestamp')
      ? { kind: 'timestamptz' }
      : { kind: 'timestamp' };
  const as = (e: Expr, t: SqlType): Expr => {
    const r = coerce(ctx, e, t, 'implicit');
    if (r === undefined) throw noSeries(b, f, bound);
    return r;
  };
  const start = foldCast(ctx, as(bound[0], type));
  const stop = foldCast(ctx, as(bound[1], type));
  const step = as(bound[2], INTERVAL);
  if (step.kind !== 'const' || step.value === null || !isInterval(step.value))
    throw ctx.notSupported('generate_series with a step that is not constant', f.location);
  const forward = isPositive(step.value);
  if (forward === undefined) throw ctx.error('22023', 'step size cannot equal zero', -1);
  if (start.kind !== 'const' || stop.kind !== 'const') {
    if (step.value.months !== 0)
      throw ctx.notSupported('generate_series by months between instants that are not constant', f.location);
    return steppedSeries(b, call, name, type, start, stop, step, step.value, forward);
  }
  const out: Column = ctx.column(name, type, false);
  const rows: Expr[][] = [];
  let at: Expr = start;
  while (at.kind === 'const' && typeof at.value === 'bigint' && typeof stop.value === 'bigint') {
    if (forward ? at.value > stop.value : at.value < stop.value) break;
    rows.push([at]);
    if (rows.length > TIMESTAMPS_MAX)
      throw ctx.notSupported('a series of more than a million timestamps', f.location);
    at = foldSum(ctx, at, step);
  }
  return { kind: 'values', rows, cols: [out] };
}

/** `start + step * k` for k = 0, 1, ... as long as it has not passed `stop`. One more k than the division gives is
 *  tried, because a day is not always 24 hours; the filter drops what is past the end. */
function steppedSeries(
  b: Binding,
  callByName: CallByName,
  name: string,
  type: SqlType,
  start: Expr,
  stop: Expr,
  step: Expr,
  interval: Interval,
  forward: boolean,
): LogicalPlan {
  const { ctx } = b;
  const seconds = constant({ unscaled: totalMicros(interval), scale: 6 }, { kind: 'numeric' });
  const span = callByName(
    b,
    'extract',
    [constant('epoch', TEXT), bindOperator(ctx, '-', stop, start, -1)],
    -1,
  );
  const steps = callByName(b, 'floor', [bindOperator(ctx, '/', span, seconds, -1)], -1);
  const count = coerceExplicitly(ctx, bindOperator(ctx, '+', steps, constant(2, { kind: 'int4' }), -1), INT8);
  const k = ctx.column('k', INT8, false);
  const counted = repeat(ONE_ROW, count, { out: k, start: constant(0n, INT8), step: constant(1n, INT8) });
  const offset = bindOperator(ctx, '*', coerceTo(ctx, col(k), { kind: 'float8' }), step, -1);
  const value = bindOperator(ctx, '+', start, offset, -1);
  const out = ctx.column(name, type, exprNullable(value));
  return filter(project(counted, [value], [out]), cmp(forward ? '<=' : '>=', col(out), stop));
}

/** A date constant as an instant: depends on the session's time zone, as a literal would. */
function foldCast(ctx: BindContext, e: Expr): Expr {
  if (e.kind !== 'call' || !e.fn.startsWith('cast(') || e.args[0]?.kind !== 'const') return e;
  const def = functionById(e.fn);
  const value = def?.impl([e.args[0].value], ctx.options.functions, [e.args[0].type], e.type);
  return value === undefined ? e : constant(value, e.type);
}

function foldSum(ctx: BindContext, at: Expr, step: Expr): Expr {
  const sum = bindOperator(ctx, '+', at, step, -1);
  if (sum.kind !== 'call' || at.kind !== 'const' || step.kind !== 'const') return sum;
  const value = functionById(sum.fn)?.impl(
    [at.value, step.value],
    ctx.options.functions,
    [at.type, step.type],
    sum.type,
  );
  return value === undefined ? sum : constant(value, sum.type);
}

/** Is the interval positive? Undefined for zero. */
function isPositive(i: Interval): boolean | undefined {
  const total = BigInt(i.months) * 30n * MICROS_A_DAY + totalMicros(i);
  return total === 0n ? undefined : total > 0n;
}

const MICROS_A_DAY = 86_400_000_000n;

function totalMicros(i: Interval): bigint {
  return BigInt(i.days) * MICROS_A_DAY + i.micros;
}
