/** Filters, dense arithmetic, and TPC-H's queries 1 and 6 beside their hand-written forms, over one narrow lineitem. */
import { agg, cmp, col, column, hashAgg, lit, scan } from '../../../src/engine/operators/test-plans.js';
import type { TestMemory } from '../../../src/engine/operators/testing.js';
import type { Column, Expr } from '../../../src/plan/expr.js';
import type { PhysicalOp } from '../../../src/plan/physical.js';
import { DATE, INT8, NUMERIC, type SqlType } from '../../../src/types/sql-type.js';
import {
  handWrittenModule,
  Q1_GROUP_BYTES,
  Q1_STATUSES,
  Q1_SUMS,
  type Q1Function,
  type Q6Function,
} from '../hand-written.js';
import { type Case, compile, expectRows, queryCase, sum, timed } from '../runner.js';
import { makeTable, mixed, type Table, type Vector } from '../vectors.js';

const FLAGS = ['A', 'N', 'R'];
const STATUSES = ['F', 'O'];
const SHIPPED_MAX = 10_400;
const Q6 = { from: 8500, before: 8865, quantityBelow: 2400, discountFrom: 5, discountTo: 7 };

function numeric(precision: number, scale: number): SqlType {
  return { kind: 'numeric', precision, scale };
}

function decimal(unscaled: bigint): Expr {
  return lit({ unscaled, scale: 2 }, numeric(15, 2));
}

const ONE = lit({ unscaled: 1n, scale: 0 }, numeric(1, 0));

function call(fn: string, args: readonly Expr[], type: SqlType): Expr {
  return { kind: 'call', fn, args, type };
}

function money(name: string, min: bigint, max: bigint): Column {
  return column(name, numeric(15, 2), false, { min, max });
}

class Lineitem {
  readonly flag = column('l_returnflag', { kind: 'bpchar', length: 1 }, false);
  readonly status = column('l_linestatus', { kind: 'bpchar', length: 1 }, false);
  readonly quantity = money('l_quantity', 100n, 5000n);
  readonly price = money('l_extendedprice', 90_000n, 10_500_000n);
  readonly discount = money('l_discount', 0n, 10n);
  readonly tax = money('l_tax', 0n, 8n);
  readonly shipped = column('l_shipdate', DATE, false, { min: 8000n, max: 10_499n });
  readonly table: Table;
  readonly rows: number;

  constructor(tm: TestMemory, rows: number) {
    const vectors: readonly Vector[] = [
      { column: this.flag, encoding: 'dict8', value: this.flagAt, strings: FLAGS },
      { column: this.status, encoding: 'dict8', value: this.statusAt, strings: STATUSES },
      { column: this.quantity, encoding: 'i16', value: this.quantityAt },
      { column: this.price, encoding: 'i32', value: this.priceAt },
      { column: this.discount, encoding: 'i8', value: this.discountAt },
      { column: this.tax, encoding: 'i8', value: this.taxAt },
      { column: this.shipped, encoding: 'i16', value: this.shippedAt },
    ];
    this.rows = rows;
    this.table = makeTable(tm, vectors, rows);
  }

  flagAt = (i: number): number => mixed(i) % FLAGS.length;
  statusAt = (i: number): number => mixed(i + 9) % STATUSES.length;
  quantityAt = (i: number): number => 100 * (1 + (mixed(i + 1) % 50));
  priceAt = (i: number): number => 90_000 + (mixed(i + 2) % 10_400_000);
  discountAt = (i: number): number => mixed(i + 3) % 11;
  taxAt = (i: number): number => mixed(i + 4) % 9;
  shippedAt = (i: number): number => 8000 + (mixed(i + 5) % 2500);

  scan(filter?: Expr): PhysicalOp {
    return scan(
      this.table.vectors.map((v) => v.column),
      filter,
    );
  }

  get discounted(): Expr {
    const rest = call('-(numeric,numeric)', [ONE, col(this.discount)], numeric(16, 2));
    return call('*(numeric,numeric)', [col(this.price), rest], numeric(31, 4));
  }

  get charge(): Expr {
    const taxed = call('+(numeric,numeric)', [ONE, col(this.tax)], numeric(16, 2));
    return call('*(numeric,numeric)', [this.discounted, taxed], numeric(38, 6));
  }

  bytes(...columns: readonly Column[]): number {
    return this.table.bytesOf(...columns);
  }
}

