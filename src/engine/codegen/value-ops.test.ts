import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareValues } from '../../types/compare.js';
import { functionById } from '../../types/functions/registry.js';
import { hashRow } from '../../types/hash.js';
import type { ColId } from '../../types/ids.js';
import { INT4, type Range, reprOf, type SqlType, TEXT } from '../../types/sql-type.js';
import type { Numeric, Value } from '../../types/value.js';
import { WS } from '../layout.js';
import type { Emitter } from './emitter.js';
import { emitHostCall } from './host-emit.js';
import {
  emitAdd128,
  emitAdd128By64,
  emitCompare128,
  emitMul64,
  emitMul128,
  emitNeg128,
  emitSub128,
  type Wide,
} from './i128.js';
import { tempAlloc } from './lib/memory.js';
import { strHash } from './lib/strings.js';
import { hashString } from './string-set.js';
import { normal, outcome, show } from './test-compare.js';
import { anyValue, nullable } from './test-values.js';
import { compileRow, TEST_SETTINGS, type TestColumn, WS_AT } from './testing.js';
import type { Operand, Val } from './val.js';
import {
  coerceRepr,
  compareKeys,
  compareVals,
  distributionHash,
  hashVals,
  notDistinct,
  persist,
  pushNullMask,
} from './value-ops.js';

const TYPES: readonly SqlType[] = [
  { kind: 'bool' },
  { kind: 'int2' },
  INT4,
  { kind: 'int8' },
  { kind: 'oid' },
  { kind: 'date' },
  { kind: 'time' },
  { kind: 'timestamp' },
  { kind: 'float4' },
  { kind: 'float8' },
  { kind: 'numeric', precision: 15, scale: 2 },
  { kind: 'numeric', precision: 30, scale: 4 },
  { kind: 'numeric' },
  TEXT,
  { kind: 'bpchar', length: 5 },
  { kind: 'bpchar' },
  { kind: 'bytea' },
  { kind: 'interval' },
];

function columnsOf(e: Emitter, n: number): Val[] {
  return Array.from({ length: n }, (_, i) => e.column(i as ColId));
}

function i32(e: Emitter, operand?: Operand): Val {
  return { type: INT4, repr: 'i32', parts: [operand ?? e.save('i32')], isNull: undefined, stable: true };
}

/** A function of columns to an i32. */
function compute(
  columns: readonly TestColumn[],
  body: (e: Emitter, vals: readonly Val[]) => Operand | undefined,
) {
  return compileRow(columns, (e) => {
    const operand = body(e, columnsOf(e, columns.length));
    return i32(e, operand);
  });
}

test('the distribution hash is that of types/hash.ts', () => {
  for (const type of TYPES) {
    const column = { type, nullable: true };
    const c = compute([column, column], (e, vals) => distributionHash(e, vals));
    fc.assert(
      fc.property(nullable(anyValue(type)), nullable(anyValue(type)), (a, b) => {
        expect([type, a, b, c.run([a, b])]).toEqual([type, a, b, hashRow([type, type], [a, b])]);
      }),
      { numRuns: 60 },
    );
  }
});

