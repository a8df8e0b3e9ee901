/** Reads the statement around the cursor, finished or not: what may stand there, and which tables it names. */

export type TableRef = {
  readonly schema: string | undefined;
  readonly name: string;
  readonly alias: string | undefined;
  /** Known without asking: of a WITH query. */
  readonly columns?: readonly string[];
};

export type Place =
  | 'statement'
  | 'table'
  | 'after-table'
  | 'index'
  | 'schema'
  | 'setting'
  | 'setting-value'
  | 'role'
  | 'type'
  | 'keywords'
  | 'expression';

export type StatementContext = {
  readonly place: Place;
  /** What has been typed of the word at the cursor, and where it begins. */
  readonly word: string;
  readonly from: number;
  /** Before the dot. */
  readonly qualifier: string | undefined;
  readonly tables: readonly TableRef[];
  readonly ctes: readonly string[];
  readonly setting?: string;
  /** CREATE, ALTER and their like: any keyword may follow. */
  readonly definition: boolean;
  /** Keywords so far are in lower case. */
  readonly lowerCase: boolean;
  /** The only words that may follow. */
  readonly words?: readonly string[];
};

type Token = {
  readonly kind: 'word' | 'quoted' | 'symbol' | 'string';
  readonly text: string;
  readonly at: number;
  readonly depth: number;
  /** Offset of the parenthesis that it stands in; -1: of none. */
  readonly within: number;
};

const TOKEN =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\$([A-Za-z_]*)\$[\s\S]*?(?:\$\1\$|$)|[eEbBxX]?'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|[\p{L}_][\p{L}\p{N}_$]*|\d+(?:\.\d*)?|[\s\S]/gu;

function tokenize(text: string): Token[] {
  const out: Token[] = [];
  const open: number[] = [];
  for (const m of text.matchAll(TOKEN)) {
    const t = m[0];
    if (/^\s/.test(t) || t.startsWith('--') || t.startsWith('/*')) continue;
    if (t === ')') open.pop();
    out.push({ ...kindOf(t), at: m.index, depth: open.length, within: open[open.length - 1] ?? -1 });
    if (t === '(') open.push(m.index);
  }
  return out;
}

function kindOf(t: string): Pick<Token, 'kind' | 'text'> {
  if (/^(?:[eEbBxX]?'|\$[A-Za-z_]*\$)/.test(t)) return { kind: 'string', text: t };
  if (t.startsWith('"')) return { kind: 'quoted', text: t.replace(/^"|"$/g, '').replaceAll('""', '"') };
  return { kind: /^[\p{L}_]/u.test(t) ? 'word' : 'symbol', text: t };
}

/** Parentheses that are open at the end. */
function openAt(tokens: readonly Token[]): ReadonlySet<number> {
  const open: number[] = [];
  for (const t of tokens)
    if (t.text === '(' && t.kind === 'symbol') open.push(t.at);
    else if (t.text === ')' && t.kind === 'symbol') open.pop();
  return new Set([-1, ...open]);
}

/** From the last semicolon before the cursor to the first behind it. */
function statementAround(text: string, cursor: number): { readonly from: number; readonly to: number } {
  let from = 0;
  let to = text.length;
  for (const t of tokenize(text))
    if (t.kind === 'symbol' && t.text === ';' && t.depth === 0) {
      if (t.at < cursor) from = t.at + 1;
      else {
        to = t.at;
        break;
      }
    }
  return { from, to };
}

/** Words that begin or end a list of tables. */
const TABLE_LISTS = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'TABLE', 'USING']);
const NOT_ALIAS = new Set(
  'WHERE JOIN LEFT RIGHT FULL INNER CROSS NATURAL OUTER ON USING GROUP ORDER HAVING LIMIT OFFSET UNION INTERSECT EXCEPT SET VALUES SELECT RETURNING WINDOW FETCH FOR AS LATERAL ONLY TABLESAMPLE WITH DISTRIBUTED'.split(
    ' ',
  ),
);

