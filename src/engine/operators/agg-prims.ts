/** The primitive states that aggregates are made of: counts, sums, extremes.
 *
 *  A primitive takes values (`update`, never null), takes states of another stage or worker (`merge`, may be null) and
 *  yields its own (`state`). avg is a sum and a count; equal primitives of several aggregates are kept once. */
import type { AggregateName } from '../../types/functions/registry-types.js';
import { INT8, type Range, reprOf, type SqlType } from '../../types/sql-type.js';
import type { Emitter } from '../codegen/emitter.js';
import { emitHostCall } from '../codegen/host-emit.js';
import { rescaleUp } from '../codegen/numeric-repr.js';
import { boundsOf } from '../codegen/ranges.js';
import { reprParts, type Val } from '../codegen/val.js';
import { compareVals, persist, pushArenaAlloc } from '../codegen/value-ops.js';
import { FAIL } from '../layout.js';
import type { Cell, StateAccess, StateLayout } from './agg-state.js';
import { toRepr } from './coerce.js';

/** The planner's bound on the rows of a statement (13 digits): sums proven to fit under it need no check. */
const ROWS_MAX = 1n << 40n;

export interface Prim {
  readonly stateCount: number;
  update(e: Emitter, s: StateAccess, arg: Val | undefined): void;
  merge(e: Emitter, s: StateAccess, states: readonly Val[]): void;
  state(e: Emitter, s: StateAccess): readonly Val[];
}

/** Runs `body` when none of the values is null, with their flags gone. */
export function ifNotNull(e: Emitter, vals: readonly Val[], body: (vals: readonly Val[]) => void): void {
  const isNull = e.anyNull(vals);
  const plain = vals.map((v) => ({ ...v, isNull: undefined }));
  if (isNull === undefined) {
    body(plain);
    return;
  }
  e.push(isNull).op('i32.eqz');
  e.f.if(() => e.scoped(() => body(plain)));
}

export class CountPrim implements Prim {
  readonly stateCount = 1;
  private readonly count: Cell;

  constructor(layout: StateLayout) {
    this.count = layout.cell('i64');
  }

  update(e: Emitter, s: StateAccess): void {
    s.set(this.count, () => {
      s.get(this.count);
      e.f.i64(1n).op('i64.add');
    });
  }

  merge(e: Emitter, s: StateAccess, [count]: readonly Val[]): void {
    ifNotNull(e, [count], ([n]) =>
      s.set(this.count, () => {
        s.get(this.count);
        e.push(n.parts[0]).op('i64.add');
      }),
    );
  }

  state(e: Emitter, s: StateAccess): readonly Val[] {
    s.get(this.count);
    return [
      {
        type: INT8,
        repr: 'i64',
        range: { min: 0n, max: ROWS_MAX },
        parts: [e.save('i64')],
        isNull: undefined,
        stable: true,
      },
    ];
  }
}

/** Remembers whether a value has come; absent where a group cannot exist without one. */
class Seen {
  private readonly cell: Cell | undefined;

  constructor(layout: StateLayout, always: boolean) {
    this.cell = always ? undefined : layout.cell('i32');
  }

  mark(e: Emitter, s: StateAccess): void {
    if (this.cell) s.set(this.cell, () => e.f.i32(1));
  }

  /** Leaves i32. */
  push(e: Emitter, s: StateAccess): void {
    if (this.cell) s.get(this.cell);
    else e.f.i32(1);
  }

  isNull(e: Emitter, s: StateAccess): Val['isNull'] {
    if (!this.cell) return undefined;
    s.get(this.cell);
    e.f.op('i32.eqz');
    return e.save('i32');
  }
}

function saveCell(e: Emitter, s: StateAccess, cell: Cell): ReturnType<Emitter['save']> {
  s.get(cell);
  return e.save(cell.type);
}

/** Exact sums of integers and scaled numerics: 64 bits where ROWS_MAX values cannot leave them, else 128. */
export class IntegerSumPrim implements Prim {
  readonly stateCount = 1;
  private readonly low: Cell;
  private readonly high: Cell | undefined;
  private readonly seen: Seen;
  private readonly type: SqlType;
  private readonly range: Range | undefined;
  private readonly scale: number | undefined;

  /** `type`: of the sum; `range`: of the sum, when known. */
  constructor(layout: StateLayout, type: SqlType, range: Range | undefined, wide: boolean, seen: boolean) {
    this.low = layout.cell('i64');
    this.high = wide ? layout.cell('i64') : undefined;
    this.seen = new Seen(layout, seen);
    this.type = type;
    this.range = range;
    this.scale = type.kind === 'numeric' ? type.scale : undefined;
  }

  update(e: Emitter, s: StateAccess, arg: Val | undefined): void {
    this.add(e, s, arg!);
    this.seen.mark(e, s);
  }

