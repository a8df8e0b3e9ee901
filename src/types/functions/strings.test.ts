import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectAgreement } from '../../../test/support/agree.js';
import { type Arg, type Call, evaluate } from '../../../test/support/function-calls.js';
import { type Oracle, openOracle } from '../../../test/support/postgres-oracle.js';
import { seededRandom } from '../../../test/support/random.js';
import { likeMatch } from './like.js';

let oracle: Oracle;
beforeAll(async () => {
  oracle = await openOracle();
});
afterAll(() => oracle.close());

const TEXTS = [
  '',
  'a',
  'abc',
  'Hello World',
  'foo bar baz',
  'ÄÖÜ trasse é',
  '日本語テキスト',
  '😀x😀',
  'aXbXc',
  "it's",
  'a\\b',
  '  pad  ',
  'AbC1dE',
  'foo_bar%baz',
  'a.b.c',
  'x,y,,z',
  'Thomas',
  'xyxtrimyyx',
];
const PATTERNS = [
  'abc',
  'a|ab',
  '(foo|bar)',
  '^H',
  'd$',
  '\\mfoo\\M',
  '\\ybar\\y',
  '[[:alpha:]]+',
  '[[:space:]]',
  '[^a-z]',
  '(?i)HELLO',
  'a{1,2}',
  '\\d+',
  '\\w+',
  '.',
  'o+',
  '(a)(b)?',
  'x*',
  '[]a]',
  '[a-',
  '(',
  '\\Aab',
  'c\\Z',
  '[[:<:]]b',
  '\\s',
  '[\\w]+',
  '(.)\\1',
  'a.*?c',
  '\\.',
  '(?=o)',
  '日',
  '\\u65e5',
  '[.]',
  '[a\\]b]',
  '***=a.b',
  '(?x) a b c',
  '\\',
  '[[:foo:]]',
];

test('string functions agree with PostgreSQL', async () => {
  const r = seededRandom(31);
  const text = (): Arg => ['text', r.pick(TEXTS)];
  const number = (): Arg => ['int4', `${r.int(14) - 4}`];
  const calls: Call[] = [];
  for (let i = 0; i < 25; i++) {
    for (const fn of [
      'length',
      'octet_length',
      'bit_length',
      'lower',
      'upper',
      'initcap',
      'reverse',
      'ascii',
      'md5',
      'quote_ident',
      'quote_literal',
      'btrim',
      'ltrim',
      'rtrim',
    ])
      calls.push({ fn, args: [text()] });
    for (const fn of ['left', 'right', 'repeat', 'substr', 'substring', 'lpad', 'rpad'])
      calls.push({ fn, args: [text(), number()] });
    for (const fn of ['strpos', 'starts_with', 'btrim', 'ltrim', 'rtrim', 'concat'])
      calls.push({ fn, args: [text(), text()] });
    for (const fn of ['substr', 'substring']) calls.push({ fn, args: [text(), number(), number()] });
    for (const fn of ['lpad', 'rpad']) calls.push({ fn, args: [text(), number(), text()] });
    for (const fn of ['replace', 'translate', 'concat_ws'])
      calls.push({ fn, args: [text(), text(), text()] });
    calls.push({
      fn: 'split_part',
      args: [text(), ['text', r.pick(['X', ' ', ',', '.', ''])], ['int4', `${r.int(8) - 3}`]],
    });
    calls.push({ fn: 'overlay', args: [text(), text(), number(), number()] });
    calls.push({ fn: 'chr', args: [['int4', `${r.int(70000)}`]] });
    calls.push({ fn: 'to_hex', args: [['int4', `${r.int(2 ** 31) - 2 ** 30}`]] });
    calls.push({ op: '||', args: [text(), r.pick([text(), number(), ['bpchar(5)', 'ab'], ['bool', 't']])] });
    calls.push({
      fn: 'encode',
      args: [
        ['bytea', `\\x${'00ff5c41'.slice(0, 2 * r.int(5))}`],
        ['text', r.pick(['hex', 'base64', 'escape'])],
      ],
    });
    calls.push({ fn: r.pick(['length', 'octet_length']), args: [['bpchar(8)', r.pick(TEXTS)]] });
    calls.push({ cast: r.pick(['varchar(3)', 'bpchar(3)', 'bpchar(12)', 'name']), args: [text()] });
    calls.push({
      fn: 'format',
      args: [
        [
          'text',
          r.pick(['%s', '%I', '%L', '%%', '%10s|', '%-10s|', '%1$s %1$s', '%2$s', '%s %s', '%', '%d']),
        ],
        text(),
      ],
    });
    calls.push({
      op: r.pick(['~~', '!~~', '~~*']),
      args: [
        text(),
        [
          'text',
          r.pick([
            '%',
            'a%',
            '%c',
            '%o%',
            '_',
            '__',
            'H_llo%',
            '%\\%%',
            '%\\_%',
            'a.b%',
            '',
            '%X%X%',
            'HELLO%',
            '%\\',
          ]),
        ],
      ],
    });
  }
  await expectAgreement(oracle, calls);
});

