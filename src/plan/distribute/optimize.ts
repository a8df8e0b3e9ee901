/** Logical plan to physical alternatives, bottom-up: the dispatcher over node kinds.
 *
 *  Owns: nodes with one input and nothing to choose. Joins, aggregates, scans and set operations have their own files.
 *  Filter, project, sort and limit keep the input's distribution; volatile expressions run in one place only. */

import type { ColId } from '../../types/ids.js';
import { unreachable } from '../../types/sql-error.js';
import { INT8 } from '../../types/sql-type.js';
import { joinEstimate } from '../cost/join-estimate.js';
import { COST, sortCost } from '../cost/model.js';
import type { Column, Expr, SortKey } from '../expr.js';
import { col, columnsOf, conjuncts, constant, exprType, isVolatile } from '../expr-util.js';
import { ONE_ROW } from '../logical/builders.js';
import type {
  DistinctOn,
  Filter,
  Limit,
  LogicalPlan,
  Project,
  Repeat,
  RunRows,
  Sort,
} from '../logical/nodes.js';
import { exprsOf, inputsOf } from '../logical/transform.js';
import { planAggregate } from './aggregates.js';
import {
  type Alternative,
  byId,
  computed,
  keep,
  needWith,
  type PhysicalContext,
  type Planned,
  prune,
} from './context.js';
import { type Distribution, groupsTogether, hashKeyOf, isPartitioned, signature } from './distribution.js';
import { planJoinTree } from './join-order.js';
import { isReorderable } from './join-region.js';
import { planJoin } from './joins.js';
import { needsCatalog } from './master-only.js';
import { gather, redistribute } from './motions.js';
import { planScan, planValues } from './scans.js';
import { planSharedScan } from './shares.js';
import { planUnionAll } from './union-all.js';

export class Optimizer {
  private readonly ctx: PhysicalContext;
  private readonly done = new WeakMap<LogicalPlan, Planned>();
  private readonly groupsAbove = new Map<LogicalPlan, readonly Column[]>();
  private readonly needs = new Map<LogicalPlan, ReadonlySet<ColId>>();

  constructor(ctx: PhysicalContext) {
    this.ctx = ctx;
  }

  /** The whole statement. */
  run(root: LogicalPlan): Planned {
    this.noteNeeds(root, new Set(root.cols.map((c) => c.id)));
    return this.plan(root);
  }

  plan = (node: LogicalPlan): Planned => {
    let p = this.done.get(node);
    if (p === undefined) {
      p = this.narrowed(this.derive(node), this.needs.get(node));
      this.done.set(node, p);
    }
    return p;
  };

  /** What is read above each node, so that the width of rows to move is not that of columns only a filter reads. */
  private noteNeeds(node: LogicalPlan, need: ReadonlySet<ColId>): void {
    this.needs.set(node, need);
    const own = needWith(
      node.kind === 'project' || node.kind === 'aggregate' || node.kind === 'setop' ? new Set() : need,
      ...exprsOf(node),
    );
    if (node.kind === 'aggregate') for (const g of node.groups) own.add(g.id);
    if (node.kind === 'distinctOn') for (const k of node.keys) own.add(k.id);
    for (const [k, input] of inputsOf(node).entries()) {
      if (node.kind === 'setop') this.noteNeeds(input, new Set(node.inputCols[k].map((c) => c.id)));
      else this.noteNeeds(input, own);
    }
  }

  private narrowed(p: Planned, need: ReadonlySet<ColId> | undefined): Planned {
    if (need === undefined || p.cols.every((c) => need.has(c.id))) return p;
    const cols = keep(p.cols, need);
    return cols.length === 0 ? p : { ...p, cols };
  }

  private derive(node: LogicalPlan): Planned {
    const { ctx } = this;
    switch (node.kind) {
      case 'scan':
        return planScan(ctx, node, undefined, ctx.estimator.of(node));
      case 'values':
        return planValues(ctx, node);
      case 'filter':
        return this.filter(node);
      case 'project':
        return this.project(node);
      case 'join': {
        if (isReorderable(node)) return planJoinTree(ctx, node, this.plan);
        const l = this.plan(node.left);
        const r = this.plan(node.right);
        const e = joinEstimate(
          node.type,
          l.estimate,
          r.estimate,
          node.predicate,
          node.mark,
          ctx.estimator.params,
        );
        return planJoin(ctx, node, l, r, e);
      }
      case 'aggregate': {
        if (node.groups.length === 0 && node.aggs.length === 0) return this.plan(ONE_ROW);
        const above = this.groupsAbove.get(node);
        const { input } = node;
        if (input.kind === 'aggregate' && node.groups.length > 0) this.groupsAbove.set(input, node.groups);
        return planAggregate(ctx, this.plan(input), { ...node, estimate: ctx.estimator.of(node), above });
      }
      case 'sort':
        return this.sort(node, undefined);
      case 'limit':
        return this.limit(node);
      case 'distinctOn':
        return this.distinctOn(node);
      case 'setop':
        return planUnionAll(ctx, node, node.inputs.map(this.plan));
      case 'repeat':
        return this.repeat(node);
      case 'shared':
        return planSharedScan(ctx, node);
      default:
        return unreachable(node);
    }
  }

