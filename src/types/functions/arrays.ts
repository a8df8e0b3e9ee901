/** Array functions: what catalog queries and `= ANY(array)` need.
 *
 *  Arrays are their text literals; elements are read with the element type's input function. Source: PostgreSQL,
 *  chapters 9.19 and 9.24. */
import { type ArrayItem, arrayBounds, formatArray, parseArray } from '../array-text.js';
import { compareValues, equalValues } from '../compare.js';
import { SqlError } from '../sql-error.js';
import { BOOL, INT4, type SqlType, TEXT } from '../sql-type.js';
import { formatText, parseText } from '../text-io.js';
import type { Value } from '../value.js';
import { define, num, str } from './define.js';
import type { FunctionContext, FunctionDef } from './registry-types.js';

const TEXT_ARRAY: SqlType = { kind: 'array', element: TEXT };

/** Scalars of an array of any depth, in storage order. */
function flat(items: readonly ArrayItem[]): (string | null)[] {
  return items.flatMap((item) => (item === null || typeof item === 'string' ? [item] : flat(item)));
}

function elementType(t: SqlType): SqlType {
  return t.kind === 'array' ? t.element : TEXT;
}

/** Lengths of the dimensions; an empty array has none. */
function dimensions(items: readonly ArrayItem[]): number[] {
  if (items.length === 0) return [];
  const first = items[0]!;
  return [items.length, ...(first !== null && typeof first !== 'string' ? dimensions(first) : [])];
}

function arrayToString(a: readonly Value[], nullText: string | null): Value {
  return flat(parseArray(str(a[0])))
    .flatMap((item) => (item === null ? (nullText === null ? [] : [nullText]) : [item]))
    .join(str(a[1]));
}

function stringToArray(text: string, delimiter: string | null, nullText: string | null): string {
  if (text === '') return '{}';
  const parts = delimiter === null ? [...text] : delimiter === '' ? [text] : text.split(delimiter);
  return formatArray(parts.map((p) => (p === nullText ? null : p)));
}

type Test = (order: number) => boolean;

const COMPARISONS: readonly [string, Test][] = [
  ['eq', (c) => c === 0],
  ['ne', (c) => c !== 0],
  ['lt', (c) => c < 0],
  ['le', (c) => c <= 0],
  ['gt', (c) => c > 0],
  ['ge', (c) => c >= 0],
];

/** `x op ANY/ALL (array)`, three-valued: NULL when no element decides and one is NULL. */
function quantified(test: Test, all: boolean) {
  return (a: readonly Value[], ctx: FunctionContext, types: readonly SqlType[]): Value => {
    if (a[1] === null) return null;
    const items = flat(parseArray(str(a[1])));
    if (items.length === 0) return all;
    if (a[0] === null) return null;
    const type = elementType(types[1]!);
    let sawNull = false;
    for (const item of items) {
      if (item === null) sawNull = true;
      else if (test(compareValues(type, a[0]!, parseText(type, item, ctx))) !== all) return !all;
    }
    return sawNull ? null : all;
  };
}

function itemOf(type: SqlType, v: Value, ctx: FunctionContext): string | null {
  return v === null ? null : formatText(type, v, ctx);
}

function lengthOf(array: Value, dimension: number): number | undefined {
  return dimensions(parseArray(str(array)))[dimension - 1];
}

function lowerBound(array: Value, dimension: number): number {
  return arrayBounds(str(array))[dimension - 1] ?? 1;
}

function itemAt(type: SqlType, array: Value, index: number, ctx: FunctionContext): Value {
  const item = parseArray(str(array))[index];
  if (item === undefined || item === null) return null;
  return typeof item === 'string' ? parseText(elementType(type), item, ctx) : formatArray(item);
}

/** Only the binder calls it: `unnest`. */
export const ARRAY_ITEM = 'array_item';

