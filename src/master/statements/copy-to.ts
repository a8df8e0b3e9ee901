/** COPY TO: a table or query as lines of text or CSV, or as binary tuples, to the client or into a server file. */
import { type Charset, charsetNamed } from '../../types/charset.js';
import { SIGNATURE } from '../../types/copy-binary.js';
import { formatCopyRow } from '../../types/copy-format.js';
import type { CopyOptions } from '../../types/copy-options.js';
import type { Prepared } from '../session/prepared.js';
import type { RowBlock, RowStream } from '../session/rows.js';
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
  const { to, options, encoding } = statement;
  const { stream } = runPlan(session, plan, locked.snapshot, context, locked.release);
  try {
    const writer = new CopyWriter(options, names, to.kind === 'stdout', session.output.charset, encoding);
    if (to.kind === 'file') return await writeFile(stream, to.path, writer);
    return await sendToClient(session, stream, writer, names.length, context.signal);
  } finally {
    await stream.close();
  }
}

/** The bytes of a COPY, in messages when they are `framed`. */
class CopyWriter {
  readonly out = new ByteWriter(64 * 1024);
  readonly binary: boolean;
  private readonly options: CopyOptions;
  private readonly names: readonly string[];
  private readonly framed: boolean;
  private readonly charset: Charset | undefined;

  constructor(
    options: CopyOptions,
    names: readonly string[],
    framed: boolean,
    client: Charset | undefined,
    encoding: string | undefined,
  ) {
    this.options = options;
    this.names = names;
    this.framed = framed;
    this.binary = options.format === 'binary';
    this.charset = encoding === undefined ? client : charsetNamed(encoding);
    // In tuples only fields are text; ENCODING is not for them.
    if (this.binary) this.out.charset = client;
  }

  begin(): void {
    const { out, options, names } = this;
    if (this.binary)
      this.message(() => {
        out.copy(SIGNATURE, 0, SIGNATURE.length);
        // No flags, no extension.
        out.i64(0n);
      });
    else if (options.header !== false)
      this.message((from) => {
        // Names are quoted as values are, but never forced.
        out.text(formatCopyRow(names, { ...options, forceQuote: [] }));
        out.convertTo(this.charset, from);
      });
  }

  rows(block: RowBlock): number {
    try {
      if (this.binary) block.copyTuples(this.out, this.framed);
      else block.copyLines(this.out, this.options, this.framed, this.charset);
      return block.rows;
    } finally {
      block.release();
    }
  }

  end(): void {
    if (this.binary) this.message(() => this.out.i16(-1));
  }

  private message(body: (from: number) => void): void {
    const { out } = this;
    const start = out.length;
    if (this.framed) {
      out.u8(COPY_DATA);
      out.i32(0);
    }
    body(out.length);
    if (this.framed) out.patchI32(start + 1, out.length - start - 1);
  }
}

async function sendToClient(
  session: Session,
  stream: RowStream,
  writer: CopyWriter,
  columns: number,
  signal: AbortSignal,
): Promise<number> {
  const { output } = session;
  // An error before the first row must not come inside of COPY data.
  let block = await stream.next();
  output.write(copyResponse('H', columns, writer.binary ? 1 : 0));
  writer.begin();
  let rows = 0;
  while (block !== undefined) {
    rows += writer.rows(block);
    output.write(writer.out.take());
    await output.drained(signal);
    block = await stream.next();
  }
  writer.end();
  if (writer.out.length > 0) output.write(writer.out.take());
  output.write(COPY_DONE);
  return rows;
}

async function writeFile(stream: RowStream, path: string, writer: CopyWriter): Promise<number> {
  const file = await createServerFile(path);
  try {
    writer.begin();
    let rows = 0;
    for (let block = await stream.next(); block !== undefined; block = await stream.next()) {
      rows += writer.rows(block);
      await file.appendFile(writer.out.take());
    }
    writer.end();
    if (writer.out.length > 0) await file.appendFile(writer.out.take());
    return rows;
  } finally {
    await file.close();
  }
}
