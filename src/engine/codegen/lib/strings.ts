/** Strings as 64-bit references (address | length << 32): equality, order, hash. Bytes are read eight at a time with a
 *  byte-wise tail, never beyond the string's end. */
import type { FunctionBuilder, Local } from '../../wasm/module-builder.js';
import type { LibFunction, SliceContext } from '../context.js';

/** Leaves the length of a string. */
export function pushLength(f: FunctionBuilder, str: Local): FunctionBuilder {
  return f.get(str).i64(32n).op('i64.shr_u').op('i32.wrap_i64');
}

/** Leaves a string made of address and length (locals). */
export function pushRef(f: FunctionBuilder, address: Local, length: Local): FunctionBuilder {
  return f
    .get(address)
    .op('i64.extend_i32_u')
    .get(length)
    .op('i64.extend_i32_u')
    .i64(32n)
    .op('i64.shl')
    .op('i64.or');
}

/** (a, b, bytes) -> 1 when the bytes at the two addresses are the same. */
export const memEqual: LibFunction = {
  name: 'mem_equal',
  params: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build(f) {
    const [a, b, n] = f.params;
    const end = f.local('i32');
    const no = (): void => {
      f.if(() => f.i32(0).return());
    };
    f.get(a).get(b).op('i32.eq');
    f.if(() => f.i32(1).return());
    f.get(n).i32(8).op('i32.ge_u');
    f.if(() => {
      f.get(a).get(n).op('i32.add').i32(8).op('i32.sub').set(end);
      // The last eight bytes, overlapping what the loop compares: no tail for strings of eight and more.
      f.get(end)
        .mem('i64.load')
        .get(b)
        .get(n)
        .op('i32.add')
        .i32(8)
        .op('i32.sub')
        .mem('i64.load')
        .op('i64.ne');
      no();
      f.while(
        () => f.get(a).get(end).op('i32.lt_u'),
        () => {
          f.get(a).mem('i64.load').get(b).mem('i64.load').op('i64.ne');
          no();
          f.get(a).i32(8).op('i32.add').set(a);
          f.get(b).i32(8).op('i32.add').set(b);
        },
      );
      f.i32(1).return();
    });
    f.get(n).i32(4).op('i32.ge_u');
    f.if(() => {
      f.get(a).mem('i32.load').get(b).mem('i32.load').op('i32.ne');
      no();
      f.get(a).get(n).op('i32.add').i32(4).op('i32.sub').mem('i32.load');
      f.get(b).get(n).op('i32.add').i32(4).op('i32.sub').mem('i32.load');
      f.op('i32.eq').return();
    });
    f.while(
      () => f.get(n),
      () => {
        f.get(n).i32(1).op('i32.sub').set(n);
        f.get(a).get(n).op('i32.add').mem('i32.load8_u');
        f.get(b).get(n).op('i32.add').mem('i32.load8_u').op('i32.ne');
        no();
      },
    );
    f.i32(1);
  },
};

/** (str, str) -> 1 when equal. */
export const strEqual: LibFunction = {
  name: 'str_equal',
  params: ['i64', 'i64'],
  results: ['i32'],
  build(f, ctx) {
    const [a, b] = f.params;
    f.get(a).get(b).op('i64.xor').i64(32n).op('i64.shr_u').op('i64.eqz');
    f.if(
      () =>
        f
          .get(a)
          .op('i32.wrap_i64')
          .get(b)
          .op('i32.wrap_i64')
          .get(a)
          .i64(32n)
          .op('i64.shr_u')
          .op('i32.wrap_i64')
          .call(ctx.lib(memEqual)),
      () => f.i32(0),
      'i32',
    );
  },
};

/** Leaves the first eight bytes at `address` as a big-endian number, so that unsigned order is byte order. */
function pushBigEndian(f: FunctionBuilder, x: Local): void {
  const m = (bits: bigint, mask: bigint): void => {
    f.get(x).i64(bits).op('i64.shr_u').i64(mask).op('i64.and');
    f.get(x).i64(mask).op('i64.and').i64(bits).op('i64.shl').op('i64.or').set(x);
  };
  m(8n, 0x00ff00ff00ff00ffn);
  m(16n, 0x0000ffff0000ffffn);
  f.get(x).i64(32n).op('i64.rotl');
}

