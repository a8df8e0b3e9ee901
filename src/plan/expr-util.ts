/** Building, walking, rewriting and comparing bound expressions.
 *
 *  Owns: everything that is true of an expression by its shape alone. Must not know: plans, apart from asking for the
 *  free columns of a subquery and substituting into it. Invariant: a rewrite never leaves the two sides of a
 *  comparison with different type kinds, because it never changes the type of what it replaces. */
import { functionById } from '../types/functions/registry.js';
import type { ColId } from '../types/ids.js';
import { unreachable } from '../types/sql-error.js';
import { BOOL, type SqlType } from '../types/sql-type.js';
import type { Value } from '../types/value.js';
import type { CmpOp, Column, Expr, SortKey } from './expr.js';
import { mapExpr, someExpr, walkExpr } from './expr-walk.js';
import { freeColumns, mapPlanExprs } from './logical/transform.js';

export { exprKey } from './expr-key.js';
export { childExprs, mapChildren, mapExpr, someExpr, walkExpr, when } from './expr-walk.js';

export const TRUE: Expr = { kind: 'const', value: true, type: BOOL };
export const FALSE: Expr = { kind: 'const', value: false, type: BOOL };

export function col(c: Column): Extract<Expr, { kind: 'col' }> {
  return { kind: 'col', id: c.id, type: c.type, nullable: c.nullable };
}

export function constant(value: Value, type: SqlType): Expr {
  return { kind: 'const', value, type };
}

export function cmp(op: CmpOp, left: Expr, right: Expr): Expr {
  return { kind: 'cmp', op, left, right };
}

export function not(arg: Expr): Expr {
  return { kind: 'not', arg };
}

/** AND of all, flattened; TRUE for none. */
export function conjunction(args: readonly Expr[]): Expr {
  const flat = args.flatMap(conjuncts);
  if (flat.length === 0) return TRUE;
  return flat.length === 1 ? flat[0] : { kind: 'and', args: flat };
}

/** OR of all, flattened; FALSE for none. */
export function disjunction(args: readonly Expr[]): Expr {
  const flat = args.flatMap((a) => (a.kind === 'or' ? a.args : [a]));
  if (flat.length === 0) return FALSE;
  return flat.length === 1 ? flat[0] : { kind: 'or', args: flat };
}

/** The conjuncts of a predicate, nested ANDs opened; none for TRUE or undefined. */
export function conjuncts(e: Expr | undefined): readonly Expr[] {
  if (e === undefined || isTrue(e)) return [];
  return e.kind === 'and' ? e.args.flatMap(conjuncts) : [e];
}

/** The predicate of both: undefined stands for TRUE. */
export function both(a: Expr | undefined, b: Expr | undefined): Expr | undefined {
  const all = [...conjuncts(a), ...conjuncts(b)];
  return all.length === 0 ? undefined : conjunction(all);
}

export function isTrue(e: Expr): boolean {
  return e.kind === 'const' && e.value === true;
}

const MIRROR: Record<CmpOp, CmpOp> = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const NEGATE: Record<CmpOp, CmpOp> = { '=': '<>', '<>': '=', '<': '>=', '<=': '>', '>': '<=', '>=': '<' };

/** `a op b` is `b mirrorCmp(op) a`. */
export function mirrorCmp(op: CmpOp): CmpOp {
  return MIRROR[op];
}

/** `NOT (a op b)` is `a negateCmp(op) b`. */
export function negateCmp(op: CmpOp): CmpOp {
  return NEGATE[op];
}

export function exprType(e: Expr): SqlType {
  switch (e.kind) {
    case 'col':
    case 'const':
    case 'param':
    case 'call':
    case 'case':
    case 'coalesce':
    case 'greatest':
    case 'least':
    case 'subquery':
      return e.type;
    case 'cmp':
    case 'distinct':
    case 'and':
    case 'or':
    case 'not':
    case 'isnull':
    case 'istruth':
    case 'in':
    case 'like':
      return BOOL;
    default:
      return unreachable(e);
  }
}

/** Functions that give NULL only for a NULL argument. Others, even strict ones (`regexp_match`, `to_char` of an infinite
 *  instant), may give NULL at will, so this is a list and not `strict`. */
const NEVER_NULL = new Set(
  (
    '+ - * / % || ^ @ & | # ~ << >> |/ assign fit abs ceil ceiling floor round trunc sign sqrt power exp ln log mod div ' +
    'upper lower initcap length char_length character_length octet_length bit_length substr position strpos ' +
    'left right lpad rpad ltrim rtrim btrim replace repeat reverse overlay ascii chr md5 concat starts_with split_part ' +
    'translate date_trunc make_date timezone now current_date current_timestamp transaction_timestamp ' +
    'statement_timestamp clock_timestamp localtimestamp localtime current_time random pi ~* !~ !~* ' +
    'version current_user session_user current_database degrees radians sin cos tan cardinality'
  ).split(' '),
);

