/** A loaded column in a wider encoding, for tables whose row groups differ: the engine compiles for one layout.
 *
 *  Owns: integer widening, wider dictionary codes, dictionaries written out, integers written out as numerics. Must not know: files, pins.
 *  Invariant: the copy is one block of memory that refers to nothing outside of itself. */
import { aligned } from '../types/arrow/message.js';
import { ENCODING_BYTES, isDictionary } from '../types/arrow/sql-field.js';
import type { Encoding, MemoryPool } from '../types/memory.js';
import { VAR_NUMERIC_HEADER_BYTES } from '../types/var-numeric.js';
import type { ColumnBuffers } from './buffer-pool.js';

export type Converted = {
  readonly address: number;
  readonly bytes: number;
  readonly buffers: ColumnBuffers;
};

export function convertColumn(
  memory: MemoryPool,
  from: ColumnBuffers,
  to: Encoding,
  rows: number,
  scale?: number,
): Converted {
  if (to === 'utf8')
    return isDictionary(from.encoding) ? writeOut(memory, from, rows) : numerals(memory, from, rows, scale);
  if (isDictionary(to)) return widenCodes(memory, from, to, rows);
  const dataBytes = rows * ENCODING_BYTES[to];
  const bytes = aligned(dataBytes) + validityBytes(from, rows);
  const address = memory.alloc(Math.max(64, bytes));
  widen(memory, from, to, rows, address);
  const validity = copyValidity(memory, from, rows, address + aligned(dataBytes));
  return {
    address,
    bytes,
    buffers: { encoding: to, data: address, dataBytes, validity, offsets: 0, dictCount: 0 },
  };
}

function validityBytes(from: ColumnBuffers, rows: number): number {
  return from.validity === 0 ? 0 : aligned((rows + 7) >> 3);
}

function copyValidity(memory: MemoryPool, from: ColumnBuffers, rows: number, to: number): number {
  if (from.validity === 0) return 0;
  memory.u8.copyWithin(to, from.validity, from.validity + ((rows + 7) >> 3));
  return to;
}

type Ints = Int8Array | Int16Array | Int32Array | BigInt64Array;

function integers(memory: MemoryPool, encoding: Encoding, address: number, length: number): Ints {
  const buffer = memory.u8.buffer;
  switch (encoding) {
    case 'i8':
      return new Int8Array(buffer, address, length);
    case 'i16':
      return new Int16Array(buffer, address, length);
    case 'i32':
      return new Int32Array(buffer, address, length);
    default:
      return new BigInt64Array(buffer, address, length);
  }
}

function widen(memory: MemoryPool, from: ColumnBuffers, to: Encoding, rows: number, address: number): void {
  const source = integers(memory, from.encoding, from.data, rows);
  if (to === 'i16' || to === 'i32') {
    (integers(memory, to, address, rows) as Int32Array).set(source as Int32Array);
    return;
  }
  const outWords = ENCODING_BYTES[to] / 4;
  const out = new Int32Array(memory.u8.buffer, address, rows * outWords);
  const wide = source instanceof BigInt64Array;
  const words = wide ? new Int32Array(memory.u8.buffer, from.data, rows * 2) : (source as Int32Array);
  const inWords = wide ? 2 : 1;
  for (let i = 0; i < rows; i++) {
    for (let w = 0; w < inWords; w++) out[i * outWords + w] = words[i * inWords + w]!;
    const sign = words[i * inWords + inWords - 1]! >> 31;
    for (let w = inWords; w < outWords; w++) out[i * outWords + w] = sign;
  }
}

type Codes = Uint8Array | Uint16Array | Uint32Array;

function codesOf(memory: MemoryPool, encoding: Encoding, address: number, length: number): Codes {
  const buffer = memory.u8.buffer;
  if (encoding === 'dict8') return new Uint8Array(buffer, address, length);
  if (encoding === 'dict16') return new Uint16Array(buffer, address, length);
  return new Uint32Array(buffer, address, length);
}

/** The dictionary's strings lie one after the other: where, and how many bytes. */
function dictionaryStrings(
  memory: MemoryPool,
  from: ColumnBuffers,
): { readonly start: number; readonly bytes: number } {
  const refs = from.offsets >>> 2;
  let bytes = 0;
  for (let i = 0; i < from.dictCount; i++) bytes += memory.u32[refs + i * 2 + 1]!;
  return { start: from.dictCount === 0 ? 0 : memory.u32[refs]!, bytes };
}

