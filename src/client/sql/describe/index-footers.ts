/** What stands below an index's columns. */
import type { Asked } from './listing.js';
import { partitionFooters } from './partition-footers.js';
import { catalogRows } from './query.js';
import { type Relation, tablespaceName } from './relation.js';

const DEFERS = (what: string): string =>
  `(NOT i.indimmediate) AND EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x') AND ${what}) AS ${what}`;

export async function indexFooters(asked: Asked, r: Relation): Promise<string[] | undefined> {
  const found = await catalogRows(
    asked.session,
    `SELECT i.indisunique, i.indisprimary, i.indisclustered, i.indisvalid,
  ${DEFERS('condeferrable')},
  ${DEFERS('condeferred')},
i.indisreplident,
${asked.version >= 150_000 ? 'i.indnullsnotdistinct' : 'false AS indnullsnotdistinct'},
  a.amname, c2.relname, pg_catalog.pg_get_expr(i.indpred, i.indrelid, true)
FROM pg_catalog.pg_index i, pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_am a
WHERE i.indexrelid = c.oid AND c.oid = '${r.oid}' AND c.relam = a.oid
AND i.indrelid = c2.oid;`,
  );
  if (found === undefined) return undefined;
  const footers = await partitionFooters(asked, r);
  if (footers === undefined) return undefined;
  const [row] = found.rows;
  if (row === undefined) return undefined;
  const yes = (i: number): boolean => row[i] === 't';
  let text = yes(1) ? 'primary key, ' : yes(0) ? `unique${yes(7) ? ' nulls not distinct' : ''}, ` : '';
  text += `${row[8]}, for table "${r.schema}.${row[9]}"`;
  if (row[10] !== null && row[10] !== '') text += `, predicate (${row[10]})`;
  if (yes(2)) text += ', clustered';
  if (!yes(3)) text += ', invalid';
  if (yes(4)) text += ', deferrable';
  if (yes(5)) text += ', initially deferred';
  if (yes(6)) text += ', replica identity';
  footers.push(text);
  if (r.kind === 'I') {
    const children = await catalogRows(
      asked.session,
      `SELECT c.oid::pg_catalog.regclass, c.relkind FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i WHERE c.oid = i.inhrelid AND i.inhparent = '${r.oid}' ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text;`,
    );
    if (children === undefined) return undefined;
    if (!asked.verbose || children.rows.length === 0)
      footers.push(
        `Number of partitions: ${children.rows.length}${children.rows.length > 0 ? ' (Use \\d+ to list them.)' : ''}`,
      );
    else
      for (const [i, [child, kind]] of children.rows.entries())
        footers.push(
          `${i === 0 ? 'Partitions: ' : '            '}${child}${kind === 'I' ? ', PARTITIONED' : ''}${i + 1 < children.rows.length ? ',' : ''}`,
        );
  }
  const space = await tablespaceName(asked, r.tablespace);
  if (space !== undefined) footers.push(`Tablespace: "${space}"`);
  if (asked.verbose && r.options !== '') footers.push(`Options: ${r.options}`);
  return footers;
}
