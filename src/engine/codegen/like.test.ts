import fc from 'fast-check';
import { expect, test } from 'vitest';
import { likeMatch } from '../../types/functions/like.js';
import { TEXT } from '../../types/sql-type.js';
import { normal, outcome } from './test-compare.js';
import { compileExpr, testColumn } from './testing.js';

const column = { type: TEXT, nullable: true };

function check(
  pattern: string,
  escapeWith: string,
  caseInsensitive: boolean,
  texts: readonly string[],
): void {
  const make = (fixed: boolean) =>
    compileExpr(fixed ? [column] : [column, column], {
      kind: 'like',
      arg: testColumn(0, column),
      pattern: fixed ? { kind: 'const', value: pattern, type: TEXT } : testColumn(1, column),
      escape: escapeWith,
      caseInsensitive,
      negated: false,
    });
  const [constant, variable] = [make(true), make(false)];
  for (const text of texts) {
    const want = normal(outcome(() => likeMatch(text, pattern, escapeWith, caseInsensitive)));
    expect([pattern, text, normal(outcome(() => constant.run([text])))]).toEqual([pattern, text, want]);
    expect([pattern, text, normal(outcome(() => variable.run([text, pattern])))]).toEqual([
      pattern,
      text,
      want,
    ]);
  }
  expect(constant.run([null])).toBe(null);
  expect(variable.run(['x', null])).toBe(null);
}

test('LIKE agrees with the reference matcher', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'ä', '€'), maxLength: 40 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', 'ab', 'ä', '%', '%', '_'), maxLength: 7 });
  fc.assert(
    fc.property(pattern, fc.array(letters, { minLength: 6, maxLength: 6 }), (p, texts) =>
      check(p, '\\', false, texts),
    ),
    { numRuns: 150 },
  );
});

test('LIKE finds what it is made from', () => {
  const words = fc.array(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((s) => s.replace(/[\\%_]/g, 'x')),
    {
      minLength: 1,
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(
      words,
      fc.string({ maxLength: 50 }),
      fc.boolean(),
      fc.boolean(),
      (pieces, filler, left, right) => {
        const pattern = `${left ? '' : '%'}${pieces.join('%')}${right ? '' : '%'}`;
        const text = `${left ? '' : filler}${pieces.join(filler)}${right ? '' : filler}`;
        check(pattern, '\\', false, [text, `${text}x`, `y${text}`, filler]);
      },
    ),
    { numRuns: 150 },
  );
});

test('escapes, ILIKE and empty patterns', () => {
  check('50\\%', '\\', false, ['50%', '50x']);
  check('50!%%', '!', false, ['50%', '50x', '50%abc']);
  check('a\\_b%', '\\', false, ['a_b', 'axb', 'a_bc']);
  check('a\\b', '', false, ['a\\b', 'ab']);
  check('', '\\', false, ['', 'a']);
  check('%', '\\', false, ['', 'a']);
  check('%%', '\\', false, ['', 'a']);
  check('_', '\\', false, ['', 'a', 'ä', 'ab', '😀']);
  check('PROMO%', '\\', true, ['promo x', 'PROMO', 'Prom', 'prÖmo']);
  check('%sp_cial%', '\\', true, ['x SPECIAL y', 'speciäl', 'spÄcial']);
  check('%ß', '\\', true, ['ß', 'SS', 'xß']);
  check('a§%%', '§', false, ['a%', 'a%b', 'a']);
});

test('a pattern that ends in its escape fails when a row is matched', () => {
  check('abc\\', '\\', false, ['abc']);
});
