/** TPC-H's queries 1 and 6 as a person writes them in WebAssembly, for the very columns that the compiler gets: what
 *  compiled code is measured against.
 *
 *  They know what a compiler has to be told or has to prove: that no value is null, that sums fit 64 bits, how many groups
 *  there are, that a batch holds a multiple of eight rows. Query 1 is a scalar loop over one row of sums for each group;
 *  query 6 tests eight rows at a time and multiplies only where one of them passed. */
import { type FunctionBuilder, type Local, ModuleBuilder } from '../../src/engine/wasm/module-builder.js';
import type { MemoryOp } from '../../src/engine/wasm/opcodes.js';

/** Sums of a group: quantity, price, discounted price, charge, discount, rows. */
export const Q1_SUMS = 6;
export const Q1_GROUP_BYTES = 64;
/** The smaller dictionary's size: a group is `flag * Q1_STATUSES + status`. */
export const Q1_STATUSES = 2;

export type Q1Function = (
  flag: number,
  status: number,
  quantity: number,
  price: number,
  discount: number,
  tax: number,
  shipped: number,
  rows: number,
  shippedMax: number,
  sums: number,
) => void;

export type Q6Function = (
  quantity: number,
  price: number,
  discount: number,
  shipped: number,
  rows: number,
  shippedFrom: number,
  shippedBefore: number,
  quantityBelow: number,
  discountFrom: number,
  discountTo: number,
) => bigint;

export function handWrittenModule(): Uint8Array {
  const m = new ModuleBuilder();
  m.importMemory(1, 65_536);
  q1(
    m.func(
      Array.from({ length: 10 }, () => 'i32' as const),
      [],
      'q1',
    ),
  );
  q6(
    m.func(
      Array.from({ length: 10 }, () => 'i32' as const),
      ['i64'],
      'q6',
    ),
  );
  return m.encode();
}

/** The value of row `i`, of a column whose values are `1 << shift` bytes wide. */
function load(f: FunctionBuilder, base: Local, i: Local, shift: number, op: MemoryOp): FunctionBuilder {
  f.get(base).get(i);
  if (shift > 0) f.i32(shift).op('i32.shl');
  return f.op('i32.add').mem(op);
}

function q1(f: FunctionBuilder): void {
  const [flag, status, quantity, price, discount, tax, shipped, rows, shippedMax, sums] = f.params as Local[];
  const i = f.local('i32');
  const group = f.local('i32');
  const p = f.local('i64');
  const d = f.local('i64');
  const add = (field: number, value: () => void): void => {
    f.get(group)
      .get(group)
      .mem('i64.load', field * 8);
    value();
    f.op('i64.add').mem('i64.store', field * 8);
  };
  f.loop((again) => {
    load(f, shipped!, i, 1, 'i32.load16_s').get(shippedMax!).op('i32.le_s');
    f.if(() => {
      load(f, flag!, i, 0, 'i32.load8_u').i32(Q1_STATUSES).op('i32.mul');
      load(f, status!, i, 0, 'i32.load8_u').op('i32.add').i32(Q1_GROUP_BYTES).op('i32.mul');
      f.get(sums!).op('i32.add').set(group);
      add(0, () => load(f, quantity!, i, 1, 'i64.load16_s'));
      add(1, () => load(f, price!, i, 2, 'i64.load32_s').tee(p));
      load(f, discount!, i, 0, 'i64.load8_s').set(d);
      add(2, () => f.get(p).i64(100n).get(d).op('i64.sub').op('i64.mul').tee(p));
      add(3, () => {
        f.get(p).i64(100n);
        load(f, tax!, i, 0, 'i64.load8_s').op('i64.add').op('i64.mul');
      });
      add(4, () => f.get(d));
      add(5, () => f.i64(1n));
    });
    f.get(i).i32(1).op('i32.add').tee(i).get(rows!).op('i32.lt_u').brIf(again);
  });
}

function q6(f: FunctionBuilder): void {
  const [quantity, price, discount, shipped, rows, ...bounds] = f.params as Local[];
  const [shippedFrom, shippedBefore, quantityBelow, discountFrom, discountTo] = bounds.map((bound) => {
    const splat = f.local('v128');
    f.get(bound).op('i16x8.splat').set(splat);
    return splat;
  });
  const i = f.local('i32');
  const s = f.local('v128');
  const d = f.local('v128');
  const passed = f.local('v128');
  const at = f.local('i32');
  const sum = f.local('v128');
  const four = f.local('v128');
  f.loop((again) => {
    load(f, shipped!, i, 1, 'v128.load').tee(s).get(shippedFrom!).op('i16x8.ge_s');
    f.get(s).get(shippedBefore!).op('i16x8.lt_s').op('v128.and');
    load(f, quantity!, i, 1, 'v128.load').get(quantityBelow!).op('i16x8.lt_s').op('v128.and');
    load(f, discount!, i, 0, 'v128.load8x8_s').tee(d).get(discountFrom!).op('i16x8.ge_s').op('v128.and');
    f.get(d).get(discountTo!).op('i16x8.le_s').op('v128.and').tee(passed).op('v128.any_true');
    f.if(() => {
      // Where a row did not pass, its discount counts as zero.
      f.get(d).get(passed).op('v128.and').set(d);
      f.get(price!).get(i).i32(2).op('i32.shl').op('i32.add').set(at);
      for (const [half, offset] of [
        ['low', 0],
        ['high', 16],
      ] as const) {
        f.get(d).op(`i32x4.extend_${half}_i16x8_s`).set(four);
        f.get(sum);
        for (const quarter of ['low', 'high'] as const)
          f.get(at).mem('v128.load', offset).get(four).op(`i64x2.extmul_${quarter}_i32x4_s`).op('i64x2.add');
        f.set(sum);
      }
    });
    f.get(i).i32(8).op('i32.add').tee(i).get(rows!).op('i32.lt_u').brIf(again);
  });
  f.get(sum).lane('i64x2.extract_lane', 0).get(sum).lane('i64x2.extract_lane', 1).op('i64.add');
}
