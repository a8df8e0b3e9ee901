/**
 * The proof of the data, the queries and the answers together: DuckDB, which shares nothing with us, runs our
 * queries on our data and gets the standard's answers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareToAnswer } from './answers.js';
import { generateAll } from './generate.js';
import { queriesFor } from './queries.js';
import { TPCH_TABLES } from './scale.js';
import { createTables } from './schema.js';

let dir: string;
let duckdb: DuckDBConnection;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mpp-tpch-sf1-'));
  await generateAll({ scale: 1, outDir: dir });
  duckdb = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
  // Its index for a primary key costs more time than all queries together.
  for (const sql of createTables({ distribution: 'none', primaryKeys: false })) await duckdb.run(sql);
  for (const table of TPCH_TABLES) {
    await duckdb.run(`COPY ${table} FROM '${join(dir, `${table}.tbl`)}' (DELIMITER '|', HEADER false)`);
  }
}, 300_000);

afterAll(async () => {
  duckdb?.closeSync();
  await rm(dir, { recursive: true, force: true });
});

async function rowsOf(sql: string): Promise<(string | null)[][]> {
  const reader = await duckdb.runAndReadAll(sql);
  return reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
}

test.each(queriesFor(1))('Q$number: $name', async ({ number, sql, viewStatements }) => {
  const rows = await rowsOf(sql);
  expect(compareToAnswer(number, rows)).toEqual([]);
  expect(compareToAnswer(number, rows, 'rounded')).toEqual([]);
  if (viewStatements !== undefined) {
    const [create, select, drop] = viewStatements;
    await duckdb.run(create);
    expect(await rowsOf(select)).toEqual(rows);
    await duckdb.run(drop);
  }
});

test('primary keys hold', async () => {
  expect(
    await rowsOf(`SELECT (SELECT count(DISTINCT (l_orderkey, l_linenumber)) FROM lineitem),
                         (SELECT count(DISTINCT o_orderkey) FROM orders),
                         (SELECT count(DISTINCT (ps_partkey, ps_suppkey)) FROM partsupp),
                         (SELECT count(*) FROM lineitem WHERE (l_partkey, l_suppkey) NOT IN
                            (SELECT (ps_partkey, ps_suppkey) FROM partsupp))`),
  ).toEqual([['6001215', '1500000', '800000', '0']]);
});