const nonStrict = { strict: false } as const;
const scalarElement = { strict: false, volatility: 'stable', anyIsScalar: true } as const;
const stableNonStrict = { strict: false, volatility: 'stable' } as const;
const firstArray: FunctionDef['returns'] = (types) => types[0]!;

/** An array and an element, which must not be nested. */
function oneDimensional(v: Value): ArrayItem[] {
  const items = v === null ? [] : parseArray(str(v));
  if (dimensions(items).length > 1)
    throw new SqlError('22000', 'argument must be empty or one-dimensional array');
  return items;
}

/** Arrays of equal depth are joined; one that is a level deeper takes the other as an element. */
function concatenate(left: Value, right: Value): Value {
  if (left === null || right === null) return left ?? right;
  const a = parseArray(str(left));
  const b = parseArray(str(right));
  if (a.length === 0) return right;
  if (b.length === 0) return left;
  const [da, db] = [dimensions(a), dimensions(b)];
  const fits = (deep: readonly number[], flatOne: readonly number[]): boolean =>
    deep.length === flatOne.length + 1 && deep.slice(1).every((n, i) => n === flatOne[i]);
  if (da.length === db.length && da.slice(1).every((n, i) => n === db[i + 1]))
    return formatArray([...a, ...b]);
  if (fits(da, db)) return formatArray([...a, b]);
  if (fits(db, da)) return formatArray([a, ...b]);
  throw new SqlError('2202E', 'cannot concatenate incompatible arrays');
}

/** NULL equals NULL here. */
function sameElement(type: SqlType, item: string | null, v: Value, ctx: FunctionContext): boolean {
  return item === null || v === null ? item === v : equalValues(type, parseText(type, item, ctx), v);
}

function positionOf(a: readonly Value[], ctx: FunctionContext, types: readonly SqlType[]): Value {
  if (a[0] === null) return null;
  if (dimensions(parseArray(str(a[0]))).length > 1)
    throw new SqlError('0A000', 'searching for elements in multidimensional arrays is not supported');
  const type = elementType(types[0]!);
  const at = flat(parseArray(str(a[0]))).findIndex((item) => sameElement(type, item, a[1]!, ctx));
  return at < 0 ? null : at + 1;
}

/** True when every element of `part` is in `whole`. */
function contains(type: SqlType, whole: Value, part: Value, ctx: FunctionContext): boolean {
  const have = flat(parseArray(str(whole))).flatMap((i) => (i === null ? [] : [parseText(type, i, ctx)]));
  return flat(parseArray(str(part))).every(
    (i) => i !== null && have.some((h) => equalValues(type, h, parseText(type, i, ctx))),
  );
}

