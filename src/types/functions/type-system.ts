/** How types relate: categories, preferred types, which casts exist and when they may happen unasked.
 *
 *  Owns: PostgreSQL's pg_cast and pg_type.typcategory for our types, and the common type of several expressions.
 *  Source: PostgreSQL, chapter 10; parse_coerce.c (select_common_type). */
import { SqlError } from '../sql-error.js';
import { hasModifier, NUMERIC, type SqlType, sameType, TEXT, type TypeKind } from '../sql-type.js';
import { typeNamePlain } from '../text-io.js';
import type { ArgKind, CastContext } from './registry-types.js';

export type Category = 'B' | 'N' | 'S' | 'D' | 'T' | 'U' | 'A' | 'P' | 'X' | 'Z';

const CATEGORY: Readonly<Record<TypeKind, Category>> = {
  bool: 'B',
  int2: 'N',
  int4: 'N',
  int8: 'N',
  float4: 'N',
  float8: 'N',
  numeric: 'N',
  oid: 'N',
  regclass: 'N',
  regtype: 'N',
  regproc: 'N',
  regprocedure: 'N',
  regoperator: 'N',
  regnamespace: 'N',
  text: 'S',
  varchar: 'S',
  bpchar: 'S',
  name: 'S',
  char: 'Z',
  date: 'D',
  time: 'D',
  timestamp: 'D',
  timestamptz: 'D',
  interval: 'T',
  bytea: 'U',
  array: 'A',
  void: 'P',
  unknown: 'X',
};

export function categoryOf(kind: ArgKind): Category {
  return kind === 'any' || kind === 'anyarray' ? 'P' : CATEGORY[kind];
}

const PREFERRED = new Set<string>(['bool', 'float8', 'oid', 'text', 'timestamptz', 'interval']);

export function isPreferred(kind: ArgKind): boolean {
  return PREFERRED.has(kind);
}

const LEVEL: Readonly<Record<CastContext, number>> = { implicit: 0, assignment: 1, explicit: 2 };

/** pg_cast: `from: implicit targets; assignment targets; explicit targets`. */
const PG_CAST = `
int2: int4 int8 float4 float8 numeric oid regclass regtype regproc regprocedure regoperator regnamespace; ;
int4: int8 float4 float8 numeric oid regclass regtype regproc regprocedure regoperator regnamespace; int2; bool char
int8: float4 float8 numeric oid regclass regtype regproc regprocedure regoperator regnamespace; int2 int4;
float4: float8; int2 int4 int8 numeric;
float8: ; int2 int4 int8 float4 numeric;
numeric: float4 float8; int2 int4 int8;
bool: ; text varchar bpchar; int4
text: varchar bpchar name regclass; char;
varchar: text bpchar name regclass; char;
bpchar: text varchar name; char;
name: text; varchar bpchar;
char: text; varchar bpchar; int4
date: timestamp timestamptz; ;
timestamp: timestamptz; date time;
timestamptz: ; date time timestamp;
time: interval; ;
interval: ; time;
oid: regclass regtype regproc regprocedure regoperator regnamespace; int4 int8;
regclass: oid; int4 int8;
regtype: oid; int4 int8;
regproc: oid regprocedure; int4 int8;
regprocedure: oid regproc; int4 int8;
regoperator: oid; int4 int8;
regnamespace: oid; int4 int8;
`;

const CASTS = new Map<string, CastContext>();
for (const line of PG_CAST.trim().split('\n')) {
  const [from, rest] = line.split(':') as [string, string];
  const contexts: readonly CastContext[] = ['implicit', 'assignment', 'explicit'];
  rest.split(';').forEach((targets, i) => {
    for (const to of targets.trim().split(/\s+/)) if (to !== '') CASTS.set(`${from}>${to}`, contexts[i]!);
  });
}

const isString = (kind: TypeKind): boolean =>
  kind === 'text' || kind === 'varchar' || kind === 'bpchar' || kind === 'name';

