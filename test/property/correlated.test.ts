/** Correlated subqueries of every shape give PostgreSQL's rows: none is refused, whatever the tables' distribution.
 *  Each plan runs in the simulator and, compiled, in the engine. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadParser } from '../../src/plan/sql/parse.js';
import { formatText } from '../../src/types/text-io.js';
import { LAYOUTS, QUERIES, statements } from '../support/correlated-queries.js';
import { EngineCluster } from '../support/engine-cluster.js';
import { type Oracle, openPostgres } from '../support/pglite.js';
import { bindSelect, planSql } from '../support/plan-sql.js';
import type { TableData } from '../support/simulate.js';
import { loadTables, simulateSql } from '../support/simulated-database.js';
import { catalogOf } from '../support/tpch-catalog.js';

let oracle: Oracle;
const tables: TableData[][] = [];

beforeAll(async () => {
  await loadParser();
  oracle = await openPostgres();
  for (const [i, l] of LAYOUTS.entries())
    tables.push(await loadTables(oracle, statements(l.e, l.f), i * 10, i % 2 === 0));
});
afterAll(() => oracle?.close());

function runCompiled(
  sql: string,
  data: readonly TableData[],
  segments: number,
  dictionaries: boolean,
): string[] {
  const catalog = catalogOf(
    data.map((d) => d.def),
    segments,
  );
  const types = bindSelect(sql, catalog).plan.cols.map((c) => c.type);
  return new EngineCluster(segments, data, { workers: 2, batchRows: 3, dictionaries })
    .run(planSql(sql, catalog))
    .map((r) => r.map((v, c) => (v === null ? 'NULL' : formatText(types[c], v))).join(','));
}

test.each(QUERIES)('%s', async (sql) => {
  const ordered = /ORDER BY [^()]*$/.test(sql);
  let expected: string[];
  try {
    expected = (await oracle.query(sql)).map((r) => r.map((v) => v ?? 'NULL').join(','));
  } catch (e) {
    throw new Error(`PostgreSQL refuses it: ${String(e)}`);
  }
  if (!ordered) expected.sort();
  for (const [i, l] of LAYOUTS.entries()) {
    const got = simulateSql(sql, tables[i], l.segments, new Set());
    if (!ordered) got.sort();
    expect(got, `simulated, ${l.name}`).toEqual(expected);
    if (i % 2 !== 0) continue;
    const compiled = runCompiled(sql, tables[i], l.segments, i === 0);
    if (!ordered) compiled.sort();
    expect(compiled, `compiled, ${l.name}`).toEqual(expected);
  }
});
