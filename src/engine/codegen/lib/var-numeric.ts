/** Arithmetic of var-numerics whose digits fit 120 bits, without leaving generated code; what does not fit is left to
 *  TypeScript. A number is passed as (low, high, scale): the unscaled value of 128 bits and the display scale, -1 for
 *  what is not of this form (NaN, infinities, long numbers).
 *  Source: PostgreSQL, numeric.c (select_div_scale). */
import type { FunctionBuilder, Local } from '../../wasm/module-builder.js';
import type { LibFunction, SliceContext } from '../context.js';
import { divRounded128, divUnsigned128, mul128 } from '../i128.js';
import { distributionDecimal } from './hash.js';
import { tempAlloc } from './memory.js';
import { pushLength, pushRef } from './strings.js';

const DIGITS_MAX = 38;

/** 10^0 .. 10^38 as 128-bit integers. */
function powersOffset(ctx: SliceContext): number {
  const bytes = new Uint8Array((DIGITS_MAX + 1) * 16);
  const view = new DataView(bytes.buffer);
  for (let i = 0, p = 1n; i <= DIGITS_MAX; i++, p *= 10n) {
    view.setBigUint64(i * 16, p & 0xffffffffffffffffn, true);
    view.setBigUint64(i * 16 + 8, p >> 64n, true);
  }
  return ctx.dataBytes(bytes, 8);
}

/** (low, high) = -(low, high). */
function negate(f: FunctionBuilder, low: Local, high: Local): void {
  f.i64(0n)
    .get(high)
    .op('i64.sub')
    .get(low)
    .i64(0n)
    .op('i64.ne')
    .op('i64.extend_i32_u')
    .op('i64.sub')
    .set(high);
  f.i64(0n).get(low).op('i64.sub').set(low);
}

/** (qs, ws, low, high, scale) -> var-numeric bytes in temp space. */
export const packVar: LibFunction = {
  name: 'numeric_to_var',
  params: ['i32', 'i32', 'i64', 'i64', 'i32'],
  results: ['i64'],
  build(f, ctx) {
    const [qs, ws, low, high, scale] = f.params;
    const at = f.local('i32');
    const length = f.local('i32');
    f.get(qs).get(ws).i32(24).call(ctx.lib(tempAlloc)).set(at);
    f.get(at).get(high).i64(63n).op('i64.shr_u').op('i32.wrap_i64').mem('i32.store8');
    f.get(at).get(scale).mem('i32.store16', 1);
    f.get(high).i64(0n).op('i64.lt_s');
    f.if(() => negate(f, low, high));
    f.get(at).get(low).mem('i64.store', 3);
    f.get(at).get(high).mem('i64.store', 11);
    // Bytes of the magnitude without its leading zero bytes.
    f.get(high).op('i64.eqz');
    f.if(
      () => f.i32(11).get(low).op('i64.clz').op('i32.wrap_i64').i32(3).op('i32.shr_u').op('i32.sub'),
      () => f.i32(19).get(high).op('i64.clz').op('i32.wrap_i64').i32(3).op('i32.shr_u').op('i32.sub'),
      'i32',
    );
    f.set(length);
    pushRef(f, at, length);
  },
};

