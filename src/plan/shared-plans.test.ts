/** Which subplans are computed once, where, and what EXPLAIN says of them. */
import { beforeAll, describe, expect, test } from 'vitest';
import { planSql } from '../../test/support/plan-sql.js';
import { tpchCatalog } from '../../test/support/tpch-catalog.js';
import { MASTER } from '../types/ids.js';
import { sharesRead } from './distribute/physical-walk.js';
import { explainJson } from './explain/json.js';
import { explainText } from './explain/text.js';
import type { DistributedPlan, Slice } from './physical.js';
import type { PlannerSettings } from './settings.js';
import { loadParser } from './sql/parse.js';

beforeAll(loadParser);

const catalog = tpchCatalog('key', 3);

function plan(sql: string, settings: Partial<PlannerSettings> = {}): DistributedPlan {
  return planSql(sql, catalog, { settings });
}

function shared(p: DistributedPlan): readonly Slice[] {
  return p.slices.filter((s) => s.sink.kind === 'share');
}

function readers(p: DistributedPlan): number {
  return p.slices.flatMap((s) => sharesRead(s.root)).length;
}

describe('WITH queries', () => {
  test.each([
    ['WITH x AS (SELECT random() r FROM orders) SELECT * FROM x a JOIN x b USING (r)', 1],
    ['WITH x AS NOT MATERIALIZED (SELECT random() r FROM orders) SELECT * FROM x a JOIN x b USING (r)', 1],
    ['WITH x AS (SELECT random() r FROM orders) SELECT * FROM x', 0],
    ['WITH x AS (SELECT random() r) SELECT (SELECT r + o_orderkey - o_orderkey FROM x) FROM orders', 1],
    ['WITH x AS (SELECT o_orderkey k FROM orders LIMIT 5) SELECT * FROM x a JOIN x b USING (k)', 1],
    ['WITH x AS NOT MATERIALIZED (SELECT o_orderkey k FROM orders LIMIT 5) SELECT * FROM x a, x b', 0],
    ['WITH x AS (SELECT o_orderkey k FROM orders LIMIT 5) SELECT * FROM x', 0],
    ['WITH x AS MATERIALIZED (SELECT o_orderkey k FROM orders) SELECT * FROM x', 1],
    ['WITH x AS (SELECT o_orderkey k FROM orders) SELECT * FROM x a JOIN x b USING (k)', 0],
    ['WITH x AS MATERIALIZED (SELECT o_orderkey k FROM orders) SELECT 1', 0],
    // Read once by what is itself read twice.
    [
      'WITH x AS (SELECT o_custkey c FROM orders LIMIT 9), y AS (SELECT max(c) n FROM x) SELECT * FROM y a, y b',
      1,
    ],
    // Whichever rows it takes, there are as many.
    [
      'WITH x AS (SELECT o_custkey c FROM orders LIMIT 9), y AS (SELECT count(*) n FROM x) SELECT * FROM y a, y b',
      0,
    ],
    // The order is total over what is read of the rows, a group key being hidden.
    [
      `WITH x AS (SELECT count(*) c FROM orders GROUP BY o_custkey ORDER BY 1 LIMIT 9) SELECT * FROM x a JOIN x b USING (c)`,
      0,
    ],
    [
      `WITH x AS (SELECT count(*) c FROM orders GROUP BY o_custkey ORDER BY o_custkey LIMIT 9) SELECT * FROM x a JOIN x b USING (c)`,
      1,
    ],
    [
      'WITH x AS MATERIALIZED (SELECT o_custkey c FROM orders), y AS MATERIALIZED (SELECT c FROM x) SELECT * FROM y, x',
      2,
    ],
  ])('%s', (sql, count) => {
    const p = plan(sql, { shareSubplans: 'off' });
    expect(shared(p)).toHaveLength(count);
    expect(new Set(p.slices.flatMap((s) => sharesRead(s.root))).size).toBe(count);
  });

  test.each([
    // Read once, or the same whenever it runs: in place.
    [
      'WITH x AS (SELECT l_partkey p FROM lineitem WHERE l_orderkey = o_orderkey) SELECT a.p FROM x a, x b',
      0,
    ],
    [
      'WITH x AS MATERIALIZED (SELECT l_partkey p FROM lineitem WHERE l_orderkey = o_orderkey) SELECT a.p FROM x a, x b',
      0,
    ],
    ['WITH x AS (SELECT l_partkey p FROM lineitem WHERE l_orderkey = o_orderkey LIMIT 1) SELECT p FROM x', 0],
    // Else once for each value of the outer column, whoever reads it.
    ['WITH x AS (SELECT random() r, o_orderkey k) SELECT a.r FROM x a, x b', 1],
    [
      'WITH x AS (SELECT l_partkey p FROM lineitem WHERE l_orderkey = o_orderkey LIMIT 1) SELECT a.p FROM x a, x b',
      1,
    ],
    [
      `WITH x AS (SELECT l_partkey p FROM lineitem WHERE l_orderkey = o_orderkey LIMIT 1), y AS (SELECT p, random() r FROM x)
       SELECT a.p FROM y a JOIN y b USING (r) JOIN x ON x.p = a.p`,
      2,
    ],
    [
      'WITH x AS (SELECT o_orderkey + random() r) SELECT (WITH y AS (SELECT r + random() s FROM x) SELECT a.s FROM y a, y b, x) FROM x',
      2,
    ],
  ])('of an outer row: %s', (sql, count) => {
    const p = plan(`SELECT o_orderkey, (${sql}) FROM orders`, { shareSubplans: 'off' });
    expect(shared(p)).toHaveLength(count);
  });

  test('a domain that could differ from its outer side is read from one shared plan', () => {
    const lateral = (from: string): number =>
      shared(
        plan(
          `SELECT * FROM ${from} q, LATERAL (SELECT l_partkey FROM lineitem WHERE l_orderkey < q.k LIMIT 1) l`,
          { shareSubplans: 'off' },
        ),
      ).length;
    expect(lateral('(SELECT o_orderkey k FROM orders LIMIT 7)')).toBe(0);
    expect(lateral('(SELECT o_orderkey k, random() r FROM orders)')).toBe(0);
    expect(lateral('(SELECT o_orderkey + random() k FROM orders)')).toBe(1);
    expect(lateral('(SELECT o_orderkey k FROM orders WHERE random() < 0.5)')).toBe(1);
    expect(lateral('(SELECT sum(o_shippriority::float8) k FROM orders GROUP BY o_custkey)')).toBe(1);
  });

  test('sides of a full join are shared when its condition makes copies of them', () => {
    const full = (side: string): number =>
      shared(
        plan(
          `SELECT * FROM (${side}) a FULL JOIN nation ON k = n_nationkey AND EXISTS (SELECT 1 FROM region WHERE r_regionkey = k + n_regionkey)`,
          { shareSubplans: 'off' },
        ),
      ).length;
    expect(full('SELECT o_orderkey k FROM orders')).toBe(0);
    expect(full('SELECT o_orderkey k FROM orders LIMIT 3')).toBe(1);
    expect(full('SELECT count(*) k FROM orders GROUP BY o_custkey ORDER BY 1 LIMIT 3')).toBe(0);
  });

  test('a predicate of one reader stays above; a column that no reader wants is not kept', () => {
    const p = plan(
      `WITH x AS MATERIALIZED (SELECT o_orderkey k, o_comment c, o_custkey d FROM orders)
       SELECT a.k FROM x a JOIN x b ON a.k = b.d WHERE a.k < 10`,
    );
    const [s] = shared(p);
    expect(s.sink.cols.map((c) => c.name)).toEqual(['o_orderkey', 'o_custkey']);
    expect(explainText(p, { costs: false }).filter((l) => l.includes('Filter:'))).toHaveLength(1);
    expect(s.root.kind === 'scan' && s.root.filter).toBeUndefined();
  });
});

