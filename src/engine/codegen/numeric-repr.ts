/** Numerics between their registers: scaled integers of 64 and 128 bits, and var-numeric bytes (`str`). */
import type { Range, SqlType } from '../../types/sql-type.js';
import type { LibFunction } from './context.js';
import type { Emitter } from './emitter.js';
import { callHostHelper } from './host-emit.js';
import { divRounded128, emitMul128, savePair, wide, wideConst } from './i128.js';
import { pushLength } from './lib/strings.js';
import { packVar } from './lib/var-numeric.js';
import { boundsOf, I64, numericRepr, scaleRange } from './ranges.js';
import { isConst, type Val } from './val.js';
import { fastNumericCompare } from './var-arithmetic.js';

export function scaleOf(type: SqlType): number | undefined {
  return type.kind === 'numeric' ? type.scale : undefined;
}

export function pow10(n: number): bigint {
  return 10n ** BigInt(n);
}

/** (str) -> (low, high): the unscaled value of a finite var-numeric whose magnitude fits 127 bits. */
export const varMagnitude: LibFunction = {
  name: 'var_magnitude',
  params: ['i64'],
  results: ['i64', 'i64'],
  build(f) {
    const [str] = f.params;
    const at = f.local('i32');
    const n = f.local('i32');
    const low = f.local('i64');
    const high = f.local('i64');
    f.get(str).op('i32.wrap_i64').set(at);
    pushLength(f, str).i32(3).op('i32.sub').set(n);
    f.block((done) => {
      f.loop((again) => {
        f.get(n).op('i32.eqz').brIf(done);
        f.get(n).i32(1).op('i32.sub').set(n);
        f.get(high).i64(8n).op('i64.shl').get(low).i64(56n).op('i64.shr_u').op('i64.or').set(high);
        f.get(low)
          .i64(8n)
          .op('i64.shl')
          .get(at)
          .get(n)
          .op('i32.add')
          .mem('i64.load8_u', 3)
          .op('i64.or')
          .set(low);
        f.br(again);
      });
    });
    f.get(at).mem('i32.load8_u').i32(1).op('i32.eq');
    f.if(() => {
      f.i64(0n)
        .get(high)
        .op('i64.sub')
        .get(low)
        .i64(0n)
        .op('i64.ne')
        .op('i64.extend_i32_u')
        .op('i64.sub')
        .set(high);
      f.i64(0n).get(low).op('i64.sub').set(low);
    });
    f.get(low).get(high);
  },
};

/** A scaled numeric as var-numeric bytes (temp space). */
export function scaledToVar(e: Emitter, v: Val): Val {
  const scale = scaleOf(v.type) ?? 0;
  const [low, high] = v.repr === 'i128' ? v.parts : wide(e, v.parts[0]);
  e.f.get(e.qs).get(e.ws);
  e.push(low);
  e.push(high).i32(scale).call(e.ctx.lib(packVar));
  return { ...v, repr: 'str', parts: [e.save('i64')], stable: false };
}

/** Var-numeric bytes known to hold a value of the type's scale that fits `repr`. */
export function varToScaled(e: Emitter, v: Val, repr: 'i64' | 'i128'): Val {
  const low = e.local('i64');
  const high = e.local('i64');
  const body = (): void => {
    e.push(v.parts[0]).call(e.ctx.lib(varMagnitude)).set(high).set(low);
  };
  if (v.isNull === undefined) body();
  else e.pushNull(v).op('i32.eqz').if(body);
  return { ...v, repr, parts: repr === 'i64' ? [low] : [low, high], stable: true };
}

/** The same number at a larger scale; undefined when the bounds do not prove that 128 bits hold it. */
export function rescaleUp(e: Emitter, v: Val, toScale: number): Val | undefined {
  const from = scaleOf(v.type);
  const bounds = boundsOf(v);
  if (v.repr === 'str' || from === undefined || bounds === undefined || toScale < from) return undefined;
  if (toScale === from) return v;
  const factor = pow10(toScale - from);
  const range = scaleRange(bounds, factor);
  const repr = numericRepr(range);
  if (repr === 'str' || factor > I64.max) return undefined;
  const type = numericType(toScale);
  const [low] = v.parts;
  if (isConst(low) && v.parts.every(isConst)) return constNumeric(constUnscaled(v) * factor, toScale, v);
  if (repr === 'i64') {
    e.push(low).i64(factor).op('i64.mul');
    return { ...v, type, repr, range, parts: [e.save('i64')] };
  }
  const w = v.repr === 'i128' ? ([v.parts[0], v.parts[1]] as const) : wide(e, low);
  return { ...v, type, repr, range, parts: emitMul128(e, w, wideConst(factor)) };
}

