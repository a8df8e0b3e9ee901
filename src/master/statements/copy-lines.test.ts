import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCopyRow } from '../../types/copy-format.js';
import { type CopyOptions, CSV_COPY, TEXT_COPY } from '../../types/copy-options.js';
import type { CopyLines } from '../dispatch/api.js';
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

describe('CopyLineSplitter', () => {
  it('drops the header, stops at the end mark, counts physical lines', () => {
    expect(split([Buffer.from('h\n1\n2\n\\.\n3\n')], { ...TEXT_COPY, header: true })).toEqual({
      blocks: [{ bytes: Buffer.from('1\n2\n'), firstLine: 2 }],
      text: '1\n2\n',
    });
    expect(split([Buffer.from('"a\nb",c\n1,2\n')], { ...CSV_COPY, header: true }).blocks).toEqual([
      { bytes: Buffer.from('1,2\n'), firstLine: 3 },
    ]);
    expect(split([Buffer.from('a\\.\n"x\n\\.\ny"\n')], CSV_COPY).text).toBe('a\\.\n"x\n\\.\ny"\n');
    expect(split([Buffer.from('1\r\n\\.\r\n2\r\n')], TEXT_COPY).text).toBe('1\r\n');
    expect(split([], TEXT_COPY).blocks).toEqual([]);
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
          let line = 1;
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
