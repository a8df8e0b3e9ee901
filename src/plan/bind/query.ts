/** Any query expression: WITH, then a SELECT, VALUES or a set operation. The root of mutual recursion: it makes the
 *  `Binding` through which expressions reach subqueries. */
import type { SelectStmt, WithClause } from 'libpg-query';
import { selectOf } from './ast.js';
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
  const used = s.withClause === undefined ? undefined : addCtes(b, s.withClause);
  const keep = options.keepUnknown === true;
  let query: BoundQuery;
  if (s.op !== undefined && s.op !== 'SETOP_NONE') query = orderedSetOp(b, s, bindSetOperation(b, s));
  else if (s.valuesLists !== undefined) {
    level.clause = 'VALUES';
    query = orderedValues(b, s, bindValues(b, s, keep));
  } else query = bindSelectBody(b, s, keep);
  if (used !== undefined) bindUnused(b, used);
  return query;
}

/** The CTEs become visible one after the other. */
export function addCtes(b: Binding, w: WithClause): readonly Cte[] {
  const { ctx, level } = b;
  if (w.recursive === true) throw ctx.notSupported('WITH RECURSIVE', w.location);
  const added: Cte[] = [];
  for (const n of w.ctes ?? []) {
    if (!('CommonTableExpr' in n)) throw new Error('WITH without a common table expression');
    const def = n.CommonTableExpr;
    const name = def.ctename ?? '';
    if (added.some((c) => c.def.ctename === name))
      throw ctx.error('42712', `WITH query name "${name}" specified more than once`, def.location);
    if (selectOf(def.ctequery) === undefined)
      throw ctx.notSupported('data-modifying WITH queries', def.location);
    const cte: Cte = { def, level, visible: level.ctes };
    level.ctes = new Map(level.ctes).set(name, cte);
    added.push(cte);
  }
  return added;
}

/** A CTE that nothing refers to still has to be right. Those referred to have been bound at each reference. */
export function bindUnused(b: Binding, ctes: readonly Cte[]): void {
  for (const cte of ctes) {
    if (cte.level.usedCtes.has(cte.def.ctename ?? '')) continue;
    const select = selectOf(cte.def.ctequery);
    if (select !== undefined) b.bindQuery(select, cte.level.parent, { ctes: cte.visible });
  }
}
