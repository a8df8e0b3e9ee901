/** PREPARE, EXECUTE, DEALLOCATE: the same prepared statements that the extended protocol makes. */

import { exprType } from '../../plan/expr-util.js';
import { parseSql } from '../../plan/sql/parse.js';
import { SqlError } from '../../types/sql-error.js';
import { convertValue, evaluateConstant } from '../session/evaluate.js';
import type { Session } from '../session/session.js';
import type { RunContext, StatementRun } from '../session/statement-run.js';
import { type Statement, startStatement } from './start.js';

export function prepareStatement(session: Session, s: Statement<'prepare'>): string {
  if (session.prepared.has(s.name))
    throw new SqlError('42P05', `prepared statement "${s.name}" already exists`);
  const parsed = parseSql(s.sql)[0];
  session.prepared.set(s.name, {
    name: s.name,
    parsed,
    declaredTypes: s.statement.paramTypes,
    binding: undefined,
  });
  return 'PREPARE';
}

export function executePrepared(
  session: Session,
  s: Statement<'execute'>,
  context: RunContext,
): Promise<StatementRun> {
  const prepared = session.preparedStatement(s.name);
  if (prepared.parsed === undefined) throw new SqlError('26000', `prepared statement "${s.name}" is empty`);
  const types = session.paramTypes(prepared);
  if (types.length !== s.args.length)
    throw new SqlError('42601', `wrong number of parameters for prepared statement "${s.name}"`, {
      detail: `Expected ${types.length} parameters but got ${s.args.length}.`,
    });
  const params = s.args.map((a, i) =>
    convertValue(evaluateConstant(a, context.functions), exprType(a), types[i], context.functions),
  );
  return startStatement(session, prepared, { ...context, params });
}

export function deallocate(session: Session, s: Statement<'deallocate'>): string {
  if (s.name === undefined) {
    session.prepared.clear();
    return 'DEALLOCATE ALL';
  }
  session.preparedStatement(s.name);
  session.prepared.delete(s.name);
  return 'DEALLOCATE';
}
