/** + - * and sign of numerics in scaled integers of 64 or 128 bits, whichever the bounds prove to be enough. Whatever
 *  bounds cannot hold, and division, is the TypeScript implementation's. */
import type { Range } from '../../../types/sql-type.js';
import { FAIL } from '../../layout.js';
import type { Emitter } from '../emitter.js';
import { guarded, total } from '../guard.js';
import { emitAdd128, emitMul64, emitMul128, emitNeg128, emitSub128, type Wide } from '../i128.js';
import {
  alignNumerics,
  asWide,
  numericType,
  pow10,
  rescaleDown,
  rescaleUp,
  scaleOf,
} from '../numeric-repr.js';
import { addRange, boundsOf, larger, mulRange, numericRepr, subRange, within } from '../ranges.js';
import { isConstVal } from '../val.js';
import type { Generator } from './table.js';

function sum(op: '+' | '-'): Generator {
  return (e, args) => {
    const pair = alignNumerics(e, args[0], args[1]);
    if (pair === undefined) return undefined;
    const [a, b] = pair;
    const [ra, rb] = [boundsOf(a), boundsOf(b)];
    if (ra === undefined || rb === undefined) return undefined;
    const range = op === '+' ? addRange(ra, rb) : subRange(ra, rb);
    const repr = numericRepr(range);
    if (repr === 'str') return undefined;
    const result = { type: numericType(scaleOf(a.type) ?? 0), repr, range };
    if (repr === 'i64' && a.repr === 'i64')
      return total(e, [a, b], result, () => {
        e.push(a.parts[0]);
        e.push(b.parts[0]).op(op === '+' ? 'i64.add' : 'i64.sub');
      });
    return total(e, [a, b], result, () => {
      const x = asWide(e, a).parts as Wide;
      const y = asWide(e, b).parts as Wide;
      leave(e, op === '+' ? emitAdd128(e, x, y) : emitSub128(e, x, y), repr);
    });
  };
}

function leave(e: Emitter, w: Wide, repr: 'i64' | 'i128'): void {
  e.push(w[0]);
  if (repr === 'i128') e.push(w[1]);
}

const product: Generator = (e, args) => {
  const [a, b] = args;
  const [sa, sb] = [scaleOf(a.type), scaleOf(b.type)];
  const [ra, rb] = [boundsOf(a), boundsOf(b)];
  if (a.repr === 'str' || b.repr === 'str' || sa === undefined || sb === undefined) return undefined;
  if (ra === undefined || rb === undefined || sa + sb > 1000) return undefined;
  const range: Range = mulRange(ra, rb);
  const repr = numericRepr(range);
  if (repr === 'str') return undefined;
  const result = { type: numericType(sa + sb), repr, range };
  return total(e, args, result, () => {
    if (repr === 'i64') {
      e.push(a.parts[0]);
      e.push(b.parts[0]).op('i64.mul');
    } else if (a.repr === 'i64' && b.repr === 'i64') leave(e, emitMul64(e, a.parts[0], b.parts[0]), repr);
    else leave(e, emitMul128(e, asWide(e, a).parts as Wide, asWide(e, b).parts as Wide), repr);
  });
};

function sign(absolute: boolean): Generator {
  return (e, args) => {
    const [a] = args;
    const r = boundsOf(a);
    if (a.repr === 'str' || r === undefined) return undefined;
    if (absolute && r.min >= 0n) return a;
    const low = r.min < 0n ? -r.min : r.min;
    const high = r.max < 0n ? -r.max : r.max;
    const range = absolute ? { min: 0n, max: low > high ? low : high } : { min: -r.max, max: -r.min };
    const repr = numericRepr(range);
    if (repr === 'str') return undefined;
    const f = e.f;
    return total(e, args, { type: a.type, repr, range }, () => {
      if (repr === 'i64' && a.repr === 'i64') {
        if (absolute) {
          e.push(a.parts[0]).i64(63n).op('i64.shr_s');
          const s = e.save('i64');
          e.push(a.parts[0]).get(s).op('i64.xor').get(s).op('i64.sub');
        } else {
          f.i64(0n);
          e.push(a.parts[0]).op('i64.sub');
        }
        return;
      }
      const w = asWide(e, a).parts as Wide;
      const n = emitNeg128(e, w);
      if (!absolute) return leave(e, n, repr);
      for (const i of repr === 'i64' ? [0] : [0, 1]) {
        e.push(n[i]);
        e.push(w[i]);
        e.push(w[1]).i64(0n).op('i64.lt_s').op('select');
      }
    });
  };
}

