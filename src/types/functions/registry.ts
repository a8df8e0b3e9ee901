/** All scalar functions, by id and by name, and PostgreSQL's choice among overloads.
 *
 *  Owns: the table of functions, `resolveFunction`, `resolveOperator`, `resolveComparison`. Source: PostgreSQL,
 *  chapter 10 and parse_func.c (func_match_argtypes, func_select_candidate), parse_oper.c. */
import { SqlError } from '../sql-error.js';
import { type SqlType, TEXT, type TypeKind } from '../sql-type.js';
import { typeNamePlain } from '../text-io.js';
import { arithmetic } from './arithmetic.js';
import { ARRAY_ITEM, arrayFunctions } from './arrays.js';
import { casts, resolveCast } from './casts.js';
import { datetimeFunctions } from './datetime-functions.js';
import { formattingFunctions } from './formatting.js';
import { mathFunctions } from './math.js';
import { patternFunctions } from './patterns.js';
import { privilegeFunctions } from './privileges.js';
import type { ArgKind, CallInfo, FunctionDef, ResolvedFunction } from './registry-types.js';
import { ROW_COUNT, rowCounts } from './row-counts.js';
import { STORED_VALUE, storedValues } from './stored-value.js';
import { stringFunctions } from './strings.js';
import { systemFunctions } from './system.js';
import { canCast, categoryOf, commonType, isPreferred } from './type-system.js';

export { isAggregateName, resolveAggregate } from './aggregates.js';
export { resolveCast } from './casts.js';
export { commonType } from './type-system.js';

const ALL: readonly FunctionDef[] = [
  ...arithmetic,
  ...mathFunctions,
  ...stringFunctions,
  ...patternFunctions,
  ...formattingFunctions,
  ...datetimeFunctions,
  ...arrayFunctions,
  ...systemFunctions,
  ...privilegeFunctions,
  ...casts,
  ...rowCounts,
  ...storedValues,
];

/** What only the binder and the dispatcher insert. */
const UNNAMED: ReadonlySet<string> = new Set(['cast', 'assign', 'fit', STORED_VALUE, ARRAY_ITEM]);
const BY_ID = new Map<string, FunctionDef>();
const BY_NAME = new Map<string, FunctionDef[]>();
for (const def of ALL) {
  if (BY_ID.has(def.id)) throw new Error(`function ${def.id} is defined twice`);
  BY_ID.set(def.id, def);
  if (!isNamed(def)) continue;
  const named = BY_NAME.get(def.name);
  if (named === undefined) BY_NAME.set(def.name, [def]);
  else named.push(def);
}

/** Can a query name it? */
export function isNamed(def: FunctionDef): boolean {
  return !UNNAMED.has(def.name) && !def.name.startsWith(ROW_COUNT);
}

export function functionById(id: string): FunctionDef | undefined {
  return BY_ID.get(id);
}

export function allFunctions(): readonly FunctionDef[] {
  return ALL;
}

/** True when some scalar function has this name, whatever its arguments. */
export function isFunctionName(name: string): boolean {
  return BY_NAME.has(name);
}

/** A definition with its variadic parameter spread over the call's arguments. */
type Candidate = { readonly def: FunctionDef; readonly kinds: readonly ArgKind[] };

function candidates(name: string, count: number): Candidate[] {
  const found: Candidate[] = [];
  for (const def of BY_NAME.get(name) ?? []) {
    if (def.args.length === count) found.push({ def, kinds: def.args });
    else if (def.variadic === true && count >= def.args.length - 1 && def.args.length > 0) {
      const kinds = Array.from({ length: count }, (_, i) => def.args[Math.min(i, def.args.length - 1)]!);
      found.push({ def, kinds });
    }
  }
  return found;
}

function accepts(kind: ArgKind, type: SqlType): boolean {
  if (kind === 'any') return true;
  if (kind === 'anyarray') return type.kind === 'array' || type.kind === 'unknown';
  return type.kind === kind || type.kind === 'unknown' || canCast(type, { kind } as SqlType, 'implicit');
}

