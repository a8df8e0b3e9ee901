import { expect, test } from 'vitest';
import { statementContext } from './statement-context.js';

/** `|` is the cursor. */
function at(text: string) {
  const cursor = text.indexOf('|');
  return statementContext(text.replace('|', ''), cursor);
}

test.each([
  ['sel|', 'statement'],
  ['select 1; sel|', 'statement'],
  ['select * from |', 'table'],
  ['select * from a, b|', 'table'],
  ['select * from a join b|', 'table'],
  ['select * from a |', 'after-table'],
  ['select * from a where |', 'expression'],
  ['select | from a', 'expression'],
  ['select extract(year from |', 'expression'],
  ['select a is distinct from |', 'expression'],
  ['insert into |', 'table'],
  ['update |', 'table'],
  ['set |', 'setting'],
  ['set work_mem to |', 'setting-value'],
  ['set work_mem = |', 'setting-value'],
  ['show |', 'setting'],
  ['select 1::|', 'type'],
  ['drop table if exists |', 'table'],
  ['explain analyze sel|', 'statement'],
  ['create index on t using btree (|', 'expression'],
])('%s', (text, place) => {
  expect(at(text)?.place).toBe(place);
});

test('nothing within strings and comments', () => {
  expect(at("select 'abc |")).toBeUndefined();
  expect(at('select 1 -- abc |')).toBeUndefined();
  expect(at("select 'abc', |")).toBeDefined();
});

test('tables of the statement, with aliases, subqueries and WITH', () => {
  expect(at('select x.| from a x, s."B c" as y join d on true where 1 = 1; select 1 from z')).toMatchObject({
    qualifier: 'x',
    tables: [
      { schema: undefined, name: 'a', alias: 'x' },
      { schema: 's', name: 'B c', alias: 'y' },
      { schema: undefined, name: 'd', alias: undefined },
    ],
  });
  expect(
    at('with w(p, q) as (select 1, 2), v as (select n as m, o from t) select | from w join v on true'),
  ).toMatchObject({
    ctes: ['w', 'v'],
  });
  expect(
    at('with v as (select n as m, o from t) select | from v')?.tables.find((t) => t.name === 'v')?.columns,
  ).toEqual(['m', 'o']);
});

test('tables of queries around the cursor, not of those beside it', () => {
  const names = (text: string) => at(text)?.tables.map((t) => t.name);
  expect(names('select | from a where x in (select y from b)')).toEqual(['a']);
  expect(names('select 1 from a where x in (select | from b)')).toEqual(['a', 'b']);
  expect(names('with w as (select 1 from c) select | from w')).toEqual(['w']);
  expect(names('select 1 from (select | from a) x join b on true')).toEqual(['b', 'a'].sort());
});
