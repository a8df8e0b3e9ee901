/** Type names of the grammar to SqlTypes: aliases, modifiers, arrays.
 *
 *  Errors as PostgreSQL: 42704 for unknown types, 22023 for bad modifiers, at the name's position; types that exist
 *  in PostgreSQL but not here yet are 0A000. */
import type { Node, TypeName } from 'libpg-query';
import { type SqlType, TYPE_INFO, type TypeKind, vectorType } from '../../types/sql-type.js';
import { ALL_FIELDS } from '../../types/time-modifier.js';
import { literalText, namesOf } from './ast.js';
import type { BindContext } from './context.js';

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
    'tid pg_lsn regoper regrole regcollation regconfig regdictionary oidvector int2vector ' +
    'refcursor txid_snapshot pg_node_tree aclitem anyelement anyarray hstore'
  ).split(' '),
);

const SECOND_DIGITS_MAX = 6;

export function resolveTypeName(ctx: BindContext, t: TypeName | undefined): SqlType {
  const names = namesOf(t?.names);
  const name = names.at(-1) ?? '';
  const at = t?.location;
  if (t?.pct_type === true) throw ctx.notSupported('%TYPE', at);
  if (t?.setof === true) throw ctx.notSupported('SETOF', at);
  const vector = names.length < 2 || names[0] === 'pg_catalog' ? vectorType(name) : undefined;
  if (vector !== undefined && (t?.arrayBounds?.length ?? 0) === 0) return vector;
  const kind = typeKindNamed(ctx, names, at);
  const resolved = withModifiers(ctx, kind, t?.typmods ?? [], at);
  const dimensions = t?.arrayBounds?.length ?? 0;
  if (dimensions > 0) return { kind: 'array', element: resolved };
  if (name.startsWith('_') && names.length <= 2 && isKind(name.slice(1)))
    return { kind: 'array', element: resolved };
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
): SqlType {
  const numbers = mods.map((m) => {
    const text = literalText(m);
    const n = text === undefined ? Number.NaN : Number(text);
    if (!Number.isInteger(n))
      throw ctx.error('22023', `type modifiers must be simple constants or identifiers`, at);
    return n;
  });
  switch (kind) {
    case 'numeric': {
      if (numbers.length === 0) return { kind };
      if (numbers.length > 2) throw ctx.error('22023', 'invalid NUMERIC type modifier', at);
      const [precision, scale = 0] = numbers;
      if (precision < 1 || precision > 1000)
        throw ctx.error('22023', `NUMERIC precision ${precision} must be between 1 and 1000`, at);
      if (scale < -1000 || scale > 1000)
        throw ctx.error('22023', `NUMERIC scale ${scale} must be between -1000 and 1000`, at);
      if (scale < 0 || scale > precision)
        throw ctx.notSupported('NUMERIC with a scale outside of its precision', at);
      return { kind, precision, scale };
    }
    case 'varchar':
    case 'bpchar': {
      if (numbers.length === 0) return { kind };
      if (numbers.length > 1) throw ctx.error('22023', 'invalid type modifier', at);
      const shown = kind === 'varchar' ? 'varchar' : 'char';
      const [length] = numbers;
      if (length < 1) throw ctx.error('22023', `length for type ${shown} must be at least 1`, at);
      if (length > 10485760) throw ctx.error('22023', `length for type ${shown} cannot exceed 10485760`, at);
      return { kind, length };
    }
    case 'time':
    case 'timestamp':
    case 'timestamptz': {
      if (numbers.length === 0) return { kind };
      return { kind, precision: clampPrecision(ctx, kind, numbers[0], at) };
    }
    case 'interval': {
      if (numbers.length === 0) return { kind };
      const [fields, precision] = numbers;
      return {
        kind,
        ...(fields === ALL_FIELDS ? {} : { fields }),
        ...(precision === undefined ? {} : { precision: clampPrecision(ctx, kind, precision, at) }),
      };
    }
    default:
      if (numbers.length > 0) throw ctx.error('42601', `type modifier is not allowed for type "${kind}"`, at);
      return { kind };
  }
}

/** More digits than there are give a warning and all of them. */
export function clampPrecision(
  ctx: BindContext,
  kind: 'time' | 'timestamp' | 'timestamptz' | 'interval',
  n: number,
  at: number | undefined,
): number {
  const [name, zone] = kind === 'timestamptz' ? ['TIMESTAMP', ' WITH TIME ZONE'] : [kind.toUpperCase(), ''];
  if (n < 0) throw ctx.error('22023', `${name}(${n})${zone} precision must not be negative`, at);
  if (n > SECOND_DIGITS_MAX)
    ctx.notices.push({
      severity: 'WARNING',
      code: '22023',
      message: `${name}(${n})${zone} precision reduced to maximum allowed, ${SECOND_DIGITS_MAX}`,
      position: ctx.position(at),
    });
  return Math.min(n, SECOND_DIGITS_MAX);
}
