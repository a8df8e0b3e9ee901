/** COPY TO: a table or query as lines of text or CSV, to the client or into a server file. */
import { formatCopyRow } from '../../types/copy-format.js';
import type { CopyOptions } from '../../types/copy-options.js';
import type { Prepared } from '../session/prepared.js';
import type { RowStream } from '../session/rows.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { COPY_DONE, copyResponse } from '../wire/messages.js';
import { planSelect, withLocks } from './plan.js';
import { runPlan } from './query.js';
import { createServerFile } from './server-file.js';

const COPY_DATA = 100;

export async function runCopyTo(session: Session, prepared: Prepared, context: RunContext): Promise<number> {
  const locked = await withLocks(session, prepared, context, 'shared', (statement) => {
    if (statement.kind !== 'copyTo') throw new Error('not COPY TO');
    const names = statement.query.output.map((o) => o.name);
    const plan = planSelect(session, statement.query.plan, names, statement.paramTypes, context);
    return { value: { statement, plan, names }, oids: plan.assumes.map((a) => a.oid) };
  });
  const { statement, plan, names } = locked.value;
  const { to, options } = statement;
  const { stream } = runPlan(session, plan, locked.snapshot, context, locked.release);
  try {
    if (to.kind === 'file') return await writeFile(stream, to.path, options, names);
    return await sendToClient(session, stream, options, names, context.signal);
  } finally {
    await stream.close();
  }
}

async function sendToClient(
  session: Session,
  stream: RowStream,
  options: CopyOptions,
  names: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const { output } = session;
  const writer = new ByteWriter(64 * 1024);
  // An error before the first row must not come inside of COPY data.
  let block = await stream.next();
  output.write(copyResponse('H', names.length));
  if (options.header) {
    writer.u8(COPY_DATA);
    writer.i32(0);
    writer.text(headerLine(names, options));
    writer.patchI32(1, writer.length - 1);
  }
  let rows = 0;
  while (block !== undefined) {
    try {
      block.copyLines(writer, options, true);
      rows += block.rows;
    } finally {
      block.release();
    }
    output.write(writer.take());
    await output.drained(signal);
    block = await stream.next();
  }
  if (writer.length > 0) output.write(writer.take());
  output.write(COPY_DONE);
  return rows;
}

/** Names are quoted as values are, but never forced. */
function headerLine(names: readonly string[], options: CopyOptions): string {
  return formatCopyRow(names, { ...options, forceQuote: [] });
}

async function writeFile(
  stream: RowStream,
  path: string,
  options: CopyOptions,
  names: readonly string[],
): Promise<number> {
  const file = await createServerFile(path);
  try {
    const writer = new ByteWriter(64 * 1024);
    if (options.header) writer.text(headerLine(names, options));
    let rows = 0;
    for (let block = await stream.next(); block !== undefined; block = await stream.next()) {
      try {
        block.copyLines(writer, options, false);
        rows += block.rows;
      } finally {
        block.release();
      }
      await file.appendFile(writer.take());
    }
    if (writer.length > 0) await file.appendFile(writer.take());
    return rows;
  } finally {
    await file.close();
  }
}
