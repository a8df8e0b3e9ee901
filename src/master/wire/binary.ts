/** PostgreSQL's binary format of values, written: result columns, rows of a binary COPY. `types/binary-input.ts` reads it.
 *
 *  Owns: the send function of every type. Times count from 2000-01-01. Source: PostgreSQL, the *send functions. */
import { type ArrayItem, arrayBounds, parseArray } from '../../types/array-text.js';
import { EPOCH_DAYS } from '../../types/binary-input.js';
import { isInfiniteDate, isInfiniteTimestamp } from '../../types/datetime.js';
import { type SqlType, typeOid } from '../../types/sql-type.js';
import { formatText, parseText, type TextSettings } from '../../types/text-io.js';
import { TIMESTAMP_ORIGIN_MICROS } from '../../types/time-modifier.js';
import { isInterval, isNumeric, type Numeric, type Value } from '../../types/value.js';
import type { ByteWriter } from './byte-writer.js';

/** `settings`: those that the elements of an array are text in. */
export function writeBinary(w: ByteWriter, type: SqlType, value: Value, settings: TextSettings): void {
  switch (type.kind) {
    case 'bool':
      w.u8(value === true ? 1 : 0);
      break;
    case 'int2':
      w.i16(Number(value));
      break;
    case 'int4':
    case 'oid':
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      w.i32(Number(value));
      break;
    case 'int8':
    case 'time':
      w.i64(value as bigint);
      break;
    case 'float4':
      w.f32(value as number);
      break;
    case 'float8':
      w.f64(value as number);
      break;
    case 'date': {
      const days = value as number;
      w.i32(isInfiniteDate(days) ? days : days - EPOCH_DAYS);
      break;
    }
    case 'timestamp':
    case 'timestamptz': {
      const t = value as bigint;
      w.i64(isInfiniteTimestamp(t) ? t : t - TIMESTAMP_ORIGIN_MICROS);
      break;
    }
    case 'numeric':
      writeNumeric(w, value as Numeric);
      break;
    case 'interval':
      if (!isInterval(value)) throw new Error('not an interval');
      w.i64(value.micros);
      w.i32(value.days);
      w.i32(value.months);
      break;
    case 'bytea': {
      const bytes = value as Uint8Array;
      w.copy(bytes, 0, bytes.length);
      break;
    }
    case 'char':
      if (value === '') w.u8(0);
      else w.text(value as string);
      break;
    case 'array':
      writeArray(w, type.element, value as string, settings);
      break;
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'name':
    case 'unknown':
    case 'void':
      w.text(formatText(type, value));
      break;
  }
}

/** Digits in base 10000: ndigits, weight, sign, display scale, digits. */
function writeNumeric(w: ByteWriter, v: Numeric): void {
  if (!isNumeric(v)) throw new Error('not a numeric');
  if ('special' in v) {
    w.i16(0);
    w.i16(0);
    const sign = v.special === 'NaN' ? 0xc000 : v.special === 'Infinity' ? 0xd000 : 0xf000;
    w.i16((sign << 16) >> 16);
    // Of an infinity, what its flags say when they are taken for a scale.
    w.i16(v.special === 'NaN' ? 0 : 32);
    return;
  }
  const negative = v.unscaled < 0n;
  // Align the point to a base-10000 digit.
  const pad = (4 - (v.scale % 4)) % 4;
  let rest = (negative ? -v.unscaled : v.unscaled) * 10n ** BigInt(pad);
  const digits: number[] = [];
  while (rest > 0n) {
    digits.push(Number(rest % 10000n));
    rest /= 10000n;
  }
  let weight = digits.length - 1 - (v.scale + pad) / 4;
  digits.reverse();
  while (digits.length > 0 && digits[digits.length - 1] === 0) digits.pop();
  if (digits.length === 0) weight = 0;
  w.i16(digits.length);
  w.i16(weight);
  w.i16(negative ? 0x4000 : 0);
  w.i16(v.scale);
  for (const d of digits) w.i16(d);
}

/** Dimensions, whether there are NULLs, the element type's oid, length and lower bound of each dimension, elements. */
function writeArray(w: ByteWriter, element: SqlType, text: string, settings: TextSettings): void {
  const lengths: number[] = [];
  let level: ArrayItem = parseArray(text);
  while (Array.isArray(level) && level.length > 0) {
    lengths.push(level.length);
    level = level[0];
  }
  const bounds = arrayBounds(text);
  w.i32(lengths.length);
  const flags = w.length;
  w.i32(0);
  w.i32(typeOid(element));
  lengths.forEach((length, d) => {
    w.i32(length);
    w.i32(bounds[d] ?? 1);
  });
  const items = (list: readonly ArrayItem[]): void => {
    for (const item of list) {
      if (item === null) {
        w.patchI32(flags, 1);
        w.i32(-1);
      } else if (typeof item === 'string') {
        const at = w.length;
        w.i32(0);
        writeBinary(w, element, parseText(element, item, settings), settings);
        w.patchI32(at, w.length - at - 4);
      } else items(item);
    }
  };
  items(parseArray(text));
}
