/** Group by, count distinct, sort and top-N over one table of integers and strings. */
import { agg, col, column, hashAgg, lit, op, scan } from '../../../src/engine/operators/test-plans.js';
import type { Rows, TestMemory } from '../../../src/engine/operators/testing.js';
import type { Column } from '../../../src/plan/expr.js';
import type { PhysicalOp } from '../../../src/plan/physical.js';
import { INT4, INT8, TEXT } from '../../../src/types/sql-type.js';
import { type Case, compile, queryCase, sum } from '../runner.js';
import { makeTable, mixed, type Table, type Vector } from '../vectors.js';

const WORDS = Array.from({ length: 200 }, (_, i) => `part of kind ${i * 7919}`);

class Facts {
  readonly order: Vector;
  readonly anyOrder: Vector;
  readonly part: Vector;
  readonly few: Vector;
  readonly word: Vector;
  readonly table: Table;

  constructor(tm: TestMemory, rows: number) {
    const range = { min: 1n, max: BigInt(rows) };
    const int = (name: string, value: (i: number) => number, r?: Column['range']): Vector => ({
      column: column(name, INT4, false, r),
      encoding: 'i32',
      value,
    });
    this.order = int('l_orderkey', (i) => (i >> 5) * 32 + ((i >> 2) & 7) + 1, range);
    this.anyOrder = int('o_orderkey', (i) => mixed(i + 11) % (rows >> 2));
    this.part = int('l_partkey', (i) => mixed(i) % 200_000);
    this.few = int('l_linenumber', (i) => (mixed(i + 5) % 100) * 7_654_321);
    this.word = {
      column: column('p_name', TEXT, false),
      encoding: 'dict8',
      value: (i) => mixed(i + 2) % WORDS.length,
      strings: WORDS,
    };
    this.table = makeTable(tm, [this.order, this.anyOrder, this.part, this.few, this.word], rows);
  }

  scan(): PhysicalOp {
    return scan(this.table.vectors.map((v) => v.column));
  }
}

/** GROUP BY `key` with a sum of part keys; over it the number of groups and the largest sum, so that little is returned. */
function groupCase(tm: TestMemory, name: string, t: Facts, key: Vector, expected?: number): Case {
  const leaf = t.scan();
  const total = agg('sum', [col(t.part.column)], INT8);
  const groups = hashAgg('single', leaf, [key.column], [total]);
  const root = hashAgg(
    'single',
    expected === undefined ? groups : { ...groups, rows: expected },
    [],
    [agg('count_star', [], INT8), agg('max', [col(total.out)], INT8)],
  );
  const bytes = t.table.bytesOf(key.column, t.part.column);
  return queryCase(tm, name, root, leaf, t.table, bytes, () => {
    const sums = new Map<number, number>();
    for (let i = 0; i < t.table.rows; i++) {
      const k = key.value(i);
      sums.set(k, (sums.get(k) ?? 0) + t.part.value(i));
    }
    let max = 0;
    for (const v of sums.values()) max = Math.max(max, v);
    return [[sums.size, max]];
  });
}

function countDistinct(tm: TestMemory, t: Facts): Case {
  const leaf = t.scan();
  const distinct = agg('count', [col(t.part.column)], INT8, { distinct: true });
  const root = hashAgg('single', leaf, [t.word.column], [distinct]);
  const bytes = t.table.bytesOf(t.word.column, t.part.column);
  return queryCase(tm, 'count(distinct) in 200 groups', root, leaf, t.table, bytes, (): Rows => {
    const seen = WORDS.map(() => new Set<number>());
    for (let i = 0; i < t.table.rows; i++) seen[t.word.value(i)]!.add(t.part.value(i));
    return WORDS.map((w, k) => [w, seen[k]!.size]);
  });
}

function sortOf(
  leaf: PhysicalOp,
  keys: readonly Column[],
  cols: readonly Column[],
  limit?: number,
): PhysicalOp {
  return op('sort', {
    input: leaf,
    cols,
    keys: keys.map((c) => ({ expr: col(c), descending: false, nullsFirst: false })),
    distinctOn: undefined,
    limit: limit === undefined ? undefined : lit(BigInt(limit), INT8),
  });
}

/** The sorted rows reach the sink, where their order is checked and they are dropped. */
function sortCase(tm: TestMemory, name: string, t: Facts, keys: readonly Vector[]): Case {
  const leaf = t.scan();
  const cols = keys.map((k) => k.column);
  const query = compile(tm, sortOf(leaf, cols, cols), new Map([[leaf, t.table]]));
  const { memory } = tm;
  const decoder = new TextDecoder();
  return {
    measures: [{ name, rows: t.table.rows, bytes: t.table.bytesOf(...cols) }],
    check: () => {
      let rows = 0;
      let last: (string | number)[] = [];
      let integers = 0;
      query.times((chunk) => {
        const read = chunk.columns.map((c): ((i: number) => string | number) => {
          if (c.encoding === 'i32') return (i) => memory.i32[(c.data >>> 2) + i]!;
          const offset = (i: number): number => memory.i32[(c.offsets >>> 2) + i]!;
          return (i) => decoder.decode(memory.u8.slice(c.data + offset(i), c.data + offset(i + 1)));
        });
        for (let i = 0; i < chunk.rows; i++) {
          const row = read.map((r) => r(i));
          const k = row.findIndex((v, j) => v !== last[j]);
          if (rows + i > 0 && k >= 0 && row[k]! < last[k]!) throw new Error(`${name}: out of order`);
          integers += row.at(-1) as number;
          last = row;
        }
        rows += chunk.rows;
        chunk.release();
      });
      let expected = 0;
      for (let i = 0; i < t.table.rows; i++) expected += keys.at(-1)!.value(i);
      if (rows !== t.table.rows || integers !== expected) throw new Error(`${name}: rows are missing`);
    },
    run: () => [sum(query.times())],
  };
}

function topCase(tm: TestMemory, t: Facts): Case {
  const leaf = t.scan();
  const cols = [t.part.column, t.order.column];
  const bytes = t.table.bytesOf(...cols);
  return queryCase(tm, 'top 10', sortOf(leaf, cols, cols, 10), leaf, t.table, bytes, () => {
    const least: [number, number][] = [];
    for (let i = 0; i < t.table.rows; i++) {
      const row: [number, number] = [t.part.value(i), t.order.value(i)];
      const last = least.at(-1);
      if (least.length === 10 && (row[0] > last![0] || (row[0] === last![0] && row[1] >= last![1]))) continue;
      least.push(row);
      least.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      least.splice(10);
    }
    return least;
  });
}

export function* groupAndSortCases(tm: TestMemory, rows: number): Generator<Case> {
  const t = new Facts(tm, rows);
  const many = `${(rows / 4e6).toFixed(1)} M groups`;
  yield groupCase(tm, '200 groups by dictionary code', t, t.word);
  yield groupCase(tm, '100 groups by hash table', t, t.few);
  yield groupCase(tm, '0.2 M groups at random by hash table', t, t.part);
  yield groupCase(tm, `${many} in order by array`, t, t.order, rows / 4);
  yield groupCase(tm, `${many} in order by hash table`, t, t.order);
  yield groupCase(tm, `${many} at random by hash table`, t, t.anyOrder);
  t.table.free();
  const some = new Facts(tm, rows >> 2);
  yield countDistinct(tm, some);
  yield sortCase(tm, 'sort by an integer', some, [some.part]);
  yield sortCase(tm, 'sort by a string and an integer', some, [some.word, some.part]);
  some.table.free();
  const all = new Facts(tm, rows);
  yield topCase(tm, all);
  all.table.free();
}