describe('where', () => {
  test('rows stay where they are and are read there', () => {
    const p = plan(
      'WITH x AS MATERIALIZED (SELECT o_orderkey k, o_custkey c FROM orders) SELECT count(*) FROM x JOIN lineitem ON k = l_orderkey',
    );
    expect(shared(p)[0].gang).toEqual([0, 1, 2]);
    expect(p.slices.flatMap((s) => (s.sink.kind === 'motion' ? [s.sink.mode] : []))).toEqual(['gather']);
  });

  test('a row limit is taken on the master once, for all readers', () => {
    const p = plan(
      'WITH x AS (SELECT o_orderkey k FROM orders LIMIT 5) SELECT * FROM x a JOIN x b USING (k)',
    );
    expect(shared(p)[0].gang).toEqual([MASTER]);
    expect(readers(p)).toBe(2);
  });

  test('where the key says on which segment rows are, only it computes and reads them', () => {
    const p = plan(
      'WITH x AS MATERIALIZED (SELECT o_orderkey k, o_custkey c FROM orders WHERE o_orderkey = 7) SELECT count(*) FROM x a JOIN x b USING (c)',
    );
    const [s] = shared(p);
    expect(s.gang).toHaveLength(1);
    for (const r of p.slices.filter((x) => sharesRead(x.root).length > 0)) expect(r.gang).toEqual(s.gang);
  });

  test('copies are made wherever they are read', () => {
    const p = plan(
      `WITH x AS MATERIALIZED (SELECT n_nationkey n FROM nation) SELECT count(*) FROM customer, x WHERE c_nationkey = n`,
    );
    const [s] = shared(p);
    const at = new Set(p.slices.filter((r) => sharesRead(r.root).length > 0).flatMap((r) => r.gang));
    expect(s.gang).toEqual([...at].sort());
    expect(s.gang).toEqual([0, 1, 2]);
  });

  test('sums of floats over copies differ from segment to segment: one is made', () => {
    const p = plan(
      `WITH x AS (SELECT n_regionkey r, sum(n_nationkey::float8) f FROM nation GROUP BY 1)
       SELECT count(*) FROM customer, x a, x b WHERE c_nationkey = a.r AND a.f = b.f`,
    );
    expect(shared(p)[0].gang).toEqual([MASTER]);
  });
});

