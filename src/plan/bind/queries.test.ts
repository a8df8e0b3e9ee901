/** Names and types of result columns, as PostgreSQL 15 describes them. The truth is in `fixtures/queries.json`;
 *  `POSTGRES_URL=... UPDATE_GOLDEN=1` asks a server for it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { typeMod, typeOid } from '../../types/sql-type.js';
import { verifyLogical } from '../logical/verify.js';
import { loadParser } from '../sql/parse.js';
import { type FakeCatalog, TPCH_DDL, tpchCatalog } from './fake-catalog.js';

const FIXTURES = new URL('./fixtures/', import.meta.url);

const QUERIES = readFileSync(new URL('queries.sql', FIXTURES), 'utf8')
  .split('\n')
  .filter((l) => l !== '');

/** `name oid typmod` of each column. */
type Truth = { readonly sql: string; readonly columns: readonly string[] };

async function askPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('drop schema public cascade; create schema public');
  await client.query(TPCH_DDL.replaceAll(/\)\s*distributed (replicated|by \([a-z_]+\));/g, ');'));
  const truths: Truth[] = [];
  for (const sql of QUERIES) {
    try {
      const r = await client.query({ text: sql, rowMode: 'array' });
      truths.push({ sql, columns: r.fields.map((f) => `${f.name} ${f.dataTypeID} ${f.dataTypeModifier}`) });
    } catch (e) {
      throw new Error(`${sql}: ${e instanceof Error ? e.message : e}`);
    }
  }
  await client.end();
  writeFileSync(
    new URL('queries.json', FIXTURES),
    `[\n${truths.map((t) => JSON.stringify(t)).join(',\n')}\n]\n`,
  );
}

describe('result columns, as PostgreSQL names and types them', async () => {
  let catalog: FakeCatalog;
  const url = process.env.POSTGRES_URL;
  if (process.env.UPDATE_GOLDEN === '1' && url !== undefined) await askPostgres(url);
  beforeAll(async () => {
    await loadParser();
    catalog = tpchCatalog();
  });

  const truths = JSON.parse(readFileSync(new URL('queries.json', FIXTURES), 'utf8')) as readonly Truth[];
  for (const t of truths)
    it(t.sql, () => {
      const bound = catalog.bind(t.sql);
      if (bound.kind !== 'query') throw new Error(`bound as ${bound.kind}`);
      verifyLogical(bound.plan);
      expect(
        bound.output.map((o) => `${o.name} ${typeOid(o.declaredType)} ${typeMod(o.declaredType)}`),
      ).toEqual(t.columns);
    });
});
