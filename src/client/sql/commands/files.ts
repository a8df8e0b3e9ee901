/** Files, directories, output, the shell. */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { expandTilde, openSink, stdout, systemError } from '../output.js';
import { type Command, type CommandContext, type CommandTable, missingArgument } from './command.js';

const include =
  (relative: boolean): Command =>
  async (context) => {
    const file = context.args.argument('normal', true);
    if (file === undefined) return missingArgument(context);
    return (await context.runFile(expandTilde(file), relative)) ? 'done' : 'error';
  };

async function setOutput(context: CommandContext, target: string | undefined): Promise<boolean> {
  const { session } = context;
  const before = session.output;
  session.output = stdout;
  if (before !== stdout) await before.close();
  if (target === undefined) return true;
  try {
    session.output = openSink(target);
    return true;
  } catch (e) {
    session.error(`${target}: ${systemError(e)}`);
    return false;
  }
}

const output: Command = async (context) => {
  const target = context.args.argument('file-or-pipe', true);
  return (await setOutput(context, target)) ? 'done' : 'error';
};

export const FILE_COMMANDS: CommandTable = {
  i: include(false),
  include: include(false),
  ir: include(true),
  include_relative: include(true),
  o: output,
  out: output,
  cd(context) {
    const { session, args } = context;
    const dir = args.argument('normal') ?? homedir();
    try {
      process.chdir(expandTilde(dir));
      return 'done';
    } catch (e) {
      session.error(`\\cd: could not change directory to "${dir}": ${systemError(e)}`);
      return 'error';
    }
  },
  '!'(context) {
    const { session, args } = context;
    const command = args.argument('whole-line');
    stdout.flush();
    const run =
      command === undefined
        ? spawnSync(process.env.SHELL ?? '/bin/sh', { stdio: 'inherit' })
        : spawnSync(command, { shell: true, stdio: 'inherit' });
    if (run.error === undefined && run.status !== 127) return 'done';
    session.error('\\!: failed');
    return 'error';
  },
};
