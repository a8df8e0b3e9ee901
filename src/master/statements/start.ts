/** From a bound statement to its execution: one entry per kind of statement. */
import { unreachable } from '../../types/sql-error.js';
import type { Prepared } from '../session/prepared.js';
import type { Session } from '../session/session.js';
import { command, type RunContext, type StatementRun } from '../session/statement-run.js';
import { runAnalyze, runVacuum } from './analyze.js';
import { runCopyFrom } from './copy-from.js';
import { runCopyTo } from './copy-to.js';
import { closeCursor, declareCursor, fetchCursor } from './cursors.js';
import { createSchema, createTable, createView, dropObjects, renameRelation } from './ddl.js';
import { alterDefaultPrivileges } from './default-privileges.js';
import { runExplain } from './explain.js';
import { runGrant } from './grant.js';
import { createTableAs, runInsert, truncate } from './load.js';
import { alterOwner } from './owner.js';
import { deallocate, executeArguments, prepareStatement } from './prepare.js';
import { startQuery } from './query.js';
import { grantRole } from './role-members.js';
import { alterRole, alterRoleSet, createRole, dropRole, renameRole } from './roles.js';
import { runDiscard, runReset, runSet, runSetTransaction, runShow } from './settings.js';
import type { Statement } from './statement.js';
import { runTransaction } from './transaction.js';
import { announceWrite } from './writes.js';

/** Starts the statement. Statements without rows have done their work when this resolves. */
export async function startStatement(
  session: Session,
  prepared: Prepared,
  context: RunContext,
): Promise<StatementRun> {
  const { statement } = session.bindToRun(prepared, context.functions.nowMicros);
  announceWrite(session, statement);
  switch (statement.kind) {
    case 'query':
      return startQuery(session, prepared, context);
    case 'insert':
      return command(`INSERT 0 ${await runInsert(session, prepared, context)}`);
    case 'createTable':
      return command(await createTable(session, statement));
    case 'createTableAs':
      return command(await createTableAs(session, prepared, context));
    case 'createView':
      return command(await createView(session, statement));
    case 'createSchema':
      return command(await createSchema(session, statement));
    case 'drop':
      return command(await dropObjects(session, statement, context));
    case 'truncate':
      return command(await truncate(session, prepared, context));
    case 'renameTable':
      return command(await renameRelation(session, statement, context));
    case 'copyFrom':
      return command(`COPY ${await runCopyFrom(session, prepared, context)}`);
    case 'copyTo':
      return command(`COPY ${await runCopyTo(session, prepared, context)}`);
    case 'analyze':
      return command(await runAnalyze(session, statement, context));
    case 'vacuum':
      return command(await runVacuum(session, statement, context));
    case 'set':
      return command(runSet(session, statement));
    case 'setTransaction':
      return command(runSetTransaction(session, statement));
    case 'reset':
      return command(runReset(session, statement));
    case 'show':
      return runShow(session, statement, context);
    case 'discard':
      return command(await runDiscard(session, statement));
    case 'explain':
      return runExplain(session, prepared, statement, context);
    case 'transaction':
      return command(await runTransaction(session, statement));
    case 'prepare':
      return command(
        prepareStatement(session, statement, prepared.parsed!.text, context.functions.nowMicros),
      );
    case 'execute':
      return executePrepared(session, statement, context);
    case 'deallocate':
      return command(deallocate(session, statement));
    case 'declareCursor':
      return command(await declareCursor(session, prepared, context));
    case 'fetch':
      return fetchCursor(session, statement, context);
    case 'closeCursor':
      return command(await closeCursor(session, statement));
    case 'createRole':
      return command(await createRole(session, statement, context));
    case 'alterRole':
      return command(await alterRole(session, statement, context));
    case 'alterRoleSet':
      return command(await alterRoleSet(session, statement));
    case 'renameRole':
      return command(await renameRole(session, statement));
    case 'dropRole':
      return command(await dropRole(session, statement));
    case 'grantRole':
      return command(await grantRole(session, statement));
    case 'grant':
      return command(await runGrant(session, statement));
    case 'alterDefaultPrivileges':
      return command(await alterDefaultPrivileges(session, statement));
    case 'alterOwner':
      return command(await alterOwner(session, statement));
    default:
      return unreachable(statement);
  }
}

function executePrepared(
  session: Session,
  s: Statement<'execute'>,
  context: RunContext,
): Promise<StatementRun> {
  const params = executeArguments(session, s, context);
  return startStatement(session, session.preparedStatement(s.name), { ...context, params });
}
