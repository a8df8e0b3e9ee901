/** What bound plans mean: evaluated by definition over small tables, and compared with what PostgreSQL 15 returned.
 *  The truth is in `fixtures/results.json`; `POSTGRES_URL=... UPDATE_GOLDEN=1` asks a server for it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatText } from '../../types/text-io.js';
import { evaluate, type Row } from '../logical/reference.js';
import { loadParser } from '../sql/parse.js';
import { FakeCatalog, TEST_FUNCTIONS } from './fake-catalog.js';

const FIXTURES = new URL('./fixtures/', import.meta.url);
const lines = (name: string): string[] =>
  readFileSync(new URL(name, FIXTURES), 'utf8')
    .split('\n')
    .filter((l) => l !== '');

type Truth = { readonly sql: string; readonly rows: readonly string[] };

const cell = (v: string | null): string => v ?? '∅';

async function askPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => (v: unknown) => v } });
  await client.connect();
  await client.query("drop schema public cascade; create schema public; set timezone = 'UTC'");
  for (const sql of lines('results-setup.sql')) await client.query(sql);
  const truths: Truth[] = [];
  for (const sql of lines('results.sql')) {
    try {
      const r = await client.query<(string | null)[]>({ text: sql, rowMode: 'array' });
      truths.push({ sql, rows: r.rows.map((row) => row.map(cell).join(' | ')) });
    } catch (e) {
      throw new Error(`${sql}: ${e instanceof Error ? e.message : e}`);
    }
  }
  await client.end();
  writeFileSync(
    new URL('results.json', FIXTURES),
    `[\n${truths.map((t) => JSON.stringify(t)).join(',\n')}\n]\n`,
  );
}

describe('results of bound plans, as PostgreSQL computes them', async () => {
  const catalog = new FakeCatalog();
  const tables = new Map<string, readonly Row[]>();
  const input = { rowsOf: (_s: string, t: string) => tables.get(t) ?? [], functions: TEST_FUNCTIONS };
  const url = process.env.POSTGRES_URL;
  if (process.env.UPDATE_GOLDEN === '1' && url !== undefined) await askPostgres(url);

  beforeAll(async () => {
    await loadParser();
    for (const sql of lines('results-setup.sql')) {
      if (sql.startsWith('create')) {
        catalog.run(sql);
        continue;
      }
      const s = catalog.bind(sql);
      if (s.kind !== 'insert') throw new Error(s.kind);
      tables.set(s.table.name, [...(tables.get(s.table.name) ?? []), ...evaluate(s.source, input)]);
    }
  });

  const truths = JSON.parse(readFileSync(new URL('results.json', FIXTURES), 'utf8')) as readonly Truth[];
  for (const t of truths)
    it(t.sql, () => {
      const bound = catalog.bind(t.sql);
      if (bound.kind !== 'query') throw new Error(bound.kind);
      const rows = evaluate(bound.plan, input).map((r) =>
        r
          .map((v, i) => cell(v === null ? null : formatText(bound.plan.cols[i].type, v, TEST_FUNCTIONS)))
          .join(' | '),
      );
      const ordered = /order by[^()]*$/.test(t.sql) && !/\) union/.test(t.sql);
      if (ordered) expect(rows).toEqual(t.rows);
      else expect([...rows].sort()).toEqual([...t.rows].sort());
    });
});
