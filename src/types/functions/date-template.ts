/** The template patterns of to_char, to_date and to_timestamp, cut into fields.
 *
 *  Owns: the keywords (`YYYY`, `Month`, `HH24`, ...), their modifiers FM, TM and TH, quoted text. Output is in
 *  `date-format.ts`, input in `date-read.ts`. Source: PostgreSQL, formatting.c (DCH_keywords, parse_format). */

const KEYWORDS = [
  'A.D.',
  'A.M.',
  'AD',
  'AM',
  'B.C.',
  'BC',
  'CC',
  'DAY',
  'DDD',
  'DD',
  'DY',
  'Day',
  'Dy',
  'D',
  'FF1',
  'FF2',
  'FF3',
  'FF4',
  'FF5',
  'FF6',
  'FX',
  'HH24',
  'HH12',
  'HH',
  'IDDD',
  'ID',
  'IW',
  'IYYY',
  'IYY',
  'IY',
  'I',
  'J',
  'MI',
  'MM',
  'MONTH',
  'MON',
  'MS',
  'Month',
  'Mon',
  'OF',
  'P.M.',
  'PM',
  'Q',
  'RM',
  'SSSSS',
  'SSSS',
  'SS',
  'TZH',
  'TZM',
  'TZ',
  'US',
  'WW',
  'W',
  'Y,YYY',
  'YYYY',
  'YYY',
  'YY',
  'Y',
  'a.d.',
  'a.m.',
  'ad',
  'am',
  'b.c.',
  'bc',
  'day',
  'dy',
  'month',
  'mon',
  'p.m.',
  'pm',
  'rm',
  'tz',
] as const;
export type Keyword = (typeof KEYWORDS)[number];

/** Lower-case forms that mean the same as their upper-case ones. */
const CASELESS: Readonly<Record<string, Keyword>> = Object.fromEntries(
  (
    [
      'CC',
      'DDD',
      'DD',
      'D',
      'FF1',
      'FF2',
      'FF3',
      'FF4',
      'FF5',
      'FF6',
      'FX',
      'HH24',
      'HH12',
      'HH',
      'IDDD',
      'ID',
      'IW',
      'IYYY',
      'IYY',
      'IY',
      'I',
      'J',
      'MI',
      'MM',
      'MS',
      'OF',
      'Q',
      'SSSSS',
      'SSSS',
      'SS',
      'TZH',
      'TZM',
      'US',
      'WW',
      'W',
      'Y,YYY',
      'YYYY',
      'YYY',
      'YY',
      'Y',
    ] as const
  ).map((k) => [k.toLowerCase(), k]),
);
const LONGEST_FIRST: readonly (readonly [string, Keyword])[] = [
  ...KEYWORDS.map((k) => [k, k] as const),
  ...Object.entries(CASELESS),
].sort((a, b) => b[0].length - a[0].length);

export type Action = {
  readonly kind: 'field';
  readonly key: Keyword;
  readonly fill: boolean;
  readonly suffix: '' | 'TH' | 'th';
};
export type TemplateNode = Action | { readonly kind: 'text' | 'separator' | 'space'; readonly text: string };

const cache = new Map<string, readonly TemplateNode[]>();

/** A pattern as fields and the text between them; patterns are kept. */
export function cutTemplate(format: string): readonly TemplateNode[] {
  const known = cache.get(format);
  if (known !== undefined) return known;
  const nodes: TemplateNode[] = [];
  let at = 0;
  while (at < format.length) {
    let fill = false;
    for (;;) {
      const prefix = format.slice(at, at + 2).toUpperCase();
      // TM, the locale's names, drops the padding as FM does.
      if (prefix !== 'FM' && prefix !== 'TM') break;
      fill = true;
      at += 2;
    }
    const found = LONGEST_FIRST.find(([word]) => format.startsWith(word, at));
    if (found !== undefined) {
      at += found[0].length;
      const after = format.slice(at, at + 2);
      let suffix: Action['suffix'] = '';
      if (after === 'TH' || after === 'th') {
        suffix = after;
        at += 2;
      } else if (after === 'SP') at += 2;
      nodes.push({ kind: 'field', key: found[1], fill, suffix });
      continue;
    }
    const c = format[at];
    if (c === undefined) break;
    if (c === '"') {
      at++;
      while (at < format.length && format[at] !== '"') {
        if (format[at] === '\\' && at + 1 < format.length) at++;
        nodes.push({ kind: 'text', text: format[at]! });
        at++;
      }
      at++;
      continue;
    }
    if (c === '\\' && format[at + 1] === '"') {
      nodes.push({ kind: 'text', text: '"' });
      at += 2;
      continue;
    }
    const kind = /\s/.test(c) ? 'space' : /[!-/:-@[-`{-~]/.test(c) ? 'separator' : 'text';
    nodes.push({ kind, text: c });
    at++;
  }
  if (cache.size >= 200) cache.clear();
  cache.set(format, nodes);
  return nodes;
}

export const ROMAN_MONTHS = ['I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XII'];
