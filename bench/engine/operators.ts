/** Micro-benchmarks of compiled operators on one thread: an aggregation like TPC-H Q1 and a hash join of 6.0 M rows to
 *  1.5 M keys. Prints milliseconds per run and rows per second. */

import { compileSlice } from '../../src/engine/operators/compile.js';
import {
  agg,
  cmp,
  col,
  column,
  hashAgg,
  hashJoin,
  lit,
  op,
  scan,
  slice,
} from '../../src/engine/operators/test-plans.js';
import { execute, TestMemory } from '../../src/engine/operators/testing.js';
import type { Column, Expr } from '../../src/plan/expr.js';
import type { PhysicalOp } from '../../src/plan/physical.js';
import {
  BATCH_COLUMN_BYTES,
  BATCH_HEADER_BYTES,
  type ColumnLayout,
  ENCODING_CODE,
  type Encoding,
} from '../../src/types/memory.js';
import { DATE, INT4, INT8, NUMERIC, type SqlType, TEXT } from '../../src/types/sql-type.js';

const BATCH_ROWS = 65_536;
const RUNS = Number(process.env.RUNS ?? 5);
const WIDTH: Partial<Record<Encoding, number>> = { i8: 1, i16: 2, i32: 4, i64: 8, dict8: 1 };

type Spec = {
  readonly column: Column;
  readonly encoding: Encoding;
  readonly value: (i: number) => number;
  readonly dict?: readonly string[];
};

function batches(tm: TestMemory, specs: readonly Spec[], rows: number): { address: number; rows: number }[] {
  const m = tm.memory;
  const view = new DataView(m.memory.buffer);
  const out: { address: number; rows: number }[] = [];
  const dicts = specs.map((s) => {
    if (!s.dict) return 0;
    const refs = m.alloc(s.dict.length * 8);
    s.dict.forEach((text, i) => {
      const b = new TextEncoder().encode(text);
      const a = m.alloc(b.length);
      m.u8.set(b, a);
      view.setUint32(refs + i * 8, a, true);
      view.setUint32(refs + i * 8 + 4, b.length, true);
    });
    return refs;
  });
  for (let from = 0; from < rows; from += BATCH_ROWS) {
    const n = Math.min(BATCH_ROWS, rows - from);
    const address = m.alloc(BATCH_HEADER_BYTES + specs.length * BATCH_COLUMN_BYTES);
    m.u8.fill(0, address, address + BATCH_HEADER_BYTES + specs.length * BATCH_COLUMN_BYTES);
    view.setUint32(address, n, true);
    view.setUint32(address + 4, specs.length, true);
    specs.forEach((s, j) => {
      const width = WIDTH[s.encoding]!;
      const data = m.alloc(n * width);
      for (let i = 0; i < n; i++) {
        const v = s.value(from + i);
        if (width === 1) view.setInt8(data + i, v);
        else if (width === 2) view.setInt16(data + i * 2, v, true);
        else if (width === 4) view.setInt32(data + i * 4, v, true);
        else view.setBigInt64(data + i * 8, BigInt(v), true);
      }
      const at = address + BATCH_HEADER_BYTES + j * BATCH_COLUMN_BYTES;
      view.setUint32(at, data, true);
      view.setUint32(at + 12, ENCODING_CODE[s.encoding], true);
      view.setUint32(at + 8, dicts[j], true);
      view.setUint32(at + 16, s.dict?.length ?? 0, true);
    });
    out.push({ address, rows: n });
  }
  return out;
}

