/** The plans of the 22 TPC-H queries, as files that a person reviews: `UPDATE_GOLDEN=1` writes them anew. Statistics are
 *  fixed (SF 1), so a changed plan means a changed planner. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { queriesFor } from '../../bench/tpch/queries.js';
import { explainText } from '../../src/plan/explain/text.js';
import { verifyLogical } from '../../src/plan/logical/verify.js';
import { loadParser } from '../../src/plan/sql/parse.js';
import { planSql } from '../support/plan-sql.js';
import { tpchCatalog } from '../support/tpch-catalog.js';

const folder = new URL('./tpch/', import.meta.url).pathname;

beforeAll(loadParser);

function golden(file: string, text: string): void {
  const path = `${folder}${file}`;
  if (process.env.UPDATE_GOLDEN === '1' || !existsSync(path)) {
    mkdirSync(path.replace(/[^/]*$/, ''), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, 'utf8'));
}

describe.each([
  { name: 'by-key', distribution: 'key' as const, segments: 3 },
  { name: 'random', distribution: 'random' as const, segments: 3 },
])('distributed $name', ({ name, distribution, segments }) => {
  test.each(queriesFor(1))('Q$number: $name', ({ number, sql }) => {
    const trace = (rule: string, _: unknown, after: Parameters<typeof verifyLogical>[0]): void => {
      try {
        verifyLogical(after, { decorrelated: rule !== 'ResolveShared' && rule !== 'RemoveSubqueries' });
      } catch (e) {
        throw new Error(`after ${rule}: ${e instanceof Error ? e.message : String(e)}`);
      }
    };
    const plan = planSql(sql, tpchCatalog(distribution, segments), { trace });
    golden(`${name}/q${String(number).padStart(2, '0')}.txt`, `${explainText(plan).join('\n')}\n`);
  });
});
