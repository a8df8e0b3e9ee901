/** + - * / % and the like for int2, int4, int8 (and mixes of them): overflow is checked unless bounds exclude it. */
import { INT2, INT4, INT8, type Range, type SqlType } from '../../../types/sql-type.js';
import { FAIL } from '../../layout.js';
import type { Emitter } from '../emitter.js';
import { guarded, total } from '../guard.js';
import { emitMul64 } from '../i128.js';
import { addRange, boundsOf, I16, I32, I64, larger, mulRange, smaller, subRange, within } from '../ranges.js';
import { push, type Val } from '../val.js';
import { coerceRepr } from '../value-ops.js';
import type { Generator } from './table.js';

type Kind = 'int2' | 'int4' | 'int8';
type Op = '+' | '-' | '*';

const KINDS: readonly Kind[] = ['int2', 'int4', 'int8'];
const WIDTH: Readonly<Record<Kind, number>> = { int2: 2, int4: 4, int8: 8 };
const TYPE: Readonly<Record<Kind, SqlType>> = { int2: INT2, int4: INT4, int8: INT8 };
const BOUNDS: Readonly<Record<Kind, Range>> = { int2: I16, int4: I32, int8: I64 };
const OUT_OF_RANGE: Readonly<Record<Kind, number>> = {
  int2: FAIL.smallintOutOfRange,
  int4: FAIL.integerOutOfRange,
  int8: FAIL.bigintOutOfRange,
};
const RANGE: Readonly<Record<Op, (a: Range, b: Range) => Range>> = {
  '+': addRange,
  '-': subRange,
  '*': mulRange,
};
const NAME = { '+': 'add', '-': 'sub', '*': 'mul' } as const;

/** The bounds of an operand; int types always have some. */
function bounds(v: Val): Range {
  return boundsOf(v) ?? I64;
}

/** Runs `check` (leaves i32, 1 = fail) for rows whose operands are present. */
export function failIf(e: Emitter, args: readonly Val[], failure: number, check: () => void): void {
  check();
  const isNull = e.anyNull(args);
  if (isNull !== undefined) e.push(isNull).op('i32.eqz').op('i32.and');
  e.f.if(() => e.fail(failure));
}

function arithmetic(op: Op, kind: Kind): Generator {
  return (e, args) => {
    const exact = RANGE[op](bounds(args[0]), bounds(args[1]));
    const limits = BOUNDS[kind];
    const safe = within(exact, limits);
    const range = safe ? exact : clip(exact, limits);
    const result = { type: TYPE[kind], repr: kind === 'int8' ? ('i64' as const) : ('i32' as const), range };
    const f = e.f;
    const name = NAME[op];
    if (kind !== 'int8') {
      if (safe)
        return total(e, args, result, () => {
          e.push(args[0].parts[0]);
          e.push(args[1].parts[0]).op(`i32.${name}`);
        });
      return total(e, args, result, () => {
        const [a, b] = args.map((v) => coerceRepr(e, v, 'i64'));
        e.push(a.parts[0]);
        e.push(b.parts[0]).op(`i64.${name}`);
        const r = e.save('i64');
        failIf(e, args, OUT_OF_RANGE[kind], () => {
          f.get(r)
            .op(kind === 'int2' ? 'i64.extend16_s' : 'i64.extend32_s')
            .get(r)
            .op('i64.ne');
        });
        f.get(r).op('i32.wrap_i64');
      });
    }
    return total(e, args, result, () => {
      const [a, b] = args.map((v) => coerceRepr(e, v, 'i64').parts[0]);
      if (safe || op !== '*') {
        push(f, a);
        push(f, b);
        f.op(`i64.${name}`);
        if (safe) return;
        const r = e.save('i64');
        // Signs tell: the sum differs in sign from both addends, the difference from a where a and b differ.
        failIf(e, args, OUT_OF_RANGE.int8, () => {
          push(f, a);
          f.get(r).op('i64.xor');
          push(f, op === '+' ? b : a);
          if (op === '+') f.get(r);
          else push(f, b);
          f.op('i64.xor').op('i64.and').i64(0n).op('i64.lt_s');
        });
        f.get(r);
        return;
      }
      const [low, high] = emitMul64(e, a, b);
      failIf(e, args, OUT_OF_RANGE.int8, () => {
        f.get(low).i64(63n).op('i64.shr_s').get(high).op('i64.ne');
      });
      f.get(low);
    });
  };
}

