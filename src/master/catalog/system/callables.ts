/** Functions, operators and aggregates of the registry as pg_proc and pg_operator list them.
 *
 *  Their oids count from 100000 in the registry's order: they hold for one version of the server. */
import { allFunctions, isNamed, resolveAggregate } from '../../../types/functions/registry.js';
import type { FunctionDef } from '../../../types/functions/registry-types.js';
import { type SqlType, TYPE_INFO, type TypeKind, typeOid } from '../../../types/sql-type.js';
import { typeNameByOid } from '../../../types/text-io.js';

export const ANY_OID = 2276;
export const ANYARRAY_OID = 2277;
const FIRST_OID = 100_000;

export type Callable = {
  readonly oid: number;
  readonly name: string;
  readonly kind: 'function' | 'operator' | 'aggregate';
  readonly args: readonly number[];
  readonly result: number;
  readonly variadic: boolean;
  readonly strict: boolean;
  /** i, s or v. */
  readonly volatility: string;
};

function argumentOid(arg: FunctionDef['args'][number]): number {
  if (arg === 'any') return ANY_OID;
  if (arg === 'anyarray' || arg === 'array') return ANYARRAY_OID;
  return TYPE_INFO[arg].oid;
}

function resultOid(def: FunctionDef): number {
  const args = def.args.map(
    (a): SqlType =>
      a === 'any' || a === 'anyarray' || a === 'array'
        ? { kind: 'array', element: { kind: 'text' } }
        : ({ kind: a } as SqlType),
  );
  try {
    return typeOid(def.returns(args));
  } catch {
    // Its result follows from arguments that are not known here.
    return ANY_OID;
  }
}

const AGGREGATES = [
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'stddev',
  'stddev_samp',
  'stddev_pop',
  'variance',
  'var_samp',
  'var_pop',
  'bool_and',
  'bool_or',
  'every',
  'string_agg',
  'array_agg',
  'any_value',
  'bit_and',
  'bit_or',
];

function aggregates(): Omit<Callable, 'oid'>[] {
  const found: Omit<Callable, 'oid'>[] = [];
  const common = { kind: 'aggregate', variadic: false, strict: false, volatility: 'i' } as const;
  for (const name of AGGREGATES) {
    if (name === 'count') {
      found.push({ ...common, name, args: [], result: TYPE_INFO.int8.oid });
      found.push({ ...common, name, args: [ANY_OID], result: TYPE_INFO.int8.oid });
      continue;
    }
    for (const [kind, info] of Object.entries(TYPE_INFO) as [Exclude<TypeKind, 'array'>, { oid: number }][]) {
      if (kind === 'void' || kind === 'unknown') continue;
      const type = { kind } as SqlType;
      const given = name === 'string_agg' ? [type, type] : [type];
      const r = resolveAggregate(name, given, false);
      // Only what takes the type as it is: others are coercions of those.
      if ('error' in r || r.argTypes.some((t, i) => t.kind !== given[i].kind)) continue;
      found.push({ ...common, name, args: given.map(() => info.oid), result: typeOid(r.returns) });
    }
  }
  return found;
}

let made: readonly Callable[] | undefined;

export function callables(): readonly Callable[] {
  made ??= [
    ...allFunctions()
      .filter(isNamed)
      .map(
        (d): Omit<Callable, 'oid'> => ({
          name: d.name,
          kind: /^[a-z_]/i.test(d.name) ? 'function' : 'operator',
          args: d.args.map(argumentOid),
          result: resultOid(d),
          variadic: d.variadic ?? false,
          strict: d.strict,
          volatility: d.volatility[0],
        }),
      ),
    ...aggregates(),
  ].map((c, i) => ({ ...c, oid: FIRST_OID + i }));
  return made;
}

function shownType(oid: number): string {
  if (oid === ANY_OID) return '"any"';
  return oid === ANYARRAY_OID ? 'anyarray' : (typeNameByOid(oid) ?? '-');
}

/** By oid: the argument list and the result's type as psql's \df shows them, and the call as regprocedure and
 *  regoperator do. */
export function signatures(): readonly (readonly [
  oid: number,
  args: string,
  result: string,
  call: string,
])[] {
  return callables().map((c) => {
    const args = c.args.map(shownType);
    const operands = c.kind === 'operator' && args.length === 1 ? ['NONE', ...args] : args;
    const call = `${c.name}(${operands.join(',')})`;
    if (c.variadic) args[args.length - 1] = `VARIADIC ${args[args.length - 1]}`;
    return [c.oid, args.join(', '), shownType(c.result), call];
  });
}
