/** \d NAME: one relation's columns, and below them all that belongs to it. */
import { stdout } from '../output.js';
import { showTable } from '../run/show.js';
import { indexFooters } from './index-footers.js';
import type { Asked } from './listing.js';
import { patternConditions } from './pattern.js';
import { catalogRows, listOptions } from './query.js';
import type { Relation } from './relation.js';
import { describeSequence } from './sequence.js';
import { tableFooters } from './table-footers.js';

export async function describeRelations(asked: Asked): Promise<boolean> {
  const { session, pattern } = asked;
  const database = session.connection?.at.database ?? '';
  const where = patternConditions(
    pattern,
    { schema: 'n.nspname', name: 'c.relname', visible: 'pg_catalog.pg_table_is_visible(c.oid)' },
    3,
    database,
  );
  if (!asked.system && pattern === undefined)
    where.unshift("n.nspname <> 'pg_catalog'", "n.nspname <> 'information_schema'");
  const found = await catalogRows(
    session,
    `SELECT c.oid,
  n.nspname,
  c.relname
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE ${where.length === 0 ? 'true' : where.join('\n  AND ')}
ORDER BY 2, 3;`,
  );
  if (found === undefined) return false;
  if (found.rows.length === 0) {
    if (!session.settings.quiet)
      session.error(
        pattern === undefined
          ? 'Did not find any relations.'
          : `Did not find any relation named "${pattern}".`,
      );
    return false;
  }
  for (const [oid, schema, name] of found.rows) {
    if (!(await describeRelation(asked, oid!, schema!, name!))) return false;
    if (session.interrupted) return false;
  }
  return true;
}

async function readRelation(
  asked: Asked,
  oid: string,
  schema: string,
  name: string,
): Promise<Relation | undefined> {
  const options = asked.verbose
    ? "pg_catalog.array_to_string(c.reloptions || array(select 'toast.' || x from pg_catalog.unnest(tc.reloptions) x), ', ')"
    : "''";
  const found = await catalogRows(
    asked.session,
    `SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.relhastriggers, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, ${options}, c.reltablespace, CASE WHEN c.reloftype = 0 THEN '' ELSE c.reloftype::pg_catalog.regtype::pg_catalog.text END, c.relpersistence, c.relreplident, am.amname
FROM pg_catalog.pg_class c
 LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid)
LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid)
WHERE c.oid = '${oid}';`,
  );
  if (found === undefined) return undefined;
  const row = found.rows[0];
  if (row === undefined) {
    if (!asked.session.settings.quiet) asked.session.error(`Did not find any relation with OID ${oid}.`);
    return undefined;
  }
  return {
    oid,
    schema,
    name,
    checks: Number(row[0]),
    kind: row[1]!,
    hasIndex: row[2] === 't',
    hasRules: row[3] === 't',
    hasTriggers: row[4] === 't',
    rowSecurity: row[5] === 't',
    forceRowSecurity: row[6] === 't',
    isPartition: row[7] === 't',
    options: row[8] ?? '',
    tablespace: row[9] ?? '0',
    ofType: row[10] ?? '',
    persistence: row[11]!,
    replicaIdentity: row[12] ?? 'd',
    accessMethod: row[13] ?? null,
  };
}

function titleOf(r: Relation): string {
  const unlogged = r.persistence === 'u';
  const name = `"${r.schema}.${r.name}"`;
  switch (r.kind) {
    case 'r':
      return `${unlogged ? 'Unlogged table' : 'Table'} ${name}`;
    case 'v':
      return `View ${name}`;
    case 'm':
      return `${unlogged ? 'Unlogged materialized view' : 'Materialized view'} ${name}`;
    case 'i':
      return `${unlogged ? 'Unlogged index' : 'Index'} ${name}`;
    case 'I':
      return `${unlogged ? 'Unlogged partitioned index' : 'Partitioned index'} ${name}`;
    case 't':
      return `TOAST table ${name}`;
    case 'c':
      return `Composite type ${name}`;
    case 'f':
      return `Foreign table ${name}`;
    case 'p':
      return `${unlogged ? 'Unlogged partitioned table' : 'Partitioned table'} ${name}`;
    default:
      return `?${r.kind}? ${name}`;
  }
}

const DEFAULT_TEXT =
  '(SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef)';
const COLLATION =
  '(SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation';
