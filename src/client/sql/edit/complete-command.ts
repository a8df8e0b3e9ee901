/** Completion of backslash commands and of what they take. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { COMMAND_NAMES } from '../commands/all-commands.js';
import { PSET_NAMES } from '../commands/pset.js';
import { SQL_HELP } from '../commands/sql-help.js';
import { expandTilde } from '../output.js';
import { FORMATS, LINE_STYLES } from '../print/options.js';
import { type Candidate, type Completion, type CompletionHost, filtered, quoteName } from './candidates.js';

/** Commands that \d and its kin make. */
const DESCRIBING =
  'd da dA dAc dAf dAo dAp db dc dC dconfig dd ddp dD des det deu dew dE dF dFd dFp dFt df dfa dfn dfp dft dfw dg di dl dL dm dn do dO dp dP drds dRp dRs ds dt dT du dv dx dX dy l z'.split(
    ' ',
  );

const ON_OFF = ['on', 'off'];

const PSET_VALUES: Readonly<Record<string, readonly string[]>> = {
  format: FORMATS,
  linestyle: LINE_STYLES,
  border: ['0', '1', '2'],
  expanded: ['on', 'off', 'auto'],
  pager: ['on', 'off', 'always'],
  footer: ON_OFF,
  numericlocale: ON_OFF,
  tuples_only: ON_OFF,
  unicode_border_linestyle: ['single', 'double'],
  unicode_column_linestyle: ['single', 'double'],
  unicode_header_linestyle: ['single', 'double'],
};

const VARIABLE_VALUES: Readonly<Record<string, readonly string[]>> = {
  ECHO: ['all', 'errors', 'queries', 'none'],
  ECHO_HIDDEN: ['on', 'off', 'noexec'],
  ON_ERROR_ROLLBACK: ['on', 'off', 'interactive'],
  VERBOSITY: ['default', 'verbose', 'terse', 'sqlstate'],
  SHOW_CONTEXT: ['never', 'errors', 'always'],
  HISTCONTROL: ['ignorespace', 'ignoredups', 'ignoreboth', 'none'],
  COMP_KEYWORD_CASE: ['lower', 'upper', 'preserve-lower', 'preserve-upper'],
};

const plain = (texts: readonly string[], suffix = ''): Candidate[] =>
  texts.map((text) => ({ text, kind: 'other', suffix }));

function files(typed: string): Candidate[] {
  const path = expandTilde(typed);
  const dir = typed.endsWith('/') || typed === '' ? path || '.' : dirname(path);
  const shownDir = typed.includes('/') ? typed.slice(0, typed.lastIndexOf('/') + 1) : '';
  try {
    return readdirSync(dir)
      .filter((f) => !f.startsWith('.') || typed.split('/').pop()!.startsWith('.'))
      .map((f) => {
        let folder = false;
        try {
          folder = statSync(join(dir, f)).isDirectory();
        } catch {
          // A link to nowhere is a name as well.
        }
        return { text: shownDir + f, kind: 'other', suffix: folder ? '/' : '' };
      });
  } catch {
    return [];
  }
}

/** Undefined: the cursor is in no command's words. */
export async function completeCommand(
  text: string,
  cursor: number,
  host: CompletionHost,
): Promise<Completion | undefined> {
  const line = text.slice(text.lastIndexOf('\n', cursor - 1) + 1, cursor);
  const found = /^(?:.*[\s;])?\\([^\s\\]*)(?:(\s+)(.*))?$/s.exec(line);
  if (found === null || /'[^']*\\[^']*$/.test(line)) return undefined;
  const [, command = '', space, rest = ''] = found;
  if (space === undefined)
    return filtered(
      plain([...new Set([...COMMAND_NAMES, ...DESCRIBING])].sort(), ' '),
      cursor - command.length,
      command,
    );
  const words = rest.split(/\s+/);
  const typed = words[words.length - 1]!;
  const candidates = await argumentsOf(command, words, typed, host);
  return candidates === undefined ? undefined : filtered(candidates, cursor - typed.length, typed);
}

async function argumentsOf(
  command: string,
  words: readonly string[],
  typed: string,
  host: CompletionHost,
): Promise<readonly Candidate[] | undefined> {
  const nth = words.length;
  const [first = ''] = words;
  const bare = command.replace(/[S+]+$/, '');
  switch (bare) {
    case 'i':
    case 'ir':
    case 'include':
    case 'o':
    case 'out':
    case 'w':
    case 'cd':
    case 'e':
    case 'g':
    case 'gx':
    case 's':
      return nth === 1 ? files(typed) : [];
    case 'pset':
      return nth === 1 ? plain(PSET_NAMES, ' ') : plain(PSET_VALUES[first] ?? []);
    case 'x':
      return plain(['on', 'off', 'auto']);
    case 't':
    case 'timing':
      return plain(ON_OFF);
    case 'set':
    case 'unset':
    case 'echo':
    case 'qecho':
      if (nth === 1 && bare !== 'echo' && bare !== 'qecho')
        return plain(host.variables, bare === 'set' ? ' ' : '');
      return bare === 'set' ? plain(VARIABLE_VALUES[first] ?? ON_OFF) : undefined;
    case '?':
      return plain(['commands', 'options', 'variables']);
    case 'h':
    case 'help':
      return plain(SQL_HELP.map((h) => h.name));
    case 'copy':
      if (/^(from|to)$/i.test(words[nth - 2] ?? ''))
        return [...plain(['stdin', 'stdout', 'program'], ' '), ...files(typed)];
      break;
    default:
      break;
  }
  const names = await host.names.all(host.connection);
  switch (bare) {
    case 'c':
    case 'connect':
      if (nth === 1) return plain(names.databases.map(quoteName));
      return nth === 2 ? plain(names.roles.map(quoteName)) : [];
    case 'l':
      return plain(names.databases.map(quoteName));
    case 'dn':
      return plain(names.schemas.map(quoteName));
    case 'du':
    case 'dg':
    case 'password':
      return plain(names.roles.map(quoteName));
    case 'dconfig':
      return plain(names.settings.map((s) => s.name));
    case 'df':
    case 'sf':
    case 'ef':
    case 'da':
      return plain(names.functions.map(quoteName));
  }
  const kinds: Readonly<Record<string, string>> = {
    dt: 'rp',
    dv: 'v',
    dm: 'm',
    di: 'i',
    ds: 'S',
    dE: 'f',
    sv: 'v',
    ev: 'v',
  };
  if (!/^(d|z$|sv|ev|copy)/.test(bare)) return [];
  if (bare === 'copy' && nth === 2) return plain(['FROM', 'TO'], ' ');
  const dot = typed.lastIndexOf('.');
  const schema = dot < 0 ? undefined : typed.slice(0, dot);
  const wanted = kinds[bare] ?? 'rpvmfSi';
  const relations = names.relations
    .filter((r) => wanted.includes(r.kind) && (schema === undefined ? r.visible : r.schema === schema))
    .sort((a, b) => Number(a.schema === 'pg_catalog') - Number(b.schema === 'pg_catalog'))
    .map(
      (r): Candidate => ({
        text: (schema === undefined ? '' : `${schema}.`) + quoteName(r.name),
        kind: 'relation',
        suffix: '',
      }),
    );
  return [
    ...relations,
    ...(schema === undefined
      ? names.schemas.map((s): Candidate => ({ text: quoteName(s), kind: 'schema', suffix: '.' }))
      : []),
  ];
}
