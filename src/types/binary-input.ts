/** PostgreSQL's binary format of values, read: parameters of Bind, fields of a binary COPY.
 *
 *  Owns: the receive function of every type, modifiers applied. Times count from 2000-01-01. 08P01 and 22P03 for bytes
 *  that are no value; whoever calls says with which error bytes that are left over end. Source: PostgreSQL, the
 *  *recv functions. */
import { isUtf8 } from 'node:buffer';
import { formatArray } from './array-text.js';
import type { Charset } from './charset.js';
import { invalidSequence } from './copy-fields.js';
import {
  checkDate,
  checkTimestamp,
  DATE_INFINITY,
  DATE_MINUS_INFINITY,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
} from './datetime.js';
import { applyNumericType } from './numeric.js';
import { SqlError } from './sql-error.js';
import { type SqlType, typeOid } from './sql-type.js';
import { formatText, limitLength, padBlanks, type TextSettings, typeNameByOid } from './text-io.js';
import { fitTime, TIMESTAMP_ORIGIN_MICROS } from './time-modifier.js';
import type { Numeric, Value } from './value.js';

export const EPOCH_DAYS = 10957;
const MICROS_PER_DAY = 86_400_000_000n;
const DIMENSIONS_MAX = 6;
const DIGITS_AT_ONCE = 3;

export type BinaryContext = {
  /** Arrays hold their elements as text. */
  readonly settings: TextSettings;
  /** Of text; absent: UTF-8. */
  readonly charset?: Charset | undefined;
  /** Bytes were left over. */
  readonly leftOver: () => Error;
};

/** The value in `bytes`, all of them. */
export function readBinary(type: SqlType, bytes: Buffer, context: BinaryContext): Value {
  const r = new Fields(bytes);
  const value = receive(type, r, context);
  if (r.remaining > 0) throw context.leftOver();
  return value;
}

class Fields {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  /** Where `count` bytes begin that are there. */
  take(count: number): number {
    if (this.remaining < count) throw new SqlError('08P01', 'insufficient data left in message');
    const { at } = this;
    this.at += count;
    return at;
  }

  byte(): number {
    if (this.remaining < 1) throw new SqlError('08P01', 'no data left in message');
    return this.bytes[this.at++];
  }

  i16(): number {
    return this.bytes.readInt16BE(this.take(2));
  }

  u16(): number {
    return this.bytes.readUInt16BE(this.take(2));
  }

  i32(): number {
    return this.bytes.readInt32BE(this.take(4));
  }

  i64(): bigint {
    return this.bytes.readBigInt64BE(this.take(8));
  }

  rest(): Buffer {
    const rest = this.bytes.subarray(this.at);
    this.at = this.bytes.length;
    return rest;
  }
}

function receive(type: SqlType, r: Fields, context: BinaryContext): Value {
  switch (type.kind) {
    case 'bool':
      return r.byte() !== 0;
    case 'int2':
      return r.i16();
    case 'int4':
      return r.i32();
    case 'oid':
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      return r.i32() >>> 0;
    case 'int8':
      return r.i64();
    case 'float4':
      return r.bytes.readFloatBE(r.take(4));
    case 'float8':
      return r.bytes.readDoubleBE(r.take(8));
    case 'date': {
      const days = r.i32();
      return days === DATE_INFINITY || days === DATE_MINUS_INFINITY ? days : checkDate(days + EPOCH_DAYS);
    }
    case 'time': {
      const micros = r.i64();
      if (micros < 0n || micros > MICROS_PER_DAY) throw new SqlError('22008', 'time out of range');
      return fitTime(micros, type);
    }
    case 'timestamp':
    case 'timestamptz': {
      const t = r.i64();
      if (t === TIMESTAMP_INFINITY || t === TIMESTAMP_MINUS_INFINITY) return t;
      return fitTime(checkTimestamp(t + TIMESTAMP_ORIGIN_MICROS), type);
    }
    case 'interval': {
      const micros = r.i64();
      const days = r.i32();
      return fitTime({ micros, days, months: r.i32() }, type);
    }
    case 'numeric': {
      const v = numeric(r);
      if (type.precision === undefined && type.scale === undefined) return v;
      return applyNumericType(v, type.precision, type.scale);
    }
    case 'bytea':
      return Uint8Array.from(r.rest());
    case 'text':
    case 'unknown':
      return text(r, context);
    case 'varchar': {
      const s = text(r, context);
      return type.length === undefined ? s : limitLength(s, type.length, 'character varying');
    }
    case 'bpchar': {
      const s = text(r, context);
      if (type.length === undefined) return s;
      return padBlanks(limitLength(s, type.length, 'character'), type.length);
    }
    case 'name': {
      const s = text(r, context);
      if (Buffer.byteLength(s) < 64) return s;
      throw new SqlError('42622', 'identifier too long', {
        detail: 'Identifier must be less than 64 characters.',
      });
    }
    case 'char': {
      const c = r.byte();
      if (c >= 0x80) throw badText(Buffer.of(c));
      return c === 0 ? '' : String.fromCharCode(c);
    }
    case 'array':
      return array(type.element, r, context);
    case 'void':
      return '';
  }
}

