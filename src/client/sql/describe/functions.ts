/** \df and \do: functions and operators, narrowed by the types of their arguments. */
import {
  ACL,
  type Asked,
  DESCRIPTION,
  type Listing,
  listingSql,
  NOT_SYSTEM,
  OWNER,
  when,
} from './listing.js';
import { patternConditions } from './pattern.js';
import { catalogRows, showList } from './query.js';
import { typeName } from './type-names.js';

function typeConditions(asked: Asked, patterns: readonly string[], limit: number): string[] {
  const database = asked.session.connection?.at.database ?? '';
  return patterns.slice(0, limit).flatMap((pattern, i) =>
    pattern === '-'
      ? [`t${i}.typname IS NULL`]
      : patternConditions(
          typeName(pattern),
          {
            schema: `nt${i}.nspname`,
            name: `t${i}.typname`,
            alternative: `pg_catalog.format_type(t${i}.oid, NULL)`,
            visible: `pg_catalog.pg_type_is_visible(t${i}.oid)`,
          },
          3,
          database,
        ),
  );
}

function typeJoins(columns: readonly string[]): string {
  return columns
    .map(
      (column, i) =>
        `\n  LEFT JOIN pg_catalog.pg_type t${i} ON t${i}.oid = ${column}\n  LEFT JOIN pg_catalog.pg_namespace nt${i} ON nt${i}.oid = t${i}.typnamespace`,
    )
    .join('');
}

/** `kinds`: letters out of a, n, p, t, w. */
export async function listFunctions(asked: Asked, kinds: string): Promise<boolean> {
  const { session, more } = asked;
  if ([...kinds].some((k) => !'anptw'.includes(k))) {
    session.error('\\df only takes [anptwS+] as options');
    return true;
  }
  const has = (k: string): boolean => kinds === '' || kinds.includes(k);
  const all = 'anptw'.split('').every(has);
  const kindConditions: string[] = [];
  if (!all) {
    const one: string[] = [];
    if (has('a')) one.push("p.prokind = 'a'");
    if (has('t')) one.push("p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype");
    if (has('p')) one.push("p.prokind = 'p'");
    if (has('w')) one.push("p.prokind = 'w'");
    if (has('n')) {
      const not: string[] = [];
      if (!has('a')) not.push("p.prokind <> 'a'");
      if (!has('p')) not.push("p.prokind <> 'p'");
      if (!has('t')) not.push("p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype");
      if (!has('w')) not.push("p.prokind <> 'w'");
      kindConditions.push(...not);
    } else kindConditions.push(`(${one.join('\n       OR ')})`);
  }
  const body =
    asked.version >= 140_000 ? 'COALESCE(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)' : 'p.prosrc';
  const listing: Listing = {
    title: 'List of functions',
    columns: ({ verbose }) => [
      ['Schema', 'n.nspname'],
      ['Name', 'p.proname'],
      ['Result data type', 'pg_catalog.pg_get_function_result(p.oid)'],
      ['Argument data types', 'pg_catalog.pg_get_function_arguments(p.oid)'],
      [
        'Type',
        "CASE p.prokind WHEN 'a' THEN 'agg' WHEN 'w' THEN 'window' WHEN 'p' THEN 'proc' ELSE 'func' END",
      ],
      ...when(
        verbose,
        [
          'Volatility',
          "CASE WHEN p.provolatile = 'i' THEN 'immutable' WHEN p.provolatile = 's' THEN 'stable' WHEN p.provolatile = 'v' THEN 'volatile' END",
        ],
        [
          'Parallel',
          "CASE WHEN p.proparallel = 'r' THEN 'restricted' WHEN p.proparallel = 's' THEN 'safe' WHEN p.proparallel = 'u' THEN 'unsafe' END",
        ],
        OWNER('p.proowner'),
        ['Security', "CASE WHEN prosecdef THEN 'definer' ELSE 'invoker' END"],
        ACL('p.proacl'),
        ['Language', 'l.lanname'],
        ['Source code', body],
        DESCRIPTION('p.oid', 'pg_proc'),
      ),
    ],
    from: ({ verbose }) =>
      `pg_catalog.pg_proc p\n  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace${typeJoins(
        more.map((_, i) => `p.proargtypes[${i}]`),
      )}${verbose ? '\n  LEFT JOIN pg_catalog.pg_language l ON l.oid = p.prolang' : ''}`,
    where: () => [
      ...kindConditions,
      ...typeConditions(asked, more, 100),
      ...(asked.system || asked.pattern !== undefined ? [] : NOT_SYSTEM),
    ],
    pattern: { schema: 'n.nspname', name: 'p.proname', visible: 'pg_catalog.pg_function_is_visible(p.oid)' },
    orderBy: '1, 2, 4',
  };
  const result = await catalogRows(session, listingSql(listing, asked));
  if (result === undefined) return false;
  showList(session, result, listing.title);
  return true;
}

export async function listOperators(asked: Asked): Promise<boolean> {
  const { session, more } = asked;
  const operands = more.slice(0, 2);
  const unary = operands.length === 1;
  const columns = unary ? ['o.oprright'] : ['o.oprleft', 'o.oprright'].slice(0, operands.length);
  const listing: Listing = {
    title: 'List of operators',
    columns: ({ verbose }) => [
      ['Schema', 'n.nspname'],
      ['Name', 'o.oprname'],
      ['Left arg type', "CASE WHEN o.oprkind='l' THEN NULL ELSE pg_catalog.format_type(o.oprleft, NULL) END"],
      [
        'Right arg type',
        "CASE WHEN o.oprkind='r' THEN NULL ELSE pg_catalog.format_type(o.oprright, NULL) END",
      ],
      ['Result type', 'pg_catalog.format_type(o.oprresult, NULL)'],
      ...when(verbose, ['Function', 'o.oprcode']),
      [
        'Description',
        "coalesce(pg_catalog.obj_description(o.oid, 'pg_operator'), pg_catalog.obj_description(o.oprcode, 'pg_proc'))",
      ],
    ],
    from: () =>
      `pg_catalog.pg_operator o\n  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace${typeJoins(columns)}`,
    where: () => [
      ...(unary ? ["o.oprkind = 'l'"] : []),
      ...typeConditions(asked, operands, 2),
      ...(asked.system || asked.pattern !== undefined ? [] : NOT_SYSTEM),
    ],
    pattern: {
      schema: 'n.nspname',
      name: 'o.oprname',
      visible: 'pg_catalog.pg_operator_is_visible(o.oid)',
      literal: true,
    },
    orderBy: '1, 2, 3, 4',
  };
  const result = await catalogRows(session, listingSql(listing, asked));
  if (result === undefined) return false;
  showList(session, result, listing.title);
  return true;
}