  merge(e: Emitter, s: StateAccess, [sum]: readonly Val[]): void {
    ifNotNull(e, [sum], ([v]) => this.update(e, s, v));
  }

  private add(e: Emitter, s: StateAccess, arg: Val): void {
    const { f } = e;
    const scaled =
      this.scale !== undefined && arg.type.kind === 'numeric' && arg.repr !== 'str'
        ? (rescaleUp(e, arg, this.scale) ?? arg)
        : arg;
    if (this.high === undefined) {
      const v = toRepr(e, scaled, 'i64');
      // sum(int4) is an int8: only partial sums can be large enough to leave it.
      const bounds = boundsOf(v) ?? { min: -(1n << 63n), max: (1n << 63n) - 1n };
      const checked =
        this.type.kind === 'int8' && v.type.kind === 'int8' && !fitsAsSum(bounds) && !this.fits();
      s.get(this.low);
      if (!checked) {
        e.push(v.parts[0]).op('i64.add');
        const sum = e.save('i64');
        s.set(this.low, () => f.get(sum));
        return;
      }
      const old = e.save('i64');
      f.get(old);
      e.push(v.parts[0]).op('i64.add');
      const sum = e.save('i64');
      f.get(old).get(sum).op('i64.xor');
      e.push(v.parts[0]).get(sum).op('i64.xor').op('i64.and').i64(0n).op('i64.lt_s');
      f.if(() => e.fail(FAIL.bigintOutOfRange));
      s.set(this.low, () => f.get(sum));
      return;
    }
    const v = toRepr(e, scaled, scaled.repr === 'i128' || scaled.repr === 'str' ? 'i128' : 'i64');
    const { high: highCell } = this;
    s.get(this.low);
    e.push(v.parts[0]).op('i64.add');
    const low = e.save('i64');
    s.set(this.low, () => f.get(low));
    const pushCarry = (): void => {
      f.get(low);
      e.push(v.parts[0]).op('i64.lt_u');
    };
    const addToHigh = (push: () => void): void =>
      s.set(highCell, () => {
        s.get(highCell);
        push();
        f.op('i64.add');
      });
    if (v.repr === 'i64' && (boundsOf(v)?.min ?? -1n) >= 0n && e.ctx.uses('CarrySums')) {
      // All but never: a sum of many rows touches its low half only.
      pushCarry();
      f.if(() => addToHigh(() => f.i64(1n)));
      return;
    }
    addToHigh(() => {
      if (v.repr === 'i128') e.push(v.parts[1]);
      else e.push(v.parts[0]).i64(63n).op('i64.shr_s');
      pushCarry();
      f.op('i64.extend_i32_u').op('i64.add');
    });
  }

  private fits(): boolean {
    return this.range !== undefined && this.range.min > -(1n << 63n) && this.range.max < (1n << 63n) - 1n;
  }

  state(e: Emitter, s: StateAccess): readonly Val[] {
    const isNull = this.seen.isNull(e, s);
    const low = saveCell(e, s, this.low);
    const parts = this.high ? [low, saveCell(e, s, this.high)] : [low];
    return [
      { type: this.type, repr: this.high ? 'i128' : 'i64', range: this.range, parts, isNull, stable: true },
    ];
  }
}

/** ROWS_MAX values within the bounds cannot leave 64 bits. */
export function fitsAsSum(r: Range): boolean {
  return r.min * ROWS_MAX >= -(1n << 63n) && r.max * ROWS_MAX < 1n << 63n;
}

/** State of a value in its own representation; strings keep a buffer that grows. */
class ValueCells {
  readonly type: SqlType;
  readonly range: Range | undefined;
  private readonly repr: Val['repr'];
  private readonly parts: readonly Cell[];
  private readonly capacity: Cell | undefined;

  constructor(layout: StateLayout, type: SqlType, range: Range | undefined, buffered: boolean) {
    this.type = type;
    this.range = range;
    this.repr = reprOf(type, range);
    this.parts = reprParts(this.repr).map((t) => layout.cell(t as 'i64'));
    this.capacity = buffered && this.repr === 'str' ? layout.cell('i32') : undefined;
  }

  load(e: Emitter, s: StateAccess, isNull: Val['isNull']): Val {
    const parts = this.parts.map((cell) => saveCell(e, s, cell));
    return { type: this.type, repr: this.repr, range: this.range, parts, isNull, stable: true };
  }

  cast(e: Emitter, v: Val): Val {
    const { type } = this;
    const scaled =
      type.kind === 'numeric' && type.scale !== undefined && v.type.kind === 'numeric' && v.repr !== 'str'
        ? (rescaleUp(e, v, type.scale) ?? v)
        : v;
    return toRepr(e, scaled, this.repr);
  }

