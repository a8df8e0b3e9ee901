/** The client from its command line to its exit status. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './commands/all-commands.js';
import { connectionWarnings } from './commands/connection.js';
import { helpFor, OPTIONS_HELP } from './commands/help.js';
import { setPrintOption } from './commands/pset.js';
import { Conditions } from './conditions.js';
import { connectSession } from './connect-session.js';
import { showListing } from './describe/listing.js';
import { OBJECT_LISTINGS } from './describe/listings-objects.js';
import { SERVER_LISTINGS } from './describe/listings-server.js';
import { StreamSource } from './line-source.js';
import {
  EXIT_CONNECTION,
  EXIT_FAILURE,
  EXIT_SCRIPT,
  EXIT_SUCCESS,
  mainLoop,
  newScanner,
  processFile,
} from './main-loop.js';
import { type Action, OptionError, type Options, parseOptions } from './options.js';
import { expandTilde, openSink, stderr, stdout, systemError } from './output.js';
import { sendQuery } from './run/send-query.js';
import { PROGRAM, type QueryTarget, Session, VERSION } from './session.js';
import { defineSpecialVariables } from './special-variables.js';
import { ConnectFailed } from './wire/connect.js';
import { resolveConnection } from './wire/connection-settings.js';
import { ConninfoError } from './wire/conninfo.js';

export async function runClient(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (e) {
    if (!(e instanceof OptionError)) throw e;
    stderr(
      `${PROGRAM}: error: ${e.message}\n${PROGRAM}: hint: Try "${PROGRAM} --help" for more information.\n`,
    );
    return EXIT_FAILURE;
  }
  if (options.help !== undefined) {
    stdout.write(options.help === 'options' ? OPTIONS_HELP : helpFor(options.help));
    await stdout.close();
    return EXIT_SUCCESS;
  }
  if (options.version) {
    stdout.write(`${PROGRAM} (mpp) ${VERSION}\n`);
    await stdout.close();
    return EXIT_SUCCESS;
  }
  const session = new Session();
  try {
    return await runSession(session, options);
  } finally {
    if (session.output !== stdout) await session.output.close();
    await session.log?.close();
    await stdout.close();
    session.history?.close();
    await session.connection?.close();
  }
}

function fail(message: string): number {
  stderr(`${PROGRAM}: error: ${message}\n`);
  return EXIT_FAILURE;
}

function applyAssignments(session: Session, options: Options): boolean {
  for (const a of options.assignments) {
    if (a.kind === 'pset') {
      if (setPrintOption(session, session.print, a.name, a.value, true)) continue;
      stderr(`${PROGRAM}: error: could not set printing parameter "${a.name}"\n`);
      return false;
    }
    const wrong = session.variables.set(a.name, a.value);
    if (wrong === undefined) continue;
    stderr(`${PROGRAM}: error: ${wrong}\n`);
    return false;
  }
  return true;
}

async function runSession(session: Session, options: Options): Promise<number> {
  defineSpecialVariables(session);
  session.variables.set('VERSION', `${PROGRAM} ${VERSION}`);
  session.variables.set('VERSION_NAME', VERSION);
  session.variables.set('VERSION_NUM', '100');
  for (const [name, value] of [
    ['LAST_ERROR_MESSAGE', ''],
    ['LAST_ERROR_SQLSTATE', '00000'],
  ] as const)
    session.variables.set(name, value);
  if (!applyAssignments(session, options)) return EXIT_FAILURE;
  if (options.extra.length > 0)
    for (const word of options.extra)
      stderr(`${PROGRAM}: warning: extra command-line argument "${word}" ignored\n`);
  if (options.singleTransaction && options.actions.length === 0)
    return fail('-1 can only be used in non-interactive mode');
  try {
    if (options.output !== undefined) session.output = openSink(options.output);
    if (options.log !== undefined) session.log = openSink(options.log);
  } catch (e) {
    return fail(`${options.output ?? options.log}: ${systemError(e)}`);
  }
  try {
    const settings = resolveConnection({
      host: options.host,
      port: options.port,
      user: options.user,
      database:
        options.database ?? (options.listDatabases ? (process.env.PGDATABASE ?? 'postgres') : undefined),
    });
    await connectSession(session, settings, {
      promptFirst: options.promptFirst,
      neverPrompt: options.neverPrompt,
    });
  } catch (e) {
    if (!(e instanceof ConnectFailed || e instanceof ConninfoError)) throw e;
    stderr(`${PROGRAM}: error: ${e.message}\n`);
    return EXIT_CONNECTION;
  }
  listenToSignals(session);
  if (options.listDatabases) {
    const asked = {
      session,
      letters: '',
      verbose: false,
      system: false,
      pattern: undefined,
      more: [],
      version: session.connection!.serverVersion,
    };
    return (await showListing(SERVER_LISTINGS.l ?? OBJECT_LISTINGS.l!, asked)) ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  if (options.actions.length > 0) {
    if (!options.noRc) await runRc(session);
    return runActions(session, options);
  }
  if (session.notTerminal) {
    session.terse = true;
    if (!options.noRc) await runRc(session);
    session.standardInput = new StreamSource(process.stdin);
    return mainLoop(session, session.standardInput);
  }
  const { runInteractive } = await import('./interactive.js');
  return runInteractive(session, options, () => runRc(session), connectionWarnings);
}

/** ~/.mpprc, or the file that MPPRC names. */
async function runRc(session: Session): Promise<void> {
  const path = expandTilde(process.env.MPPRC ?? join(homedir(), '.mpprc'));
  const versioned = `${path}-${VERSION}`;
  for (const file of [versioned, path])
    if (existsSync(file)) {
      await processFile(session, file, false);
      return;
    }
}