function isName(t: Token | undefined): t is Token {
  return t !== undefined && (t.kind === 'quoted' || t.kind === 'word');
}

function nameOf(t: Token): string {
  return t.kind === 'quoted' ? t.text : t.text.toLowerCase();
}

/** Tables that stand behind FROM, JOIN and their like, with their aliases; of queries that the cursor is in. */
function tablesOf(
  tokens: readonly Token[],
  ctes: ReadonlyMap<string, readonly string[]>,
  scopes: ReadonlySet<number>,
): TableRef[] {
  const out: TableRef[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const t = tokens[i]!;
    if (t.kind !== 'word' || !TABLE_LISTS.has(t.text.toUpperCase()) || !scopes.has(t.within)) continue;
    const { depth } = t;
    let k = i + 1;
    for (;;) {
      if (tokens[k]?.kind === 'word' && /^(only|lateral)$/i.test(tokens[k]!.text)) k++;
      let first: Token | undefined = tokens[k];
      if (first?.kind === 'symbol' && first.text === '(') {
        // A subquery: its alias names no table that could be asked for.
        const open = first.depth;
        k++;
        while (k < tokens.length && !(tokens[k]!.text === ')' && tokens[k]!.depth === open)) k++;
        k++;
        first = undefined;
      } else if (!isName(first) || (first.kind === 'word' && NOT_ALIAS.has(first.text.toUpperCase()))) break;
      let schema: string | undefined;
      let name = first === undefined ? undefined : nameOf(first);
      if (first !== undefined) {
        k++;
        if (tokens[k]?.text === '.') {
          // Half a name is none.
          if (!isName(tokens[k + 1])) break;
          schema = name;
          name = nameOf(tokens[k + 1]!);
          k += 2;
        }
      }
      if (tokens[k]?.kind === 'word' && tokens[k]!.text.toUpperCase() === 'AS') k++;
      let alias: string | undefined;
      const next = tokens[k];
      if (isName(next) && !(next.kind === 'word' && NOT_ALIAS.has(next.text.toUpperCase()))) {
        alias = nameOf(next);
        k++;
      }
      if (name !== undefined) {
        const columns = schema === undefined ? ctes.get(name) : undefined;
        out.push({ schema, name, alias, ...(columns === undefined ? {} : { columns }) });
      }
      const comma = tokens[k];
      if (comma?.text !== ',' || comma.depth !== depth || t.text.toUpperCase() !== 'FROM') break;
      k++;
    }
  }
  return out;
}

/** Names of WITH queries, and their columns where they are listed. */
function ctesOf(tokens: readonly Token[]): Map<string, readonly string[]> {
  const out = new Map<string, readonly string[]>();
  if (tokens[0]?.text.toUpperCase() !== 'WITH') return out;
  for (let i = 1; i < tokens.length - 2; i++) {
    const t = tokens[i]!;
    const before = tokens[i - 1]!;
    const begins = before.depth === 0 && (/^(with|recursive)$/i.test(before.text) || before.text === ',');
    if (t.depth !== 0 || !isName(t) || !begins) continue;
    const columns: string[] = [];
    let k = i + 1;
    if (tokens[k]?.text === '(') {
      k++;
      while (k < tokens.length && tokens[k]!.text !== ')') {
        if (isName(tokens[k])) columns.push(nameOf(tokens[k]!));
        k++;
      }
      k++;
    }
    if (/^as$/i.test(tokens[k]?.text ?? ''))
      out.set(nameOf(t), columns.length > 0 ? columns : outputNames(tokens, k));
  }
  return out;
}

