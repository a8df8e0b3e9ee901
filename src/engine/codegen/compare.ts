/** Order and equality of non-null values, PostgreSQL's: char(n) without trailing blanks, numerics by value, NaN above
 *  all floats and equal to itself, intervals by their length (a month is 30 days). */

import type { CmpOp } from '../../plan/expr.js';
import { unreachable } from '../../types/sql-error.js';
import type { LibFunction } from './context.js';
import type { Emitter } from './emitter.js';
import { emitCompare128, emitEqual128, emitLess128, mulUnsigned64, savePair, type Wide } from './i128.js';
import { strCompare, strEqual, strTrimBlanks } from './lib/strings.js';
import { alignNumerics, compareVarNumerics } from './numeric-repr.js';
import { isConst, isPadded, type Operand, type Val } from './val.js';

type Kind = 's32' | 'u32' | 's64' | 'f32' | 'f64' | 'i128' | 'str' | 'var' | 'interval';

const INT_OPS = {
  s32: {
    '=': 'i32.eq',
    '<>': 'i32.ne',
    '<': 'i32.lt_s',
    '<=': 'i32.le_s',
    '>': 'i32.gt_s',
    '>=': 'i32.ge_s',
  },
  u32: {
    '=': 'i32.eq',
    '<>': 'i32.ne',
    '<': 'i32.lt_u',
    '<=': 'i32.le_u',
    '>': 'i32.gt_u',
    '>=': 'i32.ge_u',
  },
  s64: {
    '=': 'i64.eq',
    '<>': 'i64.ne',
    '<': 'i64.lt_s',
    '<=': 'i64.le_s',
    '>': 'i64.gt_s',
    '>=': 'i64.ge_s',
  },
} as const;

/** Object identifiers are unsigned 32-bit numbers. */
export function isUnsigned(v: Val): boolean {
  return v.type.kind === 'oid' || v.type.kind.startsWith('reg');
}

/** Brings both to one form and says which. */
function align(e: Emitter, a: Val, b: Val): { kind: Kind; a: Val; b: Val } {
  if (a.type.kind === 'numeric') {
    const both = alignNumerics(e, a, b);
    if (both === undefined) return { kind: 'var', a, b };
    return { kind: both[0].repr === 'i64' ? 's64' : 'i128', a: both[0], b: both[1] };
  }
  switch (a.repr) {
    case 'i32':
      return { kind: isUnsigned(a) ? 'u32' : 's32', a, b };
    case 'i64':
      return { kind: 's64', a, b };
    case 'f32':
    case 'f64':
      return { kind: a.repr, a, b };
    case 'str':
      return { kind: 'str', a: unpadded(e, a), b: unpadded(e, b) };
    case 'interval':
      return { kind: 'interval', a, b };
    case 'i128':
      return { kind: 'i128', a, b };
    default:
      return unreachable(a.repr);
  }
}

/** char(n) without its padding; anything else as it is. */
export function unpadded(e: Emitter, v: Val): Val {
  if (!isPadded(v.type) || isConst(v.parts[0])) return v;
  e.push(v.parts[0]).call(e.ctx.lib(strTrimBlanks));
  return { ...v, parts: [e.save('i64')] };
}

/** Two char(n) of one length are equal exactly when their bytes are. */
function samePadding(a: Val, b: Val): boolean {
  const length = a.type.kind === 'bpchar' ? a.type.length : undefined;
  return length !== undefined && b.type.kind === 'bpchar' && b.type.length === length;
}

/** Leaves i32 1 when `a op b` (neither null). */
export function emitComparison(e: Emitter, op: CmpOp, x: Val, y: Val): void {
  const equality = op === '=' || op === '<>';
  const { kind, a, b } =
    equality && samePadding(x, y) ? { kind: 'str' as const, a: x, b: y } : align(e, x, y);
  const f = e.f;
  switch (kind) {
    case 's32':
    case 'u32':
    case 's64':
      e.push(a.parts[0]);
      e.push(b.parts[0]).op(INT_OPS[kind][op]);
      return;
    case 'f32':
    case 'f64':
      floatComparison(e, kind, op, a.parts[0], b.parts[0]);
      return;
    case 'i128':
      wideComparison(e, op, a.parts as Wide, b.parts as Wide);
      return;
    case 'interval':
      wideComparison(e, op, intervalSpan(e, a), intervalSpan(e, b));
      return;
    case 'str':
      e.push(a.parts[0]);
      e.push(b.parts[0]);
      if (op === '=' || op === '<>') {
        f.call(e.ctx.lib(strEqual));
        if (op === '<>') f.op('i32.eqz');
        return;
      }
      f.call(e.ctx.lib(strCompare)).i32(0).op(INT_OPS.s32[op]);
      return;
    case 'var':
      compareVarNumerics(e, a, b);
      f.i32(0).op(INT_OPS.s32[op]);
      return;
    default:
      unreachable(kind);
  }
}

