/** SET, RESET, SHOW, DISCARD. */
import { SqlError } from '../../types/sql-error.js';
import { TEXT } from '../../types/sql-type.js';
import { valueStream } from '../session/rows.js';
import type { Session } from '../session/session.js';
import type { RunContext, StatementRun } from '../session/statement-run.js';
import { warning } from '../session/transaction.js';
import { describeStatement } from './describe.js';
import type { Statement } from './statement.js';

export function runSet(session: Session, s: Statement<'set'>): string {
  if (s.local && !session.transaction.open)
    session.notice(warning('25P01', 'SET LOCAL can only be used in transaction blocks'));
  else session.setSetting(s.name, s.values, s.local);
  return 'SET';
}

export function runSetTransaction(session: Session, s: Statement<'setTransaction'>): string {
  const { modes } = s;
  const prefix = s.session ? 'default_transaction_' : 'transaction_';
  if (!s.session && !session.transaction.open) {
    session.notice(warning('25P01', 'SET TRANSACTION can only be used in transaction blocks'));
    return 'SET';
  }
  setModes(session, prefix, modes, !s.session);
  return 'SET';
}

export function setModes(
  session: Session,
  prefix: string,
  modes: { readonly isolation?: string; readonly readOnly?: boolean; readonly deferrable?: boolean },
  local: boolean,
): void {
  if (modes.isolation !== undefined) session.setSetting(`${prefix}isolation`, [modes.isolation], local);
  if (modes.readOnly !== undefined)
    session.setSetting(`${prefix}read_only`, [modes.readOnly ? 'on' : 'off'], local);
  if (modes.deferrable !== undefined)
    session.setSetting(`${prefix}deferrable`, [modes.deferrable ? 'on' : 'off'], local);
}

export function runReset(session: Session, s: Statement<'reset'>): string {
  if (s.name === undefined) session.settings.resetAll();
  else session.setSetting(s.name, undefined, false);
  return 'RESET';
}

export function runShow(session: Session, s: Statement<'show'>, context: RunContext): StatementRun {
  const { settings } = session;
  const rows =
    s.name === undefined
      ? settings
          .rows()
          .map((r) => [r.definition.name, settings.show(r.definition.name), r.definition.description])
      : [[settings.show(s.name)]];
  const types = rows[0].map(() => TEXT);
  return {
    fields: describeStatement(session, s),
    stream: valueStream(rows, types, context.functions),
    tag: () => 'SHOW',
  };
}

export async function runDiscard(session: Session, s: Statement<'discard'>): Promise<string> {
  if (s.what === 'all') {
    if (session.transaction.open)
      throw new SqlError('25001', 'DISCARD ALL cannot run inside a transaction block');
    session.setSetting('session_authorization', undefined, false);
    session.settings.resetAll();
    session.prepared.clear();
    session.forgetPlans();
    await session.closeAllPortals();
    await session.closeCursors(() => true);
  } else if (s.what === 'plans') {
    session.forgetPlans();
  }
  return `DISCARD ${s.what.toUpperCase()}`;
}
