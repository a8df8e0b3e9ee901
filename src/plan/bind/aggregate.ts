/** Aggregate calls: which query level they belong to, where they are allowed, and their result column.
 *
 *  An aggregate becomes a column of its level's aggregate node; the expression is a reference to that column.
 *  Source: PostgreSQL 15, parse_agg.c: an aggregate belongs to the innermost level whose columns its arguments use.
 *  42803 for an aggregate in the wrong place. */
import type { FuncCall, Node } from 'libpg-query';
import { resolveAggregate } from '../../types/functions/registry.js';
import type { SqlError } from '../../types/sql-error.js';
import { INT4, TEXT, typeName } from '../../types/sql-type.js';
import type { AggCall, Expr, SortKey } from '../expr.js';
import { col, columnsOf, exprKey, exprNullable, exprType, hasSubquery, walkExpr } from '../expr-util.js';
import { locationOf } from './ast.js';
import { coerceToBoolean } from './boolean.js';
import { coerce } from './coerce.js';
import type { Binding, Clause, QueryLevel } from './level.js';
import { sortDirection } from './sort-direction.js';
import { atScale, hasBranches, scaleOfValues } from './sum-scale.js';
import { bare } from './type-family.js';

const ALLOWED: ReadonlySet<Clause> = new Set<Clause>(['SELECT', 'HAVING', 'ORDER BY', 'DISTINCT ON']);

/** Aggregates whose result does not show the scale of single inputs. */
const WIDENS = new Set([
  'sum',
  'avg',
  'stddev',
  'stddev_samp',
  'stddev_pop',
  'variance',
  'var_samp',
  'var_pop',
]);

export function bindAggregate(b: Binding, f: FuncCall, name: string): Expr {
  const { ctx, level } = b;
  const at = f.location;
  const star = f.agg_star === true;
  if (star && f.agg_distinct === true)
    throw ctx.error('42809', `DISTINCT specified, but ${name}(*) has no arguments`, at);
  const widened = level.widenScale;
  level.widenScale = WIDENS.has(name);
  const args = (f.args ?? []).map(b.bind);
  level.widenScale = widened;
  const filter = f.agg_filter === undefined ? undefined : bindFilter(b, f.agg_filter);
  const orderNodes = f.agg_order ?? [];
  const order = orderNodes.map((n) => {
    if (!('SortBy' in n) || n.SortBy.node === undefined) throw new Error('ORDER BY without an expression');
    const e = b.bind(n.SortBy.node);
    return {
      ...sortDirection(ctx, n.SortBy),
      expr: exprType(e).kind === 'unknown' ? (coerce(ctx, e, TEXT, 'implicit') ?? e) : e,
    };
  });

  const resolved = resolveAggregate(name, args.map(exprType), star);
  if ('error' in resolved) throw resolved.error.with({ position: ctx.position(at) });
  const owner = owningLevel(level, [
    ...args,
    ...order.map((k) => k.expr),
    ...(filter === undefined ? [] : [filter]),
  ]);
  for (const e of [...args, ...order.map((k) => k.expr)]) rejectNested(b, owner, e, at);
  if (!ALLOWED.has(owner.clause)) throw misplaced(b, owner.clause, at);

  const cast = args.map((a, i) => {
    const wanted = resolved.argTypes[i].kind === 'unknown' ? TEXT : resolved.argTypes[i];
    const r = coerce(ctx, a, wanted, 'implicit', ctx.locationOf(a) ?? locationOf(f.args?.[i]));
    if (r === undefined)
      throw noAggregate(
        b,
        name,
        args.map((x) => typeName(bare(exprType(x)))),
        at,
      );
    return r;
  });
  const distinct = f.agg_distinct === true;
  if (distinct && order.some((k) => !args.some((a) => exprKey(a) === exprKey(k.expr))))
    throw ctx.error(
      '42P10',
      'in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list',
      locationOf(sortNode(orderNodes[0])),
    );
  const counts = resolved.name === 'count' || resolved.name === 'count_star';
  const nullable =
    !counts &&
    (!owner.hasGroups ||
      filter !== undefined ||
      MAY_BE_NULL.has(resolved.name) ||
      cast.slice(0, 1).some(exprNullable));
  const call: AggCall = {
    out: ctx.column(name, resolved.returns, nullable),
    name: resolved.name,
    args: cast,
    distinct,
    filter,
    // Order matters to string_agg and array_agg only.
    orderBy: resolved.name === 'string_agg' || resolved.name === 'array_agg' ? (order as SortKey[]) : [],
  };
  const result = col(owner.addAggregate(call));
  const scale = level.inQuotient || distinct ? undefined : sumScale(b, f, call);
  if (scale === undefined) return ctx.at(result, at ?? 0);
  const largest: AggCall = {
    ...call,
    out: ctx.column('scale', INT4, nullable),
    name: 'max',
    args: [scale],
  };
  return ctx.at(atScale(ctx, result, col(owner.addAggregate(largest))), at ?? 0);
}

/** The scales of the values that a sum adds, when they differ by branch. A quotient does not show the scale of what it
 *  divides. */
function sumScale(b: Binding, f: FuncCall, call: AggCall): Expr | undefined {
  const [widened] = call.args;
  const [node] = f.args ?? [];
  if (call.name !== 'sum' || widened === undefined || node === undefined) return undefined;
  if (!hasBranches(widened) || hasSubquery(widened)) return undefined;
  const raw = b.bind(node);
  const type = exprType(raw);
  return type.kind === 'numeric' && type.scale === undefined ? scaleOfValues(b.ctx, raw, widened) : undefined;
}

/** NULL for some groups although no input is: one row has no sample deviation. */
const MAY_BE_NULL = new Set(['stddev_samp', 'var_samp', 'any_value']);

function bindFilter(b: Binding, n: Node): Expr {
  const { level } = b;
  const outer = level.clause;
  level.clause = 'FILTER';
  const e = coerceToBoolean(b.ctx, b.bind(n), 'FILTER', locationOf(n));
  level.clause = outer;
  return e;
}

function owningLevel(level: QueryLevel, exprs: readonly Expr[]): QueryLevel {
  const used = new Set(exprs.flatMap((e) => [...columnsOf(e)]));
  if (used.size === 0) return level;
  for (let l: QueryLevel | undefined = level; l !== undefined; l = l.parent)
    for (const id of used) if (l.owned.has(id) || l.aggregateIds.has(id)) return l;
  return level;
}

function rejectNested(b: Binding, owner: QueryLevel, e: Expr, at: number | undefined): void {
  walkExpr(e, (x) => {
    if (x.kind === 'col' && owner.aggregateIds.has(x.id))
      throw b.ctx.error('42803', 'aggregate function calls cannot be nested', b.ctx.locationOf(x) ?? at);
  });
}

function misplaced(b: Binding, clause: Clause, at: number | undefined): SqlError {
  const where = clause === 'FROM' ? 'FROM clause of their own query level' : clause;
  return b.ctx.error('42803', `aggregate functions are not allowed in ${where}`, at);
}

function noAggregate(b: Binding, name: string, types: readonly string[], at: number | undefined): SqlError {
  return b.ctx.error('42883', `function ${name}(${types.join(', ')}) does not exist`, at, {
    hint: 'No function matches the given name and argument types. You might need to add explicit type casts.',
  });
}

function sortNode(n: Node | undefined): Node | undefined {
  return n !== undefined && 'SortBy' in n ? n.SortBy.node : undefined;
}
