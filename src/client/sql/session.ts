/** All that one run of the client knows: its settings, connection, variables, output, and what stands where in a script. */
import { spawnSync } from 'node:child_process';
import type { Conditions } from './conditions.js';
import type { History } from './history.js';
import type { LineSource } from './line-source.js';
import { type Sink, stderr, stdout } from './output.js';
import { defaultPrintOptions, type PrintOptions } from './print/options.js';
import { quoteIdentifier, quoteLiteral, shellQuote } from './quote.js';
import type { VariableQuote } from './scan/sql-scanner.js';
import { Variables } from './variables.js';
import type { ConnectionSettings } from './wire/connection-settings.js';
import type { ShowContext, Verbosity } from './wire/error-text.js';
import { errorText } from './wire/error-text.js';
import type { Notification, ServerMessage } from './wire/messages.js';
import type { ServerConnection } from './wire/server-connection.js';

export const PROGRAM = 'mpp-sql';
export const VERSION = '0.1.0';

/** What one execution of the query buffer was asked to do with its result. */
export type QueryTarget = {
  /** \g FILE or |COMMAND */
  file?: string;
  /** \gset PREFIX */
  setPrefix?: string;
  execute?: boolean;
  describe?: boolean;
  /** \crosstabview's arguments. */
  crosstab?: readonly (string | undefined)[];
  print?: PrintOptions;
};

export type Settings = {
  autocommit: boolean;
  onErrorStop: boolean;
  quiet: boolean;
  singleLine: boolean;
  singleStep: boolean;
  hideTableAm: boolean;
  hideCompression: boolean;
  showAllResults: boolean;
  fetchCount: number;
  historySize: number;
  historyControl: 'none' | 'ignorespace' | 'ignoredups' | 'ignoreboth';
  ignoreEof: number;
  prompt1: string;
  prompt2: string;
  prompt3: string;
  echo: 'none' | 'errors' | 'queries' | 'all';
  keywordCase: 'lower' | 'upper' | 'preserve-lower' | 'preserve-upper';
  verbosity: Verbosity;
  showContext: ShowContext;
  echoHidden: 'on' | 'off' | 'noexec';
  onErrorRollback: 'on' | 'off' | 'interactive';
};

export class Session {
  readonly variables = new Variables();
  readonly settings: Settings = {
    autocommit: true,
    onErrorStop: false,
    quiet: false,
    singleLine: false,
    singleStep: false,
    hideTableAm: false,
    hideCompression: false,
    showAllResults: true,
    fetchCount: 0,
    historySize: 500,
    historyControl: 'none',
    ignoreEof: 0,
    prompt1: '',
    prompt2: '',
    prompt3: '',
    echo: 'none',
    keywordCase: 'preserve-upper',
    verbosity: 'default',
    showContext: 'errors',
    echoHidden: 'off',
    onErrorRollback: 'off',
  };
  print: PrintOptions = defaultPrintOptions();
  timing = false;
  connection: ServerConnection | undefined;
  connectionSettings: ConnectionSettings | undefined;
  /** The file being run, for messages; undefined: standard input. */
  inputFile: string | undefined;
  lineNumber = 0;
  /** Line of the statement that is being read. */
  statementLine = 1;
  /** Commands come from a person's keyboard right now. */
  interactive = false;
  /** Standard input and output are no terminals. */
  readonly notTerminal: boolean;
  /** Prefix messages with the program's name: only until input is read. */
  terse = false;
  output: Sink = stdout;
  /** -L: a copy of all output. */
  log: Sink | undefined;
  lastError: { readonly error: ServerMessage; readonly query: string } | undefined;
  /** Ctrl-C was pressed since it was last looked at. */
  interrupted = false;
  history: History | undefined;
  /** What the client itself was given to read, when that is no terminal. */
  standardInput: LineSource | undefined;
  /** What reads the input that is current, for COPY FROM STDIN. */
  source: LineSource | undefined;
  conditions: Conditions | undefined;
  /** Ends the wait of \watch and the like. */
  onInterrupt: (() => void) | undefined;
  readonly colors: boolean;
  /** Connects anew after a loss; undefined where nobody would. */
  reconnect: (() => Promise<ServerConnection | undefined>) | undefined;
  /** Text of the last statement that was run, and how: for \plan. */
  lastQuery: string | undefined;

