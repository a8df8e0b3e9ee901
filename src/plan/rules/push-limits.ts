/** LIMIT goes below projects and to the inputs of UNION ALL (each keeps limit + offset rows), so that it meets the
 *  sort and becomes top-N; a sort whose order nothing can see goes.
 *
 *  Not below a volatile project: its expressions would run for fewer rows. */
import { INT8 } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { constant, isVolatile } from '../expr-util.js';
import { limit } from '../logical/builders.js';
import type { Limit, LogicalPlan } from '../logical/nodes.js';
import { inputsOf, transformPlan, withInputs } from '../logical/transform.js';
import type { Rule } from './rule.js';

export const pushLimits: Rule = {
  name: 'PushLimits',
  apply: (plan) => transformPlan(plan, (p) => (p.kind === 'limit' ? pushed(p) : p)),
};

function pushed(p: Limit): LogicalPlan {
  const below = p.input;
  if (below.kind === 'project' && !below.exprs.some(isVolatile))
    return withInputs(below, [pushed(limit(below.input, p.limit, p.offset))]);
  const rows = rowsWanted(p.limit, p.offset);
  if (below.kind === 'setop' && below.op === 'union' && below.all && rows !== undefined)
    return withInputs(p, [
      withInputs(
        below,
        below.inputs.map((i) => (i.kind === 'limit' ? i : pushed(limit(i, rows, undefined)))),
      ),
    ]);
  return p;
}

function rowsWanted(count: Expr | undefined, offset: Expr | undefined): Expr | undefined {
  if (count?.kind !== 'const' || typeof count.value !== 'bigint' || count.value < 0n) return undefined;
  if (offset === undefined) return count;
  if (offset.kind !== 'const' || typeof offset.value !== 'bigint' || offset.value < 0n) return undefined;
  return constant(count.value + offset.value, INT8);
}

/** Order matters at the root and under LIMIT, through nodes that keep it. */
export const dropSorts: Rule = {
  name: 'DropSorts',
  apply: (plan) => drop(plan, true),
};

function drop(p: LogicalPlan, seen: boolean): LogicalPlan {
  switch (p.kind) {
    case 'sort': {
      const input = drop(p.input, false);
      return seen ? withInputs(p, [input]) : input;
    }
    case 'limit':
      return withInputs(p, [drop(p.input, true)]);
    case 'project':
    case 'filter':
    case 'repeat':
      return withInputs(p, [drop(p.input, seen)]);
    case 'aggregate': {
      // string_agg and array_agg without their own ORDER BY see the order of their input, as in PostgreSQL.
      const ordered = p.aggs.some(
        (a) => (a.name === 'string_agg' || a.name === 'array_agg') && a.orderBy.length === 0,
      );
      return withInputs(p, [drop(p.input, ordered)]);
    }
    default:
      return withInputs(
        p,
        inputsOf(p).map((i) => drop(i, false)),
      );
  }
}