  /** Expressions that give other values at each evaluation must not run once on every segment over the same rows;
   *  those that ask the catalog run on the master. */
  private steady(input: Planned, exprs: readonly Expr[]): readonly Alternative[] {
    if (exprs.some(needsCatalog))
      return prune(
        input.alternatives.map((a) => gather(this.ctx, input, a)),
        signature,
      );
    if (this.ctx.segmentCount === 1 || !exprs.some(isVolatile)) return input.alternatives;
    return prune(
      input.alternatives.map((a) => (isPartitioned(a.dist) ? a : gather(this.ctx, input, a))),
      signature,
    );
  }

  private filter(node: Filter): Planned {
    const { ctx } = this;
    const estimate = ctx.estimator.of(node);
    if (node.input.kind === 'scan' && !isVolatile(node.predicate) && !needsCatalog(node.predicate))
      return planScan(ctx, node.input, node.predicate, estimate);
    const input = this.plan(node.input);
    const conjunctCount = conjuncts(node.predicate).length;
    const alternatives = this.steady(input, [node.predicate]).map((a): Alternative => {
      const cost = a.cost + (input.estimate.rows * COST.filterRow * conjunctCount) / ctx.parallelism(a.dist);
      return {
        dist: a.dist,
        order: a.order,
        cost,
        build: (need) => {
          const from = a.build(needWith(need, node.predicate));
          return {
            kind: 'filter',
            id: ctx.nodeId(),
            cols: keep(from.cols, need),
            rows: estimate.rows,
            cost,
            input: from,
            predicate: node.predicate,
          };
        },
      };
    });
    return { estimate, cols: node.cols, alternatives };
  }

  private project(node: Project): Planned {
    const { ctx } = this;
    const input = this.plan(node.input);
    const estimate = ctx.estimator.of(node);
    const computing = node.exprs.filter((e, i) => !(e.kind === 'col' && e.id === node.cols[i].id));
    const alternatives = this.steady(input, node.exprs).map((a): Alternative => {
      const cost = a.cost + (estimate.rows * COST.projectExpr * computing.length) / ctx.parallelism(a.dist);
      return {
        dist: throughProject(a.dist, node),
        order: a.order,
        cost,
        build: (need) => {
          const used = node.cols.map((c, i) => ({ c, e: node.exprs[i] })).filter((x) => need.has(x.c.id));
          const wanted = needWith(new Set(), ...used.map((x) => x.e));
          for (const k of a.order ?? []) columnsOf(k.expr, wanted);
          const from = a.build(wanted);
          const below = byId(from.cols);
          const cols = used.map(({ c, e }) => computed(ctx, c, e, below));
          const exprs = used.map((x) => x.e);
          // The order's columns stay visible for a merge above.
          for (const id of wanted)
            if (need.has(id) && !cols.some((c) => c.id === id)) {
              const c = below.get(id);
              if (c === undefined) continue;
              cols.push(c);
              exprs.push(col(c));
            }
          if (exprs.every((e, i) => e.kind === 'col' && e.id === cols[i].id)) return from;
          return { kind: 'project', id: ctx.nodeId(), cols, rows: estimate.rows, cost, input: from, exprs };
        },
      };
    });
    return { estimate, cols: node.cols, alternatives };
  }

