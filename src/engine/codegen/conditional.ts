/** CASE, COALESCE, GREATEST, LEAST: values from branches of which one runs.
 *
 *  The branches must end in one representation. Numerics of one scale get the register that fits all of them, which
 *  is known from `shapeOf` before any branch is emitted. */
import type { Expr } from '../../plan/expr.js';
import { exprNullable } from '../../plan/expr-util.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Local } from '../wasm/module-builder.js';
import { emitComparison } from './compare.js';
import type { Emitter } from './emitter.js';
import { rescaleUp } from './numeric-repr.js';
import { type Shape, shapeOf } from './shape.js';
import { reprParts, type Val } from './val.js';
import { coerceRepr } from './value-ops.js';

/** Mutable registers for the result of branches. */
class Result {
  /** The registers as a value; `finished` once all branches are set. */
  readonly val: Val;
  private allStable = true;
  private readonly e: Emitter;
  private readonly parts: readonly Local[];
  private readonly isNull: Local | undefined;

  constructor(e: Emitter, shape: Shape, nullable: boolean) {
    this.e = e;
    this.parts = reprParts(shape.repr).map((t) => e.local(t));
    this.isNull = nullable ? e.local('i32') : undefined;
    this.val = { ...shape, parts: this.parts, isNull: this.isNull, stable: false };
  }

  set(v: Val): void {
    const { e, isNull } = this;
    const w = coerceRepr(e, asType(e, v, this.val.type), this.val.repr);
    this.allStable &&= w.stable;
    this.parts.forEach((p, i) => {
      e.push(w.parts[i]).set(p);
    });
    if (isNull !== undefined) e.pushNull(w).set(isNull);
  }

  get finished(): Val {
    return { ...this.val, stable: this.allStable };
  }

  setNull(): void {
    const { e, isNull } = this;
    if (isNull !== undefined) e.f.i32(1).set(isNull);
    // A null string is a reference that may be copied.
    if (this.val.repr === 'str') e.f.i64(0n).set(this.parts[0]);
  }
}

/** Branches of a numeric CASE without a common scale keep their own: only their bytes can say it. */
function asType(e: Emitter, v: Val, type: SqlType): Val {
  if (type.kind !== 'numeric' || v.type.kind !== 'numeric') return { ...v, type };
  return type.scale !== undefined && v.repr !== 'str' ? (rescaleUp(e, v, type.scale) ?? v) : v;
}

export function emitCase(e: Emitter, x: Extract<Expr, { kind: 'case' }>): Val {
  const f = e.f;
  const shape = shapeOf(e, x);
  const r = new Result(e, shape, exprNullable(x));
  const otherwise = (): void => {
    if (x.otherwise === undefined) r.setNull();
    else setTo(e, r, x.otherwise);
  };
  f.block((done) => {
    const arm = (i: number): void => {
      e.emitCondition(x.whens[i].when);
      f.if(() => {
        e.scoped(() => setTo(e, r, x.whens[i].then));
        f.br(done);
      });
    };
    // Only the first condition is certain to be evaluated.
    if (x.whens.length > 0) arm(0);
    e.scoped(() => {
      for (let i = 1; i < x.whens.length; i++) arm(i);
      otherwise();
    });
  });
  return r.finished;
}

function setTo(e: Emitter, r: Result, x: Expr): void {
  if (x.kind === 'const' && x.value === null) r.setNull();
  else r.set(e.emit(x));
}

export function emitCoalesce(e: Emitter, x: Extract<Expr, { kind: 'coalesce' }>): Val {
  const f = e.f;
  const first = e.emit(x.args[0]);
  if (x.args.length === 1 || first.isNull === undefined) return first;
  const r = new Result(e, shapeOf(e, x), exprNullable(x));
  const from = (v: Val, i: number): void => {
    if (v.isNull === undefined || i === x.args.length - 1) {
      r.set(v);
      return;
    }
    e.pushNull(v);
    f.if(
      () => e.scoped(() => from(e.emit(x.args[i + 1]), i + 1)),
      () => e.scoped(() => r.set({ ...v, isNull: undefined })),
    );
  };
  from(first, 0);
  return r.finished;
}

/** GREATEST and LEAST ignore nulls; NULL only when all are. */
export function emitExtreme(e: Emitter, x: Extract<Expr, { kind: 'greatest' | 'least' }>): Val {
  const f = e.f;
  // The first argument may be null although the result cannot be.
  const r = new Result(e, shapeOf(e, x), exprNullable(x.args[0]));
  const op = x.kind === 'greatest' ? '>' : '<';
  x.args.forEach((arg, i) => {
    const v = e.emit(arg);
    if (i === 0) {
      r.set(v);
      return;
    }
    // Take v when it is not null and the result so far is null or beaten.
    const better = (): void => {
      const now = { ...r.val, isNull: undefined };
      if (r.val.isNull === undefined) emitComparison(e, op, v, now);
      else {
        e.pushNull(r.val);
        f.if(
          () => f.i32(1),
          () => e.scoped(() => emitComparison(e, op, v, now)),
          'i32',
        );
      }
      f.if(() => e.scoped(() => r.set({ ...v, isNull: undefined })));
    };
    if (v.isNull === undefined) e.scoped(better);
    else {
      e.pushNull(v).op('i32.eqz');
      f.if(() => e.scoped(better));
    }
  });
  return exprNullable(x) ? r.finished : { ...r.finished, isNull: undefined };
}
