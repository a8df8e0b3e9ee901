/** to_char and to_number of numbers: template patterns such as `FM9,999.00`.
 *
 *  Owns: the pattern parser and the walk over digits. It follows PostgreSQL's own procedure step by step, since its
 *  blanks and signs obey no simpler rule. Locale: C (`.` and `,`, blank currency). Source: PostgreSQL, formatting.c
 *  (NUMDesc_prepare, NUM_numpart_to_char, NUM_processor). */
import { formatNumeric, multiplyNumeric, parseNumeric, pow10, roundNumeric } from '../numeric.js';
import { SqlError } from '../sql-error.js';
import type { Numeric } from '../value.js';

type Key =
  | '9'
  | '0'
  | '.'
  | ','
  | 'D'
  | 'G'
  | 'L'
  | 'S'
  | 'MI'
  | 'PL'
  | 'SG'
  | 'PR'
  | 'RN'
  | 'rn'
  | 'TH'
  | 'th'
  | 'V'
  | 'EEEE'
  | 'B'
  | 'C'
  | 'FM';
type Node = { readonly key: Key } | { readonly literal: string };

type Pattern = {
  readonly nodes: readonly Node[];
  readonly pre: number;
  readonly post: number;
  readonly multi: number;
  /** 0-based position of the first `0`, or -1. */
  readonly zeroStart: number;
  readonly zeroEnd: number;
  readonly sign: 'none' | 'before' | 'after';
  /** Digits seen when `S` was. */
  readonly signAt: number;
  readonly flags: ReadonlySet<Flag>;
};
type Flag = 'decimal' | 'zero' | 'blank' | 'fill' | 'minus' | 'plus' | 'bracket' | 'roman' | 'multi' | 'sci';

const KEYS: readonly Key[] = [
  'EEEE',
  'FM',
  'MI',
  'PL',
  'SG',
  'PR',
  'RN',
  'rn',
  'TH',
  'th',
  '9',
  '0',
  '.',
  ',',
  'D',
  'G',
  'L',
  'S',
  'V',
  'B',
  'C',
];
const LOWER_KEYS: Readonly<Record<string, Key>> = {
  eeee: 'EEEE',
  fm: 'FM',
  mi: 'MI',
  pl: 'PL',
  sg: 'SG',
  pr: 'PR',
  d: 'D',
  g: 'G',
  l: 'L',
  s: 'S',
  v: 'V',
  b: 'B',
  c: 'C',
};

function cut(format: string): Node[] {
  const nodes: Node[] = [];
  let at = 0;
  while (at < format.length) {
    if (format[at] === '"') {
      at++;
      while (at < format.length && format[at] !== '"') {
        if (format[at] === '\\' && at + 1 < format.length) at++;
        nodes.push({ literal: format[at]! });
        at++;
      }
      at++;
      continue;
    }
    if (format[at] === '\\' && format[at + 1] === '"') {
      nodes.push({ literal: '"' });
      at += 2;
      continue;
    }
    const rest = format.slice(at, at + 4);
    const key =
      KEYS.find((k) => rest.startsWith(k)) ??
      Object.entries(LOWER_KEYS).find(([word]) => rest.startsWith(word))?.[1];
    if (key === undefined) {
      nodes.push({ literal: format[at]! });
      at++;
    } else {
      nodes.push({ key });
      at += key.length;
    }
  }
  return nodes;
}

function fail(message: string, hint?: string): SqlError {
  return new SqlError('42601', message, { hint });
}

