/** The SQL types, as values: what binder, planner, engine and storage call a column's type.
 *
 *  Owns: the union, PostgreSQL's OIDs and names. Must not know: how values are stored or compiled.
 *  Invariant: a `numeric` with `scale` holds only values of exactly that display scale and of at most
 *  `precision` digits (a fact about the values, also for expressions whose PostgreSQL typmod is -1);
 *  without it each value carries its own scale. */

import { isTimed, timeTypeMod, timeTypeName } from './time-modifier.js';

export type SqlType =
  | { readonly kind: 'bool' }
  | { readonly kind: 'int2' }
  | { readonly kind: 'int4' }
  | { readonly kind: 'int8' }
  | { readonly kind: 'float4' }
  | { readonly kind: 'float8' }
  | { readonly kind: 'numeric'; readonly precision?: number; readonly scale?: number }
  | { readonly kind: 'text' }
  | { readonly kind: 'varchar'; readonly length?: number }
  /** char(n): blank-padded; length absent means PostgreSQL's `bpchar` without limit. */
  | { readonly kind: 'bpchar'; readonly length?: number }
  | { readonly kind: 'date' }
  /** `precision`: digits of the second that values have; absent means up to six. */
  | { readonly kind: 'time'; readonly precision?: number }
  | { readonly kind: 'timestamp'; readonly precision?: number }
  | { readonly kind: 'timestamptz'; readonly precision?: number }
  /** `fields`: PostgreSQL's mask of the fields that are kept (INTERVAL DAY TO SECOND); absent means all. */
  | { readonly kind: 'interval'; readonly precision?: number; readonly fields?: number }
  | { readonly kind: 'bytea' }
  /** Catalog types: `oid` and the reg* family are unsigned 32-bit numbers, `name` and `"char"` are strings. */
  | { readonly kind: 'oid' }
  | { readonly kind: 'regclass' }
  | { readonly kind: 'regtype' }
  | { readonly kind: 'regproc' }
  | { readonly kind: 'regprocedure' }
  | { readonly kind: 'regoperator' }
  | { readonly kind: 'regnamespace' }
  | { readonly kind: 'name' }
  | { readonly kind: 'char' }
  /** Arrays travel as their PostgreSQL text literal (`{a,b}`): only catalog queries use them so far. */
  | ArrayType
  | { readonly kind: 'void' }
  /** The type of an untyped literal or NULL before it is coerced; never in a finished plan. */
  | { readonly kind: 'unknown' };

/** `vector`: int2vector or oidvector of the catalog, counted from 0 and written as `1 2`; its value is the literal of such an
 *  array, `[0:1]={1,2}`. */
export type ArrayType = { readonly kind: 'array'; readonly element: SqlType; readonly vector?: true };

export type TypeKind = SqlType['kind'];

export const BOOL: SqlType = { kind: 'bool' };
export const INT2: SqlType = { kind: 'int2' };
export const INT4: SqlType = { kind: 'int4' };
export const INT8: SqlType = { kind: 'int8' };
export const FLOAT4: SqlType = { kind: 'float4' };
export const FLOAT8: SqlType = { kind: 'float8' };
export const NUMERIC: SqlType = { kind: 'numeric' };
export const TEXT: SqlType = { kind: 'text' };
export const DATE: SqlType = { kind: 'date' };
export const TIME: SqlType = { kind: 'time' };
export const TIMESTAMP: SqlType = { kind: 'timestamp' };
export const TIMESTAMPTZ: SqlType = { kind: 'timestamptz' };
export const INTERVAL: SqlType = { kind: 'interval' };
export const OID: SqlType = { kind: 'oid' };
export const NAME: SqlType = { kind: 'name' };
export const UNKNOWN: SqlType = { kind: 'unknown' };

/** How a value of a type lives in a register of compiled code, in rows of a hash table and in motions.
 *  - `i32`: bool (0/1), int2, int4, date (days since 1970-01-01), oid and reg* (unsigned)
 *  - `i64`: int8, time, timestamp, timestamptz (microseconds, since midnight or 1970-01-01 UTC),
 *    numeric whose unscaled value provably fits
 *  - `i128`: numeric whose unscaled value provably fits 128 bits but not 64
 *  - `f32`, `f64`: float4, float8
 *  - `str`: 64 bits, address in the low half and byte length in the high half: strings (UTF-8), bytea, arrays,
 *    and numeric past 128 bits or of unknown scale (see `var-numeric.ts` for its bytes)
 *  - `interval`: 128 bits: low i64 = microseconds, high i64 = days (low 32) | months (high 32) */
export type Repr = 'i32' | 'i64' | 'i128' | 'f32' | 'f64' | 'str' | 'interval';

