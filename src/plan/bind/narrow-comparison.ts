/** `cast(x) op constant` => `x op constant'`, where the constant has an exact counterpart in x's own type.
 *
 *  `l_shipdate <= date '1998-12-01' - interval '90' day` compares a date with a timestamp; only the narrow form lets
 *  zone maps and integer code work on the column itself. Not when the constant lies outside of the narrow type or
 *  between two of its values: the comparison then stays as it is. */
import { dateToTimestamp, timestampToDate } from '../../types/datetime.js';
import { SqlError } from '../../types/sql-error.js';
import type { SqlType } from '../../types/sql-type.js';
import { isNumeric, type Value } from '../../types/value.js';
import type { CmpOp, Expr } from '../expr.js';
import { exprType, mirrorCmp } from '../expr-util.js';

type Cmp = Extract<Expr, { kind: 'cmp' }>;

export function narrowComparison(e: Cmp): Expr {
  if (e.right.kind === 'const') return narrow(e.left, e.op, e.right) ?? e;
  if (e.left.kind === 'const') return narrow(e.right, mirrorCmp(e.op), e.left) ?? e;
  return e;
}

function narrow(wide: Expr, op: CmpOp, constant: Extract<Expr, { kind: 'const' }>): Expr | undefined {
  if (wide.kind !== 'call' || !wide.fn.startsWith('cast(') || wide.args.length !== 1) return undefined;
  const arg = wide.args[0];
  const type = exprType(arg);
  const value = counterpart(constant.value, exprType(wide), type);
  if (value === undefined) return undefined;
  const own: SqlType = type.kind === 'varchar' ? { kind: 'varchar' } : type;
  return { kind: 'cmp', op, left: arg, right: { kind: 'const', value, type: own } };
}

function counterpart(v: Value, wide: SqlType, narrowed: SqlType): Value | undefined {
  if (v === null) return undefined;
  if (narrowed.kind === 'varchar' && wide.kind === 'text' && typeof v === 'string') return v;
  if (narrowed.kind === 'date' && wide.kind === 'timestamp' && typeof v === 'bigint') return exactDate(v);
  const range = narrowed.kind === 'int2' ? 1n << 15n : narrowed.kind === 'int4' ? 1n << 31n : 1n << 63n;
  if (narrowed.kind !== 'int2' && narrowed.kind !== 'int4' && narrowed.kind !== 'int8') return undefined;
  const whole = wholeNumber(v, wide);
  if (whole === undefined || whole < -range || whole >= range) return undefined;
  return narrowed.kind === 'int8' ? whole : Number(whole);
}

function exactDate(micros: bigint): number | undefined {
  try {
    const days = timestampToDate(micros);
    return dateToTimestamp(days) === micros ? days : undefined;
  } catch (e) {
    if (e instanceof SqlError) return undefined;
    throw e;
  }
}

function wholeNumber(v: Value, type: SqlType): bigint | undefined {
  if (type.kind === 'int8' && typeof v === 'bigint') return v;
  if (type.kind === 'int4' && typeof v === 'number') return BigInt(v);
  if (type.kind === 'numeric' && isNumeric(v) && 'unscaled' in v) {
    const unit = 10n ** BigInt(Math.max(v.scale, 0));
    return v.unscaled % unit === 0n ? v.unscaled / unit : undefined;
  }
  return undefined;
}