/** Sums by group, exact: [quantity, price, discounted price, charge, discount, rows]. */
function q1Sums(l: Lineitem): bigint[][] {
  const sums = Array.from({ length: FLAGS.length * STATUSES.length }, () =>
    Array.from({ length: Q1_SUMS }, () => 0n),
  );
  // Doubles hold the sums of a few thousand rows exactly.
  const part = sums.map((s) => s.map(() => 0));
  for (let i = 0; i < l.rows; i++) {
    if (l.shippedAt(i) <= SHIPPED_MAX) {
      const s = part[l.flagAt(i) * Q1_STATUSES + l.statusAt(i)]!;
      const discounted = l.priceAt(i) * (100 - l.discountAt(i));
      s[0]! += l.quantityAt(i);
      s[1]! += l.priceAt(i);
      s[2]! += discounted;
      s[3]! += discounted * (100 + l.taxAt(i));
      s[4]! += l.discountAt(i);
      s[5]! += 1;
    }
    if (i % 4096 === 4095 || i === l.rows - 1)
      for (const [g, s] of part.entries())
        for (const [k, v] of s.entries()) {
          sums[g]![k]! += BigInt(v);
          s[k] = 0;
        }
  }
  return sums;
}

function q1(tm: TestMemory, l: Lineitem, hand: Q1Function): Case {
  const leaf = l.scan(cmp('<=', col(l.shipped), lit(SHIPPED_MAX, DATE)));
  const root = hashAgg(
    'single',
    leaf,
    [l.flag, l.status],
    [
      agg('sum', [col(l.quantity)], numeric(28, 2)),
      agg('sum', [col(l.price)], numeric(28, 2)),
      agg('sum', [l.discounted], numeric(38, 4)),
      agg('sum', [l.charge], numeric(38, 6)),
      agg('avg', [col(l.quantity)], NUMERIC),
      agg('avg', [col(l.price)], NUMERIC),
      agg('avg', [col(l.discount)], NUMERIC),
      agg('count_star', [], INT8),
    ],
  );
  const query = compile(tm, root, new Map([[leaf, l.table]]));
  const groups = FLAGS.length * STATUSES.length;
  const sums = tm.memory.alloc(groups * Q1_GROUP_BYTES);
  const words = (): BigInt64Array =>
    new BigInt64Array(tm.memory.memory.buffer, sums, (groups * Q1_GROUP_BYTES) / 8);
  const addresses = l.table.batches.map((b) =>
    [l.flag, l.status, l.quantity, l.price, l.discount, l.tax, l.shipped].map((c) => l.table.data(b, c)),
  );
  const runHand = (): void => {
    words().fill(0n);
    for (const [k, b] of l.table.batches.entries()) {
      const [flag, status, quantity, price, discount, tax, shipped] = addresses[k]! as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      hand(flag, status, quantity, price, discount, tax, shipped, b.rows, SHIPPED_MAX, sums);
    }
  };
  const name = 'aggregation of Q1';
  const input = {
    rows: l.rows,
    bytes: l.bytes(l.flag, l.status, l.quantity, l.price, l.discount, l.tax, l.shipped),
  };
  return {
    measures: [
      { name, ...input },
      { name: `${name}, hand-written`, ...input },
    ],
    check: () => {
      const exact = q1Sums(l);
      runHand();
      const all = words();
      for (const [g, s] of exact.entries())
        for (const [k, v] of s.entries())
          if (all[(g * Q1_GROUP_BYTES) / 8 + k] !== v)
            throw new Error(`${name}: hand-written sum ${k} differs`);
      const rows = query.rows();
      // The averages are what `sum / count` is, to the digits that a double has.
      const key = (g: number) => [FLAGS[Math.floor(g / Q1_STATUSES)]!, STATUSES[g % Q1_STATUSES]!];
      expectRows(
        name,
        rows.map((r) => [...r.slice(0, 6), r[9]!]),
        exact.map((s, g) => [
          ...key(g),
          ...[2, 2, 4, 6].map((scale, k) => ({ unscaled: s[k]!, scale })),
          s[5]!,
        ]),
      );
      for (const [g, s] of exact.entries()) {
        const row = rows.find((r) => r[0] === key(g)[0] && r[1] === key(g)[1])!;
        for (const [k, total] of [s[0]!, s[1]!, s[4]!].entries()) {
          const { unscaled, scale } = row[6 + k] as { unscaled: bigint; scale: number };
          const ratio = (Number(unscaled) / 10 ** scale) * (Number(s[5]) / (Number(total) / 100));
          if (Math.abs(ratio - 1) > 1e-12) throw new Error(`${name}: average ${k} of group ${g} is off`);
        }
      }
    },
    run: () => {
      const compiled = sum(query.times());
      return [compiled, timed(runHand)];
    },
  };
}

