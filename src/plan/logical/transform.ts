/** Walking and rewriting logical plans.
 *
 *  Owns: which children and which expressions each node has. Every function is pure; a node is rebuilt through its
 *  builder, so `cols` follow from the new inputs. Plans inside subquery expressions are entered only where the
 *  comment says so; shared plans where they read columns of the plan around their readers (dependent ones): what is
 *  done to such a column is done to all who read it. */

import type { ColId, SharedId } from '../../types/ids.js';
import { unreachable } from '../../types/sql-error.js';
import type { AggCall, Column, Expr, SortKey } from '../expr.js';
import { childExprs, mapExpr, walkExpr } from '../expr-walk.js';
import * as build from './builders.js';
import type { LogicalPlan, SharedPlan, SharedScan } from './nodes.js';

export function inputsOf(plan: LogicalPlan): readonly LogicalPlan[] {
  switch (plan.kind) {
    case 'scan':
    case 'values':
    case 'shared':
      return [];
    case 'join':
      return [plan.left, plan.right];
    case 'setop':
      return plan.inputs;
    case 'filter':
    case 'project':
    case 'aggregate':
    case 'sort':
    case 'limit':
    case 'distinctOn':
    case 'repeat':
      return [plan.input];
    default:
      return unreachable(plan);
  }
}

/** The node over other inputs, its schema recomputed; the node itself when none changed. A project, an aggregate
 *  and a set operation keep their own columns. */
export function withInputs(plan: LogicalPlan, inputs: readonly LogicalPlan[]): LogicalPlan {
  if (inputsOf(plan).every((p, i) => p === inputs[i])) return plan;
  switch (plan.kind) {
    case 'scan':
    case 'values':
    case 'shared':
      return plan;
    case 'filter':
      return build.filter(inputs[0], plan.predicate);
    case 'project':
      return build.project(inputs[0], plan.exprs, plan.cols);
    case 'join':
      return build.join(plan.type, inputs[0], inputs[1], plan.predicate, plan);
    case 'aggregate':
      return build.aggregate(inputs[0], plan.groups, plan.aggs);
    case 'sort':
      return build.sort(inputs[0], plan.keys);
    case 'limit':
      return build.limit(inputs[0], plan.limit, plan.offset);
    case 'distinctOn':
      return build.distinctOn(inputs[0], plan.keys, plan.order, plan.rows);
    case 'setop':
      return build.setOp(plan.op, plan.all, inputs, plan.cols, plan.inputCols);
    case 'repeat':
      return build.repeat(inputs[0], plan.count, plan.series);
    default:
      return unreachable(plan);
  }
}

/** The node's own expressions (not its inputs'), in a fixed order. */
export function exprsOf(plan: LogicalPlan): readonly Expr[] {
  switch (plan.kind) {
    case 'scan':
    case 'setop':
    case 'shared':
      return [];
    case 'values':
      return plan.rows.flat();
    case 'filter':
      return [plan.predicate];
    case 'project':
      return plan.exprs;
    case 'join':
      return plan.predicate === undefined ? [] : [plan.predicate];
    case 'aggregate':
      return plan.aggs.flatMap((a) => [
        ...a.args,
        ...(a.filter === undefined ? [] : [a.filter]),
        ...a.orderBy.map((k) => k.expr),
      ]);
    case 'sort':
      return plan.keys.map((k) => k.expr);
    case 'limit':
      return [plan.limit, plan.offset].filter((e) => e !== undefined);
    case 'distinctOn':
      return [...plan.order.map((k) => k.expr), plan.rows?.limit, plan.rows?.offset].filter(
        (e) => e !== undefined,
      );
    case 'repeat':
      return plan.series === undefined ? [plan.count] : [plan.count, plan.series.start, plan.series.step];
    default:
      return unreachable(plan);
  }
}

