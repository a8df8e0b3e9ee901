/** Small readers of PostgreSQL's parse tree.
 *
 *  The tree leaves out fields with default values (zero, false, empty), so every reader supplies them. */
import type { DefElem, Node, SelectStmt, TypeName } from 'libpg-query';

export function stringOf(n: Node | undefined): string | undefined {
  return n !== undefined && 'String' in n ? (n.String.sval ?? '') : undefined;
}

/** The strings of a dotted name; other parts are left out. */
export function namesOf(nodes: readonly Node[] | undefined): readonly string[] {
  return (nodes ?? []).map(stringOf).filter((s) => s !== undefined);
}

export function listOf(n: Node | undefined): readonly Node[] {
  return n !== undefined && 'List' in n ? (n.List.items ?? []) : [];
}

export function selectOf(n: Node | undefined): SelectStmt | undefined {
  return n !== undefined && 'SelectStmt' in n ? n.SelectStmt : undefined;
}

/** A literal as the text PostgreSQL's settings and options take. */
export function literalText(n: Node | undefined): string | undefined {
  if (n === undefined) return undefined;
  if ('String' in n) return n.String.sval ?? '';
  if ('Integer' in n) return String(n.Integer.ival ?? 0);
  if ('Float' in n) return n.Float.fval ?? '0';
  if ('Boolean' in n) return n.Boolean.boolval === true ? 'true' : 'false';
  if ('TypeName' in n) return namesOf((n.TypeName as TypeName).names).at(-1);
  if ('A_Const' in n) {
    const c = n.A_Const;
    if (c.isnull === true) return undefined;
    if (c.sval !== undefined) return c.sval.sval ?? '';
    if (c.ival !== undefined) return String(c.ival.ival ?? 0);
    if (c.fval !== undefined) return c.fval.fval ?? '0';
    if (c.boolval !== undefined) return c.boolval.boolval === true ? 'true' : 'false';
  }
  return undefined;
}

/** The location of any expression node, as PostgreSQL's exprLocation finds it: the leftmost of operand and operator. */
export function locationOf(n: Node | undefined): number | undefined {
  if (n === undefined) return -1;
  const own = (x: { location?: number }): number => x.location ?? 0;
  const leftmost = (a: number, b: number): number => (a < 0 ? b : b < 0 ? a : Math.min(a, b));
  if ('ColumnRef' in n) return own(n.ColumnRef);
  if ('ParamRef' in n) return own(n.ParamRef);
  if ('A_Const' in n) return own(n.A_Const);
  if ('FuncCall' in n) {
    let at = own(n.FuncCall);
    for (const a of n.FuncCall.args ?? []) at = leftmost(at, locationOf(a) ?? 0);
    return at;
  }
  if ('A_Expr' in n) {
    const left = n.A_Expr.lexpr;
    return left === undefined ? own(n.A_Expr) : leftmost(own(n.A_Expr), locationOf(left) ?? 0);
  }
  if ('TypeCast' in n) {
    const c = n.TypeCast;
    // A typed literal becomes a constant, which stands where its text stands.
    if (c.arg !== undefined && 'A_Const' in c.arg) return own(c.arg.A_Const);
    let at = locationOf(c.arg) ?? 0;
    if (c.typeName !== undefined) at = leftmost(at, own(c.typeName));
    return leftmost(at, own(c));
  }
  if ('BoolExpr' in n) return leftmost(own(n.BoolExpr), locationOf(n.BoolExpr.args?.[0]) ?? 0);
  if ('SubLink' in n) {
    const s = n.SubLink;
    return s.testexpr === undefined ? own(s) : leftmost(locationOf(s.testexpr) ?? 0, own(s));
  }
  if ('NullTest' in n) return leftmost(own(n.NullTest), locationOf(n.NullTest.arg) ?? 0);
  if ('BooleanTest' in n) return leftmost(own(n.BooleanTest), locationOf(n.BooleanTest.arg) ?? 0);
  if ('CollateClause' in n) return locationOf(n.CollateClause.arg);
  if ('A_Indirection' in n) return locationOf(n.A_Indirection.arg);
  if ('CaseExpr' in n) return own(n.CaseExpr);
  if ('CoalesceExpr' in n) return own(n.CoalesceExpr);
  if ('MinMaxExpr' in n) return own(n.MinMaxExpr);
  if ('RowExpr' in n) return own(n.RowExpr);
  if ('A_ArrayExpr' in n) return own(n.A_ArrayExpr);
  if ('SQLValueFunction' in n) return own(n.SQLValueFunction);
  if ('GroupingSet' in n) return own(n.GroupingSet);
  if ('GroupingFunc' in n) return own(n.GroupingFunc);
  if ('ResTarget' in n) return n.ResTarget.val === undefined ? own(n.ResTarget) : locationOf(n.ResTarget.val);
  if ('SetToDefault' in n) return own(n.SetToDefault);
  if ('List' in n) return locationOf(n.List.items?.[0]);
  return -1;
}

/** The name of a node's kind, for errors about what is not supported. */
export function nodeKind(n: Node): string {
  return Object.keys(n)[0] ?? 'empty node';
}

/** A boolean option of a utility statement: absent value means true. Undefined when it is not boolean. */
export function booleanOption(d: DefElem): boolean | undefined {
  const text = literalText(d.arg)?.toLowerCase();
  if (d.arg === undefined) return true;
  if (text === 'true' || text === 'on' || text === '1') return true;
  if (text === 'false' || text === 'off' || text === '0') return false;
  return undefined;
}