test('regular expressions agree with PostgreSQL', async () => {
  const r = seededRandom(32);
  const calls: Call[] = [];
  for (const pattern of PATTERNS) {
    for (let i = 0; i < 3; i++) {
      const text: Arg = ['text', r.pick(TEXTS)];
      const regex: Arg = ['text', pattern];
      calls.push({ op: r.pick(['~', '~*', '!~']), args: [text, regex] });
      for (const fn of ['substring', 'regexp_match', 'regexp_count', 'regexp_split_to_array', 'regexp_instr'])
        calls.push({ fn, args: [text, regex] });
      calls.push({
        fn: 'regexp_replace',
        args: [
          text,
          regex,
          ['text', r.pick(['X', '<\\&>', '\\1', '', '\\\\'])],
          ['text', r.pick(['g', '', 'gi', 'i', 'z'])],
        ],
      });
    }
  }
  for (const pattern of ['a%', '%(b|d)%', '_bc', '[a-c]+', '%#"o_b#"%', 'a{2}'])
    calls.push({
      fn: 'similar_to_escape',
      args: [
        ['text', pattern],
        ['text', '#'],
      ],
    });
  await expectAgreement(oracle, calls);
});

test('of several alternatives the longest is taken', () => {
  expect(
    evaluate({
      fn: 'substring',
      args: [
        ['text', 'foobar'],
        ['text', 'foo|foobar'],
      ],
    }),
  ).toBe('foobar');
  expect(
    evaluate({
      fn: 'regexp_match',
      args: [
        ['text', 'xabcd'],
        ['text', '(a|ab)(c|bcd)'],
      ],
    }),
  ).toBe('{a,bcd}');
});

test('LIKE with and without an escape character', () => {
  expect(likeMatch('50%', '50!%', '!', false)).toBe(true);
  expect(likeMatch('50x', '50!%', '!', false)).toBe(false);
  expect(likeMatch('a\\b', 'a\\b', '', false)).toBe(true);
  expect(likeMatch('special requests', '%special%requests%', '\\', false)).toBe(true);
  expect(likeMatch('aa', 'a%a%a', '\\', false)).toBe(false);
  expect(likeMatch('line\nline', 'l%e', '\\', false)).toBe(true);
  expect(likeMatch('STRASSE', 'straß_', '\\', true)).toBe(false);
  expect(() => likeMatch('a', 'a\\', '\\', false)).toThrow('LIKE pattern must not end with escape character');
});

test('array functions agree with PostgreSQL', async () => {
  const calls: Call[] = [];
  for (const a of ['{}', '{a,b,NULL}', '{b,b}', '{{a,b},{c,d}}']) {
    const array: Arg = ['text[]', a];
    for (const fn of ['array_position', 'array_remove', 'array_append'])
      calls.push({ fn, args: [array, ['text', 'b']] });
    calls.push({ fn: 'array_prepend', args: [['text', 'b'], array] });
    if (!a.includes('{{')) calls.push({ fn: 'array_replace', args: [array, ['text', 'b'], ['text', 'x y']] });
    calls.push({ fn: 'array_to_string', args: [array, ['text', '|'], ['text', 'N']] });
    calls.push({ fn: 'array_length', args: [array, ['int4', '1']] });
    calls.push({ fn: 'array_upper', args: [array, ['int4', '2']] });
    calls.push({ fn: 'cardinality', args: [array] });
    for (const b of ['{z}', '{x,y}', '{}'])
      for (const op of ['||', '@>', '&&']) calls.push({ op, args: [array, ['text[]', b]] });
    calls.push({ op: '||', args: [array, ['unknown', '{z}']] });
  }
  await expectAgreement(oracle, calls);
});
