/** Lists that show each object by itself: \dF+, \dFp+, \dx+, \dRp+. */
import { stdout } from '../output.js';
import { showTable } from '../run/show.js';
import { type Asked, literal, OWNER } from './listing.js';
import { patternConditions } from './pattern.js';
import { catalogRows, listOptions, showList } from './query.js';

function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `\nWHERE ${conditions.join('\n  AND ')}`;
}

function notFound(asked: Asked, what: string): void {
  const { session, pattern } = asked;
  if (session.settings.quiet) return;
  session.error(
    pattern === undefined ? `Did not find any ${what}s.` : `Did not find any ${what} named "${pattern}".`,
  );
}

export async function describeConfigs(asked: Asked): Promise<boolean> {
  const { session, pattern } = asked;
  const database = session.connection?.at.database ?? '';
  const found = await catalogRows(
    session,
    `SELECT c.oid, c.cfgname, n.nspname, p.prsname, np.nspname as pnspname
FROM pg_catalog.pg_ts_config c
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace,
  pg_catalog.pg_ts_parser p
  LEFT JOIN pg_catalog.pg_namespace np ON np.oid = p.prsnamespace${whereOf([
    'p.oid = c.cfgparser',
    ...patternConditions(
      pattern,
      { schema: 'n.nspname', name: 'c.cfgname', visible: 'pg_catalog.pg_ts_config_is_visible(c.oid)' },
      3,
      database,
    ),
  ])}
ORDER BY 3, 2;`,
  );
  if (found === undefined) return false;
  if (found.rows.length === 0) {
    notFound(asked, 'text search configuration');
    return false;
  }
  for (const [oid, name, schema, parser, parserSchema] of found.rows) {
    const result = await catalogRows(
      session,
      `SELECT (SELECT t.alias FROM pg_catalog.ts_token_type(c.cfgparser) AS t WHERE t.tokid = m.maptokentype) AS "Token",
  pg_catalog.btrim(ARRAY(SELECT mm.mapdict::pg_catalog.regdictionary FROM pg_catalog.pg_ts_config_map AS mm WHERE mm.mapcfg = m.mapcfg AND mm.maptokentype = m.maptokentype ORDER BY mapcfg, maptokentype, mapseqno) :: pg_catalog.text, '{}') AS "Dictionaries"
FROM pg_catalog.pg_ts_config AS c, pg_catalog.pg_ts_config_map AS m
WHERE c.oid = '${oid}' AND m.mapcfg = c.oid
GROUP BY m.mapcfg, m.maptokentype, c.cfgparser
ORDER BY 1;`,
    );
    if (result === undefined) return false;
    const qualified = schema === null ? name : `${schema}.${name}`;
    const title = `Text search configuration "${qualified}"\nParser: "${parserSchema === null ? '' : `${parserSchema}.`}${parser}"`;
    const options = { ...listOptions(session, title), defaultFooter: false };
    showTable(
      session,
      { title, columns: result.fields.map((f) => ({ name: f.name, align: 'l' })), rows: result.rows },
      options,
      session.output,
    );
  }
  stdout.flush();
  return true;
}

export async function describeParsers(asked: Asked): Promise<boolean> {
  const { session, pattern } = asked;
  const database = session.connection?.at.database ?? '';
  const found = await catalogRows(
    session,
    `SELECT p.oid, n.nspname, p.prsname
FROM pg_catalog.pg_ts_parser p
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace${whereOf(
      patternConditions(
        pattern,
        { schema: 'n.nspname', name: 'p.prsname', visible: 'pg_catalog.pg_ts_parser_is_visible(p.oid)' },
        3,
        database,
      ),
    )}
ORDER BY 1, 2;`,
  );
  if (found === undefined) return false;
  if (found.rows.length === 0) {
    notFound(asked, 'text search parser');
    return false;
  }
  const methods = [
    ['Start parse', 'prsstart'],
    ['Get next token', 'prstoken'],
    ['End parse', 'prsend'],
    ['Get headline', 'prsheadline'],
    ['Get token types', 'prslextype'],
  ] as const;
  for (const [oid, schema, name] of found.rows) {
    const qualified = schema === null ? name : `${schema}.${name}`;
    const functions = await catalogRows(
      session,
      methods
        .map(
          ([label, column]) =>
            `SELECT '${label}' AS "Method", p.${column}::pg_catalog.regproc AS "Function", pg_catalog.obj_description(p.${column}, 'pg_proc') as "Description" FROM pg_catalog.pg_ts_parser p WHERE p.oid = '${oid}'`,
        )
        .join('\nUNION ALL\n'),
    );
    if (functions === undefined) return false;
    const title = `Text search parser "${qualified}"`;
    showTable(
      session,
      { title, columns: functions.fields.map((f) => ({ name: f.name, align: 'l' })), rows: functions.rows },
      { ...listOptions(session, title), defaultFooter: false },
      session.output,
    );
    const tokens = await catalogRows(
      session,
      `SELECT t.alias as "Token name", t.description as "Description" FROM pg_catalog.ts_token_type('${oid}'::pg_catalog.oid) as t ORDER BY 1;`,
    );
    if (tokens === undefined) return false;
    showList(session, tokens, `Token types for parser "${qualified}"`);
  }
  return true;
}

