/** Expressions: the parse tree's node kinds to the expression algebra.
 *
 *  Owns: the dispatch over node kinds and the small ones among them. Functions, aggregates, operators and subqueries
 *  have their own files; they call back through `Binding`, so no file here imports this one. */
import type { A_Expr, CaseExpr, Node, SQLValueFunction } from 'libpg-query';
import { functionById } from '../../types/functions/registry.js';
import { INT4, TEXT, typeName, UNKNOWN } from '../../types/sql-type.js';
import type { CmpOp, Expr } from '../expr.js';
import { col, exprType, hasSubquery, TRUE, when } from '../expr-util.js';
import { bindAnyAll, bindArray, bindSubscript, subscriptSeries, unnestSeries } from './array.js';
import { listOf, locationOf, namesOf, nodeKind } from './ast.js';
import { coerceToBoolean } from './boolean.js';
import { bindFunctionCall, callByName } from './call.js';
import { coerceExplicit, coerceTo, unify } from './coerce.js';
import { checkCollation } from './collation.js';
import { makeCall } from './fold.js';
import type { Binding } from './level.js';
import { bindConstant } from './literal.js';
import {
  bindComparison,
  bindDistinct,
  bindInList,
  bindLike,
  bindOperator,
  bindPrefix,
  compareRows,
  isCmpOp,
} from './operator.js';
import { resolveColumnRef } from './resolve-column.js';
import { useSelectSeries } from './series.js';
import { bindRowCompare, bindSubLink } from './sublink.js';
import { bare, nullIfType } from './type-family.js';
import { clampPrecision, resolveTypeName } from './type-name.js';

export function bindExpr(b: Binding, n: Node): Expr {
  const { ctx } = b;
  if ('ColumnRef' in n) return resolveColumnRef(ctx, b.level, n.ColumnRef);
  if ('A_Const' in n) return bindConstant(ctx, n.A_Const);
  if ('A_Expr' in n) return bindAExpr(b, n.A_Expr);
  if ('BoolExpr' in n) {
    const { boolop, args = [], location } = n.BoolExpr;
    const name = boolop === 'NOT_EXPR' ? 'NOT' : boolop === 'OR_EXPR' ? 'OR' : 'AND';
    const bound = args.map((a) => coerceToBoolean(ctx, b.bind(a), name, locationOf(a)));
    if (name === 'NOT') return ctx.at(negate(bound[0]), location ?? 0);
    return ctx.at({ kind: name === 'OR' ? 'or' : 'and', args: bound }, location ?? 0);
  }
  if ('FuncCall' in n) {
    const name = namesOf(n.FuncCall.funcname).at(-1);
    if (name !== 'unnest' && name !== 'generate_subscripts') return bindFunctionCall(b, n.FuncCall);
    const { series, element } =
      name === 'unnest' ? unnestSeries(b, n.FuncCall) : subscriptSeries(b, n.FuncCall);
    useSelectSeries(b, series, n.FuncCall.location);
    return element;
  }
  if ('TypeCast' in n) {
    const { arg, typeName: target, location } = n.TypeCast;
    // libpg_query lets a parameter stand for the string of a typed literal; PostgreSQL does not.
    if (arg !== undefined && 'ParamRef' in arg && (target?.location ?? 0) < (arg.ParamRef.location ?? 0))
      throw ctx.error('42601', `syntax error at or near "$${arg.ParamRef.number}"`, arg.ParamRef.location);
    const type = resolveTypeName(ctx, target);
    if (arg !== undefined && 'A_ArrayExpr' in arg) return bindArray(b, arg.A_ArrayExpr, type);
    const at = location === undefined || location < 0 ? locationOf(arg) : location;
    return coerceExplicit(ctx, b.bind(operand(arg)), type, at);
  }
  if ('SubLink' in n) return bindSubLink(b, n.SubLink);
  if ('CaseExpr' in n) return bindCase(b, n.CaseExpr);
  if ('CoalesceExpr' in n) {
    const args = n.CoalesceExpr.args ?? [];
    const u = unify(ctx, args.map(b.bind), 'COALESCE', args.map(locationOf), b.level.widenScale);
    return ctx.at({ kind: 'coalesce', args: u.exprs, type: u.type }, n.CoalesceExpr.location ?? 0);
  }
  if ('MinMaxExpr' in n) {
    const { args = [], op } = n.MinMaxExpr;
    const kind = op === 'IS_LEAST' ? 'least' : 'greatest';
    const u = unify(ctx, args.map(b.bind), kind.toUpperCase(), args.map(locationOf), b.level.widenScale);
    return ctx.at({ kind, args: u.exprs, type: u.type }, n.MinMaxExpr.location ?? 0);
  }
  if ('NullTest' in n) {
    const { arg, nulltesttype } = n.NullTest;
    const negated = nulltesttype === 'IS_NOT_NULL';
    if (arg !== undefined && 'RowExpr' in arg) {
      const tests = (arg.RowExpr.args ?? []).map(
        (a): Expr => ({ kind: 'isnull', negated, arg: known(b, a) }),
      );
      return tests.length === 0 ? TRUE : { kind: 'and', args: tests };
    }
    return { kind: 'isnull', negated, arg: known(b, operand(arg)) };
  }
  if ('BooleanTest' in n) {
    const test = n.BooleanTest.booltesttype ?? 'IS_TRUE';
    const arg = coerceToBoolean(
      ctx,
      b.bind(operand(n.BooleanTest.arg)),
      test.replaceAll('_', ' '),
      locationOf(n.BooleanTest.arg),
    );
    const negated = test.startsWith('IS_NOT');
    if (test.endsWith('UNKNOWN')) return { kind: 'isnull', negated, arg };
    return { kind: 'istruth', truth: test.endsWith('TRUE'), negated, arg };
  }
  if ('ParamRef' in n) return ctx.param((n.ParamRef.number ?? 1) - 1, n.ParamRef.location);
  if ('CollateClause' in n) {
    const { arg, collname, location } = n.CollateClause;
    const e = b.bind(operand(arg));
    const name = namesOf(collname).at(-1) ?? '';
    const t = exprType(e);
    if (!['text', 'varchar', 'bpchar', 'name', 'array', 'char', 'unknown'].includes(t.kind))
      throw ctx.error('42804', `collations are not supported by type ${typeName(bare(t))}`, location);
    checkCollation(ctx, name, location);
    if (t.kind === 'unknown') return coerceTo(ctx, e, TEXT);
    return e;
  }
  if ('SQLValueFunction' in n) return bindValueFunction(b, n.SQLValueFunction);
  if ('A_ArrayExpr' in n) return bindArray(b, n.A_ArrayExpr, undefined);
  if ('RowExpr' in n) throw ctx.notSupported('a row value in this place', n.RowExpr.location);
  if ('A_Indirection' in n) return bindIndirection(b, n);
  if ('GroupingFunc' in n) return bindGrouping(b, n);
  if ('SetToDefault' in n)
    throw ctx.error('42601', 'DEFAULT is not allowed in this context', n.SetToDefault.location);
  throw ctx.notSupported(featureName(nodeKind(n)), locationOf(n));
}

