/** What a COPY's condition and its distribution keys see of a numeric(p,s) between the parser and the table, where an integer
 *  stands for NaN (`types/stored-numeric.ts`). Known to the dispatcher only; no query can name it. */
import { NUMERIC } from '../sql-type.js';
import { fromStored } from '../stored-numeric.js';
import type { Numeric } from '../value.js';
import { define } from './define.js';

export const STORED_VALUE = 'stored value';
export const STORED_VALUE_ID = `${STORED_VALUE}(numeric)`;

export const storedValues = [
  define(STORED_VALUE, 'numeric', NUMERIC, ([v], _ctx, types) => fromStored(types[0]!, v as Numeric)),
];
