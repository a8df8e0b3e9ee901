/** Lists of objects in schemas: types, operators, collations, privileges, text search, ... */
import { ACL, DESCRIPTION, fdwOptions, type Listing, NOT_SYSTEM, OWNER, when } from './listing.js';

const NAMESPACE = (column: string): string => `LEFT JOIN pg_catalog.pg_namespace n ON n.oid = ${column}`;

/** A name with its schema where the search path would not find it. */
const QUALIFIED = (visible: string, name: string, schema: string): string =>
  `CASE WHEN ${visible} THEN pg_catalog.format('%I', ${name}) ELSE pg_catalog.format('%I.%I', ${schema}, ${name}) END`;

const textSearch = (
  title: string,
  table: string,
  prefix: string,
  visible: string,
  extra: readonly (readonly [string, string])[],
): Listing => ({
  title,
  columns: ({ verbose }) => [
    ['Schema', 'n.nspname'],
    ['Name', `x.${prefix}name`],
    ...when(verbose, ...extra),
    DESCRIPTION('x.oid', table),
  ],
  from: () => `pg_catalog.${table} x\n  ${NAMESPACE(`x.${prefix}namespace`)}`,
  pattern: { schema: 'n.nspname', name: `x.${prefix}name`, visible: `pg_catalog.${visible}(x.oid)` },
  orderBy: '1, 2',
});

