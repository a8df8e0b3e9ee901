/** Cuts date, time and interval text into fields and names the words in them.
 *
 *  Owns: the lexer and the keyword tables. Must not know: what fields mean together (`datetime-parse.ts`,
 *  `interval.ts`). Source: PostgreSQL, datetime.c, ParseDateTime, datetktbl, deltatktbl. */

export type FieldKind = 'number' | 'date' | 'time' | 'string' | 'zone' | 'special';
export type Field = { readonly kind: FieldKind; readonly text: string };

function isDigit(c: string | undefined): boolean {
  return c !== undefined && c >= '0' && c <= '9';
}

function isAlpha(c: string | undefined): boolean {
  return c !== undefined && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

function isSpace(c: string | undefined): boolean {
  return c !== undefined && (c === ' ' || (c >= '\t' && c <= '\r'));
}

/** The fields of `text`, words in lower case; undefined when a character fits nowhere. */
export function cutFields(text: string): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const take = (accept: (c: string) => boolean): string => {
    const from = at;
    while (at < text.length && accept(text[at]!)) at++;
    return text.slice(from, at);
  };
  while (at < text.length) {
    const c = text[at]!;
    if (isSpace(c)) {
      at++;
      continue;
    }
    if (isDigit(c)) {
      let field = take(isDigit);
      const next = text[at];
      if (next === ':') {
        field += take((d) => isDigit(d) || d === ':' || d === '.');
        fields.push({ kind: 'time', text: field });
      } else if (next === '-' || next === '/' || next === '.') {
        const delimiter = next;
        at++;
        field += delimiter;
        let kind: FieldKind = 'date';
        if (isDigit(text[at])) {
          if (delimiter === '.') kind = 'number';
          field += take(isDigit);
          if (text[at] === delimiter) {
            kind = 'date';
            field += take((d) => isDigit(d) || d === delimiter);
          }
        } else if (isAlpha(text[at]) || delimiter !== '.') {
          field += take((d) => isDigit(d) || isAlpha(d) || d === delimiter).toLowerCase();
        } else kind = 'number';
        fields.push({ kind, text: field });
      } else fields.push({ kind: 'number', text: field });
    } else if (c === '.') {
      at++;
      fields.push({ kind: 'number', text: `.${take(isDigit)}` });
    } else if (isAlpha(c)) {
      let field = take(isAlpha).toLowerCase();
      const next = text[at];
      const named = next === '-' || next === '/' || next === '.' || next === '_';
      if (named || ((next === '+' || isDigit(next)) && !isDateWord(field))) {
        const from = at;
        take((d) => isDigit(d) || isAlpha(d) || '+-/_.:'.includes(d));
        field += text.slice(from, at).toLowerCase();
        fields.push({ kind: 'date', text: field });
      } else fields.push({ kind: 'string', text: field });
    } else if (c === '+' || c === '-') {
      at++;
      while (isSpace(text[at])) at++;
      if (isDigit(text[at])) {
        fields.push({
          kind: 'zone',
          text: c + take((d) => isDigit(d) || d === ':' || d === '.' || d === '-'),
        });
      } else if (isAlpha(text[at])) {
        fields.push({ kind: 'special', text: c + take(isAlpha).toLowerCase() });
      } else return undefined;
    } else if (/[!-/:-@[-`{-~]/.test(c)) {
      // Other punctuation separates, nothing more.
      at++;
    } else return undefined;
  }
  return fields;
}

export type DateWord =
  | { readonly kind: 'month'; readonly value: number }
  | { readonly kind: 'weekday' }
  | { readonly kind: 'meridian'; readonly pm: boolean }
  | { readonly kind: 'era'; readonly bc: boolean }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'iso-time' }
  | { readonly kind: 'julian' }
  | { readonly kind: 'dst' }
  | {
      readonly kind:
        | 'now'
        | 'today'
        | 'yesterday'
        | 'tomorrow'
        | 'epoch'
        | 'infinity'
        | '-infinity'
        | 'allballs';
    };

const DATE_WORDS = new Map<string, DateWord>();
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
MONTHS.forEach((name, i) => {
  DATE_WORDS.set(name, { kind: 'month', value: i + 1 });
  DATE_WORDS.set(name.slice(0, 3), { kind: 'month', value: i + 1 });
});
DATE_WORDS.set('sept', { kind: 'month', value: 9 });
for (const day of ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']) {
  DATE_WORDS.set(day, { kind: 'weekday' });
  DATE_WORDS.set(day.slice(0, 3), { kind: 'weekday' });
}
for (const word of ['tues', 'wednes', 'weds', 'thur', 'thurs']) DATE_WORDS.set(word, { kind: 'weekday' });
for (const word of ['at', 'on']) DATE_WORDS.set(word, { kind: 'ignore' });
DATE_WORDS.set('am', { kind: 'meridian', pm: false });
DATE_WORDS.set('pm', { kind: 'meridian', pm: true });
DATE_WORDS.set('ad', { kind: 'era', bc: false });
DATE_WORDS.set('bc', { kind: 'era', bc: true });
DATE_WORDS.set('t', { kind: 'iso-time' });
DATE_WORDS.set('dst', { kind: 'dst' });
for (const word of ['j', 'jd', 'julian']) DATE_WORDS.set(word, { kind: 'julian' });
for (const word of [
  'now',
  'today',
  'yesterday',
  'tomorrow',
  'epoch',
  'infinity',
  '-infinity',
  'allballs',
] as const)
  DATE_WORDS.set(word, { kind: word });
DATE_WORDS.set('+infinity', { kind: 'infinity' });

export function dateWord(word: string): DateWord | undefined {
  return DATE_WORDS.get(word);
}

function isDateWord(word: string): boolean {
  return DATE_WORDS.has(word);
}

export type IntervalUnit =
  | 'microsecond'
  | 'millisecond'
  | 'second'
  | 'minute'
  | 'hour'
  | 'day'
  | 'week'
  | 'month'
  | 'quarter'
  | 'year'
  | 'decade'
  | 'century'
  | 'millennium';

const UNIT_WORDS: Readonly<Record<IntervalUnit, string>> = {
  microsecond: 'us usec usecs useconds microsecon microsecond microseconds usecond',
  millisecond: 'ms msec msecs mseconds millisecon millisecond milliseconds msecond',
  second: 's sec secs second seconds',
  minute: 'm min mins minute minutes',
  hour: 'h hr hrs hour hours',
  day: 'd day days',
  week: 'w week weeks',
  month: 'mon mons month months',
  quarter: 'qtr quarter',
  year: 'y yr yrs year years',
  decade: 'dec decs decade decades',
  century: 'c cent century centuries',
  millennium: 'mil mils millennia millennium millenniums',
};

const UNITS = new Map<string, IntervalUnit>();
for (const [unit, words] of Object.entries(UNIT_WORDS))
  for (const word of words.split(' ')) UNITS.set(word, unit as IntervalUnit);

/** The unit that a word such as `mons` or `usec` stands for. */
export function intervalUnit(word: string): IntervalUnit | undefined {
  return UNITS.get(word);
}
