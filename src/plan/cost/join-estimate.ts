/** Estimates of joins: rows from distinct counts of the keys, keys and classes of what comes out.
 *
 *  Owns: the formulas for every join type. A foreign key that covers the other side's whole key counts once, not once
 *  a column (lineitem to partsupp by part and supplier). */
import type { ColId } from '../../types/ids.js';
import type { Column, Expr } from '../expr.js';
import { columnsOf, conjuncts } from '../expr-util.js';
import type { JoinType } from '../logical/nodes.js';
import {
  type ColumnEstimate,
  columnOf,
  type Estimate,
  type KeyEstimate,
  mergeClasses,
  withRows,
} from './estimate.js';
import { distinctOf, type KnownParams, selectivity } from './selectivity.js';

type KeyPair = { readonly left: Expr; readonly right: Expr };

export type JoinShape = {
  readonly pairs: readonly KeyPair[];
  readonly residual: readonly Expr[];
};

const readCache = new WeakMap<Expr, ReadonlySet<ColId>>();

function read(e: Expr): ReadonlySet<ColId> {
  let ids = readCache.get(e);
  if (ids === undefined) {
    ids = columnsOf(e);
    readCache.set(e, ids);
  }
  return ids;
}

/** Equalities between the two sides, and the rest. */
export function joinShape(
  predicate: Expr | undefined,
  left: ReadonlySet<ColId>,
  right: ReadonlySet<ColId>,
): JoinShape {
  const pairs: KeyPair[] = [];
  const residual: Expr[] = [];
  for (const c of conjuncts(predicate)) {
    if ((c.kind === 'cmp' && c.op === '=') || (c.kind === 'distinct' && c.negated)) {
      const l = read(c.left);
      const r = read(c.right);
      const inside = (s: ReadonlySet<ColId>, side: ReadonlySet<ColId>): boolean =>
        s.size > 0 && [...s].every((x) => side.has(x));
      if (inside(l, left) && inside(r, right)) {
        pairs.push({ left: c.left, right: c.right });
        continue;
      }
      if (inside(l, right) && inside(r, left)) {
        pairs.push({ left: c.right, right: c.left });
        continue;
      }
    }
    residual.push(c);
  }
  return { pairs, residual };
}

function idsIn(e: Estimate): ReadonlySet<ColId> {
  return new Set(e.columns.keys());
}

function coveredKey(
  e: Estimate,
  ids: ReadonlySet<ColId>,
): { readonly key: KeyEstimate; readonly used: ReadonlySet<ColId> } | undefined {
  let best: { key: KeyEstimate; used: Set<ColId> } | undefined;
  for (const key of e.keys) {
    const used = new Set<ColId>();
    const all = key.columns.every((k) => {
      for (const id of ids)
        if (id === k || e.equal.some((c) => c.has(id) && c.has(k))) {
          used.add(id);
          return true;
        }
      return false;
    });
    if (all && (best === undefined || used.size > best.used.size)) best = { key, used };
  }
  return best;
}

/** The fraction of all pairs that satisfies the equalities. */
export function equalitySelectivity(l: Estimate, r: Estimate, pairs: readonly KeyPair[]): number {
  let rest = pairs;
  let result = 1;
  for (const [side, other, pick, pickOther] of [
    [r, l, (p: KeyPair): Expr => p.right, (p: KeyPair): Expr => p.left],
    [l, r, (p: KeyPair): Expr => p.left, (p: KeyPair): Expr => p.right],
  ] as const) {
    const ids = new Set(rest.map(pick).flatMap((x) => (x.kind === 'col' ? [x.id] : [])));
    const found = coveredKey(side, ids);
    if (found === undefined) continue;
    const covered = (p: KeyPair): boolean => {
      const x = pick(p);
      return x.kind === 'col' && found.used.has(x.id);
    };
    const opposite = rest.filter(covered).map((p) => distinctOf(pickOther(p), other));
    result /= Math.max(1, found.key.rows, ...opposite);
    rest = rest.filter((p) => !covered(p));
  }
  const single = rest
    .map((p) => 1 / Math.max(1, distinctOf(p.left, l), distinctOf(p.right, r)))
    .sort((a, b) => a - b);
  let weight = 1;
  for (const s of single) {
    result *= s ** weight;
    weight /= 2;
  }
  return result;
}

function combined(l: Estimate, r: Estimate): Map<ColId, ColumnEstimate> {
  return new Map([...l.columns, ...r.columns]);
}

