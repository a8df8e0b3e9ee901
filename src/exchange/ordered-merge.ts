/** The k-way ordered merge: sorted streams in, one sorted stream of row references out.
 *
 *  Owns: a loser tree over the streams' heads, galloping within a batch, and references on the batches that a run
 *  points to. Must not know: where batches come from. Invariants: rows come in order of the keys, ties in order of the
 *  inputs and then of arrival (the merge equals a stable sort of the inputs laid end to end); a batch is released when its
 *  rows are merged and every run over it is released, so memory is bounded by k batches and the runs in use.
 *  Source: Knuth, TAOCP 3, 5.4.1; galloping as in Peters' listsort. */
import type { Batch, BatchSource, ColumnLayout, MemoryPool } from '../types/memory.js';
import { type KeyColumn, type MergeKey, RowComparator } from './row-comparator.js';

/** A run of merged rows: `address` holds `rows` pairs (batch descriptor u32, row u32). As the engine declares it. */
export interface MergedRun {
  readonly address: number;
  readonly rows: number;
  release(): void;
}

const RUN_ROWS = 8192;

/** `run`: number of the last run that points into the batch. */
type Held = { readonly batch: Batch; references: number; run: number };

type Input = {
  readonly source: BatchSource;
  held: Held | undefined;
  columns: readonly KeyColumn[];
  row: number;
  ended: boolean;
};

export class OrderedMerge {
  readonly layout: readonly ColumnLayout[];
  private readonly pool: MemoryPool;
  private readonly runRows: number;
  private readonly inputs: Input[];
  private readonly comparator: RowComparator;
  /** `tree[0]` is the winner, `tree[t]` the loser of the match at inner node t. */
  private readonly tree: Int32Array;
  private built = false;
  private runs = 0;
  private closed = false;
  private failure: unknown;
  private failed = false;

  /** Each input is sorted by `keys`. The merge owns the inputs and closes them. */
  constructor(
    inputs: readonly BatchSource[],
    keys: readonly MergeKey[],
    layout: readonly ColumnLayout[],
    pool: MemoryPool,
    runRows = RUN_ROWS,
  ) {
    this.layout = layout;
    this.pool = pool;
    this.runRows = runRows;
    this.inputs = inputs.map((source) => ({ source, held: undefined, columns: [], row: 0, ended: false }));
    this.comparator = new RowComparator(keys, layout, pool);
    this.tree = new Int32Array(Math.max(1, inputs.length));
  }

  /** A run owned by the caller until released. Throws the error of an input, again and again. */
  next(): MergedRun | 'wait' | 'end' {
    if (this.failed) throw this.failure;
    if (this.closed) return 'end';
    try {
      return this.merge();
    } catch (e) {
      this.failed = true;
      this.failure = e;
      throw e;
    }
  }

