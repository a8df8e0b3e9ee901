/** A session with a person at the keyboard: lines come from the editor, what is typed is kept. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { connectSession } from './connect-session.js';
import { CatalogNames } from './edit/catalog-names.js';
import { complete } from './edit/complete.js';
import { readAhead } from './edit/completeness.js';
import { Editor } from './edit/editor.js';
import { History } from './history.js';
import { type InteractiveSource, mainLoop } from './main-loop.js';
import type { Options } from './options.js';
import { expandTilde, stdout } from './output.js';
import { formatPrompt } from './prompt.js';
import { firstWords } from './run/sql-words.js';
import type { SqlScanner } from './scan/sql-scanner.js';
import { PROGRAM, type Session, VERSION } from './session.js';

/** Statements after which names may have changed. */
const CHANGES = new Set(['create', 'drop', 'alter', 'set', 'do', 'call', 'rollback', 'import', 'begin']);

class Keyboard implements InteractiveSource {
  readonly interactive = true;
  scanner: SqlScanner | undefined;
  private readonly session: Session;
  private readonly history: History;
  private readonly editor = new Editor();
  private readonly names = new CatalogNames();
  private readonly plain: boolean;
  /** Lines of the text that was entered last. */
  private lines: string[] = [];

  constructor(session: Session, history: History, plain: boolean) {
    this.session = session;
    this.history = history;
    this.plain = plain;
  }

  async line(prompt: string): Promise<string | undefined> {
    const next = this.lines.shift();
    if (next !== undefined) return next;
    const { session, scanner, history } = this;
    stdout.flush();
    const { prompt2 } = session.settings;
    const outcome = await this.editor.edit({
      prompt,
      promptOf: (_line, before) =>
        formatPrompt(
          session,
          prompt2,
          scanner === undefined ? 'continue' : readAhead(scanner, before).status,
          prompt,
        ),
      complete: (text) =>
        scanner === undefined ||
        session.settings.singleLine ||
        isWord(text) ||
        readAhead(scanner, text).complete,
      ...(this.plain
        ? {}
        : {
            completions: (text, cursor) =>
              complete(text, cursor, {
                names: this.names,
                connection: session.connection,
                settings: session.settings,
                variables: session.variables.names(),
              }),
          }),
      history,
      colors: session.colors && !this.plain,
    });
    if (outcome.kind === 'interrupt') {
      session.interrupted = true;
      return '';
    }
    if (outcome.kind === 'end') return undefined;
    session.interrupted = false;
    history.add(outcome.text);
    if (CHANGES.has(firstWords(outcome.text, 1)[0] ?? '') || outcome.text.startsWith('\\'))
      this.names.forget();
    this.lines = outcome.text.split('\n');
    return this.lines.shift();
  }

  async dataLine(prompt: string): Promise<Buffer | undefined> {
    const pasted = this.lines.shift();
    if (pasted !== undefined) return Buffer.from(`${pasted}\n`);
    stdout.flush();
    const outcome = await this.editor.edit({
      prompt,
      promptOf: () => prompt,
      complete: () => true,
      colors: false,
    });
    if (outcome.kind === 'interrupt') this.session.interrupted = true;
    if (outcome.kind !== 'text') return undefined;
    this.lines = outcome.text.split('\n');
    return Buffer.from(`${this.lines.shift()}\n`);
  }

  close(): void {
    this.lines = [];
  }
}

/** Words that are taken without a semicolon. */
function isWord(text: string): boolean {
  return /^\s*(help|quit|exit)\s*;?\s*$/i.test(text);
}

function historyFile(session: Session): string {
  return expandTilde(
    session.variables.get('HISTFILE') ?? process.env.MPP_HISTORY ?? join(homedir(), '.mpp_history'),
  );
}

/** The client's version, and the server's. */
function banner(session: Session): string {
  const version = session.connection?.parameters.get('server_version') ?? 'unknown';
  const product = /\((mpp [^)]*)\)/.exec(version)?.[1];
  const server = product ?? `PostgreSQL ${version}`;
  return `${PROGRAM} ${VERSION} (server: ${server})\nType "help" for help.\n\n`;
}

export async function runInteractive(
  session: Session,
  options: Options,
  runRc: () => Promise<void>,
  warnings: (session: Session) => void,
): Promise<number> {
  session.terse = true;
  session.reconnect = async () => {
    const { connectionSettings } = session;
    if (connectionSettings === undefined) return undefined;
    try {
      await connectSession(session, connectionSettings, { promptFirst: false, neverPrompt: true });
      return session.connection;
    } catch {
      return undefined;
    }
  };
  if (!options.noRc) await runRc();
  if (!session.settings.quiet) {
    warnings(session);
    stdout.write(banner(session));
    stdout.flush();
  }
  const history = new History(historyFile(session), session.settings);
  session.history = history;
  return mainLoop(session, new Keyboard(session, history, options.noEditor));
}
