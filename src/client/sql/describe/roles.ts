/** \du, \drds, \dn, \dconfig: roles and their settings, schemas, parameters. */
import { stdout } from '../output.js';
import { showTable } from '../run/show.js';
import { ACL, type Asked, DESCRIPTION, type Listing, listingSql, literal, OWNER, when } from './listing.js';
import { parsePattern, patternConditions } from './pattern.js';
import { catalogRows, listOptions, showList } from './query.js';

export async function listRoles(asked: Asked): Promise<boolean> {
  const { session, verbose, system, pattern } = asked;
  const where = patternConditions(pattern, { name: 'r.rolname' }, 1, '');
  if (!system && pattern === undefined) where.push("r.rolname !~ '^pg_'");
  const result = await catalogRows(
    session,
    `SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolconnlimit, r.rolvaliduntil,
  r.rolreplication, r.rolbypassrls,
  ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid) WHERE m.member = r.oid) as memberof${
    verbose ? ",\n  pg_catalog.shobj_description(r.oid, 'pg_authid') AS description" : ''
  }
FROM pg_catalog.pg_roles r${where.length === 0 ? '' : `\nWHERE ${where.join(' AND ')}`}
ORDER BY 1;`,
  );
  if (result === undefined) return false;
  const options = { ...listOptions(session, 'List of roles'), defaultFooter: false };
  const column = (name: string) => ({ name, align: 'l' as const });
  showTable(
    session,
    {
      title: 'List of roles',
      columns: ['Role name', 'Attributes', 'Member of', ...(verbose ? ['Description'] : [])].map(column),
      rows: result.rows.map((r) => [r[0]!, attributes(r), r[10]!, ...(verbose ? [r[11]!] : [])]),
    },
    options,
    session.output,
  );
  stdout.flush();
  return true;
}

function attributes(r: readonly (string | null)[]): string {
  const words: string[] = [];
  if (r[1] === 't') words.push('Superuser');
  if (r[2] !== 't') words.push('No inheritance');
  if (r[3] === 't') words.push('Create role');
  if (r[4] === 't') words.push('Create DB');
  if (r[5] !== 't') words.push('Cannot login');
  if (r[8] === 't') words.push('Replication');
  if (r[9] === 't') words.push('Bypass RLS');
  let out = words.join(', ');
  const connections = Number(r[6]);
  if (connections >= 0) {
    if (out !== '') out += '\n';
    out += connections === 0 ? 'No connections' : `${connections} connection${connections === 1 ? '' : 's'}`;
  }
  if (r[7] !== null && r[7] !== undefined && r[7] !== '') {
    if (out !== '') out += '\n';
    out += `Password valid until ${r[7]}`;
  }
  return out;
}

export async function listRoleSettings(asked: Asked): Promise<boolean> {
  const { session, pattern, more } = asked;
  const where = patternConditions(pattern, { name: 'r.rolname' }, 1, '');
  where.push(...patternConditions(more[0], { name: 'd.datname' }, 1, ''));
  const result = await catalogRows(
    session,
    `SELECT rolname AS "Role", datname AS "Database",
pg_catalog.array_to_string(setconfig, E'\\n') AS "Settings"
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_database d ON d.oid = setdatabase
LEFT JOIN pg_catalog.pg_roles r ON r.oid = setrole${where.length === 0 ? '' : `\nWHERE ${where.join(' AND ')}`}
ORDER BY 1, 2;`,
  );
  if (result === undefined) return false;
  // An empty table would tell nothing.
  if (result.rows.length === 0 && !session.settings.quiet) {
    if (pattern !== undefined && more[0] !== undefined)
      session.error(`Did not find any settings for role "${pattern}" and database "${more[0]}".`);
    else if (pattern !== undefined) session.error(`Did not find any settings for role "${pattern}".`);
    else session.error('Did not find any settings.');
  } else showList(session, result, 'List of settings');
  return true;
}

export async function listSchemas(asked: Asked): Promise<boolean> {
  const { session, pattern } = asked;
  const listing: Listing = {
    title: 'List of schemas',
    columns: ({ verbose }) => [
      ['Name', 'n.nspname'],
      OWNER('n.nspowner'),
      ...when(verbose, ACL('n.nspacl'), DESCRIPTION('n.oid', 'pg_namespace')),
    ],
    from: () => 'pg_catalog.pg_namespace n',
    where: () =>
      asked.system || pattern !== undefined
        ? []
        : ["n.nspname !~ '^pg_'", "n.nspname <> 'information_schema'"],
    orderBy: '1',
  };
  const database = session.connection?.at.database ?? '';
  const where = pattern === undefined ? [] : schemaConditions(pattern, database);
  const result = await catalogRows(
    session,
    listingSql({ ...listing, where: () => [...listing.where!(asked), ...where] }, asked),
  );
  if (result === undefined) return false;
  const footers: string[] = [];
  if (pattern !== undefined && asked.version >= 150_000) {
    const publications = await catalogRows(
      session,
      `SELECT pubname
FROM pg_catalog.pg_publication p
     JOIN pg_catalog.pg_publication_namespace pn ON p.oid = pn.pnpubid
     JOIN pg_catalog.pg_namespace n ON n.oid = pn.pnnspid
WHERE n.nspname = ${literal(pattern)}
ORDER BY 1`,
    );
    if (publications === undefined) return false;
    if (publications.rows.length > 0)
      footers.push('Publications:', ...publications.rows.map((r) => `    "${r[0]}"`));
  }
  showList(session, result, listing.title, footers);
  return true;
}

/** A schema may be named with its database. */
function schemaConditions(pattern: string, database: string): string[] {
  const { schema } = parsePattern(pattern, 3);
  return schema === undefined
    ? patternConditions(pattern, { name: 'n.nspname' }, 1, database)
    : patternConditions(pattern, { name: 'n.nspname' }, 3, database);
}

export async function listParameters(asked: Asked): Promise<boolean> {
  const { session, pattern } = asked;
  const title =
    pattern === undefined
      ? 'List of non-default configuration parameters'
      : 'List of configuration parameters';
  const listing: Listing = {
    title,
    columns: ({ verbose, version }) => [
      ['Parameter', 's.name'],
      ['Value', 'pg_catalog.current_setting(s.name)'],
      ...when(verbose, ['Type', 's.vartype'], ['Context', 's.context']),
      ...when(verbose && version >= 150_000, ACL('p.paracl')),
    ],
    from: ({ verbose, version }) =>
      `pg_catalog.pg_settings s${
        verbose && version >= 150_000
          ? '\n  LEFT JOIN pg_catalog.pg_parameter_acl p ON pg_catalog.lower(s.name) = p.parname'
          : ''
      }`,
    where: () =>
      pattern === undefined ? ["s.source <> 'default'", 's.setting IS DISTINCT FROM s.boot_val'] : [],
    pattern: { name: 'pg_catalog.lower(s.name)' },
    partsMax: 1,
    orderBy: '1',
  };
  const result = await catalogRows(session, listingSql(listing, asked));
  if (result === undefined) return false;
  showList(session, result, title);
  return true;
}
