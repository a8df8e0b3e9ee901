/** Recomputes, bottom-up, which columns may be NULL, and marks every reading of them alike: after subqueries became
 *  joins and outer joins became inner, what the binder knew is out of date in both directions. */
import type { ColId } from '../../types/ids.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { exprNullable, mapExpr } from '../expr-util.js';
import { aggregate, join, project, setOp } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { inputsOf, withExprs, withInputs } from '../logical/transform.js';
import type { Rule } from './rule.js';

export const refreshNullability: Rule = {
  name: 'RefreshNullability',
  required: true,
  apply: (plan) => refresh(plan, new Map()),
};

type Known = Map<ColId, boolean>;

function refresh(p: LogicalPlan, known: Known): LogicalPlan {
  const inputs = inputsOf(p).map((i) => refresh(i, known));
  for (const i of inputs) for (const c of i.cols) known.set(c.id, c.nullable);
  const column = (c: Column): Column => {
    const n = known.get(c.id);
    return n === undefined || n === c.nullable ? c : { ...c, nullable: n };
  };
  const expr = (e: Expr): Expr =>
    mapExpr(e, (x) => {
      if (x.kind !== 'col') return x;
      const n = known.get(x.id);
      return n === undefined || n === x.nullable ? x : { ...x, nullable: n };
    });
  const own = withExprs(p, expr);
  const note = <T extends LogicalPlan>(q: T): T => {
    for (const c of q.cols) known.set(c.id, c.nullable);
    return q;
  };
  switch (own.kind) {
    case 'scan':
      return note(own);
    case 'values': {
      const cols = own.cols.map((c, i) => ({ ...c, nullable: own.rows.some((r) => exprNullable(r[i])) }));
      return note({ ...own, cols });
    }
    case 'project': {
      const cols = own.cols.map((c, i) => ({ ...c, nullable: exprNullable(own.exprs[i]) }));
      return note(project(inputs[0], own.exprs, cols));
    }
    case 'join':
      return note(join(own.type, inputs[0], inputs[1], own.predicate, own));
    case 'aggregate': {
      const groups = own.groups.map(column);
      return note(
        aggregate(
          inputs[0],
          groups,
          own.aggs.map((a) => ({ ...a, out: { ...a.out, nullable: resultNullable(a, groups.length) } })),
        ),
      );
    }
    case 'distinctOn':
      return note({ ...own, input: inputs[0], keys: own.keys.map(column), cols: inputs[0].cols });
    case 'setop': {
      const inputCols = own.inputCols.map((cs) => cs.map(column));
      const cols = own.cols.map((c, i) => ({
        ...c,
        nullable: own.op === 'union' ? inputCols.some((cs) => cs[i].nullable) : inputCols[0][i].nullable,
      }));
      return note(setOp(own.op, own.all, inputs, cols, inputCols));
    }
    case 'repeat': {
      const next = withInputs(own, inputs);
      return note(next);
    }
    default: {
      const next = withInputs(own, inputs);
      return note(next);
    }
  }
}

function resultNullable(a: AggCall, groups: number): boolean {
  switch (a.name) {
    case 'count':
    case 'count_star':
      return false;
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
    case 'bool_and':
    case 'bool_or':
    case 'any_value':
    case 'bit_and':
    case 'bit_or':
      return a.out.nullable && (groups === 0 || a.filter !== undefined || a.args.some(exprNullable));
    default:
      return a.out.nullable;
  }
}
