/** Pipelines under construction: what operators emit into.
 *
 *  Produce/consume after Neumann, "Efficiently compiling efficient query plans for modern hardware" (VLDB 2011):
 *  `produce(op, consumer)` generates every pipeline that yields the operator's rows; in each, the consumer is opened
 *  once before the loop over rows, its `row` emits what happens to one row (columns bound in the emitter), `close`
 *  what follows the loop. A consumer may be opened in several pipelines (append, outer joins), but `row` is emitted
 *  once in each, so that code grows with the plan and not with the ways through it.
 *  Invariant: `needs` is decided before anything is emitted; a source loads no other column. */
import type { Column } from '../../plan/expr.js';
import type { NodeId, PhysicalOp } from '../../plan/physical.js';
import type { ColId } from '../../types/ids.js';
import type { SqlType } from '../../types/sql-type.js';
import type { CompileEnv, FilterSlot, PipelineDesc, PipelineSource, SourceFilter } from '../api.js';
import type { SliceContext } from '../codegen/context.js';
import { Emitter } from '../codegen/emitter.js';
import type { Val } from '../codegen/val.js';
import { FAIL, QS, WS } from '../layout.js';
import type { Func, FunctionBuilder, Label, Local } from '../wasm/module-builder.js';
import type { Filters } from './runtime-filter.js';
import { stagedLoop, type Touch } from './staged-loop.js';
import { type LaneTest, type VectorColumn, type VectorTest, vectorLoop } from './vector-filter.js';

export type Body = { readonly row: () => void; readonly close?: (() => void) | undefined };

export interface Consumer {
  /** Columns it reads, of those the operator below yields. */
  readonly needs: ReadonlySet<ColId>;
  open(p: Pipeline): Body;
}

/** Column of a batch that is dictionary encoded. */
export type DictColumn = {
  /** Leaves the code of the current row: below `count`. */
  readonly pushCode: () => void;
  /** At most 257 codes. */
  readonly small: boolean;
  /** Number of codes; where the column can be NULL, the last one is NULL's. */
  readonly count: Local;
  /** The value of a code. */
  readonly load: (code: Local) => Val;
};

export class Pipeline {
  readonly id: number;
  readonly e: Emitter;
  readonly f: FunctionBuilder;
  readonly qs: Local;
  readonly ws: Local;
  readonly source: PipelineSource;
  readonly deps = new Set<number>();
  readonly nodes: NodeId[] = [];
  readonly labels: string[] = [];
  readonly run: string;
  serial: boolean;
  /** One row of the source may become any number. */
  expands = false;
  /** Rows come in an order that somebody above relies on. */
  readonly ordered: boolean;
  readonly finish: string[] = [];
  finishParallel: PipelineDesc['finishParallel'];
  /** Dictionary columns of the source, until an operator makes new rows. */
  readonly dicts = new Map<ColId, DictColumn>();
  /** Number of the current row. */
  readonly row: Local;
  /** Columns of the source that SIMD can compare, and the tests that rows must pass to be looked at. */
  readonly vectors = new Map<ColId, VectorColumn>();
  readonly vectorTests: VectorTest[] = [];
  /** Run after those, eight rows at a time as well. */
  readonly laneTests: LaneTest[] = [];
  /** What rows will read at random; where there is any, the loop goes in stages. Those of lower operators first. */
  readonly touches: Touch[] = [];
  /** In a loop in stages: run after those of several rows, each leaves i32. */
  readonly selection: (() => void)[] = [];
  readonly sourceFilters: SourceFilter[] = [];
  readonly awaits: FilterSlot[] = [];
  /** Columns of the source that one load brings into a register. */
  readonly words = new Set<ColId>();
  private readonly status: Local;
  private exit: Label | undefined;
  /** Keeps its value over the rounds of every loop: made first, so that no released local is behind it. */
  private readonly spins: Local;

