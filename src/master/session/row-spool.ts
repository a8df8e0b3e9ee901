/** Rows kept for a cursor that may go back, or outlives its transaction: in memory, and past a limit in a file.
 *
 *  Owns: pages of encoded rows and the file. A row is kept as a DataRow message, columns in binary where their type has
 *  an exact binary form, else as text; it is brought into the wanted format when it is read. The file has no name (it is
 *  unlinked as soon as it is open), so that nothing remains whatever way the process ends. */
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readBinary } from '../../types/binary-input.js';
import type { SqlType } from '../../types/sql-type.js';
import { formatText, parseText, type TextSettings } from '../../types/text-io.js';
import { writeBinary } from '../wire/binary.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { FormatCode } from '../wire/messages.js';
import type { RowBlock } from './rows.js';

const PAGE_BYTES = 256 * 1024;
export const SPOOL_MEMORY_BYTES = 16 * 1024 * 1024;
const ROWS_PER_STEP = 256;
/** Type byte and length of a message. */
const HEADER_BYTES = 5;

type Page = {
  readonly firstRow: number;
  readonly rows: number;
  readonly bytes: number;
  /** Undefined once it is in the file. */
  data: Buffer | undefined;
  /** In the file. */
  readonly offset: number;
};

/** Those whose text depends on settings, or is longer. */
const EXACT_IN_BINARY: ReadonlySet<SqlType['kind']> = new Set([
  'bool',
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'bytea',
]);

let files = 0;

export class RowSpool {
  /** Rows kept. */
  rows = 0;
  private readonly types: readonly SqlType[];
  private readonly formats: readonly FormatCode[];
  private readonly directory: string;
  private readonly memoryBytesMax: number;
  private readonly pages: Page[] = [];
  private readonly writer = new ByteWriter(PAGE_BYTES);
  private writerRows = 0;
  private memoryBytes = 0;
  private fileBytes = 0;
  private file: FileHandle | undefined;

  constructor(types: readonly SqlType[], directory: string, memoryBytesMax = SPOOL_MEMORY_BYTES) {
    this.types = types;
    this.formats = types.map((t): FormatCode => (EXACT_IN_BINARY.has(t.kind) ? 1 : 0));
    this.directory = directory;
    this.memoryBytesMax = memoryBytesMax;
  }

  /** Keeps the block's rows from `from` on, and releases it. */
  async add(block: RowBlock, from = 0): Promise<void> {
    try {
      for (let at = from; at < block.rows; ) {
        const to = Math.min(block.rows, at + ROWS_PER_STEP);
        block.dataRows(this.writer, at, to, this.formats);
        this.writerRows += to - at;
        this.rows += to - at;
        at = to;
        if (this.writer.length >= PAGE_BYTES) await this.endPage();
      }
    } finally {
      block.release();
    }
  }

  private async endPage(): Promise<void> {
    const data = this.writer.take();
    const page: Page = {
      firstRow: this.rows - this.writerRows,
      rows: this.writerRows,
      bytes: data.length,
      data,
      offset: this.fileBytes,
    };
    this.writerRows = 0;
    if (this.memoryBytes + data.length > this.memoryBytesMax) {
      this.file ??= await openNameless(this.directory);
      await this.file.write(data, 0, data.length, this.fileBytes);
      this.fileBytes += data.length;
      page.data = undefined;
    } else this.memoryBytes += data.length;
    this.pages.push(page);
  }

  /** The first rows of [from, to), or with `reverse` the last ones, backwards: as many as one page has. */
  async block(from: number, to: number, reverse: boolean, settings: TextSettings): Promise<RowBlock> {
    const row = reverse ? to - 1 : from;
    const page = this.pages.findLast((p) => p.firstRow <= row && row < p.firstRow + p.rows);
    // Not in a page yet: still in the writer.
    const firstRow = page?.firstRow ?? this.rows - this.writerRows;
    const endRow = page === undefined ? this.rows : firstRow + page.rows;
    const data =
      page === undefined
        ? Buffer.from(this.writer.bytes.subarray(0, this.writer.length))
        : await this.read(page);
    const starts = rowStarts(data, Math.max(from, firstRow) - firstRow, Math.min(to, endRow) - firstRow);
    if (reverse) starts.reverse();
    return this.rowsAt(data, starts, settings);
  }

  private async read(page: Page): Promise<Buffer> {
    if (page.data !== undefined) return page.data;
    const data = Buffer.allocUnsafe(page.bytes);
    const { bytesRead } = await this.file!.read(data, 0, page.bytes, page.offset);
    if (bytesRead !== page.bytes) throw new Error('a spooled page could not be read');
    return data;
  }

  private rowsAt(data: Buffer, starts: readonly number[], settings: TextSettings): RowBlock {
    return {
      rows: starts.length,
      dataRows: (w, from, to, formats) => {
        for (let r = from; r < to; r++) this.writeRow(w, data, starts[r]!, formats, settings);
      },
      copyLines: () => {
        throw new Error('rows of a cursor are not copied');
      },
      copyTuples: () => {
        throw new Error('rows of a cursor are not copied');
      },
      release: () => undefined,
    };
  }

  private writeRow(
    w: ByteWriter,
    data: Buffer,
    start: number,
    formats: readonly FormatCode[],
    settings: TextSettings,
  ): void {
    const begin = w.length;
    w.copy(data, start, HEADER_BYTES + 2);
    let at = start + HEADER_BYTES + 2;
    for (const [c, type] of this.types.entries()) {
      const length = data.readInt32BE(at);
      at += 4;
      const wanted = formats[c] ?? 0;
      if (length < 0 || wanted === this.formats[c]) {
        w.i32(length);
        if (length > 0 && wanted === 0) w.copyText(data, at, length);
        else if (length > 0) w.copy(data, at, length);
      } else {
        const lengthAt = w.length;
        w.i32(0);
        const bytes = data.subarray(at, at + length);
        if (wanted === 0) w.text(formatText(type, readBinary(type, bytes, { settings, leftOver }), settings));
        else writeBinary(w, type, parseText(type, bytes.toString('utf8'), settings), settings);
        w.patchI32(lengthAt, w.length - lengthAt - 4);
      }
      at += Math.max(0, length);
    }
    w.patchI32(begin + 1, w.length - begin - 1);
  }

  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    this.pages.length = 0;
    await file?.close();
  }
}

function leftOver(): Error {
  return new Error('a spooled value has more bytes than its type');
}

/** Where the messages of rows [first, end) begin. */
function rowStarts(data: Buffer, first: number, end: number): number[] {
  const starts: number[] = [];
  for (let at = 0, row = 0; row < end; row++) {
    if (row >= first) starts.push(at);
    at += 1 + data.readInt32BE(at + 1);
  }
  return starts;
}

async function openNameless(directory: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `rows-${process.pid}-${files++}`);
  const file = await open(path, 'wx+');
  await rm(path);
  return file;
}
