/** Expressions as readable text, for EXPLAIN and goldens.
 *
 *  Owns: how constants, columns and operators look. A column shows as `name#id` unless `columnName` says otherwise. */
import { ROW_COUNT } from '../types/functions/row-counts.js';
import type { ColId } from '../types/ids.js';
import { unreachable } from '../types/sql-error.js';
import { isStringType, numericOfModifier, type SqlType, typeName } from '../types/sql-type.js';
import { isInterval, isNumeric, type Value } from '../types/value.js';
import type { Expr, SortKey } from './expr.js';
import type { LogicalPlan } from './logical/nodes.js';

export type ExprPrinter = {
  readonly column: (id: ColId) => string;
  readonly subquery: (plan: LogicalPlan) => string;
};

export function printExpr(e: Expr, p: ExprPrinter): string {
  return text(e, p, 0);
}

export function printSortKey(k: SortKey, p: ExprPrinter): string {
  const nulls = k.nullsFirst === k.descending ? '' : k.nullsFirst ? ' NULLS FIRST' : ' NULLS LAST';
  return `${printExpr(k.expr, p)}${k.descending ? ' DESC' : ''}${nulls}`;
}

const OR = 1;
const AND = 2;
const NOT = 3;
const COMPARE = 4;
const OTHER = 5;
const ADD = 6;
const MULTIPLY = 7;
const PREFIX = 9;

function text(e: Expr, p: ExprPrinter, outer: number): string {
  const wrap = (level: number, s: string): string => (level < outer ? `(${s})` : s);
  const list = (es: readonly Expr[]): string => es.map((x) => text(x, p, 0)).join(', ');
  switch (e.kind) {
    case 'col':
      return p.column(e.id);
    case 'const':
      return printValue(e.value, e.type);
    case 'param':
      return `$${e.index + 1}`;
    case 'call':
      return call(e, p, wrap);
    case 'cmp':
      return wrap(COMPARE, `${text(e.left, p, OTHER)} ${e.op} ${text(e.right, p, OTHER)}`);
    case 'distinct':
      return wrap(
        COMPARE,
        `${text(e.left, p, OTHER)} IS ${e.negated ? 'NOT ' : ''}DISTINCT FROM ${text(e.right, p, OTHER)}`,
      );
    case 'and':
      return wrap(AND, e.args.map((a) => text(a, p, AND + 1)).join(' AND '));
    case 'or':
      return wrap(OR, e.args.map((a) => text(a, p, OR + 1)).join(' OR '));
    case 'not':
      return wrap(NOT, `NOT ${text(e.arg, p, NOT)}`);
    case 'isnull':
      return wrap(COMPARE, `${text(e.arg, p, OTHER)} IS ${e.negated ? 'NOT ' : ''}NULL`);
    case 'istruth':
      return wrap(
        COMPARE,
        `${text(e.arg, p, OTHER)} IS ${e.negated ? 'NOT ' : ''}${e.truth ? 'TRUE' : 'FALSE'}`,
      );
    case 'case': {
      const whens = e.whens.map((w) => `WHEN ${text(w.when, p, 0)} THEN ${text(w.then, p, 0)}`).join(' ');
      return `CASE ${whens}${e.otherwise === undefined ? '' : ` ELSE ${text(e.otherwise, p, 0)}`} END`;
    }
    case 'coalesce':
    case 'greatest':
    case 'least':
      return `${e.kind.toUpperCase()}(${list(e.args)})`;
    case 'in':
      return wrap(COMPARE, `${text(e.arg, p, OTHER)} ${e.negated ? 'NOT ' : ''}IN (${list(e.list)})`);
    case 'like': {
      const tail = e.escape === '\\' ? '' : ` ESCAPE ${quote(e.escape)}`;
      const op = `${e.negated ? 'NOT ' : ''}${e.caseInsensitive ? 'ILIKE' : 'LIKE'}`;
      return wrap(COMPARE, `${text(e.arg, p, OTHER)} ${op} ${text(e.pattern, p, OTHER)}${tail}`);
    }
    case 'subquery': {
      const plan = p.subquery(e.plan);
      const left = e.left.length === 1 ? text(e.left[0], p, OTHER) : `(${list(e.left)})`;
      switch (e.mode) {
        case 'scalar':
          return `(${plan})`;
        case 'exists':
          return `EXISTS (${plan})`;
        case 'array':
          return `ARRAY(${plan})`;
        case 'any':
        case 'all':
          return wrap(COMPARE, `${left} ${e.op} ${e.mode.toUpperCase()} (${plan})`);
        default:
          return unreachable(e.mode);
      }
    }
    default:
      return unreachable(e);
  }
}

