/** What operators do with values: load and store them in rows, hash, compare, keep.
 *
 *  Owns: the row forms of values and the meaning of equality (grouping: nulls alike, char(n) without padding, 1.0 =
 *  1.00, NaN = NaN, -0 = 0). Must not know: expressions. Names ending in `leaves i32` leave the result on the stack. */
import type { Range, Repr, SqlType } from '../../types/sql-type.js';
import type { Local } from '../wasm/module-builder.js';
import { compareParts, equalParts, isUnsigned } from './compare.js';
import type { Emitter } from './emitter.js';
import { distributionHashOf, internalHashOf } from './hash.js';
import { arenaAlloc, copyToArena } from './lib/memory.js';
import { scaledToVar, varToScaled } from './numeric-repr.js';
import { isConst, type Operand, reprParts, type Val } from './val.js';

/** Where a value's null flag lies in a row: bit set = null. */
export type NullBit = { readonly offset: number; readonly mask: number };

const LOAD = {
  i32: 'i32.load',
  i64: 'i64.load',
  f32: 'f32.load',
  f64: 'f64.load',
  v128: 'v128.load',
} as const;
const STORE = {
  i32: 'i32.store',
  i64: 'i64.store',
  f32: 'f32.store',
  f64: 'f64.store',
  v128: 'v128.store',
} as const;

/** Reads a value that `storeVal` wrote at addr + offset. Strings in rows are stable by default. */
export function loadVal(
  e: Emitter,
  addr: Operand,
  offset: number,
  repr: Repr,
  type: SqlType,
  range: Range | undefined,
  nullBit?: NullBit,
  stable = true,
): Val {
  const parts = reprParts(repr).map((t, i) => {
    e.push(addr).mem(LOAD[t], offset + i * 8);
    return e.save(t);
  });
  let isNull: Local | undefined;
  if (nullBit !== undefined) {
    e.push(addr).mem('i32.load8_u', nullBit.offset).i32(nullBit.mask).op('i32.and').i32(0).op('i32.ne');
    isNull = e.save('i32');
  }
  return { type, repr, range, parts, isNull, stable };
}

/** Writes the value (not its null flag) in its own representation: `coerceRepr` first if the row's differs. */
export function storeVal(e: Emitter, addr: Operand, offset: number, val: Val): void {
  reprParts(val.repr).forEach((t, i) => {
    e.push(addr);
    e.push(val.parts[i]).mem(STORE[t], offset + i * 8);
  });
}

/** Leaves an i32 in which bit i says that vals[i] is null. At most 32 values. */
export function pushNullMask(e: Emitter, vals: readonly Val[]): void {
  let constant = 0;
  let pushed = false;
  vals.forEach((v, i) => {
    if (v.isNull === undefined) return;
    if (isConst(v.isNull)) {
      constant |= Number(v.isNull.const) << i;
      return;
    }
    e.push(v.isNull);
    if (i > 0) e.f.i32(i).op('i32.shl');
    if (pushed) e.f.op('i32.or');
    pushed = true;
  });
  if (!pushed) e.f.i32(constant);
  else if (constant !== 0) e.f.i32(constant).op('i32.or');
}

/** Internal hash of a key for hash tables: equal (in the sense of grouping) values hash equally, nulls alike; all bits
 *  are usable. Not stable between versions: never stored. Both sides of a join must pass the same representations
 *  (`alignKeys`). */
export function hashVals(e: Emitter, vals: readonly Val[]): Local {
  return internalHashOf(e, vals);
}

/** The distribution hash, exactly `hashRow` of types/hash.ts (32 bits; segment = unsigned remainder). */
export function distributionHash(e: Emitter, vals: readonly Val[]): Local {
  return distributionHashOf(e, vals);
}

/** Non-null inputs: leaves i32 1 when a = b. */
export function equalVals(e: Emitter, a: Val, b: Val): void {
  equalParts(e, a, b);
}

/** Grouping equality: leaves i32 1 when both are null or both are not and equal. */
export function notDistinct(e: Emitter, a: Val, b: Val): void {
  if (a.isNull === undefined && b.isNull === undefined) {
    equalParts(e, a, b);
    return;
  }
  // Both null flags alike, and (null or equal).
  e.pushNull(a);
  e.pushNull(b).op('i32.eq');
  e.f.if(
    () => {
      e.pushNull(a);
      e.f.if(
        () => e.f.i32(1),
        () => e.scoped(() => equalParts(e, a, b)),
        'i32',
      );
    },
    () => e.f.i32(0),
    'i32',
  );
}

