/** The common type of branches, the modifiers they keep, and the type in which two operands are compared.
 *
 *  Source: PostgreSQL 15, chapter 10 (select_common_type, operator resolution over the built-in comparisons). */
import { canCast, categoryOf, isPreferred } from '../../types/functions/type-system.js';
import { type SqlType, sameType, TEXT, typeName } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { exprType } from '../expr-util.js';
import type { BindContext } from './context.js';

export function sameKind(a: SqlType, b: SqlType): boolean {
  if (a.kind === 'array' && b.kind === 'array')
    return a.element.kind === b.element.kind && a.vector === b.vector;
  return a.kind === b.kind;
}

/** The type of the branches of CASE, UNION, VALUES, ...: kind only, modifiers are `unifyModifiers`'s. */
export function selectCommonType(
  ctx: BindContext,
  exprs: readonly Expr[],
  context: string,
  locations: readonly (number | undefined)[],
): SqlType {
  let chosen = exprType(exprs[0]);
  for (let i = 1; i < exprs.length; i++) {
    const next = exprType(exprs[i]);
    if (next.kind === 'unknown' || sameKind(next, chosen)) continue;
    if (chosen.kind === 'unknown') chosen = next;
    else if (categoryOf(chosen.kind) !== categoryOf(next.kind))
      throw ctx.error(
        '42804',
        `${context} types ${typeName(bare(chosen))} and ${typeName(bare(next))} cannot be matched`,
        locations[i],
      );
    else if (
      !isPreferred(chosen.kind) &&
      canCast(chosen, next, 'implicit') &&
      !canCast(next, chosen, 'implicit')
    )
      chosen = next;
  }
  return chosen.kind === 'unknown' ? TEXT : bare(chosen);
}

/** Without modifiers. */
export function bare(t: SqlType): SqlType {
  return t.kind === 'array' ? { ...t, element: bare(t.element) } : ({ kind: t.kind } as SqlType);
}

/** The modifiers that hold for every value of all these types of one kind: equal ones stay, others go. Numerics of
 *  one scale keep it with the larger precision. `widen`: numerics of different known scales meet in the largest one
 *  instead, which changes how a value is displayed but not what it is. */
export function unifyModifiers(types: readonly SqlType[], widen: boolean): SqlType {
  const first = types[0];
  switch (first.kind) {
    case 'numeric': {
      let digits = 0;
      let scale = 0;
      for (const t of types) {
        if (t.kind !== 'numeric' || t.precision === undefined || t.scale === undefined)
          return { kind: 'numeric' };
        digits = Math.max(digits, t.precision - t.scale);
        scale = Math.max(scale, t.scale);
      }
      if (!widen && types.some((t) => t.kind === 'numeric' && t.scale !== scale)) return { kind: 'numeric' };
      return { kind: 'numeric', precision: digits + scale, scale };
    }
    case 'varchar':
    case 'bpchar': {
      const { kind, length } = first;
      const same = types.every((t) => (t.kind === 'varchar' || t.kind === 'bpchar') && t.length === length);
      return same && length !== undefined ? { kind, length } : { kind };
    }
    default:
      return types.every((t) => sameType(t, first)) ? first : bare(first);
  }
}

/** The type in which PostgreSQL compares two operands, or undefined when no comparison operator fits. */
export function comparisonType(a: SqlType, b: SqlType): SqlType | undefined {
  if (a.kind === 'unknown') return b.kind === 'unknown' ? TEXT : comparisonType(b, b);
  if (b.kind === 'unknown') return comparisonType(a, a);
  if (sameKind(a, b)) return a.kind === 'void' ? undefined : bare(a);
  const ca = categoryOf(a.kind);
  const cb = categoryOf(b.kind);
  const either = (k: SqlType['kind']): boolean => a.kind === k || b.kind === k;
  if (isText(a) && isText(b)) {
    // varchar has no operators of its own, so char(n) = varchar finds bpchar's; against text, text wins as the
    // preferred type. name and "char" are compared with others as text.
    return either('bpchar') && either('varchar') ? { kind: 'bpchar' } : TEXT;
  }
  if (ca !== cb) return undefined;
  if (ca === 'N') {
    if (either('oid') || isReg(a) || isReg(b)) {
      const other = isReg(a) || a.kind === 'oid' ? b : a;
      return isReg(other) || other.kind === 'oid' || other.kind.startsWith('int')
        ? { kind: 'oid' }
        : undefined;
    }
    if (either('float8') || either('float4')) return { kind: 'float8' };
    if (either('numeric')) return { kind: 'numeric' };
    return either('int8') ? { kind: 'int8' } : { kind: 'int4' };
  }
  if (ca === 'D') {
    if (either('time')) return undefined;
    return either('timestamptz') ? { kind: 'timestamptz' } : { kind: 'timestamp' };
  }
  return undefined;
}

/** Kinds of which PostgreSQL compares any two as they are. */
const COMPARED_AS_THEY_ARE: readonly ReadonlySet<SqlType['kind']>[] = [
  new Set(['int2', 'int4', 'int8']),
  new Set(['date', 'timestamp', 'timestamptz']),
];

/** The type of NULLIF: that of its first operand as the = operator takes it. */
export function nullIfType(left: SqlType, right: SqlType): SqlType {
  const nameAndText = left.kind === 'name' && (isText(right) || right.kind === 'unknown');
  if (nameAndText || COMPARED_AS_THEY_ARE.some((kinds) => kinds.has(left.kind) && kinds.has(right.kind)))
    return bare(left);
  const type = comparisonType(left, right) ?? left;
  // A float4 is compared with a float8 as it is.
  if (left.kind === 'float4' && type.kind === 'float8') return left;
  // varchar has no operators of its own.
  return type.kind === 'varchar' ? TEXT : type;
}

function isText(t: SqlType): boolean {
  return (
    t.kind === 'text' || t.kind === 'varchar' || t.kind === 'bpchar' || t.kind === 'name' || t.kind === 'char'
  );
}

function isReg(t: SqlType): boolean {
  return t.kind.startsWith('reg');
}
