/** Subqueries in expressions: scalar, EXISTS, IN and ANY/ALL, ARRAY.
 *
 *  The plan may read columns of the enclosing levels; they stay free ids in it. */
import type { Node, SubLink } from 'libpg-query';
import { BOOL, sameType } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { col, exprType } from '../expr-util.js';
import { project } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { namesOf, selectOf } from './ast.js';
import type { Binding } from './level.js';
import { comparable, compareRows, isCmpOp, noOperator } from './operator.js';

export function bindSubLink(b: Binding, s: SubLink): Expr {
  const { ctx } = b;
  const select = selectOf(s.subselect);
  if (select === undefined) throw ctx.notSupported('this kind of subquery', s.location);
  const { plan } = b.bindQuery(select, b.level);
  switch (s.subLinkType) {
    case 'EXISTS_SUBLINK':
      return ctx.at(
        { kind: 'subquery', mode: 'exists', plan, left: [], op: undefined, type: BOOL },
        s.location ?? 0,
      );
    case 'EXPR_SUBLINK':
    case 'ARRAY_SUBLINK': {
      if (plan.cols.length !== 1)
        throw ctx.error('42601', 'subquery must return only one column', s.location);
      const element = plan.cols[0].type;
      const array = s.subLinkType === 'ARRAY_SUBLINK';
      return ctx.at(
        {
          kind: 'subquery',
          mode: array ? 'array' : 'scalar',
          plan,
          left: [],
          op: undefined,
          type: array ? { kind: 'array', element } : element,
        },
        s.location ?? 0,
      );
    }
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK':
      return bindQuantified(b, s, plan);
    default:
      throw ctx.notSupported('a comparison of a row with a subquery', s.location);
  }
}

function bindQuantified(b: Binding, s: SubLink, plan: LogicalPlan): Expr {
  const { ctx } = b;
  const op = namesOf(s.operName).at(-1) ?? '=';
  if (!isCmpOp(op)) throw ctx.notSupported(`${op} ANY/ALL over a subquery`, s.location);
  const test = s.testexpr;
  if (test === undefined) throw new Error('the parse tree lacks the left side of IN');
  const lefts: readonly Node[] = 'RowExpr' in test ? (test.RowExpr.args ?? []) : [test];
  const values = lefts.map(b.bind);
  if (lefts.length < plan.cols.length) throw ctx.error('42601', 'subquery has too many columns', s.location);
  if (lefts.length > plan.cols.length) throw ctx.error('42601', 'subquery has too few columns', s.location);
  const left: Expr[] = [];
  const right: Expr[] = [];
  for (const [i, value] of values.entries()) {
    const out = col(plan.cols[i]);
    const pair = comparable(ctx, value, out);
    if (pair === undefined) throw noOperator(ctx, op, exprType(value), exprType(out), s.location);
    left.push(pair.left);
    right.push(pair.right);
  }
  return ctx.at(
    {
      kind: 'subquery',
      mode: s.subLinkType === 'ALL_SUBLINK' ? 'all' : 'any',
      plan: castOutputs(b, plan, right),
      left,
      op,
      type: BOOL,
    },
    s.location ?? 0,
  );
}

/** `(a, b) op (SELECT ...)`: the comparison moves into the subquery, so that no row gives NULL and two are 21000. */
export function bindRowCompare(
  b: Binding,
  op: string,
  lefts: readonly Node[],
  s: SubLink,
  at: number | undefined,
): Expr {
  const { ctx } = b;
  if (!isCmpOp(op)) throw ctx.notSupported(`row operator ${op}`, at);
  const select = selectOf(s.subselect);
  if (select === undefined) throw ctx.notSupported('this kind of subquery', s.location);
  const { plan } = b.bindQuery(select, b.level);
  const values = lefts.map(b.bind);
  if (values.length < plan.cols.length) throw ctx.error('42601', 'subquery has too many columns', at);
  if (values.length > plan.cols.length) throw ctx.error('42601', 'subquery has too few columns', at);
  const test = compareRows(ctx, op, values, plan.cols.map(col), at);
  const compared = project(plan, [test], [ctx.column('?column?', BOOL, true)]);
  return { kind: 'subquery', mode: 'scalar', plan: compared, left: [], op: undefined, type: BOOL };
}

/** The plan with its columns replaced by the casts of them that a comparison needs. */
function castOutputs(b: Binding, plan: LogicalPlan, exprs: readonly Expr[]): LogicalPlan {
  if (exprs.every((e, i) => sameType(exprType(e), plan.cols[i].type))) return plan;
  const cols = exprs.map((e, i) => {
    const c = plan.cols[i];
    return e.kind === 'col' ? c : b.ctx.column(c.name, exprType(e), c.nullable);
  });
  return project(plan, exprs, cols);
}
