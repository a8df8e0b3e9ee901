/** String and bytea functions.
 *
 *  Positions and lengths count characters (code points), not UTF-16 units; text that has none outside the basic plane
 *  takes the short way. Source: PostgreSQL, chapter 9.4 and 9.5; oracle_compat.c, varlena.c, format.c. */
import { createHash } from 'node:crypto';
import { trimBlanks } from '../compare.js';
import { numericToBigInt } from '../numeric.js';
import { SqlError } from '../sql-error.js';
import { BOOL, INT4, type SqlType, TEXT } from '../sql-type.js';
import { characterLength, characterOffset, formatText, parseText, quoteIdentifier } from '../text-io.js';
import type { Numeric, Value } from '../value.js';
import { castText } from './casts.js';
import { big, define, num, str, textFunction, UNBOUNDED } from './define.js';
import type { FunctionContext, FunctionDef } from './registry-types.js';

const BYTEA: SqlType = { kind: 'bytea' };
const encoder = new TextEncoder();

function utf8Length(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x80) n++;
    else if (c < 0x800) n += 2;
    else if (c >= 0xd800 && c < 0xdc00) {
      n += 4;
      i++;
    } else n += 3;
  }
  return n;
}

const ASCII_ONLY = /^[\0-\x7f]*$/;

function normalize(text: string, form: string): string {
  const name = form.toUpperCase();
  if (name !== 'NFC' && name !== 'NFD' && name !== 'NFKC' && name !== 'NFKD')
    throw new SqlError('22023', `invalid normalization form: ${form}`);
  return text.normalize(name);
}

/** One code point at a time, so that no mapping changes the length (as towupper). */
function mapCase(text: string, map: (c: string) => string): string {
  if (ASCII_ONLY.test(text)) return map(text);
  let out = '';
  for (const c of text) {
    const mapped = map(c);
    out += [...mapped].length === 1 ? mapped : c;
  }
  return out;
}

export const lower = (s: string): string => mapCase(s, (c) => c.toLowerCase());
export const upper = (s: string): string => mapCase(s, (c) => c.toUpperCase());

export function initcap(text: string): string {
  let out = '';
  let inWord = false;
  for (const c of text) {
    out += inWord ? lower(c) : upper(c);
    inWord = /[\p{L}\p{N}]/u.test(c);
  }
  return out;
}

/** Characters [from, to) counted from 0; bounds may lie outside. */
function slice(text: string, from: number, to: number): string {
  const start = Math.max(0, from);
  if (to <= start) return '';
  const a = characterOffset(text, start);
  return text.slice(a, a + characterOffset(text.slice(a), to - start));
}

function substring(text: string, start: number, length: number | undefined): string {
  if (length === undefined) return slice(text, start - 1, Infinity);
  if (length < 0) throw new SqlError('22011', 'negative substring length not allowed');
  return slice(text, start - 1, start - 1 + length);
}

function substringBytes(bytes: Uint8Array, start: number, length: number | undefined): Uint8Array {
  if (length !== undefined && length < 0)
    throw new SqlError('22011', 'negative substring length not allowed');
  const end = length === undefined ? bytes.length : Math.max(0, start - 1 + length);
  return bytes.slice(Math.max(0, start - 1), end);
}

function position(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? 0 : characterLength(text.slice(0, at)) + 1;
}

function left(text: string, n: number): string {
  return n >= 0 ? slice(text, 0, n) : slice(text, 0, characterLength(text) + n);
}

function right(text: string, n: number): string {
  const length = characterLength(text);
  return n >= 0 ? slice(text, length - n, length) : slice(text, -n, length);
}

function pad(text: string, length: number, fill: string, atLeft: boolean): string {
  if (length <= 0) return '';
  const have = characterLength(text);
  if (have >= length) return slice(text, 0, length);
  if (fill === '') return text;
  if (length > 268435455) throw new SqlError('54000', 'requested length too large');
  const fillChars = [...fill];
  const missing = length - have;
  const whole = fill.repeat(Math.floor(missing / fillChars.length));
  const padding = whole + fillChars.slice(0, missing % fillChars.length).join('');
  return atLeft ? padding + text : text + padding;
}

function trim(text: string, set: string, atLeft: boolean, atRight: boolean): string {
  const chars = [...text];
  const members = new Set(set);
  let from = 0;
  let to = chars.length;
  if (atLeft) while (from < to && members.has(chars[from]!)) from++;
  if (atRight) while (to > from && members.has(chars[to - 1]!)) to--;
  return chars.slice(from, to).join('');
}

