/** The order of values: what ORDER BY, comparisons, min/max, merge joins and ordered merges agree on.
 *
 *  Owns: a total order within each type; NULLs are the caller's. NaN equals itself and is greatest, -0 equals 0,
 *  text compares by code point (memcmp of UTF-8, the "C" collation), char(n) without trailing spaces. */
import { type ArrayItem, parseArray } from './array-text.js';
import { compareIntervals } from './interval.js';
import { compareNumeric } from './numeric.js';
import type { SqlType } from './sql-type.js';
import { parseText } from './text-io.js';
import type { Interval, Numeric, Value } from './value.js';

/** Code point order of UTF-16 strings: only surrogates stand out of place among the code units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

/** The part of a char(n) value that counts. */
export function trimBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 32) end--;
  return end === text.length ? text : text.slice(0, end);
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return a.length - b.length;
}

export function compareFloats(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  return -1;
}

function compareArrays(element: SqlType, a: readonly ArrayItem[], b: readonly ArrayItem[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    let c: number;
    if (x === null || y === null) c = x === y ? 0 : x === null ? 1 : -1;
    else if (typeof x !== 'string' && typeof y !== 'string') c = compareArrays(element, x, y);
    else if (typeof x === 'string' && typeof y === 'string')
      c = compareValues(element, parseText(element, x), parseText(element, y));
    else c = typeof x === 'string' ? -1 : 1;
    if (c !== 0) return c;
  }
  return a.length - b.length;
}

/** Negative, zero or positive. Neither value is NULL; both are of `type`. */
export function compareValues(type: SqlType, a: Value, b: Value): number {
  switch (type.kind) {
    case 'bool':
      return Number(a) - Number(b);
    case 'int2':
    case 'int4':
    case 'date':
    case 'oid':
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      return (a as number) - (b as number);
    case 'float4':
    case 'float8':
      return compareFloats(a as number, b as number);
    case 'int8':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return (a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0;
    case 'numeric':
      return compareNumeric(a as Numeric, b as Numeric);
    case 'bpchar':
      return compareText(trimBlanks(a as string), trimBlanks(b as string));
    case 'text':
    case 'varchar':
    case 'name':
    case 'char':
    case 'unknown':
      return compareText(a as string, b as string);
    case 'bytea':
      return compareBytes(a as Uint8Array, b as Uint8Array);
    case 'interval':
      return compareIntervals(a as Interval, b as Interval);
    case 'array':
      return compareArrays(type.element, parseArray(a as string), parseArray(b as string));
    case 'void':
      return 0;
  }
}

/** Neither value is NULL. */
export function equalValues(type: SqlType, a: Value, b: Value): boolean {
  return a === b || compareValues(type, a, b) === 0;
}
