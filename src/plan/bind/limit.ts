/** LIMIT, OFFSET and FETCH: expressions of type bigint that read no column of their own query. */
import type { Node, SelectStmt } from 'libpg-query';
import { INT8, typeName } from '../../types/sql-type.js';
import type { Expr, SortKey } from '../expr.js';
import { columnsOf, exprType } from '../expr-util.js';
import { distinctOn, limit, sort } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { locationOf } from './ast.js';
import { coerce } from './coerce.js';
import type { Binding } from './level.js';
import { bare } from './type-family.js';

export type Limits = {
  readonly count: Expr | undefined;
  readonly offset: Expr | undefined;
  readonly ties: boolean;
};

export function bindLimit(b: Binding, s: SelectStmt): Limits {
  const ties = s.limitOption === 'LIMIT_OPTION_WITH_TIES';
  const offset = bindOne(b, s.limitOffset, 'OFFSET', false);
  const count = bindOne(b, s.limitCount, 'LIMIT', ties);
  return { count, offset, ties };
}

function bindOne(
  b: Binding,
  n: Node | undefined,
  clause: 'LIMIT' | 'OFFSET',
  ties: boolean,
): Expr | undefined {
  if (n === undefined) return undefined;
  const { ctx, level } = b;
  const at = locationOf(n);
  // Only the literal: a NULL that is computed means no limit here too.
  if (ties && 'A_Const' in n && n.A_Const.isnull === true)
    throw ctx.error('2201W', 'row count cannot be null in FETCH FIRST ... WITH TIES clause', -1);
  level.clause = clause;
  const bound = b.bind(n);
  const e = coerce(ctx, bound, INT8, 'assignment', at);
  if (e === undefined)
    throw ctx.error(
      '42804',
      `argument of ${clause} must be type bigint, not type ${typeName(bare(exprType(bound)))}`,
      at,
    );
  if ([...columnsOf(e)].some((id) => level.owned.has(id)))
    throw ctx.error('42P10', `argument of ${clause} must not contain variables`, at);
  return e.kind === 'const' && e.value === null ? undefined : e;
}

export function applyLimit(plan: LogicalPlan, l: Limits, keys: readonly SortKey[]): LogicalPlan {
  const { count, offset } = l;
  if (count === undefined && offset === undefined) return plan;
  if (!l.ties) return limit(plan, count, offset);
  // The rows come sorted; what is kept of them still has to.
  const kept = distinctOn(plan, [], keys, { limit: count, offset, ties: true });
  return sort(kept, keys);
}