/** The node with each of its own expressions replaced by `f` of it. */
export function withExprs(plan: LogicalPlan, f: (e: Expr) => Expr): LogicalPlan {
  const key = (k: SortKey): SortKey => ({ ...k, expr: f(k.expr) });
  switch (plan.kind) {
    case 'scan':
    case 'setop':
    case 'shared':
      return plan;
    case 'values':
      return { ...plan, rows: plan.rows.map((r) => r.map(f)) };
    case 'filter':
      return { ...plan, predicate: f(plan.predicate) };
    case 'project':
      return { ...plan, exprs: plan.exprs.map(f) };
    case 'join':
      return plan.predicate === undefined ? plan : { ...plan, predicate: f(plan.predicate) };
    case 'aggregate':
      return {
        ...plan,
        aggs: plan.aggs.map(
          (a): AggCall => ({
            ...a,
            args: a.args.map(f),
            filter: a.filter === undefined ? undefined : f(a.filter),
            orderBy: a.orderBy.map(key),
          }),
        ),
      };
    case 'sort':
      return { ...plan, keys: plan.keys.map(key) };
    case 'limit':
      return {
        ...plan,
        limit: plan.limit === undefined ? undefined : f(plan.limit),
        offset: plan.offset === undefined ? undefined : f(plan.offset),
      };
    case 'distinctOn':
      return {
        ...plan,
        order: plan.order.map(key),
        rows: plan.rows && {
          ...plan.rows,
          limit: plan.rows.limit && f(plan.rows.limit),
          offset: plan.rows.offset && f(plan.rows.offset),
        },
      };
    case 'repeat':
      return {
        ...plan,
        count: f(plan.count),
        ...(plan.series === undefined
          ? {}
          : { series: { ...plan.series, start: f(plan.series.start), step: f(plan.series.step) } }),
      };
    default:
      return unreachable(plan);
  }
}

/** Rewrites bottom-up: `f` sees each node after its inputs. Does not enter plans of subquery expressions. */
export function transformPlan(plan: LogicalPlan, f: (p: LogicalPlan) => LogicalPlan): LogicalPlan {
  return f(
    withInputs(
      plan,
      inputsOf(plan).map((p) => transformPlan(p, f)),
    ),
  );
}

/** As `transformPlan`, and also inside every subquery expression. */
export function transformPlanDeep(plan: LogicalPlan, f: (p: LogicalPlan) => LogicalPlan): LogicalPlan {
  return transformPlan(plan, (p) =>
    f(
      withExprs(p, (e) =>
        mapExpr(e, (x) => (x.kind === 'subquery' ? { ...x, plan: transformPlanDeep(x.plan, f) } : x)),
      ),
    ),
  );
}

/** Replaces every expression of every node, those of dependent shared plans too; `f` gets whole expressions and enters
 *  subqueries itself if it will. */
export function mapPlanExprs(plan: LogicalPlan, f: (e: Expr) => Expr): LogicalPlan {
  const mapped = mapDependent((p) => go(p));
  const go = (q: LogicalPlan): LogicalPlan =>
    transformPlan(q, (p) => (p.kind === 'shared' ? mapped(p) : withExprs(p, f)));
  return go(plan);
}

/** Replaces the plan of every dependent shared plan by `f` of it, once for all of its readers. */
export function mapDependent(f: (p: LogicalPlan) => LogicalPlan): (scan: SharedScan) => SharedScan {
  const done = new Map<SharedId, SharedPlan>();
  return (scan) => {
    const { shared } = scan;
    if (!isDependent(shared)) return scan;
    let next = done.get(shared.id);
    if (next === undefined) {
      const plan = f(shared.plan);
      next = plan === shared.plan ? shared : { ...shared, plan };
      done.set(shared.id, next);
    }
    return next === shared ? scan : { ...scan, shared: next };
  };
}

/** Does it read columns of the plans around its readers? */
export function isDependent(shared: SharedPlan): boolean {
  return freeColumns(shared.plan).size > 0;
}

/** Pre-order; returning false keeps the walk from entering a node. Does not enter subquery expressions. */
export function walkPlan(plan: LogicalPlan, visit: (p: LogicalPlan) => unknown): void {
  if (visit(plan) === false) return;
  for (const p of inputsOf(plan)) walkPlan(p, visit);
}

