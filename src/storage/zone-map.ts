/** Zone maps against predicates: can any row of a row group satisfy `column op constant`?
 *
 *  Owns: the comparison of bounds with SQL values. Must not know: files, plans. Pure.
 *  Invariant: `false` only when no row can match; when in doubt (a value of an unexpected kind) the answer is true. */
import type { SqlType } from '../types/sql-type.js';
import { isNumeric, type Numeric, type Value } from '../types/value.js';
import { compareVarNumeric, encodeVarNumeric, NAN_KIND } from '../types/var-numeric.js';
import type { ColumnChunk, ZoneMap } from './row-group.js';

/** A conjunct of a scan's filter whose constant is known. A comparison with NULL matches nothing. */
export type ZoneTest = {
  /** Ordinal of the table's column. */
  readonly ordinal: number;
  readonly op: '=' | '<>' | '<' | '<=' | '>' | '>=' | 'isnull' | 'notnull';
  readonly value: Value | undefined;
};

export function zoneMayMatch(column: ColumnChunk, rows: number, type: SqlType, test: ZoneTest): boolean {
  if (test.op === 'isnull') return column.nullCount > 0;
  if (column.nullCount === rows) return false;
  if (test.op === 'notnull' || test.value === undefined) return true;
  if (test.value === null) return false;
  const bounds = column.zone === undefined ? undefined : compareBounds(column.zone, type, test.value);
  if (bounds === undefined) return true;
  const [min, max, exact] = bounds;
  switch (test.op) {
    case '=':
      return min <= 0 && max >= 0;
    case '<>':
      return !(exact && min === 0 && max === 0);
    case '<':
      return min < 0;
    case '<=':
      return min <= 0;
    case '>':
      return max > 0;
    case '>=':
      return max >= 0;
  }
}

/** Signs of (least value - v) and (greatest value - v), and whether both bounds are values of the column. */
function compareBounds(
  zone: ZoneMap,
  type: SqlType,
  value: Value,
): readonly [number, number, boolean] | undefined {
  switch (zone.kind) {
    case 'int': {
      const compare = integerComparison(type, value);
      return compare && [compare(BigInt(zone.min)), compare(BigInt(zone.max)), true];
    }
    case 'float':
      if (typeof value !== 'number') return undefined;
      return [compareFloat(zone.min, value), compareFloat(zone.max, value), true];
    case 'bytes': {
      const bytes = stringBytes(type, value);
      if (bytes === undefined) return undefined;
      const min = compareBytes(zone.min, bytes);
      // A shortened maximum bounds from above only values that differ within the prefix.
      const max = zone.maxCut
        ? compareBytes(zone.max, bytes.subarray(0, zone.max.length)) < 0
          ? -1
          : 1
        : compareBytes(zone.max, bytes);
      return [min, max, !zone.minCut && !zone.maxCut];
    }
    case 'varNumeric': {
      if (typeof value !== 'object' || value === null || !isNumeric(value)) return undefined;
      const bytes = encodeVarNumeric(value);
      return [compareVarNumeric(zone.min, bytes), compareVarNumeric(zone.max, bytes), true];
    }
  }
}

function integerComparison(type: SqlType, value: Value): ((bound: bigint) => number) | undefined {
  const scale = type.kind === 'numeric' ? (type.scale ?? 0) : 0;
  let v: Numeric;
  if (typeof value === 'boolean') v = { unscaled: value ? 1n : 0n, scale: 0 };
  else if (typeof value === 'bigint') v = { unscaled: value, scale: 0 };
  else if (typeof value === 'number' && Number.isInteger(value)) v = { unscaled: BigInt(value), scale: 0 };
  else if (typeof value === 'object' && value !== null && isNumeric(value)) v = value;
  else return undefined;
  if ('special' in v) {
    const sign = v.special === '-Infinity' ? 1 : -1;
    return () => sign;
  }
  const up = scale < v.scale ? 10n ** BigInt(v.scale - scale) : 1n;
  const right = scale > v.scale ? v.unscaled * 10n ** BigInt(scale - v.scale) : v.unscaled;
  return (bound) => {
    const left = bound * up;
    return left < right ? -1 : left > right ? 1 : 0;
  };
}

/** PostgreSQL's order of floats: NaN equals itself and is greater than all others. */
export function compareFloat(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  const nanA = Number.isNaN(a);
  const nanB = Number.isNaN(b);
  return nanA === nanB ? 0 : nanA ? 1 : -1;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return Math.sign(a.length - b.length);
}

const encoder = new TextEncoder();

function stringBytes(type: SqlType, value: Value): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') return undefined;
  return encoder.encode(type.kind === 'bpchar' ? value.replace(/ +$/, '') : value);
}

/** Is NaN among the values of a numeric column? It is greater than all others. */
export function zoneHasNan(zone: ZoneMap | undefined): boolean {
  return zone?.kind === 'varNumeric' && zone.max[0] === NAN_KIND;
}

/** The integers of a zone map; undefined for other kinds. */
export function zoneRange(zone: ZoneMap | undefined): { min: bigint; max: bigint } | undefined {
  return zone?.kind === 'int' ? { min: BigInt(zone.min), max: BigInt(zone.max) } : undefined;
}
