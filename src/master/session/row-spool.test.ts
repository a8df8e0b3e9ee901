import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FLOAT8, INT4, NUMERIC, type SqlType, TEXT, TIMESTAMPTZ } from '../../types/sql-type.js';
import { DEFAULT_TEXT_SETTINGS } from '../../types/text-io.js';
import type { Value } from '../../types/value.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { FormatCode } from '../wire/messages.js';
import { RowSpool } from './row-spool.js';
import { valueBlock } from './rows.js';

const TYPES: readonly SqlType[] = [INT4, TEXT, NUMERIC, TIMESTAMPTZ, FLOAT8];
const FORMATS: readonly (readonly FormatCode[])[] = [
  [0, 0, 0, 0, 0],
  [1, 1, 1, 1, 1],
  [0, 1, 0, 1, 0],
];

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mpp-spool-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function rowsFrom(first: number, n: number, textLength: number): Value[][] {
  return Array.from({ length: n }, (_, i): Value[] => {
    const k = first + i;
    return [
      k,
      k % 7 === 0 ? null : `${k}`.padEnd(textLength, 'ä'),
      k % 5 === 0 ? null : { unscaled: BigInt(k) * 101n, scale: 2 },
      BigInt(k) * 1_000_000n,
      k / 3,
    ];
  });
}

function encoded(rows: readonly (readonly Value[])[], formats: readonly FormatCode[]): Buffer {
  const w = new ByteWriter();
  valueBlock(rows, TYPES, DEFAULT_TEXT_SETTINGS).dataRows(w, 0, rows.length, formats);
  return w.take();
}

test('rows come back in any range, direction and format, from memory and from the file', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 6 }),
      fc.constantFrom(0, 1 << 20),
      fc.constantFrom(1, 400),
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean(), fc.constantFrom(...FORMATS)), { minLength: 4 }),
      async (blocks, memoryBytes, textLength, reads) => {
        const spool = new RowSpool(TYPES, directory, memoryBytes);
        const all: Value[][] = [];
        for (const n of blocks) {
          const rows = rowsFrom(all.length, n, textLength);
          const skipped = n > 3 ? 2 : 0;
          let released = 0;
          await spool.add(
            { ...valueBlock(rows, TYPES, DEFAULT_TEXT_SETTINGS), release: () => void released++ },
            skipped,
          );
          expect(released).toBe(1);
          all.push(...rows.slice(skipped));
        }
        expect(spool.rows).toBe(all.length);
        for (const [x, y, reverse, formats] of reads) {
          const [a, b] = [x % (all.length + 1), y % (all.length + 1)];
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const w = new ByteWriter();
          let [low, high] = [from, to];
          while (low < high) {
            const block = await spool.block(low, high, reverse, DEFAULT_TEXT_SETTINGS);
            expect(block.rows).toBeGreaterThan(0);
            block.dataRows(w, 0, block.rows, formats);
            if (reverse) high -= block.rows;
            else low += block.rows;
          }
          const wanted = all.slice(from, to);
          expect(w.take().equals(encoded(reverse ? wanted.reverse() : wanted, formats))).toBe(true);
        }
        await spool.close();
      },
    ),
    { numRuns: 40 },
  );
  // The file never has a name.
  expect(readdirSync(directory)).toEqual([]);
});
