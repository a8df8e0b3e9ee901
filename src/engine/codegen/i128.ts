/** 128-bit integers as two i64 (low, high), two's complement. The `emit*` helpers are inline code for sums and the like;
 *  multiplication and division are library functions.
 *  Source: Warren, Hacker's Delight, 8-2 (high-order product), 9-2 (long division). */
import type { Local } from '../wasm/module-builder.js';
import type { LibFunction } from './context.js';
import type { Emitter } from './emitter.js';
import { isConst, type Operand } from './val.js';

export type Wide = readonly [low: Operand, high: Operand];

/** a + b. */
export function emitAdd128(e: Emitter, a: Wide, b: Wide): [Local, Local] {
  e.push(a[0]);
  e.push(b[0]).op('i64.add');
  const low = e.save('i64');
  e.push(a[1]);
  e.push(b[1]).op('i64.add').get(low);
  e.push(a[0]).op('i64.lt_u').op('i64.extend_i32_u').op('i64.add');
  return [low, e.save('i64')];
}

/** a + (signed 64-bit) b: what sums do for each row. */
export function emitAdd128By64(e: Emitter, a: Wide, b: Operand): [Local, Local] {
  e.push(a[0]);
  e.push(b).op('i64.add');
  const low = e.save('i64');
  e.push(a[1]);
  e.push(b).i64(63n).op('i64.shr_s').op('i64.add').get(low);
  e.push(a[0]).op('i64.lt_u').op('i64.extend_i32_u').op('i64.add');
  return [low, e.save('i64')];
}

export function emitSub128(e: Emitter, a: Wide, b: Wide): [Local, Local] {
  e.push(a[0]);
  e.push(b[0]).op('i64.sub');
  const low = e.save('i64');
  e.push(a[1]);
  e.push(b[1]).op('i64.sub');
  e.push(a[0]);
  e.push(b[0]).op('i64.lt_u').op('i64.extend_i32_u').op('i64.sub');
  return [low, e.save('i64')];
}

export function emitNeg128(e: Emitter, a: Wide): [Local, Local] {
  return emitSub128(
    e,
    [
      { const: 0n, type: 'i64' },
      { const: 0n, type: 'i64' },
    ],
    a,
  );
}

/** Leaves i32 1 when equal. */
export function emitEqual128(e: Emitter, a: Wide, b: Wide): void {
  e.push(a[0]);
  e.push(b[0]).op('i64.xor');
  e.push(a[1]);
  e.push(b[1]).op('i64.xor').op('i64.or').op('i64.eqz');
}

/** Leaves i32 1 when a < b (signed). */
export function emitLess128(e: Emitter, a: Wide, b: Wide): void {
  // The borrow of a - b decides; on equal high halves the low ones are compared unsigned.
  e.push(a[1]);
  e.push(b[1]).op('i64.lt_s');
  e.push(a[1]);
  e.push(b[1]).op('i64.eq');
  e.push(a[0]);
  e.push(b[0]).op('i64.lt_u').op('i32.and').op('i32.or');
}

/** Leaves i32 -1, 0 or 1. */
export function emitCompare128(e: Emitter, a: Wide, b: Wide): void {
  emitLess128(e, b, a);
  emitLess128(e, a, b);
  e.f.op('i32.sub');
}

/** The exact product of two signed 64-bit integers. */
export function emitMul64(e: Emitter, a: Operand, b: Operand): [Local, Local] {
  e.push(a);
  e.push(b).call(e.ctx.lib(mulSigned64));
  return savePair(e);
}

/** The product modulo 2^128: exact when the caller knows that it fits. */
export function emitMul128(e: Emitter, a: Wide, b: Wide): [Local, Local] {
  for (const o of [...a, ...b]) e.push(o);
  e.f.call(e.ctx.lib(mul128));
  return savePair(e);
}

/** Pops high, then low. */
export function savePair(e: Emitter): [Local, Local] {
  const high = e.save('i64');
  return [e.save('i64'), high];
}

/** Sign extension of a 64-bit operand. */
export function wide(e: Emitter, low: Operand): Wide {
  if (isConst(low)) return [low, { const: BigInt(low.const) < 0n ? -1n : 0n, type: 'i64' }];
  e.push(low).i64(63n).op('i64.shr_s');
  return [low, e.save('i64')];
}

export function wideConst(n: bigint): Wide {
  return [
    { const: BigInt.asIntN(64, n), type: 'i64' },
    { const: BigInt.asIntN(64, n >> 64n), type: 'i64' },
  ];
}

/** (a, b) unsigned -> (low, high) of the product. */
export const mulUnsigned64: LibFunction = {
  name: 'mul_u64',
  params: ['i64', 'i64'],
  results: ['i64', 'i64'],
  build(f) {
    const [a, b] = f.params;
    const ah = f.local('i64');
    const bh = f.local('i64');
    const low = f.local('i64');
    const mid = f.local('i64');
    const mid2 = f.local('i64');
    const MASK = 0xffffffffn;
    f.get(a).i64(32n).op('i64.shr_u').set(ah);
    f.get(b).i64(32n).op('i64.shr_u').set(bh);
    f.get(a).i64(MASK).op('i64.and').tee(a).get(b).i64(MASK).op('i64.and').tee(b).op('i64.mul').set(low);
    f.get(ah).get(b).op('i64.mul').get(low).i64(32n).op('i64.shr_u').op('i64.add').set(mid);
    f.get(a).get(bh).op('i64.mul').get(mid).i64(MASK).op('i64.and').op('i64.add').set(mid2);
    f.get(mid2).i64(32n).op('i64.shl').get(low).i64(MASK).op('i64.and').op('i64.or');
    f.get(ah).get(bh).op('i64.mul').get(mid).i64(32n).op('i64.shr_u').op('i64.add');
    f.get(mid2).i64(32n).op('i64.shr_u').op('i64.add');
  },
};

