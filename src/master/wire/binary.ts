/** PostgreSQL's binary format of values: parameters in, result columns out.
 *
 *  Owns: send and receive functions of the types drivers use in binary. Times count from 2000-01-01.
 *  08P01 / 22P03 for bytes that are no value, 0A000 for types without a binary form here. */
import { isUtf8 } from 'node:buffer';
import { SqlError } from '../../types/sql-error.js';
import { type SqlType, typeName } from '../../types/sql-type.js';
import { formatText } from '../../types/text-io.js';
import { isInterval, isNumeric, type Numeric, type Value } from '../../types/value.js';
import type { ByteWriter } from './byte-writer.js';

const EPOCH_DAYS = 10957;
const EPOCH_MICROS = 946_684_800_000_000n;
const I64_MIN = -(1n << 63n);
const I64_MAX = (1n << 63n) - 1n;

export function writeBinary(w: ByteWriter, type: SqlType, value: Value): void {
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
      w.i32(days === 2147483647 || days === -2147483648 ? days : days - EPOCH_DAYS);
      break;
    }
    case 'timestamp':
    case 'timestamptz': {
      const t = value as bigint;
      w.i64(t === I64_MAX || t === I64_MIN ? t : t - EPOCH_MICROS);
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
    case 'array':
      throw new SqlError('0A000', `binary format of type ${typeName(type)} is not supported yet`);
    default:
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
    w.i16(0);
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

function wrong(): SqlError {
  return new SqlError('22P03', 'incorrect binary data format in bind parameter');
}

export function readBinary(type: SqlType, b: Buffer): Value {
  const exactly = (n: number): void => {
    if (b.length !== n) throw wrong();
  };
  switch (type.kind) {
    case 'bool':
      exactly(1);
      return b[0] !== 0;
    case 'int2':
      exactly(2);
      return b.readInt16BE(0);
    case 'int4':
      exactly(4);
      return b.readInt32BE(0);
    case 'oid':
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      exactly(4);
      return b.readUInt32BE(0);
    case 'int8':
    case 'time':
      exactly(8);
      return b.readBigInt64BE(0);
    case 'float4':
      exactly(4);
      return b.readFloatBE(0);
    case 'float8':
      exactly(8);
      return b.readDoubleBE(0);
    case 'date': {
      exactly(4);
      const days = b.readInt32BE(0);
      return days === 2147483647 || days === -2147483648 ? days : days + EPOCH_DAYS;
    }
    case 'timestamp':
    case 'timestamptz': {
      exactly(8);
      const t = b.readBigInt64BE(0);
      return t === I64_MAX || t === I64_MIN ? t : t + EPOCH_MICROS;
    }
    case 'interval':
      exactly(16);
      return { micros: b.readBigInt64BE(0), days: b.readInt32BE(8), months: b.readInt32BE(12) };
    case 'numeric':
      return readNumeric(b);
    case 'bytea':
      return Uint8Array.from(b);
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'name':
    case 'char':
    case 'unknown':
      if (!isUtf8(b) || b.includes(0))
        throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8"');
      return b.toString('utf8');
    default:
      throw new SqlError('0A000', `binary parameters of type ${typeName(type)} are not supported yet`);
  }
}

function readNumeric(b: Buffer): Value {
  if (b.length < 8) throw wrong();
  const count = b.readUInt16BE(0);
  const weight = b.readInt16BE(2);
  const sign = b.readUInt16BE(4);
  const scale = b.readUInt16BE(6);
  if (b.length !== 8 + count * 2) throw wrong();
  if (sign === 0xc000) return { special: 'NaN' };
  if (sign === 0xd000) return { special: 'Infinity' };
  if (sign === 0xf000) return { special: '-Infinity' };
  let v = 0n;
  for (let i = 0; i < count; i++) {
    const digit = b.readUInt16BE(8 + i * 2);
    if (digit > 9999) throw wrong();
    v = v * 10000n + BigInt(digit);
  }
  // The digits stand for v * 10000^(weight - count + 1).
  const exponent = (weight - count + 1) * 4 + scale;
  v = exponent >= 0 ? v * 10n ** BigInt(exponent) : v / 10n ** BigInt(-exponent);
  return { unscaled: sign === 0x4000 ? -v : v, scale };
}