const FDW_OPTIONS =
  "CASE WHEN attfdwoptions IS NULL THEN '' ELSE '(' || pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.quote_ident(option_name) || ' ' || pg_catalog.quote_literal(option_value) FROM pg_catalog.pg_options_to_table(attfdwoptions)), ', ') || ')' END AS attfdwoptions";

const STORAGE: Readonly<Record<string, string>> = { p: 'plain', m: 'main', x: 'extended', e: 'external' };
const COMPRESSION: Readonly<Record<string, string>> = { p: 'pglz', l: 'lz4', '': '' };

/** One column of what is shown: its heading, the query's expressions for it, and how they make its text. */
type Shown = {
  readonly heading: string;
  readonly sql: readonly string[];
  text(values: readonly (string | null)[]): string;
};

const plain = (heading: string, sql: string): Shown => ({ heading, sql: [sql], text: ([v]) => v ?? '' });

function defaultText([expression, identity, generated]: readonly (string | null)[]): string {
  if (identity === 'a') return 'generated always as identity';
  if (identity === 'd') return 'generated by default as identity';
  if (generated === 's') return `generated always as (${expression}) stored`;
  return expression ?? '';
}

function shownColumns(asked: Asked, r: Relation): readonly Shown[] {
  const is = (kinds: string): boolean => kinds.includes(r.kind);
  const out: Shown[] = [
    plain('Column', 'a.attname'),
    plain('Type', 'pg_catalog.format_type(a.atttypid, a.atttypmod)'),
  ];
  if (is('rvmfcp'))
    out.push(
      plain('Collation', COLLATION),
      { heading: 'Nullable', sql: ['a.attnotnull'], text: ([v]) => (v === 't' ? 'not null' : '') },
      { heading: 'Default', sql: [DEFAULT_TEXT, 'a.attidentity', 'a.attgenerated'], text: defaultText },
    );
  if (is('iI'))
    out.push(
      plain(
        'Key?',
        `CASE WHEN a.attnum <= (SELECT i.indnkeyatts FROM pg_catalog.pg_index i WHERE i.indexrelid = '${r.oid}') THEN 'yes' ELSE 'no' END AS is_key`,
      ),
      plain('Definition', 'pg_catalog.pg_get_indexdef(a.attrelid, a.attnum, TRUE) AS indexdef'),
    );
  if (is('f')) out.push(plain('FDW options', FDW_OPTIONS));
  if (!asked.verbose) return out;
  out.push({ heading: 'Storage', sql: ['a.attstorage'], text: ([v]) => STORAGE[v ?? ''] ?? '???' });
  if (asked.version >= 140_000 && !asked.session.settings.hideCompression && is('rpm'))
    out.push({
      heading: 'Compression',
      sql: ['a.attcompression AS attcompression'],
      text: ([v]) => COMPRESSION[v ?? ''] ?? '???',
    });
  if (is('riImfp'))
    out.push(
      plain(
        'Stats target',
        'CASE WHEN a.attstattarget=-1 THEN NULL ELSE a.attstattarget END AS attstattarget',
      ),
    );
  if (is('rvmfcp')) out.push(plain('Description', 'pg_catalog.col_description(a.attrelid, a.attnum)'));
  return out;
}

async function describeRelation(asked: Asked, oid: string, schema: string, name: string): Promise<boolean> {
  const { session } = asked;
  const relation = await readRelation(asked, oid, schema, name);
  if (relation === undefined) return false;
  if (relation.kind === 'S') return describeSequence(asked, relation);
  const shown = shownColumns(asked, relation);
  const columns = await catalogRows(
    session,
    `SELECT ${shown.flatMap((c) => c.sql).join(',\n  ')}
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = '${oid}' AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;`,
  );
  if (columns === undefined) return false;
  const rows = columns.rows.map((row) => {
    let at = 0;
    return shown.map((c) => {
      const values = row.slice(at, at + c.sql.length);
      at += c.sql.length;
      return c.text(values);
    });
  });
  const footers =
    relation.kind === 'i' || relation.kind === 'I'
      ? await indexFooters(asked, relation)
      : await tableFooters(asked, relation);
  if (footers === undefined) return false;
  const title = titleOf(relation);
  showTable(
    session,
    { title, columns: shown.map((c) => ({ name: c.heading, align: 'l' })), rows, footers },
    { ...listOptions(session, title), defaultFooter: false },
    session.output,
  );
  stdout.flush();
  return true;
}