/** (str, str) -> -1, 0 or 1 in byte order, which for UTF-8 is code point order. */
export const strCompare: LibFunction = {
  name: 'str_compare',
  params: ['i64', 'i64'],
  results: ['i32'],
  build(f) {
    const [a, b] = f.params;
    const pa = f.local('i32');
    const pb = f.local('i32');
    const la = f.local('i32');
    const lb = f.local('i32');
    const n = f.local('i32');
    const end = f.local('i32');
    const x = f.local('i64');
    const y = f.local('i64');
    f.get(a).op('i32.wrap_i64').set(pa);
    f.get(b).op('i32.wrap_i64').set(pb);
    pushLength(f, a).set(la);
    pushLength(f, b).set(lb);
    f.get(la).get(lb).get(la).get(lb).op('i32.lt_u').op('select').set(n);
    f.get(pa).get(n).i32(-8).op('i32.and').op('i32.add').set(end);
    f.while(
      () => f.get(pa).get(end).op('i32.lt_u'),
      () => {
        f.get(pa).mem('i64.load').tee(x).get(pb).mem('i64.load').tee(y).op('i64.ne');
        f.if(() => {
          pushBigEndian(f, x);
          pushBigEndian(f, y);
          f.op('i64.lt_u');
          f.if(
            () => f.i32(-1),
            () => f.i32(1),
            'i32',
          ).return();
        });
        f.get(pa).i32(8).op('i32.add').set(pa);
        f.get(pb).i32(8).op('i32.add').set(pb);
      },
    );
    f.get(end).get(n).i32(7).op('i32.and').op('i32.add').set(end);
    f.while(
      () => f.get(pa).get(end).op('i32.lt_u'),
      () => {
        f.get(pa).mem('i32.load8_u').get(pb).mem('i32.load8_u').op('i32.sub').tee(n);
        f.if(() => {
          f.get(n).i32(31).op('i32.shr_s').i32(1).op('i32.or').return();
        });
        f.get(pa).i32(1).op('i32.add').set(pa);
        f.get(pb).i32(1).op('i32.add').set(pb);
      },
    );
    f.get(la).get(lb).op('i32.gt_u').get(la).get(lb).op('i32.lt_u').op('i32.sub');
  },
};

/** (str) -> str without trailing blanks: char(n) as comparisons see it. */
export const strTrimBlanks: LibFunction = {
  name: 'str_trim_blanks',
  params: ['i64'],
  results: ['i64'],
  build(f) {
    const [a] = f.params;
    const start = f.local('i32');
    const length = f.local('i32');
    f.get(a).op('i32.wrap_i64').set(start);
    pushLength(f, a).set(length);
    f.block((exit) => {
      f.loop((again) => {
        f.get(length).i32(8).op('i32.lt_u').brIf(exit);
        f.get(start).get(length).op('i32.add').i32(8).op('i32.sub').mem('i64.load');
        f.i64(0x2020202020202020n).op('i64.ne').brIf(exit);
        f.get(length).i32(8).op('i32.sub').set(length).br(again);
      });
    });
    f.block((exit) => {
      f.loop((again) => {
        f.get(length).op('i32.eqz').brIf(exit);
        f.get(start)
          .get(length)
          .op('i32.add')
          .i32(1)
          .op('i32.sub')
          .mem('i32.load8_u')
          .i32(32)
          .op('i32.ne')
          .brIf(exit);
        f.get(length).i32(1).op('i32.sub').set(length).br(again);
      });
    });
    pushRef(f, start, length);
  },
};