/** (str) -> (low, high, scale). Reads only bytes of the string, and up to five before it. */
export const unpackVar: LibFunction = {
  name: 'var_unpack',
  params: ['i64'],
  results: ['i64', 'i64', 'i32'],
  build(f) {
    const [str] = f.params;
    const at = f.local('i32');
    const n = f.local('i32');
    const low = f.local('i64');
    const high = f.local('i64');
    const shift = (bytes: () => void): void => {
      f.i64(64n);
      bytes();
      f.op('i64.extend_i32_u').i64(3n).op('i64.shl').op('i64.sub').op('i64.shr_u');
    };
    f.get(str).op('i32.wrap_i64').set(at);
    pushLength(f, str).i32(3).op('i32.sub').set(n);
    f.get(at).mem('i32.load8_u').i32(1).op('i32.gt_u').get(n).i32(15).op('i32.gt_u').op('i32.or');
    f.if(() => f.i64(0n).i64(0n).i32(-1).return());
    f.get(n).i32(8).op('i32.lt_u');
    f.if(
      () => {
        // The word that ends with the string's last byte; what comes before the digits is shifted out.
        f.get(n);
        f.if(() => {
          f.get(at).get(n).op('i32.add').i32(5).op('i32.sub').mem('i64.load');
          shift(() => f.get(n));
          f.set(low);
        });
      },
      () => {
        f.get(at).mem('i64.load', 3).set(low);
        f.get(n).i32(8).op('i32.gt_u');
        f.if(() => {
          f.get(at).get(n).op('i32.add').i32(5).op('i32.sub').mem('i64.load');
          shift(() => f.get(n).i32(8).op('i32.sub'));
          f.set(high);
        });
      },
    );
    f.get(at).mem('i32.load8_u');
    f.if(() => negate(f, low, high));
    f.get(low).get(high).get(at).mem('i32.load16_u', 1);
  },
};

/** (low, high) signed -> bits of the magnitude (0 for 0). */
const bitLength: LibFunction = {
  name: 'bit_length_128',
  params: ['i64', 'i64'],
  results: ['i32'],
  build(f) {
    const [low, high] = f.params;
    const sign = f.local('i64');
    f.get(high).i64(63n).op('i64.shr_s').set(sign);
    f.get(high).get(sign).op('i64.xor').tee(high).op('i64.eqz');
    f.if(
      () => f.i32(64).get(low).get(sign).op('i64.xor').op('i64.clz').op('i32.wrap_i64').op('i32.sub'),
      () => f.i32(128).get(high).op('i64.clz').op('i32.wrap_i64').op('i32.sub'),
      'i32',
    );
  },
};

/** (qs, low, high, k) -> (low, high, ok): times 10^k, when 126 bits hold it. */
const scaleUp: LibFunction = {
  name: 'scale_up_128',
  params: ['i32', 'i64', 'i64', 'i32'],
  results: ['i64', 'i64', 'i32'],
  build(f, ctx) {
    const [qs, low, high, k] = f.params;
    const powers = powersOffset(ctx);
    const pl = f.local('i64');
    const ph = f.local('i64');
    const bits = ctx.lib(bitLength);
    f.get(k).op('i32.eqz');
    f.if(() => f.get(low).get(high).i32(1).return());
    f.get(k).i32(DIGITS_MAX).op('i32.gt_u');
    f.if(() => f.i64(0n).i64(0n).i32(0).return());
    f.get(qs).get(k).i32(4).op('i32.shl').op('i32.add').tee(k).mem('i64.load', powers).set(pl);
    f.get(k)
      .mem('i64.load', powers + 8)
      .set(ph);
    f.get(low).get(high).call(bits).get(pl).get(ph).call(bits).op('i32.add').i32(126).op('i32.gt_s');
    f.if(() => f.i64(0n).i64(0n).i32(0).return());
    f.get(low).get(high).get(pl).get(ph).call(ctx.lib(mul128)).i32(1);
  },
};

/** (qs, a low, a high, a scale, b ...) -> (a low, a high, b low, b high, scale): one scale, or -1. */
const alignVars: LibFunction = {
  name: 'var_align',
  params: ['i32', 'i64', 'i64', 'i32', 'i64', 'i64', 'i32'],
  results: ['i64', 'i64', 'i64', 'i64', 'i32'],
  build(f, ctx) {
    const [qs, al, ah, as, bl, bh, bs] = f.params;
    const up = ctx.lib(scaleUp);
    const ok = f.local('i32');
    const grow = (low: Local, high: Local, from: Local, to: Local): void => {
      f.get(qs).get(low).get(high).get(to).get(from).op('i32.sub').call(up).set(ok).set(high).set(low);
      f.get(to).i32(-1).get(ok).op('select').set(to);
    };
    f.get(as).get(bs).op('i32.or').i32(0).op('i32.lt_s');
    f.if(
      () => f.i32(-1).set(as),
      () => {
        f.get(as).get(bs).op('i32.lt_s');
        f.if(
          () => {
            grow(al, ah, as, bs);
            f.get(bs).set(as);
          },
          () => {
            f.get(bs).get(as).op('i32.lt_s');
            f.if(() => grow(bl, bh, bs, as));
          },
        );
      },
    );
    f.get(al).get(ah).get(bl).get(bh).get(as);
  },
};

