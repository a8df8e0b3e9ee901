/** A directory with its parents, for processes that keep data.
 *
 *  Not `recursive: true`: where a file system answers ENOENT whatever exists (/proc), Node.js tries for ever. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Throws the system's error when it cannot be made; a directory that exists is fine. */
export function makeDirectory(path: string, mode = 0o700): void {
  if (exists(path, mode)) return;
  const parent = dirname(path);
  // The root itself is missing: only a broken system says so.
  if (parent !== path) makeDirectory(parent, mode);
  mkdirSync(path, { mode });
}

/** False when the parent is missing. */
function exists(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code === 'EEXIST' && isDirectory(path)) return true;
    throw e;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
