/** Single-byte encodings that a client or a COPY file may use: their text to UTF-8 and back.
 *
 *  Owns: the names PostgreSQL knows them by, and the tables, which come from the platform's decoders where these
 *  agree with PostgreSQL's maps and are corrected where they do not. UTF8 and SQL_ASCII need no conversion: they have
 *  no `Charset`. Every encoding here has ASCII in its lower half. 22P05 for a character without equivalent.
 *  Source: PostgreSQL, chapter 24.3; src/backend/utils/mb/Unicode. */
import { SqlError } from './sql-error.js';

const NONE = 0xffff;

/** The upper half of an encoding: a label of the Encoding Standard, or its 128 characters (U+FFFF: none). */
type Source = { readonly label: string; readonly not?: readonly number[] } | { readonly upper: string };

const LATIN1_UPPER = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => 128 + i));
/** The label iso-8859-1 means windows-1252 to decoders, and iso-8859-9 windows-1254. */
const LATIN5_UPPER = replaceAt(LATIN1_UPPER, { 208: 'Ğ', 221: 'İ', 222: 'Ş', 240: 'ğ', 253: 'ı', 254: 'ş' });
/** Some decoders take the short way of Latin-1 here. */
const WIN1252_UPPER = `€\uffff‚ƒ„…†‡ˆ‰Š‹Œ\uffffŽ\uffff\uffff‘’“”•–—˜™š›œ\uffffžŸ${LATIN1_UPPER.slice(32)}`;

const SOURCES: Readonly<Record<string, Source>> = {
  LATIN1: { upper: LATIN1_UPPER },
  LATIN2: { label: 'iso-8859-2' },
  LATIN3: { label: 'iso-8859-3' },
  LATIN4: { label: 'iso-8859-4' },
  LATIN5: { upper: LATIN5_UPPER },
  LATIN6: { label: 'iso-8859-10' },
  LATIN7: { label: 'iso-8859-13' },
  LATIN8: { label: 'iso-8859-14' },
  LATIN9: { label: 'iso-8859-15' },
  ISO_8859_5: { label: 'iso-8859-5' },
  ISO_8859_6: { label: 'iso-8859-6' },
  ISO_8859_7: { label: 'iso-8859-7' },
  ISO_8859_8: { label: 'iso-8859-8' },
  KOI8R: { label: 'koi8-r' },
  KOI8U: { label: 'koi8-u' },
  WIN866: { label: 'ibm866' },
  WIN874: { label: 'windows-874', not: [0xdb, 0xdc, 0xdd, 0xde, 0xfc, 0xfd, 0xfe, 0xff] },
  WIN1250: { label: 'windows-1250' },
  WIN1251: { label: 'windows-1251' },
  WIN1252: { upper: WIN1252_UPPER },
  WIN1253: { label: 'windows-1253', not: [0xaa] },
  WIN1254: { label: 'windows-1254' },
  WIN1255: { label: 'windows-1255' },
  WIN1256: { label: 'windows-1256' },
  WIN1257: { label: 'windows-1257' },
  WIN1258: { label: 'windows-1258' },
};