/** round(numeric [, constant digits]). */
const round: Generator = (e, args) => {
  const [a, digits] = args;
  const scale = scaleOf(a.type);
  if (scale === undefined || a.repr === 'str') return undefined;
  let to = 0;
  if (digits !== undefined) {
    if (!isConstVal(digits) || digits.isNull !== undefined) return undefined;
    to = Number((digits.parts[0] as { const: number }).const);
  }
  if (to < 0 || to > 100) return undefined;
  return to >= scale ? rescaleUp(e, a, to) : rescaleDown(e, a, to);
};

/** floor, ceil and trunc of 64-bit numerics: an integer division after moving the value to the right side of zero. */
function integral(mode: 'floor' | 'ceil' | 'trunc'): Generator {
  return (e, args) => {
    const [a, digits] = args;
    const scale = scaleOf(a.type);
    const bounds = boundsOf(a);
    if (scale === undefined || a.repr !== 'i64' || bounds === undefined) return undefined;
    let to = 0;
    if (digits !== undefined) {
      if (!isConstVal(digits) || digits.isNull !== undefined) return undefined;
      to = Number((digits.parts[0] as { const: number }).const);
    }
    if (to < 0 || to > 18) return undefined;
    if (to >= scale) return rescaleUp(e, a, to);
    const unit = pow10(scale - to);
    if (unit > 1n << 60n || !within(bounds, { min: -(1n << 62n), max: 1n << 62n })) return undefined;
    const range = { min: bounds.min / unit - 1n, max: bounds.max / unit + 1n };
    return total(e, args, { type: numericType(to), repr: 'i64', range }, () => {
      e.push(a.parts[0]);
      if (mode !== 'trunc') {
        // unit - 1 below zero for floor, above it for ceil.
        e.push(a.parts[0]).i64(63n).op('i64.shr_s');
        if (mode === 'ceil') e.f.i64(-1n).op('i64.xor');
        e.f
          .i64(unit - 1n)
          .op('i64.and')
          .op(mode === 'floor' ? 'i64.sub' : 'i64.add');
      }
      e.f.i64(unit).op('i64.div_s');
    });
  };
}

/** The remainder has the dividend's sign, as in hardware. */
const remainder: Generator = (e, args) => {
  const pair = alignNumerics(e, args[0], args[1]);
  if (pair === undefined || pair[0].repr !== 'i64') return undefined;
  const [a, b] = pair;
  const bounds = boundsOf(b);
  if (bounds === undefined) return undefined;
  const limit = larger(larger(-bounds.min, bounds.max) - 1n, 0n);
  const result = { type: a.type, repr: 'i64' as const, range: { min: -limit, max: limit } };
  return guarded(e, [a, b], result, () => {
    if (bounds.min <= 0n && bounds.max >= 0n) {
      e.push(b.parts[0]).op('i64.eqz');
      e.f.if(() => e.fail(FAIL.divisionByZero));
    }
    e.push(a.parts[0]);
    e.push(b.parts[0]).op('i64.rem_s');
  });
};

export const numericGenerators: readonly (readonly [string, Generator])[] = [
  ['+(numeric,numeric)', sum('+')],
  ['-(numeric,numeric)', sum('-')],
  ['*(numeric,numeric)', product],
  ['-(numeric)', sign(false)],
  ['+(numeric)', (_e, args) => args[0]],
  ['@(numeric)', sign(true)],
  ['abs(numeric)', sign(true)],
  ['%(numeric,numeric)', remainder],
  ['mod(numeric,numeric)', remainder],
  ['floor(numeric)', integral('floor')],
  ['ceil(numeric)', integral('ceil')],
  ['ceiling(numeric)', integral('ceil')],
  ['trunc(numeric)', integral('trunc')],
  ['trunc(numeric,int4)', integral('trunc')],
  ['round(numeric)', round],
  ['round(numeric,int4)', round],
];
