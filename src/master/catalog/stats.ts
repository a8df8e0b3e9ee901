/** Table statistics as they grow with loads: bounds that are guarantees, estimates from ANALYZE.
 *
 *  Invariant: `bounds` hold for every row that any snapshot can see, because a load widens them before it becomes
 *  visible. They may be too wide (an aborted load); never too narrow. */
import type { ColumnStats, TableStats } from '../../plan/catalog.js';
import { type Range, typeSize } from '../../types/sql-type.js';
import type { TableSummary } from '../dispatch/api.js';
import type { StoredBounds, StoredStats, StoredTable } from './state.js';

const NO_ROWS: StoredBounds = { range: 'none', noNulls: true };
/** Of rows that nothing was noted of. */
const UNKNOWN: StoredBounds = { range: undefined, noNulls: false };

export function emptyStats(columns: number, version: number): StoredStats {
  return {
    rows: 0,
    bounds: Array.from({ length: columns }, () => NO_ROWS),
    estimates: undefined,
    version,
  };
}

function union(a: StoredBounds['range'], b: StoredBounds['range']): StoredBounds['range'] {
  if (a === 'none') return b;
  if (b === 'none') return a;
  if (a === undefined || b === undefined) return undefined;
  return { min: lesser(a.min, b.min), max: -lesser(-a.max, -b.max) };
}

function lesser(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** The summary's bound of a column; a column of rows that are all NULL comes without a range, like one unknown. */
function boundsOf(summary: TableSummary): readonly StoredBounds[] {
  return summary.columns.map((c) => ({
    range: summary.rows === 0 ? 'none' : c.range,
    noNulls: c.noNulls,
    ...(c.hasNan === true ? { hasNan: true } : {}),
  }));
}

/** With the rows of a load that is about to become visible. */
export function widened(stats: StoredStats, added: TableSummary): StoredStats {
  if (added.rows === 0) return stats;
  const more = boundsOf(added);
  const before = (i: number): StoredBounds => stats.bounds[i] ?? (stats.rows === 0 ? NO_ROWS : UNKNOWN);
  const bounds = Array.from({ length: Math.max(stats.bounds.length, more.length) }, (_, i): StoredBounds => {
    const [a, b] = [before(i), more[i] ?? UNKNOWN];
    return {
      range: union(a.range, b.range),
      noNulls: a.noNulls && b.noNulls,
      ...(a.hasNan === true || b.hasNan === true ? { hasNan: true } : {}),
    };
  });
  return { ...stats, rows: stats.rows + added.rows, bounds, version: stats.version + 1 };
}

/** Exact again, from what the segments hold. */
export function refreshed(stats: StoredStats, summary: TableSummary): StoredStats {
  // Segments without rows know of no columns.
  const bounds = summary.rows === 0 ? stats.bounds.map(() => NO_ROWS) : boundsOf(summary);
  return { ...stats, rows: summary.rows, bounds, version: stats.version + 1 };
}

export function analyzed(
  stats: StoredStats,
  rows: number,
  columns: readonly (ColumnStats | undefined)[],
): StoredStats {
  const estimates = columns.map((c, i) => c ?? stats.estimates?.[i] ?? null);
  return { ...stats, rows, estimates, version: stats.version + 1 };
}

/** Rows times the average width of their columns, as far as it is known. */
export function estimatedBytes(table: Pick<StoredTable, 'columns' | 'stats'>): number {
  const width = table.columns.reduce((sum, c, i) => {
    const size = typeSize(c.type);
    return sum + (size > 0 ? size : (table.stats.estimates?.[i]?.averageBytes ?? 8));
  }, 0);
  return Math.round(table.stats.rows * width);
}

/** As the planner sees it. */
export function tableStats(stats: StoredStats): TableStats {
  return {
    rows: stats.rows,
    analyzed: stats.estimates !== undefined,
    version: stats.version,
    columns: stats.bounds.map((b, i): ColumnStats => {
      // A column with NaN is read as numerics without scale, which have no integers.
      const range: Range | undefined = b.range === 'none' || b.hasNan === true ? undefined : b.range;
      const { range: _, noNulls: __, ...estimates } = stats.estimates?.[i] ?? {};
      return {
        ...estimates,
        ...(range === undefined ? {} : { range }),
        noNulls: b.noNulls,
        ...(b.hasNan === true ? { hasNan: true } : {}),
      };
    }),
  };
}
