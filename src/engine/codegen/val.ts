/** Values in generated code: where they are, what is known about them.
 *
 *  Owns: `Operand` (a local or a constant) and `Val` (a SQL value spread over operands). Invariants: locals of a Val are
 *  never written again after the Val was made; when `isNull` is 1 the parts hold anything (a string part must not be
 *  dereferenced then); `repr` is `reprOf(type, range)` except that a numeric may be narrower than its type asks for. */
import type { Range, Repr, SqlType } from '../../types/sql-type.js';
import type { FunctionBuilder, Local, ValType } from '../wasm/module-builder.js';

export type Const =
  | { readonly const: number; readonly type: 'i32' | 'f32' | 'f64' }
  | { readonly const: bigint; readonly type: 'i64' };
export type Operand = Local | Const;

export type Val = {
  readonly type: SqlType;
  readonly repr: Repr;
  /** Bounds of the unscaled integer, or of the integer, date or timestamp itself; guaranteed for non-null values. */
  readonly range?: Range | undefined;
  /** One for i32, i64, f32, f64, str (i64: address | length << 32); two for i128 (low, high) and interval
   *  (micros, days | months << 32). */
  readonly parts: readonly Operand[];
  /** An i32, 1 = null; undefined = never null. */
  readonly isNull: Operand | undefined;
  /** For str: the bytes live as long as the query (pinned batches, rows, constants), not only for this call. */
  readonly stable: boolean;
};

export function isConst(o: Operand): o is Const {
  return 'const' in o;
}

export function i32Const(n: number): Const {
  return { const: n | 0, type: 'i32' };
}

export function i64Const(n: bigint): Const {
  return { const: BigInt.asIntN(64, n), type: 'i64' };
}

export function push(f: FunctionBuilder, o: Operand): void {
  if (!isConst(o)) f.get(o);
  else if (o.type === 'i64') f.i64(o.const);
  else if (o.type === 'i32') f.i32(o.const);
  else if (o.type === 'f64') f.f64(o.const);
  else f.f32(o.const);
}

/** Registers that hold a value of the representation. */
export function reprParts(repr: Repr): readonly ValType[] {
  switch (repr) {
    case 'i32':
      return ['i32'];
    case 'f32':
      return ['f32'];
    case 'f64':
      return ['f64'];
    case 'i64':
    case 'str':
      return ['i64'];
    default:
      return ['i64', 'i64'];
  }
}

/** Bytes of a value in rows and state blocks. */
export function reprBytes(repr: Repr): 4 | 8 | 16 {
  switch (repr) {
    case 'i32':
    case 'f32':
      return 4;
    case 'i128':
    case 'interval':
      return 16;
    default:
      return 8;
  }
}

/** True when the value is certainly null (a NULL constant). */
export function isAlwaysNull(v: Val): boolean {
  return v.isNull !== undefined && isConst(v.isNull) && v.isNull.const === 1;
}

export function isConstVal(v: Val): boolean {
  return v.parts.every(isConst) && (v.isNull === undefined || isConst(v.isNull));
}

export function zeroParts(repr: Repr): readonly Operand[] {
  return reprParts(repr).map(
    (type): Operand => (type === 'i64' ? { const: 0n, type } : { const: 0, type: type as 'i32' }),
  );
}

/** Strings of char(n), whose trailing blanks do not count in comparisons. */
export function isPadded(type: SqlType): boolean {
  return type.kind === 'bpchar';
}
