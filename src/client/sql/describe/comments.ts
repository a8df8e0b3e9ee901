/** \dd: comments on objects that no other list shows. */
import { type Asked, NOT_SYSTEM } from './listing.js';
import { patternConditions } from './pattern.js';
import { catalogRows, showList } from './query.js';

type Kind = {
  readonly object: string;
  readonly alias: string;
  readonly name: string;
  readonly from: string;
  readonly visible: string;
  readonly where?: string;
};

const KINDS: readonly Kind[] = [
  {
    object: 'table constraint',
    alias: 'pgc',
    name: 'pgc.conname',
    from: 'pg_catalog.pg_constraint pgc JOIN pg_catalog.pg_class c ON c.oid = pgc.conrelid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace',
    visible: 'pg_catalog.pg_table_is_visible(c.oid)',
  },
  {
    object: 'domain constraint',
    alias: 'pgc',
    name: 'pgc.conname',
    from: 'pg_catalog.pg_constraint pgc JOIN pg_catalog.pg_type t ON t.oid = pgc.contypid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace',
    visible: 'pg_catalog.pg_type_is_visible(t.oid)',
  },
  {
    object: 'operator class',
    alias: 'o',
    name: 'o.opcname',
    from: 'pg_catalog.pg_opclass o JOIN pg_catalog.pg_am am ON o.opcmethod = am.oid JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace',
    visible: 'pg_catalog.pg_opclass_is_visible(o.oid)',
  },
  {
    object: 'operator family',
    alias: 'opf',
    name: 'opf.opfname',
    from: 'pg_catalog.pg_opfamily opf JOIN pg_catalog.pg_am am ON opf.opfmethod = am.oid JOIN pg_catalog.pg_namespace n ON opf.opfnamespace = n.oid',
    visible: 'pg_catalog.pg_opfamily_is_visible(opf.oid)',
  },
  {
    object: 'rule',
    alias: 'r',
    name: 'r.rulename',
    from: 'pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace',
    visible: 'pg_catalog.pg_table_is_visible(c.oid)',
    where: "r.rulename != '_RETURN'",
  },
  {
    object: 'trigger',
    alias: 't',
    name: 't.tgname',
    from: 'pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace',
    visible: 'pg_catalog.pg_table_is_visible(c.oid)',
  },
];

export async function listComments(asked: Asked): Promise<boolean> {
  const { session, pattern, system } = asked;
  const database = session.connection?.at.database ?? '';
  const parts = KINDS.map((k) => {
    const where = [
      ...(k.where === undefined ? [] : [k.where]),
      ...(system || pattern !== undefined ? [] : NOT_SYSTEM),
      ...patternConditions(pattern, { schema: 'n.nspname', name: k.name, visible: k.visible }, 3, database),
    ];
    return `SELECT ${k.alias}.oid as oid, ${k.alias}.tableoid AS tableoid, n.nspname as nspname, CAST(${k.name} AS pg_catalog.text) as name, CAST('${k.object}' AS pg_catalog.text) as object FROM ${k.from}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`}`;
  });
  const result = await catalogRows(
    session,
    `SELECT DISTINCT tt.nspname AS "Schema", tt.name AS "Name", tt.object AS "Object", d.description AS "Description"
FROM (
${parts.join('\nUNION ALL\n')}
) AS tt
  JOIN pg_catalog.pg_description d ON (tt.oid = d.objoid AND tt.tableoid = d.classoid AND d.objsubid = 0)
ORDER BY 1, 2, 3;`,
  );
  if (result === undefined) return false;
  showList(session, result, 'Object descriptions');
  return true;
}
