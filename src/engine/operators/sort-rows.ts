/** Sorting arrays of row addresses: generated comparison, and a bottom-up merge sort (stable, n log n at worst).
 *
 *  Runs of eight by insertion, then merges between the array and a buffer; neighbours already in order are copied.
 *  Elements are addresses alone, or addresses with a prefix of the first key (`sort-prefix.ts`), which decides most
 *  comparisons without touching the rows. */
import type { Column } from '../../plan/expr.js';
import type { SliceContext } from '../codegen/context.js';
import type { Emitter } from '../codegen/emitter.js';
import { compareKeys } from '../codegen/value-ops.js';
import { FAIL, QS } from '../layout.js';
import type { Func, FunctionBuilder, Local } from '../wasm/module-builder.js';
import type { SliceCompiler } from './pipeline.js';
import { radixSort } from './radix-sort.js';
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

/** An element of the array that is sorted, while it is in registers. */
type Entry = readonly Local[];

/** How elements lie in the array: 2^shift bytes each. */
type Form = {
  readonly shift: number;
  make(f: FunctionBuilder): Entry;
  /** The element's address is on the stack. */
  load(f: FunctionBuilder, to: Entry): void;
  /** `pushAddress` leaves the element's address. */
  store(f: FunctionBuilder, pushAddress: () => void, from: Entry): void;
  /** Leaves i32: 1 = a belongs behind b. */
  pushBehind(f: FunctionBuilder, a: Entry, b: Entry): void;
};

/** Addresses of rows. */
function addresses(compare: Func): Form {
  return {
    shift: 2,
    make: (f) => [f.local('i32')],
    load: (f, [row]) => f.mem('i32.load').set(row),
    store(f, pushAddress, [row]) {
      pushAddress();
      f.get(row).mem('i32.store');
    },
    pushBehind: (f, [a], [b]) =>
      f.get(f.params[0]).get(f.params[1]).get(a).get(b).call(compare).i32(0).op('i32.gt_s'),
  };
}

/** Prefix of the first key (i64), address of the row (+8): rows are looked at when prefixes are equal. */
function prefixed(compare: Func): Form {
  return {
    shift: 4,
    make: (f) => [f.local('i64'), f.local('i32'), f.local('i32')],
    load(f, [prefix, row, address]) {
      f.tee(address).mem('i64.load').set(prefix);
      f.get(address).mem('i32.load', 8).set(row);
    },
    store(f, pushAddress, [prefix, row, address]) {
      pushAddress();
      f.tee(address).get(prefix).mem('i64.store');
      f.get(address).get(row).mem('i32.store', 8);
    },
    pushBehind(f, [p, a], [q, b]) {
      f.get(p).get(q).op('i64.eq');
      f.if(
        () => f.get(f.params[0]).get(f.params[1]).get(a).get(b).call(compare).i32(0).op('i32.gt_s'),
        () => f.get(p).get(q).op('i64.gt_u'),
        'i32',
      );
    },
  };
}

const sorts = new WeakMap<Func, Func>();
const prefixSorts = new WeakMap<Func, Func>();

/** Sorts `n` addresses at `array` in place. */
export function pushSort(e: Emitter, compare: Func, array: Local, n: Local): void {
  e.f
    .get(e.qs)
    .get(e.ws)
    .get(array)
    .get(n)
    .call(sortFunction(e, sorts, compare, addresses));
}

const RADIX_ROWS = 512;

/** Sorts `n` entries of 16 bytes (prefix i64, address u32 at +8) at `array` in place. `exact`: equal prefixes are equal
 *  rows. Many entries are sorted by their prefixes, then within each run of equal ones. */
export function pushPrefixSort(e: Emitter, compare: Func, array: Local, n: Local, exact: boolean): void {
  const { f } = e;
  const merge = sortFunction(e, prefixSorts, compare, prefixed);
  f.get(n).i32(RADIX_ROWS).op('i32.lt_u');
  f.if(
    () => f.get(e.qs).get(e.ws).get(array).get(n).call(merge),
    () => {
      f.get(e.qs).get(array).get(n).call(e.ctx.lib(radixSort));
      if (exact) return;
      const at = f.local('i32');
      const end = f.local('i32');
      const run = f.local('i32');
      f.get(array).tee(at).get(n).i32(4).op('i32.shl').op('i32.add').set(end);
      f.loop((again) => {
        f.get(at).set(run);
        f.loop((more) => {
          f.get(at).i32(16).op('i32.add').tee(at).get(end).op('i32.lt_u');
          f.if(() => f.get(at).mem('i64.load').get(run).mem('i64.load').op('i64.eq').brIf(more));
        });
        f.get(at).get(run).op('i32.sub').i32(16).op('i32.gt_u');
        f.if(() =>
          f.get(e.qs).get(e.ws).get(run).get(at).get(run).op('i32.sub').i32(4).op('i32.shr_u').call(merge),
        );
        f.get(at).get(end).op('i32.lt_u').brIf(again);
      });
    },
  );
}