/** (str) -> 32-bit hash for hash tables: eight bytes a step, multiply and fold. */
export const strHash: LibFunction = {
  name: 'str_hash',
  params: ['i64'],
  results: ['i32'],
  build(f) {
    const [a] = f.params;
    const at = f.local('i32');
    const end = f.local('i32');
    const h = f.local('i64');
    const length = f.local('i32');
    const step = (): void => {
      // h = (h ^ word) * k, then the high bits come down.
      f.get(h).op('i64.xor').i64(-7046029254386353131n).op('i64.mul').tee(h);
      f.get(h).i64(32n).op('i64.shr_u').op('i64.xor').set(h);
    };
    f.get(a).op('i32.wrap_i64').set(at);
    pushLength(f, a).tee(length).op('i64.extend_i32_u').set(h);
    f.get(at).get(length).i32(-8).op('i32.and').op('i32.add').set(end);
    f.while(
      () => f.get(at).get(end).op('i32.lt_u'),
      () => {
        f.get(at).mem('i64.load');
        step();
        f.get(at).i32(8).op('i32.add').set(at);
      },
    );
    f.get(length).i32(4).op('i32.and');
    f.if(() => {
      f.get(at).mem('i64.load32_u');
      step();
      f.get(at).i32(4).op('i32.add').set(at);
    });
    f.get(length).i32(3).op('i32.and');
    f.if(() => {
      // One to three bytes: first, middle and last hold them all.
      f.get(length).i32(3).op('i32.and').set(length);
      f.get(at).mem('i64.load8_u');
      f.get(at)
        .get(length)
        .i32(1)
        .op('i32.shr_u')
        .op('i32.add')
        .mem('i64.load8_u')
        .i64(8n)
        .op('i64.shl')
        .op('i64.or');
      f.get(at)
        .get(length)
        .op('i32.add')
        .i32(1)
        .op('i32.sub')
        .mem('i64.load8_u')
        .i64(16n)
        .op('i64.shl')
        .op('i64.or');
      step();
    });
    f.get(h)
      .i64(-4417276706812531889n)
      .op('i64.mul')
      .tee(h)
      .i64(32n)
      .op('i64.shr_u')
      .get(h)
      .op('i64.xor')
      .op('i32.wrap_i64');
  },
};

/** (str) -> murmur3_x86_32 with seed 0: `hashBytes` of types/hash.ts. */
export const strMurmur: LibFunction = {
  name: 'str_murmur',
  params: ['i64'],
  results: ['i32'],
  build(f, ctx) {
    const [a] = f.params;
    const at = f.local('i32');
    const end = f.local('i32');
    const h = f.local('i32');
    const k = f.local('i32');
    const length = f.local('i32');
    const mixK = (): void => {
      f.get(k)
        .i32(0xcc9e2d51 | 0)
        .op('i32.mul')
        .i32(15)
        .op('i32.rotl')
        .i32(0x1b873593)
        .op('i32.mul');
      f.get(h).op('i32.xor').set(h);
    };
    f.get(a).op('i32.wrap_i64').set(at);
    pushLength(f, a).set(length);
    f.get(at).get(length).i32(-4).op('i32.and').op('i32.add').set(end);
    f.while(
      () => f.get(at).get(end).op('i32.lt_u'),
      () => {
        f.get(at).mem('i32.load').set(k);
        mixK();
        f.get(h)
          .i32(13)
          .op('i32.rotl')
          .i32(5)
          .op('i32.mul')
          .i32(0xe6546b64 | 0)
          .op('i32.add')
          .set(h);
        f.get(at).i32(4).op('i32.add').set(at);
      },
    );
    f.i32(0).set(k);
    f.get(length).i32(3).op('i32.and').tee(end);
    f.if(() => {
      f.get(end).i32(3).op('i32.eq');
      f.if(() => f.get(at).mem('i32.load8_u', 2).i32(16).op('i32.shl').set(k));
      f.get(end).i32(2).op('i32.ge_u');
      f.if(() => f.get(at).mem('i32.load8_u', 1).i32(8).op('i32.shl').get(k).op('i32.or').set(k));
      f.get(at).mem('i32.load8_u').get(k).op('i32.or').set(k);
      mixK();
    });
    f.get(h).get(length).op('i32.xor').call(ctx.lib(fmix32));
  },
};

/** murmur3's finaliser. */
export const fmix32: LibFunction = {
  name: 'fmix32',
  params: ['i32'],
  results: ['i32'],
  build(f) {
    const [x] = f.params;
    f.get(x)
      .get(x)
      .i32(16)
      .op('i32.shr_u')
      .op('i32.xor')
      .i32(0x85ebca6b | 0)
      .op('i32.mul')
      .tee(x);
    f.get(x)
      .i32(13)
      .op('i32.shr_u')
      .op('i32.xor')
      .i32(0xc2b2ae35 | 0)
      .op('i32.mul')
      .tee(x);
    f.get(x).i32(16).op('i32.shr_u').op('i32.xor');
  },
};

export type { SliceContext };
