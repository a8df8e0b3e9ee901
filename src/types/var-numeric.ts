/** The byte form of a numeric whose scale or size is not known in advance (`str` representation).
 *
 *  Layout: byte 0 = kind (0 finite >= 0, 1 finite < 0, 2 NaN, 3 +Infinity, 4 -Infinity), bytes 1-2 = display scale
 *  (u16 LE), rest = magnitude of the unscaled integer, little-endian, no leading zero bytes (zero: none).
 *  Invariant: 1.0 and 1.00 differ in bytes but are equal; `normaliseVarNumeric` maps equal values to equal bytes. */
import { hashNumeric } from './hash.js';
import { compareNumeric, stripZeros } from './numeric.js';
import type { Numeric } from './value.js';

export const VAR_NUMERIC_HEADER_BYTES = 3;

/** The first byte of NaN. */
export const NAN_KIND = 2;
const SPECIAL_KIND = { NaN: NAN_KIND, Infinity: 3, '-Infinity': 4 } as const;

export function encodeVarNumeric(v: Numeric): Uint8Array {
  if ('special' in v) return Uint8Array.of(SPECIAL_KIND[v.special], 0, 0);
  const negative = v.unscaled < 0n;
  let magnitude = negative ? -v.unscaled : v.unscaled;
  let bytes: Uint8Array;
  if (magnitude < 0x1_0000_0000_0000n) {
    let small = Number(magnitude);
    let length = 0;
    for (let rest = small; rest > 0; rest = Math.floor(rest / 256)) length++;
    bytes = new Uint8Array(3 + length);
    for (let i = 0; i < length; i++) {
      bytes[3 + i] = small % 256;
      small = Math.floor(small / 256);
    }
  } else {
    const hex = magnitude.toString(16);
    const length = (hex.length + 1) >> 1;
    bytes = new Uint8Array(3 + length);
    if (length <= 16) {
      for (let i = 0; i < length; i++) {
        bytes[3 + i] = Number(magnitude & 255n);
        magnitude >>= 8n;
      }
    } else {
      for (let i = 0, at = hex.length; i < length; i++, at -= 2)
        bytes[3 + i] = Number.parseInt(hex.slice(Math.max(0, at - 2), at), 16);
    }
  }
  bytes[0] = negative ? 1 : 0;
  bytes[1] = v.scale & 255;
  bytes[2] = v.scale >> 8;
  return bytes;
}

function readMagnitude(bytes: Uint8Array, start: number, end: number): bigint {
  const length = end - start;
  if (length <= 6) {
    let n = 0;
    for (let i = end - 1; i >= start; i--) n = n * 256 + bytes[i]!;
    return BigInt(n);
  }
  let hex = '0x';
  for (let i = end - 1; i >= start; i--)
    hex += bytes[i]! < 16 ? `0${bytes[i]!.toString(16)}` : bytes[i]!.toString(16);
  return BigInt(hex);
}

/** Reads `bytes[start, end)`. */
export function decodeVarNumeric(bytes: Uint8Array, start = 0, end = bytes.length): Numeric {
  const kind = bytes[start]!;
  if (kind === NAN_KIND) return { special: 'NaN' };
  if (kind === 3) return { special: 'Infinity' };
  if (kind === 4) return { special: '-Infinity' };
  const magnitude = readMagnitude(bytes, start + 3, end);
  return {
    unscaled: kind === 1 ? -magnitude : magnitude,
    scale: bytes[start + 1]! | (bytes[start + 2]! << 8),
  };
}

/** Order of two byte forms: -Infinity < finite < Infinity < NaN. Negative, zero or positive. */
export function compareVarNumeric(a: Uint8Array, b: Uint8Array): number {
  const ka = a[0]!;
  const kb = b[0]!;
  if (ka <= 1 && kb <= 1) {
    if (ka !== kb) return ka === 1 ? -1 : 1;
    if (a[1] === b[1] && a[2] === b[2]) {
      const sign = ka === 1 ? -1 : 1;
      if (a.length !== b.length) return a.length < b.length ? -sign : sign;
      for (let i = a.length - 1; i >= 3; i--) if (a[i] !== b[i]) return a[i]! < b[i]! ? -sign : sign;
      return 0;
    }
  }
  return compareNumeric(decodeVarNumeric(a), decodeVarNumeric(b));
}

export function hashVarNumeric(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return hashNumeric(decodeVarNumeric(bytes, start, end));
}

/** The one byte form of all values equal to this one: the smallest display scale that holds it. */
export function normaliseVarNumeric(bytes: Uint8Array): Uint8Array {
  if (bytes[0]! > 1 || (bytes[1] === 0 && bytes[2] === 0)) return bytes;
  return encodeVarNumeric(stripZeros(decodeVarNumeric(bytes)));
}
