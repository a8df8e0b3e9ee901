/** Arrow schemas: fields and their types, to and from flatbuffers.
 *
 *  Owns: the part of Arrow's type system that row groups and motions use. Must not know: SQL types (`sql-field.ts`
 *  maps them). Invariant: what is written here is read back equal. Source: Arrow's format/Schema.fbs. */
import type { Builder } from 'flatbuffers';
import { ArrowFormatError, type FlatTable } from './flat-table.js';

export type ArrowType =
  | { readonly kind: 'int'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'utf8' }
  | { readonly kind: 'binary' }
  | { readonly kind: 'fixedBinary'; readonly bytes: number }
  | { readonly kind: 'date32' }
  /** Microseconds, 64 bits. */
  | { readonly kind: 'time64' }
  | { readonly kind: 'timestamp'; readonly zone: string | undefined };

export type ArrowField = {
  readonly name: string;
  readonly nullable: boolean;
  readonly type: ArrowType;
  /** Dictionary-encoded: batches hold unsigned codes of this width into the dictionary with this id. */
  readonly dictionary?: { readonly id: number; readonly bits: 8 | 16 | 32 };
  readonly metadata: Readonly<Record<string, string>>;
};

export const METADATA_V5 = 4;
const INT = 2;
const FLOAT = 3;
const BINARY = 4;
const UTF8 = 5;
const DECIMAL = 7;
const DATE = 8;
const TIME = 9;
const TIMESTAMP = 10;
const FIXED_BINARY = 15;
const UNIT_MICROSECOND = 2;

function writeInt(b: Builder, bits: number, signed: boolean): number {
  b.startObject(2);
  b.addFieldInt32(0, bits, 0);
  b.addFieldInt8(1, signed ? 1 : 0, 0);
  return b.endObject();
}

function writeType(b: Builder, type: ArrowType): { readonly id: number; readonly at: number } {
  switch (type.kind) {
    case 'int':
      return { id: INT, at: writeInt(b, type.bits, type.signed) };
    case 'float':
      b.startObject(1);
      b.addFieldInt16(0, type.bits === 32 ? 1 : 2, 0);
      return { id: FLOAT, at: b.endObject() };
    case 'decimal':
      b.startObject(3);
      b.addFieldInt32(0, type.precision, 0);
      b.addFieldInt32(1, type.scale, 0);
      b.addFieldInt32(2, 128, 128);
      return { id: DECIMAL, at: b.endObject() };
    case 'utf8':
      b.startObject(0);
      return { id: UTF8, at: b.endObject() };
    case 'binary':
      b.startObject(0);
      return { id: BINARY, at: b.endObject() };
    case 'fixedBinary':
      b.startObject(1);
      b.addFieldInt32(0, type.bytes, 0);
      return { id: FIXED_BINARY, at: b.endObject() };
    case 'date32':
      b.startObject(1);
      b.addFieldInt16(0, 0, 1);
      return { id: DATE, at: b.endObject() };
    case 'time64':
      b.startObject(2);
      b.addFieldInt16(0, UNIT_MICROSECOND, 1);
      b.addFieldInt32(1, 64, 32);
      return { id: TIME, at: b.endObject() };
    case 'timestamp': {
      const zone = type.zone === undefined ? 0 : b.createString(type.zone);
      b.startObject(2);
      b.addFieldInt16(0, UNIT_MICROSECOND, 0);
      b.addFieldOffset(1, zone, 0);
      return { id: TIMESTAMP, at: b.endObject() };
    }
  }
}

function writeOffsets(b: Builder, offsets: readonly number[]): number {
  b.startVector(4, offsets.length, 4);
  for (let i = offsets.length - 1; i >= 0; i--) b.addOffset(offsets[i]!);
  return b.endVector();
}

