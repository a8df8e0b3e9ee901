/** The dispatch over expression kinds: constants, columns, parameters, calls; logic and CASE are in their own files. */
import type { Expr } from '../../plan/expr.js';
import { exprType } from '../../plan/expr-util.js';
import { unreachable } from '../../types/sql-error.js';
import { emitCall } from './calls.js';
import { emitCase, emitCoalesce, emitExtreme } from './conditional.js';
import { constVal } from './constants.js';
import type { Emitter } from './emitter.js';
import { pushTruth } from './guard.js';
import { emitBoolean, emitTest, isLogic } from './logic.js';
import type { Val } from './val.js';
import { loadVal } from './value-ops.js';

export function emitExpr(e: Emitter, x: Expr): Val {
  switch (x.kind) {
    case 'col':
      return e.column(x.id);
    case 'const':
      return constVal(e, x.value, x.type);
    case 'param':
      return e.once(`param ${x.index}`, () => {
        const p = e.ctx.param(x.index, x.type);
        const v = loadVal(e, e.qs, p.offset, p.repr, x.type, undefined);
        e.f.get(e.qs).mem('i32.load', p.offset - 8);
        return { ...v, isNull: e.save('i32') };
      });
    case 'call':
      return emitCall(e, x);
    case 'case':
      return emitCase(e, x);
    case 'coalesce':
      return emitCoalesce(e, x);
    case 'greatest':
    case 'least':
      return emitExtreme(e, x);
    case 'subquery':
      throw new Error('a subquery reached the code generator');
    default:
      if (isLogic(x)) return emitBoolean(e, x);
      return unreachable(x as never);
  }
}

/** Leaves i32 1 exactly when TRUE. */
export function emitConditionExpr(e: Emitter, x: Expr): void {
  if (isLogic(x)) {
    emitTest(e, x, true);
    return;
  }
  if (exprType(x).kind !== 'bool') throw new Error(`condition of type ${exprType(x).kind}`);
  pushTruth(e, e.emit(x), true);
}
