import { describe, expect, test } from 'vitest';
import { TEST_FUNCTIONS } from '../../test/support/plan-sql.js';
import { SqlError } from '../types/sql-error.js';
import { BOOL, INT4, TEXT } from '../types/sql-type.js';
import type { Value } from '../types/value.js';
import { tpchCatalog } from './bind/fake-catalog.js';
import { canFail, evaluate } from './evaluate.js';
import type { Expr } from './expr.js';
import { loadParser } from './sql/parse.js';

await loadParser();
const catalog = tpchCatalog();

/** COPY's condition over nation (n_nationkey, n_name, n_regionkey, n_comment). */
function condition(sql: string): { readonly predicate: Expr; readonly row: (r: readonly Value[]) => Value } {
  const bound = catalog.bind(`copy nation from stdin where ${sql}`);
  if (bound.kind !== 'copyFrom' || bound.where === undefined) throw new Error('no condition');
  const { predicate, cols } = bound.where;
  return {
    predicate,
    row: (r) =>
      evaluate(predicate, {
        functions: TEST_FUNCTIONS,
        column: (id) => r[cols.findIndex((c) => c.id === id)]!,
      }),
  };
}

const france: readonly Value[] = [6, 'FRANCE                   ', 3, null];

describe('conditions over a row', () => {
  test.each<[string, Value | string]>([
    ['n_nationkey > 5', true],
    ['n_nationkey > 6', false],
    ['n_comment = $$x$$', null],
    ['n_comment is null and n_regionkey = 3', true],
    ['n_comment = $$x$$ and n_regionkey = 4', false],
    ['n_comment = $$x$$ or n_regionkey = 3', true],
    ['not (n_comment = $$x$$)', null],
    ['n_regionkey in (1, 2, 3)', true],
    ['n_regionkey in (1, null)', null],
    ['n_regionkey not in (1, 2)', true],
    ['n_name like $$FR%$$', true],
    ['n_name ilike $$fr%$$', true],
    ['n_comment is distinct from null', false],
    ['(n_comment = $$x$$) is not true', true],
    ['case when n_regionkey = 3 then n_nationkey = 6 else 1 / 0 = 1 end', true],
    ['coalesce(n_comment, n_name) = $$FRANCE$$', true],
    ['greatest(n_nationkey, n_regionkey) = 6', true],
    ['n_nationkey between 1 and 9', true],
    // AND and OR stop at the operand that decides.
    ['n_nationkey <> 6 and 10 / (n_nationkey - 6) > 0', false],
    ['n_nationkey = 6 or 10 / (n_nationkey - 6) > 0', true],
    ['10 / (n_nationkey - 6) > 0', '22012'],
    ['n_name::int > 0', '22P02'],
  ])('%s', (sql, expected) => {
    let got: Value | string;
    try {
      got = condition(sql).row(france);
    } catch (e) {
      if (!(e instanceof SqlError)) throw e;
      got = e.code;
    }
    expect(got).toEqual(expected);
  });

  test('subqueries and columns without a row are not for here', () => {
    const col: Expr = { kind: 'col', id: 1 as never, type: INT4, nullable: true };
    expect(() => evaluate(col, { functions: TEST_FUNCTIONS })).toThrow(/outside of a query/);
  });
});

test('what can fail is told from what cannot', () => {
  const fails = (sql: string) => canFail(condition(sql).predicate);
  expect(fails('n_nationkey > 5 and (n_name = $$a$$ or n_comment is null)')).toBe(false);
  expect(fails('lower(n_comment) like $$x%$$')).toBe(false);
  expect(fails('n_regionkey in (1, 2) and n_nationkey between 1 and 3')).toBe(false);
  expect(fails('n_nationkey + 1 > 5')).toBe(true);
  expect(fails('n_comment like n_name')).toBe(true);
  expect(fails('n_comment like $$a\\$$')).toBe(true);
  expect(fails('case when n_regionkey = 1 then 1 / n_nationkey end = 1')).toBe(true);
  expect(canFail({ kind: 'const', value: true, type: BOOL })).toBe(false);
  expect(
    canFail({
      kind: 'call',
      fn: 'cast(text,int4)',
      args: [{ kind: 'const', value: 'x', type: TEXT }],
      type: INT4,
    }),
  ).toBe(true);
});
