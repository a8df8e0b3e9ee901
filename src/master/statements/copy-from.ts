/** COPY FROM: the client's data or a server file, in blocks of whole lines, to the segments that parse and place them.
 *
 *  Invariant: on any error nothing is loaded. Source: PostgreSQL, COPY. */
import type { FileHandle } from 'node:fs/promises';
import { copyFieldId } from '../../exchange/control-messages.js';
import { identify } from '../../exchange/process/shared-file.js';
import type { Expr } from '../../plan/expr.js';
import { substitute } from '../../plan/expr-util.js';
import { type Charset, charsetNamed } from '../../types/charset.js';
import type { ColId, Gxid } from '../../types/ids.js';
import { SqlError } from '../../types/sql-error.js';
import type { Value } from '../../types/value.js';
import type { CopyLines } from '../dispatch/api.js';
import { fieldValue } from '../dispatch/copy-plan.js';
import { evaluateConstant } from '../session/evaluate.js';
import type { Prepared } from '../session/prepared.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';
import { checkHeader } from './copy-header.js';
import { type BlockSplitter, CopyLineSplitter } from './copy-lines.js';
import { CopyTupleSplitter } from './copy-tuples.js';
import { fileLines } from './file-lines.js';
import { load, widenCatalog } from './load.js';
import { withLocks } from './plan.js';
import { tableTarget } from './refresh.js';
import { openServerFile } from './server-file.js';
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
  const file = s.from.kind === 'file' ? await openServerFile(s.from.path) : undefined;
  try {
    return await sendLines(session, s, file, gxid, context);
  } catch (e) {
    throw s.from.kind === 'file' ? withFile(e, s.from.path) : e;
  } finally {
    await file?.close();
  }
}

async function sendLines(
  session: Session,
  s: Statement<'copyFrom'>,
  file: FileHandle | undefined,
  gxid: Gxid,
  context: RunContext,
): Promise<number> {
  const { catalog: _, ...settings } = context.functions;
  const defaults = s.defaults.map((d): Value | undefined =>
    d === undefined ? undefined : evaluateConstant(d, context.functions),
  );
  const binary = s.options.format === 'binary';
  const clientEncoding = session.settings.get('client_encoding');
  const charset = charsetNamed(s.encoding ?? clientEncoding);
  // Text must be UTF-8 before it can be cut into lines; in tuples only fields are text.
  const convert = binary ? undefined : charset;
  const textEncoding = charsetNamed(clientEncoding)?.name;
  const options = binary && textEncoding !== undefined ? { ...s.options, textEncoding } : s.options;
  const shared = convert === undefined && session.settings.get('mpp.copy_shared_files') === 'on';
  const stream = session.services.dispatcher.copyIn({
    queryId: session.services.newQueryId(),
    gxid,
    table: tableTarget(s.table),
    ordinals: s.columns,
    defaults,
    where: s.where === undefined ? undefined : overFields(s.where, s, defaults),
    options,
    settings,
    file: shared && s.from.kind === 'file' ? await identify(file!, s.from.path) : undefined,
    signal: context.signal,
  });
  try {
    const names = s.columns.map((i) => s.table.columns[i]!.name);
    const splitter: BlockSplitter = binary
      ? new CopyTupleSplitter(s.columns.length)
      : new CopyLineSplitter(s.options, (line) => checkHeader(line, s.options, s.table.name, names));
    let blocks: AsyncIterable<CopyLines>;
    if (file === undefined)
      blocks = pieceLines(
        session.output.copyIn(s.columns.length, binary ? 1 : 0, context.signal),
        splitter,
        convert,
      );
    else if (convert === undefined && (await file.stat()).isFile()) blocks = fileLines(file, splitter);
    else {
      const pieces = file.createReadStream({ highWaterMark: 1 << 20, autoClose: false });
      blocks = pieceLines(pieces, splitter, convert);
    }
    for await (const block of blocks) {
      if (context.signal.aborted) throw context.signal.reason;
      await stream.write(block);
    }
    return (await stream.end()).rows;
  } catch (e) {
    await stream.abort(e);
    throw e;
  }
}

/** The condition over the fields of a line; a column that the lines lack has its default. */
function overFields(
  where: NonNullable<Statement<'copyFrom'>['where']>,
  { table, columns }: Statement<'copyFrom'>,
  defaults: readonly (Value | undefined)[],
): Expr {
  const replaced = new Map(
    where.cols.map((c, ordinal): readonly [ColId, Expr] => {
      const field = columns.indexOf(ordinal);
      if (field < 0) return [c.id, { kind: 'const', value: defaults[ordinal] ?? null, type: c.type }];
      return [c.id, fieldValue(copyFieldId(field), table.columns[ordinal]!.type)];
    }),
  );
  return substitute(where.predicate, replaced);
}

/** Of a client, a pipe, or a file in another encoding. */
async function* pieceLines(
  source: AsyncIterable<Buffer>,
  splitter: BlockSplitter,
  charset: Charset | undefined,
): AsyncGenerator<CopyLines> {
  for await (const piece of source) {
    if (splitter.ended) continue;
    const block = splitter.push(charset === undefined ? piece : charset.toUtf8(piece));
    if (block !== undefined) yield block;
  }
  const last = splitter.finish();
  if (last !== undefined) yield last;
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
