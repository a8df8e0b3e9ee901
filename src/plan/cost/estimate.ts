/** Estimates: what the planner believes about the rows of a plan node.
 *
 *  Owns: their shape and the arithmetic that does not depend on a node's kind. Never a guarantee (those are in
 *  `ranges.ts`): a wrong estimate makes a slow plan, not a wrong answer. Source: Selinger et al. 1979 for the
 *  independence assumptions, PostgreSQL's selfuncs.c for the defaults. */
import type { ColId } from '../../types/ids.js';
import { isNumeric, type Value } from '../../types/value.js';
import type { ColumnStats } from '../catalog.js';

export type ColumnEstimate = {
  readonly distinct: number;
  readonly nullFraction: number;
  readonly widthBytes: number;
  /** Of the base column, while its values are still spread as ANALYZE saw them (filters on others aside). */
  readonly stats: ColumnStats | undefined;
};

/** Columns that determine a row of one relation, and what that relation's columns are. */
export type KeyEstimate = {
  readonly columns: readonly ColId[];
  /** Rows of the relation before any filter: the number of key values in existence. */
  readonly rows: number;
  readonly determines: ReadonlySet<ColId>;
};

export type Estimate = {
  readonly rows: number;
  readonly columns: ReadonlyMap<ColId, ColumnEstimate>;
  readonly keys: readonly KeyEstimate[];
  /** Classes of columns known to be equal in every row. */
  readonly equal: readonly ReadonlySet<ColId>[];
};

export const UNKNOWN_COLUMN: ColumnEstimate = {
  distinct: 200,
  nullFraction: 0,
  widthBytes: 8,
  stats: undefined,
};

/** Marks the result of an aggregate: a HAVING on it is usually there to keep few groups. */
export const AGGREGATED: ColumnStats = {};

export function columnOf(e: Estimate, id: ColId): ColumnEstimate {
  return e.columns.get(id) ?? UNKNOWN_COLUMN;
}

/** Distinct values left when a fraction of the rows is kept: each value had rows/distinct chances (Yao's formula). */
export function distinctAfter(distinct: number, rowsBefore: number, rowsAfter: number): number {
  if (rowsAfter >= rowsBefore || rowsBefore <= 0) return Math.max(1, Math.min(distinct, rowsAfter));
  const perValue = Math.max(1, rowsBefore / Math.max(1, distinct));
  const lost = (1 - rowsAfter / rowsBefore) ** perValue;
  return Math.max(1, Math.min(distinct * (1 - lost), rowsAfter));
}

/** The estimate with fewer (or more) rows; distinct counts follow. */
export function withRows(e: Estimate, rows: number): Estimate {
  const kept = Math.max(0, rows);
  if (kept === e.rows) return e;
  const columns = new Map<ColId, ColumnEstimate>();
  for (const [id, c] of e.columns)
    columns.set(id, { ...c, distinct: distinctAfter(c.distinct, e.rows, kept) });
  return { ...e, rows: kept, columns };
}

export function mergeClasses(
  classes: readonly ReadonlySet<ColId>[],
  a: ColId,
  b: ColId,
): readonly ReadonlySet<ColId>[] {
  const ca = classes.find((c) => c.has(a));
  const cb = classes.find((c) => c.has(b));
  if (ca !== undefined && ca === cb) return classes;
  const merged = new Set<ColId>([a, b, ...(ca ?? []), ...(cb ?? [])]);
  return [...classes.filter((c) => c !== ca && c !== cb), merged];
}

/** How many different rows these columns can have: product of distinct counts, dependent columns left out. */
export function distinctRows(e: Estimate, ids: readonly ColId[]): number {
  const known = new Set<ColId>();
  const learn = (id: ColId): void => {
    known.add(id);
    for (const c of e.equal) if (c.has(id)) for (const x of c) known.add(x);
    let grown = true;
    while (grown) {
      grown = false;
      for (const k of e.keys) {
        if (!k.columns.every((x) => known.has(x))) continue;
        for (const x of k.determines) {
          if (known.has(x)) continue;
          known.add(x);
          for (const c of e.equal) if (c.has(x)) for (const y of c) known.add(y);
          grown = true;
        }
      }
    }
  };
  const bySize = [...ids].sort((a, b) => columnOf(e, b).distinct - columnOf(e, a).distinct);
  let product = 1;
  for (const id of bySize) {
    if (known.has(id)) continue;
    const c = columnOf(e, id);
    let distinct = c.distinct;
    for (const k of e.equal)
      if (k.has(id)) for (const x of k) distinct = Math.min(distinct, columnOf(e, x).distinct);
    product *= distinct + (c.nullFraction > 0 ? 1 : 0);
    learn(id);
  }
  return Math.max(1, Math.min(product, e.rows));
}

export function widthOf(e: Estimate, ids: Iterable<ColId>): number {
  let width = 0;
  for (const id of ids) width += columnOf(e, id).widthBytes;
  return Math.max(1, width);
}

/** A value on the number line, for interpolation; strings by their first characters. */
export function toNumber(v: Value): number | undefined {
  if (v === null) return undefined;
  switch (typeof v) {
    case 'number':
      return v;
    case 'bigint':
      return Number(v);
    case 'boolean':
      return v ? 1 : 0;
    case 'string': {
      let x = 0;
      for (let i = 0; i < 6; i++) x = x * 128 + Math.min(127, i < v.length ? v.charCodeAt(i) : 0);
      return x;
    }
    default:
      return isNumeric(v) && !('special' in v) ? Number(v.unscaled) / 10 ** v.scale : undefined;
  }
}
