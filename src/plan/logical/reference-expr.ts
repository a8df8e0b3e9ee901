/** What a bound expression means, evaluated one value at a time: for tests of binder and rules, never for queries.
 *
 *  Subqueries are evaluated as often as they are met, through `evalPlan`, with the current row as their outside. */

import { formatArray } from '../../types/array-text.js';
import { compareValues } from '../../types/compare.js';
import { compileLike } from '../../types/functions/like.js';
import { functionById } from '../../types/functions/registry.js';
import type { FunctionContext } from '../../types/functions/registry-types.js';
import type { ColId } from '../../types/ids.js';
import { SqlError, unreachable } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import { formatText } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';
import type { CmpOp, Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import type { LogicalPlan } from './nodes.js';

/** The value of a column in the current row or one outside of it. */
export type Lookup = (id: ColId) => Value;

export type Surroundings = {
  readonly functions: FunctionContext;
  readonly params: readonly Value[];
  readonly evalPlan: (plan: LogicalPlan, outer: Lookup) => readonly (readonly Value[])[];
};

type Truth = boolean | null;

export function evalExpr(e: Expr, row: Lookup, s: Surroundings): Value {
  const ev = (x: Expr): Value => evalExpr(x, row, s);
  switch (e.kind) {
    case 'col':
      return row(e.id);
    case 'const':
      return e.value;
    case 'param':
      return s.params[e.index] ?? null;
    case 'call': {
      const def = functionById(e.fn);
      if (def === undefined) throw new Error(`no function ${e.fn}`);
      const args = e.args.map(ev);
      if (def.strict && args.includes(null)) return null;
      return def.impl(args, s.functions, e.args.map(exprType), e.type);
    }
    case 'cmp':
      return compare(e.op, exprType(e.left), ev(e.left), ev(e.right));
    case 'distinct': {
      const same = notDistinct(exprType(e.left), ev(e.left), ev(e.right));
      return e.negated ? same : !same;
    }
    case 'and':
      return all(e.args.map((a) => ev(a) as Truth));
    case 'or':
      return any(e.args.map((a) => ev(a) as Truth));
    case 'not':
      return negate(ev(e.arg) as Truth);
    case 'isnull':
      return (ev(e.arg) === null) !== e.negated;
    case 'istruth':
      return (ev(e.arg) === e.truth) !== e.negated;
    case 'case': {
      for (const w of e.whens) if (ev(w.when) === true) return ev(w.then);
      return e.otherwise === undefined ? null : ev(e.otherwise);
    }
    case 'coalesce': {
      for (const a of e.args) {
        const v = ev(a);
        if (v !== null) return v;
      }
      return null;
    }
    case 'greatest':
    case 'least': {
      const values = e.args.map(ev).filter((v) => v !== null);
      const sign = e.kind === 'greatest' ? 1 : -1;
      return values.reduce<Value>(
        (best, v) => (best === null || sign * compareValues(e.type, v, best) > 0 ? v : best),
        null,
      );
    }
    case 'in': {
      const arg = ev(e.arg);
      const found = any(e.list.map((x) => compare('=', exprType(e.arg), arg, ev(x))));
      return e.negated ? negate(found) : found;
    }
    case 'like': {
      const arg = ev(e.arg);
      const pattern = ev(e.pattern);
      if (arg === null || pattern === null) return null;
      return likeMatches(pattern as string, e.escape, e.caseInsensitive, arg as string) !== e.negated;
    }
    case 'subquery':
      return evalSubquery(e, row, s);
    default:
      return unreachable(e);
  }
}

function likeMatches(pattern: string, escapeChar: string, insensitive: boolean, text: string): boolean {
  return compileLike(pattern, escapeChar, insensitive)(text);
}

function evalSubquery(e: Extract<Expr, { kind: 'subquery' }>, row: Lookup, s: Surroundings): Value {
  const rows = s.evalPlan(e.plan, row);
  switch (e.mode) {
    case 'exists':
      return rows.length > 0;
    case 'scalar':
      if (rows.length > 1)
        throw new SqlError('21000', 'more than one row returned by a subquery used as an expression');
      return rows[0]?.[0] ?? null;
    case 'array': {
      const type = e.plan.cols[0].type;
      return formatArray(rows.map((r) => (r[0] === null ? null : formatText(type, r[0], s.functions))));
    }
    case 'any':
    case 'all': {
      const left = e.left.map((x) => evalExpr(x, row, s));
      const tests = rows.map((r) => compareRow(e.op ?? '=', e.left.map(exprType), left, r));
      return e.mode === 'any' ? any(tests) : all(tests);
    }
  }
}

function compareRow(
  op: CmpOp,
  types: readonly SqlType[],
  left: readonly Value[],
  right: readonly Value[],
): Truth {
  const equal = left.map((l, i) => compare('=', types[i], l, right[i]));
  if (op === '=') return all(equal);
  if (op === '<>') return negate(all(equal));
  return compare(op, types[0], left[0], right[0]);
}

export function compare(op: CmpOp, type: SqlType, a: Value, b: Value): Truth {
  if (a === null || b === null) return null;
  const order = compareValues(type, a, b);
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

export function notDistinct(type: SqlType, a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  return compareValues(type, a, b) === 0;
}

function all(tests: readonly Truth[]): Truth {
  if (tests.includes(false)) return false;
  return tests.includes(null) ? null : true;
}

function any(tests: readonly Truth[]): Truth {
  if (tests.includes(true)) return true;
  return tests.includes(null) ? null : false;
}

function negate(t: Truth): Truth {
  return t === null ? null : !t;
}
