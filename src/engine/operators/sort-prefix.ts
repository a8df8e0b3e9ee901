/** The first sort key of a row as 64 bits that compare, unsigned, as the key does: what most comparisons of a sort need
 *  to look at. Equal prefixes decide nothing (they may be of different strings, or of NULL and an extreme value). */
import { unpadded } from '../codegen/compare.js';
import type { LibFunction } from '../codegen/context.js';
import type { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import type { KeyOrder } from '../codegen/value-ops.js';
import type { Local } from '../wasm/module-builder.js';
import type { Field } from './row-layout.js';

const SIGN = -(1n << 63n);

/** Rows with equal prefixes have equal keys. */
export function isExactPrefix(key: Field): boolean {
  return key.nullBit === undefined && (key.repr === 'i32' || key.repr === 'i64' || key.repr === 'f64');
}

/** The key is a string, compared byte by byte. */
export function isTextPrefix(key: Field): boolean {
  const { kind } = key.column.type;
  return key.repr === 'str' && kind !== 'numeric' && kind !== 'array';
}

/** Shortens `common` to the bytes that the string `val` begins with like `first`; the first one sets both (`common` is
 *  -1 before). */
export function emitCommonPrefix(e: Emitter, val: Val, first: Local, common: Local): void {
  const { f } = e;
  const present = (): void => {
    const { parts } = unpadded(e, val);
    f.get(common).i32(-1).op('i32.eq');
    f.if(
      () => {
        e.push(parts[0]).tee(first).i64(32n).op('i64.shr_u').op('i32.wrap_i64').set(common);
      },
      () => {
        f.get(first);
        e.push(parts[0]).get(common).call(e.ctx.lib(commonPrefix)).set(common);
      },
    );
  };
  if (val.isNull === undefined) present();
  else {
    e.pushNull(val).op('i32.eqz');
    f.if(() => e.scoped(present));
  }
}

/** Leaves an i64. `skip`: bytes at the start of every string that are the same in all. */
export function pushSortPrefix(e: Emitter, val: Val, order: KeyOrder, skip?: Local): void {
  const { f } = e;
  const prefix = f.local('i64');
  const present = (): void => {
    pushValuePrefix(e, val, skip);
    if (order.descending) f.i64(-1n).op('i64.xor');
    f.set(prefix);
  };
  if (val.isNull === undefined) present();
  else {
    f.i64(order.nullsFirst ? 0n : -1n).set(prefix);
    e.pushNull(val).op('i32.eqz');
    f.if(() => e.scoped(present));
  }
  f.get(prefix);
}

function pushValuePrefix(e: Emitter, val: Val, skip: Local | undefined): void {
  const { f } = e;
  const [part] = val.parts;
  switch (val.repr) {
    case 'i32': {
      const unsigned = val.type.kind === 'oid' || val.type.kind.startsWith('reg');
      e.push(part)
        .op(unsigned ? 'i64.extend_i32_u' : 'i64.extend_i32_s')
        .i64(SIGN)
        .op('i64.xor');
      return;
    }
    case 'i64':
      e.push(part).i64(SIGN).op('i64.xor');
      return;
    case 'i128': {
      // Clamped to 64 bits.
      e.push(part);
      e.push(val.parts[1])
        .i64(63n)
        .op('i64.shr_s')
        .i64((1n << 63n) - 1n)
        .op('i64.xor');
      e.push(val.parts[1]);
      e.push(part).i64(63n).op('i64.shr_s').op('i64.eq').op('select');
      f.i64(SIGN).op('i64.xor');
      return;
    }
    case 'f32':
    case 'f64': {
      e.push(part);
      if (val.repr === 'f32') f.op('f64.promote_f32');
      // -0 + 0 is 0; NaN sorts above infinity.
      f.f64(0).op('f64.add');
      const x = e.save('f64');
      f.get(x).op('i64.reinterpret_f64').i64(0x7ff8000000000000n).get(x).get(x).op('f64.eq').op('select');
      const bits = e.save('i64');
      f.get(bits).get(bits).i64(63n).op('i64.shr_s').i64(SIGN).op('i64.or').op('i64.xor');
      return;
    }
    case 'str':
      if (val.type.kind === 'numeric' || val.type.kind === 'array') f.i64(0n);
      else {
        e.push(unpadded(e, val).parts[0]);
        // Address up, length down.
        if (skip)
          f.get(skip)
            .op('i64.extend_i32_u')
            .i64((1n << 32n) - 1n)
            .op('i64.mul')
            .op('i64.sub');
        f.call(e.ctx.lib(stringPrefix));
      }
      return;
    default:
      f.i64(0n);
  }
}

/** (str, str, most) -> how many bytes they share at the start, at most `most` (the first string has as many). */
const commonPrefix: LibFunction = {
  name: 'sort.common_prefix',
  params: ['i64', 'i64', 'i32'],
  results: ['i32'],
  build(f) {
    const [a, b, most] = f.params;
    const i = f.local('i32');
    const length = f.local('i32');
    f.get(b).i64(32n).op('i64.shr_u').op('i32.wrap_i64').tee(length).get(most).op('i32.lt_u');
    f.if(() => f.get(length).set(most));
    f.block((differ) => {
      f.loop((again) => {
        f.get(i).get(most).op('i32.ge_u').brIf(differ);
        f.get(a).op('i32.wrap_i64').get(i).op('i32.add').mem('i32.load8_u');
        f.get(b).op('i32.wrap_i64').get(i).op('i32.add').mem('i32.load8_u');
        f.op('i32.ne').brIf(differ);
        f.get(i).i32(1).op('i32.add').set(i).br(again);
      });
    });
    f.get(i);
  },
};

/** (str) -> its first eight bytes, the first one highest; shorter strings end in zeros. */
const stringPrefix: LibFunction = {
  name: 'sort.string_prefix',
  params: ['i64'],
  results: ['i64'],
  build(f) {
    const [str] = f.params;
    const v = f.local('i64');
    const length = f.local('i32');
    const i = f.local('i32');
    f.get(str).i64(32n).op('i64.shr_u').op('i32.wrap_i64').tee(length).i32(8).op('i32.ge_u');
    f.if(() => {
      f.get(str).op('i32.wrap_i64').mem('i64.load').set(v);
      for (const [shift, mask] of [
        [8n, 0x00ff00ff00ff00ffn],
        [16n, 0x0000ffff0000ffffn],
      ] as const) {
        f.get(v).i64(mask).op('i64.and').i64(shift).op('i64.shl');
        f.get(v).i64(shift).op('i64.shr_u').i64(mask).op('i64.and').op('i64.or').set(v);
      }
      f.get(v).i64(32n).op('i64.rotl').return();
    });
    f.while(
      () => f.get(i).i32(8).op('i32.lt_u'),
      () => {
        f.get(v).i64(8n).op('i64.shl').set(v);
        f.get(i).get(length).op('i32.lt_u');
        f.if(() =>
          f.get(v).get(str).op('i32.wrap_i64').get(i).op('i32.add').mem('i64.load8_u').op('i64.or').set(v),
        );
        f.get(i).i32(1).op('i32.add').set(i);
      },
    );
    f.get(v);
  },
};
