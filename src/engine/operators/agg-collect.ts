/** string_agg and array_agg: inputs are kept as a list per group, ordered and put together when the result is read.
 *
 *  State: head and tail of a linked list of rows (argument, delimiter, sort keys) in the order they came; merging
 *  workers joins lists. The result is built in the arena in two passes: lengths, then bytes. */
import type { AggCall, Column } from '../../plan/expr.js';
import { exprNullable, exprType } from '../../plan/expr-util.js';
import { TEXT } from '../../types/sql-type.js';
import type { Emitter } from '../codegen/emitter.js';
import { emitHostCall } from '../codegen/host-emit.js';
import { copyToArena } from '../codegen/lib/memory.js';
import type { Val } from '../codegen/val.js';
import { notDistinct, pushArenaAlloc } from '../codegen/value-ops.js';
import type { Func, Local } from '../wasm/module-builder.js';
import type { Cell, StateAccess, StateLayout } from './agg-state.js';
import type { Pipeline, SliceCompiler } from './pipeline.js';
import { RowLayout } from './row-layout.js';
import { RowStore } from './row-store.js';
import { compareFunction, pushSort } from './sort-rows.js';

export class CollectPlan {
  private readonly c: SliceCompiler;
  private readonly agg: AggCall;
  private readonly head: Cell;
  private readonly tail: Cell;
  private readonly count: Cell;
  private readonly cols: readonly Column[];
  private readonly keys: readonly Column[];
  private readonly layout: RowLayout;
  private readonly store: RowStore;
  private readonly compare: Func | undefined;
  private readonly build: Func;

  constructor(c: SliceCompiler, agg: AggCall, states: StateLayout) {
    this.c = c;
    this.agg = agg;
    this.head = states.cell('i32');
    this.tail = states.cell('i32');
    this.count = states.cell('i32');
    this.cols = agg.args.map((x) => c.column(exprType(x), exprNullable(x)));
    this.keys = agg.orderBy.map((k) => c.column(exprType(k.expr), exprNullable(k.expr)));
    this.layout = new RowLayout([...this.cols, ...this.keys], { next: true });
    this.store = new RowStore(c.ctx, this.layout.bytes);
    // DISTINCT without ORDER BY sorts by the argument, so that duplicates are neighbours.
    const order = this.keys.map((column, i) => ({ column, ...agg.orderBy[i] }));
    if (agg.distinct)
      for (const column of this.cols)
        order.push({ column, expr: agg.args[0], descending: false, nullsFirst: false });
    this.compare = order.length > 0 ? compareFunction(c, this.layout, order) : undefined;
    this.build = agg.name === 'string_agg' ? this.stringFunction() : this.arrayFunction();
  }

  update(p: Pipeline, s: StateAccess): void {
    const { e, f } = p;
    const { agg } = this;
    const append = (): void => {
      const args = agg.args.map((x) => e.emit(x));
      const add = (): void => {
        const row = e.local('i32');
        for (const [i, col] of this.cols.entries()) e.bind(col.id, args[i]);
        for (const [i, col] of this.keys.entries()) e.bind(col.id, () => e.emit(agg.orderBy[i].expr));
        this.store.append(e, row);
        this.layout.storeAll(e, row);
        f.get(row).i32(0).mem('i32.store', this.layout.nextOffset);
        this.link(e, s, row, row);
        s.set(this.count, () => {
          s.get(this.count);
          f.i32(1).op('i32.add');
        });
      };
      // string_agg skips null values, array_agg keeps them.
      if (agg.name === 'array_agg' || args[0].isNull === undefined) add();
      else {
        e.push(args[0].isNull).op('i32.eqz');
        f.if(() => e.scoped(add));
      }
    };
    if (agg.filter === undefined) e.scoped(append);
    else {
      e.emitCondition(agg.filter);
      f.if(() => e.scoped(append));
    }
  }

  private link(e: Emitter, s: StateAccess, first: Local, last: Local): void {
    const { f } = e;
    s.get(this.tail);
    f.if(
      () => {
        s.get(this.tail);
        f.get(first).mem('i32.store', this.layout.nextOffset);
      },
      () => s.set(this.head, () => f.get(first)),
    );
    s.set(this.tail, () => f.get(last));
  }