const BINARY = ['i32', 'i32', 'i64', 'i64', 'i32', 'i64', 'i64', 'i32'] as const;

/** (qs, ws, a, b) -> var-numeric bytes of the sum (difference), or 0. */
export function addVars(subtract: boolean): LibFunction {
  return {
    name: subtract ? 'var_sub' : 'var_add',
    params: BINARY,
    results: ['i64'],
    build(f, ctx) {
      const [qs, ws, al, ah, as, bl, bh, bs] = f.params;
      f.get(qs).get(al).get(ah).get(as).get(bl).get(bh).get(bs).call(ctx.lib(alignVars));
      f.set(as).set(bh).set(bl).set(ah).set(al);
      f.get(as).i32(0).op('i32.lt_s');
      f.if(() => f.i64(0n).return());
      if (subtract) negate(f, bl, bh);
      f.get(al).get(bl).op('i64.add').set(bl);
      f.get(ah)
        .get(bh)
        .op('i64.add')
        .get(bl)
        .get(al)
        .op('i64.lt_u')
        .op('i64.extend_i32_u')
        .op('i64.add')
        .set(bh);
      f.get(qs).get(ws).get(bl).get(bh).get(as).call(ctx.lib(packVar));
    },
  };
}

/** (qs, ws, a, b) -> var-numeric bytes of the product, or 0. */
export const mulVars: LibFunction = {
  name: 'var_mul',
  params: BINARY,
  results: ['i64'],
  build(f, ctx) {
    const [qs, ws, al, ah, as, bl, bh, bs] = f.params;
    const bits = ctx.lib(bitLength);
    f.get(as).get(bs).op('i32.or').i32(0).op('i32.lt_s');
    f.get(al)
      .get(ah)
      .call(bits)
      .get(bl)
      .get(bh)
      .call(bits)
      .op('i32.add')
      .i32(126)
      .op('i32.gt_s')
      .op('i32.or');
    f.get(as).get(bs).op('i32.add').i32(1000).op('i32.gt_s').op('i32.or');
    f.if(() => f.i64(0n).return());
    f.get(qs).get(ws).get(al).get(ah).get(bl).get(bh).call(ctx.lib(mul128));
    f.get(as).get(bs).op('i32.add').call(ctx.lib(packVar));
  },
};

/** (qs, a, b) -> -1, 0, 1, or 2 when they are not of this form. */
export const compareVars: LibFunction = {
  name: 'var_compare',
  params: ['i32', 'i64', 'i64', 'i32', 'i64', 'i64', 'i32'],
  results: ['i32'],
  build(f, ctx) {
    const [qs, al, ah, as, bl, bh, bs] = f.params;
    f.get(qs).get(al).get(ah).get(as).get(bl).get(bh).get(bs).call(ctx.lib(alignVars));
    f.set(as).set(bh).set(bl).set(ah).set(al);
    f.get(as).i32(0).op('i32.lt_s');
    f.if(() => f.i32(2).return());
    f.get(ah).get(bh).op('i64.eq');
    f.if(
      () => f.get(al).get(bl).op('i64.gt_u').get(al).get(bl).op('i64.lt_u').op('i32.sub'),
      () => f.get(ah).get(bh).op('i64.gt_s').get(ah).get(bh).op('i64.lt_s').op('i32.sub'),
      'i32',
    );
  },
};

