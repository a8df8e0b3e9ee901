/** A cursor: a query whose rows are fetched piece by piece, forwards, and backwards when it was declared SCROLL.
 *
 *  Owns: its position and the query that runs behind it. Without SCROLL rows go by once, at the pace of the client, and
 *  the query waits in between. With SCROLL, and when a WITH HOLD cursor's transaction ends, rows are kept (`RowSpool`).
 *  Positions: 0 before the first row, n on row n, one past the last row after it. Source: PostgreSQL, pquery.c
 *  (DoPortalRunFetch). */
import type { FetchDirection } from '../../plan/bind/statement.js';
import { SqlError } from '../../types/sql-error.js';
import type { TextSettings } from '../../types/text-io.js';
import type { FieldDescription } from '../wire/messages.js';
import { RowSpool } from './row-spool.js';
import type { RowBlock, RowStream } from './rows.js';

export type CursorOptions = {
  readonly name: string;
  readonly statement: string;
  readonly fields: readonly FieldDescription[];
  readonly binary: boolean;
  readonly scroll: boolean;
  readonly hold: boolean;
  readonly createdMicros: bigint;
  /** Savepoints that were open when it was declared. */
  readonly level: number;
  readonly spoolDirectory: string;
};

/** Rows `from` to `to`, one-based and inclusive, none when `to` is smaller; where the cursor is afterwards. */
type Wanted = {
  readonly from: number;
  readonly to: number;
  readonly reverse: boolean;
  readonly position: number;
};

export class Cursor {
  readonly options: CursorOptions;
  /** Ends the query. */
  readonly controller = new AbortController();
  private position = 0;
  private source: RowStream | undefined;
  /** Pulled and not handed out whole. */
  private block: RowBlock | undefined;
  private offset = 0;
  private ended = false;
  /** Rows that have been taken from the query. */
  private rowsPulled = 0;
  private spool: RowSpool | undefined;
  /** Row number of the first row in the spool. */
  private spoolStart = 1;
  private persisted = false;

  constructor(options: CursorOptions) {
    this.options = options;
    if (options.scroll) this.spool = this.newSpool();
  }

  /** Its query has been started, under `controller`. */
  open(source: RowStream): void {
    this.source = source;
  }

  private newSpool(): RowSpool {
    return new RowSpool(
      this.options.fields.map((f) => f.type),
      this.options.spoolDirectory,
    );
  }

  /** It was held by a transaction that has committed. */
  get outlives(): boolean {
    return this.persisted;
  }

  // ---------------------------------------------------------------- fetching

  /** The rows, while `signal` has not aborted; an abort ends the cursor's query. */
  fetch(direction: FetchDirection, count: number, settings: TextSettings, signal: AbortSignal): RowStream {
    const stream =
      this.spool === undefined
        ? this.streamed(this.forwardOnly(direction, count))
        : this.kept(direction, count, settings, this.spool);
    const guarded = async (): Promise<RowBlock | undefined> => {
      const onAbort = (): void => this.controller.abort(signal.reason);
      signal.throwIfAborted();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        return await stream.next();
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    };
    return { next: guarded, close: () => Promise.resolve() };
  }

  /** Moves as FETCH would; the number of rows that would have given. */
  async move(
    direction: FetchDirection,
    count: number,
    settings: TextSettings,
    signal: AbortSignal,
  ): Promise<number> {
    if (this.spool === undefined && count === 0 && direction !== 'absolute') return this.onRow() ? 1 : 0;
    const stream = this.fetch(direction, count, settings, signal);
    let rows = 0;
    for (let b = await stream.next(); b !== undefined; b = await stream.next()) {
      rows += b.rows;
      b.release();
    }
    return rows;
  }

  private onRow(): boolean {
    return this.position > 0 && !(this.ended && this.position > this.rowsPulled);
  }

  /** Rows to pass over, then rows to give. Throws 55000 for a way back. */
  private forwardOnly(direction: FetchDirection, count: number): { skip: number; take: number } {
    switch (direction) {
      case 'forward':
      case 'backward': {
        const n = direction === 'forward' ? count : -count;
        if (n > 0) return { skip: 0, take: n };
        if (n < 0 || this.onRow()) throw this.cannotGoBack();
        return { skip: 0, take: 0 };
      }
      case 'relative':
        if (count > 0) return { skip: count - 1, take: 1 };
        if (count < 0 || this.onRow()) throw this.cannotGoBack();
        return { skip: 0, take: 0 };
      case 'absolute':
        if (count > this.position) return { skip: count - this.position - 1, take: 1 };
        if (count === 0 && this.position === 0) return { skip: 0, take: 0 };
        throw this.cannotGoBack();
    }
  }

  private cannotGoBack(): SqlError {
    return new SqlError('55000', 'cursor can only scan forward', {
      hint: 'Declare it with SCROLL option to enable backward scan.',
    });
  }

  private streamed({ skip, take }: { skip: number; take: number }): RowStream {
    let toSkip = skip;
    let toTake = take;
    return {
      close: () => Promise.resolve(),
      next: async () => {
        while (toSkip > 0) {
          const passed = await this.nextPart(toSkip);
          if (passed === undefined) return undefined;
          toSkip -= passed.rows;
          passed.release();
        }
        if (toTake <= 0) return undefined;
        const part = await this.nextPart(toTake);
        if (part !== undefined) toTake -= part.rows;
        return part;
      },
    };
  }

