/** Where text goes: standard output and error, files, commands.
 *
 *  Writes are synchronous, so that what is written in turn appears in turn, and nothing is lost at exit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';

export interface Sink {
  write(data: string | Buffer): void;
  /** Exit status of the command behind it, 0 for all else. */
  close(): Promise<number>;
  readonly isStdout: boolean;
}

const waiting = new Int32Array(new SharedArrayBuffer(4));

/** Throws on everything but a full pipe, which it waits for. */
function writeAll(fd: number, data: string | Buffer): void {
  let buffer = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  while (buffer.length > 0)
    try {
      buffer = buffer.subarray(writeSync(fd, buffer));
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'EAGAIN') throw e;
      Atomics.wait(waiting, 0, 0, 2);
    }
}

/** Small writes are gathered: a row is not worth a system call. */
class FileSink implements Sink {
  readonly isStdout: boolean;
  private readonly fd: number;
  private readonly owned: boolean;
  private pending: string[] = [];
  private pendingChars = 0;

  constructor(fd: number, owned: boolean) {
    this.fd = fd;
    this.owned = owned;
    this.isStdout = fd === 1;
  }

  write(data: string | Buffer): void {
    if (typeof data !== 'string') {
      this.flush();
      writeAll(this.fd, data);
      return;
    }
    this.pending.push(data);
    this.pendingChars += data.length;
    if (this.pendingChars > 1 << 16) this.flush();
  }

  flush(): void {
    if (this.pending.length === 0) return;
    const text = this.pending.join('');
    this.pending = [];
    this.pendingChars = 0;
    try {
      writeAll(this.fd, text);
    } catch (e) {
      // Nobody reads on: there is nothing left to do for them.
      if ((e as NodeJS.ErrnoException).code === 'EPIPE' && this.isStdout) process.exit(141);
      throw e;
    }
  }

  async close(): Promise<number> {
    this.flush();
    if (this.owned) closeSync(this.fd);
    return 0;
  }
}

class CommandSink implements Sink {
  readonly isStdout = false;
  private readonly child: ChildProcess;
  private readonly ended: Promise<number>;

  constructor(command: string) {
    stdout.flush();
    this.child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'] });
    this.ended = new Promise((resolve) => {
      this.child.on('error', () => resolve(127));
      this.child.on('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
    });
    // A reader that has seen enough is no error.
    this.child.stdin!.on('error', () => undefined);
  }

  write(data: string | Buffer): void {
    this.child.stdin!.write(data);
  }

  close(): Promise<number> {
    this.child.stdin!.end();
    return this.ended;
  }
}

export const stdout = new FileSink(1, false);

export function stderr(text: string): void {
  stdout.flush();
  try {
    writeAll(2, text);
  } catch {
    // Without standard error there is no way to say so.
  }
}

/** `~` and `~user` as in a shell; users other than ours stay as they are. */
export function expandTilde(path: string): string {
  return path === '~' || path.startsWith('~/') ? homedir() + path.slice(1) : path;
}

/** `|command` or a file. Throws what the system says. */
export function openSink(target: string): Sink {
  if (target.startsWith('|')) return new CommandSink(target.slice(1));
  return new FileSink(openSync(expandTilde(target), 'w'), true);
}

/** Words of the system for an error of a file. */
export function systemError(e: unknown): string {
  const code = (e as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
      return 'No such file or directory';
    case 'EACCES':
      return 'Permission denied';
    case 'EISDIR':
      return 'Is a directory';
    case 'ENOTDIR':
      return 'Not a directory';
    case 'ENOSPC':
      return 'No space left on device';
    default:
      return e instanceof Error ? e.message : String(e);
  }
}
