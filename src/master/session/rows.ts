/** Result rows on their way to a client: blocks that are pulled one by one and can be sent in parts.
 *
 *  Owns: `RowStream` and its two kinds, finished chunks in shared memory and rows of values. Invariant: a block is
 *  released exactly once, by whoever pulled it. */

import type { Charset } from '../../types/charset.js';
import { formatCopyRow } from '../../types/copy-format.js';
import type { CopyOptions } from '../../types/copy-options.js';
import type { MemoryPool, OutChunk } from '../../types/memory.js';
import type { SqlType } from '../../types/sql-type.js';
import { formatText, type TextSettings } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';
import { writeBinary } from '../wire/binary.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import type { FormatCode } from '../wire/messages.js';
import { encodeCopyLines, encodeCopyTuples, encodeDataRows } from '../wire/row-encoder.js';

export interface RowBlock {
  readonly rows: number;
  /** Rows [from, to) as DataRow messages. */
  dataRows(w: ByteWriter, from: number, to: number, formats: readonly FormatCode[]): void;
  /** All rows as COPY lines in the encoding, each in a CopyData message when `framed`. */
  copyLines(w: ByteWriter, options: CopyOptions, framed: boolean, charset?: Charset): void;
  /** All rows as tuples of a binary COPY. */
  copyTuples(w: ByteWriter, framed: boolean): void;
  release(): void;
}

export interface RowStream {
  /** Undefined after the last block. Rejects with the query's error. */
  next(): Promise<RowBlock | undefined>;
  /** Stops the query if it still runs and waits until it has ended. Idempotent; never rejects. */
  close(): Promise<void>;
}

export function chunkBlock(
  chunk: OutChunk,
  types: readonly SqlType[],
  memory: MemoryPool,
  settings: TextSettings,
): RowBlock {
  return {
    rows: chunk.rows,
    dataRows: (w, from, to, formats) => encodeDataRows(w, chunk, from, to, types, formats, memory, settings),
    copyLines: (w, options, framed, charset) =>
      encodeCopyLines(w, chunk, types, options, framed, memory, settings, charset),
    copyTuples: (w, framed) => encodeCopyTuples(w, chunk, types, framed, memory, settings),
    release: () => chunk.release(),
  };
}

const DATA_ROW = 68;
const COPY_DATA = 100;

export function valueBlock(
  rows: readonly (readonly Value[])[],
  types: readonly SqlType[],
  settings: TextSettings,
): RowBlock {
  return {
    rows: rows.length,
    dataRows(w, from, to, formats) {
      for (let r = from; r < to; r++) {
        const start = w.length;
        w.u8(DATA_ROW);
        w.i32(0);
        w.i16(types.length);
        for (const [c, type] of types.entries()) {
          const value = rows[r][c];
          if (value === null) {
            w.i32(-1);
            continue;
          }
          const at = w.length;
          w.i32(0);
          if (formats[c] === 1) writeBinary(w, type, value, settings);
          else w.text(formatText(type, value, settings));
          w.patchI32(at, w.length - at - 4);
        }
        w.patchI32(start + 1, w.length - start - 1);
      }
    },
    copyLines(w, options, framed, charset) {
      for (const row of rows) {
        const start = w.length;
        if (framed) {
          w.u8(COPY_DATA);
          w.i32(0);
        }
        const texts = row.map((v, c) => (v === null ? null : formatText(types[c], v, settings)));
        const from = w.length;
        w.text(formatCopyRow(texts, options));
        w.convertTo(charset, from);
        if (framed) w.patchI32(start + 1, w.length - start - 1);
      }
    },
    copyTuples(w, framed) {
      for (const row of rows) {
        const start = w.length;
        if (framed) {
          w.u8(COPY_DATA);
          w.i32(0);
        }
        w.i16(types.length);
        for (const [c, type] of types.entries()) {
          const value = row[c];
          const at = w.length;
          w.i32(-1);
          if (value === null) continue;
          writeBinary(w, type, value, settings);
          w.patchI32(at, w.length - at - 4);
        }
        if (framed) w.patchI32(start + 1, w.length - start - 1);
      }
    },
    release() {},
  };
}

/** Rows that are there already: SHOW, EXPLAIN. */
export function valueStream(
  rows: readonly (readonly Value[])[],
  types: readonly SqlType[],
  settings: TextSettings,
): RowStream {
  let sent = false;
  return {
    next() {
      const block = sent || rows.length === 0 ? undefined : valueBlock(rows, types, settings);
      sent = true;
      return Promise.resolve(block);
    },
    close: () => Promise.resolve(),
  };
}
