/** Aggregation: one pipeline fills a hash table per worker (or, without groups, one row of states in locals), finish
 *  steps merge the workers', another pipeline reads the groups.
 *
 *  Modes differ in what goes in (rows or states) and out (results or states). Without groups there is exactly one row of
 *  output, also for no input. Keeps no order. DISTINCT arguments are sets keyed by (group, argument); such an
 *  aggregate runs serially, because the workers' sets could not be merged after the states were updated.
 *  Memory pressure: `GroupTable` allocates rows and directory; a partial aggregate may be flushed there and then. */

import type { AggCall, Column, Expr } from '../../plan/expr.js';
import { columnsOf, exprNullable, exprType } from '../../plan/expr-util.js';
import type { HashAggOp } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import { INT4 } from '../../types/sql-type.js';
import type { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import { QS } from '../layout.js';
import type { Local } from '../wasm/module-builder.js';
import { CollectPlan } from './agg-collect.js';
import { type AggPlan, exprRange, planAggregate } from './agg-functions.js';
import { ifNotNull, type Prim } from './agg-prims.js';
import { inLocals, inMemory, type StateAccess, StateLayout } from './agg-state.js';
import { DenseGroups } from './dense-groups.js';
import { openCodeCache, rangeCache } from './group-cache.js';
import { groupMerge } from './group-merge.js';
import { GroupTable, type OpenTable } from './group-table.js';
import { type Consumer, type Pipeline, type SliceCompiler, union } from './pipeline.js';
import { RowLayout } from './row-layout.js';
import { touchable } from './staged-loop.js';

/** Updates that share argument, filter and DISTINCT: tested once for all. */
type Unit = {
  readonly filter: Expr | undefined;
  readonly args: readonly Expr[];
  readonly distinct: boolean;
  readonly updates: { readonly prim: Prim; readonly arg: Expr | undefined }[];
};

export function produceHashAgg(c: SliceCompiler, op: HashAggOp, consumer: Consumer): void {
  const agg = new Aggregation(c, op);
  const ready = agg.fill();
  if (op.groups.length === 0) agg.readOne(ready, consumer);
  else agg.readGroups(ready, consumer);
}

class Aggregation {
  private readonly c: SliceCompiler;
  private readonly op: HashAggOp;
  private readonly states = new StateLayout();
  private readonly plans: (AggPlan | CollectPlan)[];
  private readonly units: Unit[] = [];
  private readonly prims = new Set<Prim>();
  private readonly fromStates: boolean;
  private readonly toStates: boolean;
  private readonly serial: boolean;
  /** Where the groups are: one of the two, or neither without group columns. */
  private readonly table: GroupTable | undefined;
  private readonly dense: DenseGroups | undefined;
  private readonly layout: RowLayout;
  /** Without groups: the worker's states, and in the query state the merged ones. */
  private readonly localStates: number;
  private readonly mergedStates: number;
  private readonly list: number;

  constructor(c: SliceCompiler, op: HashAggOp) {
    this.c = c;
    this.op = op;
    this.fromStates = op.mode === 'final' || op.mode === 'combine';
    this.toStates = op.mode === 'partial' || op.mode === 'combine';
    const shared = new Map<string, Prim>();
    this.plans = op.aggs.map((a, i) => {
      if (a.name === 'string_agg' || a.name === 'array_agg') return new CollectPlan(c, a, this.states);
      return planAggregate(a, {
        layout: this.states,
        shared: <T extends Prim>(key: string, make: () => T): T => {
          let p = shared.get(key) as T | undefined;
          if (p === undefined) {
            p = make();
            shared.set(key, p);
          }
          return p;
        },
        rangeOf: (x) => exprRange(x, op.input.cols),
        always: (x) => this.always(a, x),
        states: op.mode === 'single' ? undefined : op.states[i],
        fromStates: this.fromStates,
      });
    });
    this.serial = op.aggs.some((a) => a.distinct && this.hasDistinct(a)) && c.env.workers > 1;
    this.layout = new RowLayout(op.groups, { flags: this.merges ? 1 : 0, extraBytes: this.states.bytes });
    this.dense = c.ctx.uses('DenseGroups') ? DenseGroups.for(c, this.layout, op.rows) : undefined;
    this.table = op.groups.length > 0 && !this.dense ? new GroupTable(c.ctx, this.layout) : undefined;
    this.localStates = op.groups.length > 0 ? 0 : c.ctx.allocWs(this.states.bytes);
    this.mergedStates = op.groups.length > 0 ? 0 : c.ctx.allocQs(this.states.bytes);
    this.list = c.ctx.allocQs(8);
    this.makeUnits();
  }

  private get merges(): boolean {
    return this.c.env.workers > 1 && !this.serial;
  }

  /** Duplicates make no difference to extremes. */
  private hasDistinct(a: AggCall): boolean {
    return !['min', 'max', 'bool_and', 'bool_or', 'bit_and', 'bit_or', 'any_value'].includes(a.name);
  }

  private always(a: AggCall, x: Expr | undefined): boolean {
    return (
      this.op.groups.length > 0 &&
      a.filter === undefined &&
      !this.fromStates &&
      (x === undefined || !exprNullable(x))
    );
  }

  private makeUnits(): void {
    const byKey = new Map<string, Unit>();
    this.op.aggs.forEach((a, i) => {
      const plan = this.plans[i];
      if (plan instanceof CollectPlan || this.fromStates) return;
      const distinct = a.distinct && this.hasDistinct(a);
      const key = JSON.stringify([a.filter, distinct, a.args], (_, v: unknown) =>
        typeof v === 'bigint' ? `${v}n` : v,
      );
      let unit = byKey.get(key);
      if (unit === undefined) {
        unit = { filter: a.filter, args: a.args, distinct, updates: [] };
        byKey.set(key, unit);
        this.units.push(unit);
      }
      for (const use of plan.prims) {
        // A shared primitive is updated once.
        if (this.prims.has(use.prim)) continue;
        this.prims.add(use.prim);
        unit.updates.push(use);
      }
    });
    for (const plan of this.plans)
      if (!(plan instanceof CollectPlan)) for (const u of plan.prims) this.prims.add(u.prim);
  }

  private get needs(): ReadonlySet<ColId> {
    const { op } = this;
    if (this.fromStates)
      return union(
        op.groups.map((g) => g.id),
        ...op.states.map((s) => s.map((col) => col.id)),
      );
    return union(
      op.groups.map((g) => g.id),
      ...op.aggs
        .flatMap((a) => [...a.args, ...(a.filter ? [a.filter] : []), ...a.orderBy.map((k) => k.expr)])
        .map((x) => columnsOf(x)),
    );
  }

  /** Generates the pipelines that fill the tables; returns the one to wait for. */
  fill(): number {
    const { c } = this;
    const fed: Pipeline[] = [];
    const distinctSets = this.units.map((u) => (u.distinct ? this.distinctSet(u) : undefined));
    c.produce(this.op.input, {
      needs: this.needs,
      open: (p) => {
        fed.push(p);
        if (this.serial) p.serial = true;
        p.labels.push(this.op.mode === 'single' ? 'aggregate' : `${this.op.mode} aggregate`);
        const { e } = p;
        const sets = distinctSets.map((s) => s?.open(e));
        const { table, dense } = this;
        const reads = touchable(
          p,
          this.op.input,
          this.op.rows,
          this.op.groups.map((g) => g.id),
        );
        const init = (row: Local): void => zeroFill(e, row, this.layout.extraOffset, this.states.bytes);
        if (dense) {
          const opened = dense.open(e);
          if (reads) p.touches.unshift(dense.touch(p, opened, () => this.groupKeys(p)[0]!));
          const s = inMemory(e, opened.row, this.layout.extraOffset);
          return {
            row: () => {
              dense.find(e, opened, this.groupKeys(p)[0], () => init(opened.row));
              this.update(p, s, opened.row, distinctSets, sets);
            },
          };
        }
        if (table === undefined) {
          const s = inLocals(e, this.states, p.ws, this.localStates);
          return { row: () => this.update(p, s, undefined, distinctSets, sets), close: () => s.save() };
        }
        const opened = table.open(e);
        if (reads) p.touches.unshift(table.touch(p, opened, () => this.groupKeys(p)));
        const caches = e.ctx.uses('GroupCache');
        const codes = caches
          ? openCodeCache(
              p,
              this.op.groups.map((g) => g.id),
            )
          : undefined;
        const s = inMemory(e, opened.row, this.layout.extraOffset);
        return {
          row: () => {
            const find = (): void => table.find(e, opened, this.groupKeys(p), () => init(opened.row));
            const cache = codes ?? (caches ? rangeCache(p, this.groupKeys(p)) : undefined);
            if (cache) cache.lookup(opened.row, find);
            else find();
            this.update(p, s, opened.row, distinctSets, sets);
          },
        };
      },
    });
    return this.finish(fed);
  }

  private groupKeys(p: Pipeline): readonly Val[] {
    return this.layout.fields.map((g) => p.e.column(g.column.id));
  }

  private distinctSet(unit: Unit): GroupTable {
    const group = this.c.column(INT4, false);
    const args = unit.args.map((x) => {
      const range = exprRange(x, this.op.input.cols);
      return this.c.column(exprType(x), false, range);
    });
    return new GroupTable(this.c.ctx, new RowLayout(this.op.groups.length > 0 ? [group, ...args] : args));
  }

  private update(
    p: Pipeline,
    s: StateAccess,
    row: Local | undefined,
    distinctSets: readonly (GroupTable | undefined)[],
    opened: readonly (OpenTable | undefined)[],
  ): void {
    const { e, f } = p;
    if (this.fromStates) {
      const merged = new Set<Prim>();
      this.op.aggs.forEach((_, i) => {
        const plan = this.plans[i] as AggPlan;
        let at = 0;
        for (const { prim } of plan.prims) {
          const vals = this.op.states[i].slice(at, at + prim.stateCount).map((col) => e.column(col.id));
          at += prim.stateCount;
          if (merged.has(prim)) continue;
          merged.add(prim);
          prim.merge(e, s, vals);
        }
      });
      return;
    }
    this.units.forEach((unit, u) => {
      const apply = (): void => {
        const args = unit.args.map((x) => e.emit(x));
        ifNotNull(e, args, (vals) => {
          const updateAll = (): void => {
            for (const { prim, arg } of unit.updates) {
              const same = unit.args.indexOf(arg!);
              prim.update(
                e,
                s,
                arg === undefined
                  ? undefined
                  : same >= 0
                    ? vals[same]
                    : { ...e.emit(arg), isNull: undefined },
              );
            }
          };
          const set = distinctSets[u];
          if (set === undefined) {
            updateAll();
            return;
          }
          const key: Val[] = row
            ? [{ type: INT4, repr: 'i32', parts: [row], isNull: undefined, stable: true }, ...vals]
            : [...vals];
          set.find(e, opened[u]!, key, updateAll);
        });
      };
      if (unit.updates.length === 0) return;
      if (unit.filter === undefined) apply();
      else {
        e.emitCondition(unit.filter);
        f.if(() => e.scoped(apply));
      }
    });
    for (const plan of this.plans) if (plan instanceof CollectPlan) plan.update(p, s);
  }

  private mergeStates(e: Emitter, into: StateAccess, from: StateAccess): void {
    for (const prim of this.prims) prim.merge(e, into, prim.state(e, from));
    for (const plan of this.plans) if (plan instanceof CollectPlan) plan.merge(e, into, from);
  }

  private finish(fed: readonly Pipeline[]): number {
    const { c, table, dense } = this;
    const store = table?.store ?? dense?.store;
    if (store === undefined) {
      const step = c.finishStep((e) => {
        const { f, qs } = e;
        const worker = f.local('i32');
        const ws = f.local('i32');
        f.i32(0).set(worker);
        f.while(
          () => f.get(worker).get(qs).mem('i32.load', QS.workers).op('i32.lt_u'),
          () => {
            f.get(qs).get(worker).i32(2).op('i32.shl').op('i32.add').mem('i32.load', QS.workerStates).set(ws);
            e.scoped(() =>
              this.mergeStates(e, inMemory(e, qs, this.mergedStates), inMemory(e, ws, this.localStates)),
            );
            f.get(worker).i32(1).op('i32.add').set(worker);
          },
        );
      });
      return c.finishAfter(fed, 'merge aggregates', [step]);
    }
    const add = (e: Emitter, into: Local, from: Local): void =>
      this.mergeStates(
        e,
        inMemory(e, into, this.layout.extraOffset),
        inMemory(e, from, this.layout.extraOffset),
      );
    const merge = !this.merges ? undefined : table ? groupMerge(c, table, add) : dense?.merge(c, add);
    const step = c.finishStep((e) => {
      store.collect(e, this.list);
      e.f.op('drop');
      merge?.prepare(e);
    });
    return c.finishAfter(fed, 'merge groups', [step], merge?.parallel);
  }

  readOne(ready: number, consumer: Consumer): void {
    this.c.pipeline(
      { kind: 'once' },
      { node: this.op.id, deps: [ready], label: 'aggregate' },
      consumer,
      (p) => (_, body) => {
        this.bindOutputs(p, inMemory(p.e, p.qs, this.mergedStates), consumer);
        body.row();
      },
    );
  }

  readGroups(ready: number, consumer: Consumer): void {
    const { layout } = this;
    this.c.pipeline(
      { kind: 'rows', listSlot: this.list },
      { node: this.op.id, deps: [ready], label: 'groups' },
      consumer,
      (p) => {
        const { e, f } = p;
        const row = f.local('i32');
        return (i, body) => {
          const emit = (): void => {
            layout.bind(e, row, consumer.needs);
            this.bindOutputs(p, inMemory(e, row, layout.extraOffset), consumer);
            body.row();
          };
          f.get(p.morsel).get(i).i32(layout.bytes).op('i32.mul').op('i32.add').set(row);
          if (!this.merges) emit();
          else {
            f.get(row).mem('i32.load8_u', layout.flagOffset).op('i32.eqz');
            f.if(() => e.scoped(emit));
          }
        };
      },
    );
  }

  private bindOutputs(p: Pipeline, s: StateAccess, consumer: Consumer): void {
    const { e } = p;
    this.op.aggs.forEach((a, i) => {
      const plan = this.plans[i];
      if (plan instanceof CollectPlan) {
        if (consumer.needs.has(a.out.id)) e.bind(a.out.id, () => plan.result(p, s));
        return;
      }
      const states = (): Val[] => plan.prims.flatMap((u) => u.prim.state(e, s));
      if (!this.toStates) {
        if (consumer.needs.has(a.out.id)) e.bind(a.out.id, () => plan.result(e, states()));
        return;
      }
      let at = 0;
      for (const u of plan.prims) {
        for (let k = 0; k < u.prim.stateCount; k++) {
          const col: Column = this.op.states[i][at++];
          if (consumer.needs.has(col.id)) e.bind(col.id, () => u.prim.state(e, s)[k]);
        }
      }
    });
  }
}

function zeroFill(e: Emitter, row: Local, offset: number, bytes: number): void {
  const { f } = e;
  if (bytes > 128) {
    f.get(row).i32(offset).op('i32.add').i32(0).i32(bytes).memoryFill();
    return;
  }
  for (let at = 0; at < bytes; at += 8)
    f.get(row)
      .i64(0n)
      .mem('i64.store', offset + at);
}
