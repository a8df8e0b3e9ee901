import { beforeAll, describe, expect, test } from 'vitest';
import { planSql } from '../../test/support/plan-sql.js';
import { SimulatedCluster } from '../../test/support/simulate.js';
import { catalogOf, tpchCatalog } from '../../test/support/tpch-catalog.js';
import { MASTER, type StorageId } from '../types/ids.js';
import { INT4, TEXT } from '../types/sql-type.js';
import type { Distribution, TableDef } from './catalog.js';
import { walkPhysical } from './distribute/physical-walk.js';
import type { DistributedPlan, PhysicalOp } from './physical.js';
import { loadParser } from './sql/parse.js';

beforeAll(loadParser);

const catalog = tpchCatalog('key', 3);

function ops(plan: DistributedPlan): PhysicalOp[] {
  const all: PhysicalOp[] = [];
  for (const s of plan.slices) walkPhysical(s.root, (op) => all.push(op));
  return all;
}

function motions(plan: DistributedPlan): string[] {
  return plan.slices.flatMap((s) => (s.sink.kind === 'motion' ? [s.sink.mode] : []));
}

function table(name: string, distribution: Distribution, oid: number): TableDef {
  const columns = [
    { name: 'k', type: INT4, notNull: false },
    { name: 't', type: TEXT, notNull: false },
  ];
  return {
    kind: 'table',
    oid,
    schema: 'public',
    name,
    columns,
    primaryKey: undefined,
    distribution,
    storageId: oid as StorageId,
    stats: { rows: 10, analyzed: false, columns: [{}, {}], version: 7 },
  };
}

const byKey = (column: number): Distribution => ({ kind: 'hash', columns: [column] });

describe('slices', () => {
  test('senders come before receivers, the last is the result on the master', () => {
    const plan = planSql('SELECT count(*) FROM lineitem JOIN customer ON l_suppkey = c_nationkey', catalog);
    for (const s of plan.slices) if (s.sink.kind === 'motion') expect(s.sink.to).toBeGreaterThan(s.id);
    const top = plan.slices[plan.slices.length - 1];
    expect(top.sink.kind).toBe('result');
    expect(top.gang).toEqual([MASTER]);
  });

  test('a query without tables is one slice on the master', () => {
    const plan = planSql("SELECT 1 + 1 AS two, 'x' AS x", catalog);
    expect(plan.slices).toHaveLength(1);
    expect(plan.slices[0].gang).toEqual([MASTER]);
    expect(plan.output.map((c) => c.name)).toEqual(['two', 'x']);
  });

  test('replicated tables alone run on one segment', () => {
    const plan = planSql(
      'SELECT n_name, r_name FROM nation JOIN region ON n_regionkey = r_regionkey',
      catalog,
    );
    expect(motions(plan)).toEqual(['gather']);
    expect(plan.slices[0].gang).toHaveLength(1);
  });

  test('a join on the distribution keys moves nothing but its result', () => {
    const plan = planSql(
      'SELECT o_orderdate, l_quantity FROM orders JOIN lineitem ON o_orderkey = l_orderkey',
      catalog,
    );
    expect(motions(plan)).toEqual(['gather']);
  });

  test('on one segment nothing moves but the result', () => {
    const plan = planSql(
      'SELECT c_mktsegment, count(*) FROM customer JOIN orders ON c_custkey = o_custkey GROUP BY 1 ORDER BY 1',
      tpchCatalog('random', 1),
    );
    expect(motions(plan)).toEqual(['gather']);
  });

  test('the plan names the tables whose ranges it relies on', () => {
    const plan = planSql('SELECT max(p_size) FROM part, region', catalog);
    expect(plan.assumes.map((a) => a.version)).toEqual([1, 1]);
  });
});

describe('direct dispatch', () => {
  const gang = (sql: string): readonly number[] => planSql(sql, catalog).slices[0].gang;

  test('an equality with the key runs on the segment of its hash', () => {
    expect(gang('SELECT * FROM orders WHERE o_orderkey = 7')).toHaveLength(1);
    expect(
      gang(
        'SELECT o_orderkey, l_tax FROM orders JOIN lineitem ON o_orderkey = l_orderkey WHERE l_orderkey = 7',
      ),
    ).toEqual(gang('SELECT * FROM orders WHERE o_orderkey = 7'));
  });

  test('other predicates run everywhere', () => {
    expect(gang('SELECT * FROM orders WHERE o_orderkey > 7')).toHaveLength(3);
    expect(gang('SELECT * FROM orders WHERE o_orderkey = 7 OR o_custkey = 1')).toHaveLength(3);
  });

  test('an aggregate over no segment with rows still gives its row', () => {
    const plan = planSql('SELECT count(*) FROM orders WHERE o_orderkey = 7', catalog);
    const data = [{ def: catalog.relation(undefined, 'orders') as TableDef, rows: [] }];
    expect(new SimulatedCluster(3, data).run(plan).rows).toEqual([[0n]]);
  });
});

