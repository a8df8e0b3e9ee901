/** What statements have in common that differ in their constants only: a number and a text with `$1` in their place.
 *
 *  Source: libpg_query's fingerprint and normalize, as in pg_stat_statements. */
import { createHash } from 'node:crypto';
import { fingerprintSync, normalizeSync } from 'libpg-query';

/** Beyond this a text is a load, and its constants are all that tells it from others. */
const TEXT_LENGTH_MAX = 64 * 1024;

export type StatementShape = { readonly queryId: bigint; readonly text: string };

export function statementShape(text: string): StatementShape {
  if (text.length <= TEXT_LENGTH_MAX)
    try {
      return { queryId: signed(BigInt(`0x${fingerprintSync(text)}`)), text: normalizeSync(text) };
    } catch {
      // A clause of our own.
    }
  const start = text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, 200)}...`;
  return { queryId: createHash('sha256').update(start).digest().readBigInt64BE(0), text: start };
}

function signed(n: bigint): bigint {
  return BigInt.asIntN(64, n);
}
