/** Constant folding of calls, and the exact type of a numeric constant.
 *
 *  A folding error leaves the call as it is: like PostgreSQL, an error that a lazy CASE would never reach must not
 *  be raised before it is reached. Binding happens in the thread that serves all sessions: what may take long for short
 *  arguments is left for the engine's workers (`FunctionDef.unbounded`). */
import type { FunctionDef } from '../../types/functions/registry-types.js';
import { SqlError } from '../../types/sql-error.js';
import { NUMERIC, type SqlType } from '../../types/sql-type.js';
import { isNumeric, type Value } from '../../types/value.js';
import type { Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import type { BindContext } from './context.js';

/** A call of `def` with arguments that have its types already, folded when it can be. `target`: a cast's own type. */
export function makeCall(ctx: BindContext, def: FunctionDef, args: readonly Expr[], target?: SqlType): Expr {
  const types = args.map(exprType);
  const consts = args.map((a) => (a.kind === 'const' ? a.value : undefined));
  const type = def.returns(types, target === undefined ? { consts } : { consts, target });
  const call: Expr = { kind: 'call', fn: def.id, args, type };
  if (def.volatility !== 'immutable' || def.unbounded === true) return call;
  const values: Value[] = [];
  for (const c of consts) {
    if (c === undefined || isLarge(c)) return call;
    values.push(c);
  }
  if (def.strict && values.includes(null)) return { kind: 'const', value: null, type };
  try {
    const value = def.impl(values, ctx.options.functions, types, type);
    return { kind: 'const', value, type: exactType(value, type) };
  } catch (e) {
    if (e instanceof SqlError) return call;
    throw e;
  }
}

/** So that even work in the square of its size is soon done. */
const TEXT_MAX = 65_536;
const DIGITS_MAX = 1000;
const NUMERIC_MAX = 10n ** BigInt(DIGITS_MAX);

function isLarge(v: Value): boolean {
  if (typeof v === 'string' || v instanceof Uint8Array) return v.length > TEXT_MAX;
  if (!isNumeric(v) || 'special' in v) return false;
  return v.scale > DIGITS_MAX || v.unscaled > NUMERIC_MAX || v.unscaled < -NUMERIC_MAX;
}

/** A numeric constant without declared scale gets its own precision and scale: what lets it be a scaled integer. NaN has
 *  none, whatever was declared. */
export function exactType(value: Value, type: SqlType): SqlType {
  if (type.kind !== 'numeric' || value === null || !isNumeric(value)) return type;
  if ('special' in value) return NUMERIC;
  if (type.scale !== undefined || value.scale < 0) return type;
  const digits = (value.unscaled < 0n ? -value.unscaled : value.unscaled).toString().length;
  return { kind: 'numeric', precision: Math.max(digits, value.scale, 1), scale: value.scale };
}
