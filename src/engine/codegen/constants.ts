/** Constants of the plan as operands; strings and other bytes go to the query state. */
import { reprOf, type SqlType } from '../../types/sql-type.js';
import { isInterval, isNumeric, type Value } from '../../types/value.js';
import { encodeVarNumeric } from '../../types/var-numeric.js';
import type { Emitter } from './emitter.js';
import { constNumeric } from './numeric-repr.js';
import { numericRepr } from './ranges.js';
import { i32Const, i64Const, type Operand, type Val, zeroParts } from './val.js';

export function nullVal(type: SqlType): Val {
  const repr = reprOf(type);
  return { type, repr, parts: zeroParts(repr), isNull: i32Const(1), stable: true };
}

export function boolVal(value: boolean): Val {
  return {
    type: { kind: 'bool' },
    repr: 'i32',
    parts: [i32Const(value ? 1 : 0)],
    isNull: undefined,
    stable: true,
  };
}

export function constVal(e: Emitter, value: Value, type: SqlType): Val {
  if (value === null) return nullVal(type);
  const repr = reprOf(type);
  const base = { type, repr, isNull: undefined, stable: true };
  if (isNumeric(value)) {
    if ('unscaled' in value) {
      // A value that its type gives a larger display scale.
      const scale = type.kind === 'numeric' ? Math.max(type.scale ?? 0, value.scale) : value.scale;
      const unscaled = value.unscaled * 10n ** BigInt(scale - value.scale);
      if (numericRepr({ min: unscaled, max: unscaled }) !== 'str') return constNumeric(unscaled, scale);
    }
    return {
      ...base,
      type: { kind: 'numeric' },
      repr: 'str',
      parts: [constString(e, encodeVarNumeric(value))],
    };
  }
  if (isInterval(value)) {
    const packed = (BigInt(value.months) << 32n) | BigInt.asUintN(32, BigInt(value.days));
    return { ...base, parts: [i64Const(value.micros), i64Const(packed)] };
  }
  switch (repr) {
    case 'i32': {
      const n = Number(value);
      return { ...base, range: { min: BigInt(n), max: BigInt(n) }, parts: [i32Const(n)] };
    }
    case 'i64': {
      const n = BigInt(value as bigint | number);
      return { ...base, range: { min: n, max: n }, parts: [i64Const(n)] };
    }
    case 'f32':
    case 'f64':
      return { ...base, parts: [{ const: Number(value), type: repr }] };
    case 'str':
      return { ...base, parts: [constString(e, bytesOf(value))] };
    default:
      throw new Error(`no constant of ${type.kind}`);
  }
}

/** The bytes of a string-like constant. */
export function bytesOf(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return new TextEncoder().encode(value);
  throw new Error(`a ${typeof value} is not a string`);
}

/** A reference to constant bytes: the query state's address is only known at run time. */
export function constString(e: Emitter, bytes: Uint8Array): Operand {
  if (bytes.length === 0) return i64Const(0n);
  const offset = e.ctx.dataBytes(bytes);
  const key = `str ${offset} ${bytes.length}`;
  return e.once(key, () => {
    e.f.get(e.qs).i32(offset).op('i32.add').op('i64.extend_i32_u');
    e.f.i64(BigInt(bytes.length) << 32n).op('i64.or');
    return { type: { kind: 'text' }, repr: 'str', parts: [e.save('i64')], isNull: undefined, stable: true };
  }).parts[0];
}