export function equalParts(e: Emitter, a: Val, b: Val): void {
  emitComparison(e, '=', a, b);
}

/** Leaves i32 -1, 0 or 1. */
export function compareParts(e: Emitter, x: Val, y: Val): void {
  const { kind, a, b } = align(e, x, y);
  const f = e.f;
  switch (kind) {
    case 's32':
    case 'u32':
    case 's64':
    case 'f32':
    case 'f64': {
      const test = (op: CmpOp): void => {
        if (kind === 'f32' || kind === 'f64') floatComparison(e, kind, op, a.parts[0], b.parts[0]);
        else {
          e.push(a.parts[0]);
          e.push(b.parts[0]).op(INT_OPS[kind][op]);
        }
      };
      test('>');
      test('<');
      f.op('i32.sub');
      return;
    }
    case 'i128':
      emitCompare128(e, a.parts as Wide, b.parts as Wide);
      return;
    case 'interval':
      emitCompare128(e, intervalSpan(e, a), intervalSpan(e, b));
      return;
    case 'str':
      e.push(a.parts[0]);
      e.push(b.parts[0]).call(e.ctx.lib(strCompare));
      return;
    case 'var':
      compareVarNumerics(e, a, b);
      return;
    default:
      unreachable(kind);
  }
}

function wideComparison(e: Emitter, op: CmpOp, a: Wide, b: Wide): void {
  switch (op) {
    case '=':
      emitEqual128(e, a, b);
      return;
    case '<>':
      emitEqual128(e, a, b);
      break;
    case '<':
      emitLess128(e, a, b);
      return;
    case '>':
      emitLess128(e, b, a);
      return;
    case '<=':
      emitLess128(e, b, a);
      break;
    case '>=':
      emitLess128(e, a, b);
      break;
    default:
      unreachable(op);
  }
  e.f.op('i32.eqz');
}

function floatComparison(e: Emitter, t: 'f32' | 'f64', op: CmpOp, a: Operand, b: Operand): void {
  const f = e.f;
  const never = (o: Operand): boolean => isConst(o) && !Number.isNaN(Number(o.const));
  const pair = (x: Operand, y: Operand, o: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'): void => {
    e.push(x);
    e.push(y).op(`${t}.${o}`);
  };
  switch (op) {
    case '=':
    case '<>':
      pair(a, b, 'eq');
      if (!never(a) && !never(b)) {
        pair(a, a, 'ne');
        pair(b, b, 'ne');
        f.op('i32.and').op('i32.or');
      }
      if (op === '<>') f.op('i32.eqz');
      return;
    case '<':
      // A number is below NaN: not (a >= b), unless a is NaN itself.
      if (never(b)) {
        pair(a, b, 'lt');
        return;
      }
      pair(a, b, 'ge');
      f.op('i32.eqz');
      if (!never(a)) {
        pair(a, a, 'eq');
        f.op('i32.and');
      }
      return;
    case '<=':
      pair(a, b, 'le');
      if (!never(b)) {
        pair(b, b, 'ne');
        f.op('i32.or');
      }
      return;
    case '>':
      floatComparison(e, t, '<', b, a);
      return;
    case '>=':
      floatComparison(e, t, '<=', b, a);
      return;
    default:
      unreachable(op);
  }
}

/** (micros, days | months << 32) -> (low, high): total microseconds, as PostgreSQL compares intervals. */
const intervalSpanLib: LibFunction = {
  name: 'interval_span',
  params: ['i64', 'i64'],
  results: ['i64', 'i64'],
  build(f, ctx) {
    const [micros, dm] = f.params;
    const days = f.local('i64');
    const low = f.local('i64');
    const high = f.local('i64');
    f.get(dm).i64(32n).op('i64.shr_s').i64(30n).op('i64.mul');
    f.get(dm).op('i64.extend32_s').op('i64.add').set(days);
    // days x 86400000000 exceeds 64 bits: unsigned product, corrected for a negative factor.
    f.get(days).i64(86_400_000_000n).call(ctx.lib(mulUnsigned64)).set(high).set(low);
    f.get(high).get(days).i64(63n).op('i64.shr_s').i64(86_400_000_000n).op('i64.and').op('i64.sub').set(high);
    f.get(low).get(micros).op('i64.add').tee(low);
    f.get(high).get(micros).i64(63n).op('i64.shr_s').op('i64.add');
    f.get(low).get(micros).op('i64.lt_u').op('i64.extend_i32_u').op('i64.add');
  },
};

export function intervalSpan(e: Emitter, v: Val): Wide {
  e.push(v.parts[0]);
  e.push(v.parts[1]).call(e.ctx.lib(intervalSpanLib));
  return savePair(e);
}
