/** \dt and its kin: tables, views, indexes, sequences, by their letters. */
import { stdout } from '../output.js';
import { type Asked, type Listing, listingSql, OWNER, when } from './listing.js';
import { catalogRows, showList } from './query.js';

const KIND = `CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 't' THEN 'TOAST table' WHEN 'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END`;

/** Letters of kinds that were asked for: t, v, m, i, s, E; all but indexes when none was. */
export async function listRelations(asked: Asked, kinds: string): Promise<boolean> {
  const letters = kinds === '' ? 'tvmsE' : kinds;
  const has = (k: string): boolean => letters.includes(k);
  const everything = asked.system || asked.pattern !== undefined;
  const relkinds: string[] = [];
  if (has('t')) relkinds.push('r', 'p', ...(everything ? ['t'] : []));
  if (has('v')) relkinds.push('v');
  if (has('m')) relkinds.push('m');
  if (has('i')) relkinds.push('i', 'I');
  if (has('s')) relkinds.push('S');
  // What is special to the system has this kind in old servers.
  if (everything) relkinds.push('s');
  if (has('E')) relkinds.push('f');
  const withMethod = !asked.session.settings.hideTableAm && (has('t') || has('m') || has('i'));
  const listing: Listing = {
    title: 'List of relations',
    columns: ({ verbose }) => [
      ['Schema', 'n.nspname'],
      ['Name', 'c.relname'],
      ['Type', KIND],
      OWNER('c.relowner'),
      ...when(has('i'), ['Table', 'c2.relname']),
      ...when(verbose, [
        'Persistence',
        "CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 't' THEN 'temporary' WHEN 'u' THEN 'unlogged' END",
      ]),
      ...when(verbose && withMethod, ['Access method', 'am.amname']),
      ...when(
        verbose,
        ['Size', 'pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid))'],
        ['Description', "pg_catalog.obj_description(c.oid, 'pg_class')"],
      ),
    ],
    from: () => `pg_catalog.pg_class c
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace${withMethod ? '\n  LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam' : ''}${
    has('i')
      ? '\n  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid\n  LEFT JOIN pg_catalog.pg_class c2 ON i.indrelid = c2.oid'
      : ''
  }`,
    where: () => [
      `c.relkind IN (${[...relkinds.map((k) => `'${k}'`), "''"].join(',')})`,
      ...(everything
        ? []
        : ["n.nspname <> 'pg_catalog'", "n.nspname !~ '^pg_toast'", "n.nspname <> 'information_schema'"]),
    ],
    pattern: { schema: 'n.nspname', name: 'c.relname', visible: 'pg_catalog.pg_table_is_visible(c.oid)' },
    orderBy: '1,2',
  };
  const result = await catalogRows(asked.session, listingSql(listing, asked));
  if (result === undefined) return false;
  if (result.rows.length > 0 || asked.session.settings.quiet) showList(asked.session, result, listing.title);
  else if (asked.pattern !== undefined)
    asked.session.error(`Did not find any relation named "${asked.pattern}".`);
  else asked.session.error('Did not find any relations.');
  return true;
}

/** \dP: partitioned tables and indexes, those at the top, or with `n` all of them. */
export async function listPartitioned(asked: Asked, kinds: string): Promise<boolean> {
  const nested = kinds.includes('n') || asked.pattern !== undefined;
  const tables = kinds.includes('t') || !kinds.includes('i');
  const indexes = kinds.includes('i') || !kinds.includes('t');
  const both = tables && indexes;
  const title = both
    ? 'List of partitioned relations'
    : indexes
      ? 'List of partitioned indexes'
      : 'List of partitioned tables';
  const order = both
    ? `"Schema", "Type" DESC, ${nested ? '"Parent name" NULLS FIRST, ' : ''}"Name"`
    : `"Schema", ${nested ? '"Parent name" NULLS FIRST, ' : ''}"Name"`;
  const listing: Listing = {
    title,
    columns: ({ verbose }) => [
      ['Schema', 'n.nspname'],
      ['Name', 'c.relname'],
      OWNER('c.relowner'),
      ...when(both, [
        'Type',
        "CASE c.relkind WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END",
      ]),
      ...when(nested, ['Parent name', 'inh.inhparent::pg_catalog.regclass']),
      ...when(indexes, ['Table', 'c2.oid::pg_catalog.regclass']),
      ...when(verbose && nested, ['Leaf partition size', 's.dps']),
      ...when(
        verbose,
        ['Total size', 's.tps'],
        ['Description', "pg_catalog.obj_description(c.oid, 'pg_class')"],
      ),
    ],
    from: ({ verbose }) => `pg_catalog.pg_class c
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace${
    indexes
      ? '\n  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid\n  LEFT JOIN pg_catalog.pg_class c2 ON i.indrelid = c2.oid'
      : ''
  }${nested ? '\n  LEFT JOIN pg_catalog.pg_inherits inh ON c.oid = inh.inhrelid' : ''}${
    verbose
      ? `,\n  LATERAL (SELECT pg_catalog.pg_size_pretty(sum(CASE WHEN ppt.isleaf AND ppt.level = 1 THEN pg_catalog.pg_table_size(ppt.relid) ELSE 0 END)) AS dps, pg_catalog.pg_size_pretty(sum(pg_catalog.pg_table_size(ppt.relid))) AS tps FROM pg_catalog.pg_partition_tree(c.oid) ppt) s`
      : ''
  }`,
    where: () => [
      `c.relkind IN (${[...(tables ? ["'p'"] : []), ...(indexes ? ["'I'"] : []), "''"].join(',')})`,
      ...(nested ? [] : ['NOT c.relispartition']),
      ...(asked.pattern === undefined
        ? ["n.nspname <> 'pg_catalog'", "n.nspname !~ '^pg_toast'", "n.nspname <> 'information_schema'"]
        : []),
    ],
    pattern: { schema: 'n.nspname', name: 'c.relname', visible: 'pg_catalog.pg_table_is_visible(c.oid)' },
    orderBy: order,
  };
  const result = await catalogRows(asked.session, listingSql(listing, asked));
  if (result === undefined) return false;
  showList(asked.session, result, title);
  stdout.flush();
  return true;
}
