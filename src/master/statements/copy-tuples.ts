/** A binary COPY's input cut into blocks of whole tuples, for segments to parse.
 *
 *  Owns: the header, and where tuples end. Must not know: what fields hold. Bytes that are no tuple go into the last block, so
 *  that the segment that has it finds the fault, and among the faults of all blocks the first one is named. Invariants: blocks in
 *  order contain every tuple exactly once; memory is bounded by a block and the longest tuple. */
import { binaryHeaderBytes, scanTuples, wrongExtension } from '../../types/copy-binary.js';
import { SqlError } from '../../types/sql-error.js';
import type { CopyLines } from '../dispatch/api.js';
import { BLOCK_BYTES, type BlockSplitter, LINE_BYTES_MAX } from './copy-lines.js';

export class CopyTupleSplitter implements BlockSplitter {
  private readonly columns: number;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  /** Bytes that must be there before it is worth looking again. */
  private wantedBytes = BLOCK_BYTES;
  private headerSeen = false;
  /** Of the header, bytes that have not come. */
  private toSkip = 0;
  /** 1-based number of the first tuple that was not given out. */
  line = 1;
  ended = false;

  constructor(columns: number) {
    this.columns = columns;
  }

  push(chunk: Buffer): CopyLines | undefined {
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    if (!this.headerSeen) {
      const bytes = this.gather();
      const header = binaryHeaderBytes(bytes, false);
      this.keep(bytes);
      if (header === undefined) return undefined;
      this.headerSeen = true;
      this.toSkip = header;
    }
    if (this.toSkip > 0) {
      const bytes = this.gather();
      const skipped = Math.min(this.toSkip, bytes.length);
      this.toSkip -= skipped;
      this.keep(bytes.subarray(skipped));
    }
    if (this.pendingBytes < this.wantedBytes) return undefined;
    const bytes = this.gather();
    const scan = scanTuples(bytes, 0, this.columns);
    if (scan.over) {
      this.keep(bytes);
      return this.finish();
    }
    this.checkLength(bytes.length - scan.end);
    this.keep(bytes.subarray(scan.end));
    this.wantedBytes = Math.max(BLOCK_BYTES, 2 * this.pendingBytes);
    return this.given(bytes.subarray(0, scan.end), scan.rows);
  }

  /** The last block: whatever is left. */
  finish(): CopyLines | undefined {
    if (this.ended) return undefined;
    this.ended = true;
    let bytes = this.gather();
    if (!this.headerSeen) bytes = bytes.subarray(binaryHeaderBytes(bytes, true)!);
    if (this.toSkip > 0) throw wrongExtension();
    return this.given(bytes, 0);
  }

  /** Of input that begins with a tuple, or with the header: offset just past its last whole tuple, or -1. */
  wholeLines(bytes: Buffer): number {
    const from = this.headerSeen ? 0 : binaryHeaderBytes(bytes, false);
    if (from === undefined || from > bytes.length) return -1;
    const scan = scanTuples(bytes, from, this.columns);
    if (scan.over) return bytes.length;
    return scan.end > 0 ? scan.end : -1;
  }

  block(tuples: Buffer): CopyLines | undefined {
    let from = 0;
    if (!this.headerSeen) {
      from = binaryHeaderBytes(tuples, true)!;
      this.headerSeen = true;
    }
    const scan = scanTuples(tuples, from, this.columns);
    this.ended = scan.over;
    return this.given(tuples.subarray(from), scan.rows);
  }

  private given(bytes: Buffer, rows: number): CopyLines | undefined {
    const firstLine = this.line;
    this.line += rows;
    return bytes.length === 0 ? undefined : { bytes, firstLine };
  }

  private checkLength(bytes: number): void {
    if (bytes > LINE_BYTES_MAX)
      throw new SqlError('54000', `COPY line ${this.line} is longer than ${LINE_BYTES_MAX} bytes`);
  }

  private gather(): Buffer {
    const bytes = this.pending.length === 1 ? this.pending[0]! : Buffer.concat(this.pending);
    this.pending = [];
    this.pendingBytes = 0;
    return bytes;
  }

  private keep(bytes: Buffer): void {
    this.pending = [bytes];
    this.pendingBytes = bytes.length;
  }
}