export const arrayFunctions: readonly FunctionDef[] = [
  ...COMPARISONS.flatMap(([name, test]) => [
    define(`any_${name}`, 'any anyarray', BOOL, quantified(test, false), nonStrict),
    define(`all_${name}`, 'any anyarray', BOOL, quantified(test, true), nonStrict),
  ]),
  define('array_to_string', 'anyarray text', TEXT, (a) => arrayToString(a, null)),
  define(
    'array_to_string',
    'anyarray text text',
    TEXT,
    (a) => (a[0] === null || a[1] === null ? null : arrayToString(a, a[2] as string | null)),
    nonStrict,
  ),
  define(
    'string_to_array',
    'text text',
    TEXT_ARRAY,
    (a) => (a[0] === null ? null : stringToArray(str(a[0]), a[1] as string | null, null)),
    nonStrict,
  ),
  define(
    'string_to_array',
    'text text text',
    TEXT_ARRAY,
    (a) => (a[0] === null ? null : stringToArray(str(a[0]), a[1] as string | null, a[2] as string | null)),
    nonStrict,
  ),
  define('array_length', 'anyarray int4', INT4, (a) => lengthOf(a[0]!, num(a[1])) ?? null),
  define('array_lower', 'anyarray int4', INT4, (a) =>
    lengthOf(a[0]!, num(a[1])) === undefined ? null : lowerBound(a[0]!, num(a[1])),
  ),
  define('array_upper', 'anyarray int4', INT4, (a) => {
    const length = lengthOf(a[0]!, num(a[1]));
    return length === undefined ? null : lowerBound(a[0]!, num(a[1])) + length - 1;
  }),
  define('array_ndims', 'anyarray', INT4, (a) => dimensions(parseArray(str(a[0]))).length || null),
  define('cardinality', 'anyarray', INT4, (a) => flat(parseArray(str(a[0]))).length),
  define('array_position', 'anyarray any', INT4, positionOf, nonStrict),
  ...['array_append', '||'].map((n) =>
    define(
      n,
      'anyarray any',
      firstArray,
      (a, ctx, t) => formatArray([...oneDimensional(a[0]!), itemOf(t[1]!, a[1]!, ctx)]),
      scalarElement,
    ),
  ),
  ...['array_prepend', '||'].map((n) =>
    define(
      n,
      'any anyarray',
      (t) => t[1]!,
      (a, ctx, t) => formatArray([itemOf(t[0]!, a[0]!, ctx), ...oneDimensional(a[1]!)]),
      scalarElement,
    ),
  ),
  ...['array_cat', '||'].map((n) =>
    define(n, 'anyarray anyarray', firstArray, (a) => concatenate(a[0]!, a[1]!), nonStrict),
  ),
  define(
    'array_replace',
    'anyarray any any',
    firstArray,
    (a, ctx, t) => {
      if (a[0] === null) return null;
      const type = elementType(t[0]!);
      const replacement = itemOf(type, a[2]!, ctx);
      return formatArray(
        oneDimensional(a[0]!).map((i) =>
          sameElement(type, i as string | null, a[1]!, ctx) ? replacement : i,
        ),
      );
    },
    scalarElement,
  ),
  define(
    'array_remove',
    'anyarray any',
    firstArray,
    (a, ctx, t) => {
      if (a[0] === null) return null;
      const type = elementType(t[0]!);
      if (dimensions(parseArray(str(a[0]))).length > 1)
        throw new SqlError('0A000', 'removing elements from multidimensional arrays is not supported');
      return formatArray(
        oneDimensional(a[0]!).filter((i) => !sameElement(type, i as string | null, a[1]!, ctx)),
      );
    },
    nonStrict,
  ),
  /** ARRAY[a, b, ...] over elements of one type. */
  define(
    'array',
    'any',
    (t) => ({ kind: 'array', element: t[0] ?? TEXT }),
    (a, ctx, t) => formatArray(a.map((v, i) => itemOf(t[i]!, v, ctx))),
    {
      ...stableNonStrict,
      variadic: true,
    },
  ),
  /** array[index]; NULL outside of its bounds. */
  define(
    'array_subscript',
    'anyarray int4',
    (t) => elementType(t[0]!),
    (a, ctx, t) => itemAt(t[0]!, a[0]!, num(a[1]) - lowerBound(a[0]!, 1), ctx),
  ),
  /** The element of a place, 1 and on, wherever the array counts from. */
  define(
    ARRAY_ITEM,
    'anyarray int4',
    (t) => elementType(t[0]!),
    (a, ctx, t) => itemAt(t[0]!, a[0]!, num(a[1]) - 1, ctx),
  ),
  define('@>', 'anyarray anyarray', BOOL, (a, ctx, t) => contains(elementType(t[0]!), a[0]!, a[1]!, ctx)),
  define('<@', 'anyarray anyarray', BOOL, (a, ctx, t) => contains(elementType(t[0]!), a[1]!, a[0]!, ctx)),
  define('&&', 'anyarray anyarray', BOOL, (a, ctx, t) => {
    const type = elementType(t[0]!);
    const left = flat(parseArray(str(a[0]))).flatMap((i) => (i === null ? [] : [parseText(type, i, ctx)]));
    return flat(parseArray(str(a[1]))).some(
      (i) => i !== null && left.some((l) => equalValues(type, l, parseText(type, i, ctx))),
    );
  }),
];