function featureName(kind: string): string {
  if (kind.startsWith('Json')) return 'SQL/JSON';
  if (kind.startsWith('Xml')) return 'XML';
  return kind;
}

/** The grammar always gives this operand. */
function operand(n: Node | undefined): Node {
  if (n === undefined) throw new Error('the parse tree lacks an operand');
  return n;
}

/** An operand whose type does not matter: a bare literal or parameter is text. */
function known(b: Binding, n: Node): Expr {
  const e = b.bind(n);
  return exprType(e).kind === 'unknown' ? coerceTo(b.ctx, e, TEXT) : e;
}

function negate(e: Expr): Expr {
  switch (e.kind) {
    case 'in':
    case 'like':
    case 'isnull':
    case 'istruth':
    case 'distinct':
      return { ...e, negated: !e.negated };
    default:
      return { kind: 'not', arg: e };
  }
}

function rowItems(n: Node | undefined): readonly Node[] | undefined {
  return n !== undefined && 'RowExpr' in n ? (n.RowExpr.args ?? []) : undefined;
}

function bindAExpr(b: Binding, x: A_Expr): Expr {
  const { ctx } = b;
  const at = x.location;
  const names = namesOf(x.name);
  const op = names.at(-1) ?? '';
  if (names.length > 1 && names[0] !== 'pg_catalog')
    throw ctx.error('42883', `operator does not exist: ${names.join('.')}`, at);
  switch (x.kind) {
    case 'AEXPR_OP': {
      if (x.lexpr === undefined) return bindPrefix(ctx, op, b.bind(operand(x.rexpr)), at);
      const left = rowItems(x.lexpr);
      const right = rowItems(x.rexpr);
      if (left !== undefined && right !== undefined) {
        if (!isCmpOp(op)) throw ctx.notSupported(`row operator ${op}`, at);
        return compareRows(ctx, op, left.map(b.bind), right.map(b.bind), at);
      }
      if (left !== undefined && x.rexpr !== undefined && 'SubLink' in x.rexpr)
        return bindRowCompare(b, op, left, x.rexpr.SubLink, at);
      const outer = b.level.inQuotient;
      b.level.inQuotient = outer || op === '/';
      const operands = [b.bind(x.lexpr), b.bind(operand(x.rexpr))] as const;
      b.level.inQuotient = outer;
      return bindOperator(ctx, op, ...operands, at);
    }
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return bindAnyAll(b, op, operand(x.lexpr), operand(x.rexpr), x.kind === 'AEXPR_OP_ALL', at);
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const negated = x.kind === 'AEXPR_NOT_DISTINCT';
      const left = rowItems(x.lexpr);
      const right = rowItems(x.rexpr);
      if (left !== undefined && right !== undefined) {
        if (left.length !== right.length)
          throw ctx.error('42601', 'unequal number of entries in row expressions', at);
        const pairs = left.map((l, i) => bindDistinct(ctx, negated, b.bind(l), b.bind(right[i]), at));
        return { kind: negated ? 'and' : 'or', args: pairs };
      }
      return bindDistinct(ctx, negated, b.bind(operand(x.lexpr)), b.bind(operand(x.rexpr)), at);
    }
    case 'AEXPR_NULLIF': {
      const left = b.bind(operand(x.lexpr));
      const right = b.bind(operand(x.rexpr));
      const equal = bindComparison(ctx, '=', left, right, at);
      const again = hasSubquery(left) ? b.bind(operand(x.lexpr)) : left;
      const result = coerceTo(ctx, again, nullIfType(exprType(left), exprType(right)));
      const type = exprType(result);
      return {
        kind: 'case',
        // The result is declared as the first operand is: this NULL has no say in it.
        whens: [when(equal, { kind: 'const', value: null, type, declared: UNKNOWN })],
        otherwise: result,
        type,
      };
    }
    case 'AEXPR_IN': {
      const items = listOf(x.rexpr);
      const negated = op === '<>';
      const left = rowItems(x.lexpr);
      if (left !== undefined) {
        const tests = items.map((item) => {
          const right = rowItems(item);
          if (right === undefined) throw ctx.notSupported('a row compared with a value', locationOf(item));
          return compareRows(ctx, negated ? '<>' : '=', left.map(b.bind), right.map(b.bind), at);
        });
        return tests.length === 1 ? tests[0] : { kind: negated ? 'and' : 'or', args: tests };
      }
      return bindInList(ctx, b.bind(operand(x.lexpr)), items.map(b.bind), negated, at);
    }
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE': {
      const insensitive = x.kind === 'AEXPR_ILIKE';
      const { pattern, escapeChar } = likePattern(b, operand(x.rexpr));
      return ctx.at(
        bindLike(ctx, b.bind(operand(x.lexpr)), pattern, escapeChar, insensitive, op.startsWith('!'), at),
        at ?? 0,
      );
    }
    case 'AEXPR_SIMILAR':
      return bindOperator(ctx, op, b.bind(operand(x.lexpr)), b.bind(operand(x.rexpr)), at);
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM': {
      const [low, high] = listOf(x.rexpr);
      const negated = x.kind.startsWith('AEXPR_NOT');
      const first = operand(x.lexpr);
      const test = (o: CmpOp, bound: Node): Expr => bindComparison(ctx, o, b.bind(first), b.bind(bound), at);
      const inside = (lo: Node, hi: Node): Expr => ({ kind: 'and', args: [test('>=', lo), test('<=', hi)] });
      const outside = (lo: Node, hi: Node): Expr => ({ kind: 'or', args: [test('<', lo), test('>', hi)] });
      if (!x.kind.endsWith('SYM')) return negated ? outside(low, high) : inside(low, high);
      return negated
        ? { kind: 'and', args: [outside(low, high), outside(high, low)] }
        : { kind: 'or', args: [inside(low, high), inside(high, low)] };
    }
    default:
      throw ctx.notSupported(`operator kind ${x.kind ?? '?'}`, at);
  }
}

