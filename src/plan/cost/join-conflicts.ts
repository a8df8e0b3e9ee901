/** Which reorderings of joins keep the meaning of the query.
 *
 *  Owns: the associativity, left and right asscommutativity of pairs of join types, and the conflict rules that follow
 *  for every operator of a join tree. Source: Moerkotte, Fender, Eich, "On the correct and complete enumeration of the
 *  core search space", SIGMOD 2013 (detector CD-C). mark joins behave as anti joins that add a column; single joins
 *  may be delayed past others but not done earlier, since they can raise an error. */
import type { ColId } from '../../types/ids.js';
import type { Expr } from '../expr.js';
import { columnsOf } from '../expr-util.js';
import type { JoinType } from '../logical/nodes.js';
import { rejectsNulls } from './null-rejection.js';

/** Bits of relations. */
export type RelationSet = number;

export type TreeJoin = {
  readonly type: JoinType;
  readonly predicate: Expr | undefined;
  /** Relations below each side, and relations that the predicate names. */
  readonly left: RelationSet;
  readonly right: RelationSet;
  readonly named: RelationSet;
  readonly inLeft: readonly TreeJoin[];
  readonly inRight: readonly TreeJoin[];
};

export type ConflictRule = { readonly when: RelationSet; readonly require: RelationSet };

export type ColumnsOf = (set: RelationSet) => ReadonlySet<ColId>;

/** (e1 a e2) b e3 = e1 a (e2 b e3). */
function associates(a: TreeJoin, b: TreeJoin, columns: ColumnsOf): boolean {
  if (b.type === 'single' || b.type === 'full' || b.type === 'right') return false;
  if (a.type === 'inner') return true;
  return a.type === 'left' && b.type === 'left' && rejectsNulls(b.predicate, columns(a.right));
}

/** (e1 a e2) b e3 = (e1 b e3) a e2. */
function leftAssociates(a: TreeJoin, b: TreeJoin): boolean {
  if (b.type === 'full' || b.type === 'right' || a.type === 'full' || a.type === 'right') return false;
  return b.type !== 'single' || a.type === 'left' || a.type === 'mark' || a.type === 'single';
}

/** e1 a (e2 b e3) = e2 b (e1 a e3). */
function rightAssociates(a: TreeJoin, b: TreeJoin): boolean {
  return a.type === 'inner' && b.type === 'inner';
}

export function conflictRules(b: TreeJoin, columns: ColumnsOf): readonly ConflictRule[] {
  const rules: ConflictRule[] = [];
  const narrow = (side: RelationSet, a: TreeJoin): RelationSet =>
    (side & a.named) !== 0 ? side & a.named : side;
  for (const a of b.inLeft) {
    if (!associates(a, b, columns)) rules.push({ when: a.right, require: narrow(a.left, a) });
    if (!leftAssociates(a, b)) rules.push({ when: a.left, require: narrow(a.right, a) });
  }
  for (const a of b.inRight) {
    if (!associates(b, a, columns)) rules.push({ when: a.left, require: narrow(a.right, a) });
    if (!rightAssociates(b, a)) rules.push({ when: a.right, require: narrow(a.left, a) });
  }
  return rules;
}

export function relationsNamed(e: Expr | undefined, relationOf: ReadonlyMap<ColId, number>): RelationSet {
  let set = 0;
  if (e !== undefined)
    for (const id of columnsOf(e)) {
      const bit = relationOf.get(id);
      if (bit !== undefined) set |= bit;
    }
  return set;
}
