/** The rows of a row group that fills, where they came: chunks in shared memory that are encoded from there.
 *
 *  Owns: the chunks, until they are encoded or copied elsewhere. Invariant: what `encode` returns equals what `encodeColumn`
 *  makes of the same rows staged; a column for which there are no compiled loops is staged. */
import type { ChunkColumn, Encoding, MemoryPool, OutChunk } from '../types/memory.js';
import { isStringType, type SqlType } from '../types/sql-type.js';
import { nanInteger } from '../types/stored-numeric.js';
import { dictionaryLimit } from './dictionary.js';
import { bytesZone, type EncodedColumn, encodeColumn, intZone, isUnsigned } from './encode-column.js';
import { DICTIONARY, type EncodeKernels, type IntWidth } from './encode-kernels.js';
import { integerFloor, widerEncoding } from './row-group.js';
import type { StagedColumn } from './staged-column.js';

/** What all writers of a store hold together. */
export type HeldBudget = { bytes: number };

type Piece = { readonly columns: readonly ChunkColumn[]; readonly from: number; readonly rows: number };

const NONE = new Uint8Array(0);
const WIDTH: Partial<Record<Encoding, IntWidth>> = { i8: 1, i16: 2, i32: 4, i64: 8 };

export function chunkBytes(chunk: OutChunk): number {
  let bytes = 0;
  for (const c of chunk.columns) bytes += c.dataBytes + (c.offsets === 0 ? 0 : chunk.rows * 4);
  return bytes;
}

export class HeldRows {
  private readonly memory: MemoryPool;
  private readonly kernels: EncodeKernels;
  private readonly budget: HeldBudget;
  private readonly whole: OutChunk[] = [];
  private readonly pieces: Piece[] = [];
  rows = 0;
  bytes = 0;

  constructor(memory: MemoryPool, kernels: EncodeKernels, budget: HeldBudget) {
    this.memory = memory;
    this.kernels = kernels;
    this.budget = budget;
  }

  get chunks(): number {
    return this.pieces.length;
  }

  /** Rows of a chunk, which is held until `clear` and released then, if these are its last ones. */
  add(chunk: OutChunk, from: number, rows: number, last: boolean): void {
    this.pieces.push({ columns: chunk.columns, from, rows });
    this.rows += rows;
    if (!last) return;
    this.whole.push(chunk);
    const bytes = chunkBytes(chunk);
    this.bytes += bytes;
    this.budget.bytes += bytes;
  }

  clear(): void {
    for (const c of this.whole.splice(0)) c.release();
    this.pieces.length = 0;
    this.rows = 0;
    this.budget.bytes -= this.bytes;
    this.bytes = 0;
  }

  stage(ordinal: number, staged: StagedColumn): void {
    for (const p of this.pieces) staged.append(p.columns[ordinal]!, this.memory, p.from, p.rows);
  }

  /** Buffers in shared memory are noted in `owned`, for the caller to free. `staged` is empty, before and after. */
  encode(
    ordinal: number,
    type: SqlType,
    floor: Encoding | undefined,
    staged: StagedColumn,
    owned: number[],
  ): EncodedColumn {
    const compiled = this.hasNulls(ordinal)
      ? undefined
      : isStringType(type)
        ? this.strings(ordinal, type, floor, owned)
        : this.integers(ordinal, type, floor, owned);
    if (compiled !== undefined) return compiled;
    this.stage(ordinal, staged);
    const encoded = encodeColumn(staged, type, floor);
    staged.clear();
    return encoded;
  }

  private hasNulls(ordinal: number): boolean {
    const { u8 } = this.memory;
    return this.pieces.some(({ columns, from, rows }) => {
      const { validity } = columns[ordinal]!;
      if (validity === 0) return false;
      const end = from + rows;
      // Neighbours in the first byte count as well: a NULL too many only makes it slower.
      for (let i = from >> 3; i < end >> 3; i++) if (u8[validity + i] !== 0xff) return true;
      const rest = (1 << (end & 7)) - 1;
      return rest !== 0 && (u8[validity + (end >> 3)]! & rest) !== rest;
    });
  }

  private integers(
    ordinal: number,
    type: SqlType,
    floor: Encoding | undefined,
    owned: number[],
  ): EncodedColumn | undefined {
    if (type.kind === 'interval' || isUnsigned(type)) return undefined;
    const parts: { readonly width: IntWidth; readonly at: number; readonly rows: number }[] = [];
    for (const { columns, from, rows } of this.pieces) {
      const { encoding, data } = columns[ordinal]!;
      const width = WIDTH[encoding];
      if (width === undefined) return undefined;
      parts.push({ width, at: data + from * width, rows });
    }
    const { kernels } = this;
    const { i32 } = this.memory;
    const bounds = this.take(16, owned);
    if (bounds === 0) return undefined;
    const at = bounds >>> 2;
    i32.set([-1, 0x7fffffff, 0, -0x80000000], at);
    for (const p of parts) kernels.range(p.width, p.at, p.rows, bounds);
    const word = (i: number): bigint => (BigInt(i32[i + 1]!) << 32n) | BigInt(i32[i]! >>> 0);
    const [min, max] = [word(at), word(at + 2)];
    // Bytes then.
    if (max === nanInteger(type)) return undefined;
    const needed: Encoding = fits(min, max, 8)
      ? 'i8'
      : fits(min, max, 16)
        ? 'i16'
        : fits(min, max, 32)
          ? 'i32'
          : 'i64';
    const encoding = widerEncoding(needed, integerFloor(floor) ?? needed);
    const width = WIDTH[encoding];
    if (width === undefined) return undefined;
    const data = this.take(this.rows * width, owned);
    if (data === 0) return undefined;
    let to = data;
    for (const p of parts) {
      kernels.convert(p.width, width, p.at, p.rows, to);
      to += p.rows * width;
    }
    return {
      encoding,
      nullCount: 0,
      validity: NONE,
      offsets: undefined,
      data: this.memory.u8.subarray(data, to),
      dictionary: undefined,
      zone: intZone(min, max),
    };
  }

