/** Finds a backslash command, runs it, and deals with what is left of its line. */
import { SlashScanner } from '../scan/slash-scanner.js';
import type { QueryTarget, Session } from '../session.js';
import { BUFFER_COMMANDS } from './buffer.js';
import type { Command, CommandContext, CommandStatus, CommandTable, QueryBuffer } from './command.js';
import { BRANCHING, CONDITIONAL_COMMANDS } from './conditionals.js';
import { CONNECTION_COMMANDS } from './connection.js';
import { COPY_COMMANDS } from './copy.js';
import { describeCommand } from './describe.js';
import { FILE_COMMANDS } from './files.js';
import { HELP_COMMANDS } from './help.js';
import { HISTORY_COMMANDS } from './history.js';
import { PLAN_COMMANDS } from './plan.js';
import { PSET_COMMANDS } from './pset.js';
import { SETTING_COMMANDS } from './settings.js';

const COMMANDS: CommandTable = {
  ...CONDITIONAL_COMMANDS,
  ...BUFFER_COMMANDS,
  ...CONNECTION_COMMANDS,
  ...COPY_COMMANDS,
  ...FILE_COMMANDS,
  ...HELP_COMMANDS,
  ...HISTORY_COMMANDS,
  ...PLAN_COMMANDS,
  ...PSET_COMMANDS,
  ...SETTING_COMMANDS,
};

/** Names for completion. */
export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** Commands whose arguments are all of the line: there is no other command behind them. */
const WHOLE_LINE = new Set(['copy', '!', 'ef', 'ev', 'h', 'help', 'sf', 'sf+', 'sv', 'sv+']);

function find(name: string): Command | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : describeCommand(name);
}

export type CommandOutcome = { readonly status: CommandStatus; readonly rest: string };

/** `text`: the line behind the backslash. `rest`: of the line behind the command. */
export async function runCommand(
  session: Session,
  text: string,
  query: QueryBuffer,
  target: QueryTarget,
  runFile: (path: string, relative: boolean) => Promise<boolean>,
): Promise<CommandOutcome> {
  const args = new SlashScanner(text, {
    variable: (name, quote) => session.variable(name, quote),
    backtick: (command) => session.backtick(command),
    error: (message) => session.error(message),
  });
  const name = args.command();
  const active = session.conditions?.active ?? true;
  const command = find(name);
  const context: CommandContext = { session, name, args, query, target, runFile };
  let status: CommandStatus;
  if (command === undefined) {
    session.error(`invalid command \\${name}`);
    if (session.interactive) session.hint('Try \\? for help.');
    status = 'error';
  } else if (!active && !BRANCHING.has(name)) {
    if (session.interactive)
      session.warning(`\\${name} command ignored; use \\endif or Ctrl-C to exit current \\if block`);
    skip(args, WHOLE_LINE.has(name) ? 'whole-line' : 'not-evaluated');
    status = 'done';
  } else status = await command(context);
  if (status === 'error') skip(args, 'whole-line');
  else {
    // Read without effects: what is left belongs to nobody.
    for (;;) {
      const arg = args.argument('not-evaluated');
      if (arg === undefined) break;
      if (active) session.warning(`\\${name}: extra argument "${arg}" ignored`);
    }
    args.end();
  }
  return { status, rest: args.rest };
}

function skip(args: SlashScanner, kind: 'whole-line' | 'not-evaluated'): void {
  while (args.argument(kind) !== undefined);
}
