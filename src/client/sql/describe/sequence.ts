/** \d of a sequence. */
import { stdout } from '../output.js';
import { alignOf } from '../print/table.js';
import { showTable } from '../run/show.js';
import type { Asked } from './listing.js';
import { catalogRows, listOptions } from './query.js';
import type { Relation } from './relation.js';

export async function describeSequence(asked: Asked, r: Relation): Promise<boolean> {
  const { session } = asked;
  const result = await catalogRows(
    session,
    `SELECT pg_catalog.format_type(seqtypid, NULL) AS "Type",
       seqstart AS "Start",
       seqmin AS "Minimum",
       seqmax AS "Maximum",
       seqincrement AS "Increment",
       CASE WHEN seqcycle THEN 'yes' ELSE 'no' END AS "Cycles?",
       seqcache AS "Cache"
FROM pg_catalog.pg_sequence
WHERE seqrelid = '${r.oid}';`,
  );
  if (result === undefined) return false;
  const owner = await catalogRows(
    session,
    `SELECT pg_catalog.quote_ident(nspname) || '.' ||
   pg_catalog.quote_ident(relname) || '.' ||
   pg_catalog.quote_ident(attname),
   d.deptype
FROM pg_catalog.pg_class c
INNER JOIN pg_catalog.pg_depend d ON c.oid=d.refobjid
INNER JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace
INNER JOIN pg_catalog.pg_attribute a ON (
 a.attrelid=c.oid AND
 a.attnum=d.refobjsubid)
WHERE d.classid='pg_catalog.pg_class'::pg_catalog.regclass
 AND d.refclassid='pg_catalog.pg_class'::pg_catalog.regclass
 AND d.objid='${r.oid}'
 AND d.deptype IN ('a', 'i')`,
  );
  if (owner === undefined) return false;
  const footers = owner.rows
    .slice(0, 1)
    .map(([column, how]) =>
      how === 'a' ? `Owned by: ${column}` : `Sequence for identity column: ${column}`,
    );
  const title = `${r.persistence === 'u' ? 'Unlogged sequence' : 'Sequence'} "${r.schema}.${r.name}"`;
  showTable(
    session,
    {
      title,
      columns: result.fields.map((f) => ({
        name: f.name,
        align: alignOf(f.dataTypeID),
        typeOid: f.dataTypeID,
      })),
      rows: result.rows,
      footers,
    },
    { ...listOptions(session, title), defaultFooter: false },
    session.output,
  );
  stdout.flush();
  return true;
}