function trimBytes(bytes: Uint8Array, set: Uint8Array, atLeft: boolean, atRight: boolean): Uint8Array {
  let from = 0;
  let to = bytes.length;
  if (atLeft) while (from < to && set.includes(bytes[from]!)) from++;
  if (atRight) while (to > from && set.includes(bytes[to - 1]!)) to--;
  return bytes.slice(from, to);
}

function translate(text: string, from: string, to: string): string {
  const source = [...from];
  const target = [...to];
  const map = new Map<string, string>();
  source.forEach((c, i) => {
    if (!map.has(c)) map.set(c, target[i] ?? '');
  });
  let out = '';
  for (const c of text) out += map.get(c) ?? c;
  return out;
}

function repeat(text: string, n: number): string {
  if (n <= 0) return '';
  if (text.length * n > 268435455) throw new SqlError('54000', 'requested length too large');
  return text.repeat(n);
}

function splitPart(text: string, delimiter: string, n: number): string {
  if (n === 0) throw new SqlError('22023', 'field position must not be zero');
  if (delimiter === '') return n === 1 || n === -1 ? text : '';
  const parts = text.split(delimiter);
  return parts.at(n > 0 ? n - 1 : n) ?? '';
}

function overlay(text: string, replacement: string, start: number, length: number): string {
  if (start <= 0) throw new SqlError('22011', 'negative substring length not allowed');
  return slice(text, 0, start - 1) + replacement + slice(text, start - 1 + length, Infinity);
}

function ascii(text: string): number {
  return text.codePointAt(0) ?? 0;
}

function chr(code: number): string {
  if (code === 0) throw new SqlError('54000', 'null character not permitted');
  if (code >= 0xd800 && code <= 0xdfff)
    throw new SqlError('54000', `requested character not valid for encoding: ${code}`);
  if (code < 0) throw new SqlError('22023', 'character number must be positive');
  if (code > 0x10ffff) throw new SqlError('54000', `requested character too large for encoding: ${code}`);
  return String.fromCodePoint(code);
}

export function quoteLiteral(text: string): string {
  const quoted = `'${text.replace(/['\\]/g, '$&$&')}'`;
  return text.includes('\\') ? ` E${quoted}`.trimStart() : quoted;
}

const RESERVED = new Set(
  (
    'all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast ' +
    'char character check coalesce collate collation column concurrently constraint create cross current_catalog ' +
    'current_date current_role current_schema current_time current_timestamp current_user dec decimal default ' +
    'deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant ' +
    'greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull join ' +
    'lateral leading least left like limit localtime localtimestamp national natural nchar none normalize not notnull ' +
    'null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary real ' +
    'references returning right row select session_user setof similar smallint some substring symmetric table ' +
    'tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic ' +
    'verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse ' +
    'xmlpi xmlroot xmlserialize xmltable'
  ).split(' '),
);

export function quoteIdent(name: string): string {
  return RESERVED.has(name) ? `"${name}"` : quoteIdentifier(name);
}

/** The output function's text, as concat and format use it: booleans are t and f. */
function outputText(type: SqlType, v: Value, ctx: FunctionContext): string {
  return formatText(type, v, ctx);
}