/** Inclusive bounds that hold for every non-null value: of the unscaled integer for numeric with a scale, of
 *  the number itself for integers, dates and timestamps. A guarantee, not an estimate. */
export type Range = { readonly min: bigint; readonly max: bigint };

const I64_MIN = -(1n << 63n);
const I64_MAX = (1n << 63n) - 1n;
const I128_MIN = -(1n << 127n);
const I128_MAX = (1n << 127n) - 1n;

/** The range every value of the type has by its definition; undefined where it is not an integer inside. */
export function typeRange(type: SqlType): Range | undefined {
  switch (type.kind) {
    case 'bool':
      return { min: 0n, max: 1n };
    case 'int2':
      return { min: -32768n, max: 32767n };
    case 'int4':
    case 'date':
      return { min: -(1n << 31n), max: (1n << 31n) - 1n };
    case 'oid':
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      return { min: 0n, max: (1n << 32n) - 1n };
    case 'int8':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return { min: I64_MIN, max: I64_MAX };
    case 'numeric': {
      if (type.precision === undefined || type.scale === undefined) return undefined;
      const max = 10n ** BigInt(type.precision) - 1n;
      return { min: -max, max };
    }
    default:
      return undefined;
  }
}

/** The representation of a value of `type` whose unscaled value lies in `range` (the type's own range when absent).
 *  Every party (planner, compiler, exchange) derives it with this function from the same plan, so they agree. */
export function reprOf(type: SqlType, range?: Range): Repr {
  switch (type.kind) {
    case 'bool':
    case 'int2':
    case 'int4':
    case 'date':
    case 'oid':
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      return 'i32';
    case 'int8':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return 'i64';
    case 'float4':
      return 'f32';
    case 'float8':
      return 'f64';
    case 'interval':
      return 'interval';
    case 'numeric': {
      if (type.scale === undefined) return 'str';
      const r = range ?? typeRange(type);
      if (r === undefined) return 'str';
      if (r.min >= I64_MIN && r.max <= I64_MAX) return 'i64';
      if (r.min >= I128_MIN && r.max <= I128_MAX) return 'i128';
      return 'str';
    }
    default:
      return 'str';
  }
}

/** Same type for the purpose of comparing schemas: kind and modifiers. */
export function sameType(a: SqlType, b: SqlType): boolean {
  if (a.kind === 'array' && b.kind === 'array')
    return a.vector === b.vector && sameType(a.element, b.element);
  return a.kind === b.kind && typeMod(a) === typeMod(b);
}

export function hasModifier(t: SqlType): boolean {
  return typeMod(t) !== -1;
}

export function isStringType(t: SqlType): boolean {
  return (
    t.kind === 'text' || t.kind === 'varchar' || t.kind === 'bpchar' || t.kind === 'name' || t.kind === 'char'
  );
}

export function isIntegerType(t: SqlType): boolean {
  return t.kind === 'int2' || t.kind === 'int4' || t.kind === 'int8';
}

const OIDS: Record<
  Exclude<TypeKind, 'array'>,
  {
    readonly oid: number;
    readonly arrayOid: number;
    readonly name: string;
    readonly sqlName: string;
    readonly size: number;
  }
