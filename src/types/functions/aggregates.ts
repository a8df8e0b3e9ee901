/** Aggregates by name: what they accept and what they return.
 *
 *  Owns: resolution against PostgreSQL's aggregate signatures and the facts about their numeric results. Must not know
 *  how they are computed. Facts assume at most 2^40 rows (13 digits) in one statement. */
import { SqlError } from '../sql-error.js';
import { BOOL, FLOAT4, FLOAT8, INT8, NUMERIC, type SqlType, TEXT, type TypeKind } from '../sql-type.js';
import { typeNamePlain } from '../text-io.js';
import { asFixed, fixed } from './numeric-facts.js';
import type { AggregateName, ResolvedAggregate } from './registry-types.js';
import { canCast, categoryOf } from './type-system.js';

/** Digits that a sum of up to 2^40 values may have beyond one value's. */
const SUM_DIGITS = 13;

const NAMES: Readonly<Record<string, AggregateName>> = {
  count: 'count',
  sum: 'sum',
  avg: 'avg',
  min: 'min',
  max: 'max',
  stddev: 'stddev_samp',
  stddev_samp: 'stddev_samp',
  stddev_pop: 'stddev_pop',
  variance: 'var_samp',
  var_samp: 'var_samp',
  var_pop: 'var_pop',
  bool_and: 'bool_and',
  every: 'bool_and',
  bool_or: 'bool_or',
  string_agg: 'string_agg',
  array_agg: 'array_agg',
  any_value: 'any_value',
  bit_and: 'bit_and',
  bit_or: 'bit_or',
};

export function isAggregateName(name: string): boolean {
  return Object.hasOwn(NAMES, name);
}

function undefinedAggregate(name: string, args: readonly SqlType[]): SqlError {
  return new SqlError('42883', `function ${name}(${args.map(typeNamePlain).join(', ')}) does not exist`, {
    hint: 'No function matches the given name and argument types. You might need to add explicit type casts.',
  });
}

/** sum: exact result types; a fixed scale is kept while 38 digits hold every possible sum. */
function sumOf(t: SqlType): SqlType | undefined {
  switch (t.kind) {
    case 'int2':
    case 'int4':
      return INT8;
    case 'int8':
      return fixed(19 + SUM_DIGITS, 0);
    case 'float4':
      return FLOAT4;
    case 'float8':
      return FLOAT8;
    case 'interval':
      return t;
    case 'numeric': {
      const f = asFixed(t);
      if (f === undefined) return NUMERIC;
      return fixed(f.precision + SUM_DIGITS, f.scale);
    }
    default:
      return undefined;
  }
}

function averageOf(t: SqlType): SqlType | undefined {
  switch (t.kind) {
    case 'int2':
    case 'int4':
    case 'int8':
    case 'numeric':
      return NUMERIC;
    case 'float4':
    case 'float8':
      return FLOAT8;
    case 'interval':
      return t;
    default:
      return undefined;
  }
}

const ORDERED = new Set<TypeKind>([
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'text',
  'bpchar',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'oid',
  'array',
]);

/** An argument list of an aggregate. Untyped literals become text, as PostgreSQL prefers. */
export function resolveAggregate(
  name: string,
  argTypes: readonly SqlType[],
  star: boolean,
): ResolvedAggregate | { readonly error: SqlError } {
  const aggregate = NAMES[name];
  if (aggregate === undefined || !isAggregateName(name)) return { error: undefinedAggregate(name, argTypes) };
  if (star)
    return aggregate === 'count'
      ? { name: 'count_star', argTypes: [], returns: INT8 }
      : { error: undefinedAggregate(name, []) };
  const result = aggregate === 'string_agg' ? resolveStringAgg(argTypes) : resolveOne(aggregate, argTypes);
  if (result !== undefined) return result;
  if (aggregate === 'count' && argTypes.length === 0)
    return {
      error: new SqlError('42809', 'count(*) must be used to call a parameterless aggregate function'),
    };
  return { error: undefinedAggregate(name, argTypes) };
}

function resolveStringAgg(args: readonly SqlType[]): ResolvedAggregate | undefined {
  if (args.length !== 2) return undefined;
  const bytea: SqlType = { kind: 'bytea' };
  if (args.some((t) => t.kind === 'bytea') && args.every((t) => t.kind === 'bytea' || t.kind === 'unknown'))
    return { name: 'string_agg', argTypes: [bytea, bytea], returns: bytea };
  if (!args.every((t) => canCast(t, TEXT, 'implicit'))) return undefined;
  return { name: 'string_agg', argTypes: [TEXT, TEXT], returns: TEXT };
}

function resolveOne(name: AggregateName, args: readonly SqlType[]): ResolvedAggregate | undefined {
  if (args.length !== 1) return undefined;
  const given = args[0]!;
  const t: SqlType = given.kind === 'unknown' ? TEXT : given;
  const same = (returns: SqlType | undefined, arg: SqlType = t): ResolvedAggregate | undefined =>
    returns && { name, argTypes: [arg], returns };
  switch (name) {
    case 'count':
      return same(INT8);
    case 'sum':
      return same(sumOf(t));
    case 'avg':
      return same(averageOf(t));
    case 'min':
    case 'max': {
      // varchar, name and "char" have no min of their own: they become text.
      const arg: SqlType = t.kind === 'varchar' || t.kind === 'name' || t.kind === 'char' ? TEXT : t;
      return ORDERED.has(arg.kind) ? same(arg, arg) : undefined;
    }
    case 'stddev_samp':
    case 'stddev_pop':
    case 'var_samp':
    case 'var_pop':
      if (categoryOf(t.kind) !== 'N' || averageOf(t) === undefined) return undefined;
      return same(t.kind === 'float4' || t.kind === 'float8' ? FLOAT8 : NUMERIC);
    case 'bool_and':
    case 'bool_or':
      return given.kind === 'bool' || given.kind === 'unknown' ? same(BOOL, BOOL) : undefined;
    case 'bit_and':
    case 'bit_or':
      return t.kind === 'int2' || t.kind === 'int4' || t.kind === 'int8' ? same(t) : undefined;
    case 'array_agg':
      return same({ kind: 'array', element: t.kind === 'array' ? t.element : t });
    case 'any_value':
      return same(t);
    default:
      return undefined;
  }
}
