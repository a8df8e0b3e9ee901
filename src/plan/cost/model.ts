/** What things cost, in nanoseconds of one core or of the wire. Measured on the reference machine (see
 *  docs/decisions/012-cost-model.md); only their ratios matter.
 *
 *  A plan's cost is the time until its slowest process is done: work on partitioned rows is divided by the segments,
 *  work on replicated or gathered rows is not. */

export const COST = {
  scanRow: 1,
  scanByte: 0.15,
  filterRow: 1.5,
  projectExpr: 1.5,
  buildRow: 27,
  buildByte: 0.3,
  /** Visiting a build row once more, after the probe. */
  lateRow: 3,
  outputRow: 2,
  outputByte: 0.1,
  nestedPair: 2.5,
  aggregateRow: 8,
  aggregateGroup: 40,
  sortCompare: 6,
  motionRow: 30,
  motionByte: 8,
  /** Opening streams and one more slice. */
  motionStart: 300_000,
  /** One more slice that keeps its rows. */
  shareStart: 150_000,
} as const;

/** Looking up a row costs what the cache level of the table costs. */
export function probeRowCost(buildRows: number, rowBytes: number): number {
  const bytes = buildRows * (rowBytes + 16);
  return bytes < 256 << 10 ? 6 : bytes < 4 << 20 ? 10 : 17;
}

export function sortCost(rows: number): number {
  return rows * Math.log2(Math.max(2, rows)) * COST.sortCompare;
}

/** `width`: bytes a row. */
export function motionCost(rows: number, width: number): number {
  return COST.motionStart + rows * (COST.motionRow + width * COST.motionByte);
}
