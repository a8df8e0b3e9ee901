/** Pieces of the distribution hash (`types/hash.ts`) over 64-bit integers and scaled numerics. */
import type { LibFunction } from '../context.js';
import { fmix32 } from './strings.js';

/** `hashInt64`. */
export const distributionInt64: LibFunction = {
  name: 'distribution_int64',
  params: ['i64'],
  results: ['i32'],
  build(f, ctx) {
    const [v] = f.params;
    const low = f.local('i32');
    const mix = ctx.lib(fmix32);
    f.get(v).op('i32.wrap_i64').tee(low);
    f.get(v)
      .i64(32n)
      .op('i64.shr_u')
      .op('i32.wrap_i64')
      .get(low)
      .i32(31)
      .op('i32.shr_s')
      .op('i32.xor')
      .call(mix);
    f.op('i32.xor').call(mix);
  },
};

/** (unscaled, scale): `hashDecimal` of a value that fits 64 bits. */
export const distributionDecimal: LibFunction = {
  name: 'distribution_decimal',
  params: ['i64', 'i32'],
  results: ['i32'],
  build(f, ctx) {
    const [v, scale] = f.params;
    const int64 = ctx.lib(distributionInt64);
    f.get(v).op('i64.eqz');
    f.if(
      () => f.i32(0).set(scale),
      () =>
        f.while(
          () => f.get(v).i64(10n).op('i64.rem_s').op('i64.eqz'),
          () => {
            f.get(v).i64(10n).op('i64.div_s').set(v);
            f.get(scale).i32(1).op('i32.sub').set(scale);
          },
        ),
    );
    f.get(v).call(int64);
    f.get(v).i64(63n).op('i64.shr_s').call(int64).i32(7).op('i32.rotl').op('i32.xor');
    f.get(scale).call(ctx.lib(fmix32)).op('i32.xor');
  },
};
