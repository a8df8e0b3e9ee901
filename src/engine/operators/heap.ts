/** A heap of row addresses with the greatest row (by a generated comparison) at the top. */
import type { Func, FunctionBuilder, Local } from '../wasm/module-builder.js';
import type { SliceCompiler } from './pipeline.js';

export type HeapFunctions = {
  /** (qs, ws, array, n, i): moves entry i down to where it belongs. */
  readonly siftDown: Func;
  /** (qs, ws, array, n) */
  readonly heapify: Func;
};

const made = new WeakMap<Func, HeapFunctions>();

export function heapFunctions(c: SliceCompiler, compare: Func): HeapFunctions {
  const known = made.get(compare);
  if (known) return known;
  const sift = c.ctx.module.func(['i32', 'i32', 'i32', 'i32', 'i32'], []);
  emitSiftDown(sift, compare);
  const all = c.ctx.module.func(['i32', 'i32', 'i32', 'i32'], []);
  const [qs, ws, array, n] = all.params;
  const i = all.local('i32');
  all.get(n).i32(1).op('i32.shr_u').set(i);
  all.while(
    () => all.get(i),
    () => {
      all.get(i).i32(1).op('i32.sub').set(i);
      all.get(qs).get(ws).get(array).get(n).get(i).call(sift.func);
    },
  );
  const functions = { siftDown: sift.func, heapify: all.func };
  made.set(compare, functions);
  return functions;
}

function emitSiftDown(f: FunctionBuilder, compare: Func): void {
  const [qs, ws, array, n, i] = f.params;
  const row = f.local('i32');
  const child = f.local('i32');
  const best = f.local('i32');
  const other = f.local('i32');
  const at = (index: Local): FunctionBuilder => f.get(array).get(index).i32(2).op('i32.shl').op('i32.add');
  at(i).mem('i32.load').set(row);
  f.block((placed) => {
    f.loop((again) => {
      f.get(i).i32(1).op('i32.shl').i32(1).op('i32.add').tee(child).get(n).op('i32.ge_u').brIf(placed);
      at(child).mem('i32.load').set(best);
      f.get(child).i32(1).op('i32.add').get(n).op('i32.lt_u');
      f.if(() => {
        at(child).mem('i32.load', 4).set(other);
        f.get(qs).get(ws).get(other).get(best).call(compare).i32(0).op('i32.gt_s');
        f.if(() => {
          f.get(other).set(best);
          f.get(child).i32(1).op('i32.add').set(child);
        });
      });
      f.get(qs).get(ws).get(row).get(best).call(compare).i32(0).op('i32.ge_s').brIf(placed);
      at(i).get(best).mem('i32.store');
      f.get(child).set(i).br(again);
    });
  });
  at(i).get(row).mem('i32.store');
}