/** Non-null inputs: leaves i32 < 0, 0 or > 0. */
export function compareVals(e: Emitter, a: Val, b: Val): void {
  compareParts(e, a, b);
}

export type KeyOrder = { readonly descending: boolean; readonly nullsFirst: boolean };

/** Order of one sort key with nulls: leaves i32 < 0, 0 or > 0. */
export function compareKeys(e: Emitter, a: Val, b: Val, order: KeyOrder): void {
  const compare = (): void => {
    compareParts(e, a, b);
    if (order.descending) {
      const r = e.save('i32');
      // compareParts leaves -1, 0 or 1 or a difference of bytes, so the negation cannot overflow.
      e.f.i32(0).get(r).op('i32.sub');
    }
  };
  if (a.isNull === undefined && b.isNull === undefined) {
    compare();
    return;
  }
  e.pushNull(a);
  e.pushNull(b).op('i32.or');
  e.f.if(
    () => {
      // Nulls first: null (1) sorts below value (0): b - a; last: a - b.
      const [x, y] = order.nullsFirst ? [b, a] : [a, b];
      e.pushNull(x);
      e.pushNull(y).op('i32.sub');
    },
    () => e.scoped(compare),
    'i32',
  );
}

/** A value whose bytes live as long as the query. Only unstable strings are copied. */
export function persist(e: Emitter, val: Val): Val {
  if (val.repr !== 'str' || val.stable) return val;
  const f = e.f;
  const copy = e.local('i64');
  const body = (): void => {
    f.get(e.qs).get(e.ws);
    e.push(val.parts[0]).call(e.ctx.lib(copyToArena)).set(copy);
  };
  if (val.isNull === undefined) body();
  else {
    f.i64(0n).set(copy);
    e.pushNull(val).op('i32.eqz').if(body);
  }
  return { ...val, parts: [copy], stable: true };
}

/** Leaves the address of `bytes` (i32 on the stack) new bytes in the worker's arena, 8-byte aligned, not zeroed. */
export function pushArenaAlloc(e: Emitter, bytes: Operand): void {
  e.f.get(e.qs).get(e.ws);
  e.push(bytes).call(e.ctx.lib(arenaAlloc));
}

/** The same value in another representation: i32 -> i64 -> i128 -> var-numeric and back where the caller knows (by
 *  range) that it fits. */
export function coerceRepr(e: Emitter, val: Val, repr: Repr): Val {
  if (val.repr === repr) return val;
  const with_ = (parts: readonly Operand[]): Val => ({ ...val, repr, parts });
  const part = val.parts[0];
  const f = e.f;
  switch (`${val.repr}>${repr}`) {
    case 'i32>i64':
      if (isConst(part)) return with_([{ const: BigInt(part.const), type: 'i64' }]);
      e.push(part).op(isUnsigned(val) ? 'i64.extend_i32_u' : 'i64.extend_i32_s');
      return with_([e.save('i64')]);
    case 'i64>i32':
      if (isConst(part))
        return with_([{ const: Number(BigInt.asIntN(32, BigInt(part.const))), type: 'i32' }]);
      e.push(part).op('i32.wrap_i64');
      return with_([e.save('i32')]);
    case 'i64>i128': {
      if (isConst(part)) return with_([part, { const: BigInt(part.const) < 0n ? -1n : 0n, type: 'i64' }]);
      e.push(part);
      f.i64(63n).op('i64.shr_s');
      return with_([part, e.save('i64')]);
    }
    case 'i32>i128':
      return coerceRepr(e, coerceRepr(e, val, 'i64'), 'i128');
    case 'i128>i64':
      return with_([part]);
    case 'i64>str':
    case 'i128>str':
      return scaledToVar(e, val);
    case 'f32>f64':
      if (isConst(part)) return with_([{ const: Number(part.const), type: 'f64' }]);
      e.push(part).op('f64.promote_f32');
      return with_([e.save('f64')]);
    case 'str>i64':
    case 'str>i128':
      return varToScaled(e, val, repr as 'i64' | 'i128');
    default:
      throw new Error(`a ${val.repr} of ${val.type.kind} cannot become ${repr}`);
  }
}
