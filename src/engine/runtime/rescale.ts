/** Unscaled integer of a finite numeric at a larger or equal scale. */
import { assert } from '../../types/sql-error.js';
import type { Numeric } from '../../types/value.js';

export function rescaleExact(value: Numeric, scale: number): bigint {
  assert('unscaled' in value, 'finite numeric');
  if (value.scale === scale) return value.unscaled;
  if (value.scale < scale) return value.unscaled * 10n ** BigInt(scale - value.scale);
  const unit = 10n ** BigInt(value.scale - scale);
  assert(value.unscaled % unit === 0n, `numeric of scale ${value.scale} held at ${scale}`);
  return value.unscaled / unit;
}