function prepare(format: string): Pattern {
  const nodes = cut(format);
  const flags = new Set<Flag>();
  let [pre, post, multi, zeroStart, zeroEnd, signAt] = [0, 0, 0, -1, 0, 0];
  let sign: Pattern['sign'] = 'none';
  for (const node of nodes) {
    if (!('key' in node)) continue;
    if (flags.has('sci') && node.key !== 'EEEE') throw fail('"EEEE" must be the last pattern used');
    switch (node.key) {
      case '9':
        if (flags.has('bracket')) throw fail('"9" must be ahead of "PR"');
        if (flags.has('multi')) multi++;
        else if (flags.has('decimal')) post++;
        else pre++;
        break;
      case '0':
        if (flags.has('bracket')) throw fail('"0" must be ahead of "PR"');
        if (!flags.has('zero') && !flags.has('decimal')) {
          flags.add('zero');
          zeroStart = pre;
        }
        if (flags.has('decimal')) post++;
        else pre++;
        zeroEnd = pre + post;
        break;
      case 'B':
        if (pre === 0 && post === 0 && !flags.has('zero')) flags.add('blank');
        break;
      case 'D':
      case '.':
        if (flags.has('decimal')) throw fail('multiple decimal points');
        if (flags.has('multi')) throw fail('cannot use "V" and decimal point together');
        flags.add('decimal');
        break;
      case 'FM':
        flags.add('fill');
        break;
      case 'S':
        if (sign !== 'none') throw fail('cannot use "S" twice');
        if (flags.has('plus') || flags.has('minus') || flags.has('bracket'))
          throw fail('cannot use "S" and "PL"/"MI"/"SG"/"PR" together');
        sign = flags.has('decimal') ? 'after' : 'before';
        signAt = pre;
        break;
      case 'MI':
      case 'PL':
      case 'SG':
        if (sign !== 'none') throw fail(`cannot use "S" and "${node.key}" together`);
        if (node.key !== 'PL') flags.add('minus');
        if (node.key !== 'MI') flags.add('plus');
        break;
      case 'PR':
        if (sign !== 'none' || flags.has('plus') || flags.has('minus'))
          throw fail('cannot use "PR" and "S"/"PL"/"MI"/"SG" together');
        flags.add('bracket');
        break;
      case 'RN':
      case 'rn':
        flags.add('roman');
        break;
      case 'V':
        if (flags.has('decimal')) throw fail('cannot use "V" and decimal point together');
        flags.add('multi');
        break;
      case 'EEEE':
        if (flags.has('sci')) throw fail('cannot use "EEEE" twice');
        if (
          ['blank', 'fill', 'bracket', 'minus', 'plus', 'roman', 'multi'].some((f) => flags.has(f as Flag)) ||
          sign !== 'none'
        )
          throw fail(
            '"EEEE" is incompatible with other formats',
            '"EEEE" may only be used together with digit and decimal point patterns.',
          );
        flags.add('sci');
        break;
      default:
        break;
    }
  }
  return { nodes, pre, post, multi, zeroStart, zeroEnd, sign, signAt, flags };
}

const patterns = new Map<string, Pattern>();

function patternOf(format: string): Pattern {
  let p = patterns.get(format);
  if (p === undefined) {
    p = prepare(format);
    if (patterns.size >= 200) patterns.clear();
    patterns.set(format, p);
  }
  return p;
}

const ROMAN: readonly [number, string][] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
];

function roman(n: number): string {
  if (!(n >= 1 && n <= 3999)) return '#'.repeat(15);
  let out = '';
  for (const [value, digits] of ROMAN)
    while (n >= value) {
      out += digits;
      n -= value;
    }
  return out;
}

/** st, nd, rd, th for a number's digits. */
export function ordinalSuffix(digits: string): string {
  const last = digits.at(-1);
  if (digits.at(-2) === '1') return 'th';
  return last === '1' ? 'st' : last === '2' ? 'nd' : last === '3' ? 'rd' : 'th';
}

/** Scientific form with `post` digits after the point, as numeric_out_sci. */
function scientific(v: Numeric, p: Pattern, carries: boolean): string {
  if ('special' in v) {
    const hashes = ` ${'#'.repeat(p.pre + p.post + 5)}`.split('');
    hashes[p.pre + 1] = '.';
    return hashes.join('');
  }
  const negative = v.unscaled < 0n;
  const digits = (negative ? -v.unscaled : v.unscaled).toString();
  let exponent = v.unscaled === 0n ? 0 : digits.length - 1 - v.scale;
  const magnitude = { unscaled: negative ? -v.unscaled : v.unscaled, scale: v.scale };
  const shifted = (e: number): { unscaled: bigint; scale: number } =>
    (e >= 0
      ? roundNumeric({ unscaled: magnitude.unscaled, scale: magnitude.scale + e }, p.post)
      : roundNumeric({ unscaled: magnitude.unscaled * pow10(-e), scale: magnitude.scale }, p.post)) as {
      unscaled: bigint;
      scale: number;
    };
  let m = shifted(exponent);
  // numeric_to_char leaves 10.00e+01 as it is; printf carries.
  if (carries && m.unscaled >= pow10(p.post + 1)) {
    exponent++;
    m = shifted(exponent);
  }
  const e = Math.abs(exponent);
  return `${negative ? '-' : ' '}${formatNumeric(m)}e${exponent < 0 ? '-' : '+'}${e < 10 ? '0' : ''}${e}`;
}