  constructor(id: number, ctx: SliceContext, source: PipelineSource, ordered: boolean) {
    this.id = id;
    this.run = `run${id}`;
    this.source = source;
    this.ordered = ordered;
    this.serial = ordered;
    this.f = ctx.module.func(['i32', 'i32', 'i32', 'i32', 'i32'], ['i32'], this.run);
    this.e = new Emitter(ctx, this.f);
    this.qs = this.f.params[0];
    this.ws = this.f.params[1];
    this.status = this.f.local('i32');
    this.row = this.f.local('i32');
    this.spins = this.f.local('i32');
  }

  get morsel(): Local {
    return this.f.params[2];
  }

  get start(): Local {
    return this.f.params[3];
  }

  get end(): Local {
    return this.f.params[4];
  }

  /** `row` for each row number in [start, end). */
  loop(row: (i: Local) => void): void {
    const { f } = this;
    const i = this.row;
    if (this.touches.length > 0) {
      stagedLoop(
        this,
        (exit) => {
          this.exit = exit;
        },
        () => row(i),
      );
      this.exit = undefined;
      return;
    }
    if (this.vectorTests.length + this.laneTests.length > 0) {
      vectorLoop(
        this,
        this,
        (exit) => {
          this.exit = exit;
        },
        () => row(i),
      );
      this.exit = undefined;
      return;
    }
    f.get(this.start).set(i);
    f.block((exit) => {
      this.exit = exit;
      f.loop((again) => {
        f.get(i).get(this.end).op('i32.ge_u').brIf(exit);
        this.e.scoped(() => row(i));
        f.get(i).i32(1).op('i32.add').set(i).br(again);
      });
    });
    this.exit = undefined;
  }

  /** Inside `row` (or `open`): ends the pipeline, for good. */
  stop(): void {
    this.f.i32(1).set(this.status);
    if (this.exit) this.f.br(this.exit);
    else this.f.i32(1).return();
  }

  /** Leaves the status that the run function returns. */
  pushStatus(): void {
    this.f.get(this.status);
  }

  /** Where temp space stands: before a loop whose iterations leave nothing there that outlives them. */
  tempMark(mark: Local): void {
    this.f.get(this.ws).mem('i32.load', WS.tempNext).set(mark);
  }

  /** For loops that may run long within one call: every 4096 times looks at the cancel flag, and gives back the temp
   *  space used since `mark` (or, when a new block has been taken since, all of that block). */
  checkCancel(mark?: Local): void {
    const { f, ws } = this;
    f.get(this.spins).i32(1).op('i32.add').tee(this.spins).i32(4095).op('i32.and').op('i32.eqz');
    f.if(() => {
      f.get(this.qs).mem('i32.atomic.load', QS.cancel);
      f.if(() => this.e.fail(FAIL.cancelled));
      if (mark === undefined) return;
      f.get(ws).get(mark).get(ws).mem('i32.load', WS.tempStart);
      f.get(mark).get(ws).mem('i32.load', WS.tempStart).op('i32.ge_u');
      f.get(mark).get(ws).mem('i32.load', WS.tempEnd).op('i32.le_u').op('i32.and');
      f.op('select').mem('i32.store', WS.tempNext);
    });
  }

  describe(): PipelineDesc {
    return {
      id: this.id,
      label: this.labels.join(' -> '),
      nodes: [...new Set(this.nodes)],
      dependsOn: [...this.deps],
      ...(this.awaits.length > 0 ? { awaits: this.awaits } : {}),
      source:
        this.source.kind === 'batches' && this.sourceFilters.length > 0
          ? { ...this.source, filters: this.sourceFilters }
          : this.source,
      run: this.run,
      serial: this.serial,
      ...(this.expands ? { expands: true } : {}),
      finish: this.finish,
      ...(this.finishParallel ? { finishParallel: this.finishParallel } : {}),
    };
  }
}

export class SliceCompiler {
  readonly ctx: SliceContext;
  readonly env: CompileEnv;
  readonly pipelines: Pipeline[] = [];
  readonly counters: { readonly node: NodeId; readonly offset: number }[] = [];
  /** Runtime filters whose join is being compiled: complete before its probe side is. */
  readonly filters: Filters = new Map();
  readonly publishes: (FilterSlot & { readonly pipeline: number; readonly receive: NodeId })[] = [];
  private readonly produceOp: (c: SliceCompiler, op: PhysicalOp, consumer: Consumer) => void;
  private freshId = -1;
  private exports = 0;

