/** Random queries give the rows PostgreSQL gives, over any distribution of the tables, with every rule on and off.
 *  `FUZZ_SEEDS=from-to` runs others; a seed that failed once is added to `REPLAYED` and stays. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPostgres } from '../support/pglite.js';
import { createStatements, Random, randomQuery } from '../support/query-generator.js';
import { formatRows, type SltDatabase } from '../support/slt.js';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

const [FROM, TO] = (process.env.FUZZ_SEEDS ?? '1-10').split('-').map(Number) as [number, number];
const QUERIES_PER_SEED = 25;
/** And after them, so many with WITH queries. */
const WITH_QUERIES = 15;
const REPLAYED: readonly number[] = [107, 132, 188, 239];

let ours: TestDatabase;
let oracle: SltDatabase & { close(): Promise<void> };

beforeAll(async () => {
  [ours, oracle] = await Promise.all([openTestDatabase({ segments: 3 }), openPostgres()]);
});
afterAll(async () => {
  await ours?.close();
  await oracle?.close();
});

type Outcome = { rows: string[] } | { error: string };

async function outcome(db: SltDatabase, sql: string): Promise<Outcome> {
  try {
    return { rows: formatRows(await db.query(sql), true) };
  } catch (e) {
    return {
      error: `${(e as { code?: string }).code ?? 'no code'} ${e instanceof Error ? e.message : String(e)}`,
    };
  }
}

const seeds = [...REPLAYED, ...Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i)];

/** Plain, and with NaN among the numbers of tables and queries: both when seeds are asked for, else in turn. */
const cases = [false, true].flatMap((nan) =>
  seeds
    .filter(
      (seed) => process.env.FUZZ_SEEDS !== undefined || REPLAYED.includes(seed) || (seed % 2 === 0) === nan,
    )
    .map((seed) => ({ seed, nan })),
);

test.each(cases)('seed $seed, NaN: $nan', async ({ seed, nan }) => {
  const r = new Random(seed * 7919);
  for (const sql of createStatements(r, 40, nan)) {
    await oracle.query(sql);
    await ours.query(sql);
  }
  if (seed % 2 === 0) await ours.query('ANALYZE');
  const failures: string[] = [];
  for (let i = 0; i < QUERIES_PER_SEED + WITH_QUERIES; i++) {
    const sql = randomQuery(r, { withQueries: i >= QUERIES_PER_SEED, nan });
    await ours.query(`SET mpp.share_subplans = '${i % 2 === 0 ? 'on' : 'off'}'`);
    const expected = await outcome(oracle, sql);
    // What PostgreSQL refuses tells nothing about rows.
    if ('error' in expected) continue;
    // Every other time runtime filters wherever they are possible, over motions too.
    await ours.query(`SET mpp.disabled_rules = '${i % 2 === 0 ? '' : 'RuntimeFilterCost'}'`);
    const got = await outcome(ours, sql);
    if (JSON.stringify(got) !== JSON.stringify(expected))
      failures.push(
        `${sql}\n   got      ${JSON.stringify(got).slice(0, 400)}\n   expected ${JSON.stringify(expected).slice(0, 400)}`,
      );
  }
  expect(failures.length, `\n${failures.join('\n')}\n`).toBe(0);
});
