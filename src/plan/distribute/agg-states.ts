/** The columns that carry an aggregate's state from one stage to the next, over motions.
 *
 *  Owns: number, order and type of state columns of each aggregate; the engine's partial, combine and final stages
 *  follow it. States of NULL input only: sums and extremes NULL, counts 0.
 *
 *  count, count_star       count int8
 *  sum                     sum (the result's type), NULL while no value came
 *  avg                     sum (of the exact sum's type; float8 for floats), count int8
 *  min max any_value, bool_and bool_or, bit_and bit_or: the value (the result's type)
 *  var_* stddev_* of integers and numerics: count int8, sum, sum of squares (exact numerics)
 *  var_* stddev_* of floats: count int8, sum float8, sum of squared deviations float8 (Youngs and Cramer, as
 *                          PostgreSQL's float8_accum and float8_combine)
 *  string_agg, array_agg and anything DISTINCT or ordered have no states: they run in one stage. */
import { INT8, type Range, type SqlType } from '../../types/sql-type.js';
import type { ColumnRanges, RangeAnalysis } from '../cost/ranges.js';
import { ROWS_MAX } from '../cost/ranges.js';
import type { AggCall, Column } from '../expr.js';
import { exprType } from '../expr-util.js';

/** Can it be computed in stages? DISTINCT changes nothing for extremes. */
export function isSplittable(a: AggCall): boolean {
  if (a.name === 'string_agg' || a.name === 'array_agg') return false;
  return !(a.distinct && !isDuplicateInsensitive(a)) && a.orderBy.length === 0;
}

export function isDuplicateInsensitive(a: AggCall): boolean {
  return ['min', 'max', 'bool_and', 'bool_or', 'bit_and', 'bit_or', 'any_value'].includes(a.name);
}

/** May differ from run to run with the order in which rows arrive. */
export function isOrderSensitive(a: AggCall): boolean {
  if (a.name === 'string_agg' || a.name === 'array_agg' || a.name === 'any_value') return true;
  const float = a.args.some((x) => exprType(x).kind === 'float4' || exprType(x).kind === 'float8');
  return float && !isDuplicateInsensitive(a) && a.name !== 'count';
}

const COUNT_RANGE: Range = { min: 0n, max: ROWS_MAX };
const FLOAT8: SqlType = { kind: 'float8' };

/** Numeric of known scale with room for the sum of ROWS_MAX values of `digits` digits; capped at 1000 digits. */
function sumType(scale: number | undefined, digits: number): SqlType {
  return scale === undefined
    ? { kind: 'numeric' }
    : { kind: 'numeric', precision: Math.min(1000, digits + 13), scale };
}

const INTEGER_DIGITS = { int2: 5, int4: 10, int8: 19 } as const;

/** The exact sum of the argument, and of its square: type and range. */
function exactSum(type: SqlType): { sum: SqlType; squares: SqlType } {
  switch (type.kind) {
    case 'int2':
    case 'int4':
    case 'int8': {
      const d = INTEGER_DIGITS[type.kind];
      return { sum: sumType(0, d), squares: sumType(0, 2 * d) };
    }
    case 'numeric':
      return type.scale === undefined || type.precision === undefined
        ? { sum: { kind: 'numeric' }, squares: { kind: 'numeric' } }
        : { sum: sumType(type.scale, type.precision), squares: sumType(2 * type.scale, 2 * type.precision) };
    default:
      return { sum: FLOAT8, squares: FLOAT8 };
  }
}

function times(r: Range | undefined, n: bigint): Range | undefined {
  return r === undefined ? undefined : { min: r.min < 0n ? r.min * n : 0n, max: r.max > 0n ? r.max * n : 0n };
}

function square(r: Range | undefined): Range | undefined {
  if (r === undefined) return undefined;
  const a = r.min * r.min;
  const b = r.max * r.max;
  return { min: 0n, max: a > b ? a : b };
}

function withRange(c: Column, range: Range | undefined): Column {
  return range === undefined ? c : { ...c, range };
}

export function stateColumns(
  a: AggCall,
  ranges: RangeAnalysis,
  inputs: ColumnRanges,
  column: (name: string, type: SqlType, nullable: boolean) => Column,
): readonly Column[] {
  const name = (part: string): string => `${a.out.name}.${part}`;
  const count = (): Column => withRange(column(name('count'), INT8, false), COUNT_RANGE);
  const arg = a.args[0];
  switch (a.name) {
    case 'count':
    case 'count_star':
      return [count()];
    case 'sum':
    case 'min':
    case 'max':
    case 'any_value':
      return [withRange(column(name(a.name), a.out.type, true), ranges.aggregate(a, inputs))];
    case 'bool_and':
    case 'bool_or':
    case 'bit_and':
    case 'bit_or':
      return [column(name(a.name), a.out.type, true)];
    case 'avg': {
      const type = exprType(arg);
      if (type.kind === 'interval') return [column(name('sum'), type, true), count()];
      const { sum } = exactSum(type);
      const range =
        sum.kind === 'numeric' && sum.scale !== undefined
          ? times(ranges.of(arg, inputs), ROWS_MAX)
          : undefined;
      return [withRange(column(name('sum'), sum, true), range), count()];
    }
    case 'var_samp':
    case 'var_pop':
    case 'stddev_samp':
    case 'stddev_pop': {
      const { sum, squares } = exactSum(exprType(arg));
      const r = sum.kind === 'numeric' && sum.scale !== undefined ? ranges.of(arg, inputs) : undefined;
      return [
        count(),
        withRange(column(name('sum'), sum, true), times(r, ROWS_MAX)),
        withRange(column(name('squares'), squares, true), times(square(r), ROWS_MAX)),
      ];
    }
    default:
      throw new Error(`aggregate ${a.name} has no states`);
  }
}