/** Fields that grow for ever: of an infinite date they are infinite, the others are NULL. */
const GROWING_FIELDS = new Set(['year', 'decade', 'century', 'millennium', 'isoyear', 'julian', 'epoch']);

function callNullable(e: Extract<Expr, { kind: 'call' }>): boolean {
  return e.args.some(exprNullable) || mayGiveNull(e);
}

/** May the call give NULL although no argument is? */
function mayGiveNull(e: Extract<Expr, { kind: 'call' }>): boolean {
  const name = functionName(e.fn);
  switch (name) {
    case 'cast':
      // An infinite timestamp has no time of day.
      return (
        e.type.kind === 'time' && e.args[0] !== undefined && exprType(e.args[0]).kind.startsWith('timestamp')
      );
    case 'substring':
      // The second form takes a regular expression, which may not match.
      return e.args[1] === undefined || exprType(e.args[1]).kind === 'text';
    case 'extract':
    case 'date_part': {
      const [field, from] = e.args;
      if (from !== undefined && (exprType(from).kind === 'time' || exprType(from).kind === 'interval'))
        return false;
      return !(
        field?.kind === 'const' &&
        typeof field.value === 'string' &&
        GROWING_FIELDS.has(field.value.toLowerCase())
      );
    }
    default:
      return !NEVER_NULL.has(name);
  }
}

function functionName(fn: string): string {
  const paren = fn.indexOf('(', 1);
  return paren < 0 ? fn : fn.slice(0, paren);
}

/** May the expression be NULL? `false` is a guarantee, given that columns marked not nullable hold no NULL. */
export function exprNullable(e: Expr): boolean {
  switch (e.kind) {
    case 'col':
      return e.nullable;
    case 'const':
      return e.value === null;
    case 'param':
      return true;
    case 'call':
      return callNullable(e);
    case 'distinct':
    case 'isnull':
    case 'istruth':
      return false;
    case 'cmp':
      return exprNullable(e.left) || exprNullable(e.right);
    case 'and':
    case 'or':
      return e.args.some(exprNullable);
    case 'not':
      return exprNullable(e.arg);
    case 'case':
      return (
        e.otherwise === undefined || exprNullable(e.otherwise) || e.whens.some((w) => exprNullable(w.then))
      );
    case 'coalesce':
    case 'greatest':
    case 'least':
      return e.args.every(exprNullable);
    case 'in':
      return exprNullable(e.arg) || e.list.some(exprNullable);
    case 'like':
      return exprNullable(e.arg) || exprNullable(e.pattern);
    case 'subquery':
      return !(e.mode === 'exists' || e.mode === 'array');
    default:
      return unreachable(e);
  }
}

/** Columns the expression reads, those that its subqueries' plans read from outside included. */
export function columnsOf(e: Expr, into: Set<ColId> = new Set()): Set<ColId> {
  walkExpr(e, (x) => {
    if (x.kind === 'col') into.add(x.id);
    else if (x.kind === 'subquery') for (const id of freeColumns(x.plan)) into.add(id);
  });
  return into;
}

export function readsOnly(e: Expr, available: ReadonlySet<ColId>): boolean {
  for (const id of columnsOf(e)) if (!available.has(id)) return false;
  return true;
}

/** Replaces columns, in the plans of subqueries too (ids are unique, so nothing can be captured). */
export function substitute(e: Expr, by: ReadonlyMap<ColId, Expr>): Expr {
  if (by.size === 0) return e;
  return mapExpr(e, (x) => {
    if (x.kind === 'col') return by.get(x.id) ?? x;
    if (x.kind === 'subquery') return { ...x, plan: mapPlanExprs(x.plan, (y) => substitute(y, by)) };
    return x;
  });
}

export function substituteKey(k: SortKey, by: ReadonlyMap<ColId, Expr>): SortKey {
  return { ...k, expr: substitute(k.expr, by) };
}

export function hasSubquery(e: Expr): boolean {
  return someExpr(e, (x) => x.kind === 'subquery');
}

/** Calls a volatile function: must be evaluated exactly once for each row, where it stands. */
export function isVolatile(e: Expr): boolean {
  return someExpr(e, (x) => x.kind === 'call' && functionById(x.fn)?.volatility === 'volatile');
}

/** No columns, parameters, subqueries or volatile calls: one value for the whole statement. */
export function isStatementConstant(e: Expr): boolean {
  return !someExpr(e, (x) => x.kind === 'col' || x.kind === 'subquery') && !isVolatile(e);
}
