/** Open row-group files, a bounded number of them, read at positions straight into memory.
 *
 *  Owns: file descriptors. Invariant: a descriptor in use is never closed. Reads run on libuv's threads. */
import { closeSync, openSync, read } from 'node:fs';

type OpenFile = { readonly fd: number; users: number; doomed: boolean };

export class FileCache {
  private readonly max: number;
  private readonly open = new Map<string, OpenFile>();

  constructor(max = 128) {
    this.max = max;
  }

  /** Fills `target()` from `position`; `target` is asked again before each read, so that a grown memory is seen. */
  read(
    path: string,
    position: number,
    bytes: number,
    target: (done: number) => Uint8Array,
    callback: (error: Error | undefined) => void,
  ): void {
    let file: OpenFile;
    try {
      file = this.acquire(path);
    } catch (e) {
      process.nextTick(callback, e as Error);
      return;
    }
    let done = 0;
    const finish = (error: Error | undefined): void => {
      this.release(file);
      callback(error);
    };
    const step = (): void => {
      read(file.fd, target(done), 0, bytes - done, position + done, (error, n) => {
        if (error !== null) return finish(error);
        if (n === 0) return finish(new Error('the file is shorter than the manifest says'));
        done += n;
        if (done < bytes) step();
        else finish(undefined);
      });
    };
    step();
  }

  /** To be called before the file is removed. */
  forget(path: string): void {
    const file = this.open.get(path);
    if (file === undefined) return;
    this.open.delete(path);
    this.doom(file);
  }

  close(): void {
    for (const file of this.open.values()) this.doom(file);
    this.open.clear();
  }

  private acquire(path: string): OpenFile {
    let file = this.open.get(path);
    if (file === undefined) {
      file = { fd: openSync(path, 'r'), users: 0, doomed: false };
      if (this.open.size >= this.max) {
        for (const [other, f] of this.open) {
          if (f.users > 0) continue;
          this.open.delete(other);
          closeSync(f.fd);
          break;
        }
      }
    } else this.open.delete(path);
    this.open.set(path, file);
    file.users++;
    return file;
  }

  private release(file: OpenFile): void {
    file.users--;
    if (file.doomed && file.users === 0) closeSync(file.fd);
  }

  private doom(file: OpenFile): void {
    file.doomed = true;
    if (file.users === 0) closeSync(file.fd);
  }
}
