/** Calls of the function registry written once and evaluated twice: by the registry and, as SQL, by an oracle. */
import {
  functionById,
  resolveCast,
  resolveFunction,
  resolveOperator,
} from '../../src/types/functions/registry.js';
import type { FunctionContext, ResolvedFunction } from '../../src/types/functions/registry-types.js';
import { SqlError } from '../../src/types/sql-error.js';
import type { SqlType } from '../../src/types/sql-type.js';
import { formatText, parseText, typeNamePlain } from '../../src/types/text-io.js';
import type { Value } from '../../src/types/value.js';

/** An argument: a type's name and its text (null for NULL). */
export type Arg = readonly [string, string | null];
export type Call =
  | { readonly fn: string; readonly args: readonly Arg[] }
  | { readonly op: string; readonly args: readonly Arg[] }
  | { readonly cast: string; readonly args: readonly [Arg] };

export const TEST_CONTEXT: FunctionContext = {
  nowMicros: 1_700_000_000_000_000n,
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
  user: 'tester',
  database: 'test',
  searchPath: ['public'],
};

export function typeOf(name: string): SqlType {
  const m = /^(\w+)(?:\((\d+)(?:,\s*(-?\d+))?\))?(\[\])?$/.exec(name)!;
  const kind = m[1]!;
  const element =
    kind === 'numeric' && m[2] !== undefined
      ? { kind, precision: Number(m[2]), scale: Number(m[3] ?? 0) }
      : m[2] !== undefined
        ? { kind, length: Number(m[2]) }
        : { kind };
  return (m[4] === undefined ? element : { kind: 'array', element }) as SqlType;
}

function literal(text: string | null): string {
  return text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`;
}

export function toSql(call: Call): string {
  const args = call.args.map(([type, text]) =>
    type === 'unknown' ? literal(text) : `${literal(text)}::${type}`,
  );
  if ('fn' in call) return `${call.fn}(${args.join(', ')})`;
  if ('cast' in call) return `(${args[0]})::${call.cast}`;
  return args.length === 1 ? `${call.op} (${args[0]})` : `(${args[0]}) ${call.op} (${args[1]})`;
}

function coerce(value: Value, from: SqlType, to: SqlType, ctx: FunctionContext): Value {
  if (value === null) return null;
  if (from.kind === 'unknown') return parseText(to, value as string, ctx);
  const cast = resolveCast(from, to, 'explicit');
  if (cast === undefined)
    throw new SqlError('42846', `cannot cast type ${typeNamePlain(from)} to ${typeNamePlain(to)}`);
  return cast === 'same' ? value : functionById(cast.fn)!.impl([value], ctx, [from], to);
}

/** The result's text as PostgreSQL's `::text` shows it, or `SQLSTATE message`. */
export function evaluate(call: Call, ctx: FunctionContext = TEST_CONTEXT): string {
  try {
    const types = call.args.map(([name]) => typeOf(name));
    const values = call.args.map(([, text], i): Value => {
      if (text === null || types[i]!.kind === 'unknown') return text;
      const t = types[i]!;
      // A literal with a length is cast to it, which cuts; input alone would refuse.
      if (t.kind === 'varchar' || t.kind === 'bpchar') return coerce(text, { kind: 'text' }, t, ctx);
      return parseText(t, text, ctx);
    });
    if ('cast' in call) {
      const to = typeOf(call.cast);
      return show(coerce(values[0]!, types[0]!, to, ctx), to, ctx);
    }
    const resolved: ResolvedFunction | { error: SqlError } =
      'fn' in call
        ? resolveFunction(call.fn, types, { consts: values })
        : types.length === 1
          ? resolveOperator(call.op, undefined, types[0]!)
          : resolveOperator(call.op, types[0]!, types[1]!);
    if ('error' in resolved) throw resolved.error;
    const args = values.map((v, i) => coerce(v, types[i]!, resolved.argTypes[i]!, ctx));
    if (resolved.def.strict && args.includes(null)) return 'NULL';
    const result = resolved.def.impl(args, ctx, resolved.argTypes, resolved.returns);
    if (resolved.returns.kind === 'numeric') checkFacts(result, resolved.returns, toSql(call));
    return show(result, resolved.returns, ctx);
  } catch (e) {
    if (e instanceof SqlError) return `${e.code} ${e.message}`;
    throw e;
  }
}

function show(value: Value, type: SqlType, ctx: FunctionContext): string {
  if (value === null) return 'NULL';
  if (type.kind === 'bool') return value === true ? 'true' : 'false';
  const text = formatText(type, value, ctx);
  return type.kind === 'bpchar' ? text.trimEnd() : text;
}

/** The declared precision and scale must hold for every value. */
function checkFacts(value: Value, type: SqlType, what: string): void {
  if (type.kind !== 'numeric' || type.scale === undefined || type.precision === undefined || value === null)
    return;
  const v = value as { unscaled: bigint; scale: number };
  const limit = 10n ** BigInt(type.precision);
  if (v.scale !== type.scale || v.unscaled >= limit || v.unscaled <= -limit)
    throw new Error(`${what}: ${JSON.stringify(type)} does not hold ${v.unscaled}e-${v.scale}`);
}
