/** COPY FROM: the client's data or a server file, in blocks of whole lines, to the segments that parse and place them.
 *
 *  Invariant: on any error nothing is loaded. Source: PostgreSQL, COPY. */

import type { Gxid } from '../../types/ids.js';
import { SqlError } from '../../types/sql-error.js';
import type { Value } from '../../types/value.js';
import type { CopyStream } from '../dispatch/api.js';
import { evaluateConstant } from '../session/evaluate.js';
import type { Prepared } from '../session/prepared.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';
import { CopyLineSplitter } from './copy-lines.js';
import { load, widenCatalog } from './load.js';
import { withLocks } from './plan.js';
import { tableTarget } from './refresh.js';
import { readServerFile } from './server-file.js';
import type { Statement } from './statement.js';

export async function runCopyFrom(
  session: Session,
  prepared: Prepared,
  context: RunContext,
): Promise<number> {
  const locked = await withLocks(session, prepared, context, 'shared', (statement) => {
    if (statement.kind !== 'copyFrom') throw new Error('not COPY FROM');
    return { value: statement, oids: [statement.table.oid] };
  });
  try {
    const statement = locked.value;
    return await load(session, (gxid) => copyLines(session, statement, gxid, context), widenCatalog(session));
  } finally {
    locked.release();
  }
}

async function copyLines(
  session: Session,
  s: Statement<'copyFrom'>,
  gxid: Gxid,
  context: RunContext,
): Promise<number> {
  const { catalog: _, ...settings } = context.functions;
  const stream = session.services.dispatcher.copyIn({
    queryId: session.services.newQueryId(),
    gxid,
    table: tableTarget(s.table),
    ordinals: s.columns,
    defaults: s.defaults.map((d): Value | undefined =>
      d === undefined ? undefined : evaluateConstant(d, context.functions),
    ),
    options: s.options,
    settings,
    signal: context.signal,
  });
  const source =
    s.from.kind === 'stdin'
      ? session.output.copyIn(s.columns.length, context.signal)
      : readServerFile(s.from.path);
  try {
    await feed(source, new CopyLineSplitter(s.options), stream, context.signal);
    return (await stream.end()).rows;
  } catch (e) {
    await stream.abort(e);
    throw s.from.kind === 'file' ? withFile(e, s.from.path) : e;
  }
}

async function feed(
  source: AsyncIterable<Buffer>,
  splitter: CopyLineSplitter,
  stream: CopyStream,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of source) {
    if (signal.aborted) throw signal.reason;
    const block = splitter.push(chunk);
    if (block !== undefined) await stream.write(block.bytes, block.firstLine);
  }
  const last = splitter.finish();
  if (last !== undefined) await stream.write(last.bytes, last.firstLine);
}

/** Says which file a bad line is in. */
function withFile(e: unknown, path: string): unknown {
  if (!(e instanceof SqlError) || e.where === undefined) return e;
  return new SqlError(e.code, e.message, {
    detail: e.detail,
    hint: e.hint,
    position: e.position,
    where: `${e.where}\nfile "${path}"`,
    table: e.table,
    column: e.column,
  });
}
