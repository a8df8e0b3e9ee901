/** Conjuncts of a scan's filter that zone maps can test: a column against a value fixed for the statement.
 *
 *  The filter stays as it is; zone predicates only let whole row groups be skipped. */

import { compareValues } from '../../types/compare.js';
import type { ColId } from '../../types/ids.js';
import type { Expr } from '../expr.js';
import { conjuncts, exprType, isStatementConstant, mirrorCmp } from '../expr-util.js';
import type { ZonePredicate } from '../physical.js';

export function zonePredicates(
  filter: Expr | undefined,
  ordinalOf: (id: ColId) => number | undefined,
): readonly ZonePredicate[] {
  const zone: ZonePredicate[] = [];
  const column = (e: Expr): number | undefined => (e.kind === 'col' ? ordinalOf(e.id) : undefined);
  for (const c of conjuncts(filter)) {
    if (c.kind === 'cmp') {
      const l = column(c.left);
      const r = column(c.right);
      if (l !== undefined && usable(c.right)) zone.push({ ordinal: l, op: c.op, value: c.right });
      else if (r !== undefined && usable(c.left))
        zone.push({ ordinal: r, op: mirrorCmp(c.op), value: c.left });
    } else if (c.kind === 'in' && !c.negated) {
      const o = column(c.arg);
      const bounds = o === undefined ? undefined : listBounds(c.list);
      if (o !== undefined && bounds !== undefined)
        zone.push({ ordinal: o, op: '>=', value: bounds.min }, { ordinal: o, op: '<=', value: bounds.max });
    } else if (c.kind === 'isnull') {
      const o = column(c.arg);
      if (o !== undefined) zone.push({ ordinal: o, op: c.negated ? 'notnull' : 'isnull', value: undefined });
    }
  }
  return zone;
}

function usable(e: Expr): boolean {
  return (
    (e.kind === 'const' && e.value !== null) ||
    e.kind === 'param' ||
    (e.kind === 'call' && isStatementConstant(e) && noFailure(e))
  );
}

/** Casts of constants and parameters only: evaluating them early cannot raise an error that the filter would not. */
function noFailure(e: Expr): boolean {
  return e.kind === 'const' || e.kind === 'param';
}

function listBounds(list: readonly Expr[]): { min: Expr; max: Expr } | undefined {
  let min: Expr | undefined;
  let max: Expr | undefined;
  for (const e of list) {
    if (e.kind !== 'const') return undefined;
    if (e.value === null) continue;
    const type = exprType(e);
    if (min === undefined || (min.kind === 'const' && compareValues(type, e.value, min.value) < 0)) min = e;
    if (max === undefined || (max.kind === 'const' && compareValues(type, e.value, max.value) > 0)) max = e;
  }
  return min === undefined || max === undefined ? undefined : { min, max };
}
