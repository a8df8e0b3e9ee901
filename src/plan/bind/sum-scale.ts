/** The display scale of a sum over branches of different scales.
 *
 *  `sum(CASE WHEN a THEN price ELSE 0 END)` is summed in the widest scale, as an integer. PostgreSQL shows the largest
 *  scale among the values that were added, which is 0 for a group where no row takes the first branch. So the
 *  scale of each value is computed beside it, as an integer from the branch taken, and the sum is rounded to the
 *  largest: exact, since no value has more digits than that. See docs/decisions/005. */
import { functionById } from '../../types/functions/registry.js';
import { INT4 } from '../../types/sql-type.js';
import { isNumeric } from '../../types/value.js';
import type { Expr } from '../expr.js';
import { constant, exprNullable, exprType, someExpr, when } from '../expr-util.js';
import type { BindContext } from './context.js';
import { makeCall } from './fold.js';
import { bindOperator } from './operator.js';

/** Could the branches of this argument have met in a common scale? */
export function hasBranches(e: Expr): boolean {
  return someExpr(
    e,
    (x) =>
      (x.kind === 'case' || x.kind === 'coalesce' || x.kind === 'greatest' || x.kind === 'least') &&
      x.type.kind === 'numeric',
  );
}

/** The display scale (int4) of each value of `raw`, which keeps the scales of its branches; NULL where `widened`, the
 *  same value in one scale, is. Undefined when it cannot be told from the branches taken. */
export function scaleOfValues(ctx: BindContext, raw: Expr, widened: Expr): Expr | undefined {
  const scale = scaleOf(ctx, raw);
  if (scale === undefined || !exprNullable(widened)) return scale;
  const none: Expr = { kind: 'const', value: null, type: INT4 };
  return {
    kind: 'case',
    whens: [when({ kind: 'isnull', negated: false, arg: widened }, none)],
    otherwise: scale,
    type: INT4,
  };
}

/** `sum` with the display scale `scale`. */
export function atScale(ctx: BindContext, sum: Expr, scale: Expr): Expr {
  const round = functionById('round(numeric,int4)');
  if (round === undefined) throw new Error('no function round(numeric,int4)');
  return makeCall(ctx, round, [sum, scale]);
}

function scaleOf(ctx: BindContext, e: Expr): Expr | undefined {
  const type = exprType(e);
  if (type.kind !== 'numeric') return undefined;
  if (e.kind === 'const') {
    if (e.value === null) return constant(0, INT4);
    return isNumeric(e.value) && 'scale' in e.value ? constant(e.value.scale, INT4) : undefined;
  }
  if (type.scale !== undefined) return constant(type.scale, INT4);
  switch (e.kind) {
    case 'case': {
      const results = e.whens.map((w) => scaleOf(ctx, w.then));
      const otherwise = e.otherwise === undefined ? constant(0, INT4) : scaleOf(ctx, e.otherwise);
      if (otherwise === undefined || results.includes(undefined)) return undefined;
      return { kind: 'case', whens: e.whens.map((w, i) => when(w.when, results[i]!)), otherwise, type: INT4 };
    }
    case 'coalesce': {
      const scales = e.args.map((a) => scaleOf(ctx, a));
      if (scales.includes(undefined)) return undefined;
      const whens = e.args.map((arg, i) => when({ kind: 'isnull', negated: true, arg }, scales[i]!));
      return { kind: 'case', whens, otherwise: constant(0, INT4), type: INT4 };
    }
    case 'call': {
      const scales = e.args.map((a) => scaleOf(ctx, a));
      const [a, b] = scales;
      if (a === undefined || scales.includes(undefined)) return undefined;
      if (e.fn === 'cast(numeric,numeric)' || (e.args.length === 1 && /^[-+]\(numeric\)$/.test(e.fn)))
        return a;
      if (b === undefined) return undefined;
      if (e.fn === '*(numeric,numeric)') return bindOperator(ctx, '+', a, b, -1);
      if (e.fn === '+(numeric,numeric)' || e.fn === '-(numeric,numeric)')
        return { kind: 'greatest', args: [a, b], type: INT4 };
      return undefined;
    }
    default:
      return undefined;
  }
}