  constructor(
    ctx: SliceContext,
    env: CompileEnv,
    produceOp: (c: SliceCompiler, op: PhysicalOp, consumer: Consumer) => void,
  ) {
    this.ctx = ctx;
    this.env = env;
    this.produceOp = produceOp;
  }

  /** Generates every pipeline that yields the rows of `op`, feeding `consumer`. */
  produce(op: PhysicalOp, consumer: Consumer): void {
    this.produceOp(this, op, consumer);
  }

  /** One pipeline from its source on: `prepare` emits the prologue and returns what binds the columns of row i. */
  pipeline(
    source: PipelineSource,
    options: {
      readonly ordered?: boolean;
      readonly deps?: readonly number[];
      readonly node?: NodeId;
      readonly label: string;
    },
    consumer: Consumer,
    prepare: (p: Pipeline) => (i: Local, body: Body) => void,
  ): Pipeline {
    const p = new Pipeline(this.pipelines.length, this.ctx, source, options.ordered ?? false);
    this.pipelines.push(p);
    for (const d of options.deps ?? []) p.deps.add(d);
    if (options.node !== undefined) p.nodes.push(options.node);
    p.labels.push(options.label);
    const bindRow = prepare(p);
    const body = consumer.open(p);
    p.loop((i) => bindRow(i, body));
    body.close?.();
    p.pushStatus();
    return p;
  }

  /** Attaches steps that run once all of `fed` are done; returns the id of the pipeline to depend on. */
  finishAfter(
    fed: readonly Pipeline[],
    label: string,
    steps: readonly string[],
    parallel?: PipelineDesc['finishParallel'],
  ): number {
    let last = fed[0];
    if (fed.length !== 1 || last.finish.length > 0 || last.finishParallel) {
      last = this.pipeline(
        { kind: 'once' },
        { label, deps: fed.map((p) => p.id) },
        { needs: new Set(), open: () => ({ row: () => undefined }) },
        () => (_, body) => body.row(),
      );
    }
    last.finish.push(...steps);
    last.finishParallel = parallel;
    return last.id;
  }

  /** An exported `(queryState, workerState) -> ()` for a finish step. */
  finishStep(build: (e: Emitter) => void): string {
    const name = `finish${this.exports++}`;
    const f = this.ctx.module.func(['i32', 'i32'], [], name);
    build(new Emitter(this.ctx, f));
    return name;
  }

  namedStep(name: string, build: (e: Emitter) => void): void {
    build(new Emitter(this.ctx, this.ctx.module.func(['i32', 'i32'], [], name)));
  }

  /** An exported `(queryState, workerState, part) -> ()`. */
  parallelStep(build: (e: Emitter, part: Local) => void): string {
    const name = `part${this.exports++}`;
    const f = this.ctx.module.func(['i32', 'i32', 'i32'], [], name);
    build(new Emitter(this.ctx, f), f.params[2]);
    return name;
  }

  /** An internal function whose first parameters are query state and worker state. */
  func(
    params: readonly ('i32' | 'i64')[],
    results: readonly ('i32' | 'i64')[],
    build: (e: Emitter, args: readonly Local[]) => void,
  ): Func {
    const f = this.ctx.module.func(['i32', 'i32', ...params], results);
    build(new Emitter(this.ctx, f), f.params.slice(2));
    return f.func;
  }

  /** A column of the compiler's own (keys that are expressions, states of aggregates). */
  column(type: SqlType, nullable: boolean, range?: Column['range']): Column {
    return { id: this.freshId-- as ColId, name: '', type, nullable, ...(range ? { range } : {}) };
  }
}

export function union(...sets: readonly (ReadonlySet<ColId> | readonly ColId[])[]): ReadonlySet<ColId> {
  const all = new Set<ColId>();
  for (const s of sets) for (const id of s) all.add(id);
  return all;
}
