/** The value of an expression without columns: defaults of COPY, arguments of EXECUTE.
 *
 *  0A000 for what only the engine computes (subqueries). */
import type { CmpOp, Expr } from '../../plan/expr.js';
import { exprType } from '../../plan/expr-util.js';
import { compareValues } from '../../types/compare.js';
import { functionById } from '../../types/functions/registry.js';
import type { FunctionContext } from '../../types/functions/registry-types.js';
import { notSupported, SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import { formatText, parseText } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';

export function evaluateConstant(e: Expr, context: FunctionContext, params: readonly Value[] = []): Value {
  switch (e.kind) {
    case 'const':
      return e.value;
    case 'param':
      return params[e.index] ?? null;
    case 'call': {
      const def = functionById(e.fn);
      if (def === undefined) throw new SqlError('42883', `function ${e.fn} does not exist`);
      const args = e.args.map((a) => evaluateConstant(a, context, params));
      if (def.strict && args.includes(null)) return null;
      return def.impl(args, context, e.args.map(exprType), e.type);
    }
    case 'coalesce':
      for (const a of e.args) {
        const v = evaluateConstant(a, context, params);
        if (v !== null) return v;
      }
      return null;
    case 'isnull':
      return (evaluateConstant(e.arg, context, params) === null) !== e.negated;
    case 'cmp': {
      const left = evaluateConstant(e.left, context, params);
      const right = evaluateConstant(e.right, context, params);
      return left === null || right === null
        ? null
        : holds(e.op, compareValues(exprType(e.left), left, right));
    }
    case 'not': {
      const v = evaluateConstant(e.arg, context, params);
      return v === null ? null : !v;
    }
    default:
      throw notSupported('this expression outside of a query');
  }
}

function holds(op: CmpOp, order: number): boolean {
  switch (op) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** The value as another type has it: through its text, as an assignment cast does. */
export function convertValue(value: Value, from: SqlType, to: SqlType, context: FunctionContext): Value {
  if (value === null) return null;
  return parseText(to, formatText(from, value, context), context);
}