  merge(e: Emitter, into: StateAccess, from: StateAccess): void {
    const { f } = e;
    from.get(this.head);
    const first = e.save('i32');
    f.get(first);
    f.if(() =>
      e.scoped(() => {
        from.get(this.tail);
        const last = e.save('i32');
        this.link(e, into, first, last);
        into.set(this.count, () => {
          into.get(this.count);
          from.get(this.count);
          f.op('i32.add');
        });
      }),
    );
  }

  result(p: Pipeline, s: StateAccess): Val {
    const { e, f } = p;
    f.get(p.qs).get(p.ws);
    s.get(this.head);
    s.get(this.count);
    f.call(this.build);
    const ref = e.save('i64');
    s.get(this.count);
    f.op('i32.eqz');
    return { type: this.agg.out.type, repr: 'str', parts: [ref], isNull: e.save('i32'), stable: true };
  }

  /** Emits an array of the rows' addresses in order, without duplicates where those are removed. */
  private ordered(e: Emitter, head: Local, count: Local): { readonly array: Local; readonly n: Local } {
    const { f } = e;
    const array = f.local('i32');
    const n = f.local('i32');
    const row = f.local('i32');
    const bytes = f.local('i32');
    f.get(count).i32(2).op('i32.shl').set(bytes);
    pushArenaAlloc(e, bytes);
    f.set(array);
    f.get(head).set(row);
    f.i32(0).set(n);
    f.while(
      () => f.get(row),
      () => {
        f.get(array).get(n).i32(2).op('i32.shl').op('i32.add').get(row).mem('i32.store');
        f.get(n).i32(1).op('i32.add').set(n);
        f.get(row).mem('i32.load', this.layout.nextOffset).set(row);
      },
    );
    if (this.compare) pushSort(e, this.compare, array, n);
    if (!this.agg.distinct) return { array, n };
    const kept = f.local('i32');
    const last = f.local('i32');
    const i = f.local('i32');
    f.i32(0).set(kept).i32(0).set(i);
    f.while(
      () => f.get(i).get(n).op('i32.lt_u'),
      () => {
        f.get(array).get(i).i32(2).op('i32.shl').op('i32.add').mem('i32.load').set(row);
        f.get(i);
        f.if(
          () => this.pushSame(e, last, row),
          () => f.i32(0),
          'i32',
        );
        f.op('i32.eqz');
        f.if(() => {
          f.get(array).get(kept).i32(2).op('i32.shl').op('i32.add').get(row).mem('i32.store');
          f.get(kept).i32(1).op('i32.add').set(kept);
          f.get(row).set(last);
        });
        f.get(i).i32(1).op('i32.add').set(i);
      },
    );
    return { array, n: kept };
  }

  private pushSame(e: Emitter, a: Local, b: Local): void {
    e.scoped(() => {
      const field = this.layout.field(this.cols[0].id);
      notDistinct(e, this.layout.load(e, a, field), this.layout.load(e, b, field));
    });
  }

  private eachOf(
    e: Emitter,
    list: { readonly array: Local; readonly n: Local },
    body: (row: Local, i: Local) => void,
  ): void {
    const { f } = e;
    const i = f.local('i32');
    const row = f.local('i32');
    f.i32(0).set(i);
    f.while(
      () => f.get(i).get(list.n).op('i32.lt_u'),
      () => {
        f.get(list.array).get(i).i32(2).op('i32.shl').op('i32.add').mem('i32.load').set(row);
        e.scoped(() => body(row, i));
        f.get(i).i32(1).op('i32.add').set(i);
      },
    );
  }

  /** (qs, ws, head, count) -> str */
  private stringFunction(): Func {
    return this.c.func(['i32', 'i32'], ['i64'], (e, [head, count]) => {
      const list = this.ordered(e, head, count);
      const pieces = (emit: (ref: Local) => void): void =>
        this.eachOf(e, list, (row, i) => {
          const { f } = e;
          // The delimiter of the first row is not used; a null one is empty.
          if (this.cols.length > 1) {
            f.get(i);
            f.if(() => e.scoped(() => this.piece(e, row, this.cols[1], emit)));
          }
          this.piece(e, row, this.cols[0], emit);
        });
      concat(e, pieces);
    });
  }

