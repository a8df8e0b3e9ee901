/** A subquery in every place of the grammar, correlated to any level around it: random queries give PostgreSQL's rows, in
 *  the simulator over 1 to 4 segments with rules on and off, and compiled. `SUBQUERY_SEEDS=from-to` runs others; a query
 *  that failed once stays in REPLAYED as its seed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_RULES } from '../../src/plan/rules/all-rules.js';
import { loadParser } from '../../src/plan/sql/parse.js';
import { formatText } from '../../src/types/text-io.js';
import { EngineCluster } from '../support/engine-cluster.js';
import { type Oracle, openPostgres } from '../support/pglite.js';
import { bindSelect, planSql } from '../support/plan-sql.js';
import { createStatements, Random } from '../support/query-generator.js';
import type { TableData } from '../support/simulate.js';
import { loadTables, simulateSql } from '../support/simulated-database.js';
import { randomSubqueryQuery } from '../support/subquery-generator.js';
import { catalogOf } from '../support/tpch-catalog.js';

const [FROM, TO] = (process.env.SUBQUERY_SEEDS ?? '1-4').split('-').map(Number) as [number, number];
const QUERIES_PER_SEED = 30;
const ROWS_MAX = 10;
const REPLAYED: readonly number[] = [108];

let oracle: Oracle;
beforeAll(async () => {
  await loadParser();
  oracle = await openPostgres();
});
afterAll(() => oracle?.close());

const optional = ALL_RULES.filter((r) => r.required !== true).map((r) => r.name);

function compiled(sql: string, data: readonly TableData[], segments: number): string[] {
  const catalog = catalogOf(
    data.map((d) => d.def),
    segments,
  );
  const types = bindSelect(sql, catalog).plan.cols.map((c) => c.type);
  return new EngineCluster(segments, data, { workers: 2, batchRows: 3, dictionaries: segments % 2 === 0 })
    .run(planSql(sql, catalog))
    .map((r) => r.map((v, c) => (v === null ? 'NULL' : formatText(types[c], v))).join(','));
}

async function wanted(sql: string): Promise<string[] | undefined> {
  try {
    return (await oracle.query(sql)).map((row) => row.map((v) => v ?? 'NULL').join(',')).sort();
  } catch {
    return undefined;
  }
}

/** Rows, or what was thrown: nothing is refused. */
function outcome(run: () => string[]): readonly string[] | string {
  try {
    return run().sort();
  } catch (e) {
    return e instanceof Error ? (e.stack ?? e.message).slice(0, 1500) : String(e);
  }
}

const seeds = [...REPLAYED, ...Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i)];

test.each(seeds)(
  'seed %i',
  async (seed) => {
    const r = new Random(seed * 104_729);
    const data = await loadTables(oracle, createStatements(r, ROWS_MAX), seed * 10, seed % 2 === 0);
    const failures: string[] = [];
    let compared = 0;
    for (let i = 0; i < QUERIES_PER_SEED; i++) {
      const sql = randomSubqueryQuery(r);
      const expected = await wanted(sql);
      // Products of products: the simulator would take minutes and learn nothing.
      if (expected === undefined || expected.length > 1000 || sql.length > 2500) continue;
      const segments = 1 + (i % 4);
      const off = new Set(i % 3 === 0 ? [r.pick([...optional, 'JoinOrder'])] : []);
      const ways: [string, () => string[]][] = [
        [`simulated, ${segments} segments, without ${[...off]}`, () => simulateSql(sql, data, segments, off)],
      ];
      if (i % 5 === 0) ways.push([`compiled, ${segments} segments`, () => compiled(sql, data, segments)]);
      for (const [name, run] of ways) {
        const got = outcome(run);
        compared++;
        if (JSON.stringify(got) !== JSON.stringify(expected))
          failures.push(
            `${sql}\n   ${name}\n   got      ${JSON.stringify(got).slice(0, 1500)}\n   expected ${JSON.stringify(expected).slice(0, 500)}`,
          );
      }
    }
    expect(failures.length, `\n${failures.join('\n')}\n`).toBe(0);
    expect(compared).toBeGreaterThan(QUERIES_PER_SEED / 2);
  },
  300_000,
);

describe('full joins on conditions that PostgreSQL refuses', () => {
  // A full join is the left join and, padded, the right rows without a match: that PostgreSQL does answer.
  test.each([
    'q.a1 < p.b1 AND p.b2 IN (SELECT c1 FROM tc WHERE c1 <> q.a2)',
    'EXISTS (SELECT 1 FROM tc WHERE c1 = q.a1 + p.b1)',
    'NOT EXISTS (SELECT 1 FROM tc WHERE c1 > q.a1 AND c3 = p.b3)',
    'q.a1 IN (SELECT c1 FROM tc)',
    'p.b1 NOT IN (SELECT c1 FROM tc WHERE c1 IS NOT NULL)',
    '(SELECT count(*) FROM tc WHERE c1 < q.a1) = (SELECT count(*) FROM tc WHERE c1 < p.b1)',
    'q.a1 > ALL (SELECT c1 FROM tc WHERE c1 < p.b1)',
    '(q.a1, p.b1) = (SELECT c1, c1 FROM tc ORDER BY c1 LIMIT 1)',
    'EXISTS (SELECT 1 FROM tc ORDER BY c1 LIMIT abs(q.a1) OFFSET abs(p.b1))',
  ])('%s', async (on) => {
    const r = new Random(4711);
    const data = await loadTables(oracle, createStatements(r, 14), 9000, true);
    const both = `SELECT q.a1, q.a2, p.b1, p.b3 FROM ta q LEFT JOIN tb p ON ${on}
      UNION ALL SELECT NULL, NULL, p.b1, p.b3 FROM tb p WHERE NOT EXISTS (SELECT 1 FROM ta q WHERE ${on})`;
    const expected = await wanted(both);
    expect(expected).toBeDefined();
    const sql = `SELECT q.a1, q.a2, p.b1, p.b3 FROM ta q FULL JOIN tb p ON ${on}`;
    for (const segments of [1, 3]) {
      expect(simulateSql(sql, data, segments, new Set()).sort()).toEqual(expected);
      expect(simulateSql(sql, data, segments, new Set(optional)).sort()).toEqual(expected);
      expect(compiled(sql, data, segments).sort()).toEqual(expected);
    }
  });
});
