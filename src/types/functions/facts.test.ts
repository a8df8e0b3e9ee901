import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TEST_CONTEXT } from '../../../test/support/function-calls.js';
import { SqlError } from '../sql-error.js';
import type { Range, SqlType } from '../sql-type.js';
import type { Value } from '../value.js';
import { functionById } from './registry.js';
import type { CallInfo } from './registry-types.js';

/** A numeric(p,s) or integer type, a range within it, and a value within the range. */
type Sample = { readonly type: SqlType; readonly range: Range; readonly value: Value };

const numericSample: fc.Arbitrary<Sample> = fc
  .record({ precision: fc.integer({ min: 1, max: 20 }), share: fc.nat(20) })
  .chain(({ precision, share }) => {
    const scale = Math.min(share, precision);
    const limit = 10n ** BigInt(precision) - 1n;
    return fc.array(fc.bigInt({ min: -limit, max: limit }), { minLength: 3, maxLength: 3 }).map((list) => {
      const [min, value, max] = list.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)) as [bigint, bigint, bigint];
      return {
        type: { kind: 'numeric', precision, scale },
        range: { min, max },
        value: { unscaled: value, scale },
      };
    });
  });

const integerSample = (kind: 'int4' | 'int8'): fc.Arbitrary<Sample> =>
  fc
    .array(
      fc.bigInt({
        min: kind === 'int4' ? -(2n ** 31n) : -(2n ** 63n),
        max: kind === 'int4' ? 2n ** 31n - 1n : 2n ** 63n - 1n,
      }),
      { minLength: 3, maxLength: 3 },
    )
    .map((list) => {
      const [min, value, max] = list.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)) as [bigint, bigint, bigint];
      return { type: { kind }, range: { min, max }, value: kind === 'int4' ? Number(value) : value };
    });

/** The result, if there is one, lies in its declared type and in the declared range. */
function holds(id: string, samples: readonly Sample[], call: CallInfo = {}): void {
  const def = functionById(id)!;
  const types = samples.map((s) => s.type);
  let result: Value;
  const returns = def.returns(types, call);
  try {
    result = def.impl(
      samples.map((s) => s.value),
      TEST_CONTEXT,
      types,
      call.target ?? returns,
    );
  } catch (e) {
    if (e instanceof SqlError) return;
    throw e;
  }
  const unscaled = unscaledOf(result, returns);
  if (returns.kind === 'numeric' && returns.precision !== undefined) {
    const limit = 10n ** BigInt(returns.precision);
    expect(
      unscaled < limit && unscaled > -limit,
      `${id} of precision ${returns.precision} gave ${unscaled}`,
    ).toBe(true);
  }
  const range = def.range?.(
    samples.map((s) => s.range),
    types,
    call,
  );
  if (range !== undefined)
    expect(
      unscaled >= range.min && unscaled <= range.max,
      `${id} in ${range.min}..${range.max} gave ${unscaled}`,
    ).toBe(true);
}

function unscaledOf(v: Value, type: SqlType): bigint {
  if (typeof v === 'number' || typeof v === 'bigint') return BigInt(v);
  const n = v as { unscaled: bigint; scale: number };
  if (type.kind === 'numeric' && type.scale !== undefined) expect(n.scale).toBe(type.scale);
  return n.unscaled;
}

test.each(['+', '-', '*', '%', '/'])('%s of numerics', (op) => {
  fc.assert(
    fc.property(numericSample, numericSample, (a, b) => {
      holds(`${op}(numeric,numeric)`, [a, b]);
    }),
  );
});

test.each(['+', '-', '*', '/', '%'])('%s of integers', (op) => {
  fc.assert(
    fc.property(integerSample('int4'), integerSample('int4'), integerSample('int8'), (a, b, c) => {
      holds(`${op}(int4,int4)`, [a, b]);
      holds(`${op}(int8,int8)`, [c, c]);
      if (op !== '%') holds(`${op}(int4,int8)`, [a, c]);
    }),
  );
});

test('signs, roundings and quotients of numerics', () => {
  fc.assert(
    fc.property(numericSample, numericSample, fc.integer({ min: -3, max: 8 }), (a, b, digits) => {
      for (const name of ['-', 'abs', 'round', 'trunc', 'ceil', 'floor', 'sign'])
        holds(`${name}(numeric)`, [a]);
      holds('div(numeric,numeric)', [a, b]);
      const count: Sample = {
        type: { kind: 'int4' },
        range: { min: BigInt(digits), max: BigInt(digits) },
        value: digits,
      };
      for (const name of ['round', 'trunc'])
        holds(`${name}(numeric,int4)`, [a, count], { consts: [undefined, digits] });
    }),
  );
});

test('casts between numbers', () => {
  fc.assert(
    fc.property(
      numericSample,
      numericSample,
      integerSample('int8'),
      integerSample('int4'),
      (a, to, i8, i4) => {
        holds('cast(numeric,numeric)', [a], { target: to.type });
        holds('cast(numeric,int8)', [a]);
        holds('cast(numeric,int4)', [a]);
        holds('cast(int8,numeric)', [i8]);
        holds('cast(int8,numeric)', [i8], { target: to.type });
        holds('cast(int8,int4)', [i8]);
        holds('cast(int4,int8)', [i4]);
        holds('-(int4)', [i4]);
        holds('abs(int8)', [i8]);
      },
    ),
  );
});

test('fields and differences of dates', () => {
  const date = fc
    .array(fc.integer({ min: -800000, max: 800000 }), { minLength: 3, maxLength: 3 })
    .map((list): Sample => {
      const [min, value, max] = list.sort((a, b) => a - b) as [number, number, number];
      return { type: { kind: 'date' }, range: { min: BigInt(min), max: BigInt(max) }, value };
    });
  fc.assert(
    fc.property(date, date, integerSample('int4'), (a, b, n) => {
      for (const field of [
        'year',
        'month',
        'day',
        'quarter',
        'week',
        'dow',
        'isodow',
        'doy',
        'decade',
        'epoch',
        'julian',
      ])
        holds(
          'extract(text,date)',
          [{ type: { kind: 'text' }, range: { min: 0n, max: 0n }, value: field }, a],
          { consts: [field, undefined] },
        );
      holds('-(date,date)', [a, b]);
      holds('+(date,int4)', [a, n]);
      holds('-(date,int4)', [a, n]);
      holds('cast(date,timestamp)', [a]);
    }),
  );
});
