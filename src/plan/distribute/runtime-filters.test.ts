import { beforeAll, describe, expect, test } from 'vitest';
import { planSql } from '../../../test/support/plan-sql.js';
import { tpchCatalog } from '../../../test/support/tpch-catalog.js';
import type { DistributedPlan, ScanOp } from '../physical.js';
import type { PlannerSettings } from '../settings.js';
import { loadParser } from '../sql/parse.js';
import { walkPhysical } from './physical-walk.js';

beforeAll(loadParser);

const catalog = tpchCatalog('key', 2);

function scansOf(plan: DistributedPlan): ScanOp[] {
  const scans: ScanOp[] = [];
  for (const s of plan.slices)
    walkPhysical(s.root, (op) => {
      if (op.kind === 'scan') scans.push(op);
    });
  return scans;
}

/** `table.column kind` of every filter. */
function filters(sql: string, settings: Partial<PlannerSettings> = {}): string[] {
  return scansOf(planSql(sql, catalog, { settings })).flatMap((s) =>
    (s.runtimeFilters ?? []).map((u) => `${s.table}.${u.column.name} ${u.filter.kind}`),
  );
}

const FEW = "o_orderdate < date '1992-02-01'";

describe('a scan is told what the join can match', () => {
  test.each([
    ['an inner join', `SELECT count(l_tax) FROM lineitem, orders WHERE l_orderkey = o_orderkey AND ${FEW}`],
    [
      'a semi join',
      `SELECT count(l_tax) FROM lineitem WHERE l_orderkey IN (SELECT o_orderkey FROM orders WHERE ${FEW})`,
    ],
    [
      'through a projection and a filter',
      `SELECT count(x) FROM (SELECT l_orderkey AS k, l_tax * 2 AS x FROM lineitem OFFSET 0) l, orders
       WHERE k = o_orderkey AND ${FEW} AND x > 0.01`.replace(' OFFSET 0', ''),
    ],
    [
      'through a group by its key',
      `SELECT count(n) FROM (SELECT l_orderkey, count(*) AS n FROM lineitem GROUP BY l_orderkey) l, orders
       WHERE l_orderkey = o_orderkey AND ${FEW}`,
    ],
    [
      'through the kept side of a left join',
      `SELECT count(l_tax), count(s_name) FROM (lineitem LEFT JOIN supplier ON l_suppkey = s_suppkey), orders
       WHERE l_orderkey = o_orderkey AND ${FEW}`,
    ],
  ])('%s', (_, sql) => {
    expect(filters(sql)).toContain('lineitem.l_orderkey range');
    expect(filters(sql, { disabledRules: new Set(['RuntimeFilters']) })).toEqual([]);
  });

  test('strings by hash', () => {
    const sql = `SELECT count(s_name) FROM supplier, customer WHERE s_phone = c_phone AND c_custkey < 10`;
    expect(filters(sql, { disabledRules: new Set(['RuntimeFilterCost']) })).toEqual([
      'supplier.s_phone hash',
    ]);
  });
});

describe('a scan is not told', () => {
  const every = { disabledRules: new Set(['RuntimeFilterCost']) };
  test.each([
    [
      'where unmatched probe rows come out',
      `SELECT count(o_orderdate) FROM lineitem LEFT JOIN (SELECT * FROM orders WHERE ${FEW}) o ON l_orderkey = o_orderkey`,
    ],
    [
      'where they are what comes out',
      `SELECT count(*) FROM lineitem l WHERE NOT EXISTS (SELECT 1 FROM orders WHERE o_orderkey = l_orderkey AND ${FEW})`,
    ],
    [
      'of both sides of a full join',
      `SELECT count(o_orderdate) FROM lineitem FULL JOIN (SELECT * FROM orders WHERE ${FEW}) o ON l_orderkey = o_orderkey`,
    ],
    [
      'below a LIMIT',
      `SELECT count(*) FROM (SELECT l_orderkey FROM lineitem ORDER BY l_tax LIMIT 5) l, orders WHERE l_orderkey = o_orderkey AND ${FEW}`,
    ],
    [
      'below an aggregate that does not group by the key',
      `SELECT count(*) FROM (SELECT max(l_orderkey) AS k FROM lineitem GROUP BY l_suppkey) l, orders WHERE k = o_orderkey AND ${FEW}`,
    ],
    [
      'when NULL equals NULL',
      `SELECT count(*) FROM lineitem JOIN orders ON l_orderkey IS NOT DISTINCT FROM o_orderkey AND ${FEW}`,
    ],
    [
      'of a computed key',
      `SELECT count(*) FROM lineitem, orders WHERE l_orderkey + 1 = o_orderkey AND ${FEW}`,
    ],
  ])('%s', (_, sql) => {
    expect(filters(sql, every).filter((f) => f.startsWith('lineitem'))).toEqual([]);
  });

  test('what nearly every row would pass', () => {
    expect(filters('SELECT count(l_tax) FROM lineitem, orders WHERE l_orderkey = o_orderkey')).toEqual([]);
  });
});
