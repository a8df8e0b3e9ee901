/** SQL values as TypeScript holds them: constants in plans, parameters, rows of the catalog, host functions.
 *
 *  null                  NULL of any type
 *  boolean               bool
 *  number                int2, int4, oid and reg*, float4, float8, date (days since 1970-01-01;
 *                        -2147483648 and 2147483647 are -infinity and infinity)
 *  bigint                int8, time, timestamp, timestamptz (microseconds; -2^63 and 2^63-1 are the infinities)
 *  string                text, varchar, bpchar (with its padding), name, "char", arrays (as text literal)
 *  Uint8Array            bytea
 *  Numeric               numeric
 *  Interval              interval */

/** `unscaled / 10^scale`, displayed with `scale` digits; the specials have no digits. */
export type Numeric =
  | { readonly unscaled: bigint; readonly scale: number }
  | { readonly special: 'NaN' | 'Infinity' | '-Infinity' };

export type Interval = { readonly months: number; readonly days: number; readonly micros: bigint };

export type Value = null | boolean | number | bigint | string | Uint8Array | Numeric | Interval;

export function isNumeric(v: Value): v is Numeric {
  return typeof v === 'object' && v !== null && ('unscaled' in v || 'special' in v);
}

export function isInterval(v: Value): v is Interval {
  return typeof v === 'object' && v !== null && 'months' in v;
}
