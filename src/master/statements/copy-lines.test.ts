import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCopyRow } from '../../types/copy-format.js';
import { type CopyOptions, CSV_COPY, TEXT_COPY } from '../../types/copy-options.js';
import { SqlError } from '../../types/sql-error.js';
import type { CopyLines } from '../dispatch/api.js';
import { checkHeader } from './copy-header.js';
import { CopyLineSplitter } from './copy-lines.js';

function split(pieces: readonly Buffer[], options: CopyOptions): { blocks: CopyLines[]; text: string } {
  const s = new CopyLineSplitter(options);
  const blocks: CopyLines[] = [];
  for (const p of pieces) {
    const b = s.push(p);
    if (b !== undefined) blocks.push(b);
  }
  const last = s.finish();
  if (last !== undefined) blocks.push(last);
  return { blocks, text: Buffer.concat(blocks.map((b) => b.bytes)).toString('utf8') };
}

function cut(text: string, at: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const points = [...new Set(at.map((n) => n % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...points, bytes.length].map((end, i) => bytes.subarray(points[i - 1] ?? 0, end));
}

describe('HEADER MATCH', () => {
  const seen = (input: string, options: CopyOptions, names: readonly string[]): string => {
    const s = new CopyLineSplitter(options, (line) => checkHeader(line, options, 't', names));
    try {
      s.push(Buffer.from(input));
      return Buffer.from(s.finish()?.bytes ?? []).toString();
    } catch (e) {
      if (e instanceof SqlError) return `${e.code} ${e.message} | ${e.where}`;
      throw e;
    }
  };
  const csv: CopyOptions = { ...CSV_COPY, header: 'match' };
  const text: CopyOptions = { ...TEXT_COPY, header: 'match' };

  it('takes the names of the columns in their order', () => {
    expect(seen('a,"C d"\n1,2\n', csv, ['a', 'C d'])).toBe('1,2\n');
    expect(seen('a,C d\r\n1,2\r\n', csv, ['a', 'C d'])).toBe('1,2\r\n');
    expect(seen('a\tC\\x20d\n1\t2\n', text, ['a', 'C d'])).toBe('1\t2\n');
    expect(seen('a\\\tb\tc\n', text, ['a\tb', 'c'])).toBe('');
    expect(seen("'it''s',b\n", { ...csv, quote: "'", escape: "'" }, ["it's", 'b'])).toBe('');
    expect(seen("'it\\'s',b\n", { ...csv, quote: "'", escape: '\\' }, ["it's", 'b'])).toBe('');
  });

  it('words what differs as PostgreSQL does', () => {
    expect(seen('a,c d\n', csv, ['a', 'C d'])).toBe(
      '22P04 column name mismatch in header line field 2: got "c d", expected "C d" | COPY t, line 1: "a,c d"',
    );
    expect(seen('a,\n', csv, ['a', 'b'])).toBe(
      '22P04 column name mismatch in header line field 2: got null value (""), expected "b" | COPY t, line 1: "a,"',
    );
    expect(seen('a,""\n', csv, ['a', 'b'])).toMatch(/field 2: got "", expected "b"/);
    expect(seen('a\t\\N\n', text, ['a', 'b'])).toMatch(/field 2: got null value \("\\N"\), expected "b"/);
    expect(seen('a,b,c\n', csv, ['a', 'b'])).toBe(
      '22P04 wrong number of fields in header line: got 3, expected 2 | COPY t, line 1: "a,b,c"',
    );
    for (const nothing of ['', '\n', '\\.\n'])
      expect(seen(nothing, text, ['a', 'b'])).toBe(
        '22P04 wrong number of fields in header line: got 1, expected 2 | COPY t, line 1: ""',
      );
    expect(seen('a,"b\nc"\n', csv, ['a', 'b'])).toMatch(/\| COPY t, line 1: /);
  });
});

describe('CopyLineSplitter', () => {
  it('drops the header, stops at the end mark, counts physical lines', () => {
    expect(split([Buffer.from('h\n1\n2\n\\.\n3\n')], { ...TEXT_COPY, header: true })).toEqual({
      blocks: [{ bytes: Buffer.from('1\n2\n'), firstLine: 2 }],
      text: '1\n2\n',
    });
    expect(split([Buffer.from('"a\nb",c\n1,2\n')], { ...CSV_COPY, header: true }).blocks).toEqual([
      { bytes: Buffer.from('1,2\n'), firstLine: 2 },
    ]);
    expect(split([Buffer.from('a\\.\n"x\n\\.\ny"\n')], CSV_COPY).text).toBe('a\\.\n"x\n\\.\ny"\n');
    expect(split([Buffer.from('1\r\n\\.\r\n2\r\n')], TEXT_COPY).text).toBe('1\r\n');
    expect(split([], TEXT_COPY).blocks).toEqual([]);
    expect(split([Buffer.from('\\.\n1\n')], { ...TEXT_COPY, header: true }).text).toBe('');
    // A newline inside of the first record is not counted, as in PostgreSQL; later ones are.
    expect(split([Buffer.from('"a\nb"\n"c\nd"\n')], CSV_COPY).blocks[0]?.firstLine).toBe(0);
  });

  it('loses nothing, however the input is cut, and cuts at line ends only', () => {
    const value = fc.option(
      fc.oneof(
        fc.string({ maxLength: 6 }),
        fc.constantFrom('\n', '\\', '"', 'x\ny', '\\\n', '""\n', "'\\'\n"),
      ),
      { nil: null },
    );
    const options = fc.constantFrom(TEXT_COPY, CSV_COPY, { ...CSV_COPY, quote: "'", escape: '\\' });
    // Blocks are a mebibyte: padding makes a few of them.
    const pad = 'p'.repeat(60_000);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value), { maxLength: 40 }),
        options,
        fc.array(fc.nat(), { maxLength: 30 }),
        (rows, o, points) => {
          const lines = rows.map((r) => formatCopyRow([...r, pad], o));
          const { blocks, text } = split(cut(lines.join(''), points), o);
          expect(text).toBe(lines.join(''));
          const ends = new Set<number>();
          let end = 0;
          for (const l of lines) {
            end += Buffer.byteLength(l);
            ends.add(end);
          }
          let at = 0;
          const first = o.format === 'csv' ? (lines[0] ?? '').split('\n').length - 2 : 0;
          let line = 1 - Math.max(0, first);
          for (const b of blocks) {
            expect(b.firstLine).toBe(line);
            at += b.bytes.length;
            expect(ends.has(at)).toBe(true);
            line += Buffer.from(b.bytes).toString('latin1').split('\n').length - 1;
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
