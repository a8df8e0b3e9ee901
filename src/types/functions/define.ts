/** The shorthand in which the families of functions are written down. */
import { FLOAT8, type SqlType, TEXT } from '../sql-type.js';
import type { Value } from '../value.js';
import type { ArgKind, FunctionDef } from './registry-types.js';

export type Impl = FunctionDef['impl'];

/** What differs from a strict, immutable function without variadic parameters or bounds. */
export type Options = Partial<
  Pick<FunctionDef, 'variadic' | 'anyIsScalar' | 'strict' | 'volatility' | 'range' | 'unbounded'>
>;

/** An option of functions whose work may be out of proportion to their arguments. */
export const UNBOUNDED = { unbounded: true } as const;

/** One function. `args` is a list of kinds separated by spaces: `'text int4 int4'`. */
export function define(
  name: string,
  args: string,
  returns: SqlType | FunctionDef['returns'],
  impl: Impl,
  options: Options = {},
): FunctionDef {
  const kinds = (args === '' ? [] : args.split(' ')) as ArgKind[];
  return {
    id: `${name}(${kinds.join(',')})`,
    name,
    args: kinds,
    returns: typeof returns === 'function' ? returns : () => returns,
    strict: true,
    volatility: 'immutable',
    impl,
    ...options,
  };
}

/** One-argument functions of the common types, without the ceremony of tuples. */
export function textFunction(name: string, apply: (s: string) => string): FunctionDef {
  return define(name, 'text', TEXT, (a) => apply(a[0] as string));
}

export function floatFunction(name: string, apply: (x: number) => number): FunctionDef {
  return define(name, 'float8', FLOAT8, (a) => apply(a[0] as number));
}

export const returnsFirst: FunctionDef['returns'] = (types) => types[0]!;

export const str = (v: Value | undefined): string => v as string;
export const num = (v: Value | undefined): number => v as number;
export const big = (v: Value | undefined): bigint => v as bigint;
