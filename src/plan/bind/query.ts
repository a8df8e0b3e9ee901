/** Any query expression: WITH, then a SELECT, VALUES or a set operation. The root of mutual recursion: it makes the
 *  `Binding` through which expressions reach subqueries. */
import type { CommonTableExpr, SelectStmt, WithClause } from 'libpg-query';
import type { SharedPlan } from '../logical/nodes.js';
import { namesOf, selectOf } from './ast.js';
import type { BindContext } from './context.js';
import { bindExpr } from './expr.js';
import { type Binding, type BoundQuery, type Cte, QueryLevel, type QueryOptions } from './level.js';
import { orderedSetOp, orderedValues } from './order-output.js';
import { bindSelectBody } from './select.js';
import { bindSetOperation } from './set-operation.js';
import { bindValues } from './values.js';

export function makeBinding(ctx: BindContext, level: QueryLevel): Binding {
  const b: Binding = {
    ctx,
    level,
    bind: (n) => bindExpr(b, n),
    bindQuery: (s, parent, options) => bindQuery(ctx, s, parent, options),
  };
  return b;
}

export function bindQuery(
  ctx: BindContext,
  s: SelectStmt,
  parent: QueryLevel | undefined,
  options: QueryOptions = {},
): BoundQuery {
  const level = new QueryLevel(parent, options.ctes);
  const b = makeBinding(ctx, level);
  if (s.withClause !== undefined) addCtes(b, s.withClause);
  const keep = options.keepUnknown === true;
  let query: BoundQuery;
  if (s.op !== undefined && s.op !== 'SETOP_NONE') query = orderedSetOp(b, s, bindSetOperation(b, s));
  else if (s.valuesLists !== undefined) {
    level.clause = 'VALUES';
    query = orderedValues(b, s, bindValues(b, s, keep));
  } else query = bindSelectBody(b, s, keep);
  return query;
}

/** Binds the CTEs and makes them visible, one after the other. They see what is outside of the query, not its FROM. */
export function addCtes(b: Binding, w: WithClause): void {
  const { ctx, level } = b;
  if (w.recursive === true) throw ctx.notSupported('WITH RECURSIVE', w.location);
  const seen: string[] = [];
  for (const n of w.ctes ?? []) {
    if (!('CommonTableExpr' in n)) throw new Error('WITH without a common table expression');
    const def = n.CommonTableExpr;
    const name = def.ctename ?? '';
    if (seen.includes(name))
      throw ctx.error('42712', `WITH query name "${name}" specified more than once`, def.location);
    seen.push(name);
    const select = selectOf(def.ctequery);
    if (select === undefined) throw ctx.notSupported('data-modifying WITH queries', def.location);
    const query = b.bindQuery(select, level.parent, { ctes: level.ctes });
    const given = namesOf(def.aliascolnames);
    if (given.length > query.names.length)
      throw ctx.error(
        '42P10',
        `WITH query "${name}" has ${query.names.length} columns available but ${given.length} columns specified`,
        def.location,
      );
    const names = query.names.map((own, i) => given[i] ?? own);
    const cte: Cte = {
      def,
      query: { plan: query.plan, names },
      shared: { id: ctx.sharedId(), name, plan: query.plan, materialized: materialized(def) },
    };
    level.ctes = new Map(level.ctes).set(name, cte);
  }
}

function materialized(def: CommonTableExpr): SharedPlan['materialized'] {
  switch (def.ctematerialized) {
    case 'CTEMaterializeAlways':
      return 'always';
    case 'CTEMaterializeNever':
      return 'never';
    default:
      return 'default';
  }
}
