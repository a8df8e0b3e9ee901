/** A file named so that another process can tell that it opens the very same one: no process can know from a path alone,
 *  for it may run on another host or see other mounts.
 *
 *  Invariant: `openSame` gives a file only on the same running kernel, with the same device, inode, size and time of change. Where
 *  a system does not name its kernel's run, no file is the same. */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

export type FileIdentity = {
  readonly path: string;
  /** Of the kernel's present run: drawn at random when it starts. */
  readonly bootId: string;
  readonly device: bigint;
  readonly inode: bigint;
  readonly bytes: bigint;
  readonly changedNs: bigint;
};

async function bootId(): Promise<string | undefined> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '');
  return id === '' ? undefined : id.trim();
}

/** Undefined for what is not a regular file, and where files have no such names. */
export async function identify(file: FileHandle, path: string): Promise<FileIdentity | undefined> {
  const boot = await bootId();
  const s = await file.stat({ bigint: true });
  if (boot === undefined || !s.isFile()) return undefined;
  return {
    path: resolve(path),
    bootId: boot,
    device: s.dev,
    inode: s.ino,
    bytes: s.size,
    changedNs: s.ctimeNs,
  };
}

/** The file, when this process can read it and it is the same; the caller closes it. */
export async function openSame(wanted: FileIdentity): Promise<FileHandle | undefined> {
  if ((await bootId()) !== wanted.bootId) return undefined;
  let file: FileHandle;
  try {
    // Not waiting: here the path may be a pipe.
    file = await open(wanted.path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  const found = await identify(file, wanted.path).catch(() => undefined);
  const same =
    found !== undefined &&
    found.device === wanted.device &&
    found.inode === wanted.inode &&
    found.bytes === wanted.bytes &&
    found.changedNs === wanted.changedNs;
  if (same) return file;
  await file.close();
  return undefined;
}
