/** Parsed lines of a COPY as the source of its slice: filled by the CopyIn call, emptied by the engine.
 *
 *  Invariant: at most BATCHES_MAX batches wait; `offer` resolves when there is room again. */
import { encodingOf } from '../types/columnar.js';
import type { Batch, BatchSource, ColumnLayout } from '../types/memory.js';
import type { SqlType } from '../types/sql-type.js';

const BATCHES_MAX = 4;

export class CopySource implements BatchSource {
  readonly layout: readonly ColumnLayout[];
  private queue: Batch[] = [];
  private ended = false;
  private failure: { readonly error: unknown } | undefined;
  private ready: () => void = () => undefined;
  private room: (() => void) | undefined;
  closed = false;

  constructor(types: readonly SqlType[]) {
    this.layout = types.map((t) => ({ encoding: encodingOf(t), nullable: true }));
  }

  /** The batch is the source's from now on. */
  async offer(batch: Batch): Promise<void> {
    while (this.queue.length >= BATCHES_MAX && !this.closed)
      await new Promise<void>((resolve) => {
        this.room = resolve;
      });
    if (this.closed || batch.rows === 0) {
      batch.release();
      return;
    }
    this.queue.push(batch);
    this.ready();
  }

  end(): void {
    this.ended = true;
    this.ready();
  }

  fail(error: unknown): void {
    this.failure ??= { error };
    this.ready();
  }

  next(): Batch | 'wait' | 'end' {
    if (this.failure !== undefined) throw this.failure.error;
    const batch = this.queue.shift();
    if (batch === undefined) return this.ended || this.closed ? 'end' : 'wait';
    this.makeRoom();
    return batch;
  }

  onReady(callback: () => void): void {
    this.ready = callback;
  }

  close(): void {
    this.closed = true;
    for (const b of this.queue.splice(0)) b.release();
    this.makeRoom();
  }

  private makeRoom(): void {
    this.room?.();
    this.room = undefined;
  }
}
