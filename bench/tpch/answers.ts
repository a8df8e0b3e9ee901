/**
 * The standard's answers at scale factor 1, and how a result is held against them. Answers give sums and
 * averages to two decimals; the specification (2.1.3.5) says how far a result may be from them.
 */
import { readDataFile } from './data-files.js';

export type Answer = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** `exact` includes counts. For the others see `withinSpecification`. */
type ColumnKind = 'exact' | 'sum' | 'average' | 'ratio';

/** By query and column; columns that are not named are exact. */
const INEXACT: Readonly<Record<number, Readonly<Record<number, ColumnKind>>>> = {
  1: { 2: 'sum', 3: 'sum', 4: 'sum', 5: 'sum', 6: 'average', 7: 'average', 8: 'average' },
  3: { 1: 'sum' },
  5: { 1: 'sum' },
  6: { 0: 'sum' },
  7: { 3: 'sum' },
  8: { 1: 'ratio' },
  9: { 2: 'sum' },
  10: { 2: 'sum' },
  11: { 1: 'sum' },
  14: { 0: 'ratio' },
  15: { 4: 'sum' },
  17: { 0: 'ratio' },
  18: { 5: 'sum' },
  19: { 0: 'sum' },
  22: { 2: 'sum' },
};

/**
 * `specification`: within what 2.1.3.5 permits. `rounded`: the result, rounded to two decimals, is the
 * answer's; an engine with exact decimals has no excuse for less.
 */
export type AnswerTolerance = 'specification' | 'rounded';

/**
 * Answers that are not the exact result rounded: the program that made them computed in binary floating
 * point. Used for `rounded`; as query, row and column, counted from 0.
 */
const ROUNDED_RIGHT: Readonly<Record<string, string>> = {
  '9:113:2': '42698382.86', // 42698382.8550
  '17:0:0': '348406.05', // 2438842.38 / 7
};

const DIFFERENCES_MAX = 20;

const answers = new Map<number, Answer>();

/** Fields without their padding. */
export function answerOf(query: number): Answer {
  let answer = answers.get(query);
  if (answer === undefined) {
    answer = parseAnswer(readDataFile(`answers/q${query}.out`));
    answers.set(query, answer);
  }
  return answer;
}

export function parseAnswer(text: string): Answer {
  const [columns, ...rows] = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split('|').map((field) => field.trim()));
  return { columns, rows };
}

/**
 * What differs between a result at scale factor 1, in PostgreSQL's text format, and the answer: one readable
 * line each, none if they agree. Rows are compared in order; every query orders its rows completely.
 */
export function compareToAnswer(
  query: number,
  rows: readonly (readonly (string | null)[])[],
  tolerance: AnswerTolerance = 'specification',
): readonly string[] {
  const answer = answerOf(query);
  const differences: string[] = [];
  if (rows.length !== answer.rows.length) {
    differences.push(`Q${query}: ${rows.length} rows, expected ${answer.rows.length}`);
  }
  for (let i = 0; i < Math.min(rows.length, answer.rows.length); i++) {
    const row = rows[i];
    const expected = answer.rows[i];
    if (row.length !== expected.length) {
      differences.push(`Q${query} row ${i + 1}: ${row.length} columns, expected ${expected.length}`);
      continue;
    }
    for (let c = 0; c < row.length; c++) {
      const kind = INEXACT[query]?.[c] ?? 'exact';
      const corrected = tolerance === 'rounded' ? ROUNDED_RIGHT[`${query}:${i}:${c}`] : undefined;
      const wanted = corrected ?? expected[c];
      if (!agrees(row[c], wanted, kind, tolerance)) {
        differences.push(
          `Q${query} row ${i + 1}, ${answer.columns[c]}: ${row[c] ?? 'NULL'}, expected ${wanted} (${kind})`,
        );
      }
    }
  }
  const more = differences.length - DIFFERENCES_MAX;
  return more > 0 ? [...differences.slice(0, DIFFERENCES_MAX), `and ${more} more differences`] : differences;
}

function agrees(
  value: string | null,
  expected: string,
  kind: ColumnKind,
  tolerance: AnswerTolerance,
): boolean {
  if (value === null) return false;
  const text = value.trim();
  if (kind === 'exact') return text === expected || sameNumber(text, expected);
  const result = toHundredths(text);
  const answer = toHundredths(expected);
  if (result === undefined || answer === undefined) return false;
  return tolerance === 'rounded' ? result === answer : withinSpecification(result, answer, kind);
}

/** In hundredths. Sums within 100 units; averages and ratios, rounded to hundredths, within one per cent. */
function withinSpecification(result: bigint, answer: bigint, kind: 'sum' | 'average' | 'ratio'): boolean {
  const distance = magnitude(result - answer);
  switch (kind) {
    case 'sum':
      return distance <= 10_000n;
    case 'average':
    case 'ratio':
      return distance * 100n <= magnitude(answer);
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** 1995 and 1995.00 are the same answer; text never is a number with decimals here. */
function sameNumber(a: string, b: string): boolean {
  const [x, y] = [parseDecimal(a), parseDecimal(b)];
  if (x === undefined || y === undefined) return false;
  const scale = Math.max(x.scale, y.scale);
  return rescale(x, scale) === rescale(y, scale);
}

/** Rounded half away from zero, as PostgreSQL rounds a numeric. */
function toHundredths(text: string): bigint | undefined {
  const decimal = parseDecimal(text);
  return decimal === undefined ? undefined : rescale(decimal, 2);
}

type Decimal = { readonly digits: bigint; readonly scale: number };

/** Decimals as PostgreSQL writes numerics and doubles, so also 1.5e+08. */
function parseDecimal(text: string): Decimal | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  return { digits: sign === '-' ? -digits : digits, scale: fraction.length - Number(exponent) };
}

function rescale({ digits, scale }: Decimal, to: number): bigint {
  if (to >= scale) return digits * 10n ** BigInt(to - scale);
  const unit = 10n ** BigInt(scale - to);
  const half = unit / 2n;
  return (digits < 0n ? digits - half : digits + half) / unit;
}
