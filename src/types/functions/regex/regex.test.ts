/** Matches are PostgreSQL's: chosen expressions, random ones, and times that do not explode. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Oracle, openOracle } from '../../../../test/support/postgres-oracle.js';
import { Random } from '../../../../test/support/query-generator.js';
import { formatArray } from '../../array-text.js';
import { onInterrupt } from '../../interrupt.js';
import { SqlError } from '../../sql-error.js';
import { likeMatch } from '../like.js';
import { compileRegex } from '../regex.js';

let oracle: Oracle;
beforeAll(async () => {
  oracle = await openOracle();
});
afterAll(() => oracle?.close());

type Case = { readonly pattern: string; readonly text: string; readonly flags: string };

function literal(s: string): string {
  return `E'${s.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`;
}

/** Groups, or the whole without any; and where the match begins and ends, in characters from 1. */
function ours({ pattern, text, flags }: Case): string {
  try {
    const m = compileRegex(pattern, flags).exec(text);
    if (m === undefined) return 'NULL 0 0';
    const groups = m.groups.length > 0 ? m.groups.map((g) => g ?? null) : [m.text];
    const place = (offset: number): number => [...text.slice(0, offset)].length + 1;
    return `${formatArray(groups)} ${place(m.index)} ${place(m.end)}`;
  } catch (e) {
    return e instanceof SqlError ? `${e.code} ${e.message}` : String(e);
  }
}

async function differences(cases: readonly Case[]): Promise<unknown[]> {
  const sql = cases.map(({ pattern, text, flags }) => {
    const [t, p, f] = [text, pattern, flags].map(literal);
    return `coalesce(regexp_match(${t}, ${p}, ${f})::text, 'NULL') || ' ' || regexp_instr(${t}, ${p}, 1, 1, 0, ${f}) || ' ' || regexp_instr(${t}, ${p}, 1, 1, 1, ${f})`;
  });
  const wanted = await oracle.evaluate(sql);
  return cases.flatMap((c, i) => {
    const got = ours(c);
    return got === wanted[i] ? [] : [{ ...c, got, wanted: wanted[i] }];
  });
}

const CHOSEN: readonly (readonly [string, string, string?])[] = [
  // Longest overall, whichever alternative comes first; groups from left to right.
  ['a|ab|abc', 'abcd'],
  ['(a|ab)(c|bcd)(d*)', 'abcd'],
  ['(?:a|ab)(?:c|bcd)(d*)', 'abcd'],
  ['(a*)(ab)*(b*)', 'abbb'],
  ['x*', 'aaxx'],
  // The first preference is that of the whole.
  ['a+?b+', 'aabbb'],
  ['(a+?)(b+)', 'aabbb'],
  ['a+b+?', 'aabbb'],
  ['(a+)(b+?)', 'aabbb'],
  ['(?:a+?b+){1}', 'aabbb'],
  ['(?:a+?b+){1,1}', 'aabbb'],
  ['(.*?)(\\d+)', 'foo12345bar'],
  ['(?:(.*?)(\\d+)){1,1}', 'foo12345bar'],
  ['XY*?', 'XYYYY'],
  ['(X|Y+?)*', 'XYYX'],
  // Repeated groups show their last match.
  ['(a|b)*', 'abba'],
  ['((a)|(b))+', 'ab'],
  ['(a*){2}', 'aaa'],
  ['(a??)*b', 'aab'],
  ['(a?)?', 'b'],
  ['(a??)?', 'b'],
  ['(a{0}(b)?)c', 'bc'],
  // References.
  ['(a+)b\\1', 'aabaaa'],
  ['(?:c(a)|b)(\\1)?', 'b'],
  ['([ab])\\1*', 'abba', 'i'],
  ['(a)\\1', 'aA', 'i'],
  ['(.*)(.*)\\1\\2x', 'ababx'],
  ['\\1(a)', 'aa'],
  ['(a\\1)', 'aa'],
  ['(a)\\12', 'a\u000a'],
  // What stands around.
  ['^b', 'a\nb', 'n'],
  ['^b', 'a\nb', 'w'],
  ['a.b', 'a\nb', 'p'],
  ['[^x]', '\n', 'n'],
  ['a$', 'a\nb', 'n'],
  ['\\Ab', 'a\nb', 'n'],
  ['a\\Z', 'a\nb', 'n'],
  ['\\mfoo\\M', 'a foo b'],
  ['\\yo|\\Yo', 'foo'],
  ['[[:<:]]b', 'ab b'],
  ['a(?=b)', 'acab'],
  ['a(?!b)', 'abac'],
  ['(?<=a+)b', 'bab'],
  ['(?<!a)b', 'abb'],
  ['(?<=^|,)[^,]*(?=,|$)', 'a,bc'],
  ['(?=(a))a', 'a'],
  // Sets and escapes.
  ['[]a]+', 'a]'],
  ['[^]a]', ']b'],
  ['[a-]', '-'],
  ['[b-a]', 'a'],
  ['[a-c-e]', 'a'],
  ['[[.a.]-c]+', 'abc'],
  ['[[=a=]]', 'a'],
  ['[[:alpha:][:digit:]]+', 'é1_'],
  ['[\\d\\-x]+', '1-x'],
  ['\\x41\\u0042\\103', 'ABC'],
  ['\\q', 'q'],
  ['\\cA', '\u0001'],
  ['😀+', 'a😀😀b'],
  ['[😀-😂]', 'x😁'],
  ['.', '😀'],
  ['straße', 'STRASSE straße', 'i'],
  // Bounds, and what is none.
  ['a{,2}', 'a{,2}'],
  ['a{2', 'aa'],
  ['a{2,1}', 'a'],
  ['a{256}', 'a'],
  ['a**', 'a'],
  ['*a', 'a'],
  ['a|*', 'a'],
  ['^*', 'a'],
  ['(', 'a'],
  [')', 'a'],
  ['[a', 'a'],
  ['a\\', 'a'],
  ['()', 'a'],
  ['a||b', 'b'],
  // Prefixes, options, comments.
  ['***=a.b', 'a.b'],
  ['***:a.b', 'axb'],
  ['***a', 'a'],
  ['(?i)A', 'a'],
  ['(?z)a', 'a'],
  ['a(?i)b', 'ab'],
  ['a b # c\n c', 'abc', 'x'],
  ['a(?#x)b', 'ab'],
  ['a.b', 'a.b', 'q'],
];

