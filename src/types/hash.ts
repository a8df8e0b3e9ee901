/** The distribution hash: which segment a row lives on.
 *
 *  Owns: 32-bit hashes of SQL values, identical here and in generated WebAssembly; storage on disk depends on them,
 *  so they never change. Invariants: values that compare equal hash equal (1.0 and 1.00, -0 and 0, 'a' and 'a ' as
 *  char(n)); integer types of any width agree. Source: murmur3 by Austin Appleby (public domain), its 32-bit
 *  finaliser for fixed-width values. */

import type { SqlType } from './sql-type.js';
import { type Interval, isInterval, isNumeric, type Numeric, type Value } from './value.js';

/** The hash of a NULL key. */
export const NULL_HASH = 0x9e3779b9 | 0;

export function rotl32(x: number, r: number): number {
  return (x << r) | (x >>> (32 - r));
}

/** murmur3's finaliser: a bijection on 32 bits. */
export function fmix32(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Folds one key's hash into the state; the state starts at 0. */
export function combineHash(state: number, keyHash: number): number {
  return fmix32(rotl32(state, 5) ^ keyHash);
}

/** The segment of a row whose keys hashed to `state`. */
export function segmentOfHash(state: number, segments: number): number {
  return (state >>> 0) % segments;
}

/** Two's complement halves of a 64-bit integer; whatever fits 32 bits hashes as `fmix32(lo)`. */
export function hashInt64(lo: number, hi: number): number {
  return fmix32(lo ^ fmix32(hi ^ (lo >> 31)));
}

/** An integer that a double holds exactly (int2, int4, oid, date, ...). */
export function hashInt(v: number): number {
  const lo = v | 0;
  if (lo === v) return fmix32(lo);
  return hashInt64(lo, Math.floor(v / 4294967296) | 0);
}

export function hashBigInt(v: bigint): number {
  const lo = Number(BigInt.asIntN(32, v));
  const hi = Number(BigInt.asIntN(32, v >> 32n));
  return hashInt64(lo, hi);
}

const scratchF64 = new Float64Array(1);
const scratchI32 = new Int32Array(scratchF64.buffer);

/** float4 and float8 (a float4 is widened first). */
export function hashFloat(v: number): number {
  if (Number.isNaN(v)) return hashInt64(0, 0x7ff80000);
  scratchF64[0] = v === 0 ? 0 : v;
  return hashInt64(scratchI32[0]!, scratchI32[1]!);
}

/** murmur3_x86_32, seed 0, over `bytes[start, end)`. */
export function hashBytes(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let h = 0;
  const length = end - start;
  const tail = start + (length & ~3);
  for (let i = start; i < tail; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, 0xcc9e2d51);
    k = rotl32(k, 15);
    h ^= Math.imul(k, 0x1b873593);
    h = (Math.imul(rotl32(h, 13), 5) + 0xe6546b64) | 0;
  }
  let k = 0;
  const rest = length & 3;
  if (rest === 3) k ^= bytes[tail + 2]! << 16;
  if (rest >= 2) k ^= bytes[tail + 1]! << 8;
  if (rest >= 1) {
    k ^= bytes[tail]!;
    k = Math.imul(k, 0xcc9e2d51);
    k = rotl32(k, 15);
    h ^= Math.imul(k, 0x1b873593);
  }
  return fmix32(h ^ length);
}

const encoder = new TextEncoder();
let textBuffer = new Uint8Array(4096);

export function hashText(text: string): number {
  if (text.length * 3 > textBuffer.length) textBuffer = new Uint8Array(text.length * 4);
  const { written } = encoder.encodeInto(text, textBuffer);
  return hashBytes(textBuffer, 0, written);
}

const I128_MAX = (1n << 127n) - 1n;
const I128_MIN = -(1n << 127n);

/** `unscaled / 10^scale` after trailing decimal zeros are gone, so the display scale does not matter. */
export function hashDecimal(unscaled: bigint, scale: number): number {
  if (unscaled === 0n) return hashStripped(0n, 0);
  while (unscaled % 10n === 0n) {
    if (unscaled % 100000000n === 0n) {
      unscaled /= 100000000n;
      scale -= 8;
    } else {
      unscaled /= 10n;
      scale--;
    }
  }
  return hashStripped(unscaled, scale);
}

function hashStripped(unscaled: bigint, scale: number): number {
  if (unscaled > I128_MAX || unscaled < I128_MIN) return hashText(unscaled.toString()) ^ fmix32(scale);
  return hashBigInt(unscaled) ^ rotl32(hashBigInt(unscaled >> 64n), 7) ^ fmix32(scale);
}

export function hashNumeric(v: Numeric): number {
  return 'special' in v ? hashText(v.special) : hashDecimal(v.unscaled, v.scale);
}

const MICROS_PER_DAY = 86_400_000_000n;

export function hashInterval(v: Interval): number {
  const days = BigInt(v.months) * 30n + BigInt(v.days);
  return hashBigInt(BigInt.asIntN(64, days * MICROS_PER_DAY + v.micros));
}

/** The hash of one key. Throws when the value is not of `type`. */
export function hashValue(type: SqlType, value: Value): number {
  switch (typeof value) {
    case 'boolean':
      return hashInt(value ? 1 : 0);
    case 'number':
      return type.kind === 'float8' || type.kind === 'float4' ? hashFloat(value) : hashInt(value);
    case 'bigint':
      return hashBigInt(value);
    case 'string':
      return hashText(type.kind === 'bpchar' ? value.replace(/ +$/, '') : value);
    default:
      if (value === null) return NULL_HASH;
      if (value instanceof Uint8Array) return hashBytes(value);
      if (isNumeric(value)) return hashNumeric(value);
      if (isInterval(value)) return hashInterval(value);
      throw new Error(`no hash for a value of ${type.kind}`);
  }
}

/** The state after all keys of a row, in the order of the distribution's columns. */
export function hashRow(types: readonly SqlType[], values: readonly Value[]): number {
  let state = 0;
  for (let i = 0; i < types.length; i++) state = combineHash(state, hashValue(types[i]!, values[i]!));
  return state;
}
