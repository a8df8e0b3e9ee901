/** LIMIT, OFFSET and FETCH: constants or parameters of type bigint. */
import type { Node, SelectStmt } from 'libpg-query';
import { INT8, typeName } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { columnsOf, exprType, hasSubquery } from '../expr-util.js';
import { limit } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { locationOf } from './ast.js';
import { coerce } from './coerce.js';
import type { Binding } from './level.js';
import { bare } from './type-family.js';

export type Limits = { readonly count: Expr | undefined; readonly offset: Expr | undefined };

export function bindLimit(b: Binding, s: SelectStmt): Limits {
  if (s.limitOption === 'LIMIT_OPTION_WITH_TIES')
    throw b.ctx.notSupported('WITH TIES', locationOf(s.limitCount));
  const offset = bindOne(b, s.limitOffset, 'OFFSET');
  const count = bindOne(b, s.limitCount, 'LIMIT');
  return { count, offset };
}

function bindOne(b: Binding, n: Node | undefined, clause: 'LIMIT' | 'OFFSET'): Expr | undefined {
  if (n === undefined) return undefined;
  const { ctx, level } = b;
  const at = locationOf(n);
  level.clause = clause;
  const bound = b.bind(n);
  const e = coerce(ctx, bound, INT8, 'assignment', at);
  if (e === undefined)
    throw ctx.error(
      '42804',
      `argument of ${clause} must be type bigint, not type ${typeName(bare(exprType(bound)))}`,
      at,
    );
  if (columnsOf(e).size > 0) throw ctx.error('42P10', `argument of ${clause} must not contain variables`, at);
  if (hasSubquery(e)) throw ctx.notSupported(`a subquery in ${clause}`, at);
  if (e.kind === 'const' && e.value === null) return undefined;
  if (e.kind !== 'const' && e.kind !== 'param') throw ctx.notSupported(`an expression in ${clause}`, at);
  return e;
}

export function applyLimit(plan: LogicalPlan, l: Limits): LogicalPlan {
  return l.count === undefined && l.offset === undefined ? plan : limit(plan, l.count, l.offset);
}