  store(e: Emitter, s: StateAccess, v: Val): void {
    if (this.capacity) this.storeBuffered(e, s, v);
    else {
      const kept = persist(e, v);
      for (const [i, cell] of this.parts.entries()) s.set(cell, () => e.push(kept.parts[i]));
    }
  }

  /** Reuses the buffer of the old value when the new one fits: sums of var-numerics change with every row. */
  private storeBuffered(e: Emitter, s: StateAccess, v: Val): void {
    const { f } = e;
    const length = e.local('i32');
    const buffer = e.local('i32');
    const capacity = this.capacity!;
    e.push(v.parts[0]).i64(32n).op('i64.shr_u').op('i32.wrap_i64').set(length);
    s.get(this.parts[0]);
    f.op('i32.wrap_i64').set(buffer);
    f.get(length);
    s.get(capacity);
    f.op('i32.gt_u');
    f.if(() => {
      const size = e.local('i32');
      f.get(length).i32(1).op('i32.shl').i32(16).op('i32.add').set(size);
      s.set(capacity, () => f.get(size));
      pushArenaAlloc(e, size);
      f.set(buffer);
    });
    f.get(buffer);
    e.push(v.parts[0]).op('i32.wrap_i64').get(length).memoryCopy();
    s.set(this.parts[0], () =>
      f
        .get(buffer)
        .op('i64.extend_i32_u')
        .get(length)
        .op('i64.extend_i32_u')
        .i64(32n)
        .op('i64.shl')
        .op('i64.or'),
    );
  }
}

/** A running value combined by a function: sums of floats, intervals and var-numerics, bit operations, extremes. */
export class FoldPrim implements Prim {
  readonly stateCount = 1;
  private readonly cells: ValueCells;
  private readonly seen: Seen;
  private readonly fold: (e: Emitter, old: Val, next: Val, keep: (v: Val) => void) => void;

  constructor(
    layout: StateLayout,
    type: SqlType,
    range: Range | undefined,
    buffered: boolean,
    fold: (e: Emitter, old: Val, next: Val, keep: (v: Val) => void) => void,
  ) {
    this.seen = new Seen(layout, false);
    this.cells = new ValueCells(layout, type, range, buffered);
    this.fold = fold;
  }

  update(e: Emitter, s: StateAccess, arg: Val | undefined): void {
    const v = this.cells.cast(e, arg!);
    this.seen.push(e, s);
    e.f.if(
      () =>
        e.scoped(() =>
          this.fold(e, this.cells.load(e, s, undefined), v, (r) =>
            this.cells.store(e, s, this.cells.cast(e, r)),
          ),
        ),
      () =>
        e.scoped(() => {
          this.cells.store(e, s, v);
          this.seen.mark(e, s);
        }),
    );
  }

  merge(e: Emitter, s: StateAccess, [value]: readonly Val[]): void {
    ifNotNull(e, [value], ([v]) => this.update(e, s, v));
  }

  state(e: Emitter, s: StateAccess): readonly Val[] {
    return [this.cells.load(e, s, this.seen.isNull(e, s))];
  }
}

export function extreme(
  name: 'min' | 'max',
): (e: Emitter, old: Val, next: Val, keep: (v: Val) => void) => void {
  return (e, old, next, keep) => {
    compareVals(e, next, old);
    e.f.i32(0).op(name === 'min' ? 'i32.lt_s' : 'i32.gt_s');
    e.f.if(() => e.scoped(() => keep(next)));
  };
}

export function keepFirst(): void {
  // any_value: the first value stays.
}

export function bitwise(
  name: AggregateName,
): (e: Emitter, old: Val, next: Val, keep: (v: Val) => void) => void {
  const and = name === 'bit_and' || name === 'bool_and';
  return (e, old, next, keep) => {
    const t = old.repr as 'i32' | 'i64';
    e.push(old.parts[0]);
    e.push(next.parts[0]).op(`${t}.${and ? 'and' : 'or'}`);
    keep({ ...old, parts: [e.save(t)] });
  };
}

/** old + next by the registry's `+` of the type, called in TypeScript. */
export function addByHost(type: SqlType): (e: Emitter, old: Val, next: Val, keep: (v: Val) => void) => void {
  return (e, old, next, keep) =>
    keep(
      emitHostCall(e, `+(${type.kind},${type.kind})`, [old, next], { type, repr: reprOf(type) }, true, false),
    );
}