test('grouping equality, order and the internal hash agree with compareValues', () => {
  for (const type of TYPES) {
    const column = { type, nullable: true };
    const same = compute([column, column], (e, [a, b]) => {
      notDistinct(e, a, b);
      return undefined;
    });
    const hash = compute([column], (e, vals) => hashVals(e, vals));
    const orders = [
      { descending: false, nullsFirst: false },
      { descending: true, nullsFirst: true },
      { descending: true, nullsFirst: false },
      { descending: false, nullsFirst: true },
    ];
    const keys = orders.map((order) =>
      compute([column, column], (e, [a, b]) => {
        compareKeys(e, a, b, order);
        return undefined;
      }),
    );
    const pair = fc.oneof(
      fc.tuple(nullable(anyValue(type)), nullable(anyValue(type))),
      nullable(anyValue(type)).map((v): [Value, Value] => [v, v]),
      ...(type.kind === 'numeric' && type.scale === undefined
        ? [
            fc
              .tuple(fc.bigInt({ min: -500n, max: 500n }), fc.integer({ min: 0, max: 3 }))
              .map(([n, k]): [Value, Value] => [
                { unscaled: n, scale: 2 },
                { unscaled: n * 10n ** BigInt(k), scale: 2 + k },
              ]),
          ]
        : []),
    );
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const c = a === null || b === null ? undefined : Math.sign(compareValues(type, a, b));
        const equal = c === undefined ? a === b : c === 0;
        expect([type, a, b, same.run([a, b])]).toEqual([type, a, b, equal ? 1 : 0]);
        if (equal) expect([type, a, b, hash.run([a])]).toEqual([type, a, b, hash.run([b])]);
        orders.forEach((order, i) => {
          const want =
            c !== undefined
              ? order.descending
                ? -c
                : c
              : a === b
                ? 0
                : (a === null) === order.nullsFirst
                  ? -1
                  : 1;
          expect([type, a, b, order, Math.sign(keys[i].run([a, b]) as number) + 0]).toEqual([
            type,
            a,
            b,
            order,
            want + 0,
          ]);
        });
      }),
      { numRuns: 60 },
    );
  }
});

test('the internal hash spreads dense and strided keys over low and high bits', () => {
  const column = { type: { kind: 'int8' } as const, nullable: false };
  const hash = compute([column], (e, vals) => hashVals(e, vals));
  for (const stride of [1n, 8n, 1024n, 1n << 20n, 1n << 32n, 1n << 40n]) {
    const low = new Set<number>();
    const high = new Set<number>();
    for (let i = 0n; i < 4096n; i++) {
      const h = (hash.run([i * stride]) as number) >>> 0;
      low.add(h & 4095);
      high.add(h >>> 20);
    }
    // Random numbers fill 63 % of as many buckets.
    expect([stride, low.size > 2200, high.size > 2200]).toEqual([stride, true, true]);
  }
});

test('persist copies temporary strings to the arena, nulls aside', () => {
  const column = { type: TEXT, nullable: true };
  const c = compileRow([column], (e) => persist(e, { ...e.column(0 as ColId), stable: false }));
  fc.assert(
    fc.property(nullable(anyValue(TEXT)), (v) => {
      expect(c.run([v])).toEqual(v);
    }),
  );
  const big = 'x'.repeat(100_000);
  expect(c.run([big])).toBe(big);
});

test('null masks have a bit for each value', () => {
  const columns = [true, false, true].map((n) => ({ type: INT4, nullable: n }));
  const c = compute(columns, (e, vals) => {
    pushNullMask(e, vals);
    return undefined;
  });
  expect(c.run([1, 2, 3])).toBe(0);
  expect(c.run([null, 2, null])).toBe(5);
  expect(c.run([1, 2, null])).toBe(4);
});

const I128 = (1n << 127n) - 1n;
const wides = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, I128, -I128 - 1n, 1n << 64n, -(1n << 64n), (1n << 63n) - 1n, -(1n << 63n)),
  fc.bigInt({ min: -I128 - 1n, max: I128 }),
  fc.bigInt({ min: -1000n, max: 1000n }),
);
const NUMERIC38 = { type: { kind: 'numeric', precision: 38, scale: 0 } as const, nullable: false };

