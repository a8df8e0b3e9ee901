import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Expr } from '../../plan/expr.js';
import { allFunctions, functionById } from '../../types/functions/registry.js';
import type { FunctionDef } from '../../types/functions/registry-types.js';
import { STORED_VALUE_ID } from '../../types/functions/stored-value.js';
import { formatNumeric, NAN } from '../../types/numeric.js';
import { BOOL, INTERVAL, NUMERIC, type SqlType, TEXT, typeMod, typeRange } from '../../types/sql-type.js';
import { toStored } from '../../types/stored-numeric.js';
import type { Numeric, Value } from '../../types/value.js';
import { generatedFunctions } from './generators/table.js';
import { normal, outcome } from './test-compare.js';
import { anyValue, nullable } from './test-values.js';
import { compileExpr, TEST_SETTINGS, testColumn } from './testing.js';

const NUMERICS: readonly SqlType[] = [
  { kind: 'numeric', precision: 15, scale: 2 },
  { kind: 'numeric', precision: 30, scale: 4 },
  { kind: 'numeric' },
  { kind: 'numeric', precision: 4, scale: 0 },
];

function typesFor(kind: FunctionDef['args'][number]): readonly SqlType[] {
  if (kind === 'numeric') return NUMERICS;
  if (kind.startsWith('any') && kind !== 'anyarray')
    return [TEXT, { kind: 'int4' }, { kind: 'bpchar', length: 4 }];
  if (kind === 'anyarray' || kind === 'array') return [{ kind: 'array', element: { kind: 'int4' } }];
  if (kind === 'bpchar') return [{ kind: 'bpchar', length: 6 }, { kind: 'bpchar' }];
  return [{ kind } as SqlType];
}

function combinations(def: FunctionDef): SqlType[][] {
  return def.args.reduce<SqlType[][]>(
    (done, kind) => done.flatMap((d) => typesFor(kind).map((t) => [...d, t])),
    [[]],
  );
}

/** The generator (or the host call) against the TypeScript implementation, for random rows. */
function agree(def: FunctionDef, types: readonly SqlType[], withNulls: boolean, runs: number): void {
  const columns = types.map((type) => ({ type, nullable: withNulls }));
  const type = def.returns(types);
  const c = compileExpr(columns, {
    kind: 'call',
    fn: def.id,
    args: columns.map((x, i) => testColumn(i, x)),
    type,
  });
  const values = types.map((t) => (withNulls ? nullable(anyValue(t)) : anyValue(t)));
  fc.assert(
    fc.property(fc.tuple(...values), (row) => {
      const want = outcome(() =>
        def.strict && row.includes(null) ? null : def.impl(row, TEST_SETTINGS, types, type),
      );
      const got = outcome(() => c.run(row));
      expect([def.id, row, normal(got)]).toEqual([def.id, row, normal(want)]);
    }),
    { numRuns: runs },
  );
}

/** The same with columns of declared bounds: what is proven to fit must fit, and nothing else may be left out. */
function agreeBounded(def: FunctionDef, types: readonly SqlType[], seed: number): void {
  const limits = types.map((t) =>
    t.kind === 'date' ? { min: -2440588n, max: 2145042540n } : t.kind === 'bool' ? undefined : typeRange(t),
  );
  const columns = types.map((type, i) => {
    const limit = limits[i];
    if (limit === undefined) return { type, nullable: true };
    const span = limit.max - limit.min;
    const [center, bits] = fc.sample(
      fc.tuple(
        fc.oneof(fc.constantFrom(0n, limit.min, limit.max), fc.bigInt(limit)),
        fc.integer({ min: 0, max: span.toString(2).length }),
      ),
      { numRuns: 1, seed: seed + i },
    )[0];
    const reach = 1n << BigInt(bits);
    const min = center - reach > limit.min ? center - reach : limit.min;
    const max = center + reach < limit.max ? center + reach : limit.max;
    return { type, range: { min, max }, nullable: true };
  });
  const values = columns.map((c) => {
    const { range, type } = c;
    if (range === undefined) return nullable(anyValue(type));
    return nullable(
      fc
        .oneof(fc.constantFrom(range.min, range.max), fc.bigInt(range))
        .map(
          (n): Value =>
            type.kind === 'numeric'
              ? { unscaled: n, scale: type.scale! }
              : ['int8', 'time', 'timestamp', 'timestamptz'].includes(type.kind)
                ? n
                : Number(n),
        ),
    );
  });
  const type = def.returns(types);
  const c = compileExpr(columns, {
    kind: 'call',
    fn: def.id,
    args: columns.map((x, i) => testColumn(i, x)),
    type,
  });
  for (const row of fc.sample(fc.tuple(...values), { numRuns: 12, seed })) {
    const want = outcome(() =>
      def.strict && row.includes(null) ? null : def.impl(row, TEST_SETTINGS, types, type),
    );
    expect([def.id, columns, row, normal(outcome(() => c.run(row)))]).toEqual([
      def.id,
      columns,
      row,
      normal(want),
    ]);
  }
}