describe('common subplans', () => {
  const twice = `SELECT c_nationkey, sum(o_totalprice) FROM customer JOIN orders ON c_custkey = o_custkey GROUP BY 1
    HAVING sum(o_totalprice) > (SELECT avg(o_totalprice) FROM customer JOIN orders ON c_custkey = o_custkey)`;

  test('a join that occurs twice is computed once, unless sharing is off', () => {
    expect(shared(plan(twice))).toHaveLength(1);
    expect(readers(plan(twice))).toBe(2);
    expect(shared(plan(twice, { shareSubplans: 'off' }))).toHaveLength(0);
  });

  test('not when one is filtered or of another table', () => {
    for (const other of [
      'SELECT avg(o_totalprice) FROM customer JOIN orders ON c_custkey = o_custkey WHERE o_totalprice > 1',
      'SELECT avg(o_totalprice) FROM supplier JOIN orders ON s_suppkey = o_custkey',
    ])
      expect(
        shared(
          plan(
            `SELECT (${other}), (SELECT max(o_totalprice) FROM customer JOIN orders ON c_custkey = o_custkey)`,
            { shareSubplans: 'on' },
          ),
        ),
      ).toHaveLength(0);
  });

  test('below what is volatile', () => {
    const sum = '(SELECT sum(o_totalprice * random()) FROM customer JOIN orders ON c_custkey = o_custkey)';
    const [s] = shared(plan(`SELECT ${sum}, ${sum}`, { shareSubplans: 'on' }));
    expect(s.root.kind).toBe('hashJoin');
  });

  test('little work is done again, rather than shared', () => {
    const sql = `SELECT (SELECT count(*) FROM nation JOIN region ON n_regionkey = r_regionkey),
      (SELECT max(n_name) FROM nation JOIN region ON n_regionkey = r_regionkey)`;
    expect(shared(plan(sql))).toHaveLength(0);
    expect(shared(plan(sql, { shareSubplans: 'on' }))).toHaveLength(1);
  });

  test('a constant that differs is another subplan', () => {
    const part = (x: string): string =>
      `(SELECT sum(o_totalprice) FROM customer JOIN orders ON c_custkey = o_custkey WHERE c_acctbal > ${x})`;
    expect(shared(plan(`SELECT ${part('1.5')}, ${part('1.50')}`, { shareSubplans: 'on' }))).toHaveLength(0);
    expect(shared(plan(`SELECT ${part('1.5')}, ${part('1.5')}`, { shareSubplans: 'on' }))).toHaveLength(1);
  });
});

describe('EXPLAIN', () => {
  const sql = `WITH top AS (SELECT o_custkey c, o_totalprice p FROM orders ORDER BY p DESC LIMIT 10)
    SELECT a.c FROM top a JOIN top b ON a.p = b.p WHERE b.c > 5`;

  test('text shows the WITH query below its first reader', () => {
    expect(explainText(plan(sql), { costs: false }).join('\n')).toMatchInlineSnapshot(`
      "Hash Join
        Hash Cond: top.p = top_1.p
        ->  CTE Scan on top
              CTE top  (slice1; master)
              ->  Limit
                    ->  Gather Motion 3:1  (slice0; segments: 3)
                          Merge Key: o_totalprice DESC
                          ->  Sort
                                Sort Key: o_totalprice DESC
                                Sort Method: top-N, N = 10
                                ->  Seq Scan on orders
        ->  Hash
              ->  Filter
                    Filter: top_1.c > 5
                    ->  CTE Scan on top top_1
      Optimizer: mpp"
    `);
  });

  test('JSON names it', () => {
    const text = explainJson(plan(sql), { costs: false });
    expect(text.match(/"CTE Name": "top"/g)).toHaveLength(2);
    expect(text.match(/"Subplan Name": "CTE top"/g)).toHaveLength(1);
    expect(text.match(/"Parent Relationship": "InitPlan"/g)).toHaveLength(1);
  });
});