/** (qs, low, high, scale) of a magnitude -> weight << 16 | first digit, both to base 10000, as PostgreSQL sees it. */
const leadingDigit: LibFunction = {
  name: 'leading_digit',
  params: ['i32', 'i64', 'i64', 'i32'],
  results: ['i32'],
  build(f, ctx) {
    const [qs, low, high, scale] = f.params;
    const powers = powersOffset(ctx);
    const n = f.local('i32');
    const at = f.local('i32');
    const weight = f.local('i32');
    const drop = f.local('i32');
    const div = ctx.lib(divUnsigned128);
    f.get(low).get(high).op('i64.or').op('i64.eqz');
    f.if(() => f.i32(0).return());
    // Decimal digits from bits: log10(2) = 1233 / 4096, then one comparison.
    f.get(low).get(high).call(ctx.lib(bitLength)).i32(1233).op('i32.mul').i32(12).op('i32.shr_u').tee(n);
    f.i32(4).op('i32.shl').get(qs).op('i32.add').set(at);
    f.get(high)
      .get(at)
      .mem('i64.load', powers + 8)
      .op('i64.eq');
    f.if(
      () => f.get(low).get(at).mem('i64.load', powers).op('i64.ge_u'),
      () =>
        f
          .get(high)
          .get(at)
          .mem('i64.load', powers + 8)
          .op('i64.gt_u'),
      'i32',
    );
    f.get(n).op('i32.add').set(n);
    // Digits before the point, less one, over four, rounded down (shifts do).
    f.get(n).get(scale).op('i32.sub').i32(1).op('i32.sub').i32(2).op('i32.shr_s').set(weight);
    f.get(n)
      .get(n)
      .get(scale)
      .op('i32.sub')
      .get(weight)
      .i32(2)
      .op('i32.shl')
      .op('i32.sub')
      .op('i32.sub')
      .set(drop);
    f.get(drop).i32(0).op('i32.lt_s');
    f.if(
      () => {
        f.get(low)
          .get(qs)
          .get(drop)
          .i32(4)
          .op('i32.shl')
          .op('i32.sub')
          .mem('i64.load', powers)
          .op('i64.mul')
          .set(low);
      },
      () => {
        f.while(
          () => f.get(drop).i32(18).op('i32.gt_s'),
          () => {
            f.get(low)
              .get(high)
              .i64(10n ** 18n)
              .call(div)
              .op('drop')
              .set(high)
              .set(low);
            f.get(drop).i32(18).op('i32.sub').set(drop);
          },
        );
        f.get(low).get(high).get(qs).get(drop).i32(4).op('i32.shl').op('i32.add').mem('i64.load', powers);
        f.call(div).op('drop').set(high).set(low);
      },
    );
    f.get(weight).i32(16).op('i32.shl').get(low).op('i32.wrap_i64').op('i32.or');
  },
};

/** (qs, ws, a, b) -> var-numeric bytes of the quotient with PostgreSQL's scale, or 0 (also for b = 0). */
export const divVars: LibFunction = {
  name: 'var_div',
  params: BINARY,
  results: ['i64'],
  build(f, ctx) {
    const [qs, ws, al, ah, as, bl, bh, bs] = f.params;
    const negative = f.local('i64');
    const la = f.local('i32');
    const lb = f.local('i32');
    const scale = f.local('i32');
    const ok = f.local('i32');
    const r = f.local('i64');
    const leading = ctx.lib(leadingDigit);
    const fail = (): void => {
      f.if(() => f.i64(0n).return());
    };
    const max = (other: Local): void => {
      f.get(scale).get(other).get(scale).get(other).op('i32.gt_s').op('select').set(scale);
    };
    f.get(as).get(bs).op('i32.or').i32(0).op('i32.lt_s');
    fail();
    f.get(ah).get(bh).op('i64.xor').set(negative);
    f.get(ah).i64(0n).op('i64.lt_s');
    f.if(() => negate(f, al, ah));
    f.get(bh).i64(0n).op('i64.lt_s');
    f.if(() => negate(f, bl, bh));
    // A divisor of 63 bits, not zero.
    f.get(bh).i64(0n).op('i64.ne').get(bl).i64(0n).op('i64.le_s').op('i32.or');
    fail();
    f.get(qs).get(al).get(ah).get(as).call(leading).set(la);
    f.get(qs).get(bl).get(bh).get(bs).call(leading).set(lb);
    // 16 - 4 x weight of the quotient.
    f.i32(16).get(la).i32(16).op('i32.shr_s').get(lb).i32(16).op('i32.shr_s').op('i32.sub');
    f.get(la).i32(65535).op('i32.and').get(lb).i32(65535).op('i32.and').op('i32.le_s').op('i32.sub');
    f.i32(2).op('i32.shl').op('i32.sub').set(scale);
    max(as);
    max(bs);
    f.get(scale).i32(1000).op('i32.gt_s');
    fail();
    f.get(qs).get(al).get(ah).get(scale).get(as).op('i32.sub').get(bs).op('i32.add').call(ctx.lib(scaleUp));
    f.set(ok).set(ah).set(al);
    f.get(ok).op('i32.eqz');
    fail();
    f.get(al).get(ah).get(bl).call(ctx.lib(divUnsigned128)).set(r).set(ah).set(al);
    f.get(r).i64(1n).op('i64.shl').get(bl).op('i64.ge_u');
    f.if(() => {
      f.get(al)
        .i64(1n)
        .op('i64.add')
        .tee(al)
        .op('i64.eqz')
        .op('i64.extend_i32_u')
        .get(ah)
        .op('i64.add')
        .set(ah);
    });
    f.get(negative).i64(0n).op('i64.lt_s');
    f.if(() => negate(f, al, ah));
    f.get(qs).get(ws).get(al).get(ah).get(scale).call(ctx.lib(packVar));
  },
};