/** (a, b) signed -> (low, high) of the product. */
export const mulSigned64: LibFunction = {
  name: 'mul_s64',
  params: ['i64', 'i64'],
  results: ['i64', 'i64'],
  build(f, ctx) {
    const [a, b] = f.params;
    const low = f.local('i64');
    const high = f.local('i64');
    f.get(a).get(b).call(ctx.lib(mulUnsigned64)).set(high).set(low);
    f.get(low).get(high);
    f.get(a).i64(63n).op('i64.shr_s').get(b).op('i64.and').op('i64.sub');
    f.get(b).i64(63n).op('i64.shr_s').get(a).op('i64.and').op('i64.sub');
  },
};

/** (a low, a high, b low, b high) -> product modulo 2^128. */
export const mul128: LibFunction = {
  name: 'mul_128',
  params: ['i64', 'i64', 'i64', 'i64'],
  results: ['i64', 'i64'],
  build(f, ctx) {
    const [al, ah, bl, bh] = f.params;
    const high = f.local('i64');
    f.get(al).get(bl).call(ctx.lib(mulUnsigned64)).set(high);
    f.get(high).get(al).get(bh).op('i64.mul').op('i64.add').get(ah).get(bl).op('i64.mul').op('i64.add');
  },
};

/** (low, high, divisor) unsigned, divisor in 1..2^63 -> (quotient low, quotient high, remainder). */
export const divUnsigned128: LibFunction = {
  name: 'div_u128',
  params: ['i64', 'i64', 'i64'],
  results: ['i64', 'i64', 'i64'],
  build(f) {
    const [low, high, d] = f.params;
    const qh = f.local('i64');
    const r = f.local('i64');
    const i = f.local('i32');
    f.get(high).i64(0n).op('i64.eq');
    f.if(() => {
      f.get(low).get(d).op('i64.div_u').i64(0n).get(low).get(d).op('i64.rem_u').return();
    });
    f.get(high).get(d).op('i64.div_u').set(qh);
    f.get(high).get(d).op('i64.rem_u').set(r);
    // A divisor of 32 bits: two digits to base 2^32, each remainder below the divisor.
    f.get(d).i64(32n).op('i64.shr_u').op('i64.eqz');
    f.if(() => {
      const upper = f.local('i64');
      f.get(r).i64(32n).op('i64.shl').get(low).i64(32n).op('i64.shr_u').op('i64.or').tee(r);
      f.get(d).op('i64.div_u').set(upper);
      f.get(r)
        .get(d)
        .op('i64.rem_u')
        .i64(32n)
        .op('i64.shl')
        .get(low)
        .i64(0xffffffffn)
        .op('i64.and')
        .op('i64.or')
        .set(r);
      f.get(r).get(d).op('i64.div_u').get(upper).i64(32n).op('i64.shl').op('i64.or').get(qh);
      f.get(r).get(d).op('i64.rem_u').return();
    });
    // (r : low) / d bit by bit, the quotient entering `low` from the right.
    f.i32(64).set(i);
    f.loop((again) => {
      f.get(r).i64(1n).op('i64.shl').get(low).i64(63n).op('i64.shr_u').op('i64.or').set(r);
      f.get(low).i64(1n).op('i64.shl').set(low);
      f.get(r).get(d).op('i64.ge_u');
      f.if(() => {
        f.get(r).get(d).op('i64.sub').set(r);
        f.get(low).i64(1n).op('i64.or').set(low);
      });
      f.get(i).i32(1).op('i32.sub').tee(i).brIf(again);
    });
    f.get(low).get(qh).get(r);
  },
};

/** (low, high, divisor) signed / positive divisor up to 2^62 -> quotient rounded half away from zero. */
export const divRounded128: LibFunction = {
  name: 'div_rounded_128',
  params: ['i64', 'i64', 'i64'],
  results: ['i64', 'i64'],
  build(f, ctx) {
    const [low, high, d] = f.params;
    const sign = f.local('i64');
    const r = f.local('i64');
    const negate = (): void => {
      // (x ^ sign) - sign over 128 bits.
      f.get(low).get(sign).op('i64.xor').tee(low).get(sign).op('i64.sub').set(r);
      f.get(high).get(sign).op('i64.xor').get(sign).op('i64.sub');
      f.get(low).get(sign).op('i64.lt_u').op('i64.extend_i32_u').op('i64.sub').set(high);
      f.get(r).set(low);
    };
    f.get(high).i64(63n).op('i64.shr_s').set(sign);
    negate();
    f.get(low).get(high).get(d).call(ctx.lib(divUnsigned128)).set(r).set(high).set(low);
    f.get(r).i64(1n).op('i64.shl').get(d).op('i64.ge_u');
    f.if(() => {
      f.get(low).i64(1n).op('i64.add').tee(low).op('i64.eqz');
      f.if(() => f.get(high).i64(1n).op('i64.add').set(high));
    });
    negate();
    f.get(low).get(high);
  },
};
