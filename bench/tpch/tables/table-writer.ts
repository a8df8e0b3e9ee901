/** What a table of the generator is: streams of random draws, and a function that writes the next unit. */
import type { RandomStream } from '../random.js';
import type { RowBuffer } from '../row-buffer.js';
import type { TextPool } from '../text-pool.js';

/** Writes the rows of one unit after the other, into `out`; `unit` counts from 1 and rises by 1. */
export type UnitWriter = (out: RowBuffer, unit: number) => void;

/** Opens a table so that the next unit to write is `firstUnit + 1`. */
export type TableWriter = (scale: number, firstUnit: number, pool: TextPool) => UnitWriter;

/** Brings the streams of a table to a unit. */
export function skipTo<S extends Readonly<Record<string, RandomStream>>>(streams: S, firstUnit: number): S {
  for (const stream of Object.values(streams)) stream.skipRows(firstUnit);
  return streams;
}
