/** Guaranteed bounds and nullability of expressions, bottom-up.
 *
 *  Owns: what may be promised to the compiler about values: it picks 64 or 128 bits and leaves out overflow checks by
 *  these promises, so every rule here must be sound for all rows that can exist under the statistics version that the
 *  plan names (`DistributedPlan.assumes`). Estimates never enter. */
import type { FunctionDef } from '../../types/functions/registry-types.js';
import type { ColId } from '../../types/ids.js';
import { type Range, type SqlType, typeRange } from '../../types/sql-type.js';
import { isNumeric, type Value } from '../../types/value.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { exprType } from '../expr-util.js';

export type FunctionLookup = (id: string) => FunctionDef | undefined;
export type ColumnRanges = ReadonlyMap<ColId, Column>;

/** No statement aggregates more rows than this. */
export const ROWS_MAX = 1n << 40n;

const NONE: Range = { min: 0n, max: 0n };

export function valueRange(value: Value, type: SqlType): Range | undefined {
  if (value === null) return NONE;
  switch (typeof value) {
    case 'boolean':
      return value ? { min: 1n, max: 1n } : NONE;
    case 'number':
      if (type.kind === 'float4' || type.kind === 'float8' || !Number.isInteger(value)) return undefined;
      return { min: BigInt(value), max: BigInt(value) };
    case 'bigint':
      return { min: value, max: value };
    default:
      if (!isNumeric(value) || 'special' in value || type.kind !== 'numeric' || type.scale === undefined)
        return undefined;
      return { min: value.unscaled, max: value.unscaled };
  }
}

function union(ranges: readonly (Range | undefined)[]): Range | undefined {
  let result: Range | undefined;
  for (const r of ranges) {
    if (r === undefined) return undefined;
    result =
      result === undefined
        ? r
        : { min: r.min < result.min ? r.min : result.min, max: r.max > result.max ? r.max : result.max };
  }
  return result;
}

function intersect(a: Range | undefined, b: Range | undefined): Range | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  const min = a.min > b.min ? a.min : b.min;
  const max = a.max < b.max ? a.max : b.max;
  return min > max ? a : { min, max };
}

/** Integers inside whose unscaled digits mean the same: of one kind and, for numeric, one scale. */
function sameUnits(a: SqlType, b: SqlType): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind !== 'numeric' || (b.kind === 'numeric' && a.scale !== undefined && a.scale === b.scale);
}

export class RangeAnalysis {
  private readonly functions: FunctionLookup;

  constructor(functions: FunctionLookup) {
    this.functions = functions;
  }

  /** Bounds of every non-null value of the expression; undefined when nothing is known beyond the type. */
  of(e: Expr, columns: ColumnRanges): Range | undefined {
    const type = exprType(e);
    const own = typeRange(type);
    const found = this.find(e, type, columns);
    // A cast or an arithmetic result that leaves the type's range is an error at run time, so both bounds hold.
    return intersect(found, own);
  }

  private find(e: Expr, type: SqlType, columns: ColumnRanges): Range | undefined {
    const same = (x: Expr): Range | undefined =>
      x.kind === 'const' && x.value === null
        ? NONE
        : sameUnits(exprType(x), type)
          ? this.of(x, columns)
          : undefined;
    const anyOf = (xs: readonly Expr[]): Range | undefined =>
      union(xs.filter((x) => !(x.kind === 'const' && x.value === null)).map(same));
    switch (e.kind) {
      case 'col':
        return columns.get(e.id)?.range;
      case 'const':
        return valueRange(e.value, type);
      case 'call': {
        const def = this.functions(e.fn);
        if (def?.range === undefined) return undefined;
        return def.range(
          e.args.map((a) => this.of(a, columns)),
          e.args.map(exprType),
          { consts: e.args.map((a) => (a.kind === 'const' ? a.value : undefined)), target: e.type },
        );
      }
      case 'case':
        return anyOf([...e.whens.map((w) => w.then), ...(e.otherwise === undefined ? [] : [e.otherwise])]);
      case 'coalesce':
      case 'greatest':
      case 'least':
        return anyOf(e.args);
      default:
        return undefined;
    }
  }

  /** Bounds of an aggregate's result over at most ROWS_MAX rows. */
  aggregate(a: AggCall, columns: ColumnRanges): Range | undefined {
    const type = a.out.type;
    switch (a.name) {
      case 'count':
      case 'count_star':
        return { min: 0n, max: ROWS_MAX };
      case 'sum':
        return this.sum(a.args[0], type, columns);
      case 'min':
      case 'max':
      case 'any_value':
        return sameUnits(exprType(a.args[0]), type) ? this.of(a.args[0], columns) : undefined;
      default:
        return undefined;
    }
  }

  /** sum(int2|int4) is bigint, sum(bigint) numeric of scale 0, sum(numeric(p,s)) numeric of scale s: same digits. */
  sum(arg: Expr, type: SqlType, columns: ColumnRanges): Range | undefined {
    const from = exprType(arg);
    const integral = from.kind === 'int2' || from.kind === 'int4' || from.kind === 'int8';
    const scaled = from.kind === 'numeric' && from.scale !== undefined;
    if (!integral && !scaled) return undefined;
    if (type.kind === 'numeric') {
      if (type.scale === undefined || type.scale !== (scaled ? from.scale : 0)) return undefined;
    } else if (type.kind !== 'int8') return undefined;
    const r = this.of(arg, columns);
    if (r === undefined) return undefined;
    return intersect(
      { min: r.min < 0n ? r.min * ROWS_MAX : 0n, max: r.max > 0n ? r.max * ROWS_MAX : 0n },
      type.kind === 'int8' ? typeRange(type) : undefined,
    );
  }
}
