/** \if and its kin. */
import { parseBoolean } from '../variables.js';
import type { CommandContext, CommandStatus, CommandTable } from './command.js';

/** The expression on the line: one truth value, words joined as they stand. */
function condition(context: CommandContext): boolean | undefined {
  const { session, args } = context;
  const words: string[] = [];
  for (;;) {
    const arg = args.argument('normal');
    if (arg === undefined) break;
    words.push(arg);
  }
  const text = words.join(' ');
  const value = parseBoolean(text);
  if (value === undefined)
    session.error(`unrecognized value "${text}" for "\\${context.name} expression": Boolean expected`);
  return value;
}

function skipArguments(context: CommandContext): void {
  while (context.args.argument('not-evaluated') !== undefined);
}

export const BRANCHING: ReadonlySet<string> = new Set(['if', 'elif', 'else', 'endif']);

function misplaced(context: CommandContext, outcome: 'after-else' | 'no-if'): CommandStatus {
  const { name } = context;
  context.session.error(
    outcome === 'no-if' ? `\\${name}: no matching \\if` : `\\${name}: cannot occur after \\else`,
  );
  return 'error';
}

export const CONDITIONAL_COMMANDS: CommandTable = {
  if(context) {
    const { conditions } = context.session;
    if (conditions!.active) conditions!.begin(context.query, () => condition(context));
    else {
      skipArguments(context);
      conditions!.begin(context.query, () => undefined);
    }
    return 'done';
  },
  elif(context) {
    let evaluated = false;
    const outcome = context.session.conditions!.elif(context.query, () => {
      evaluated = true;
      return condition(context);
    });
    if (!evaluated) skipArguments(context);
    return outcome === 'ok' ? 'done' : misplaced(context, outcome);
  },
  else(context) {
    const outcome = context.session.conditions!.else(context.query);
    return outcome === 'ok' ? 'done' : misplaced(context, outcome);
  },
  endif(context) {
    if (context.session.conditions!.end(context.query)) return 'done';
    context.session.error('\\endif: no matching \\if');
    return 'error';
  },
};
