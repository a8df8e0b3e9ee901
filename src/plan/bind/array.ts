/** Arrays, as far as catalog queries use them: `x op ANY (array)`, ARRAY[...], subscripts, unnest.
 *
 *  An array value is its PostgreSQL text literal; one that is written out is opened into a list of expressions, so
 *  that `= ANY ('{1,2}')` is an `in`. */
import type { A_ArrayExpr, FuncCall, Node } from 'libpg-query';
import { type ArrayItem, parseArray } from '../../types/array-text.js';
import { ARRAY_ITEM } from '../../types/functions/arrays.js';
import { functionById } from '../../types/functions/registry.js';
import type { FunctionDef } from '../../types/functions/registry-types.js';
import { SqlError } from '../../types/sql-error.js';
import { INT4, INT8, type SqlType, TEXT, typeName } from '../../types/sql-type.js';
import type { CmpOp, Expr } from '../expr.js';
import { col, constant, exprType, FALSE, TRUE } from '../expr-util.js';
import { ONE_ROW, project } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { locationOf } from './ast.js';
import { callByName } from './call.js';
import { coerceExplicit, coerceTo, unify } from './coerce.js';
import type { BindContext } from './context.js';
import { makeCall } from './fold.js';
import type { Binding, SelectListSeries } from './level.js';
import { bindInList, bindOperator, comparable, isCmpOp, noOperator } from './operator.js';
import { repeated } from './series.js';
import { bare } from './type-family.js';
import { resolveTypeName } from './type-name.js';

const QUANTIFIED: Readonly<Record<CmpOp, string>> = {
  '=': 'eq',
  '<>': 'ne',
  '<': 'lt',
  '<=': 'le',
  '>': 'gt',
  '>=': 'ge',
};

/** `left op ANY (right)` and ALL, where right is no subquery. */
export function bindAnyAll(
  b: Binding,
  op: string,
  leftNode: Node,
  rightNode: Node,
  all: boolean,
  at: number | undefined,
): Expr {
  const { ctx } = b;
  const left = b.bind(leftNode);
  const items = elements(b, rightNode, exprType(left));
  if (items !== undefined) {
    if (items.length === 0) return all ? TRUE : FALSE;
    if (op === '=' && !all) return bindInList(ctx, left, items, false, at);
    if (op === '<>' && all) return bindInList(ctx, left, items, true, at);
    const tests = items.map((x) => bindOperator(ctx, op, left, x, at));
    return tests.length === 1 ? tests[0] : { kind: all ? 'and' : 'or', args: tests };
  }
  const right = b.bind(rightNode);
  const rightType = exprType(right);
  const array =
    rightType.kind === 'unknown'
      ? coerceTo(ctx, right, { kind: 'array', element: bare(knownType(exprType(left))) })
      : right;
  const arrayType = exprType(array);
  if (arrayType.kind !== 'array')
    throw ctx.error('42809', 'op ANY/ALL (array) requires array on right side', at);
  if (!isCmpOp(op))
    throw ctx.notSupported(`${op} ${all ? 'ALL' : 'ANY'} over an array that is not written out`, at);
  const element: Expr = { kind: 'const', value: null, type: arrayType.element };
  const pair = comparable(ctx, left, element);
  if (pair === undefined) throw noOperator(ctx, op, exprType(left), arrayType.element, at);
  const common = exprType(pair.left);
  const cast =
    common.kind === arrayType.element.kind ? array : coerceTo(ctx, array, { kind: 'array', element: common });
  return callByName(b, `${all ? 'all' : 'any'}_${QUANTIFIED[op]}`, [pair.left, cast], at);
}

function knownType(t: SqlType): SqlType {
  return t.kind === 'unknown' ? TEXT : t;
}

/** The elements of an array that is written out: ARRAY[...], '{...}', or a cast of one. */
function elements(b: Binding, n: Node, leftType: SqlType): readonly Expr[] | undefined {
  const { ctx } = b;
  if ('A_ArrayExpr' in n) {
    const nodes = n.A_ArrayExpr.elements ?? [];
    if (nodes.length === 0 || nodes.some((x) => 'A_ArrayExpr' in x)) return undefined;
    return unify(ctx, nodes.map(b.bind), 'ARRAY', nodes.map(locationOf), true).exprs;
  }
  if ('A_Const' in n && n.A_Const.sval !== undefined)
    return parseElements(ctx, n.A_Const.sval.sval ?? '', knownType(leftType), n.A_Const.location);
  if ('TypeCast' in n) {
    const { arg, typeName } = n.TypeCast;
    const t = resolveTypeName(ctx, typeName);
    if (t.kind !== 'array' || arg === undefined) return undefined;
    if ('A_ArrayExpr' in arg)
      return (arg.A_ArrayExpr.elements ?? []).map((x) =>
        coerceExplicit(ctx, b.bind(x), t.element, locationOf(x)),
      );
    if ('A_Const' in arg && arg.A_Const.sval !== undefined)
      return parseElements(ctx, arg.A_Const.sval.sval ?? '', t.element, arg.A_Const.location);
  }
  return undefined;
}

function parseElements(
  ctx: BindContext,
  text: string,
  type: SqlType,
  at: number | undefined,
): readonly Expr[] | undefined {
  let items: readonly ArrayItem[];
  try {
    items = parseArray(text);
  } catch (e) {
    if (e instanceof SqlError) throw e.with({ position: ctx.position(at) });
    throw e;
  }
  const exprs: Expr[] = [];
  for (const value of items) {
    if (value !== null && typeof value !== 'string') return undefined;
    const e: Expr = { kind: 'const', value, type: { kind: 'unknown' } };
    exprs.push(coerceTo(ctx, ctx.at(e, at ?? 0), type));
  }
  return exprs;
}

