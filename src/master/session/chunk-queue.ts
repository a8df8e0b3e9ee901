/** The sink of a query's last slice: finished chunks wait here until the client's side pulls them.
 *
 *  Invariant: not `ready` while chunks wait, so a slow client stops the query with a few chunks in memory. Every
 *  chunk is either pulled or released. */
import type { ChunkSink } from '../../engine/api.js';
import type { OutChunk } from '../../types/memory.js';

const CHUNKS_WAITING_MAX = 4;

export class ChunkQueue implements ChunkSink {
  done = false;
  private readonly chunks: OutChunk[] = [];
  private readyCallback: (() => void) | undefined;
  private wake: (() => void) | undefined;
  private finished = false;
  private failure: { readonly error: unknown } | undefined;
  private outside = 0;
  private delivered: (() => void) | undefined;

  push(chunk: OutChunk): void {
    if (this.done || this.failure !== undefined || chunk.rows === 0) {
      chunk.release();
      return;
    }
    this.chunks.push(chunk);
    this.wakeUp();
  }

  ready(): boolean {
    return this.chunks.length < CHUNKS_WAITING_MAX;
  }

  onReady(callback: () => void): void {
    this.readyCallback = callback;
  }

  /** Resolves when the last chunk has been pulled and released: chunks live in the query's memory. */
  finish(): Promise<void> {
    this.finished = true;
    this.wakeUp();
    if (this.chunks.length === 0 && this.outside === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.delivered = resolve;
    });
  }

  abort(error: unknown): void {
    this.fail(error);
  }

  // ---- the pulling side

  /** Ends the stream with an error, unless it has ended already. */
  fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { error };
    this.releaseAll();
  }

  /** No more chunks are wanted. */
  stop(): void {
    this.done = true;
    this.releaseAll();
    this.readyCallback?.();
  }

  /** The stream has ended well, with or without `finish`. */
  end(): void {
    this.finished = true;
    this.wakeUp();
  }

  async next(): Promise<OutChunk | undefined> {
    for (;;) {
      const chunk = this.chunks.shift();
      if (chunk !== undefined) {
        if (this.chunks.length === CHUNKS_WAITING_MAX - 1) this.readyCallback?.();
        return this.owned(chunk);
      }
      if (this.failure !== undefined) throw this.failure.error;
      if (this.finished || this.done) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Counts the chunk until its puller releases it. */
  private owned(chunk: OutChunk): OutChunk {
    this.outside++;
    let released = false;
    return {
      rows: chunk.rows,
      partition: chunk.partition,
      columns: chunk.columns,
      release: () => {
        if (released) return;
        released = true;
        chunk.release();
        this.outside--;
        this.settle();
      },
    };
  }

  private settle(): void {
    if (this.outside === 0 && this.chunks.length === 0) this.delivered?.();
  }

  private releaseAll(): void {
    for (const c of this.chunks.splice(0)) c.release();
    this.settle();
    this.wakeUp();
  }

  private wakeUp(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}
