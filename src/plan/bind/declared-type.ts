/** The type PostgreSQL would declare for an output column: modifiers only where they come unchanged from a table's
 *  column or a cast. Our numeric expressions know more (`price * (1 - discount)` has scale 4 for every value), but a
 *  table made from them must accept any numeric, and a client must see `numeric`. */

import type { ColId } from '../../types/ids.js';
import type { SqlType } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { inputsOf } from '../logical/transform.js';
import { bare } from './type-family.js';

export function declaredTypes(plan: LogicalPlan): readonly SqlType[] {
  return plan.cols.map((c) => (hasModifier(c.type) ? (declared(plan, c.id) ?? bare(c.type)) : c.type));
}

function hasModifier(t: SqlType): boolean {
  return 'length' in t || 'precision' in t || (t.kind === 'array' && hasModifier(t.element));
}

/** Undefined: no declared modifier. */
function declared(plan: LogicalPlan, id: ColId): SqlType | undefined {
  const i = plan.cols.findIndex((c) => c.id === id);
  if (i < 0) return undefined;
  switch (plan.kind) {
    case 'scan':
      return plan.cols[i].type;
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

function ofExpr(e: Expr, input: LogicalPlan): SqlType | undefined {
  switch (e.kind) {
    case 'col':
      return declared(input, e.id);
    case 'call':
      return e.fn.startsWith('cast(') || e.fn.startsWith('assign(') ? castDeclared(e) : undefined;
    case 'case':
      return agree(
        [...e.whens.map((w) => w.then), ...(e.otherwise === undefined ? [] : [e.otherwise])]
          .filter((x) => !isNull(x))
          .map((x) => ofExpr(x, input)),
      );
    case 'coalesce':
    case 'greatest':
    case 'least':
      return agree(e.args.filter((x) => !isNull(x)).map((x) => ofExpr(x, input)));
    case 'subquery':
      return e.mode === 'scalar' ? declared(e.plan, e.plan.cols[0].id) : undefined;
    case 'const':
      return e.type.kind === 'varchar' || e.type.kind === 'bpchar' ? e.type : undefined;
    default:
      return undefined;
  }
}

/** A cast between kinds without modifiers (integer to numeric) has known facts but declares nothing. */
function castDeclared(e: Extract<Expr, { kind: 'call' }>): SqlType | undefined {
  const plain = /^(?:cast|assign)\((\w+),(\w+)\)$/.exec(e.fn);
  if (plain?.[2] === 'numeric' && plain[1] !== 'numeric' && e.type.kind === 'numeric') {
    const implied = plain[1] === 'int2' ? 5 : plain[1] === 'int4' ? 10 : plain[1] === 'int8' ? 19 : undefined;
    if (implied === e.type.precision && e.type.scale === 0) return undefined;
  }
  return e.type;
}

function isNull(e: Expr): boolean {
  return e.kind === 'const' && e.value === null;
}

function agree(types: readonly (SqlType | undefined)[]): SqlType | undefined {
  const [first] = types;
  if (first === undefined) return undefined;
  const key = JSON.stringify(first);
  return types.every((t) => t !== undefined && JSON.stringify(t) === key) ? first : undefined;
}
