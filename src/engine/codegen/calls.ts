/** Function calls: generated code where `generators/` has some for the function's id, else a host call.
 *
 *  A generator sees non-null-safe arguments: fixed-width parts may hold anything when null, so it must not fail on
 *  them; `guarded` runs code only when all arguments are present. */
import type { Expr } from '../../plan/expr.js';
import { exprNullable } from '../../plan/expr-util.js';
import { reprOf } from '../../types/sql-type.js';
import type { Emitter } from './emitter.js';
import { generatorOf } from './generators/table.js';
import { emitHostCall } from './host-emit.js';
import { shapeOf } from './shape.js';
import type { Val } from './val.js';

export type CallExpr = Extract<Expr, { kind: 'call' }>;

export function emitCall(e: Emitter, x: CallExpr): Val {
  const generator = generatorOf(x.fn);
  const args = x.args.map((a) => e.emit(a));
  const generated = generator?.(e, args, x);
  if (generated !== undefined) return generated;
  const def = e.ctx.functions(x.fn);
  if (def === undefined) throw new Error(`unknown function ${x.fn}`);
  const range = shapeOf(e, x).range;
  const result = { type: x.type, repr: reprOf(x.type, range) };
  const v = emitHostCall(e, x.fn, args, result, def.strict, exprNullable(x));
  return { ...v, range };
}
