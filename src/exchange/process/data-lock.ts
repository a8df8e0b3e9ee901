/** One process per data directory.
 *
 *  On Linux the lock is an abstract socket named after the directory's inode: the kernel gives it to one process and
 *  takes it back when that process dies, however it dies. Elsewhere, and across network namespaces, the file LOCK
 *  with the owner's pid decides. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { makeDirectory } from '../../types/make-directory.js';

export class DataLock {
  private readonly file: string;
  private readonly socket: Server | undefined;

  private constructor(file: string, socket: Server | undefined) {
    this.file = file;
    this.socket = socket;
  }

  /** Makes the directory when it is missing. Throws one clear line when another process owns it. */
  static async take(directory: string): Promise<DataLock> {
    const dir = resolve(directory);
    makeDirectory(dir);
    const file = join(dir, 'LOCK');
    const owner = readOwner(file);
    const inUse = (): Error =>
      new Error(
        `the data directory ${dir} is in use by another process${owner === undefined ? '' : ` (pid ${owner})`}`,
      );
    let socket: Server | undefined;
    if (process.platform === 'linux') {
      const { dev, ino } = statSync(dir);
      socket = await bind(`\0mpp-data-${dev}-${ino}`);
      if (socket === undefined) throw inUse();
    }
    if (owner !== undefined && owner !== process.pid && owns(owner, dir)) {
      socket?.close();
      throw inUse();
    }
    writeFileSync(file, `${process.pid}\n`, { mode: 0o600 });
    return new DataLock(file, socket);
  }

  release(): void {
    rmSync(this.file, { force: true });
    this.socket?.close();
  }
}

function bind(name: string): Promise<Server | undefined> {
  return new Promise((done, fail) => {
    const server = createServer((s) => s.destroy());
    server.once('error', (e: NodeJS.ErrnoException) => (e.code === 'EADDRINUSE' ? done(undefined) : fail(e)));
    server.listen(name, () => {
      server.unref();
      done(server);
    });
  });
}

function readOwner(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Pids are used again: where /proc tells, the process must have been started on this very directory. */
function owns(pid: number, dir: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .some((arg) => resolve(arg) === dir);
  } catch {
    return process.platform !== 'linux';
  }
}