test('chosen expressions', async () => {
  expect(await differences(CHOSEN.map(([pattern, text, flags = '']) => ({ pattern, text, flags })))).toEqual(
    [],
  );
});

class Generator {
  private readonly r: Random;

  constructor(r: Random) {
    this.r = r;
  }

  pattern(depth: number, inLook = false): string {
    const { r } = this;
    let out = '';
    for (let n = 1 + r.int(3); n > 0; n--) out += this.piece(depth, inLook);
    return depth > 0 && r.chance(0.3)
      ? `${out}|${r.chance(0.1) ? '' : this.pattern(depth - 1, inLook)}`
      : out;
  }

  private piece(depth: number, inLook: boolean): string {
    const { r } = this;
    const kind = r.next();
    let atom: string;
    if (kind < 0.45 || depth <= 0) atom = r.pick(['a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\d', 'é']);
    else if (kind < 0.7) atom = `(${this.pattern(depth - 1, inLook)})`;
    else if (kind < 0.85) atom = `(?:${this.pattern(depth - 1, inLook)})`;
    else if (kind < 0.93 || inLook) return r.pick(['^', '$', '\\m', '\\M', '\\y', '\\Y', '\\A', '\\Z']);
    else return `${r.pick(['(?=', '(?!', '(?<=', '(?<!'])}${this.pattern(depth - 1, true)})`;
    const quantifiers = ['*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,2}?', '{2,}', '{0}', '{1,2}?'];
    return r.chance(0.45) ? atom + r.pick(quantifiers) : atom;
  }

  text(): string {
    return Array.from({ length: this.r.int(9) }, () =>
      this.r.pick(['a', 'b', 'c', 'A', '\n', '1', ' ', 'é', '😀']),
    ).join('');
  }
}

const [FROM, TO] = (process.env.REGEX_SEEDS ?? '1-4').split('-').map(Number) as [number, number];

test.each(Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i))(
  'random expressions, seed %i',
  async (seed) => {
    const r = new Random(seed * 65_537);
    const g = new Generator(r);
    const cases = Array.from({ length: 300 }, () => ({
      pattern: g.pattern(3),
      text: g.text(),
      flags: r.pick(['', '', '', 'i', 'n', 'w', 'p']),
    }));
    expect(await differences(cases)).toEqual([]);
  },
);

describe('time', () => {
  test.each([
    ['^(a+)+$', `${'a'.repeat(50_000)}!`],
    ['(a*)*b', 'a'.repeat(20_000)],
    ['(x+x+)+y', 'x'.repeat(20_000)],
    ['(a|aa)+$', `${'a'.repeat(50_000)}!`],
    ['(.*)(.*)(.*)(.*)(.*)=', 'x'.repeat(20_000)],
  ])('of %s is that of the text', (pattern, text) => {
    const began = performance.now();
    expect(compileRegex(pattern).test(text)).toBe(false);
    expect(compileRegex(pattern).exec(text)).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('of LIKE is at most text by pattern', () => {
    const began = performance.now();
    expect(likeMatch('a'.repeat(20_000), `${'%a'.repeat(50)}_%b`, '\\', false)).toBe(false);
    expect(likeMatch('a'.repeat(20_000), `${'%A'.repeat(50)}%b`, '\\', true)).toBe(false);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('of references is not bounded, but can be interrupted', () => {
    let asked = 0;
    onInterrupt(() => {
      if (++asked > 1000) throw new Error('enough');
    });
    try {
      expect(() => compileRegex('^(a|b|ab)*(.+)(.+)(.+)\\4\\3\\2y').test(`${'ab'.repeat(60)}y`)).toThrow(
        'enough',
      );
    } finally {
      onInterrupt(undefined);
    }
    expect(compileRegex('^(a|b)*(.)\\2').test('abb')).toBe(true);
  });

  test('repetitions of repetitions are refused when they are too many', () => {
    expect(() => compileRegex('((a{200}){200}){200}').test('a')).toThrow('too complex');
  });
});