/** Float sums: overflow to infinity from finite numbers fails, as in PostgreSQL. */
export function addFloats(
  t: 'f32' | 'f64',
): (e: Emitter, old: Val, next: Val, keep: (v: Val) => void) => void {
  return (e, old, next, keep) => {
    const { f } = e;
    e.push(old.parts[0]);
    e.push(next.parts[0]).op(`${t}.add`);
    const sum = e.save(t);
    const infinite = (push: () => void): void => {
      push();
      f.op(`${t}.abs`);
      if (t === 'f32') f.f32(Number.POSITIVE_INFINITY);
      else f.f64(Number.POSITIVE_INFINITY);
      f.op(`${t}.eq`);
    };
    infinite(() => f.get(sum));
    f.if(() => {
      infinite(() => e.push(old.parts[0]));
      infinite(() => e.push(next.parts[0]));
      f.op('i32.or').op('i32.eqz');
      f.if(() => e.fail(t === 'f32' ? FAIL.realOutOfRange : FAIL.floatOverflow));
    });
    keep({ ...old, parts: [sum] });
  };
}

/** Count, sum and sum of squared deviations of floats, by Youngs and Cramer as in PostgreSQL's float8_accum. */
export class FloatVariancePrim implements Prim {
  readonly stateCount = 3;
  private readonly n: Cell;
  private readonly sum: Cell;
  private readonly squares: Cell;

  constructor(layout: StateLayout) {
    this.n = layout.cell('f64');
    this.sum = layout.cell('f64');
    this.squares = layout.cell('f64');
  }

  update(e: Emitter, s: StateAccess, arg: Val | undefined): void {
    const { f } = e;
    const x = toRepr(e, arg!, 'f64').parts[0];
    s.get(this.n);
    f.f64(1).op('f64.add');
    const n = e.save('f64');
    s.get(this.sum);
    e.push(x).op('f64.add');
    const sum = e.save('f64');
    s.set(this.n, () => f.get(n));
    f.get(n).f64(1).op('f64.gt');
    f.if(
      () => {
        const d = f.local('f64');
        // (x * n - sum)^2 / (n * (n - 1)); with infinite inputs this is NaN, as it must be.
        e.push(x).get(n).op('f64.mul').get(sum).op('f64.sub').set(d);
        s.set(this.squares, () => {
          s.get(this.squares);
          f.get(d)
            .get(d)
            .op('f64.mul')
            .get(n)
            .get(n)
            .f64(1)
            .op('f64.sub')
            .op('f64.mul')
            .op('f64.div')
            .op('f64.add');
        });
      },
      () => {
        // A first value that is infinite or NaN makes the deviation NaN: x - x is 0 or NaN.
        s.set(this.squares, () => {
          e.push(x);
          e.push(x).op('f64.sub');
        });
      },
    );
    s.set(this.sum, () => f.get(sum));
  }

  merge(e: Emitter, s: StateAccess, states: readonly Val[]): void {
    const { f } = e;
    const [count, sum2, squares2] = states;
    e.push(count.parts[0]).op('f64.convert_i64_s');
    const n2 = e.save('f64');
    f.get(n2).f64(0).op('f64.gt');
    f.if(() =>
      e.scoped(() => {
        s.get(this.n);
        const n1 = e.save('f64');
        f.get(n1).f64(0).op('f64.eq');
        f.if(
          () => {
            s.set(this.n, () => f.get(n2));
            s.set(this.sum, () => e.push(sum2.parts[0]));
            s.set(this.squares, () => e.push(squares2.parts[0]));
          },
          () => {
            const d = f.local('f64');
            s.get(this.sum);
            f.get(n1).op('f64.div');
            e.push(sum2.parts[0]).get(n2).op('f64.div').op('f64.sub').set(d);
            s.set(this.squares, () => {
              s.get(this.squares);
              e.push(squares2.parts[0]).op('f64.add');
              f.get(n1).get(n2).op('f64.mul').get(d).op('f64.mul').get(d).op('f64.mul');
              f.get(n1).get(n2).op('f64.add').op('f64.div').op('f64.add');
            });
            s.set(this.sum, () => {
              s.get(this.sum);
              e.push(sum2.parts[0]).op('f64.add');
            });
            s.set(this.n, () => f.get(n1).get(n2).op('f64.add'));
          },
        );
      }),
    );
  }

  state(e: Emitter, s: StateAccess): readonly Val[] {
    s.get(this.n);
    e.f.op('i64.trunc_f64_s');
    const n = e.save('i64');
    e.f.get(n).op('i64.eqz');
    const isNull = e.save('i32');
    const float = (cell: Cell): Val => ({
      type: { kind: 'float8' },
      repr: 'f64',
      parts: [saveCell(e, s, cell)],
      isNull,
      stable: true,
    });
    return [
      {
        type: INT8,
        repr: 'i64',
        range: { min: 0n, max: ROWS_MAX },
        parts: [n],
        isNull: undefined,
        stable: true,
      },
      float(this.sum),
      float(this.squares),
    ];
  }
}
