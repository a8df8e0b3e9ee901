/** A row of a chunk as PostgreSQL shows it in the detail of a constraint's error.
 *
 *  Owns: reading one row back as SQL values. Only for messages: not fast. Source: `ExecBuildSlotValueDescription`. */
import type { ChunkColumn, MemoryPool, OutChunk } from '../types/memory.js';
import type { SqlType } from '../types/sql-type.js';
import { fromStored } from '../types/stored-numeric.js';
import { formatText } from '../types/text-io.js';
import type { Value } from '../types/value.js';
import { decodeVarNumeric } from '../types/var-numeric.js';

const VALUE_BYTES_MAX = 64;

/** `(1, null, some text)`: values are cut after 64 bytes. */
export function rowText(memory: MemoryPool, chunk: OutChunk, row: number, types: readonly SqlType[]): string {
  const texts = chunk.columns.map((column, i) => {
    const value = valueAt(memory, column, row, types[i]!);
    return value === null ? 'null' : cut(formatText(types[i]!, value));
  });
  return `(${texts.join(', ')})`;
}

function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= VALUE_BYTES_MAX) return text;
  let end = VALUE_BYTES_MAX;
  // Not in the middle of a character.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString()}...`;
}

function valueAt(memory: MemoryPool, column: ChunkColumn, row: number, type: SqlType): Value {
  const { u8 } = memory;
  const view = new DataView(u8.buffer);
  if (column.validity !== 0 && ((u8[column.validity + (row >> 3)]! >> (row & 7)) & 1) === 0) return null;
  switch (column.encoding) {
    case 'f32':
      return view.getFloat32(column.data + row * 4, true);
    case 'f64':
      return view.getFloat64(column.data + row * 8, true);
    case 'utf8': {
      const at = (column.offsets >>> 2) + row;
      const start = column.data + memory.i32[at]!;
      const end = column.data + memory.i32[at + 1]!;
      if (type.kind === 'numeric') return decodeVarNumeric(u8, start, end);
      const bytes = u8.slice(start, end);
      return type.kind === 'bytea' ? bytes : Buffer.from(bytes).toString();
    }
    case 'i8':
      return integer(BigInt(view.getInt8(column.data + row)), type);
    case 'i16':
      return integer(BigInt(view.getInt16(column.data + row * 2, true)), type);
    case 'i32':
      return integer(BigInt(view.getInt32(column.data + row * 4, true)), type);
    case 'i64':
      return integer(view.getBigInt64(column.data + row * 8, true), type);
    default: {
      const at = column.data + row * 16;
      const micros = view.getBigInt64(at, true);
      if (type.kind === 'interval')
        return { micros, days: view.getInt32(at + 8, true), months: view.getInt32(at + 12, true) };
      return integer((view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true), type);
    }
  }
}

function integer(v: bigint, type: SqlType): Value {
  switch (type.kind) {
    case 'bool':
      return v !== 0n;
    case 'numeric':
      return fromStored(type, { unscaled: v, scale: type.scale ?? 0 });
    case 'int8':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return v;
    case 'int2':
    case 'int4':
    case 'date':
      return Number(v);
    default:
      return Number(BigInt.asUintN(32, v));
  }
}