  constructor() {
    this.notTerminal = !(process.stdin.isTTY === true && process.stdout.isTTY === true);
    const wanted = process.env.PG_COLOR ?? 'auto';
    this.colors =
      wanted === 'always' ||
      (wanted === 'auto' &&
        process.stdout.isTTY === true &&
        process.env.NO_COLOR === undefined &&
        process.env.TERM !== 'dumb');
  }

  /** Where a message comes from: `prog:file:line: ` in a script. */
  private locus(): string {
    if (this.inputFile !== undefined) return `${PROGRAM}:${this.inputFile}:${this.lineNumber}: `;
    return this.terse ? '' : `${PROGRAM}: `;
  }

  error(message: string): void {
    this.message('error', message);
  }

  warning(message: string): void {
    this.message('warning', message);
  }

  private message(kind: 'error' | 'warning', message: string): void {
    const [first, ...more] = message.replace(/\n$/, '').split('\n');
    let text = `${this.locus()}${this.terse && this.inputFile === undefined ? '' : `${kind}: `}${first}\n`;
    for (const line of more) text += `${line}\n`;
    stderr(text);
  }

  hint(message: string): void {
    stderr(`${this.locus()}${this.terse && this.inputFile === undefined ? '' : 'hint: '}${message}\n`);
  }

  /** A message as it stands, with its place in the script only. */
  info(message: string): void {
    stderr(`${this.locus()}${message}${message.endsWith('\n') ? '' : '\n'}`);
  }

  serverError(e: ServerMessage, query: string | undefined): void {
    this.info(errorText(e, this.settings, query, true));
  }

  notice(e: ServerMessage): void {
    this.info(errorText(e, this.settings, undefined, false));
  }

  notification(n: Notification): void {
    const payload = n.payload === '' ? '' : ` with payload "${n.payload}"`;
    this.output.write(
      `Asynchronous notification "${n.channel}"${payload} received from server process with PID ${n.processId}.\n`,
    );
  }

  /** A line for the person only: not in quiet mode. */
  say(text: string): void {
    if (!this.settings.quiet) stdout.write(`${text}\n`);
  }

  variable(name: string, quote: VariableQuote): string | undefined {
    if (this.conditions !== undefined && !this.conditions.active) return undefined;
    const value = this.variables.get(name);
    if (value === undefined) return undefined;
    switch (quote) {
      case 'plain':
        return value;
      case 'literal':
        return quoteLiteral(value);
      case 'identifier':
        return quoteIdentifier(value);
      case 'shell':
        return shellQuote(value);
    }
  }

  /** Output of a shell command without its last newline. */
  backtick(command: string): string | undefined {
    if (this.conditions !== undefined && !this.conditions.active) return '';
    stdout.flush();
    const run = spawnSync(command, { shell: true, stdio: ['inherit', 'pipe', 'inherit'], encoding: 'utf8' });
    if (run.error !== undefined) {
      this.error(`${command}: ${run.error.message}`);
      return undefined;
    }
    return run.stdout.endsWith('\n') ? run.stdout.slice(0, -1) : run.stdout;
  }

  /** Asks the server to end what it is doing for us, if it is doing anything. */
  cancelRunning(): void {
    const { connection } = this;
    if (connection === undefined || !connection.running) return;
    stderr('Cancel request sent\n');
    connection.cancel().catch((e: unknown) => {
      stderr(`Could not send cancel request: ${e instanceof Error ? e.message : String(e)}\n`);
    });
  }

  setVariable(name: string, value: string | undefined): boolean {
    const wrong = this.variables.set(name, value);
    if (wrong !== undefined) this.error(wrong);
    return wrong === undefined;
  }
}
