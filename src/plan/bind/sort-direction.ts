/** ASC, DESC, NULLS FIRST and LAST of one ORDER BY item; NULLs sort as larger than anything unless told otherwise. */
import type { SortBy } from 'libpg-query';
import type { SortKey } from '../expr.js';
import { namesOf } from './ast.js';
import type { BindContext } from './context.js';

export function sortDirection(ctx: BindContext, s: SortBy): Omit<SortKey, 'expr'> {
  let descending = s.sortby_dir === 'SORTBY_DESC';
  if (s.sortby_dir === 'SORTBY_USING') {
    const op = namesOf(s.useOp).at(-1);
    if (op !== '<' && op !== '>')
      throw ctx.error('42809', `operator ${op} is not a valid ordering operator`, s.location, {
        hint: 'Ordering operators must be "<" or ">" members of btree operator families.',
      });
    descending = op === '>';
  }
  const nullsFirst =
    s.sortby_nulls === 'SORTBY_NULLS_FIRST' || (s.sortby_nulls !== 'SORTBY_NULLS_LAST' && descending);
  return { descending, nullsFirst };
}
