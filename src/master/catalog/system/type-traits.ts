/** What pg_type and pg_attribute say of a type beyond its oid and size. Source: PostgreSQL 15's pg_type.dat. */
import { type SqlType, typeSize } from '../../../types/sql-type.js';

export type TypeTraits = {
  readonly category: string;
  readonly preferred: boolean;
  readonly align: string;
  readonly storage: string;
  readonly collation: number;
  readonly byValue: boolean;
  /** The stem of its I/O functions' names; `send` and `recv` follow it. */
  readonly io: string;
};

const DEFAULT_COLLATION = 100;
const C_COLLATION = 950;

/** category, preferred, align, storage */
const TRAITS: Readonly<Record<string, string>> = {
  bool: 'B1cp',
  bytea: 'U0ix',
  char: 'Z0cp',
  name: 'S0cp',
  int8: 'N0dp',
  int2: 'N0sp',
  int4: 'N0ip',
  text: 'S1ix',
  oid: 'N1ip',
  float4: 'N0ip',
  float8: 'N1dp',
  bpchar: 'S0ix',
  varchar: 'S0ix',
  date: 'D0ip',
  time: 'D0dp',
  timestamp: 'D0dp',
  timestamptz: 'D1dp',
  interval: 'T1dp',
  numeric: 'N0im',
  regclass: 'N0ip',
  regtype: 'N0ip',
  regproc: 'N0ip',
  regprocedure: 'N0ip',
  regoperator: 'N0ip',
  regnamespace: 'N0ip',
  void: 'P0ip',
  unknown: 'X0cp',
  array: 'A0ix',
};

const UNDERSCORED = new Set([
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'numeric',
  'void',
  'array',
]);

export function typeTraits(type: SqlType): TypeTraits {
  const t = TRAITS[type.kind];
  const size = typeSize(type);
  const isText = type.kind === 'text' || type.kind === 'varchar' || type.kind === 'bpchar';
  const base = type.kind === 'array' ? typeTraits(type.element).collation : 0;
  return {
    category: t[0],
    preferred: t[1] === '1',
    align: t[2],
    storage: t[3],
    collation: isText ? DEFAULT_COLLATION : type.kind === 'name' ? C_COLLATION : base,
    byValue: size > 0 && size <= 8,
    io: UNDERSCORED.has(type.kind) ? `${type.kind}_` : type.kind,
  };
}
