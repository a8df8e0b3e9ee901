/** What a session may say to its client: implemented by the wire connection, faked in tests.
 *
 *  Invariant: `write` never waits; whoever produces much asks `drained()` between pieces, which is how back-pressure
 *  reaches the running query. */
import type { Charset } from '../../types/charset.js';
import type { FormatCode, NoticeFields } from '../wire/messages.js';

export interface ClientOutput {
  /** The client's encoding; undefined: UTF-8. */
  readonly charset: Charset | undefined;
  /** Whole backend messages. */
  write(message: Buffer): void;
  /** Resolves when the client has taken enough of what was written; at once when nothing waits. Rejects when
   *  `signal` aborts or the client is gone. */
  drained(signal: AbortSignal): Promise<void>;
  notice(notice: NoticeFields): void;
  parameterStatus(name: string, value: string): void;
  /** COPY FROM STDIN: asks for data; each piece is a CopyData body. Ends at CopyDone, throws 57014 at CopyFail and
   *  when `signal` aborts. Leaving the loop early makes the connection skip what is still coming. */
  copyIn(columns: number, format: FormatCode, signal: AbortSignal): AsyncIterable<Buffer>;
}
