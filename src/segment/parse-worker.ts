/** Worker thread that reads and parses blocks of COPY text, so that the segment's main thread stays free.
 *
 *  Text and batches lie in the segment's shared memory. What the compiled parser declines is parsed in TypeScript,
 *  which finds the error, if there is one; its rows come back as buffers. */
import { readSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { CopyParser, type ParsedBatch } from '../engine/copy/copy-parser.js';
import { SharedMemory } from '../engine/runtime/shared-memory.js';
import type { Expr } from '../plan/expr.js';
import type { ColumnarRows } from '../types/columnar.js';
import type { CopyOptions } from '../types/copy-options.js';
import { type CopyColumn, type CopyContext, parseCopyBlock } from '../types/copy-text.js';
import { errorToWire, SqlError, type WireError } from '../types/sql-error.js';
import { copyFilter } from './copy-filter.js';

export type ParseTask = {
  /** Address and length of whole lines; slack follows them. */
  readonly text: number;
  readonly bytes: number;
  /** Where the lines are to be read from first. */
  readonly file: { readonly fd: number; readonly offset: number } | undefined;
  readonly firstLine: number;
  readonly options: CopyOptions;
  readonly columns: readonly CopyColumn[];
  readonly where?: Expr | undefined;
  readonly context: CopyContext;
};
export type ParseReply =
  | { readonly batch: ParsedBatch }
  | { readonly rows: ColumnarRows }
  | { readonly error: WireError };

// Piscina puts its own data first.
const given = workerData as unknown;
const { memory } = (Array.isArray(given) ? given[1] : given) as { memory: WebAssembly.Memory };
const shared = new SharedMemory(memory);

/** The last COPYs' parsers: a COPY sends the same columns and options with each block. */
const parsers = new Map<string, CopyParser | undefined>();
const PARSERS_MAX = 16;

function parserFor(task: ParseTask): CopyParser | undefined {
  const key = JSON.stringify([task.columns, task.options]);
  if (!parsers.has(key)) {
    if (parsers.size === PARSERS_MAX) parsers.delete(parsers.keys().next().value!);
    parsers.set(key, CopyParser.for(shared, task.columns, task.options));
  }
  return parsers.get(key);
}

function readLines({ text, bytes, file }: ParseTask): void {
  if (file === undefined) return;
  for (let done = 0; done < bytes; ) {
    const room = shared.u8.subarray(text + done, text + bytes);
    const n = readSync(file.fd, room, 0, bytes - done, file.offset + done);
    if (n === 0) throw new SqlError('58030', 'could not read from COPY file: it has become shorter');
    done += n;
  }
}

export default function parse(task: ParseTask): ParseReply {
  let rows: ColumnarRows;
  try {
    readLines(task);
    const filter = task.where === undefined ? undefined : copyFilter(task.where, task.columns, task.context);
    const batch = filter?.canFail === true ? undefined : parserFor(task)?.parse(task.text, task.bytes);
    if (batch !== undefined) return { batch };
    // A copy: decoders do not take shared memory.
    const bytes = shared.u8.slice(task.text, task.text + task.bytes);
    rows = parseCopyBlock(bytes, task.firstLine, task.options, task.columns, task.context, filter);
  } catch (e) {
    return { error: errorToWire(e) };
  }
  const buffers = new Set<ArrayBufferLike>();
  for (const c of rows.columns)
    for (const part of [c.data, c.offsets, c.validity]) if (part !== undefined) buffers.add(part.buffer);
  const moved = {
    [Piscina.valueSymbol]: { rows },
    [Piscina.transferableSymbol]: [...buffers].filter((b) => b instanceof ArrayBuffer),
  };
  return Piscina.move(moved as never) as unknown as ParseReply;
}
