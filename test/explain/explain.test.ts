import { beforeAll, expect, test } from 'vitest';
import { walkPhysical } from '../../src/plan/distribute/physical-walk.js';
import type { AnalyzeStats } from '../../src/plan/explain/analyze.js';
import { explainJson } from '../../src/plan/explain/json.js';
import { explainText } from '../../src/plan/explain/text.js';
import type { DistributedPlan } from '../../src/plan/physical.js';
import { loadParser } from '../../src/plan/sql/parse.js';
import { planSql } from '../support/plan-sql.js';
import { tpchCatalog } from '../support/tpch-catalog.js';

beforeAll(loadParser);

const SQL = `SELECT c_mktsegment, count(*) FROM customer JOIN orders ON c_custkey = o_custkey
  WHERE o_orderdate < date '1993-01-01' GROUP BY c_mktsegment ORDER BY c_mktsegment`;

function plan(): DistributedPlan {
  return planSql(SQL, tpchCatalog('key', 3));
}

/** Every process of a slice did the same, but the last had twice the rows. */
function measured(p: DistributedPlan): AnalyzeStats {
  return {
    slices: p.slices.map((s) => ({
      id: s.id,
      processes: s.gang.map((segment, i) => {
        const nodes: { id: number; rows: number }[] = [];
        walkPhysical(s.root, (op) => nodes.push({ id: op.id, rows: i === 2 ? 200 : 100 }));
        return {
          segment,
          nodes,
          pipelines: [{ id: 0, label: 'scan -> probe', ms: 1.5 + i, morsels: 4 }],
          compileMs: 0.5,
          totalMs: 10 + i,
          memoryPeakBytes: 1 << 20,
        };
      }),
    })),
    motions: p.slices.flatMap((s) =>
      s.sink.kind === 'motion' ? [{ motion: s.sink.motion, rows: 400, bytes: 123_456 }] : [],
    ),
    planningMs: 1.25,
    executionMs: 42.5,
  };
}

test('text without costs', () => {
  expect(explainText(plan(), { costs: false }).join('\n')).toMatchInlineSnapshot(`
    "Sort
      Sort Key: c_mktsegment
      ->  Finalize HashAggregate
            Group Key: c_mktsegment
            ->  Gather Motion 3:1  (slice1; segments: 3)
                  ->  Partial HashAggregate
                        Group Key: c_mktsegment
                        ->  Hash Join
                              Hash Cond: o_custkey = c_custkey
                              ->  Redistribute Motion 3:3  (slice0; segments: 3)
                                    Hash Key: o_custkey
                                    ->  Seq Scan on orders
                                          Filter: o_orderdate < '1993-01-01'::date
                              ->  Hash
                                    ->  Seq Scan on customer
    Optimizer: mpp"
  `);
});

test('VERBOSE names outputs, representations and gangs', () => {
  const text = explainText(plan(), { verbose: true }).join('\n');
  expect(text).toContain('Output: c_mktsegment, count(*)');
  expect(text).toMatch(/Representation: .*bigint\/i64 0\.\.1099511627776 not null/);
  expect(text).toContain('Slice: 0 on segments 0, 1, 2');
});

test('ANALYZE shows every node over all segments, motions, pipelines and times', () => {
  const p = plan();
  const text = explainText(p, { analyze: measured(p) }).join('\n');
  expect(text).toContain('(actual rows=400 min/avg/max=100/133.3/200)');
  expect(text).toContain('Moved: 400 rows, 121 kB');
  expect(text).toContain('pipeline 0: scan -> probe  time=1.5/2.5/3.5 ms, morsels=4/4.0/4');
  expect(text).toMatch(/Planning Time: 1\.250 ms\nExecution Time: 42\.500 ms$/);
});

test("FORMAT JSON has PostgreSQL's shape", () => {
  const p = plan();
  const [top] = JSON.parse(explainJson(p, { analyze: measured(p) }));
  expect(Object.keys(top)).toEqual(['Plan', 'Optimizer', 'Slices', 'Planning Time', 'Execution Time']);
  expect(top.Plan['Node Type']).toBe('Sort');
  expect(top.Plan.Plans[0]['Group Key']).toEqual(['c_mktsegment']);
  const types: string[] = [];
  const visit = (n: { 'Node Type': string; Plans?: never[] }): void => {
    types.push(n['Node Type']);
    for (const c of n.Plans ?? []) visit(c);
  };
  visit(top.Plan);
  expect(types).toContain('Seq Scan');
  expect(types).toContain('Gather Motion');
});
