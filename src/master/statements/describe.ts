/** The columns a statement returns, known before it runs: what Describe answers. */
import type { BoundStatement, ColumnOrigin } from '../../plan/bind/statement.js';
import { type SqlType, TEXT } from '../../types/sql-type.js';
import type { Session } from '../session/session.js';
import type { FieldDescription } from '../wire/messages.js';

export function field(name: string, type: SqlType = TEXT, origin?: ColumnOrigin): FieldDescription {
  return { name, type, tableOid: origin?.tableOid ?? 0, columnNumber: origin?.columnNumber ?? 0 };
}

/** Undefined for statements without rows. */
export function describeStatement(
  session: Session,
  statement: BoundStatement,
): readonly FieldDescription[] | undefined {
  switch (statement.kind) {
    case 'query':
      return statement.output.map((o) => field(o.name, o.declaredType, o.origin));
    case 'show':
      return statement.name === undefined
        ? [field('name'), field('setting'), field('description')]
        : [field(session.settings.canonicalName(statement.name))];
    case 'explain':
      return [field('QUERY PLAN')];
    case 'execute': {
      const prepared = session.preparedStatement(statement.name);
      if (prepared.parsed === undefined) return undefined;
      return describeStatement(session, session.bind(prepared, 0n).statement);
    }
    case 'fetch':
      return statement.move ? undefined : session.cursor(statement.name).options.fields;
    default:
      return undefined;
  }
}
