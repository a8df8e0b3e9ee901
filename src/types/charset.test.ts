import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { charsetNamed, encodingName } from './charset.js';
import { SqlError } from './sql-error.js';

/** Of each encoding, a digest of the characters 1 to 255, - where there is none, as PostgreSQL 15's convert_from gives them. */
const RECORDED = {
  LATIN1: 'c7226348e8e56d29',
  LATIN2: '27010d20ba12ec33',
  LATIN3: '89d03efc040c0c84',
  LATIN4: 'f1968a88f2ba3913',
  LATIN5: 'c3a53e3ee8c7149b',
  LATIN6: 'fbfbf7142a109a92',
  LATIN7: '32ef103298c5caee',
  LATIN8: 'd9eee1456745f336',
  LATIN9: 'cba9c476a12fa88e',
  ISO_8859_5: '331178fcc8bfd3c6',
  ISO_8859_6: '8e676af24c68848d',
  ISO_8859_7: 'f6d1a3eba93ccde4',
  ISO_8859_8: '0668cf9e171c0adc',
  KOI8R: '51887d0986284567',
  KOI8U: '72d47bec104e8083',
  WIN866: 'de96fc62e240d48b',
  WIN874: 'aded5aa9a1e2e7a5',
  WIN1250: 'de127bdb270c7330',
  WIN1251: 'd974f8ef3436d254',
  WIN1252: 'bbd18f40e8386533',
  WIN1253: '7dcd5cd1ba8da8a8',
  WIN1254: '383eac42926c3ac6',
  WIN1255: '4c22752af777fa2e',
  WIN1256: '981692c7c3b9fb4d',
  WIN1257: '7483bd452abae8fa',
  WIN1258: 'd56afd453b8086e4',
};

describe('encodings of clients', () => {
  it.each(Object.entries(RECORDED))('%s has the characters that it has in PostgreSQL', (name, digest) => {
    const charset = charsetNamed(name)!;
    const characters = Array.from({ length: 255 }, (_, i) => {
      try {
        return charset.decode(Uint8Array.of(i + 1));
      } catch (e) {
        expect(e).toMatchObject({ code: '22P05' });
        return '-';
      }
    });
    expect(createHash('sha256').update(characters.join('')).digest('hex').slice(0, 16)).toBe(digest);
    for (const [i, c] of characters.entries()) {
      if (c === '-' && i + 1 !== 45) continue;
      const bytes = Buffer.from(c);
      expect(charset.encodeInPlace(bytes, 0, bytes.length)).toBe(1);
      expect(bytes[0]).toBe(i + 1);
    }
  });

  it('converts both ways, and says what it cannot', () => {
    const latin1 = charsetNamed('LATIN1')!;
    expect(latin1.toUtf8(Buffer.from('63 61 66 e9'.replaceAll(' ', ''), 'hex')).toString()).toBe('café');
    const bytes = Buffer.from('«é€»');
    expect(() => latin1.encodeInPlace(bytes, 0, bytes.length)).toThrow(
      new SqlError(
        '22P05',
        'character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"',
      ),
    );
    const more = Buffer.from('«😀€»');
    expect(more.toString('latin1', 0, latin1.encodeInPlace(more, 0, more.length, 63))).toBe('«??»');
    expect(() => charsetNamed('WIN1252')!.decode(Uint8Array.of(0x81))).toThrow(
      'character with byte sequence 0x81 in encoding "WIN1252" has no equivalent in encoding "UTF8"',
    );
  });

  it.each([
    ['utf-8', 'UTF8'],
    ['Unicode', 'UTF8'],
    ['iso-8859-1', 'LATIN1'],
    ['ISO88592', 'LATIN2'],
    ['iso885910', 'LATIN6'],
    ['windows1252', 'WIN1252'],
    ['win', 'WIN1251'],
    ['koi8', 'KOI8R'],
    ['alt', 'WIN866'],
    ['tcvn', 'WIN1258'],
    ['sql_ascii', 'SQL_ASCII'],
  ])('%s is %s', (given, name) => expect(encodingName(given)).toEqual({ name }));

  it('knows which encodings it lacks', () => {
    expect(encodingName('EUC_JP')).toBe('missing');
    expect(encodingName('cp1252')).toBeUndefined();
  });
});
