/** Aggregates by name: the primitives each is made of, its arguments' expressions, and its result from their states.
 *
 *  State columns between stages are the primitives' states in order, as `plan/distribute/agg-states.ts` lays down.
 *  `string_agg` and `array_agg` have no states; see `agg-collect.ts`. */
import type { AggCall, Column, Expr } from '../../plan/expr.js';
import { exprType } from '../../plan/expr-util.js';
import { type Range, reprOf, type SqlType, typeRange } from '../../types/sql-type.js';
import type { Emitter } from '../codegen/emitter.js';
import { emitHostCall } from '../codegen/host-emit.js';
import type { Val } from '../codegen/val.js';
import {
  addByHost,
  addFloats,
  bitwise,
  CountPrim,
  extreme,
  FloatVariancePrim,
  FoldPrim,
  fitsAsSum,
  IntegerSumPrim,
  keepFirst,
  type Prim,
} from './agg-prims.js';
import type { StateLayout } from './agg-state.js';

export type PrimUse = { readonly prim: Prim; readonly arg: Expr | undefined };

export type AggPlan = {
  readonly prims: readonly PrimUse[];
  /** The aggregate's value from the states of its primitives, in order. */
  readonly result: (e: Emitter, states: readonly Val[]) => Val;
};

export type PrimContext = {
  readonly layout: StateLayout;
  /** Shares primitives that do the same for several aggregates. */
  readonly shared: <T extends Prim>(key: string, make: () => T) => T;
  /** Bounds of a column of the input. */
  readonly rangeOf: (x: Expr) => Range | undefined;
  /** A state is there as soon as its group is: no filter, grouped, argument not nullable. */
  readonly always: (arg: Expr | undefined) => boolean;
  /** State columns, where they are input or output. */
  readonly states: readonly Column[] | undefined;
  readonly fromStates: boolean;
};

const NUMERIC_0: SqlType = { kind: 'numeric', precision: 38, scale: 0 };
const FLOAT8: SqlType = { kind: 'float8' };
const NUMERIC: SqlType = { kind: 'numeric' };

export function planAggregate(agg: AggCall, ctx: PrimContext): AggPlan {
  const arg = agg.args[0] as Expr | undefined;
  const { layout } = ctx;
  const key = `${agg.distinct}|${describe(agg.filter)}|`;
  const count = (): PrimUse => {
    // count(x) of a column without nulls is count(*).
    const name = arg === undefined || ctx.always(arg) ? '*' : describe(arg);
    return {
      prim: ctx.shared(`${key}count|${ctx.fromStates ? agg.out.id : name}`, () => new CountPrim(layout)),
      arg,
    };
  };
  switch (agg.name) {
    case 'count_star':
    case 'count':
      return { prims: [count()], result: (_, [n]) => n };
    case 'sum':
      return { prims: [sumOf(agg, arg!, 0, ctx, key, agg.out)], result: (_, [v]) => v };
    case 'avg':
      return {
        prims: [sumOf(agg, arg!, 0, ctx, key, undefined), count()],
        result: (e, [sum, n]) => average(e, sum, n),
      };
    case 'min':
    case 'max':
      return fold(agg, ctx, extreme(agg.name), false);
    case 'any_value':
      return fold(agg, ctx, keepFirst, false);
    case 'bool_and':
    case 'bool_or':
    case 'bit_and':
    case 'bit_or':
      return fold(agg, ctx, bitwise(agg.name), false);
    case 'var_samp':
    case 'var_pop':
    case 'stddev_samp':
    case 'stddev_pop': {
      const type = exprType(arg!);
      if (type.kind === 'float4' || type.kind === 'float8') {
        const prim = ctx.shared(
          `${key}youngs|${ctx.fromStates ? agg.out.id : describe(arg)}`,
          () => new FloatVariancePrim(layout),
        );
        return { prims: [{ prim, arg }], result: (e, states) => floatVariance(e, agg.name, states) };
      }
      const x = asNumeric(arg!);
      const square: Expr = {
        kind: 'call',
        fn: '*(numeric,numeric)',
        args: [x, x],
        type: squareType(exprType(x)),
      };
      return {
        prims: [count(), sumOf(agg, x, 1, ctx, key, undefined), sumOf(agg, square, 2, ctx, key, undefined)],
        result: (e, [n, sum, squares]) =>
          emitHostCall(e, `$${agg.name}`, [n, sum, squares], { type: NUMERIC, repr: 'str' }, true, true),
      };
    }
    default:
      throw new Error(`aggregate ${agg.name} is not made of primitives`);
  }
}

function describe(x: Expr | undefined): string {
  return x === undefined
    ? ''
    : JSON.stringify(x, (k, v: unknown) =>
        k === 'position' ? undefined : typeof v === 'bigint' ? `${v}n` : v,
      );
}

function fold(
  agg: AggCall,
  ctx: PrimContext,
  f: ConstructorParameters<typeof FoldPrim>[4],
  buffered: boolean,
): AggPlan {
  const prim = new FoldPrim(ctx.layout, agg.out.type, agg.out.range, buffered, f);
  return { prims: [{ prim, arg: agg.args[0] }], result: (_, [v]) => v };
}

