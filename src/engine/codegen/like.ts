/** LIKE and ILIKE. A constant pattern is taken apart at compile time: fixed pieces become comparisons at the ends and
 *  searches in between; other patterns go to the TypeScript matcher. */
import type { Expr } from '../../plan/expr.js';
import { TEXT } from '../../types/sql-type.js';
import { constVal } from './constants.js';
import type { Emitter } from './emitter.js';
import { callHostHelper } from './host-emit.js';
import type { Val } from './val.js';

type LikeExpr = Extract<Expr, { kind: 'like' }>;

/** Leaves i32 1 exactly when the expression is `truth`; operands are not null. */
export function emitLikeTest(e: Emitter, x: LikeExpr, arg: Val, pattern: Val, truth: boolean): void {
  const escape = constVal(e, x.escape, TEXT);
  callHostHelper(e, x.caseInsensitive ? '$ilike' : '$like', [arg, pattern, escape]);
  if (truth === x.negated) e.f.op('i32.eqz');
}
