/** Bound expressions over a row in memory, straight from their definition: the reference for plan simulations. */

import type { CmpOp, Expr } from '../../src/plan/expr.js';
import { exprType } from '../../src/plan/expr-util.js';
import { compareValues } from '../../src/types/compare.js';
import { likeMatch } from '../../src/types/functions/like.js';
import { functionById } from '../../src/types/functions/registry.js';
import type { ColId } from '../../src/types/ids.js';
import type { Value } from '../../src/types/value.js';
import { TEST_FUNCTIONS } from './plan-sql.js';

export type Row = ReadonlyMap<ColId, Value>;

export function compareOp(op: CmpOp, order: number): boolean {
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

function same(e: Expr, a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  return compareValues(exprType(e), a, b) === 0;
}

export function evaluate(e: Expr, row: Row): Value {
  switch (e.kind) {
    case 'col': {
      const v = row.get(e.id);
      if (v === undefined) throw new Error(`column #${e.id} is not in the row`);
      return v;
    }
    case 'const':
      return e.value;
    case 'param':
      throw new Error('no parameters here');
    case 'call': {
      const def = functionById(e.fn);
      if (def === undefined) throw new Error(`no function ${e.fn}`);
      const args = e.args.map((a) => evaluate(a, row));
      if (def.strict && args.some((a) => a === null)) return null;
      return def.impl(args, TEST_FUNCTIONS, e.args.map(exprType), e.type);
    }
    case 'cmp': {
      const l = evaluate(e.left, row);
      const r = evaluate(e.right, row);
      return l === null || r === null ? null : compareOp(e.op, compareValues(exprType(e.left), l, r));
    }
    case 'distinct':
      return same(e.left, evaluate(e.left, row), evaluate(e.right, row)) === e.negated;
    case 'and': {
      let unknown = false;
      for (const a of e.args) {
        const v = evaluate(a, row);
        if (v === false) return false;
        if (v === null) unknown = true;
      }
      return unknown ? null : true;
    }
    case 'or': {
      let unknown = false;
      for (const a of e.args) {
        const v = evaluate(a, row);
        if (v === true) return true;
        if (v === null) unknown = true;
      }
      return unknown ? null : false;
    }
    case 'not': {
      const v = evaluate(e.arg, row);
      return v === null ? null : v !== true;
    }
    case 'isnull':
      return (evaluate(e.arg, row) === null) !== e.negated;
    case 'istruth':
      return (evaluate(e.arg, row) === e.truth) !== e.negated;
    case 'case':
      for (const w of e.whens) if (evaluate(w.when, row) === true) return evaluate(w.then, row);
      return e.otherwise === undefined ? null : evaluate(e.otherwise, row);
    case 'coalesce':
      for (const a of e.args) {
        const v = evaluate(a, row);
        if (v !== null) return v;
      }
      return null;
    case 'greatest':
    case 'least': {
      let best: Value = null;
      for (const a of e.args) {
        const v = evaluate(a, row);
        if (v === null) continue;
        const order = best === null ? 0 : compareValues(e.type, v, best);
        if (best === null || (e.kind === 'greatest' ? order > 0 : order < 0)) best = v;
      }
      return best;
    }
    case 'in': {
      const v = evaluate(e.arg, row);
      if (v === null) return null;
      let unknown = false;
      for (const x of e.list) {
        const y = evaluate(x, row);
        if (y === null) unknown = true;
        else if (compareValues(exprType(e.arg), v, y) === 0) return !e.negated;
      }
      return unknown ? null : e.negated;
    }
    case 'like': {
      const v = evaluate(e.arg, row);
      const p = evaluate(e.pattern, row);
      if (typeof v !== 'string' || typeof p !== 'string') return null;
      return likeMatch(v, p, e.escape, e.caseInsensitive) !== e.negated;
    }
    case 'subquery':
      throw new Error('a physical plan has no subqueries');
  }
}