/** PostgreSQL's other spellings, without case and punctuation. */
const ALIASES: Readonly<Record<string, string>> = {
  unicode: 'UTF8',
  abc: 'WIN1258',
  alt: 'WIN866',
  koi8: 'KOI8R',
  tcvn: 'WIN1258',
  tcvn5712: 'WIN1258',
  vscii: 'WIN1258',
  win: 'WIN1251',
  ...Object.fromEntries(
    [1, 2, 3, 4, 9, 10, 13, 14, 15].map((part, i) => [`iso8859${part}`, `LATIN${i + 1}`] as const),
  ),
  ...Object.fromEntries(
    [866, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map(
      (page) => [`windows${page}`, `WIN${page}`] as const,
    ),
  ),
};

/** Encodings that PostgreSQL has and this server has not. */
const MISSING = new Set(
  ['big5', 'euccn', 'eucjis2004', 'eucjp', 'euckr', 'euctw', 'gb18030', 'gbk', 'iso885916', 'johab'].concat(
    ['latin10', 'mskanji', 'muleinternal', 'shiftjis', 'shiftjis2004', 'sjis', 'uhc', 'win932', 'win936'],
    ['win949', 'win950', 'windows932', 'windows936', 'windows949', 'windows950'],
  ),
);

const CANONICAL = new Map(
  ['UTF8', 'SQL_ASCII', ...Object.keys(SOURCES)].map((name) => [plainName(name), name] as const),
);

function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** PostgreSQL's name of the encoding; `missing` for one that only PostgreSQL has, undefined for no encoding at all. */
export function encodingName(text: string): { readonly name: string } | 'missing' | undefined {
  const plain = plainName(text);
  const name = CANONICAL.get(plain) ?? ALIASES[plain];
  if (name !== undefined) return { name };
  return MISSING.has(plain) ? 'missing' : undefined;
}

export class Charset {
  readonly name: string;
  private readonly toUnicode: Uint16Array;
  private readonly fromUnicode: ReadonlyMap<number, number>;

  constructor(name: string, toUnicode: Uint16Array) {
    this.name = name;
    this.toUnicode = toUnicode;
    this.fromUnicode = new Map(
      [...toUnicode].map((c, byte) => [c, byte] as const).filter(([c]) => c !== NONE),
    );
  }

  decode(bytes: Uint8Array): string {
    const { toUnicode } = this;
    const units = new Uint16Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      const c = toUnicode[bytes[i]];
      if (c === NONE) throw noEquivalent(bytes.subarray(i, i + 1), this.name, 'UTF8');
      units[i] = c;
    }
    return Buffer.from(units.buffer).toString('utf16le');
  }

  /** The same text in UTF-8; the bytes themselves when they are ASCII. */
  toUtf8(bytes: Buffer): Buffer {
    return isAscii(bytes, 0, bytes.length) ? bytes : Buffer.from(this.decode(bytes), 'utf8');
  }

  /** Converts the valid UTF-8 in `bytes[from, to)` in place; where it ends then. What has no equivalent becomes
   *  `substitute`, or is 22P05. */
  encodeInPlace(bytes: Uint8Array, from: number, to: number, substitute?: number): number {
    if (isAscii(bytes, from, to)) return to;
    let out = from;
    for (let i = from; i < to; ) {
      const lead = bytes[i];
      const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      const byte = this.fromUnicode.get(codePoint(bytes, i, length)) ?? substitute;
      if (byte === undefined) throw noEquivalent(bytes.subarray(i, i + length), 'UTF8', this.name);
      bytes[out++] = byte;
      i += length;
    }
    return out;
  }
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  const lead = bytes[at];
  if (length === 1) return lead;
  let c = lead & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) c = (c << 6) | (bytes[at + i] & 0x3f);
  return c;
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] >= 0x80) return false;
  return true;
}

function noEquivalent(sequence: Uint8Array, from: string, to: string): SqlError {
  const shown = [...sequence].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(' ');
  return new SqlError(
    '22P05',
    `character with byte sequence ${shown} in encoding "${from}" has no equivalent in encoding "${to}"`,
  );
}

const made = new Map<string, Charset>();

/** By PostgreSQL's name; undefined for UTF8 and SQL_ASCII, whose bytes stay as they are. */
export function charsetNamed(name: string): Charset | undefined {
  const known = made.get(name);
  if (known !== undefined) return known;
  const source = SOURCES[name];
  if (source === undefined) return undefined;
  const table = new Uint16Array(256);
  for (let b = 0; b < 128; b++) table[b] = b;
  const decoder = 'label' in source ? new TextDecoder(source.label, { fatal: true }) : undefined;
  for (let b = 128; b < 256; b++) {
    if ('upper' in source) table[b] = source.upper.charCodeAt(b - 128);
    else table[b] = source.not?.includes(b) === true ? NONE : decoded(decoder!, b, source.label);
  }
  const charset = new Charset(name, table);
  made.set(name, charset);
  return charset;
}

function decoded(decoder: { decode(bytes: Uint8Array): string }, byte: number, label: string): number {
  try {
    const c = decoder.decode(Uint8Array.of(byte)).charCodeAt(0);
    // Web browsers take the holes of Windows' code pages for control characters.
    return label.startsWith('windows-') && c < 0xa0 ? NONE : c;
  } catch {
    return NONE;
  }
}

function replaceAt(text: string, characters: Readonly<Record<number, string>>): string {
  return [...text].map((c) => characters[c.charCodeAt(0)] ?? c).join('');
}