/** (qs, ws, low, high, scale) -> var-numeric bytes of the number at another scale, rounded half away from zero, or 0: also
 *  when it may have too many digits. */
export function fitVar(precision: number, toScale: number): LibFunction {
  return {
    name: `var_fit_${precision}_${toScale}`,
    params: ['i32', 'i32', 'i64', 'i64', 'i32'],
    results: ['i64'],
    build(f, ctx) {
      const [qs, ws, low, high, scale] = f.params;
      const powers = powersOffset(ctx);
      const drop = f.local('i32');
      const ok = f.local('i32');
      f.get(scale).i32(0).op('i32.lt_s');
      // The divisor must have 63 bits.
      f.get(scale).i32(toScale).op('i32.sub').tee(drop).i32(18).op('i32.gt_s').op('i32.or');
      f.if(() => f.i64(0n).return());
      f.get(drop).i32(0).op('i32.gt_s');
      f.if(
        () => {
          f.get(low).get(high).get(qs).get(drop).i32(4).op('i32.shl').op('i32.add').mem('i64.load', powers);
          f.call(ctx.lib(divRounded128)).set(high).set(low);
        },
        () => {
          f.get(qs).get(low).get(high).i32(0).get(drop).op('i32.sub').call(ctx.lib(scaleUp));
          f.set(ok).set(high).set(low);
          f.get(ok).op('i32.eqz');
          f.if(() => f.i64(0n).return());
        },
      );
      // So many bits are fewer than 10^precision has.
      f.get(low).get(high).call(ctx.lib(bitLength)).i32(bitsBelow(precision)).op('i32.gt_s');
      f.if(() => f.i64(0n).return());
      f.get(qs).get(ws).get(low).get(high).i32(toScale).call(ctx.lib(packVar));
    },
  };
}

function bitsBelow(precision: number): number {
  return (10n ** BigInt(precision)).toString(2).length - 1;
}

/** (low, high, scale) -> (hash, ok): `hashDecimal` when 64 bits hold the value. */
export const hashVar: LibFunction = {
  name: 'var_hash',
  params: ['i64', 'i64', 'i32'],
  results: ['i32', 'i32'],
  build(f, ctx) {
    const [low, high, scale] = f.params;
    f.get(low).i64(63n).op('i64.shr_s').get(high).op('i64.ne').get(scale).i32(0).op('i32.lt_s').op('i32.or');
    f.if(() => f.i32(0).i32(0).return());
    f.get(low).get(scale).call(ctx.lib(distributionDecimal)).i32(1);
  },
};
