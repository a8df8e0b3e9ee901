/** A value of a guaranteed range as an index from 0 on.
 *
 *  The guarantee is the plan's; memory behind an array is everybody's. So it is tested, once per value: a plan that
 *  outlived its statistics fails its query and touches nothing. */
import type { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import { FAIL } from '../layout.js';
import type { Local } from '../wasm/module-builder.js';

/** Leaves i32 `value - min`, below `size` (the number of values); a value outside fails unless it is null, whose index is
 *  `size`. i32 and i64 only. */
export function rangeIndex(e: Emitter, val: Val, min: bigint, size: number): Local {
  const { f } = e;
  const index = e.local('i32');
  e.push(val.parts[0]);
  if (val.repr === 'i64') {
    f.i64(min).op('i64.sub');
    const wide = e.save('i64');
    f.get(wide).op('i32.wrap_i64').set(index);
    f.get(wide).i64(BigInt(size)).op('i64.ge_u');
  } else
    f.i32(Number(BigInt.asIntN(32, min)))
      .op('i32.sub')
      .tee(index)
      .i32(size)
      .op('i32.ge_u');
  f.if(() => {
    if (val.isNull === undefined) e.fail(FAIL.internal);
    else {
      e.pushNull(val).op('i32.eqz');
      f.if(() => e.fail(FAIL.internal));
    }
  });
  if (val.isNull !== undefined) {
    f.i32(size).get(index);
    e.push(val.isNull).op('select').set(index);
  }
  return index;
}