export async function describeExtensions(asked: Asked): Promise<boolean> {
  const { session, pattern } = asked;
  const found = await catalogRows(
    session,
    `SELECT e.extname, e.oid\nFROM pg_catalog.pg_extension e${whereOf(
      patternConditions(pattern, { name: 'e.extname' }, 1, ''),
    )}\nORDER BY 1;`,
  );
  if (found === undefined) return false;
  if (found.rows.length === 0) {
    notFound(asked, 'extension');
    return false;
  }
  for (const [name, oid] of found.rows) {
    const result = await catalogRows(
      session,
      `SELECT pg_catalog.pg_describe_object(classid, objid, 0) AS "Object description"
FROM pg_catalog.pg_depend
WHERE refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND refobjid = '${oid}' AND deptype = 'e'
ORDER BY 1;`,
    );
    if (result === undefined) return false;
    showList(session, result, `Objects in extension "${name}"`);
  }
  return true;
}

export async function listPublications(asked: Asked): Promise<boolean> {
  const { session, pattern, verbose } = asked;
  const where = whereOf(patternConditions(pattern, { name: 'pubname' }, 1, ''));
  const found = await catalogRows(
    session,
    `SELECT ${verbose ? 'oid, ' : ''}pubname AS "Name", ${OWNER('pubowner')[1]} AS "Owner", puballtables AS "All tables", pubinsert AS "Inserts", pubupdate AS "Updates", pubdelete AS "Deletes", pubtruncate AS "Truncates", pubviaroot AS "Via root"
FROM pg_catalog.pg_publication${where}
ORDER BY ${verbose ? 2 : 1};`,
  );
  if (found === undefined) return false;
  if (!verbose) {
    showList(session, found, 'List of publications');
    return true;
  }
  if (found.rows.length === 0) {
    notFound(asked, 'publication');
    return false;
  }
  for (const [oid, name, ...values] of found.rows) {
    const footers: string[] = [];
    if (values[1] !== 't') {
      const tables = await catalogRows(
        session,
        `SELECT n.nspname, c.relname, pg_get_expr(pr.prqual, c.oid), (CASE WHEN pr.prattrs IS NOT NULL THEN pg_catalog.array_to_string(ARRAY(SELECT attname FROM pg_catalog.generate_series(0, pg_catalog.array_upper(pr.prattrs::pg_catalog.int2[], 1)) s, pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum = prattrs[s]), ', ') ELSE NULL END)
FROM pg_catalog.pg_class c, pg_catalog.pg_namespace n, pg_catalog.pg_publication_rel pr
WHERE c.relnamespace = n.oid AND c.oid = pr.prrelid AND pr.prpubid = ${literal(oid!)}
ORDER BY 1,2`,
      );
      if (tables === undefined) return false;
      if (tables.rows.length > 0) footers.push('Tables:');
      for (const [schema, table, condition, columns] of tables.rows)
        footers.push(
          `    "${schema}.${table}"${columns === null ? '' : ` (${columns})`}${condition === null ? '' : ` WHERE ${condition}`}`,
        );
      const schemas = await catalogRows(
        session,
        `SELECT n.nspname\nFROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_publication_namespace pn ON n.oid = pn.pnnspid\nWHERE pn.pnpubid = ${literal(oid!)}\nORDER BY 1`,
      );
      if (schemas === undefined) return false;
      if (schemas.rows.length > 0)
        footers.push('Tables from schemas:', ...schemas.rows.map((r) => `    "${r[0]}"`));
    }
    showList(session, { fields: found.fields.slice(2), rows: [values] }, `Publication ${name}`, footers);
  }
  return true;
}

/** \dC with a pattern: either type may match it. */
export function castConditions(asked: Asked): string[] {
  const database = asked.session.connection?.at.database ?? '';
  const side = (type: string, schema: string): string =>
    [
      'true',
      ...patternConditions(
        asked.pattern,
        {
          schema: `${schema}.nspname`,
          name: `${type}.typname`,
          alternative: `pg_catalog.format_type(${type}.oid, NULL)`,
          visible: `pg_catalog.pg_type_is_visible(${type}.oid)`,
        },
        3,
        database,
      ),
    ].join(' AND ');
  return [`((${side('ts', 'ns')}) OR (${side('tt', 'nt')}))`];
}
