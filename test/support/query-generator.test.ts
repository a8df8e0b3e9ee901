import { expect, test } from 'vitest';
import { openPostgres } from './pglite.js';
import { createStatements, Random, randomQuery } from './query-generator.js';

test('most random queries are valid in PostgreSQL and many return rows', async () => {
  const db = await openPostgres();
  const r = new Random(42);
  for (const sql of createStatements(r)) await db.query(sql);
  let valid = 0;
  let withRows = 0;
  const why: string[] = [];
  for (let i = 0; i < 200; i++) {
    const sql = randomQuery(r);
    try {
      if ((await db.query(sql)).length > 0) withRows++;
      valid++;
    } catch (e) {
      why.push(`${e instanceof Error ? e.message : String(e)}: ${sql}`);
    }
  }
  await db.close();
  expect(valid, why.slice(0, 5).join('\n')).toBeGreaterThan(170);
  expect(withRows).toBeGreaterThan(80);
});
