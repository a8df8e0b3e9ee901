/** Type names of the grammar to SqlTypes: aliases, modifiers, arrays.
 *
 *  Errors as PostgreSQL: 42704 for unknown types, 22023 for bad modifiers, at the name's position; types that exist
 *  in PostgreSQL but not here yet are 0A000. */
import type { Node, TypeName } from 'libpg-query';
import { type SqlType, TYPE_INFO, type TypeKind } from '../../types/sql-type.js';
import { literalText, namesOf } from './ast.js';
import type { BindContext } from './context.js';

/** A type together with modifiers that are applied to a value once and are no part of our SqlType. */
export type ResolvedTypeName = {
  readonly type: SqlType;
  /** Digits of the second, for time, timestamp[tz] and interval. */
  readonly precision?: number;
  /** PostgreSQL's interval field mask (`INTERVAL '3' MONTH`): bit 1 month, 2 year, 3 day, 10 hour, 11 minute, 12 second. */
  readonly fields?: number;
};

const ALIASES: Readonly<Record<string, TypeKind>> = {
  boolean: 'bool',
  smallint: 'int2',
  int: 'int4',
  integer: 'int4',
  bigint: 'int8',
  real: 'float4',
  decimal: 'numeric',
  dec: 'numeric',
  character: 'bpchar',
  string: 'text',
};

const SERIAL = new Set(['serial', 'serial2', 'serial4', 'serial8', 'smallserial', 'bigserial']);

/** Exist in PostgreSQL: "not supported" is a truer answer than "does not exist". */
const KNOWN_ELSEWHERE = new Set(
  (
    'json jsonb jsonpath xml uuid timetz money bit varbit point line lseg box path polygon circle inet cidr macaddr ' +
    'macaddr8 tsvector tsquery int4range int8range numrange daterange tsrange tstzrange record cstring xid xid8 cid ' +
    'tid pg_lsn regprocedure regoper regoperator regrole regcollation regconfig regdictionary oidvector int2vector ' +
    'refcursor txid_snapshot pg_node_tree aclitem anyelement anyarray hstore'
  ).split(' '),
);

/** Interval mask meaning "all fields". */
const FULL_RANGE = 0x7fff;

export function resolveTypeName(ctx: BindContext, t: TypeName | undefined): ResolvedTypeName {
  const names = namesOf(t?.names);
  const name = names.at(-1) ?? '';
  const at = t?.location;
  if (t?.pct_type === true) throw ctx.notSupported('%TYPE', at);
  if (t?.setof === true) throw ctx.notSupported('SETOF', at);
  const kind = typeKindNamed(ctx, names, at);
  const resolved = withModifiers(ctx, kind, t?.typmods ?? [], at);
  const dimensions = t?.arrayBounds?.length ?? 0;
  if (dimensions > 0) return { type: { kind: 'array', element: resolved.type } };
  if (name.startsWith('_') && names.length <= 2 && isKind(name.slice(1)))
    return { type: { kind: 'array', element: resolved.type } };
  return resolved;
}

function isKind(name: string): name is Exclude<TypeKind, 'array'> {
  return Object.hasOwn(TYPE_INFO, name);
}

function typeKindNamed(
  ctx: BindContext,
  names: readonly string[],
  at: number | undefined,
): Exclude<TypeKind, 'array'> {
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? names.at(-2) : undefined;
  const shown = names.join('.');
  const builtIn = schema === undefined || schema === 'pg_catalog';
  if (builtIn) {
    // "char" in quotes is its own type; the grammar has turned char without quotes into bpchar.
    if (isKind(name) && name !== 'unknown') return name;
    const alias = schema === undefined ? ALIASES[name] : undefined;
    if (alias !== undefined && alias !== 'array') return alias;
    if (name.startsWith('_') && isKind(name.slice(1))) return name.slice(1) as Exclude<TypeKind, 'array'>;
    if (SERIAL.has(name)) throw ctx.notSupported(`type ${name}`, at);
    if (KNOWN_ELSEWHERE.has(name)) throw ctx.notSupported(`type ${name}`, at);
  } else if (!ctx.catalog.hasSchema(schema))
    throw ctx.error('3F000', `schema "${schema}" does not exist`, at);
  throw ctx.error('42704', `type "${shown}" does not exist`, at);
}

function withModifiers(
  ctx: BindContext,
  kind: Exclude<TypeKind, 'array'>,
  mods: readonly Node[],
  at: number | undefined,
): ResolvedTypeName {
  const numbers = mods.map((m) => {
    const text = literalText(m);
    const n = text === undefined ? Number.NaN : Number(text);
    if (!Number.isInteger(n))
      throw ctx.error('22023', `type modifiers must be simple constants or identifiers`, at);
    return n;
  });
  switch (kind) {
    case 'numeric': {
      if (numbers.length === 0) return { type: { kind } };
      if (numbers.length > 2) throw ctx.error('22023', 'invalid NUMERIC type modifier', at);
      const [precision, scale = 0] = numbers;
      if (precision < 1 || precision > 1000)
        throw ctx.error('22023', `NUMERIC precision ${precision} must be between 1 and 1000`, at);
      if (scale < -1000 || scale > 1000)
        throw ctx.error('22023', `NUMERIC scale ${scale} must be between -1000 and 1000`, at);
      if (scale < 0 || scale > precision)
        throw ctx.notSupported('NUMERIC with a scale outside of its precision', at);
      return { type: { kind, precision, scale } };
    }
    case 'varchar':
    case 'bpchar': {
      if (numbers.length === 0) return { type: { kind } };
      if (numbers.length > 1) throw ctx.error('22023', 'invalid type modifier', at);
      const shown = kind === 'varchar' ? 'varchar' : 'char';
      const [length] = numbers;
      if (length < 1) throw ctx.error('22023', `length for type ${shown} must be at least 1`, at);
      if (length > 10485760) throw ctx.error('22023', `length for type ${shown} cannot exceed 10485760`, at);
      return { type: { kind, length } };
    }
    case 'time':
    case 'timestamp':
    case 'timestamptz': {
      if (numbers.length === 0) return { type: { kind } };
      return { type: { kind }, precision: clampPrecision(ctx, kind.toUpperCase(), numbers[0], at) };
    }
    case 'interval': {
      if (numbers.length === 0) return { type: { kind } };
      const [fields, precision] = numbers;
      return {
        type: { kind },
        ...(fields === FULL_RANGE ? {} : { fields }),
        ...(precision === undefined ? {} : { precision: clampPrecision(ctx, 'INTERVAL', precision, at) }),
      };
    }
    default:
      if (numbers.length > 0) throw ctx.error('42601', `type modifier is not allowed for type "${kind}"`, at);
      return { type: { kind } };
  }
}

function clampPrecision(ctx: BindContext, name: string, n: number, at: number | undefined): number {
  if (n < 0) throw ctx.error('22023', `${name}(${n}) precision must not be negative`, at);
  return Math.min(n, 6);
}