function clip(r: Range, limits: Range): Range {
  return { min: larger(r.min, limits.min), max: smaller(r.max, limits.max) };
}

function division(op: '/' | '%', kind: Kind): Generator {
  return (e, args) => {
    const f = e.f;
    const wide = kind === 'int8';
    const t = wide ? 'i64' : 'i32';
    const [ra, rb] = args.map(bounds);
    return guarded(e, args, { type: TYPE[kind], repr: t }, () => {
      const [a, b] = args.map((v) => (wide ? coerceRepr(e, v, 'i64') : v).parts[0]);
      if (rb.min <= 0n && rb.max >= 0n) {
        push(f, b);
        f.op(`${t}.eqz`).if(() => e.fail(FAIL.divisionByZero));
      }
      push(f, a);
      push(f, b);
      if (op === '%') {
        f.op(`${t}.rem_s`);
        return;
      }
      // MIN / -1 traps in hardware and has no result in SQL.
      if (rb.min <= -1n && rb.max >= -1n && ra.min <= BOUNDS[kind].min) {
        f.op('drop').op('drop');
        push(f, b);
        if (wide) f.i64(-1n).op('i64.eq');
        else f.i32(-1).op('i32.eq');
        push(f, a);
        if (wide) f.i64(BOUNDS[kind].min).op('i64.eq');
        else f.i32(Number(BOUNDS[kind].min)).op('i32.eq');
        f.op('i32.and').if(() => e.fail(OUT_OF_RANGE[kind]));
        push(f, a);
        push(f, b);
      }
      f.op(`${t}.div_s`);
    });
  };
}

function negate(kind: Kind, absolute: boolean): Generator {
  return (e, args) => {
    const f = e.f;
    const [v] = args;
    const r = bounds(v);
    const t = kind === 'int8' ? 'i64' : 'i32';
    if (absolute && r.min >= 0n) return v;
    const range = absolute ? { min: 0n, max: larger(-r.min, r.max) } : { min: -r.max, max: -r.min };
    const limits = BOUNDS[kind];
    return total(e, args, { type: TYPE[kind], repr: t, range: clip(range, limits) }, () => {
      if (!within(range, limits))
        failIf(e, args, OUT_OF_RANGE[kind], () => {
          push(f, v.parts[0]);
          if (t === 'i64') f.i64(limits.min).op('i64.eq');
          else f.i32(Number(limits.min)).op('i32.eq');
        });
      if (absolute) {
        // (x ^ s) - s with s = the sign.
        push(f, v.parts[0]);
        if (t === 'i64') f.i64(63n).op('i64.shr_s');
        else f.i32(31).op('i32.shr_s');
        const s = e.save(t);
        push(f, v.parts[0]);
        f.get(s).op(`${t}.xor`).get(s).op(`${t}.sub`);
        return;
      }
      if (t === 'i64') f.i64(0n);
      else f.i32(0);
      push(f, v.parts[0]);
      f.op(`${t}.sub`);
    });
  };
}

function bits(op: 'and' | 'or' | 'xor', kind: Kind): Generator {
  const t = kind === 'int8' ? 'i64' : 'i32';
  return (e, args) =>
    total(e, args, { type: TYPE[kind], repr: t }, () => {
      e.push(args[0].parts[0]);
      e.push(args[1].parts[0]).op(`${t}.${op}`);
    });
}

export const integerGenerators: readonly (readonly [string, Generator])[] = [
  ...KINDS.flatMap((a) =>
    KINDS.flatMap((b): (readonly [string, Generator])[] => {
      const kind = WIDTH[a] >= WIDTH[b] ? a : b;
      return [
        [`+(${a},${b})`, arithmetic('+', kind)],
        [`-(${a},${b})`, arithmetic('-', kind)],
        [`*(${a},${b})`, arithmetic('*', kind)],
        [`/(${a},${b})`, division('/', kind)],
      ];
    }),
  ),
  ...KINDS.flatMap((k): (readonly [string, Generator])[] => [
    [`%(${k},${k})`, division('%', k)],
    [`mod(${k},${k})`, division('%', k)],
    [`-(${k})`, negate(k, false)],
    [`+(${k})`, (_e, args) => args[0]],
    [`@(${k})`, negate(k, true)],
    [`abs(${k})`, negate(k, true)],
    [`&(${k},${k})`, bits('and', k)],
    [`|(${k},${k})`, bits('or', k)],
    [`#(${k},${k})`, bits('xor', k)],
  ]),
];
