import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SqlType } from '../../types/sql-type.js';
import type { ColumnDef } from '../catalog.js';
import { printLogical } from '../logical/print.js';
import { verifyLogical } from '../logical/verify.js';
import { loadParser, parseSql } from '../sql/parse.js';
import { BindContext } from './context.js';
import { type FakeCatalog, TEST_FUNCTIONS, tpchCatalog } from './fake-catalog.js';
import { resolveTypeName } from './type-name.js';

const FIXTURES = new URL('./fixtures/', import.meta.url);

/** What psql 15 sends for \d, \dt, \d+ and their kin, as `psql -E` prints it. */
const QUERIES = readFileSync(new URL('psql-queries.sql', FIXTURES), 'utf8')
  .split(/\n\n(?=-- \\)/)
  .map((q) => ({ command: q.split('\n')[0].slice(3), sql: q.split('\n').slice(1).join('\n') }));

type Columns = readonly (readonly [name: string, type: string, notNull: boolean])[];

function addSystemCatalog(catalog: FakeCatalog): void {
  const tables = JSON.parse(readFileSync(new URL('pg-catalog.json', FIXTURES), 'utf8')) as Record<
    string,
    Columns
  >;
  for (const [name, columns] of Object.entries(tables))
    catalog.virtual(
      'pg_catalog',
      name,
      columns.map(([n, t, notNull]): ColumnDef => ({ name: n, type: typeOf(t, catalog), notNull })),
    );
}

function typeOf(text: string, catalog: FakeCatalog): SqlType {
  const [parsed] = parseSql(`select null::${text}`);
  const node = parsed.node;
  const target = 'SelectStmt' in node ? node.SelectStmt.targetList?.[0] : undefined;
  const cast = target !== undefined && 'ResTarget' in target ? target.ResTarget.val : undefined;
  if (cast === undefined || !('TypeCast' in cast)) throw new Error(`no type ${text}`);
  const ctx = new BindContext(catalog, parsed.source, { paramTypes: [], functions: TEST_FUNCTIONS });
  return resolveTypeName(ctx, cast.TypeCast.typeName);
}

describe('the catalog queries of psql', () => {
  let catalog: FakeCatalog;
  beforeAll(async () => {
    await loadParser();
    catalog = tpchCatalog();
    addSystemCatalog(catalog);
  });

  for (const [i, q] of QUERIES.entries())
    it(`binds query ${i + 1}, first sent by ${q.command}`, () => {
      const bound = catalog.bind(q.sql);
      if (bound.kind !== 'query') throw new Error(`bound as ${bound.kind}`);
      verifyLogical(bound.plan);
      expect(printLogical(bound.plan)).not.toContain('unknown');
    });
});
