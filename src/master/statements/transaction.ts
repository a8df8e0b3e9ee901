/** BEGIN, COMMIT, ROLLBACK and savepoints: accepted and tracked (see `session/transaction.ts`). */
import { unreachable } from '../../types/sql-error.js';
import type { Session } from '../session/session.js';
import { setModes } from './settings.js';
import type { Statement } from './statement.js';

export async function runTransaction(session: Session, s: Statement<'transaction'>): Promise<string> {
  const { transaction } = session;
  switch (s.verb) {
    case 'begin':
    case 'start': {
      const notice = transaction.begin();
      if (notice !== undefined) session.notice(notice);
      else session.settings.beginBlock();
      setModes(session, 'transaction_', s.modes, true);
      return s.verb === 'begin' ? 'BEGIN' : 'START TRANSACTION';
    }
    case 'commit':
    case 'rollback': {
      const { tag, notice } = transaction.end(s.verb);
      session.settings.endBlock(tag === 'COMMIT');
      session.followIdentity();
      await session.endCursors(tag === 'COMMIT');
      await session.closeAllPortals();
      if (notice !== undefined) session.notice(notice);
      if (s.chain && notice?.code !== '25P01') {
        transaction.begin();
        session.settings.beginBlock();
      }
      return tag;
    }
    case 'savepoint':
      transaction.savepoint(s.savepoint!);
      return 'SAVEPOINT';
    case 'release':
      transaction.release(s.savepoint!);
      return 'RELEASE';
    case 'rollbackTo':
      transaction.rollbackTo(s.savepoint!);
      await session.closeCursors((c) => !c.outlives && c.options.level >= transaction.savepointDepth);
      return 'ROLLBACK';
    default:
      return unreachable(s.verb);
  }
}
