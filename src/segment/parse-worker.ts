/** Worker thread that parses blocks of COPY text, so that the segment's main thread stays free. */
import { Piscina } from 'piscina';
import type { ColumnarRows } from '../types/columnar.js';
import type { CopyOptions } from '../types/copy-options.js';
import { type CopyColumn, type CopyContext, parseCopyBlock } from '../types/copy-text.js';
import { errorToWire, type WireError } from '../types/sql-error.js';

export type ParseTask = {
  readonly bytes: Uint8Array;
  readonly firstLine: number;
  readonly options: CopyOptions;
  readonly columns: readonly CopyColumn[];
  readonly context: CopyContext;
};
export type ParseReply = { readonly rows: ColumnarRows } | { readonly error: WireError };

export default function parse(task: ParseTask): ParseReply {
  let rows: ColumnarRows;
  try {
    rows = parseCopyBlock(task.bytes, task.firstLine, task.options, task.columns, task.context);
  } catch (e) {
    return { error: errorToWire(e) };
  }
  const buffers = new Set<ArrayBufferLike>();
  for (const c of rows.columns)
    for (const part of [c.data, c.offsets, c.validity]) if (part !== undefined) buffers.add(part.buffer);
  // An input buffer may back a column: it moves as well.
  const moved = {
    [Piscina.valueSymbol]: { rows },
    [Piscina.transferableSymbol]: [...buffers].filter((b) => b instanceof ArrayBuffer),
  };
  return Piscina.move(moved as never) as unknown as ParseReply;
}
