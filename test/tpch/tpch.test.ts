/** The 22 queries at scale factor 0.01 return exactly PostgreSQL's rows: on 1, 2, 3 and 5 segments, with the tables
 *  distributed by key and randomly. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textClient } from '../../bench/cluster.js';
import { generateAll } from '../../bench/tpch/generate.js';
import { queriesFor } from '../../bench/tpch/queries.js';
import { TPCH_TABLES } from '../../bench/tpch/scale.js';
import { createTable } from '../../bench/tpch/schema.js';
import { loadTpch } from '../../src/client/tpch-load.js';
import { openPostgres } from '../support/pglite.js';
import { formatRows } from '../support/slt.js';
import { openTestDatabase, type TestDatabase } from '../support/test-database.js';

const SCALE = 0.01;
const queries = queriesFor(SCALE);
const expected = new Map<number, string[]>();
let tbl: string;

beforeAll(async () => {
  tbl = mkdtempSync(join(tmpdir(), 'mpp-tbl-'));
  await generateAll({ scale: SCALE, outDir: tbl });
  const oracle = await openPostgres();
  for (const t of TPCH_TABLES) {
    await oracle.query(createTable(t, { distribution: 'none' }));
    await oracle.copy(
      t,
      Buffer.from(readFileSync(join(tbl, `${t}.tbl`), 'latin1').replaceAll('|\n', '\n'), 'latin1'),
    );
  }
  await oracle.query('ANALYZE');
  for (const q of queries) expected.set(q.number, formatRows(await oracle.query(q.sql), true));
  await oracle.close();
}, 300_000);

afterAll(() => rmSync(tbl, { recursive: true, force: true }));

describe.each([
  { segments: 1, distribution: 'key' },
  { segments: 2, distribution: 'key' },
  { segments: 3, distribution: 'random' },
  { segments: 5, distribution: 'key' },
] as const)('$segments segments, $distribution', ({ segments, distribution }) => {
  let db: TestDatabase;

  beforeAll(async () => {
    db = await openTestDatabase({ segments });
    const client = textClient('127.0.0.1', db.port, 'mpp');
    await client.connect();
    await loadTpch(client, { scale: SCALE, from: tbl, distribution, quiet: true });
    await client.query('ANALYZE');
    await client.end();
  });
  afterAll(() => db?.close());

  test.each(queries.map((q) => [q.number, q] as const))('Q%i', async (n, q) => {
    const rows = formatRows(await db.query(q.sql), true);
    expect(rows).toEqual(expected.get(n));
  });

  test('Q15 through its view', async () => {
    const q = queries.find((x) => x.number === 15)!;
    let rows: string[] | undefined;
    for (const sql of q.viewStatements!) {
      const r = await db.query(sql);
      if (/^\s*select/i.test(sql)) rows = formatRows(r, true);
    }
    expect(rows).toEqual(expected.get(15));
  });
});