function badText(bytes: Uint8Array): SqlError {
  return new SqlError('22021', `invalid byte sequence for encoding "UTF8": ${invalidSequence(bytes)}`);
}

function text(r: Fields, { charset }: BinaryContext): string {
  return clientText(r.rest(), charset);
}

/** Text as a client sent it. 22021 and 22P05 for bytes that are none in its encoding. */
export function clientText(bytes: Buffer, charset: Charset | undefined): string {
  if (bytes.includes(0)) {
    const encoding = charset?.name ?? 'UTF8';
    const before = bytes.subarray(0, bytes.indexOf(0));
    if (charset === undefined && !isUtf8(before)) throw badText(bytes);
    throw new SqlError('22021', `invalid byte sequence for encoding "${encoding}": 0x00`);
  }
  if (charset !== undefined) return charset.decode(bytes);
  if (!isUtf8(bytes)) throw badText(bytes);
  return bytes.toString('utf8');
}

function numeric(r: Fields): Numeric {
  const wrong = (what: string): SqlError =>
    new SqlError('22P03', `invalid ${what} in external "numeric" value`);
  const count = r.u16();
  const weight = r.i16();
  const sign = r.u16();
  const scale = r.u16();
  if (![0, 0x4000, 0xc000, 0xd000, 0xf000].includes(sign)) throw wrong('sign');
  if ((scale & 0x3fff) !== scale) throw wrong('scale');
  let v = 0n;
  // Three digits of four make a number below 2^53.
  for (let i = 0; i < count; ) {
    let part = 0;
    let factor = 1;
    for (let k = 0; k < DIGITS_AT_ONCE && i < count; k++, i++) {
      const digit = r.u16();
      if (digit > 9999) throw wrong('digit');
      part = part * 10000 + digit;
      factor *= 10000;
    }
    v = v * BigInt(factor) + BigInt(part);
  }
  if (sign === 0xc000) return { special: 'NaN' };
  if (sign === 0xd000) return { special: 'Infinity' };
  if (sign === 0xf000) return { special: '-Infinity' };
  // The digits stand for v * 10000^(weight - count + 1); more of them than the scale shows are cut off.
  const exponent = (weight - count + 1) * 4 + scale;
  if (v === 0n) return { unscaled: 0n, scale };
  v = exponent >= 0 ? v * 10n ** BigInt(exponent) : v / 10n ** BigInt(-exponent);
  return { unscaled: sign === 0x4000 ? -v : v, scale };
}

/** Arrays travel as their text: `{1,NULL}`, with `[0:1]=` before it when they do not begin with 1. */
function array(element: SqlType, r: Fields, context: BinaryContext): string {
  const count = r.i32();
  if (count < 0) throw new SqlError('22P03', `invalid number of dimensions: ${count}`);
  if (count > DIMENSIONS_MAX)
    throw new SqlError(
      '54000',
      `number of array dimensions (${count}) exceeds the maximum allowed (${DIMENSIONS_MAX})`,
    );
  const flags = r.i32();
  if (flags !== 0 && flags !== 1) throw new SqlError('22P03', 'invalid array flags');
  const oid = r.i32() >>> 0;
  const expected = typeOid(element);
  if (oid !== expected)
    throw new SqlError(
      '42804',
      `binary data has array element type ${oid} (${typeNameByOid(oid) ?? '???'}) instead of expected ${expected} (${typeNameByOid(expected) ?? '???'})`,
    );
  const lengths: number[] = [];
  const bounds: number[] = [];
  let total = 1;
  for (let d = 0; d < count; d++) {
    const length = r.i32();
    const bound = r.i32();
    if (length < 0) throw arrayTooLarge();
    if (length > 0 && bound + length > 2147483647)
      throw new SqlError('54000', `array lower bound is too large: ${bound}`);
    lengths.push(length);
    bounds.push(bound);
    total *= length;
    if (total > ARRAY_ELEMENTS_MAX) throw arrayTooLarge();
  }
  if (count === 0 || total === 0) return '{}';
  let index = 0;
  const level = (d: number): string => {
    const items: string[] = [];
    for (let i = 0; i < lengths[d]; i++)
      items.push(d + 1 < count ? level(d + 1) : item(element, r, context, ++index));
    return `{${items.join(',')}}`;
  };
  const items = level(0);
  if (bounds.every((b) => b === 1)) return items;
  return `${lengths.map((n, d) => `[${bounds[d]}:${bounds[d] + n - 1}]`).join('')}=${items}`;
}

const ARRAY_ELEMENTS_MAX = 134_217_727;

function arrayTooLarge(): SqlError {
  return new SqlError('54000', `array size exceeds the maximum allowed (${ARRAY_ELEMENTS_MAX})`);
}

function item(type: SqlType, r: Fields, context: BinaryContext, number: number): string {
  const length = r.i32();
  if (length === -1) return 'NULL';
  if (length < 0 || length > r.remaining) throw new SqlError('22P03', 'insufficient data left in message');
  const at = r.take(length);
  const value = readBinary(type, r.bytes.subarray(at, at + length), {
    ...context,
    leftOver: () => new SqlError('22P03', `improper binary format in array element ${number}`),
  });
  return formatArray([formatText(type, value, context.settings)]).slice(1, -1);
}
