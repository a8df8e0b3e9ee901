/** Runtime filters on a cluster of real processes: what EXPLAIN ANALYZE counts is what the data says. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textClient } from '../../bench/cluster.js';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

let db: TestDatabase;

const ROWS = 400_000;
/** Text, integers far apart, dates far apart, integers with NULLs, numerics. */
const KEYS = ['t', 'w', 'd', 'o', 'n'] as const;

beforeAll(async () => {
  db = await openTestDatabase({ segments: 2 });
  await db.query('CREATE TABLE f (id int NOT NULL, k int NOT NULL) DISTRIBUTED BY (id)');
  await db.query(`INSERT INTO f SELECT i, i * 7 % 1000 FROM generate_series(1, ${ROWS}) AS g(i)`);
  await db.query('CREATE TABLE d (id int NOT NULL, k int NOT NULL, note text) DISTRIBUTED BY (id)');
  await db.query("INSERT INTO d SELECT i, i, 'n' || i % 5 FROM generate_series(1, 50) AS g(i)");
  await db.query('CREATE TABLE moved (id int NOT NULL, k int NOT NULL) DISTRIBUTED BY (id)');
  await db.query('INSERT INTO moved SELECT i, i % 10000 FROM generate_series(1, 100000) AS g(i)');
  await db.query('CREATE TABLE there (k int NOT NULL, n int NOT NULL) DISTRIBUTED BY (k)');
  await db.query('INSERT INTO there SELECT i % 1000 * 10, i % 7 FROM generate_series(1, 60000) AS g(i)');
  for (const [table, step] of [
    ['many', 1],
    ['few', 10],
  ])
    await db.query(
      `CREATE TABLE ${table} AS SELECT i AS id, 'text ' || k AS t, (k / 100.0)::numeric(10,2) AS n, k::bigint * 3000000019 AS w,
         date '0001-01-01' + k * 300 AS d, CASE WHEN k % 3 = 0 THEN NULL ELSE k END AS o
       FROM (SELECT i, i % (10000 / ${step}) * ${step} AS k FROM generate_series(1, ${table === 'many' ? 100_000 : 50_000}) AS g(i)) x
       DISTRIBUTED BY (id)`,
    );
  for (const key of KEYS)
    await db.query(`CREATE TABLE few_${key} AS SELECT id, ${key} FROM few DISTRIBUTED BY (${key})`);
  await db.query('ANALYZE');
}, 120_000);

afterAll(() => db?.close());

async function explain(sql: string): Promise<string[]> {
  return (await db.query(`EXPLAIN (ANALYZE) ${sql}`)).map((r) => r[0]!);
}

function removed(lines: readonly string[]): number {
  return lines
    .map((l) => /Rows Removed by Runtime Filter: (\d+)/.exec(l)?.[1])
    .reduce((n, x) => n + Number(x ?? 0), 0);
}

/** The least that one segment scanned. */
function morsels(lines: readonly string[]): number {
  const scan = lines.find((l) => /pipeline \d+: scan f /.test(l));
  return Number(/morsels=(\d+)/.exec(scan ?? '')?.[1]);
}

test('rows without a match are removed by the scan', async () => {
  const sql = "SELECT count(f.id) FROM f JOIN d ON f.k = d.k WHERE note = 'n1'";
  expect(await db.query(sql)).toEqual([[String((ROWS / 1000) * 10)]]);
  const lines = await explain(sql);
  expect(lines.join('\n')).toContain('Runtime Filter: f.k IN d.k (bitmap');
  expect(removed(lines)).toBe(ROWS - (ROWS / 1000) * 10);
});

test('row groups without a match are not read', async () => {
  const sql = 'SELECT count(f.k) FROM f JOIN d ON f.id = d.id';
  expect(await db.query(sql)).toEqual([['50']]);
  const lines = await explain(sql);
  expect(removed(lines)).toBe(ROWS - 50);
  // Rows lie in the order of id: most row groups have none of the 50.
  await db.query("SET mpp.disabled_rules = 'RuntimeFilters'");
  const without = await explain(sql);
  await db.query('RESET mpp.disabled_rules');
  expect(morsels(lines)).toBeLessThan(morsels(without));
});

describe('over a motion', () => {
  const sql = 'SELECT count(*), sum(n) FROM moved JOIN there ON moved.k = there.k';

  test('rows that will not match are not sent', async () => {
    expect(await db.query(sql)).toEqual([['600000', '1799970']]);
    const lines = await explain(sql);
    const text = lines.join('\n');
    expect(text).toMatch(/Redistribute Motion[^>]*\n[^>]*Hash Key: moved.k/);
    expect(text).toMatch(/Runtime Filter: moved.k IN there.k \(\w+, \d+ bits, from slice\d\)/);
    const passed = 100_000 - removed(lines);
    expect(passed).toBeGreaterThanOrEqual(10_000);
    expect(passed).toBeLessThan(20_000);
    expect(text).toContain(`Moved: ${passed} rows`);
  });

  test.each(KEYS)('of a key like %s', async (key) => {
    const join = `SELECT count(*), sum(few.id) FROM many JOIN few_${key} few ON many.${key} = few.${key}`;
    await db.query("SET mpp.disabled_rules = 'RuntimeFilterCost'");
    const filtered = await db.query(join);
    expect((await explain(join)).join('\n')).toMatch(/Runtime Filter: many\.\w .*from slice/);
    await db.query("SET mpp.disabled_rules = 'RuntimeFilters'");
    expect(filtered).toEqual(await db.query(join));
    await db.query('RESET mpp.disabled_rules');
  });

  test('an empty build side ends it', async () => {
    expect(await db.query(`${sql} WHERE n > 100`)).toEqual([['0', null]]);
  });

  test('a LIMIT above, an error on the build side, and many at once end it too', async () => {
    await db.query("SET mpp.disabled_rules = 'RuntimeFilterCost'");
    const limited = await db.query('SELECT moved.k FROM moved JOIN there ON moved.k = there.k LIMIT 3');
    expect(limited).toHaveLength(3);
    await expect(
      db.query('SELECT count(*) FROM moved JOIN there ON moved.k = there.k WHERE 1 / (n - 3) < 5'),
    ).rejects.toMatchObject({ code: '22012' });
    const counts = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = textClient('127.0.0.1', db.port, 'mpp');
        await client.connect();
        const { rows } = await client.query({ text: sql, rowMode: 'array' });
        await client.end();
        return rows[0][0];
      }),
    );
    expect(new Set(counts)).toEqual(new Set(['600000']));
    await db.query('RESET mpp.disabled_rules');
  });
});

test('the switch turns them off', async () => {
  await db.query("SET mpp.disabled_rules = 'RuntimeFilters'");
  const lines = await explain("SELECT count(f.id) FROM f JOIN d ON f.k = d.k WHERE note = 'n1'");
  expect(lines.join('\n')).not.toContain('Runtime Filter');
  await db.query('RESET mpp.disabled_rules');
});
