/** Code that may run only when its operands are not null: it fails, calls, or follows a pointer. */
import type { Range, Repr, SqlType } from '../../types/sql-type.js';
import type { Emitter } from './emitter.js';
import { i32Const, isAlwaysNull, isConst, reprParts, type Val, zeroParts } from './val.js';

export type Result = {
  readonly type: SqlType;
  readonly repr: Repr;
  readonly range?: Range | undefined;
  readonly stable?: boolean;
};

/** `compute` leaves the parts of the result on the stack; null when an argument is. */
export function guarded(e: Emitter, args: readonly Val[], result: Result, compute: () => void): Val {
  const base = { ...result, stable: result.stable ?? false };
  if (args.some(isAlwaysNull)) return { ...base, parts: zeroParts(result.repr), isNull: i32Const(1) };
  const parts = reprParts(result.repr).map((t) => e.local(t));
  const isNull = e.anyNull(args);
  const body = (): void => {
    compute();
    for (const p of [...parts].reverse()) e.f.set(p);
  };
  if (isNull === undefined) body();
  else {
    if (result.repr === 'str') e.f.i64(0n).set(parts[0]);
    e.push(isNull).op('i32.eqz');
    e.f.if(() => e.scoped(body));
  }
  return { ...base, parts, isNull };
}

/** For code that is safe on any operand values: no branch, the null flags are carried over. */
export function total(e: Emitter, args: readonly Val[], result: Result, compute: () => void): Val {
  const base = { ...result, stable: result.stable ?? true };
  if (args.some(isAlwaysNull)) return { ...base, parts: zeroParts(result.repr), isNull: i32Const(1) };
  compute();
  const parts = reprParts(result.repr)
    .toReversed()
    .map((t) => e.save(t))
    .toReversed();
  return { ...base, parts, isNull: e.anyNull(args) };
}

/** Leaves what `test` leaves, or 0 when an operand is null. */
export function whenPresent(e: Emitter, operands: readonly Val[], like: Val, test: () => void): void {
  if (operands.some(isAlwaysNull)) {
    e.f.i32(0);
    return;
  }
  const isNull = e.anyNull(operands);
  if (isNull === undefined) test();
  else if (isFixedWidth(like) && operands.every(isFixedWidth)) {
    test();
    e.push(isNull).op('i32.eqz').op('i32.and');
  } else {
    e.push(isNull);
    e.f.if(
      () => e.f.i32(0),
      () => e.scoped(test),
      'i32',
    );
  }
}

function isFixedWidth(v: Val): boolean {
  return v.repr !== 'str';
}

/** Leaves i32 1 exactly when the boolean is `truth`. */
export function pushTruth(e: Emitter, v: Val, truth: boolean): void {
  e.push(v.parts[0]);
  if (!truth) e.f.op('i32.eqz');
  if (v.isNull === undefined || (isConst(v.isNull) && v.isNull.const === 0)) return;
  e.push(v.isNull).op('i32.eqz').op('i32.and');
}
