/** Comparisons of a string with constant bytes: length first, then the bytes as a few immediate words, no loop and no
 *  memory read beyond the string. */
import type { CmpOp, Expr } from '../../plan/expr.js';
import type { FunctionBuilder, Local } from '../wasm/module-builder.js';
import { unpadded } from './compare.js';
import type { SliceContext } from './context.js';
import type { Emitter } from './emitter.js';
import { memEqual } from './lib/strings.js';
import { isPadded, type Operand, type Val } from './val.js';

const INLINE_MAX = 24;

/** The constant text of an expression whose bytes are known now. */
export function constantText(x: Expr): string | undefined {
  return x.kind === 'const' && typeof x.value === 'string' ? x.value : undefined;
}

/** `a = 'constant'` (or <>) of strings; false when the operands are not of that form (nothing is emitted then). */
export function emitConstComparison(e: Emitter, op: CmpOp, a: Val, ax: Expr, b: Val, bx: Expr): boolean {
  if ((op !== '=' && op !== '<>') || a.repr !== 'str' || a.type.kind === 'numeric') return false;
  const [v, text] = constantText(bx) !== undefined ? [a, constantText(bx)] : [b, constantText(ax)];
  if (text === undefined) return false;
  emitEqualsText(e, v, text);
  if (op === '<>') e.f.op('i32.eqz');
  return true;
}

/** Leaves i32 1 when the (non-null) string equals the text. */
export function emitEqualsText(e: Emitter, v: Val, text: string): void {
  const comparable = prepareForText(e, v);
  const bytes = comparable.bytesOf(text);
  if (bytes === undefined) e.f.i32(0);
  else emitEqualsBytes(e, comparable.str, bytes);
}

/** How a string value is compared with constant texts: char(n) values of known length keep their padding and the
 *  constant is padded instead, others are trimmed. `bytesOf` gives undefined for a text no value can equal. */
export function prepareForText(
  e: Emitter,
  v: Val,
): { readonly str: Operand; readonly bytesOf: (text: string) => Uint8Array | undefined } {
  const encode = (s: string): Uint8Array => new TextEncoder().encode(s);
  if (!isPadded(v.type)) return { str: v.parts[0], bytesOf: encode };
  const trim = (s: string): string => s.replace(/ +$/, '');
  const length = v.type.kind === 'bpchar' ? v.type.length : undefined;
  if (length === undefined) return { str: unpadded(e, v).parts[0], bytesOf: (s) => encode(trim(s)) };
  return {
    str: v.parts[0],
    bytesOf: (s) => {
      const t = trim(s);
      const missing = length - [...t].length;
      return missing < 0 ? undefined : encode(t + ' '.repeat(missing));
    },
  };
}

/** Leaves i32 1 when the string has exactly these bytes. */
export function emitEqualsBytes(e: Emitter, str: Operand, bytes: Uint8Array): void {
  const f = e.f;
  e.push(str).i64(32n).op('i64.shr_u').op('i32.wrap_i64').i32(bytes.length).op('i32.eq');
  if (bytes.length === 0) return;
  f.if(
    () =>
      e.scoped(() => {
        e.push(str).op('i32.wrap_i64');
        emitBytesAt(e, e.save('i32'), 0, bytes);
      }),
    () => f.i32(0),
    'i32',
  );
}

/** Leaves i32 1 when memory at address + offset holds the bytes (at least one). */
export function emitBytesAt(e: Emitter, address: Operand, offset: number, bytes: Uint8Array): void {
  pushBytesAt(e.f, e.ctx, e.qs, () => e.push(address), offset, bytes);
}

/** The same where there is no emitter; `address` leaves the address, and is called once for each word. */
export function pushBytesAt(
  f: FunctionBuilder,
  ctx: SliceContext,
  qs: Local,
  address: () => void,
  offset: number,
  bytes: Uint8Array,
): void {
  const n = bytes.length;
  if (n > INLINE_MAX) {
    address();
    f.i32(offset).op('i32.add');
    f.get(qs).i32(ctx.dataBytes(bytes)).op('i32.add').i32(n).call(ctx.lib(memEqual));
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, n);
  let tests = 0;
  const and = (): void => {
    if (tests++ > 0) f.op('i32.and');
  };
  const word8 = (at: number): void => {
    address();
    f.mem('i64.load', offset + at)
      .i64(view.getBigInt64(at, true))
      .op('i64.eq');
    and();
  };
  const word4 = (at: number): void => {
    address();
    f.mem('i32.load', offset + at)
      .i32(view.getInt32(at, true))
      .op('i32.eq');
    and();
  };
  let at = 0;
  for (; at + 8 <= n; at += 8) word8(at);
  const rest = n - at;
  if (rest === 0) return;
  // The tail may overlap what was compared already.
  if (n >= 8 && rest > 4) word8(n - 8);
  else if (n >= 4) {
    if (rest > 4) word4(at);
    word4(n - 4);
  } else {
    if (n >= 2) {
      address();
      f.mem('i32.load16_u', offset).i32(view.getUint16(0, true)).op('i32.eq');
      and();
    }
    if (n !== 2) {
      address();
      f.mem('i32.load8_u', offset + n - 1)
        .i32(bytes[n - 1])
        .op('i32.eq');
      and();
    }
  }
}
