/** \s: the history, on the screen or in a file. */
import { writeFileSync } from 'node:fs';
import { expandTilde, stdout, systemError } from '../output.js';
import { showText } from '../run/show.js';
import type { CommandTable } from './command.js';

export const HISTORY_COMMANDS: CommandTable = {
  s(context) {
    const { session, args } = context;
    const file = args.argument('normal');
    const { history } = session;
    if (history === undefined) {
      session.error('history is not supported by this installation');
      return 'error';
    }
    const text = history
      .entries()
      .map((e) => `${e}\n`)
      .join('');
    if (file === undefined) {
      showText(session, text);
      return 'done';
    }
    try {
      writeFileSync(expandTilde(file), text);
    } catch (e) {
      session.error(`could not save history to file "${file}": ${systemError(e)}`);
      return 'error';
    }
    if (!session.settings.quiet) {
      stdout.write(`Wrote history to file "${file}".\n`);
      stdout.flush();
    }
    return 'done';
  },
};
