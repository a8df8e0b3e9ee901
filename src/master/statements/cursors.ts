/** DECLARE, FETCH, MOVE and CLOSE. Source: PostgreSQL, portalcmds.c. */
import { SqlError } from '../../types/sql-error.js';
import { Cursor } from '../session/cursor.js';
import type { Prepared } from '../session/prepared.js';
import type { Session } from '../session/session.js';
import type { RunContext, StatementRun } from '../session/statement-run.js';
import type { FormatCode } from '../wire/messages.js';
import { describeStatement } from './describe.js';
import { planSelect, withLocks } from './plan.js';
import { runPlan } from './query.js';
import type { Statement } from './statement.js';

export async function declareCursor(
  session: Session,
  prepared: Prepared,
  context: RunContext,
): Promise<string> {
  const bound = session.bind(prepared, context.functions.nowMicros).statement as Statement<'declareCursor'>;
  if (!bound.hold && !session.transaction.open)
    throw new SqlError('25P01', 'DECLARE CURSOR can only be used in transaction blocks');
  if (bound.name === '') throw new SqlError('34000', 'invalid cursor name: must not be empty');
  session.checkCursorName(bound.name);
  const cursor = new Cursor({
    name: bound.name,
    statement: bound.statement,
    fields: describeStatement(session, { ...bound.query, paramTypes: [], notices: [], accesses: [] })!,
    binary: bound.binary,
    scroll: bound.scroll,
    hold: bound.hold,
    createdMicros: context.functions.nowMicros,
    level: session.transaction.savepointDepth,
    spoolDirectory: session.services.spoolDirectory,
  });
  const { signal } = cursor.controller;
  const own: RunContext = { ...context, signal };
  const forward = (): void => cursor.controller.abort(context.signal.reason);
  context.signal.addEventListener('abort', forward, { once: true });
  try {
    const locked = await withLocks(session, prepared, own, 'shared', (statement) => {
      if (statement.kind !== 'declareCursor') throw new Error('not DECLARE CURSOR');
      const names = statement.query.output.map((o) => o.name);
      const plan = planSelect(session, statement.query.plan, names, statement.paramTypes, context);
      return { value: plan, oids: plan.assumes.map((a) => a.oid) };
    });
    cursor.open(runPlan(session, locked.value, locked.snapshot, own, locked.release).stream);
    // Without a block the statement is its own transaction, and ends here.
    if (!session.transaction.open) await cursor.persist();
  } catch (e) {
    await cursor.close();
    throw e;
  } finally {
    context.signal.removeEventListener('abort', forward);
  }
  session.cursors.set(bound.name, cursor);
  return 'DECLARE CURSOR';
}

export async function fetchCursor(
  session: Session,
  s: Statement<'fetch'>,
  context: RunContext,
): Promise<StatementRun> {
  const cursor = session.cursor(s.name);
  if (s.move) {
    const rows = await cursor.move(s.direction, s.count, context.functions, context.signal);
    return { fields: undefined, stream: undefined, tag: () => `MOVE ${rows}` };
  }
  const { binary, fields } = cursor.options;
  return {
    fields,
    formats: binary ? fields.map((): FormatCode => 1) : undefined,
    stream: cursor.fetch(s.direction, s.count, context.functions, context.signal),
    tag: (rows) => `FETCH ${rows}`,
  };
}

export async function closeCursor(session: Session, s: Statement<'closeCursor'>): Promise<string> {
  if (s.name === undefined) {
    await session.closeCursors(() => true);
    return 'CLOSE CURSOR ALL';
  }
  session.cursor(s.name);
  await session.closeCursors((c) => c.options.name === s.name);
  return 'CLOSE CURSOR';
}