export function idsOf(cols: readonly Column[]): Set<ColId> {
  return new Set(cols.map((c) => c.id));
}

const freeCache = new WeakMap<LogicalPlan, ReadonlySet<ColId>>();

/** Columns that the plan reads but no node of it produces: its correlation to the enclosing query. */
export function freeColumns(plan: LogicalPlan): ReadonlySet<ColId> {
  const cached = freeCache.get(plan);
  if (cached !== undefined) return cached;
  const used = new Set<ColId>();
  const produced = new Set<ColId>();
  collect(plan, used, produced);
  for (const id of produced) used.delete(id);
  freeCache.set(plan, used);
  return used;
}

function collect(plan: LogicalPlan, used: Set<ColId>, produced: Set<ColId>): void {
  for (const c of plan.cols) produced.add(c.id);
  const visit = (e: Expr): void =>
    walkExpr(e, (x) => {
      if (x.kind === 'col') used.add(x.id);
      else if (x.kind === 'subquery') for (const id of freeColumns(x.plan)) used.add(id);
    });
  for (const e of exprsOf(plan)) visit(e);
  if (plan.kind === 'shared') for (const id of freeColumns(plan.shared.plan)) used.add(id);
  if (plan.kind === 'aggregate') for (const g of plan.groups) used.add(g.id);
  if (plan.kind === 'distinctOn') for (const k of plan.keys) used.add(k.id);
  for (const p of inputsOf(plan)) collect(p, used, produced);
}

/** A copy in which every column that the plan produces has a new id, and the map from old to new. Free columns stay.
 *  Shared plans stay shared with the original, but for those that read what is copied: they are copied too. */
export function freshCopy(
  plan: LogicalPlan,
  allocate: () => ColId,
): { readonly plan: LogicalPlan; readonly renamed: ReadonlyMap<ColId, ColId> } {
  const renamed = new Map<ColId, ColId>();
  const note = (p: LogicalPlan): void =>
    walkPlan(p, (n) => {
      for (const c of n.cols) if (!renamed.has(c.id)) renamed.set(c.id, allocate());
      for (const e of exprsOf(n))
        walkExpr(e, (x) => {
          if (x.kind === 'subquery') note(x.plan);
        });
    });
  note(plan);
  const shared = sharedPlansOf([plan]).filter(isDependent);
  const copies = new Map<SharedId, SharedId>();
  for (let more = shared.length > 0; more; ) {
    more = false;
    for (const s of shared) {
      if (copies.has(s.id) || !intersects(freeColumns(s.plan), renamed)) continue;
      copies.set(s.id, sharedIdFrom(allocate));
      note(s.plan);
      more = true;
    }
  }
  return { plan: renameColumns(plan, renamed, copies), renamed };
}

/** Ids of shared plans and of columns come from one counter. */
export function sharedIdFrom(allocate: () => ColId): SharedId {
  const id: number = allocate();
  return id as SharedId;
}

function intersects(ids: ReadonlySet<ColId>, renamed: ReadonlyMap<ColId, ColId>): boolean {
  for (const id of ids) if (renamed.has(id)) return true;
  return false;
}

/** Gives columns other ids everywhere: produced, read, inside subqueries and dependent shared plans. Of these, those of
 *  `copies` become others; the rest stay what they are, so that all of their readers must be in the plan. */
export function renameColumns(
  plan: LogicalPlan,
  by: ReadonlyMap<ColId, ColId>,
  copies: ReadonlyMap<SharedId, SharedId> = new Map(),
): LogicalPlan {
  return new Renaming(by, copies).plan(plan);
}

class Renaming {
  private readonly by: ReadonlyMap<ColId, ColId>;
  private readonly copies: ReadonlyMap<SharedId, SharedId>;
  private readonly dependent: (scan: SharedScan) => SharedScan;

  constructor(by: ReadonlyMap<ColId, ColId>, copies: ReadonlyMap<SharedId, SharedId>) {
    this.by = by;
    this.copies = copies;
    this.dependent = mapDependent((p) => (intersects(freeColumns(p), by) ? this.plan(p) : p));
  }

