/** What PostgreSQL 15 says to each statement of `fixtures/errors.sql`, and what the binder says. The truth is in
 *  `fixtures/errors.json`; `POSTGRES_URL=... UPDATE_GOLDEN=1` asks a server for it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../types/sql-error.js';
import { loadParser } from '../sql/parse.js';
import { type FakeCatalog, TPCH_DDL, tpchCatalog } from './fake-catalog.js';

const FIXTURES = new URL('./fixtures/', import.meta.url);

const STATEMENTS = readFileSync(new URL('errors.sql', FIXTURES), 'utf8')
  .split('\n')
  .filter((l) => l !== '');

type Said = {
  readonly code: string;
  readonly message: string;
  readonly position?: number;
  readonly hint?: string;
  readonly detail?: string;
};

/** null: no error. */
type Truth = { readonly sql: string; readonly said: Said | null };

/** Where we differ from PostgreSQL and mean to: by statement, what we say. */
const OURS: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('errors-ours.json', FIXTURES), 'utf8'),
);

function said(e: {
  code?: string | undefined;
  message: string;
  position?: string | number | undefined;
  hint?: string | undefined;
  detail?: string | undefined;
}): Said {
  return {
    code: e.code ?? 'XX000',
    message: e.message,
    ...(e.position === undefined ? {} : { position: Number(e.position) }),
    ...(e.hint === undefined ? {} : { hint: e.hint }),
    ...(e.detail === undefined ? {} : { detail: e.detail }),
  };
}

async function askPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const truths: Truth[] = [];
  await client.query('drop schema public cascade; create schema public');
  await client.query(TPCH_DDL.replaceAll(/\)\s*distributed (replicated|by \([a-z_]+\));/g, ');'));
  for (const sql of STATEMENTS) {
    await client.query('begin');
    let answer: Said | null = null;
    try {
      // Describe only, where the statement can be prepared: errors of execution are not the binder's.
      await client.query(sql);
    } catch (e) {
      if (!(e instanceof pg.DatabaseError)) throw e;
      answer = said(e);
    }
    await client.query('rollback');
    truths.push({ sql, said: answer });
  }
  await client.end();
  writeFileSync(
    new URL('errors.json', FIXTURES),
    `[\n${truths.map((t) => JSON.stringify(t)).join(',\n')}\n]\n`,
  );
}

describe('errors, as PostgreSQL words and places them', async () => {
  let catalog: FakeCatalog;
  const url = process.env.POSTGRES_URL;
  if (process.env.UPDATE_GOLDEN === '1' && url !== undefined) await askPostgres(url);
  beforeAll(async () => {
    await loadParser();
    catalog = tpchCatalog();
  });

  const truths = JSON.parse(readFileSync(new URL('errors.json', FIXTURES), 'utf8')) as readonly Truth[];
  for (const t of truths)
    it(t.sql, () => {
      let ours: Said | null = null;
      try {
        catalog.bind(t.sql, { noParams: true });
      } catch (e) {
        if (!(e instanceof SqlError)) throw e;
        ours = said(e);
      }
      const meant = OURS[t.sql];
      if (meant === undefined) expect(ours).toEqual(t.said);
      else expect(ours === null ? 'no error' : `${ours.code} ${ours.message} @${ours.position}`).toBe(meant);
    });
});