/** ARRAY[...] as a value. */
export function bindArray(b: Binding, a: A_ArrayExpr, target: SqlType | undefined): Expr {
  const { ctx } = b;
  const nodes = a.elements ?? [];
  const elementType = target?.kind === 'array' ? target.element : undefined;
  if (nodes.length === 0) {
    if (elementType === undefined)
      throw ctx.error('42P18', 'cannot determine type of empty array', a.location, {
        hint: 'Explicitly cast to the desired type, for example ARRAY[]::integer[].',
      });
    return { kind: 'const', value: '{}', type: { kind: 'array', element: elementType } };
  }
  if (nodes.some((n) => 'A_ArrayExpr' in n))
    throw ctx.notSupported('arrays of several dimensions', a.location);
  const items =
    elementType === undefined
      ? unify(ctx, nodes.map(b.bind), 'ARRAY', nodes.map(locationOf), false).exprs
      : nodes.map((x) => coerceExplicit(ctx, b.bind(x), elementType, locationOf(x)));
  return callByName(b, 'array', items, a.location);
}

export function bindSubscript(b: Binding, array: Expr, index: Expr, at: number | undefined): Expr {
  const t = exprType(array);
  if (t.kind !== 'array')
    throw b.ctx.error(
      '42804',
      `cannot subscript type ${t.kind} because it does not support subscripting`,
      at,
    );
  return callByName(b, 'array_subscript', [array, coerceTo(b.ctx, index, INT4)], at);
}

function itemFunction(): FunctionDef {
  const def = functionById(`${ARRAY_ITEM}(anyarray,int4)`);
  if (def === undefined) throw new Error('there is no function for the items of arrays');
  return def;
}

const NO_FUNCTION_HINT =
  'No function matches the given name and argument types. You might need to add explicit type casts.';

export type ArraySeries = { readonly series: SelectListSeries; readonly element: Expr };

/** A series 1..n over the elements of an array, and the element at its current number. */
export function unnestSeries(b: Binding, f: FuncCall): ArraySeries {
  const { ctx } = b;
  const [arg] = f.args ?? [];
  if (arg === undefined || (f.args ?? []).length !== 1) {
    const types = (f.args ?? []).map((a) => typeName(bare(exprType(b.bind(a))))).join(', ');
    throw ctx.error('42883', `function unnest(${types}) does not exist`, f.location, {
      hint: NO_FUNCTION_HINT,
    });
  }
  return elementsOf(b, f, arg, b.level.severalSeries);
}

function elementsOf(b: Binding, f: FuncCall, arg: Node, nullable: boolean): ArraySeries {
  const { ctx } = b;
  const array = b.bind(arg);
  const type = exprType(array);
  if (type.kind === 'unknown')
    throw ctx.error('42725', 'function unnest(unknown) is not unique', f.location, {
      hint: 'Could not choose a best candidate function. You might need to add explicit type casts.',
    });
  if (type.kind !== 'array')
    throw ctx.error('42883', `function unnest(${type.kind}) does not exist`, f.location, {
      hint: NO_FUNCTION_HINT,
    });
  const out = ctx.column('unnest', INT8, nullable);
  const one = constant(1n, INT8);
  const count = coerceTo(ctx, callByName(b, 'cardinality', [array], f.location), INT8);
  const index = coerceExplicit(ctx, col(out), INT4, f.location);
  return {
    series: { out, count, start: one, step: one },
    element: makeCall(ctx, itemFunction(), [array, index]),
  };
}

/** `unnest(array, ...)` in FROM: one column for each array, as many rows as the longest has. */
export function unnestPlan(b: Binding, f: FuncCall, name: string): LogicalPlan {
  const args = f.args ?? [];
  const all = args.length < 2 ? [unnestSeries(b, f)] : args.map((a) => elementsOf(b, f, a, true));
  return project(
    repeated(
      b.ctx,
      ONE_ROW,
      all.map((a) => a.series),
    ),
    all.map((a) => a.element),
    all.map((a) => b.ctx.column(all.length > 1 ? 'unnest' : name, exprType(a.element), true)),
  );
}

/** `generate_subscripts(array, dimension)` in the select list. */
export function subscriptSeries(b: Binding, f: FuncCall): ArraySeries {
  const { ctx } = b;
  const at = f.location;
  const args = (f.args ?? []).map((a) => b.bind(a));
  const [array, dimension] = args;
  if (array === undefined || dimension === undefined || args.length !== 2 || exprType(array).kind !== 'array')
    throw ctx.error(
      '42883',
      `function generate_subscripts(${args.map((a) => typeName(exprType(a))).join(', ')}) does not exist`,
      at,
      {
        hint: NO_FUNCTION_HINT,
      },
    );
  const bound = (name: string): Expr =>
    coerceTo(ctx, callByName(b, name, [array, coerceTo(ctx, dimension, INT4)], at), INT8);
  const [lower, upper] = [bound('array_lower'), bound('array_upper')];
  const one = constant(1n, INT8);
  const count = bindOperator(ctx, '+', bindOperator(ctx, '-', upper, lower, at), one, at);
  const out = ctx.column('generate_subscripts', INT8, true);
  return {
    series: { out, count, start: lower, step: one },
    element: coerceExplicit(ctx, col(out), INT4, at),
  };
}

/** `generate_subscripts(array, dimension)` in FROM. */
export function subscriptsPlan(b: Binding, f: FuncCall, name: string): LogicalPlan {
  const { series, element } = subscriptSeries(b, f);
  return project(repeated(b.ctx, ONE_ROW, [series]), [element], [b.ctx.column(name, INT4, true)]);
}
