/** Lists of what a server has: databases, roles' settings, languages, access methods, casts, ... */
import { ACL, DESCRIPTION, fdwOptions, type Listing, OWNER, when } from './listing.js';

/** The comment on an object, joined. */
const COMMENT = (classOid: string, oid: string): string =>
  `LEFT JOIN pg_catalog.pg_description d ON d.classoid = ${classOid} AND d.objoid = ${oid} AND d.objsubid = 0`;

export const SERVER_LISTINGS: Readonly<Record<string, Listing>> = {
  l: {
    title: 'List of databases',
    columns: ({ verbose, version }) => [
      ['Name', 'd.datname'],
      OWNER('d.datdba'),
      ['Encoding', 'pg_catalog.pg_encoding_to_char(d.encoding)'],
      ['Collate', 'd.datcollate'],
      ['Ctype', 'd.datctype'],
      ['ICU Locale', version >= 170_000 ? 'd.datlocale' : version >= 150_000 ? 'd.daticulocale' : 'NULL'],
      [
        'Locale Provider',
        version >= 150_000
          ? "CASE d.datlocprovider WHEN 'b' THEN 'builtin' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END"
          : "'libc'",
      ],
      ACL('d.datacl'),
      ...when(
        verbose,
        [
          'Size',
          "CASE WHEN pg_catalog.has_database_privilege(d.datname, 'CONNECT') THEN pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.datname)) ELSE 'No Access' END",
        ],
        ['Tablespace', 't.spcname'],
        ['Description', "pg_catalog.shobj_description(d.oid, 'pg_database')"],
      ),
    ],
    from: ({ verbose }) =>
      `pg_catalog.pg_database d${verbose ? '\n  JOIN pg_catalog.pg_tablespace t on d.dattablespace = t.oid' : ''}`,
    pattern: { name: 'd.datname' },
    partsMax: 1,
    orderBy: '1',
  },
  db: {
    title: 'List of tablespaces',
    columns: ({ verbose }) => [
      ['Name', 'spcname'],
      OWNER('spcowner'),
      ['Location', 'pg_catalog.pg_tablespace_location(oid)'],
      ...when(
        verbose,
        ACL('spcacl'),
        ['Options', 'spcoptions'],
        ['Size', 'pg_catalog.pg_size_pretty(pg_catalog.pg_tablespace_size(oid))'],
        ['Description', "pg_catalog.shobj_description(oid, 'pg_tablespace')"],
      ),
    ],
    from: () => 'pg_catalog.pg_tablespace',
    pattern: { name: 'spcname' },
    partsMax: 1,
    orderBy: '1',
  },
  dA: {
    title: 'List of access methods',
    columns: ({ verbose }) => [
      ['Name', 'amname'],
      ['Type', "CASE amtype WHEN 'i' THEN 'Index' WHEN 't' THEN 'Table' END"],
      ...when(verbose, ['Handler', 'amhandler'], DESCRIPTION('oid', 'pg_am')),
    ],
    from: () => 'pg_catalog.pg_am',
    pattern: { name: 'amname' },
    partsMax: 1,
    orderBy: '1',
  },
  dC: {
    title: 'List of casts',
    columns: ({ verbose }) => [
      ['Source type', 'pg_catalog.format_type(castsource, NULL)'],
      ['Target type', 'pg_catalog.format_type(casttarget, NULL)'],
      [
        'Function',
        "CASE WHEN c.castmethod = 'b' THEN '(binary coercible)' WHEN c.castmethod = 'i' THEN '(with inout)' ELSE p.proname END",
      ],
      [
        'Implicit?',
        "CASE WHEN c.castcontext = 'e' THEN 'no' WHEN c.castcontext = 'a' THEN 'in assignment' ELSE 'yes' END",
      ],
      ...when(verbose, ['Description', 'd.description']),
    ],
    from: ({ verbose }) => `pg_catalog.pg_cast c
  LEFT JOIN pg_catalog.pg_proc p ON c.castfunc = p.oid
  LEFT JOIN pg_catalog.pg_type ts ON c.castsource = ts.oid
  LEFT JOIN pg_catalog.pg_namespace ns ON ns.oid = ts.typnamespace
  LEFT JOIN pg_catalog.pg_type tt ON c.casttarget = tt.oid
  LEFT JOIN pg_catalog.pg_namespace nt ON nt.oid = tt.typnamespace${verbose ? `\n  ${COMMENT('c.tableoid', 'c.oid')}` : ''}`,
    orderBy: '1, 2',
  },
  ddp: {
    title: 'Default access privileges',
    columns: () => [
      OWNER('d.defaclrole'),
      ['Schema', 'n.nspname'],
      [
        'Type',
        "CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function' WHEN 'T' THEN 'type' WHEN 'n' THEN 'schema' END",
      ],
      ACL('d.defaclacl'),
    ],
    from: () =>
      'pg_catalog.pg_default_acl d\n  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace',
    pattern: { name: 'n.nspname', alternative: 'pg_catalog.pg_get_userbyid(d.defaclrole)' },
    partsMax: 1,
    orderBy: '1, 2, 3',
  },
  des: {
    title: 'List of foreign servers',
    columns: ({ verbose }) => [
      ['Name', 's.srvname'],
      OWNER('s.srvowner'),
      ['Foreign-data wrapper', 'f.fdwname'],
      ...when(
        verbose,
        ACL('s.srvacl'),
        ['Type', 's.srvtype'],
        ['Version', 's.srvversion'],
        ['FDW options', fdwOptions('srvoptions')],
        ['Description', 'd.description'],
      ),
    ],
    from: ({ verbose }) =>
      `pg_catalog.pg_foreign_server s\n  JOIN pg_catalog.pg_foreign_data_wrapper f ON f.oid=s.srvfdw${verbose ? `\n  ${COMMENT('s.tableoid', 's.oid')}` : ''}`,
    pattern: { name: 's.srvname' },
    partsMax: 1,
    orderBy: '1',
  },
  deu: {
    title: 'List of user mappings',
    columns: ({ verbose }) => [
      ['Server', 'um.srvname'],
      ['User name', 'um.usename'],
      ...when(verbose, ['FDW options', fdwOptions('umoptions')]),
    ],
    from: () => 'pg_catalog.pg_user_mappings um',
    pattern: { name: 'um.srvname', alternative: 'um.usename' },
    partsMax: 1,
    orderBy: '1, 2',
  },
  dew: {
    title: 'List of foreign-data wrappers',
    columns: ({ verbose }) => [
      ['Name', 'fdw.fdwname'],
      OWNER('fdw.fdwowner'),
      ['Handler', 'fdw.fdwhandler::pg_catalog.regproc'],
      ['Validator', 'fdw.fdwvalidator::pg_catalog.regproc'],
      ...when(
        verbose,
        ACL('fdwacl'),
        ['FDW options', fdwOptions('fdwoptions')],
        ['Description', 'd.description'],
      ),
    ],
    from: ({ verbose }) =>
      `pg_catalog.pg_foreign_data_wrapper fdw${verbose ? `\n  ${COMMENT('fdw.tableoid', 'fdw.oid')}` : ''}`,
    pattern: { name: 'fdw.fdwname' },
    partsMax: 1,
    orderBy: '1',
  },
  dl: {
    title: 'Large objects',
    columns: ({ verbose }) => [
      ['ID', 'oid'],
      OWNER('lomowner'),
      ...when(verbose, ACL('lomacl')),
      DESCRIPTION('oid', 'pg_largeobject'),
    ],
    from: () => 'pg_catalog.pg_largeobject_metadata',
    orderBy: 'oid',
  },
  dL: {
    title: 'List of languages',
    columns: ({ verbose }) => [
      ['Name', 'l.lanname'],
      OWNER('l.lanowner'),
      ['Trusted', 'l.lanpltrusted'],
      ...when(
        verbose,
        ['Internal language', 'NOT l.lanispl'],
        ['Call handler', 'l.lanplcallfoid::pg_catalog.regprocedure'],
        ['Validator', 'l.lanvalidator::pg_catalog.regprocedure'],
        ['Inline handler', 'l.laninline::pg_catalog.regprocedure'],
        ACL('l.lanacl'),
      ),
      ['Description', 'd.description'],
    ],
    from: () => `pg_catalog.pg_language l\n${COMMENT('l.tableoid', 'l.oid')}`,
    where: ({ system, pattern }) => (system || pattern !== undefined ? [] : ['l.lanplcallfoid != 0']),
    pattern: { name: 'l.lanname' },
    partsMax: 1,
    orderBy: '1',
  },
  dRs: {
    title: 'List of subscriptions',
    columns: ({ verbose, version }) => [
      ['Name', 'subname'],
      OWNER('subowner'),
      ['Enabled', 'subenabled'],
      ['Publication', 'subpublications'],
      ...when(verbose, ['Binary', 'subbinary'], ['Streaming', 'substream']),
      ...when(
        verbose && version >= 150_000,
        ['Two-phase commit', 'subtwophasestate'],
        ['Disable on error', 'subdisableonerr'],
      ),
      ...when(verbose, ['Synchronous commit', 'subsynccommit'], ['Conninfo', 'subconninfo']),
      ...when(verbose && version >= 150_000, ['Skip LSN', 'subskiplsn']),
    ],
    from: () => 'pg_catalog.pg_subscription',
    where: () => [
      'subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())',
    ],
    pattern: { name: 'subname' },
    partsMax: 1,
    orderBy: '1',
  },
  dx: {
    title: 'List of installed extensions',
    columns: () => [
      ['Name', 'e.extname'],
      ['Version', 'e.extversion'],
      ['Schema', 'n.nspname'],
      ['Description', 'c.description'],
    ],
    from: () => `pg_catalog.pg_extension e
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  LEFT JOIN pg_catalog.pg_description c ON c.objoid = e.oid AND c.classoid = 'pg_catalog.pg_extension'::pg_catalog.regclass`,
    pattern: { name: 'e.extname' },
    partsMax: 1,
    orderBy: '1',
  },
  dy: {
    title: 'List of event triggers',
    columns: ({ verbose }) => [
      ['Name', 'evtname'],
      ['Event', 'evtevent'],
      OWNER('e.evtowner'),
      [
        'Enabled',
        "case evtenabled when 'O' then 'enabled' when 'R' then 'replica' when 'A' then 'always' when 'D' then 'disabled' end",
      ],
      ['Function', 'e.evtfoid::pg_catalog.regproc'],
      ['Tags', "pg_catalog.array_to_string(array(select x from pg_catalog.unnest(evttags) as t(x)), ', ')"],
      ...when(verbose, DESCRIPTION('e.oid', 'pg_event_trigger')),
    ],
    from: () => 'pg_catalog.pg_event_trigger e',
    pattern: { name: 'evtname' },
    partsMax: 1,
    orderBy: '1',
  },
};