test('generated functions agree on columns of declared bounds', () => {
  const bounded = ['int2', 'int4', 'int8', 'numeric', 'date', 'timestamp'];
  for (const id of generatedFunctions()) {
    const def = functionById(id);
    if (def === undefined || !def.args.every((a) => bounded.includes(a))) continue;
    for (const types of combinations(def))
      for (let seed = 1; seed <= 8; seed++) agreeBounded(def, types, seed * 31);
  }
});

/** Results that depend on the time of the call, and what asks a catalog that workers have not. */
const SKIP =
  /^(pg_sleep|random|gen_random_uuid|clock_timestamp|timeofday|setseed|repeat|lpad|rpad|width_bucket|pg_|to_reg)/;

test('generated functions agree with their TypeScript implementations', () => {
  for (const id of generatedFunctions()) {
    const def = functionById(id);
    // The registry has || for `any` or for `anynonarray`.
    if (def === undefined && id.includes('any')) continue;
    expect(def, `${id} has a generator and no definition`).toBeDefined();
    for (const types of combinations(def!)) for (const nulls of [false, true]) agree(def!, types, nulls, 40);
  }
});

test('every other function of the registry is called by the host', () => {
  const generated = new Set(generatedFunctions());
  for (const def of allFunctions()) {
    // Cuts characters in half; such values do not come back from memory.
    if (def.id.endsWith(',char)')) continue;
    if (generated.has(def.id) || def.volatility === 'volatile' || SKIP.test(def.name)) continue;
    if (def.args.some((a) => a.startsWith('reg')) || def.returns(combinations(def)[0]).kind.startsWith('reg'))
      continue;
    agree(def, combinations(def)[0], true, 6);
  }
});

function constant(value: Value, type: SqlType): Expr {
  return { kind: 'const', value, type };
}

/** A call some of whose arguments are constants. */
function agreeWith(fn: string, args: readonly (SqlType | Expr)[], runs = 60): void {
  const def = functionById(fn)!;
  const columns: { type: SqlType; nullable: boolean }[] = [];
  const consts: (Value | undefined)[] = [];
  const exprs = args.map((a): Expr => {
    if (a.kind === 'const') {
      consts.push(a.value);
      return a;
    }
    consts.push(undefined);
    columns.push({ type: a as SqlType, nullable: true });
    return testColumn(columns.length - 1, columns[columns.length - 1]);
  });
  const types = args.map((a) => (a.kind === 'const' ? a.type : (a as SqlType)));
  const type = def.returns(types, { consts });
  const c = compileExpr(columns, { kind: 'call', fn, args: exprs, type });
  fc.assert(
    fc.property(fc.tuple(...columns.map((x) => nullable(anyValue(x.type)))), (row) => {
      let next = 0;
      const all = consts.map((v) => (v === undefined ? row[next++] : v));
      const want = outcome(() => (all.includes(null) ? null : def.impl(all, TEST_SETTINGS, types, type)));
      expect([fn, all, normal(outcome(() => c.run(row)))]).toEqual([fn, all, normal(want)]);
    }),
    { numRuns: runs },
  );
}

test('fields of dates with narrow and wide bounds', () => {
  for (const [min, max] of [
    [8035n, 10591n],
    [-3000n, 3000n],
    [-20000n, 20000n],
    [-720000n, -719000n],
  ])
    for (const field of ['year', 'month', 'day', 'quarter', 'dow', 'isodow', 'doy'])
      for (const nulls of [false, true]) {
        const date = { type: { kind: 'date' } as const, range: { min, max }, nullable: nulls };
        const def = functionById('extract(text,date)')!;
        const args = [constant(field, TEXT), testColumn(0, date)];
        const type = def.returns([TEXT, date.type], { consts: [field, undefined] });
        const c = compileExpr([date], { kind: 'call', fn: def.id, args, type });
        const days = fc.integer({ min: Number(min), max: Number(max) });
        for (const v of [Number(min), Number(max), ...fc.sample(nulls ? nullable(days) : days, 20)]) {
          const want = v === null ? null : def.impl([field, v], TEST_SETTINGS, [TEXT, date.type], type);
          expect([field, v, c.run([v])]).toEqual([field, v, want]);
        }
      }
});