/** For `anyIsScalar`: no arrays, and next to an array only what its elements can be. */
function scalarsFit(c: Candidate, types: readonly SqlType[]): boolean {
  if (c.def.anyIsScalar !== true) return true;
  const arrayAt = c.kinds.indexOf('anyarray');
  const array = arrayAt < 0 ? undefined : types[arrayAt]!;
  return c.kinds.every((kind, i) => {
    if (kind !== 'any') return true;
    if (types[i]!.kind === 'array') return false;
    return array?.kind !== 'array' || canCast(types[i]!, array.element, 'implicit');
  });
}

function isExact(kind: ArgKind, type: SqlType): boolean {
  return kind === type.kind;
}

/** Keeps the candidates with the highest count of `matches`. */
function keepBest(
  from: readonly Candidate[],
  types: readonly SqlType[],
  matches: (kind: ArgKind, t: SqlType) => boolean,
): Candidate[] {
  let best = -1;
  let kept: Candidate[] = [];
  for (const c of from) {
    let n = 0;
    c.kinds.forEach((kind, i) => {
      if (types[i]!.kind !== 'unknown' && matches(kind, types[i]!)) n++;
    });
    if (n > best) {
      best = n;
      kept = [c];
    } else if (n === best) kept.push(c);
  }
  return kept;
}

/** func_select_candidate: undefined when it stays ambiguous. */
function selectCandidate(all: readonly Candidate[], types: readonly SqlType[]): Candidate | undefined {
  if (all.length === 1) return all[0];
  let left = keepBest(all, types, isExact);
  if (left.length === 1) return left[0];
  left = keepBest(
    left,
    types,
    (kind, t) => kind === t.kind || (isPreferred(kind) && categoryOf(kind) === categoryOf(t.kind)),
  );
  if (left.length === 1) return left[0];
  const unknowns = types.flatMap((t, i) => (t.kind === 'unknown' ? [i] : []));
  if (unknowns.length === 0) return undefined;
  const byCategory = stripByCategory(left, unknowns);
  if (byCategory !== undefined && byCategory.length > 0) {
    left = byCategory;
    if (left.length === 1) return left[0];
  }
  // Last: assume that unknown arguments have the type of the known ones, when these agree.
  const known = types.filter((t) => t.kind !== 'unknown');
  if (known.length > 0 && known.every((t) => t.kind === known[0]!.kind)) {
    const fits = left.filter((c) => c.kinds.every((kind) => accepts(kind, known[0]!)));
    if (fits.length === 1) return fits[0];
  }
  return undefined;
}

/** For each unknown argument the candidates' category (strings win), and within it the preferred type. */
function stripByCategory(from: readonly Candidate[], unknowns: readonly number[]): Candidate[] | undefined {
  const wanted = new Map<number, { category: string; preferred: boolean }>();
  for (const i of unknowns) {
    let category: string | undefined;
    let preferred = false;
    let conflict = false;
    for (const c of from) {
      const kind = c.kinds[i]!;
      const own = categoryOf(kind);
      if (category === undefined) {
        category = own;
        preferred = isPreferred(kind);
      } else if (own === category) preferred ||= isPreferred(kind);
      else if (own === 'S') {
        category = own;
        preferred = isPreferred(kind);
      } else conflict = true;
    }
    if (conflict && category !== 'S') return undefined;
    wanted.set(i, { category: category!, preferred });
  }
  return from.filter((c) =>
    unknowns.every((i) => {
      const w = wanted.get(i)!;
      return categoryOf(c.kinds[i]!) === w.category && (!w.preferred || isPreferred(c.kinds[i]!));
    }),
  );
}

