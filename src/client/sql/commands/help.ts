/** Help: options, backslash commands, variables, SQL statements. */
import { stdout } from '../output.js';
import { showText } from '../run/show.js';
import type { CommandTable } from './command.js';
import { COMMANDS_HELP, OPTIONS_HELP, VARIABLES_HELP } from './help-texts.js';
import { SQL_HELP } from './sql-help.js';

export { OPTIONS_HELP };

export function helpFor(topic: string): string {
  if (topic === 'commands') return COMMANDS_HELP;
  if (topic === 'variables') return VARIABLES_HELP;
  return OPTIONS_HELP;
}

function statementList(): string {
  const names = SQL_HELP.map((h) => h.name);
  const columns = 3;
  const rows = Math.ceil(names.length / columns);
  const width = Math.max(...names.map((n) => n.length)) + 2;
  let out = 'Available help:\n';
  for (let r = 0; r < rows; r++) {
    let line = '  ';
    for (let c = 0; c < columns; c++) line += (names[c * rows + r] ?? '').padEnd(width);
    out += `${line.trimEnd()}\n`;
  }
  return out;
}

/** Statements whose name begins with `topic`. */
export function statementHelp(topic: string): string {
  const wanted = topic.trim().replace(/\s*;$/, '').replace(/\s+/g, ' ').toUpperCase();
  if (wanted === '') return statementList();
  const all = wanted === '*' ? [...SQL_HELP] : SQL_HELP.filter((h) => h.name === wanted);
  // Fewer words, until some statement begins with them.
  for (let words = wanted.split(' '); all.length === 0 && words.length > 0; words = words.slice(0, -1))
    all.push(...SQL_HELP.filter((h) => h.name.startsWith(words.join(' '))));
  if (all.length === 0)
    return `No help available for "${topic}".\nTry \\h with no arguments to see available help.\n`;
  return `${all
    .map((h) => `Command:     ${h.name}\nDescription: ${h.description}\nSyntax:\n${h.syntax}\n`)
    .join('\n')}\n`;
}

export const HELP_COMMANDS: CommandTable = {
  '?'(context) {
    const topic = context.args.argument('normal') ?? 'commands';
    showText(context.session, helpFor(topic));
    return 'done';
  },
  h(context) {
    showText(context.session, statementHelp(context.args.argument('whole-line') ?? ''));
    return 'done';
  },
  help(context) {
    showText(context.session, statementHelp(context.args.argument('whole-line') ?? ''));
    return 'done';
  },
  copyright() {
    stdout.write('mpp is licensed under the Apache License 2.0.\n');
    stdout.flush();
    return 'done';
  },
};
