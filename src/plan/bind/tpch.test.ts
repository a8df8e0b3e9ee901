import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { queriesFor } from '../../../bench/tpch/queries.js';
import { printLogical } from '../logical/print.js';
import { verifyLogical } from '../logical/verify.js';
import { loadParser } from '../sql/parse.js';
import { type FakeCatalog, tpchCatalog } from './fake-catalog.js';

const GOLDENS = new URL('./goldens/', import.meta.url);

describe('the 22 queries of TPC-H', () => {
  let catalog: FakeCatalog;
  beforeAll(async () => {
    await loadParser();
    catalog = tpchCatalog();
  });

  it('binds query 15 with its view', () => {
    const own = tpchCatalog();
    const [create, select] = queriesFor(1)[14].viewStatements ?? [];
    if (create === undefined || select === undefined) throw new Error('query 15 has a view');
    own.run(create);
    const bound = own.bind(select);
    if (bound.kind !== 'query') throw new Error(`bound as ${bound.kind}`);
    verifyLogical(bound.plan);
  });

  for (const q of queriesFor(1))
    it(`binds query ${q.number}`, () => {
      const bound = catalog.bind(q.sql);
      if (bound.kind !== 'query') throw new Error(`bound as ${bound.kind}`);
      verifyLogical(bound.plan);
      const text = `${q.name}\n${bound.output.map((o) => o.name).join(', ')}\n\n${printLogical(bound.plan)}\n`;
      const golden = new URL(`q${String(q.number).padStart(2, '0')}.txt`, GOLDENS);
      if (process.env.UPDATE_GOLDEN === '1') {
        mkdirSync(GOLDENS, { recursive: true });
        writeFileSync(golden, text);
      }
      expect(text).toBe(readFileSync(golden, 'utf8'));
    });
});
