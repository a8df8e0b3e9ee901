/** The command line: psql's options. */
import { parseArgs } from 'node:util';

export type Action =
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

/** `\pset`, `\set` and their like, in the order of the command line. */
export type Assignment =
  | { readonly kind: 'pset'; readonly name: string; readonly value: string | undefined }
  | { readonly kind: 'set'; readonly name: string; readonly value: string | undefined };

export type Options = {
  readonly actions: readonly Action[];
  readonly assignments: readonly Assignment[];
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly user: string | undefined;
  readonly database: string | undefined;
  readonly output: string | undefined;
  readonly log: string | undefined;
  readonly listDatabases: boolean;
  readonly noRc: boolean;
  readonly noEditor: boolean;
  readonly singleTransaction: boolean;
  readonly neverPrompt: boolean;
  readonly promptFirst: boolean;
  readonly help: string | undefined;
  readonly version: boolean;
  /** Arguments that belong to nothing. */
  readonly extra: readonly string[];
};

export class OptionError extends Error {}

const FLAG = { type: 'boolean' } as const;
const TEXT = { type: 'string' } as const;

const DEFINITIONS = {
  'echo-all': { ...FLAG, short: 'a' },
  'no-align': { ...FLAG, short: 'A' },
  'echo-errors': { ...FLAG, short: 'b' },
  command: { ...TEXT, short: 'c' },
  dbname: { ...TEXT, short: 'd' },
  'echo-queries': { ...FLAG, short: 'e' },
  'echo-hidden': { ...FLAG, short: 'E' },
  file: { ...TEXT, short: 'f' },
  'field-separator': { ...TEXT, short: 'F' },
  'field-separator-zero': { ...FLAG, short: 'z' },
  host: { ...TEXT, short: 'h' },
  list: { ...FLAG, short: 'l' },
  'log-file': { ...TEXT, short: 'L' },
  'no-readline': { ...FLAG, short: 'n' },
  'single-transaction': { ...FLAG, short: '1' },
  output: { ...TEXT, short: 'o' },
  port: { ...TEXT, short: 'p' },
  pset: { ...TEXT, short: 'P' },
  quiet: { ...FLAG, short: 'q' },
  'record-separator': { ...TEXT, short: 'R' },
  'record-separator-zero': { ...FLAG, short: '0' },
  'single-step': { ...FLAG, short: 's' },
  'single-line': { ...FLAG, short: 'S' },
  'tuples-only': { ...FLAG, short: 't' },
  'table-attr': { ...TEXT, short: 'T' },
  username: { ...TEXT, short: 'U' },
  set: { ...TEXT, short: 'v' },
  variable: TEXT,
  version: { ...FLAG, short: 'V' },
  'no-password': { ...FLAG, short: 'w' },
  password: { ...FLAG, short: 'W' },
  expanded: { ...FLAG, short: 'x' },
  'no-psqlrc': { ...FLAG, short: 'X' },
  csv: FLAG,
  json: FLAG,
  help: { ...FLAG, short: '?' },
} as const;

type Name = keyof typeof DEFINITIONS;

/** Options that are a setting by another name. */
const PSET_FLAGS: Partial<Record<Name, readonly [string, string | undefined]>> = {
  'no-align': ['format', 'unaligned'],
  csv: ['format', 'csv'],
  json: ['format', 'json'],
  'tuples-only': ['tuples_only', 'on'],
  expanded: ['expanded', 'on'],
  'field-separator-zero': ['fieldsep_zero', undefined],
  'record-separator-zero': ['recordsep_zero', undefined],
};
const PSET_TEXTS: Partial<Record<Name, string>> = {
  'field-separator': 'fieldsep',
  'record-separator': 'recordsep',
  'table-attr': 'tableattr',
};
const SET_FLAGS: Partial<Record<Name, readonly [string, string]>> = {
  'echo-all': ['ECHO', 'all'],
  'echo-errors': ['ECHO', 'errors'],
  'echo-queries': ['ECHO', 'queries'],
  'echo-hidden': ['ECHO_HIDDEN', 'on'],
  quiet: ['QUIET', 'on'],
  'single-step': ['SINGLESTEP', 'on'],
  'single-line': ['SINGLELINE', 'on'],
};

function split(text: string): readonly [string, string | undefined] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

export function parseOptions(args: readonly string[]): Options {
  // The only option whose value may be left out.
  const topic = args.map((a) => /^--help=(.*)$/.exec(a)?.[1]).find((t) => t !== undefined);
  const plain = args.map((a) => (a.startsWith('--help=') ? '--help' : a));
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(plain);
  } catch (e) {
    throw new OptionError(e instanceof Error ? e.message.split('. ')[0]!.replaceAll("'", '"') : String(e));
  }
  const { values, positionals, tokens } = parsed;
  const actions: Action[] = [];
  const assignments: Assignment[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const name = token.name as Name;
    const value = token.value ?? '';
    const flag = PSET_FLAGS[name];
    const text = PSET_TEXTS[name];
    const set = SET_FLAGS[name];
    if (name === 'command') actions.push({ kind: 'command', text: value });
    else if (name === 'file') actions.push({ kind: 'file', path: value });
    else if (flag !== undefined) assignments.push({ kind: 'pset', name: flag[0], value: flag[1] });
    else if (text !== undefined) assignments.push({ kind: 'pset', name: text, value });
    else if (set !== undefined) assignments.push({ kind: 'set', name: set[0], value: set[1] });
    else if (name === 'pset') {
      const [key, v] = split(value);
      assignments.push({ kind: 'pset', name: key, value: v });
    } else if (name === 'set' || name === 'variable') {
      const [key, v] = split(value);
      assignments.push({ kind: 'set', name: key, value: v });
    }
  }
  const rest = [...positionals];
  const database = values.dbname ?? rest.shift();
  const user = values.username ?? rest.shift();
  return {
    actions,
    assignments,
    host: values.host,
    port: values.port,
    user,
    database,
    output: values.output,
    log: values['log-file'],
    listDatabases: values.list === true,
    noRc: values['no-psqlrc'] === true,
    noEditor: values['no-readline'] === true,
    singleTransaction: values['single-transaction'] === true,
    neverPrompt: values['no-password'] === true,
    promptFirst: values.password === true,
    help: values.help === true ? (topic ?? 'options') : undefined,
    version: values.version === true,
    extra: rest,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: DEFINITIONS,
    allowPositionals: true,
    tokens: true,
    strict: true,
  });
}
