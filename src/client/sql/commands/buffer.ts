/** The query buffer: shown, thrown away, written, edited, sent. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitionOf } from '../describe/source.js';
import { expandTilde, openSink, stdout, systemError } from '../output.js';
import { watch } from '../run/watch.js';
import { parseInteger } from '../variables.js';
import type { CommandContext, CommandStatus, CommandTable } from './command.js';
import { setPrintOption } from './pset.js';

/** `\g (format=csv border=2) FILE`: options for this result alone. */
function readOptions(context: CommandContext, first: string): boolean {
  const { session, args, target } = context;
  const print = { ...session.print };
  let word: string | undefined = first.slice(1);
  for (;;) {
    let text: string = word;
    const close = text.endsWith(')');
    if (close) text = text.slice(0, -1);
    if (text !== '') {
      const equals = text.indexOf('=');
      const [name, value] = equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
      if (!setPrintOption(session, print, name, value, true)) return false;
    }
    if (close) break;
    word = args.argument('normal');
    if (word === undefined) {
      session.error(`\\${context.name}: missing right parenthesis`);
      return false;
    }
  }
  target.print = print;
  return true;
}

function go(context: CommandContext): CommandStatus {
  const { session, args, target } = context;
  let word = args.argument('file-or-pipe');
  if (word?.startsWith('(') === true) {
    if (!readOptions(context, word)) return 'error';
    word = args.argument('file-or-pipe');
  }
  if (word !== undefined) target.file = expandTilde(word);
  if (context.name === 'gx') target.print = { ...(target.print ?? session.print), expanded: true };
  return 'send';
}

function editor(): string {
  return process.env.PSQL_EDITOR ?? process.env.EDITOR ?? process.env.VISUAL ?? 'vi';
}

/** Lets the person edit a text; undefined when that went wrong, or nothing was changed and saved. */
function editText(context: CommandContext, text: string, line: number | undefined): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'mpp-sql-'));
  const file = join(dir, 'query.sql');
  try {
    writeFileSync(file, text === '' || text.endsWith('\n') ? text : `${text}\n`);
    return runEditor(context, file, line) ? readFileSync(file, 'utf8') : undefined;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function runEditor(context: CommandContext, file: string, line: number | undefined): boolean {
  stdout.flush();
  const program = editor();
  const option = process.env.PSQL_EDITOR_LINENUMBER_ARG ?? '+';
  const at = line === undefined ? '' : `${option}${line} `;
  const before = mtime(file);
  const run = spawnSync(`exec ${program} ${at}'${file.replaceAll("'", `'"'"'`)}'`, {
    shell: true,
    stdio: 'inherit',
  });
  if (run.error !== undefined || run.status === 127 || run.status === 126) {
    context.session.error(`could not start editor "${program}"`);
    return false;
  }
  return run.status === 0 && mtime(file) !== before;
}

function mtime(file: string): number | undefined {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}

function lineArgument(context: CommandContext, text: string): number | undefined | 'bad' {
  const n = parseInteger(text);
  if (n === undefined || n < 1) {
    context.session.error(`invalid line number: ${text}`);
    return 'bad';
  }
  return n;
}

function edit(context: CommandContext): CommandStatus {
  const { args, query, session } = context;
  let file = args.argument('normal');
  let lineText = args.argument('normal');
  if (file !== undefined && lineText === undefined && /^\d+$/.test(file)) {
    lineText = file;
    file = undefined;
  }
  const line = lineText === undefined ? undefined : lineArgument(context, lineText);
  if (line === 'bad') return 'error';
  if (file !== undefined) {
    const path = expandTilde(file);
    if (!runEditor(context, path, line)) return 'error';
    try {
      query.reset();
      query.buffer = readFileSync(path, 'utf8');
    } catch (e) {
      session.error(`${path}: ${systemError(e)}`);
      return 'error';
    }
    return 'edited';
  }
  const text = query.buffer === '' ? query.previous : query.buffer;
  const edited = editText(context, text, line);
  if (edited === undefined) return 'error';
  query.reset();
  query.buffer = edited;
  return 'edited';
}

