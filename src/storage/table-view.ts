/** What a snapshot sees of a table: its row groups in order, and what is true of a column in all of them.
 *
 *  Queries ask the same of an unchanged table again and again, and a table may have thousands of row groups: each answer is
 *  worked out once. Invariant: the store forgets its views whenever a row group comes, becomes visible or goes. */
import { chunkEncoding } from '../types/arrow/sql-field.js';
import type { ColumnLayout, Encoding } from '../types/memory.js';
import type { Range, SqlType } from '../types/sql-type.js';
import { type RowGroup, widerEncoding } from './row-group.js';
import { zoneHasNan, zoneRange } from './zone-map.js';

export type ColumnFacts = {
  /** Of the unscaled integers; undefined when the column has none. */
  readonly range: Range | undefined;
  readonly noNulls: boolean;
  readonly hasNan: boolean;
};

export class TableView {
  readonly groups: readonly RowGroup[];
  readonly csn: number;
  private readonly lasting: boolean;
  private readonly facts: (ColumnFacts | undefined)[] = [];
  private readonly layouts: (ColumnLayout | undefined)[] = [];

  /** `lasting`: later snapshots see the same, until the table changes. */
  constructor(groups: readonly RowGroup[], csn: number, lasting: boolean) {
    this.groups = groups;
    this.csn = csn;
    this.lasting = lasting;
  }

  isAsOf(csn: number): boolean {
    return csn === this.csn || (this.lasting && csn > this.csn);
  }

  /** Undefined when no visible row has the column. */
  columnFacts(ordinal: number): ColumnFacts | undefined {
    if (!this.groups.some((g) => ordinal < g.columns.length)) return undefined;
    this.facts[ordinal] ??= factsOf(this.groups, ordinal);
    return this.facts[ordinal];
  }

  /** What every row group's column can be converted to. `scale`: of integers that become numerics in bytes. */
  layout(ordinal: number, type: SqlType, scale: number | undefined): ColumnLayout {
    if (this.groups.length === 0) return { encoding: chunkEncoding(type), nullable: false };
    if (scale !== undefined)
      return { encoding: 'utf8', nullable: this.columnFacts(ordinal)?.noNulls === false };
    this.layouts[ordinal] ??= layoutOf(this.groups, ordinal);
    return this.layouts[ordinal];
  }
}

function layoutOf(groups: readonly RowGroup[], ordinal: number): ColumnLayout {
  let encoding: Encoding | undefined;
  let nullable = false;
  for (const g of groups) {
    const c = g.columns[ordinal]!;
    encoding = encoding === undefined ? c.encoding : widerEncoding(encoding, c.encoding);
    nullable ||= c.nullCount > 0;
  }
  return { encoding: encoding!, nullable };
}

function factsOf(groups: readonly RowGroup[], ordinal: number): ColumnFacts {
  let range: Range | undefined;
  let noNulls = true;
  let hasNan = false;
  for (const g of groups) {
    const c = g.columns[ordinal]!;
    if (c.nullCount > 0) noNulls = false;
    if (zoneHasNan(c.zone)) hasNan = true;
    const zone = zoneRange(c.zone);
    if (zone === undefined) continue;
    range = range === undefined ? zone : unite(range, zone);
  }
  return { range, noNulls, hasNan };
}

function unite(a: Range, b: Range): Range {
  return { min: a.min < b.min ? a.min : b.min, max: a.max > b.max ? a.max : b.max };
}
