/** What is known of an expression's value before code for it is emitted: type, bounds, register. */
import type { Expr } from '../../plan/expr.js';
import { exprType } from '../../plan/expr-util.js';
import { type Range, type Repr, reprOf, type SqlType, typeRange } from '../../types/sql-type.js';
import { isNumeric } from '../../types/value.js';
import type { Emitter } from './emitter.js';
import { intersect, union } from './ranges.js';

export type Shape = { readonly type: SqlType; readonly repr: Repr; readonly range: Range | undefined };

export function shape(type: SqlType, range: Range | undefined): Shape {
  return { type, repr: reprOf(type, range), range };
}

/** Every value of the expression has this shape or can be coerced to its representation. */
export function shapeOf(e: Emitter, x: Expr): Shape {
  const type = exprType(x);
  return shape(type, rangeOf(e, x, type));
}

function rangeOf(e: Emitter, x: Expr, type: SqlType): Range | undefined {
  switch (x.kind) {
    case 'col':
      return e.columnShape(x.id)?.range ?? typeRange(type);
    case 'const': {
      const v = x.value;
      if (typeof v === 'bigint') return { min: v, max: v };
      if (typeof v === 'number' && reprOf(type) === 'i32') return { min: BigInt(v), max: BigInt(v) };
      if (v !== null && isNumeric(v) && 'unscaled' in v && type.kind === 'numeric' && type.scale === v.scale)
        return { min: v.unscaled, max: v.unscaled };
      return typeRange(type);
    }
    case 'call': {
      const def = e.ctx.functions(x.fn);
      if (def?.range === undefined) return typeRange(type);
      const args = x.args.map((a) => shapeOf(e, a));
      const exact = def.range(
        args.map((a) => a.range),
        args.map((a) => a.type),
        { consts: x.args.map((a) => (a.kind === 'const' ? a.value : undefined)), target: type },
      );
      return intersect(exact, typeRange(type));
    }
    case 'case':
      return unionOf(
        e,
        [...x.whens.map((w) => w.then), ...(x.otherwise === undefined ? [] : [x.otherwise])],
        type,
      );
    case 'coalesce':
    case 'greatest':
    case 'least':
      return unionOf(e, x.args, type);
    default:
      return typeRange(type);
  }
}

/** Bounds mean the same thing only among numerics of one scale. */
function unionOf(e: Emitter, branches: readonly Expr[], type: SqlType): Range | undefined {
  let all: Range | undefined;
  for (const b of branches) {
    if (b.kind === 'const' && b.value === null) continue;
    const s = shapeOf(e, b);
    if (type.kind === 'numeric' && (s.type.kind !== 'numeric' || s.type.scale !== type.scale))
      return typeRange(type);
    if (s.range === undefined) return typeRange(type);
    all = all === undefined ? s.range : union(all, s.range);
  }
  return all ?? typeRange(type);
}
