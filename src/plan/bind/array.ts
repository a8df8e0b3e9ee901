/** Arrays, as far as catalog queries use them: `x op ANY (array)`, ARRAY[...] of constants.
 *
 *  An array value is its PostgreSQL text literal; a constant one is opened into a list of constants. */
import type { A_ArrayExpr, FuncCall, Node } from 'libpg-query';
import { type SqlType, TEXT } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { exprNullable, exprType, FALSE, TRUE } from '../expr-util.js';
import { values } from '../logical/builders.js';
import type { LogicalPlan } from '../logical/nodes.js';
import { locationOf } from './ast.js';
import { callByName } from './call.js';
import { coerce, coerceExplicit, coerceTo, unify } from './coerce.js';
import type { BindContext } from './context.js';
import type { Binding } from './level.js';
import { bindInList, bindOperator } from './operator.js';
import { resolveTypeName } from './type-name.js';

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
  const type = exprType(right);
  const array: Expr =
    type.kind === 'unknown' ? coerceTo(ctx, right, { kind: 'array', element: exprType(left) }) : right;
  const arrayType = exprType(array);
  if (arrayType.kind !== 'array')
    throw ctx.error('42809', 'op ANY/ALL (array) requires array on right side', at);
  if (array.kind === 'const' && array.value === null)
    return { kind: 'const', value: null, type: { kind: 'bool' } };
  const element = coerce(ctx, left, arrayType.element, 'implicit') ?? left;
  if (op === '=' && !all) return callByName(b, 'array_contains', [array, element], at);
  if (op === '<>' && all) return { kind: 'not', arg: callByName(b, 'array_contains', [array, element], at) };
  throw ctx.notSupported(`${op} ${all ? 'ALL' : 'ANY'} over an array that is not constant`, at);
}

/** The elements of an array that is written out: ARRAY[...], '{...}', or a cast of one. */
function elements(b: Binding, n: Node, leftType: SqlType): readonly Expr[] | undefined {
  const { ctx } = b;
  if ('A_ArrayExpr' in n) return (n.A_ArrayExpr.elements ?? []).map(b.bind);
  if ('A_Const' in n && n.A_Const.sval !== undefined)
    return parseElements(
      ctx,
      n.A_Const.sval.sval ?? '',
      leftType.kind === 'unknown' ? TEXT : leftType,
      n.A_Const.location,
    );
  if ('TypeCast' in n) {
    const { arg, typeName } = n.TypeCast;
    const t = resolveTypeName(ctx, typeName).type;
    if (t.kind !== 'array' || arg === undefined) return undefined;
    if ('A_ArrayExpr' in arg)
      return (arg.A_ArrayExpr.elements ?? []).map((x) =>
        coerceExplicit(ctx, b.bind(x), { type: t.element }, locationOf(x)),
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
): readonly Expr[] {
  const parts = parseArrayLiteral(text);
  if (parts === undefined) throw ctx.error('22P02', `malformed array literal: "${text}"`, at);
  return parts.map((p) => {
    const e = ctx.at({ kind: 'const', value: p, type: { kind: 'unknown' } } as Expr, at ?? 0);
    return coerceTo(ctx, e, type);
  });
}

/** One-dimensional `{a,"b c",NULL}`; undefined when it is malformed. */
export function parseArrayLiteral(text: string): (string | null)[] | undefined {
  const s = text.trim();
  if (!s.startsWith('{') || !s.endsWith('}')) return undefined;
  const inner = s.slice(1, -1);
  if (inner.trim() === '') return [];
  const items: (string | null)[] = [];
  let i = 0;
  for (;;) {
    while (/\s/.test(inner[i] ?? '')) i++;
    let item = '';
    if (inner[i] === '"') {
      i++;
      while (i < inner.length && inner[i] !== '"') {
        if (inner[i] === '\\') i++;
        item += inner[i++] ?? '';
      }
      if (inner[i] !== '"') return undefined;
      i++;
      while (/\s/.test(inner[i] ?? '')) i++;
      items.push(item);
    } else {
      while (i < inner.length && inner[i] !== ',') {
        if (inner[i] === '{' || inner[i] === '}' || inner[i] === '"') return undefined;
        if (inner[i] === '\\') i++;
        item += inner[i++] ?? '';
      }
      item = item.trimEnd();
      if (item === '') return undefined;
      items.push(item.toUpperCase() === 'NULL' ? null : item);
    }
    if (i >= inner.length) return items;
    if (inner[i] !== ',') return undefined;
    i++;
  }
}

export function formatArrayLiteral(items: readonly (string | null)[]): string {
  const item = (s: string | null): string => {
    if (s === null) return 'NULL';
    return s === '' || /[\s{},"\\]/.test(s) || s.toUpperCase() === 'NULL'
      ? `"${s.replace(/["\\]/g, (c) => `\\${c}`)}"`
      : s;
  };
  return `{${items.map(item).join(',')}}`;
}

/** ARRAY[...] as a value; its elements must be constants. */
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
  const bound =
    elementType === undefined
      ? unify(ctx, nodes.map(b.bind), 'ARRAY', nodes.map(locationOf), false)
      : {
          exprs: nodes.map((x) => coerceExplicit(ctx, b.bind(x), { type: elementType }, locationOf(x))),
          type: elementType,
        };
  const texts = bound.exprs.map((e) => {
    const text = coerceExplicit(ctx, e, { type: TEXT }, a.location);
    if (text.kind !== 'const')
      throw ctx.notSupported('ARRAY of expressions that are not constant', a.location);
    return text.value as string | null;
  });
  return ctx.at(
    { kind: 'const', value: formatArrayLiteral(texts), type: { kind: 'array', element: bound.type } } as Expr,
    a.location ?? 0,
  );
}

/** `unnest(array)` in FROM, of an array that is written out: rows of constants. */
export function unnestPlan(b: Binding, f: FuncCall, name: string): LogicalPlan {
  const { ctx } = b;
  const [arg] = f.args ?? [];
  if (arg === undefined || (f.args ?? []).length !== 1)
    throw ctx.notSupported('unnest of several arrays', f.location);
  const items = elements(b, arg, TEXT);
  if (items === undefined) throw ctx.notSupported('unnest of an array that is not written out', f.location);
  if (items.length === 0) {
    const type = exprType(b.bind(arg));
    const element: SqlType = type.kind === 'array' ? type.element : TEXT;
    return values([], [ctx.column(name, element, true)]);
  }
  const u = unify(
    ctx,
    items,
    'ARRAY',
    items.map(() => f.location),
    false,
  );
  return values(
    u.exprs.map((e) => [e]),
    [ctx.column(name, u.type, u.exprs.some(exprNullable))],
  );
}