/** format(): %s %I %L with position, `-` flag and width. */
function formatString(args: readonly Value[], ctx: FunctionContext, types: readonly SqlType[]): Value {
  if (args[0] === null) return null;
  const text = str(args[0]);
  let next = 1;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') {
      out += text[i];
      continue;
    }
    i++;
    if (text[i] === '%') {
      out += '%';
      continue;
    }
    const m = /^(?:(\d+)\$)?(-)?(?:\*(?:(\d+)\$)?|(\d+))?([\s\S])?/.exec(text.slice(i))!;
    i += m[0].length - 1;
    if (m[5] === undefined)
      throw new SqlError('22023', 'unterminated format() type specifier', {
        hint: 'For a single "%" use "%%".',
      });
    const take = (place: string | undefined): number => {
      const at = place === undefined ? next++ : Number(place);
      if (at === 0)
        throw new SqlError('22023', 'format specifies argument 0, but arguments are numbered from 1');
      if (at >= args.length) throw new SqlError('22023', 'too few arguments for format()');
      if (place !== undefined) next = at + 1;
      return at;
    };
    let width = m[4] === undefined ? 0 : Number(m[4]);
    let flushLeft = m[2] !== undefined;
    if (m[0].includes('*')) {
      const at = take(m[3]);
      const w = args[at]!;
      width = w === null ? 0 : Number(parseText(INT4, outputText(types[at]!, w, ctx)));
      if (width < 0) {
        width = -width;
        flushLeft = true;
      }
    }
    const conversion = m[5];
    if (!'sIL'.includes(conversion))
      throw new SqlError('22023', `unrecognized format() type specifier "${conversion}"`, {
        hint: 'For a single "%" use "%%".',
      });
    const at = take(m[1]);
    const v = args[at]!;
    let piece: string;
    if (v === null) {
      if (conversion === 'I')
        throw new SqlError('22004', 'null values cannot be formatted as an SQL identifier');
      piece = conversion === 'L' ? 'NULL' : '';
    } else {
      const raw = outputText(types[at]!, v, ctx);
      piece = conversion === 's' ? raw : conversion === 'I' ? quoteIdent(raw) : quoteLiteral(raw);
    }
    out += pad(piece, Math.max(width, characterLength(piece)), ' ', !flushLeft);
  }
  return out;
}

function concatWs(args: readonly Value[], ctx: FunctionContext, types: readonly SqlType[]): Value {
  if (args[0] === null) return null;
  const parts: string[] = [];
  for (let i = 1; i < args.length; i++)
    if (args[i] !== null) parts.push(outputText(types[i]!, args[i]!, ctx));
  return parts.join(str(args[0]));
}

function encode(bytes: Uint8Array, format: string): string {
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format.toLowerCase()) {
    case 'hex':
      return b.toString('hex');
    case 'base64':
      return b.toString('base64').replace(/.{76}(?=.)/g, '$&\n');
    case 'escape': {
      let out = '';
      for (const c of bytes) {
        if (c === 0 || c >= 128) out += `\\${c.toString(8).padStart(3, '0')}`;
        else out += c === 92 ? '\\\\' : String.fromCharCode(c);
      }
      return out;
    }
    default:
      throw new SqlError('22023', `unrecognized encoding: "${format}"`);
  }
}

function decode(text: string, format: string): Uint8Array {
  switch (format.toLowerCase()) {
    case 'hex': {
      const digits = text.replace(/[ \n\t\r]/g, '');
      const wrong = /[^0-9a-fA-F]/u.exec(digits);
      if (wrong !== null) throw new SqlError('22023', `invalid hexadecimal digit: "${wrong[0]}"`);
      if (digits.length % 2 === 1)
        throw new SqlError('22023', 'invalid hexadecimal data: odd number of digits');
      return new Uint8Array(Buffer.from(digits, 'hex'));
    }
    case 'base64': {
      const digits = text.replace(/[ \n\t\r]/g, '');
      const wrong = /[^A-Za-z0-9+/=]/u.exec(digits);
      if (wrong !== null)
        throw new SqlError('22023', `invalid symbol "${wrong[0]}" found while decoding base64 sequence`);
      if (digits.length % 4 !== 0)
        throw new SqlError('22023', 'invalid base64 end sequence', {
          hint: 'Input data is missing padding, is truncated, or is otherwise corrupted.',
        });
      return new Uint8Array(Buffer.from(digits, 'base64'));
    }
    case 'escape': {
      const out: number[] = [];
      const input = encoder.encode(text);
      for (let i = 0; i < input.length; i++) {
        if (input[i] !== 92) out.push(input[i]!);
        else if (input[i + 1] === 92) {
          out.push(92);
          i++;
        } else {
          const octal = String.fromCharCode(...input.subarray(i + 1, i + 4));
          if (!/^[0-3][0-7]{2}$/.test(octal))
            throw new SqlError('22P02', 'invalid input syntax for type bytea');
          out.push(Number.parseInt(octal, 8));
          i += 3;
        }
      }
      return Uint8Array.from(out);
    }
    default:
      throw new SqlError('22023', `unrecognized encoding: "${format}"`);
  }
}

function concatBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

const bytes = (v: Value | undefined): Uint8Array => v as Uint8Array;
const stable = { volatility: 'stable' } as const;
const scalarOnly = { volatility: 'stable', anyIsScalar: true } as const;
const nonStrict = { strict: false, volatility: 'stable' } as const;