export const OBJECT_LISTINGS: Readonly<Record<string, Listing>> = {
  da: {
    title: 'List of aggregate functions',
    columns: () => [
      ['Schema', 'n.nspname'],
      ['Name', 'p.proname'],
      ['Result data type', 'pg_catalog.format_type(p.prorettype, NULL)'],
      [
        'Argument data types',
        "CASE WHEN p.pronargs = 0 THEN CAST('*' AS pg_catalog.text) ELSE pg_catalog.pg_get_function_arguments(p.oid) END",
      ],
      DESCRIPTION('p.oid', 'pg_proc'),
    ],
    from: () => `pg_catalog.pg_proc p\n  ${NAMESPACE('p.pronamespace')}`,
    where: () => ["p.prokind = 'a'"],
    hidesSystem: true,
    pattern: { schema: 'n.nspname', name: 'p.proname', visible: 'pg_catalog.pg_function_is_visible(p.oid)' },
    orderBy: '1, 2, 4',
  },
  dc: {
    title: 'List of conversions',
    columns: ({ verbose }) => [
      ['Schema', 'n.nspname'],
      ['Name', 'c.conname'],
      ['Source', 'pg_catalog.pg_encoding_to_char(c.conforencoding)'],
      ['Destination', 'pg_catalog.pg_encoding_to_char(c.contoencoding)'],
      ['Default?', "CASE WHEN c.condefault THEN 'yes' ELSE 'no' END"],
      ...when(verbose, ['Description', 'd.description']),
    ],
    from: ({ verbose }) =>
      `pg_catalog.pg_conversion c\n  JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace${
        verbose
          ? '\n  LEFT JOIN pg_catalog.pg_description d ON d.classoid = c.tableoid AND d.objoid = c.oid AND d.objsubid = 0'
          : ''
      }`,
    hidesSystem: true,
    pattern: {
      schema: 'n.nspname',
      name: 'c.conname',
      visible: 'pg_catalog.pg_conversion_is_visible(c.oid)',
    },
    orderBy: '1, 2',
  },
  dD: {
    title: 'List of domains',
    columns: ({ verbose }) => [
      ['Schema', 'n.nspname'],
      ['Name', 't.typname'],
      ['Type', 'pg_catalog.format_type(t.typbasetype, t.typtypmod)'],
      [
        'Collation',
        '(SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type bt WHERE c.oid = t.typcollation AND bt.oid = t.typbasetype AND t.typcollation <> bt.typcollation)',
      ],
      ['Nullable', "CASE WHEN t.typnotnull THEN 'not null' END"],
      ['Default', 't.typdefault'],
      [
        'Check',
        "pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.pg_get_constraintdef(r.oid, true) FROM pg_catalog.pg_constraint r WHERE t.oid = r.contypid), ' ')",
      ],
      ...when(verbose, ACL('t.typacl'), ['Description', 'd.description']),
    ],
    from: ({ verbose }) =>
      `pg_catalog.pg_type t\n  ${NAMESPACE('t.typnamespace')}${
        verbose
          ? '\n  LEFT JOIN pg_catalog.pg_description d ON d.classoid = t.tableoid AND d.objoid = t.oid AND d.objsubid = 0'
          : ''
      }`,
    where: () => ["t.typtype = 'd'"],
    hidesSystem: true,
    pattern: { schema: 'n.nspname', name: 't.typname', visible: 'pg_catalog.pg_type_is_visible(t.oid)' },
    orderBy: '1, 2',
  },
  det: {
    title: 'List of foreign tables',
    columns: ({ verbose }) => [
      ['Schema', 'n.nspname'],
      ['Table', 'c.relname'],
      ['Server', 's.srvname'],
      ...when(verbose, ['FDW options', fdwOptions('ftoptions')], ['Description', 'd.description']),
    ],
    from: ({ verbose }) => `pg_catalog.pg_foreign_table ft
  INNER JOIN pg_catalog.pg_class c ON c.oid = ft.ftrelid
  INNER JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  INNER JOIN pg_catalog.pg_foreign_server s ON s.oid = ft.ftserver${
    verbose
      ? '\n  LEFT JOIN pg_catalog.pg_description d ON d.classoid = c.tableoid AND d.objoid = c.oid AND d.objsubid = 0'
      : ''
  }`,
    pattern: { schema: 'n.nspname', name: 'c.relname', visible: 'pg_catalog.pg_table_is_visible(c.oid)' },
    orderBy: '1, 2',
  },
  dFd: textSearch('List of text search dictionaries', 'pg_ts_dict', 'dict', 'pg_ts_dict_is_visible', [
    [
      'Template',
      "(SELECT COALESCE(nt.nspname, '(null)')::pg_catalog.text || '.' || t.tmplname FROM pg_catalog.pg_ts_template t LEFT JOIN pg_catalog.pg_namespace nt ON nt.oid = t.tmplnamespace WHERE x.dicttemplate = t.oid)",
    ],
    ['Init options', 'x.dictinitoption'],
  ]),
  dFt: textSearch('List of text search templates', 'pg_ts_template', 'tmpl', 'pg_ts_template_is_visible', [
    ['Init', 'x.tmplinit::pg_catalog.regproc'],
    ['Lexize', 'x.tmpllexize::pg_catalog.regproc'],
  ]),
  dFp: textSearch('List of text search parsers', 'pg_ts_parser', 'prs', 'pg_ts_parser_is_visible', []),
  dF: textSearch('List of text search configurations', 'pg_ts_config', 'cfg', 'pg_ts_config_is_visible', []),
  dO: {
    title: 'List of collations',
    columns: ({ verbose, version }) => [
      ['Schema', 'n.nspname'],
      ['Name', 'c.collname'],
      ['Collate', 'c.collcollate'],
      ['Ctype', 'c.collctype'],
      [
        'ICU Locale',
        version >= 170_000 ? 'c.colllocale' : version >= 150_000 ? 'c.colliculocale' : 'c.collcollate',
      ],
      [
        'Provider',
        "CASE c.collprovider WHEN 'd' THEN 'default' WHEN 'b' THEN 'builtin' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END",
      ],
      ['Deterministic?', "CASE WHEN c.collisdeterministic THEN 'yes' ELSE 'no' END"],
      ...when(verbose, DESCRIPTION('c.oid', 'pg_collation')),
    ],
    from: () => 'pg_catalog.pg_collation c, pg_catalog.pg_namespace n',
    where: () => [
      'n.oid = c.collnamespace',
      'c.collencoding IN (-1, pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding()))',
    ],
    hidesSystem: true,
    pattern: {
      schema: 'n.nspname',
      name: 'c.collname',
      visible: 'pg_catalog.pg_collation_is_visible(c.oid)',
    },
    orderBy: '1, 2',
  },
  dp: {
    title: 'Access privileges',
    columns: () => [
      ['Schema', 'n.nspname'],
      ['Name', 'c.relname'],
      [
        'Type',
        "CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' END",
      ],
      ACL('c.relacl'),
      [
        'Column privileges',
        "pg_catalog.array_to_string(ARRAY(SELECT attname || E':\\n  ' || pg_catalog.array_to_string(attacl, E'\\n  ') FROM pg_catalog.pg_attribute a WHERE attrelid = c.oid AND NOT attisdropped AND attacl IS NOT NULL), E'\\n')",
      ],
      [
        'Policies',
        `pg_catalog.array_to_string(ARRAY(SELECT polname
    || CASE WHEN NOT polpermissive THEN E' (RESTRICTIVE)' ELSE '' END
    || CASE WHEN polcmd != '*' THEN E' (' || polcmd::pg_catalog.text || E'):' ELSE E':' END
    || CASE WHEN polqual IS NOT NULL THEN E'\\n  (u): ' || pg_catalog.pg_get_expr(polqual, polrelid) ELSE E'' END
    || CASE WHEN polwithcheck IS NOT NULL THEN E'\\n  (c): ' || pg_catalog.pg_get_expr(polwithcheck, polrelid) ELSE E'' END
    || CASE WHEN polroles <> '{0}' THEN E'\\n  to: ' || pg_catalog.array_to_string(ARRAY(SELECT rolname FROM pg_catalog.pg_roles WHERE oid = ANY (polroles) ORDER BY 1), E', ') ELSE E'' END
    FROM pg_catalog.pg_policy pol WHERE polrelid = c.oid), E'\\n')`,
      ],
    ],
    from: () => `pg_catalog.pg_class c\n  ${NAMESPACE('c.relnamespace')}`,
    where: ({ system, pattern }) => [
      "c.relkind IN ('r','v','m','S','f','p')",
      ...(system || pattern !== undefined
        ? []
        : ["n.nspname !~ '^pg_'", 'pg_catalog.pg_table_is_visible(c.oid)']),
    ],
    pattern: { schema: 'n.nspname', name: 'c.relname', visible: 'pg_catalog.pg_table_is_visible(c.oid)' },
    orderBy: '1, 2',
  },
  dT: {
    title: 'List of data types',
    columns: ({ verbose }) => [
      ['Schema', 'n.nspname'],
      ['Name', 'pg_catalog.format_type(t.oid, NULL)'],
      ...when(
        verbose,
        ['Internal name', 't.typname'],
        [
          'Size',
          "CASE WHEN t.typrelid != 0 THEN CAST('tuple' AS pg_catalog.text) WHEN t.typlen < 0 THEN CAST('var' AS pg_catalog.text) ELSE CAST(t.typlen AS pg_catalog.text) END",
        ],
        [
          'Elements',
          "pg_catalog.array_to_string(ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), E'\\n')",
        ],
        OWNER('t.typowner'),
        ACL('t.typacl'),
      ),
      DESCRIPTION('t.oid', 'pg_type'),
    ],
    from: () => `pg_catalog.pg_type t\n  ${NAMESPACE('t.typnamespace')}`,
    where: ({ system, pattern }) => [
      "(t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid))",
      ...(pattern?.includes('[]') === true
        ? []
        : [
            'NOT EXISTS(SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid)',
          ]),
      ...(system || pattern !== undefined ? [] : NOT_SYSTEM),
    ],
    pattern: {
      schema: 'n.nspname',
      name: 't.typname',
      alternative: 'pg_catalog.format_type(t.oid, NULL)',
      visible: 'pg_catalog.pg_type_is_visible(t.oid)',
    },
    orderBy: '1, 2',
  },
  dX: {
    title: 'List of extended statistics',
    columns: () => [
      ['Schema', 'es.stxnamespace::pg_catalog.regnamespace::pg_catalog.text'],
      ['Name', 'es.stxname'],
      [
        'Definition',
        "pg_catalog.format('%s FROM %s', pg_catalog.pg_get_statisticsobjdef_columns(es.oid), es.stxrelid::pg_catalog.regclass)",
      ],
      ['Ndistinct', "CASE WHEN 'd' = any(es.stxkind) THEN 'defined' END"],
      ['Dependencies', "CASE WHEN 'f' = any(es.stxkind) THEN 'defined' END"],
      ['MCV', "CASE WHEN 'm' = any(es.stxkind) THEN 'defined' END"],
    ],
    from: () => 'pg_catalog.pg_statistic_ext es',
    pattern: {
      schema: 'es.stxnamespace::pg_catalog.regnamespace::pg_catalog.text',
      name: 'es.stxname',
      visible: 'pg_catalog.pg_statistics_obj_is_visible(es.oid)',
    },
    orderBy: '1, 2',
  },
  dAc: {
    title: 'List of operator classes',
    columns: ({ verbose }) => [
      ['AM', 'am.amname'],
      ['Input type', 'pg_catalog.format_type(c.opcintype, NULL)'],
      [
        'Storage type',
        'CASE WHEN c.opckeytype <> 0 AND c.opckeytype <> c.opcintype THEN pg_catalog.format_type(c.opckeytype, NULL) ELSE NULL END',
      ],
      ['Operator class', QUALIFIED('pg_catalog.pg_opclass_is_visible(c.oid)', 'c.opcname', 'n.nspname')],
      ['Default?', "(CASE WHEN c.opcdefault THEN 'yes' ELSE 'no' END)"],
      ...when(
        verbose,
        [
          'Operator family',
          QUALIFIED('pg_catalog.pg_opfamily_is_visible(of.oid)', 'of.opfname', 'ofn.nspname'),
        ],
        OWNER('c.opcowner'),
      ),
    ],
    from: ({ verbose }) => `pg_catalog.pg_opclass c
  LEFT JOIN pg_catalog.pg_am am on am.oid = c.opcmethod
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
  LEFT JOIN pg_catalog.pg_type t ON t.oid = c.opcintype
  LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace${
    verbose
      ? '\n  LEFT JOIN pg_catalog.pg_opfamily of ON of.oid = c.opcfamily\n  LEFT JOIN pg_catalog.pg_namespace ofn ON ofn.oid = of.opfnamespace'
      : ''
  }`,
    pattern: { name: 'am.amname' },
    partsMax: 1,
    orderBy: '1, 2, 4',
  },
  dAf: {
    title: 'List of operator families',
    columns: ({ verbose }) => [
      ['AM', 'am.amname'],
      ['Operator family', QUALIFIED('pg_catalog.pg_opfamily_is_visible(f.oid)', 'f.opfname', 'n.nspname')],
      [
        'Applicable types',
        "(SELECT pg_catalog.string_agg(pg_catalog.format_type(oc.opcintype, NULL), ', ') FROM pg_catalog.pg_opclass oc WHERE oc.opcfamily = f.oid)",
      ],
      ...when(verbose, OWNER('f.opfowner')),
    ],
    from: () =>
      'pg_catalog.pg_opfamily f\n  LEFT JOIN pg_catalog.pg_am am on am.oid = f.opfmethod\n  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace',
    pattern: { name: 'am.amname' },
    partsMax: 1,
    orderBy: '1, 2',
  },
  dAo: {
    title: 'List of operators of operator families',
    columns: ({ verbose }) => [
      ['AM', 'am.amname'],
      [
        'Operator family',
        QUALIFIED('pg_catalog.pg_opfamily_is_visible(of.oid)', 'of.opfname', 'nsf.nspname'),
      ],
      ['Operator', 'o.amopopr::pg_catalog.regoperator'],
      ['Strategy', 'o.amopstrategy'],
      ['Purpose', "CASE o.amoppurpose WHEN 'o' THEN 'ordering' WHEN 's' THEN 'search' END"],
      ...when(verbose, ['Sort opfamily', 'ofs.opfname']),
    ],
    from: ({ verbose }) => `pg_catalog.pg_amop o
  LEFT JOIN pg_catalog.pg_opfamily of ON of.oid = o.amopfamily
  LEFT JOIN pg_catalog.pg_am am ON am.oid = of.opfmethod AND am.oid = o.amopmethod
  LEFT JOIN pg_catalog.pg_namespace nsf ON of.opfnamespace = nsf.oid${
    verbose ? '\n  LEFT JOIN pg_catalog.pg_opfamily ofs ON ofs.oid = o.amopsortfamily' : ''
  }`,
    pattern: { name: 'am.amname' },
    partsMax: 1,
    orderBy:
      '1, 2, o.amoplefttype = o.amoprighttype DESC, pg_catalog.format_type(o.amoplefttype, NULL), pg_catalog.format_type(o.amoprighttype, NULL), o.amopstrategy',
  },
  dAp: {
    title: 'List of support functions of operator families',
    columns: ({ verbose }) => [
      ['AM', 'am.amname'],
      ['Operator family', QUALIFIED('pg_catalog.pg_opfamily_is_visible(of.oid)', 'of.opfname', 'ns.nspname')],
      ['Registered left type', 'pg_catalog.format_type(ap.amproclefttype, NULL)'],
      ['Registered right type', 'pg_catalog.format_type(ap.amprocrighttype, NULL)'],
      ['Number', 'ap.amprocnum'],
      ['Function', verbose ? 'ap.amproc::pg_catalog.regprocedure' : 'p.proname'],
    ],
    from: () => `pg_catalog.pg_amproc ap
  LEFT JOIN pg_catalog.pg_opfamily of ON of.oid = ap.amprocfamily
  LEFT JOIN pg_catalog.pg_am am ON am.oid = of.opfmethod
  LEFT JOIN pg_catalog.pg_namespace ns ON of.opfnamespace = ns.oid
  LEFT JOIN pg_catalog.pg_proc p ON ap.amproc = p.oid`,
    pattern: { name: 'am.amname' },
    partsMax: 1,
    orderBy: '1, 2, ap.amproclefttype = ap.amprocrighttype DESC, 3, 4, 5',
  },
};