  private piece(e: Emitter, row: Local, column: Column, emit: (ref: Local) => void): void {
    const v = this.layout.load(e, row, this.layout.field(column.id));
    const ref = v.parts[0] as Local;
    if (v.isNull === undefined) emit(ref);
    else {
      e.push(v.isNull).op('i32.eqz');
      e.f.if(() => e.scoped(() => emit(ref)));
    }
  }

  /** (qs, ws, head, count) -> str: the array's text literal. */
  private arrayFunction(): Func {
    const { c } = this;
    const nested = this.agg.args[0] && exprType(this.agg.args[0]).kind === 'array';
    return c.func(['i32', 'i32'], ['i64'], (e, [head, count]) => {
      const { f } = e;
      const list = this.ordered(e, head, count);
      const text = (s: string): Local => {
        const ref = f.local('i64');
        f.get(e.qs)
          .i32(c.ctx.dataString(s))
          .op('i32.add')
          .op('i64.extend_i32_u')
          .i64(BigInt(s.length) << 32n)
          .op('i64.or')
          .set(ref);
        return ref;
      };
      const open = text('{');
      const close = text('}');
      const comma = text(',');
      const nullText = text('NULL');
      const column = this.cols[0];
      // Elements become text once: the second pass reads what the first has stored over the list.
      const texts = f.local('i32');
      const bytes = f.local('i32');
      f.get(count).i32(3).op('i32.shl').set(bytes);
      pushArenaAlloc(e, bytes);
      f.set(texts);
      this.eachOf(e, list, (row, i) => {
        const v = this.layout.load(e, row, this.layout.field(column.id));
        const out = f.local('i64');
        f.get(nullText).set(out);
        const convert = (): void => {
          const plain: Val = { ...v, isNull: undefined };
          const t = emitHostCall(
            e,
            nested ? '$array_nested' : '$array_element',
            [plain],
            { type: TEXT, repr: 'str' },
            true,
            false,
          );
          f.get(e.qs).get(e.ws);
          e.push(t.parts[0]).call(e.ctx.lib(copyToArena)).set(out);
        };
        if (v.isNull === undefined) convert();
        else {
          e.push(v.isNull).op('i32.eqz');
          f.if(() => e.scoped(convert));
        }
        f.get(texts).get(i).i32(3).op('i32.shl').op('i32.add').get(out).mem('i64.store');
      });
      concat(e, (emit) => {
        emit(open);
        this.eachOf(e, list, (_, i) => {
          f.get(i);
          f.if(() => emit(comma));
          const ref = f.local('i64');
          f.get(texts).get(i).i32(3).op('i32.shl').op('i32.add').mem('i64.load').set(ref);
          emit(ref);
        });
        emit(close);
      });
    });
  }
}

/** Leaves the concatenation of the pieces that `pieces` emits, twice: for the length, then for the bytes. */
function concat(e: Emitter, pieces: (emit: (ref: Local) => void) => void): void {
  const { f } = e;
  const total = f.local('i32');
  const out = f.local('i32');
  const at = f.local('i32');
  const pushLength = (ref: Local): void => {
    f.get(ref).i64(32n).op('i64.shr_u').op('i32.wrap_i64');
  };
  f.i32(0).set(total);
  pieces((ref) => {
    f.get(total);
    pushLength(ref);
    f.op('i32.add').set(total);
  });
  pushArenaAlloc(e, total);
  f.tee(out).set(at);
  pieces((ref) => {
    f.get(at).get(ref).op('i32.wrap_i64');
    pushLength(ref);
    f.memoryCopy();
    f.get(at);
    pushLength(ref);
    f.op('i32.add').set(at);
  });
  f.get(out).op('i64.extend_i32_u').get(total).op('i64.extend_i32_u').i64(32n).op('i64.shl').op('i64.or');
}