test('extract, date_part and date_trunc with a constant field', () => {
  for (const field of [
    'year',
    'month',
    'day',
    'quarter',
    'dow',
    'isodow',
    'doy',
    'week',
    'epoch',
    'century',
    'YEAR',
  ])
    for (const kind of ['date', 'timestamp'] as const) {
      agreeWith(`extract(text,${kind})`, [constant(field, TEXT), { kind }]);
      agreeWith(`date_part(text,${kind})`, [constant(field, TEXT), { kind }]);
    }
  for (const field of ['second', 'minute', 'hour', 'day', 'month', 'year'])
    agreeWith('date_trunc(text,timestamp)', [constant(field, TEXT), { kind: 'timestamp' }]);
});

test('dates and timestamps with constant intervals', () => {
  const spans = [
    { months: 1, days: 0, micros: 0n },
    { months: -13, days: 0, micros: 0n },
    { months: 0, days: 90, micros: 0n },
    { months: 12, days: -3, micros: 5_000_000n },
    { months: 0, days: 0, micros: -1n },
    { months: 2_000_000, days: 0, micros: 0n },
  ];
  for (const s of spans) {
    const span = constant(s, INTERVAL);
    agreeWith('+(date,interval)', [{ kind: 'date' }, span]);
    agreeWith('+(interval,date)', [span, { kind: 'date' }]);
    agreeWith('-(date,interval)', [{ kind: 'date' }, span]);
    agreeWith('+(timestamp,interval)', [{ kind: 'timestamp' }, span]);
    agreeWith('-(timestamp,interval)', [{ kind: 'timestamp' }, span]);
  }
});

test('substring, left, right and round with constants', () => {
  for (const [from, length] of [
    [1, 2],
    [0, 3],
    [-1, 3],
    [3, 100],
    [2, 0],
    [2, -1],
    [2147483647, 5],
  ]) {
    const [a, b] = [constant(from, { kind: 'int4' }), constant(length, { kind: 'int4' })];
    agreeWith('substring(text,int4,int4)', [TEXT, a, b]);
    agreeWith('substring(text,int4)', [TEXT, a]);
    agreeWith('left(text,int4)', [TEXT, b]);
    agreeWith('right(text,int4)', [TEXT, b]);
  }
  const long = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é'), minLength: 6, maxLength: 14 });
  const text = { type: TEXT, nullable: false };
  for (const [from, length] of [
    [1, 2],
    [3, 5],
    [1, 8],
    [2, 8],
    [8, 1],
  ]) {
    const args: Expr[] = [
      testColumn(0, text),
      constant(from, { kind: 'int4' }),
      constant(length, { kind: 'int4' }),
    ];
    const c = compileExpr([text], { kind: 'call', fn: 'substring(text,int4,int4)', args, type: TEXT });
    for (const s of fc.sample(long, 50)) expect(c.run([s])).toBe(s.slice(from - 1, from - 1 + length));
  }
  for (const digits of [0, 1, 2, 5, -1])
    for (const t of NUMERICS)
      for (const fn of ['round', 'trunc'])
        agreeWith(`${fn}(numeric,int4)`, [t, constant(digits, { kind: 'int4' })]);
});

test('casts to types with modifiers', () => {
  const targets: readonly (readonly [string, SqlType, SqlType])[] = [
    [
      'cast(numeric,numeric)',
      { kind: 'numeric', precision: 15, scale: 2 },
      { kind: 'numeric', precision: 10, scale: 1 },
    ],
    [
      'cast(numeric,numeric)',
      { kind: 'numeric', precision: 15, scale: 2 },
      { kind: 'numeric', precision: 20, scale: 4 },
    ],
    [
      'cast(numeric,numeric)',
      { kind: 'numeric', precision: 30, scale: 6 },
      { kind: 'numeric', precision: 32, scale: 0 },
    ],
    ['cast(int4,numeric)', { kind: 'int4' }, { kind: 'numeric', precision: 5, scale: 2 }],
    ['cast(int8,numeric)', { kind: 'int8' }, { kind: 'numeric', precision: 30, scale: 4 }],
    ['cast(text,varchar)', TEXT, { kind: 'varchar', length: 5 }],
    ['assign(text,varchar)', TEXT, { kind: 'varchar', length: 5 }],
    ['cast(text,bpchar)', TEXT, { kind: 'bpchar', length: 5 }],
    ['cast(bpchar,bpchar)', { kind: 'bpchar', length: 8 }, { kind: 'bpchar', length: 5 }],
    ['cast(bpchar,varchar)', { kind: 'bpchar', length: 8 }, { kind: 'varchar', length: 5 }],
    ...[0, 3, 5, 6].flatMap((precision): (readonly [string, SqlType, SqlType])[] => [
      ['cast(timestamp,timestamp)', { kind: 'timestamp' }, { kind: 'timestamp', precision }],
      ['cast(timestamptz,timestamptz)', { kind: 'timestamptz' }, { kind: 'timestamptz', precision }],
      ['cast(time,time)', { kind: 'time' }, { kind: 'time', precision }],
      ['cast(interval,interval)', INTERVAL, { kind: 'interval', precision }],
    ]),
    ['cast(interval,interval)', INTERVAL, { kind: 'interval', fields: 1 << 10 }],
    ['cast(timestamp,timestamp)', { kind: 'timestamp', precision: 3 }, { kind: 'timestamp' }],
  ];
  for (const [fn, from, to] of targets) {
    const def = functionById(fn)!;
    const column = { type: from, nullable: true };
    const c = compileExpr([column], { kind: 'call', fn, args: [testColumn(0, column)], type: to });
    fc.assert(
      fc.property(nullable(anyValue(from)), (v) => {
        const want = outcome(() => (v === null ? null : def.impl([v], TEST_SETTINGS, [from], to)));
        expect([fn, v, normal(outcome(() => c.run([v])))]).toEqual([fn, v, normal(want)]);
      }),
      { numRuns: 100 },
    );
  }
});

