/** Statistics of a table from those of its segments: what the planner's catalog holds.
 *
 *  Owns: distinct counts from merged sketches, most common values, histograms. Must not know: plans, storage. Pure.
 *  The result has the shape of the catalog's `ColumnStats`. Source: PostgreSQL, `analyze.c`. */
import { NAN, parseNumeric } from '../types/numeric.js';
import { isStringType, type Range, reprOf, type SqlType } from '../types/sql-type.js';
import type { Value } from '../types/value.js';
import type { ColumnSample, SegmentStatistics } from './analyze.js';
import type { SampleValue } from './column-values.js';
import { createSketch, estimateDistinct, mergeSketch } from './hyper-log-log.js';

const MOST_COMMON_MAX = 100;
const BUCKETS = 100;

export type AnalyzedColumn = {
  readonly range?: Range;
  readonly noNulls: boolean;
  readonly nullFraction: number;
  readonly distinct: number;
  readonly averageBytes: number;
  readonly mostCommon?: readonly { readonly value: Value; readonly fraction: number }[];
  readonly histogram?: readonly Value[];
};

export type AnalyzedTable = { readonly rows: number; readonly columns: readonly AnalyzedColumn[] };

/** `parts`: one of each segment that holds distinct rows (of a replicated table: one in all). */
export function mergeAnalyze(
  parts: readonly SegmentStatistics[],
  columns: readonly { readonly type: SqlType }[],
): AnalyzedTable {
  const rows = parts.reduce((n, p) => n + p.rows, 0);
  return { rows, columns: columns.map(({ type }, i) => mergeColumn(parts, i, type, rows)) };
}

type Weighted = { readonly value: SampleValue; weight: number; count: number };

function mergeColumn(
  parts: readonly SegmentStatistics[],
  ordinal: number,
  type: SqlType,
  rows: number,
): AnalyzedColumn {
  const sketch = createSketch();
  const values = new Map<SampleValue, Weighted>();
  let nulls = 0;
  let sampled = 0;
  let sampledBytes = 0;
  let range: Range | undefined;
  let whole = true;
  let listed = 0;
  for (const part of parts) {
    const column = part.columns[ordinal];
    if (column === undefined || part.rows === 0) continue;
    mergeSketch(sketch, column.sketch);
    nulls += column.nulls;
    sampled += column.sampled;
    sampledBytes += column.sampledBytes;
    range = unite(range, column);
    if (part.sampleRows < part.rows) whole = false;
    // A row of a large segment's sample stands for more rows than one of a small segment's.
    const weight = part.rows / Math.max(1, part.sampleRows);
    for (const [i, value] of column.values.entries()) {
      const count = column.counts[i]!;
      listed += count;
      const known = values.get(value);
      if (known === undefined) values.set(value, { value, weight: count * weight, count });
      else {
        known.weight += count * weight;
        known.count += count;
      }
    }
  }
  const notNull = rows - nulls;
  const exact = whole && listed === sampled && sampled > 0;
  const distinct = exact ? values.size : estimate(sketch, notNull);
  const list = [...values.values()];
  const { common, rest } = split(list, distinct, exact, notNull);
  const fraction = (w: Weighted): number => (rows === 0 ? 0 : Math.min(1, w.weight / rows));
  const histogram = histogramOf(rest, type);
  return {
    ...(range === undefined ? {} : { range }),
    noNulls: nulls === 0,
    nullFraction: rows === 0 ? 0 : nulls / rows,
    distinct,
    averageBytes: sampled === 0 ? 0 : sampledBytes / sampled,
    ...(common.length === 0
      ? {}
      : { mostCommon: common.map((w) => ({ value: sqlValue(w.value, type), fraction: fraction(w) })) }),
    ...(histogram === undefined ? {} : { histogram }),
  };
}

function unite(range: Range | undefined, column: ColumnSample): Range | undefined {
  if (column.min === undefined || column.max === undefined) return range;
  const min = BigInt(column.min);
  const max = BigInt(column.max);
  if (range === undefined) return { min, max };
  const lower = min < range.min;
  const higher = max > range.max;
  return { min: lower ? min : range.min, max: higher ? max : range.max };
}

/** A sketch cannot tell "nearly unique" from "unique"; keys are far more common than near-keys. */
function estimate(sketch: Uint8Array, notNull: number): number {
  const d = Math.round(estimateDistinct(sketch));
  return d > notNull * 0.95 ? notNull : d;
}

