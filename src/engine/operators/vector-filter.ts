/** Conjuncts of a scan that SIMD can test, eight rows at a time: comparisons of narrow integer columns without nulls with
 *  constants, and with each other.
 *
 *  All constants of a column become one interval, so a column costs one or two comparisons whatever is said about it.
 *  Each test leaves an i16x8 mask; their AND becomes eight bits, and the loop over rows visits the bits that are set.
 *  Only for a filter directly over its source: rows it drops are seen by nobody. */
import type { CmpOp, Expr } from '../../plan/expr.js';
import { mirrorCmp } from '../../plan/expr-util.js';
import type { ColId } from '../../types/ids.js';
import { type Range, type SqlType, typeRange } from '../../types/sql-type.js';
import { isNumeric, type Value } from '../../types/value.js';
import type { FunctionBuilder, Label, Local } from '../wasm/module-builder.js';
import type { Pipeline } from './pipeline.js';

export type VectorColumn = {
  /** Address of the values. */
  readonly data: Local;
  readonly bytes: 1 | 2 | 4;
  readonly type: SqlType;
  readonly range: Range | undefined;
};

/** Leaves the i16x8 mask of the eight rows from row `base` on. */
export type VectorTest = (base: Local) => void;

/** Clears, in the eight bits of `rows`, those of rows from row `base` on that do not pass; run while a bit is set. */
export type LaneTest = (base: Local, rows: Local) => void;

/** Of rows that nearly all pass, visiting set bits costs more than a branch that is nearly always taken. */
const MOST = 0.6;

type Interval = { min: bigint; max: bigint };

/** Takes what it can of the conjuncts into the pipeline's vector tests; returns the others. `alsoPassing`: share of the
 *  rows that pass the tests which come between these and the row. */
export function takeVectorTests(
  p: Pipeline,
  conjuncts: readonly Expr[],
  alsoPassing = 1,
): { readonly rest: readonly Expr[]; readonly passing: number } {
  const intervals = new Map<ColId, Interval>();
  const pairs: VectorTest[] = [];
  const rest: Expr[] = [];
  for (const c of conjuncts) {
    if (addInterval(p, intervals, c)) continue;
    const pair = columnPair(p, c);
    if (pair) pairs.push(pair);
    else rest.push(c);
  }
  let passing = 0.5 ** pairs.length;
  for (const [id, interval] of intervals) passing *= passingShare(p.vectors.get(id)!, interval);
  if (passing * alsoPassing > MOST) return { rest: conjuncts, passing: 1 };
  p.vectorTests.push(...pairs);
  for (const [id, interval] of intervals) p.vectorTests.push(intervalTest(p, p.vectors.get(id)!, interval));
  return { rest, passing };
}

/** Estimated share of the rows in an interval: as if values were spread evenly over the column's range. */
function passingShare(v: VectorColumn, { min, max }: Interval): number {
  if (v.range === undefined) return 1 / 3;
  const from = min > v.range.min ? min : v.range.min;
  const to = max < v.range.max ? max : v.range.max;
  return to < from ? 0 : Number(to - from + 1n) / Number(v.range.max - v.range.min + 1n);
}

function limits(bytes: number): Interval {
  const half = 1n << BigInt(bytes * 8 - 1);
  return { min: -half, max: half - 1n };
}

function addInterval(p: Pipeline, intervals: Map<ColId, Interval>, c: Expr): boolean {
  if (c.kind !== 'cmp' || c.op === '<>') return false;
  const flipped = c.left.kind === 'const';
  const [column, other, op]: [Expr, Expr, CmpOp] = flipped
    ? [c.right, c.left, mirrorCmp(c.op)]
    : [c.left, c.right, c.op];
  if (column.kind !== 'col' || other.kind !== 'const') return false;
  const v = p.vectors.get(column.id);
  if (v === undefined) return false;
  const n = integerOf(v.type, other.value);
  if (n === undefined) return false;
  const own = intervals.get(column.id) ?? limits(v.bytes);
  if (op === '=' || op === '>=') own.min = own.min > n ? own.min : n;
  if (op === '>') own.min = own.min > n + 1n ? own.min : n + 1n;
  if (op === '=' || op === '<=') own.max = own.max < n ? own.max : n;
  if (op === '<') own.max = own.max < n - 1n ? own.max : n - 1n;
  intervals.set(column.id, own);
  return true;
}

/** The constant as the column's integers are; undefined when it is none of them (a finer numeric, NULL, NaN). */
function integerOf(type: SqlType, value: Value): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && typeRange(type) !== undefined ? BigInt(value) : undefined;
  if (!isNumeric(value) || 'special' in value || type.kind !== 'numeric' || type.scale === undefined)
    return undefined;
  return value.scale <= type.scale ? value.unscaled * 10n ** BigInt(type.scale - value.scale) : undefined;
}

function splat(f: FunctionBuilder, bytes: number, n: bigint): Local {
  const l = f.local('v128');
  f.i32(Number(n))
    .op(bytes === 4 ? 'i32x4.splat' : 'i16x8.splat')
    .set(l);
  return l;
}