/** The candidate for these types; 'none' and 'ambiguous' are the caller's to word. */
function choose(name: string, types: readonly SqlType[]): Candidate | 'none' | 'ambiguous' {
  const named = candidates(name, types.length);
  const exact = named.find((c) => c.def.variadic !== true && c.kinds.every((k, i) => isExact(k, types[i]!)));
  if (exact !== undefined) return exact;
  const possible = named.filter(
    (c) => c.kinds.every((k, i) => accepts(k, types[i]!)) && scalarsFit(c, types),
  );
  if (possible.length === 0) return 'none';
  return selectCandidate(possible, types) ?? 'ambiguous';
}

/** The types the arguments are to be coerced to. Arguments that fit keep their modifiers. */
function resolved(c: Candidate, types: readonly SqlType[], call: CallInfo | undefined): ResolvedFunction {
  const argTypes = c.kinds.map((kind, i): SqlType => {
    const t = types[i]!;
    if (kind === 'any') return t.kind === 'unknown' ? TEXT : t;
    if (kind === 'anyarray') return t.kind === 'array' ? t : { kind: 'array', element: elementFor(types) };
    if (kind === t.kind) return t;
    if (kind === 'array') return { kind: 'array', element: TEXT };
    if (kind === 'numeric') return coercedNumeric(t);
    return { kind } as SqlType;
  });
  return { def: c.def, argTypes, returns: c.def.returns(argTypes, call) };
}

/** An untyped `'{...}'` beside a scalar is an array of that scalar's type. */
function elementFor(types: readonly SqlType[]): SqlType {
  const array = types.find((t) => t.kind === 'array');
  if (array?.kind === 'array') return array.element;
  return types.find((t) => t.kind !== 'unknown') ?? TEXT;
}

function coercedNumeric(t: SqlType): SqlType {
  const cast = resolveCast(t, { kind: 'numeric' }, 'implicit');
  if (cast === undefined || cast === 'same' || t.kind === 'unknown') return { kind: 'numeric' };
  return functionById(cast.fn)!.returns([t]);
}

const FUNCTION_HINT =
  'No function matches the given name and argument types. You might need to add explicit type casts.';

/** The function for a call, or the error PostgreSQL gives (without position). `consts` sharpen the result's type. */
export function resolveFunction(
  name: string,
  argTypes: readonly SqlType[],
  call?: CallInfo,
): ResolvedFunction | { readonly error: SqlError } {
  const signature = (): string => `${name}(${argTypes.map(typeNamePlain).join(', ')})`;
  const chosen = choose(name, argTypes);
  if (typeof chosen === 'object') return resolved(chosen, argTypes, call);
  if (chosen === 'none') {
    // `text(x)`, `int4('7')`: a type's name with one argument is a cast.
    const cast = argTypes.length === 1 ? castByName(name, argTypes[0]!) : undefined;
    if (cast !== undefined) return cast;
    return {
      error: new SqlError('42883', `function ${signature()} does not exist`, { hint: FUNCTION_HINT }),
    };
  }
  return {
    error: new SqlError('42725', `function ${signature()} is not unique`, {
      hint: 'Could not choose a best candidate function. You might need to add explicit type casts.',
    }),
  };
}

const CASTABLE_NAMES = new Set<string>([
  'bool',
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'text',
  'varchar',
  'bpchar',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'name',
  'oid',
  'regclass',
]);

function castByName(name: string, from: SqlType): ResolvedFunction | undefined {
  if (!CASTABLE_NAMES.has(name)) return undefined;
  const to = { kind: name as TypeKind } as SqlType;
  const source = from.kind === 'unknown' ? TEXT : from;
  const def = functionById(`cast(${source.kind},${name})`);
  if (def === undefined || !canCast(source, to, 'explicit')) return undefined;
  return { def, argTypes: [source], returns: def.returns([source]) };
}