function sortFunction(
  e: Emitter,
  made: WeakMap<Func, Func>,
  compare: Func,
  form: (compare: Func) => Form,
): Func {
  const known = made.get(compare);
  if (known !== undefined) return known;
  const f = e.ctx.module.func(['i32', 'i32', 'i32', 'i32'], []);
  mergeSort(f, form(compare), e.ctx.host);
  made.set(compare, f.func);
  return f.func;
}

function mergeSort(f: FunctionBuilder, form: Form, host: SliceContext['host']): void {
  const [qs, , base, n] = f.params;
  const at = (array: Local, i: Local): FunctionBuilder =>
    f.get(array).get(i).i32(form.shift).op('i32.shl').op('i32.add');
  const bytes = (): FunctionBuilder => f.i32(form.shift).op('i32.shl');
  const low = f.local('i32');
  const high = f.local('i32');
  const i = f.local('i32');
  const j = f.local('i32');
  const k = f.local('i32');
  const x = form.make(f);
  const y = form.make(f);
  const load = (array: Local, index: Local, to: Entry): void => {
    at(array, index);
    form.load(f, to);
  };
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
          load(base, i, x);
          f.get(i).set(j);
          f.block((placed) => {
            f.loop((again) => {
              f.get(j).get(low).op('i32.eq').brIf(placed);
              f.get(j).i32(1).op('i32.sub').set(k);
              load(base, k, y);
              form.pushBehind(f, y, x);
              f.op('i32.eqz').brIf(placed);
              form.store(f, () => at(base, j), y);
              f.get(k).set(j).br(again);
            });
          });
          form.store(f, () => at(base, j), x);
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
  f.get(qs).get(n);
  bytes().call(host.alloc).tee(buffer).set(to);
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
            f.get(middle).get(high).op('i32.ge_u').brIf(merged);
            // Neighbours in order already are copied as they are.
            f.get(middle).i32(1).op('i32.sub').set(k);
            load(from, k, x);
            f.get(low).set(k);
            load(from, j, y);
            form.pushBehind(f, x, y);
            f.op('i32.eqz').brIf(merged);
            load(from, i, x);
            f.loop((again) => {
              form.pushBehind(f, x, y);
              f.if(
                () => {
                  form.store(f, () => at(to, k), y);
                  f.get(k).i32(1).op('i32.add').set(k);
                  f.get(j).i32(1).op('i32.add').tee(j).get(high).op('i32.eq').brIf(merged);
                  load(from, j, y);
                },
                () => {
                  form.store(f, () => at(to, k), x);
                  f.get(k).i32(1).op('i32.add').set(k);
                  f.get(i).i32(1).op('i32.add').tee(i).get(middle).op('i32.eq').brIf(merged);
                  load(from, i, x);
                },
              );
              f.br(again);
            });
          });
          // What is left of either side.
          at(to, k);
          at(from, i);
          f.get(middle).get(i).op('i32.sub');
          bytes().memoryCopy();
          f.get(k).get(middle).op('i32.add').get(i).op('i32.sub').set(k);
          at(to, k);
          at(from, j);
          f.get(high).get(j).op('i32.sub');
          bytes().memoryCopy();
          f.get(high).set(low);
        },
      );
      f.get(from).get(to).set(from).set(to);
      f.get(width).i32(1).op('i32.shl').set(width);
    },
  );
  f.get(from).get(base).op('i32.ne');
  f.if(() => {
    f.get(base).get(from).get(n);
    bytes().memoryCopy();
  });
  f.get(qs).get(buffer).call(host.free);
}

/** Leaves the smaller of a pushed value and n (unsigned; sums cannot wrap, an array has fewer than 2^30 entries). */
function min(f: FunctionBuilder, push: () => void, n: Local): void {
  const v = f.local('i32');
  push();
  f.tee(v).get(n).get(v).get(n).op('i32.lt_u').op('select');
  f.release(v);
}