function withClasses(l: Estimate, r: Estimate, pairs: readonly KeyPair[]): Estimate['equal'] {
  let classes: Estimate['equal'] = [...l.equal, ...r.equal];
  for (const p of pairs)
    if (p.left.kind === 'col' && p.right.kind === 'col')
      classes = mergeClasses(classes, p.left.id, p.right.id);
  return classes;
}

/** The fraction of left rows that have a match on the right. */
function matchFraction(l: Estimate, r: Estimate, shape: JoinShape, params: KnownParams): number {
  if (l.rows <= 0 || r.rows <= 0) return 0;
  const both: Estimate = {
    rows: Math.max(1, l.rows * r.rows),
    columns: combined(l, r),
    keys: [],
    equal: [],
  };
  const residual = shape.residual.reduce((s, c) => s * selectivity(c, both, params), 1);
  if (shape.pairs.length === 0) return 1 - (1 - Math.min(1, residual)) ** Math.min(r.rows, 1000);
  let fraction = 1;
  for (const p of shape.pairs) {
    const dl = Math.max(1, Math.min(distinctOf(p.left, l), l.rows));
    const dr = Math.max(1, Math.min(distinctOf(p.right, r), r.rows));
    fraction = Math.min(fraction, dr / dl);
  }
  // A key that covers the left relation's own: at most one left row for each right row.
  const ids = new Set(shape.pairs.flatMap((p) => (p.left.kind === 'col' ? [p.left.id] : [])));
  const key = coveredKey(l, ids);
  if (key !== undefined) fraction = Math.min(fraction, r.rows / Math.max(1, key.key.rows));
  const matches = Math.max(1, r.rows * Math.min(1, equalitySelectivity(l, r, shape.pairs)));
  const pass = shape.residual.length === 0 ? 1 : 1 - (1 - Math.min(0.999, residual)) ** matches;
  return Math.min(1, Math.max(0, fraction)) * pass;
}

export function joinEstimate(
  type: JoinType,
  l: Estimate,
  r: Estimate,
  predicate: Expr | undefined,
  mark: Column | undefined,
  params: KnownParams,
): Estimate {
  const shape = joinShape(predicate, idsIn(l), idsIn(r));
  const cross = Math.max(0, l.rows * r.rows);
  const both: Estimate = {
    rows: cross,
    columns: combined(l, r),
    keys: [...l.keys, ...r.keys],
    equal: type === 'inner' ? withClasses(l, r, shape.pairs) : [...l.equal, ...r.equal],
  };
  const residual = shape.residual.reduce((s, c) => s * selectivity(c, both, params), 1);
  const inner = cross * equalitySelectivity(l, r, shape.pairs) * residual;
  const resized = (rows: number): Estimate => {
    const columns = new Map<ColId, ColumnEstimate>();
    for (const [side, map] of [
      [l, l.columns],
      [r, r.columns],
    ] as const)
      for (const [id, c] of map) {
        const narrowed =
          rows < side.rows ? withRows({ ...side, columns: new Map([[id, c]]) }, rows) : undefined;
        columns.set(id, narrowed?.columns.get(id) ?? c);
      }
    for (const p of shape.pairs) {
      if (p.left.kind !== 'col' || p.right.kind !== 'col' || type !== 'inner') continue;
      const a = columnOf(both, p.left.id);
      const b = columnOf(both, p.right.id);
      const distinct = Math.max(1, Math.min(a.distinct, b.distinct, rows));
      columns.set(p.left.id, { ...(columns.get(p.left.id) ?? a), distinct, nullFraction: 0 });
      columns.set(p.right.id, { ...(columns.get(p.right.id) ?? b), distinct, nullFraction: 0 });
    }
    return { ...both, rows, columns };
  };
  const oneMore = (e: Estimate): Estimate =>
    mark === undefined
      ? e
      : {
          ...e,
          columns: new Map([
            ...e.columns,
            [mark.id, { distinct: 2, nullFraction: 0, widthBytes: 1, stats: undefined }] as const,
          ]),
        };
  switch (type) {
    case 'inner':
      return resized(inner);
    case 'left':
      return resized(Math.max(inner, l.rows));
    case 'right':
      return resized(Math.max(inner, r.rows));
    case 'full':
      return resized(Math.max(inner, l.rows, r.rows, l.rows + r.rows - inner));
    case 'single':
      return resized(l.rows);
    case 'semi':
      return withRows(l, l.rows * matchFraction(l, r, shape, params));
    case 'anti':
      return withRows(l, Math.max(l.rows * 0.001, l.rows * (1 - matchFraction(l, r, shape, params))));
    case 'mark':
      return oneMore(l);
  }
}
