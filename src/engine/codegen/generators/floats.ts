/** + - * / for float4 and float8 with PostgreSQL's overflow and underflow errors. */
import { FLOAT4, FLOAT8 } from '../../../types/sql-type.js';
import { FAIL } from '../../layout.js';
import type { LibFunction } from '../context.js';
import { guarded, total } from '../guard.js';
import { coerceRepr } from '../value-ops.js';
import type { Generator } from './table.js';

type Op = 'add' | 'sub' | 'mul' | 'div';

/** The operation with its checks, as a library function: they are long, and each is called once a row. */
function checked(op: Op, t: 'f32' | 'f64'): LibFunction {
  return {
    name: `float_${op}_${t}`,
    params: [t, t],
    results: [t],
    build(f, ctx) {
      const [a, b] = f.params;
      const r = f.local(t);
      const infinity = (): void => {
        if (t === 'f64') f.f64(Number.POSITIVE_INFINITY);
        else f.f32(Number.POSITIVE_INFINITY);
      };
      const zero = (): void => {
        if (t === 'f64') f.f64(0);
        else f.f32(0);
      };
      const finite = (x: typeof a): void => {
        f.get(x).op(`${t}.abs`);
        infinity();
        f.op(`${t}.lt`);
      };
      const fail = (n: number): void => {
        f.if(() => f.i32(n).i32(0).call(ctx.host.fail));
      };
      if (op === 'div') {
        f.get(b);
        zero();
        f.op(`${t}.eq`).get(a).get(a).op(`${t}.eq`).op('i32.and');
        fail(FAIL.divisionByZero);
      }
      f.get(a).get(b).op(`${t}.${op}`).set(r);
      finite(r);
      f.op('i32.eqz');
      f.if(() => {
        finite(a);
        finite(b);
        f.op('i32.and');
        fail(FAIL.floatOverflow);
      });
      if (op === 'mul' || op === 'div') {
        f.get(r);
        zero();
        f.op(`${t}.eq`);
        f.if(() => {
          f.get(a);
          zero();
          f.op(`${t}.ne`);
          if (op === 'mul') {
            f.get(b);
            zero();
            f.op(`${t}.ne`);
          } else finite(b);
          f.op('i32.and');
          fail(FAIL.floatUnderflow);
        });
      }
      f.get(r);
    },
  };
}

function arithmetic(op: Op, t: 'f32' | 'f64'): Generator {
  const lib = checked(op, t);
  return (e, args) =>
    guarded(e, args, { type: t === 'f32' ? FLOAT4 : FLOAT8, repr: t }, () => {
      for (const v of args) e.push(coerceRepr(e, v, t).parts[0]);
      e.f.call(e.ctx.lib(lib));
    });
}

function sign(op: 'neg' | 'abs', t: 'f32' | 'f64'): Generator {
  return (e, args) =>
    total(e, args, { type: t === 'f32' ? FLOAT4 : FLOAT8, repr: t }, () =>
      e.push(args[0].parts[0]).op(`${t}.${op}`),
    );
}

function rounding(op: 'floor' | 'ceil' | 'trunc' | 'nearest'): Generator {
  return (e, args) =>
    total(e, args, { type: FLOAT8, repr: 'f64' }, () => e.push(args[0].parts[0]).op(`f64.${op}`));
}

const OPS = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div' } as const;

export const floatGenerators: readonly (readonly [string, Generator])[] = [
  ...Object.entries(OPS).flatMap(([symbol, op]): (readonly [string, Generator])[] => [
    [`${symbol}(float8,float8)`, arithmetic(op, 'f64')],
    [`${symbol}(float4,float8)`, arithmetic(op, 'f64')],
    [`${symbol}(float8,float4)`, arithmetic(op, 'f64')],
    [`${symbol}(float4,float4)`, arithmetic(op, 'f32')],
  ]),
  ['-(float8)', sign('neg', 'f64')],
  ['-(float4)', sign('neg', 'f32')],
  ['@(float8)', sign('abs', 'f64')],
  ['@(float4)', sign('abs', 'f32')],
  ['abs(float8)', sign('abs', 'f64')],
  ['abs(float4)', sign('abs', 'f32')],
  ['floor(float8)', rounding('floor')],
  ['ceil(float8)', rounding('ceil')],
  ['ceiling(float8)', rounding('ceil')],
  ['trunc(float8)', rounding('trunc')],
  ['round(float8)', rounding('nearest')],
];
