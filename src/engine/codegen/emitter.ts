/** Emits the code of expressions into one function.
 *
 *  Owns: the function's environment (column id -> value), scopes, and the dispatch over expression kinds. Columns are
 *  bound to thunks and loaded at their first use; what a thunk yields is remembered only while the scope it ran in is
 *  open, because code in a conditional region may not have run when later code does. Everything else of SQL is in
 *  the files that `emit` dispatches to. */
import type { Expr } from '../../plan/expr.js';
import type { ColId } from '../../types/ids.js';
import type { Range, SqlType } from '../../types/sql-type.js';
import type { FunctionBuilder, Local, ValType } from '../wasm/module-builder.js';
import type { SliceContext } from './context.js';
import { emitConditionExpr, emitExpr } from './expressions.js';
import { isConst, type Operand, push, type Val } from './val.js';

type Binding = {
  readonly thunk: (() => Val) | undefined;
  val: Val | undefined;
  readonly shape: ColumnShape | undefined;
};
/** What is known of a column before it is loaded. */
export type ColumnShape = { readonly type: SqlType; readonly range?: Range | undefined };
type Scope = { readonly undo: (() => void)[]; readonly locals: Local[] };

export class Emitter {
  readonly f: FunctionBuilder;
  readonly ctx: SliceContext;
  readonly qs: Local;
  readonly ws: Local;
  private readonly env = new Map<ColId, Binding>();
  private readonly scopes: Scope[] = [];
  private readonly memo = new Map<string, Val>();

  /** `f`: first parameter = query state, second = worker state, unless given. */
  constructor(ctx: SliceContext, f: FunctionBuilder, qs: Local = f.params[0], ws: Local = f.params[1]) {
    this.ctx = ctx;
    this.f = f;
    this.qs = qs;
    this.ws = ws;
  }

  /** A local that is free again when the innermost open scope closes. Use `f.local` for one that must outlive it. */
  local(type: ValType): Local {
    const l = this.f.local(type);
    this.scopes.at(-1)?.locals.push(l);
    return l;
  }

  /** Pops the stack's top into a new local. */
  save(type: ValType): Local {
    const l = this.local(type);
    this.f.set(l);
    return l;
  }

  /** Brackets code that runs conditionally or repeatedly: bindings made and columns loaded inside are forgotten. */
  scoped<T>(body: () => T): T {
    const scope: Scope = { undo: [], locals: [] };
    this.scopes.push(scope);
    const result = body();
    this.scopes.pop();
    for (const undo of scope.undo.reverse()) undo();
    for (const l of scope.locals) this.f.release(l);
    return result;
  }

  /** Gives a column its value for the rest of the innermost scope. With a thunk, `shape` (the column) tells its bounds
   *  before it is loaded. */
  bind(id: ColId, val: Val | (() => Val), shape?: ColumnShape): void {
    const before = this.env.get(id);
    this.env.set(
      id,
      typeof val === 'function'
        ? { thunk: val, val: undefined, shape }
        : { thunk: undefined, val, shape: val },
    );
    this.onScopeEnd(() => {
      if (before === undefined) this.env.delete(id);
      else this.env.set(id, before);
    });
  }

  isBound(id: ColId): boolean {
    return this.env.has(id);
  }

  columnShape(id: ColId): ColumnShape | undefined {
    const b = this.env.get(id);
    return b?.val ?? b?.shape;
  }

  /** The column's value when it is in registers already. */
  loaded(id: ColId): Val | undefined {
    return this.env.get(id)?.val;
  }

  column(id: ColId): Val {
    const b = this.env.get(id);
    if (b === undefined) throw new Error(`column #${id} is not bound in this pipeline`);
    if (b.val === undefined) {
      b.val = b.thunk!();
      this.onScopeEnd(() => {
        b.val = undefined;
      });
    }
    return b.val;
  }

  /** The value of `key` in the innermost scope that has computed it, or computes it now. */
  once(key: string, compute: () => Val): Val {
    const known = this.memo.get(key);
    if (known !== undefined) return known;
    const val = compute();
    this.memo.set(key, val);
    this.onScopeEnd(() => this.memo.delete(key));
    return val;
  }

  emit(expr: Expr): Val {
    return emitExpr(this, expr);
  }

  /** Leaves an i32: 1 exactly when the condition is TRUE. Conjuncts are tested in their order and short-circuit. */
  emitCondition(expr: Expr): void {
    emitConditionExpr(this, expr);
  }

  push(o: Operand): FunctionBuilder {
    push(this.f, o);
    return this.f;
  }

  /** Leaves the null flag of a value (0 when it cannot be null). */
  pushNull(v: Val): FunctionBuilder {
    if (v.isNull === undefined) return this.f.i32(0);
    return this.push(v.isNull);
  }

  /** `host.fail`; code after it is not reached. */
  fail(number: number, detail = 0): void {
    this.f.i32(number).i32(detail).call(this.ctx.host.fail);
  }

  /** An i32 operand, 1 when any of the values is null; undefined when none can be. */
  anyNull(vals: readonly Val[]): Operand | undefined {
    const flags: Operand[] = [];
    for (const v of vals) {
      if (v.isNull === undefined) continue;
      if (isConst(v.isNull)) {
        if (v.isNull.const === 1) return v.isNull;
        continue;
      }
      if (!flags.includes(v.isNull)) flags.push(v.isNull);
    }
    if (flags.length <= 1) return flags[0];
    flags.forEach((flag, i) => {
      this.push(flag);
      if (i > 0) this.f.op('i32.or');
    });
    return this.save('i32');
  }

  private onScopeEnd(undo: () => void): void {
    this.scopes.at(-1)?.undo.push(undo);
  }
}
