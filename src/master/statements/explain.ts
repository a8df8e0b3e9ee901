/** EXPLAIN: the plan as text or JSON, with ANALYZE after it has run. */
import { notSupported } from '../../types/sql-error.js';
import type { Prepared } from '../session/prepared.js';
import type { Session } from '../session/session.js';
import type { RunContext, StatementRun } from '../session/statement-run.js';
import type { Statement } from './start.js';

export function runExplain(
  _session: Session,
  _prepared: Prepared,
  _s: Statement<'explain'>,
  _context: RunContext,
): Promise<StatementRun> {
  throw notSupported('EXPLAIN');
}
