/** Gathers the rows of one statement and tells apart the last statement of several, as it must be known before it is shown. */
import type { ResultSet, ServerField, ServerMessage } from '../wire/messages.js';

export type Finished =
  | { readonly kind: 'rows'; readonly result: ResultSet; readonly tag: string }
  | { readonly kind: 'command'; readonly tag: string; readonly copiedToOutput?: boolean }
  | { readonly kind: 'empty' };

/** Calls `show` for each result, in order, with whether it is the last of the query. */
export class Collector {
  failure: ServerMessage | undefined;
  private fields: readonly ServerField[] | undefined;
  private rows: (string | null)[][] = [];
  private held: Finished | undefined;
  private readonly show: (result: Finished, last: boolean) => void;

  constructor(show: (result: Finished, last: boolean) => void) {
    this.show = show;
  }

  onFields(fields: readonly ServerField[]): void {
    this.fields = fields;
    this.rows = [];
  }

  onRow(row: (string | null)[]): void {
    this.rows.push(row);
  }

  get rowsSoFar(): number {
    return this.rows.length;
  }

  onComplete(tag: string, copiedToOutput = false): void {
    const { fields, rows } = this;
    this.fields = undefined;
    this.rows = [];
    this.hold(
      fields === undefined
        ? { kind: 'command', tag, copiedToOutput }
        : { kind: 'rows', tag, result: { fields, rows } },
    );
  }

  onEmpty(): void {
    this.hold({ kind: 'empty' });
  }

  onError(e: ServerMessage): void {
    this.flush(false);
    this.failure ??= e;
    this.fields = undefined;
    this.rows = [];
  }

  /** No more comes. */
  end(): void {
    this.flush(true);
  }

  private hold(next: Finished): void {
    this.flush(false);
    this.held = next;
  }

  private flush(last: boolean): void {
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) this.show(held, last);
  }
}
