/** Leaves: base tables, catalog tables, constant rows. A filter above a table scan becomes part of it. */
import type { ColId } from '../../types/ids.js';
import { isScaled } from '../../types/stored-numeric.js';
import type { ColumnStats } from '../catalog.js';
import { type Estimate, widthOf } from '../cost/estimate.js';
import { COST } from '../cost/model.js';
import type { Column, Expr } from '../expr.js';
import { conjuncts, isVolatile } from '../expr-util.js';
import type { Scan, Values } from '../logical/nodes.js';
import {
  type Alternative,
  byId,
  computed,
  keep,
  needWith,
  type PhysicalContext,
  type Planned,
} from './context.js';
import { targetSegments } from './direct-dispatch.js';
import { type Distribution, GENERAL, RANDOM, REPLICATED, SINGLE } from './distribution.js';
import { zonePredicates } from './zone.js';

/** Guarantees of the statistics, as long as their version holds. */
function guaranteed(c: Column, s: ColumnStats | undefined, notNull: boolean): Column {
  const nullable = c.nullable && s?.noNulls !== true && !notNull;
  return s?.range === undefined ? { ...c, nullable } : { ...c, nullable, range: s.range };
}

export function planScan(
  ctx: PhysicalContext,
  scan: Scan,
  filter: Expr | undefined,
  estimate: Estimate,
): Planned {
  const { table } = scan;
  const rows = estimate.rows;
  if (table.kind === 'virtual') {
    const alternative: Alternative = {
      dist: SINGLE,
      order: undefined,
      cost: 1000 * COST.scanRow,
      build: (need) => {
        const wanted = needWith(need, filter);
        const used = scan.cols.map((c, i) => ({ c, o: scan.ordinals[i] })).filter((x) => wanted.has(x.c.id));
        const op = {
          kind: 'virtualScan' as const,
          id: ctx.nodeId(),
          cols: used.map((x) => x.c),
          rows,
          cost: 1000,
          schema: table.schema,
          table: table.name,
          ordinals: used.map((x) => x.o),
        };
        if (filter === undefined) return op;
        return {
          kind: 'filter',
          id: ctx.nodeId(),
          cols: keep(op.cols, need),
          rows,
          cost: 1000,
          input: op,
          predicate: filter,
        };
      },
    };
    return { estimate, cols: scan.cols, alternatives: [alternative] };
  }
  const dist = tableDistribution(ctx, scan);
  const raw = ctx.estimator.of(scan);
  const width = widthOf(
    raw,
    scan.cols.map((c) => c.id),
  );
  const work =
    raw.rows * (COST.scanRow + COST.scanByte * width + COST.filterRow * conjuncts(filter).length) +
    rows * COST.outputRow;
  const cost = work / ctx.parallelism(dist);
  const alternative: Alternative = {
    dist,
    order: undefined,
    cost,
    build: (need) => {
      ctx.tables.set(table.oid, table);
      const wanted = needWith(need, filter);
      const ordinals: number[] = [];
      const scanCols: Column[] = [];
      const scales: (number | undefined)[] = [];
      for (const [i, c] of scan.cols.entries()) {
        if (!wanted.has(c.id)) continue;
        const o = scan.ordinals[i];
        ordinals.push(o);
        scanCols.push(guaranteed(c, table.stats.columns[o], table.columns[o].notNull));
        const { type } = table.columns[o];
        scales.push(isScaled(type) && !isScaled(c.type) ? type.scale : undefined);
      }
      const id = ctx.nodeId();
      const targets = ctx.settings.enableDirectDispatch
        ? targetSegments(scan, filter, ctx.segments)
        : undefined;
      if (targets !== undefined) ctx.targets.set(id, targets);
      const ordinalOf = (x: ColId): number | undefined => {
        const at = scan.cols.findIndex((c) => c.id === x);
        return at < 0 ? undefined : scan.ordinals[at];
      };
      return {
        kind: 'scan',
        id,
        cols: keep(scanCols, need),
        rows,
        cost,
        storageId: table.storageId,
        table: table.name,
        tableOid: table.oid,
        ordinals,
        scanCols,
        ...(scales.every((s) => s === undefined) ? {} : { scales }),
        filter,
        zone: ctx.settings.enableZonePredicates ? zonePredicates(filter, ordinalOf) : [],
      };
    },
  };
  return { estimate, cols: scan.cols, alternatives: [alternative] };
}

function tableDistribution(ctx: PhysicalContext, scan: Scan): Distribution {
  const { table } = scan;
  // One segment has every row of every table.
  if (table.kind === 'virtual') return SINGLE;
  if (ctx.segmentCount === 1 || table.distribution.kind === 'replicated') return REPLICATED;
  if (table.distribution.kind === 'random') return RANDOM;
  const keys: Set<string>[] = [];
  for (const ordinal of table.distribution.columns) {
    const at = scan.ordinals.indexOf(ordinal);
    if (at < 0) return RANDOM;
    keys.push(new Set([`#${scan.cols[at].id}`]));
  }
  return { kind: 'hashed', keys };
}

export function planValues(ctx: PhysicalContext, plan: Values): Planned {
  const estimate = ctx.estimator.of(plan);
  const volatile = plan.rows.some((r) => r.some(isVolatile));
  const cost = plan.rows.length * COST.outputRow;
  const alternative: Alternative = {
    dist: volatile ? SINGLE : GENERAL,
    order: undefined,
    cost,
    build: (need) => {
      const at = plan.cols.map((c, i) => ({ c, i })).filter((x) => need.has(x.c.id));
      const cols = at.map(({ c, i }) => {
        const each = plan.rows.map((r) => computed(ctx, c, r[i], byId()));
        const nullable = each.length === 0 || each.some((x) => x.nullable);
        const ranges = each.map((x) => x.range).filter((r) => r !== undefined);
        if (each.length === 0 || ranges.length < each.length) return { ...c, nullable };
        const min = ranges.reduce((a, r) => (r.min < a ? r.min : a), ranges[0].min);
        const max = ranges.reduce((a, r) => (r.max > a ? r.max : a), ranges[0].max);
        return { ...c, nullable, range: { min, max } };
      });
      return {
        kind: 'values',
        id: ctx.nodeId(),
        cols,
        rows: plan.rows.length,
        cost,
        valueRows: plan.rows.map((r) => at.map(({ i }) => r[i])),
      };
    },
  };
  return { estimate, cols: plan.cols, alternatives: [alternative] };
}
