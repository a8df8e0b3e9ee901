/** One execution of a statement as its caller (simple query or portal) sees it. */
import type { FunctionContext } from '../../types/functions/registry-types.js';
import type { Value } from '../../types/value.js';
import type { FieldDescription, FormatCode } from '../wire/messages.js';
import type { RowStream } from './rows.js';

export type StatementRun = {
  /** Undefined for statements without a result. */
  readonly fields: readonly FieldDescription[] | undefined;
  readonly stream: RowStream | undefined;
  /** Of the columns, where the client has not chosen; text when undefined. */
  readonly formats?: readonly FormatCode[] | undefined;
  /** The command tag once `rows` rows have been sent. */
  readonly tag: (rows: number) => string;
};

export function command(tag: string): StatementRun {
  return { fields: undefined, stream: undefined, tag: () => tag };
}

/** What a statement is run with. */
export type RunContext = {
  readonly signal: AbortSignal;
  readonly params: readonly Value[];
  readonly functions: FunctionContext;
};