test('128-bit arithmetic wraps as BigInt does', () => {
  const wide = (v: Val): Wide => v.parts as unknown as Wide;
  const binary = (op: (e: Emitter, a: Wide, b: Wide) => Wide) =>
    compileRow([NUMERIC38, NUMERIC38], (e) => {
      const [a, b] = columnsOf(e, 2);
      return { ...a, parts: op(e, wide(a), wide(b)) };
    });
  const ops: readonly [ReturnType<typeof binary>, (a: bigint, b: bigint) => bigint][] = [
    [binary(emitAdd128), (a, b) => a + b],
    [binary(emitSub128), (a, b) => a - b],
    [binary(emitMul128), (a, b) => a * b],
    [binary((e, a) => emitNeg128(e, a)), (a) => -a],
    [binary((e, a, b) => emitAdd128By64(e, a, b[0])), (a, b) => a + BigInt.asIntN(64, b)],
    [binary((e, a, b) => emitMul64(e, a[0], b[0])), (a, b) => BigInt.asIntN(64, a) * BigInt.asIntN(64, b)],
  ];
  const compare = compute([NUMERIC38, NUMERIC38], (e, [a, b]) => {
    emitCompare128(e, wide(a), wide(b));
    return undefined;
  });
  fc.assert(
    fc.property(wides, wides, (a, b) => {
      const row = [
        { unscaled: a, scale: 0 },
        { unscaled: b, scale: 0 },
      ];
      for (const [c, reference] of ops)
        expect((c.run(row) as { unscaled: bigint }).unscaled).toBe(BigInt.asIntN(128, reference(a, b)));
      expect(compare.run(row)).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
    { numRuns: 300 },
  );
});

test('numerics go between registers and bytes unchanged', () => {
  for (const precision of [9, 18, 38])
    for (const scale of [0, 2, 9]) {
      const type: SqlType = { kind: 'numeric', precision, scale };
      const column = { type, nullable: true };
      const repr = reprOf(type);
      const c = compileRow([column], (e) => coerceRepr(e, coerceRepr(e, e.column(0 as ColId), 'str'), repr));
      const bytes = compileRow([column], (e) => coerceRepr(e, e.column(0 as ColId), 'str'));
      fc.assert(
        fc.property(nullable(anyValue(type)), (v) => {
          expect(show(c.run([v]))).toBe(show(v));
          expect(show(bytes.run([v]))).toBe(show(v));
        }),
      );
    }
});

test('scaled arithmetic is exact whatever bounds are declared', () => {
  const bounded = fc
    .tuple(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 0, max: 6 }), fc.boolean())
    .map(([bits, scale, signed]): { range: Range; scale: number } => ({
      range: { min: signed ? -(1n << BigInt(bits)) : 0n, max: 1n << BigInt(bits) },
      scale,
    }));
  const apply = (fn: string, a: bigint, sa: number, b: bigint, sb: number): Numeric => {
    if (fn === '*') return { unscaled: a * b, scale: sa + sb };
    const s = Math.max(sa, sb);
    const [x, y] = [a * 10n ** BigInt(s - sa), b * 10n ** BigInt(s - sb)];
    return { unscaled: fn === '+' ? x + y : x - y, scale: s };
  };
  fc.assert(
    fc.property(
      bounded,
      bounded,
      fc.constantFrom('+', '-', '*'),
      fc.infiniteStream(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })),
      (a, b, fn, stream) => {
        const columns = [a, b].map((x) => ({
          type: { kind: 'numeric', precision: 60, scale: x.scale } as const,
          range: x.range,
          nullable: false,
        }));
        const c = compileRow(columns, (e) =>
          e.emit({
            kind: 'call',
            fn: `${fn}(numeric,numeric)`,
            args: columns.map((t, i) => ({ kind: 'col', id: i as ColId, type: t.type, nullable: false })),
            type: {
              kind: 'numeric',
              precision: 200,
              scale: fn === '*' ? a.scale + b.scale : Math.max(a.scale, b.scale),
            },
          }),
        );
        const pick = (r: Range, x: bigint): bigint => {
          const k = x % 8n;
          if (k === 0n) return r.min;
          if (k === 1n) return r.max;
          return r.min + (x % (r.max - r.min + 1n));
        };
        for (let i = 0; i < 6; i++) {
          const x = pick(a.range, stream.next().value as bigint);
          const y = pick(b.range, stream.next().value as bigint);
          const got = c.run([
            { unscaled: x, scale: a.scale },
            { unscaled: y, scale: b.scale },
          ]);
          expect(show(got)).toBe(show(apply(fn, x, a.scale, y, b.scale)));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('compareVals leaves the sign of the order', () => {
  const column = { type: TEXT, nullable: false };
  const c = compute([column, column], (e, [a, b]) => {
    compareVals(e, a, b);
    return undefined;
  });
  fc.assert(
    fc.property(anyValue(TEXT), anyValue(TEXT), fc.string({ maxLength: 30 }), (a, b, prefix) => {
      const [x, y] = [prefix + (a as string), prefix + (b as string)];
      expect(Math.sign(c.run([x, y]) as number)).toBe(
        Math.sign(Buffer.compare(Buffer.from(x), Buffer.from(y))),
      );
    }),
  );
});

test('var-numeric arithmetic has the values and display scales of PostgreSQL', () => {
  const VAR: SqlType = { kind: 'numeric' };
  const digits = fc
    .integer({ min: 1, max: 36 })
    .chain((n) => fc.bigInt({ min: -(10n ** BigInt(n)), max: 10n ** BigInt(n) }));
  const number = fc.oneof(
    anyValue(VAR),
    fc.record({ unscaled: digits, scale: fc.integer({ min: 0, max: 24 }) }),
    fc.record({ unscaled: fc.bigInt({ min: -20000n, max: 20000n }), scale: fc.integer({ min: 0, max: 6 }) }),
  );
  const scaled: SqlType = { kind: 'numeric', precision: 15, scale: 2 };
  for (const types of [
    [VAR, VAR],
    [scaled, VAR],
    [VAR, scaled],
    [scaled, scaled],
  ])
    for (const op of ['+', '-', '*', '/']) {
      const def = functionById(`${op}(numeric,numeric)`)!;
      const columns = types.map((type) => ({ type, nullable: false }));
      const c = compileRow(columns, (e) => {
        const args = columnsOf(e, 2);
        return emitHostCall(e, def.id, args, { type: VAR, repr: 'str' }, true, false);
      });
      fc.assert(
        fc.property(fc.tuple(...types.map((t) => (t === VAR ? number : anyValue(t)))), (row) => {
          const want = outcome(() => def.impl(row, TEST_SETTINGS, types));
          expect([op, row.map(show), normal(outcome(() => c.run(row)))]).toEqual([
            op,
            row.map(show),
            normal(want),
          ]);
        }),
        { numRuns: 400 },
      );
    }
});

test('the hash of constant strings is the same at compile time', () => {
  const column = { type: TEXT, nullable: false };
  const c = compute([column], (e, [v]) => {
    e.push(v.parts[0]).call(e.ctx.lib(strHash));
    return undefined;
  });
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (s) => {
      expect(c.run([s])).toBe(hashString(new TextEncoder().encode(s)));
    }),
  );
});

test('temp space settles in one block that holds what a call needs', () => {
  const column = { type: TEXT, nullable: false };
  const c = compileRow([column], (e) => {
    const { f } = e;
    const at = f.local('i32');
    const i = f.local('i32');
    f.i32(3000).set(i);
    f.loop((again) => {
      f.get(e.qs).get(e.ws).i32(1000).call(e.ctx.lib(tempAlloc)).set(at);
      f.get(i).i32(1).op('i32.sub').tee(i).brIf(again);
    });
    return i32(e, at);
  });
  const { view } = c.memory;
  // The harness starts each run without any temp space; here a worker goes on with what it has.
  c.run(['']);
  const state = [WS.tempNext, WS.tempEnd, WS.tempStart].map((slot) => view.getUint32(WS_AT + slot, true));
  expect(state[1] - state[2]).toBeGreaterThan(1_000_000);
  expect(c.memory.allocs).toBeLessThan(6);
});
