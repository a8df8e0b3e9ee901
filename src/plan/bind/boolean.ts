/** Predicates: whatever stands in WHERE, ON, HAVING, AND, CASE WHEN, ... must be boolean. */
import { BOOL, typeName } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import { coerce } from './coerce.js';
import type { BindContext } from './context.js';
import { bare } from './type-family.js';

/** 42804 `argument of WHERE must be type boolean, not type integer`. */
export function coerceToBoolean(
  ctx: BindContext,
  e: Expr,
  construct: string,
  location: number | undefined,
): Expr {
  const r = coerce(ctx, e, BOOL, 'assignment', location);
  if (r === undefined)
    throw ctx.error(
      '42804',
      `argument of ${construct} must be type boolean, not type ${typeName(bare(exprType(e)))}`,
      location,
    );
  return r;
}