function writeField(b: Builder, field: ArrowField): number {
  const name = b.createString(field.name);
  const type = writeType(b, field.type);
  let dictionary = 0;
  if (field.dictionary !== undefined) {
    const index = writeInt(b, field.dictionary.bits, false);
    b.startObject(4);
    b.addFieldInt64(0, BigInt(field.dictionary.id), 0n);
    b.addFieldOffset(1, index, 0);
    dictionary = b.endObject();
  }
  const children = writeOffsets(b, []);
  const pairs = Object.entries(field.metadata).map(([key, value]) => {
    const k = b.createString(key);
    const v = b.createString(value);
    b.startObject(2);
    b.addFieldOffset(0, k, 0);
    b.addFieldOffset(1, v, 0);
    return b.endObject();
  });
  const metadata = pairs.length === 0 ? 0 : writeOffsets(b, pairs);
  b.startObject(7);
  b.addFieldOffset(0, name, 0);
  b.addFieldInt8(1, field.nullable ? 1 : 0, 0);
  b.addFieldInt8(2, type.id, 0);
  b.addFieldOffset(3, type.at, 0);
  b.addFieldOffset(4, dictionary, 0);
  b.addFieldOffset(5, children, 0);
  b.addFieldOffset(6, metadata, 0);
  return b.endObject();
}

export function writeSchema(b: Builder, fields: readonly ArrowField[]): number {
  const vector = writeOffsets(
    b,
    fields.map((f) => writeField(b, f)),
  );
  b.startObject(4);
  b.addFieldInt16(0, 0, 0);
  b.addFieldOffset(1, vector, 0);
  return b.endObject();
}

function readInt(t: FlatTable): { bits: 8 | 16 | 32 | 64; signed: boolean } {
  const bits = t.i32(0, 0);
  if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64)
    throw new ArrowFormatError(`an integer type of ${bits} bits`);
  return { bits, signed: t.u8(1, 0) !== 0 };
}

function readType(field: FlatTable): ArrowType {
  const id = field.u8(2, 0);
  const t = field.table(3);
  if (t === undefined) throw new ArrowFormatError('a field without a type');
  switch (id) {
    case INT:
      return { kind: 'int', ...readInt(t) };
    case FLOAT: {
      const precision = t.i16(0, 0);
      if (precision !== 1 && precision !== 2) break;
      return { kind: 'float', bits: precision === 1 ? 32 : 64 };
    }
    case DECIMAL:
      if (t.i32(2, 128) !== 128) break;
      return { kind: 'decimal', precision: t.i32(0, 0), scale: t.i32(1, 0) };
    case UTF8:
      return { kind: 'utf8' };
    case BINARY:
      return { kind: 'binary' };
    case FIXED_BINARY:
      return { kind: 'fixedBinary', bytes: t.i32(0, 0) };
    case DATE:
      if (t.i16(0, 1) !== 0) break;
      return { kind: 'date32' };
    case TIME:
      if (t.i16(0, 1) !== UNIT_MICROSECOND) break;
      return { kind: 'time64' };
    case TIMESTAMP:
      if (t.i16(0, 0) !== UNIT_MICROSECOND) break;
      return { kind: 'timestamp', zone: t.text(1) };
    default:
  }
  throw new ArrowFormatError(`field "${field.text(0) ?? ''}" has a type that is not supported`);
}

function readField(t: FlatTable): ArrowField {
  const metadata: Record<string, string> = {};
  for (const pair of t.tables(6)) metadata[pair.text(0) ?? ''] = pair.text(1) ?? '';
  const field = { name: t.text(0) ?? '', nullable: t.u8(1, 0) !== 0, type: readType(t), metadata };
  const encoding = t.table(4);
  if (encoding === undefined) return field;
  const index = encoding.table(1);
  const { bits } = index === undefined ? { bits: 32 as const } : readInt(index);
  if (bits === 64) throw new ArrowFormatError('dictionary codes of 64 bits');
  return { ...field, dictionary: { id: encoding.size(0), bits } };
}

export function readSchema(t: FlatTable): ArrowField[] {
  if (t.i16(0, 0) !== 0) throw new ArrowFormatError('big-endian data');
  return t.tables(1).map(readField);
}

/** Bytes of one value; undefined for types with offsets. */
export function fixedBytes(type: ArrowType): number | undefined {
  switch (type.kind) {
    case 'int':
    case 'float':
      return type.bits / 8;
    case 'decimal':
      return 16;
    case 'fixedBinary':
      return type.bytes;
    case 'date32':
      return 4;
    case 'time64':
    case 'timestamp':
      return 8;
    case 'utf8':
    case 'binary':
      return undefined;
  }
}