function q6(tm: TestMemory, l: Lineitem, hand: Q6Function): Case {
  const leaf = l.scan({
    kind: 'and',
    args: [
      cmp('>=', col(l.shipped), lit(Q6.from, DATE)),
      cmp('<', col(l.shipped), lit(Q6.before, DATE)),
      cmp('<', col(l.quantity), decimal(BigInt(Q6.quantityBelow))),
      cmp('>=', col(l.discount), decimal(BigInt(Q6.discountFrom))),
      cmp('<=', col(l.discount), decimal(BigInt(Q6.discountTo))),
    ],
  });
  const revenue = call('*(numeric,numeric)', [col(l.price), col(l.discount)], numeric(30, 4));
  const root = hashAgg('single', leaf, [], [agg('sum', [revenue], numeric(38, 4))]);
  const query = compile(tm, root, new Map([[leaf, l.table]]));
  const addresses = l.table.batches.map((b) =>
    [l.quantity, l.price, l.discount, l.shipped].map((c) => l.table.data(b, c)),
  );
  const runHand = (): bigint => {
    let total = 0n;
    for (const [k, b] of l.table.batches.entries()) {
      const [quantity, price, discount, shipped] = addresses[k]! as [number, number, number, number];
      total += hand(
        quantity,
        price,
        discount,
        shipped,
        b.rows,
        Q6.from,
        Q6.before,
        Q6.quantityBelow,
        Q6.discountFrom,
        Q6.discountTo,
      );
    }
    return total;
  };
  const name = 'aggregation of Q6';
  const input = { rows: l.rows, bytes: l.bytes(l.quantity, l.price, l.discount, l.shipped) };
  return {
    measures: [
      { name, ...input },
      { name: `${name}, hand-written`, ...input },
    ],
    check: () => {
      let exact = 0;
      for (let i = 0; i < l.rows; i++)
        if (
          l.shippedAt(i) >= Q6.from &&
          l.shippedAt(i) < Q6.before &&
          l.quantityAt(i) < Q6.quantityBelow &&
          l.discountAt(i) >= Q6.discountFrom &&
          l.discountAt(i) <= Q6.discountTo
        )
          exact += l.priceAt(i) * l.discountAt(i);
      if (runHand() !== BigInt(exact)) throw new Error(`${name}: the hand-written sum differs`);
      expectRows(name, query.rows(), [[{ unscaled: BigInt(exact), scale: 4 }]]);
    },
    run: () => {
      const compiled = sum(query.times());
      return [compiled, timed(runHand)];
    },
  };
}

export function* scanCases(tm: TestMemory, rows: number): Generator<Case> {
  const l = new Lineitem(tm, rows);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(handWrittenModule()), {
    env: { memory: tm.memory.memory },
  });
  const counted = (test: (i: number) => boolean): [bigint][] => {
    let n = 0n;
    for (let i = 0; i < rows; i++) if (test(i)) n++;
    return [[n]];
  };
  const count = (name: string, filter: Expr, columns: readonly Column[], test: (i: number) => boolean) => {
    const leaf = l.scan(filter);
    const root = hashAgg('single', leaf, [], [agg('count_star', [], INT8)]);
    return queryCase(tm, name, root, leaf, l.table, l.bytes(...columns), () => counted(test));
  };
  yield count(
    'filter on one column, half pass',
    cmp('<=', col(l.quantity), decimal(2500n)),
    [l.quantity],
    (i) => l.quantityAt(i) <= 2500,
  );
  yield count(
    'filter on two columns, 2 % pass',
    {
      kind: 'and',
      args: [cmp('<', col(l.shipped), lit(8250, DATE)), cmp('<', col(l.discount), decimal(2n))],
    },
    [l.shipped, l.discount],
    (i) => l.shippedAt(i) < 8250 && l.discountAt(i) < 2,
  );
  const leaf = l.scan();
  yield queryCase(
    tm,
    'sum of a product, every row',
    hashAgg('single', leaf, [], [agg('sum', [l.discounted], numeric(38, 4))]),
    leaf,
    l.table,
    l.bytes(l.price, l.discount),
    () => {
      let total = 0;
      for (let i = 0; i < rows; i++) total += l.priceAt(i) * (100 - l.discountAt(i));
      return [[{ unscaled: BigInt(total), scale: 4 }]];
    },
  );
  yield q1(tm, l, exports.q1 as Q1Function);
  yield q6(tm, l, exports.q6 as Q6Function);
  l.table.free();
}
