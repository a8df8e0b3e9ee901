/** ORDER BY, LIMIT and OFFSET over the result of a set operation or of VALUES: only output columns can be named. */
import type { SelectStmt } from 'libpg-query';
import type { Expr, SortKey } from '../expr.js';
import { col, exprType } from '../expr-util.js';
import { pick, project, sort } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { locationOf } from './ast.js';
import type { Binding, BoundQuery, NamespaceItem } from './level.js';
import { applyLimit, bindLimit } from './limit.js';
import { bindOrderBy } from './order.js';
import type { Target } from './target.js';

export function orderedSetOp(b: Binding, s: SelectStmt, query: BoundQuery): BoundQuery {
  showOutputs(b, query, '*SELECT*');
  const targets = outputTargets(query);
  const order = bindOrderBy(b, s.sortClause ?? [], targets);
  const extra = order.find((o) => targets[o.target].hidden);
  if (extra !== undefined)
    throw b.ctx.error('0A000', 'invalid UNION/INTERSECT/EXCEPT ORDER BY clause', extra.location, {
      detail: 'Only result column names can be used, not expressions or functions.',
      hint: 'Add the expression/function to every SELECT, or move the UNION into a FROM clause.',
    });
  return ordered(b, s, query, order, targets);
}

export function orderedValues(b: Binding, s: SelectStmt, query: BoundQuery): BoundQuery {
  // VALUES is like SELECT * FROM (VALUES ...): its columns can be computed with.
  showOutputs(b, query, '*VALUES*');
  const targets = outputTargets(query);
  return ordered(b, s, query, bindOrderBy(b, s.sortClause ?? [], targets), targets);
}

/** ORDER BY sees the outputs as columns of one unnamed relation. */
function showOutputs(b: Binding, query: BoundQuery, alias: string): void {
  const item: NamespaceItem = {
    alias,
    schema: undefined,
    relVisible: false,
    colsVisible: true,
    lateralOnly: false,
    lateralOk: true,
    table: undefined,
    columns: query.names.map((name, i) => ({ name, expr: col(query.plan.cols[i]) })),
  };
  b.level.namespace = [item];
  b.level.own([item]);
}

function outputTargets(query: BoundQuery): Target[] {
  return query.names.map((name, i) => ({ name, expr: col(query.plan.cols[i]), location: -1, hidden: false }));
}

function ordered(
  b: Binding,
  s: SelectStmt,
  query: BoundQuery,
  order: ReturnType<typeof bindOrderBy>,
  targets: readonly Target[],
): BoundQuery {
  const limits = bindLimit(b, s);
  if ((s.lockingClause ?? []).length > 0) throw b.ctx.notSupported('FOR UPDATE', locationOf(undefined));
  let plan: LogicalPlan = query.plan;
  const visible = plan.cols;
  const hidden = targets.filter((t) => t.hidden);
  if (hidden.length > 0) {
    const exprs: Expr[] = [...visible.map(col), ...hidden.map((t) => t.expr)];
    plan = project(plan, exprs, [
      ...visible,
      ...hidden.map((t) => b.ctx.column(t.name, exprType(t.expr), true)),
    ]);
  }
  const cols = plan.cols;
  const keys = order.map(
    (o): SortKey => ({ expr: col(cols[o.target]), descending: o.descending, nullsFirst: o.nullsFirst }),
  );
  if (keys.length > 0 && !limits.ties) plan = sort(plan, keys);
  return { plan: pick(applyLimit(plan, limits, keys), visible), names: query.names };
}
