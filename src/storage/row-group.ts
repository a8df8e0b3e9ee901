/** What the manifest knows of a row group: where each column lies in its file, how it is encoded, its zone map.
 *
 *  Owns: the metadata's shape, file names, the merging of encodings. Plain data: it is written to the manifest as it is.
 *  Invariant: a row group's file never changes once its metadata is in the manifest. */
import { join } from 'node:path';
import type { Encoding } from '../types/memory.js';
import type { SqlType } from '../types/sql-type.js';

export const ROW_GROUP_ROWS = 65_536;

/** Bounds over the non-null values of a column in a row group. Integers (unscaled for numeric) beyond 2^53 are
 *  decimal strings. String bounds are prefixes of `ZONE_PREFIX_BYTES`; `minCut`/`maxCut` say that one was shortened, so the
 *  true bound is longer (and greater). Floats are in PostgreSQL's order: NaN last. */
export type ZoneMap =
  | { readonly kind: 'int'; readonly min: number | string; readonly max: number | string }
  | { readonly kind: 'float'; readonly min: number; readonly max: number }
  | {
      readonly kind: 'bytes';
      readonly min: Uint8Array;
      readonly max: Uint8Array;
      readonly minCut: boolean;
      readonly maxCut: boolean;
    }
  /** Numeric without a fixed scale, or with NaN among its values, in `var-numeric` bytes. */
  | { readonly kind: 'varNumeric'; readonly min: Uint8Array; readonly max: Uint8Array };

export const ZONE_PREFIX_BYTES = 32;

/** A region of a file that is read at once; the buffers' places are relative to its start. */
export type Region = {
  readonly at: number;
  readonly bytes: number;
  /** -1: no validity bitmap, as there are no nulls. */
  readonly validity: number;
  /** -1 for fixed-width columns. */
  readonly offsets: number;
  readonly data: number;
  readonly dataBytes: number;
  /** CRC-32 of the region, padding included. */
  readonly crc: number;
};

export type ColumnChunk = {
  readonly encoding: Encoding;
  readonly nullCount: number;
  readonly zone: ZoneMap | undefined;
  readonly region: Region;
  /** Dictionary encodings: the strings and their number. */
  readonly dictionary: Region | undefined;
  readonly dictCount: number;
};

export type RowGroup = {
  /** Unique in the segment, ascending. */
  readonly id: number;
  readonly storageId: number;
  readonly rows: number;
  readonly fileBytes: number;
  readonly gxid: number;
  /** Snapshots at or above it see the row group; undefined while it is prepared only. */
  readonly csn: number | undefined;
  /** Snapshots at or above it see the row group that this one was merged into instead. */
  readonly until?: number;
  /** Place in the table's order of rows, when it is not `id`: that of the first row group merged into this one. */
  readonly order?: number;
  readonly columns: readonly ColumnChunk[];
};

export type TableColumn = { readonly name: string; readonly type: SqlType; readonly notNull: boolean };

export function storageDirectory(dir: string, storageId: number): string {
  return join(dir, `t${storageId}`);
}

export function rowGroupPath(
  dir: string,
  group: { readonly storageId: number; readonly id: number },
): string {
  return join(storageDirectory(dir, group.storageId), `${group.id}.arrow`);
}

const WIDENING: readonly (readonly Encoding[])[] = [
  ['i8', 'i16', 'i32', 'i64', 'i128'],
  // Any dictionary can be written out as plain strings.
  ['dict8', 'dict16', 'dict32', 'utf8'],
  ['f32'],
  ['f64'],
];

function isInteger(e: Encoding): boolean {
  return WIDENING[0]!.includes(e);
}

/** What a table's next row group should not fall below. A row group with NaN in a numeric(p,s) column has it as bytes:
 *  no reason for others not to be integers. */
export function floorOf(known: Encoding | undefined, used: Encoding): Encoding {
  if (known === undefined || isInteger(known) === isInteger(used))
    return known === undefined ? used : widerEncoding(known, used);
  return isInteger(known) ? known : used;
}

/** The floor for a column of integers. */
export function integerFloor(floor: Encoding | undefined): Encoding | undefined {
  return floor !== undefined && isInteger(floor) ? floor : undefined;
}

/** The narrowest encoding that both can be converted to. */
export function widerEncoding(a: Encoding, b: Encoding): Encoding {
  if (a === b) return a;
  const chain = WIDENING.find((c) => c.includes(a) && c.includes(b));
  if (chain === undefined) throw new Error(`a column is both ${a} and ${b}`);
  return chain[Math.max(chain.indexOf(a), chain.indexOf(b))]!;
}
