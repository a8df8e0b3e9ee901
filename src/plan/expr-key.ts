/** Texts that two expressions share exactly when they are the same expression: what GROUP BY, DISTINCT and common
 *  conjuncts are compared by.
 *
 *  Columns that a subquery's plan produces are named by their place in it: `(SELECT max(x) FROM t)` written twice is one
 *  expression, as in PostgreSQL, though the binder gave each its own columns. */
import type { ColId } from '../types/ids.js';
import { unreachable } from '../types/sql-error.js';
import { hasModifier, type SqlType, typeMod } from '../types/sql-type.js';
import { isInterval, isNumeric, type Value } from '../types/value.js';
import type { AggCall, Column, Expr, SortKey } from './expr.js';
import type { LogicalPlan } from './logical/nodes.js';
import { inputsOf } from './logical/transform.js';

/** What columns of the plans around an expression are called. */
type Names = ReadonlyMap<ColId, string>;
const NO_NAMES: Names = new Map();

export function exprKey(e: Expr): string {
  return keyOf(e, NO_NAMES);
}

function keyOf(e: Expr, names: Names): string {
  const key = (x: Expr): string => keyOf(x, names);
  switch (e.kind) {
    case 'col':
      return names.get(e.id) ?? `#${e.id}`;
    case 'const':
      return `${valueKey(e.value)}:${typeKey(e.type)}`;
    case 'param':
      return `$${e.index}:${typeKey(e.type)}`;
    case 'call':
      return `${e.fn}:${typeKey(e.type)}(${e.args.map(key).join(',')})`;
    case 'cmp':
      return `(${key(e.left)}${e.op}${key(e.right)})`;
    case 'distinct':
      return `${e.negated ? '!' : ''}distinct(${key(e.left)},${key(e.right)})`;
    case 'and':
    case 'or':
      return `${e.kind}(${e.args.map(key).join(',')})`;
    case 'not':
      return `not(${key(e.arg)})`;
    case 'isnull':
      return `${e.negated ? '!' : ''}isnull(${key(e.arg)})`;
    case 'istruth':
      return `${e.negated ? '!' : ''}is${e.truth}(${key(e.arg)})`;
    case 'case':
      return `case(${e.whens.map((w) => `${key(w.when)}>${key(w.then)}`).join(',')};${e.otherwise === undefined ? '' : key(e.otherwise)}):${typeKey(e.type)}`;
    case 'coalesce':
    case 'greatest':
    case 'least':
      return `${e.kind}(${e.args.map(key).join(',')}):${typeKey(e.type)}`;
    case 'in':
      return `${e.negated ? '!' : ''}in(${key(e.arg)};${e.list.map(key).join(',')})`;
    case 'like':
      return `${e.negated ? '!' : ''}${e.caseInsensitive ? 'i' : ''}like(${key(e.arg)},${key(e.pattern)},${JSON.stringify(e.escape)})`;
    case 'subquery':
      return `${e.mode}${e.op ?? ''}(${e.left.map(key).join(',')};${planKey(e.plan, names)})`;
    default:
      return unreachable(e);
  }
}

const planKeys = new WeakMap<LogicalPlan, string>();

function planKey(plan: LogicalPlan, outer: Names): string {
  const known = outer.size === 0 ? planKeys.get(plan) : undefined;
  if (known !== undefined) return known;
  const names = new Map(outer);
  name(plan, names);
  const key = nodeKey(plan, names);
  if (outer.size === 0) planKeys.set(plan, key);
  return key;
}

function name(plan: LogicalPlan, names: Map<ColId, string>): void {
  for (const p of inputsOf(plan)) name(p, names);
  for (const c of plan.cols) if (!names.has(c.id)) names.set(c.id, `c${names.size}`);
}

function nodeKey(p: LogicalPlan, names: Names): string {
  const inputs = inputsOf(p)
    .map((i) => nodeKey(i, names))
    .join(';');
  return `${p.kind}[${ownKey(p, names)}](${p.cols.map((c) => names.get(c.id)).join(',')})<${inputs}>`;
}

/** What the node has beside its inputs and its columns. */
function ownKey(p: LogicalPlan, names: Names): string {
  const key = (e: Expr | undefined): string => (e === undefined ? '' : keyOf(e, names));
  const keys = (es: readonly Expr[]): string => es.map(key).join(',');
  const columns = (cs: readonly Column[]): string => cs.map((c) => names.get(c.id) ?? `#${c.id}`).join(',');
  const sortKeys = (ks: readonly SortKey[]): string =>
    ks.map((k) => `${key(k.expr)} ${k.descending} ${k.nullsFirst}`).join(',');
  const call = (a: AggCall): string =>
    `${a.name} ${a.distinct}(${keys(a.args)} ${sortKeys(a.orderBy)})${key(a.filter)}`;
  switch (p.kind) {
    case 'scan':
      return `${p.table.schema}.${p.table.name}:${p.ordinals.join(',')}`;
    case 'shared':
      return `${planKey(p.shared.plan, names)}:${p.from.map((id) => p.shared.plan.cols.findIndex((c) => c.id === id)).join(',')}`;
    case 'values':
      return p.rows.map(keys).join(';');
    case 'filter':
      return key(p.predicate);
    case 'project':
      return keys(p.exprs);
    case 'join':
      return `${p.type} ${p.lateral} ${p.nullAware} ${key(p.predicate)}`;
    case 'aggregate':
      return `${columns(p.groups)}:${p.aggs.map(call).join(',')}`;
    case 'sort':
      return sortKeys(p.keys);
    case 'limit':
      return `${key(p.limit)} ${key(p.offset)}`;
    case 'distinctOn': {
      const rows = p.rows && `${key(p.rows.limit)} ${key(p.rows.offset)} ${p.rows.ties}`;
      return `${columns(p.keys)}:${sortKeys(p.order)}:${rows ?? ''}`;
    }
    case 'setop':
      return `${p.op} ${p.all} ${p.inputCols.map(columns).join(';')}`;
    case 'repeat':
      return `${key(p.count)} ${key(p.series?.start)} ${key(p.series?.step)}`;
    default:
      return unreachable(p);
  }
}

function typeKey(t: SqlType): string {
  switch (t.kind) {
    case 'numeric':
      return t.scale === undefined ? 'numeric' : `numeric(${t.precision},${t.scale})`;
    case 'varchar':
    case 'bpchar':
      return t.length === undefined ? t.kind : `${t.kind}(${t.length})`;
    case 'array':
      return `${typeKey(t.element)}[]`;
    default:
      return hasModifier(t) ? `${t.kind}(${typeMod(t)})` : t.kind;
  }
}

function valueKey(v: Value): string {
  if (v === null) return 'null';
  if (typeof v === 'string') return JSON.stringify(v);
  if (v instanceof Uint8Array) return `\\x${[...v].map((b) => b.toString(16).padStart(2, '0')).join('')}`;
  if (isNumeric(v)) return 'special' in v ? v.special : `${v.unscaled}e-${v.scale}`;
  if (isInterval(v)) return `${v.months}m${v.days}d${v.micros}u`;
  return Object.is(v, -0) ? '-0' : String(v);
}
