/** \copy: COPY whose file is the client's. */
import { statSync } from 'node:fs';
import { stdin } from 'node:process';
import { StreamSource } from '../line-source.js';
import { expandTilde, openSink, type Sink, stdout, systemError } from '../output.js';
import { type CopyInput, copyFromFile, copyFromProgram, copyFromSource, IsDirectory } from '../run/copy.js';
import { sendQuery } from '../run/send-query.js';
import type { CommandContext, CommandStatus, CommandTable } from './command.js';

export type CopyRequest = {
  readonly direction: 'from' | 'to';
  /** Table and columns, or a query in parentheses. */
  readonly subject: string;
  readonly end:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'program'; readonly command: string }
    /** stdin or stdout, of the script or of the client. */
    | { readonly kind: 'script' | 'client' };
  readonly options: string;
};

/** The words of the command; quotes and parentheses hold together. Returns the place of an error as text. */
export function parseCopy(text: string): CopyRequest | { readonly wrongAt: string | undefined } {
  let at = 0;
  const space = (): void => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  /** One token: a quoted text, a delimiter, or a word; as it stands. */
  const token = (delimiters: string, quotes: string): string | undefined => {
    space();
    const c = text[at];
    if (c === undefined) return undefined;
    const from = at;
    if (quotes.includes(c)) {
      at++;
      while (at < text.length) {
        if (text[at] === c && text[at + 1] === c) at += 2;
        else if (text[at] === c) break;
        else at++;
      }
      at = Math.min(at + 1, text.length);
    } else if (delimiters.includes(c)) at++;
    else while (at < text.length && !/\s/.test(text[at]!) && !delimiters.includes(text[at]!)) at++;
    return text.slice(from, at);
  };
  space();
  const begin = at;
  let word = token('.,()', '"');
  if (word === undefined) return { wrongAt: undefined };
  if (word.toLowerCase() === 'binary') word = token('.,()', '"');
  if (word === '(') {
    let depth = 1;
    while (depth > 0) {
      word = token('()', '"\'');
      if (word === undefined) return { wrongAt: undefined };
      if (word === '(') depth++;
      else if (word === ')') depth--;
    }
  } else {
    let save = at;
    word = token('.,()', '"');
    while (word === '.') {
      if (token('.,()', '"') === undefined) return { wrongAt: undefined };
      save = at;
      word = token('.,()', '"');
    }
    if (word === '(') {
      do {
        word = token('.,()', '"');
        if (word === undefined) return { wrongAt: undefined };
      } while (word !== ')');
    } else at = save;
  }
  const subject = text.slice(begin, at).trim();
  word = token('.,()', '"');
  if (word === undefined) return { wrongAt: undefined };
  const direction = word.toLowerCase();
  if (direction !== 'from' && direction !== 'to') return { wrongAt: word };
  word = token(';', "'");
  if (word === undefined) return { wrongAt: undefined };
  const unquote = (t: string): string => (t.startsWith("'") ? t.slice(1, -1).replaceAll("''", "'") : t);
  let end: CopyRequest['end'];
  const lower = word.toLowerCase();
  if (lower === 'program') {
    const command = token(';', "'");
    if (command === undefined) return { wrongAt: undefined };
    if (!command.startsWith("'")) return { wrongAt: command };
    end = { kind: 'program', command: unquote(command) };
  } else if (lower === (direction === 'from' ? 'stdin' : 'stdout')) end = { kind: 'script' };
  else if (lower === (direction === 'from' ? 'pstdin' : 'pstdout')) end = { kind: 'client' };
  else end = { kind: 'file', path: unquote(word) };
  return { direction, subject, end, options: text.slice(at).trim().replace(/;+$/, '') };
}

async function copy(context: CommandContext): Promise<CommandStatus> {
  const { session, args } = context;
  const text = args.argument('whole-line');
  if (text === undefined) {
    session.error('\\copy: arguments required');
    return 'error';
  }
  const request = parseCopy(text);
  if ('wrongAt' in request) {
    session.error(
      request.wrongAt === undefined
        ? '\\copy: parse error at end of line'
        : `\\copy: parse error at "${request.wrongAt}"`,
    );
    return 'error';
  }
  const { direction, end } = request;
  let input: CopyInput | undefined;
  let output: Sink | undefined;
  try {
    if (direction === 'from') input = await openInput(context, end);
    else output = openOutput(end);
  } catch (e) {
    const path = end.kind === 'file' ? end.path : 'input';
    session.error(
      e instanceof IsDirectory ? `${path}: cannot copy from/to a directory` : `${path}: ${systemError(e)}`,
    );
    return 'error';
  }
  const sql = `COPY ${request.subject} ${direction === 'from' ? 'FROM STDIN' : 'TO STDOUT'} ${request.options}`;
  const before = session.lastQuery;
  const tags: string[] = [];
  const onTag = (tag: string): void => {
    tags.push(tag);
  };
  const sayTags = (): void => {
    if (!session.settings.quiet) for (const tag of tags) session.output.write(`${tag}\n`);
  };
  let ok = await sendQuery(
    session,
    sql,
    {},
    { ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }), onTag },
  );
  session.lastQuery = before;
  if (direction === 'from') sayTags();
  const problem = await input?.close();
  if (problem !== undefined) {
    session.error(problem);
    ok = false;
  }
  if (output !== undefined && output !== stdout) {
    const status = await output.close();
    if (status !== 0 && end.kind === 'program') {
      session.error(`${end.command}: child process exited with exit code ${status}`);
      ok = false;
    }
  }
  // Not where data went: it would be taken for some of it.
  if (direction === 'to' && (end.kind === 'file' || end.kind === 'program')) sayTags();
  return ok ? 'done' : 'error';
}

async function openInput(context: CommandContext, end: CopyRequest['end']): Promise<CopyInput | undefined> {
  const { session } = context;
  switch (end.kind) {
    case 'file':
      return copyFromFile(session, end.path);
    case 'program':
      return copyFromProgram(session, end.command);
    case 'client':
      // What the client itself was given, also inside of a script.
      return copyFromSource(session, session.standardInput ?? new StreamSource(stdin));
    case 'script':
      return undefined;
  }
}

function openOutput(end: CopyRequest['end']): Sink | undefined {
  switch (end.kind) {
    case 'file': {
      const path = expandTilde(end.path);
      try {
        if (statSync(path).isDirectory()) throw new IsDirectory();
      } catch (e) {
        if (e instanceof IsDirectory) throw e;
      }
      return openSink(path);
    }
    case 'program':
      return openSink(`|${end.command}`);
    case 'client':
      return stdout;
    case 'script':
      return undefined;
  }
}

export const COPY_COMMANDS: CommandTable = { copy };