  /** Sort keys as columns, so that a merge above can compare what it receives. */
  private keyed(
    input: Planned,
    keys: readonly SortKey[],
  ): { readonly input: Planned; readonly keys: readonly SortKey[] } {
    const added: { c: Column; e: Expr }[] = [];
    const plain = keys.map((k): SortKey => {
      if (k.expr.kind === 'col') return k;
      const e = k.expr;
      const c = this.ctx.column('sort key', exprType(e), true);
      added.push({ c, e });
      return { ...k, expr: col(c) };
    });
    if (added.length === 0) return { input, keys };
    const { ctx } = this;
    const alternatives = this.steady(
      input,
      added.map((x) => x.e),
    ).map(
      (a): Alternative => ({
        ...a,
        build: (need) => {
          const used = added.filter((x) => need.has(x.c.id));
          const from = a.build(needWith(need, ...used.map((x) => x.e)));
          const below = byId(from.cols);
          const kept = keep(from.cols, need);
          return {
            kind: 'project',
            id: ctx.nodeId(),
            cols: [...kept, ...used.map((x) => computed(ctx, x.c, x.e, below))],
            rows: input.estimate.rows,
            cost: a.cost,
            input: from,
            exprs: [...kept.map(col), ...used.map((x) => x.e)],
          };
        },
      }),
    );
    return {
      input: { ...input, cols: [...input.cols, ...added.map((x) => x.c)], alternatives },
      keys: plain,
    };
  }

  /** `limit`: rows that are wanted at most, as an expression that is fixed for the statement. */
  private sort(node: Sort, limit: Expr | undefined): Planned {
    const { ctx } = this;
    const { input, keys } = this.keyed(this.plan(node.input), node.keys);
    const estimate = ctx.estimator.of(node);
    const alternatives = input.alternatives.map((a): Alternative => {
      const rows = estimate.rows / ctx.parallelism(a.dist);
      const cost = a.cost + (limit === undefined ? sortCost(rows) : rows * COST.sortCompare);
      return {
        dist: a.dist,
        order: keys,
        cost,
        build: (need) => {
          const from = a.build(needWith(need, ...keys.map((k) => k.expr)));
          return {
            kind: 'sort',
            id: ctx.nodeId(),
            cols: keep(from.cols, needWith(need, ...keys.map((k) => k.expr))),
            rows: estimate.rows,
            cost,
            input: from,
            keys,
            limit,
            distinctOn: undefined,
          };
        },
      };
    });
    return { estimate, cols: node.cols, alternatives };
  }

  private limit(node: Limit): Planned {
    const { ctx } = this;
    const estimate = ctx.estimator.of(node);
    const early = earlyLimit(node);
    const inner = node.input;
    const input = inner.kind === 'sort' ? this.sort(inner, early) : this.plan(inner);
    const rows = estimate.rows;
    const limited = (from: Alternative, limit: Expr | undefined, offset: Expr | undefined): Alternative => ({
      ...from,
      build: (need) => {
        const op = from.build(needWith(need, ...exprsOf(node)));
        return {
          kind: 'limit',
          id: ctx.nodeId(),
          cols: keep(op.cols, need),
          rows,
          cost: from.cost,
          input: op,
          limit,
          offset,
        };
      },
    });
    // A limit picks rows by their order of arrival: only one process may do it, or every process picks its own.
    const alternatives = input.alternatives.map((a): Alternative => {
      const inPlace = a.dist.kind === 'single' || ctx.segmentCount === 1;
      if (inPlace) return limited(a, node.limit, node.offset);
      const few =
        early === undefined || inner.kind === 'sort' || a.dist.kind === 'general'
          ? a
          : limited(a, early, undefined);
      const shape = {
        estimate:
          early === undefined ? input.estimate : { ...estimate, rows: rows * ctx.parallelism(a.dist) },
        cols: input.cols,
      };
      return limited(gather(ctx, shape, few), node.limit, node.offset);
    });
    return { estimate, cols: node.cols, alternatives: prune(alternatives, signature) };
  }

