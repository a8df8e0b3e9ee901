/** LIKE over strings as they come and over dictionaries, where each pattern is tried once an entry. */
import { agg, col, column, hashAgg, lit, scan } from '../../../src/engine/operators/test-plans.js';
import type { TestMemory } from '../../../src/engine/operators/testing.js';
import type { Expr } from '../../../src/plan/expr.js';
import { INT8, TEXT } from '../../../src/types/sql-type.js';
import { type Case, queryCase } from '../runner.js';
import { makeTable, mixed, type Table, type Vector } from '../vectors.js';

const WORDS = 'furiously special pending requests sleep quickly among the final deposits green ideas'.split(
  ' ',
);

/** Comments of five to nine words, 5,000 of them. */
const COMMENTS = Array.from({ length: 5000 }, (_, i) =>
  Array.from({ length: 5 + (mixed(i) % 5) }, (_, k) => WORDS[mixed(i * 16 + k) % WORDS.length]).join(' '),
);

const PATTERNS: readonly (readonly [string, RegExp])[] = [
  ['furiously%', /^furiously/],
  ['%green%', /green/],
  ['%special%requests%', /special.*requests/],
];

function like(arg: Expr, pattern: string): Expr {
  return {
    kind: 'like',
    arg,
    pattern: lit(pattern, TEXT),
    escape: '\\',
    caseInsensitive: false,
    negated: false,
  };
}

export function* stringCases(tm: TestMemory, rows: number): Generator<Case> {
  const plain: Vector = {
    column: column('o_comment', TEXT, false),
    encoding: 'utf8',
    value: (i) => mixed(i) % COMMENTS.length,
    strings: COMMENTS,
  };
  const dictionary: Vector = { ...plain, column: column('o_comment', TEXT, false), encoding: 'dict16' };
  const cases: [string, Vector, Table][] = [
    ['plain strings', plain, makeTable(tm, [plain], rows >> 2)],
    ['dictionary', dictionary, makeTable(tm, [dictionary], rows)],
  ];
  for (const [name, vector, table] of cases) {
    for (const [pattern, same] of PATTERNS) {
      const leaf = scan([vector.column], like(col(vector.column), pattern));
      const root = hashAgg('single', leaf, [], [agg('count_star', [], INT8)]);
      const bytes = table.bytesOf(vector.column);
      yield queryCase(tm, `LIKE '${pattern}', ${name}`, root, leaf, table, bytes, () => {
        const matches = COMMENTS.map((c) => same.test(c));
        let n = 0;
        for (let i = 0; i < table.rows; i++) if (matches[vector.value(i)]) n++;
        return [[n]];
      });
    }
    table.free();
  }
}
