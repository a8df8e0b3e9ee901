/** Data of COPY: from a script, the keyboard, a file or a command to the server, and back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { LineSource } from '../line-source.js';
import { expandTilde, stderr, stdout } from '../output.js';
import { formatPrompt } from '../prompt.js';
import type { Session } from '../session.js';
import type { CopyIn } from '../wire/server-connection.js';

/** Where COPY FROM takes its data. */
export type CopyInput = {
  send(copy: CopyIn): Promise<void>;
  /** Undefined when all is well, else what went wrong on our side. */
  close(): Promise<string | undefined>;
};

const CHUNK_BYTES = 1 << 16;

/** Lines up to one that is `\.`, from where statements come from. */
export function copyFromSource(session: Session, source: LineSource): CopyInput {
  return {
    async send(copy) {
      if (session.interactive && !session.settings.quiet)
        stdout.write(
          'Enter data to be copied followed by a newline.\nEnd with a backslash and a period on a line by itself, or an EOF signal.\n',
        );
      stdout.flush();
      const prompt = session.interactive ? formatPrompt(session, session.settings.prompt3, 'ready') : '';
      let pending: Buffer[] = [];
      let bytes = 0;
      const flush = async (): Promise<void> => {
        if (bytes > 0 && !copy.failed()) await copy.write(Buffer.concat(pending));
        pending = [];
        bytes = 0;
      };
      for (;;) {
        const line = await source.dataLine(prompt);
        if (session.interrupted) return copy.fail('canceled by user');
        if (line === undefined) break;
        session.lineNumber++;
        if (isEndMark(line)) break;
        pending.push(line);
        bytes += line.length;
        if (bytes >= CHUNK_BYTES) await flush();
      }
      await flush();
      if (!copy.failed()) copy.end();
    },
    async close() {
      return undefined;
    },
  };
}

function isEndMark(line: Buffer): boolean {
  const text = line.length <= 4 ? line.toString('latin1') : '';
  return text === '\\.\n' || text === '\\.\r\n' || text === '\\.';
}

export function copyFromStream(
  session: Session,
  stream: Readable,
  closed: () => Promise<string | undefined>,
): CopyInput {
  return {
    async send(copy) {
      try {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          if (session.interrupted) {
            copy.fail('canceled by user');
            return;
          }
          if (copy.failed()) return;
          await copy.write(chunk);
        }
      } catch (e) {
        copy.fail(`could not read from COPY file: ${e instanceof Error ? e.message : String(e)}`);
        return;
      }
      if (!copy.failed()) copy.end();
    },
    close: closed,
  };
}

/** Throws when the file cannot be read. */
export async function copyFromFile(session: Session, path: string): Promise<CopyInput> {
  const name = expandTilde(path);
  const stream = createReadStream(name, { highWaterMark: CHUNK_BYTES });
  await once(stream, 'open');
  if (statSync(name).isDirectory()) {
    stream.destroy();
    throw new IsDirectory();
  }
  return copyFromStream(session, stream, async () => {
    stream.destroy();
    return undefined;
  });
}

export class IsDirectory extends Error {}

export function copyFromProgram(session: Session, command: string): CopyInput {
  let ended: Promise<string | undefined> = Promise.resolve(undefined);
  return {
    // Started when the server is ready: output that nobody reads yet would be lost.
    send(copy) {
      stdout.flush();
      const child: ChildProcess = spawn(command, { shell: true, stdio: ['inherit', 'pipe', 'inherit'] });
      ended = new Promise((resolve) => {
        child.on('error', (e) => resolve(`${command}: ${e.message}`));
        child.on('close', (code, signal) =>
          resolve(code === 0 ? undefined : exitText(command, code, signal)),
        );
      });
      return copyFromStream(session, child.stdout!, async () => undefined).send(copy);
    },
    close: () => ended,
  };
}

export function exitText(command: string, code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null
    ? `${command}: child process exited with exit code ${code}`
    : `${command}: child process was terminated by signal ${signal}`;
}

export function warnAfterCopy(message: string): void {
  stderr(`${message}\n`);
}
