/** Hash joins as TPC-H has them: a fact table of `rows` to a quarter as many keys, build and probe timed apart. */
import { agg, col, column, hashAgg, hashJoin, scan } from '../../../src/engine/operators/test-plans.js';
import type { TestMemory } from '../../../src/engine/operators/testing.js';
import type { Column } from '../../../src/plan/expr.js';
import type { PhysJoinType } from '../../../src/plan/physical.js';
import { INT4, INT8 } from '../../../src/types/sql-type.js';
import { type Case, compile, expectRows, sum } from '../runner.js';
import { makeTable, mixed, type Table, type Vector } from '../vectors.js';

/** Order keys as TPC-H's: eight, then a gap of 24. */
function orderKey(i: number): number {
  return (i >> 3) * 32 + (i & 7) + 1;
}

type JoinOptions = {
  readonly name: string;
  readonly type: PhysJoinType;
  /** The key of a build row, and of a probe row. */
  readonly buildKey: Vector;
  readonly probeKey: Vector;
  readonly build: Table;
  readonly probe: Table;
  readonly quantity: Column;
};

/** Build rows have a key each; the check sums up the quantities of the probe rows that the join lets through. */
function joinCase(tm: TestMemory, o: JoinOptions): Case {
  const b = scan(o.build.vectors.map((v) => v.column));
  const p = scan(o.probe.vectors.map((v) => v.column));
  const join = hashJoin(o.type, p, b, [[col(o.probeKey.column), col(o.buildKey.column)]]);
  const payload = o.build.vectors[1]!;
  const withPayload = o.type === 'inner';
  const root = hashAgg(
    'single',
    join,
    [],
    [
      agg('sum', [col(o.quantity)], INT8),
      agg('count_star', [], INT8),
      ...(withPayload ? [agg('sum', [col(payload.column)], INT8)] : []),
    ],
  );
  const query = compile(
    tm,
    root,
    new Map([
      [b, o.build],
      [p, o.probe],
    ]),
  );
  const isBuild = (label: string): boolean => label.includes('build hash table');
  const quantityAt = o.probe.vectors.find((v) => v.column === o.quantity)!.value;
  const buildBytes = withPayload
    ? o.build.bytesOf(o.buildKey.column, payload.column)
    : o.build.bytesOf(o.buildKey.column);
  return {
    measures: [
      { name: `${o.name}: build`, rows: o.build.rows, bytes: buildBytes },
      {
        name: `${o.name}: probe`,
        rows: o.probe.rows,
        bytes: o.probe.bytesOf(o.probeKey.column, o.quantity),
      },
    ],
    check: () => {
      const payloads = new Map<number, number>();
      for (let i = 0; i < o.build.rows; i++) payloads.set(o.buildKey.value(i), payload.value(i));
      let [quantity, rows, paid] = [0, 0, 0];
      for (let i = 0; i < o.probe.rows; i++) {
        const found = payloads.get(o.probeKey.value(i));
        if ((found === undefined) !== (o.type === 'anti')) continue;
        quantity += quantityAt(i);
        rows++;
        paid += found ?? 0;
      }
      expectRows(o.name, query.rows(), [[quantity, rows, ...(withPayload ? [paid] : [])]]);
    },
    run: () => {
      const times = query.times();
      return [sum(times, isBuild), sum(times, (label) => !isBuild(label))];
    },
  };
}

export function* joinCases(tm: TestMemory, rows: number): Generator<Case> {
  const orders = rows >> 2;
  const keyMax = BigInt(orderKey(orders));
  const quantity = column('l_quantity', INT4, false);
  const quantities: Vector = { column: quantity, encoding: 'i16', value: (i) => mixed(i) % 50 };
  const date = column('o_orderdate', INT4, false);
  const dates: Vector = { column: date, encoding: 'i16', value: (i) => mixed(i + 3) % 2500 };
  const key = (name: string, value: (i: number) => number, dense: boolean): Vector => ({
    column: column(name, INT4, false, dense ? { min: 1n, max: keyMax } : undefined),
    encoding: 'i32',
    value,
  });
  const inOrder = (i: number): number => orderKey(i >> 2);
  const atRandom = (i: number): number => orderKey(mixed(i) % orders);
  for (const [how, dense] of [
    ['array by value', true],
    ['hash table', false],
  ] as const) {
    const buildKey = key('o_orderkey', orderKey, dense);
    const build = makeTable(tm, [buildKey, dates], orders);
    for (const [order, value] of [
      ['in order', inOrder],
      ['at random', atRandom],
    ] as const) {
      const probeKey = key('l_orderkey', value, dense);
      const probe = makeTable(tm, [probeKey, quantities], rows);
      const name = `join, ${how}, keys ${order}`;
      yield joinCase(tm, { name, type: 'inner', buildKey, probeKey, build, probe, quantity });
      probe.free();
    }
    build.free();
  }
  // One key in three: semi and anti joins decide about each probe row and add no column.
  const third = key('o_orderkey', (i) => orderKey(i * 3), false);
  const build = makeTable(tm, [third, dates], Math.floor(orders / 3));
  const probeKey = key('l_orderkey', atRandom, false);
  const probe = makeTable(tm, [probeKey, quantities], rows);
  for (const type of ['semi', 'anti'] as const) {
    const name = `${type} join, hash table, keys at random`;
    yield joinCase(tm, { name, type, buildKey: third, probeKey, build, probe, quantity });
  }
  build.free();
  probe.free();
  yield* twoKeys(tm, rows);
}

