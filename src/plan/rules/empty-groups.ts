/** Aggregates without groups give a row even for no input; grouped ones do not. Where the second stands in for the
 *  first under an outer join, counts of missing groups must become 0 again. */
import type { ColId } from '../../types/ids.js';
import type { AggCall, Column, Expr } from '../expr.js';
import { col, constant } from '../expr-util.js';
import { freshColumn, type RuleContext } from './rule.js';

type Restored = { readonly out: Column; readonly expr: (below: ReadonlyMap<ColId, Column>) => Expr };

/** Aggregates under other ids, and the expressions that give the original columns when the group may be missing. */
export function emptyAware(
  aggs: readonly AggCall[],
  ctx: RuleContext,
): { readonly aggs: readonly AggCall[]; readonly restore: readonly Restored[] } {
  const renamed: AggCall[] = [];
  const restore: Restored[] = [];
  for (const a of aggs) {
    const out = freshColumn(ctx, a.out.name, a.out.type, a.out.nullable);
    renamed.push({ ...a, out });
    const value = (below: ReadonlyMap<ColId, Column>): Expr => col(below.get(out.id) ?? out);
    const counts = a.name === 'count' || a.name === 'count_star';
    restore.push({
      out: a.out,
      expr: counts
        ? (below) => ({ kind: 'coalesce', args: [value(below), constant(0n, a.out.type)], type: a.out.type })
        : value,
    });
  }
  return { aggs: renamed, restore };
}
