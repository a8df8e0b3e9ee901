/** Out-chunks built from JavaScript values and batches read back, for tests of storage and exchange.
 *
 *  Values are in their internal form: number or bigint for every fixed-width encoding (i128 as bigint), Uint8Array or
 *  string for `utf8`, null for NULL. */
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ChunkColumn,
  ENCODING_CODE,
  type Encoding,
  type MemoryPool,
  type OutChunk,
} from './memory.js';

export type FakeValue = number | bigint | string | Uint8Array | null;

const WIDTH: Partial<Record<Encoding, number>> = { i8: 1, i16: 2, i32: 4, i64: 8, i128: 16, f32: 4, f64: 8 };

function bytesOf(v: string | Uint8Array): Uint8Array {
  return typeof v === 'string' ? new TextEncoder().encode(v) : v;
}

export function buildChunk(
  pool: MemoryPool,
  encodings: readonly Encoding[],
  rows: readonly (readonly FakeValue[])[],
  partition = 0,
): OutChunk {
  const owned: number[] = [];
  const alloc = (bytes: number): number => {
    const address = pool.alloc(Math.max(8, bytes));
    owned.push(address);
    return address;
  };
  const n = rows.length;
  const columns = encodings.map((encoding, c): ChunkColumn => {
    const values = rows.map((r) => r[c] as FakeValue);
    let validity = 0;
    if (values.includes(null)) {
      validity = alloc((n + 7) >> 3);
      pool.u8.fill(0, validity, validity + ((n + 7) >> 3));
      for (const [i, v] of values.entries()) if (v !== null) pool.u8[validity + (i >> 3)]! |= 1 << (i & 7);
    }
    if (encoding === 'utf8') {
      const parts = values.map((v) => (v === null ? new Uint8Array(0) : bytesOf(v as string | Uint8Array)));
      const dataBytes = parts.reduce((sum, p) => sum + p.length, 0);
      const data = alloc(dataBytes);
      const offsets = alloc((n + 1) * 4);
      let at = 0;
      for (const [i, p] of parts.entries()) {
        pool.i32[(offsets >>> 2) + i] = at;
        pool.u8.set(p, data + at);
        at += p.length;
      }
      pool.i32[(offsets >>> 2) + n] = at;
      return { encoding, data, dataBytes, validity, offsets };
    }
    const width = WIDTH[encoding]!;
    const data = alloc(n * width);
    const view = new DataView(pool.u8.buffer);
    for (const [i, v] of values.entries()) {
      const at = data + i * width;
      if (encoding === 'f32') view.setFloat32(at, Number(v ?? 0), true);
      else if (encoding === 'f64') view.setFloat64(at, Number(v ?? 0), true);
      else {
        // Garbage under NULL: nothing may depend on it.
        const big = v === null ? 0x5a5a5an : BigInt(v as number | bigint);
        for (let b = 0; b < width; b++) pool.u8[at + b] = Number((big >> BigInt(8 * b)) & 255n);
      }
    }
    return { encoding, data, dataBytes: n * width, validity, offsets: 0 };
  });
  return {
    rows: n,
    partition,
    columns,
    release() {
      for (const address of owned.splice(0)) pool.free(address);
    },
  };
}

const NAME = Object.fromEntries(Object.entries(ENCODING_CODE).map(([k, v]) => [v, k as Encoding]));

/** Reads a batch by its descriptor, as compiled code would: numbers for i8..i32 and floats, bigint for i64 and i128,
 *  strings for utf8 and dictionaries (`raw`: Uint8Array). */
export function readBatch(pool: MemoryPool, address: number, raw = false): FakeValue[][] {
  const { u8, u32, i32 } = pool;
  const view = new DataView(u8.buffer);
  const rows = u32[address >>> 2]!;
  const columns = u32[(address >>> 2) + 1]!;
  const out: FakeValue[][] = Array.from({ length: rows }, () => []);
  for (let c = 0; c < columns; c++) {
    const at = (address + BATCH_HEADER_BYTES + c * BATCH_COLUMN_BYTES) >>> 2;
    const data = u32[at]!;
    const validity = u32[at + 1]!;
    const offsets = u32[at + 2]!;
    const encoding = NAME[u32[at + 3]!]!;
    const text = (start: number, length: number): FakeValue => {
      const bytes = u8.slice(start, start + length);
      return raw ? new Uint8Array(bytes) : new TextDecoder().decode(new Uint8Array(bytes));
    };
    for (let r = 0; r < rows; r++) {
      if (validity !== 0 && ((u8[validity + (r >> 3)]! >> (r & 7)) & 1) === 0) {
        out[r]!.push(null);
        continue;
      }
      out[r]!.push(
        (() => {
          switch (encoding) {
            case 'i8':
              return view.getInt8(data + r);
            case 'i16':
              return view.getInt16(data + r * 2, true);
            case 'i32':
              return view.getInt32(data + r * 4, true);
            case 'i64':
              return view.getBigInt64(data + r * 8, true);
            case 'i128':
              return (
                (view.getBigInt64(data + r * 16 + 8, true) << 64n) | view.getBigUint64(data + r * 16, true)
              );
            case 'f32':
              return view.getFloat32(data + r * 4, true);
            case 'f64':
              return view.getFloat64(data + r * 8, true);
            case 'utf8': {
              const start = i32[(offsets >>> 2) + r]!;
              return text(data + start, i32[(offsets >>> 2) + r + 1]! - start);
            }
            case 'dict8':
            case 'dict16':
            case 'dict32': {
              const code =
                encoding === 'dict8'
                  ? view.getUint8(data + r)
                  : encoding === 'dict16'
                    ? view.getUint16(data + r * 2, true)
                    : view.getUint32(data + r * 4, true);
              if (code >= u32[at + 4]!) throw new Error(`code ${code} past the dictionary`);
              return text(u32[(offsets >>> 2) + code * 2]!, u32[(offsets >>> 2) + code * 2 + 1]!);
            }
          }
        })(),
      );
    }
  }
  return out;
}