/** The sum of `x`: state column `index` of the aggregate. */
function sumOf(
  agg: AggCall,
  x: Expr,
  index: number,
  ctx: PrimContext,
  key: string,
  out: Column | undefined,
): PrimUse {
  const { layout } = ctx;
  const type = exprType(x);
  const state = ctx.states?.[index] ?? out;
  const id = `${key}sum|${ctx.fromStates ? `${agg.out.id}.${index}` : describe(x)}`;
  const foldSum = (t: SqlType, f: ConstructorParameters<typeof FoldPrim>[4], buffered = false): PrimUse => ({
    prim: ctx.shared(`${id}|${t.kind}`, () => new FoldPrim(layout, t, undefined, buffered, f)),
    arg: x,
  });
  switch (type.kind) {
    case 'float4':
      // avg and variance of float4 work in float8, its sum does not.
      return out?.type.kind === 'float4'
        ? foldSum(type, addFloats('f32'))
        : foldSum(FLOAT8, addFloats('f64'));
    case 'float8':
      return foldSum(FLOAT8, addFloats('f64'));
    case 'interval':
      return foldSum(type, addByHost(type));
    case 'int2':
    case 'int4': {
      // 2^32 rows cannot leave 64 bits; partial sums of many may, and are checked or wide.
      const sumType: SqlType = out ? { kind: 'int8' } : NUMERIC_0;
      const wide = ctx.fromStates && !out;
      const prim = ctx.shared(
        `${id}|${wide}|${out !== undefined}`,
        () => new IntegerSumPrim(layout, sumType, out?.range, wide, ctx.always(x)),
      );
      return { prim, arg: x };
    }
    case 'int8':
    case 'numeric': {
      const scale = type.kind === 'numeric' ? type.scale : 0;
      const range = ctx.rangeOf(x);
      const values = range ?? typeRange(type);
      const register = ctx.fromStates
        ? state !== undefined && reprOf(state.type, state.range) !== 'str'
        : registerSum(values) || (state !== undefined && reprOf(state.type, state.range) !== 'str');
      if (!register || scale === undefined || values === undefined)
        return foldSum(NUMERIC, addByHost(NUMERIC), true);
      const narrow =
        (!ctx.fromStates && fitsAsSum(values)) ||
        (state !== undefined && reprOf(state.type, state.range) === 'i64');
      const sumType: SqlType = { kind: 'numeric', precision: 39, scale };
      const sumRange = state?.range;
      const prim = ctx.shared(
        `${id}|${narrow}`,
        () => new IntegerSumPrim(layout, sumType, sumRange, !narrow, ctx.always(x)),
      );
      return { prim, arg: x };
    }
    default:
      throw new Error(`sum of ${type.kind}`);
  }
}

/** ROWS_MAX values of these bounds fit 128 bits. */
function registerSum(r: Range | undefined): boolean {
  if (r === undefined) return false;
  const limit = 1n << 87n;
  return r.min > -limit && r.max < limit;
}

function asNumeric(x: Expr): Expr {
  const type = exprType(x);
  if (type.kind === 'numeric') return x;
  const digits = type.kind === 'int2' ? 5 : type.kind === 'int4' ? 10 : 19;
  return {
    kind: 'call',
    fn: `cast(${type.kind},numeric)`,
    args: [x],
    type: { kind: 'numeric', precision: digits, scale: 0 },
  };
}

function squareType(t: SqlType): SqlType {
  return t.kind === 'numeric' && t.precision !== undefined && t.scale !== undefined
    ? { kind: 'numeric', precision: 2 * t.precision, scale: 2 * t.scale }
    : NUMERIC;
}

function average(e: Emitter, sum: Val, n: Val): Val {
  e.push(n.parts[0]).op('i64.eqz');
  const isNull = e.save('i32');
  const some: Val = { ...sum, isNull };
  if (sum.type.kind === 'float8') {
    e.push(sum.parts[0]);
    e.push(n.parts[0]).op('f64.convert_i64_s').op('f64.div');
    return { ...some, parts: [e.save('f64')] };
  }
  if (sum.type.kind === 'interval') {
    e.push(n.parts[0]).op('f64.convert_i64_s');
    const by: Val = { type: FLOAT8, repr: 'f64', parts: [e.save('f64')], isNull: undefined, stable: true };
    return emitHostCall(
      e,
      '/(interval,float8)',
      [some, by],
      { type: sum.type, repr: 'interval' },
      true,
      false,
    );
  }
  const by: Val = { type: NUMERIC_0, repr: 'i64', parts: n.parts, isNull: undefined, stable: true };
  return emitHostCall(e, '/(numeric,numeric)', [some, by], { type: NUMERIC, repr: 'str' }, true, false);
}

function floatVariance(e: Emitter, name: string, [n, , squares]: readonly Val[]): Val {
  const { f } = e;
  const sample = name.endsWith('samp');
  e.push(n.parts[0])
    .i64(sample ? 1n : 0n)
    .op('i64.le_s');
  const isNull = e.save('i32');
  e.push(squares.parts[0]);
  e.push(n.parts[0]).op('f64.convert_i64_s');
  if (sample) f.f64(1).op('f64.sub');
  f.op('f64.div');
  if (name.startsWith('stddev')) f.op('f64.sqrt');
  return { type: FLOAT8, repr: 'f64', parts: [e.save('f64')], isNull, stable: true };
}

/** Bounds of an expression as far as the columns tell. */
export function exprRange(x: Expr, cols: readonly Column[]): Range | undefined {
  return (
    (x.kind === 'col' ? cols.find((col) => col.id === x.id)?.range : undefined) ?? typeRange(exprType(x))
  );
}
