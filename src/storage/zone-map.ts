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
  return zoneTest(type, test)(column, rows);
}

/** The test of many row groups. */
export function zoneTest(type: SqlType, test: ZoneTest): (column: ColumnChunk, rows: number) => boolean {
  const { op, value } = test;
  if (op === 'isnull') return (column) => column.nullCount > 0;
  const notAllNull = (column: ColumnChunk, rows: number): boolean => column.nullCount < rows;
  if (op === 'notnull' || value === undefined) return notAllNull;
  if (value === null) return () => false;
  const compare = boundsComparison(type, value);
  return (column, rows) => {
    if (column.nullCount === rows) return false;
    const bounds = column.zone === undefined ? undefined : compare(column.zone);
    if (bounds === undefined) return true;
    const [min, max, exact] = bounds;
    switch (op) {
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
  };
}

/** Signs of (least value - v) and (greatest value - v), and whether both bounds are values of the column. */
function boundsComparison(
  type: SqlType,
  value: Value,
): (zone: ZoneMap) => readonly [number, number, boolean] | undefined {
  const integer = integerComparison(type, value);
  return (zone) =>
    zone.kind === 'int'
      ? integer && [integer(zone.min), integer(zone.max), true]
      : compareBounds(zone, type, value);
}

function compareBounds(
  zone: Exclude<ZoneMap, { kind: 'int' }>,
  type: SqlType,
  value: Value,
): readonly [number, number, boolean] | undefined {
  switch (zone.kind) {
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

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function integerComparison(type: SqlType, value: Value): ((bound: number | string) => number) | undefined {
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
  const small = up === 1n && right >= -MAX_SAFE && right <= MAX_SAFE ? Number(right) : undefined;
  return (bound) => {
    if (small !== undefined && typeof bound === 'number') return bound < small ? -1 : bound > small ? 1 : 0;
    const left = BigInt(bound) * up;
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
