/** The CopyIn call: blocks of text, parsed on threads, into the source of the COPY's slice.
 *
 *  Owns: how many blocks are parsed at once, and their order: the first block that fails in line order gives the error.
 *  Not reading the call further is the back-pressure. */
import type { ServerReadableStream } from '@grpc/grpc-js';
import type { EvalSettings } from '../engine/api.js';
import type { CopyInOpen } from '../exchange/control-messages.js';
import { pack, unpack } from '../exchange/grpc/codec.js';
import type { CopyBlock, CopyResult } from '../exchange/grpc/services.js';
import type { Batch } from '../types/memory.js';
import { errorToWire, SqlError } from '../types/sql-error.js';
import type { CopySource } from './copy-source.js';
import type { Executor } from './executor.js';
import type { ParsePool } from './parse-pool.js';

const NO_ERROR = Buffer.alloc(0);

export async function copyIn(
  call: ServerReadableStream<CopyBlock, CopyResult>,
  executor: Executor,
  parser: ParsePool,
): Promise<CopyResult> {
  const hungUp = new AbortController();
  const broken = new SqlError('08006', 'the COPY stream of the master broke');
  call.on('cancelled', () => hungUp.abort(broken));
  let source: CopySource | undefined;
  let rows = 0;
  const parsing: Promise<Batch>[] = [];
  try {
    let open: CopyInOpen<EvalSettings> | undefined;
    let ended = false;
    const deliver = async (): Promise<void> => {
      const parsed = await parsing.shift()!;
      rows += parsed.rows;
      await source!.offer(parsed);
    };
    for await (const block of call as AsyncIterable<CopyBlock>) {
      if ('open' in block) {
        open = unpack<CopyInOpen<EvalSettings>>(block.open);
        source = await executor.copySource(open.queryId, hungUp.signal);
      } else if ('text' in block) {
        const { columns, options, table, settings } = open!;
        const parsed = parser.parse({
          lines: block.text.data,
          firstLine: Number(block.text.first_line),
          options,
          columns,
          context: { table, settings },
        });
        parsed.catch(() => undefined);
        parsing.push(parsed);
        if (parsing.length > parser.threads) await deliver();
        if (source!.closed) break;
      } else ended = true;
    }
    while (parsing.length > 0) await deliver();
    if (!ended) throw broken;
    source!.end();
    return { rows: String(rows), error: NO_ERROR };
  } catch (e) {
    // Nobody waits for these any more.
    for (const p of parsing) void p.then((batch) => batch.release()).catch(() => undefined);
    const error = hungUp.signal.aborted ? broken : e;
    // A bad line: the master ends the query when it has heard from all segments which bad line is the first.
    if (error === broken) source?.fail(error);
    return { rows: '0', error: pack(errorToWire(error)) };
  }
}