/** \ef, \ev: the definition of a function or view becomes the buffer. */
async function editDefinition(context: CommandContext, kind: 'function' | 'view'): Promise<CommandStatus> {
  const { args, query, session } = context;
  let name = args.argument('whole-line')?.trim();
  let line: number | undefined;
  const trailing = name === undefined ? null : /^(.*\S)\s+(\d+)$/.exec(name);
  if (trailing !== null) {
    name = trailing[1];
    line = Number(trailing[2]);
  }
  const text =
    name === undefined || name === ''
      ? kind === 'function'
        ? 'CREATE FUNCTION ( )\n RETURNS \n LANGUAGE \n -- common options:  IMMUTABLE  STABLE  STRICT  SECURITY DEFINER\nAS $function$\n\n$function$\n'
        : 'CREATE VIEW  AS\n SELECT \n  -- something...\n'
      : await definitionOf(session, kind, name);
  if (text === undefined) return 'error';
  const edited = editText(context, text, line);
  if (edited === undefined) {
    session.say('No changes');
    return 'done';
  }
  query.reset();
  query.buffer = edited;
  return 'edited';
}

async function show(context: CommandContext, kind: 'function' | 'view'): Promise<CommandStatus> {
  const { args, session } = context;
  const name = args.argument('whole-line')?.trim();
  if (name === undefined || name === '') {
    session.error(`${kind} name is required`);
    return 'error';
  }
  const text = await definitionOf(session, kind, name);
  if (text === undefined) return 'error';
  if (!context.name.endsWith('+')) {
    session.output.write(text);
    return 'done';
  }
  // Lines count from the body's first, as in messages about the function.
  let body = kind === 'view';
  let number = 0;
  for (const [i, line] of text.replace(/\n$/, '').split('\n').entries()) {
    body ||= /^(AS |BEGIN |RETURN )/.test(line);
    if (kind === 'view') number = i + 1;
    else if (body) number++;
    session.output.write(`${body ? String(number).padEnd(7) : '       '} ${line}\n`);
  }
  return 'done';
}

function reset({ query, session }: CommandContext): CommandStatus {
  query.buffer = '';
  query.reset();
  session.say('Query buffer reset (cleared).');
  return 'done';
}

function print({ query, session }: CommandContext): CommandStatus {
  const text = query.buffer === '' ? query.previous : query.buffer;
  if (text !== '') stdout.write(`${text}\n`);
  else session.say('Query buffer is empty.');
  stdout.flush();
  return 'done';
}

export const BUFFER_COMMANDS: CommandTable = {
  g: go,
  gx: go,
  gset(context) {
    context.target.setPrefix = context.args.argument('normal') ?? '';
    return 'send';
  },
  gexec(context) {
    context.target.execute = true;
    return 'send';
  },
  gdesc(context) {
    context.target.describe = true;
    return 'send';
  },
  crosstabview(context) {
    const { args } = context;
    context.target.crosstab = [0, 1, 2, 3].map(() => args.argument('normal'));
    return 'send';
  },
  async watch(context) {
    const { args, query, session } = context;
    const arg = args.argument('normal', true);
    let seconds = 2;
    if (arg !== undefined) {
      seconds = Number(arg);
      if (!Number.isFinite(seconds) || seconds < 0) {
        session.error(`\\watch: incorrect interval value "${arg}"`);
        return 'error';
      }
      if (seconds === 0) seconds = 1;
    }
    const text = query.buffer === '' ? query.previous : query.buffer;
    const ok = await watch(session, text, seconds);
    query.reset();
    query.buffer = '';
    return ok ? 'done' : 'error';
  },
  p: print,
  print,
  r: reset,
  reset,
  async w(context) {
    const { args, query, session } = context;
    const file = args.argument('file-or-pipe');
    if (file === undefined) {
      session.error(`\\${context.name}: missing required argument`);
      return 'error';
    }
    const text = query.buffer === '' ? query.previous : query.buffer;
    try {
      const sink = openSink(file);
      if (text !== '') sink.write(`${text}\n`);
      await sink.close();
      return 'done';
    } catch (e) {
      session.error(`${file}: ${systemError(e)}`);
      return 'error';
    }
  },
  e: edit,
  edit,
  ef: (context) => editDefinition(context, 'function'),
  ev: (context) => editDefinition(context, 'view'),
  sf: (context) => show(context, 'function'),
  'sf+': (context) => show(context, 'function'),
  sv: (context) => show(context, 'view'),
  'sv+': (context) => show(context, 'view'),
};