  private strings(
    ordinal: number,
    type: SqlType,
    floor: Encoding | undefined,
    owned: number[],
  ): EncodedColumn | undefined {
    if (floor !== 'utf8') {
      const encoded = this.dictionary(ordinal, type, floor, owned);
      if (encoded !== 'too many') return encoded;
    }
    const { memory, kernels } = this;
    const bytesOf = (p: Piece): readonly [number, number] => {
      const offsets = (p.columns[ordinal]!.offsets >>> 2) + p.from;
      return [memory.i32[offsets]!, memory.i32[offsets + p.rows]!];
    };
    const total = this.pieces.reduce((n, p) => n + bytesOf(p)[1] - bytesOf(p)[0], 0);
    const data = this.take(total, owned);
    const offsets = this.take((this.rows + 1) * 4, owned);
    if (data === 0 || offsets === 0) return undefined;
    let bytes = 0;
    let rows = 0;
    for (const p of this.pieces) {
      const column = p.columns[ordinal]!;
      const [start, end] = bytesOf(p);
      kernels.copy(column.data + start, end - start, data + bytes);
      kernels.shift(column.offsets + p.from * 4, p.rows, bytes - start, offsets + rows * 4);
      bytes += end - start;
      rows += p.rows;
    }
    memory.i32[(offsets >>> 2) + rows] = bytes;
    const out = memory.u8.subarray(data, data + bytes);
    const ends = memory.i32.subarray(offsets >>> 2, (offsets >>> 2) + rows + 1);
    return {
      encoding: 'utf8',
      nullCount: 0,
      validity: NONE,
      offsets: memory.u8.subarray(offsets, offsets + (rows + 1) * 4),
      data: out,
      dictionary: undefined,
      zone: bytesZone(out, ends, rows, undefined, type.kind === 'bpchar'),
    };
  }

  private dictionary(
    ordinal: number,
    type: SqlType,
    floor: Encoding | undefined,
    owned: number[],
  ): EncodedColumn | undefined | 'too many' {
    const { memory, kernels } = this;
    const work = this.take(DICTIONARY.bytes, owned);
    const codes = this.take(this.rows * 2, owned);
    if (work === 0 || codes === 0) return undefined;
    kernels.dictionaryClear(work);
    const limit = dictionaryLimit(this.rows);
    let rows = 0;
    for (const p of this.pieces) {
      const { offsets, data } = p.columns[ordinal]!;
      if (!kernels.dictionaryAdd(work, offsets + p.from * 4, data, p.rows, codes + rows * 2, limit, rows))
        return 'too many';
      rows += p.rows;
    }
    const { u8, i32 } = memory;
    const count = i32[(work + DICTIONARY.count) >>> 2]!;
    const entry = (code: number): number => (work + DICTIONARY.strings + code * DICTIONARY.stringBytes) >>> 2;
    const offsets = new Int32Array(count + 1);
    for (let code = 0; code < count; code++) offsets[code + 1] = offsets[code]! + i32[entry(code) + 1]!;
    const data = new Uint8Array(offsets[count]!);
    for (let code = 0; code < count; code++) {
      const at = i32[entry(code)]! >>> 0;
      data.set(u8.subarray(at, at + i32[entry(code) + 1]!), offsets[code]!);
    }
    const needed: Encoding = count <= 256 ? 'dict8' : 'dict16';
    const encoding = widerEncoding(needed, floor ?? needed);
    if (encoding === 'dict8') kernels.convert(2, 1, codes, rows, codes);
    else if (encoding !== 'dict16') return undefined;
    return {
      encoding,
      nullCount: 0,
      validity: NONE,
      offsets: undefined,
      data: u8.subarray(codes, codes + rows * (encoding === 'dict8' ? 1 : 2)),
      dictionary: { count, offsets, data },
      zone: bytesZone(data, offsets, count, undefined, type.kind === 'bpchar'),
    };
  }

  /** 0 when there is no room: encoding is no reason to fail. */
  private take(bytes: number, owned: number[]): number {
    try {
      const address = this.memory.alloc(bytes);
      owned.push(address);
      return address;
    } catch {
      return 0;
    }
  }
}

function fits(min: bigint, max: bigint, bits: number): boolean {
  return min >= -(1n << BigInt(bits - 1)) && max < 1n << BigInt(bits - 1);
}
