/** Sending a statement's rows to the client in pieces that its socket can take. */
import type { ByteWriter } from '../wire/byte-writer.js';
import type { FormatCode } from '../wire/messages.js';
import type { ClientOutput } from './client-output.js';
import type { RowBlock, RowStream } from './rows.js';

const ROWS_PER_STEP = 512;
const PIECE_BYTES = 64 * 1024;

export type SendState = { block: RowBlock | undefined; offset: number };

/** Sends up to `max` rows (0: all). `state` keeps what was pulled and not sent. */
export async function sendRows(
  stream: RowStream,
  state: SendState,
  formats: readonly FormatCode[],
  max: number,
  output: ClientOutput,
  writer: ByteWriter,
  signal: AbortSignal,
): Promise<{ readonly rows: number; readonly more: boolean }> {
  let rows = 0;
  for (;;) {
    // At the limit the portal is suspended even if no row is left: PostgreSQL does not look ahead either.
    if (max > 0 && rows >= max) {
      flush(output, writer);
      return { rows, more: true };
    }
    if (state.block === undefined) {
      state.block = await stream.next();
      state.offset = 0;
      if (state.block === undefined) {
        flush(output, writer);
        return { rows, more: false };
      }
    }
    const { block } = state;
    while (state.offset < block.rows) {
      if (max > 0 && rows >= max) break;
      const wanted = max > 0 ? max - rows : block.rows;
      const to = Math.min(block.rows, state.offset + Math.min(wanted, ROWS_PER_STEP));
      try {
        block.dataRows(writer, state.offset, to, formats);
      } catch (e) {
        // Half a row must not be sent.
        writer.length = 0;
        throw e;
      }
      rows += to - state.offset;
      state.offset = to;
      if (writer.length >= PIECE_BYTES) {
        flush(output, writer);
        await output.drained(signal);
      }
    }
    if (state.offset < block.rows) continue;
    block.release();
    state.block = undefined;
  }
}

function flush(output: ClientOutput, writer: ByteWriter): void {
  if (writer.length > 0) output.write(writer.take());
}
