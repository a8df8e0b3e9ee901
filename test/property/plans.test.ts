/** Plans mean what the query means: random SQL, planned for 1 to 4 segments with and without statistics and with each
 *  rule off, run by the simulator (`support/simulate.ts`), gives PostgreSQL's rows. No engine is involved, so a failure
 *  here is the binder's or the planner's. `PLAN_SEEDS=from-to` runs others; a seed that failed once stays in REPLAYED. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALL_RULES } from '../../src/plan/rules/all-rules.js';
import { loadParser } from '../../src/plan/sql/parse.js';
import { SqlError } from '../../src/types/sql-error.js';
import { type Oracle, openPostgres } from '../support/pglite.js';
import { createStatements, isOrdered, Random, randomQuery, TABLES } from '../support/query-generator.js';
import { loadTables, simulateSql } from '../support/simulated-database.js';

const [FROM, TO] = (process.env.PLAN_SEEDS ?? '1-12').split('-').map(Number) as [number, number];
const QUERIES_PER_SEED = 40;
/** And after them, so many with WITH queries. */
const WITH_QUERIES = 15;
const REPLAYED: readonly number[] = [];

let oracle: Oracle;
beforeAll(async () => {
  await loadParser();
  oracle = await openPostgres();
});
afterAll(() => oracle?.close());

const seeds = [...REPLAYED, ...Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i)];
const optional = ALL_RULES.filter((r) => r.required !== true).map((r) => r.name);

test.each(seeds)('seed %i', async (seed) => {
  const r = new Random(seed * 104_729);
  const data = await loadTables(oracle, createStatements(r), seed * 10, seed % 2 === 0);
  expect(data.length).toBe(TABLES.length);
  const failures: string[] = [];
  for (let i = 0; i < QUERIES_PER_SEED + WITH_QUERIES; i++) {
    const sql = randomQuery(r, { withQueries: i >= QUERIES_PER_SEED });
    let expected: string[];
    try {
      expected = (await oracle.query(sql)).map((row) => row.map((v) => v ?? 'NULL').join(','));
    } catch {
      continue;
    }
    // Products of products: the simulator would take minutes and learn nothing.
    if (expected.length > 5000) continue;
    const segments = 1 + (i % 4);
    const off = new Set(i % 3 === 0 ? [r.pick([...optional, 'JoinOrder'])] : []);
    if (!isOrdered(sql)) expected.sort();
    let got: string[];
    try {
      got = simulateSql(sql, data, segments, off, (['on', 'auto', 'off'] as const)[i % 3]);
    } catch (e) {
      if (e instanceof SqlError && e.code === '0A000') continue;
      failures.push(
        `${sql}\n   segments ${segments}, off: ${[...off].join()}\n   ${e instanceof Error ? (e.stack ?? e.message).slice(0, 1500) : String(e)}`,
      );
      continue;
    }
    if (!isOrdered(sql)) got.sort();
    if (JSON.stringify(got) !== JSON.stringify(expected))
      failures.push(
        `${sql}\n   segments ${segments}, off: ${[...off].join()}\n   got      ${JSON.stringify(got).slice(0, 500)}\n   expected ${JSON.stringify(expected).slice(0, 500)}`,
      );
  }
  expect(failures).toEqual([]);
});