test('numerics are fitted to a precision and scale that their type does not show', () => {
  const numbers = fc.oneof(
    anyValue(NUMERIC),
    fc.record({
      unscaled: fc.oneof(
        fc.bigInt({ min: -(10n ** 11n), max: 10n ** 11n }),
        fc.bigInt({ min: -(10n ** 36n), max: 10n ** 36n }),
        // Next to the limits of the types below.
        fc.constantFrom(9_999_999_999n, 10_000_000_000n, 99_999_999_995n, -99_999_999_994n, 10n ** 28n - 1n),
      ),
      scale: fc.nat(24),
    }),
  );
  const targets: readonly SqlType[] = [
    { kind: 'numeric', precision: 10, scale: 2 },
    { kind: 'numeric', precision: 1, scale: 0 },
    { kind: 'numeric', precision: 3, scale: 3 },
    { kind: 'numeric', precision: 28, scale: 10 },
    { kind: 'numeric', precision: 60, scale: 20 },
  ];
  const sources: readonly (readonly [SqlType, fc.Arbitrary<Value>])[] = [
    [NUMERIC, numbers],
    [{ kind: 'float8' }, anyValue({ kind: 'float8' })],
    [TEXT, numbers.map((v) => formatNumeric(v as Numeric))],
  ];
  for (const [from, values] of sources)
    for (const target of targets) {
      const fn = `fit(${from.kind},int4)`;
      const modifier = typeMod(target);
      const def = functionById(fn)!;
      const column = { type: from, nullable: true };
      const args = [testColumn(0, column), constant(modifier, { kind: 'int4' })];
      const c = compileExpr([column], { kind: 'call', fn, args, type: NUMERIC });
      fc.assert(
        fc.property(nullable(values), (v) => {
          const want = outcome(() =>
            v === null ? null : def.impl([v, modifier], TEST_SETTINGS, [from, { kind: 'int4' }], NUMERIC),
          );
          expect([fn, modifier, v, normal(outcome(() => c.run([v])))]).toEqual([
            fn,
            modifier,
            v,
            normal(want),
          ]);
        }),
        { numRuns: 100 },
      );
    }
});

test('what travels to a column is read with its NaN', () => {
  for (const precision of [5, 18, 19, 38]) {
    const type: SqlType = { kind: 'numeric', precision, scale: 2 };
    const nan = toStored(type, NAN);
    const column = { type, nullable: true };
    const call: Expr = { kind: 'call', fn: STORED_VALUE_ID, args: [testColumn(0, column)], type: NUMERIC };
    const c = compileExpr([column], call);
    const largest: Value = { unscaled: 10n ** BigInt(precision) - 1n, scale: 2 };
    for (const [stored, value] of [
      [nan, NAN],
      [largest, largest],
      [null, null],
    ] as const)
      expect(c.run([stored])).toEqual(value);
  }
});

test('bounds make overflow checks disappear, and only then', () => {
  const narrow = { type: { kind: 'int4' } as const, range: { min: 0n, max: 1000n }, nullable: false };
  const wide = { type: { kind: 'int4' } as const, nullable: false };
  const sum = (c: typeof narrow | typeof wide) =>
    compileExpr([c, c], {
      kind: 'call',
      fn: '+(int4,int4)',
      args: [testColumn(0, c), testColumn(1, c)],
      type: { kind: 'int4' },
    });
  expect(sum(narrow).bytes).toBeLessThan(sum(wide).bytes);
  expect(sum(narrow).run([999, 1000])).toBe(1999);
  expect(normal(outcome(() => sum(wide).run([2147483647, 1])))).toBe('error 22003');
  void BOOL;
});
