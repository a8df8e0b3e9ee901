/** A maximal tree of joins, taken apart into relations and the operators between them.
 *
 *  Owns: the split of inner joins into conjuncts, equalities that follow by transitivity within adjacent inner joins
 *  (l = o, o = x gives l = x, so that more orders are joins and not products), and conflict rules of each operator. */

import type { ColId } from '../../types/ids.js';
import {
  type ConflictRule,
  conflictRules,
  type RelationSet,
  relationsNamed,
  type TreeJoin,
} from '../cost/join-conflicts.js';
import type { Expr } from '../expr.js';
import { cmp, conjuncts } from '../expr-util.js';
import type { Join, LogicalPlan } from '../logical/nodes.js';
import type { JoinSpec } from './joins.js';

export type RegionOperator = {
  readonly spec: JoinSpec;
  /** Relations each side must have before the operator can be applied (for inner: all that it names). */
  readonly left: RelationSet;
  readonly right: RelationSet;
  readonly rules: readonly ConflictRule[];
  /** Not for inner: every relation of the side that it consumes or null-extends. */
  readonly owned: RelationSet;
  /** Equalities of one class imply each other: one of them is enough between two sets. */
  readonly equalityClass: number | undefined;
};

export type Region = {
  readonly relations: readonly LogicalPlan[];
  readonly operators: readonly RegionOperator[];
};

const RELATIONS_MAX = 30;

export function isReorderable(p: Join): boolean {
  return p.kind === 'join' && p.type !== 'full' && !p.lateral;
}

type Tree = { readonly set: RelationSet; readonly joins: readonly TreeJoin[] };

export function joinRegion(root: Join): Region {
  const relations: LogicalPlan[] = [];
  const relationOf = new Map<ColId, number>();
  const joins: { tree: TreeJoin; join: Join }[] = [];
  const columnCache = new Map<RelationSet, ReadonlySet<ColId>>();
  const columns = (set: RelationSet): ReadonlySet<ColId> => {
    let ids = columnCache.get(set);
    if (ids === undefined) {
      ids = new Set([...relationOf].filter(([, bit]) => (bit & set) !== 0).map(([id]) => id));
      columnCache.set(set, ids);
    }
    return ids;
  };
  const leaf = (p: LogicalPlan): Tree => {
    const bit = 1 << relations.length;
    relations.push(p);
    for (const c of p.cols) relationOf.set(c.id, bit);
    return { set: bit, joins: [] };
  };
  const visit = (p: LogicalPlan, budget: number): Tree => {
    if (p.kind !== 'join' || !isReorderable(p) || relations.length + budget >= RELATIONS_MAX) return leaf(p);
    const swap = p.type === 'right';
    const [a, b] = swap ? [p.right, p.left] : [p.left, p.right];
    const left = visit(a, budget + 1);
    const right = visit(b, budget);
    const tree: TreeJoin = {
      type: swap ? 'left' : p.type,
      predicate: p.predicate,
      left: left.set,
      right: right.set,
      named: relationsNamed(p.predicate, relationOf),
      inLeft: left.joins,
      inRight: right.joins,
    };
    if (p.mark !== undefined) relationOf.set(p.mark.id, right.set & -right.set);
    joins.push({ tree, join: p });
    return { set: left.set | right.set, joins: [...left.joins, ...right.joins, tree] };
  };
  visit(root, 0);

  const operators: RegionOperator[] = [];
  const classes = new EqualityClasses();
  for (const { tree, join } of joins) {
    const rules = conflictRules(tree, columns);
    if (tree.type === 'inner') {
      for (const c of conjuncts(tree.predicate)) {
        const only = relationsNamed(c, relationOf);
        // A conjunct on one relation that was not pushed down waits until both sides are complete.
        const named = (only & (only - 1)) === 0 ? tree.left | tree.right : only;
        const id = classes.add(c, only);
        operators.push({ spec: innerSpec(c), left: named, right: 0, rules, owned: 0, equalityClass: id });
      }
      continue;
    }
    const left = tree.named & tree.left;
    const right = tree.named & tree.right;
    operators.push({
      spec: { type: tree.type, predicate: tree.predicate, nullAware: join.nullAware, mark: join.mark },
      left: left === 0 ? tree.left : left,
      right: right === 0 ? tree.right : right,
      rules,
      owned: tree.right,
      equalityClass: undefined,
    });
  }
  operators.push(
    ...classes.derived(
      joins.map((j) => j.tree),
      relationOf,
      columns,
    ),
  );
  return { relations, operators: renumber(operators, classes, relationOf) };
}