/** `LIKE p ESCAPE e` comes as like_escape(p, e). */
function likePattern(b: Binding, n: Node): { readonly pattern: Expr; readonly escapeChar: string } {
  if (!('FuncCall' in n) || namesOf(n.FuncCall.funcname).at(-1) !== 'like_escape')
    return { pattern: b.bind(n), escapeChar: '\\' };
  const [pattern, escaping] = n.FuncCall.args ?? [];
  const e = coerceTo(b.ctx, b.bind(operand(escaping)), TEXT);
  if (e.kind !== 'const') {
    const def = functionById('like_escape(text,text)');
    if (def === undefined) throw new Error('like_escape is a function');
    const escaped = makeCall(b.ctx, def, [coerceTo(b.ctx, b.bind(operand(pattern)), TEXT), e]);
    return { pattern: escaped, escapeChar: '\\' };
  }
  if (e.value === null) return { pattern: { kind: 'const', value: null, type: TEXT }, escapeChar: '\\' };
  if ([...(e.value as string)].length > 1)
    throw b.ctx.error('22025', 'invalid escape string', -1, {
      hint: 'Escape string must be empty or one character.',
    });
  return { pattern: b.bind(operand(pattern)), escapeChar: e.value as string };
}

function bindCase(b: Binding, c: CaseExpr): Expr {
  const { ctx } = b;
  const arms = (c.args ?? []).map((a) => {
    if (!('CaseWhen' in a)) throw new Error('CASE without WHEN');
    return a.CaseWhen;
  });
  const conditions = arms.map((a) => {
    const test = operand(a.expr);
    if (c.arg === undefined) return coerceToBoolean(ctx, b.bind(test), 'CASE/WHEN', locationOf(test));
    const subject = b.bind(c.arg);
    const typed = exprType(subject).kind === 'unknown' ? coerceTo(ctx, subject, TEXT) : subject;
    return bindComparison(ctx, '=', typed, b.bind(test), locationOf(test));
  });
  // PostgreSQL unifies the ELSE first, then the branches in order.
  const results = arms.map((a) => b.bind(operand(a.result)));
  const otherwise = c.defresult === undefined ? undefined : b.bind(c.defresult);
  const elseNull: Expr = { kind: 'const', value: null, type: { kind: 'unknown' } };
  const u = unify(
    ctx,
    [otherwise ?? elseNull, ...results],
    'CASE',
    [locationOf(c.defresult), ...arms.map((a) => locationOf(a.result))],
    b.level.widenScale,
  );
  const [last, ...branches] = u.exprs;
  return ctx.at(
    {
      kind: 'case',
      whens: conditions.map((w, i) => when(w, branches[i])),
      otherwise: otherwise === undefined ? undefined : last,
      type: u.type,
    },
    c.location ?? 0,
  );
}

