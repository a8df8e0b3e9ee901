/** Which segments can hold rows of a scan whose distribution key is fixed by constants. */
import { combineHash, hashValue, segmentOfHash } from '../../types/hash.js';
import type { SegmentId } from '../../types/ids.js';
import type { Value } from '../../types/value.js';
import type { Expr } from '../expr.js';
import { conjuncts } from '../expr-util.js';
import type { Scan } from '../logical/nodes.js';
import { hashKeyOf, stripHashCasts } from './distribution.js';

/** More combinations than this are not worth listing. */
const COMBINATIONS_MAX = 64;

/** undefined: any segment. */
export function targetSegments(
  scan: Scan,
  filter: Expr | undefined,
  segments: readonly SegmentId[],
): readonly SegmentId[] | undefined {
  const { table } = scan;
  if (table.kind !== 'table' || table.distribution.kind !== 'hash' || filter === undefined) return undefined;
  const hashesByKey: (readonly number[])[] = [];
  let combinations = 1;
  for (const ordinal of table.distribution.columns) {
    const at = scan.ordinals.indexOf(ordinal);
    if (at < 0) return undefined;
    const hashes = fixedHashes(`#${scan.cols[at].id}`, filter);
    if (hashes === undefined) return undefined;
    hashesByKey.push(hashes);
    combinations *= hashes.length;
    if (combinations > COMBINATIONS_MAX) return undefined;
  }
  let states = [0];
  for (const hashes of hashesByKey) states = states.flatMap((s) => hashes.map((h) => combineHash(s, h)));
  const hit = new Set(states.map((s) => segmentOfHash(s, segments.length)));
  return segments.filter((_, i) => hit.has(i));
}

/** Hashes of the constants that the column must equal one of. */
function fixedHashes(column: string, filter: Expr): readonly number[] | undefined {
  for (const c of conjuncts(filter)) {
    if (c.kind === 'cmp' && c.op === '=')
      for (const [x, y] of [
        [c.left, c.right],
        [c.right, c.left],
      ]) {
        const h = hashKeyOf(x) === column ? constantHash(y) : undefined;
        if (h !== undefined) return [h];
      }
    if (c.kind === 'in' && !c.negated && hashKeyOf(c.arg) === column) {
      const all = c.list.map(constantHash);
      if (all.every((h) => h !== undefined)) return all;
    }
  }
  return undefined;
}

function constantHash(e: Expr): number | undefined {
  const x = stripHashCasts(e);
  if (x.kind !== 'const' || x.value === null) return undefined;
  const value: Value = x.value;
  return hashValue(x.type, value);
}
