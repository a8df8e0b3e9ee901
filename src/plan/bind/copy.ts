/** COPY: the table or query, the columns, and the options with PostgreSQL's checks (ProcessCopyOptions). */
import type { CopyStmt, DefElem, Node } from 'libpg-query';
import { encodingName } from '../../types/charset.js';
import { type CopyOptions, CSV_COPY, TEXT_COPY } from '../../types/copy-options.js';
import { NUMERIC } from '../../types/sql-type.js';
import { isScaled } from '../../types/stored-numeric.js';
import type { TableDef } from '../catalog.js';
import type { Column, Expr } from '../expr.js';
import { col, hasSubquery } from '../expr-util.js';
import { project, scan } from '../logical/builders.js';
import { utf8Bytes } from '../sql/source-text.js';
import { booleanOption, listOf, literalText, locationOf, selectOf, stringOf } from './ast.js';
import { coerceToBoolean } from './boolean.js';
import type { BindContext } from './context.js';
import { findRelationDef, tableColumns, tableItem } from './from.js';
import { targetColumns } from './insert.js';
import { QueryLevel } from './level.js';
import { makeBinding } from './query.js';
import type { QueryStatement, UtilityStatement } from './statement.js';

export function bindCopy(
  ctx: BindContext,
  s: CopyStmt,
  bindQuery: (n: Node) => QueryStatement,
): UtilityStatement {
  if (s.is_program === true) throw ctx.notSupported('COPY with PROGRAM', -1);
  const path = s.filename;
  const from = s.is_from === true;
  if (s.query !== undefined) {
    if (selectOf(s.query) === undefined) throw ctx.notSupported('COPY of a statement that is no query', -1);
    const query = bindQuery(s.query);
    return copyTo(
      ctx,
      s,
      query,
      path,
      query.output.map((o) => o.name),
    );
  }
  if (s.relation === undefined) throw new Error('COPY without a table');
  const relation = findRelationDef(ctx, s.relation, 'nowhere');
  if (from) {
    if (relation.kind === 'view') throw ctx.error('42809', `cannot copy to view "${relation.name}"`, -1);
    if (relation.kind === 'virtual')
      throw ctx.error('42501', `permission denied: "${relation.name}" is a system catalog`, -1);
    const columns = targetColumns(ctx, relation, s.attlist ?? []);
    const names = columns.map((i) => relation.columns[i].name);
    const access = ctx.access(relation, 'a');
    for (const i of columns) access.columns.add(i);
    return {
      kind: 'copyFrom',
      table: relation,
      from: path === undefined ? { kind: 'stdin' } : { kind: 'file', path },
      columns,
      defaults: relation.columns.map((c, i): Expr | undefined =>
        columns.includes(i) ? undefined : (c.defaultExpr ?? { kind: 'const', value: null, type: c.type }),
      ),
      where: s.whereClause === undefined ? undefined : whereOf(ctx, relation, s.whereClause),
      options: copyOptions(ctx, s.options ?? [], names, true),
      encoding: copyEncoding(ctx, s.options ?? []),
    };
  }
  if (relation.kind === 'view')
    throw ctx.error('42809', `cannot copy from view "${relation.name}"`, -1, {
      hint: 'Try the COPY (SELECT ...) TO variant.',
    });
  const ordinals =
    relation.kind === 'table'
      ? targetColumns(ctx, relation, s.attlist ?? [])
      : relation.columns.map((_, i) => i);
  const access = ctx.access(relation, 'r');
  for (const i of ordinals) access.columns.add(i);
  const cols = tableColumns(ctx, relation);
  const all = scan(
    relation,
    relation.name,
    relation.columns.map((_, i) => i),
    cols,
  );
  const picked = ordinals.map((i) => cols[i]);
  const plan = project(all, picked.map(col), picked);
  const query: QueryStatement = {
    kind: 'query',
    plan,
    output: picked.map((c, i) => ({
      name: c.name,
      column: c,
      declaredType: relation.columns[ordinals[i]].type,
      origin: undefined,
    })),
  };
  return copyTo(
    ctx,
    s,
    query,
    path,
    picked.map((c) => c.name),
  );
}

