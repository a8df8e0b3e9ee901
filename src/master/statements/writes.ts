/** What every statement that writes passes first: read-only sessions refuse it, transaction blocks warn. */
import type { BoundStatement } from '../../plan/bind/statement.js';
import { SqlError } from '../../types/sql-error.js';
import type { Session } from '../session/session.js';

const WRITES: Readonly<Record<string, string>> = {
  insert: 'INSERT',
  createTable: 'CREATE TABLE',
  createTableAs: 'CREATE TABLE AS',
  createView: 'CREATE VIEW',
  createSchema: 'CREATE SCHEMA',
  drop: 'DROP',
  truncate: 'TRUNCATE TABLE',
  renameTable: 'ALTER TABLE',
  copyFrom: 'COPY FROM',
  createRole: 'CREATE ROLE',
  alterRole: 'ALTER ROLE',
  alterRoleSet: 'ALTER ROLE',
  renameRole: 'ALTER ROLE',
  dropRole: 'DROP ROLE',
  grantRole: 'GRANT ROLE',
  grant: 'GRANT',
  alterDefaultPrivileges: 'ALTER DEFAULT PRIVILEGES',
  alterOwner: 'ALTER TABLE',
};

/** Refuses a write in a read-only session, warns of one in a transaction block. */
export function announceWrite(session: Session, statement: BoundStatement): void {
  const name = WRITES[statement.kind];
  if (name === undefined) return;
  if (session.settings.on('transaction_read_only') || session.settings.on('default_transaction_read_only'))
    throw new SqlError('25006', `cannot execute ${name} in a read-only transaction`);
  const warning = session.transaction.beforeWrite();
  if (warning !== undefined) session.notice(warning);
}