  private distinctOn(node: DistinctOn): Planned {
    const { ctx } = this;
    const estimate = ctx.estimator.of(node);
    const leading = node.keys.every((k) =>
      node.order.slice(0, node.keys.length).some((o) => o.expr.kind === 'col' && o.expr.id === k.id),
    );
    const rest = leading
      ? node.order
      : [
          ...node.keys.map((k): SortKey => ({ expr: col(k), descending: false, nullsFirst: false })),
          ...node.order.filter(
            (o) =>
              !(o.expr.kind === 'col' && node.keys.some((k) => o.expr.kind === 'col' && k.id === o.expr.id)),
          ),
        ];
    const { input, keys } = this.keyed(this.plan(node.input), rest);
    const counts = [node.rows?.limit, node.rows?.offset].filter((e) => e !== undefined);
    const early = node.rows === undefined ? undefined : earlyRows(node.rows);
    const groupKeys = new Set(node.keys.map((k) => hashKeyOf(col(k))));
    const step = (a: Alternative, kept = node.rows): Alternative => {
      const rows = input.estimate.rows / ctx.parallelism(a.dist);
      const cost = a.cost + sortCost(rows);
      return {
        dist: a.dist,
        order: keys,
        cost,
        build: (need) => {
          const wanted = needWith(need, ...keys.map((k) => k.expr));
          const from = a.build(needWith(wanted, ...counts));
          return {
            kind: 'sort',
            id: ctx.nodeId(),
            cols: keep(from.cols, wanted),
            rows: estimate.rows,
            cost,
            input: from,
            keys,
            limit: undefined,
            distinctOn: node.keys.length,
            ...(kept === undefined ? {} : { keep: kept }),
          };
        },
      };
    };
    const found: Alternative[] = [];
    for (const a of input.alternatives) {
      if (
        a.dist.kind === 'single' ||
        ctx.segmentCount === 1 ||
        (isPartitioned(a.dist) && groupsTogether(a.dist, groupKeys))
      ) {
        found.push(step(a));
        continue;
      }
      // First rows of ties are any rows, so copies would differ: one copy goes on.
      const reduces = isPartitioned(a.dist) && (node.rows === undefined || early !== undefined);
      const local = reduces ? step(a, early) : a;
      const shape = reduces
        ? {
            ...input,
            estimate: {
              ...input.estimate,
              rows: Math.min(input.estimate.rows, estimate.rows * ctx.segmentCount),
            },
          }
        : input;
      if (ctx.settings.enableRedistribute && isPartitioned(a.dist) && node.keys.length > 0)
        found.push(step(redistribute(ctx, shape, local, node.keys.map(col))));
      found.push(step(gather(ctx, shape, local)));
    }
    return { estimate, cols: node.cols, alternatives: prune(found, signature) };
  }

  private repeat(node: Repeat): Planned {
    const { ctx } = this;
    const input = this.plan(node.input);
    const estimate = ctx.estimator.of(node);
    const exprs =
      node.series === undefined ? [node.count] : [node.count, node.series.start, node.series.step];
    const alternatives = this.steady(input, exprs).map((a): Alternative => {
      const cost = a.cost + (estimate.rows * COST.outputRow) / ctx.parallelism(a.dist);
      return {
        dist: a.dist,
        order: a.order,
        cost,
        build: (need) => {
          const from = a.build(needWith(need, ...exprs));
          const base = {
            kind: 'repeat' as const,
            id: ctx.nodeId(),
            rows: estimate.rows,
            cost,
            input: from,
            count: node.count,
          };
          return node.series === undefined
            ? { ...base, cols: keep(from.cols, need) }
            : {
                ...base,
                cols: [...keep(from.cols, need), ...keep([node.series.out], need)],
                series: node.series,
              };
        },
      };
    });
    return { estimate, cols: node.cols, alternatives };
  }
}

/** A column that is computed from a hash key alone, keeping its hash, is one more name of the key. */
function throughProject(d: Distribution, node: Project): Distribution {
  if (d.kind !== 'hashed') return d;
  const keys = d.keys.map((k) => {
    const grown = new Set(k);
    for (const [i, e] of node.exprs.entries())
      if (k.has(hashKeyOf(e))) grown.add(hashKeyOf(col(node.cols[i])));
    return grown;
  });
  return { kind: 'hashed', keys };
}

/** Rows of each run that are enough on each process before the final cut. */
function earlyRows(rows: RunRows): RunRows | undefined {
  const limit = rows.offset === undefined ? rows.limit : earlyLimit(rows);
  return limit && { limit, offset: undefined, ties: rows.ties };
}

/** Rows that are enough on each process before the final limit: limit plus offset, when both are known. */
function earlyLimit({ limit, offset }: Pick<Limit, 'limit' | 'offset'>): Expr | undefined {
  if (limit === undefined) return undefined;
  if (offset === undefined) {
    if (limit.kind === 'param') return limit;
    return limit.kind === 'const' && typeof limit.value === 'bigint' && limit.value >= 0n ? limit : undefined;
  }
  if (limit.kind !== 'const' || offset.kind !== 'const') return undefined;
  if (typeof limit.value !== 'bigint' || limit.value < 0n) return undefined;
  const skip = offset.value === null ? 0n : offset.value;
  if (typeof skip !== 'bigint' || skip < 0n) return undefined;
  const sum = limit.value + skip;
  return sum < 1n << 62n ? constant(sum, INT8) : undefined;
}
