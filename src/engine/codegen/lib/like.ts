/** Matching of LIKE: a search for constant bytes, sixteen positions at a time, and the matcher for any pattern. */
import type { LibFunction } from '../context.js';
import { pushBytesAt } from '../string-const.js';

/** (qs, at, end) -> address of the first occurrence of the needle, or 0. Reads nothing outside of [at, end). */
export function findConstant(needle: Uint8Array): LibFunction {
  const n = needle.length;
  return {
    name: `find ${Buffer.from(needle).toString('hex')}`,
    params: ['i32', 'i32', 'i32'],
    results: ['i32'],
    build(f, ctx) {
      const [qs, at, end] = f.params;
      const last = f.local('i32');
      const bits = f.local('i32');
      const here = f.local('i32');
      // The last byte of the needle beside the first: few positions have both.
      const far = n - 1;
      const verify = (): void => pushBytesAt(f, ctx, qs, () => f.get(here), 0, needle);
      f.get(end).get(at).op('i32.sub').i32(n).op('i32.lt_s');
      f.if(() => f.i32(0).return());
      f.get(end)
        .get(at)
        .op('i32.sub')
        .i32(16 + far)
        .op('i32.ge_u');
      f.if(() => {
        // Where the last full window starts; it may overlap the one before.
        f.get(end)
          .i32(16 + far)
          .op('i32.sub')
          .set(last);
        f.loop((again) => {
          f.get(at).mem('v128.load').i32(needle[0]).op('i8x16.splat').op('i8x16.eq');
          if (n > 1) {
            f.get(at).mem('v128.load', far).i32(needle[far]).op('i8x16.splat').op('i8x16.eq');
            f.op('v128.and');
          }
          f.op('i8x16.bitmask').set(bits);
          f.while(
            () => f.get(bits),
            () => {
              f.get(at).get(bits).op('i32.ctz').op('i32.add').set(here);
              verify();
              f.if(() => f.get(here).return());
              f.get(bits).get(bits).i32(1).op('i32.sub').op('i32.and').set(bits);
            },
          );
          f.get(at).get(last).op('i32.ge_u');
          f.if(() => f.i32(0).return());
          f.get(at)
            .i32(16)
            .op('i32.add')
            .tee(at)
            .get(last)
            .get(at)
            .get(last)
            .op('i32.lt_u')
            .op('select')
            .set(at);
          f.br(again);
        });
      });
      f.get(end).i32(n).op('i32.sub').set(last);
      f.get(at).set(here);
      f.loop((again) => {
        verify();
        f.if(() => f.get(here).return());
        f.get(here).i32(1).op('i32.add').tee(here).get(last).op('i32.le_u').brIf(again);
      });
      f.i32(0);
    },
  };
}

/** (str, pattern, escape byte or -1) -> 1 match, 0 none, 2 the pattern ends in its escape. One `%` to go back to at
 *  any time is enough: what an earlier one matched never needs to change. */
export const likeGeneral: LibFunction = {
  name: 'like_general',
  params: ['i64', 'i64', 'i32'],
  results: ['i32'],
  build(f) {
    const [str, pattern, escapeByte] = f.params;
    const s = f.local('i32');
    const sEnd = f.local('i32');
    const p = f.local('i32');
    const pEnd = f.local('i32');
    const anyP = f.local('i32');
    const anyS = f.local('i32');
    const c = f.local('i32');
    const step = f.local('i32');
    const open = (ref: typeof str, at: typeof s, end: typeof s): void => {
      f.get(ref)
        .op('i32.wrap_i64')
        .tee(at)
        .get(ref)
        .i64(32n)
        .op('i64.shr_u')
        .op('i32.wrap_i64')
        .op('i32.add')
        .set(end);
    };
    /** Moves over one character; the cursor is before `sEnd`. */
    const nextCharacter = (at: typeof s): void => {
      f.loop((more) => {
        f.get(at).i32(1).op('i32.add').tee(at).get(sEnd).op('i32.lt_u');
        f.if(
          () => f.get(at).mem('i32.load8_s').i32(-65).op('i32.le_s'),
          () => f.i32(0),
          'i32',
        ).brIf(more);
      });
    };
    open(str, s, sEnd);
    open(pattern, p, pEnd);
    f.loop((again) => {
      f.block((mismatch) => {
        f.get(p).get(pEnd).op('i32.ge_u');
        f.if(() => {
          f.get(s).get(sEnd).op('i32.lt_u').brIf(mismatch);
          f.i32(1).return();
        });
        f.get(p).mem('i32.load8_u').set(c);
        f.i32(1).set(step);
        f.get(c).get(escapeByte).op('i32.eq');
        f.if(
          () => {
            f.get(p).i32(1).op('i32.add').get(pEnd).op('i32.ge_u');
            f.if(() => f.i32(2).return());
            f.get(p).mem('i32.load8_u', 1).set(c);
            f.i32(2).set(step);
          },
          () => {
            f.get(c).i32(37).op('i32.eq');
            f.if(() => {
              f.get(p).i32(1).op('i32.add').tee(p).set(anyP);
              f.get(s).set(anyS);
              f.br(again);
            });
            f.get(c).i32(95).op('i32.eq');
            f.if(() => {
              f.get(s).get(sEnd).op('i32.ge_u').brIf(mismatch);
              nextCharacter(s);
              f.get(p).i32(1).op('i32.add').set(p);
              f.br(again);
            });
          },
        );
        f.get(s).get(sEnd).op('i32.ge_u').brIf(mismatch);
        f.get(s).mem('i32.load8_u').get(c).op('i32.ne').brIf(mismatch);
        f.get(s).i32(1).op('i32.add').set(s);
        f.get(p).get(step).op('i32.add').set(p);
        f.br(again);
      });
      // Let the last `%` take one character more.
      f.get(anyP).op('i32.eqz').get(anyS).get(sEnd).op('i32.ge_u').op('i32.or');
      f.if(() => f.i32(0).return());
      nextCharacter(anyS);
      f.get(anyS).set(s);
      f.get(anyP).set(p);
      f.br(again);
    });
    f.op('unreachable');
  },
};