  /** At most `most` of the rows that come next; undefined after the last. */
  private async nextPart(most: number): Promise<RowBlock | undefined> {
    if (!(await this.pull())) {
      this.position = this.rowsPulled + 1;
      return undefined;
    }
    const block = this.block!;
    const from = this.offset;
    const rows = Math.min(most, block.rows - from);
    this.offset += rows;
    this.position += rows;
    const last = this.offset === block.rows;
    if (last) this.block = undefined;
    return {
      rows,
      dataRows: (w, a, b, formats) => block.dataRows(w, from + a, from + b, formats),
      copyLines: () => {
        throw new Error('rows of a cursor are not copied');
      },
      copyTuples: () => {
        throw new Error('rows of a cursor are not copied');
      },
      release: () => {
        if (last) block.release();
      },
    };
  }

  /** Sees to a block with rows left; false at the end. */
  private async pull(): Promise<boolean> {
    while (this.block === undefined && !this.ended) {
      const block = await this.source!.next();
      this.offset = 0;
      if (block === undefined) {
        this.ended = true;
        await this.source!.close();
      } else {
        this.rowsPulled += block.rows;
        if (block.rows === 0) block.release();
        else this.block = block;
      }
    }
    return this.block !== undefined;
  }

  // ---------------------------------------------------------------- rows that are kept

  /** Pulls into the spool until row `n` is there, or all are. */
  private async keepUntil(spool: RowSpool, n: number): Promise<void> {
    while (this.spoolStart + spool.rows - 1 < n && (await this.pull())) {
      const block = this.block!;
      this.block = undefined;
      await spool.add(block, this.offset);
    }
  }

  private kept(direction: FetchDirection, count: number, settings: TextSettings, spool: RowSpool): RowStream {
    let wanted: Wanted | undefined;
    let next = 0;
    return {
      close: () => Promise.resolve(),
      next: async () => {
        if (wanted === undefined) {
          wanted = await this.locate(direction, count, spool);
          this.position = wanted.position;
          next = wanted.reverse ? wanted.to : wanted.from;
        }
        const { from, to, reverse } = wanted;
        if (reverse ? next < from : next > to) return undefined;
        const base = this.spoolStart;
        const block = reverse
          ? await spool.block(from - base, next - base + 1, true, settings)
          : await spool.block(next - base, to - base + 1, false, settings);
        next += reverse ? -block.rows : block.rows;
        return block;
      },
    };
  }

  private async locate(direction: FetchDirection, count: number, spool: RowSpool): Promise<Wanted> {
    const at = this.position;
    const none = (position: number): Wanted => ({ from: 1, to: 0, reverse: false, position });
    const last = async (): Promise<number> => {
      await this.keepUntil(spool, Number.POSITIVE_INFINITY);
      return this.spoolStart + spool.rows - 1;
    };
    const single = async (row: number): Promise<Wanted> => {
      if (row < 1) return none(0);
      if (row <= at && !this.options.scroll) throw this.cannotGoBack();
      await this.keepUntil(spool, row);
      const end = this.spoolStart + spool.rows - 1;
      if (row > end) return none(end + 1);
      return { from: row, to: row, reverse: false, position: row };
    };
    switch (direction) {
      case 'absolute':
        if (count < 0) {
          if (!this.options.scroll) throw this.cannotGoBack();
          return single((await last()) + 1 + count);
        }
        if (count === 0 && at > 0 && !this.options.scroll) throw this.cannotGoBack();
        return single(count);
      case 'relative':
        if (count === 0) return at === 0 ? none(0) : single(at);
        if (count < 0 && !this.options.scroll) throw this.cannotGoBack();
        return single(at + count);
      default: {
        const n = direction === 'forward' ? count : -count;
        if (n === 0) return at === 0 ? none(0) : single(at);
        if (n > 0) {
          await this.keepUntil(spool, at + n);
          const end = this.spoolStart + spool.rows - 1;
          const to = Math.min(at + n, end);
          return { from: at + 1, to, reverse: false, position: at + n > end ? end + 1 : at + n };
        }
        if (!this.options.scroll) throw this.cannotGoBack();
        const from = Math.max(1, at + n);
        return { from, to: at - 1, reverse: true, position: Math.max(0, at + n) };
      }
    }
  }

  // ---------------------------------------------------------------- its end

  /** Its transaction commits: what is left of the rows is kept, and the query ends. */
  async persist(): Promise<void> {
    if (this.persisted) return;
    if (this.spool === undefined) {
      this.spool = this.newSpool();
      this.spoolStart = Math.min(this.position, this.rowsPulled) + 1;
    }
    await this.keepUntil(this.spool, Number.POSITIVE_INFINITY);
    this.persisted = true;
  }

  async close(): Promise<void> {
    this.block?.release();
    this.block = undefined;
    this.ended = true;
    await this.source?.close();
    this.source = undefined;
    await this.spool?.close();
  }
}
