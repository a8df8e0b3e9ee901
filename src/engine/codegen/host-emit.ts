/** Calls of TypeScript functions from generated code (the caller's half; `host-calls.ts` is the other).
 *
 *  Arguments lie in the worker state, a slot each: null flag (i32) at +0, value at +8. Strict functions are called only
 *  when no argument is null. Names starting with `$` are helpers of the code generator, not SQL functions. */
import { BOOL, INT4, type Repr, type SqlType } from '../../types/sql-type.js';
import type { HostCall } from '../api.js';
import { WS } from '../layout.js';
import type { LibFunction } from './context.js';
import type { Emitter } from './emitter.js';
import { HOST_SLOT_BYTES } from './host-layout.js';
import { tempAlloc } from './lib/memory.js';
import { i32Const, isAlwaysNull, reprParts, type Val, zeroParts } from './val.js';
import { fastNumeric } from './var-arithmetic.js';

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

/** (qs, ws, index, arguments) -> 1 = null. Makes room in temp space for a result that did not fit. */
const hostCall: LibFunction = {
  name: 'host_call',
  params: ['i32', 'i32', 'i32', 'i32'],
  results: ['i32'],
  build(f, ctx) {
    const [qs, ws, index, args] = f.params;
    const r = f.local('i32');
    f.get(index).get(ws).get(args).call(ctx.host.call).tee(r).i32(2).op('i32.eq');
    f.if(() => {
      f.i32(-1).get(ws);
      f.get(qs).get(ws).get(ws).mem('i32.load', WS.hostResult).call(ctx.lib(tempAlloc));
      f.call(ctx.host.call).set(r);
    });
    f.get(r);
  },
};

export type HostResult = { readonly type: SqlType; readonly repr: Repr };

/** Calls `fn` for these arguments. `nullable`: whether it may give NULL for non-null arguments. Arithmetic of numerics
 *  is tried in generated code first. */
export function emitHostCall(
  e: Emitter,
  fn: string,
  args: readonly Val[],
  result: HostResult,
  strict: boolean,
  nullable: boolean,
): Val {
  const fast = fastNumeric(e, fn, args, result, (present) => {
    e.push(callHost(e, fn, present, result, true, false).parts[0]);
  });
  return fast ?? callHost(e, fn, args, result, strict, nullable);
}

function callHost(
  e: Emitter,
  fn: string,
  args: readonly Val[],
  result: HostResult,
  strict: boolean,
  nullable: boolean,
): Val {
  const base = { type: result.type, repr: result.repr, stable: false };
  if (strict && args.some(isAlwaysNull))
    return { ...base, parts: zeroParts(result.repr), isNull: i32Const(1) };
  const parts = reprParts(result.repr).map((t) => e.local(t));
  const argsNull = strict ? e.anyNull(args) : undefined;
  const isNull = nullable || argsNull !== undefined ? e.local('i32') : undefined;
  const body = (): void => {
    pushHostCall(e, fn, args, result, strict);
    if (isNull !== undefined) e.f.set(isNull);
    else e.f.op('drop');
    parts.forEach((p, i) => {
      e.f
        .get(e.ws)
        .mem(LOAD[p.type], WS.hostResult + i * 8)
        .set(p);
    });
  };
  if (argsNull === undefined) body();
  else {
    e.f.i32(1).set(isNull!);
    // A null string must have a reference that is safe to copy.
    if (result.repr === 'str') e.f.i64(0n).set(parts[0]);
    e.push(argsNull)
      .op('i32.eqz')
      .if(() => e.scoped(body));
  }
  return { ...base, parts, isNull };
}

/** Writes the arguments and calls; leaves the null flag, the value is in WS.hostResult. */
function pushHostCall(
  e: Emitter,
  fn: string,
  args: readonly Val[],
  result: HostResult,
  strict: boolean,
): void {
  const call: HostCall = {
    fn,
    argTypes: args.map((a) => a.type),
    argReprs: args.map((a) => a.repr),
    type: result.type,
    resultRepr: result.repr,
    strict,
  };
  const index = e.ctx.hostCall(call);
  const at = e.ctx.hostArgs(Math.max(1, args.length) * HOST_SLOT_BYTES);
  const f = e.f;
  args.forEach((a, i) => {
    const slot = at + i * HOST_SLOT_BYTES;
    if (!strict) {
      f.get(e.ws);
      e.pushNull(a).mem('i32.store', slot);
    }
    reprParts(a.repr).forEach((t, p) => {
      f.get(e.ws);
      e.push(a.parts[p]).mem(STORE[t], slot + 8 + p * 8);
    });
  });
  f.get(e.qs).get(e.ws).i32(index).get(e.ws).i32(at).op('i32.add').call(e.ctx.lib(hostCall));
}

/** Helpers that give an i32: leaves it on the stack. Arguments must not be null. */
export function callHostHelper(e: Emitter, fn: `$${string}`, args: readonly Val[]): void {
  pushHostCall(e, fn, args, { type: fn.endsWith('?') ? BOOL : INT4, repr: 'i32' }, true);
  e.f.op('drop').get(e.ws).mem('i32.load', WS.hostResult);
}
