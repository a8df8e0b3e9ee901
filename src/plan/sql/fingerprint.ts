/** What statements have in common that differ in their constants only: a number and a text with `$1` in their place.
 *
 *  Source: libpg_query's fingerprint and normalize, as in pg_stat_statements. */
import { fingerprintSync, normalizeSync } from 'libpg-query';

/** Beyond this a text is a load, and its constants are all that tells it from others. */
export const TEXT_LENGTH_MAX = 64 * 1024;

export type StatementShape = { readonly queryId: bigint; readonly text: string };

export function statementShape(text: string): StatementShape {
  if (text.length <= TEXT_LENGTH_MAX)
    try {
      return { queryId: signed(BigInt(`0x${fingerprintSync(text)}`)), text: normalizeSync(text) };
    } catch {
      // A clause of our own.
    }
  const start = text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, 200)}...`;
  return { queryId: fnv64(start), text: start };
}

/** Fowler, Noll and Vo's hash (FNV-1a) of the first thousand characters. */
function fnv64(text: string): bigint {
  let h = 0xcbf29ce484222325n;
  for (let i = 0; i < Math.min(text.length, 1000); i++)
    h = BigInt.asUintN(64, (h ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  return signed(h);
}

function signed(n: bigint): bigint {
  return BigInt.asIntN(64, n);
}