function hash(i: number): number {
  let x = Math.imul(i ^ 0x5bd1e995, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

function measure(
  name: string,
  tm: TestMemory,
  root: PhysicalOp,
  tables: readonly {
    readonly leaf: PhysicalOp;
    readonly specs: readonly Spec[];
    readonly batches: { address: number; rows: number }[];
  }[],
  rows: number,
): void {
  const layouts = new Map(
    tables.map((t) => [
      t.leaf.id,
      t.specs.map((s): ColumnLayout => ({ encoding: s.encoding, nullable: s.column.nullable })),
    ]),
  );
  const began = performance.now();
  const compiled = compileSlice(slice(root), { layouts, instrument: false, workers: 1 });
  const compileMs = performance.now() - began;
  const sources = new Map(tables.map((t) => [t.leaf.id, t.batches]));
  const times: number[] = [];
  let result: unknown;
  for (let i = 0; i < RUNS; i++) {
    const stats: Record<string, number> = {};
    const r = execute(tm, compiled, sources, root.cols, { stats });
    const total = Object.values(stats).reduce((a, b) => a + b, 0);
    times.push(total);
    result = r.rows.slice(0, 2);
    if (i === RUNS - 1)
      console.log(
        Object.entries(stats)
          .map(([k, v]) => `   ${v.toFixed(1)} ms  ${k}`)
          .join('\n'),
      );
  }
  const best = Math.min(...times);
  console.log(
    `${name}: best ${best.toFixed(1)} ms of ${times.map((t) => t.toFixed(0)).join(' ')}; ${(rows / best / 1000).toFixed(1)} M rows/s; compile ${compileMs.toFixed(1)} ms, ${compiled.wasm.length} bytes`,
  );
  if (process.argv.includes('-v'))
    console.log(JSON.stringify(result, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v)));
}

function money(name: string, min: bigint, max: bigint): Column {
  return column(name, { kind: 'numeric', precision: 15, scale: 2 }, false, { min, max });
}

function call(fn: string, args: readonly Expr[], type: SqlType): Expr {
  return { kind: 'call', fn, args, type };
}

function q1(tm: TestMemory): void {
  const rows = 6_000_000;
  const flag = column('l_returnflag', { kind: 'bpchar', length: 1 }, false);
  const status = column('l_linestatus', { kind: 'bpchar', length: 1 }, false);
  const quantity = money('l_quantity', 100n, 5000n);
  const price = money('l_extendedprice', 90000n, 10500000n);
  const discount = money('l_discount', 0n, 10n);
  const tax = money('l_tax', 0n, 8n);
  const ship = column('l_shipdate', DATE, false, { min: 8000n, max: 10_499n });
  const specs: Spec[] = [
    { column: flag, encoding: 'dict8', value: (i) => hash(i) % 3, dict: ['A', 'N', 'R'] },
    { column: status, encoding: 'dict8', value: (i) => hash(i) % 2, dict: ['F', 'O'] },
    { column: quantity, encoding: 'i16', value: (i) => 100 * (1 + (hash(i + 1) % 50)) },
    { column: price, encoding: 'i32', value: (i) => 90000 + (hash(i + 2) % 10_400_000) },
    { column: discount, encoding: 'i8', value: (i) => hash(i + 3) % 11 },
    { column: tax, encoding: 'i8', value: (i) => hash(i + 4) % 9 },
    { column: ship, encoding: 'i16', value: (i) => 8000 + (hash(i + 5) % 2500) },
  ];
  const one = lit({ unscaled: 1n, scale: 0 }, { kind: 'numeric', precision: 1, scale: 0 });
  const n = (p: number, s: number): SqlType => ({ kind: 'numeric', precision: p, scale: s });
  const discounted = call(
    '*(numeric,numeric)',
    [col(price), call('-(numeric,numeric)', [one, col(discount)], n(16, 2))],
    n(31, 4),
  );
  const charge = call(
    '*(numeric,numeric)',
    [discounted, call('+(numeric,numeric)', [one, col(tax)], n(16, 2))],
    n(38, 6),
  );
  const leaf = scan(
    specs.map((s) => s.column),
    cmp('<=', col(ship), lit(10_400, DATE)),
  );
  const table = { leaf, specs, batches: batches(tm, specs, rows) };
  const root = hashAgg(
    'single',
    leaf,
    [flag, status],
    [
      agg('sum', [col(quantity)], n(28, 2)),
      agg('sum', [col(price)], n(28, 2)),
      agg('sum', [discounted], n(38, 4)),
      agg('sum', [charge], n(38, 6)),
      agg('avg', [col(quantity)], NUMERIC),
      agg('avg', [col(price)], NUMERIC),
      agg('avg', [col(discount)], NUMERIC),
      agg('count_star', [], INT8),
    ],
  );
  measure('Q1-like aggregation', tm, root, [table], rows);
  const six = hashAgg(
    'single',
    scan(
      specs.map((s) => s.column),
      {
        kind: 'and',
        args: [
          cmp('>=', col(ship), lit(8500, DATE)),
          cmp('<', col(ship), lit(8865, DATE)),
          cmp('<', col(quantity), lit({ unscaled: 2400n, scale: 2 }, n(15, 2))),
          cmp('>=', col(discount), lit({ unscaled: 5n, scale: 2 }, n(15, 2))),
          cmp('<=', col(discount), lit({ unscaled: 7n, scale: 2 }, n(15, 2))),
        ],
      },
    ),
    [],
    [agg('sum', [call('*(numeric,numeric)', [col(price), col(discount)], n(30, 4))], n(38, 4))],
  );
  measure('Q6-like aggregation', tm, six, [{ ...table, leaf: six.input }], rows);
}

function join(tm: TestMemory): void {
  const orders = 1_500_000;
  const rows = 6_000_000;
  const okey = column('o_orderkey', INT4, false, { min: 1n, max: 6_000_000n });
  const odate = column('o_orderdate', DATE, false);
  const lkey = column('l_orderkey', INT4, false, { min: 1n, max: 6_000_000n });
  const qty = column('l_quantity', INT4, false);
  const oSpecs: Spec[] = [
    { column: okey, encoding: 'i32', value: (i) => (i >> 3) * 32 + (i & 7) + 1 },
    { column: odate, encoding: 'i16', value: (i) => hash(i) % 2500 },
  ];
  const lSpecs: Spec[] = [
    {
      column: lkey,
      encoding: 'i32',
      value: (i) => {
        const o = i >> 2;
        return (o >> 3) * 32 + (o & 7) + 1;
      },
    },
    { column: qty, encoding: 'i16', value: (i) => hash(i) % 50 },
  ];
  const random: Spec[] = [
    {
      column: lkey,
      encoding: 'i32',
      value: (i) => {
        const o = hash(i) % orders;
        return (o >> 3) * 32 + (o & 7) + 1;
      },
    },
    { column: qty, encoding: 'i16', value: (i) => hash(i) % 50 },
  ];
  const build = { specs: oSpecs, batches: batches(tm, oSpecs, orders) };
  for (const [name, specs] of [
    ['in order', lSpecs],
    ['random', random],
  ] as const) {
    const b = scan([okey, odate]);
    const p = scan([lkey, qty]);
    const root = hashAgg(
      'single',
      hashJoin('inner', p, b, [[col(lkey), col(okey)]]),
      [],
      [agg('sum', [col(qty)], INT8), agg('max', [col(odate)], DATE)],
    );
    measure(
      `join, probe keys ${name}`,
      tm,
      root,
      [
        { leaf: b, ...build },
        { leaf: p, specs, batches: batches(tm, specs, rows) },
      ],
      rows,
    );
  }
}

/** As TPC-H Q9: a small build side on two keys that 5 % of the probe rows find. */
function twoKeys(tm: TestMemory): void {
  const rows = 6_000_000;
  const few = 85_000;
  const part = column('ps_partkey', INT4, false, { min: 1n, max: 200_000n });
  const supplier = column('ps_suppkey', INT4, false, { min: 1n, max: 10_000n });
  const cost = money('ps_supplycost', 100n, 100_000n);
  const lpart = column('l_partkey', INT4, false, { min: 1n, max: 200_000n });
  const lsupp = column('l_suppkey', INT4, false, { min: 1n, max: 10_000n });
  const quantity = money('l_quantity', 100n, 5000n);
  const supplierOf = (p: number, k: number): number =>
    ((p + k * 2500 + Math.floor((p - 1) / 10_000)) % 10_000) + 1;
  const b: Spec[] = [
    { column: part, encoding: 'i32', value: (i) => 1 + (hash(i >> 2) % 200_000) },
    { column: supplier, encoding: 'i16', value: (i) => supplierOf(1 + (hash(i >> 2) % 200_000), i & 3) },
    { column: cost, encoding: 'i32', value: (i) => 100 + (hash(i) % 99_000) },
  ];
  const p: Spec[] = [
    { column: lpart, encoding: 'i32', value: (i) => 1 + (hash(i) % 200_000) },
    { column: lsupp, encoding: 'i16', value: (i) => supplierOf(1 + (hash(i) % 200_000), hash(i + 7) & 3) },
    { column: quantity, encoding: 'i16', value: (i) => 100 * (1 + (hash(i) % 50)) },
  ];
  const build = scan(b.map((s) => s.column));
  const probe = scan(p.map((s) => s.column));
  const join = hashJoin('inner', probe, build, [
    [col(lsupp), col(supplier)],
    [col(lpart), col(part)],
  ]);
  const root = hashAgg(
    'single',
    join,
    [],
    [
      agg(
        'sum',
        [
          call('*(numeric,numeric)', [col(cost), col(quantity)], {
            kind: 'numeric',
            precision: 30,
            scale: 4,
          }),
        ],
        NUMERIC,
      ),
    ],
  );
  const tables = [
    { leaf: build, specs: b, batches: batches(tm, b, few) },
    { leaf: probe, specs: p, batches: batches(tm, p, rows) },
  ];
  measure('join on two keys, 1 row in 9 matches', tm, root, tables, rows);
}

function others(tm: TestMemory): void {
  const rows = 6_000_000;
  const key = column('l_orderkey', INT4, false, { min: 1n, max: 6_000_000n });
  const part = column('l_partkey', INT8, false);
  const text = column('p_name', TEXT, false);
  const words = Array.from({ length: 200 }, (_, i) => `part of kind ${i * 7919}`);
  const specs: Spec[] = [
    { column: key, encoding: 'i32', value: (i) => (i >> 5) * 32 + ((i >> 2) & 7) + 1 },
    { column: part, encoding: 'i32', value: (i) => hash(i) % 200_000 },
    { column: text, encoding: 'dict8', value: (i) => hash(i) % 200, dict: words },
  ];
  const all = batches(tm, specs, rows);
  const over = (make: (leaf: PhysicalOp) => PhysicalOp, name: string, input = all): void => {
    const leaf = scan(specs.map((s) => s.column));
    const root = make(leaf);
    const count = hashAgg('single', root, [], [agg('count_star', [], INT8)]);
    measure(
      name,
      tm,
      count,
      [{ leaf, specs, batches: input }],
      input.reduce((a, b) => a + b.rows, 0),
    );
  };
  over(
    (leaf) => hashAgg('single', leaf, [key], [agg('sum', [col(part)], NUMERIC)]),
    '1.5 M groups in order, by hash',
  );
  over(
    (leaf) => ({ ...hashAgg('single', leaf, [key], [agg('sum', [col(part)], NUMERIC)]), rows: 1.5e6 }),
    '1.5 M groups in order, by value',
  );
  over((leaf) => hashAgg('single', leaf, [part], [agg('count_star', [], INT8)]), '0.2 M groups at random');
  over(
    (leaf) => hashAgg('single', leaf, [text], [agg('count_star', [], INT8), agg('max', [col(part)], INT8)]),
    '200 groups of strings',
  );
  const some = all.slice(0, 24);
  const by = (...columns: Column[]) =>
    columns.map((c) => ({ expr: col(c), descending: true, nullsFirst: false }));
  const sort = (keys: ReturnType<typeof by>, limit?: bigint) => (leaf: PhysicalOp) =>
    op('sort', {
      input: leaf,
      cols: leaf.cols,
      keys,
      distinctOn: undefined,
      limit: limit === undefined ? undefined : lit(limit, INT8),
    });
  over(sort(by(part)), 'sort by an integer', some);
  over(sort(by(text, part)), 'sort by string and integer', some);
  over(sort(by(part, key), 10n), 'top 10');
  over(
    (leaf) => hashAgg('single', leaf, [text], [agg('count', [col(part)], INT8, { distinct: true })]),
    'count distinct',
    some,
  );
}

const tm = new TestMemory(2 ** 31);
const only = process.argv[2] ?? 'all';
if (only === 'all' || only === 'q1') q1(tm);
if (only === 'all' || only === 'join') join(tm);
if (only === 'all' || only === 'keys') twoKeys(tm);
if (only === 'all' || only === 'others') others(tm);
