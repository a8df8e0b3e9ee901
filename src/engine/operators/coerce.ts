/** Bringing values to the representation that a row, a chunk or a key wants, null or not. */
import type { Repr } from '../../types/sql-type.js';
import type { Emitter } from '../codegen/emitter.js';
import { isAlwaysNull, reprParts, type Val, zeroParts } from '../codegen/val.js';
import { coerceRepr } from '../codegen/value-ops.js';

/** `coerceRepr` that does not look at the bytes of a null. */
export function toRepr(e: Emitter, val: Val, repr: Repr): Val {
  if (val.repr === repr) return val;
  if (isAlwaysNull(val)) return { ...val, repr, parts: zeroParts(repr) };
  if (val.isNull === undefined || (val.repr !== 'str' && repr !== 'str')) return coerceRepr(e, val, repr);
  const parts = reprParts(repr).map((t) => e.local(t));
  e.pushNull(val).op('i32.eqz');
  e.f.if(() =>
    e.scoped(() => {
      const v = coerceRepr(e, val, repr);
      for (const [i, part] of parts.entries()) e.push(v.parts[i]).set(part);
    }),
  );
  return { ...val, repr, parts, stable: false };
}