> = {
  bool: { oid: 16, arrayOid: 1000, name: 'bool', sqlName: 'boolean', size: 1 },
  bytea: { oid: 17, arrayOid: 1001, name: 'bytea', sqlName: 'bytea', size: -1 },
  char: { oid: 18, arrayOid: 1002, name: 'char', sqlName: '"char"', size: 1 },
  name: { oid: 19, arrayOid: 1003, name: 'name', sqlName: 'name', size: 64 },
  int8: { oid: 20, arrayOid: 1016, name: 'int8', sqlName: 'bigint', size: 8 },
  int2: { oid: 21, arrayOid: 1005, name: 'int2', sqlName: 'smallint', size: 2 },
  int4: { oid: 23, arrayOid: 1007, name: 'int4', sqlName: 'integer', size: 4 },
  regproc: { oid: 24, arrayOid: 1008, name: 'regproc', sqlName: 'regproc', size: 4 },
  text: { oid: 25, arrayOid: 1009, name: 'text', sqlName: 'text', size: -1 },
  oid: { oid: 26, arrayOid: 1028, name: 'oid', sqlName: 'oid', size: 4 },
  float4: { oid: 700, arrayOid: 1021, name: 'float4', sqlName: 'real', size: 4 },
  float8: { oid: 701, arrayOid: 1022, name: 'float8', sqlName: 'double precision', size: 8 },
  unknown: { oid: 705, arrayOid: 0, name: 'unknown', sqlName: 'unknown', size: -2 },
  bpchar: { oid: 1042, arrayOid: 1014, name: 'bpchar', sqlName: 'character', size: -1 },
  varchar: { oid: 1043, arrayOid: 1015, name: 'varchar', sqlName: 'character varying', size: -1 },
  date: { oid: 1082, arrayOid: 1182, name: 'date', sqlName: 'date', size: 4 },
  time: { oid: 1083, arrayOid: 1183, name: 'time', sqlName: 'time without time zone', size: 8 },
  timestamp: {
    oid: 1114,
    arrayOid: 1115,
    name: 'timestamp',
    sqlName: 'timestamp without time zone',
    size: 8,
  },
  timestamptz: {
    oid: 1184,
    arrayOid: 1185,
    name: 'timestamptz',
    sqlName: 'timestamp with time zone',
    size: 8,
  },
  interval: { oid: 1186, arrayOid: 1187, name: 'interval', sqlName: 'interval', size: 16 },
  numeric: { oid: 1700, arrayOid: 1231, name: 'numeric', sqlName: 'numeric', size: -1 },
  regprocedure: { oid: 2202, arrayOid: 2207, name: 'regprocedure', sqlName: 'regprocedure', size: 4 },
  regoperator: { oid: 2204, arrayOid: 2209, name: 'regoperator', sqlName: 'regoperator', size: 4 },
  regclass: { oid: 2205, arrayOid: 2210, name: 'regclass', sqlName: 'regclass', size: 4 },
  regtype: { oid: 2206, arrayOid: 2211, name: 'regtype', sqlName: 'regtype', size: 4 },
  void: { oid: 2278, arrayOid: 0, name: 'void', sqlName: 'void', size: 4 },
  regnamespace: { oid: 4089, arrayOid: 4090, name: 'regnamespace', sqlName: 'regnamespace', size: 4 },
};

export const TYPE_INFO = OIDS;

type VectorInfo = {
  readonly name: string;
  readonly oid: number;
  readonly arrayOid: number;
  readonly element: 'int2' | 'oid';
};

export const VECTORS: readonly VectorInfo[] = [
  { name: 'int2vector', oid: 22, arrayOid: 1006, element: 'int2' },
  { name: 'oidvector', oid: 30, arrayOid: 1013, element: 'oid' },
];

export function vectorInfo(t: SqlType): VectorInfo | undefined {
  return t.kind === 'array' && t.vector === true
    ? VECTORS.find((v) => v.element === t.element.kind)
    : undefined;
}

/** `int2vector` and `oidvector` by name or oid. */
export function vectorType(key: string | number): ArrayType | undefined {
  const v = VECTORS.find((x) => x.name === key || x.oid === key);
  return v === undefined ? undefined : { kind: 'array', element: { kind: v.element }, vector: true };
}

export function typeOid(t: SqlType): number {
  const vector = vectorInfo(t);
  if (vector !== undefined) return vector.oid;
  if (t.kind === 'array')
    return t.element.kind === 'array' ? typeOid(t.element) : OIDS[t.element.kind].arrayOid;
  return OIDS[t.kind].oid;
}

/** `pg_type.typlen`: bytes of the PostgreSQL binary form, -1 for variable length. */
export function typeSize(t: SqlType): number {
  return t.kind === 'array' ? -1 : OIDS[t.kind].size;
}

/** `atttypmod` as PostgreSQL encodes it; -1 without a modifier. */
export function typeMod(t: SqlType): number {
  if (t.kind === 'numeric' && t.precision !== undefined)
    return ((t.precision << 16) | ((t.scale ?? 0) & 0x7ff)) + 4;
  if ((t.kind === 'varchar' || t.kind === 'bpchar') && t.length !== undefined) return t.length + 4;
  if (isTimed(t)) return timeTypeMod(t);
  return t.kind === 'array' ? typeMod(t.element) : -1;
}

/** The inverse of `typeMod` for numeric; -1 means any. */
export function numericOfModifier(modifier: number): SqlType {
  if (modifier < 4) return NUMERIC;
  const m = modifier - 4;
  return { kind: 'numeric', precision: (m >> 16) & 0xffff, scale: ((m & 0x7ff) ^ 1024) - 1024 };
}

/** The name as `format_type` prints it: `numeric(15,2)`, `character varying(25)`, `integer[]`. */
export function typeName(t: SqlType): string {
  if (t.kind === 'array') return vectorInfo(t)?.name ?? `${typeName(t.element)}[]`;
  const base = OIDS[t.kind].sqlName;
  if (t.kind === 'numeric' && t.precision !== undefined) return `${base}(${t.precision},${t.scale ?? 0})`;
  if ((t.kind === 'varchar' || t.kind === 'bpchar') && t.length !== undefined) return `${base}(${t.length})`;
  return isTimed(t) ? timeTypeName(base, timeTypeMod(t)) : base;
}
