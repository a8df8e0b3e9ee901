/** Function calls: scalar functions by the registry, casts written as functions, and the way to aggregates.
 *
 *  Source: PostgreSQL 15, ParseFuncOrColumn. 42883 when nothing fits, 42809 for DISTINCT, FILTER or OVER where they do
 *  not belong. */
import type { FuncCall } from 'libpg-query';
import { isAggregateName, resolveFunction } from '../../types/functions/registry.js';
import type { SqlError } from '../../types/sql-error.js';
import { TEXT, typeName } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import { bindAggregate } from './aggregate.js';
import { locationOf, namesOf } from './ast.js';
import { coerce } from './coerce.js';
import { makeCall } from './fold.js';
import type { Binding } from './level.js';
import { bindSelectSeries } from './series.js';
import { bare } from './type-family.js';

export function bindFunctionCall(b: Binding, f: FuncCall): Expr {
  const { ctx } = b;
  const at = f.location;
  const names = namesOf(f.funcname);
  const name = names.at(-1) ?? '';
  if (f.over !== undefined) throw ctx.notSupported('window functions', at);
  if (f.agg_within_group === true) throw ctx.notSupported('ordered-set aggregates', at);
  if (f.func_variadic === true) throw ctx.notSupported('VARIADIC arguments', at);
  for (const a of f.args ?? [])
    if ('NamedArgExpr' in a) throw ctx.notSupported('named arguments', a.NamedArgExpr.location);
  if (names.length > 2) throw ctx.notSupported('a cross-database reference', at);
  if (names.length === 2 && names[0] !== 'pg_catalog' && names[0] !== 'information_schema') {
    if (!ctx.catalog.hasSchema(names[0])) throw ctx.error('3F000', `schema "${names[0]}" does not exist`, at);
    const types = (f.args ?? []).map((a) => typeName(bare(exprType(b.bind(a)))));
    throw noFunction(b, names.join('.'), types, at);
  }
  if (isAggregateName(name)) return bindAggregate(b, f, name);
  const misused = (what: string): SqlError =>
    ctx.error('42809', `${what} specified, but ${name} is not an aggregate function`, at);
  if (f.agg_star === true) {
    callByName(b, name, [], at, f);
    throw ctx.error('42809', `${name}(*) specified, but ${name} is not an aggregate function`, at);
  }
  if (name === 'generate_series') return bindSelectSeries(b, f);
  const args = (f.args ?? []).map(b.bind);
  const call = callByName(b, name, args, at, f);
  if (f.agg_distinct === true) throw misused('DISTINCT');
  if ((f.agg_order ?? []).length > 0) throw misused('ORDER BY');
  if (f.agg_filter !== undefined) throw misused('FILTER');
  return call;
}

function noFunction(b: Binding, name: string, types: readonly string[], at: number | undefined): SqlError {
  return b.ctx.error('42883', `function ${name}(${types.join(', ')}) does not exist`, at, {
    hint: 'No function matches the given name and argument types. You might need to add explicit type casts.',
  });
}

/** A call of a registered function with arguments of whatever types, coerced as the registry says. */
export function callByName(
  b: Binding,
  name: string,
  args: readonly Expr[],
  at: number | undefined,
  written?: FuncCall,
): Expr {
  const { ctx } = b;
  const resolved = resolveFunction(name, args.map(exprType));
  if ('error' in resolved) {
    const { code, message, hint } = resolved.error;
    const qualified =
      namesOf(written?.funcname).length > 1 ? message.replace(/^function /, 'function pg_catalog.') : message;
    throw ctx.error(code, qualified, at, { hint });
  }
  const cast = args.map((a, i) => {
    const target = resolved.argTypes[Math.min(i, resolved.argTypes.length - 1)];
    const wanted = target.kind === 'unknown' ? TEXT : target;
    const location = ctx.locationOf(a) ?? locationOf(written?.args?.[i]);
    // A type's name used as a function is an explicit cast; the registry has chosen among the others.
    const r = coerce(ctx, a, wanted, 'implicit', location);
    if (r === undefined)
      throw ctx.error('42846', `cannot cast type ${typeName(exprType(a))} to ${typeName(wanted)}`, location);
    return r;
  });
  return ctx.at(makeCall(ctx, resolved.def, cast), at ?? 0);
}