function trims(): FunctionDef[] {
  const sides = [
    ['btrim', true, true],
    ['ltrim', true, false],
    ['rtrim', false, true],
  ] as const;
  return sides.flatMap(([name, atLeft, atRight]) => [
    define(name, 'text', TEXT, (a) => trim(str(a[0]), ' ', atLeft, atRight)),
    define(name, 'text text', TEXT, (a) => trim(str(a[0]), str(a[1]), atLeft, atRight)),
    define(name, 'bytea bytea', BYTEA, (a) => trimBytes(bytes(a[0]), bytes(a[1]), atLeft, atRight)),
  ]);
}

const lengthBounds = { range: () => ({ min: 0n, max: 1n << 30n }) };

export const stringFunctions: readonly FunctionDef[] = [
  define('||', 'text text', TEXT, (a) => str(a[0]) + str(a[1])),
  define('||', 'text any', TEXT, (a, ctx, t) => str(a[0]) + castText(t[1]!, a[1]!, ctx), scalarOnly),
  define('||', 'any text', TEXT, (a, ctx, t) => castText(t[0]!, a[0]!, ctx) + str(a[1]), scalarOnly),
  define('||', 'bytea bytea', BYTEA, (a) => concatBytes(bytes(a[0]), bytes(a[1]))),
  define(
    'concat',
    'any',
    TEXT,
    (a, ctx, t) => a.map((v, i) => (v === null ? '' : outputText(t[i]!, v, ctx))).join(''),
    {
      ...nonStrict,
      variadic: true,
    },
  ),
  define('concat_ws', 'text any', TEXT, concatWs, { ...nonStrict, variadic: true }),
  define('format', 'text', TEXT, formatString, { ...nonStrict, ...UNBOUNDED }),
  define('format', 'text any', TEXT, formatString, { ...nonStrict, ...UNBOUNDED, variadic: true }),
  ...['length', 'char_length', 'character_length'].flatMap((n) => [
    define(n, 'text', INT4, (a) => characterLength(str(a[0])), lengthBounds),
    define(n, 'bpchar', INT4, (a) => characterLength(trimBlanks(str(a[0]))), lengthBounds),
  ]),
  define('length', 'bytea', INT4, (a) => bytes(a[0]).length, lengthBounds),
  define('octet_length', 'text', INT4, (a) => utf8Length(str(a[0])), lengthBounds),
  define('octet_length', 'bpchar', INT4, (a) => utf8Length(str(a[0])), lengthBounds),
  define('octet_length', 'bytea', INT4, (a) => bytes(a[0]).length, lengthBounds),
  define('bit_length', 'text', INT4, (a) => utf8Length(str(a[0])) * 8),
  define('bit_length', 'bytea', INT4, (a) => bytes(a[0]).length * 8),
  textFunction('lower', lower),
  textFunction('upper', upper),
  textFunction('initcap', initcap),
  textFunction('normalize', (s) => s.normalize('NFC')),
  define('normalize', 'text text', TEXT, (a) => normalize(str(a[0]), str(a[1]))),
  ...['substring', 'substr'].flatMap((n) => [
    define(n, 'text int4', TEXT, (a) => substring(str(a[0]), num(a[1]), undefined)),
    define(n, 'text int4 int4', TEXT, (a) => substring(str(a[0]), num(a[1]), num(a[2]))),
    define(n, 'bytea int4', BYTEA, (a) => substringBytes(bytes(a[0]), num(a[1]), undefined)),
    define(n, 'bytea int4 int4', BYTEA, (a) => substringBytes(bytes(a[0]), num(a[1]), num(a[2]))),
  ]),
  ...['position', 'strpos'].map((n) =>
    define(n, 'text text', INT4, (a) => position(str(a[0]), str(a[1])), lengthBounds),
  ),
  define('position', 'bytea bytea', INT4, (a) => Buffer.from(bytes(a[0])).indexOf(bytes(a[1])) + 1),
  define('left', 'text int4', TEXT, (a) => left(str(a[0]), num(a[1]))),
  define('right', 'text int4', TEXT, (a) => right(str(a[0]), num(a[1]))),
  define('lpad', 'text int4', TEXT, (a) => pad(str(a[0]), num(a[1]), ' ', true), UNBOUNDED),
  define('lpad', 'text int4 text', TEXT, (a) => pad(str(a[0]), num(a[1]), str(a[2]), true), UNBOUNDED),
  define('rpad', 'text int4', TEXT, (a) => pad(str(a[0]), num(a[1]), ' ', false), UNBOUNDED),
  define('rpad', 'text int4 text', TEXT, (a) => pad(str(a[0]), num(a[1]), str(a[2]), false), UNBOUNDED),
  ...trims(),
  define(
    'replace',
    'text text text',
    TEXT,
    (a) => (str(a[1]) === '' ? a[0]! : str(a[0]).replaceAll(str(a[1]), () => str(a[2]))),
    UNBOUNDED,
  ),
  define('translate', 'text text text', TEXT, (a) => translate(str(a[0]), str(a[1]), str(a[2]))),
  define('repeat', 'text int4', TEXT, (a) => repeat(str(a[0]), num(a[1])), UNBOUNDED),
  textFunction('reverse', (s) => [...s].reverse().join('')),
  define('split_part', 'text text int4', TEXT, (a) => splitPart(str(a[0]), str(a[1]), num(a[2]))),
  define('starts_with', 'text text', BOOL, (a) => str(a[0]).startsWith(str(a[1]))),
  define('^@', 'text text', BOOL, (a) => str(a[0]).startsWith(str(a[1]))),
  define('overlay', 'text text int4', TEXT, (a) =>
    overlay(str(a[0]), str(a[1]), num(a[2]), characterLength(str(a[1]))),
  ),
  define('overlay', 'text text int4 int4', TEXT, (a) => overlay(str(a[0]), str(a[1]), num(a[2]), num(a[3]))),
  define('ascii', 'text', INT4, (a) => ascii(str(a[0]))),
  define('chr', 'int4', TEXT, (a) => chr(num(a[0]))),
  define('to_hex', 'int4', TEXT, (a) => (num(a[0]) >>> 0).toString(16)),
  define('to_hex', 'int8', TEXT, (a) => BigInt.asUintN(64, big(a[0])).toString(16)),
  define('md5', 'text', TEXT, (a) => createHash('md5').update(str(a[0])).digest('hex')),
  define('md5', 'bytea', TEXT, (a) => createHash('md5').update(bytes(a[0])).digest('hex')),
  ...['sha224', 'sha256', 'sha384', 'sha512'].map((n) =>
    define(n, 'bytea', BYTEA, (a) => new Uint8Array(createHash(n).update(bytes(a[0])).digest())),
  ),
  textFunction('quote_ident', quoteIdent),
  textFunction('quote_literal', quoteLiteral),
  define('quote_literal', 'any', TEXT, (a, ctx, t) => quoteLiteral(castText(t[0]!, a[0]!, ctx)), stable),
  define(
    'quote_nullable',
    'any',
    TEXT,
    (a, ctx, t) => (a[0] === null ? 'NULL' : quoteLiteral(castText(t[0]!, a[0]!, ctx))),
    nonStrict,
  ),
  define('encode', 'bytea text', TEXT, (a) => encode(bytes(a[0]), str(a[1]))),
  define('decode', 'text text', BYTEA, (a) => decode(str(a[0]), str(a[1]))),
  define('convert_to', 'text name', BYTEA, (a) => encoder.encode(str(a[0]))),
  define('convert_from', 'bytea name', TEXT, (a) => new TextDecoder().decode(bytes(a[0]))),
  define('get_byte', 'bytea int4', INT4, (a) => {
    const b = bytes(a[0]);
    const i = num(a[1]);
    if (i < 0 || i >= b.length)
      throw new SqlError('2202E', `index ${i} out of valid range, 0..${b.length - 1}`);
    return b[i]!;
  }),
  define('pg_size_pretty', 'int8', TEXT, (a) => sizePretty(big(a[0]))),
  define('pg_size_pretty', 'numeric', TEXT, (a) => sizePretty(numericToBigInt(a[0] as Numeric) ?? 0n)),
];

/** Units change at 10240, halves round up, as PostgreSQL prints sizes. */
function sizePretty(size: bigint): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const negative = size < 0n;
  let v = negative ? -size : size;
  if (v < 10240n) return `${size} bytes`;
  let unit = 1;
  v >>= 9n;
  while (v >= 20480n - 1n && unit < 5) {
    v >>= 10n;
    unit++;
  }
  const rounded = (v + 1n) >> 1n;
  return `${negative ? '-' : ''}${rounded} ${units[unit]}`;
}