  private column(c: Column): Column {
    const id = this.by.get(c.id);
    return id === undefined ? c : { ...c, id };
  }

  private expr(e: Expr): Expr {
    return mapExpr(e, (x) => {
      if (x.kind === 'col') {
        const id = this.by.get(x.id);
        return id === undefined ? x : { ...x, id };
      }
      return x.kind === 'subquery' ? { ...x, plan: this.plan(x.plan) } : x;
    });
  }

  private shared(p: SharedScan): SharedScan {
    const { shared } = this.dependent(p);
    const id = this.copies.get(shared.id);
    const from = p.from.map((x) => this.by.get(x) ?? x);
    return { ...p, shared: id === undefined ? shared : { ...shared, id }, from };
  }

  private own(p: LogicalPlan): LogicalPlan {
    const q = p.kind === 'shared' ? this.shared(p) : withExprs(p, (e) => this.expr(e));
    const column = (c: Column): Column => this.column(c);
    const cols = q.cols.map(column);
    switch (q.kind) {
      case 'scan':
      case 'values':
      case 'shared':
      case 'filter':
      case 'project':
      case 'sort':
      case 'limit':
        return { ...q, cols };
      case 'join':
        return { ...q, cols, mark: q.mark === undefined ? undefined : column(q.mark) };
      case 'aggregate':
        return {
          ...q,
          cols,
          groups: q.groups.map(column),
          aggs: q.aggs.map((a) => ({ ...a, out: column(a.out) })),
        };
      case 'distinctOn':
        return { ...q, cols, keys: q.keys.map(column) };
      case 'setop':
        return { ...q, cols, inputCols: q.inputCols.map((cs) => cs.map(column)) };
      case 'repeat':
        return q.series === undefined
          ? { ...q, cols }
          : { ...q, cols, series: { ...q.series, out: column(q.series.out) } };
      default:
        return unreachable(q);
    }
  }

  plan(p: LogicalPlan): LogicalPlan {
    const q = this.own(p);
    const inputs = inputsOf(p).map((i) => this.plan(i));
    switch (q.kind) {
      case 'scan':
      case 'values':
      case 'shared':
        return q;
      case 'join':
        return { ...q, left: inputs[0], right: inputs[1] };
      case 'setop':
        return { ...q, inputs };
      default:
        return { ...q, input: inputs[0] };
    }
  }
}

/** Does any expression of the plan, at any depth of inputs, satisfy the test? Enters subqueries. */
export function somePlanExpr(plan: LogicalPlan, test: (e: Expr) => boolean): boolean {
  const inExpr = (e: Expr): boolean =>
    test(e) || childExprs(e).some(inExpr) || (e.kind === 'subquery' && somePlanExpr(e.plan, test));
  return exprsOf(plan).some(inExpr) || inputsOf(plan).some((p) => somePlanExpr(p, test));
}

/** Every reading of a shared plan in the plan, also inside subqueries; shared plans themselves are not entered. */
export function sharedScans(plan: LogicalPlan): readonly SharedScan[] {
  const found: SharedScan[] = [];
  const inPlan = (p: LogicalPlan): void => {
    if (p.kind === 'shared') found.push(p);
    for (const e of exprsOf(p))
      walkExpr(e, (x) => {
        if (x.kind === 'subquery') inPlan(x.plan);
      });
    for (const i of inputsOf(p)) inPlan(i);
  };
  inPlan(plan);
  return found;
}

/** Every shared plan that the plans read, each once, after those that it reads itself. */
export function sharedPlansOf(plans: readonly LogicalPlan[]): readonly SharedPlan[] {
  const seen = new Set<SharedId>();
  const found: SharedPlan[] = [];
  const visit = (p: LogicalPlan): void => {
    for (const { shared } of sharedScans(p)) {
      if (seen.has(shared.id)) continue;
      seen.add(shared.id);
      visit(shared.plan);
      found.push(shared);
    }
  };
  for (const p of plans) visit(p);
  return found;
}
