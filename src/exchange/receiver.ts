/** All senders of one motion at one receiver: as a single unordered source, or one source for each sender. */
import { type MotionColumn, motionLayout } from '../types/arrow/batch-message.js';
import type { MotionId, QueryId, SegmentId } from '../types/ids.js';
import type { Batch, BatchSource, ColumnLayout, MemoryPool } from '../types/memory.js';
import { InboundStream } from './inbound-stream.js';

/** A column of the motion's schema; a plan's `Column` is one. */
export type ReceivedColumn = MotionColumn & { readonly nullable: boolean };

export type ReceiverSpec = {
  readonly queryId: QueryId;
  readonly motion: MotionId;
  readonly columns: readonly ReceivedColumn[];
  readonly senders: readonly SegmentId[];
};

export class MotionReceiver {
  readonly layout: readonly ColumnLayout[];
  readonly streams: readonly InboundStream[];

  constructor(spec: ReceiverSpec, pool: MemoryPool) {
    this.layout = motionLayout(spec.columns).map((l, i) => ({ ...l, nullable: spec.columns[i]!.nullable }));
    this.streams = spec.senders.map(
      (from) => new InboundStream(spec.motion, from, spec.columns, this.layout, pool),
    );
  }

  stream(from: SegmentId): InboundStream | undefined {
    return this.streams.find((s) => s.from === from);
  }

  unordered(): BatchSource {
    return new UnorderedSource(this.layout, this.streams);
  }

  close(): void {
    for (const s of this.streams) s.close();
  }
}

/** Any batch from any sender, in turn. */
class UnorderedSource implements BatchSource {
  readonly layout: readonly ColumnLayout[];
  private readonly streams: InboundStream[];
  private turn = 0;

  constructor(layout: readonly ColumnLayout[], streams: readonly InboundStream[]) {
    this.layout = layout;
    this.streams = [...streams];
  }

  next(): Batch | 'wait' | 'end' {
    for (let left = this.streams.length; left > 0; left--) {
      this.turn = (this.turn + 1) % this.streams.length;
      const batch = this.streams[this.turn]!.next();
      if (batch === 'end') this.streams.splice(this.turn, 1);
      else if (batch !== 'wait') return batch;
    }
    return this.streams.length === 0 ? 'end' : 'wait';
  }

  tellSenders(id: number, bits: Uint8Array): void {
    for (const s of this.streams) s.tellSender(id, bits);
  }

  onReady(callback: () => void): void {
    for (const s of this.streams) s.onReady(callback);
  }

  close(): void {
    for (const s of this.streams) s.close();
  }
}
