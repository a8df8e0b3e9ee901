/** What a backslash command is, and what it gets to work with. */
import type { SlashScanner } from '../scan/slash-scanner.js';
import type { QueryTarget, Session } from '../session.js';

export type CommandStatus =
  /** Done; reading goes on. */
  | 'done'
  /** Send the query buffer. */
  | 'send'
  /** The query buffer was edited: read it anew. */
  | 'edited'
  | 'quit'
  | 'error';

/** The statement being typed, and the one before. */
export type QueryBuffer = {
  buffer: string;
  parenDepth: number;
  previous: string;
  reset(): void;
};

export type CommandContext = {
  readonly session: Session;
  /** The command as it was typed, `d+`. */
  readonly name: string;
  readonly args: SlashScanner;
  readonly query: QueryBuffer;
  /** For the statement that 'send' sends. */
  target: QueryTarget;
  /** Runs a file's lines. */
  runFile(path: string, relative: boolean): Promise<boolean>;
};

export type Command = (context: CommandContext) => Promise<CommandStatus> | CommandStatus;

export type CommandTable = Readonly<Record<string, Command>>;

/** All that is left of the arguments. */
export function remaining(context: CommandContext): string[] {
  const out: string[] = [];
  for (;;) {
    const arg = context.args.argument('normal');
    if (arg === undefined) return out;
    out.push(arg);
  }
}

/** `\foo: missing required argument` */
export function missingArgument(context: CommandContext): CommandStatus {
  context.session.error(`\\${context.name}: missing required argument`);
  return 'error';
}