describe('scans', () => {
  test('zone predicates come from conjuncts with constants only', () => {
    const plan = planSql(
      "SELECT l_tax FROM lineitem WHERE l_shipdate >= date '1995-01-01' AND l_quantity IN (3, 1, 2) AND l_tax < l_discount",
      catalog,
    );
    const scan = ops(plan).find((o) => o.kind === 'scan');
    expect(scan?.kind === 'scan' && scan.zone.map((z) => z.op)).toEqual(['>=', '>=', '<=']);
  });

  test('columns that only the filter reads do not leave the scan', () => {
    const plan = planSql("SELECT l_tax FROM lineitem WHERE l_shipdate >= date '1995-01-01'", catalog);
    const scan = ops(plan).find((o) => o.kind === 'scan');
    expect(scan?.cols.map((c) => c.name)).toEqual(['l_tax']);
    expect(scan?.kind === 'scan' && scan.scanCols.map((c) => c.name).sort()).toEqual(['l_shipdate', 'l_tax']);
  });

  test('guaranteed ranges decide the width of sums', () => {
    const plan = planSql('SELECT sum(l_quantity) AS q FROM lineitem', catalog);
    expect(plan.output[0].range).toEqual({ min: 0n, max: 5000n << 40n });
  });
});

describe('aggregates', () => {
  test('few groups: partial on the segments, final on the master', () => {
    const plan = planSql('SELECT l_returnflag, sum(l_quantity) FROM lineitem GROUP BY 1', catalog);
    const modes = ops(plan).flatMap((o) => (o.kind === 'hashAgg' ? [o.mode] : []));
    expect(modes).toEqual(['partial', 'final']);
  });

  test('groups that are together take one stage', () => {
    const plan = planSql('SELECT l_orderkey, sum(l_quantity) FROM lineitem GROUP BY 1', catalog);
    expect(ops(plan).flatMap((o) => (o.kind === 'hashAgg' ? [o.mode] : []))).toEqual(['single']);
    expect(motions(plan)).toEqual(['gather']);
  });

  test('DISTINCT goes in stages', () => {
    const plan = planSql('SELECT count(DISTINCT l_suppkey) FROM lineitem', catalog);
    const modes = ops(plan).flatMap((o) => (o.kind === 'hashAgg' ? [o.mode] : []));
    expect(modes.sort()).toEqual(['final', 'final', 'partial', 'partial']);
  });
});

describe('order', () => {
  test('ORDER BY with LIMIT: top-N on the segments, ordered merge', () => {
    const plan = planSql(
      'SELECT o_orderkey FROM orders ORDER BY o_totalprice DESC LIMIT 5 OFFSET 2',
      catalog,
    );
    const sort = ops(plan).find((o) => o.kind === 'sort');
    expect(sort?.kind === 'sort' && sort.limit?.kind === 'const' && sort.limit.value).toBe(7n);
    const receive = ops(plan).find((o) => o.kind === 'receive');
    expect(receive?.kind === 'receive' && receive.merge).toHaveLength(1);
  });

  test('a sort inside a subquery that nothing can see goes', () => {
    const plan = planSql('SELECT count(*) FROM (SELECT * FROM orders ORDER BY o_comment) o', catalog);
    expect(ops(plan).some((o) => o.kind === 'sort')).toBe(false);
  });
});

describe('INSERT', () => {
  const rows = [
    [1, 'a'],
    [2, null],
    [null, 'c'],
    [4, 'd'],
    [5, 'e'],
    [6, 'f'],
  ];
  const source = table('s', byKey(0), 1);

  function insert(sql: string, target: TableDef): { plan: DistributedPlan; counts: number[] } {
    const plan = planSql(sql, catalogOf([source, target], 3));
    const { inserted } = new SimulatedCluster(3, [{ def: source, rows }]).run(plan);
    return { plan, counts: [...inserted.values()].map((r) => r.length) };
  }

  test('rows that are distributed right already stay', () => {
    const { plan, counts } = insert('INSERT INTO d SELECT k, t FROM s', table('d', byKey(0), 2));
    expect(motions(plan)).toEqual([]);
    expect(counts.reduce((a, b) => a + b)).toBe(6);
  });

  test('another key: by its hash', () => {
    const { plan, counts } = insert('INSERT INTO d SELECT k, t FROM s', table('d', byKey(1), 2));
    expect(motions(plan)).toEqual(['hash']);
    expect(counts.reduce((a, b) => a + b)).toBe(6);
  });

  test('replicated: to every segment, counted once', () => {
    const { plan, counts } = insert(
      'INSERT INTO d SELECT k, t FROM s',
      table('d', { kind: 'replicated' }, 2),
    );
    expect(motions(plan)).toEqual(['broadcast']);
    expect(counts).toEqual([6, 6, 6]);
    const { sink } = plan.slices[plan.slices.length - 1];
    expect(sink.kind === 'insert' && sink.replicated).toBe(true);
  });

  test('rows of one segment each are counted on each, although a row of all is broadcast to them', () => {
    const { plan } = insert(
      'INSERT INTO d SELECT k, t FROM s WHERE k >= (SELECT min(k) FROM s)',
      table('d', byKey(0), 2),
    );
    expect(motions(plan)).toEqual(['broadcast']);
    const { sink } = plan.slices[plan.slices.length - 1];
    expect(sink.kind === 'insert' && sink.replicated).toBe(false);
  });

  test('constant rows start on the master', () => {
    const { plan, counts } = insert(
      "INSERT INTO d VALUES (1, 'x'), (2, 'y'), (3, 'z')",
      table('d', { kind: 'random' }, 2),
    );
    expect(plan.slices[0].gang).toEqual([MASTER]);
    expect(counts).toEqual([1, 1, 1]);
  });
});