/** The condition over the row as it would be stored. Of a numeric(p,s) it knows no scale: any may be NaN. */
function whereOf(
  ctx: BindContext,
  table: TableDef,
  n: Node,
): { readonly predicate: Expr; readonly cols: readonly Column[] } {
  const level = new QueryLevel(undefined);
  level.clause = 'COPY FROM WHERE conditions';
  const cols = table.columns.map(({ name, type }) => ctx.column(name, isScaled(type) ? NUMERIC : type, true));
  level.namespace = [tableItem(level, table, cols, ctx.access(table, 'r'))];
  const e = makeBinding(ctx, level).bind(n);
  const at = locationOf(n);
  if (hasSubquery(e)) throw ctx.error('0A000', 'cannot use subquery in COPY FROM WHERE condition', at);
  return { predicate: coerceToBoolean(ctx, e, 'WHERE', at), cols };
}

function copyTo(
  ctx: BindContext,
  s: CopyStmt,
  query: QueryStatement,
  path: string | undefined,
  names: readonly string[],
): UtilityStatement {
  return {
    kind: 'copyTo',
    query,
    to: path === undefined ? { kind: 'stdout' } : { kind: 'file', path },
    options: copyOptions(ctx, s.options ?? [], names, false),
    encoding: copyEncoding(ctx, s.options ?? []),
  };
}

const KNOWN = new Set([
  'format',
  'freeze',
  'delimiter',
  'null',
  'header',
  'quote',
  'escape',
  'force_quote',
  'force_not_null',
  'force_null',
  'encoding',
]);

function collect(ctx: BindContext, nodes: readonly Node[]): ReadonlyMap<string, DefElem> {
  const found = new Map<string, DefElem>();
  for (const n of nodes) {
    if (!('DefElem' in n)) continue;
    const d = n.DefElem;
    const name = d.defname ?? '';
    if (!KNOWN.has(name)) throw ctx.error('42601', `option "${name}" not recognized`, d.location);
    if (found.has(name)) throw ctx.error('42601', 'conflicting or redundant options', d.location);
    found.set(name, d);
  }
  return found;
}

/** PostgreSQL's name of the encoding; undefined: the client's. */
function copyEncoding(ctx: BindContext, nodes: readonly Node[]): string | undefined {
  const d = collect(ctx, nodes).get('encoding');
  if (d === undefined) return undefined;
  const encoding = encodingName(literalText(d.arg) ?? '');
  if (encoding === 'missing') throw ctx.notSupported(`encoding ${literalText(d.arg)}`, d.location);
  if (encoding !== undefined) return encoding.name;
  throw ctx.error('22023', 'argument to option "encoding" must be a valid encoding name', d.location);
}

