/** Helpers that generated code calls in TypeScript beside SQL functions: the slow ends of its own algorithms. */
import { formatArray } from '../../types/array-text.js';
import { likeMatch } from '../../types/functions/like.js';
import type { FunctionContext } from '../../types/functions/registry-types.js';
import { hashNumeric } from '../../types/hash.js';
import { compareNumeric } from '../../types/numeric.js';
import { varianceNumeric } from '../../types/numeric-math.js';
import type { SqlType } from '../../types/sql-type.js';
import { formatText } from '../../types/text-io.js';
import type { Numeric, Value } from '../../types/value.js';

/** Count, exact sum, exact sum of squares. */
function variance(sample: boolean, squareRoot: boolean): Helper {
  return (a) => varianceNumeric(a[0] as bigint, a[1] as Numeric, a[2] as Numeric, sample, squareRoot) ?? null;
}

type Helper = (args: readonly Value[], types: readonly SqlType[], context: FunctionContext) => Value;

export const hostHelpers: Readonly<Record<string, Helper>> = {
  $numeric_compare: (a) => Math.sign(compareNumeric(a[0] as Numeric, a[1] as Numeric)),
  $numeric_hash: (a) => hashNumeric(a[0] as Numeric),
  $like: (a) => (likeMatch(a[0] as string, a[1] as string, a[2] as string, false) ? 1 : 0),
  $ilike: (a) => (likeMatch(a[0] as string, a[1] as string, a[2] as string, true) ? 1 : 0),
  /** An element as it stands in an array's literal; an inner array as it is. */
  $array_element: (a, types, context) => formatArray([formatText(types[0], a[0], context)]).slice(1, -1),
  $array_nested: (a) => a[0],
  $var_samp: variance(true, false),
  $var_pop: variance(false, false),
  $stddev_samp: variance(true, true),
  $stddev_pop: variance(false, true),
};
