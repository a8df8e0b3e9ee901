/** Strings by characters (UTF-8), by blanks and by letter case. Substrings share the bytes of their source.
 *  A byte 10xxxxxx continues a character; every other byte starts one. */
import type { FunctionBuilder, Local } from '../../wasm/module-builder.js';
import type { LibFunction } from '../context.js';
import { tempAlloc } from './memory.js';
import { memEqual, pushLength, pushRef } from './strings.js';

/** Leaves 1 when the byte at `address` starts a character. */
function pushStartsCharacter(f: FunctionBuilder, address: Local): FunctionBuilder {
  return f.get(address).mem('i32.load8_s').i32(-65).op('i32.gt_s');
}

/** (str) -> number of characters. */
export const charLength: LibFunction = {
  name: 'char_length',
  params: ['i64'],
  results: ['i32'],
  build(f) {
    const [s] = f.params;
    const at = f.local('i32');
    const end = f.local('i32');
    const n = f.local('i32');
    const w = f.local('i64');
    f.get(s).op('i32.wrap_i64').set(at);
    pushLength(f, s).tee(n).get(at).op('i32.add').set(end);
    // n = bytes; take away the continuation bytes, eight at a time.
    f.while(
      () => f.get(end).get(at).op('i32.sub').i32(8).op('i32.ge_u'),
      () => {
        f.get(at).mem('i64.load').tee(w).i64(7n).op('i64.shr_u');
        f.get(w).i64(6n).op('i64.shr_u').i64(-1n).op('i64.xor').op('i64.and');
        f.i64(0x0101010101010101n).op('i64.and').op('i64.popcnt').op('i32.wrap_i64');
        const k = f.local('i32');
        f.set(k).get(n).get(k).op('i32.sub').set(n);
        f.release(k);
        f.get(at).i32(8).op('i32.add').set(at);
      },
    );
    f.while(
      () => f.get(at).get(end).op('i32.lt_u'),
      () => {
        f.get(n);
        pushStartsCharacter(f, at).op('i32.eqz').op('i32.sub').set(n);
        f.get(at).i32(1).op('i32.add').set(at);
      },
    );
    f.get(n);
  },
};

/** (address, end, count) -> address after `count` characters, at most `end`. */
export const skipChars: LibFunction = {
  name: 'skip_chars',
  params: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build(f) {
    const [at, end, count] = f.params;
    f.block((done) => {
      f.loop((again) => {
        f.get(count).i32(0).op('i32.le_s').brIf(done);
        f.get(at).get(end).op('i32.ge_u').brIf(done);
        f.get(count).i32(1).op('i32.sub').set(count);
        // Past this character's first byte, then past what continues it.
        f.loop((more) => {
          f.get(at).i32(1).op('i32.add').tee(at).get(end).op('i32.lt_u');
          f.if(
            () => pushStartsCharacter(f, at).op('i32.eqz'),
            () => f.i32(0),
            'i32',
          ).brIf(more);
        });
        f.br(again);
      });
    });
    f.get(at);
  },
};

/** (str, from, to) -> the characters at positions from..to-1, counted from 0; bounds may lie outside (i64). */
export const sliceChars: LibFunction = {
  name: 'slice_chars',
  params: ['i64', 'i64', 'i64'],
  results: ['i64'],
  build(f, ctx) {
    const [s, from, to] = f.params;
    const start = f.local('i32');
    const end = f.local('i32');
    const length = f.local('i32');
    const clamp = (x: Local): void => {
      f.get(x).i64(0n).get(x).i64(0n).op('i64.gt_s').op('select').set(x);
      f.get(x).i64(0x7fffffffn).get(x).i64(0x7fffffffn).op('i64.lt_s').op('select').set(x);
    };
    clamp(from);
    clamp(to);
    f.get(from).get(to).op('i64.ge_s');
    f.if(() => f.i64(0n).return());
    // Within the first eight bytes of a longer string, all ASCII: positions are bytes.
    f.get(to).i64(8n).op('i64.le_s');
    pushLength(f, s).i32(8).op('i32.ge_u').op('i32.and');
    f.if(() => {
      f.get(s).op('i32.wrap_i64').mem('i64.load').i64(-9187201950435737472n).op('i64.and');
      f.i64(8n).get(to).op('i64.sub').i64(3n).op('i64.shl').op('i64.shl').op('i64.eqz');
      f.if(() => {
        f.get(s).op('i32.wrap_i64').get(from).op('i32.wrap_i64').op('i32.add').set(start);
        f.get(to).get(from).op('i64.sub').op('i32.wrap_i64').set(length);
        pushRef(f, start, length).return();
      });
    });
    f.get(s).op('i32.wrap_i64').tee(start);
    pushLength(f, s).op('i32.add').set(end);
    f.get(start).get(end).get(from).op('i32.wrap_i64').call(ctx.lib(skipChars)).tee(start);
    f.get(end).get(to).get(from).op('i64.sub').op('i32.wrap_i64').call(ctx.lib(skipChars));
    f.get(start).op('i32.sub').set(length);
    pushRef(f, start, length);
  },
};

