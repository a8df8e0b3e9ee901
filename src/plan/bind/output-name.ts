/** The name of an output column without AS, as PostgreSQL chooses it (FigureColname). */
import type { Node, SelectStmt } from 'libpg-query';
import { namesOf, selectOf } from './ast.js';

export function outputName(n: Node | undefined): string {
  return figure(n)?.name ?? '?column?';
}

/** `weak` names (of a cast, of CASE) give way to a better one. */
type Figured = { readonly name: string; readonly weak: boolean };

function figure(n: Node | undefined): Figured | undefined {
  if (n === undefined) return undefined;
  const strong = (name: string | undefined): Figured | undefined =>
    name === undefined ? undefined : { name, weak: false };
  if ('ColumnRef' in n) return strong(namesOf(n.ColumnRef.fields).at(-1));
  if ('A_Indirection' in n) {
    const field = namesOf(n.A_Indirection.indirection).at(-1);
    return field === undefined ? figure(n.A_Indirection.arg) : strong(field);
  }
  if ('FuncCall' in n) return strong(namesOf(n.FuncCall.funcname).at(-1));
  if ('A_Expr' in n) return n.A_Expr.kind === 'AEXPR_NULLIF' ? strong('nullif') : undefined;
  if ('TypeCast' in n) {
    const inner = figure(n.TypeCast.arg);
    if (inner !== undefined && !inner.weak) return inner;
    const type = namesOf(n.TypeCast.typeName?.names).at(-1);
    return type === undefined ? inner : { name: type, weak: true };
  }
  if ('CollateClause' in n) return figure(n.CollateClause.arg);
  if ('GroupingFunc' in n) return strong('grouping');
  if ('SubLink' in n) {
    switch (n.SubLink.subLinkType) {
      case 'EXISTS_SUBLINK':
        return strong('exists');
      case 'ARRAY_SUBLINK':
        return strong('array');
      case 'EXPR_SUBLINK':
        return strong(firstTargetName(selectOf(n.SubLink.subselect)));
      default:
        return undefined;
    }
  }
  if ('CaseExpr' in n) {
    const otherwise = figure(n.CaseExpr.defresult);
    return otherwise === undefined || otherwise.weak ? { name: 'case', weak: true } : otherwise;
  }
  if ('A_ArrayExpr' in n) return strong('array');
  if ('RowExpr' in n) return strong('row');
  if ('CoalesceExpr' in n) return strong('coalesce');
  if ('MinMaxExpr' in n) return strong(n.MinMaxExpr.op === 'IS_LEAST' ? 'least' : 'greatest');
  if ('SQLValueFunction' in n)
    return strong(
      (n.SQLValueFunction.op ?? '')
        .replace(/^SVFOP_/, '')
        .replace(/_N$/, '')
        .toLowerCase(),
    );
  return undefined;
}

/** Of a set operation: the leftmost arm's. */
function firstTargetName(s: SelectStmt | undefined): string | undefined {
  let left = s;
  while (left?.larg !== undefined) left = left.larg;
  const first = left?.targetList?.[0];
  if (first === undefined || !('ResTarget' in first)) return undefined;
  return first.ResTarget.name ?? outputNameOrNone(first.ResTarget.val);
}

function outputNameOrNone(n: Node | undefined): string | undefined {
  return figure(n)?.name;
}
