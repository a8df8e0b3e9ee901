/** A runtime filter on its way between processes: two i64 (least and greatest value, crossed when there is none), then bits.
 *
 *  Owns: this layout and the union of filters. What a bit means is the plan's (`RuntimeFilter`). */
export const FILTER_BOUNDS_BYTES = 16;

/** A filter that lets pass what either does. Both are of the same plan node, hence of the same size. */
export function unionOfFilters(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length !== b.length || a.length < FILTER_BOUNDS_BYTES)
    throw new Error(`filters of ${a.length} and of ${b.length} bytes`);
  const out = a.slice();
  for (let i = FILTER_BOUNDS_BYTES; i < out.length; i++) out[i]! |= b[i]!;
  const [to, from] = [bounds(out), bounds(b)];
  if (from.getBigInt64(0, true) < to.getBigInt64(0, true)) to.setBigInt64(0, from.getBigInt64(0, true), true);
  if (from.getBigInt64(8, true) > to.getBigInt64(8, true)) to.setBigInt64(8, from.getBigInt64(8, true), true);
  return out;
}

function bounds(filter: Uint8Array): DataView {
  return new DataView(filter.buffer, filter.byteOffset, FILTER_BOUNDS_BYTES);
}