/** What the number was before it became a Numeric. */
export type NumberOrigin = {
  /** Not a numeric: scientific form carries as printf does. */
  readonly binary: boolean;
  /** Digits after the point that the type can show. */
  readonly postLimit?: number;
  /** The sign of a float survives rounding to zero. */
  readonly negative?: boolean;
};

/** to_char of a number. */
export function formatNumber(v: Numeric, format: string, origin: NumberOrigin = { binary: false }): string {
  const pattern = patternOf(format);
  const p = { ...pattern, post: Math.min(pattern.post, origin.postLimit ?? Infinity) };
  if (p.flags.has('roman')) {
    const whole = roundNumeric(v, 0);
    if ('special' in whole)
      throw new SqlError(
        '0A000',
        `cannot convert ${whole.special === 'NaN' ? 'NaN' : 'infinity'} to integer`,
      );
    const text = roman(Number(whole.unscaled));
    return walk(p, text, '+', 0);
  }
  if (p.flags.has('sci')) return scientific(v, p, origin.binary);
  const scaled = p.multi > 0 ? multiplyNumeric(v, { unscaled: pow10(p.multi), scale: 0 }) : v;
  const pre = p.pre + p.multi;
  const text = formatNumeric(roundNumeric(scaled, p.post));
  const signed = text.startsWith('-');
  const negative = signed || origin.negative === true;
  let number = signed ? text.slice(1) : text;
  const integerDigits = number.includes('.') ? number.indexOf('.') : number.length;
  let blanks = 0;
  if (integerDigits < pre) blanks = pre - integerDigits;
  else if (integerDigits > pre) number = `${'#'.repeat(pre)}.${'#'.repeat(p.post)}`;
  return walk({ ...p, pre }, number, negative ? '-' : '+', blanks);
}

function lastRelevant(number: string): number {
  const point = number.indexOf('.');
  if (point < 0) return -1;
  let last = point;
  for (let i = point + 1; i < number.length; i++) if (number[i] !== '0') last = i;
  return last;
}

/** NUM_processor for output: `number` is unsigned text, `blanks` the digit places it leaves empty on the left. */
function walk(p: Pattern, number: string, sign: '+' | '-', blanks: number): string {
  const has = (f: Flag): boolean => p.flags.has(f);
  const fill = has('fill');
  let bracket = has('bracket');
  let signKind = p.sign;
  let signWritten: boolean;
  if (has('plus') || has('minus')) signWritten = !(has('plus') && !has('minus'));
  else {
    if (sign !== '-' && fill) bracket = false;
    signWritten = sign === '+' && fill && signKind === 'none';
    if (signKind === 'before' && p.pre === p.signAt) signKind = 'after';
  }
  let count = p.post + p.pre - 1;
  let relevant = -1;
  if (fill && has('decimal')) {
    relevant = lastRelevant(number);
    if (relevant >= 0 && p.zeroEnd > blanks)
      relevant = Math.max(relevant, Math.min(number.length - 1, p.zeroEnd - blanks));
  }
  if (!signWritten && blanks === 0) count++;
  let out = '';
  let at = 0;
  let current = 0;
  let inNumber = false;

  const digit = (key: Key): void => {
    inNumber = false;
    const predecimal = (): boolean => !has('zero') && at === 0 && number[0] === '0' && p.post !== 0;
    if (
      !signWritten &&
      (current >= blanks || (has('zero') && p.zeroStart === current)) &&
      (!predecimal() || (relevant >= 0 && number[relevant] === '.'))
    ) {
      if (signKind !== 'none') {
        if (signKind === 'before') {
          out += sign;
          signWritten = true;
        }
      } else if (bracket) {
        out += sign === '+' ? ' ' : '<';
        signWritten = true;
      } else if (sign === '+') {
        if (!fill) out += ' ';
        signWritten = true;
      } else {
        out += '-';
        signWritten = true;
      }
    }
    if (current < blanks && (p.zeroStart > current || !has('zero'))) {
      if (!fill) out += ' ';
    } else if (has('zero') && current < blanks && p.zeroStart <= current) {
      out += '0';
      inNumber = true;
    } else {
      const c = number[at];
      if (c === '.') {
        if (relevant < 0 || number[relevant] !== '.' || fill) out += '.';
      } else if (relevant >= 0 && at > relevant && key !== '0') {
        // Trailing zeros that FM drops.
      } else if (predecimal()) {
        if (!fill) out += ' ';
        else if (relevant >= 0 && number[relevant] === '.') out += '0';
      } else if (c !== undefined) {
        out += c;
        inNumber = true;
      }
      if (c !== undefined) at++;
    }
    let end = count + (blanks !== 0 ? 1 : 0) + (has('decimal') ? 1 : 0);
    if (relevant >= 0 && relevant === at) end = current;
    if (current + 1 === end) {
      if (signWritten && bracket) out += sign === '+' ? ' ' : '>';
      else if (signKind === 'after') out += sign;
    }
    current++;
  };

  for (const node of p.nodes) {
    if (!('key' in node)) {
      out += node.literal;
      continue;
    }
    switch (node.key) {
      case '9':
      case '0':
      case '.':
      case 'D':
        if (!has('roman')) digit(node.key);
        break;
      case ',':
      case 'G':
        if (inNumber) out += ',';
        else if (!fill) out += ' ';
        break;
      case 'L':
        out += ' ';
        break;
      case 'RN':
      case 'rn': {
        const text = node.key === 'RN' ? number : number.toLowerCase();
        out += fill ? text : text.padStart(15);
        break;
      }
      case 'TH':
      case 'th':
        if (has('roman') || number.startsWith('#') || sign === '-' || has('decimal')) break;
        if (!/\d$/.test(number)) throw new SqlError('22P02', `"${number}" is not a number`);
        out += node.key === 'TH' ? ordinalSuffix(number).toUpperCase() : ordinalSuffix(number);
        break;
      case 'MI':
        if (sign === '-') out += '-';
        else if (!fill) out += ' ';
        break;
      case 'PL':
        if (sign === '+') out += '+';
        else if (!fill) out += ' ';
        break;
      case 'SG':
        out += sign;
        break;
      default:
        break;
    }
  }
  return out;
}