async function runActions(session: Session, options: Options): Promise<number> {
  let result = EXIT_SUCCESS;
  session.standardInput = new StreamSource(process.stdin);
  if (options.singleTransaction && !(await sendSilently(session, 'BEGIN')))
    if (session.settings.onErrorStop) return EXIT_SCRIPT;
  for (const action of options.actions) {
    result = await runAction(session, action);
    if (result !== EXIT_SUCCESS && session.settings.onErrorStop) break;
    if (session.connection === undefined && result !== EXIT_SUCCESS) break;
  }
  if (options.singleTransaction && session.connection !== undefined) {
    const ok = await sendSilently(session, result === EXIT_SUCCESS ? 'COMMIT' : 'ROLLBACK');
    if (!ok && session.settings.onErrorStop) return EXIT_SCRIPT;
  }
  return result;
}

async function sendSilently(session: Session, sql: string): Promise<boolean> {
  const quiet = session.settings.quiet;
  session.settings.quiet = true;
  try {
    return await sendQuery(session, sql);
  } finally {
    session.settings.quiet = quiet;
  }
}

async function runAction(session: Session, action: Action): Promise<number> {
  if (action.kind === 'file') return processFile(session, expandTilde(action.path), false);
  session.terse = true;
  session.source = session.standardInput;
  if (session.settings.echo === 'all') stdout.write(`${action.text}\n`);
  if (!action.text.startsWith('\\'))
    return (await sendQuery(session, action.text)) ? EXIT_SUCCESS : EXIT_FAILURE;
  // One command: a buffer that it could send is empty.
  session.conditions = new Conditions();
  const scanner = newScanner(session);
  const target: QueryTarget = {};
  const query = Object.assign(scanner, { previous: '' });
  const { status } = await runCommand(
    session,
    action.text.slice(1),
    query,
    target,
    async (path, relative) => (await processFile(session, path, relative)) === EXIT_SUCCESS,
  );
  return status === 'error' ? EXIT_FAILURE : EXIT_SUCCESS;
}

/** Ctrl-C cancels what the server is doing, and ends what waits here. */
function listenToSignals(session: Session): void {
  process.on('SIGINT', () => {
    session.interrupted = true;
    session.onInterrupt?.();
    session.cancelRunning();
  });
  // A terminal that has gone takes us with it; until then the exit status is what a shell expects.
  // (Node fails an assertion of its own when it leaves a terminal that is not there any more.)
  process.on('SIGHUP', () => process.kill(process.pid, 'SIGKILL'));
  process.on('SIGTERM', () => process.exit(143));
}
