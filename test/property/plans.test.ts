/** Plans mean what the query means: random SQL, planned for 1 to 4 segments with and without statistics and with each
 *  rule off, run by the simulator (`support/simulate.ts`), gives PostgreSQL's rows. No engine is involved, so a failure
 *  here is the binder's or the planner's. `PLAN_SEEDS=from-to` runs others; a seed that failed once stays in REPLAYED. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bindStatement } from '../../src/plan/bind/bind.js';
import type { Catalog, ColumnStats, TableDef } from '../../src/plan/catalog.js';
import { verifyLogical } from '../../src/plan/logical/verify.js';
import { ALL_RULES } from '../../src/plan/rules/all-rules.js';
import { loadParser, parseSql } from '../../src/plan/sql/parse.js';
import { compareValues } from '../../src/types/compare.js';
import type { StorageId } from '../../src/types/ids.js';
import { SqlError } from '../../src/types/sql-error.js';
import { typeRange } from '../../src/types/sql-type.js';
import { formatText, parseText } from '../../src/types/text-io.js';
import { isNumeric, type Value } from '../../src/types/value.js';
import { type Oracle, openPostgres } from '../support/pglite.js';
import { bindSelect, planSql, TEST_FUNCTIONS } from '../support/plan-sql.js';
import { createStatements, Random, randomQuery, TABLES } from '../support/query-generator.js';
import { SimulatedCluster, type TableData } from '../support/simulate.js';
import { catalogOf } from '../support/tpch-catalog.js';

const [FROM, TO] = (process.env['PLAN_SEEDS'] ?? '1-12').split('-').map(Number) as [number, number];
const QUERIES_PER_SEED = 40;
const REPLAYED: readonly number[] = [];

let oracle: Oracle;
beforeAll(async () => {
  await loadParser();
  oracle = await openPostgres();
});
afterAll(() => oracle?.close());

function unscaled(v: Value): bigint | undefined {
  if (typeof v === 'bigint') return v;
  if (typeof v === 'number') return BigInt(v);
  return isNumeric(v) && 'unscaled' in v ? v.unscaled : undefined;
}

function statsOf(
  def: TableDef,
  column: number,
  rows: readonly (readonly Value[])[],
  analyzed: boolean,
): ColumnStats {
  const all = rows.map((r) => r[column]);
  const known = all.filter((v) => v !== null);
  const type = def.columns[column].type;
  const digits = known.map(unscaled).filter((v) => v !== undefined);
  const ranged =
    digits.length === known.length &&
    known.length > 0 &&
    typeRange(type) !== undefined &&
    type.kind !== 'bool';
  const sorted = [...known].sort((a, b) => compareValues(type, a, b));
  return {
    noNulls: known.length === all.length,
    ...(ranged
      ? {
          range: {
            min: digits.reduce((a, b) => (b < a ? b : a)),
            max: digits.reduce((a, b) => (b > a ? b : a)),
          },
        }
      : {}),
    ...(analyzed
      ? {
          nullFraction: all.length === 0 ? 0 : 1 - known.length / all.length,
          distinct: new Set(known.map((v) => formatText(type, v))).size,
          histogram: sorted.filter((_, i) => i % 4 === 0),
        }
      : {}),
  };
}

async function load(statements: readonly string[], index: number, analyzed: boolean): Promise<TableData[]> {
  const empty = catalogOf([], 3);
  const data: TableData[] = [];
  for (const sql of statements) {
    await oracle.query(sql);
    if (!sql.startsWith('CREATE')) continue;
    const bound = bindStatement(parseSql(sql)[0], empty, { paramTypes: [], functions: TEST_FUNCTIONS });
    if (bound.kind !== 'createTable') throw new Error(sql);
    const def: TableDef = {
      kind: 'table',
      oid: 20_000 + index + data.length,
      schema: 'public',
      name: bound.table.name,
      columns: bound.table.columns,
      primaryKey: bound.table.primaryKey,
      distribution: bound.table.distribution,
      storageId: (data.length + 1) as StorageId,
      stats: { rows: 0, analyzed: false, columns: [], version: 1 },
    };
    data.push({ def, rows: [] });
  }
  const loaded: TableData[] = [];
  for (const { def } of data) {
    const text = await oracle.query(`SELECT ${def.columns.map((c) => c.name).join(', ')} FROM ${def.name}`);
    const rows = text.map((r) => r.map((v, i) => (v === null ? null : parseText(def.columns[i].type, v))));
    const stats = {
      rows: rows.length,
      analyzed,
      version: 1,
      columns: def.columns.map((_, i) => statsOf(def, i, rows, analyzed)),
    };
    loaded.push({ def: { ...def, stats }, rows });
  }
  return loaded;
}

function ours(
  sql: string,
  data: readonly TableData[],
  segments: number,
  disabledRules: ReadonlySet<string>,
): string[] {
  const catalog: Catalog = catalogOf(
    data.map((d) => d.def),
    segments,
  );
  const types = bindSelect(sql, catalog).plan.cols.map((c) => c.type);
  const plan = planSql(sql, catalog, {
    settings: { disabledRules, joinOrderLimit: segments === 2 ? 2 : 10 },
    trace: (rule, _, after) => {
      try {
        verifyLogical(after, { decorrelated: rule !== 'RemoveSubqueries' });
      } catch (e) {
        throw new Error(`after ${rule}: ${e instanceof Error ? e.message : String(e)}`);
      }
    },
  });
  const { rows } = new SimulatedCluster(segments, data).run(plan);
  return rows.map((r) => r.map((v, i) => (v === null ? 'NULL' : formatText(types[i], v))).join(','));
}

const seeds = [...REPLAYED, ...Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i)];
const optional = ALL_RULES.filter((r) => r.required !== true).map((r) => r.name);

test.each(seeds)('seed %i', async (seed) => {
  const r = new Random(seed * 104_729);
  const data = await load(createStatements(r), seed * 10, seed % 2 === 0);
  expect(data.length).toBe(TABLES.length);
  const failures: string[] = [];
  for (let i = 0; i < QUERIES_PER_SEED; i++) {
    const sql = randomQuery(r);
    let expected: string[];
    try {
      expected = (await oracle.query(sql)).map((row) => row.map((v) => v ?? 'NULL').join(','));
    } catch {
      continue;
    }
    const segments = 1 + (i % 4);
    const off = new Set(i % 3 === 0 ? [r.pick([...optional, 'JoinOrder'])] : []);
    if (!/ORDER BY/.test(sql)) expected.sort();
    let got: string[];
    try {
      got = ours(sql, data, segments, off);
    } catch (e) {
      if (e instanceof SqlError && e.code === '0A000') continue;
      failures.push(
        `${sql}\n   segments ${segments}, off: ${[...off].join()}\n   ${e instanceof Error ? (e.stack ?? e.message).slice(0, 1500) : String(e)}`,
      );
      continue;
    }
    if (!/ORDER BY/.test(sql)) got.sort();
    if (JSON.stringify(got) !== JSON.stringify(expected))
      failures.push(
        `${sql}\n   segments ${segments}, off: ${[...off].join()}\n   got      ${JSON.stringify(got).slice(0, 500)}\n   expected ${JSON.stringify(expected).slice(0, 500)}`,
      );
  }
  expect(failures).toEqual([]);
});
