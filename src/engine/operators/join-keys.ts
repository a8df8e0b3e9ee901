/** Equality keys of a hash join: what is stored, hashed and compared.
 *
 *  Both sides of a key are brought to one form, so that equal values have equal hashes: numerics of different scales to
 *  the larger scale in one representation, or to var-numerics when no register is certain to hold them. */

import type { Column, Expr } from '../../plan/expr.js';
import { exprNullable, exprType } from '../../plan/expr-util.js';
import { type Range, type Repr, reprOf, type SqlType, typeRange } from '../../types/sql-type.js';
import type { Emitter } from '../codegen/emitter.js';
import { rescaleUp } from '../codegen/numeric-repr.js';
import { scaleRange, union } from '../codegen/ranges.js';
import type { Val } from '../codegen/val.js';
import { equalVals, notDistinct } from '../codegen/value-ops.js';
import { toRepr } from './coerce.js';
import type { SliceCompiler } from './pipeline.js';

export type KeyForm = { readonly type: SqlType; readonly repr: Repr; readonly range: Range | undefined };

export type JoinKey = {
  readonly probe: Expr;
  readonly build: Expr;
  readonly nullSafe: boolean;
  readonly form: KeyForm;
  /** The field of the build row that holds the key in its form. */
  readonly column: Column;
};

export function joinKeys(
  c: SliceCompiler,
  probeKeys: readonly Expr[],
  buildKeys: readonly Expr[],
  nullSafe: readonly boolean[],
  probeCols: readonly Column[],
  buildCols: readonly Column[],
): readonly JoinKey[] {
  return buildKeys.map((build, i) => {
    const probe = probeKeys[i];
    const form = keyForm(probe, rangeOf(probe, probeCols), build, rangeOf(build, buildCols));
    const own = build.kind === 'col' ? buildCols.find((col) => col.id === build.id) : undefined;
    const same = own && reprOf(own.type, own.range) === form.repr && scaleOf(own.type) === scaleOf(form.type);
    const column = same ? own : c.column(form.type, exprNullable(build), form.range);
    return { probe, build, nullSafe: nullSafe[i] ?? false, form, column };
  });
}

function scaleOf(type: SqlType): number | undefined {
  return type.kind === 'numeric' ? type.scale : undefined;
}

function rangeOf(x: Expr, cols: readonly Column[]): Range | undefined {
  return (
    (x.kind === 'col' ? cols.find((col) => col.id === x.id)?.range : undefined) ?? typeRange(exprType(x))
  );
}

function keyForm(
  probe: Expr,
  probeRange: Range | undefined,
  build: Expr,
  buildRange: Range | undefined,
): KeyForm {
  const a = exprType(probe);
  const b = exprType(build);
  if (a.kind !== 'numeric' || b.kind !== 'numeric')
    return { type: b, repr: reprOf(b, buildRange), range: buildRange };
  if (a.scale !== undefined && b.scale !== undefined && probeRange && buildRange) {
    const scale = Math.max(a.scale, b.scale);
    const x = scaleRange(probeRange, 10n ** BigInt(scale - a.scale));
    const y = scaleRange(buildRange, 10n ** BigInt(scale - b.scale));
    const range = union(x, y)!;
    const type: SqlType = { kind: 'numeric', precision: 39, scale };
    const repr = reprOf(type, range);
    if (repr !== 'str') return { type, repr, range };
  }
  return { type: { kind: 'numeric' }, repr: 'str', range: undefined };
}

/** The value in the key's form. */
export function keyVal(e: Emitter, key: JoinKey, val: Val): Val {
  const { form } = key;
  const scale = scaleOf(form.type);
  const scaled = scale !== undefined && val.repr !== 'str' ? rescaleUp(e, val, scale) : val;
  return toRepr(e, scaled ?? val, form.repr);
}

/** Cheap to compare, so the stored hash would not pay. */
export function isPlainKey(keys: readonly JoinKey[]): boolean {
  return (
    keys.length <= 2 && keys.every((k) => (k.form.repr === 'i32' || k.form.repr === 'i64') && !k.nullSafe)
  );
}

/** Leaves i32: 1 = the key's two values match. Null keys that are not null-safe have been sorted out before. */
export function keyMatches(e: Emitter, key: JoinKey, a: Val, b: Val): void {
  if (key.nullSafe) notDistinct(e, a, b);
  else equalVals(e, a, b);
}
