/** That a table or index is a partition, and of what. */
import type { Asked } from './listing.js';
import { rows } from './query.js';
import type { Relation } from './relation.js';

export async function partitionFooters(asked: Asked, r: Relation): Promise<string[] | undefined> {
  if (!r.isPartition) return [];
  const found = await rows(
    asked,
    `SELECT inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid), ${asked.version >= 140_000 ? 'inhdetachpending' : 'false'}${asked.verbose ? ', pg_catalog.pg_get_partition_constraintdef(c.oid)' : ''}
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON c.oid = inhrelid
WHERE c.oid = '${r.oid}';`,
  );
  if (found === undefined) return undefined;
  const [row] = found;
  if (row === undefined) return [];
  const out = [`Partition of: ${row[0]} ${row[1] ?? ''}${row[2] === 't' ? ' DETACH PENDING' : ''}`];
  if (asked.verbose)
    out.push(
      row[3] === null || row[3] === undefined || row[3] === ''
        ? 'No partition constraint'
        : `Partition constraint: ${row[3]}`,
    );
  return out;
}
