/** Files of the master's host that COPY reads and writes, with PostgreSQL's errors. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { SqlError } from '../../types/sql-error.js';

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['58P01', 'No such file or directory'],
  EACCES: ['42501', 'Permission denied'],
  EPERM: ['42501', 'Operation not permitted'],
  EISDIR: ['42809', 'Is a directory'],
  ENOTDIR: ['58P01', 'Not a directory'],
  ENOSPC: ['53100', 'No space left on device'],
};

/** Open for reading; the caller closes it. */
export async function openServerFile(path: string): Promise<FileHandle> {
  const hint =
    "COPY FROM instructs the PostgreSQL server process to read a file. You may want a client-side facility such as psql's \\copy.";
  try {
    if ((await stat(path)).isDirectory()) throw new SqlError('42809', `"${path}" is a directory`);
    return await open(path);
  } catch (e) {
    throw e instanceof SqlError ? e : openError(e, path, 'reading', hint);
  }
}

export async function createServerFile(path: string): Promise<FileHandle> {
  if (!isAbsolute(path)) throw new SqlError('42602', 'relative path not allowed for COPY to file');
  const hint =
    "COPY TO instructs the PostgreSQL server process to write a file. You may want a client-side facility such as psql's \\copy.";
  try {
    return await open(path, 'w', 0o644);
  } catch (e) {
    throw openError(e, path, 'writing', hint);
  }
}

function openError(e: unknown, path: string, purpose: string, hint: string): unknown {
  const code = (e as NodeJS.ErrnoException).code;
  if (code === undefined) return e;
  const [sqlState, reason] = REASONS[code] ?? ['58030', code];
  return new SqlError(sqlState, `could not open file "${path}" for ${purpose}: ${reason}`, { hint });
}