/** Names of a subquery's columns as far as they can be read off it. */
function outputNames(tokens: readonly Token[], from: number): readonly string[] {
  let k = from;
  while (k < tokens.length && tokens[k]!.text !== '(') k++;
  const depth = (tokens[k]?.depth ?? 0) + 1;
  if (!/^select$/i.test(tokens[k + 1]?.text ?? '')) return [];
  const out: string[] = [];
  let last: Token | undefined;
  for (let i = k + 2; i < tokens.length; i++) {
    const t = tokens[i]!;
    const ends = t.depth < depth || (t.depth === depth && /^from$/i.test(t.text));
    if (ends || (t.depth === depth && t.text === ',')) {
      if (isName(last)) out.push(nameOf(last));
      last = undefined;
      if (ends) return out;
    } else if (t.depth === depth) last = t;
  }
  return out;
}

/** What follows words that have few successors. */
const SUCCESSORS: Readonly<Record<string, readonly string[]>> = {
  GROUP: ['BY'],
  ORDER: ['BY'],
  PARTITION: ['BY'],
  DISTRIBUTED: ['BY', 'RANDOMLY', 'REPLICATED'],
  INSERT: ['INTO'],
  DELETE: ['FROM'],
  LEFT: ['JOIN', 'OUTER JOIN'],
  RIGHT: ['JOIN', 'OUTER JOIN'],
  FULL: ['JOIN', 'OUTER JOIN'],
  INNER: ['JOIN'],
  CROSS: ['JOIN'],
  OUTER: ['JOIN'],
  NATURAL: ['JOIN', 'LEFT JOIN', 'INNER JOIN'],
  NULLS: ['FIRST', 'LAST'],
  IS: ['NULL', 'NOT NULL', 'TRUE', 'FALSE', 'DISTINCT FROM', 'NOT DISTINCT FROM'],
  CREATE: [
    'TABLE',
    'VIEW',
    'SCHEMA',
    'INDEX',
    'TEMPORARY TABLE',
    'OR REPLACE VIEW',
    'DATABASE',
    'ROLE',
    'SEQUENCE',
    'FUNCTION',
    'MATERIALIZED VIEW',
    'EXTENSION',
    'UNIQUE INDEX',
  ],
  DROP: [
    'TABLE',
    'VIEW',
    'SCHEMA',
    'INDEX',
    'DATABASE',
    'ROLE',
    'SEQUENCE',
    'FUNCTION',
    'MATERIALIZED VIEW',
    'EXTENSION',
  ],
  ALTER: ['TABLE', 'VIEW', 'SCHEMA', 'INDEX', 'DATABASE', 'ROLE', 'SEQUENCE', 'SYSTEM'],
};

function placeOf(before: readonly Token[]): { place: Place; setting?: string; words?: readonly string[] } {
  const last = before[before.length - 1];
  if (last === undefined) return { place: 'statement' };
  const words = before.map((t) => (t.kind === 'word' ? t.text.toUpperCase() : t.text));
  const [first] = words;
  const word = words[words.length - 1]!;
  const previous = words[words.length - 2];
  if (first === 'SET' || first === 'SHOW' || first === 'RESET') {
    const name = words.slice(1).filter((w) => !/^(SESSION|LOCAL)$/.test(w));
    if (name.length === 0) return { place: 'setting' };
    if (first === 'SET') {
      const equals = before.findIndex((t) => t.text === '=' || /^to$/i.test(t.text));
      if (equals < 0) return { place: 'keywords', words: ['TO'] };
      const setting = before
        .slice(1, equals)
        .filter((t) => !/^(session|local)$/i.test(t.text))
        .map((t) => t.text)
        .join('');
      return { place: 'setting-value', setting };
    }
    return { place: 'keywords', words: [] };
  }
  if (last.kind === 'symbol' && last.text === ':' && before[before.length - 2]?.text === ':')
    return { place: 'type' };
  if (last.kind === 'word') {
    if (first === 'EXPLAIN' && before.length === 1)
      return { place: 'keywords', words: ['ANALYZE', 'VERBOSE', 'SELECT', 'WITH', 'INSERT'] };
    if (word === 'EXPLAIN' || (first === 'EXPLAIN' && (word === 'ANALYZE' || word === 'VERBOSE')))
      return { place: 'statement' };
    if (word === 'FROM' && (previous === 'DISTINCT' || inExtract(before))) return { place: 'expression' };
    if (
      [
        'FROM',
        'JOIN',
        'INTO',
        'TABLE',
        'UPDATE',
        'ANALYZE',
        'TRUNCATE',
        'COPY',
        'VACUUM',
        'ONLY',
        'VIEW',
      ].includes(word)
    )
      return { place: 'table' };
    if (word === 'INDEX' || word === 'REINDEX') return { place: 'index' };
    if (word === 'SCHEMA') return { place: 'schema' };
    if (word === 'ROLE' || (word === 'TO' && (first === 'GRANT' || first === 'ALTER')) || word === 'USER')
      return { place: 'role' };
    const next = SUCCESSORS[word];
    if (next !== undefined && !(word === 'LEFT' && previous === undefined))
      return { place: 'keywords', words: next };
    if (word === 'EXISTS' && (first === 'DROP' || first === 'CREATE')) return { place: 'table' };
  }
  if (last.text === '(' && first === 'INSERT') return { place: 'expression' };
  const list = lastListWord(before);
  if (list === 'FROM' && last.text === ',') return { place: 'table' };
  if (list === 'FROM' && isName(last)) return { place: 'after-table' };
  return { place: 'expression' };
}

