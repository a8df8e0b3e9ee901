/** PREPARE, EXECUTE, DEALLOCATE: the same prepared statements that the extended protocol makes. */

import { exprType } from '../../plan/expr-util.js';
import { parseSql } from '../../plan/sql/parse.js';
import { SqlError } from '../../types/sql-error.js';
import type { Value } from '../../types/value.js';
import { convertValue, evaluateConstant } from '../session/evaluate.js';
import type { Session } from '../session/session.js';
import type { RunContext } from '../session/statement-run.js';
import type { Statement } from './statement.js';

export function prepareStatement(
  session: Session,
  s: Statement<'prepare'>,
  text: string,
  nowMicros: bigint,
): string {
  if (session.prepared.has(s.name))
    throw new SqlError('42P05', `prepared statement "${s.name}" already exists`);
  const parsed = parseSql(s.sql)[0];
  session.prepared.set(s.name, {
    name: s.name,
    parsed,
    declaredTypes: s.statement.paramTypes,
    fromSql: true,
    madeBy: text,
    madeMicros: nowMicros,
    binding: undefined,
  });
  return 'PREPARE';
}

/** The arguments of EXECUTE as the statement's parameters. */
export function executeArguments(
  session: Session,
  s: Statement<'execute'>,
  context: RunContext,
): readonly Value[] {
  const prepared = session.preparedStatement(s.name);
  if (prepared.parsed === undefined) throw new SqlError('26000', `prepared statement "${s.name}" is empty`);
  const types = session.paramTypes(prepared);
  if (types.length !== s.args.length)
    throw new SqlError('42601', `wrong number of parameters for prepared statement "${s.name}"`, {
      detail: `Expected ${types.length} parameters but got ${s.args.length}.`,
    });
  return s.args.map((a, i) =>
    convertValue(evaluateConstant(a, context.functions), exprType(a), types[i], context.functions),
  );
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
