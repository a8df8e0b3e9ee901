/** SQL columns as Arrow fields: which Arrow type shows a column of an SQL type in a given encoding.
 *
 *  Owns: the mapping and the metadata key `mpp.type` (the SqlType as JSON), which makes it reversible. A column in
 *  its natural width has Arrow's logical type (Date32, Timestamp, Decimal128, ...); a narrowed one is a plain
 *  integer whose meaning the metadata gives (for numeric: the unscaled value). */
import type { Encoding } from '../memory.js';
import { type Range, type Repr, reprOf, type SqlType } from '../sql-type.js';
import { ArrowFormatError } from './flat-table.js';
import type { ArrowField, ArrowType } from './schema.js';

export const TYPE_KEY = 'mpp.type';

/** Bytes of one value; 0 for `utf8`. */
export const ENCODING_BYTES: Readonly<Record<Encoding, number>> = {
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  f32: 4,
  f64: 8,
  i128: 16,
  utf8: 0,
  dict8: 1,
  dict16: 2,
  dict32: 4,
};

export function isDictionary(e: Encoding): e is 'dict8' | 'dict16' | 'dict32' {
  return e === 'dict8' || e === 'dict16' || e === 'dict32';
}

/** The encoding in which rows of this type leave a sink and cross a motion: never narrowed, never a dictionary. */
export function chunkEncoding(type: SqlType, range?: Range): Encoding {
  if (type.kind === 'bool') return 'i8';
  return reprEncoding(reprOf(type, range));
}

export function reprEncoding(repr: Repr): Encoding {
  if (repr === 'str') return 'utf8';
  return repr === 'interval' ? 'i128' : repr;
}

function stringType(type: SqlType): ArrowType {
  // bytea and numerics of unknown scale are bytes that are no UTF-8.
  return type.kind === 'bytea' || type.kind === 'numeric' ? { kind: 'binary' } : { kind: 'utf8' };
}

function arrowType(type: SqlType, encoding: Encoding): ArrowType {
  switch (encoding) {
    case 'i8':
      return { kind: 'int', bits: 8, signed: true };
    case 'i16':
      return { kind: 'int', bits: 16, signed: true };
    case 'i32':
      return type.kind === 'date' ? { kind: 'date32' } : { kind: 'int', bits: 32, signed: true };
    case 'i64':
      if (type.kind === 'time') return { kind: 'time64' };
      if (type.kind === 'timestamp') return { kind: 'timestamp', zone: undefined };
      if (type.kind === 'timestamptz') return { kind: 'timestamp', zone: 'UTC' };
      return { kind: 'int', bits: 64, signed: true };
    case 'i128':
      if (type.kind === 'numeric')
        return { kind: 'decimal', precision: Math.min(38, type.precision ?? 38), scale: type.scale ?? 0 };
      return { kind: 'fixedBinary', bytes: 16 };
    case 'f32':
      return { kind: 'float', bits: 32 };
    case 'f64':
      return { kind: 'float', bits: 64 };
    case 'utf8':
    case 'dict8':
    case 'dict16':
    case 'dict32':
      return stringType(type);
  }
}

export function fieldOf(
  name: string,
  type: SqlType,
  encoding: Encoding,
  nullable: boolean,
  id: number,
): ArrowField {
  const field = {
    name,
    nullable,
    type: arrowType(type, encoding),
    metadata: { [TYPE_KEY]: JSON.stringify(type) },
  };
  if (!isDictionary(encoding)) return field;
  const bits = encoding === 'dict8' ? 8 : encoding === 'dict16' ? 16 : 32;
  return { ...field, dictionary: { id, bits } };
}

/** The inverse of `fieldOf`. */
export function columnOf(field: ArrowField): { readonly type: SqlType; readonly encoding: Encoding } {
  const text = field.metadata[TYPE_KEY];
  if (text === undefined) throw new ArrowFormatError(`field "${field.name}" has no ${TYPE_KEY}`);
  const type = JSON.parse(text) as SqlType;
  if (field.dictionary !== undefined) return { type, encoding: `dict${field.dictionary.bits}` };
  const t = field.type;
  switch (t.kind) {
    case 'int':
      return { type, encoding: `i${t.bits}` };
    case 'float':
      return { type, encoding: `f${t.bits}` };
    case 'date32':
      return { type, encoding: 'i32' };
    case 'time64':
    case 'timestamp':
      return { type, encoding: 'i64' };
    case 'decimal':
    case 'fixedBinary':
      return { type, encoding: 'i128' };
    case 'utf8':
    case 'binary':
      return { type, encoding: 'utf8' };
  }
}
