/** Variables, messages, timing, errors. */

import { stderr, stdout } from '../output.js';
import { parseBoolean } from '../variables.js';
import { errorText } from '../wire/error-text.js';
import {
  type CommandContext,
  type CommandStatus,
  type CommandTable,
  missingArgument,
  remaining,
} from './command.js';

/** Words of \echo, with a space between; `-n` first leaves the newline out. */
function echoText(context: CommandContext): string {
  const { args } = context;
  let out = '';
  let newline = true;
  let first = true;
  for (;;) {
    const word = args.argumentWithQuote('normal');
    if (word === undefined) break;
    if (first && newline && word.quote === '' && word.text === '-n') {
      newline = false;
      continue;
    }
    if (!first) out += ' ';
    out += word.text;
    first = false;
  }
  return newline ? `${out}\n` : out;
}

async function ask(context: CommandContext): Promise<CommandStatus> {
  const { session, args } = context;
  const first = args.argument('normal');
  if (first === undefined) return missingArgument(context);
  const second = args.argument('normal');
  const [prompt, name] = second === undefined ? ['', first] : [first, second];
  stdout.write(prompt);
  stdout.flush();
  const answer = await session.source?.line(prompt);
  if (answer === undefined) {
    session.error(`\\${context.name}: could not read value for variable`);
    return 'error';
  }
  return session.setVariable(name, answer) ? 'done' : 'error';
}

export const SETTING_COMMANDS: CommandTable = {
  set(context) {
    const { session, args } = context;
    const name = args.argument('normal');
    if (name === undefined) {
      for (const [n, v] of session.variables.entries()) stdout.write(`${n} = '${v}'\n`);
      stdout.flush();
      return 'done';
    }
    // Values are put together without spaces between.
    return session.setVariable(name, remaining(context).join('')) ? 'done' : 'error';
  },
  unset(context) {
    const name = context.args.argument('normal');
    if (name === undefined) return missingArgument(context);
    return context.session.setVariable(name, undefined) ? 'done' : 'error';
  },
  setenv(context) {
    const { session, args } = context;
    const name = args.argument('normal');
    const value = args.argument('normal');
    if (name === undefined) return missingArgument(context);
    if (name.includes('=')) {
      session.error('\\setenv: environment variable name must not contain "="');
      return 'error';
    }
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
    return 'done';
  },
  getenv(context) {
    const { session, args } = context;
    const variable = args.argument('normal');
    const name = args.argument('normal');
    if (variable === undefined || name === undefined) return missingArgument(context);
    const value = process.env[name];
    if (value !== undefined && !session.setVariable(variable, value)) return 'error';
    return 'done';
  },
  prompt: ask,
  echo(context) {
    const text = echoText(context);
    stdout.write(text);
    stdout.flush();
    return 'done';
  },
  qecho(context) {
    context.session.output.write(echoText(context));
    return 'done';
  },
  warn(context) {
    stderr(echoText(context));
    return 'done';
  },
  timing(context) {
    const { session, args } = context;
    const arg = args.argument('normal');
    const on = arg === undefined ? !session.timing : parseBoolean(arg);
    if (on === undefined) session.error(`unrecognized value "${arg}" for "\\timing": Boolean expected`);
    else session.timing = on;
    session.say(session.timing ? 'Timing is on.' : 'Timing is off.');
    return on === undefined ? 'error' : 'done';
  },
  errverbose(context) {
    const { session } = context;
    const last = session.lastError;
    if (last === undefined) {
      stdout.write('There is no previous error.\n');
      stdout.flush();
    } else
      session.error(errorText(last.error, { verbosity: 'verbose', showContext: 'always' }, last.query, true));
    return 'done';
  },
  q() {
    return 'quit';
  },
  quit() {
    return 'quit';
  },
};