/** The number at a smaller scale, rounded half away from zero. */
export function rescaleDown(e: Emitter, v: Val, toScale: number): Val | undefined {
  const from = scaleOf(v.type);
  const bounds = boundsOf(v);
  if (v.repr === 'str' || from === undefined || bounds === undefined || toScale > from) return undefined;
  if (toScale === from) return v;
  const divisor = pow10(from - toScale);
  if (divisor > 1n << 62n) return undefined;
  const range = { min: divideRounded(bounds.min, divisor), max: divideRounded(bounds.max, divisor) };
  const type = numericType(toScale);
  const [low] = v.parts;
  if (v.parts.every(isConst)) return constNumeric(divideRounded(constUnscaled(v), divisor), toScale, v);
  const half = divisor / 2n;
  if (v.repr === 'i64' && bounds.max + half <= I64.max && bounds.min - half >= I64.min) {
    if (bounds.min >= 0n) e.push(low).i64(half).op('i64.add').i64(divisor).op('i64.div_s');
    else {
      // half with the sign of the value: (half ^ s) - s.
      e.push(low).i64(63n).op('i64.shr_s');
      const s = e.save('i64');
      e.push(low)
        .i64(half)
        .get(s)
        .op('i64.xor')
        .get(s)
        .op('i64.sub')
        .op('i64.add')
        .i64(divisor)
        .op('i64.div_s');
    }
    return { ...v, type, repr: 'i64', range, parts: [e.save('i64')] };
  }
  const [l, h] = v.repr === 'i128' ? v.parts : wide(e, low);
  e.push(l);
  e.push(h).i64(divisor).call(e.ctx.lib(divRounded128));
  const [ql, qh] = savePair(e);
  const repr = numericRepr(range) === 'i64' ? 'i64' : 'i128';
  return { ...v, type, repr, range, parts: repr === 'i64' ? [ql] : [ql, qh] };
}

function divideRounded(a: bigint, b: bigint): bigint {
  return a < 0n ? -((2n * -a + b) / (2n * b)) : (2n * a + b) / (2n * b);
}

/** A numeric of this scale in a register: its precision is what 128 bits can hold, its bounds are in `range`. */
export function numericType(scale: number): SqlType {
  return { kind: 'numeric', precision: 39, scale };
}

export function constUnscaled(v: Val): bigint {
  const low = BigInt((v.parts[0] as { const: bigint }).const);
  if (v.repr === 'i64') return low;
  const high = BigInt((v.parts[1] as { const: bigint }).const);
  return (high << 64n) | BigInt.asUintN(64, low);
}

export function constNumeric(unscaled: bigint, scale: number, like?: Val): Val {
  const range: Range = { min: unscaled, max: unscaled };
  const repr = numericRepr(range);
  const w = wideConst(unscaled);
  return {
    type: numericType(scale),
    repr,
    range,
    parts: repr === 'i64' ? [w[0]] : w,
    isNull: like?.isNull,
    stable: true,
  };
}

/** Both at one scale in one scaled representation; undefined when only var-numerics can hold them. */
export function alignNumerics(e: Emitter, a: Val, b: Val): readonly [Val, Val] | undefined {
  const sa = scaleOf(a.type);
  const sb = scaleOf(b.type);
  if (a.repr === 'str' || b.repr === 'str' || sa === undefined || sb === undefined) return undefined;
  const scale = Math.max(sa, sb);
  const x = rescaleUp(e, a, scale);
  const y = rescaleUp(e, b, scale);
  if (x === undefined || y === undefined) return undefined;
  if (x.repr === y.repr) return [x, y];
  return [asWide(e, x), asWide(e, y)];
}

export function asWide(e: Emitter, v: Val): Val {
  return v.repr === 'i128' ? v : { ...v, repr: 'i128', parts: wide(e, v.parts[0]) };
}

/** Leaves i32 -1, 0 or 1: the order of two numerics of which at least one is a var-numeric, or out of 128 bits. */
export function compareVarNumerics(e: Emitter, a: Val, b: Val): void {
  fastNumericCompare(e, a, b, () => callHostHelper(e, '$numeric_compare', [a, b]));
}
