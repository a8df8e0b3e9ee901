/** Bringing an expression to a type: literals parsed at bind time, parameters given their type, casts inserted.
 *
 *  Every cast in a plan is made here, as a call of the registry's `cast(from,to)`, or of its `fit` when the result would be a
 *  numeric(p,s) and may be NaN. Source: PostgreSQL 15, chapter 10
 *  and parse_coerce.c. Errors of literals (22P02, 22007, 22003, ...) carry the literal's position. */
import { mayBeNan } from '../../types/functions/casts.js';
import { functionById, resolveCast } from '../../types/functions/registry.js';
import type { CastContext, FunctionDef } from '../../types/functions/registry-types.js';
import { SqlError } from '../../types/sql-error.js';
import {
  hasModifier,
  INT4,
  NUMERIC,
  type SqlType,
  sameType,
  TEXT,
  typeMod,
  typeName,
} from '../../types/sql-type.js';
import { isScaled } from '../../types/stored-numeric.js';
import { isTimed } from '../../types/time-modifier.js';
import type { Value } from '../../types/value.js';
import type { Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import type { BindContext } from './context.js';
import { exactType, makeCall } from './fold.js';
import { bare, sameKind, selectCommonType, unifyModifiers } from './type-family.js';

/** Undefined when PostgreSQL has no such cast in this context. */
export function coerce(
  ctx: BindContext,
  e: Expr,
  target: SqlType,
  context: CastContext,
  location: number | undefined = ctx.locationOf(e) ?? -1,
): Expr | undefined {
  const from = exprType(e);
  if (from.kind === 'unknown') return coerceUnknown(ctx, e, target, context, location);
  if (target.kind === 'unknown') return e;
  const r = castTo(ctx, e, target, context);
  return r === undefined || r === e ? r : located(ctx, r, location);
}

/** The cast itself, for an expression of known type. A value that needs no work and keeps its kind stays as it is:
 *  its own modifiers are the sharper fact. */
function castTo(ctx: BindContext, e: Expr, target: SqlType, context: CastContext): Expr | undefined {
  const from = exprType(e);
  // As PostgreSQL does, first the kind, then the modifier.
  if (isTimed(target) && from.kind !== target.kind && hasModifier(target)) {
    const plain = castTo(ctx, e, bare(target), context);
    return plain === undefined ? undefined : castTo(ctx, plain, target, context);
  }
  const found = resolveCast(from, target, context);
  if (found === undefined) return undefined;
  if (found !== 'same' && isScaled(target) && mayBeNan(from)) return fitTo(ctx, e, target);
  if (e.kind === 'const' && (found === 'same' || e.value === null))
    return sameKind(from, target) && e.value !== null ? e : { kind: 'const', value: e.value, type: target };
  if (found !== 'same') return makeCall(ctx, castFunction(found.fn), [e], modified(target));
  return sameKind(from, target) ? e : relabel(ctx, e, target);
}

/** To numeric(p,s) from what may be NaN: of the result no scale is known, unless it is a constant. */
function fitTo(ctx: BindContext, e: Expr, target: SqlType): Expr {
  if (e.kind === 'const' && e.value === null) return { kind: 'const', value: null, type: target };
  const modifier: Expr = { kind: 'const', value: typeMod(target), type: INT4 };
  const fitted = makeCall(ctx, castFunction(`fit(${exprType(e).kind},int4)`), [e, modifier]);
  return fitted.kind === 'const' ? { ...fitted, type: exactType(fitted.value, target) } : fitted;
}

/** The type that a column of `declared` type has in a plan that writes it: without a scale when a value may be NaN. */
export function writtenType(declared: SqlType, exprs: readonly Expr[]): SqlType {
  const scaled = (e: Expr): boolean => isNull(e) || isScaled(exprType(e));
  return isScaled(declared) && !exprs.every(scaled) ? NUMERIC : declared;
}

/** The value under the column's modifiers, as far as they are facts about it. */
export function written(ctx: BindContext, e: Expr, declared: SqlType): Expr {
  return retype(ctx, e, writtenType(declared, [e]));
}

function isNull(e: Expr): boolean {
  return e.kind === 'const' && e.value === null;
}

/** A target that says more than its kind; casts to a bare kind choose the modifiers themselves. */
function modified(t: SqlType): SqlType | undefined {
  return hasModifier(t) || t.kind === 'array' ? t : undefined;
}

function castFunction(fn: string): FunctionDef {
  const def = functionById(fn);
  if (def === undefined) throw new Error(`no function ${fn}`);
  return def;
}

/** The same value under another type: a call that does nothing when it runs. */
function relabel(ctx: BindContext, e: Expr, target: SqlType): Expr {
  const def = functionById(`cast(${exprType(e).kind},${target.kind})`);
  return def === undefined ? e : makeCall(ctx, def, [e], target);
}

/** Implicit coercion that must exist: the resolver has said so. */
export function coerceTo(ctx: BindContext, e: Expr, target: SqlType): Expr {
  const r = coerce(ctx, e, target, 'implicit');
  if (r === undefined)
    throw ctx.error(
      '42804',
      `cannot convert ${typeName(exprType(e))} to ${typeName(target)}`,
      ctx.locationOf(e) ?? -1,
    );
  return r;
}

/** CAST and `::`. */
export function coerceExplicit(
  ctx: BindContext,
  e: Expr,
  target: SqlType,
  location: number | undefined,
): Expr {
  const r = coerce(ctx, e, target, 'explicit', ctx.locationOf(e) ?? location);
  if (r === undefined)
    throw ctx.error(
      '42846',
      `cannot cast type ${typeName(bare(exprType(e)))} to ${typeName(bare(target))}`,
      location,
    );
  return declare(ctx, r, exprType(e), target);
}

/** Notes the type that was written; what is known of the values may be more than that, or less. */
function declare(ctx: BindContext, e: Expr, from: SqlType, target: SqlType): Expr {
  if (!('type' in e) || ![from, e.type, target].some(hasModifier)) return e;
  return located(ctx, { ...e, declared: target }, ctx.locationOf(e));
}

function located(ctx: BindContext, e: Expr, location: number | undefined): Expr {
  return location === undefined || location < 0 ? e : ctx.at(e, location);
}

function coerceUnknown(
  ctx: BindContext,
  e: Expr,
  target: SqlType,
  context: CastContext,
  location: number | undefined,
): Expr | undefined {
  if (target.kind === 'unknown') return e;
  switch (e.kind) {
    case 'const':
      if (e.value === null) return located(ctx, { kind: 'const', value: null, type: target }, location);
      return located(ctx, literal(ctx, e.value as string, target, context, location), location);
    case 'param': {
      ctx.decideParam(e.index, bare(target), location);
      const typed = located(ctx, { ...e, type: ctx.paramType(e.index) ?? bare(target) }, location);
      return castTo(ctx, typed, target, context);
    }
    case 'case':
    case 'coalesce':
      return { ...e, type: target };
    default:
      // A query's output of unknown type has been made text before it gets here.
      return { ...e, type: target } as Expr;
  }
}

/** A string literal read by the type's input function, then fitted to its modifier. */
export function literal(
  ctx: BindContext,
  text: string,
  target: SqlType,
  context: CastContext,
  location: number | undefined,
): Expr {
  if (target.kind === 'text') return { kind: 'const', value: text, type: TEXT };
  const fitted = (target.kind === 'varchar' || target.kind === 'bpchar') && target.length !== undefined;
  const found = resolveCast(TEXT, target, fitted && context !== 'explicit' ? 'assignment' : 'explicit');
  if (found === undefined)
    throw ctx.error('42846', `cannot cast type unknown to ${typeName(bare(target))}`, location);
  if (found === 'same') return { kind: 'const', value: text, type: target };
  const def = castFunction(found.fn);
  const value = evaluate(ctx, def, text, target, location);
  if (value === undefined) return makeCall(ctx, def, [{ kind: 'const', value: text, type: TEXT }], target);
  return { kind: 'const', value, type: exactType(value, target) };
}

/** The literal's value; a `regclass` and its kin stay calls, since only the master can look them up. */
function evaluate(
  ctx: BindContext,
  def: FunctionDef,
  text: string,
  type: SqlType,
  location: number | undefined,
): Value | undefined {
  if (type.kind.startsWith('reg') && !/^\d+$/.test(text) && ctx.options.functions.catalog === undefined)
    return undefined;
  try {
    return def.impl([text], ctx.options.functions, [TEXT], type);
  } catch (e) {
    if (e instanceof SqlError) throw e.with({ position: ctx.position(location) });
    throw e;
  }
}

/** All expressions in their common type (CASE, COALESCE, VALUES, UNION, ...); 42804 naming `context`. */
export function unify(
  ctx: BindContext,
  exprs: readonly Expr[],
  context: string,
  locations: readonly (number | undefined)[],
  widenScale: boolean,
): { readonly exprs: readonly Expr[]; readonly type: SqlType } {
  const common = selectCommonType(ctx, exprs, context, locations);
  const cast = exprs.map((e, i) => {
    const r = coerce(ctx, e, common, 'implicit', locations[i]);
    if (r === undefined)
      throw ctx.error(
        '42846',
        `${context} could not convert type ${typeName(bare(exprType(e)))} to ${typeName(common)}`,
        locations[i],
      );
    return r;
  });
  return withCommonModifiers(ctx, cast, widenScale);
}

export function withCommonModifiers(
  ctx: BindContext,
  exprs: readonly Expr[],
  widenScale: boolean,
): { readonly exprs: readonly Expr[]; readonly type: SqlType } {
  const typed = exprs.filter((e) => !(e.kind === 'const' && e.value === null)).map(exprType);
  const type = typed.length === 0 ? bare(exprType(exprs[0])) : unifyModifiers(typed, widenScale);
  return { exprs: exprs.map((e) => retype(ctx, e, type)), type };
}

/** The same values under modifiers that hold for them. */
export function retype(ctx: BindContext, e: Expr, type: SqlType): Expr {
  const from = exprType(e);
  if (sameType(from, type)) return e;
  if (e.kind === 'const' && (e.value === null || type.kind !== 'numeric' || type.scale === undefined))
    return { ...e, type };
  const def = functionById(`cast(${from.kind},${type.kind})`);
  if (def === undefined) return e;
  const r = makeCall(ctx, def, [e], type);
  return r.kind === 'const' && e.kind === 'const' && e.declared !== undefined
    ? { ...r, declared: e.declared }
    : r;
}
