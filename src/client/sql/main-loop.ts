/** Reads lines, cuts them into statements and commands, and runs those: one loop for the keyboard, files and strings.
 *
 *  Source: the behaviour of psql 15's main loop, in whose order everything happens. */

import { closeSync, openSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { runCommand } from './commands/all-commands.js';
import type { QueryBuffer } from './commands/command.js';
import { Conditions } from './conditions.js';
import { type LineSource, StreamSource } from './line-source.js';
import { stdout, systemError } from './output.js';
import { formatPrompt } from './prompt.js';
import { sendQuery } from './run/send-query.js';
import { type PromptStatus, SqlScanner } from './scan/sql-scanner.js';
import { PROGRAM, type QueryTarget, type Session } from './session.js';

export const EXIT_SUCCESS = 0;
export const EXIT_FAILURE = 1;
export const EXIT_CONNECTION = 2;
export const EXIT_SCRIPT = 3;

/** What asks a person for lines wants to know what has been typed so far. */
export interface InteractiveSource extends LineSource {
  /** The scanner as it stands before the next line. */
  scanner: SqlScanner | undefined;
  /** What has run is remembered as one entry. */
  readonly interactive: true;
}

export function isInteractive(source: LineSource): source is InteractiveSource {
  return (source as Partial<InteractiveSource>).interactive === true;
}

export function newScanner(session: Session): SqlScanner {
  return new SqlScanner({
    variable: (name, quote) => session.variable(name, quote),
    standardStrings: () => session.connection?.standardStrings ?? true,
    warn: (message) => session.warning(message),
  });
}

export async function mainLoop(session: Session, source: LineSource): Promise<number> {
  const saved = {
    source: session.source,
    interactive: session.interactive,
    line: session.lineNumber,
    statementLine: session.statementLine,
    conditions: session.conditions,
  };
  session.source = source;
  session.interactive = isInteractive(source) && !session.notTerminal;
  session.lineNumber = 0;
  session.statementLine = 1;
  session.conditions = new Conditions();
  try {
    return await new Loop(session, source).run();
  } finally {
    session.source = saved.source;
    session.interactive = saved.interactive;
    session.lineNumber = saved.line;
    session.statementLine = saved.statementLine;
    session.conditions = saved.conditions;
  }
}

class Loop implements QueryBuffer {
  previous = '';
  private readonly session: Session;
  private readonly source: LineSource;
  private readonly scanner: SqlScanner;
  private result = EXIT_SUCCESS;
  private quit = false;
  private ends = 0;
  /** Length of the buffer right behind a newline that we put there; -1: there is none. */
  private newlineAt = -1;
  private status: PromptStatus = 'ready';

  constructor(session: Session, source: LineSource) {
    this.session = session;
    this.source = source;
    this.scanner = newScanner(session);
  }

  get buffer(): string {
    return this.scanner.buffer;
  }
  set buffer(text: string) {
    this.scanner.buffer = text;
  }
  get parenDepth(): number {
    return this.scanner.parenDepth;
  }
  set parenDepth(depth: number) {
    this.scanner.parenDepth = depth;
  }
  reset(): void {
    this.scanner.reset();
  }

  private get conditions(): Conditions {
    return this.session.conditions!;
  }

  async run(): Promise<number> {
    const { session } = this;
    while (this.result === EXIT_SUCCESS && !this.quit) {
      if (session.interrupted) {
        if (!session.interactive) {
          this.result = EXIT_SCRIPT;
          break;
        }
        session.interrupted = false;
        this.abandon();
      }
      if (this.scanner.buffer.length === 0 && !this.scanner.inQuote) this.status = 'ready';
      const line = await this.nextLine();
      if (session.interactive && session.interrupted) continue;
      if (line === undefined) {
        if (this.endOfInput()) break;
        continue;
      }
      this.ends = 0;
      session.lineNumber++;
      await this.takeLine(line);
    }
    await this.runRest();
    return this.result;
  }

  private async nextLine(): Promise<string | undefined> {
    const { session, source } = this;
    if (isInteractive(source)) source.scanner = this.scanner;
    if (!session.interactive) return source.line('');
    const { prompt1, prompt2 } = session.settings;
    return source.line(formatPrompt(session, this.status === 'ready' ? prompt1 : prompt2, this.status));
  }

  /** Ctrl-C at the prompt: the statement is forgotten, and every \if. */
  private abandon(): void {
    this.scanner.buffer = '';
    this.scanner.reset();
    this.status = 'ready';
    this.session.statementLine = 1;
    if (this.conditions.open) {
      this.conditions.clear();
    }
  }

  private endOfInput(): boolean {
    const { session } = this;
    if (!session.interactive) return true;
    this.ends++;
    if (this.ends < session.settings.ignoreEof) {
      session.say(`Use "\\q" to leave ${PROGRAM}.`);
      stdout.flush();
      return false;
    }
    stdout.write(session.settings.quiet ? '\n' : '\\q\n');
    stdout.flush();
    return true;
  }

  private async takeLine(text: string): Promise<void> {
    const { session, scanner } = this;
    let line = text;
    if (session.lineNumber === 1 && line.startsWith('\ufeff')) line = line.slice(1);
    if (session.lineNumber === 1 && !session.interactive && line.startsWith('PGDMP')) {
      session.error(
        'The input is a PostgreSQL custom-format dump.\nUse the pg_restore command-line client to restore this dump to a database.',
      );
      this.result = EXIT_FAILURE;
      return;
    }
    if (line === '' && !scanner.inQuote) return;
    if (session.interactive && scanner.buffer === '' && this.status === 'ready') {
      const word = line.trim().replace(/;$/, '').toLowerCase();
      if (word === 'help') {
        stdout.write(HELP);
        stdout.flush();
        return;
      }
      if (word === 'quit' || word === 'exit') {
        this.quit = true;
        return;
      }
    }
    if (session.settings.echo === 'all' && !session.interactive) {
      stdout.write(`${line}\n`);
      stdout.flush();
    }
    this.newlineAt = -1;
    if (scanner.buffer.length > 0) {
      scanner.buffer += '\n';
      this.newlineAt = scanner.buffer.length;
    }
    const dieOnError = session.settings.onErrorStop;
    scanner.setLine(line);
    let ok = true;
    while (!this.quit && (ok || !dieOnError)) {
      const found = scanner.scan();
      this.status = scanner.status;
      if (found === 'semicolon' || (found === 'end' && session.settings.singleLine && scanner.buffer !== ''))
        ok = await this.sendBuffer();
      else if (found === 'backslash') ok = await this.runSlash();
      if (found === 'incomplete' || found === 'end') break;
    }
    session.statementLine++;
    if (scanner.buffer === '') session.statementLine = 1;
    if (session.interactive) return;
    if (!ok && dieOnError) this.result = EXIT_SCRIPT;
    else if (session.connection === undefined && !this.quit) this.result = EXIT_CONNECTION;
  }

  private async sendBuffer(target: QueryTarget = {}): Promise<boolean> {
    const { session, scanner } = this;
    if (!this.conditions.active) {
      if (session.interactive)
        session.error('query ignored; use \\endif or Ctrl-C to exit current \\if block');
      return true;
    }
    const query = scanner.buffer;
    const ok = await sendQuery(session, query, target);
    this.previous = query;
    scanner.buffer = '';
    this.newlineAt = -1;
    session.statementLine = 1;
    return ok;
  }

  private async runSlash(): Promise<boolean> {
    const { session, scanner } = this;
    if (scanner.buffer.length === this.newlineAt) scanner.buffer = scanner.buffer.slice(0, -1);
    this.newlineAt = -1;
    const target: QueryTarget = {};
    const { status, rest } = await runCommand(session, scanner.rest(), this, target, (path, relative) =>
      runFile(session, path, relative),
    );
    scanner.setRest(rest);
    session.statementLine = 1;
    if ((status === 'send' || status === 'edited') && scanner.buffer === '') scanner.buffer = this.previous;
    if (status === 'send') {
      const ok = await this.sendBuffer(target);
      // What was open in a statement that was sent by force is open no more.
      scanner.reset();
      return ok;
    }
    if (status === 'edited') {
      const text = scanner.buffer;
      scanner.buffer = '';
      scanner.reset();
      if (session.interactive && text.trim() !== '') stdout.write(`${text.replace(/\n$/, '')}\n`);
      scanner.setLine(text);
      this.status = 'ready';
      return true;
    }
    if (status === 'quit') this.quit = true;
    return status !== 'error';
  }

  /** What stands at the end of a script without a semicolon; an \if that was left open. */
  private async runRest(): Promise<void> {
    const { session, scanner } = this;
    const dieOnError = session.settings.onErrorStop;
    if (scanner.buffer.length > 0 && !session.interactive && this.result === EXIT_SUCCESS && !this.quit) {
      const ok = await this.sendBuffer();
      if (!ok && dieOnError) this.result = EXIT_SCRIPT;
      else if (session.connection === undefined) this.result = EXIT_CONNECTION;
    }
    if (!this.quit && this.result !== EXIT_SCRIPT && this.conditions.open) {
      session.error('reached EOF without finding closing \\endif(s)');
      if (dieOnError && !session.interactive) this.result = EXIT_SCRIPT;
    }
  }
}

const HELP = `You are using ${PROGRAM}, the command-line interface to mpp and PostgreSQL.
Type:  \\h for help with SQL commands
       \\? for help with ${PROGRAM} commands
       \\g or terminate with semicolon to execute query
       \\q to quit
`;

/** A file's lines; `-` is standard input. Returns an exit status. */
export async function processFile(session: Session, path: string, relative: boolean): Promise<number> {
  const before = session.inputFile;
  let name = path;
  let source: LineSource;
  if (path === '-') {
    name = '<stdin>';
    source = session.standardInput ?? new StreamSource(process.stdin);
  } else {
    if (relative && before !== undefined && !isAbsolute(path)) name = join(dirname(before), path);
    try {
      closeSync(openSync(name, 'r'));
    } catch (e) {
      session.error(`${name}: ${systemError(e)}`);
      return EXIT_FAILURE;
    }
    source = StreamSource.file(name);
  }
  session.inputFile = name;
  try {
    return await mainLoop(session, source);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).syscall !== 'read') throw e;
    session.error(`could not read from input file: ${systemError(e)}`);
    return EXIT_FAILURE;
  } finally {
    session.inputFile = before;
    if (path !== '-') source.close();
  }
}

async function runFile(session: Session, path: string, relative: boolean): Promise<boolean> {
  return (await processFile(session, path, relative)) === EXIT_SUCCESS;
}
