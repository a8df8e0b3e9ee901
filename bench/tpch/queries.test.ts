import { parse } from 'libpg-query';
import { expect, test } from 'vitest';
import { queriesFor, queryFor } from './queries.js';
import { createTable, createTables } from './schema.js';

test('PostgreSQL reads every query as one statement, with nothing left to substitute', async () => {
  const queries = queriesFor(1);
  expect(queries.map(({ number }) => number)).toEqual(Array.from({ length: 22 }, (_, i) => i + 1));
  for (const { sql, viewStatements = [] } of queries) {
    for (const statement of [sql, ...viewStatements]) {
      expect(statement).not.toMatch(/:\w|\$\{/);
      expect((await parse(statement)).stmts).toHaveLength(1);
    }
  }
});

test('PostgreSQL reads the tables', async () => {
  for (const sql of createTables({ distribution: 'none' })) expect((await parse(sql)).stmts).toHaveLength(1);
});

test.each([
  [0.01, '* 0.01\n'],
  [1, '* 0.0001\n'],
  [10, '* 0.00001\n'],
  [3, '* 0.000033333333\n'],
])('Q11 at scale factor %d', (scale, expected) => {
  expect(queryFor(11, scale).sql).toContain(expected);
});

test('row limits', () => {
  const limits = queriesFor(1).flatMap(({ number, sql }) => {
    const limit = /\nlimit (\d+)$/.exec(sql);
    return limit === null ? [] : [[number, Number(limit[1])]];
  });
  expect(limits).toEqual([
    [2, 100],
    [3, 10],
    [10, 20],
    [18, 100],
    [21, 100],
  ]);
});

test('a query that is not there', () => {
  expect(() => queryFor(23, 1)).toThrow(RangeError);
});

test('distributions', () => {
  expect(createTable('lineitem')).toMatch(/\n\)\nDISTRIBUTED BY \(l_orderkey\)$/);
  expect(createTable('nation')).toMatch(/\n\)\nDISTRIBUTED REPLICATED$/);
  expect(createTable('nation', { distribution: 'random' })).toMatch(/\n\)\nDISTRIBUTED RANDOMLY$/);
  expect(createTable('orders', { distribution: 'none' })).toMatch(/\n {2}PRIMARY KEY \(o_orderkey\)\n\)$/);
  expect(createTable('orders', { distribution: 'none', primaryKeys: false })).not.toContain('PRIMARY KEY');
});
