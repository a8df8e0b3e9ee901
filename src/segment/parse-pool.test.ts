/** The worker is that of `dist/`. Errors of the whole path are those of the parser in TypeScript, word for word. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SharedMemory } from '../engine/runtime/shared-memory.js';
import { type CopyOptions, CSV_COPY, TEXT_COPY } from '../types/copy-options.js';
import { type CopyColumn, parseCopyBlock } from '../types/copy-text.js';
import type { FunctionContext } from '../types/functions/registry-types.js';
import type { SqlError } from '../types/sql-error.js';
import { ParsePool } from './parse-pool.js';

const memory = SharedMemory.create(64 << 20);
const used = memory.usedBytes;
const pool = new ParsePool(1, memory);
const context = {
  table: 'public.t',
  settings: { timeZone: 'UTC', dateStyle: 'ISO, MDY' } as unknown as FunctionContext,
};
const columns: readonly CopyColumn[] = [
  { name: 'id', type: { kind: 'int4' }, notNull: true },
  { name: 'price', type: { kind: 'numeric', precision: 6, scale: 2 } },
  { name: 'day', type: { kind: 'date' } },
  { name: 'word', type: { kind: 'varchar', length: 5 } },
];

afterAll(() => pool.close());

async function run(lines: string, options: CopyOptions) {
  const firstLine = 101;
  const text = new Uint8Array(Buffer.from(lines));
  const job = { text: { lines: text }, firstLine, options, columns, context };
  const parsed = pool.parse(job).then(
    (batch) => {
      const { rows } = batch;
      batch.release();
      return { rows };
    },
    (e: SqlError) => ({ code: e.code, message: e.message, where: e.where, detail: e.detail, hint: e.hint }),
  );
  let expected: unknown;
  try {
    expected = { rows: parseCopyBlock(text, firstLine, options, columns, context).rows };
  } catch (e) {
    const { code, message, where, detail, hint } = e as SqlError;
    expected = { code, message, where, detail, hint };
  }
  expect(await parsed, JSON.stringify(lines)).toEqual(expected);
  return expected;
}

test('a bad line is reported as by the other parser, wherever it stands', async () => {
  const good = '1|2.50|2024-01-01|abc\n';
  const bad = [
    ['x|1|2024-01-01|a\n', '22P02'],
    ['1|1|2024-01-01\n', '22P04'],
    ['1|1|2024-01-01|a|b\n', '22P04'],
    ['99999999999|1|2024-01-01|a\n', '22003'],
    ['1|12345.00|2024-01-01|a\n', '22003'],
    ['1|1|2024-02-30|a\n', '22008'],
    ['1|1|2024-01-01|abcdef\n', '22001'],
    ['\\N|1|2024-01-01|a\n', '23502'],
    ['\n', '22P02'],
  ] as const;
  for (const [line, code] of bad)
    for (const before of [0, 1, 40])
      expect(
        await run(good.repeat(before) + line + good, { ...TEXT_COPY, delimiter: '|' }),
        line,
      ).toMatchObject({ code, where: expect.stringContaining(`line ${101 + before}`) });
  expect(memory.usedBytes).toBe(used);
});

test('CSV: quotes, nulls and errors', async () => {
  expect(await run('1,"2.50",,"a,b"\n2,,2024-01-01,"x\ny"\n', CSV_COPY)).toEqual({ rows: 2 });
  for (const line of ['1,"2,2024-01-01,a\n', '1,2,3\n', ',1,,\n', '1,1,2024-01-01,"abcdefg"\n'])
    expect(await run(`5,1,,\n${line}`, CSV_COPY)).toHaveProperty('code');
  expect(memory.usedBytes).toBe(used);
});

test('forms that the compiled parser declines are loaded all the same', async () => {
  const options = { ...TEXT_COPY, delimiter: '|' };
  expect(await run('+1|1e2|Jan 5 2024|\\x41b\n 2 |.5|20240101|abc     \n', options)).toEqual({ rows: 2 });
  expect(await run('1|2.50|2024-01-01|abc\r\n', options)).toEqual({ rows: 1 });
});

test('lines of an open file; one that has become shorter is an error', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mpp-parse-'));
  try {
    const path = join(dir, 'lines');
    writeFileSync(path, '0|0|2024-01-01|no\n1|2.50|2024-01-01|abc\n2|1.25|2024-01-02|x\n0|0');
    const file = await open(path);
    const job = { firstLine: 2, options: { ...TEXT_COPY, delimiter: '|' }, columns, context };
    const batch = await pool.parse({ ...job, text: { fd: file.fd, offset: 18, bytes: 42 } });
    expect(batch.rows).toBe(2);
    batch.release();
    const beyond = pool.parse({ ...job, text: { fd: file.fd, offset: 18, bytes: 100 } });
    await expect(beyond).rejects.toMatchObject({ code: '58030' });
    await file.close();
    expect(memory.usedBytes).toBe(used);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