function widenCodes(memory: MemoryPool, from: ColumnBuffers, to: Encoding, rows: number): Converted {
  const dataBytes = rows * ENCODING_BYTES[to];
  const strings = dictionaryStrings(memory, from);
  const refsAt = aligned(dataBytes);
  const stringsAt = refsAt + aligned(from.dictCount * 8);
  const validityAt = stringsAt + aligned(strings.bytes);
  const bytes = validityAt + validityBytes(from, rows);
  const address = memory.alloc(Math.max(64, bytes));
  codesOf(memory, to, address, rows).set(codesOf(memory, from.encoding, from.data, rows));
  const { u8, u32 } = memory;
  u8.copyWithin(address + stringsAt, strings.start, strings.start + strings.bytes);
  const source = from.offsets >>> 2;
  const target = (address + refsAt) >>> 2;
  const shift = address + stringsAt - strings.start;
  for (let i = 0; i < from.dictCount; i++) {
    u32[target + i * 2] = u32[source + i * 2]! + shift;
    u32[target + i * 2 + 1] = u32[source + i * 2 + 1]!;
  }
  const validity = copyValidity(memory, from, rows, address + validityAt);
  return {
    address,
    bytes,
    buffers: {
      encoding: to,
      data: address,
      dataBytes,
      validity,
      offsets: address + refsAt,
      dictCount: from.dictCount,
    },
  };
}

/** Codes of NULL rows are looked up too (they point to some string); their bytes are left out. */
function writeOut(memory: MemoryPool, from: ColumnBuffers, rows: number): Converted {
  const codes = codesOf(memory, from.encoding, from.data, rows);
  const refs = from.offsets >>> 2;
  const before = memory.u32;
  const v = from.validity;
  const isNull = (u8: Uint8Array, i: number): boolean =>
    v !== 0 && ((u8[v + (i >> 3)]! >> (i & 7)) & 1) === 0;
  let dataBytes = 0;
  for (let i = 0; i < rows; i++) if (!isNull(memory.u8, i)) dataBytes += before[refs + codes[i]! * 2 + 1]!;
  const offsetsAt = aligned(dataBytes);
  const validityAt = offsetsAt + aligned((rows + 1) * 4);
  const bytes = validityAt + validityBytes(from, rows);
  const address = memory.alloc(Math.max(64, bytes));
  // `alloc` may have grown the memory: fresh views.
  const { u8, u32, i32 } = memory;
  const own = codesOf(memory, from.encoding, from.data, rows);
  const offsets = (address + offsetsAt) >>> 2;
  let at = 0;
  for (let i = 0; i < rows; i++) {
    i32[offsets + i] = at;
    if (isNull(u8, i)) continue;
    const ref = refs + own[i]! * 2;
    const length = u32[ref + 1]!;
    u8.copyWithin(address + at, u32[ref]!, u32[ref]! + length);
    at += length;
  }
  i32[offsets + rows] = at;
  const validity = copyValidity(memory, from, rows, address + validityAt);
  return {
    address,
    bytes,
    buffers: {
      encoding: 'utf8',
      data: address,
      dataBytes,
      validity,
      offsets: address + offsetsAt,
      dictCount: 0,
    },
  };
}

/** Integers as numerics of that scale in bytes (`types/var-numeric.ts`), for a column that has NaN elsewhere. */
function numerals(
  memory: MemoryPool,
  from: ColumnBuffers,
  rows: number,
  scale: number | undefined,
): Converted {
  if (scale === undefined) throw new Error(`a column is both ${from.encoding} and utf8`);
  const width = ENCODING_BYTES[from.encoding];
  const longest = VAR_NUMERIC_HEADER_BYTES + width;
  const offsetsAt = aligned(rows * longest);
  const validityAt = offsetsAt + aligned((rows + 1) * 4);
  const bytes = validityAt + validityBytes(from, rows);
  const address = memory.alloc(Math.max(64, bytes));
  const { u8, i32 } = memory;
  const view = new DataView(u8.buffer, u8.byteOffset);
  const offsets = (address + offsetsAt) >>> 2;
  const v = from.validity;
  let at = 0;
  for (let i = 0; i < rows; i++) {
    i32[offsets + i] = at;
    if (v !== 0 && ((u8[v + (i >> 3)]! >> (i & 7)) & 1) === 0) continue;
    at += writeNumeral(view, from.data + i * width, width, scale, address + at);
  }
  i32[offsets + rows] = at;
  const validity = copyValidity(memory, from, rows, address + validityAt);
  return {
    address,
    bytes,
    buffers: {
      encoding: 'utf8',
      data: address,
      dataBytes: at,
      validity,
      offsets: address + offsetsAt,
      dictCount: 0,
    },
  };
}

/** The bytes written. */
function writeNumeral(view: DataView, source: number, width: number, scale: number, to: number): number {
  const negative = view.getInt8(source + width - 1) < 0;
  view.setUint8(to, negative ? 1 : 0);
  view.setUint16(to + 1, scale, true);
  const digits = to + VAR_NUMERIC_HEADER_BYTES;
  // Two's complement, byte by byte: the magnitude is the complement plus one.
  let carry = negative ? 1 : 0;
  let length = 0;
  for (let b = 0; b < width; b++) {
    let byte = view.getUint8(source + b);
    if (negative) {
      byte = (byte ^ 255) + carry;
      carry = byte >> 8;
      byte &= 255;
    }
    view.setUint8(digits + b, byte);
    if (byte !== 0) length = b + 1;
  }
  return VAR_NUMERIC_HEADER_BYTES + length;
}
