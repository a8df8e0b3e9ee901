/** A slice's sink that stores its rows in a table of this segment, under the load's gxid. */
import type { ChunkSink } from '../engine/api.js';
import type { TableWriter } from '../storage/table-writer.js';
import type { OutChunk } from '../types/memory.js';

export class InsertSink implements ChunkSink {
  readonly done = false;
  private readonly writer: TableWriter;
  private readonly onError: (error: unknown) => void;
  private failed = false;

  /** `onError`: a row that cannot be stored (23502), a full disk; the slice is then to be aborted. */
  constructor(writer: TableWriter, onError: (error: unknown) => void) {
    this.writer = writer;
    this.onError = onError;
  }

  get rows(): number {
    return this.writer.rows;
  }

  push(chunk: OutChunk): void {
    if (this.failed) {
      chunk.release();
      return;
    }
    try {
      this.writer.take(chunk);
    } catch (e) {
      this.failed = true;
      this.onError(e);
    }
  }

  ready(): boolean {
    return this.failed || this.writer.ready();
  }

  onReady(callback: () => void): void {
    this.writer.onReady(callback);
  }

  finish(): Promise<void> {
    return this.writer.finish();
  }

  abort(): void {
    this.failed = true;
    // The load's rollback waits for it and removes what it wrote.
    void this.writer.abort();
  }
}
