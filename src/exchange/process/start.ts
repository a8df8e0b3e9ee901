/** What master and segment processes share when they start and stop: the log, the token, signals.
 *
 *  Logs are pino lines on standard error. A start that fails leaves one fatal line and status 1. */
import { readFileSync } from 'node:fs';
import { type Logger, pino } from 'pino';

export const VERSION = 1;

export function makeLogger(name: string, level: string): Logger {
  return pino({ name, level }, pino.destination({ dest: 2, sync: true }));
}

export function readToken(options: { token?: string; tokenFile?: string }): string {
  if (options.token !== undefined) return options.token;
  if (options.tokenFile === undefined) throw new Error('give --token or --token-file');
  const token = readFileSync(options.tokenFile, 'utf8').trim();
  if (token === '') throw new Error(`the token file ${options.tokenFile} is empty`);
  return token;
}

/** Runs `start`; on SIGTERM or SIGINT runs what it returned, and exits with status 0. A bug that nobody caught is
 *  logged and the process stays up: it can have hurt one statement only. */
export async function runProcess(log: Logger, start: () => Promise<() => Promise<void>>): Promise<void> {
  process.on('unhandledRejection', (e) => log.error({ err: e }, 'unhandled rejection'));
  process.on('uncaughtException', (e) => log.error({ err: e }, 'uncaught exception'));
  let stop: () => Promise<void>;
  try {
    stop = await start();
  } catch (e) {
    log.fatal(e instanceof Error ? e.message : String(e));
    log.debug({ err: e }, 'cannot start');
    process.exit(1);
  }
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    const hard = setTimeout(() => process.exit(0), 10_000);
    hard.unref();
    stop().then(
      () => process.exit(0),
      (e: unknown) => {
        log.error({ err: e }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
