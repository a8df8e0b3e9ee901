/** The type PostgreSQL would declare for an output column: modifiers only where they come unchanged from a table's
 *  column or a cast. Our numeric expressions know more (`price * (1 - discount)` has scale 4 for every value), but a
 *  table made from them must accept any numeric, and a client must see `numeric`. */

import type { ColId } from '../../types/ids.js';
import { hasModifier, type SqlType, sameType } from '../../types/sql-type.js';
import { scanColumn } from '../catalog.js';
import type { Expr } from '../expr.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { inputsOf } from '../logical/transform.js';
import { bare } from './type-family.js';

export function declaredTypes(plan: LogicalPlan): readonly SqlType[] {
  return plan.cols.map((c) => declared(plan, c.id) ?? bare(c.type));
}

/** Undefined: no declared modifier. */
function declared(plan: LogicalPlan, id: ColId): SqlType | undefined {
  const i = plan.cols.findIndex((c) => c.id === id);
  if (i < 0) return undefined;
  switch (plan.kind) {
    case 'scan':
      return modified(scanColumn(plan.table, plan.ordinals[i])?.type ?? plan.cols[i].type);
    case 'shared':
      return declared(plan.shared.plan, plan.from[i]);
    case 'project': {
      const e = plan.exprs[i];
      return ofExpr(e, plan.input);
    }
    case 'values':
      return agree(plan.rows.map((r) => ofExpr(r[i], plan)));
    case 'setop':
      return agree(plan.inputs.map((p, k) => declared(p, plan.inputCols[k][i].id)));
    case 'aggregate':
      return plan.groups.some((g) => g.id === id) ? declared(plan.input, id) : undefined;
    default: {
      for (const p of inputsOf(plan)) {
        if (p.cols.some((c) => c.id === id)) return declared(p, id);
      }
      return undefined;
    }
  }
}

function modified(t: SqlType): SqlType | undefined {
  return hasModifier(t) ? t : undefined;
}

function ofExpr(e: Expr, input: LogicalPlan): SqlType | undefined {
  if ('declared' in e && e.declared !== undefined)
    return e.declared.kind === 'unknown' ? e.declared : modified(e.declared);
  switch (e.kind) {
    case 'col':
      return declared(input, e.id);
    case 'call':
      if (isUnwritten(e)) return ofExpr(e.args[0], input);
      return e.fn.startsWith('array(') ? arrayOf(agree(e.args.map((x) => ofExpr(x, input)))) : undefined;
    case 'case':
      return ofCase(e, input);
    case 'coalesce': {
      const args = e.args.filter((x) => !isNull(x));
      const last = args.findIndex((x) => x.kind === 'const');
      return agree((last < 0 ? args : args.slice(0, last + 1)).map((x) => ofExpr(x, input)));
    }
    case 'greatest':
    case 'least':
      return agree(e.args.map((x) => ofExpr(x, input)));
    case 'subquery':
      return e.mode === 'scalar' ? declared(e.plan, e.plan.cols[0].id) : undefined;
    default:
      return undefined;
  }
}

/** PostgreSQL describes what its planner leaves: no branch that a constant condition rules out. Without ELSE a CASE
 *  ends in a NULL, which has no modifier. */
function ofCase(e: Extract<Expr, { kind: 'case' }>, input: LogicalPlan): SqlType | undefined {
  const branches: (SqlType | undefined)[] = [];
  for (const { when, then } of e.whens) {
    if (when.kind === 'const' && when.value !== true) continue;
    branches.push(ofExpr(then, input));
    if (when.kind === 'const') return agree(branches);
  }
  branches.push(e.otherwise === undefined ? undefined : ofExpr(e.otherwise, input));
  return agree(branches);
}

function isNull(e: Expr): boolean {
  return e.kind === 'const' && e.value === null;
}

/** A cast within one kind that nobody wrote: the binder's own, to make the facts of branches agree. */
function isUnwritten(e: Extract<Expr, { kind: 'call' }>): boolean {
  return e.fn === `cast(${e.type.kind},${e.type.kind})`;
}

function arrayOf(element: SqlType | undefined): SqlType | undefined {
  return element === undefined ? undefined : { kind: 'array', element };
}

/** The one modifier of all; `unknown` agrees with everything. */
function agree(all: readonly (SqlType | undefined)[]): SqlType | undefined {
  const types = all.filter((t) => t?.kind !== 'unknown');
  const [first] = types;
  if (first === undefined) return undefined;
  return types.every((t) => t !== undefined && sameType(t, first)) ? first : undefined;
}
