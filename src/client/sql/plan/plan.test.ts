import { expect, test } from 'vitest';
import { slowestLines } from '../run/explain-colors.js';
import { progressLine } from '../run/progress.js';
import { allNodes, parsePlan, skewedSegment } from './plan-model.js';
import { planPage } from './plan-page.js';

const MPP = JSON.stringify([
  {
    Plan: {
      'Node Type': 'Gather Motion',
      Slice: 1,
      Node: 2,
      'Plan Rows': 10,
      'Actual Rows': 9000,
      Plans: [
        {
          'Node Type': 'Seq Scan',
          'Relation Name': '<t>',
          Alias: '<t>',
          Slice: 0,
          Node: 1,
          Filter: 'a > 1',
          'Plan Rows': 9000,
          'Actual Rows': 9000,
          'Rows by Segment': [
            { Segment: 0, Rows: 1000 },
            { Segment: 1, Rows: 8000 },
          ],
        },
      ],
    },
    Slices: [
      {
        Slice: 0,
        Segments: [
          { Segment: 0, 'Total Time': 5, 'Compile Time': 1, 'Peak Memory': 100 },
          { Segment: 1, 'Total Time': 50, 'Compile Time': 1, 'Peak Memory': 100_000 },
        ],
        Pipelines: [
          {
            Label: 'scan <t>',
            Nodes: [1],
            Time: { Max: 44 },
            'Time by Segment': [
              { Segment: 0, Time: 4 },
              { Segment: 1, Time: 44 },
            ],
          },
        ],
      },
    ],
    'Execution Time': 51.5,
  },
]);

test("mpp's plan: times of pipelines, rows of segments, the skewed one", () => {
  const plan = parsePlan(MPP);
  const [gather, scan] = allNodes(plan.root);
  expect(gather!.ms).toBeUndefined();
  expect(scan).toMatchObject({
    label: 'Seq Scan on <t>',
    ms: 44,
    rows: 9000,
    properties: [['Filter', 'a > 1']],
  });
  expect(skewedSegment(scan!)).toBe(1);
  expect(skewedSegment(gather!)).toBeUndefined();
  const page = planPage(plan, 'select * from "<t>"', 'server', new Date(0));
  expect(page).toContain('Seq Scan on &lt;t&gt;');
  expect(page).toContain('skewed: segment 1');
  expect(page).toContain('the estimate is far off');
  expect(page).not.toContain('<t>');
});

test("PostgreSQL's plan: a node's own time, over all loops", () => {
  const plan = parsePlan(
    JSON.stringify([
      {
        Plan: {
          'Node Type': 'Nested Loop',
          'Actual Total Time': 10,
          'Actual Loops': 1,
          'Actual Rows': 6,
          Plans: [{ 'Node Type': 'Seq Scan', 'Actual Total Time': 2, 'Actual Loops': 3, 'Actual Rows': 2 }],
        },
      },
    ]),
  );
  expect(allNodes(plan.root).map((n) => [n.ms, n.rows])).toEqual([
    [4, 6],
    [6, 6],
  ]);
  expect(() => parsePlan('[]')).toThrow('no plan');
});

test('the slowest line of a plan as text', () => {
  const mpp = [
    'Scan  (actual rows=5 min/avg/max=1/2/3 time=9.5 ms)',
    'Sort  (actual rows=5 time=9.4 ms)',
    '    pipeline 0: scan a  time=0.1/0.2/9.5 ms, morsels=1',
    '    pipeline 1: scan b  time=9.4 ms, morsels=1',
  ];
  expect(slowestLines(mpp)).toEqual([mpp[2], mpp[0]]);
  const pg = [
    'Sort  (cost=1..2) (actual time=1.0..10.0 rows=1 loops=1)',
    '  ->  Hash Join  (actual time=1.0..9.0 rows=1 loops=1)',
    '        ->  Seq Scan on a  (actual time=0.1..1.0 rows=1 loops=7)',
  ];
  expect(slowestLines(pg)).toEqual([pg[2]]);
  expect(slowestLines(['Seq Scan'])).toEqual([]);
});

test('the progress bar: share, rows, slices, no wider than the screen', () => {
  const rows = [
    { segment: 0, slice: 0, state: 'running', rows: 500_000, total: 1_000_000 },
    { segment: 1, slice: 0, state: 'running', rows: 250_000, total: 1_000_000 },
    { segment: -1, slice: 2, state: 'running', rows: 5, total: undefined },
    { segment: 0, slice: 1, state: 'done', rows: 5, total: undefined },
  ];
  const line = progressLine(rows, 2345, 120, false);
  expect(line).toContain(' 37%  750k of 2.0M rows  slices 0, 2 running  2.3 s');
  expect(progressLine(rows, 2345, 40, false).length).toBe(39);
  expect(progressLine([], 1500, 80, false)).toContain('running  1.5 s');
});
