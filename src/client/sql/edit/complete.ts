/** What could stand at the cursor: keywords, schemas, tables, columns, functions, settings, commands, files, by what
 *  stands before it. */
import type { Settings } from '../session.js';
import { type Candidate, type Completion, type CompletionHost, filtered, quoteName } from './candidates.js';
import type { Names } from './catalog-names.js';
import { completeCommand } from './complete-command.js';
import { KEYWORDS, QUERY_WORDS, STATEMENT_WORDS, TYPE_WORDS } from './keywords.js';
import { type StatementContext, statementContext, type TableRef } from './statement-context.js';

export async function complete(
  text: string,
  cursor: number,
  host: CompletionHost,
): Promise<Completion | undefined> {
  const command = await completeCommand(text, cursor, host);
  if (command !== undefined) return command;
  const variable = /:(['"]?)([A-Za-z0-9_]*)$/.exec(text.slice(0, cursor));
  if (variable !== null && text[cursor - variable[0].length - 1] !== ':') {
    const from = cursor - variable[2]!.length;
    return filtered(
      host.variables.map((v) => ({ text: v, kind: 'other', suffix: variable[1]! })),
      from,
      variable[2]!,
    );
  }
  const context = statementContext(text, cursor);
  if (context === undefined) return undefined;
  const names = await host.names.all(host.connection);
  const candidates = await candidatesFor(context, names, host);
  return filtered(candidates, context.from, context.word);
}

function keywordCase(word: string, typed: string, settings: Settings): string {
  switch (settings.keywordCase) {
    case 'lower':
      return word.toLowerCase();
    case 'upper':
      return word;
    case 'preserve-lower':
      return typed !== '' && typed === typed.toUpperCase() && /[A-Z]/.test(typed) ? word : word.toLowerCase();
    default:
      return typed !== '' && typed === typed.toLowerCase() && /[a-z]/.test(typed) ? word.toLowerCase() : word;
  }
}

function keywords(words: Iterable<string>, typed: string, settings: Settings): Candidate[] {
  return [...words].map((w) => ({ text: keywordCase(w, typed, settings), kind: 'keyword', suffix: ' ' }));
}

function relations(names: Names, schema: string | undefined, kinds: string): Candidate[] {
  return (
    names.relations
      .filter((r) => kinds.includes(r.kind) && (schema === undefined ? r.visible : r.schema === schema))
      // Tables of one's own before those of the system.
      .sort((a, b) => Number(a.schema === 'pg_catalog') - Number(b.schema === 'pg_catalog'))
      .map((r) => ({ text: quoteName(r.name), kind: 'relation', suffix: '' }))
  );
}

function schemas(names: Names): Candidate[] {
  return names.schemas.map((s) => ({ text: quoteName(s), kind: 'schema', suffix: '.' }));
}

function functions(names: Names): Candidate[] {
  return names.functions.map((f) => ({ text: quoteName(f), kind: 'function', suffix: '(' }));
}

async function columns(host: CompletionHost, tables: readonly TableRef[]): Promise<Candidate[]> {
  const out: Candidate[] = [];
  for (const t of tables)
    for (const name of t.columns ?? (await host.names.columnsOf(host.connection, t.schema, t.name)))
      out.push({ text: quoteName(name), kind: 'column', suffix: '' });
  return out;
}

/** What follows a table's name. */
const AFTER_TABLE =
  'WHERE JOIN LEFT INNER CROSS FULL RIGHT NATURAL GROUP ORDER LIMIT ON USING UNION AS'.split(' ');

async function candidatesFor(
  context: StatementContext,
  names: Names,
  host: CompletionHost,
): Promise<readonly Candidate[]> {
  const { qualifier, tables } = context;
  const { settings } = host;
  // Where nothing has been typed yet, the statement's own habit decides.
  const word = context.word === '' && context.lowerCase ? 'a' : context.word;
  if (qualifier !== undefined) {
    const table = tables.find(
      (t) => t.alias === qualifier || (t.alias === undefined && t.name === qualifier),
    );
    if (table !== undefined) return columns(host, [table]);
    const found = relations(names, qualifier, 'rpvmf');
    return found.length > 0
      ? found
      : columns(host, [{ schema: undefined, name: qualifier, alias: undefined }]);
  }
  switch (context.place) {
    case 'statement':
      return keywords(STATEMENT_WORDS, word, settings);
    case 'table':
      return [
        ...context.ctes.map((c): Candidate => ({ text: quoteName(c), kind: 'relation', suffix: '' })),
        ...relations(names, undefined, 'rpvmf'),
        ...schemas(names),
        ...(word === ''
          ? []
          : [...keywords(['LATERAL', 'ONLY', 'SELECT'], word, settings), ...functions(names)]),
      ];
    case 'index':
      return [...relations(names, undefined, 'i'), ...schemas(names)];
    case 'schema':
      return names.schemas.map((s) => ({ text: quoteName(s), kind: 'schema', suffix: '' }));
    case 'setting':
      return [
        ...names.settings.map((s): Candidate => ({ text: s.name, kind: 'setting', suffix: '' })),
        ...keywords(['ALL', 'SESSION', 'LOCAL', 'TIME ZONE'], word, settings),
      ];
    case 'setting-value': {
      const setting = names.settings.find((s) => s.name.toLowerCase() === context.setting?.toLowerCase());
      return [
        ...(setting?.values ?? []).map((v): Candidate => ({ text: v, kind: 'setting', suffix: '' })),
        ...keywords(['DEFAULT'], word, settings),
      ];
    }
    case 'role':
      return names.roles.map((r) => ({ text: quoteName(r), kind: 'other', suffix: '' }));
    case 'type':
      return TYPE_WORDS.map((t) => ({ text: t, kind: 'keyword', suffix: '' }));
    case 'keywords':
      return keywords(context.words ?? [], word, settings);
    case 'after-table':
      return [
        ...keywords(AFTER_TABLE, word, settings),
        ...(context.word === '' ? [] : keywords(QUERY_WORDS, word, settings)),
      ];
    case 'expression': {
      const own = await columns(host, tables);
      const aliases = tables.map(
        (t): Candidate => ({ text: quoteName(t.alias ?? t.name), kind: 'relation', suffix: '.' }),
      );
      const words = keywords(context.definition ? KEYWORDS : QUERY_WORDS, word, settings);
      if (context.word === '') return [...own, ...aliases, ...(own.length > 0 ? [] : words)];
      return [
        ...own,
        ...aliases,
        ...words,
        ...functions(names),
        ...TYPE_WORDS.map((t): Candidate => ({ text: t, kind: 'keyword', suffix: '' })),
      ];
    }
  }
}