/** The function behind `left op right`, or the prefix operator `op right`. */
export function resolveOperator(
  op: string,
  left: SqlType | undefined,
  right: SqlType,
  call?: CallInfo,
): ResolvedFunction | { readonly error: SqlError } {
  const name = op === '!=' ? '<>' : op;
  const types = left === undefined ? [right] : [left, right];
  const chosen = exactOperator(name, types) ?? choose(name, types);
  if (typeof chosen === 'object') return resolved(chosen, types, call);
  return { error: operatorError(op, left, right, chosen) };
}

/** An unknown side is first taken to be of the other side's type. */
function exactOperator(name: string, types: readonly SqlType[]): Candidate | undefined {
  if (types.length !== 2 || (types[0]!.kind === 'unknown') === (types[1]!.kind === 'unknown'))
    return undefined;
  const known = types[0]!.kind === 'unknown' ? types[1]!.kind : types[0]!.kind;
  const kind = known === 'array' ? 'anyarray' : known;
  return candidates(name, 2).find((c) => c.kinds[0] === kind && c.kinds[1] === kind);
}

function operatorError(
  op: string,
  left: SqlType | undefined,
  right: SqlType,
  why: 'none' | 'ambiguous',
): SqlError {
  const signature =
    left === undefined
      ? `${op} ${typeNamePlain(right)}`
      : `${typeNamePlain(left)} ${op} ${typeNamePlain(right)}`;
  if (why === 'ambiguous')
    return new SqlError('42725', `operator is not unique: ${signature}`, {
      hint: 'Could not choose a best candidate operator. You might need to add explicit type casts.',
    });
  return new SqlError('42883', `operator does not exist: ${signature}`, {
    hint:
      left === undefined
        ? 'No operator matches the given name and argument type. You might need to add an explicit type cast.'
        : 'No operator matches the given name and argument types. You might need to add explicit type casts.',
  });
}

/** The type to which both sides of a comparison are coerced; 42883 when PostgreSQL has no such operator. */
export function resolveComparison(
  op: string,
  left: SqlType,
  right: SqlType,
): { readonly left: SqlType; readonly right: SqlType } | { readonly error: SqlError } {
  const fail = { error: operatorError(op, left, right, 'none') };
  if (left.kind === 'unknown' && right.kind === 'unknown') return { left: TEXT, right: TEXT };
  if (left.kind === 'unknown') return { left: plainOf(right), right };
  if (right.kind === 'unknown') return { left, right: plainOf(left) };
  if (left.kind === right.kind) return left.kind === 'void' ? fail : { left, right };
  const isText = (t: SqlType): boolean => categoryOf(t.kind) === 'S' || t.kind === 'char';
  if (isText(left) && isText(right)) {
    // char(n) with varchar compares as char(n); everything else as text.
    const kinds = [left.kind, right.kind];
    const to: SqlType = kinds.includes('bpchar') && kinds.includes('varchar') ? { kind: 'bpchar' } : TEXT;
    return { left: to, right: to };
  }
  if (categoryOf(left.kind) !== categoryOf(right.kind)) {
    // Text becomes a regclass for functions, but no operator compares the two.
    if (isText(left) || isText(right)) return fail;
    if (canCast(left, right, 'implicit')) return { left: plainOf(right), right };
    if (canCast(right, left, 'implicit')) return { left, right: plainOf(left) };
    return fail;
  }
  try {
    const found = commonType([left, right]);
    // There is = (float8, float4), and float8 is preferred: 1 = 0.1::float4 compares doubles.
    const common: SqlType = found.kind === 'float4' ? { kind: 'float8' } : found;
    const side = (t: SqlType): SqlType => {
      if (t.kind === common.kind) return t;
      return common.kind === 'numeric' ? coercedNumeric(t) : ({ kind: common.kind } as SqlType);
    };
    return { left: side(left), right: side(right) };
  } catch {
    return fail;
  }
}

/** The type an untyped literal takes beside `t`: without modifiers, so that 'abc' is not cut to char(2). */
function plainOf(t: SqlType): SqlType {
  return t.kind === 'numeric' || t.kind === 'varchar' || t.kind === 'bpchar' ? { kind: t.kind } : t;
}