/** `extract(year FROM` */
function inExtract(before: readonly Token[]): boolean {
  for (let i = before.length - 1; i > 0; i--)
    if (before[i]!.text === '(')
      return /^(extract|substring|trim|overlay|position)$/i.test(before[i - 1]!.text);
  return false;
}

/** The clause that the cursor is in, of those at its depth. */
function lastListWord(before: readonly Token[]): string | undefined {
  const depth = before[before.length - 1]!.depth;
  for (let i = before.length - 1; i >= 0; i--) {
    const t = before[i]!;
    if (t.depth < depth) return undefined;
    if (t.depth > depth || t.kind !== 'word') continue;
    const w = t.text.toUpperCase();
    if (w === 'FROM' || w === 'JOIN') return 'FROM';
    if (/^(SELECT|WHERE|ON|BY|HAVING|SET|VALUES|LIMIT|USING|RETURNING)$/.test(w)) return w;
  }
  return undefined;
}

/** Undefined: within a string or a comment, where nothing is to be completed. */
export function statementContext(text: string, cursor: number): StatementContext | undefined {
  const { from, to } = statementAround(text, cursor);
  const head = text.slice(from, cursor);
  const typed = /(?:"(?:[^"]|"")*|[\p{L}_][\p{L}\p{N}_$]*)$/u.exec(head);
  const beforeWord = typed === null ? head : head.slice(0, typed.index);
  const quotes = tokenize(beforeWord);
  const last = quotes[quotes.length - 1];
  if (last?.kind === 'string' && !/['$]$/.test(last.text.slice(1))) return undefined;
  if (/--[^\n]*$/.test(beforeWord) && !/'[^']*--/.test(beforeWord)) return undefined;
  const word = typed?.[0] ?? '';
  const all = tokenize(`${beforeWord} ${text.slice(cursor, to)}`);
  const ctes = ctesOf(all);
  let qualifier: string | undefined;
  let before = quotes;
  if (last?.text === '.' && isName(quotes[quotes.length - 2])) {
    qualifier = nameOf(quotes[quotes.length - 2]!);
    before = quotes.slice(0, -2);
  }
  return {
    ...placeOf(before),
    word,
    from: cursor - word.length,
    qualifier,
    tables: tablesOf(all, ctes, openAt(quotes)),
    ctes: [...ctes.keys()],
    definition: !/^(select|with|insert|update|delete|values|explain)$/i.test(all[0]?.text ?? ''),
    lowerCase: /^[a-z]/.test(quotes.find((t) => t.kind === 'word')?.text ?? ''),
  };
}
