/** The value of an expression without columns: defaults of COPY, arguments of EXECUTE. */
import { evaluate } from '../../plan/evaluate.js';
import type { Expr } from '../../plan/expr.js';
import type { FunctionContext } from '../../types/functions/registry-types.js';
import type { SqlType } from '../../types/sql-type.js';
import { formatText, parseText } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';

/** 0A000 for what only the engine computes (subqueries). */
export function evaluateConstant(e: Expr, context: FunctionContext, params: readonly Value[] = []): Value {
  return evaluate(e, { functions: context, params });
}

/** The value as another type has it: through its text, as an assignment cast does. */
export function convertValue(value: Value, from: SqlType, to: SqlType, context: FunctionContext): Value {
  if (value === null) return null;
  return parseText(to, formatText(from, value, context), context);
}
