/** Sets of constant strings as hash tables in the query state: open addressing, linear probing, at most half full.
 *  A slot holds the offset of the bytes behind the table's start, and their length + 1 (0: empty). */
import type { LibFunction, SliceContext } from './context.js';
import { memEqual, pushLength, strHash } from './lib/strings.js';

export function stringSet(
  ctx: SliceContext,
  members: readonly Uint8Array[],
): { readonly offset: number; readonly mask: number } {
  let slots = 16;
  while (slots < members.length * 2) slots *= 2;
  const mask = slots - 1;
  const total = members.reduce((n, m) => n + m.length, slots * 8);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let end = slots * 8;
  for (const m of members) {
    let slot = hashString(m) & mask;
    while (view.getUint32(slot * 8 + 4, true) !== 0) slot = (slot + 1) & mask;
    view.setUint32(slot * 8, end, true);
    view.setUint32(slot * 8 + 4, m.length + 1, true);
    bytes.set(m, end);
    end += m.length;
  }
  return { offset: ctx.dataBytes(bytes, 8), mask };
}

/** (table, mask, str) -> 1 when the string is a member. */
export const stringSetHas: LibFunction = {
  name: 'string_set_has',
  params: ['i32', 'i32', 'i64'],
  results: ['i32'],
  build(f, ctx) {
    const [table, mask, str] = f.params;
    const slot = f.local('i32');
    const at = f.local('i32');
    const length = f.local('i32');
    const stored = f.local('i32');
    pushLength(f, str).set(length);
    f.get(str).call(ctx.lib(strHash)).set(slot);
    f.loop((again) => {
      f.get(table).get(slot).get(mask).op('i32.and').i32(3).op('i32.shl').op('i32.add').tee(at);
      f.mem('i32.load', 4).tee(stored).op('i32.eqz');
      f.if(() => f.i32(0).return());
      f.get(stored).get(length).i32(1).op('i32.add').op('i32.eq');
      f.if(() => {
        f.get(table).get(at).mem('i32.load').op('i32.add').get(str).op('i32.wrap_i64').get(length);
        f.call(ctx.lib(memEqual));
        f.if(() => f.i32(1).return());
      });
      f.get(slot).i32(1).op('i32.add').set(slot).br(again);
    });
    f.op('unreachable');
  },
};

const MASK64 = (1n << 64n) - 1n;

/** `strHash` of lib/strings.ts in TypeScript. */
export function hashString(bytes: Uint8Array): number {
  const n = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, n);
  let h = BigInt(n);
  const step = (word: bigint): void => {
    h = ((h ^ word) * 0x9e3779b97f4a7c15n) & MASK64;
    h ^= h >> 32n;
  };
  let at = 0;
  for (; at + 8 <= n; at += 8) step(view.getBigUint64(at, true));
  if (n & 4) {
    step(BigInt(view.getUint32(at, true)));
    at += 4;
  }
  const rest = n & 3;
  if (rest > 0) step(BigInt(bytes[at] | (bytes[at + (rest >> 1)] << 8) | (bytes[at + rest - 1] << 16)));
  h = (h * 0xc2b2ae3d27d4eb4fn) & MASK64;
  return Number(BigInt.asIntN(32, h ^ (h >> 32n)));
}