  onReady(callback: () => void): void {
    for (const input of this.inputs) input.source.onReady(callback);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const input of this.inputs) {
      this.letGo(input);
      input.source.close();
    }
  }

  private merge(): MergedRun | 'wait' | 'end' {
    if (!this.built) {
      for (const input of this.inputs) if (!this.fill(input)) return 'wait';
      this.comparator.refresh();
      this.build();
    }
    const first = this.winner();
    if (first === undefined) return 'end';
    // The winner has no row only when its stream had no batch ready at the end of the last run.
    if (first.held === undefined && !this.refill(first)) return 'wait';
    if (this.winner() === undefined) return 'end';

    const address = this.pool.alloc(this.runRows * 8);
    this.comparator.refresh();
    const used: Held[] = [];
    this.runs++;
    let rows = 0;
    try {
      while (rows < this.runRows) {
        const input = this.winner();
        if (input === undefined || (input.held === undefined && !this.refill(input))) break;
        // The refill may have ended the stream, or brought a row that does not win.
        if (this.winner() !== input) continue;
        const held = input.held!;
        const count = this.gallop(input, Math.min(this.runRows - rows, held.batch.rows - input.row));
        if (held.run !== this.runs) {
          held.run = this.runs;
          used.push(held);
          held.references++;
        }
        const u32 = this.pool.u32;
        let at = (address >>> 2) + rows * 2;
        for (let row = input.row, end = row + count; row < end; row++) {
          u32[at++] = held.batch.address;
          u32[at++] = row;
        }
        rows += count;
        input.row += count;
        if (input.row < held.batch.rows) this.replay(this.tree[0]!);
        else this.letGo(input);
      }
    } catch (e) {
      this.pool.free(address);
      for (const held of used) release(held);
      throw e;
    }
    if (rows === 0) {
      this.pool.free(address);
      return this.winner() === undefined ? 'end' : 'wait';
    }
    let released = false;
    return {
      address,
      rows,
      release: () => {
        if (released) throw new Error('a run was released twice');
        released = true;
        this.pool.free(address);
        for (const held of used) release(held);
      },
    };
  }

  /** The input whose row is next; undefined when all have ended. An input that waits for a batch stays the winner: without its row
   *  nothing may go out. */
  private winner(): Input | undefined {
    const input = this.inputs[this.tree[0]!];
    return input === undefined || input.ended ? undefined : input;
  }

  private letGo(input: Input): void {
    const held = input.held;
    input.held = undefined;
    if (held !== undefined) release(held);
  }

  /** Gives an input its next batch; false when it has none ready. Empty batches are passed over. */
  private fill(input: Input): boolean {
    while (input.held === undefined && !input.ended) {
      const batch = input.source.next();
      if (batch === 'wait') return false;
      if (batch === 'end') input.ended = true;
      else if (batch.rows === 0) batch.release();
      else {
        input.held = { batch, references: 1, run: 0 };
        input.columns = this.comparator.columnsOf(batch.address);
        input.row = 0;
      }
    }
    return true;
  }

  private refill(input: Input): boolean {
    if (!this.fill(input)) return false;
    this.comparator.refresh();
    this.replay(this.inputs.indexOf(input));
    return true;
  }

  /** Does the head of input `a` go before that of `b`? Ended inputs go last. */
  private before(a: number, b: number): boolean {
    const x = this.inputs[a]!;
    const y = this.inputs[b]!;
    if (x.ended || y.ended) return !x.ended || (y.ended && a < b);
    const order = this.comparator.compare(x.columns, x.row, y.columns, y.row);
    return order !== 0 ? order < 0 : a < b;
  }

  private build(): void {
    const k = this.inputs.length;
    this.built = true;
    if (k === 0) return;
    // Winners of all nodes bottom up: leaf i is node k + i.
    const winners = new Int32Array(2 * k);
    for (let i = 0; i < k; i++) winners[k + i] = i;
    for (let t = k - 1; t >= 1; t--) {
      const a = winners[2 * t]!;
      const b = winners[2 * t + 1]!;
      const aWins = this.before(a, b);
      winners[t] = aWins ? a : b;
      this.tree[t] = aWins ? b : a;
    }
    this.tree[0] = winners[1]!;
  }

  /** The head of input `i`, the last winner, has changed: plays its matches anew. */
  private replay(i: number): void {
    const k = this.inputs.length;
    let winner = i;
    for (let t = (i + k) >> 1; t >= 1; t >>= 1) {
      const other = this.tree[t]!;
      if (this.before(other, winner)) {
        this.tree[t] = winner;
        winner = other;
      }
    }
    this.tree[0] = winner;
  }

  /** How many rows of the winner, from its head on and at most `limit`, go before every other input's head. */
  private gallop(input: Input, limit: number): number {
    const k = this.inputs.length;
    const self = this.tree[0]!;
    let rival = -1;
    for (let t = (self + k) >> 1; t >= 1; t >>= 1) {
      const other = this.tree[t]!;
      if (rival < 0 || this.before(other, rival)) rival = other;
    }
    if (rival < 0 || this.inputs[rival]!.ended) return limit;
    const r = this.inputs[rival]!;
    const goes = (offset: number): boolean => {
      const order = this.comparator.compare(input.columns, input.row + offset, r.columns, r.row);
      return order !== 0 ? order < 0 : self < rival;
    };
    // Row `known` goes, row `bound` does not (or is the limit).
    let known = 0;
    let step = 1;
    while (known + step < limit && goes(known + step)) {
      known += step;
      step *= 2;
    }
    let bound = Math.min(limit, known + step);
    while (bound - known > 1) {
      const middle = (known + bound) >> 1;
      if (goes(middle)) known = middle;
      else bound = middle;
    }
    return bound;
  }
}

function release(held: Held): void {
  if (--held.references === 0) held.batch.release();
}
