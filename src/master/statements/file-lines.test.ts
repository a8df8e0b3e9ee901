import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type CopyOptions, CSV_COPY, TEXT_COPY } from '../../types/copy-options.js';
import { CopyLineSplitter } from './copy-lines.js';
import { fileLines } from './file-lines.js';

const dir = mkdtempSync(join(tmpdir(), 'mpp-file-lines-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function blocksOf(content: Buffer, options: CopyOptions, blockBytes: number) {
  const path = join(dir, 'lines');
  writeFileSync(path, content);
  const file = await open(path);
  const blocks: { text: string; firstLine: number }[] = [];
  try {
    for await (const { bytes, firstLine, fileOffset } of fileLines(
      file,
      new CopyLineSplitter(options),
      blockBytes,
    )) {
      const text = Buffer.from(bytes).toString('latin1');
      // Where a segment would read it.
      expect(content.toString('latin1', fileOffset, fileOffset! + bytes.length)).toBe(text);
      blocks.push({ text, firstLine });
    }
  } finally {
    await file.close();
  }
  return blocks;
}

/** All of it in one piece. */
function whole(content: Buffer, options: CopyOptions) {
  const splitter = new CopyLineSplitter(options);
  splitter.push(Buffer.from(content));
  const block = splitter.finish();
  return {
    text: block === undefined ? '' : Buffer.from(block.bytes).toString('latin1'),
    firstLine: block?.firstLine,
  };
}

test('blocks of any size are the lines of the file, their places and their numbers', async () => {
  const piece = fc.oneof(
    fc.constantFrom('\n', '\n', '\\', '"', '\\.\n', '\n\\.\n', 'x\ny', '\\\n', '""', '\r\n', "'", ','),
    fc.string({ maxLength: 12 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 60 }),
      fc.constantFrom(TEXT_COPY, CSV_COPY, { ...CSV_COPY, quote: "'", escape: '\\' }),
      fc.boolean(),
      fc.integer({ min: 1, max: 90 }),
      async (pieces, format, header, blockBytes) => {
        const content = Buffer.from(pieces.join(''));
        const options = { ...format, header };
        const expected = whole(content, options);
        const blocks = await blocksOf(content, options, blockBytes);
        expect(blocks.map((b) => b.text).join('')).toBe(expected.text);
        let line = expected.firstLine;
        for (const b of blocks) {
          expect(b.firstLine).toBe(line);
          line! += b.text.split('\n').length - 1;
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a line that outgrows the block comes whole, and the next block is of the usual size', async () => {
  const long = `${'x'.repeat(1000)}\n`;
  const content = Buffer.from(`1\n${long}${'2\n'.repeat(40)}`);
  const sizes = (await blocksOf(content, TEXT_COPY, 64)).map((b) => b.text.length);
  expect(sizes[0]).toBe(2);
  expect(sizes[1]).toBeGreaterThanOrEqual(long.length);
  expect(sizes.reduce((a, b) => a + b)).toBe(content.length);
});