function copyOptions(
  ctx: BindContext,
  nodes: readonly Node[],
  names: readonly string[],
  from: boolean,
): CopyOptions {
  const given = collect(ctx, nodes);
  const text = (name: string): string | undefined => {
    const d = given.get(name);
    return d === undefined ? undefined : (literalText(d.arg) ?? '');
  };
  const format = (text('format') ?? 'text').toLowerCase();
  if (format !== 'text' && format !== 'csv' && format !== 'binary')
    throw ctx.error('22023', `COPY format "${text('format')}" not recognized`, given.get('format')?.location);
  const csv = format === 'csv';
  const base = csv ? CSV_COPY : TEXT_COPY;
  const delimiter = text('delimiter') ?? base.delimiter;
  const nullString = text('null') ?? base.nullString;
  const bad = (code: string, message: string) => ctx.error(code, message, -1);
  const header = headerOf(ctx, given.get('header'), from);
  if (format === 'binary') {
    for (const option of ['delimiter', 'null'] as const)
      if (given.has(option)) throw bad('42601', `cannot specify ${option.toUpperCase()} in BINARY mode`);
    if (header !== false) throw bad('0A000', 'cannot specify HEADER in BINARY mode');
  }
  if (utf8Bytes(delimiter) !== 1) throw bad('0A000', 'COPY delimiter must be a single one-byte character');
  if (/[\r\n]/.test(delimiter)) throw bad('22023', 'COPY delimiter cannot be newline or carriage return');
  if (/[\r\n]/.test(nullString))
    throw bad('22023', 'COPY null representation cannot use newline or carriage return');
  if (!csv && '\\.abcdefghijklmnopqrstuvwxyz0123456789'.includes(delimiter))
    throw bad('22023', `COPY delimiter cannot be "${delimiter}"`);
  for (const option of ['quote', 'escape'] as const)
    if (!csv && given.has(option)) throw bad('0A000', `COPY ${option} available only in CSV mode`);
  const quote = text('quote') ?? base.quote;
  const escapeChar = text('escape') ?? quote;
  if (csv) {
    if (utf8Bytes(quote) !== 1) throw bad('0A000', 'COPY quote must be a single one-byte character');
    if (quote === delimiter) throw bad('22023', 'COPY delimiter and quote must be different');
    if (utf8Bytes(escapeChar) !== 1) throw bad('0A000', 'COPY escape must be a single one-byte character');
  }
  for (const [option, words] of [
    ['force_quote', 'force quote'],
    ['force_not_null', 'force not null'],
    ['force_null', 'force null'],
  ] as const) {
    if (!given.has(option)) continue;
    if (!csv) throw bad('0A000', `COPY ${words} available only in CSV mode`);
    const forTo = option === 'force_quote';
    if (forTo === from)
      throw bad('0A000', `COPY ${words} only available using COPY ${forTo ? 'TO' : 'FROM'}`);
  }
  if (nullString.includes(delimiter))
    throw bad('0A000', 'COPY delimiter must not appear in the NULL specification');
  if (csv && nullString.includes(quote))
    throw bad('0A000', 'CSV quote character must not appear in the NULL specification');
  return {
    format,
    delimiter,
    nullString,
    header,
    quote: csv ? quote : base.quote,
    escape: csv ? escapeChar : base.escape,
    forceQuote: isAll(given.get('force_quote'))
      ? 'all'
      : columnList(ctx, given.get('force_quote'), names, 'FORCE_QUOTE'),
    forceNotNull: columnOrdinals(ctx, given.get('force_not_null'), names, 'FORCE_NOT_NULL'),
    forceNull: columnOrdinals(ctx, given.get('force_null'), names, 'FORCE_NULL'),
  };
}

function headerOf(ctx: BindContext, d: DefElem | undefined, from: boolean): boolean | 'match' {
  if (d === undefined) return false;
  if (literalText(d.arg)?.toLowerCase() === 'match') {
    if (!from) throw ctx.error('0A000', 'cannot use "match" with HEADER in COPY TO', -1);
    return 'match';
  }
  const v = booleanOption(d);
  if (v === undefined) throw ctx.error('42601', 'header requires a Boolean value or "match"', -1);
  return v;
}

function isAll(d: DefElem | undefined): boolean {
  return d?.arg !== undefined && ('A_Star' in d.arg || listOf(d.arg).some((n) => 'A_Star' in n));
}

function columnOrdinals(
  ctx: BindContext,
  d: DefElem | undefined,
  names: readonly string[],
  option: string,
): readonly number[] {
  if (isAll(d)) return names.map((_, i) => i);
  return columnList(ctx, d, names, option);
}

function columnList(
  ctx: BindContext,
  d: DefElem | undefined,
  names: readonly string[],
  option: string,
): readonly number[] {
  if (d === undefined) return [];
  return listOf(d.arg).map((n) => {
    const name = stringOf(n) ?? '';
    const i = names.indexOf(name);
    if (i < 0) throw ctx.error('42P10', `${option} column "${name}" not referenced by COPY`, -1);
    return i;
  });
}
