/** Fast code for the usual arguments, the TypeScript function for the rest. */
import type { CallExpr } from '../calls.js';
import type { Emitter } from '../emitter.js';
import { guarded, type Result } from '../guard.js';
import { emitHostCall } from '../host-emit.js';
import { reprParts, type Val } from '../val.js';

/** `usual` leaves an i32, `fast` the (single) part of the result. `nullable`: the function may give NULL. */
export function fastOrHost(
  e: Emitter,
  args: readonly Val[],
  x: CallExpr,
  result: Result,
  usual: () => void,
  fast: () => void,
  nullable = false,
): Val {
  const isNull = nullable ? e.local('i32') : undefined;
  if (isNull !== undefined) e.f.i32(0).set(isNull);
  const v = guarded(e, args, result, () => {
    usual();
    e.f.if(
      () => e.scoped(fast),
      () =>
        e.scoped(() => {
          const present = args.map((a) => ({ ...a, isNull: undefined }));
          const slow = emitHostCall(e, x.fn, present, result, true, nullable);
          if (isNull !== undefined) e.pushNull(slow).set(isNull);
          e.push(slow.parts[0]);
        }),
      reprParts(result.repr)[0],
    );
  });
  if (isNull === undefined) return v;
  return { ...v, isNull: e.anyNull([v, { ...v, isNull }]) };
}