function innerSpec(predicate: Expr): JoinSpec {
  return { type: 'inner', predicate, nullAware: false, mark: undefined };
}

/** Classes by their representatives. Where one relation has two columns of a class (`a.x = b.u AND a.x = b.v`), no
 *  single equality between two sets implies the others: such a class is none. */
function renumber(
  operators: readonly RegionOperator[],
  classes: EqualityClasses,
  relationOf: ReadonlyMap<ColId, number>,
): readonly RegionOperator[] {
  const crowded = classes.withTwoColumnsOfOneRelation(relationOf);
  return operators.map((o) => {
    if (o.equalityClass === undefined) return o;
    const id = classes.find(o.equalityClass);
    return { ...o, equalityClass: crowded.has(id) ? undefined : id };
  });
}

type ColExpr = Extract<Expr, { kind: 'col' }>;

/** Union-find over plain columns of equalities in inner joins. */
class EqualityClasses {
  private readonly parent: number[] = [];
  private readonly index = new Map<ColId, number>();
  private readonly members: ColExpr[] = [];
  private readonly known = new Set<string>();

  find(i: number): number {
    let x = i;
    while (this.parent[x] !== x) x = this.parent[x];
    return x;
  }

  private node(c: ColExpr): number {
    let i = this.index.get(c.id);
    if (i === undefined) {
      i = this.parent.length;
      this.parent.push(i);
      this.members.push(c);
      this.index.set(c.id, i);
    }
    return i;
  }

  add(e: Expr, named: RelationSet): number | undefined {
    if (e.kind !== 'cmp' || e.op !== '=' || e.left.kind !== 'col' || e.right.kind !== 'col') return undefined;
    if ((named & (named - 1)) === 0) return undefined;
    const a = this.node(e.left);
    const b = this.node(e.right);
    this.parent[this.find(a)] = this.find(b);
    this.known.add(pairKey(e.left.id, e.right.id));
    return a;
  }

  withTwoColumnsOfOneRelation(relationOf: ReadonlyMap<ColId, number>): ReadonlySet<number> {
    const seen = new Set<string>();
    const crowded = new Set<number>();
    this.members.forEach((m, i) => {
      const id = this.find(i);
      const key = `${id}:${relationOf.get(m.id)}`;
      if (seen.has(key)) crowded.add(id);
      seen.add(key);
    });
    return crowded;
  }

  /** Equalities between relations of one class that nobody wrote. Only where the
   *  join that brings both together is inner: the equalities that imply it hold of every row that gets above it. */
  derived(
    joins: readonly TreeJoin[],
    relationOf: ReadonlyMap<ColId, number>,
    columns: (s: RelationSet) => ReadonlySet<ColId>,
  ): readonly RegionOperator[] {
    const result: RegionOperator[] = [];
    for (let i = 0; i < this.members.length; i++)
      for (let k = i + 1; k < this.members.length; k++) {
        if (this.find(i) !== this.find(k)) continue;
        const a = this.members[i];
        const b = this.members[k];
        if (this.known.has(pairKey(a.id, b.id))) continue;
        const ra = relationOf.get(a.id) ?? 0;
        const rb = relationOf.get(b.id) ?? 0;
        if (ra === rb) continue;
        const root = joins.find(
          (j) =>
            ((j.left & ra) !== 0 && (j.right & rb) !== 0) || ((j.left & rb) !== 0 && (j.right & ra) !== 0),
        );
        if (root?.type !== 'inner') continue;
        const e = cmp('=', a, b);
        result.push({
          spec: innerSpec(e),
          left: ra | rb,
          right: 0,
          rules: conflictRules(root, columns),
          owned: 0,
          equalityClass: i,
        });
      }
    return result;
  }
}

function pairKey(a: ColId, b: ColId): string {
  return a < b ? `${a}=${b}` : `${b}=${a}`;
}
