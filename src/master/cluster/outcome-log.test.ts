import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Gxid, SegmentId } from '../../types/ids.js';
import { OutcomeLog } from './outcome-log.js';

const S = [0, 1] as SegmentId[];
let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mpp-outcomes-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('decisions and numbers survive a restart; acknowledged ones are forgotten', async () => {
  const log = await OutcomeLog.open(dir);
  const a = await log.newGxid();
  const b = await log.newGxid();
  const csnA = await log.commit(a, S);
  await log.commit(b, S);
  for (const s of S) log.acknowledged(b, s);
  log.acknowledged(a, S[0]!);
  await log.close();
  const again = await OutcomeLog.open(dir);
  expect(again.outcome(a)).toBe(csnA);
  expect(again.outcome(b)).toBeUndefined();
  expect(again.lastCsn).toBe(2n);
  expect(again.owedTo(S[1]!)).toEqual([{ gxid: a, csn: csnA }]);
  expect(await again.newGxid()).toBeGreaterThan(b);
  await again.close();
});

test('many at once share writes and get different numbers', async () => {
  const log = await OutcomeLog.open(dir);
  const gxids = await Promise.all(Array.from({ length: 2500 }, () => log.newGxid()));
  expect(new Set(gxids).size).toBe(2500);
  const csns = await Promise.all(gxids.slice(0, 500).map((g) => log.commit(g, S)));
  expect(new Set(csns).size).toBe(500);
  for (const g of gxids.slice(0, 500)) for (const s of S) log.acknowledged(g, s);
  await log.close();
  const again = await OutcomeLog.open(dir);
  expect(again.outcome(gxids[3]!)).toBeUndefined();
  expect((await readFile(join(dir, 'OUTCOMES'), 'utf8')).split('\n').length).toBeLessThan(5);
  await again.close();
});

test('cut at any byte, the log recovers a prefix of the decisions', async () => {
  const log = await OutcomeLog.open(dir);
  const gxids: Gxid[] = [];
  for (let i = 0; i < 5; i++) {
    gxids.push(await log.newGxid());
    await log.commit(gxids[i]!, S);
  }
  await log.close();
  const bytes = await readFile(join(dir, 'OUTCOMES'));
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), async (cut) => {
      await writeFile(join(dir, 'OUTCOMES'), bytes);
      await truncate(join(dir, 'OUTCOMES'), cut);
      const again = await OutcomeLog.open(dir);
      const known = gxids.map((g) => again.outcome(g) !== undefined);
      expect(known.lastIndexOf(true) + 1).toBe(known.filter(Boolean).length);
      await again.close();
    }),
    { numRuns: 40 },
  );
});

test('damage in the middle is refused', async () => {
  const log = await OutcomeLog.open(dir);
  await log.commit(await log.newGxid(), S);
  await log.close();
  const file = join(dir, 'OUTCOMES');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('"commit"', '"commat"'));
  await appendFile(file, `${text.split('\n')[0]!}\n`);
  await expect(OutcomeLog.open(dir)).rejects.toMatchObject({ code: 'XX001' });
});