/** As in TPC-H's query 9: a small build side on two keys, which one probe row in nine finds. */
function* twoKeys(tm: TestMemory, rows: number): Generator<Case> {
  const few = 85_000;
  const supplierOf = (part: number, k: number): number =>
    ((part + k * 2500 + Math.floor((part - 1) / 10_000)) % 10_000) + 1;
  const partAt = (i: number): number => 1 + (mixed(i) % 200_000);
  const ranges = { part: { min: 1n, max: 200_000n }, supplier: { min: 1n, max: 10_000n } };
  const int = (name: string, range?: Column['range']): Column => column(name, INT4, false, range);
  const part = int('ps_partkey', ranges.part);
  const supplier = int('ps_suppkey', ranges.supplier);
  const available = int('ps_availqty');
  const lpart = int('l_partkey', ranges.part);
  const lsupplier = int('l_suppkey', ranges.supplier);
  const quantity = int('l_quantity');
  const b: Vector[] = [
    { column: part, encoding: 'i32', value: (i) => partAt(i >> 2) },
    { column: supplier, encoding: 'i16', value: (i) => supplierOf(partAt(i >> 2), i & 3) },
    { column: available, encoding: 'i16', value: (i) => mixed(i) % 10_000 },
  ];
  const p: Vector[] = [
    { column: lpart, encoding: 'i32', value: (i) => partAt(i) },
    { column: lsupplier, encoding: 'i16', value: (i) => supplierOf(partAt(i), mixed(i + 7) & 3) },
    { column: quantity, encoding: 'i16', value: (i) => mixed(i + 1) % 50 },
  ];
  const build = scan([part, supplier, available]);
  const probe = scan([lpart, lsupplier, quantity]);
  const join = hashJoin('inner', probe, build, [
    [col(lsupplier), col(supplier)],
    [col(lpart), col(part)],
  ]);
  const root = hashAgg(
    'single',
    join,
    [],
    [agg('sum', [col(quantity)], INT8), agg('sum', [col(available)], INT8), agg('count_star', [], INT8)],
  );
  const buildTable = makeTable(tm, b, few);
  const probeTable = makeTable(tm, p, rows);
  const query = compile(
    tm,
    root,
    new Map([
      [build, buildTable],
      [probe, probeTable],
    ]),
  );
  const name = 'join on two keys, 1 row in 9 matches';
  yield {
    measures: [{ name, rows, bytes: probeTable.bytesOf(lpart, lsupplier, quantity) }],
    check: () => {
      const stored = new Map<number, { rows: number; available: number }>();
      for (let i = 0; i < few; i++) {
        const at = b[0]!.value(i) * 16_384 + b[1]!.value(i);
        const s = stored.get(at) ?? { rows: 0, available: 0 };
        stored.set(at, { rows: s.rows + 1, available: s.available + b[2]!.value(i) });
      }
      let [quantities, availables, matches] = [0, 0, 0];
      for (let i = 0; i < rows; i++) {
        const s = stored.get(p[0]!.value(i) * 16_384 + p[1]!.value(i));
        if (s === undefined) continue;
        quantities += p[2]!.value(i) * s.rows;
        availables += s.available;
        matches += s.rows;
      }
      expectRows(name, query.rows(), [[quantities, availables, matches]]);
    },
    run: () => [sum(query.times())],
  };
  buildTable.free();
  probeTable.free();
}