function call(
  e: Extract<Expr, { kind: 'call' }>,
  p: ExprPrinter,
  wrap: (level: number, s: string) => string,
): string {
  const paren = e.fn.indexOf('(', 1);
  const name = paren < 0 ? e.fn : e.fn.slice(0, paren);
  if (name.startsWith(ROW_COUNT)) return text(e.args[0], p, 0);
  if ((name === 'cast' || name === 'assign') && e.args.length > 0)
    return `${text(e.args[0], p, PREFIX)}::${typeName(e.type)}`;
  if (name === 'fit' && e.args[1]?.kind === 'const')
    return `${text(e.args[0], p, PREFIX)}::${typeName(numericOfModifier(Number(e.args[1].value)))}`;
  if (/^[a-z_]/i.test(name)) return `${name}(${e.args.map((a) => text(a, p, 0)).join(', ')})`;
  if (e.args.length === 1) return wrap(PREFIX, `${name}${text(e.args[0], p, PREFIX)}`);
  const level =
    name === '+' || name === '-' ? ADD : name === '*' || name === '/' || name === '%' ? MULTIPLY : OTHER;
  return wrap(level, `${text(e.args[0], p, level)} ${name} ${text(e.args[1], p, level + 1)}`);
}

function quote(s: string): string {
  return `'${s.replaceAll("'", "''")}'`;
}

/** A constant as SQL would write it: numbers bare, strings quoted, others as typed literals. */
export function printValue(v: Value, type: SqlType): string {
  if (v === null) return 'NULL';
  if (typeof v === 'string') return isStringType(type) ? quote(v) : `${quote(v)}::${typeName(type)}`;
  if (v instanceof Uint8Array) return `'\\x${[...v].map((b) => b.toString(16).padStart(2, '0')).join('')}'`;
  if (isNumeric(v)) return 'special' in v ? `'${v.special}'` : printScaled(v.unscaled, v.scale);
  if (isInterval(v)) return `'${printInterval(v.months, v.days, v.micros)}'::interval`;
  if (type.kind === 'date' && typeof v === 'number') return `'${printDate(v)}'::date`;
  if (typeof v === 'bigint') {
    if (type.kind === 'timestamp' || type.kind === 'timestamptz')
      return `'${printTimestamp(v)}'::${type.kind}`;
    if (type.kind === 'time') return `'${printTime(v)}'::time`;
  }
  return String(v);
}

function printScaled(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString();
  const sign = unscaled < 0n ? '-' : '';
  if (scale <= 0) return sign + digits + (unscaled === 0n ? '' : '0'.repeat(-scale));
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function printDate(days: number): string {
  if (days === -2147483648) return '-infinity';
  if (days === 2147483647) return 'infinity';
  const ms = days * 86_400_000;
  return Math.abs(ms) <= 8.64e15
    ? new Date(ms).toISOString().replace(/T.*$/, '')
    : `${days} days since 1970-01-01`;
}

function printTime(micros: bigint): string {
  const seconds = micros / 1_000_000n;
  const two = (n: bigint): string => n.toString().padStart(2, '0');
  const fraction = micros % 1_000_000n;
  const tail = fraction === 0n ? '' : `.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}`;
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${tail}`;
}

const MICROS_A_DAY = 86_400_000_000n;

function printTimestamp(micros: bigint): string {
  if (micros === -(1n << 63n)) return '-infinity';
  if (micros === (1n << 63n) - 1n) return 'infinity';
  const rest = ((micros % MICROS_A_DAY) + MICROS_A_DAY) % MICROS_A_DAY;
  return `${printDate(Number((micros - rest) / MICROS_A_DAY))} ${printTime(rest)}`;
}

function printInterval(months: number, days: number, micros: bigint): string {
  const parts: string[] = [];
  if (months !== 0) parts.push(`${months} mons`);
  if (days !== 0) parts.push(`${days} days`);
  if (micros !== 0n || parts.length === 0)
    parts.push(micros < 0n ? `-${printTime(-micros)}` : printTime(micros));
  return parts.join(' ');
}