/** to_number: digits of `text` where the pattern has them; group separators and literals are skipped. */
export function parseNumber(text: string, format: string): Numeric {
  const p = patternOf(format);
  if (p.flags.has('sci')) throw new SqlError('0A000', '"EEEE" not supported for input');
  if (p.flags.has('roman')) throw new SqlError('0A000', '"RN" not supported for input');
  let at = 0;
  let negative = false;
  let digits = '';
  let seenPoint = false;
  const skipBlanks = (): void => {
    while (text[at] === ' ') at++;
  };
  const leadingSign = (): void => {
    if (digits !== '') return;
    skipBlanks();
    if (text[at] === '-' || (p.flags.has('bracket') && text[at] === '<')) {
      negative = true;
      at++;
    } else if (text[at] === '+') at++;
  };
  for (const node of p.nodes) {
    if (at >= text.length) break;
    if (!('key' in node)) {
      if (text[at] === node.literal || !/[0-9.,+-]/.test(text[at]!)) at++;
      continue;
    }
    switch (node.key) {
      case '9':
      case '0':
        leadingSign();
        if (/[0-9]/.test(text[at] ?? '')) digits += text[at++];
        else if (text[at] === '.' && !seenPoint && p.flags.has('decimal') === false) break;
        break;
      case '.':
      case 'D':
        leadingSign();
        if (text[at] === '.' && !seenPoint) {
          digits += '.';
          seenPoint = true;
          at++;
        }
        break;
      case ',':
      case 'G':
        if (text[at] === ',') at++;
        break;
      case 'S':
      case 'MI':
      case 'PL':
      case 'SG':
        skipBlanks();
        if (text[at] === '-') {
          negative = true;
          at++;
        } else if (text[at] === '+') at++;
        break;
      case 'PR':
        if (text[at] === '>') at++;
        break;
      case 'L':
        if (!/[0-9.]/.test(text[at]!)) at++;
        break;
      case 'TH':
      case 'th':
        at += 2;
        break;
      default:
        break;
    }
  }
  // A sign that stands after the digits: `12-`.
  if (p.sign === 'after' || p.sign === 'before') if (text[at] === '-') negative = true;
  if (digits === '' || digits === '.')
    throw new SqlError(
      '22P02',
      `invalid input syntax for type numeric: "${text.startsWith(' ') ? '' : ' '}"`,
    );
  const v = parseNumeric((negative ? '-' : '') + digits);
  if (p.multi > 0) {
    const shifted = {
      unscaled: (v as { unscaled: bigint }).unscaled,
      scale: (v as { scale: number }).scale + p.multi,
    };
    return shifted;
  }
  return v;
}
