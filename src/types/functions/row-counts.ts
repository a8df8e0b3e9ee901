/** Row counts that LIMIT, OFFSET and FETCH FIRST take from expressions: the checks that PostgreSQL makes when it computes
 *  them (recompute_limits). Known to the planner only; no query can name them. */
import { SqlError } from '../sql-error.js';
import { INT8 } from '../sql-type.js';
import type { Value } from '../value.js';
import { big, define } from './define.js';

function notNegative(code: '2201W' | '2201X', clause: 'LIMIT' | 'OFFSET') {
  return ([count]: readonly Value[]): Value => {
    if (big(count) < 0n) throw new SqlError(code, `${clause} must not be negative`);
    return count!;
  };
}

export const ROW_COUNT = 'row count';

export const rowCounts = [
  define(`${ROW_COUNT} limit`, 'int8', INT8, notNegative('2201W', 'LIMIT')),
  define(`${ROW_COUNT} offset`, 'int8', INT8, notNegative('2201X', 'OFFSET')),
];