/** The weakest context in which a value of `from` becomes one of `to`; undefined when there is no cast. */
export function castContext(from: SqlType, to: SqlType): CastContext | undefined {
  if (from.kind === to.kind) {
    if (from.kind === 'array' && to.kind === 'array')
      return to.vector === true && from.vector !== true ? undefined : castContext(from.element, to.element);
    return 'implicit';
  }
  if (from.kind === 'unknown') return 'implicit';
  if (to.kind === 'unknown' || to.kind === 'void' || from.kind === 'void') return undefined;
  const known = CASTS.get(`${from.kind}>${to.kind}`);
  if (known !== undefined) return known;
  // Through text: to strings on assignment, from strings when asked for.
  if (isString(to.kind)) return 'assignment';
  if (isString(from.kind) || to.kind === 'char' || from.kind === 'char')
    return isString(from.kind) ? 'explicit' : undefined;
  return undefined;
}

export function canCast(from: SqlType, to: SqlType, context: CastContext): boolean {
  const needed = castContext(from, to);
  return needed !== undefined && LEVEL[needed] <= LEVEL[context];
}

/** Both facts hold for every value of either type: same scale, the larger precision; otherwise none. */
export function mergeModifiers(a: SqlType, b: SqlType): SqlType {
  if (a.kind === 'numeric' && b.kind === 'numeric') {
    if (a.scale === undefined || b.scale === undefined || a.scale !== b.scale) return NUMERIC;
    if (a.precision === undefined || b.precision === undefined) return NUMERIC;
    return a.precision >= b.precision ? a : b;
  }
  if ((a.kind === 'varchar' && b.kind === 'varchar') || (a.kind === 'bpchar' && b.kind === 'bpchar'))
    return a.length === b.length ? a : { kind: a.kind };
  return sameType(a, b) || a.kind === 'array' ? a : ({ kind: a.kind } as SqlType);
}

/** The facts that integers bring along when they become numeric. */
export function numericOfInteger(kind: TypeKind): SqlType {
  switch (kind) {
    case 'int2':
      return { kind: 'numeric', precision: 5, scale: 0 };
    case 'int4':
      return { kind: 'numeric', precision: 10, scale: 0 };
    case 'int8':
      return { kind: 'numeric', precision: 19, scale: 0 };
    default:
      return NUMERIC;
  }
}

/** The type of UNION columns, CASE, COALESCE, GREATEST, IN lists, VALUES. 42804 when there is none; `construct` names
 *  the place in the message. All unknown: text. The first type weighs most: CASE passes that of ELSE first. */
export function commonType(types: readonly SqlType[], construct = 'CASE'): SqlType {
  let candidate: SqlType | undefined;
  for (const t of types) {
    if (t.kind === 'unknown') continue;
    if (candidate === undefined || candidate.kind === t.kind) {
      candidate ??= t;
      continue;
    }
    if (categoryOf(t.kind) !== categoryOf(candidate.kind))
      throw new SqlError(
        '42804',
        `${construct} types ${typeNamePlain(candidate)} and ${typeNamePlain(t)} cannot be matched`,
      );
    // A preferred type stays; otherwise take the one the other converts to.
    if (
      !isPreferred(candidate.kind) &&
      canCast(candidate, t, 'implicit') &&
      !canCast(t, candidate, 'implicit')
    )
      candidate = t;
  }
  if (candidate === undefined) return TEXT;
  const chosen = candidate;
  let result: SqlType | undefined;
  for (const t of types) {
    if (t.kind === 'unknown') continue;
    if (!canCast(t, chosen, 'implicit'))
      throw new SqlError(
        '42846',
        `${construct} could not convert type ${typeNamePlain(t)} to ${typeNamePlain(chosen)}`,
      );
    const as =
      t.kind === chosen.kind ? t : chosen.kind === 'numeric' ? numericOfInteger(t.kind) : { ...chosen };
    const plain = t.kind !== chosen.kind && 'length' in as ? ({ kind: as.kind } as SqlType) : as;
    result = result === undefined ? plain : mergeModifiers(result, plain);
  }
  // An untyped literal among numerics or strings may have any scale or length.
  if (
    types.some((t) => t.kind === 'unknown') &&
    result?.kind !== 'array' &&
    result !== undefined &&
    hasModifier(result)
  )
    return { kind: result.kind } as SqlType;
  return result ?? chosen;
}
