import { expect, test } from 'vitest';
import { answerOf, compareToAnswer } from './answers.js';

const ALL = Array.from({ length: 22 }, (_, i) => i + 1);

function copyOf(query: number): string[][] {
  return answerOf(query).rows.map((row) => [...row]);
}

test('every answer agrees with itself', () => {
  for (const query of ALL) expect(compareToAnswer(query, copyOf(query))).toEqual([]);
});

test('sizes of the answers', () => {
  expect(ALL.map((query) => answerOf(query).rows.length)).toEqual([
    4, 100, 10, 5, 5, 1, 4, 2, 175, 20, 1048, 2, 42, 1, 1, 18314, 1, 57, 1, 186, 100, 7,
  ]);
});

test('a wrong digit in an exact column', () => {
  const rows = copyOf(2);
  rows[41][0] = rows[41][0].replace(/.$/, (digit) => `${(Number(digit) + 1) % 10}`);
  const differences = compareToAnswer(2, rows);
  expect(differences).toHaveLength(1);
  expect(differences[0]).toMatch(/^Q2 row 42, s_acctbal: .* expected /);
});

test('a wrong letter', () => {
  const rows = copyOf(20);
  rows[0][1] = rows[0][1].toUpperCase();
  expect(compareToAnswer(20, rows)).toHaveLength(1);
});

test('a wrong count', () => {
  const rows = copyOf(1);
  rows[3][9] = `${Number(rows[3][9]) + 1}`;
  expect(compareToAnswer(1, rows)).toEqual(['Q1 row 4, count_order: 1478871, expected 1478870 (exact)']);
});

test('sums: within 100 by the specification, to the hundredth when rounded', () => {
  expect(compareToAnswer(6, [['123141078.2283']])).toEqual([]);
  expect(compareToAnswer(6, [['123141078.2283']], 'rounded')).toEqual([]);
  expect(compareToAnswer(6, [['123141178.23']])).toEqual([]);
  expect(compareToAnswer(6, [['123141178.24']])).toHaveLength(1);
  expect(compareToAnswer(6, [['123141078.24']], 'rounded')).toHaveLength(1);
  expect(compareToAnswer(6, [['1.231410782283e+08']], 'rounded')).toEqual([]);
  expect(compareToAnswer(6, [['-123141078.23']])).toHaveLength(1);
});

test('averages and ratios: within one per cent', () => {
  expect(compareToAnswer(14, [['16.3807786263955401']], 'rounded')).toEqual([]);
  expect(compareToAnswer(14, [['16.54']])).toEqual([]);
  expect(compareToAnswer(14, [['16.55']])).toHaveLength(1);
  expect(compareToAnswer(17, [['348406.054285714286']], 'rounded')).toEqual([]);
});

test('what is no number, NULL, and shapes that do not fit', () => {
  expect(compareToAnswer(6, [['many']])).toHaveLength(1);
  expect(compareToAnswer(6, [[null]])).toEqual(['Q6 row 1, revenue: NULL, expected 123141078.23 (sum)']);
  expect(compareToAnswer(6, [])).toEqual(['Q6: 0 rows, expected 1']);
  expect(compareToAnswer(6, [['123141078.23', '1']])).toEqual(['Q6 row 1: 2 columns, expected 1']);
});

test('padding and trailing zeros do not count', () => {
  const rows = copyOf(4).map(([priority, count]) => [priority.padEnd(15), `${count}.00`]);
  expect(compareToAnswer(4, rows)).toEqual([]);
});

test('rows in another order differ', () => {
  expect(compareToAnswer(4, copyOf(4).reverse())).not.toEqual([]);
});

test('long lists are cut', () => {
  const differences = compareToAnswer(16, copyOf(16).reverse());
  expect(differences).toHaveLength(21);
  expect(differences.at(-1)).toMatch(/^and \d+ more differences$/);
});