/** Common values are those clearly more frequent than the average one; all of them when they are few. */
function split(
  list: readonly Weighted[],
  distinct: number,
  exact: boolean,
  notNull: number,
): { readonly common: readonly Weighted[]; readonly rest: readonly Weighted[] } {
  const complete = list.length <= MOST_COMMON_MAX && (exact || list.length >= distinct * 0.98);
  if (complete && distinct < notNull) return { common: [...list].sort(byWeight), rest: [] };
  const threshold = (1.25 * notNull) / Math.max(1, distinct);
  const common = list
    .filter((w) => w.count >= 3 && w.weight > threshold)
    .sort(byWeight)
    .slice(0, MOST_COMMON_MAX);
  if (common.length === 0) return { common, rest: list };
  const taken = new Set(common);
  return { common, rest: list.filter((w) => !taken.has(w)) };
}

function byWeight(a: Weighted, b: Weighted): number {
  return b.weight - a.weight;
}

function histogramOf(rest: readonly Weighted[], type: SqlType): Value[] | undefined {
  if (rest.length < 2) return undefined;
  const sorted = inOrder(rest, type);
  const total = sorted.reduce((n, w) => n + w.weight, 0);
  const buckets = Math.min(BUCKETS, sorted.length - 1);
  const bounds: Value[] = [sqlValue(sorted[0]!.value, type)];
  let seen = 0;
  let next = 1;
  for (const [i, w] of sorted.entries()) {
    seen += w.weight;
    const last = i === sorted.length - 1;
    if (last) {
      bounds.push(sqlValue(w.value, type));
      break;
    }
    let reached = false;
    while (next < buckets && seen >= (total * next) / buckets) {
      reached = true;
      next++;
    }
    if (reached && i > 0) bounds.push(sqlValue(w.value, type));
  }
  return bounds;
}

/** Thousands of values for each column: the two common cases have comparisons without a detour. */
function inOrder(list: readonly Weighted[], type: SqlType): Weighted[] {
  const copy = [...list];
  if (copy.every((w) => typeof w.value === 'number' && !Number.isNaN(w.value)))
    return copy.sort((a, b) => (a.value as number) - (b.value as number));
  if (isStringType(type) && !copy.some((w) => BEYOND_SURROGATES.test(w.value as string)))
    return copy.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  return copy.sort((a, b) => compareSamples(a.value, b.value, type));
}

/** Where UTF-16 order and code point order may part. */
const BEYOND_SURROGATES = /[\ud800-\uffff]/;

/** A numeric's. */
const NAN_SAMPLE = 'NaN';

function compareSamples(a: SampleValue, b: SampleValue, type: SqlType): number {
  if (typeof a === 'number' && typeof b === 'number') {
    // NaN sorts last.
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a - b;
  }
  if (numericIsText(type)) {
    const x = Number(a);
    const y = Number(b);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (isIntegerInside(type)) {
    if (a === NAN_SAMPLE || b === NAN_SAMPLE) return Number(a === NAN_SAMPLE) - Number(b === NAN_SAMPLE);
    const x = BigInt(a);
    const y = BigInt(b);
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return compareCodePoints(String(a), String(b));
}

function isIntegerInside(type: SqlType): boolean {
  return (
    type.kind === 'int8' ||
    type.kind === 'numeric' ||
    type.kind === 'time' ||
    type.kind === 'timestamp' ||
    type.kind === 'timestamptz'
  );
}

/** Order of the UTF-8 bytes. UTF-16 order differs from it for surrogates only. */
function compareCodePoints(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogateX = x >= 0xd800 && x < 0xe000;
    const surrogateY = y >= 0xd800 && y < 0xe000;
    if (surrogateX !== surrogateY) return surrogateX ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

function sqlValue(v: SampleValue, type: SqlType): Value {
  switch (type.kind) {
    case 'bool':
      return v !== 0;
    case 'int8':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return BigInt(v);
    case 'numeric':
      if (v === NAN_SAMPLE) return NAN;
      return numericIsText(type) ? parseNumeric(String(v)) : { unscaled: BigInt(v), scale: type.scale ?? 0 };
    default:
      return v;
  }
}

/** Numeric of unknown scale or past 128 bits is stored as bytes and sampled as text. */
function numericIsText(type: SqlType): boolean {
  return type.kind === 'numeric' && reprOf(type) === 'str';
}
