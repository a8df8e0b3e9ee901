/** Random queries give the rows DuckDB gives, with optimizer rules switched off one at a time. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SKIPPABLE } from '../../src/plan/skippable.js';
import { comparable, type DuckDb, openDuckDb } from '../support/duckdb.js';
import { createStatements, Random, randomQuery } from '../support/query-generator.js';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

const [FROM, TO] = (process.env.FUZZ_SEEDS ?? '1001-1008').split('-').map(Number) as [number, number];
const QUERIES_PER_SEED = 25;

let ours: TestDatabase;
let oracle: DuckDb;

beforeAll(async () => {
  [ours, oracle] = await Promise.all([openTestDatabase({ segments: 2 }), openDuckDb()]);
});
afterAll(async () => {
  await ours?.close();
  await oracle?.close();
});

test.each(Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i))('seed %i', async (seed) => {
  const r = new Random(seed * 104729);
  for (const sql of createStatements(r)) {
    await oracle.query(sql);
    await ours.query(sql);
  }
  await ours.query('ANALYZE');
  const failures: string[] = [];
  let compared = 0;
  for (let i = 0; i < QUERIES_PER_SEED; i++) {
    const sql = randomQuery(r, { anyFullJoin: true });
    let expected: string[];
    try {
      expected = (await oracle.query(sql)).map(comparable).sort();
    } catch {
      continue; // Not valid there.
    }
    compared++;
    const off = r.pick(['', ...SKIPPABLE, SKIPPABLE.join(', ')]);
    await ours.query(`SET mpp.disabled_rules = '${off}'`);
    let got: string[] | string;
    try {
      got = (await ours.query(sql)).map(comparable).sort();
    } catch (e) {
      got = `${(e as { code?: string }).code} ${e instanceof Error ? e.message : String(e)}`;
    }
    if (JSON.stringify(got) !== JSON.stringify(expected))
      failures.push(
        `without [${off}]: ${sql}\n   got      ${JSON.stringify(got).slice(0, 400)}\n   expected ${JSON.stringify(expected).slice(0, 400)}`,
      );
  }
  expect(compared).toBeGreaterThan(QUERIES_PER_SEED / 2);
  expect(failures.length, `\n${failures.join('\n')}\n`).toBe(0);
});