export function intervalTest(p: Pipeline, v: VectorColumn, { min, max }: Interval): VectorTest {
  const { f } = p;
  const all = limits(v.bytes);
  // No value of the column's width is in an interval outside of it.
  if (min > max || min > all.max || max < all.min) return () => f.v128(new Array(16).fill(0));
  const low = min > all.min ? splat(f, v.bytes, min) : undefined;
  const high = max < all.max ? splat(f, v.bytes, max) : undefined;
  if (!low && !high) return () => f.v128(new Array(16).fill(0xff));
  const x = f.local('v128');
  const lanes = v.bytes === 4 ? 'i32x4' : 'i16x8';
  const test = (): void => {
    f.set(x);
    if (low) f.get(x).get(low).op(`${lanes}.ge_s`);
    if (high) f.get(x).get(high).op(`${lanes}.le_s`);
    if (low && high) f.op('v128.and');
  };
  return (base) => {
    if (v.bytes === 4) {
      for (const half of [0, 16]) {
        pushAddress(f, v, base).mem('v128.load', half);
        test();
      }
      f.op('i16x8.narrow_i32x4_s');
      return;
    }
    pushSmall(f, v, base);
    test();
  };
}

const LANE_OP: Record<CmpOp, 'eq' | 'ne' | 'lt_s' | 'le_s' | 'gt_s' | 'ge_s'> = {
  '=': 'eq',
  '<>': 'ne',
  '<': 'lt_s',
  '<=': 'le_s',
  '>': 'gt_s',
  '>=': 'ge_s',
};

function columnPair(p: Pipeline, c: Expr): VectorTest | undefined {
  if (c.kind !== 'cmp' || c.left.kind !== 'col' || c.right.kind !== 'col') return undefined;
  const a = p.vectors.get(c.left.id);
  const b = p.vectors.get(c.right.id);
  if (a === undefined || b === undefined || (a.bytes === 4) !== (b.bytes === 4)) return undefined;
  if (a.type.kind !== b.type.kind) return undefined;
  if (a.type.kind === 'numeric' && b.type.kind === 'numeric' && a.type.scale !== b.type.scale)
    return undefined;
  const { f } = p;
  const op = LANE_OP[c.op];
  return (base) => {
    if (a.bytes !== 4) {
      pushSmall(f, a, base);
      pushSmall(f, b, base);
      f.op(`i16x8.${op}`);
      return;
    }
    for (const half of [0, 16]) {
      pushAddress(f, a, base).mem('v128.load', half);
      pushAddress(f, b, base).mem('v128.load', half);
      f.op(`i32x4.${op}`);
    }
    f.op('i16x8.narrow_i32x4_s');
  };
}

/** Leaves the address of the value of row `base`. */
export function pushAddress(f: FunctionBuilder, v: VectorColumn, base: Local): FunctionBuilder {
  f.get(v.data).get(base);
  if (v.bytes > 1) f.i32(v.bytes >> 1).op('i32.shl');
  return f.op('i32.add');
}

/** Eight values of one or two bytes as i16x8. */
function pushSmall(f: FunctionBuilder, v: VectorColumn, base: Local): void {
  pushAddress(f, v, base);
  if (v.bytes === 2) f.mem('v128.load');
  else f.mem('v128.load64_zero').op('i16x8.extend_low_i8x16_s');
}

/** The loop over the rows in [start, end) that pass the pipeline's tests of several rows. The last block is read from
 *  end - 8 on, so that nothing behind a column is touched (unless it has fewer than eight rows). */
export function vectorLoop(
  p: Pipeline,
  { start, end }: { readonly start: Local; readonly end: Local },
  exitLabel: (exit: Label) => void,
  row: () => void,
): void {
  const { f, laneTests, vectorTests: tests } = p;
  const next = f.local('i32');
  const base = f.local('i32');
  const bits = f.local('i32');
  const left = f.local('i32');
  f.get(start).set(next);
  f.block((exit) => {
    exitLabel(exit);
    f.loop((again) => {
      f.get(next).get(end).op('i32.ge_u').brIf(exit);
      f.get(next).set(base);
      f.i32(0xff).set(bits);
      f.get(end).get(next).op('i32.sub').tee(left).i32(8).op('i32.lt_u');
      f.if(() => {
        f.get(end).i32(8).op('i32.ge_u');
        f.if(
          () => {
            f.get(end).i32(8).op('i32.sub').set(base);
            f.i32(0xff).i32(8).get(left).op('i32.sub').op('i32.shl').i32(0xff).op('i32.and').set(bits);
          },
          () => f.i32(1).get(left).op('i32.shl').i32(1).op('i32.sub').set(bits),
        );
      });
      tests.forEach((test, i) => {
        test(base);
        if (i > 0) f.op('v128.and');
      });
      if (tests.length > 0) f.op('i16x8.bitmask').get(bits).op('i32.and').set(bits);
      f.get(next).i32(8).op('i32.add').set(next);
      if (tests.length > 0) f.get(bits).op('i32.eqz').brIf(again);
      for (const test of laneTests) {
        test(base, bits);
        f.get(bits).op('i32.eqz').brIf(again);
      }
      f.loop((each) => {
        f.get(base).get(bits).op('i32.ctz').op('i32.add').set(p.row);
        p.e.scoped(row);
        f.get(bits).get(bits).i32(1).op('i32.sub').op('i32.and').tee(bits).brIf(each);
      });
      f.br(again);
    });
  });
}