/** (str, atLeft, atRight) -> str without blanks at these ends. */
export const trimEnds: LibFunction = {
  name: 'trim_ends',
  params: ['i64', 'i32', 'i32'],
  results: ['i64'],
  build(f) {
    const [s, atLeft, atRight] = f.params;
    const start = f.local('i32');
    const end = f.local('i32');
    f.get(s).op('i32.wrap_i64').tee(start);
    pushLength(f, s).op('i32.add').set(end);
    f.get(atLeft);
    f.if(() =>
      f.block((done) => {
        f.loop((again) => {
          f.get(start).get(end).op('i32.ge_u').brIf(done);
          f.get(start).mem('i32.load8_u').i32(32).op('i32.ne').brIf(done);
          f.get(start).i32(1).op('i32.add').set(start).br(again);
        });
      }),
    );
    f.get(atRight);
    f.if(() =>
      f.block((done) => {
        f.loop((again) => {
          f.get(start).get(end).op('i32.ge_u').brIf(done);
          f.get(end).i32(1).op('i32.sub').mem('i32.load8_u').i32(32).op('i32.ne').brIf(done);
          f.get(end).i32(1).op('i32.sub').set(end).br(again);
        });
      }),
    );
    f.get(end).get(start).op('i32.sub').set(end);
    pushRef(f, start, end);
  },
};

/** (qs, ws, a, b) -> a followed by b, in temp space. */
export const concat: LibFunction = {
  name: 'str_concat',
  params: ['i32', 'i32', 'i64', 'i64'],
  results: ['i64'],
  build(f, ctx) {
    const [qs, ws, a, b] = f.params;
    const to = f.local('i32');
    const la = f.local('i32');
    const lb = f.local('i32');
    pushLength(f, a).tee(la).op('i32.eqz');
    f.if(() => f.get(b).return());
    pushLength(f, b).tee(lb).op('i32.eqz');
    f.if(() => f.get(a).return());
    f.get(qs).get(ws).get(la).get(lb).op('i32.add').call(ctx.lib(tempAlloc)).tee(to);
    f.get(a).op('i32.wrap_i64').get(la).memoryCopy();
    f.get(to).get(la).op('i32.add').get(b).op('i32.wrap_i64').get(lb).memoryCopy();
    f.get(la).get(lb).op('i32.add').set(la);
    pushRef(f, to, la);
  },
};

/** (str) -> 1 when every byte is ASCII. */
export const isAscii: LibFunction = {
  name: 'is_ascii',
  params: ['i64'],
  results: ['i32'],
  build(f) {
    const [s] = f.params;
    const at = f.local('i32');
    const end = f.local('i32');
    f.get(s).op('i32.wrap_i64').tee(at);
    pushLength(f, s).op('i32.add').set(end);
    f.while(
      () => f.get(end).get(at).op('i32.sub').i32(8).op('i32.ge_u'),
      () => {
        f.get(at).mem('i64.load').i64(-9187201950435737472n).op('i64.and').op('i64.eqz').op('i32.eqz');
        f.if(() => f.i32(0).return());
        f.get(at).i32(8).op('i32.add').set(at);
      },
    );
    f.while(
      () => f.get(at).get(end).op('i32.lt_u'),
      () => {
        f.get(at).mem('i32.load8_s').i32(0).op('i32.lt_s');
        f.if(() => f.i32(0).return());
        f.get(at).i32(1).op('i32.add').set(at);
      },
    );
    f.i32(1);
  },
};

/** (qs, ws, str) -> an ASCII string in another letter case, in temp space. */
export function asciiCase(to: 'upper' | 'lower'): LibFunction {
  return {
    name: `ascii_${to}`,
    params: ['i32', 'i32', 'i64'],
    results: ['i64'],
    build(f, ctx) {
      const [qs, ws, s] = f.params;
      const from = f.local('i32');
      const start = f.local('i32');
      const length = f.local('i32');
      const i = f.local('i32');
      const c = f.local('i32');
      const first = to === 'upper' ? 97 : 65;
      f.get(s).op('i32.wrap_i64').set(from);
      pushLength(f, s).set(length);
      f.get(qs).get(ws).get(length).call(ctx.lib(tempAlloc)).set(start);
      f.while(
        () => f.get(i).get(length).op('i32.lt_u'),
        () => {
          f.get(start).get(i).op('i32.add');
          f.get(from).get(i).op('i32.add').mem('i32.load8_u').tee(c);
          // Letters of the other case differ in bit 5.
          f.get(c).i32(first).op('i32.sub').i32(26).op('i32.lt_u').i32(5).op('i32.shl').op('i32.xor');
          f.mem('i32.store8');
          f.get(i).i32(1).op('i32.add').set(i);
        },
      );
      pushRef(f, start, length);
    },
  };
}

/** (address, end, needle address, needle length) -> address of the first occurrence, or 0. The needle is not empty. */
export const findBytes: LibFunction = {
  name: 'find_bytes',
  params: ['i32', 'i32', 'i32', 'i32'],
  results: ['i32'],
  build(f, ctx) {
    const [at, end, needle, length] = f.params;
    const first = f.local('i32');
    const rest = f.local('i32');
    f.get(end).get(at).op('i32.sub').get(length).op('i32.lt_u');
    f.if(() => f.i32(0).return());
    f.get(end).get(length).op('i32.sub').set(end);
    f.get(needle).mem('i32.load8_u').set(first);
    f.get(length).i32(1).op('i32.sub').set(rest);
    f.loop((again) => {
      f.get(at).mem('i32.load8_u').get(first).op('i32.eq');
      f.if(() => {
        f.get(at).i32(1).op('i32.add').get(needle).i32(1).op('i32.add').get(rest).call(ctx.lib(memEqual));
        f.if(() => f.get(at).return());
      });
      f.get(at).i32(1).op('i32.add').tee(at).get(end).op('i32.le_u').brIf(again);
    });
    f.i32(0);
  },
};
