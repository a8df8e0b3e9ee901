/** What the operating system says of a file, as PostgreSQL would put it. */
import { SqlError } from '../types/sql-error.js';

/** 53100 for a full disk, 58030 for what else the system refuses, XX001 for content that is not what it was. */
export function ioError(action: string, cause: unknown): unknown {
  if (cause instanceof SqlError || !(cause instanceof Error)) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) return new SqlError('XX001', `${action}: ${cause.message}`);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SqlError('53100', `${action}: No space left on device`, { hint: 'Check free disk space.' });
  return new SqlError('58030', `${action}: ${cause.message}`);
}