function bindValueFunction(b: Binding, f: SQLValueFunction): Expr {
  const { ctx } = b;
  const name = (f.op ?? '').replace(/^SVFOP_/, '').toLowerCase();
  const bareName = name.replace(/_n$/, '');
  const called = bareName === 'user' || bareName === 'current_role' ? 'current_user' : bareName;
  const e = callByName(b, called === 'current_catalog' ? 'current_database' : called, [], f.location);
  if (bareName === name) return e;
  const { kind } = exprType(e);
  if (kind !== 'time' && kind !== 'timestamp' && kind !== 'timestamptz') return e;
  const precision = clampPrecision(ctx, kind, f.typmod ?? 0, -1);
  return coerceExplicit(ctx, e, { kind, precision }, f.location);
}

function bindIndirection(b: Binding, n: Extract<Node, { A_Indirection: unknown }>): Expr {
  const { arg, indirection = [] } = n.A_Indirection;
  const [first] = indirection;
  if (first === undefined) return b.bind(operand(arg));
  if (!('A_Indices' in first)) throw b.ctx.notSupported('a field of a row value', locationOf(arg));
  if (first.A_Indices.is_slice === true || indirection.length > 1)
    throw b.ctx.notSupported('array slices', locationOf(arg));
  return bindSubscript(b, b.bind(operand(arg)), b.bind(operand(first.A_Indices.uidx)), locationOf(arg));
}

function bindGrouping(b: Binding, n: Extract<Node, { GroupingFunc: unknown }>): Expr {
  const { ctx, level } = b;
  const at = n.GroupingFunc.location;
  if (level.clause !== 'SELECT' && level.clause !== 'HAVING' && level.clause !== 'ORDER BY')
    throw ctx.error('42803', `grouping operations are not allowed in ${level.clause}`, at);
  const out = ctx.column('grouping', INT4, false);
  const nodes = n.GroupingFunc.args ?? [];
  level.groupings.push({ out, args: nodes.map(b.bind), locations: nodes.map(locationOf) });
  return ctx.at(col(out), at ?? 0);
}
