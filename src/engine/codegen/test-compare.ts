/** Makes results of generated code and of TypeScript functions comparable. */
import { SqlError } from '../../types/sql-error.js';
import { isInterval, isNumeric, type Value } from '../../types/value.js';

export type Outcome = { readonly value: Value } | { readonly error: string };

/** The value, or the SQLSTATE of the error. */
export function outcome(run: () => Value): Outcome {
  try {
    return { value: run() };
  } catch (e) {
    if (e instanceof SqlError) return { error: e.code };
    return { error: e instanceof Error ? `${e.name}: ${e.message}` : String(e) };
  }
}

export function normal(o: Outcome): string {
  return 'error' in o ? `error ${o.error}` : show(o.value);
}

export function show(v: Value): string {
  if (v === null) return 'null';
  if (typeof v === 'number') return Object.is(v, -0) ? '-0' : String(v);
  if (typeof v === 'string') return JSON.stringify(v);
  if (v instanceof Uint8Array) return Buffer.from(v).toString('hex');
  if (isNumeric(v)) return 'special' in v ? v.special : `${v.unscaled}e-${v.scale}`;
  if (isInterval(v)) return `${v.months}m${v.days}d${v.micros}u`;
  return String(v);
}
