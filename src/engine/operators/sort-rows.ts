/** Sorting arrays of row addresses: generated comparison, and a bottom-up merge sort (stable, n log n at worst).
 *
 *  Runs of eight by insertion, then merges between the array and a buffer; neighbours already in order are copied. */
import type { Column } from '../../plan/expr.js';
import type { SliceContext } from '../codegen/context.js';
import type { Emitter } from '../codegen/emitter.js';
import { compareKeys } from '../codegen/value-ops.js';
import { FAIL, QS } from '../layout.js';
import type { Func, FunctionBuilder, Local } from '../wasm/module-builder.js';
import type { SliceCompiler } from './pipeline.js';
import type { RowLayout } from './row-layout.js';

export type OrderKey = {
  readonly column: Column;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
};

const RUN = 8;

/** (qs, ws, a, b) -> i32 < 0, 0, > 0: the order of two rows by these keys. */
export function compareFunction(c: SliceCompiler, layout: RowLayout, keys: readonly OrderKey[]): Func {
  return c.func(['i32', 'i32'], ['i32'], (e, [a, b]) => {
    const { f } = e;
    const r = f.local('i32');
    keys.forEach((key, i) => {
      const field = layout.field(key.column.id);
      e.scoped(() => compareKeys(e, layout.load(e, a, field), layout.load(e, b, field), key));
      if (i === keys.length - 1) return;
      f.tee(r);
      f.if(() => f.get(r).return());
    });
    if (keys.length === 0) f.i32(0);
  });
}

const sorts = new WeakMap<Func, Func>();

/** Sorts `n` addresses at `array` in place. */
export function pushSort(e: Emitter, compare: Func, array: Local, n: Local): void {
  let sort = sorts.get(compare);
  if (sort === undefined) {
    const f = e.ctx.module.func(['i32', 'i32', 'i32', 'i32'], []);
    mergeSort(f, compare, e.ctx.host);
    sort = f.func;
    sorts.set(compare, sort);
  }
  e.f.get(e.qs).get(e.ws).get(array).get(n).call(sort);
}

function mergeSort(f: FunctionBuilder, compare: Func, host: SliceContext['host']): void {
  const { alloc, free } = host;
  const [qs, ws, base, n] = f.params;
  const at = (array: Local, i: Local): FunctionBuilder =>
    f.get(array).get(i).i32(2).op('i32.shl').op('i32.add');
  const low = f.local('i32');
  const high = f.local('i32');
  const i = f.local('i32');
  const j = f.local('i32');
  const k = f.local('i32');
  const x = f.local('i32');
  f.i32(0).set(low);
  f.while(
    () => f.get(low).get(n).op('i32.lt_u'),
    () => {
      min(f, () => f.get(low).i32(RUN).op('i32.add'), n);
      f.set(high);
      f.get(low).i32(1).op('i32.add').set(i);
      f.while(
        () => f.get(i).get(high).op('i32.lt_u'),
        () => {
          at(base, i).mem('i32.load').set(x);
          f.get(i).set(j);
          f.block((placed) => {
            f.loop((again) => {
              f.get(j).get(low).op('i32.eq').brIf(placed);
              f.get(qs)
                .get(ws)
                .get(base)
                .get(j)
                .i32(2)
                .op('i32.shl')
                .op('i32.add')
                .i32(4)
                .op('i32.sub')
                .mem('i32.load')
                .tee(k);
              f.get(x).call(compare).i32(0).op('i32.le_s').brIf(placed);
              at(base, j).get(k).mem('i32.store');
              f.get(j).i32(1).op('i32.sub').set(j).br(again);
            });
          });
          at(base, j).get(x).mem('i32.store');
          f.get(i).i32(1).op('i32.add').set(i);
        },
      );
      f.get(high).set(low);
    },
  );
  f.get(n).i32(RUN).op('i32.le_u');
  f.if(() => f.return());
  const buffer = f.local('i32');
  const from = f.local('i32');
  const to = f.local('i32');
  const width = f.local('i32');
  const middle = f.local('i32');
  const y = f.local('i32');
  f.get(qs).get(n).i32(2).op('i32.shl').call(alloc).tee(buffer).set(to);
  f.get(base).set(from);
  f.i32(RUN).set(width);
  f.while(
    () => f.get(width).get(n).op('i32.lt_u'),
    () => {
      f.i32(0).set(low);
      f.while(
        () => f.get(low).get(n).op('i32.lt_u'),
        () => {
          f.get(qs).mem('i32.atomic.load', QS.cancel);
          f.if(() => f.i32(FAIL.cancelled).i32(0).call(host.fail));
          min(f, () => f.get(low).get(width).op('i32.add'), n);
          f.set(middle);
          min(f, () => f.get(middle).get(width).op('i32.add'), n);
          f.set(high);
          f.get(low).set(i);
          f.get(middle).set(j);
          f.get(low).set(k);
          f.block((merged) => {
            f.get(middle).get(high).op('i32.lt_u');
            f.if(() => {
              f.get(qs)
                .get(ws)
                .get(from)
                .get(middle)
                .i32(1)
                .op('i32.sub')
                .i32(2)
                .op('i32.shl')
                .op('i32.add')
                .mem('i32.load');
              at(from, middle).mem('i32.load').call(compare).i32(0).op('i32.gt_s');
              f.if(() => {
                at(from, i).mem('i32.load').set(x);
                at(from, j).mem('i32.load').set(y);
                f.loop((again) => {
                  f.get(qs).get(ws).get(x).get(y).call(compare).i32(0).op('i32.le_s');
                  f.if(
                    () => {
                      at(to, k).get(x).mem('i32.store');
                      f.get(k).i32(1).op('i32.add').set(k);
                      f.get(i).i32(1).op('i32.add').tee(i).get(middle).op('i32.eq').brIf(merged);
                      at(from, i).mem('i32.load').set(x);
                    },
                    () => {
                      at(to, k).get(y).mem('i32.store');
                      f.get(k).i32(1).op('i32.add').set(k);
                      f.get(j).i32(1).op('i32.add').tee(j).get(high).op('i32.eq').brIf(merged);
                      at(from, j).mem('i32.load').set(y);
                    },
                  );
                  f.br(again);
                });
              });
            });
          });
          // What is left of either side.
          at(to, k);
          at(from, i);
          f.get(middle).get(i).op('i32.sub').i32(2).op('i32.shl').memoryCopy();
          f.get(k).get(middle).op('i32.add').get(i).op('i32.sub').set(k);
          at(to, k);
          at(from, j);
          f.get(high).get(j).op('i32.sub').i32(2).op('i32.shl').memoryCopy();
          f.get(high).set(low);
        },
      );
      f.get(from).get(to).set(from).set(to);
      f.get(width).i32(1).op('i32.shl').set(width);
    },
  );
  f.get(from).get(base).op('i32.ne');
  f.if(() => f.get(base).get(from).get(n).i32(2).op('i32.shl').memoryCopy());
  f.get(qs).get(buffer).call(free);
}

/** Leaves the smaller of a pushed value and n (unsigned; sums cannot wrap, an array has fewer than 2^30 entries). */
function min(f: FunctionBuilder, push: () => void, n: Local): void {
  const v = f.local('i32');
  push();
  f.tee(v).get(n).get(v).get(n).op('i32.lt_u').op('select');
  f.release(v);
}
