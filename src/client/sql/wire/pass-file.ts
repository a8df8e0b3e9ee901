/** Passwords from ~/.pgpass: lines of host:port:database:user:password, the first that fits. */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type PasswordKey = {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
};

/** `file`: of the connection, else PGPASSFILE or ~/.pgpass. A file that others may read is not used, and `warn` says so. */
export function passwordFromFile(
  key: PasswordKey,
  file: string | undefined,
  warn: (message: string) => void,
): string | undefined {
  const path = file ?? process.env.PGPASSFILE ?? join(homedir(), '.pgpass');
  let text: string;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) {
      warn(`WARNING: password file "${path}" is not a plain file`);
      return undefined;
    }
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      warn(
        `WARNING: password file "${path}" has group or world access; permissions should be u=rw (0600) or less`,
      );
      return undefined;
    }
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  return passwordFromText(text, key);
}

export function passwordFromText(text: string, key: PasswordKey): string | undefined {
  // A socket in a directory is "localhost" there.
  const host = key.host.startsWith('/') ? 'localhost' : key.host;
  const wanted = [host, key.port, key.database, key.user];
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    const fields = splitFields(line);
    if (fields.length < 5) continue;
    if (wanted.every((w, i) => fields[i] === '*' || fields[i]!.replace(/\\(.)/g, '$1') === w))
      return fields[4]!.replace(/\\(.)/g, '$1');
  }
  return undefined;
}

/** At colons that no backslash precedes; the password is the rest of the line. */
function splitFields(line: string): string[] {
  const fields: string[] = [];
  let from = 0;
  for (let i = 0; i < line.length && fields.length < 4; i++)
    if (line[i] === '\\') i++;
    else if (line[i] === ':') {
      fields.push(line.slice(from, i));
      from = i + 1;
    }
  fields.push(line.slice(from));
  return fields;
}
