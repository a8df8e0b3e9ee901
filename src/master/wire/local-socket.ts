/** The Unix socket: `<directory>/.s.PGSQL.<port>`, as PostgreSQL's clients look for it.
 *
 *  Invariant: nobody but the user who runs this can connect: the socket is made with the rights 0700. Node.js does not
 *  tell whose process is at the other end, so these rights are what `peer` and `local ... trust` rest upon. */
import { existsSync, unlinkSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { join } from 'node:path';
import type { Log } from '../session/services.js';

/** The kernel's limit, less its zero. */
const PATH_BYTES_MAX = 107;

export type LocalSocket = { readonly path: string; close(): Promise<void> };

/** Undefined, and a warning, where there can be none: TCP serves then. */
export async function listenLocally(
  directory: string,
  port: number,
  log: Log,
  accept: (socket: Socket) => void,
): Promise<LocalSocket | undefined> {
  const path = join(directory, `.s.PGSQL.${port}`);
  if (process.platform === 'win32' || Buffer.byteLength(path) > PATH_BYTES_MAX) {
    log.warn({ path }, 'no Unix socket: its path is too long for this system');
    return undefined;
  }
  try {
    if (existsSync(path)) {
      if (await answers(path)) throw new Error('another server listens there');
      // Left by a process that was killed.
      unlinkSync(path);
    }
    const server = createServer({ allowHalfOpen: true }, accept);
    await listenPrivately(server, path);
    return {
      path,
      close: () => new Promise((resolve) => server.close(() => resolve())),
    };
  } catch (err) {
    log.warn({ path, err }, 'the Unix socket cannot be made; clients connect over TCP');
    return undefined;
  }
}

function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is bound within the call: there is no moment at which others could connect.
    const before = process.umask(0o077);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new Socket();
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.connect(path);
  });
}
