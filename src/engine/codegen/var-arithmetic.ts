/** Numerics without a fixed register: fast code of `lib/var-numeric.ts` first, the TypeScript functions for the rest. */
import { NUMERIC } from '../../types/sql-type.js';
import type { ScaledNumeric } from '../../types/stored-numeric.js';
import type { Emitter } from './emitter.js';
import { guarded, type Result } from './guard.js';
import { wide } from './i128.js';
import { addVars, compareVars, divVars, fitVar, hashVar, mulVars, unpackVar } from './lib/var-numeric.js';
import type { Val } from './val.js';

const OPERATIONS = {
  '+(numeric,numeric)': addVars(false),
  '-(numeric,numeric)': addVars(true),
  '*(numeric,numeric)': mulVars,
  '/(numeric,numeric)': divVars,
} as const;

/** Leaves (low, high, scale), scale -1 for what does not fit. */
function pushNumber(e: Emitter, v: Val): void {
  if (v.repr === 'str') {
    e.push(v.parts[0]).call(e.ctx.lib(unpackVar));
    return;
  }
  const [low, high] = v.repr === 'i128' ? v.parts : wide(e, v.parts[0]);
  e.push(low);
  e.push(high).i32(v.type.kind === 'numeric' ? (v.type.scale ?? 0) : 0);
}

/** `fn` of two numerics as a var-numeric; undefined for other functions. `slow` leaves the result of the host call. */
export function fastNumeric(
  e: Emitter,
  fn: string,
  args: readonly Val[],
  result: Result,
  slow: (present: readonly Val[]) => void,
): Val | undefined {
  const lib = OPERATIONS[fn as keyof typeof OPERATIONS];
  if (lib === undefined || result.repr !== 'str') return undefined;
  return guarded(e, args, { ...result, stable: false }, () => {
    const f = e.f;
    f.get(e.qs).get(e.ws);
    for (const a of args) pushNumber(e, a);
    f.call(e.ctx.lib(lib));
    const r = e.save('i64');
    f.get(r).op('i64.eqz');
    f.if(
      () => e.scoped(() => slow(args.map((a) => ({ ...a, isNull: undefined })))),
      () => f.get(r),
      'i64',
    );
  });
}

/** The number fitted to numeric(precision, scale); `slow` leaves the result of the host call. */
export function fastNumericFit(
  e: Emitter,
  args: readonly Val[],
  { precision, scale }: ScaledNumeric,
  slow: (present: readonly Val[]) => void,
): Val {
  return guarded(e, args, { type: NUMERIC, repr: 'str', stable: false }, () => {
    const f = e.f;
    f.get(e.qs).get(e.ws);
    pushNumber(e, args[0]);
    f.call(e.ctx.lib(fitVar(precision, scale)));
    const r = e.save('i64');
    f.get(r).op('i64.eqz');
    f.if(
      () => e.scoped(() => slow(args.map((a) => ({ ...a, isNull: undefined })))),
      () => f.get(r),
      'i64',
    );
  });
}

/** Leaves -1, 0 or 1; `slow` leaves it too. */
export function fastNumericCompare(e: Emitter, a: Val, b: Val, slow: () => void): void {
  const f = e.f;
  f.get(e.qs);
  pushNumber(e, a);
  pushNumber(e, b);
  f.call(e.ctx.lib(compareVars));
  const r = e.save('i32');
  f.get(r).i32(2).op('i32.eq');
  f.if(
    () => e.scoped(slow),
    () => f.get(r),
    'i32',
  );
}

/** Leaves the hash of `hashNumeric`; `slow` leaves it too. */
export function fastNumericHash(e: Emitter, v: Val, slow: () => void): void {
  const f = e.f;
  pushNumber(e, v);
  f.call(e.ctx.lib(hashVar));
  const ok = e.save('i32');
  const h = e.save('i32');
  f.get(ok);
  f.if(
    () => f.get(h),
    () => e.scoped(slow),
    'i32',
  );
}
