/** Writes parameters and constants into a slice's query state before it runs. */

import { unscaled, writeInterval } from '../../types/columnar.js';
import { assert } from '../../types/sql-error.js';
import type { Repr, SqlType } from '../../types/sql-type.js';
import { isInterval, isNumeric, type Value } from '../../types/value.js';
import { encodeVarNumeric } from '../../types/var-numeric.js';
import type { SharedMemory } from './shared-memory.js';

const MASK64 = (1n << 64n) - 1n;

/** Stores `value` in representation `repr` at `address`, its null flag (i32) at `address - 8`. Bytes of strings are
 *  placed by `placeBytes`, which returns their address. */
export function writeParam(
  memory: SharedMemory,
  address: number,
  value: Value,
  type: SqlType,
  repr: Repr,
  placeBytes: (bytes: Uint8Array) => number,
): void {
  const view = new DataView(memory.u8.buffer);
  view.setInt32(address - 8, value === null ? 1 : 0, true);
  if (value === null) {
    view.setBigInt64(address, 0n, true);
    return;
  }
  switch (repr) {
    case 'i32':
      view.setInt32(address, typeof value === 'boolean' ? Number(value) : Number(value) | 0, true);
      return;
    case 'f32':
      view.setFloat32(address, Number(value), true);
      return;
    case 'f64':
      view.setFloat64(address, Number(value), true);
      return;
    case 'i64':
    case 'i128': {
      const n = unscaled(type, value);
      view.setBigInt64(address, BigInt.asIntN(64, n), true);
      if (repr === 'i128') view.setBigInt64(address + 8, BigInt.asIntN(64, n >> 64n), true);
      return;
    }
    case 'interval': {
      assert(isInterval(value), 'interval');
      writeInterval(view, address, value);
      return;
    }
    case 'str': {
      const bytes = isNumeric(value)
        ? encodeVarNumeric(value)
        : value instanceof Uint8Array
          ? value
          : new TextEncoder().encode(String(value));
      const at = placeBytes(bytes);
      view.setBigUint64(address, BigInt(at) | ((BigInt(bytes.length) << 32n) & MASK64), true);
      return;
    }
  }
}
